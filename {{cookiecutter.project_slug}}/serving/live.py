"""A package that is ready to answer: checked, loaded, and tried on its own example."""

import gc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.answers import Answers, answers, inputs_of
from pipeline.fast_path import FastPath
from pipeline.files import read_json
from pipeline.packaged import check_library, open_package
from pipeline.refusal import Refusal
from serving.rows import Contract, Rows

# On another kind of processor, the last bits of a sum may differ.
TOLERANCE = 1e-9
NEEDED = ("example.json", "profile.json", "MODEL_CARD.md")


@dataclass(frozen=True)
class Live:
    """A model that answers.

    Attributes:
        directory: the package.
        version: its version number, or "" where it was not fetched by one.
        metadata: what the package says of itself (model.json).
        contract: what is asked of its inputs.
        example: rows by the names of their columns, with the answers that are expected.
        profile: the profile of the training rows.
        card: the model card, in Markdown.
        classes: the names of its classes as JSON has them, or None for a regression.
        answer: from rows that fit the contract to what the model says.
    """

    directory: Path
    version: str
    metadata: dict[str, Any]
    contract: Contract
    example: dict[str, Any]
    profile: dict[str, Any]
    card: str
    classes: list[Any] | None
    answer: Callable[[Rows], Answers]

    @property
    def recipe_id(self) -> str:
        """The recipe of the model."""
        return self.metadata["recipe_id"]

    @property
    def name(self) -> str:
        """The name of the model."""
        return self.metadata["name"]


def load(directory: Path, version: str = "") -> Live:
    """Check and load a package.

    Raises:
        Refusal: a file is missing or changed, a library is another one than the model was made
            with, the schema is not the model's, or the example has another answer here.
    """
    found = open_package(directory)
    for name in NEEDED:
        if not (directory / name).is_file():
            raise Refusal(f"{directory} has no {name}: make the package again with `dvc repro`.")
    schema, metadata, model = found.schema, found.metadata, found.model
    for name in ("numpy", "pandas"):
        check_library(name, metadata["libraries"][name], directory, parts=1)
    if list(getattr(model, "feature_names_in_", [])) != list(schema.features):
        raise Refusal(
            f"{directory}/schema.yaml is not the schema that the model was trained with: "
            "its features are others."
        )
    profile = read_json(directory / "profile.json")

    def plain(rows: Rows) -> Answers:
        return answers(model, inputs_of(rows, schema))

    exact = metadata["fast_path"]["exact"]
    live = Live(
        directory=directory,
        version=version,
        metadata=metadata,
        contract=Contract(schema, profile),
        example=read_json(directory / "example.json"),
        profile=profile,
        card=(directory / "MODEL_CARD.md").read_text(encoding="utf-8"),
        classes=model.classes_.tolist() if hasattr(model, "classes_") else None,
        answer=FastPath(model, schema) if exact else plain,
    )
    _try_example(live)
    # What is loaded stays: looking through it for garbage would make requests wait.
    gc.collect()
    gc.freeze()
    return live


def _try_example(live: Live) -> None:
    """Make sure that the model answers its example as it did when it was trained.

    Raises:
        Refusal: it does not.
    """
    rows = [[record[name] for name in live.contract.features] for record in live.example["records"]]
    said = live.answer(rows)
    expected = live.example["predictions"]
    if live.classes is None:
        same = np.allclose(said.predictions, expected, rtol=TOLERANCE, atol=0)
    else:
        same = said.predictions.tolist() == expected
    if said.probabilities is not None:
        wanted = live.example["probabilities"]
        same = same and np.allclose(said.probabilities, wanted, rtol=0, atol=TOLERANCE)
    if not same:
        raise Refusal(
            f"{live.directory}: the model answers its example with "
            f"{said.predictions.tolist()} here, and with {expected} where it was trained."
        )
