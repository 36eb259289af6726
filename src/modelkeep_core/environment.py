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
from modelkeep_core.wheel import rebuilt

PYTHON = ".python-version"
# The library whose installed bytes are held against the lock: it decides what a model is
LIBRARY = "modelkeep-core"
HASH = "--hash=sha256:"


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

    Every package has the locked version; modelkeep-core is, byte for byte, the wheel that the lock
    names; Python is of the version that .python-version beside the lock names, if there is one.

    Raises:
        UserError: naming what is another one, what the lock says, and how to install that; the
            lock is missing, or does not name modelkeep-core.
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
        try:
            installed = distribution(name)
        except PackageNotFoundError:
            raise UserError(_difference(lock, f"{name} {package.version}", "missing")) from None
        if installed.version != package.version:
            raise UserError(_difference(lock, f"{name} {package.version}", installed.version))
        if canonicalize_name(name) == LIBRARY and _sha256(installed) not in package.hashes:
            raise UserError(
                _difference(
                    lock, f"{name} {package.version}", "an edited, editable or other build of it"
                )
            )
    check_python(lock.with_name(PYTHON))


def check_python(file: Path) -> None:
    """Make sure that Python is of the minor version that a file names; without the file, any is.

    Raises:
        UserError: it is another one.
    """
    if not file.is_file():
        return
    wanted = file.read_text(encoding="utf-8").strip()
    here = ".".join(map(str, sys.version_info[:2]))
    if ".".join(wanted.split(".")[:2]) != here:
        raise UserError(
            f"{file} says Python {wanted}, and here it is {here}. Make the environment with Python "
            f"{wanted}, or write {here} into {file}: models are then made, and named, anew."
        )


def _requirements(lock: Path) -> Iterator[tuple[Requirement, frozenset[str]]]:
    text = lock.read_text(encoding="utf-8").replace("\\\n", " ")
    for line in text.splitlines():
        if "==" in line and line[:1].isalnum():
            named, *hashes = line.split(HASH)
            yield Requirement(named.strip()), frozenset(part.strip() for part in hashes)


def _sha256(installed: Distribution) -> str | None:
    content = rebuilt(installed)
    return None if content is None else hashlib.sha256(content).hexdigest()


def _difference(lock: Path, wanted: str, installed: str) -> str:
    return (
        f"{lock} says {wanted}, and here it is {installed}. Install what is locked:"
        f"\n  python -m pip install --require-hashes -r {lock} -r requirements-dev.lock"
    )
