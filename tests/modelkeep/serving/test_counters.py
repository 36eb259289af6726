"""Prometheus is told what happened, under names that are bounded."""

import os
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest

from modelkeep.serving.counters import Counters, _deciles, _forget_dead


@pytest.fixture
def counters():
    """Counters at zero."""
    return Counters()


def lines(counters, name):
    """Return the samples of a metric."""
    text = counters.text().decode()
    return [line for line in text.splitlines() if line.startswith(f"{name}{{")]


def test_predictions_are_counted_by_class(counters, served):
    """Under the version that made them."""
    counters.predicted(served, ["low", "high", "low"])
    assert lines(counters, "serving_predictions_total") == [
        'serving_predictions_total{prediction="low",version="v1.2.0"} 2.0',
        'serving_predictions_total{prediction="high",version="v1.2.0"} 1.0',
    ]


def test_numbers_are_counted_by_the_decile_of_the_reference(counters, served_regression):
    """Predictions as on the test rows fall into all deciles; extremes into the outer ones."""
    counters.predicted(served_regression, [-1e9, 1e9, 1e9])
    assert lines(counters, "serving_predictions_total") == [
        'serving_predictions_total{prediction="decile 1",version=""} 1.0',
        'serving_predictions_total{prediction="decile 10",version=""} 2.0',
    ]


def test_a_tenth_of_the_reference_lies_in_each_decile():
    """The bounds come from the counts of the profile."""
    edges = np.arange(1, 51) * 2.0
    bounds = _deciles({"edges": edges.tolist(), "counts": [20] * 51})
    shares = np.diff(np.searchsorted(edges, [0, *bounds, 200], side="right")) / 50
    assert shares == pytest.approx(np.full(10, 0.1), abs=0.025)


def test_refused_values_and_those_out_of_range_are_counted(counters):
    """By column, and refused ones by reason."""
    counters.refused(Counter({("range", "size"): 2}))
    counters.out_of_range(Counter({"colour": 3}))
    assert lines(counters, "serving_refused_total") == [
        'serving_refused_total{column="size",reason="range"} 2.0'
    ]
    assert lines(counters, "serving_out_of_range_total") == [
        'serving_out_of_range_total{column="colour"} 3.0'
    ]


def test_the_model_that_answers_is_told(counters, served, served_regression):
    """The model before it does not answer any more."""
    counters.model(served, None)
    counters.model(served_regression, served)
    values = {line.rsplit(" ", 1)[1] for line in lines(counters, "serving_model_info")}
    (current,) = (line for line in lines(counters, "serving_model_info") if line.endswith(" 1.0"))
    assert values == {"0.0", "1.0"}
    assert served_regression.recipe_id in current


def test_requests_without_a_record_are_told(counters):
    """So that somebody is woken."""
    counters.unrecorded(7)
    assert "serving_unrecorded_requests 7.0" in counters.text().decode()


def test_the_state_of_a_worker_that_was_killed_is_forgotten(tmp_path):
    """What it said last would be told for ever; what it counted stays counted."""
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    for pid in (ended.pid, os.getpid()):
        for kind in ("gauge_livemax", "gauge_livesum", "counter", "histogram"):
            (tmp_path / f"{kind}_{pid}.db").touch()
    _forget_dead(tmp_path)
    assert sorted(path.stem for path in tmp_path.glob(f"*_{ended.pid}.db")) == [
        f"counter_{ended.pid}",
        f"histogram_{ended.pid}",
    ]
    assert len([*tmp_path.glob(f"*_{os.getpid()}.db")]) == 4
