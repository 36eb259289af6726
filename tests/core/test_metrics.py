"""Metrics measure what their names say, in the right direction, and never by luck of the order."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

from modelkeep_core import metrics
from modelkeep_core.errors import UserError
from modelkeep_core.metrics import CLASSIFICATION, METRICS, Metric, ScoredRows

CLASSES = ("a", "b", "c")
NAMES = [(task, name) for task, listed in METRICS.items() for name in listed]


def classes_scored(noise, rows=120, seed=0):
    """Return predictions of three classes: probabilities get worse as the noise grows."""
    random = np.random.default_rng(seed)
    truth = np.arange(rows) % 3
    logits = 4.0 * np.eye(3)[truth] + noise * random.normal(size=(rows, 3))
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return ScoredRows(truth, probabilities.argmax(axis=1), probabilities, CLASSES)


def values_scored(noise, rows=120, seed=0):
    """Return predictions of numbers: predictions get worse as the noise grows."""
    truth = np.linspace(0, 10, rows)
    predicted = truth + noise * np.random.default_rng(seed).normal(size=rows)
    return ScoredRows(truth, predicted, None, ())


def scored_for(task, noise, **others):
    """Return predictions of this task."""
    made = classes_scored if task == "classification" else values_scored
    return made(noise, **others)


def hard(truth, predicted, classes=CLASSES):
    """Return predictions of classes without probabilities."""
    return ScoredRows(np.array(truth), np.array(predicted), None, classes)


# Rows that no model here looks at
NONE = np.empty((3, 0))


class Model:
    """A model that predicts what it was told to."""

    def __init__(self, predictions, classes=None):
        """Remember the predictions, and the classes if it has any."""
        self.predictions = np.array(predictions)
        if classes is not None:
            self.classes_ = np.array(classes)

    def predict(self, inputs):
        """Return the predictions."""
        return self.predictions


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("accuracy", 4 / 6),
        ("balanced_accuracy", (3 / 4 + 1 / 2) / 2),
        ("macro_f1", (2 * 3 / (2 * 3 + 2) + 2 * 1 / (2 * 1 + 2)) / 2),
    ],
)
def test_classes_are_scored_as_by_hand(name, expected):
    """Of four a's one is called b, of two b's one is called a."""
    tested = hard([0, 0, 0, 0, 1, 1], [0, 0, 0, 1, 1, 0], ("a", "b"))
    assert METRICS["classification"][name].score(tested) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("rmse", np.sqrt((1 + 0 + 4 + 9) / 4)),
        ("mae", 6 / 4),
        ("median_absolute_error", 1.5),
        ("r2", 1 - 14 / 20),
    ],
)
def test_numbers_are_scored_as_by_hand(name, expected):
    """Errors of 1, 0, 2 and 3 around values whose squares about their mean sum to 20."""
    tested = ScoredRows(np.array([1.0, 3, 5, 7]), np.array([2.0, 3, 3, 4]), None, ())
    assert METRICS["regression"][name].score(tested) == pytest.approx(expected)


def test_probabilities_are_scored_as_by_hand():
    """The log loss is the mean surprise, and the area counts the pairs in the right order."""
    probability = np.array([0.9, 0.6, 0.7, 0.2])
    tested = ScoredRows(
        np.array([0, 0, 1, 1]),
        probability.round(),
        np.column_stack([probability, 1 - probability]),
        ("a", "b"),
    )
    scores = metrics.scores("classification", tested)
    assert scores["log_loss"] == pytest.approx(-np.log([0.9, 0.6, 0.3, 0.8]).mean())
    assert scores["roc_auc"] == pytest.approx(3 / 4)


@pytest.mark.parametrize(("task", "name"), NAMES)
def test_more_noise_makes_a_score_worse(task, name):
    """Each metric knows its direction: from perfect to noisy it only gets worse."""
    metric = METRICS[task][name]
    sign = 1 if metric.higher_is_better else -1
    scores = [sign * metric.score(scored_for(task, noise)) for noise in (0, 3, 30)]
    assert scores[0] > scores[1] > scores[2]


@pytest.mark.parametrize(("task", "name"), NAMES)
def test_the_order_of_rows_does_not_matter(task, name):
    """A score is the same for the same rows in another order."""
    tested = scored_for(task, 3)
    mixed = tested.take(np.random.default_rng(1).permutation(len(tested.actual)))
    score = METRICS[task][name].score
    assert score(mixed) == pytest.approx(score(tested))


@pytest.mark.parametrize(("task", "name"), NAMES)
def test_doubling_every_row_changes_no_score(task, name):
    """A score does not depend on how many rows there are."""
    tested = scored_for(task, 3)
    score = METRICS[task][name].score
    twice = tested.take(np.tile(np.arange(len(tested.actual)), 2))
    assert score(twice) == pytest.approx(score(tested))


def test_a_guess_by_share_has_half_the_area():
    """Probabilities that do not depend on the row tell no class from the rest."""
    tested = classes_scored(0)
    flat = ScoredRows(tested.actual, tested.predicted, np.full((120, 3), 1 / 3), CLASSES)
    assert METRICS["classification"]["roc_auc"].score(flat) == 0.5


@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
def test_a_class_without_rows_does_not_hide_the_others():
    """Where a class has no test rows, loss and area are those of the classes that have some."""
    tested = classes_scored(3)
    scores = metrics.scores("classification", tested.take(tested.actual != 2))
    assert 0.5 < scores["roc_auc"] <= 1
    assert 0 < scores["log_loss"] < 3


# From a model to scored rows


def test_an_outcome_counts_classes_in_the_order_of_the_model():
    """Truth and prediction are places in the model's own list of classes."""
    model = Model(["c", "b", "a"], ["a", "b", "c"])
    tested = metrics.scored_rows(model, NONE[:3], np.array(["c", "a", "a"], dtype=object))
    assert tested.actual.tolist() == [2, 0, 0]
    assert tested.predicted.tolist() == [2, 1, 0]
    assert tested.classes == ("a", "b", "c")
    assert tested.probabilities is None


