"""The environment that a version was made in: this one, or a new one made by uv."""

import os
import subprocess
import sys
from pathlib import Path

from modelkeep.registry.metadata import Metadata
from modelkeep_core.errors import UserError

PYTHON, DEVELOPMENT = ".python-version", "requirements-dev.lock"


def environment(project: Path, metadata: Metadata, directory: Path) -> Path:
    """Return a Python that has what the locks of a version say.

    Args:
        project: the project, as the version's commit has it.
        metadata: those of the version, whose recipe names the locks.
        directory: where a new environment may be put.

    Raises:
        UserError: a new one was needed and could not be made.
    """
    from modelkeep_core.environment import check_environment

    named = metadata["recipe"]["environment"]
    locks = [project / path for path in named if Path(path).name != PYTHON]
    try:
        for lock in locks:
            check_environment(lock)
        return Path(sys.executable)
    except UserError:
        print("The version has another environment: making it.", file=sys.stderr)
    python = directory / "environment" / ("Scripts" if os.name == "nt" else "bin") / "python"
    development = project / DEVELOPMENT
    if development.is_file() and development not in locks:
        locks.append(development)
    uv = [sys.executable, "-m", "uv", "--quiet"]
    for step in (
        [*uv, "venv", "--no-project", "--python", _wanted(locks), str(directory / "environment")],
        [
            *(*uv, "pip", "install", "--python", str(python), "--require-hashes"),
            *(f"-r{lock}" for lock in locks),
        ],
    ):
        # A lock names the directory of its wheels relative to itself.
        done = subprocess.run(step, cwd=project, capture_output=True, encoding="utf-8", check=False)
        if done.returncode:
            raise UserError(f"the version's environment cannot be made: {done.stderr.strip()}")
    return python


def has_dvc(python: Path) -> bool:
    """Say whether a Python has DVC."""
    command = [str(python), "-P", "-c", "import dvc"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _wanted(locks: list[Path]) -> str:
    """Return the Python that stands beside a lock, in the words of uv; else this one."""
    for lock in locks:
        if (file := lock.with_name(PYTHON)).is_file():
            return file.read_text(encoding="utf-8").strip()
    return sys.executable
