"""Whether the repository that data were imported from still has their bytes."""

import hashlib
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from modelkeep.registry.dvc_lock import read_yaml
from modelkeep.registry.git import Git, opened, without_password
from modelkeep.registry.outputs import Output
from modelkeep.registry.storage import Storage
from modelkeep.registry.version import Version
from modelkeep_core.errors import UserError


def check_source(git: Git, version: Version, output: Output, storage: Storage) -> None:
    """Make sure that imported data can be imported again: `dvc push` sends nothing of them.

    Each file must be in a commit of the other repository, or in its cache or DVC remote.

    Args:
        git: the repository of the version.
        version: the version.
        output: the imported output.
        storage: cache and remote of the version's project.

    Raises:
        UserError: the other repository cannot be reached, or does not have all of it any more.
    """
    pointer = str(output.imported)
    source, path, revision, special = _read(git, version, pointer)
    if special:
        print(
            f"note: {pointer} reaches {without_password(source)} with settings of its own: whether "
            "it still has the bytes is not checked.",
            file=sys.stderr,
        )
        return
    files = storage.of(output.remote).files(output.md5, output.path)
    where, source = _here(git, version, source), without_password(source)
    try:
        with opened(where) as other, _storage_in(other, where, revision) as kept:
            lost = _lost(other, revision, path, files, kept)
    except UserError as error:
        raise UserError(
            f"whether {source} still has {output.path} ({pointer}) cannot be told: {error} "
            "--local accepts the risk."
        ) from None
    if lost:
        more = f" and {len(lost) - 1} more" if len(lost) > 1 else ""
        raise UserError(
            f"{output.path} was imported from {source}, which does not have {lost[0]}{more} any "
            f"more: whoever clones this cannot have it. `dvc push` in {source} sends it, or, to "
            f"keep the data here, `rm {pointer}` and `dvc add {output.path}`; --local accepts the "
            "risk."
        )


def _read(git: Git, version: Version, pointer: str) -> tuple[str, str, str, bool]:
    """Return URL, path, commit, and whether there are settings for this import alone."""
    content = read_yaml(git, version.commit, version.directory + pointer)
    try:
        (dep,) = content["deps"]
        repo: dict[str, Any] = dep["repo"]
        special = "config" in repo or "remote" in repo
        return str(repo["url"]), str(dep["path"]), str(repo["rev_lock"]), special
    except (KeyError, TypeError, ValueError):
        raise UserError(
            f"{pointer} of commit {version.commit[:7]} is not as DVC writes it."
        ) from None


def _here(git: Git, version: Version, source: str) -> str:
    """Return a source as it is reached from where this runs; a path is relative to the project."""
    project = Path(git.directory, os.path.relpath(version.directory or ".", git.prefix or "."))
    return str(project / source) if (project / source).is_dir() else source


@contextmanager
def _storage_in(other: Git, where: str, revision: str) -> Iterator[Storage | None]:
    """Open the storage of another repository, as DVC does for an import; None where it has none.

    Of a directory these are the settings of today, of a clone those of the commit.
    """
    if (Path(where) / ".dvc").is_dir():
        yield Storage(Path(where) / ".dvc")
        return
    if other.commit(revision) is None:
        raise UserError(f"it has no commit {revision[:7]}.")
    settings = other.read_one(f"{revision}:.dvc/config")
    if settings is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="registry-") as directory:
        Path(directory, "config").write_bytes(settings)
        yield Storage(Path(directory), lasting=False)


def _lost(
    other: Git, revision: str, path: str, files: dict[str, str], kept: Storage | None
) -> list[str]:
    """Return the files that are neither in Git nor in DVC of the other repository."""
    if other.commit(revision) is None:
        raise UserError(f"it has no commit {revision[:7]}.")
    paths = {file: f"{path}/{file}".rstrip("/") for file in files}
    contents = other.read(f"{revision}:{place}" for place in paths.values())
    outside = {
        file: files[file]
        for file, content in zip(paths, contents, strict=True)
        if content is None or hashlib.md5(content).hexdigest() != files[file]
    }
    if not outside:
        return []
    if kept is None:
        return [paths[file] for file in outside]
    present = kept.in_remote(outside.values()) if kept.remote else kept.in_cache(outside.values())
    return [paths[file] for file, name in outside.items() if name not in present]
