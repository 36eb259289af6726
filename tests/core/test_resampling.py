"""Intervals and importances are the same wherever they are computed."""

import importlib
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression, Ridge

from modelkeep_core import lending, metrics, resampling, workers
from modelkeep_core.errors import UserError
from modelkeep_core.lending import borrowed, lent
from modelkeep_core.metrics import METRICS, Metric, ScoredRows, scored_rows
from modelkeep_core.project_code import imported_from
from modelkeep_core.workers import PROCESSES, SCHEDULER

METRIC_NAMES = [(task, name) for task in METRICS for name in METRICS[task]]


@pytest.fixture
def alone(monkeypatch):
    """Let all be computed in this process."""
    monkeypatch.setenv(PROCESSES, "1")


@pytest.fixture
def pool(monkeypatch):
    """Let two processes start after the first task."""
    monkeypatch.setenv(PROCESSES, "2")
    monkeypatch.setattr(workers, "START_SECONDS", -1)


@pytest.fixture
def fitted():
    """Return a function that gives inputs, a fitted model and the target of a task."""

    def fit(task, rows=80):
        rng = np.random.default_rng(5)
        inputs = pd.DataFrame(rng.normal(size=(rows, 3)), columns=["self", "b", "c"])
        number = inputs["self"] + 0.3 * inputs["b"] + rng.normal(scale=0.5, size=rows)
        if task == "regression":
            return inputs, Ridge().fit(inputs, number), number.to_numpy()
        target = np.where(number > 0, "yes", "no").astype(object)
        return inputs, LogisticRegression().fit(inputs, target), target

    return fit


@pytest.mark.parametrize(("task", "name"), METRIC_NAMES)
def test_an_interval_in_parts_is_that_of_one_piece(alone, fitted, task, name):
    """To the last bit, whether or not the parts are of one size."""
    inputs, model, target = fitted(task)
    tested, metric = scored_rows(model, inputs, target), METRICS[task][name]
    for resamples in (2 * resampling.STEP, 2 * resampling.STEP + 3, 3):
        whole = metrics.interval(metric, tested, resamples, 0.9, seed=4)
        assert resampling.interval(metric, tested, resamples, 0.9, seed=4) == whole


@pytest.mark.parametrize(("task", "name"), METRIC_NAMES)
def test_importances_are_those_of_scikit_learn(alone, fitted, task, name):
    """One feature alone is shuffled as among all: mean and deviation are equal to the last bit."""
    inputs, model, target = fitted(task)
    metric = METRICS[task][name]
    sign = 1 if metric.higher_is_better else -1
    expected = permutation_importance(
        model,
        inputs,
        target,
        scoring=lambda *rows: sign * metric.score(scored_rows(*rows)),
        n_repeats=3,
        random_state=9,
    )
    rows = resampling.importance(model, inputs, target, metric, repeats=3, seed=9)
    numbers = zip(expected.importances_mean, expected.importances_std, strict=True)
    assert {name: (mean, deviation) for name, mean, deviation in rows} == dict(
        zip(inputs, numbers, strict=True)
    )


def test_of_many_rows_some_are_shuffled(alone, fitted, monkeypatch):
    """The score with nothing shuffled is that of the same rows: a useless feature has 0."""
    monkeypatch.setattr(resampling, "IMPORTANCE_ROWS", 50)
    inputs, model, target = fitted("regression", rows=400)
    model.coef_[2] = 0
    sizes = []

    def rmse(tested):
        sizes.append(len(tested.actual))
        return METRICS["regression"]["rmse"].score(tested)

    metric = Metric(rmse, higher_is_better=False)
    rows = resampling.importance(model, inputs, target, metric, repeats=2, seed=1)
    assert {*sizes} == {50}
    assert rows[-1] == ["c", 0.0, 0.0]


@pytest.mark.slow
def test_two_processes_change_nothing(fitted, monkeypatch, request):
    """Intervals and importances are equal to the last bit."""
    inputs, model, target = fitted("classification")
    tested, metric = scored_rows(model, inputs, target), METRICS["classification"]["roc_auc"]

    def computed():
        return (
            resampling.interval(metric, tested, 100, 0.9, seed=4),
            resampling.importance(model, inputs, target, metric, repeats=3, seed=9),
        )

    monkeypatch.setenv(PROCESSES, "1")
    here = computed()
    request.getfixturevalue("pool")
    pools, usual = [], workers._pool
    monkeypatch.setattr(workers, "_pool", lambda number: pools.append(number) or usual(number))
    assert computed() == here
    assert len(pools) == 2


@pytest.mark.slow
def test_a_cluster_changes_nothing(alone, fitted, monkeypatch):
    """Two Dask workers behind a scheduler on loopback give the same bits."""
    distributed = pytest.importorskip("distributed")
    inputs, model, target = fitted("regression")
    metric = METRICS["regression"]["rmse"]
    here = resampling.importance(model, inputs, target, metric, repeats=3, seed=9)
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=2, host="127.0.0.1", dashboard_address=None
    ) as cluster:
        monkeypatch.setenv(SCHEDULER, cluster.scheduler_address)
        assert resampling.importance(model, inputs, target, metric, repeats=3, seed=9) == here


def test_a_metric_that_no_other_process_can_have_is_computed_here(pool, fitted):
    """A lambda of one's own is as good as a function."""
    inputs, model, target = fitted("regression")
    tested = scored_rows(model, inputs, target)
    metric = Metric(lambda rows: float(np.mean(rows.predicted)))
    with lent(metric) as loan:
        assert loan.here
    assert resampling.interval(metric, tested, 60, 0.9, 1) == metrics.interval(
        metric, tested, 60, 0.9, 1
    )


def test_code_that_a_model_brought_along_is_not_looked_for_elsewhere(pool, tmp_path, monkeypatch):
    """A module of the same name in the work tree is not imported: a stage would have read it."""
    monkeypatch.syspath_prepend(tmp_path)
    path = tmp_path / "code" / "own_ratio.py"
    path.parent.mkdir()
    for place in (path, tmp_path / "own_ratio.py"):
        place.write_text("def ratio(number):\n    return number / 2\n", encoding="utf-8")
    with imported_from(path.parent):
        ratio = importlib.import_module("own_ratio").ratio
    with lent({"ratio": ratio}) as loan:
        assert loan.here
    assert "own_ratio" not in sys.modules


def test_nothing_is_left_of_what_was_lent(pool, tmp_path, monkeypatch):
    """In a project it lies where Git does not look, as long as it is needed."""
    monkeypatch.chdir(tmp_path)
    lending.SHARED.mkdir(parents=True)
    with lent(ScoredRows(np.ones(3), np.ones(3), None, ())) as loan:
        assert loan.path.is_relative_to(tmp_path / lending.SHARED)
        assert loan.path.is_file()
        with monkeypatch.context() as elsewhere:
            elsewhere.setattr(lending, "_values", {})
            assert borrowed(loan.path).actual.tolist() == [1, 1, 1]
    assert not [*(tmp_path / lending.SHARED).iterdir()]
    assert loan.path not in lending._values


def test_a_worker_that_does_not_see_the_file_says_so(tmp_path):
    """The message names the machine, the file and what workers need."""
    with pytest.raises(UserError, match=f"has no {tmp_path}/value: workers of other machines"):
        borrowed(tmp_path / "value")
