"""XGBoost, whose model file holds what the data and the parameters decide, in its stable format."""

from typing import Any, Self

import numpy as np
import xgboost
from numpy.typing import NDArray

# What is always set, and parameters beyond those that the classes name
DEFAULTS: dict[str, Any] = {}
MORE: tuple[str, ...] = ()


class _Portable:
    """A booster that is kept in the format that XGBoost promises to read for good."""

    _Booster: xgboost.Booster
    feature_types: list[str] | None

    def fit(self, X: Any, y: Any, **settings: Any) -> Self:
        """Learn from (n, features) numbers, of which the first may be codes, and (n,) targets."""
        if self.feature_types is not None:
            self.feature_types = [*self.feature_types, *["q"] * X.shape[1]][: X.shape[1]]
        super().fit(X, y, **settings)  # type: ignore[misc]
        return self

    def contributions(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what each of (n, k) features adds to each score, and the base: (n, s (k + 1))."""
        types = self._Booster.feature_types
        rows = xgboost.DMatrix(features, feature_types=types, enable_categorical=types is not None)
        return np.asarray(self._Booster.predict(rows, pred_contribs=True))

    def __copy__(self) -> Self:
        """Return a copy that shares the trees: it is made whenever parameters are asked for."""
        copied = object.__new__(type(self))
        copied.__dict__.update(self.__dict__)
        return copied

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = {**self.__dict__, "n_jobs": None}
        booster = state.pop("_Booster", None)
        if booster is not None:
            state["_raw"] = bytes(booster.save_raw(raw_format="ubj"))
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        raw = state.pop("_raw", None)
        if raw is not None:
            state["_Booster"] = xgboost.Booster()
            state["_Booster"].load_model(bytearray(raw))
        self.__dict__.update(state)


class XGBClassifier(_Portable, xgboost.XGBClassifier):  # type: ignore[misc]
    """A classifier, with text or numbers for classes: XGBoost itself takes 0, 1, 2 ... alone."""

    def fit(self, X: Any, y: Any, **settings: Any) -> Self:
        """Learn from (n, features) numbers and (n,) classes."""
        labels, places = np.unique(np.asarray(y), return_inverse=True)
        self.__dict__.pop("labels_", None)
        super().fit(X, places, **settings)
        self.labels_ = labels
        return self

    def predict(self, X: Any, **settings: Any) -> NDArray[Any]:
        """Return (n,) classes."""
        places = super().predict(X, **settings)
        classes: NDArray[Any] = self.labels_[np.asarray(places, dtype=int)]
        return classes

    @property
    def classes_(self) -> NDArray[Any]:
        """The classes; while it learns, the numbers that XGBoost wants to see in their place."""
        labels: NDArray[Any] = self.__dict__.get("labels_", np.arange(self.n_classes_))
        return labels


class XGBRegressor(_Portable, xgboost.XGBRegressor):  # type: ignore[misc]
    """A regressor."""
