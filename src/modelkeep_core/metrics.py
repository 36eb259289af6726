"""How good predictions are: metrics by name, their intervals, results by group."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn import metrics
from sklearn.pipeline import Pipeline

from modelkeep_core.errors import UserError, reason_of, suggestion
from modelkeep_core.predictions import Predictions, predict, undefined
from modelkeep_core.probabilities import needs_probabilities

# The key of params.yaml that names the metric of a model
HEADLINE = "evaluate.headline"


@dataclass(frozen=True)
class ScoredRows:
    """What was true and what was predicted, for n rows.

    Attributes:
        actual, predicted: (n,) numbers; for classes, their places in `classes`.
        probabilities: (n, len(classes)), or None where the model gives none.
        classes: the classes in the order of the model; empty for a regression.
    """

    actual: NDArray[Any]
    predicted: NDArray[Any]
    probabilities: NDArray[np.float64] | None
    classes: tuple[Any, ...]

    def take(self, rows: NDArray[Any]) -> "ScoredRows":
        """Return some of the rows, given as numbers or as a mask."""
        chosen = None if self.probabilities is None else self.probabilities[rows]
        return ScoredRows(self.actual[rows], self.predicted[rows], chosen, self.classes)

    @staticmethod
    def joined(parts: Sequence["ScoredRows"]) -> "ScoredRows":
        """Return the rows of several parts, of one or more, which have the same classes."""
        chances = [part.probabilities for part in parts if part.probabilities is not None]
        return ScoredRows(
            np.concatenate([part.actual for part in parts]),
            np.concatenate([part.predicted for part in parts]),
            np.concatenate(chances) if chances else None,
            parts[0].classes,
        )

    def place_of(self, name: Any) -> int:
        """Return the place of a class in `classes`: its number in `actual` and `predicted`.

        Raises:
            UserError: there is no such class.
        """
        if name not in self.classes:
            classes = ", ".join(map(str, self.classes))
            raise UserError(f"there is no class '{name}'; there are {classes or 'none'}.")
        return self.classes.index(name)


class Unscorable(UserError):
    """A model cannot be scored on rows.

    Attributes:
        reason: why, in a sentence; the message also has what helps whoever trains it.
    """

    def __init__(self, reason: str, remedy: str) -> None:
        """Take the reason, and what helps in training."""
        super().__init__(f"{reason}. {remedy}")
        self.reason = f"{reason}."


def scored_rows(model: Any, inputs: Any, target: NDArray[Any]) -> ScoredRows:
    """Predict `inputs`, (n, features), and set that beside the true `target`, (n,).

    Raises:
        Unscorable: the target holds a class that the model never saw, or the model has no
            prediction for some of the rows.
        UserError: the model knows one class only.
    """
    if not hasattr(model, "classes_"):
        return ScoredRows(target, _predicted(model, inputs).predictions, None, ())
    classes = model.classes_.tolist()
    if len(classes) < 2:
        raise UserError(
            f"the target has one class only, '{classes[0]}': there is nothing to learn."
        )
    place = {name: number for number, name in enumerate(classes)}
    unseen = sorted(set(target.tolist()) - set(classes), key=str)
    if unseen:
        raise Unscorable(
            f"class '{unseen[0]}' is in the test rows and not in the training rows",
            "Change prepare.split or prepare.split_by in params.yaml so that both have it.",
        )
    predictions, probabilities = _predicted(model, inputs)
    return ScoredRows(
        np.array([place[name] for name in target.tolist()]),
        np.array([place[name] for name in predictions.tolist()]),
        probabilities,
        tuple(classes),
    )


def _predicted(model: Any, inputs: Any) -> Predictions:
    """Predict rows, each of which must get a class or a number.

    Raises:
        Unscorable: the model has no prediction for some of them.
    """
    estimator = type(model[-1] if isinstance(model, Pipeline) else model).__name__
    remedy = "Change its section in params.yaml, or choose another estimator."
    try:
        predicted = predict(model, inputs)
    except ValueError as error:
        reason = reason_of(error)
        raise Unscorable(f"{estimator} cannot predict these rows: {reason}", remedy) from None
    if lacking := undefined(predicted):
        total = len(predicted.predictions)
        raise Unscorable(f"{estimator} has no number for {lacking} of {total} rows", remedy)
    return predicted


def _macro_f1(tested: ScoredRows) -> float:
    """The same float as scikit-learn's `f1_score(average="macro")`, which checks its arrays anew.

    Those checks take most of a bootstrap, which scores the same rows hundreds of times.
    """
    actual, predicted = tested.actual.astype(np.intp), tested.predicted.astype(np.intp)
    places = len(tested.classes)
    right = np.bincount(actual[actual == predicted], minlength=places)
    rows = np.bincount(actual, minlength=places) + np.bincount(predicted, minlength=places)
    return float(np.mean(2.0 * right[rows > 0] / rows[rows > 0]))


def _log_loss(tested: ScoredRows) -> float:
    places = range(len(tested.classes))
    return float(metrics.log_loss(tested.actual, tested.probabilities, labels=list(places)))


def _roc_auc(tested: ScoredRows) -> float:
    """One class against the rest, averaged over the classes that have rows on both sides."""
    assert tested.probabilities is not None
    areas = [
        metrics.roc_auc_score(tested.actual == place, tested.probabilities[:, place])
        for place in np.unique(tested.actual)
    ]
    return float(np.mean(areas))


@dataclass(frozen=True)
class Metric:
    """A number that says how good predictions are, and which direction is better.

    Attributes:
        score: takes n rows, returns a number; NaN where it is not defined.
        higher_is_better: whether a greater number is better.
        needs_probabilities: whether it can only score predictions that have probabilities.
        module: the module of the project that it comes from, or None for one of this library.
    """

    score: Callable[[ScoredRows], float]
    higher_is_better: bool = True
    needs_probabilities: bool = False
    module: str | None = None


@dataclass(frozen=True)
class _OfPredictions:
    """Scores predictions by a function of scikit-learn; another process can get it."""

    function: Callable[..., float]

    def __call__(self, tested: ScoredRows) -> float:
        return self.function(tested.actual, tested.predicted)


CLASSIFICATION = {
    "accuracy": Metric(_OfPredictions(metrics.accuracy_score)),
    "balanced_accuracy": Metric(_OfPredictions(metrics.balanced_accuracy_score)),
    "macro_f1": Metric(_macro_f1),
    "log_loss": Metric(_log_loss, higher_is_better=False, needs_probabilities=True),
    "roc_auc": Metric(_roc_auc, needs_probabilities=True),
}
REGRESSION = {
    "rmse": Metric(_OfPredictions(metrics.root_mean_squared_error), higher_is_better=False),
    "mae": Metric(_OfPredictions(metrics.mean_absolute_error), higher_is_better=False),
    "r2": Metric(_OfPredictions(metrics.r2_score)),
    "median_absolute_error": Metric(
        _OfPredictions(metrics.median_absolute_error), higher_is_better=False
    ),
}
METRICS = {"classification": CLASSIFICATION, "regression": REGRESSION}


def headline_metric(
    name: str, task: str, tested: ScoredRows, own: Mapping[str, Metric] = MappingProxyType({})
) -> Metric:
    """Return the metric of this name.

    Args:
        name: its name.
        task: "classification" or "regression".
        tested: what it is to score.
        own: metrics of the project's own, beside those of the task.

    Raises:
        UserError: there is no such metric, or it is not defined on these rows.
    """
    available = {**METRICS[task], **own}
    if name not in available:
        raise unknown_headline(name, task, available)
    if available[name].needs_probabilities and tested.probabilities is None:
        raise needs_probabilities(HEADLINE, name, "this estimator", "or another estimator")
    if not np.isfinite(available[name].score(tested)):
        raise UserError(
            f"params.yaml: evaluate.headline: {name} is not defined on these "
            f"{len(tested.actual)} test rows. Test on more rows, or choose another metric."
        )
    return available[name]


def unknown_headline(name: str, task: str, available: Iterable[str]) -> UserError:
    """Return the error of a headline that is not among the available metrics."""
    names = [*available]
    return UserError(
        f"params.yaml: evaluate.headline: {task} has no metric '{name}'"
        f"{suggestion(name, names)}; it has {', '.join(names)}."
    )


def scores(
    task: str, tested: ScoredRows, own: Mapping[str, Metric] = MappingProxyType({})
) -> dict[str, float]:
    """Return every metric of the task, and every own one, that these rows allow.

    Undefined ones are left out.
    """
    values = {
        name: float(metric.score(tested))
        for name, metric in {**METRICS[task], **own}.items()
        if tested.probabilities is not None or not metric.needs_probabilities
    }
    return {name: value for name, value in values.items() if np.isfinite(value)}


def interval(
    metric: Metric, tested: ScoredRows, resamples: int, confidence: float, seed: int
) -> tuple[float, float]:
    """Return the percentile bootstrap interval of a metric over the rows of `tested`.

    A resample on which the metric is not defined, for want of a rare class, does not count.
    """
    return percentiles(
        resampled(metric, tested, np.random.default_rng(seed), resamples), confidence
    )


def resampled(
    metric: Metric, tested: ScoredRows, rng: np.random.Generator, resamples: int
) -> list[float]:
    """Return the metric on rows that are drawn from `tested` with replacement, again and again."""
    rows = len(tested.actual)
    drawn = (tested.take(rng.integers(0, rows, size=rows)) for _ in range(resamples))
    return [metric.score(rows) for rows in drawn]


def paired_interval(
    metric: Metric, new: ScoredRows, old: ScoredRows, resamples: int, confidence: float, seed: int
) -> tuple[float, float]:
    """Return the percentile bootstrap interval of `new`'s metric minus `old`'s.

    Both are predictions for the same n rows, and are scored on the same resampled ones.
    """
    rng, rows = np.random.default_rng(seed), len(new.actual)
    differences = []
    for _ in range(resamples):
        drawn = rng.integers(0, rows, size=rows)
        differences.append(metric.score(new.take(drawn)) - metric.score(old.take(drawn)))
    return percentiles(differences, confidence)


def percentiles(values: list[float], confidence: float) -> tuple[float, float]:
    """Return the bounds of the middle share of resampled values, undefined ones left out."""
    # scipy.stats.bootstrap has no interval where one resample is undefined, and rounds otherwise:
    # a version that is scored again would differ in the last digit from what its metadata say.
    tail = (1 - confidence) / 2
    low, high = np.nanquantile(values, [tail, 1 - tail])
    return float(low), float(high)


def recalls(tested: ScoredRows) -> dict[str, float]:
    """Return the share of each class's rows that was predicted as that class."""
    present = np.unique(tested.actual)
    shares = metrics.recall_score(tested.actual, tested.predicted, labels=present, average=None)
    return {
        str(tested.classes[place]): float(value)
        for place, value in zip(present, shares, strict=True)
    }


def group_labels(table: pd.DataFrame, name: str) -> NDArray[Any]:
    """Return a column as (n,) text, "(missing)" where a row has none.

    Raises:
        UserError: there is no such column.
    """
    if name not in table:
        raise UserError(
            f"params.yaml: evaluate.group_by: there is no column '{name}'"
            f"{suggestion(name, table.columns)}."
        )
    column = table[name].convert_dtypes().astype(object)
    return column.where(column.notna(), "(missing)").astype(str).to_numpy()


def by_group(metric: Metric, tested: ScoredRows, groups: NDArray[Any]) -> list[dict[str, Any]]:
    """Return rows and metric of each group; `groups` is (n,) text, empty where it is missing."""
    scored = []
    for group in sorted(set(groups.tolist())):
        rows = groups == group
        value = float(metric.score(tested.take(rows)))
        scored.append(
            {
                "group": group,
                "rows": int(rows.sum()),
                "score": value if np.isfinite(value) else None,
            }
        )
    return scored
