"""`forget` erases requests to the last byte, and names the committed data that have such rows."""

import sqlite3
import time
from contextlib import closing

import pandas as pd
import pytest

from modelkeep import cli
from modelkeep.monitoring import forget
from modelkeep.monitoring.reference import read_reference
from modelkeep.monitoring.store import opened
from modelkeep.monitoring.window import Window
from modelkeep.registry.holding import Holding
from modelkeep.serving.private import KEY, Hider
from modelkeep.serving.recording import Records
from modelkeep.serving.records import connected, tidy
from modelkeep_core.errors import UserError
from modelkeep_core.schema import Column
from project import FORKS, ended, forked
from recorded import DAY, NOON, Recorded

SECRET = "a key that nobody guesses"


@pytest.fixture
def recorded(run, tmp_path, monkeypatch):
    """A server's records, in a directory that is in no repository."""
    monkeypatch.chdir(tmp_path)
    return Recorded(run.package, tmp_path)


@pytest.fixture
def rows(run):
    """The test rows."""
    return pd.read_parquet(run.prepared / "test.parquet")


def forgotten(recorded, *words, schema=None):
    """Run the command and return what it returns."""
    args = cli.arguments(["monitor", "forget", *words])
    reference = read_reference(recorded.package)
    if schema:
        object.__setattr__(reference, "schema", schema)
    with opened(recorded.path) as store:
        return forget.run(reference, store, Window(), args)


def left(recorded):
    """Return the ids of the requests that are still recorded."""
    return [name for (name,) in recorded.rows("SELECT request_id FROM requests ORDER BY 1")]


def in_files(recorded, value):
    """Say whether bytes are in a file of the records: the database, its journal, its index."""
    files = recorded.path.parent.glob(f"{recorded.path.name}*")
    return any(value in path.read_bytes() for path in files)


def test_every_request_with_a_value_is_erased(recorded, rows):
    """With its actuals; the others stay."""
    ids = recorded.answer(rows, each=1)
    recorded.actuals(ids, rows["label"])
    red = [name for name, colour in zip(ids, rows["colour"], strict=True) if colour == "red"]
    data, text, status = forgotten(recorded, "--where", "colour=red")
    assert (data["requests"], status) == (len(red), 0)
    assert left(recorded) == sorted(set(ids) - set(red))
    actuals = recorded.rows("SELECT count(*) FROM actuals")
    assert actuals == [(len(ids) - len(red),)]
    assert f"{len(red)} requests erased from {recorded.path}." in text
    assert "there is no repository here" in text


@pytest.mark.parametrize("server", [False, True])
def test_no_byte_of_an_erased_value_is_left(recorded, rows, server):
    """Also while a server has the file open, and what was deleted before is overwritten too."""
    strange = rows.head(20).assign(size=[12.0 + number / 1e6 for number in range(1, 21)])
    recorded.answer(strange, each=4)
    value = b"12.000017"
    assert in_files(recorded, value)
    running = connected(recorded.path) if server else None
    forgotten(recorded, "--where", "size=12.000017")
    assert not in_files(recorded, value)
    assert len(left(recorded)) == 4
    if running:
        running.close()


