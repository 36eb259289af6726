"""An answer depends on its row alone, whatever is asked beside it."""

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
    "two classes": LOGISTIC.fit(FEATURES, TARGETS[2]),
    "three classes": linear_model.LogisticRegression().fit(FEATURES, TARGETS[3]),
    "least squares": linear_model.LinearRegression().fit(FEATURES, SCORE),
    "ridge": linear_model.Ridge().fit(FEATURES, SCORE),
    "lasso": linear_model.Lasso(0.01).fit(FEATURES, SCORE),
    "no probabilities": svm.LinearSVC().fit(FEATURES, TARGETS[3]),
    "calibrated": calibration.CalibratedClassifierCV(LOGISTIC).fit(FEATURES, TARGETS[2]),
    "threshold": FixedThresholdClassifier(LOGISTIC, threshold=0.3).fit(FEATURES, TARGETS[2]),
    "network": neural_network.MLPRegressor(hidden_layer_sizes=20, max_iter=5).fit(FEATURES, SCORE),
    "trees": ensemble.ExtraTreesRegressor(5).fit(FEATURES, SCORE),
}
pytestmark = pytest.mark.filterwarnings("ignore")


def methods(estimator):
    """Return what can be asked."""
    return [name for name in ("predict", "predict_proba") if hasattr(estimator, name)]


@pytest.mark.parametrize("estimator", ESTIMATORS.values(), ids=[*ESTIMATORS])
@settings(max_examples=15, deadline=None)
@given(places=st.lists(st.integers(0, TOTAL - 1), min_size=1, max_size=2 * ROWS + 3))
def test_rows_in_any_company_are_answered_alike(estimator, places):
    """All rows, or any of them in any order and number: every bit is the same."""
    for method in methods(estimator):
        whole = call(estimator, method, FEATURES)
        assert call(estimator, method, FEATURES[places]).tobytes() == whole[places].tobytes()
        turned = np.asfortranarray(FEATURES[places])
        assert call(estimator, method, turned).tobytes() == whole[places].tobytes()


@pytest.mark.parametrize("estimator", [*ESTIMATORS.values()][:6], ids=[*ESTIMATORS][:6])
def test_the_products_of_many_blocks_are_those_of_one_after_the_other(estimator, monkeypatch):
    """The faster way of linear models is scikit-learn's own, bit for bit."""
    assert blocks._is_linear(estimator)
    for method in methods(estimator):
        at_once = call(estimator, method, FEATURES)
        with monkeypatch.context() as without:
            without.setattr(blocks, "_is_linear", lambda _: False)
            assert call(estimator, method, FEATURES).tobytes() == at_once.tobytes()
        assert at_once[:ROWS].tobytes() == getattr(estimator, method)(FEATURES[:ROWS]).tobytes()


def test_an_estimator_is_not_changed_by_being_asked():
    """The faster way belongs to the call: what is saved afterwards is what was fitted."""
    before = {**vars(LOGISTIC)}
    call(LOGISTIC, "predict", FEATURES)
    assert vars(LOGISTIC) == before


@pytest.mark.parametrize("name", ["two classes", "ridge", "network", "trees"])
def test_what_an_estimator_refuses_is_refused(name):
    """A number that is none stops the call, as it does without blocks."""
    features = FEATURES.copy()
    features[70, 3] = np.inf
    with pytest.raises(ValueError, match=r"infinity"):
        call(ESTIMATORS[name], "predict", features)


def test_no_rows_get_no_answers():
    """An empty table of features is no error where the estimator takes it, and one where not."""
    with pytest.raises(ValueError, match="0 sample"):
        call(LOGISTIC, "predict", FEATURES[:0])
