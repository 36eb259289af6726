"""scikit-learn transformers that packaged models hold; their names are part of the package format.

A class here is never renamed or moved: a model file names it by module and class.
"""

from collections.abc import Callable
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin

from modelkeep_core.errors import UserError, reason_of

EPOCH = np.datetime64("2000-01-01", "us")
# In microseconds: of 365.2425 days, as the Gregorian calendar has them
DAY = 86_400_000_000
CYCLES = {"year": 31_556_952_000_000, "week": 7 * DAY, "day": DAY}
# How far a place in a cycle, from -1 to 1, must go in training to say anything. What goes less far
# is rounding, a leap day or a shift of the clock, and would be scaled up to the size of the rest.
LEAST_SPREAD = 0.1
# How many times the last bit of its columns a computed feature varies, where that is rounding
ROUNDING = 64


class DateParts(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Datetimes as numbers: for each column the days since 2000 and its places in the cycles.

    A place in the year, the week and the day is a sine and a cosine, so that December is next to
    January. Parts that hardly vary in training are left out, such as the hour of dates that have
    none. What is missing is NaN.
    """

    def fit(self, X: pd.DataFrame, y: Any = None) -> Self:
        """Remember the names of the columns, and which of their parts vary."""
        self.feature_names_in_ = np.asarray(X.columns, dtype=object)
        parts = _parts(X.to_numpy("datetime64[us]"))
        low = np.where(np.isnan(parts), np.inf, parts).min(axis=0, initial=np.inf)
        high = np.where(np.isnan(parts), -np.inf, parts).max(axis=0, initial=-np.inf)
        spread = np.where(low <= high, high, 0) - np.where(low <= high, low, 0)
        days = np.arange(parts.shape[1]) < X.shape[1]
        self.kept_ = np.where(days, spread > 0, spread >= LEAST_SPREAD)
        if not self.kept_.any():
            self.kept_ = days
        return self

    def transform(self, X: pd.DataFrame) -> NDArray[np.float64]:
        """Return (n, at most 7 k) numbers for the (n, k) datetimes of `X`."""
        return self.of_times(X.to_numpy("datetime64[us]"))

    def of_times(self, times: NDArray[np.datetime64]) -> NDArray[np.float64]:
        """Return what `transform` does, for an (n, k) array of datetimes in microseconds."""
        return np.asarray(_parts(times)[:, self.kept_])

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return the names of the columns that `transform` returns."""
        names = self.feature_names_in_ if input_features is None else input_features
        parts = ["days", *(f"{wave}_of_{cycle}" for wave in ("sin", "cos") for cycle in CYCLES)]
        named = np.array([f"{name}_{part}" for part in parts for name in names], dtype=object)
        return named[self.kept_]


def _parts(times: NDArray[np.datetime64]) -> NDArray[np.float64]:
    """Return all parts of (n, k) datetimes: (n, 7 k), the days of all columns first."""
    # Whole numbers, so that the same hour of every day is the same number
    passed, absent = (times - EPOCH).astype("int64"), np.isnat(times)
    days = np.where(absent, np.nan, passed / DAY)
    angles = [
        np.where(absent, np.nan, 2 * np.pi * (passed % cycle) / cycle) for cycle in CYCLES.values()
    ]
    return np.hstack([days, *map(np.sin, angles), *map(np.cos, angles)])


def extremes(times: NDArray[np.datetime64]) -> NDArray[np.intp]:
    """Return where (n, k) datetimes, n of 1 or more, have the least and greatest of each part."""
    parts = _parts(times)
    low = np.where(np.isnan(parts), np.inf, parts).argmin(axis=0)
    high = np.where(np.isnan(parts), -np.inf, parts).argmax(axis=0)
    return np.concatenate([low, high])


class EmptyAsZero(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Numbers as they are, NaN where one is missing; columns without any in training are 0."""

    def fit(self, X: Any, y: Any = None) -> Self:
        """Find out which of the (n, k) columns are empty."""
        self.empty_ = np.isnan(np.asarray(X, dtype="float64")).all(axis=0)
        return self

    def transform(self, X: Any) -> NDArray[np.float64]:
        """Return (n, k) numbers for the (n, k) numbers of `X`."""
        return np.where(self.empty_, 0.0, np.asarray(X, dtype="float64"))

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return the names of the columns, which stay what they are."""
        return np.asarray(input_features, dtype=object)


class ColumnFunction(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """One numeric feature that a function computes from some columns.

    Where all that varies in training is rounding, as in the difference of columns that are equal,
    the feature is a constant: scaled up, rounding would look like a signal.

    Args:
        function: takes an (n, k) table of the columns, returns n numbers, NaN where there is none.
        name: the name of the feature.
    """

    constant_: float | None = None

    def __init__(self, function: Callable[[pd.DataFrame], Any], name: str) -> None:
        self.function = function
        self.name = name

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def fit(self, X: pd.DataFrame, y: Any = None) -> Self:
        """Find out whether the feature varies by more than rounding.

        Raises:
            UserError: the function fails, or does not return one number for each row.
        """
        try:
            self.constant_ = self._constant(X)
        except ValueError as error:
            raise UserError(f"pipeline/features.py: {error}") from error
        return self

    def transform(self, X: pd.DataFrame) -> NDArray[np.float64]:
        """Return (n, 1) numbers; what is infinite counts as missing.

        Raises:
            ValueError: the function fails, or does not return one number for each row.
        """
        column = self._computed(X)
        if self.constant_ is not None:
            column[~np.isnan(column)] = self.constant_
        return column

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return the name of the feature."""
        return np.array([self.name], dtype=object)

    def _constant(self, X: pd.DataFrame) -> float | None:
        """Return the value of a feature that varies by rounding alone; None for any other."""
        column = self._computed(X)
        present = column[~np.isnan(column)]
        spread = np.ptp(present) if len(present) else 0.0
        numbers = X.select_dtypes("number")
        largest = np.abs(numbers.to_numpy("float64", na_value=0)).max(initial=0)
        if not 0 < spread <= ROUNDING * np.finfo(float).eps * largest:
            return None
        # A small number is no rounding, unless the last bit of a column moves it as far.
        moved = [
            np.nan_to_num(np.abs(self._computed(X.assign(**{str(name): shifted})) - column)).max()
            for name in numbers
            for shifted in [np.nextafter(X[name].to_numpy("float64"), np.inf)]
        ]
        return float(present[0]) if spread <= ROUNDING * max(moved) else None

    def _computed(self, X: pd.DataFrame) -> NDArray[np.float64]:
        """Return what the function computes, as a column."""
        what = f"the function of the feature '{self.name}'"
        try:
            values = np.asarray(self.function(X.copy()), dtype="float64")
        except KeyError as error:
            given = ", ".join(map(str, X))
            raise ValueError(
                f"{what} found no {error} among the columns that it is given: {given}. Correct the "
                "name, or add it to the columns of the feature"
            ) from error
        except Exception as error:
            reason = reason_of(error)
            raise ValueError(
                f"{what} failed: {type(error).__name__}: {reason}. It must return one number for "
                "each row, NaN where there is none"
            ) from error
        if values.shape not in ((len(X),), (len(X), 1)):
            raise ValueError(
                f"{what} returned an array of shape {values.shape} for {len(X)} rows: it "
                "must return one number for each row"
            )
        column = values.reshape(-1, 1)
        return np.where(np.isfinite(column), column, np.nan)
