"""XGBoost, whose model file holds what the data and the parameters decide, in its stable format."""

import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import xgboost
from numpy.typing import NDArray

# What is always set, and parameters beyond those that the classes name
DEFAULTS: dict[str, Any] = {}
MORE: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Source:
    """Features that are made in batches, each time they are asked for.

    Attributes:
        batches: yields (n, features) numbers, of which the rows add up to those of `shape`.
        shape: how many rows and features there are.
        directory: where XGBoost keeps what it makes of them.
    """

    batches: Callable[[], Iterator[NDArray[np.float32]]]
    shape: tuple[int, int]
    directory: Path


class _Batches(xgboost.DataIter):  # type: ignore[misc]
    """What XGBoost reads a source with, several times over."""

    def __init__(self, source: _Source, target: NDArray[Any], types: list[str] | None) -> None:
        super().__init__(cache_prefix=str(source.directory / "part"))
        self._source, self._target, self._types = source, target, types
        self.interrupted: KeyboardInterrupt | None = None
        self.reset()

    def reset(self) -> None:
        """Begin anew."""
        self._left, self._row = self._source.batches(), 0

    def next(self, input_data: Callable[..., None]) -> bool:
        """Hand over the next batch; say whether there was one."""
        try:
            features = None if self.interrupted else next(self._left, None)
        except KeyboardInterrupt as error:
            # Called from C, Python drops it, and XGBoost would take the rows so far for all
            self.interrupted, features = error, None
        if features is None:
            return False
        start, self._row = self._row, self._row + len(features)
        target = self._target[start : self._row]
        input_data(data=features, label=target, feature_types=self._types)
        return True


class _Portable:
    """A booster that is kept in the format that XGBoost promises to read for good."""

    _Booster: xgboost.Booster
    feature_types: list[str] | None
    n_jobs: int | None
    max_bin: int | None

    def fit(self, X: Any, y: Any, **settings: Any) -> Self:
        """Learn from (n, features) numbers, of which the first may be codes, and (n,) targets."""
        if self.feature_types is not None:
            self.feature_types = [*self.feature_types, *["q"] * X.shape[1]][: X.shape[1]]
        super().fit(X, y, **settings)  # type: ignore[misc]
        return self

    def fit_batches(
        self,
        batches: Callable[[], Iterator[NDArray[np.float32]]],
        shape: tuple[int, int],
        y: NDArray[Any],
        directory: Path,
    ) -> Self:
        """Learn what `fit` learns, from features that are on disk meanwhile.

        Args:
            batches: yields (n, features) numbers, the same whenever it is called.
            shape: how many rows and features there are.
            y: the targets of all rows.
            directory: where XGBoost keeps what it makes of them.
        """
        try:
            return self.fit(_Source(batches, shape, directory), y)
        except BaseException as error:
            # It holds what XGBoost learns from, which wants to remove its files by itself
            traceback.clear_frames(error.__traceback__)
            raise

    def _create_dmatrix(self, ref: Any, data: Any, **settings: Any) -> Any:
        """Return what XGBoost learns from; its own `fit` asks for it."""
        if not isinstance(data, _Source):
            return super()._create_dmatrix(ref, data=data, **settings)  # type: ignore[misc]
        source = _Batches(data, settings["label"], settings["feature_types"])
        try:
            return xgboost.ExtMemQuantileDMatrix(
                source,
                missing=settings["missing"],
                nthread=self.n_jobs,
                max_bin=self.max_bin,
                enable_categorical=settings["enable_categorical"],
            )
        finally:
            if source.interrupted:
                raise source.interrupted

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
