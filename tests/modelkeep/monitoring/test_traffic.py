"""Traffic is counted in the bins and classes of the reference, whatever comes."""

import json

import numpy as np
import pandas as pd
import pytest

from modelkeep.monitoring import traffic as module
from modelkeep.monitoring.drift import feature_checks
from modelkeep.monitoring.traffic import Classes, Numbers, Presence, Private, Traffic
from modelkeep_core.profiles import numbers, values
from recorded import DAY, Recorded, drawn, skewed


def reference(present, kind="number"):
    """Return the profile of a column without missing cells."""
    described = numbers(np.array(present, "float64")) if kind == "number" else None
    return {"type": kind, "missing": 0, **(described or values(pd.Series(present)))}


@pytest.fixture
def recorded(run, tmp_path):
    """A server's records, without a request."""
    return Recorded(run.package, tmp_path)


@pytest.fixture
def train(run):
    """The training rows."""
    return pd.read_parquet(run.prepared / "train.parquet")


def test_training_rows_are_counted_as_the_profile_counts_them(recorded, train):
    """Every bin and class has the count of the reference, nothing is unseen."""
    recorded.answer(train)
    result = recorded.traffic()
    for name, current in result.features.items():
        before, now = current.table
        assert before.tolist() == now.tolist(), name
        assert current.missing == train[name].isna().sum()
        assert current.out_of_range == 0
    assert result.requests == result.rows == result.with_inputs == len(train)


def test_numbers_beyond_the_range_have_bins_of_their_own():
    """The ends of the range belong to it."""
    current = Numbers(reference([1, 2, 3, 4]))
    current.add([1, 4, 0.999, 4.001, -1e300, 1e300, None, 2.5])
    assert current.table[0].tolist() == [0, 1, 1, 1, 1, 0, 0]
    assert current.table[1].tolist() == [2, 1, 0, 1, 1, 0, 2]
    assert (current.out_of_range, current.missing) == (4, 1)


def test_a_constant_has_a_range_of_one_number():
    """What lies beside it is seen."""
    current = Numbers(reference([3, 3, 3]))
    current.add([3, 2, 4])
    assert current.table.tolist() == [[0, 3, 0, 0], [1, 1, 0, 1]]


def test_a_reference_without_a_value_has_nothing_to_compare():
    """Nobody knows what is unseen then; rows are counted all the same."""
    current = Numbers(reference([]))
    current.add([1, None])
    assert (current.table.tolist(), current.missing, current.out_of_range) == ([[0], [1]], 1, None)
    classes = Classes(reference([], "category"))
    classes.add(["a", None])
    assert (classes.table.tolist(), classes.out_of_range) == ([[0, 0], [1, 0]], 1)


def test_classes_are_counted_by_their_words():
    """Those of the reference first, then unseen ones, then all others."""
    current = Classes(reference(["a", "a", "b"], "category"))
    current.add(["b", "c", None, "b", "a"])
    assert current.names == ["a", "b", "c"]
    assert current.table.tolist() == [[2, 1, 0, 0], [1, 2, 1, 0]]
    assert (current.out_of_range, current.missing) == (1, 1)


@pytest.mark.parametrize("written", [(True, False), (1, 0), (1.0, 0.0)])
def test_booleans_are_booleans_however_they_are_written(written):
    """JSON and a client's numbers mean the same."""
    current = Classes(reference([True, True, False], "boolean"))
    current.add(written)
    assert current.names == ["true", "false"]
    assert current.table.tolist() == [[2, 1, 0], [1, 1, 0]]


def test_classes_that_are_common_by_luck_are_not_compared_one_by_one():
    """Where only the commonest are named, the least of those may be rare the next time."""
    names = [f"name {number}" for number in range(300) for _ in range(5)]
    current = Classes(reference(["big"] * 100 + names, "category"))
    assert current.names == ["big"]
    current.add(["big", "name 0", "other"])
    assert current.table.tolist() == [[100, 1500], [1, 2]]
    assert current.out_of_range is None


