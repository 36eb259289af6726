"""The locked environment: what requirements.lock says, and whether that is what is installed."""

import hashlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from modelkeep_core import __version__
from modelkeep_core.errors import UserError
from modelkeep_core.installing import install
from modelkeep_core.merges import check_merged
from modelkeep_core.wheel import rebuilt

PYTHON = ".python-version"
# The library whose installed bytes are compared with the lock: it decides what a model is
LIBRARY = "modelkeep-core"
HASH = "--hash=sha256:"
# The variable with which a person goes on in another environment than the locked one
UNLOCKED = "MODELKEEP_UNLOCKED"


@dataclass(frozen=True)
class Locked:
    """A package as a lock names it.

    Attributes:
        version: its version.
        hashes: the SHA-256 of each file that may be installed.
    """

    version: str
    hashes: frozenset[str]


def read_lock(lock: Path) -> dict[str, Locked]:
    """Return each package that a lock asks for on this machine, by its name."""
    return {
        requirement.name: Locked(str(requirement.specifier).removeprefix("=="), hashes)
        for requirement, hashes in _requirements(lock)
        if requirement.marker is None or requirement.marker.evaluate()
    }


def locked(lock: Path) -> dict[str, str]:
    """Return name and version of each package that a lock asks for on this machine."""
    return {name: package.version for name, package in read_lock(lock).items()}


def check_environment(lock: Path) -> None:
    """Make sure that the environment is the locked one, so that the lineage tells the truth.

    Raises:
        UserError: naming what is another one, what the lock says, and how to install that; the
            lock is missing, or does not name modelkeep-core.
    """
    here = ".".join(map(str, sys.version_info[:2]))
    for difference in differences(lock):
        command = install(f"--require-hashes -r {lock} -r requirements-dev.lock")
        remedy = f"Install what is locked:\n  {command}"
        if difference.startswith(str(lock.with_name(PYTHON))):
            remedy = (
                "Make the environment with that Python, or write "
                f"{here} into the file: models are then made, and named, anew."
            )
        raise UserError(
            f"{difference}. {remedy}\n"
            f"With {UNLOCKED}=1 it goes on all the same, and the model is not reproducible.",
            "how-to/environment.md",
        )


def differences(lock: Path) -> Iterator[str]:
    """Yield in what the environment is not the locked one, a sentence for each package.

    Every package has the locked version; modelkeep-core is, byte for byte, the wheel that the lock
    names; Python is of the version that .python-version beside the lock names, if there is one.

    Raises:
        UserError: the lock is missing, or does not name modelkeep-core.
    """
    if not lock.is_file():
        raise UserError(f"{lock} is missing.")
    packages = read_lock(lock)
    if all(canonicalize_name(name) != LIBRARY for name in packages):
        raise UserError(
            f"{lock} does not name {LIBRARY}, which decides what a model is. Add it with the "
            f"SHA-256 of its wheel: {LIBRARY}=={__version__} --hash=sha256:..."
        )
    for name, package in packages.items():
        wanted = f"{lock} says {name} {package.version}, and here it is"
        try:
            installed = distribution(name)
        except PackageNotFoundError:
            yield f"{wanted} missing"
            continue
        if installed.version != package.version:
            yield f"{wanted} {installed.version}"
        elif canonicalize_name(name) == LIBRARY and _sha256(installed) not in package.hashes:
            yield f"{wanted} an edited, editable or other build of it"
    python = lock.with_name(PYTHON)
    here = ".".join(map(str, sys.version_info[:2]))
    if python.is_file():
        version = python.read_text(encoding="utf-8").strip()
        check_merged(version, str(python))
        if ".".join(version.split(".")[:2]) != here:
            yield f"{python} says Python {version}, and here it is {here}"


def _requirements(lock: Path) -> Iterator[tuple[Requirement, frozenset[str]]]:
    text = lock.read_text(encoding="utf-8")
    check_merged(text, str(lock))
    for line in text.replace("\\\n", " ").splitlines():
        if "==" in line and line[:1].isalnum():
            named, *hashes = line.split(HASH)
            yield Requirement(named.strip()), frozenset(part.strip() for part in hashes)


def _sha256(installed: Distribution) -> str | None:
    content = rebuilt(installed)
    return None if content is None else hashlib.sha256(content).hexdigest()
