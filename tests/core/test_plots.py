"""The tables behind the plots are right, small and the same every time."""

import csv

import numpy as np
import pandas as pd
import pytest

from modelkeep_core import plots
from modelkeep_core.inputs import model_inputs
from modelkeep_core.metrics import METRICS, ScoredRows
from pipeline.train import train


@pytest.fixture
def tested():
    """Rows of three classes with probabilities that are good but not perfect."""
    random = np.random.default_rng(0)
    truth = random.integers(0, 3, 300)
    logits = 2 * np.eye(3)[truth] + random.normal(size=(300, 3))
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return ScoredRows(truth, probabilities.argmax(axis=1), probabilities, ("a", "b", "c"))


class Linear:
    """A model that looks at its first input alone."""

    def predict(self, inputs):
        """Return the first column."""
        return inputs.iloc[:, 0].to_numpy()

    def fit(self):
        """Do nothing: scikit-learn asks whether an estimator can be fitted."""


def points_of(rows, name):
    """Return the points of a class's curve."""
    return np.array([row[1:] for row in rows if row[0] == name])


def test_each_class_has_its_curves(tested):
    """Every curve is drawn for every class against the rest."""
    drawn = plots.curves(tested)
    assert set(drawn) == {"roc", "precision_recall", "calibration"}
    for rows in drawn.values():
        assert {row[0] for row in rows} == {"a", "b", "c"}


@pytest.mark.parametrize("name", ["a", "b", "c"])
def test_a_roc_curve_rises_from_corner_to_corner(tested, name):
    """It starts at (0, 0), ends at (1, 1), never falls, and lies above the diagonal."""
    points = points_of(plots.curves(tested)["roc"], name)
    assert points[0].tolist() == [0, 0]
    assert points[-1].tolist() == [1, 1]
    assert (np.diff(points, axis=0) >= 0).all()
    assert (points[:, 1] - points[:, 0]).mean() > 0.2


@pytest.mark.parametrize("place", [0, 1, 2])
def test_precision_and_recall_end_where_every_row_is_taken(tested, place):
    """Recall rises from 0 to 1, where precision is the share of the class."""
    points = points_of(plots.curves(tested)["precision_recall"], tested.classes[place])
    assert points[0].tolist() == [0, 1]
    assert (np.diff(points[:, 0]) >= 0).all()
    assert points[-1] == pytest.approx([1, (tested.actual == place).mean()])


def test_honest_probabilities_are_calibrated():
    """Where classes are drawn with the probabilities said, observed shares are near to them."""
    random = np.random.default_rng(0)
    probability = random.random(20_000)
    truth = (random.random(20_000) < probability).astype(int)
    honest = ScoredRows(
        truth, probability.round(), np.column_stack([1 - probability, probability]), ("no", "yes")
    )
    points = points_of(plots.curves(honest)["calibration"], "yes")
    assert len(points) == plots.CALIBRATION_BINS
    assert points[:, 0] == pytest.approx(points[:, 1], abs=0.05)


def test_without_probabilities_there_are_no_curves(tested):
    """A model that gives only classes has no curve, and that is no error."""
    hard = ScoredRows(tested.actual, tested.predicted, None, tested.classes)
    assert plots.curves(hard) == {"roc": [], "precision_recall": [], "calibration": []}


def test_a_class_that_cannot_be_drawn_is_left_out(tested):
    """A class without rows, or with all of them, has no curve against the rest."""
    two = tested.take(tested.actual != 2)
    assert {row[0] for row in plots.curves(two)["roc"]} == {"a", "b"}
    first = tested.take(tested.actual == 1)
    assert plots.curves(first)["roc"] == []


def test_a_long_curve_is_thinned(tested):
    """However many rows there are, a curve stays small enough for Git."""
    many = tested.take(np.arange(300).repeat(10))
    noise = np.random.default_rng(1).random((3000, 3))
    noisy = ScoredRows(many.actual, many.predicted, noise, many.classes)
    for rows in plots.curves(noisy).values():
        assert max(len(points_of(rows, name)) for name in "abc") <= plots.CURVE_POINTS


@pytest.mark.parametrize("most", [2, 10, 99, 100, 101])
def test_thinning_keeps_both_ends_and_even_steps(most):
    """At most so many points stay, the first and last among them, with no large gap."""
    points = np.column_stack([np.arange(100), np.arange(100)])
    thin = plots.thinned(points, most)
    assert len(thin) == min(most, 100)
    assert thin[0].tolist() == [0, 0]
    assert thin[-1].tolist() == [99, 99]
    assert np.diff(thin[:, 0]).max() <= 99 / (most - 1) + 1


def test_confusion_counts_every_row_once(tested):
    """Counts add up to the rows, and shares to one for each actual class."""
    rows = plots.confusion(tested)
    assert len(rows) == 9
    assert sum(row[2] for row in rows) == 300
    for place, name in enumerate("abc"):
        assert sum(row[3] for row in rows if row[0] == name) == pytest.approx(1)
        diagonal = next(row for row in rows if row[:2] == [name, name])
        hits = (tested.actual == place) & (tested.predicted == place)
        assert diagonal[2] == hits.sum()


