"""Histogram gradient boosting that goes through all of its trees by one call, for a few rows.

scikit-learn asks one tree after the other, and for one row most of the time goes into the asking.
Here the trees are joined into one, at whose top a row finds its way by the number of a tree: so the
code of scikit-learn still goes from node to node, and leaves are added up in the order of its own.
"""

import copy
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor
from sklearn.model_selection import FixedThresholdClassifier

from modelkeep_core.native import HISTOGRAMS

# Each tree gets its own copy of the rows. With more of them, or with more numbers in all copies,
# that takes as long as it spares.
ROWS = 32
NUMBERS = 1_000_000


def at_once(estimator: Any) -> Any:
    """Return a fitted estimator that answers the same, to the bit, and a few rows sooner.

    Args:
        estimator: any; gradient boosting may be inside what calibrates and decides. What is another
            kind, or encodes its categories itself, is returned as it is.
    """
    if isinstance(estimator, FixedThresholdClassifier):
        return _changed(estimator, estimator_=at_once(estimator.estimator_))
    if isinstance(estimator, CalibratedClassifierCV):
        calibrated = [
            _changed(each, estimator=at_once(each.estimator))
            for each in estimator.calibrated_classifiers_
        ]
        return _changed(estimator, calibrated_classifiers_=calibrated)
    if isinstance(estimator, HISTOGRAMS) and estimator._preprocessor is None:
        return _changed(estimator, _raw_predict=_Scores(estimator))
    return estimator


class _Scores:
    """What the trees of gradient boosting say of n rows, added up: (n, trees in an iteration)."""

    def __init__(self, boosting: Any) -> None:
        self._boosting = boosting
        self._start = 0.0 + boosting._baseline_prediction
        self._shape = len(boosting._predictors), boosting.n_trees_per_iteration_
        self._trees = np.arange(self._shape[0] * self._shape[1], dtype=float)
        self._width = boosting.n_features_in_
        self._most = min(ROWS, NUMBERS // (len(self._trees) * (self._width + 1)))
        if self._most:
            self._joined = _joined([*chain(*boosting._predictors)], self._width)
            self._known = boosting._bin_mapper.make_known_categories_bitsets()

    def __call__(self, inputs: NDArray[np.float64], n_threads: int | None = None) -> NDArray[Any]:
        rows, width = inputs.shape
        if rows > self._most or width != self._width:
            return np.asarray(self._boosting._raw_predict(inputs, n_threads))
        copies = np.empty((rows, len(self._trees), width + 1))
        copies[:, :, :-1], copies[:, :, -1] = inputs[:, None], self._trees
        leaves = self._joined.predict(copies.reshape(-1, width + 1), *self._known, n_threads=1)
        added = np.empty((self._shape[0] + 1, self._shape[1], rows))
        added[0] = self._start.T
        added[1:] = leaves.reshape(rows, *self._shape).transpose(1, 2, 0)
        # A sum would be of pairs
        return np.asarray(np.cumsum(added, axis=0)[-1].T)


def _joined(trees: list[Any], width: int) -> TreePredictor:
    """Join trees to one, that goes to the tree whose number is behind the `width` features."""
    top = np.zeros(len(trees) - 1, trees[0].nodes.dtype)
    nodes, sets, ends = [top], [], []
    place, place_of_set = len(top), 0
    for number, tree in enumerate(trees):
        own = tree.nodes.copy()
        # Those of a leaf are never read
        own["left"] += np.uint32(place)
        own["right"] += np.uint32(place)
        own["bitset_idx"] += np.uint32(place_of_set)
        nodes.append(own)
        sets.append(tree.raw_left_cat_bitsets)
        ends.append((place, number))
        place, place_of_set = place + len(own), place_of_set + len(sets[-1])
    free = len(top)
    # Neighbours are put together until there is one root, at the first place
    while len(ends) > 1:
        pairs = [*zip(ends[::2], ends[1::2], strict=False)]
        rest = ends[2 * len(pairs) :]
        ends = []
        for (left, middle), (right, last) in pairs:
            free -= 1
            node = top[free]
            node["feature_idx"], node["num_threshold"] = width, middle
            node["left"], node["right"] = left, right
            ends.append((free, last))
        ends += rest
    return TreePredictor(np.concatenate(nodes), None, np.concatenate(sets))


def _changed(thing: Any, **attributes: Any) -> Any:
    """Return a shallow copy with other attributes."""
    changed = copy.copy(thing)
    for name, value in attributes.items():
        setattr(changed, name, value)
    return changed
