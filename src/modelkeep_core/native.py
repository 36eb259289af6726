"""What an estimator knows by itself is left to it: missing values, and which numbers are codes.

LightGBM, XGBoost and the histogram gradient boosting of scikit-learn learn on which side of a split
missing values go, and split categories into sets. For them, what `preprocessor` made is changed:
numbers are not imputed, and categories become codes instead of a column for each value. A category
that was never seen in training counts as missing.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OrdinalEncoder

from modelkeep_core.blocks import core_of
from modelkeep_core.boosters import is_booster
from modelkeep_core.preprocessing import CATEGORIES, groups_of, imputed, one_hot
from modelkeep_core.transformers import EmptyAsZero

HISTOGRAMS = (HistGradientBoostingClassifier, HistGradientBoostingRegressor)
# How XGBoost learns where it takes categories; None stands for its default
XGBOOST = {"booster": (None, "gbtree", "dart"), "tree_method": (None, "auto", "hist", "approx")}


def suited(pipeline: Pipeline, most_codes: int | None = None) -> Pipeline:
    """Return a pipeline whose preprocessing leaves to its estimator what that one knows.

    Only steps that `preprocessor` made are changed; those of the project's own, and columns whose
    encoding schema.yaml names, stay as they are. Codes come first among the features.

    Args:
        pipeline: two unfitted steps; returned itself where nothing is to be left to the second.
        most_codes: how many values of a category have a code of their own at most, where the
            estimator takes a limited number; the rarest share one.
    """
    if len(pipeline) != 2 or not isinstance(pipeline[0], ColumnTransformer):
        return pipeline
    estimator = pipeline[1]
    if not _knows(estimator):
        return pipeline
    if isinstance(estimator, HISTOGRAMS):
        most_codes = min(estimator.max_bins, most_codes or estimator.max_bins)
    groups = [*_left(pipeline[0].transformers, most_codes)]
    groups.sort(key=lambda group: not _is_coded(group[1]))
    codes = sum(len(columns) for _, steps, columns in groups if _is_coded(steps))
    (first, preprocessing), (last, _) = pipeline.steps
    return Pipeline(
        [
            (first, clone(preprocessing).set_params(transformers=groups)),
            (last, _with_codes(clone(estimator), codes)),
        ]
    )


def undone(preprocessing: Any) -> Any:
    """Return preprocessing, unfitted, as an estimator needs it that knows nothing by itself."""
    if not isinstance(preprocessing, ColumnTransformer):
        return clone(preprocessing)
    groups = [
        (
            name,
            one_hot() if _is_coded(steps) else _exchanged(steps, EmptyAsZero(), _imputer()),
            columns,
        )
        for name, steps, columns in preprocessing.transformers
    ]
    return clone(preprocessing).set_params(transformers=groups)


def settled(model: Pipeline) -> Pipeline:
    """Return a fitted pipeline, whose estimator no longer encodes codes that are codes already.

    Histogram gradient boosting does so for each call, which takes long for one row, and changes no
    number.
    """
    estimator = core_of(model[-1])
    if isinstance(estimator, HISTOGRAMS) and _has_codes(model[0]):
        estimator._preprocessor = None
    return model


def left(preprocessing: Any) -> list[str]:
    """Return in words what preprocessing leaves to the estimator."""
    parts = []
    steps = [step for _, steps in groups_of(preprocessing) for step in steps]
    if any(isinstance(step, EmptyAsZero) for step in steps):
        parts.append("missing values")
    if _has_codes(preprocessing):
        parts.append("categories")
    return parts


def _knows(estimator: Any) -> bool:
    """Say whether an estimator takes missing values and codes, and nobody has told it which."""
    if type(estimator) in HISTOGRAMS:
        return bool(estimator.categorical_features == "from_dtype")
    if not is_booster(estimator):
        return False
    parameters = estimator.get_params()
    if "feature_types" not in parameters:
        return True
    learns = all(parameters[name] in values for name, values in XGBOOST.items())
    return learns and parameters["feature_types"] is None


def _with_codes(estimator: Any, codes: int) -> Any:
    """Return an estimator that takes the first features for codes."""
    if not codes:
        return estimator
    if isinstance(estimator, HISTOGRAMS):
        return estimator.set_params(categorical_features=[*range(codes)])
    if "feature_types" in estimator.get_params():
        return estimator.set_params(enable_categorical=True, feature_types=["c"] * codes)
    return estimator.set_params(categorical_feature=[*range(codes)])


def _left(groups: Any, most_codes: int | None) -> Iterator[tuple[str, Any, Any]]:
    """Yield groups of columns without the imputation and encoding that `preprocessor` gave them."""
    for name, steps, columns in groups:
        if name == CATEGORIES and repr(steps) == repr(one_hot()):
            encoder = OrdinalEncoder(
                handle_unknown="use_encoded_value", unknown_value=np.nan, max_categories=most_codes
            )
            yield name, make_pipeline(encoder, EmptyAsZero()), columns
        else:
            yield name, _exchanged(steps, _imputer(), EmptyAsZero()), columns


def _imputer() -> Any:
    return imputed()[0]


def _exchanged(steps: Any, old: Any, new: Any) -> Any:
    """Return steps with a new one in the place of those that are like the old one."""
    if not isinstance(steps, Pipeline):
        return steps
    kept = [new if repr(step) == repr(old) else step for _, step in steps.steps]
    return make_pipeline(*kept)


def _has(steps: Any, kind: type) -> bool:
    return isinstance(steps, Pipeline) and any(isinstance(step, kind) for _, step in steps.steps)


def _has_codes(preprocessing: Any) -> bool:
    """Say whether preprocessing makes codes of categories for an estimator that takes them."""
    return isinstance(preprocessing, ColumnTransformer) and any(
        _is_coded(steps) for _, steps, _ in preprocessing.transformers
    )


def _is_coded(steps: Any) -> bool:
    return _has(steps, OrdinalEncoder) and _has(steps, EmptyAsZero)
