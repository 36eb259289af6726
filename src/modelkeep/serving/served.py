"""A package that is ready to answer: checked, loaded, and tried on its own example."""

import gc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from modelkeep.serving.rows import Contract, Rows
from modelkeep_core.errors import UserError
from modelkeep_core.fast_path import FastPath
from modelkeep_core.files import read_json
from modelkeep_core.inputs import inputs_from_rows
from modelkeep_core.packaged import check_library, open_package
from modelkeep_core.predictions import Predictions, predict

# On another kind of processor, the last bits of a sum may differ.
TOLERANCE = 1e-9
NEEDED = ("example.json", "profile.json", "MODEL_CARD.md")


@dataclass(frozen=True)
class ServedModel:
    """A model that is loaded and answers requests.

    Attributes:
        directory: the package.
        version: its version number, or "" where it was not fetched by one.
        metadata: what the package says of itself (model.json).
        contract: what is asked of its inputs.
        example: rows by the names of their columns, with the predictions that are expected.
        profile: the profile of the training rows.
        card: the model card, in Markdown.
        classes: the names of its classes as JSON has them, or None for a regression.
        predict: from rows that fit the contract to what the model predicts for them.
    """

    directory: Path
    version: str
    metadata: dict[str, Any]
    contract: Contract
    example: dict[str, Any]
    profile: dict[str, Any]
    card: str
    classes: list[Any] | None
    predict: Callable[[Rows], Predictions]

    @property
    def recipe_id(self) -> str:
        """The recipe of the model."""
        return self.metadata["recipe_id"]

    @property
    def name(self) -> str:
        """The name of the model."""
        return self.metadata["name"]


def load(directory: Path, version: str = "", trust_code: bool = False) -> ServedModel:
    """Check and load a package; nothing but the package is used, and no project around it.

    Args:
        directory: the package.
        version: its version number, or "" where it was not fetched by one.
        trust_code: whether somebody vouches for the code of a project that it may carry.

    Raises:
        UserError: a file is missing or changed, a library is another one than the model was made
            with, the schema is not the model's, its code is not vouched for, or it predicts
            something else for its example here.
    """
    opened = open_package(directory, trust_code)
    for name in NEEDED:
        if not (directory / name).is_file():
            raise UserError(f"{directory} has no {name}: make the package again with `dvc repro`.")
    schema, metadata, model = opened.schema, opened.metadata, opened.model
    for name in ("numpy", "pandas"):
        check_library(name, metadata["libraries"][name], directory, parts=1)
    if list(getattr(model, "feature_names_in_", [])) != list(schema.features):
        raise UserError(
            f"{directory}/schema.yaml is not the schema that the model was trained with: "
            "its features are others."
        )
    profile = read_json(directory / "profile.json")

    def plain(rows: Rows) -> Predictions:
        return predict(model, inputs_from_rows(rows, schema))

    served = ServedModel(
        directory=directory,
        version=version,
        metadata=metadata,
        contract=Contract(schema, profile),
        example=read_json(directory / "example.json"),
        profile=profile,
        card=(directory / "MODEL_CARD.md").read_text(encoding="utf-8"),
        classes=model.classes_.tolist() if hasattr(model, "classes_") else None,
        predict=FastPath(model, schema) if metadata["fast_path"]["exact"] else plain,
    )
    _try_example(served)
    # What is loaded stays: looking through it for garbage would make requests wait.
    gc.collect()
    gc.freeze()
    return served


def _try_example(served: ServedModel) -> None:
    """Make sure that the model predicts for its example what it did when it was trained.

    Raises:
        UserError: it does not.
    """
    features, records = served.contract.features, served.example["records"]
    predicted = served.predict([[record[name] for name in features] for record in records])
    expected = served.example["predictions"]
    if served.classes is None:
        same = np.allclose(predicted.predictions, expected, rtol=TOLERANCE, atol=0)
    else:
        same = predicted.predictions.tolist() == expected
    if predicted.probabilities is not None:
        wanted = served.example["probabilities"]
        same = same and np.allclose(predicted.probabilities, wanted, rtol=0, atol=TOLERANCE)
    if not same:
        raise UserError(
            f"{served.directory}: for its example, the model predicts "
            f"{predicted.predictions.tolist()} here, and {expected} where it was trained."
        )
