"""Generate a project, train it, compare two models, restore the first: what `make demo` shows.

Every command is printed before it runs, as a person would type it. The project stays where it was
made, to be looked at.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMPARE = "dvc exp show --only-changed --hide-workspace --no-pager --drop"
WALK = [
    "ls",
    "dvc repro",
    "git add . && git commit --quiet -m 'Train the first model'",
    "dvc push --quiet && modelkeep register && modelkeep promote v1.0.0 prod",
    "dvc metrics show",
    "dvc exp run --quiet --name looser --set-param train.LogisticRegression.C=1",
    COMPARE + " 'Created|models|reports|.*accuracy|roc|log'",
    "dvc metrics diff",
    "git add . && git commit --quiet -m 'Loosen the regularisation'",
    "dvc push --quiet && modelkeep register",
    "modelkeep diff prod v1.1.0",
    "modelkeep promote v1.1.0 prod",
    "modelkeep list",
    "cp -r package ../second",
    "git checkout --quiet HEAD~1 && dvc checkout --quiet && dvc metrics show",
    "git checkout --quiet - && dvc checkout --quiet && diff -r package ../second && echo identical",
    "head -n 34 package/MODEL_CARD.md",
]


def show(command: str, directory: Path, environment: dict[str, str]) -> None:
    """Print a command and run it; stop the demonstration where it fails."""
    print(f"\n\033[1m$ {command}\033[0m", flush=True)
    subprocess.run(["bash", "-c", command], cwd=directory, env=environment, check=True)


def main() -> None:
    """Run the whole demonstration in a new temporary directory."""
    directory = Path(tempfile.mkdtemp(prefix="dvc-pipeline-demo-"))
    commands = Path(sys.executable).parent
    identity = {
        f"GIT_{who}_{what}": text
        for who in ("AUTHOR", "COMMITTER")
        for what, text in (("NAME", "Demo"), ("EMAIL", "demo@example.org"))
    }
    environment = os.environ | identity | {"DVC_SITE_CACHE_DIR": str(directory / "dvc-site")}
    path = f"{commands}{os.pathsep}{environment['PATH']}"
    generate = f"cookiecutter '{ROOT}' --no-input project_name='Penguin species'"
    show(generate, directory, environment | {"PATH": path})
    project = directory / "penguin-species"
    path = f"{project / '.venv' / 'bin'}{os.pathsep}{path}"
    for command in WALK:
        show(command, project, environment | {"PATH": path})
    print(f"\nThe project is {project}: its README.md goes on from here.")


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as failed:
        sys.exit(f"\nThe demonstration stopped: a command failed with status {failed.returncode}.")
