"""Traffic is counted in the bins and classes of the reference, whatever comes."""

import json

import numpy as np
import pandas as pd
import pytest
from recorded import DAY, Served, drawn, skewed

from monitoring import traffic as module
from monitoring.drift import feature_checks
from monitoring.traffic import Classes, Numbers, Times, Traffic
from pipeline.profile import numbers, values


def reference(present, kind="number"):
    """Return the profile of a column without missing cells."""
    described = numbers(np.array(present, "float64")) if kind == "number" else None
    return {"type": kind, "missing": 0, **(described or values(pd.Series(present)))}


@pytest.fixture
def served(run, tmp_path):
    """A server's records, without a request."""
    return Served(run.package, tmp_path)


@pytest.fixture
def train(run):
    """The training rows."""
    return pd.read_parquet(run.prepared / "train.parquet")


def test_training_rows_are_counted_as_the_profile_counts_them(served, train):
    """Every bin and class has the count of the reference, nothing is unseen."""
    served.answer(train)
    found = served.traffic()
    for name, live in found.features.items():
        before, now = live.table
        assert before.tolist() == now.tolist(), name
        assert live.missing == train[name].isna().sum()
        assert live.unseen == 0
    assert found.requests == found.rows == found.with_inputs == len(train)


def test_numbers_beyond_the_range_have_bins_of_their_own():
    """The ends of the range belong to it."""
    live = Numbers(reference([1, 2, 3, 4]))
    live.add([1, 4, 0.999, 4.001, -1e300, 1e300, None, 2.5])
    assert live.table[0].tolist() == [0, 1, 1, 1, 1, 0, 0]
    assert live.table[1].tolist() == [2, 1, 0, 1, 1, 0, 2]
    assert (live.unseen, live.missing) == (4, 1)


def test_a_constant_has_a_range_of_one_number():
    """What lies beside it is seen."""
    live = Numbers(reference([3, 3, 3]))
    live.add([3, 2, 4])
    assert live.table.tolist() == [[0, 3, 0, 0], [1, 1, 0, 1]]


def test_a_reference_without_a_value_has_nothing_to_compare():
    """Nobody knows what is unseen then; rows are counted all the same."""
    live = Numbers(reference([]))
    live.add([1, None])
    assert (live.table.tolist(), live.missing, live.unseen) == ([[0], [1]], 1, None)
    classes = Classes(reference([], "category"))
    classes.add(["a", None])
    assert (classes.table.tolist(), classes.unseen) == ([[0, 0], [1, 0]], 1)


def test_classes_are_counted_by_their_words():
    """Those of the reference first, then unseen ones, then all others."""
    live = Classes(reference(["a", "a", "b"], "category"))
    live.add(["b", "c", None, "b", "a"])
    assert live.names == ["a", "b", "c"]
    assert live.table.tolist() == [[2, 1, 0, 0], [1, 2, 1, 0]]
    assert (live.unseen, live.missing) == (1, 1)


@pytest.mark.parametrize("said", [(True, False), (1, 0), (1.0, 0.0)])
def test_booleans_are_booleans_however_they_are_written(said):
    """JSON and a client's numbers mean the same."""
    live = Classes(reference([True, True, False], "boolean"))
    live.add(said)
    assert live.names == ["true", "false"]
    assert live.table.tolist() == [[2, 1, 0], [1, 1, 0]]


def test_classes_that_are_common_by_luck_are_not_compared_one_by_one():
    """Where only the commonest are named, the least of those may be rare the next time."""
    names = [f"name {number}" for number in range(300) for _ in range(5)]
    live = Classes(reference(["big"] * 100 + names, "category"))
    assert live.names == ["big"]
    live.add(["big", "name 0", "other"])
    assert live.table.tolist() == [[100, 1500], [1, 2]]
    assert live.unseen is None


def test_no_end_of_new_names_is_kept(monkeypatch):
    """Whoever sends a new name each time does not fill the memory."""
    monkeypatch.setattr(module, "NAMED", 10)
    live = Classes(reference(["a"], "category"))
    live.add(f"name {number}" for number in range(50))
    live.add(["a"] * 3)
    assert (len(live.counts), live.rest, live.unseen) == (11, 40, 50)
    assert live.table.sum(axis=1).tolist() == [1, 53]


@pytest.mark.parametrize("batch", [1, 7, 10_000])
def test_batches_change_nothing(served, train, monkeypatch, batch):
    """However much is in memory at once, the counts are the same."""
    served.answer(drawn(train, 30), each=3)
    monkeypatch.setattr(module, "BATCH", batch)
    found = served.traffic()
    assert (found.requests, found.rows, found.with_inputs) == (10, 30, 30)
    assert all(live.table[1].sum() + live.missing == 30 for live in found.features.values())
    assert found.predictions.table[1].sum() == 30


def test_the_order_of_rows_changes_nothing(run, train, tmp_path):
    """Counts know no order."""
    tables = []
    for place, rows in enumerate((train, train.sample(frac=1, random_state=1))):
        (tmp_path / str(place)).mkdir()
        served = Served(run.package, tmp_path / str(place))
        served.answer(rows)
        found = served.traffic()
        tables.append([live.table.tolist() for live in found.features.values()])
    assert tables[0] == tables[1]


def test_without_inputs_there_are_predictions(served, train):
    """Where inputs are not recorded, rows and predictions are counted."""
    served.answer(train.head(10), record_inputs=False)
    served.answer(train.head(4), start=2e9)
    found = served.traffic()
    assert (found.rows, found.with_inputs) == (14, 4)
    assert found.predictions.table[1].sum() == 14


def test_volume_is_counted_by_the_day(served, train):
    """Requests and rows of each, in the order of time."""
    served.answer(train.head(10), each=2, every=DAY / 2)
    assert served.traffic().days == {
        "2026-11-01": [1, 2],
        "2026-11-02": [2, 4],
        "2026-11-03": [2, 4],
    }


def test_predictions_of_a_regression_are_numbers(regression_run, tmp_path):
    """They are counted in bins."""
    served = Served(regression_run.package, tmp_path)
    served.answer(pd.read_parquet(regression_run.prepared / "test.parquet"))
    before, now = served.traffic().predictions.table
    assert before.tolist() == now.tolist()


def test_nothing_is_counted_of_nothing():
    """A profile alone has traffic without a row."""
    part = reference(skewed(50, 5, 1), "category")
    found = Traffic({"features": {"a": part}, "predictions": part})
    found.add([])
    assert (found.rows, found.days) == (0, {})
    assert json.dumps(found.features["a"].table[1].tolist()) == "[0, 0, 0, 0, 0, 0]"


def test_that_time_goes_on_is_no_drift():
    """Of datetimes nothing is compared but how many are missing."""
    live = Times({"type": "datetime", "missing": 0, "counts": {}, "others": 90})
    live.add([f"2031-01-{day:02}T00:00:00" for day in range(1, 31)] + [None] * 30)
    assert (live.table.tolist(), live.names, live.unseen) == ([[90], [30]], [], None)
    found = {check.about: check for check in feature_checks("seen", live, 0, 90)}
    assert (found["values"].effect, found["values"].p) == (0.0, 1.0)
    assert found["missing"].effect == 0.5
