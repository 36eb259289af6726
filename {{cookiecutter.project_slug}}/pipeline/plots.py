"""The tables behind the plots of `dvc plots`: one CSV for each, in the order it is drawn.

Every plot that dvc.yaml names is written; one that has no meaning for the task or the model has
a header and no rows, and DVC leaves it out.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.calibration import calibration_curve
from sklearn.inspection import permutation_importance
from sklearn.metrics import confusion_matrix, precision_recall_curve, roc_curve

from pipeline.metrics import Metric, Outcome, outcome_of

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
CALIBRATION_BINS = 10
IMPORTANCE_ROWS = 5_000


def thinned(points: np.ndarray, most: int) -> np.ndarray:
    """Return at most `most` of the rows of `points`, evenly spaced, the first and last included."""
    if len(points) <= most:
        return points
    return points[np.unique(np.linspace(0, len(points) - 1, most).round().astype(int))]


def curves(outcome: Outcome) -> dict[str, list[list[Any]]]:
    """Return ROC, precision-recall and calibration of each class against the rest."""
    rows: dict[str, list[list[Any]]] = {"roc": [], "precision_recall": [], "calibration": []}
    if outcome.probabilities is None:
        return rows
    for place in np.unique(outcome.truth):
        is_class, said = outcome.truth == place, outcome.probabilities[:, place]
        if is_class.all():
            continue
        false_positive, true_positive, _ = roc_curve(is_class, said)
        precision, recall, _ = precision_recall_curve(is_class, said)
        observed, predicted = calibration_curve(
            is_class, said, n_bins=CALIBRATION_BINS, strategy="quantile"
        )
        for name, pair in {
            "roc": (false_positive, true_positive),
            "precision_recall": (recall[::-1], precision[::-1]),
            "calibration": (predicted, observed),
        }.items():
            points = thinned(np.column_stack(pair), CURVE_POINTS)
            rows[name] += [[str(outcome.classes[place]), *point] for point in points.tolist()]
    return rows


def confusion(outcome: Outcome) -> list[list[Any]]:
    """Return how many rows of each class were predicted as which, and what share of the class."""
    counts = confusion_matrix(outcome.truth, outcome.predicted, labels=range(len(outcome.classes)))
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return [
        [str(actual), str(predicted), int(counts[row, column]), float(shares[row, column])]
        for row, actual in enumerate(outcome.classes)
        for column, predicted in enumerate(outcome.classes)
    ]


def scatters(outcome: Outcome, seed: int) -> dict[str, list[list[float]]]:
    """Return predicted against actual and residuals of at most SCATTER_POINTS rows."""
    rows = np.arange(len(outcome.truth))
    if len(rows) > SCATTER_POINTS:
        rows = np.sort(np.random.default_rng(seed).choice(rows, SCATTER_POINTS, replace=False))
    truth, predicted = outcome.truth[rows].astype(float), outcome.predicted[rows]
    return {
        "predictions": np.column_stack([truth, predicted]).tolist(),
        "residuals": np.column_stack([predicted, truth - predicted]).tolist(),
    }


def importance(
    model: Any, inputs: pd.DataFrame, target: np.ndarray, metric: Metric, repeats: int, seed: int
) -> list[list[Any]]:
    """Return how much worse the metric gets when a feature is shuffled, the worst first.

    Source: permutation importance, Breiman (2001), as scikit-learn computes it, on at most
    IMPORTANCE_ROWS rows.
    """
    sign = 1 if metric.higher_is_better else -1
    found = permutation_importance(
        model,
        inputs,
        target,
        scoring=lambda model, inputs, target: (
            sign * metric.score(outcome_of(model, inputs, target))
        ),
        n_repeats=repeats,
        random_state=seed,
        max_samples=min(len(inputs), IMPORTANCE_ROWS),
    )
    rows = zip(
        inputs.columns,
        found.importances_mean.tolist(),
        found.importances_std.tolist(),
        strict=True,
    )
    return sorted((list(row) for row in rows), key=lambda row: -row[1])


def write_plots(rows: dict[str, list[list[Any]]], out: Path) -> None:
    """Write `rows` as one CSV file for each plot of COLUMNS, with six significant digits."""
    out.mkdir(parents=True, exist_ok=True)
    for name, columns in COLUMNS.items():
        table = pd.DataFrame(rows.get(name, []), columns=columns)
        table.to_csv(out / f"{name}.csv", index=False, float_format="%.6g", lineterminator="\n")
