"""What a model says of rows: predictions, and probabilities where it has them."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from pipeline.features import features_of
from pipeline.schema import Schema


class Answers(NamedTuple):
    """What a model says of n rows.

    Attributes:
        predictions: n classes or numbers.
        probabilities: n rows with a probability for each of the model's classes, or None.
    """

    predictions: np.ndarray
    probabilities: np.ndarray | None


def answers(model: Any, inputs: pd.DataFrame | np.ndarray) -> Answers:
    """Let a fitted pipeline, or an estimator, answer its inputs, which are transformed once."""
    if isinstance(model, Pipeline):
        model, inputs = model[-1], model[:-1].transform(inputs)
    probabilities = model.predict_proba(inputs) if hasattr(model, "predict_proba") else None
    return Answers(model.predict(inputs), probabilities)


def inputs_of(rows: Sequence[Sequence[Any]], schema: Schema) -> pd.DataFrame:
    """Return the model's inputs from plain rows: a value, or None, for each feature in order."""
    table = pd.DataFrame(list(rows), columns=list(schema.features), dtype=object)
    return features_of(table, schema)
