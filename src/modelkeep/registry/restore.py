"""`restore`: put code, parameters, data and model of a version into a directory of its own."""

import argparse
import subprocess
import sys
from pathlib import Path
from typing import Any

from modelkeep import text
from modelkeep.appearing import appearing
from modelkeep.place import path_given
from modelkeep.registry.catalogue import Catalogue
from modelkeep.registry.git import Git, GitError
from modelkeep.registry.metadata import raw_data
from modelkeep.registry.outputs import Output, check_objects, get_objects, outputs_of, remotes_of
from modelkeep.registry.reference import find
from modelkeep.registry.storage import Storage, md5, storage_of
from modelkeep.registry.version import Version
from modelkeep_core.errors import UserError, reason_of
from modelkeep_core.files import sha256
from modelkeep_core.foreign import inside


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's own options."""
    parser.add_argument("reference", metavar="REF", help="the version")
    parser.add_argument(
        "--into",
        metavar="DIR",
        type=path_given,
        help="a directory to be made (default: beside this one, with the version in its name)",
    )


def run(catalogue: Catalogue, args: argparse.Namespace) -> tuple[Any, str]:
    """Restore the version.

    Raises:
        UserError: there is no such version, its bytes are nowhere, or the directory exists.
    """
    version = find(catalogue, args.reference, signed=True)
    here = catalogue.git.directory.resolve()
    directory = args.into or here.with_name(f"{here.name}-{version.label}")
    if directory.exists():
        raise UserError(f"{directory} exists: name another directory with --into DIR.")
    outputs = outputs_of(catalogue, version)
    with storage_of(catalogue.git, version) as storage:
        check_objects(outputs, storage)
        try:
            with appearing(directory, directory=True) as partial:
                project = cloned(catalogue.git, version, partial)
                check_places(project, [".dvc/config.local"])
                storage.share_with(project / ".dvc", others=remotes_of(outputs))
                count = check_out(project, outputs)
                check_raw_data(catalogue, version, project)
        except OSError as error:
            raise UserError(f"{directory} cannot be written: {reason_of(error)}.") from None
    return None, (
        f"{directory / version.directory}: {version.model} {version.label}, commit "
        f"{text.short(version.commit)}, with {text.counted(count, 'file')} of data and models, "
        "verified."
    )


def cloned(git: Git, version: Version, directory: Path) -> Path:
    """Clone the repository, check out the commit of a version, and return its project.

    Raises:
        UserError: Git could not.
    """
    source = git.run("rev-parse", "--path-format=absolute", "--git-common-dir").strip()
    clone = Git(directory.parent)
    try:
        clone.run("clone", "--quiet", "--no-checkout", "--", source, str(directory.resolve()))
        clone = Git(directory)
        clone.run("checkout", "--quiet", "--detach", version.commit)
        if "origin" in git.run("remote").split():
            clone.run("remote", "set-url", "origin", git.run("remote", "get-url", "origin").strip())
    except GitError as error:
        raise UserError(f"commit {version.commit[:7]} cannot be cloned: {error}") from None
    return directory / version.directory


def check_places(project: Path, paths: list[str]) -> None:
    """Make sure that no link of a commit leads what is written now out of the project.

    Raises:
        UserError: one does.
    """
    for path in paths:
        if not (project / path).resolve().is_relative_to(project.resolve()):
            raise UserError(
                f"{path} leads out of the project, through a link that the commit has: nothing is "
                "written there."
            )


def check_out(project: Path, outputs: list[Output]) -> int:
    """Put outputs in place, by DVC, and verify every file of them by its MD5.

    Returns:
        The number of files.

    Raises:
        UserError: DVC could not, or a file is not what it should be.
    """
    check_places(project, [output.path for output in outputs])
    storage = Storage(project / ".dvc")
    get_objects(outputs, storage)
    for output in outputs:
        if output.imported:
            dvc(project, "fetch", output.imported)
    if outputs:
        # Without names, DVC would check out all that the commit has.
        dvc(project, "checkout", "--force", *(output.imported or output.path for output in outputs))
    count = 0
    for output in outputs:
        for file, name in storage.of(output.remote).files(output.md5, output.path).items():
            path = project / output.path / file
            if not path.is_file() or md5(path) != name:
                raise UserError(f"{output.path}/{file} is not what dvc.lock says.")
            count += 1
    return count


def check_raw_data(catalogue: Catalogue, version: Version, project: Path) -> None:
    """Make sure that raw data are those that a model was trained on, by their SHA-256.

    DVC names them by an MD5, which two files can share; the metadata, which Git keeps, do not.

    Raises:
        UserError: a file is another one.
    """
    ((_, record),) = catalogue.records.read([version])
    for path, digest in raw_data(record.metadata or {}).items():
        file = project / inside(path, "the project")
        if file.is_file() and sha256(file) != digest:
            raise UserError(
                f"{path} is not the file that {version.label} was made from: it has the MD5 that "
                "DVC keeps of it, and not the SHA-256 that model.json has."
            )


def dvc(project: Path, *arguments: str) -> None:
    """Run a DVC command in a project.

    Raises:
        UserError: it failed.
    """
    done = subprocess.run(
        # -P: files of the project are not taken for modules of Python.
        [sys.executable, "-P", "-m", "dvc", "--quiet", *arguments],
        cwd=project,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode:
        raise UserError(f"`dvc {arguments[0]}` failed: {done.stderr.strip()}")