def test_what_is_too_old_leaves_no_byte_either(recorded, rows):
    """`--keep-days` overwrites what it deletes, once the journal is in the file."""
    recorded.answer(rows.head(8).assign(size=12.000017), start=1_600_000_000.0)
    assert in_files(recorded, b"12.000017")
    assert tidy(recorded.path, time.time()) == 8
    with closing(connected(recorded.path)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert not in_files(recorded, b"12.000017")


def test_a_request_is_erased_by_its_id(recorded, rows):
    """Several may be named; one that is not recorded is refused, and nothing erased."""
    first, second, third = recorded.answer(rows.head(3))
    with pytest.raises(UserError, match="no such request"):
        forgotten(recorded, "--request", first, "--request", "0" * 32)
    assert left(recorded) == [first, second, third]
    data, _, status = forgotten(recorded, "--request", first, "--request", third)
    assert (data["requests"], status, left(recorded)) == (2, 0, [second])


def test_what_an_interrupted_run_left_is_erased_when_it_is_repeated(recorded, rows):
    """Though the request is not recorded any more, and the command says so."""
    (name,) = recorded.answer(rows.head(1).assign(size=12.000017))
    with closing(connected(recorded.path)) as running:
        running.execute("SELECT * FROM requests").fetchall()
        with closing(connected(recorded.path)) as database, database:
            database.execute("DELETE FROM requests")
        assert in_files(recorded, b"12.000017")
        with pytest.raises(UserError, match="no such request"):
            forgotten(recorded, "--request", name)
        assert not in_files(recorded, b"12.000017")


@FORKS
def test_where_the_file_cannot_be_written_anew_the_rest_is_told(recorded, rows):
    """The requests are deleted, and bytes of them are left: that is not silence about a disk."""
    (first, *_) = recorded.answer(rows.assign(colour="x" * 50_000))

    def forget_one():
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
        with pytest.raises(UserError, match="deleted, but bytes of them are still in"):
            forgotten(recorded, "--request", first)

    assert ended(forked(forget_one)) == 0
    assert first not in left(recorded)


def test_requests_of_every_model_are_looked_at(recorded, rows):
    """Also those of a recipe that is not served any more."""
    recorded.answer(rows.head(1).assign(colour="blue"), recipe_id="f" * 64)
    data, _, _ = forgotten(recorded, "--where", "colour=blue")
    assert data["requests"] == 1


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("colour", "it is COLUMN=VALUE, for a feature"),
        ("color=red", "did you mean 'colour'"),
        ("label=low", "for a feature"),
        ("size=big", "'size' is a number"),
        ("member=maybe", "'member' is true or false"),
        ("size=nan", "'size' is a number"),
        ("size=1e999", "'size' is a number"),
        ("colour=", "an empty cell, which is nobody's value"),
        ("size=NA", "an empty cell, which is nobody's value"),
    ],
)
def test_a_condition_that_is_none_is_refused(recorded, rows, condition, message):
    """Nothing is erased by a mistake."""
    recorded.answer(rows.head(2))
    with pytest.raises(UserError, match=message):
        forgotten(recorded, "--where", condition)
    assert len(left(recorded)) == 2


@pytest.mark.parametrize(
    "value", ["red' OR '1'='1", 'red"]]', "%", "red\0", "'; DROP TABLE requests; --"]
)
def test_a_value_is_compared_and_nothing_else(recorded, rows, value):
    """Whatever it would mean to a database."""
    recorded.answer(rows.head(2))
    recorded.answer(rows.head(1).assign(colour=value), start=NOON + DAY)
    data, _, _ = forgotten(recorded, "--where", f"colour={value}")
    assert (data["requests"], len(left(recorded))) == (1, 2)


def test_a_whole_number_is_found_by_all_of_its_digits(recorded, rows):
    """Those of an identity have more than a floating-point number keeps."""
    ids = recorded.answer(rows.head(3))
    for name, number in zip(ids, (2**53 + 1, 2**40, 2.0**40), strict=True):
        _change(recorded, name, "$[0][1]", number)
    data, _, _ = forgotten(recorded, "--where", f"count={2**53 + 1}")
    assert (data["requests"], left(recorded)) == (1, ids[1:])
    assert forgotten(recorded, "--where", f"count={2**40}")[0]["requests"] == 2


def test_a_moment_is_found_however_it_was_written(recorded, rows, classification):
    """In any of the spellings that the server takes."""
    classification.columns["colour"] = Column(type="datetime")
    ids = recorded.answer(rows.head(4))
    for name, text in zip(
        ids,
        ("2024-01-31", "2024-01-31T00:00:00", "2024-01-31T01:00+01:00", "2024-02-01"),
        strict=True,
    ):
        _change(recorded, name, "$[0][3]", text)
    with pytest.raises(UserError, match="'colour' is"):
        forgotten(recorded, "--where", "colour=yesterday", schema=classification)
    data, _, _ = forgotten(recorded, "--where", "colour=2024-01-31", schema=classification)
    assert (data["requests"], left(recorded)) == (3, ids[3:])


