"""The reference package: opened for what it says, while its model is not loaded."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelkeep_core.errors import UserError
from modelkeep_core.files import read_json
from modelkeep_core.packaged import MANIFEST, check_format, check_manifest
from modelkeep_core.schema import Schema, read_schema

PROFILE = "profile.json"


@dataclass(frozen=True)
class ReferencePackage:
    """What the package of a served model says of it.

    Attributes:
        metadata: the content of model.json.
        schema: the contract of its inputs.
        profile: the reference profile: how training rows and predictions are distributed.
    """

    metadata: dict[str, Any]
    schema: Schema
    profile: dict[str, Any]

    @property
    def recipe_id(self) -> str:
        """The recipe, by which the records name the model."""
        return self.metadata["recipe_id"]


def read_reference(directory: Path) -> ReferencePackage:
    """Check and read a package.

    Raises:
        UserError: it is no package or of a newer format, a file is missing or changed, or it has no
            reference profile.
    """
    check_manifest(directory)
    if PROFILE not in read_json(directory / MANIFEST)["files"]:
        raise UserError(
            f"{directory} has no {PROFILE} to compare with: `dvc repro` makes the package again."
        )
    metadata = read_json(directory / "model.json")
    check_format(metadata, directory / "model.json")
    return ReferencePackage(
        metadata,
        read_schema(directory / "schema.yaml"),
        read_json(directory / PROFILE),
    )
