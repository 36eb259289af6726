"""Intervals hold the share of truths that they promise, and are learnt from rows set aside."""

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline

from made import NO_SEARCH
from modelkeep_core import intervals
from modelkeep_core.errors import UserError
from modelkeep_core.folds import Separation
from modelkeep_core.intervals import Interval, coverage_metric, interval_of
from modelkeep_core.metrics import ScoredRows
from modelkeep_core.own_metrics import packaged_metrics
from modelkeep_core.params import Prepare, Search, Train
from modelkeep_core.training import summary
from pipeline.train import train


def separation(split="random", by=None):
    """Return what keeps rows apart."""
    return Separation(Prepare(seed=1, test_size=0.5, split=split, split_by="by"), by)


def made(rows, seed):
    """Return inputs and a target with errors of a lopsided distribution."""
    random = np.random.default_rng(seed)
    x = random.normal(size=rows)
    return pd.DataFrame({"x": x}), 3 * x + random.exponential(2, rows)


def test_new_rows_are_covered_as_often_as_promised():
    """Over 200 tables, the share is within three standard errors of what the method proves.

    With n rows set aside it is exactly ceil((n + 1) c) / (n + 1) on average.
    """
    shares = []
    for seed in range(200):
        inputs, target = made(100, seed)
        model, interval = intervals.fit(
            *(make_pipeline(LinearRegression()), inputs, target, "regression", 0.8, separation())
        )
        new, truth = made(400, 1000 + seed)
        shares.append(np.mean(np.abs(truth - model.predict(new)) <= interval.half_width))
    error = np.std(shares) / np.sqrt(len(shares))
    assert interval.rows == 20
    assert abs(np.mean(shares) - 17 / 21) < 3 * error < 0.03


@pytest.mark.parametrize(
    ("rows", "coverage", "place"), [(9, 0.9, 9), (99, 0.55, 55), (99, 0.7, 70), (20, 0.8, 17)]
)
def test_the_quantile_is_exact(rows, coverage, place):
    """In binary 0.55 times 100 is more than 55, and would be rounded up."""
    assert intervals._place(rows, coverage) == place
    assert Fraction(place, rows + 1) >= Fraction(str(coverage))


def test_a_model_is_not_measured_on_what_it_knows():
    """Of one that knows its rows by heart, the error is that on other rows."""
    inputs, target = made(100, 1)
    model, interval = intervals.fit(
        make_pipeline(KNeighborsRegressor(1)), inputs, target, "regression", 0.8, separation()
    )
    exact = np.abs(target - model.predict(inputs)) == 0
    assert exact.sum() == 80
    assert interval.half_width > 1


@pytest.mark.parametrize("split", ["group", "time"])
def test_rows_are_set_aside_as_the_split_has_it(split):
    """Whole groups, or the latest rows: an error on a row of a known group would be too small."""
    by = np.arange(100) // 10
    target = np.random.default_rng(1).normal(0, 50, 10)[by]
    features = pd.DataFrame({"x": by * 1.0})
    pipeline = make_pipeline(KNeighborsRegressor(1))
    _, random = intervals.fit(pipeline, features, target, "regression", 0.5, separation())
    _, apart = intervals.fit(
        *(pipeline, features, target, "regression", 0.5, separation(split, by))
    )
    assert random.half_width == 0
    assert apart.half_width > 5


def test_too_few_rows_are_told_with_how_many_it_takes():
    """An interval without an end would be no answer."""
    inputs, target = made(40, 1)
    with pytest.raises(UserError, match=r"train\.interval: 0\.9 needs 9 rows .* has 8\."):
        intervals.fit(
            make_pipeline(DummyRegressor()), inputs, target, "regression", 0.9, separation()
        )


def test_what_has_no_interval_is_refused():
    """A classification, and groups that do not make a part."""
    inputs, target = made(40, 1)
    pipeline = make_pipeline(DummyRegressor())
    with pytest.raises(UserError, match=r"a classification has probabilities, and no intervals"):
        intervals.fit(pipeline, inputs, target, "classification", 0.5, separation())
    with pytest.raises(UserError, match=r"one of 5 parts is set aside, as prepare\.split says"):
        intervals.fit(
            pipeline, inputs, target, "regression", 0.5, separation("group", np.zeros(40))
        )


def test_training_says_what_was_learnt_from_how_many_rows(frame, regression):
    """The same interval every time; rows that were set aside are none that it learnt from."""
    params = Train(seed=1, estimator="Ridge", search=Search(**NO_SEARCH), interval=0.8)
    summaries = [summary(train(frame, regression, params), len(frame)) for _ in range(2)]
    assert summaries[0] == summaries[1]
    interval = summaries[0]["interval"]
    assert (interval["coverage"], interval["rows"], summaries[0]["rows"]) == (0.8, 24, 96)
    assert 0.5 < interval["half_width"] < 10


def test_coverage_is_a_metric_like_any_other():
    """It is measured wherever metrics are, and asked for by the gate by its name."""
    training = {"interval": Interval(0.8, 1.0, 20).described()}
    metric = coverage_metric(training)["interval_coverage"]
    tested = ScoredRows(np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 3.0, 5.0, 4.5]), None, ())
    assert (metric.score(tested), metric.higher_is_better) == (0.75, True)
    assert coverage_metric({"interval": None}) == coverage_metric({}) == {}
    packaged = packaged_metrics(None, {"metrics": {}, "training": training}, trust_code=False)
    assert packaged["interval_coverage"].score(tested) == 0.75


@pytest.mark.parametrize(
    "content", [3, {"coverage": 0.9}, {"coverage": 0.9, "half_width": "1", "rows": 3}]
)
def test_what_is_no_interval_is_refused(content):
    """Metadata may come from anywhere."""
    with pytest.raises(UserError, match=r"training\.interval of the metadata"):
        interval_of({"training": {"interval": content}})
