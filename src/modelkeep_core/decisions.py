"""How a classifier's probabilities are calibrated, and from which one on it decides for a class.

Both are learnt from what models say of rows that they have not seen, in folds that keep apart what
the split keeps apart.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.pipeline import Pipeline

from modelkeep_core.errors import UserError, suggestion
from modelkeep_core.folds import Separation
from modelkeep_core.metrics import CLASSIFICATION, Metric, ScoredRows
from modelkeep_core.params import Cost, Range, Threshold, Train
from modelkeep_core.probabilities import gives_probabilities, has_scores

MODEL = "model"
FOLDS = 5
# How many thresholds are tried, from the least probability to the greatest
TRIED = 100
# The places of rows, and what models that have not seen them say of them
Unseen = tuple[NDArray[np.intp], NDArray[Any]]
# Metrics that go by what is decided, and not by probabilities
DECISIONS = {name: each for name, each in CLASSIFICATION.items() if not each.needs_probabilities}


def fit(
    pipeline: Pipeline,
    inputs: pd.DataFrame,
    target: NDArray[Any],
    task: str,
    params: Train,
    separation: Callable[[], Separation],
) -> Pipeline:
    """Fit a pipeline; calibrate its classifier and set its threshold where params say so.

    What is learnt for that is learnt on folds of these rows, by models that have not seen them.

    Args:
        pipeline: the unfitted steps "preprocess" and "model".
        inputs: (n, features).
        target: (n,) classes or numbers.
        task: "classification" or "regression".
        params: what is wanted.
        separation: returns what the folds keep apart.

    Returns:
        The fitted pipeline, whose step "model" is the estimator, or is built around it.

    Raises:
        UserError: what is wanted does not suit the estimator or the split; `check` tells of what
            else it must suit.
        ValueError: scikit-learn does not take a value.
    """
    wanted = params.threshold
    if params.calibrate == "none" and wanted is None:
        return pipeline.fit(inputs, target)
    # The one that a search has chosen
    _check_estimator(type(pipeline[MODEL]).__name__, pipeline[MODEL], params, {})
    value, score, label = None, None, None
    if wanted is not None:
        label, value = _label(wanted, target), wanted.value
        score = None if value is not None else _score_of(wanted, label)
    apart = separation()
    model = clone(pipeline).fit(inputs, target)
    unseen = None
    if params.calibrate != "none":
        model, unseen = _calibrated(pipeline, model, inputs, target, params.calibrate, apart)
    if wanted is None:
        return model
    if score is not None:
        rows, chances = unseen or _unseen(pipeline, _chances, inputs, target, apart, "threshold")
        place = model.classes_.tolist().index(label)
        value = _best(score, target[rows], chances[:, place], label)
    decided = FixedThresholdClassifier(
        clone(model[MODEL]), threshold=value, pos_label=label, response_method="predict_proba"
    )
    decided.estimator_ = model[MODEL]
    return Pipeline([*model.steps[:-1], (MODEL, decided)])


class _Scores(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """What has the scores of a classifier for its inputs, so that they can be calibrated."""

    def fit(self, scores: NDArray[Any], target: NDArray[Any]) -> "_Scores":
        """Take the classes."""
        self.classes_ = np.unique(target)
        return self

    def decision_function(self, scores: NDArray[Any]) -> NDArray[Any]:
        """Return the scores."""
        return scores[:, 0] if scores.shape[1] == 1 else scores

    def predict(self, scores: NDArray[Any]) -> NDArray[Any]:
        """Return the classes of the greatest scores, as every classifier can."""
        binary = scores.shape[1] == 1
        places = scores[:, 0] > 0 if binary else scores.argmax(axis=1)
        return np.asarray(self.classes_[places.astype(int)])


def _calibrated(
    pipeline: Pipeline,
    model: Pipeline,
    inputs: pd.DataFrame,
    target: NDArray[Any],
    method: str,
    separation: Separation,
) -> tuple[Pipeline, Unseen]:
    """Calibrate a fitted pipeline by what models say of rows they have not seen.

    scikit-learn makes such scores itself only where every row is in one fold, which is not so where
    later rows test what earlier ones taught.

    Args:
        pipeline: the unfitted steps.
        model: the same, fitted to all rows.
        inputs: (n, features).
        target: (n,) classes.
        method: that of scikit-learn.
        separation: what the folds keep apart.

    Returns:
        The calibrated pipeline; and the unseen rows with their calibrated probabilities. Of two
        classes, these are in the order of the scores, so that a threshold among them is one among
        the scores of models that have not seen the rows.
    """
    name = "decision_function" if hasattr(model, "decision_function") else "predict_proba"

    def scores(learnt: Pipeline, rows: pd.DataFrame) -> NDArray[Any]:
        made = np.asarray(getattr(learnt, name)(rows)).reshape(len(rows), -1)
        return made[:, 1:] if made.shape[1] == 2 else made

    rows, made = _unseen(pipeline, scores, inputs, target, separation, "calibrate")
    every = np.arange(len(rows))
    calibrated = CalibratedClassifierCV(
        _Scores(), method=method, cv=[(every, every)], ensemble=False
    ).fit(made, target[rows])
    chances = calibrated.predict_proba(made)
    calibrated.set_params(estimator=clone(pipeline[MODEL]), cv=None)
    calibrated.calibrated_classifiers_[0].estimator = model[MODEL]
    return Pipeline([*model.steps[:-1], (MODEL, calibrated)]), (rows, chances)


def _chances(learnt: Pipeline, rows: pd.DataFrame) -> NDArray[Any]:
    return np.asarray(learnt.predict_proba(rows))


def _unseen(
    pipeline: Pipeline,
    respond: Callable[[Pipeline, pd.DataFrame], NDArray[Any]],
    inputs: pd.DataFrame,
    target: NDArray[Any],
    separation: Separation,
    key: str,
) -> Unseen:
    """Return the places of rows, and how models respond to them that have not seen them.

    Raises:
        UserError: the rows do not make the folds, or one lacks a class.
    """
    remedy = "Leave it out, or change prepare.split."
    where = f"params.yaml: train.{key}: it is learnt over {FOLDS} folds, which follow prepare.split"
    try:
        folds = separation.folds(target, FOLDS, stratify=True)
    except UserError:
        raise UserError(f"{where}, and the training rows do not make so many. {remedy}") from None
    tested = np.concatenate([test for _, test in folds])
    for rows in (*(train for train, _ in folds), tested):
        if lacking := sorted({*target.tolist()} - {*target[rows].tolist()}):
            raise UserError(f"{where}, and one of them lacks class '{lacking[0]}'. {remedy}")
    responses = [
        respond(clone(pipeline).fit(inputs.iloc[train], target[train]), inputs.iloc[test])
        for train, test in folds
    ]
    return tested, np.concatenate(responses)


def _best(
    score: Callable[[NDArray[Any], NDArray[Any]], float],
    truth: NDArray[Any],
    chances: NDArray[Any],
    label: Any,
) -> float:
    """Return the threshold with the greatest score, the lowest of several; all are (n,)."""
    other = next(name for name in np.unique(truth).tolist() if name != label)
    tried = np.linspace(chances.min(), chances.max(), TRIED)
    scores = [score(truth, np.where(chances >= value, label, other)) for value in tried]
    return float(tried[int(np.argmax(scores))])


def summary(model: Any, params: Train | None = None) -> dict[str, Any]:
    """Return how a fitted estimator decides, as plain data.

    Returns:
        "calibration": the method, or None; "threshold": None, or the class as "label" and the
        "value" of its probability from which on it is predicted, with how that was "chosen".
    """
    threshold = None
    if isinstance(model, FixedThresholdClassifier):
        threshold = {"label": model.pos_label, "value": float(model.threshold), "chosen": "fixed"}
        wanted = params.threshold if params else None
        if wanted is not None and wanted.metric is not None:
            threshold["chosen"] = f"best {wanted.metric} over {FOLDS} folds of the training rows"
        elif wanted is not None and wanted.cost is not None:
            cost = wanted.cost
            threshold["chosen"] = (
                f"least cost over {FOLDS} folds of the training rows, where a false positive costs "
                f"{cost.false_positive:g} and a false negative {cost.false_negative:g}"
            )
        model = model.estimator_
    calibrated = isinstance(model, CalibratedClassifierCV)
    return {"calibration": model.method if calibrated else None, "threshold": threshold}


def check(tried: Mapping[str, Pipeline], target: NDArray[Any], task: str, params: Train) -> None:
    """Refuse a calibration or a threshold that cannot be had, before anything is trained.

    Args:
        tried: the pipelines of which one is fitted, by the names of their estimators.
        target: (n,) classes or numbers.
        task: "classification" or "regression".
        params: what is wanted.

    Raises:
        UserError: it does not suit the task, an estimator or the classes.
    """
    calibrated, wanted = params.calibrate != "none", params.threshold
    if not calibrated and wanted is None:
        return
    key = "calibrate" if calibrated else "threshold"
    if task != "classification":
        raise UserError(f"params.yaml: train.{key}: a {task} has no classes. Leave it out.")
    counts = np.unique(target, return_counts=True)[1]
    if counts.min() < FOLDS:
        raise UserError(
            f"params.yaml: train.{key}: it is learnt over {FOLDS} folds, and a class has "
            f"{counts.min()} training rows only. Leave it out, or train on more rows."
        )
    for name, pipeline in tried.items():
        _check_estimator(name, pipeline[MODEL], params, params.search.of(name))
    if wanted is None:
        return
    if len(counts) != 2:
        raise UserError(
            f"params.yaml: train.threshold: it needs a target of two classes, and this one has "
            f"{len(counts)}. Leave it out."
        )
    label = _label(wanted, target)
    if wanted.value is None:
        _score_of(wanted, label)


def _check_estimator(name: str, estimator: Any, params: Train, ranges: Mapping[str, Range]) -> None:
    if gives_probabilities(estimator, ranges):
        return
    if params.calibrate != "none" and not has_scores(estimator):
        raise UserError(
            f"params.yaml: train.calibrate: {name} gives neither probabilities nor scores. Leave "
            "it out, or choose another estimator."
        )
    if params.calibrate == "none":
        calibrate = "Add calibrate: sigmoid, or choose" if has_scores(estimator) else "Choose"
        raise UserError(
            f"params.yaml: train.threshold: {name} gives no probabilities. {calibrate} another "
            "estimator."
        )


def _label(wanted: Threshold, target: NDArray[Any]) -> Any:
    """Return the class that the threshold is of: the one that is named, or the last."""
    classes = sorted(set(target.tolist()))
    if wanted.label is None:
        return classes[-1]
    # A boolean is True in Python, and true in YAML and JSON
    boolean = isinstance(classes[0], bool)
    named = {str(label).lower() if boolean else str(label): label for label in classes}
    wish = str(wanted.label).lower() if boolean else str(wanted.label)
    if wish not in named:
        raise UserError(
            f"params.yaml: train.threshold.label: there is no class '{wanted.label}'"
            f"{suggestion(wish, named)}; there are {', '.join(named)}."
        )
    return named[wish]


def _score_of(wanted: Threshold, label: Any) -> Callable[[NDArray[Any], NDArray[Any]], float]:
    """Return what is greatest at the best threshold: of the (n,) truth and of (n,) decisions."""
    if wanted.cost is not None:
        return partial(_saved, cost=wanted.cost, label=label)
    if wanted.metric not in DECISIONS:
        raise UserError(
            f"params.yaml: train.threshold.metric: '{wanted.metric}' says nothing of decisions"
            f"{suggestion(str(wanted.metric), DECISIONS)}. Write one of {', '.join(DECISIONS)}."
        )
    return partial(_score, metric=DECISIONS[wanted.metric])


def _score(truth: NDArray[Any], predicted: NDArray[Any], metric: Metric) -> float:
    """Return a metric, which is higher where it is better, of (n,) classes."""
    classes = np.unique(np.concatenate([truth, predicted]))
    true, decided = (np.searchsorted(classes, labels) for labels in (truth, predicted))
    return metric.score(ScoredRows(true, decided, None, tuple(classes.tolist())))


def _saved(truth: NDArray[Any], predicted: NDArray[Any], cost: Cost, label: Any) -> float:
    """Return minus what the mistakes cost on average."""
    false_positive = np.mean((predicted == label) & (truth != label))
    false_negative = np.mean((predicted != label) & (truth == label))
    return -float(cost.false_positive * false_positive + cost.false_negative * false_negative)
