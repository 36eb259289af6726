"""Refresh the locks of the generated project, with the commands that its own README gives.

One development lock is made for each DVC plugin that a remote may need:
templates/requirements-dev/PLUGIN.lock, and one requirements.lock for all of them.

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
COMPILE = ["uv", "pip", "compile", "--quiet", "--python-version", "3.11", "pyproject.toml"]


def bake(remote: str, where: str) -> Path:
    """Generate a project, without its hooks, that uses `remote`."""
    answers = {"project_name": "Lock", "dvc_remote": remote, "create_environment": False}
    return Path(
        cookiecutter(
            str(ROOT), no_input=True, extra_context=answers, output_dir=where, accept_hooks=False
        )
    )


def main() -> None:
    """Compile every lock, starting from the versions that are locked now."""
    upgrade = sys.argv[1:]
    for plugin, remote in REMOTES.items():
        (DEV_LOCKS / f"{plugin}.lock").touch()
        with tempfile.TemporaryDirectory() as where:
            project = bake(remote, where)
            run = ["-o", "requirements.lock", *upgrade]
            dev = ["--group", "dev", "-c", "requirements.lock", "-o", "requirements-dev.lock"]
            if plugin == "core":
                subprocess.run([*COMPILE, *run], cwd=project, check=True)
                (PROJECT / "requirements.lock").write_bytes(
                    (project / "requirements.lock").read_bytes()
                )
            compile_dev = [*COMPILE[:-1], *dev, *upgrade]
            subprocess.run(compile_dev, cwd=project, check=True)
            (DEV_LOCKS / f"{plugin}.lock").write_bytes(
                (project / "requirements-dev.lock").read_bytes()
            )
        print(f"{plugin}: locked")


if __name__ == "__main__":
    main()
