"""The predictions of a fitted pipeline from plain rows, without a table for each call.

Most of what scikit-learn spends on one row goes into tables and checks. This derives from the
fitted pipeline what preprocessing does to the numbers, and leaves the rest to the estimator.
`evaluate` proves for each model that nothing differs; where it does, the pipeline itself predicts.
"""

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.pipeline import Pipeline

from modelkeep_core.blocks import call, decides_by_scores
from modelkeep_core.boosters import booster_classifier
from modelkeep_core.fast_parts import Rows, part_of
from modelkeep_core.fast_trees import at_once
from modelkeep_core.inputs import inputs_from_rows
from modelkeep_core.predictions import Predictions, predict
from modelkeep_core.schema import NUMERIC, Column, Schema

FOREST_CLASSIFIERS = (RandomForestClassifier, ExtraTreesClassifier)
FOREST_REGRESSORS = (RandomForestRegressor, ExtraTreesRegressor)
# They predict the class of the greatest score, of which its probability is a rising function;
# where two are as close as MARGIN, rounding could hide which one it is.
MOST_PROBABLE = (LogisticRegression, HistGradientBoostingClassifier, CalibratedClassifierCV)
MARGIN = 1e-9
# Rows that are compared at once
BATCH = 10_000
# So many cells of a table are prepared at once, and so many rows answered: each step has a cost of
# its own, and what is computed of a few rows stays in a processor's caches
FILLED, ANSWERED = 1_250_000, 16_384
# Values as no training row has them: of a number, of a category, and of a datetime
HOSTILE = (
    (None, None, None),
    (0.0, "", datetime(1970, 1, 1)),
    (-0.0, "nan", datetime(1, 1, 1)),
    (5e-324, "None", datetime(1677, 9, 21, 0, 12, 43)),
    (1e15, " ", datetime(2000, 2, 29, 23, 59, 59, 999999)),
    (1e39, "\0", datetime(1999, 12, 31, 23, 59, 59, 999999)),
    (-1e308, "x" * 1000, datetime(2262, 4, 12)),
    (1e308, "🐧", datetime(9999, 12, 31, 23, 59, 59, 999999)),
)


