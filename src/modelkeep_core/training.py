"""A pipeline and rows → the fitted model, and how it was made, as plain data."""

from typing import Any

import pandas as pd
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from modelkeep_core.errors import UserError
from modelkeep_core.files import plain
from modelkeep_core.params import Train
from modelkeep_core.preprocessing import described
from modelkeep_core.search import best_of_grid

PREPROCESS, MODEL = "preprocess", "model"


def fit(
    pipeline: Pipeline, inputs: pd.DataFrame, target: NDArray[Any], task: str, params: Train
) -> tuple[Pipeline, dict[str, Any] | None]:
    """Fit a pipeline, searching the grid of its estimator where params say so.

    Linear algebra runs in one thread: the last bits of its results depend on their number.

    Args:
        pipeline: the unfitted steps "preprocess" and "model".
        inputs: (n, features).
        target: (n,) classes or numbers.
        task: "classification" or "regression".
        params: the estimator's name, its search and the seed.

    Returns:
        The fitted pipeline, and what the search found, or None without one.

    Raises:
        UserError: a value that scikit-learn does not take.
    """
    try:
        with threadpool_limits(limits=1, user_api="blas"):
            if params.search.enabled:
                return best_of_grid(pipeline, inputs, target, task, params)
            return pipeline.fit(inputs, target), None
    except (ValueError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{params.estimator} cannot be trained: {reason}") from None


def summary(model: Pipeline, searched: dict[str, Any] | None, rows: int) -> dict[str, Any]:
    """Return how a model was made: estimator, parameters, preprocessing, classes, rows, search."""
    estimator = model[MODEL]
    return {
        "estimator": type(estimator).__name__,
        "parameters": plain(dict(sorted(estimator.get_params().items()))),
        "preprocessing": described(model[PREPROCESS]),
        "classes": estimator.classes_.tolist() if hasattr(estimator, "classes_") else None,
        "rows": rows,
        "search": plain(searched),
    }
