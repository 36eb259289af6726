"""An input example: a made-up row that stands for the training data, and its prediction."""

from typing import TYPE_CHECKING, Any

import pandas as pd
from sklearn.pipeline import Pipeline

from modelkeep_core.inputs import inputs_from_rows
from modelkeep_core.predictions import predict
from modelkeep_core.schema import Schema

if TYPE_CHECKING:
    from modelkeep_core.disk_rows import DiskRows


def typical_row(table: "pd.DataFrame | DiskRows", schema: Schema) -> dict[str, Any]:
    """Return a value for each feature: the median of numbers, the commonest of everything else.

    No row of `table` is given away; a feature without any value is None, a datetime is ISO text.
    The value of a private feature follows from the schema alone.
    """
    row: dict[str, Any] = {}
    for name, column in schema.features.items():
        present = table[name].dropna()
        if column.private:
            row[name] = column.stand_in()
        elif not len(present):
            row[name] = None
        elif column.type == "number":
            row[name] = float(present.median())
        elif column.type == "integer":
            row[name] = round(float(present.median()))
        elif column.type == "datetime":
            row[name] = present.mode()[0].isoformat()
        else:
            row[name] = present.mode().tolist()[0]
    return row


def example(model: Pipeline, table: "pd.DataFrame | DiskRows", schema: Schema) -> dict[str, Any]:
    """Return a typical row of the training rows with what the model predicts for it."""
    return with_predictions(model, typical_row(table, schema), schema)


def with_predictions(model: Pipeline, record: dict[str, Any], schema: Schema) -> dict[str, Any]:
    """Return a record with what the model predicts: "records", "predictions", "probabilities".

    Probabilities are there where the model has them, in the order of its classes.
    """
    predictions, probabilities = predict(model, inputs_from_rows([list(record.values())], schema))
    completed: dict[str, Any] = {"records": [record], "predictions": predictions.tolist()}
    if probabilities is not None:
        completed["probabilities"] = probabilities.tolist()
    return completed
