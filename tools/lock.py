"""Refresh the locks of the generated project, with the commands that its own README gives.

One development lock is made for each DVC plugin that a remote may need:
templates/requirements-dev/PLUGIN.lock, and one requirements.lock and one requirements-serving.lock
for all of them.

    .venv/bin/python tools/lock.py [--upgrade]
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from cookiecutter.main import cookiecutter

ROOT = Path(__file__).resolve().parent.parent
PROJECT = ROOT / "{{cookiecutter.project_slug}}"
DEV_LOCKS = ROOT / "templates" / "requirements-dev"
REMOTES = {
    "core": "",
    "s3": "s3://bucket",
    "gs": "gs://bucket",
    "azure": "azure://container",
    "ssh": "ssh://host/directory",
}
COMPILE = ["uv", "pip", "compile", "--quiet", "--python-version", "3.11"]
RUN, SERVING, DEV = "requirements.lock", "requirements-serving.lock", "requirements-dev.lock"
SHARED = {
    RUN: ["pyproject.toml"],
    SERVING: ["--group", "serving", "-c", RUN],
}
FOR_PLUGIN = ["--group", "dev", "-c", RUN, "-c", SERVING]


def bake(remote: str, where: str) -> Path:
    """Generate a project, without its hooks, that uses `remote`."""
    answers = {"project_name": "Lock", "dvc_remote": remote, "create_environment": False}
    return Path(
        cookiecutter(
            str(ROOT), no_input=True, extra_context=answers, output_dir=where, accept_hooks=False
        )
    )


def compile_lock(project: Path, what: list[str], lock: str, kept: Path) -> None:
    """Compile one lock of a generated project, and keep it in the template."""
    command = [*COMPILE, *what, "-o", lock, *sys.argv[1:]]
    subprocess.run(command, cwd=project, check=True)
    kept.write_bytes((project / lock).read_bytes())


def main() -> None:
    """Compile every lock, starting from the versions that are locked now."""
    (PROJECT / SERVING).touch()
    for plugin, remote in REMOTES.items():
        (DEV_LOCKS / f"{plugin}.lock").touch()
        with tempfile.TemporaryDirectory() as where:
            project = bake(remote, where)
            if plugin == "core":
                for lock, what in SHARED.items():
                    compile_lock(project, what, lock, PROJECT / lock)
            compile_lock(project, FOR_PLUGIN, DEV, DEV_LOCKS / f"{plugin}.lock")
        print(f"{plugin}: locked")


if __name__ == "__main__":
    main()
