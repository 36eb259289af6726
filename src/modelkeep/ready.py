"""Whether a package can predict here: it loads, and repeats what it predicted for its example."""

from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from modelkeep_core.errors import UserError
from modelkeep_core.fast_path import FastPath
from modelkeep_core.files import read_json
from modelkeep_core.inputs import inputs_from_rows
from modelkeep_core.packaged import Packaged, check_library, open_package
from modelkeep_core.predictions import Predictions, predict

EXAMPLE = "example.json"
# On another kind of processor, the last bits of a sum may differ.
TOLERANCE = 1e-9

Predictor = Callable[[Sequence[Sequence[Any]]], Predictions]


def open_ready(directory: Path, trust_code: bool = False) -> Packaged:
    """Check and load a package as a server does; nothing but the package is used.

    Args:
        directory: the package.
        trust_code: whether somebody vouches for the code of a project that it may carry.

    Raises:
        UserError: a file is missing or changed, a library is another one than the model was made
            with, the schema is not the model's, or its code is not vouched for.
    """
    opened = open_package(directory, trust_code)
    libraries = opened.metadata["libraries"]
    for name in ("numpy", "pandas"):
        if name in libraries:
            check_library(name, libraries[name], directory, parts=1)
    if list(getattr(opened.model, "feature_names_in_", [])) != list(opened.schema.features):
        raise UserError(
            f"{directory}/schema.yaml is not the schema that the model was trained with: "
            "its features are others."
        )
    return opened


def predictor(opened: Packaged) -> Predictor:
    """Return how a package predicts plain rows: by the fast path where that is proven exact.

    Raises:
        UserError: the package says that it is, and it is made for other models.
    """
    model, schema = opened.model, opened.schema

    def plain(rows: Sequence[Sequence[Any]]) -> Predictions:
        return predict(model, inputs_from_rows(rows, schema))

    proof = opened.metadata.get("fast_path")
    if not isinstance(proof, dict) or not proof.get("exact"):
        return plain
    try:
        return FastPath(model, schema)
    # Whoever wrote that it is exact may have packaged another model.
    except Exception as error:
        raise UserError(
            "the metadata of the package say that the fast path is exact for its model, and that "
            f"is not so: {error}."
        ) from None


def try_package(directory: Path, trust_code: bool = False) -> None:
    """Load a package and let it predict its example, if it has one.

    Raises:
        UserError: it cannot be loaded here, or predicts something else than where it was trained.
    """
    opened = open_ready(directory, trust_code)
    if (directory / EXAMPLE).is_file():
        try_example(directory, opened, read_json(directory / EXAMPLE), predictor(opened))


def try_example(
    directory: Path, opened: Packaged, example: dict[str, Any], predict_rows: Predictor
) -> None:
    """Make sure that a model predicts for its example what it did when it was trained.

    Args:
        directory: the package, to be named.
        opened: the package as it was loaded.
        example: rows by the names of their columns, with the predictions that are expected.
        predict_rows: from plain rows to predictions.

    Raises:
        UserError: it predicts something else or fails; libraries that are others here are named.
    """
    try:
        expected = example["predictions"]
        rows = [[record[name] for name in opened.schema.features] for record in example["records"]]
    except (KeyError, TypeError):
        raise UserError(
            f"{directory / EXAMPLE} is not as the package format wants it: it has no records with "
            "every feature, or no predictions."
        ) from None
    others = _other_libraries(opened.metadata["libraries"])
    try:
        predicted = predict_rows(rows)
    except Exception as error:
        # With other libraries, a model may fail in any way.
        raise UserError(
            f"{directory}: for its example, the model fails here: {error!r}.{others}"
        ) from None
    if hasattr(opened.model, "classes_"):
        same = predicted.predictions.tolist() == expected
    else:
        same = _close(predicted.predictions, expected, rtol=TOLERANCE)
    if predicted.probabilities is not None:
        same = same and _close(
            predicted.probabilities, example.get("probabilities", []), atol=TOLERANCE
        )
    if not same:
        raise UserError(
            f"{directory}: for its example, the model predicts {predicted.predictions.tolist()} "
            f"here, and {expected} where it was trained.{others}"
        )


def _close(values: Any, expected: Any, rtol: float = 0, atol: float = 0) -> bool:
    try:
        wanted = np.asarray(expected, dtype=float)
    except (OverflowError, TypeError, ValueError):
        # They are no numbers, or no table of them.
        return False
    return wanted.shape == values.shape and np.allclose(values, wanted, rtol=rtol, atol=atol)


def _other_libraries(libraries: dict[str, str]) -> str:
    """Return a sentence on the libraries that have another version here, or nothing."""
    others = []
    for name, wanted in libraries.items():
        try:
            installed = version(name)
        except (PackageNotFoundError, ValueError):
            continue
        if installed != wanted:
            others.append(f"{name} {installed} instead of {wanted}")
    return f" Installed here: {', '.join(others)}." if others else ""