class FastPath:
    """A fitted pipeline's way from plain rows to predictions."""

    def __init__(self, model: Pipeline, schema: Schema) -> None:
        """Derive it.

        Raises:
            ValueError: the preprocessing is not made of parts by columns.
        """
        preprocessing = model[0]
        if len(model) != 2 or not isinstance(preprocessing, ColumnTransformer):
            raise ValueError("it knows only a ColumnTransformer before the estimator")
        self._parts = []
        for name, steps, columns in preprocessing.transformers_:
            outputs = preprocessing.output_indices_[name]
            if outputs.stop > outputs.start:
                self._parts.append(part_of(steps, columns, schema, outputs.stop - outputs.start))
        self._estimator = at_once(model[-1])
        self._classes = getattr(self._estimator, "classes_", None)

    def __call__(self, rows: Rows) -> Predictions:
        """Predict rows that have a value, or None, for each feature in the order of the schema.

        Raises:
            ValueError: a number is too large for the estimator.
        """
        predicted = self._answer(np.hstack([part(rows) for part in self._parts]))
        if self._classes is None:
            return predicted
        return predicted._replace(predictions=self._classes[predicted.predictions])

    def of_columns(self, columns: Sequence[Any]) -> Predictions:
        """Predict a table.

        Args:
            columns: Polars series of n values, or null, for each feature in the order of the
                schema, in its type.

        Returns:
            As for rows; of a classifier, the predictions are places in its classes.

        Raises:
            ValueError: a number is too large for the estimator.
        """
        width = sum(part.width for part in self._parts)
        most = max(ANSWERED, FILLED // width)
        some = [
            self._answer(np.ascontiguousarray(inputs[start : start + ANSWERED]))
            for first in range(0, len(columns[0]), most)
            for inputs in [self._filled([column.slice(first, most) for column in columns], width)]
            for start in range(0, len(inputs), ANSWERED)
        ]
        parts = [each.probabilities for each in some if each.probabilities is not None]
        return Predictions(
            np.concatenate([each.predictions for each in some]),
            np.concatenate(parts) if parts else None,
        )

    def _filled(self, columns: Sequence[Any], width: int) -> NDArray[Any]:
        """Return what the estimator sees of columns: (n, width) numbers, column by column."""
        inputs = np.empty((len(columns[0]), width), order="F")
        start = 0
        for part in self._parts:
            part.fill(columns, inputs[:, start : start + part.width])
            start += part.width
        return inputs

    def _answer(self, inputs: NDArray[Any]) -> Predictions:
        """Return the predictions; of a classifier, they are places in its classes."""
        estimator = self._estimator
        if isinstance(estimator, FOREST_REGRESSORS):
            return Predictions(_mean_of_trees(estimator, inputs)[:, 0], None)
        if isinstance(estimator, FOREST_CLASSIFIERS):
            probabilities = _mean_of_trees(estimator, inputs)
            return Predictions(probabilities.argmax(axis=1), probabilities)
        if isinstance(estimator, FixedThresholdClassifier):
            probabilities = call(estimator, "predict_proba", inputs)
            return Predictions(_above(estimator, probabilities), probabilities)
        if isinstance(estimator, MOST_PROBABLE) or booster_classifier(estimator):
            probabilities = call(estimator, "predict_proba", inputs)
            places = probabilities.argmax(axis=1)
            first = probabilities[np.arange(len(places)), places]
            close = first[:, None] - probabilities <= MARGIN
            if np.count_nonzero(close) == len(places):
                return Predictions(places, probabilities)
        if decides_by_scores(estimator):
            scores = call(estimator, "decision_function", inputs)
            one = scores.ndim == 1
            return Predictions((scores > 0).astype(int) if one else scores.argmax(axis=1), None)
        predicted = predict(estimator, inputs)
        if self._classes is None:
            return predicted
        places = np.searchsorted(self._classes, predicted.predictions)
        return predicted._replace(predictions=places)


def proof(
    model: Pipeline, schema: Schema, inputs: pd.DataFrame | Iterable[pd.DataFrame]
) -> dict[str, Any]:
    """Compare the fast path with the pipeline, bit for bit, on inputs and on hostile rows.

    Args:
        model: the pipeline.
        schema: the contract of its inputs.
        inputs: (n, features), at once or in parts.

    Returns:
        "rows", how many of the inputs were compared; "exact", whether nothing differed; and the
        "reason" where the pipeline itself must predict.
    """
    rows, reason = 0, None
    for part in [inputs] if isinstance(inputs, pd.DataFrame) else inputs:
        reason = reason or _difference(model, schema, part, strange=not rows)
        rows += len(part)
    return {"rows": rows, "exact": reason is None, "reason": reason}


def same_by_columns(fast: FastPath, model: Pipeline, schema: Schema, rows: Rows) -> bool:
    """Say whether a table is predicted as the pipeline predicts it, bit for bit.

    Args:
        fast: the way that is compared.
        model: the pipeline.
        schema: the contract of its inputs.
        rows: some rows, on which it is tried, and on hostile ones.
    """
    import polars as pl

    types = (pl.Float64, pl.String, pl.Datetime("us"))
    kinds = [types[_kind(column)] for column in schema.features.values()]

    def by_columns(rows: Rows) -> Predictions:
        cells = zip(kinds, zip(*rows, strict=True), strict=True)
        predicted = fast.of_columns([pl.Series(column, dtype=kind) for kind, column in cells])
        if not hasattr(model, "classes_"):
            return predicted
        return predicted._replace(predictions=model.classes_[predicted.predictions])

    def plain(rows: Rows) -> Predictions:
        return predict(model, inputs_from_rows(rows, schema))

    return all(
        _same(_tried(by_columns, some), _tried(plain, some))
        for some in (rows, *hostile(rows[0], schema))
    )


def _difference(model: Pipeline, schema: Schema, inputs: pd.DataFrame, strange: bool) -> str | None:
    """Return why the fast path must not be used on inputs, and on hostile rows too, or None."""
    try:
        fast = FastPath(model, schema)
    except ValueError as unknown:
        return str(unknown)

    def plain(rows: Rows) -> Predictions:
        return predict(model, inputs_from_rows(rows, schema))

    others = hostile(next(_batches(inputs))[0], schema) if strange else ()
    for rows in chain(_batches(inputs), others):
        if not _same(_tried(fast, rows), _tried(plain, rows)):
            # Which rows is not said: they are those of people, and this is kept in Git.
            return "it differs from the pipeline on some rows"
    return None


def _batches(inputs: pd.DataFrame) -> Iterator[Rows]:
    """Yield the inputs as plain rows, datetimes as text: one alone, then many at a time."""
    for start, end in ((0, 1), *((n, n + BATCH) for n in range(0, len(inputs), BATCH))):
        some = inputs.iloc[start:end].astype(object)
        rows = some.where(some.notna(), None).to_numpy().tolist()
        yield [[_as_sent(cell) for cell in row] for row in rows]


def _as_sent(cell: Any) -> Any:
    return cell.isoformat() if isinstance(cell, datetime) else cell


def hostile(row: Sequence[Any], schema: Schema) -> Iterator[Rows]:
    """Yield rows with strange values in all features, then in one feature of `row` at a time."""
    kinds = [_kind(column) for column in schema.features.values()]
    for values in HOSTILE:
        strange = [values[kind] for kind in kinds]
        yield [strange]
        yield [[*row[:n], strange[n], *row[n + 1 :]] for n in range(len(strange))]


def _kind(column: Column) -> int:
    """Return the place of the values of a column in HOSTILE."""
    return 0 if column.type in NUMERIC else 2 if column.type == "datetime" else 1


def _above(classifier: FixedThresholdClassifier, probabilities: NDArray[Any]) -> NDArray[Any]:
    """Return the place of the class whose threshold is reached, and of the other one elsewhere."""
    classes = classifier.classes_
    place = classes.tolist().index(classifier.pos_label)
    reached = probabilities[:, place] >= classifier.threshold
    return np.asarray(np.where(reached, place, 1 - place))


def _mean_of_trees(forest: Any, inputs: NDArray[Any]) -> NDArray[Any]:
    """Return the mean of what the trees predict, without a thread for each.

    Raises:
        ValueError: a number does not fit the trees' 32 bits.
    """
    with np.errstate(over="ignore"):
        inputs = inputs.astype(np.float32)
    if not np.isfinite(inputs).all():
        raise ValueError("a number is too large")
    total: NDArray[Any] = sum(tree.tree_.predict(inputs) for tree in forest.estimators_)
    return total / len(forest.estimators_)


def _tried(predicting: Callable[[Rows], Predictions], rows: Rows) -> Predictions | None:
    """Return the predictions, or None where a step or the estimator does not take the rows."""
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return predicting(rows)
    # Steps of the project's own may fail in any way on rows that are strange
    except Exception:
        return None


def _same(first: Predictions | None, second: Predictions | None) -> bool:
    """Say whether every bit is the same."""
    if first is None or second is None:
        return first is second
    numbers = first.predictions.dtype.kind == "f"
    same = np.array_equal(first.predictions, second.predictions, equal_nan=numbers)
    if first.probabilities is None or second.probabilities is None:
        return same and first.probabilities is second.probabilities
    return same and np.array_equal(first.probabilities, second.probabilities)