@pytest.mark.parametrize("classes", [[False, True], [3, 7]])
def test_classes_may_be_of_any_type(classes):
    """Booleans and numbers are classes like any other."""
    tested = metrics.scored_rows(Model(classes, classes), NONE[:2], np.array(classes[::-1]))
    assert (tested.actual.tolist(), tested.predicted.tolist()) == ([1, 0], [0, 1])


def test_an_outcome_of_numbers_is_the_numbers():
    """A model without classes is a regression."""
    tested = metrics.scored_rows(Model([1.5, 2.5]), NONE[:2], np.array([1.0, 2.0]))
    assert tested.predicted.tolist() == [1.5, 2.5]
    assert tested.classes == ()


def test_a_class_that_was_never_trained_is_refused():
    """A test row of a class that the model cannot say is a mistake of the split."""
    model = Model(["a"], ["a", "b"])
    with pytest.raises(UserError, match=r"class 'z' is in the test rows.*prepare\.split"):
        metrics.scored_rows(model, NONE[:1], np.array(["z"], dtype=object))


def test_some_rows_of_an_outcome_are_an_outcome():
    """Rows are taken by a mask or by their numbers, with everything that belongs to them."""
    tested = classes_scored(3)
    by_mask = tested.take(tested.actual == 1)
    by_number = tested.take(np.flatnonzero(tested.actual == 1))
    assert (by_mask.actual == 1).all()
    assert (by_mask.probabilities == by_number.probabilities).all()
    assert len(by_mask.predicted) == len(by_mask.probabilities) == 40


# The headline


@pytest.mark.parametrize(
    ("name", "task", "message"),
    [
        ("macro_f2", "classification", r"no metric 'macro_f2' \(did you mean 'macro_f1'\?\)"),
        ("rmse", "classification", r"classification has no metric 'rmse'.*it has accuracy, "),
        ("accuracy", "regression", r"regression has no metric 'accuracy'.*it has rmse, "),
    ],
)
def test_an_unknown_headline_is_refused(name, task, message):
    """The message names the parameter and what the task has."""
    with pytest.raises(UserError, match=message) as refused:
        metrics.headline_metric(name, task, scored_for(task, 1))
    assert "evaluate.headline" in str(refused.value)


