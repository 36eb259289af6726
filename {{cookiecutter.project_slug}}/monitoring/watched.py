"""The package whose model is watched: opened for what it says, the model itself is not loaded."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.files import read_json
from pipeline.packaged import MANIFEST, check_manifest
from pipeline.refusal import Refusal
from pipeline.schema import Schema, read_schema

PROFILE = "profile.json"


@dataclass(frozen=True)
class Watched:
    """What a package says of its model: metadata (model.json), contract, reference profile."""

    metadata: dict[str, Any]
    schema: Schema
    profile: dict[str, Any]

    @property
    def recipe_id(self) -> str:
        """The recipe, by which the records name the model."""
        return self.metadata["recipe_id"]


def read_watched(directory: Path) -> Watched:
    """Check and read a package.

    Raises:
        Refusal: it is none, a file is missing or changed, or it has no reference profile.
    """
    check_manifest(directory)
    if PROFILE not in read_json(directory / MANIFEST)["files"]:
        raise Refusal(
            f"{directory} has no {PROFILE} to compare with: it was made before there was one. "
            "`dvc repro` makes a package that has it."
        )
    return Watched(
        read_json(directory / "model.json"),
        read_schema(directory / "schema.yaml"),
        read_json(directory / PROFILE),
    )
