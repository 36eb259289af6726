"""What a run in MLflow says of a version: parameters, metrics and tags, within MLflow's limits."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from modelkeep.registry.catalogue import Catalogue, package_of
from modelkeep.registry.metadata import raw_data
from modelkeep.registry.version import Version

# What MLflow takes: characters of a key, its length, and the lengths of values
_KEY = re.compile(r"[^\w\-. /]", re.ASCII)
KEY, PARAM, TAG = 250, 6000, 5000
# What MLflow itself shows of the source of a run
COMMIT, AUTHOR, NOTE = "mlflow.source.git.commit", "mlflow.user", "mlflow.note.content"
# The id of the tag object of a version, by which its run is known again
IDENTITY = "modelkeep.tag_id"


@dataclass(frozen=True)
class Described:
    """A version, in the words of MLflow.

    Attributes:
        name: what its run is called.
        milliseconds: when it was registered, since 1970.
        params, metrics, tags: of its run.
        identity: those of the tags that its model version has as well.
        reason: why it was registered.
    """

    name: str
    milliseconds: int
    params: dict[str, str]
    metrics: dict[str, float]
    tags: dict[str, str]
    identity: dict[str, str]
    reason: str


def described(catalogue: Catalogue, version: Version) -> Described:
    """Describe a registered version.

    Raises:
        UserError: its commit has no metadata, or no package of it.
    """
    metadata, event = catalogue.records.of(version), version.event
    _, content = package_of(catalogue.pipeline(version), version)
    identity = {
        "modelkeep.version": version.label,
        "modelkeep.commit": version.commit,
        "modelkeep.recipe_id": metadata["recipe_id"],
        "modelkeep.content_id": content.removesuffix(".dir"),
        IDENTITY: event.oid,
    }
    identity |= {f"modelkeep.data.{path}": digest for path, digest in raw_data(metadata).items()}
    own = {COMMIT: version.commit, AUTHOR: event.author, NOTE: event.reason}
    params = {"estimator": metadata["training"]["estimator"]}
    params |= {name: str(value) for name, value in _leaves(metadata["recipe"]["parameters"])}
    return Described(
        name=f"{version.model} {version.label}",
        milliseconds=int(event.when.timestamp() * 1000),
        params=_within(params, PARAM),
        metrics=dict(_numbers(metadata["metrics"])),
        tags=_within(identity | own, TAG),
        identity=_within(identity, TAG),
        reason=event.reason,
    )


def registered_name(model: str, prefix: str) -> str:
    """Return the name of a model in MLflow, which takes neither "/" nor ":" in it."""
    return prefix + re.sub("[/:]", ".", model)


def _within(texts: dict[str, str], longest: int) -> dict[str, str]:
    return {_key(name): text[:longest] for name, text in texts.items()}


def _key(name: str) -> str:
    return _KEY.sub("_", name)[:KEY]


def _numbers(metrics: dict[str, Any]) -> Iterator[tuple[str, float]]:
    """Yield the metrics that are finite numbers, by names such as "test.macro_f1"."""
    for name, value in _leaves(metrics):
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            yield _key(name), float(value)


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yield what is in nested mappings, under names joined by dots."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, f"{name}.{key}" if name else str(key))
    elif name:
        yield name, value
