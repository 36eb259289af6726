"""Intervals around the numbers that a regression predicts, by split conformal prediction.

Some training rows are set aside. Of the model's absolute errors on these n rows, which it has not
seen, the ceil((n + 1) c)-th smallest is half the width of each interval. Then the interval of a new
row holds the truth with a probability of at least c, whatever the model and the distribution are,
as long as new rows are exchangeable with those that were set aside (Papadopoulos, Proedrou, Vovk,
Gammerman, Inductive Confidence Machines for Regression, 2002; Lei, G'Sell, Rinaldo, Tibshirani,
Wasserman, Distribution-Free Predictive Inference for Regression, 2018).
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from modelkeep_core.errors import UserError
from modelkeep_core.folds import Separation
from modelkeep_core.metric_names import COVERAGE
from modelkeep_core.metrics import Metric, ScoredRows

# One part of so many is set aside
PARTS = 5
KEY = "params.yaml: train.interval"


@dataclass(frozen=True)
class Interval:
    """The interval around each prediction of a model.

    Attributes:
        coverage: the share of new rows whose truth is to be inside, at least.
        half_width: from the prediction to either end, in the unit of the target.
        rows: how many training rows were set aside to learn that.
    """

    coverage: float
    half_width: float
    rows: int

    def bounds(self, predictions: NDArray[Any]) -> dict[str, NDArray[np.float64]]:
        """Return the "lower" and the "upper" end, (n,) each, around (n,) predictions."""
        return {"lower": predictions - self.half_width, "upper": predictions + self.half_width}

    def covered(self, rows: ScoredRows) -> float:
        """Return the share of rows whose truth is inside."""
        return float(np.mean(np.abs(rows.actual - rows.predicted) <= self.half_width))

    def described(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)


def fit(
    pipeline: Pipeline,
    inputs: pd.DataFrame,
    target: NDArray[Any],
    task: str,
    coverage: float,
    separation: Separation,
) -> tuple[Pipeline, Interval]:
    """Fit a pipeline to most of the rows, and learn its interval from the others.

    Set aside is the last fold of five: the latest rows, whole groups, or rows by chance, as the
    split has it.

    Args:
        pipeline: the unfitted steps.
        inputs: (n, features).
        target: (n,) numbers.
        task: "classification" or "regression".
        coverage: the share of new rows whose truth is to be inside.
        separation: how the rows were split.

    Raises:
        UserError: the task has none, or there are too few rows for this coverage.
        ValueError: scikit-learn does not take a value.
    """
    if task != "regression":
        raise UserError(f"{KEY}: a {task} has probabilities, and no intervals. Leave it out.")
    try:
        train, aside = separation.folds(target, PARTS, stratify=False)[-1]
    except UserError:
        raise UserError(
            f"{KEY}: one of {PARTS} parts is set aside, as prepare.split says, and the training "
            "rows do not make so many. Leave it out, or change prepare.split."
        ) from None
    place = _place(len(aside), coverage)
    if place > len(aside):
        share = _exact(coverage)
        raise UserError(
            f"{KEY}: {coverage:g} needs {math.ceil(share / (1 - share))} rows that are set aside, "
            f"and one part of {PARTS} of the training rows has {len(aside)}. Ask for less, or "
            "train on more rows."
        )
    model = clone(pipeline).fit(inputs.iloc[train], target[train])
    errors = np.sort(np.abs(target[aside] - model.predict(inputs.iloc[aside])))
    half_width = float(errors[place - 1])
    if not math.isfinite(half_width):
        raise UserError(f"{KEY}: the model has no number for some of the rows that are set aside.")
    return model, Interval(coverage, half_width, len(aside))


def interval_of(metadata: Mapping[str, Any]) -> Interval | None:
    """Return the interval of a model from its metadata (model.json); None where it has none.

    Raises:
        UserError: what stands there is no interval.
    """
    training = metadata.get("training")
    content = training.get("interval") if isinstance(training, dict) else None
    if content is None:
        return None
    try:
        interval = Interval(**content)
        numbers = (interval.coverage, interval.half_width)
        if all(math.isfinite(number) and number >= 0 for number in numbers):
            return interval
    except TypeError:
        pass
    raise UserError(
        "training.interval of the metadata is not as the package format wants it: it has the "
        "numbers coverage, half_width and rows."
    )


def coverage_metric(training: Mapping[str, Any]) -> dict[str, Metric]:
    """Return the metric that measures how many intervals hold the truth, by its name.

    Args:
        training: how the model was made: the content of training.json.
    """
    interval = interval_of({"training": training})
    return {} if interval is None else {COVERAGE: Metric(interval.covered)}


def _exact(coverage: float) -> Fraction:
    # As it is written: 0.55 is a bit more than that in binary, and 100 times it would be rounded up
    return Fraction(repr(coverage))


def _place(rows: int, coverage: float) -> int:
    return math.ceil((rows + 1) * _exact(coverage))
