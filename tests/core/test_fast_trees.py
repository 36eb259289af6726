"""Gradient boosting that goes through all trees by one call says what scikit-learn says."""

import numpy as np
import pytest
from sklearn import ensemble
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import FixedThresholdClassifier

from modelkeep_core import fast_trees
from modelkeep_core.fast_trees import ROWS, at_once
from modelkeep_core.native import HISTOGRAMS

CODES, WIDTH, TOTAL = 2, 6, 600
STRANGE = [np.nan, np.inf, -np.inf, 0.0, -0.0, 5e-324, 1e39, 1e308, -1e308, -1.0, 3.5, 7.0, 255.0]
COUNTS = (1, 2, 7, ROWS, ROWS + 1, 200)
ANSWERS = ("predict", "predict_proba", "decision_function")
TARGETS = ("two", "three", "many")
LOSSES = ("squared_error", "absolute_error", "poisson", "gamma", "quantile")


def made():
    """Return features, of which the first are codes, with gaps, and targets of each kind."""
    random = np.random.default_rng(0)
    features = random.normal(size=(TOTAL, WIDTH))
    features[:, :CODES] = random.integers(0, 12, (TOTAL, CODES))
    features[random.random(features.shape) < 0.1] = np.nan
    score = np.nan_to_num(features[:, 0]) % 3 + np.nan_to_num(features[:, 3])
    score += random.normal(size=TOTAL) / 4
    classes = {name: np.digitize(score, ends) for name, ends in BOUNDS.items()}
    return features, classes | {"number": np.exp(score)}


BOUNDS = {"two": [1], "three": [0, 1], "many": [-1, -0.5, 0, 0.5, 1, 1.5, 2]}
FEATURES, KNOWN = made()


def boosting(target, **parameters):
    """Return gradient boosting, fitted, that no longer encodes codes, as `settled` leaves it."""
    classifier, regressor = HISTOGRAMS
    parameters = {"max_iter": 7, "categorical_features": [*range(CODES)], **parameters}
    kind = regressor if target == "number" else classifier
    fitted = kind(**parameters).fit(FEATURES, KNOWN[target])
    fitted._preprocessor = None
    return fitted


def around(wrapped, target):
    """Return a fitted estimator inside calibration and threshold."""
    names = {"sigmoid", "isotonic", "temperature"}
    for method in sorted(names):
        calibrated = CalibratedClassifierCV(FrozenEstimator(wrapped), method=method)
        calibrated.fit(FEATURES, KNOWN[target])
        for each in calibrated.calibrated_classifiers_:
            each.estimator = wrapped
        yield calibrated
    decided = FixedThresholdClassifier(calibrated, threshold=0.3)
    decided.estimator_ = calibrated
    yield decided


def same(fast, plain):
    """Make sure that training rows and strange ones are answered alike, in any number at once."""
    random = np.random.default_rng(1)
    hostile = random.choice(STRANGE, (200, WIDTH))
    mixed = np.where(random.random(hostile.shape) < 0.3, hostile, FEATURES[: len(hostile)])
    for rows in (FEATURES[:200], hostile, mixed):
        for name in ANSWERS:
            if hasattr(plain, name):
                for count in COUNTS:
                    ours = getattr(fast, name)(rows[:count])
                    theirs = getattr(plain, name)(rows[:count])
                    assert ours.dtype == theirs.dtype
                    assert ours.tobytes() == theirs.tobytes(), (name, count)


@pytest.fixture
def calls(monkeypatch):
    """Count how often scikit-learn goes through a tree."""
    counted = []
    honest = TreePredictor.predict

    def counting(self, *args, **kwargs):
        counted.append(self)
        return honest(self, *args, **kwargs)

    monkeypatch.setattr(TreePredictor, "predict", counting)
    return counted


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"categorical_features": None},
        {"max_iter": 1},
        {"max_iter": 40, "early_stopping": True, "n_iter_no_change": 2},
        {"max_leaf_nodes": None, "min_samples_leaf": 1},
        {"max_iter": 3, "min_samples_leaf": TOTAL},
    ],
    ids=str,
)
def test_classes_are_those_of_scikit_learn(target, parameters):
    """Of two classes and of more, with sets of codes and gaps, and of one tree or one leaf too."""
    plain = boosting(target, **parameters)
    same(at_once(plain), plain)


@pytest.mark.parametrize("loss", LOSSES)
def test_numbers_are_those_of_scikit_learn(loss):
    """Whatever stands between the sum of leaves and a prediction."""
    plain = boosting("number", loss=loss, quantile=0.8 if loss == "quantile" else None)
    same(at_once(plain), plain)


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
@pytest.mark.parametrize("target", ["two", "three"])
def test_what_calibrates_and_decides_is_the_same(target, calls):
    """It asks the estimator inside, whose trees take one call for a row."""
    for plain in around(boosting(target), target):
        if target == "three" and isinstance(plain, FixedThresholdClassifier):
            continue
        fast = at_once(plain)
        same(fast, plain)
        calls.clear()
        fast.predict_proba(FEATURES[:1])
        assert len(calls) == 1


@pytest.mark.parametrize("target", ["two", "many", "number"])
def test_all_trees_of_a_few_rows_take_one_call_of_scikit_learn(target, calls):
    """Many rows are left to it: so the names inside it that are used here are still its names."""
    plain = boosting(target)
    fast, trees = at_once(plain), plain.n_iter_ * plain.n_trees_per_iteration_
    fast.predict(FEATURES[:ROWS])
    assert len(calls) == 1
    fast.predict(FEATURES[: ROWS + 1])
    assert len(calls) == 1 + trees
    calls.clear()
    plain.predict(FEATURES[:1])
    assert len(calls) == trees


def test_wide_rows_and_many_trees_are_left_to_scikit_learn(calls, monkeypatch):
    """No more numbers are copied than are worth it; nothing is joined where not one row is."""
    monkeypatch.setattr(fast_trees, "NUMBERS", 7 * (WIDTH + 1) * 3)
    fast = at_once(boosting("two"))
    fast.predict(FEATURES[:3])
    assert len(calls) == 1
    fast.predict(FEATURES[:4])
    assert len(calls) == 1 + 7
    monkeypatch.setattr(fast_trees, "NUMBERS", 1)
    monkeypatch.setattr(fast_trees, "_joined", None)
    plain = boosting("two")
    same(at_once(plain), plain)


def test_rows_of_another_width_are_refused_as_by_scikit_learn():
    """A row with one number is not taken for a row in which all numbers are alike."""
    fast = at_once(boosting("two"))
    for width in (1, WIDTH - 1, WIDTH + 1):
        with pytest.raises(ValueError, match="features"):
            fast.predict(np.zeros((1, width)))


def test_another_estimator_is_itself_and_none_is_changed():
    """So is boosting that encodes its categories for each call."""
    forest = ensemble.RandomForestClassifier(3).fit(np.nan_to_num(FEATURES), KNOWN["two"])
    assert at_once(forest) is forest
    encoding = HISTOGRAMS[0](max_iter=2, categorical_features=[0]).fit(FEATURES, KNOWN["two"])
    assert at_once(encoding) is encoding
    plain = boosting("three")
    before = {name: id(value) for name, value in vars(plain).items()}
    nodes = [tree.nodes.tobytes() for trees in plain._predictors for tree in trees]
    assert at_once(plain).predict(FEATURES[:1]).shape == (1,)
    assert {name: id(value) for name, value in vars(plain).items()} == before
    assert [tree.nodes.tobytes() for trees in plain._predictors for tree in trees] == nodes