def test_no_end_of_new_names_is_kept(monkeypatch):
    """Whoever sends a new name each time does not fill the memory."""
    monkeypatch.setattr(module, "NAMED", 10)
    current = Classes(reference(["a"], "category"))
    current.add(f"name {number}" for number in range(50))
    current.add(["a"] * 3)
    assert (len(current.counts), current.rest, current.out_of_range) == (11, 40, 50)
    assert current.table.sum(axis=1).tolist() == [1, 53]


@pytest.mark.parametrize("batch", [1, 7, 10_000])
def test_batches_change_nothing(recorded, train, monkeypatch, batch):
    """However much is in memory at once, the counts are the same."""
    recorded.answer(drawn(train, 30), each=3)
    monkeypatch.setattr(module, "BATCH", batch)
    result = recorded.traffic()
    assert (result.requests, result.rows, result.with_inputs) == (10, 30, 30)
    assert all(
        current.table[1].sum() + current.missing == 30 for current in result.features.values()
    )
    assert result.predictions.table[1].sum() == 30


def test_the_order_of_rows_changes_nothing(run, train, tmp_path):
    """Counts know no order."""
    tables = []
    for place, rows in enumerate((train, train.sample(frac=1, random_state=1))):
        (tmp_path / str(place)).mkdir()
        recorded = Recorded(run.package, tmp_path / str(place))
        recorded.answer(rows)
        result = recorded.traffic()
        tables.append([current.table.tolist() for current in result.features.values()])
    assert tables[0] == tables[1]


def test_without_inputs_there_are_predictions(recorded, train):
    """Where inputs are not recorded, rows and predictions are counted."""
    recorded.answer(train.head(10), record_inputs=False)
    recorded.answer(train.head(4), start=2e9)
    result = recorded.traffic()
    assert (result.rows, result.with_inputs) == (14, 4)
    assert result.predictions.table[1].sum() == 14


def test_volume_is_counted_by_the_day(recorded, train):
    """Requests and rows of each, in the order of time."""
    recorded.answer(train.head(10), each=2, every=DAY / 2)
    assert recorded.traffic().days == {
        "2026-11-01": [1, 2],
        "2026-11-02": [2, 4],
        "2026-11-03": [2, 4],
    }


def test_predictions_of_a_regression_are_numbers(regression_run, tmp_path):
    """They are counted in bins."""
    recorded = Recorded(regression_run.package, tmp_path)
    recorded.answer(pd.read_parquet(regression_run.prepared / "test.parquet"))
    before, now = recorded.traffic().predictions.table
    assert before.tolist() == now.tolist()


def test_nothing_is_counted_of_nothing():
    """A profile alone has traffic without a row."""
    part = reference(skewed(50, 5, 1), "category")
    result = Traffic({"features": {"a": part}, "predictions": part})
    result.add([])
    assert (result.rows, result.days) == (0, {})
    assert json.dumps(result.features["a"].table[1].tolist()) == "[0, 0, 0, 0, 0, 0]"


def test_that_time_goes_on_is_no_drift():
    """Of datetimes nothing is compared but how many are missing."""
    current = Presence({"type": "datetime", "missing": 0, "counts": {}, "others": 90})
    current.add([f"2031-01-{day:02}T00:00:00" for day in range(1, 31)] + [None] * 30)
    assert (current.table.tolist(), current.names, current.out_of_range) == ([[90], [30]], [], None)
    result = {check.about: check for check in feature_checks("seen", current, 0, 90)}
    assert (result["values"].distance, result["values"].p) == (0.0, 1.0)
    assert result["missing"].distance == 0.5


def test_nothing_is_told_of_a_few_private_cells():
    """Whatever came in pieces: a few empty ones count as none, and all but a few as all."""
    current = Private({"type": "private", "missing": 0, "counts": {}, "others": 40})
    counts = []
    for piece in ([None] * 9, ["a"] * 10, [None] * 3, ["a"], [None] * 20):
        current.add(piece)
        counts.append((current.missing, current.rest))
    assert counts == [(0, 9), (0, 19), (12, 10), (12, 11), (32, 11)]
    only = Private({"type": "private", "missing": 0, "counts": {}, "others": 40})
    only.add([None] * 30 + ["a"] * 2)
    assert (only.missing, only.rest) == (32, 0)
