"""An answer depends on its row alone, whatever is asked beside it."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import calibration, ensemble, linear_model, neural_network, svm
from sklearn.model_selection import FixedThresholdClassifier

from modelkeep_core import blocks
from modelkeep_core.blocks import ROWS, call

WIDTH, TOTAL = 40, 300
RANDOM = np.random.default_rng(0)
FEATURES = RANDOM.normal(size=(TOTAL, WIDTH))
SCORE = FEATURES[:, 0] + FEATURES[:, 1] ** 2
TARGETS = {2: SCORE > 1, 3: np.digitize(SCORE, [0, 2])}
LOGISTIC = linear_model.LogisticRegression()
ESTIMATORS = {
    "two classes": (LOGISTIC, TARGETS[2]),
    "three classes": (linear_model.LogisticRegression(), TARGETS[3]),
    "least squares": (linear_model.LinearRegression(), SCORE),
    "ridge": (linear_model.Ridge(), SCORE),
    "lasso": (linear_model.Lasso(0.01), SCORE),
    "no probabilities": (svm.LinearSVC(), TARGETS[3]),
    "calibrated": (calibration.CalibratedClassifierCV(LOGISTIC), TARGETS[2]),
    "threshold": (FixedThresholdClassifier(LOGISTIC, threshold=0.3), TARGETS[2]),
    "network": (neural_network.MLPRegressor(hidden_layer_sizes=20, max_iter=5), SCORE),
    "trees": (ensemble.ExtraTreesRegressor(5), SCORE),
}
pytestmark = pytest.mark.filterwarnings("ignore")


@cache
def fitted(name):
    """Return one of the estimators, fitted where a test first asks for it."""
    estimator, target = ESTIMATORS[name]
    return estimator.fit(FEATURES, target)


def methods(estimator):
    """Return what can be asked."""
    return [name for name in ("predict", "predict_proba") if hasattr(estimator, name)]


@pytest.mark.parametrize("name", ESTIMATORS)
@settings(max_examples=15, deadline=None)
@given(places=st.lists(st.integers(0, TOTAL - 1), min_size=1, max_size=2 * ROWS + 3))
def test_rows_in_any_company_are_answered_alike(name, places):
    """All rows, or any of them in any order and number: every bit is the same."""
    estimator = fitted(name)
    for method in methods(estimator):
        whole = call(estimator, method, FEATURES)
        assert call(estimator, method, FEATURES[places]).tobytes() == whole[places].tobytes()
        turned = np.asfortranarray(FEATURES[places])
        assert call(estimator, method, turned).tobytes() == whole[places].tobytes()


@pytest.mark.parametrize("name", [*ESTIMATORS][:6])
def test_the_products_of_many_blocks_are_those_of_one_after_the_other(name, monkeypatch):
    """The faster way of linear models is scikit-learn's own, bit for bit."""
    estimator = fitted(name)
    assert blocks._is_linear(estimator)
    for method in methods(estimator):
        at_once = call(estimator, method, FEATURES)
        with monkeypatch.context() as without:
            without.setattr(blocks, "_is_linear", lambda _: False)
            assert call(estimator, method, FEATURES).tobytes() == at_once.tobytes()
        assert at_once[:ROWS].tobytes() == getattr(estimator, method)(FEATURES[:ROWS]).tobytes()


def test_an_estimator_is_not_changed_by_being_asked():
    """The faster way belongs to the call: what is saved afterwards is what was fitted."""
    estimator = fitted("two classes")
    before = {**vars(estimator)}
    call(estimator, "predict", FEATURES)
    assert vars(estimator) == before


@pytest.mark.parametrize("name", ["two classes", "ridge", "network", "trees"])
def test_what_an_estimator_refuses_is_refused(name):
    """A number that is none stops the call, as it does without blocks."""
    features = FEATURES.copy()
    features[70, 3] = np.inf
    with pytest.raises(ValueError, match=r"infinity"):
        call(fitted(name), "predict", features)


def test_no_rows_get_no_answers():
    """An empty table of features is no error where the estimator takes it, and one where not."""
    with pytest.raises(ValueError, match="0 sample"):
        call(fitted("two classes"), "predict", FEATURES[:0])
