"""Records are read as they were written, while they are written, and only outcomes are added."""

import sqlite3
import tracemalloc
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from recorded import NOON, Served, drawn, plain

from monitoring.store import opened
from monitoring.window import Window
from pipeline.refusal import Refusal
from serving.records import Answered, Records, new_id

EVERYTHING = Window()


@pytest.fixture
def served(run, tmp_path):
    """A server's records, without a request."""
    return Served(run.package, tmp_path)


@pytest.fixture
def rows(run):
    """Twelve rows of the training data."""
    return pd.read_parquet(run.prepared / "train.parquet").head(12)


def test_requests_are_read_as_they_were_recorded(served, rows):
    """Inputs, outputs and model of each, in the order of time."""
    ids = served.answer(rows, each=4)
    with opened(served.path) as store:
        found = [*store.requests(EVERYTHING)]
    assert [it.request_id for it in found] == ids
    assert [row for it in found for row in it.inputs] == plain(rows[served.features])
    assert {it.model for it in found} == {(served.recipe_id, "v1.0.0")}
    assert all(len(it.outputs["predictions"]) == 4 for it in found)
    assert all(it.outcomes == {} for it in found)


def test_requests_without_inputs_are_read(served, rows):
    """Where the recording of inputs is off, there are outputs all the same."""
    served.answer(rows, record_inputs=False)
    with opened(served.path) as store:
        assert {it.inputs for it in store.requests(EVERYTHING)} == {None}


def test_only_a_window_is_read(served, rows):
    """From its beginning on and before its end."""
    ids = served.answer(rows, every=60)
    noon = datetime.fromtimestamp(NOON, UTC)
    window = Window(noon + timedelta(minutes=2), noon + timedelta(minutes=5))
    with opened(served.path) as store:
        assert [it.request_id for it in store.requests(window)] == ids[2:5]
        assert store.models(window) == {(served.recipe_id, "v1.0.0"): 3}


def test_only_one_recipe_is_read_where_that_is_asked(served, rows):
    """What other models answered is counted by model and not mixed in."""
    served.answer(rows)
    served.answer(rows.head(5), recipe_id="other", version="")
    with opened(served.path) as store:
        assert len([*store.requests(EVERYTHING)]) == 17
        assert len([*store.requests(EVERYTHING, served.recipe_id)]) == 12
        assert store.models(EVERYTHING) == {(served.recipe_id, "v1.0.0"): 12, ("other", ""): 5}
        assert store.features()["other", ""] == served.features


def test_refused_values_are_added_up(served, rows):
    """By reason and feature, the commonest first."""
    served.refuse(2, "malformed")
    served.refuse(3, "missing", "count")
    served.refuse(1, "malformed")
    served.refuse(4, "mistyped", "size")
    with opened(served.path) as store:
        assert store.refused(EVERYTHING, served.recipe_id) == [
            ("mistyped", "size", 4),
            ("malformed", "", 3),
            ("missing", "count", 3),
        ]
        assert store.refused(EVERYTHING, "other") == []
        assert store.refused(Window(until=datetime(2020, 1, 1, tzinfo=UTC)), served.recipe_id) == []


def test_outcomes_are_kept_and_replaced(served, rows):
    """Of the rows that have one; a later one takes the place of an earlier one."""
    first, second, _ = served.answer(rows, each=4)
    with opened(served.path) as store:
        store.write_outcomes([(first, 1, "low"), (first, 3, "mid"), (second, 0, "low")])
        store.write_outcomes([(first, 1, "high")])
        found = {it.request_id: it.outcomes for it in store.with_outcomes(EVERYTHING)}
        assert found == {first: {1: "high", 3: "mid"}, second: {0: "low"}}
        assert store.rows([first, "f" * 32]) == {first: (served.recipe_id, 4)}


def test_many_outcomes_are_kept(served, rows):
    """More than one transaction takes."""
    ids = served.answer(drawn(rows, 2_500))
    served.outcomes(ids, ["low"] * 2_500)
    assert served.rows("SELECT count(*) FROM outcomes") == [(2_500,)]


def test_records_are_read_while_they_are_written(served, rows):
    """The server does not wait for the reader, who sees what was there when it began."""
    served.answer(rows)
    server = Records(served.path)
    with opened(served.path) as store:
        reading = store.requests(EVERYTHING)
        next(reading)
        server.write([Answered(new_id(), "r", "", [[1]], {"predictions": [1]})])
        assert server.failure is None
        assert len([*reading]) == 11
        assert len([*store.requests(EVERYTHING)]) == 13
    server.close()


def test_a_long_record_does_not_fill_the_memory(served, rows):
    """Requests pass through one by one."""
    served.answer(drawn(rows, 20_000), each=2)
    with opened(served.path) as store:
        tracemalloc.start()
        assert sum(1 for _ in store.requests(EVERYTHING)) == 10_000
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 200_000


def test_nothing_but_outcomes_can_be_written(served, rows):
    """The records are opened to be read."""
    served.answer(rows)
    with opened(served.path) as store, pytest.raises(sqlite3.OperationalError, match="readonly"):
        store._database.execute("DELETE FROM requests")


def test_missing_records_are_refused(tmp_path):
    """Nothing is made in their place."""
    path = tmp_path / "records.sqlite"
    with pytest.raises(Refusal, match="is missing: `python -m serving` makes it"), opened(path):
        pass
    assert not path.exists()


def test_what_is_no_record_is_refused(tmp_path):
    """Another kind of file, another database, or one that an other version wrote."""
    path = tmp_path / "records.sqlite"
    path.write_text("request_id,outcome\n" * 100, encoding="utf-8")
    with pytest.raises(Refusal, match="cannot be used as records"), opened(path):
        pass
    path.unlink()
    sqlite3.connect(path).execute("CREATE TABLE requests (a)").connection.close()
    with pytest.raises(Refusal, match="is no file of records"), opened(path):
        pass
    path.unlink()
    Records(path).close()
    sqlite3.connect(path).execute("PRAGMA user_version = 99").connection.close()
    with pytest.raises(Refusal, match="has records of layout 99"), opened(path):
        pass


def test_records_that_are_locked_are_refused(served, rows, monkeypatch):
    """In one sentence, not with a traceback."""
    ids = served.answer(rows)
    monkeypatch.setattr("monitoring.store.PATIENCE", 0)
    other = sqlite3.connect(served.path)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Refusal, match="database is locked"):
        served.outcomes(ids, ["low"] * 12)
    other.close()
