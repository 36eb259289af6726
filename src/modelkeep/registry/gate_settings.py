"""What the gate goes by: the bounds in params.yaml, and how a version says it was evaluated."""

import tempfile
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveInt, ValidationError

from modelkeep.registry.catalogue import Catalogue
from modelkeep.registry.version import Version
from modelkeep_core.errors import UserError
from modelkeep_core.files import Section, read_yaml
from modelkeep_core.params import Seed, read_params

PARAMS, PROMOTE = "params.yaml", "promote"


class Bounds(Section):
    """The section `promote` of params.yaml.

    Attributes:
        thresholds: by metric, the score that a version needs: at least, or at most where low is
            good.
        allowed_loss: how much worse than the version in the stage its headline may be.
        findings: the severity from which on a finding refuses a version; None: none does.
    """

    thresholds: dict[str, float] = Field(default_factory=dict)
    allowed_loss: NonNegativeFloat = 0.0
    findings: Literal["warning", "note"] | None = None


class Finding(BaseModel):
    """A finding of `evaluate`, as far as the gate goes by it."""

    model_config = ConfigDict(extra="ignore")

    name: str
    severity: str


class Evaluated(BaseModel):
    """How a version was evaluated: what its metadata have in metrics.settings.

    Attributes:
        headline: the name of the metric that decides.
        seed, resamples, confidence: those of the bootstrap interval.
        findings: what is to be said of it: name and severity of each.
    """

    model_config = ConfigDict(extra="ignore")

    headline: str
    seed: Seed
    resamples: PositiveInt
    confidence: float = Field(gt=0, lt=1)
    findings: list[Finding] = Field(default_factory=list)


def params_file(catalogue: Catalogue, version: Version) -> str:
    """Return the file that a model has its parameters from, relative to its project.

    It is the one that the stage of its package was recorded with: a second model has its own.
    """
    pipeline = catalogue.pipeline(version)
    made = pipeline.producing_stage(pipeline.artifacts.get(version.name, ""))
    files = [*made[0].params] if made else []
    return files[0] if len(files) == 1 else PARAMS


def read_bounds(catalogue: Catalogue, version: Version, file: str = PARAMS) -> Bounds:
    """Return the bounds that the commit of a version has; none where it says nothing of them.

    Args:
        catalogue: the versions.
        version: one of the commit.
        file: the file of parameters, relative to the project.

    Raises:
        UserError: they cannot be used.
    """
    content = catalogue.git.read_one(f"{version.commit}:{version.directory}{file}")
    if content is None:
        return Bounds()
    with tempfile.TemporaryDirectory(prefix="registry-") as directory:
        path = Path(directory, PARAMS)
        path.write_bytes(content)
        try:
            params = read_yaml(path)
            if not isinstance(params, dict) or params.get(PROMOTE) is None:
                return Bounds()
            return read_params(path, PROMOTE, Bounds)
        except UserError as error:
            raise UserError(str(error).replace(str(path), file), error.page) from None


def read_evaluated(catalogue: Catalogue, version: Version) -> Evaluated:
    """Return how a version was evaluated.

    Raises:
        UserError: its metadata do not say.
    """
    metadata = catalogue.records.of(version)
    settings = metadata["metrics"].get("settings")
    if isinstance(settings, dict):
        settings = settings | {"findings": metadata.get("findings", [])}
    try:
        return Evaluated.model_validate(settings)
    except ValidationError as invalid:
        fault = invalid.errors()[0]
        above = () if fault["loc"][:1] == ("findings",) else ("metrics", "settings")
        where = ".".join(map(str, (*above, *fault["loc"])))
        raise UserError(
            f"the metadata of {version.label} cannot be used: {where}: {fault['msg']}."
        ) from None
