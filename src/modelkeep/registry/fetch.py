"""`fetch`: put the package of a version into a directory, verified; what a deployment runs."""

import argparse
import shutil
from pathlib import Path
from typing import Any

from modelkeep.appearing import appearing
from modelkeep.place import path_given
from modelkeep.registry.catalogue import Catalogue
from modelkeep.registry.consumer_lock import locked, locked_version, write_locked
from modelkeep.registry.outputs import package_output
from modelkeep.registry.reference import find, stage_of
from modelkeep.registry.same_recipe import check_recipe_id
from modelkeep.registry.storage import md5, storage_of
from modelkeep.registry.version import Version
from modelkeep.registry.vouching import is_whole
from modelkeep_core.errors import UserError
from modelkeep_core.packaged import check_manifest


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's own options."""
    parser.add_argument("reference", metavar="REF", help="the version; with --locked, the model")
    parser.add_argument(
        "directory", metavar="DIR", nargs="?", type=path_given, help="a directory to be made"
    )
    lock = parser.add_mutually_exclusive_group()
    lock.add_argument(
        "--lock", metavar="FILE", type=path_given, help="write down which version that is, exactly"
    )
    lock.add_argument(
        "--locked", metavar="FILE", type=path_given, help="take what was written down, exactly"
    )


def run(catalogue: Catalogue, args: argparse.Namespace) -> tuple[Any, str]:
    """Fetch the package.

    Raises:
        UserError: there is no such version, its bytes are nowhere, the directory exists, or it is
            not what was locked.
    """
    if args.directory is None and not args.lock:
        raise UserError(f"name a directory to be made: `modelkeep fetch {args.reference} DIR`.")
    if args.locked:
        if args.allowed_signers:
            raise UserError(
                "--locked takes what was checked when it was locked: --allowed-signers goes with "
                "--lock."
            )
        version = locked_version(catalogue, args.locked, args.reference)
    else:
        version = find(catalogue, args.reference, to_use=True, signed=True)
    lines = [] if args.directory is None else [placed(catalogue, version, args.directory)]
    if args.lock:
        stage = stage_of(catalogue, args.reference, version)
        write_locked(args.lock, version.model, locked(catalogue, version, stage))
        commit = version.commit[:12]
        lines.append(f"{args.lock} has {version.model} {version.label}, commit {commit}.")
    return None, "\n".join(lines)


def placed(catalogue: Catalogue, version: Version, directory: Path) -> str:
    """Make sure that a directory is the package of a version, and say so.

    Raises:
        UserError: its bytes are nowhere, or the directory is something else.
    """
    if not directory.exists():
        fetch(catalogue, version, directory)
    elif not fetched(catalogue, version, directory):
        raise UserError(
            f"{directory} exists, and is not {version.label}: remove it, or name another."
        )
    return f"{directory}: {version.model} {version.label}, verified."


def fetch(catalogue: Catalogue, version: Version, directory: Path) -> None:
    """Put a package into a directory that is not there yet; it appears whole or not at all.

    Each file has the MD5 that the committed dvc.lock says and the SHA-256 that the committed
    metadata say.

    Raises:
        UserError: an object is missing or damaged everywhere, the package is not whole, or its
            recipe id is not that of its recipe.
    """
    check_recipe_id(version, catalogue.records.of(version))
    package = package_output(catalogue, version)
    path = package.path
    try:
        with (
            storage_of(catalogue.git, version) as opened,
            appearing(directory, directory=True) as partial,
        ):
            storage = opened.of(package.remote)
            files = storage.files(package.md5, path)
            storage.get({name: f"{path}/{file}" for file, name in files.items()})
            for file, name in files.items():
                target = partial / file
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(storage.path(name), target)
            _let_read(partial)
            if not is_package_of(catalogue, version, partial):
                raise UserError(
                    f"the package of {version.label} does not have the metadata that are committed."
                )
            if not is_whole(partial):
                raise UserError(
                    f"the package of {version.label} does not have exactly the files that its "
                    "committed metadata list."
                )
    except OSError as error:
        raise UserError(f"{directory} cannot be written: {error.strerror}.") from None


def _let_read(directory: Path) -> None:
    """Let everybody read a package, whatever the umask: a server in an image is another user."""
    for path in (directory, *directory.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def fetched(catalogue: Catalogue, version: Version, directory: Path) -> bool:
    """Say whether a directory has what `fetch` would put there.

    Raises:
        UserError: a file of it is missing or changed, or it is not known what should be there.
    """
    check_recipe_id(version, catalogue.records.of(version))
    if not is_package_of(catalogue, version, directory):
        return False
    package = package_output(catalogue, version)
    with storage_of(catalogue.git, version) as storage:
        files = storage.of(package.remote).files(package.md5, package.path)
    return all(
        (directory / file).is_file() and md5(directory / file) == name
        for file, name in files.items()
    )


def is_package_of(catalogue: Catalogue, version: Version, directory: Path) -> bool:
    """Say whether a directory is the package of a version.

    Raises:
        UserError: a file of it is missing or changed.
    """
    if not (directory / "model.json").is_file():
        return False
    check_manifest(directory)
    return (directory / "model.json").read_bytes() == catalogue.records.committed(version)
