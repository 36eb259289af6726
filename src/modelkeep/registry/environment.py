"""The environment that a version was made in: this one, or a new one made by uv."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from modelkeep.registry.metadata import Metadata
from modelkeep_core.errors import UserError

PYTHON, DEVELOPMENT = ".python-version", "requirements-dev.lock"
ENVIRONMENT = "environment"
QUESTION = """
import json, platform, sys
from importlib.metadata import PackageNotFoundError, version
libraries = {}
for name in sys.argv[1:]:
    try:
        libraries[name] = version(name)
    except PackageNotFoundError:
        libraries[name] = "missing"
print(json.dumps([platform.python_version(), libraries]))
"""


@dataclass(frozen=True)
class Installed:
    """What an environment has.

    Attributes:
        python: the version of Python.
        libraries: the version of each library that was asked for, or "missing".
    """

    python: str
    libraries: dict[str, str]


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


def installed(python: Path, libraries: Iterable[str]) -> Installed:
    """Return what the environment of a Python has.

    Raises:
        UserError: that Python does not run.
    """
    command = [str(python), "-P", "-c", QUESTION, *libraries]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        raise UserError(f"{python} does not run: {done.stderr.strip()}")
    return Installed(*json.loads(done.stdout))


def other_environment(
    project: Path, metadata: Metadata, here: Installed
) -> Iterator[tuple[str, str, str]]:
    """Yield what of an environment is not as a version recorded it: where, what and how.

    Args:
        project: the project, as the version's commit has it.
        metadata: those of the version.
        here: the environment that it was rebuilt in.
    """
    for sentence in metadata.get("unlocked", []):
        yield ENVIRONMENT, sentence, "not the locked one when it was made"
    for path in metadata["recipe"]["environment"]:
        if Path(path).name == PYTHON and (project / path).is_file():
            wanted = (project / path).read_text(encoding="utf-8").strip()
            if wanted.split(".")[:2] != here.python.split(".")[:2]:
                yield ENVIRONMENT, "Python", f"{wanted}, here {here.python}"
    for name, wanted in metadata["libraries"].items():
        if here.libraries[name] != wanted:
            yield ENVIRONMENT, name, f"{wanted}, here {here.libraries[name]}"


def _wanted(locks: list[Path]) -> str:
    """Return the Python that stands beside a lock, in the words of uv; else this one."""
    for lock in locks:
        if (file := lock.with_name(PYTHON)).is_file():
            return file.read_text(encoding="utf-8").strip()
    return sys.executable
