"""LightGBM, whose model file depends on the data and parameters alone, and holds text for trees."""

import re
from typing import Any, Self

import lightgbm
import numpy as np
from numpy.typing import NDArray

# How many threads learnt it decides nothing about a model
THREADS = re.compile(r"^\[num_threads: -?\d+\]$", re.MULTILINE)
# The parameter that says which features are codes of categories
CODES = "categorical_feature"
# So that sums of histograms do not depend on the number of threads
DEFAULTS = {"deterministic": True, "force_row_wise": True, "verbosity": -1}
# Parameters of LightGBM beyond those that its classes name
MORE = (
    *("bagging_seed", "boost_from_average", "cat_l2", "cat_smooth", "extra_trees"),
    *("feature_fraction_bynode", "is_unbalance", "linear_tree", "max_bin", "max_cat_threshold"),
    *("max_cat_to_onehot", "max_delta_step", "min_data_in_bin", "min_data_per_group"),
    *("monotone_constraints", "path_smooth", "scale_pos_weight", "top_k", "verbosity"),
)


class _Portable:
    """A booster that is kept as text."""

    _other_params: dict[str, Any]
    _Booster: lightgbm.Booster

    def fit(self, X: Any, y: Any, **settings: Any) -> Self:
        """Learn from (n, features) numbers, of which some may be codes, and (n,) targets."""
        codes = self._other_params.get(CODES, "auto")
        super().fit(X, y, categorical_feature=codes, **settings)  # type: ignore[misc]
        return self

    def _process_params(self, stage: str) -> dict[str, Any]:
        """Return what LightGBM is told, which wants to know of codes elsewhere."""
        params: dict[str, Any] = super()._process_params(stage)  # type: ignore[misc]
        params.pop(CODES, None)
        return params

    def contributions(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what each of (n, k) features adds to each score, and the base: (n, s (k + 1))."""
        return np.asarray(self._Booster.predict(features, pred_contrib=True))

    def __copy__(self) -> Self:
        """Return a copy that shares the trees: it is made whenever parameters are asked for."""
        copied = object.__new__(type(self))
        copied.__dict__.update(self.__dict__)
        return copied

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = {**self.__dict__, "n_jobs": None}
        # LightGBM keeps there what set_params was given
        state["_other_params"] = {**self._other_params, "n_jobs": None}
        booster = state.pop("_Booster", None)
        if booster is not None:
            text = booster.model_to_string(num_iteration=-1)
            # The histories of early stopping, which params.yaml cannot ask for
            state |= {"_best_score": {}, "_evals_result": {}}
            state["_text"] = THREADS.sub("[num_threads: 0]", text)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        text = state.pop("_text", None)
        state["_Booster"] = None if text is None else lightgbm.Booster(model_str=text)
        self.__dict__.update(state)


class LGBMClassifier(_Portable, lightgbm.LGBMClassifier):  # type: ignore[misc]
    """A classifier, with text or numbers for classes."""


class LGBMRegressor(_Portable, lightgbm.LGBMRegressor):  # type: ignore[misc]
    """A regressor."""