@pytest.mark.parametrize("name", ["log_loss", "roc_auc"])
def test_a_headline_that_needs_probabilities_is_refused_without(name):
    """An estimator that gives no probabilities cannot be scored by them."""
    with pytest.raises(UserError, match=f"{name} needs probabilities"):
        metrics.headline_metric(name, "classification", hard([0, 1, 2], [0, 1, 2]))


def test_scores_are_all_that_the_outcome_allows():
    """Without probabilities, the metrics that need them are left out."""
    listed = METRICS["classification"]
    assert list(metrics.scores("classification", classes_scored(1))) == list(listed)
    result = metrics.scores("classification", hard([0, 1, 2], [0, 1, 1]))
    assert list(result) == ["accuracy", "balanced_accuracy", "macro_f1"]


@pytest.mark.filterwarnings("ignore")
def test_a_score_that_is_not_defined_is_left_out():
    """What is not a number does not get into the scores."""
    one_row = ScoredRows(np.array([1.0]), np.array([2.0]), None, ())
    result = metrics.scores("regression", one_row)
    assert set(result) == {"rmse", "mae", "median_absolute_error"}
    assert all(np.isfinite(value) for value in result.values())


# The interval


@pytest.mark.parametrize(("task", "name"), NAMES)
def test_the_interval_lies_around_the_score(task, name):
    """The bootstrap interval of each metric holds the metric itself."""
    tested, metric = scored_for(task, 3), METRICS[task][name]
    low, high = metrics.interval(metric, tested, resamples=60, confidence=0.95, seed=1)
    assert low < metric.score(tested) < high


def test_an_interval_holds_the_middle_of_what_chance_gives():
    """A wider confidence gives a wider interval, and more rows give a narrower one."""
    metric = METRICS["regression"]["mae"]

    def width(rows, confidence):
        low, high = metrics.interval(metric, values_scored(1, rows=rows), 200, confidence, seed=1)
        return high - low

    assert width(100, 0.5) < width(100, 0.9) < width(100, 0.99)
    assert width(2000, 0.9) < width(100, 0.9) / 2


def test_an_interval_covers_the_truth_as_often_as_it_says():
    """Of many samples, about nine in ten have the true mean error in their 90 % interval."""
    metric = Metric(lambda tested: np.abs(tested.actual - tested.predicted).mean())
    true_error = np.sqrt(2 / np.pi)
    covered = 0
    for seed in range(40):
        low, high = metrics.interval(metric, values_scored(1, rows=60, seed=seed), 60, 0.9, seed)
        covered += low <= true_error <= high
    assert 28 <= covered <= 39


def test_the_seed_alone_decides_an_interval():
    """The same seed gives the same interval, and another seed another."""
    metric, tested = METRICS["regression"]["rmse"], values_scored(1)
    result = [metrics.interval(metric, tested, 50, 0.9, seed) for seed in (1, 1, 2)]
    assert result[0] == result[1]
    assert result[0] != result[2]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", METRICS["classification"])
def test_a_rare_class_leaves_the_interval_finite(name):
    """Where some resamples have no row of a rare class, the interval is still two numbers."""
    tested = classes_scored(3, rows=30)
    two = tested.take(
        np.r_[np.flatnonzero(tested.actual == 0), np.flatnonzero(tested.actual == 1)[:1]]
    )
    rare = ScoredRows(two.actual, two.predicted % 2, two.probabilities[:, :2], ("a", "b"))
    rare.probabilities[:] /= rare.probabilities.sum(axis=1, keepdims=True)
    result = metrics.interval(METRICS["classification"][name], rare, 100, 0.9, seed=1)
    assert np.isfinite(result).all()


# The interval of a difference


@pytest.mark.parametrize(("task", "name"), NAMES)
def test_the_interval_of_a_difference_lies_around_it(task, name):
    """The bootstrap interval of each metric's difference holds the difference itself."""
    first, other, metric = scored_for(task, 2), scored_for(task, 6, seed=1), METRICS[task][name]
    low, high = metrics.paired_interval(metric, first, other, 60, confidence=0.95, seed=1)
    assert low < metric.score(first) - metric.score(other) < high


@pytest.mark.parametrize(("task", "name"), NAMES)
def test_an_outcome_does_not_differ_from_itself(task, name):
    """Both are scored on the same resampled rows, so that only what they say can differ."""
    tested = scored_for(task, 3)
    result = metrics.paired_interval(METRICS[task][name], tested, tested, 20, 0.9, seed=1)
    assert result == (0, 0)