def test_confusion_has_rows_for_a_class_without_any(tested):
    """A class that no test row has is in the matrix, with zeros."""
    rows = plots.confusion(tested.take(tested.actual != 2))
    assert [row[2:] for row in rows if row[0] == "c"] == [[0, 0.0]] * 3


def test_a_residual_is_actual_minus_predicted():
    """Both scatters show the same rows in the same order."""
    drawn = plots.scatters(ScoredRows(np.array([3, 5]), np.array([2.5, 6.0]), None, ()), seed=1)
    assert drawn == {
        "predictions": [[3.0, 2.5], [5.0, 6.0]],
        "residuals": [[2.5, 0.5], [6.0, -1.0]],
    }


def test_a_large_scatter_is_a_sample_by_the_seed():
    """Of many rows some are drawn at random, the same ones for the same seed."""
    numbers = np.arange(3000.0)
    tested = ScoredRows(numbers, numbers, None, ())
    drawn = [plots.scatters(tested, seed)["predictions"] for seed in (1, 1, 2)]
    assert len(drawn[0]) == plots.SCATTER_POINTS
    assert len({tuple(point) for point in drawn[0]}) == plots.SCATTER_POINTS
    assert drawn[0] == drawn[1]
    assert drawn[0] != drawn[2]
    assert np.array(drawn[0]).mean() == pytest.approx(1500, abs=150)


@pytest.mark.parametrize("name", ["r2", "rmse"])
def test_the_feature_that_matters_is_the_most_important(name):
    """A feature that the model uses costs something to shuffle, in either direction of a metric."""
    inputs = pd.DataFrame(np.random.default_rng(0).normal(size=(200, 3)), columns=["x", "y", "z"])
    target = inputs["x"].to_numpy() + 0.1
    metric = METRICS["regression"][name]
    rows = plots.importance(Linear(), inputs, target, metric, repeats=3, seed=1)
    assert rows[0][0] == "x"
    assert rows[0][1] > 0.5
    assert [row[1:] for row in rows[1:]] == [[0, 0], [0, 0]]


def test_importances_are_sorted_and_repeat(frame, params, classification):
    """The most important feature comes first, and the seed decides the rest."""
    model, *_ = train(frame, classification, params.train)
    inputs, target = model_inputs(frame, classification), frame["label"].to_numpy()
    metric = METRICS["classification"]["log_loss"]
    result = [plots.importance(model, inputs, target, metric, 2, seed) for seed in (1, 1, 2)]
    assert result[0] == result[1]
    assert result[0] != result[2]
    assert [row[1] for row in result[0]] == sorted((row[1] for row in result[0]), reverse=True)
    assert result[0][0][0] == "size"


def read(path):
    """Return the rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_every_plot_is_written_and_one_without_rows_has_a_header(tmp_path):
    """Each plot of dvc.yaml has its file, whatever the task."""
    plots.write_plots({"predictions": [[1.0, 2.0]]}, tmp_path / "plots")
    names = {path.stem for path in (tmp_path / "plots").iterdir()}
    assert names == set(plots.COLUMNS)
    for name, columns in plots.COLUMNS.items():
        rows = read(tmp_path / "plots" / f"{name}.csv")
        assert rows[0] == columns
        assert rows[1:] == ([["1", "2"]] if name == "predictions" else [])


def test_numbers_are_rounded_so_that_differences_mean_something(tmp_path):
    """Six significant digits are written, with Unix line ends, and names are quoted."""
    plots.write_plots({"roc": [['a,"b"', 1 / 3, 123456.789]]}, tmp_path)
    content = (tmp_path / "roc.csv").read_bytes()
    header = b"class,false_positive_rate,true_positive_rate\n"
    assert content == header + b'"a,""b""",0.333333,123457\n'


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("</script><script>x", r"<\/script><\script>x"),
        ("<!--", r"<\!--"),
        ("<=50K", "<=50K"),
        ("< 5 years", "< 5 years"),
        ("=1+1", "'=1+1"),
        ("-1", "-1"),
        ("a\nb\x1b", r"a\nb\x1b"),
        (-1.5, -1.5),
    ],
)
def test_a_name_in_a_plot_is_no_program(tmp_path, cell, shown):
    """Not in the page of `dvc plots`, which holds it in a script, and not in a spreadsheet."""
    plots.write_plots({"roc": [[cell, 0.0, 1.0]], "importance": [[cell, 1.0, 0.0]]}, tmp_path)
    with (tmp_path / "roc.csv").open(encoding="utf-8", newline="") as file:
        assert next(csv.DictReader(file))["class"] == str(shown)
    with (tmp_path / "importance.csv").open(encoding="utf-8", newline="") as file:
        assert next(csv.DictReader(file))["feature"] == str(shown)
