"""The tables behind the plots of `dvc plots`: one CSV for each, in the order it is drawn.

Every plot that dvc.yaml names is written; one that has no meaning for the task or the model has
a header and no rows, and DVC leaves it out.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.calibration import calibration_curve
from sklearn.metrics import confusion_matrix, precision_recall_curve, roc_curve

from modelkeep_core.inputs import model_inputs
from modelkeep_core.metrics import Metric, ScoredRows, headline_metric
from modelkeep_core.params import Evaluate
from modelkeep_core.resampling import importance
from modelkeep_core.schema import Schema
from modelkeep_core.visible import for_spreadsheet, in_line

COLUMNS = {
    "roc": ["class", "false_positive_rate", "true_positive_rate"],
    "precision_recall": ["class", "recall", "precision"],
    "calibration": ["class", "predicted", "observed"],
    "confusion": ["actual", "predicted", "count", "share"],
    "predictions": ["actual", "predicted"],
    "residuals": ["predicted", "residual"],
    "importance": ["feature", "importance", "standard_deviation"],
}
CURVE_POINTS = 200
SCATTER_POINTS = 500
# The beginning of a tag, or of a comment, in HTML
_TAG = re.compile(r"<(?=[A-Za-z/!?])")
CALIBRATION_BINS = 10


Tables = dict[str, list[list[Any]]]


def drawn(
    model: Any,
    test: pd.DataFrame,
    tested: ScoredRows,
    schema: Schema,
    params: Evaluate,
    own: Mapping[str, Metric] = MappingProxyType({}),
) -> Tables:
    """Return the rows of each plot that has a meaning for the task.

    Args:
        model: the fitted pipeline.
        test: the test rows.
        tested: what was predicted for them.
        schema: which columns are features, and the target.
        params: the seed, the headline metric and how often features are shuffled.
        own: metrics of the project's own.
    """
    classes = schema.task == "classification"
    tables = curves(tested) if classes else scatters(tested, params.seed)
    if classes:
        tables["confusion"] = confusion(tested)
    if repeats := params.importance_repeats:
        metric = headline_metric(params.headline, schema.task, tested, own)
        target = test[schema.target].to_numpy()
        inputs = model_inputs(test, schema)
        tables["importance"] = importance(model, inputs, target, metric, repeats, params.seed)
    return tables


def thinned(points: NDArray[Any], most: int) -> NDArray[Any]:
    """Return at most `most` of the rows of `points`, evenly spaced, the first and last included."""
    if len(points) <= most:
        return points
    places = np.unique(np.linspace(0, len(points) - 1, most).round().astype(int))
    thin: NDArray[Any] = points[places]
    return thin


def curves(tested: ScoredRows) -> Tables:
    """Return ROC, precision-recall and calibration of each class against the rest."""
    rows: Tables = {"roc": [], "precision_recall": [], "calibration": []}
    if tested.probabilities is None:
        return rows
    for place in np.unique(tested.actual):
        is_class, probability = tested.actual == place, tested.probabilities[:, place]
        if is_class.all():
            continue
        false_positive, true_positive, _ = roc_curve(is_class, probability)
        precision, recall, _ = precision_recall_curve(is_class, probability)
        observed, predicted = calibration_curve(
            is_class, probability, n_bins=CALIBRATION_BINS, strategy="quantile"
        )
        for name, pair in {
            "roc": (false_positive, true_positive),
            "precision_recall": (recall[::-1], precision[::-1]),
            "calibration": (predicted, observed),
        }.items():
            points = thinned(np.column_stack(pair), CURVE_POINTS)
            rows[name] += [[str(tested.classes[place]), *point] for point in points.tolist()]
    return rows


def confusion(tested: ScoredRows) -> list[list[Any]]:
    """Return how many rows of each class were predicted as which, and what share of the class."""
    counts = confusion_matrix(tested.actual, tested.predicted, labels=range(len(tested.classes)))
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return [
        [str(actual), str(predicted), int(counts[row, column]), float(shares[row, column])]
        for row, actual in enumerate(tested.classes)
        for column, predicted in enumerate(tested.classes)
    ]


def scatters(tested: ScoredRows, seed: int) -> dict[str, list[list[float]]]:
    """Return predicted against actual and residuals of at most SCATTER_POINTS rows."""
    rows = np.arange(len(tested.actual))
    if len(rows) > SCATTER_POINTS:
        rows = np.sort(np.random.default_rng(seed).choice(rows, SCATTER_POINTS, replace=False))
    truth, predicted = tested.actual[rows].astype(float), tested.predicted[rows]
    return {
        "predictions": np.column_stack([truth, predicted]).tolist(),
        "residuals": np.column_stack([predicted, truth - predicted]).tolist(),
    }


def write_plots(rows: Tables, out: Path | str) -> None:
    """Write `rows` as one CSV file for each plot of COLUMNS, with six significant digits."""
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    for name, columns in COLUMNS.items():
        shown = [[harmless(cell) for cell in row] for row in rows.get(name, [])]
        table = pd.DataFrame(shown, columns=columns)
        table.to_csv(out / f"{name}.csv", index=False, float_format="%.6g", lineterminator="\n")


def harmless(cell: Any) -> Any:
    """Return a cell that neither the page of `dvc plots` nor a spreadsheet takes for a program.

    DVC writes cells into a script of its page as they are, where "</script>" would end it: there, a
    backslash follows the sign of a tag. Numbers stay as they are.
    """
    if not isinstance(cell, str):
        return cell
    return for_spreadsheet(_TAG.sub(r"<\\", in_line(cell)))
