"""Why a prediction: what each feature adds to it, exactly, where the model allows that.

A linear model is a sum already. Of boosted trees, LightGBM and XGBoost compute the exact Shapley
values of the trees (TreeSHAP: Lundberg, Erion, Lee, 2018). Of all else there would only be an
approximation, and none is given.
"""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.linear_model._base import LinearClassifierMixin
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, TargetEncoder

from modelkeep_core import boosters
from modelkeep_core.blocks import core_of
from modelkeep_core.errors import UserError
from modelkeep_core.predictions import predict
from modelkeep_core.transformers import CYCLES, ColumnFunction, DateParts

PARTS_OF_DATE = 1 + 2 * len(CYCLES)


class Explanation(NamedTuple):
    """What makes up the predictions of n rows.

    Attributes:
        names: the features: columns of the schema, and features of the project's own.
        contributions: (n, len(names)), what each adds to the score of what was predicted: of a
            number in its unit, of a class in log-odds, before any calibration.
        base: (n,), the score without them; with the contributions it sums to the score.
    """

    names: list[str]
    contributions: NDArray[np.float64]
    base: NDArray[np.float64]


def explain(model: Pipeline, inputs: pd.DataFrame) -> Explanation:
    """Return what each feature adds to each prediction.

    Args:
        model: the fitted pipeline.
        inputs: (n, features).

    Raises:
        UserError: only an approximation is possible for this model.
    """
    names, estimator = _origins(model), core_of(model[-1])
    distinct = list(dict.fromkeys(names))
    if not len(inputs):
        return Explanation(distinct, np.zeros((0, len(distinct))), np.zeros(0))
    features = np.asarray(model[:-1].transform(inputs), dtype=float)
    if boosters.is_booster(estimator):
        added, base = _of_trees(estimator, features)
    else:
        added, base = _of_weights(estimator, features)
    rows = np.arange(len(inputs))
    if added.shape[1] > 1:
        # What is explained is what is predicted
        place = {label: number for number, label in enumerate(model.classes_.tolist())}
        chosen = np.array([place[label] for label in predict(model, inputs).predictions.tolist()])
        added, base = added[rows, chosen], base[rows, chosen]
    else:
        added, base = added[:, 0], base[:, 0]
    summed = np.zeros((len(inputs), len(distinct)))
    for place_of, name in enumerate(names):
        summed[:, distinct.index(name)] += added[:, place_of]
    return Explanation(distinct, summed, base)


def unexplainable(model: Pipeline) -> str | None:
    """Return in a sentence why the predictions of a model cannot be explained, or None."""
    try:
        _origins(model)
    except UserError as error:
        return str(error)
    return None


def _is_linear(estimator: Any, width: int) -> bool:
    """Say whether the score of an estimator is a weighted sum of its features."""
    weights = getattr(estimator, "coef_", None)
    classifier = hasattr(estimator, "classes_")
    # A generalised linear model predicts a function of the sum
    plain = isinstance(estimator, LinearClassifierMixin) if classifier else True
    return (
        type(estimator).__module__.startswith("sklearn.linear_model")
        and plain
        and not hasattr(estimator, "power")
        and type(estimator).__name__ not in ("PoissonRegressor", "GammaRegressor")
        and isinstance(weights, np.ndarray)
        and np.atleast_2d(weights).shape[1] == width
    )


def _of_weights(
    estimator: Any, features: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (n, scores, features) contributions and (n, scores) bases of a linear model."""
    weights = np.atleast_2d(estimator.coef_)
    base = np.broadcast_to(np.atleast_1d(estimator.intercept_), (len(weights),)).astype(float)
    if hasattr(estimator, "classes_") and len(weights) == 1:
        weights, base = np.vstack([-weights, weights]), np.hstack([-base, base])
    added = features[:, None, :] * weights[None, :, :]
    return added, np.tile(base, (len(features), 1))


def _of_trees(
    estimator: Any, features: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (n, scores, features) contributions and (n, scores) bases of boosted trees."""
    width = features.shape[1] + 1
    flat = np.asarray(estimator.contributions(features), dtype=float)
    whole = flat.reshape(len(features), flat.size // (len(features) * width), width)
    if hasattr(estimator, "classes_") and whole.shape[1] == 1:
        whole = np.concatenate([-whole, whole], axis=1)
    return whole[:, :, :-1], whole[:, :, -1]


def _origins(model: Pipeline) -> list[str]:
    """Return for each number that the estimator sees the feature that it comes from.

    Raises:
        UserError: a step makes numbers of which that is not known, or what the estimator makes of
            them can only be approximated.
    """
    names, estimator = _traced(model), core_of(model[-1])
    if not boosters.is_booster(estimator) and not _is_linear(estimator, len(names)):
        raise UserError(
            f"a {type(estimator).__name__} cannot be explained row by row: only an approximation "
            "would be possible. Linear models, LightGBM and XGBoost can be explained exactly; what "
            "a feature is worth over all rows is in reports/plots/importance.csv."
        )
    return names


def _traced(model: Pipeline) -> list[str]:
    preprocess = model[0]
    if len(model) != 2 or not isinstance(preprocess, ColumnTransformer):
        made = " + ".join(type(step).__name__ for step in model[:-1])
        raise UserError(f"what {made or 'the model'} makes of the columns cannot be traced to one.")
    names: list[str] = [""] * sum(
        part.stop - part.start for part in preprocess.output_indices_.values()
    )
    for group, steps, columns in preprocess.transformers_:
        part = preprocess.output_indices_[group]
        width = part.stop - part.start
        if width:
            names[part] = _of_group(steps, [*columns], width)
    return names


def _of_group(steps: Any, columns: list[str], width: int) -> list[str]:
    fitted = [step for _, step in steps.steps] if isinstance(steps, Pipeline) else [steps]
    kinds = {type(step): step for step in fitted}
    if ColumnFunction in kinds:
        return [kinds[ColumnFunction].name] * width
    if DateParts in kinds:
        parts = np.array(columns * PARTS_OF_DATE, dtype=object)[kinds[DateParts].kept_]
        if len(parts) == width:
            return [str(name) for name in parts]
    elif OneHotEncoder in kinds:
        counts = [len(values) for values in kinds[OneHotEncoder].categories_]
        if sum(counts) == width and len(counts) == len(columns):
            return [name for name, count in zip(columns, counts, strict=True) for _ in range(count)]
    elif TargetEncoder in kinds and width % len(columns) == 0:
        return [name for name in columns for _ in range(width // len(columns))]
    elif width == len(columns):
        return columns
    made = " + ".join(type(step).__name__ for step in fitted)
    raise UserError(f"what {made} makes of {', '.join(columns)} cannot be traced to a column.")
