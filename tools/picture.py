"""Take the pictures that the README shows: `make picture`.

A project is generated, trained twice, and the page of `dvc plots diff` is photographed by a
headless Chromium (`chromium`, `google-chrome`, or the program that CHROMIUM names). Another one is
given a past by sample.py, and the view over time of its `modelkeep site` is photographed.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Each with its size
COMPARISON, SITE = (ROOT / "docs" / f"{name}.png" for name in ("comparison", "site"))
SIZES = {COMPARISON: "1100,905", SITE: "1280,840"}
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
STEPS = (
    "dvc repro --quiet && git add . && git commit --quiet -m 'Train the first model'",
    "dvc exp run --quiet --set-param train.LogisticRegression.C=0.001",
    "dvc plots diff",
)


def browser() -> str:
    """Return the path of a Chromium.

    Raises:
        SystemExit: there is none.
    """
    for name in (os.environ.get("CHROMIUM", ""), *BROWSERS):
        if program := shutil.which(name):
            return program
    sys.exit("error: there is no Chromium here: install it, or name it in CHROMIUM.")


def photograph(address: str, picture: Path, directory: str) -> None:
    """Write what a page looks like, in the size of the picture."""
    subprocess.run(
        [
            *(browser(), "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
            *("--no-first-run", f"--user-data-dir={directory}/browser"),
            *("--virtual-time-budget=10000", f"--window-size={SIZES[picture]}"),
            *(f"--screenshot={picture}", address),
        ],
        check=True,
        timeout=120,
    )
    print(f"{picture}: look at it.")


def compare(directory: str) -> None:
    """Generate, train twice, and take the picture of both."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    generate = ["cookiecutter", str(ROOT), "--no-input", "--output-dir", directory]
    subprocess.run(generate, check=True, env=os.environ | {"PATH": path})
    project = Path(directory, "my-model")
    path = f"{project / '.venv' / 'bin'}{os.pathsep}{path}"
    for step in STEPS:
        subprocess.run(
            ["bash", "-c", step], cwd=project, check=True, env=os.environ | {"PATH": path}
        )
    page = project / "dvc_plots" / "index.html"
    photograph(page.as_uri(), COMPARISON, directory)


def show_all(directory: str, project: Path) -> None:
    """Take the picture of all versions of a project."""
    command = [str(project / ".venv" / "bin" / "modelkeep"), "site", f"{directory}/site"]
    subprocess.run(command, cwd=project, check=True)
    page = Path(directory, "site", "index.html")
    photograph(f"{page.as_uri()}#/time", SITE, directory)


def main() -> None:
    """Take both pictures; of a project with a past, where one is named, only the second."""
    from sample import make

    browser()
    with tempfile.TemporaryDirectory() as directory:
        if len(sys.argv) > 1:
            show_all(directory, Path(sys.argv[1]).resolve())
            return
        compare(directory)
        show_all(directory, make(Path(directory)))


if __name__ == "__main__":
    main()
