"""What `verify` proved, as an in-toto statement that others can show and sign."""

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

from modelkeep import __version__
from modelkeep.registry.catalogue import Catalogue, making, package_of
from modelkeep.registry.environment import Installed
from modelkeep.registry.version import Version
from modelkeep_core import __version__ as core_version
from modelkeep_core.errors import UserError
from modelkeep_core.files import write_json
from modelkeep_core.leftover import discard

# https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md
STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "urn:modelkeep:verify:1"


def check_target(path: Path) -> None:
    """Make sure, before anything is rebuilt, that a file can be written.

    Raises:
        UserError: it cannot.
    """
    if path.is_dir():
        raise UserError(f"{path} is a directory: name a file for the attestation.")
    if not path.parent.is_dir():
        raise UserError(f"{path} cannot be written: {path.parent} is no directory.")
    if not os.access(path.parent, os.W_OK):
        raise UserError(f"{path} cannot be written: {path.parent} does not let you.")


def attest(
    path: Path,
    catalogue: Catalogue,
    version: Version,
    result: str,
    differences: list[Sequence[str]],
    here: Installed,
) -> None:
    """Write the statement on a version that was rebuilt; it appears whole or not at all.

    Args:
        path: the file.
        catalogue: the versions.
        version: the version.
        result: "bytes" where all bytes are the same, "rounding" where predictions are.
        differences: stage, file and kind of what is not the same.
        here: the environment that it was rebuilt in.

    Raises:
        UserError: the file cannot be written.
    """
    try:
        write_json(path, statement(catalogue, version, result, differences, here))
    except OSError as error:
        raise UserError(
            f"{version.label} was rebuilt, but {path} cannot be written: {error.strerror}."
        ) from None
    finally:
        discard(path.with_name(f"{path.name}.partial"))


def statement(
    catalogue: Catalogue,
    version: Version,
    result: str,
    differences: list[Sequence[str]],
    here: Installed,
) -> dict[str, Any]:
    """Return the statement: its subject is the version, by the SHA-256 of its model.json."""
    metadata = catalogue.records.committed(version) or b""
    pipeline = catalogue.pipeline(version)
    _, content = package_of(pipeline, version)
    return {
        "_type": STATEMENT,
        "subject": [
            {
                "name": f"{version.model}@{version.label}",
                "digest": {"sha256": sha256(metadata).hexdigest()},
            }
        ],
        "predicateType": PREDICATE,
        "predicate": {
            "recipe_id": catalogue.records.of(version)["recipe_id"],
            "content_id": content.removesuffix(".dir"),
            "commit": version.commit,
            "result": result,
            "differences": [
                dict(zip(("stage", "file", "difference"), row, strict=True)) for row in differences
            ],
            "stages": [stage.name for stage in making(pipeline, version)[0].stages],
            "when": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "tools": {
                "modelkeep": __version__,
                "modelkeep-core": core_version,
                "dvc": version_of("dvc"),
            },
            "python": here.python,
            "platform": f"{platform.system()} {platform.machine()}",
        },
    }