def _change(recorded, request_id, path, value):
    """Let a request have had another value."""
    with closing(sqlite3.connect(recorded.path)) as database, database:
        database.execute(
            "UPDATE requests SET inputs = json_set(inputs, ?, ?) WHERE request_id = ?",
            (path, value, request_id),
        )


def test_where_there_is_nothing_the_status_says_so(recorded, rows):
    """Exit status 2, and a sentence."""
    recorded.answer(rows.head(2).assign(colour="red"))
    _, text, status = forgotten(recorded, "--where", "colour=blue")
    assert status == 2
    assert text.startswith("No such request is recorded in ")


def test_a_private_value_is_found_by_its_hash(recorded, rows, classification, monkeypatch):
    """With the key; without it, the error says what to set."""
    classification.columns["colour"].private = True
    hider = Hider(classification, SECRET.encode())
    colours = [hider.value("colour", colour) for colour in ("red", "blue", "red")]
    ids = recorded.answer(rows.head(3))
    with closing(sqlite3.connect(recorded.path)) as database, database:
        for name, colour in zip(ids, colours, strict=True):
            database.execute(
                "UPDATE requests SET inputs = json_set(inputs, '$[0][3]', ?) WHERE request_id = ?",
                (colour, name),
            )
    with pytest.raises(UserError, match=f"'colour' is private.*{KEY}"):
        forgotten(recorded, "--where", "colour=red", schema=classification)
    monkeypatch.setenv(KEY, SECRET)
    data, _, _ = forgotten(recorded, "--where", "colour=red", schema=classification)
    assert (data["requests"], left(recorded)) == (2, [ids[1]])


def test_committed_data_with_such_rows_are_named(recorded, rows, classification, monkeypatch):
    """By file and version, what could not be searched too, and what is to be done."""
    held = [
        Holding("raw/new.csv", "a" * 64, 2, ["made-up v1.1.0", "HEAD"]),
        Holding("raw/old.csv", "b" * 64, None, ["made-up v1.0.0"], "it is gone."),
    ]
    wanted = []

    def search(catalogue, schema, searched):
        wanted.extend(searched)
        return held

    monkeypatch.setattr("modelkeep.registry.holding.holdings", search)
    monkeypatch.setattr("modelkeep.registry.git.opened", lambda where: closing(_Nothing()))
    monkeypatch.setattr("modelkeep.registry.catalogue.Catalogue", lambda git: None)
    monkeypatch.setattr(forget, "project_root", lambda place: place)
    (name,) = recorded.answer(rows.head(1))
    classification.columns["size"].private = True
    data, text, _ = forgotten(recorded, "--request", name, schema=classification)
    assert [*wanted[0]] == ["count", "member", "colour"]
    assert [file["path"] for file in data["data"]] == ["raw/new.csv", "raw/old.csv"]
    assert "raw/new.csv (SHA-256 aaaaaaaaaaaa) has 2 such rows, in made-up v1.1.0, HEAD." in text
    assert "raw/old.csv (SHA-256 bbbbbbbbbbbb), in made-up v1.0.0, could not be searched" in text
    assert text.endswith(
        "To erase them is a release: take the rows out, retrain, promote, then `gc`."
    )


class _Nothing:
    def close(self):
        """Have nothing to close."""


def test_inputs_that_were_not_recorded_cannot_be_searched_for(recorded, rows):
    """The request is erased, and that nothing was searched is said."""
    (name,) = recorded.answer(rows.head(1), record_inputs=False)
    _, text, _ = forgotten(recorded, "--request", name)
    assert "the inputs of the requests were not recorded" in text


def test_a_file_in_use_is_told(recorded, rows):
    """A reader that does not end keeps the journal; the error says what to do."""
    (name,) = recorded.answer(rows.head(1))
    Records(recorded.path).close()
    with closing(sqlite3.connect(recorded.path)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM requests").fetchone()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("modelkeep.monitoring.store.PATIENCE", 100)
            with pytest.raises(UserError, match="is in use, and its journal still has them"):
                forgotten(recorded, "--request", name)
    with pytest.raises(UserError, match="no such request"):
        forgotten(recorded, "--request", name)
