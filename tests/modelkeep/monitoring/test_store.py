"""Records are read as they were written, while they are written, and only actuals are added."""

import os
import shutil
import sqlite3
import tracemalloc
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from modelkeep.monitoring.store import opened
from modelkeep.monitoring.window import Window
from modelkeep.serving.recording import Records
from modelkeep.serving.records import Answered, connected, new_id
from modelkeep_core.errors import UserError
from recorded import NOON, Recorded, drawn, plain

EVERYTHING = Window()


@pytest.fixture
def recorded(run, tmp_path):
    """A server's records, without a request."""
    return Recorded(run.package, tmp_path)


@pytest.fixture
def rows(run):
    """Twelve rows of the training data."""
    return pd.read_parquet(run.prepared / "train.parquet").head(12)


def test_requests_are_read_as_they_were_recorded(recorded, rows):
    """Inputs, outputs and model of each, in the order of time."""
    ids = recorded.answer(rows, each=4)
    with opened(recorded.path) as store:
        result = [*store.requests(EVERYTHING)]
    assert [request.request_id for request in result] == ids
    assert [row for request in result for row in request.inputs] == plain(rows[recorded.features])
    assert {request.model for request in result} == {(recorded.recipe_id, "v1.0.0")}
    assert all(len(request.outputs["predictions"]) == 4 for request in result)
    assert all(request.actuals == {} for request in result)


def test_requests_without_inputs_are_read(recorded, rows):
    """Where the recording of inputs is off, there are outputs all the same."""
    recorded.answer(rows, record_inputs=False)
    with opened(recorded.path) as store:
        assert {request.inputs for request in store.requests(EVERYTHING)} == {None}


def test_only_a_window_is_read(recorded, rows):
    """From its beginning on and before its end."""
    ids = recorded.answer(rows, every=60)
    noon = datetime.fromtimestamp(NOON, UTC)
    window = Window(noon + timedelta(minutes=2), noon + timedelta(minutes=5))
    with opened(recorded.path) as store:
        assert [request.request_id for request in store.requests(window)] == ids[2:5]
        assert store.models(window) == {(recorded.recipe_id, "v1.0.0"): 3}


def test_only_one_recipe_is_read_where_that_is_asked(recorded, rows):
    """What other models answered is counted by model and not mixed in."""
    recorded.answer(rows)
    recorded.answer(rows.head(5), recipe_id="other", version="")
    with opened(recorded.path) as store:
        assert len([*store.requests(EVERYTHING)]) == 17
        assert len([*store.requests(EVERYTHING, recorded.recipe_id)]) == 12
        assert store.models(EVERYTHING) == {(recorded.recipe_id, "v1.0.0"): 12, ("other", ""): 5}
        assert store.features()["other", ""] == recorded.features


def test_refused_values_are_added_up(recorded, rows):
    """By reason and feature, the commonest first."""
    recorded.refuse(2, "malformed")
    recorded.refuse(3, "missing", "count")
    recorded.refuse(1, "malformed")
    recorded.refuse(4, "mistyped", "size")
    with opened(recorded.path) as store:
        assert store.refused(EVERYTHING, recorded.recipe_id) == [
            ("mistyped", "size", 4),
            ("malformed", "", 3),
            ("missing", "count", 3),
        ]
        assert store.refused(EVERYTHING, "other") == []
        assert (
            store.refused(Window(until=datetime(2020, 1, 1, tzinfo=UTC)), recorded.recipe_id) == []
        )


def test_actuals_are_kept_and_replaced(recorded, rows):
    """Of the rows that have one; a later one takes the place of an earlier one."""
    first, second, _ = recorded.answer(rows, each=4)
    with opened(recorded.path) as store:
        store.write_actuals([(first, 1, "low"), (first, 3, "mid"), (second, 0, "low")])
        store.write_actuals([(first, 1, "high")])
        result = {request.request_id: request.actuals for request in store.with_actuals(EVERYTHING)}
        assert result == {first: {1: "high", 3: "mid"}, second: {0: "low"}}
        assert store.rows([first, "f" * 32]) == {first: (recorded.recipe_id, 4)}


def test_actuals_are_on_the_disk_when_they_are_said_to_be_kept(recorded, rows, monkeypatch):
    """Each commit hands the journal to the disk, also beside a server that has it open."""
    request_id, *_ = recorded.answer(rows, each=4)
    done = []

    def watched(path):
        database = connected(path)
        database.set_trace_callback(done.append)
        return database

    monkeypatch.setattr("modelkeep.monitoring.store.connected", watched)
    with opened(recorded.path) as store:
        store.write_actuals([(request_id, 0, "low")])
    assert done.index("PRAGMA synchronous = FULL") < done.index("COMMIT")


