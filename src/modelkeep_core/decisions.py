"""How a classifier's probabilities are calibrated, and from which one on it decides for a class."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.metrics import make_scorer
from sklearn.model_selection import FixedThresholdClassifier, StratifiedKFold
from sklearn.model_selection import TunedThresholdClassifierCV as Tuned
from sklearn.pipeline import Pipeline

from modelkeep_core.errors import UserError, suggestion
from modelkeep_core.metrics import CLASSIFICATION, Metric, ScoredRows
from modelkeep_core.params import Cost, Threshold, Train

MODEL = "model"
FOLDS = 5
# Metrics that go by what is decided, and not by probabilities
DECISIONS = {name: each for name, each in CLASSIFICATION.items() if not each.needs_probabilities}


def fit(
    pipeline: Pipeline, inputs: pd.DataFrame, target: NDArray[Any], task: str, params: Train
) -> Pipeline:
    """Fit a pipeline; calibrate its classifier and set its threshold where params say so.

    What is learnt for that is learnt on folds of these rows, by models that have not seen them.

    Args:
        pipeline: the unfitted steps "preprocess" and "model".
        inputs: (n, features).
        target: (n,) classes or numbers.
        task: "classification" or "regression".
        params: what is wanted, and the seed of the folds.

    Returns:
        The fitted pipeline, whose step "model" is the estimator, or is built around it.

    Raises:
        UserError: what is wanted does not suit the task, the estimator or the classes.
        ValueError: scikit-learn does not take a value.
    """
    wanted = params.threshold
    if params.calibrate == "none" and wanted is None:
        return pipeline.fit(inputs, target)
    _check(pipeline, target, task, params)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=params.seed)
    pipeline = clone(pipeline)
    estimator = pipeline[MODEL]
    if params.calibrate != "none":
        estimator = CalibratedClassifierCV(
            estimator, method=params.calibrate, cv=folds, ensemble=False
        )
        pipeline.set_params(model=estimator)
    if wanted is not None:
        label = _label(wanted, target)
        value = wanted.value
        if value is None:
            tuned = Tuned(
                pipeline,
                scoring=_scorer(wanted, label),
                response_method="predict_proba",
                cv=folds,
            ).fit(inputs, target)
            value = float(tuned.best_threshold_)
        decided = FixedThresholdClassifier(
            estimator, threshold=value, pos_label=label, response_method="predict_proba"
        )
        pipeline.set_params(model=decided)
    return pipeline.fit(inputs, target)


def core_of(model: Any) -> Any:
    """Return the estimator inside what decides and calibrates; itself where nothing is around."""
    if isinstance(model, FixedThresholdClassifier):
        return core_of(model.estimator_)
    if isinstance(model, CalibratedClassifierCV):
        return core_of(model.calibrated_classifiers_[0].estimator)
    return model


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


def _check(pipeline: Pipeline, target: NDArray[Any], task: str, params: Train) -> None:
    key = "calibrate" if params.calibrate != "none" else "threshold"
    if task != "classification":
        raise UserError(f"params.yaml: train.{key}: a {task} has no classes. Leave it out.")
    counts = np.unique(target, return_counts=True)[1]
    if counts.min() < FOLDS:
        raise UserError(
            f"params.yaml: train.{key}: it is learnt over {FOLDS} folds, and a class has "
            f"{counts.min()} training rows only. Leave it out, or train on more rows."
        )
    if params.threshold is None:
        return
    if len(counts) != 2:
        raise UserError(
            f"params.yaml: train.threshold: it needs a target of two classes, and this one has "
            f"{len(counts)}. Leave it out."
        )
    if params.calibrate == "none" and not hasattr(pipeline[MODEL], "predict_proba"):
        raise UserError(
            f"params.yaml: train.threshold: {params.estimator} gives no probabilities. Add "
            "calibrate: sigmoid, or choose another estimator."
        )


def _label(wanted: Threshold, target: NDArray[Any]) -> Any:
    """Return the class that the threshold is of: the one that is named, or the last."""
    classes = sorted(set(target.tolist()))
    if wanted.label is None:
        return classes[-1]
    named = {str(label): label for label in classes}
    if str(wanted.label) not in named:
        raise UserError(
            f"params.yaml: train.threshold.label: there is no class '{wanted.label}'"
            f"{suggestion(str(wanted.label), named)}; there are {', '.join(named)}."
        )
    return named[str(wanted.label)]


def _scorer(wanted: Threshold, label: Any) -> Any:
    """Return what the best threshold is the best for; `pos_label` says whose threshold it is."""
    if wanted.cost is not None:
        return make_scorer(_saved, cost=wanted.cost, pos_label=label)
    if wanted.metric not in DECISIONS:
        raise UserError(
            f"params.yaml: train.threshold.metric: '{wanted.metric}' says nothing of decisions"
            f"{suggestion(str(wanted.metric), DECISIONS)}. Write one of {', '.join(DECISIONS)}."
        )
    return make_scorer(_score, metric=DECISIONS[wanted.metric], pos_label=label)


def _score(truth: NDArray[Any], predicted: NDArray[Any], metric: Metric, pos_label: Any) -> float:
    """Return a metric, which is higher where it is better, of (n,) classes."""
    classes = np.unique(np.concatenate([truth, predicted]))
    true, decided = (np.searchsorted(classes, labels) for labels in (truth, predicted))
    return metric.score(ScoredRows(true, decided, None, tuple(classes.tolist())))


def _saved(truth: NDArray[Any], predicted: NDArray[Any], cost: Cost, pos_label: Any) -> float:
    """Return minus what the mistakes cost on average."""
    false_positive = np.mean((predicted == pos_label) & (truth != pos_label))
    false_negative = np.mean((predicted != pos_label) & (truth == pos_label))
    return -float(cost.false_positive * false_positive + cost.false_negative * false_negative)
