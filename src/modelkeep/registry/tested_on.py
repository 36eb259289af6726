"""The rows that a version was tested on: which they are, and getting them."""

from pathlib import Path

from modelkeep.registry.catalogue import Catalogue
from modelkeep.registry.files import file_of
from modelkeep.registry.version import Version
from modelkeep_core.errors import UserError
from modelkeep_core.files import sha256


def named_test_rows(catalogue: Catalogue, version: Version) -> tuple[str, str]:
    """Return path and SHA-256 of the test rows that the metadata of a version name.

    Raises:
        UserError: they name none.
    """
    test = catalogue.records.of(version).get("test")
    if isinstance(test, dict):
        path, digest = test.get("path"), test.get("sha256")
        if isinstance(path, str) and isinstance(digest, str):
            return path, digest
    raise UserError(f"the metadata of {version.label} name no test rows: nothing to score on.")


def put_test_rows(catalogue: Catalogue, version: Version, target: Path) -> None:
    """Write the test rows of a version, from Git or from what DVC keeps.

    Raises:
        UserError: the metadata name none, they are nowhere, or they are not what was tested on.
    """
    path, digest = named_test_rows(catalogue, version)
    target.write_bytes(_content(catalogue, version, path))
    if sha256(target) != digest:
        raise UserError(
            f"{path} of commit {version.commit[:7]} is not what its metadata name: `dvc repro` "
            "and commit."
        )


def _content(catalogue: Catalogue, version: Version, path: str) -> bytes:
    content = file_of(catalogue, version, path)
    if content is None:
        raise UserError(
            f"commit {version.commit[:7]} has no {path}, which its metadata name: nothing to score "
            "on."
        )
    return content
