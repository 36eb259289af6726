"""The locked environment: what requirements.lock says, and whether that is what is installed."""

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from packaging.requirements import Requirement

from pipeline.refusal import Refusal


def locked(lock: Path) -> dict[str, str]:
    """Return name and version of each package that the lock asks for on this machine."""
    found = {}
    for line in lock.read_text(encoding="utf-8").splitlines():
        if "==" in line and line[:1].isalnum():
            requirement = Requirement(line.rstrip("\\ "))
            if requirement.marker is None or requirement.marker.evaluate():
                found[requirement.name] = str(requirement.specifier).removeprefix("==")
    return found


def check_installed(lock: Path) -> None:
    """Make sure that the environment is the locked one, so that the lineage tells the truth.

    Raises:
        Refusal: a package is missing or has another version than the lock says.
    """
    for name, wanted in locked(lock).items():
        try:
            installed = version(name)
        except PackageNotFoundError:
            installed = "missing"
        if installed != wanted:
            raise Refusal(
                f"{lock} says {name} {wanted}, and here it is {installed}. Install what is locked:"
                f"\n  python -m pip install --require-hashes -r {lock} -r requirements-dev.lock"
            )