def test_a_difference_is_the_first_minus_the_second():
    """Exchanged, the interval is mirrored at nought."""
    metric = METRICS["regression"]["mae"]
    good, bad = values_scored(0.1), values_scored(2)
    low, high = metrics.paired_interval(metric, good, bad, 50, 0.9, seed=1)
    assert low < high < 0
    mirrored = metrics.paired_interval(metric, bad, good, 50, 0.9, seed=1)
    assert mirrored == pytest.approx((-high, -low))


def test_pairs_are_narrower_than_two_intervals():
    """Where both are wrong on the same rows, the rows' luck does not blur the difference."""
    metric, first = METRICS["regression"]["mae"], values_scored(1)
    other = ScoredRows(first.actual, first.predicted + 0.01, None, ())
    low, high = metrics.paired_interval(metric, first, other, 100, 0.9, seed=1)
    alone = metrics.interval(metric, first, 100, 0.9, seed=1)
    assert high - low < (alone[1] - alone[0]) / 5


def test_the_interval_of_a_difference_is_wider_where_it_is_to_be_surer():
    """The confidence says how much of what chance gives is in it; the seed decides the chance."""
    metric, first, other = (
        METRICS["regression"]["rmse"],
        values_scored(1),
        values_scored(1, seed=1),
    )

    def result(confidence, seed=1, resamples=100):
        return metrics.paired_interval(metric, first, other, resamples, confidence, seed)

    wide, narrow = result(0.99), result(0.5)
    assert wide[0] < narrow[0] < narrow[1] < wide[1]
    assert result(0.9) == result(0.9) != result(0.9, seed=2)
    assert result(0.9) != result(0.9, resamples=50)


@pytest.mark.filterwarnings("ignore")
def test_a_resample_without_a_rare_class_does_not_count():
    """Where a metric is not defined on some resamples, the interval is still two numbers."""
    truth = np.array([0] * 12 + [1])
    first, other = (hard(truth, predicted, ("a", "b")) for predicted in (truth, 1 - truth))
    metric = Metric(
        lambda tested: float("nan") if tested.actual.min() == tested.actual.max() else 1
    )
    assert np.isfinite(metrics.paired_interval(metric, first, other, 50, 0.9, seed=1)).all()


# Parts of the rows


def test_recall_is_the_share_found_of_each_class():
    """Of four a's three are found, of two c's none; b has no rows and is not there."""
    tested = hard([0, 0, 0, 0, 2, 2], [0, 0, 0, 1, 0, 1])
    assert metrics.recalls(tested) == {"a": 0.75, "c": 0.0}


def test_groups_are_scored_by_their_own_rows():
    """Each group has its rows and its score, in the order of the names."""
    tested = hard([0, 0, 0, 1], [0, 0, 1, 1], ("a", "b"))
    groups = np.array(["south", "south", "north", "north"])
    result = metrics.by_group(METRICS["classification"]["accuracy"], tested, groups)
    assert result == [
        {"group": "north", "rows": 2, "score": 0.5},
        {"group": "south", "rows": 2, "score": 1.0},
    ]


@pytest.mark.filterwarnings("ignore")
def test_a_group_without_a_score_has_none():
    """Where the metric has no value, the group has its rows and no score."""
    tested = ScoredRows(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 2.0]), None, ())
    result = metrics.by_group(METRICS["regression"]["r2"], tested, np.array(["x", "x", "y"]))
    assert [group["score"] for group in result] == [1.0, None]


@pytest.mark.parametrize("classes", [2, 3, 17])
def test_macro_f1_is_that_of_scikit_learn_to_the_last_bit(classes):
    """Also where a class has no rows, is never predicted, or only predicted."""
    random = np.random.default_rng(classes)
    for rows in (1, 2, 7, 86, 1000):
        for _ in range(20):
            actual, predicted = random.integers(0, classes, (2, rows))
            actual[random.random(rows) < 0.5] = predicted[0]
            tested = ScoredRows(actual, predicted, None, tuple(range(classes)))
            wanted = f1_score(actual, predicted, average="macro", zero_division=0)
            assert CLASSIFICATION["macro_f1"].score(tested) == wanted
