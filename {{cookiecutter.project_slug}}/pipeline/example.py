"""An input example: one made-up row that stands for the training data, with the model's answer."""

from typing import Any

import pandas as pd
from sklearn.pipeline import Pipeline

from pipeline.answers import answers, inputs_of
from pipeline.schema import Schema


def typical_row(table: pd.DataFrame, schema: Schema) -> dict[str, Any]:
    """Return a value for each feature: the median of numbers, the commonest of everything else.

    No row of `table` is given away; a feature without any value is None, a datetime is ISO text.
    """
    row: dict[str, Any] = {}
    for name, column in schema.features.items():
        known = table[name].dropna()
        if not len(known):
            row[name] = None
        elif column.type == "number":
            row[name] = float(known.median())
        elif column.type == "integer":
            row[name] = round(float(known.median()))
        elif column.type == "datetime":
            row[name] = known.mode()[0].isoformat()
        else:
            row[name] = known.mode().tolist()[0]
    return row


def answered(model: Pipeline, record: dict[str, Any], schema: Schema) -> dict[str, Any]:
    """Return the record with what the model says: "records", "predictions", "probabilities".

    Probabilities are there where the model has them, in the order of its classes.
    """
    said = answers(model, inputs_of([list(record.values())], schema))
    example: dict[str, Any] = {"records": [record], "predictions": said.predictions.tolist()}
    if said.probabilities is not None:
        example["probabilities"] = said.probabilities.tolist()
    return example
