"""A pipeline and rows → the fitted model, and how it was made, as plain data."""

import sys
import warnings
from typing import Any, NamedTuple

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


# They speak to who maintains code, not to who uses the model.
OF_DEVELOPERS = (DeprecationWarning, PendingDeprecationWarning, FutureWarning)


class Fitted(NamedTuple):
    """A fitted pipeline, and how it came about.

    Attributes:
        model: the pipeline.
        searched: what the search over parameters found, or None without one.
        warnings: what the estimator warned of while it was fitted, such as that it did not
            converge; each once.
    """

    model: Pipeline
    searched: dict[str, Any] | None
    warnings: list[str]


def fit(
    pipeline: Pipeline, inputs: pd.DataFrame, target: NDArray[Any], task: str, params: Train
) -> Fitted:
    """Fit a pipeline, searching the grid of its estimator where params say so.

    Linear algebra runs in one thread: the last bits of its results depend on their number.
    What the estimator warns of is printed, and returned.

    Args:
        pipeline: the unfitted steps "preprocess" and "model".
        inputs: (n, features).
        target: (n,) classes or numbers.
        task: "classification" or "regression".
        params: the estimator's name, its search and the seed.

    Raises:
        UserError: a value that scikit-learn does not take.
    """
    if task == "regression":
        # An estimator that learns whole numbers makes one of a prediction that it does not have.
        target = target.astype(float)
    try:
        with warnings.catch_warnings(record=True) as caught, threadpool_limits(1, "blas"):
            warnings.simplefilter("always")
            if params.search.enabled:
                model, searched = best_of_grid(pipeline, inputs, target, task, params)
            else:
                model, searched = pipeline.fit(inputs, target), None
    except (ValueError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{params.estimator} cannot be trained: {reason}") from None
    messages = [
        f"{params.estimator}: {' '.join(str(warning.message).split())}"
        for warning in caught
        if not issubclass(warning.category, OF_DEVELOPERS)
    ]
    distinct = list(dict.fromkeys(messages))
    for message in distinct:
        print(f"warning: {message}", file=sys.stderr)
    return Fitted(model, searched, distinct)


def summary(fitted: Fitted, rows: int) -> dict[str, Any]:
    """Return how a model was made, as plain data; `rows` is the number of its training rows."""
    model = fitted.model
    estimator = model[MODEL]
    return {
        "estimator": type(estimator).__name__,
        "parameters": plain(dict(sorted(estimator.get_params().items()))),
        "preprocessing": described(model[PREPROCESS]),
        "classes": estimator.classes_.tolist() if hasattr(estimator, "classes_") else None,
        "rows": rows,
        "search": plain(fitted.searched),
        "warnings": fitted.warnings,
    }
