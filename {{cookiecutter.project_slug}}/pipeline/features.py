"""From a table to what the model sees: the only place that turns columns into features."""

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from pipeline.schema import NUMERIC, Schema


def features_of(table: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Return the feature columns in the order of the schema, one row for each row of `table`.

    Numbers, integers and booleans become float64 with NaN where missing; categories become
    objects, text with NaN where missing. `table` is not modified.
    """
    columns = {}
    for name, column in schema.features.items():
        if column.type in NUMERIC:
            columns[name] = table[name].astype("float64")
        else:
            text = table[name].astype(object)
            columns[name] = text.where(text.notna(), np.nan)
    return pd.DataFrame(columns, index=table.index)


def preprocessor(schema: Schema) -> ColumnTransformer:
    """Return the unfitted preprocessing: impute and scale numbers, impute and encode categories.

    A category that was never seen in training is encoded as none of the known ones.
    """
    numeric = [name for name, column in schema.features.items() if column.type in NUMERIC]
    categorical = [name for name in schema.features if name not in numeric]
    numbers = make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler()
    )
    categories = make_pipeline(
        SimpleImputer(strategy="most_frequent", keep_empty_features=True),
        OneHotEncoder(handle_unknown="ignore", sparse_output=False),
    )
    return ColumnTransformer(
        [("numbers", numbers, numeric), ("categories", categories, categorical)],
        verbose_feature_names_out=False,
    )


def described(fitted: ColumnTransformer) -> list[dict[str, object]]:
    """Return the preprocessing as plain data: for each group of columns, its steps in order."""
    return [
        {"columns": list(columns), "steps": [repr(step) for _, step in steps.steps]}
        for _, steps, columns in fitted.transformers
        if len(columns)
    ]
