"""The reference package: opened for what it says, while its model is not loaded."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelkeep_core.errors import UserError
from modelkeep_core.files import read_json
from modelkeep_core.packaged import MANIFEST, check_format, check_manifest
from modelkeep_core.schema import Schema, read_schema

if TYPE_CHECKING:
    from modelkeep_core.metrics import Metric

PROFILE = "profile.json"


@dataclass(frozen=True)
class ReferencePackage:
    """What the package of a served model says of it.

    Attributes:
        metadata: the content of model.json.
        schema: the contract of its inputs.
        profile: the reference profile: how training rows and predictions are distributed.
        metrics: metrics of its project's own, by name.
    """

    metadata: dict[str, Any]
    schema: Schema
    profile: dict[str, Any]
    metrics: dict[str, "Metric"] = field(default_factory=dict)

    @property
    def recipe_id(self) -> str:
        """The recipe, by which the records name the model."""
        return self.metadata["recipe_id"]


def read_reference(directory: Path, trust_code: bool = False) -> ReferencePackage:
    """Check and read a package.

    Args:
        directory: the package.
        trust_code: whether somebody vouches for it, so that metrics that it carries may run.

    Raises:
        UserError: it is no package or of a newer format, a file is missing or changed, it has no
            reference profile, or metrics of its own that nobody vouches for.
    """
    check_manifest(directory)
    if PROFILE not in read_json(directory / MANIFEST)["files"]:
        raise UserError(
            f"{directory} has no {PROFILE} to compare with: `dvc repro` makes the package again."
        )
    metadata = read_json(directory / "model.json")
    check_format(metadata, directory / "model.json")
    own = {}
    if metadata["metrics"].get("code") or metadata["training"].get("interval"):
        # It imports scikit-learn, which takes long, and a report often needs none of it
        from modelkeep_core.own_metrics import packaged_metrics

        own = packaged_metrics(directory, metadata, trust_code)
    return ReferencePackage(
        metadata,
        read_schema(directory / "schema.yaml"),
        read_json(directory / PROFILE),
        own,
    )
