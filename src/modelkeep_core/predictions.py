"""What a model predicts for rows: classes or numbers, and probabilities where it has them."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from modelkeep_core.blocks import call
from modelkeep_core.errors import UserError


class Predictions(NamedTuple):
    """What a model predicts for n rows.

    Attributes:
        predictions: (n,) classes or numbers.
        probabilities: (n, classes), in the order of the model's classes, or None.
    """

    predictions: NDArray[Any]
    probabilities: NDArray[np.float64] | None


def predict(model: Any, inputs: pd.DataFrame | NDArray[Any]) -> Predictions:
    """Let a fitted pipeline, or an estimator, predict its inputs, which are transformed once.

    What a row gets does not depend on the rows beside it.

    Args:
        model: a fitted scikit-learn pipeline or estimator.
        inputs: (n, features).

    Raises:
        UserError: it is neither.
        ValueError: the model does not take the inputs.
    """
    if not callable(getattr(model, "predict", None)):
        raise UserError(f"the package holds no model: a {type(model).__name__} cannot predict.")
    if isinstance(model, Pipeline):
        model, inputs = model[-1], model[:-1].transform(inputs)
    has_probabilities = hasattr(model, "predict_proba")
    probabilities = call(model, "predict_proba", inputs) if has_probabilities else None
    return Predictions(call(model, "predict", inputs), probabilities)


def undefined(predicted: Predictions) -> int:
    """Return how many rows have a prediction or a probability that is no finite number."""
    numbers = predicted.probabilities
    if predicted.predictions.dtype.kind == "f":
        numbers = predicted.predictions.reshape(-1, 1)
    return 0 if numbers is None else int((~np.isfinite(numbers)).any(axis=1).sum())
