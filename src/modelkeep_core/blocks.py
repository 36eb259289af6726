"""What an estimator says of a row does not depend on the rows beside it, to the last bit.

Linear algebra adds up in an order that depends on the shape of its matrices: a row alone and the
same row among thousands differ in their last bits. So estimators see blocks of one shape, the last
of them filled up with its last row, wherever rows come from: evaluated, served and scored in
batches, a row has one answer. It holds on one machine with one thread for linear algebra.
"""

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.calibration import CalibratedClassifierCV
from sklearn.linear_model import ElasticNet
from sklearn.linear_model._base import LinearClassifierMixin, LinearModel
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.utils import _safe_indexing

from modelkeep_core.boosters import is_booster

ROWS = 64
# NumPy adds up fewer numbers of a row one by one, however they lie in memory
ADDED_IN_ORDER = 8
# They go from row to row by themselves: trees, sums of trees, support vectors, and no inputs at all
ROW_BY_ROW = (
    *("sklearn.tree.", "sklearn.dummy.", "sklearn.ensemble._forest.", "sklearn.ensemble._gb."),
    *("sklearn.ensemble._hist_gradient_boosting.", "sklearn.svm._classes.SVC"),
    *("sklearn.svm._classes.SVR", "sklearn.svm._classes.NuSV"),
)
# Of numbers, the second does the same as the first
OF_LINEAR_REGRESSORS = (LinearModel._decision_function, ElasticNet._decision_function)


def call(estimator: Any, method: str, features: Any) -> NDArray[Any]:
    """Call a method of a fitted estimator, so that each row gets what it would get alone.

    Args:
        estimator: it.
        method: "predict", "predict_proba" or "decision_function".
        features: (n, k), as the estimator takes them.

    Returns:
        What the method returns for n rows.

    Raises:
        ValueError: the estimator does not take the features.
    """
    if not features.shape[0] or _goes_row_by_row(core_of(estimator)):
        return np.asarray(getattr(estimator, method)(features))
    if _is_linear(estimator) and _is_plain(features):
        return np.asarray(getattr(_with_products_of_blocks(estimator), method)(features))
    answers = [
        np.asarray(getattr(estimator, method)(block))[:rows] for block, rows in _blocks(features)
    ]
    return np.concatenate(answers)


def core_of(model: Any) -> Any:
    """Return the estimator inside what decides and calibrates; itself where nothing is around."""
    if isinstance(model, FixedThresholdClassifier):
        return core_of(model.estimator_)
    if isinstance(model, CalibratedClassifierCV):
        return core_of(model.calibrated_classifiers_[0].estimator)
    return model


def decides_by_scores(estimator: Any) -> bool:
    """Say whether a classifier has no probabilities, and predicts the class of the highest score.

    Of two classes, a score above zero is one of the second.
    """
    by_scores = getattr(type(estimator), "predict", None) is LinearClassifierMixin.predict
    return by_scores and not hasattr(estimator, "predict_proba")


def _blocks(features: Any) -> Iterator[tuple[Any, int]]:
    """Yield blocks of one shape, and how many of their rows count."""
    total = features.shape[0]
    for start in range(0, total, ROWS):
        places = np.minimum(np.arange(start, start + ROWS), total - 1)
        block = _safe_indexing(features, places)
        if isinstance(block, np.ndarray):
            block = np.ascontiguousarray(block)
        yield block, min(ROWS, total - start)


def _goes_row_by_row(estimator: Any) -> bool:
    kind = type(estimator)
    return f"{kind.__module__}.{kind.__name__}".startswith(ROW_BY_ROW) or is_booster(estimator)


def _is_linear(estimator: Any) -> bool:
    """Say whether scores are a product and an intercept, by the code of scikit-learn itself."""
    kind = type(estimator)
    return (
        getattr(kind, "decision_function", None) is LinearClassifierMixin.decision_function
        or getattr(kind, "_decision_function", None) in OF_LINEAR_REGRESSORS
    )


def _is_plain(features: Any) -> bool:
    """Say whether features are numbers that a linear model takes as they are."""
    return (
        isinstance(features, np.ndarray)
        and features.dtype == np.float64
        and features.ndim == 2
        and bool(np.isfinite(features).all())
    )


def _with_products_of_blocks(estimator: Any) -> Any:
    """Return a linear estimator that multiplies many blocks by one call; no bit is another."""
    weights = estimator.coef_.T

    def scores(features: NDArray[np.float64]) -> NDArray[np.float64]:
        total, width = features.shape
        blocks = np.empty((-(-total // ROWS), ROWS, width))
        flat = blocks.reshape(-1, width)
        flat[:total], flat[total:] = features, features[-1]
        product = np.matmul(blocks, weights).reshape(len(flat), *weights.shape[1:])
        summed = np.asarray(product[:total] + estimator.intercept_)
        # One product decides between two classes
        single = summed.ndim == 2 and summed.shape[1] == 1 and hasattr(estimator, "classes_")
        if single:
            return summed[:, 0]
        # Row by row, the softmax of few classes takes three times as long as class by class
        few = summed.ndim == 2 and summed.shape[1] < ADDED_IN_ORDER
        return np.asfortranarray(summed) if few else summed

    faster = copy.copy(estimator)
    faster.decision_function = faster._decision_function = scores
    return faster
