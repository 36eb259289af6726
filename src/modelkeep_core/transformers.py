"""scikit-learn transformers that packaged models hold; their names are part of the package format.

A class here is never renamed or moved: a model file names it by module and class.
"""

from collections.abc import Callable
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin

EPOCH = np.datetime64("2000-01-01", "us")
DAY = np.timedelta64(1, "D")
# In days
CYCLES = {"year": 365.2425, "week": 7.0, "day": 1.0}


class DateParts(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Datetimes as numbers: for each column the days since 2000 and its places in the cycles.

    A place in the year, the week and the day is a sine and a cosine, so that December is next to
    January. What is missing is NaN.
    """

    def fit(self, X: pd.DataFrame, y: Any = None) -> Self:
        """Remember the names of the columns."""
        self.feature_names_in_ = np.asarray(X.columns, dtype=object)
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def transform(self, X: pd.DataFrame) -> NDArray[np.float64]:
        """Return (n, 7 k) numbers for the (n, k) datetimes of `X`."""
        days = (X.to_numpy("datetime64[us]") - EPOCH) / DAY
        angles = [2 * np.pi * days / cycle for cycle in CYCLES.values()]
        return np.hstack([days, *map(np.sin, angles), *map(np.cos, angles)])

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return the names of the 7 k columns that `transform` returns."""
        names = self.feature_names_in_ if input_features is None else input_features
        parts = ["days", *(f"{wave}_of_{cycle}" for wave in ("sin", "cos") for cycle in CYCLES)]
        return np.array([f"{name}_{part}" for part in parts for name in names], dtype=object)


class ColumnFunction(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """One numeric feature that a function computes from some columns.

    Args:
        function: takes an (n, k) table of the columns, returns n numbers, NaN where there is none.
        name: the name of the feature.
    """

    def __init__(self, function: Callable[[pd.DataFrame], Any], name: str) -> None:
        self.function = function
        self.name = name

    def fit(self, X: pd.DataFrame, y: Any = None) -> Self:
        """Learn nothing."""
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def transform(self, X: pd.DataFrame) -> NDArray[np.float64]:
        """Return (n, 1) numbers; what is infinite counts as missing.

        Raises:
            ValueError: the function does not return one number for each row.
        """
        values = np.asarray(self.function(X.copy()), dtype="float64")
        if values.shape not in ((len(X),), (len(X), 1)):
            raise ValueError(
                f"the function of the feature '{self.name}' returned an array of shape "
                f"{values.shape} for {len(X)} rows: it must return one number for each row"
            )
        column = values.reshape(-1, 1)
        return np.where(np.isfinite(column), column, np.nan)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return the name of the feature."""
        return np.array([self.name], dtype=object)
