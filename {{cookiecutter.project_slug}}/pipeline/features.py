"""From a table to what the model sees: the only place that turns columns into features."""

from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler, TargetEncoder

from pipeline.schema import NUMERIC, Schema

EPOCH = np.datetime64("2000-01-01", "us")
DAY = np.timedelta64(1, "D")
# In days: a year, a week, a day
CYCLES = (365.2425, 7.0, 1.0)


class DateParts(TransformerMixin, BaseEstimator):
    """Datetimes as numbers: for each column the days since 2000 and its places in the cycles.

    A place in the year, the week and the day is a sine and a cosine, so that December is next to
    January. What is missing is NaN.
    """

    def fit(self, X: pd.DataFrame, y: Any = None) -> Self:
        """Learn nothing."""
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def transform(self, X: pd.DataFrame) -> NDArray[np.float64]:
        """Return (n, 7 k) numbers for the (n, k) datetimes of `X`."""
        days = (X.to_numpy("datetime64[us]") - EPOCH) / DAY
        angles = [2 * np.pi * days / cycle for cycle in CYCLES]
        return np.hstack([days, *map(np.sin, angles), *map(np.cos, angles)])


def features_of(table: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Return the feature columns in the order of the schema, one row for each row of `table`.

    Numbers, integers and booleans become float64 with NaN where missing; datetimes, which may be
    ISO text, become datetime64 in UTC with NaT; categories become objects, text with NaN. `table`
    is not modified.
    """
    columns = {}
    for name, column in schema.features.items():
        if column.type in NUMERIC:
            columns[name] = table[name].astype("float64")
        elif column.type == "datetime":
            times = pd.to_datetime(table[name], format="ISO8601", utc=True)
            columns[name] = times.dt.tz_localize(None).dt.as_unit("us")
        else:
            text = table[name].astype(object)
            columns[name] = text.where(text.notna(), np.nan)
    return pd.DataFrame(columns, index=table.index)


def preprocessor(schema: Schema) -> ColumnTransformer:
    """Return the unfitted preprocessing: impute and scale numbers, impute and encode categories.

    A category that was never seen in training is encoded as none of the known ones, or by the mean
    of the whole target. Where the target encodes a category, the rows that the model learns from
    are encoded by other rows, in five folds. Datetimes become numbers first.
    """
    groups: dict[str, list[str]] = {"numbers": [], "dates": [], "categories": [], "by_target": []}
    for name, column in schema.features.items():
        if column.type in NUMERIC:
            groups["numbers"].append(name)
        elif column.type == "datetime":
            groups["dates"].append(name)
        else:
            groups["by_target" if column.encoding == "target" else "categories"].append(name)
    numbers = make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler()
    )
    categories = make_pipeline(
        SimpleImputer(strategy="most_frequent", keep_empty_features=True),
        OneHotEncoder(handle_unknown="ignore", sparse_output=False),
    )
    encoder = TargetEncoder(
        target_type="continuous" if schema.task == "regression" else "auto",
        cv=KFold(5, shuffle=True, random_state=0),
    )
    steps = {
        "numbers": numbers,
        "dates": make_pipeline(DateParts(), *(clone(step) for _, step in numbers.steps)),
        "categories": categories,
        "by_target": make_pipeline(encoder, StandardScaler()),
    }
    return ColumnTransformer(
        [(name, steps[name], columns) for name, columns in groups.items() if columns],
        verbose_feature_names_out=False,
    )


def described(fitted: ColumnTransformer) -> list[dict[str, object]]:
    """Return the preprocessing as plain data: for each group of columns, its steps in order."""
    return [
        {"columns": list(columns), "steps": [repr(step) for _, step in steps.steps]}
        for _, steps, columns in fitted.transformers
        if len(columns)
    ]