def test_many_actuals_are_kept(recorded, rows):
    """More than one transaction takes."""
    ids = recorded.answer(drawn(rows, 2_500))
    recorded.actuals(ids, ["low"] * 2_500)
    assert recorded.rows("SELECT count(*) FROM actuals") == [(2_500,)]


def test_records_are_read_while_they_are_written(recorded, rows):
    """The server does not wait for the reader, who sees what was there at the beginning."""
    recorded.answer(rows)
    server = Records(recorded.path)
    with opened(recorded.path) as store:
        reading = store.requests(EVERYTHING)
        next(reading)
        server.write([Answered(new_id(), "r", "", [[1]], {"predictions": [1]})])
        assert server.failure is None
        assert len([*reading]) == 11
        assert len([*store.requests(EVERYTHING)]) == 13
    server.close()


def test_a_long_record_does_not_fill_the_memory(recorded, rows):
    """Requests pass through one by one."""
    recorded.answer(drawn(rows, 20_000), each=2)
    with opened(recorded.path) as store:
        tracemalloc.start()
        assert sum(1 for _ in store.requests(EVERYTHING)) == 10_000
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 200_000


def test_records_are_read_where_nothing_can_be_written(recorded, rows, monkeypatch):
    """In a backup, or as another user; SQLite would make a file beside them."""
    ids = recorded.answer(rows)
    recorded.path.parent.chmod(0o555)
    # Whoever runs as root may write everywhere.
    monkeypatch.setattr(os, "access", lambda *_: False)
    before = {*recorded.path.parent.iterdir()}
    try:
        with opened(recorded.path) as store:
            assert [request.request_id for request in store.requests(EVERYTHING)] == ids
            assert {*recorded.path.parent.iterdir()} == before
    finally:
        recorded.path.parent.chmod(0o755)


def test_records_that_change_though_nothing_could_be_written_are_told(recorded, rows, monkeypatch):
    """Somebody else may write what this user may only read."""
    recorded.answer(rows)
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(UserError, match="was written while it was read"), opened(recorded.path):
        recorded.answer(rows)


def test_nothing_but_actuals_can_be_written(recorded, rows):
    """The records are opened to be read."""
    recorded.answer(rows)
    with opened(recorded.path) as store, pytest.raises(sqlite3.OperationalError, match="readonly"):
        store._database.execute("DELETE FROM requests")


def test_missing_records_are_refused(tmp_path):
    """Nothing is made in their place."""
    path = tmp_path / "records.sqlite"
    with pytest.raises(UserError, match="is missing: `modelkeep serve` makes it"), opened(path):
        pass
    assert not path.exists()


def test_what_is_no_record_is_refused(tmp_path):
    """Another kind of file, another database, or one that an other version wrote."""
    path = tmp_path / "records.sqlite"
    path.write_text("request_id,actual\n" * 100, encoding="utf-8")
    with pytest.raises(UserError, match="cannot be used as records"), opened(path):
        pass
    path.unlink()
    sqlite3.connect(path).execute("CREATE TABLE requests (a)").connection.close()
    with pytest.raises(UserError, match="is no file of records"), opened(path):
        pass
    path.unlink()
    Records(path).close()
    sqlite3.connect(path).execute("PRAGMA user_version = 99").connection.close()
    with pytest.raises(UserError, match="has records of layout 99"), opened(path):
        pass


def test_a_full_disk_is_told(tmp_path, monkeypatch):
    """To read beside the server, SQLite needs room for the list of its journal's pages."""
    path = tmp_path / "records.sqlite"
    Records(path).close()
    usage = shutil.disk_usage(path)._replace(free=0)
    monkeypatch.setattr(shutil, "disk_usage", lambda place: usage)
    with pytest.raises(UserError, match="its disk is full"), opened(path):
        raise sqlite3.OperationalError("disk I/O error")


def test_records_that_are_locked_are_refused(recorded, rows, monkeypatch):
    """In one sentence, not with a traceback."""
    ids = recorded.answer(rows)
    monkeypatch.setattr("modelkeep.monitoring.store.PATIENCE", 0)
    other = sqlite3.connect(recorded.path)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(UserError, match="database is locked"):
        recorded.actuals(ids, ["low"] * 12)
    other.close()


def test_a_directory_and_records_that_are_none_are_told(tmp_path, run):
    """In a sentence, whoever wrote them."""
    with pytest.raises(UserError, match="is a directory: give the file"), opened(tmp_path):
        pass
    path = tmp_path / "records.sqlite"
    Records(path).close()
    with closing(sqlite3.connect(path)) as database, database:
        values = (new_id(), "recipe", "v1.0.0", 1, "[[1.5", "{}")
        database.execute("INSERT INTO requests VALUES (?, ?, ?, ?, ?, ?)", values)
    with pytest.raises(UserError, match="cannot be used as records"), opened(path) as store:
        list(store.requests(Window()))
