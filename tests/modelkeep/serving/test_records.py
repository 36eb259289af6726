"""Every answered request is recorded, whatever happens to the process, the disk or the file."""

import json
import os
import shutil
import signal
import sqlite3
import time
from contextlib import closing

import pytest

from modelkeep.serving import recording, records
from modelkeep.serving.recording import Records
from modelkeep.serving.records import Answered, connected, first_id, new_id, tidy, time_of
from modelkeep_core.errors import UserError
from project import FORKS, ended, forked

ROWS = [[1.5, None, "réd"], [2.0, True, "blue"]]
OUTPUTS = {"predictions": ["low", "high"], "probabilities": [[0.25, 0.75], [1.0, 0.0]]}


def answered(request_id=None, inputs=ROWS):
    """Return an answered request of two rows."""
    return Answered(request_id or new_id(), "recipe", "v1.0.0", inputs, OUTPUTS)


def table(path, name):
    """Return all rows of a table."""
    with sqlite3.connect(path) as database:
        return database.execute(f"SELECT * FROM {name}").fetchall()


@pytest.fixture
def path(tmp_path):
    """A file in a directory that is not there yet."""
    return tmp_path / "var" / "records.sqlite"


@pytest.fixture
def writer(path):
    """Records that nobody else writes."""
    records = Records(path)
    yield records
    records.close()


def test_a_request_is_read_as_it_was_written(writer, path):
    """Inputs and outputs come back value for value, beside version and recipe."""
    request = answered()
    writer.write([request])
    ((request_id, recipe, version, rows, inputs, outputs),) = table(path, "requests")
    assert (request_id, recipe, version, rows) == (request.request_id, "recipe", "v1.0.0", 2)
    assert (json.loads(inputs), json.loads(outputs)) == (ROWS, OUTPUTS)


def test_inputs_are_left_out_where_they_are_not_to_be_kept(writer, path):
    """The answer is recorded all the same."""
    writer.write([answered(inputs=None)])
    ((*_, inputs, outputs),) = table(path, "requests")
    assert inputs is None
    assert json.loads(outputs) == OUTPUTS


def test_an_id_begins_with_its_time():
    """Ids sort by time, tell it, and two of the same moment differ."""
    early, late = new_id(1000.5), new_id(2_000_000_000.25)
    assert early < late
    assert len(early) == len(late) == 32
    assert (time_of(early), time_of(late)) == (1000.5, 2_000_000_000.25)
    assert new_id(1000.5) != early
    assert early.startswith(first_id(1000.5))
    assert abs(answered().time - time.time()) < 5


def test_what_was_noted_is_written_with_the_next_requests(writer, path):
    """Models once, refused values as counts of a minute."""
    for _ in range(2):
        writer.note_model("recipe", "v1.0.0", ["size", "colour"])
        writer.refuse("recipe", "v1.0.0", "range", "size")
    assert table(path, "refused") == []
    writer.write([])
    writer.refuse("recipe", "v1.0.0", "range", "size")
    writer.write([answered()])
    assert table(path, "models") == [("recipe", "v1.0.0", '["size","colour"]')]
    counted = table(path, "refused")
    assert {row[1:-1] for row in counted} == {("recipe", "v1.0.0", "range", "size")}
    assert sum(row[-1] for row in counted) == 3
    assert abs(counted[0][0] * 60 - time.time()) < 120


def test_the_layout_is_the_one_that_others_read(writer, path):
    """Whoever reads the file finds its version and its tables."""
    with sqlite3.connect(path) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (records.LAYOUT,)
        names = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
    assert names == {"models", "requests", "refused", "actuals"}


@FORKS
def test_what_was_written_survives_the_death_of_the_process(path):
    """After kill -9, every request whose write returned is in the file."""

    def write_and_die():
        writer = Records(path)
        for number in range(20):
            writer.write([answered(f"{number:032x}")])
        os.kill(os.getpid(), signal.SIGKILL)

    assert ended(forked(write_and_die)) == -signal.SIGKILL
    assert [row[0] for row in table(path, "requests")] == [f"{n:032x}" for n in range(20)]


def test_while_the_file_is_locked_nothing_is_lost_and_nobody_waits_twice(writer, path, monkeypatch):
    """Requests are kept, the failure is said, and all are written when the lock is gone."""
    monkeypatch.setattr(recording, "RETRY", 0)
    with sqlite3.connect(path) as other:
        other.execute("BEGIN IMMEDIATE")
        writer.refuse("recipe", "v1.0.0", "type")
        writer.write([answered()])
        assert "locked" in writer.failure
        assert writer._database.execute("PRAGMA busy_timeout").fetchone() == (0,)
        writer.write([answered()])
        assert len(writer.pending) == 2
        other.rollback()
    writer.write([answered()])
    assert (writer.failure, writer.pending, writer.lost) == (None, [], 0)
    assert len(table(path, "requests")) == 3
    assert len(table(path, "refused")) == 1


def test_a_write_that_failed_is_tried_again_a_second_later(writer, path, monkeypatch):
    """Until then nothing is tried, so that nothing is slowed down."""
    clock = [100.0]
    monkeypatch.setattr(recording.time, "monotonic", lambda: clock[0])
    with sqlite3.connect(path) as other:
        other.execute("BEGIN IMMEDIATE")
        writer.write([answered()])
        other.rollback()
    writer.write([answered()])
    assert len(writer.pending) == 2
    clock[0] += recording.RETRY
    writer.write([])
    assert len(table(path, "requests")) == 2


def test_a_full_disk_costs_the_oldest_records_and_no_answer(writer, path, monkeypatch):
    """Of more than can be kept in memory the oldest are given up, and counted."""
    monkeypatch.setattr(recording, "RETRY", 0)
    monkeypatch.setattr(recording, "PENDING", 3)
    pages = writer._database.execute("PRAGMA page_count").fetchone()[0]
    writer._database.execute(f"PRAGMA max_page_count = {pages}")
    large = [[["x" * 10_000]] for _ in range(5)]
    requests = [answered(inputs=inputs) for inputs in large]
    for request in requests:
        writer.write([request])
    assert "full" in writer.failure
    kept = [request.request_id for request in requests[2:]]
    assert ([row[0] for row in writer.pending], writer.lost) == (kept, 2)
    writer._database.execute("PRAGMA max_page_count = 100000")
    writer.close()
    assert {row[0] for row in table(path, "requests")} == set(kept)


def test_a_request_that_no_record_can_be_made_of_costs_no_other(writer, path, caplog):
    """It is counted as lost, and the log says which."""
    strange = answered(inputs=[[object()]])
    writer.write([answered(), strange, answered()])
    assert (len(table(path, "requests")), writer.pending, writer.lost) == (2, [], 1)
    assert f"request {strange.request_id} cannot be recorded" in caplog.text


def test_a_fault_that_nobody_foresaw_loses_nothing(writer, path, monkeypatch):
    """It reaches the caller; what was to be written is kept, and tried again."""
    monkeypatch.setattr(recording, "RETRY", 0)
    writer.refuse("recipe", "v1.0.0", "type")
    with monkeypatch.context() as patch:
        patch.setattr(recording, "MODEL", None)
        writer.note_model("recipe", "v1.0.0", ["size"])
        with pytest.raises(TypeError):
            writer.write([answered()])
    assert writer.failure
    writer.write([])
    assert writer.failure is None
    assert [len(table(path, name)) for name in ("requests", "refused", "models")] == [1, 1, 1]


@pytest.mark.parametrize("ending", ["", "-wal"])
def test_a_file_that_was_taken_away_is_made_anew(writer, path, ending, caplog):
    """Not one request is recorded where nobody would read it, and the model is noted again."""
    writer.note_model("recipe", "v1.0.0", ["size", "colour"])
    writer.write([answered()])
    path.with_name(f"{path.name}{ending}").unlink()
    if not ending:
        path.with_name(f"{path.name}-wal").unlink()
        path.with_name(f"{path.name}-shm").unlink()
    writer.write([answered() for _ in range(5)])
    assert len(table(path, "requests")) == (6 if ending else 5)
    assert len(table(path, "models")) == 1
    assert f"{path} was removed or replaced while the server ran" in caplog.text
    writer.write([answered()])
    assert (caplog.text.count("was removed"), writer.failure) == (1, None)


@pytest.mark.parametrize("checkpoint", [False, True])
@pytest.mark.parametrize("endings", [[""], ["-wal"], ["", "-wal"]])
def test_a_file_that_was_cut_loses_no_later_request(writer, path, checkpoint, endings, caplog):
    """As by a rotation of logs that copies and cuts: the same file, with nothing in it."""
    writer.note_model("recipe", "v1.0.0", ["size", "colour"])
    before = [answered()]
    writer.write(before)
    if checkpoint:
        with connected(path) as other:
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        before.append(answered())
        writer.write(before[1:])
    for ending in endings:
        os.truncate(f"{path}{ending}", 0)
    later = [answered() for _ in range(3)]
    for request in later:
        writer.write([request])
    there = {row[0] for row in table(path, "requests")}
    assert there >= {request.request_id for request in later}
    assert len(table(path, "models")) == 1
    assert writer.failure is None
    # Without a journal that has it all, something is lost, which is told.
    lost = not there >= {request.request_id for request in before}
    assert ("was cut while the server ran" in caplog.text) == lost


def test_a_file_from_which_somebody_is_erased_is_used_on(writer, path, caplog):
    """It and its journal are shorter afterwards, and nothing was cut."""
    writer.note_model("recipe", "v1.0.0", ["size", "colour"])
    kept = answered()
    writer.write([*(answered() for _ in range(500)), kept])
    with connected(path) as other:
        other.execute("DELETE FROM requests WHERE request_id != ?", [kept.request_id])
        other.commit()
        other.execute("VACUUM")
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    writer.write([answered()])
    assert len(table(path, "requests")) == 2
    assert caplog.text == ""


def test_a_file_that_comes_back_is_used_again(writer, path):
    """As when it was moved for a moment, and none could be made in its place."""
    writer.note_model("recipe", "v1.0.0", ["size", "colour"])
    writer.write([answered()])
    away = path.rename(path.with_name("away"))
    path.mkdir()
    writer.write([answered()])
    assert writer.failure
    path.rmdir()
    away.rename(path)
    writer._next_try = 0
    writer.write([])
    assert writer.failure is None
    assert len(table(path, "requests")) == 2


def test_a_directory_that_was_taken_away_is_made_anew(writer, path):
    """Even where nothing is asked meanwhile."""
    shutil.rmtree(path.parent)
    writer.write([])
    assert table(path, "requests") == []


def test_where_no_new_file_can_be_made_requests_are_kept(writer, path, monkeypatch):
    """Until it can, as with a file that cannot be written."""
    monkeypatch.setattr(recording, "RETRY", 0)
    for ending in ("", "-wal", "-shm"):
        path.with_name(f"{path.name}{ending}").unlink()
    path.mkdir()
    writer.write([answered()])
    writer.write([answered()])
    assert (len(writer.pending), "unable to open" in writer.failure) == (2, True)
    path.rmdir()
    writer.write([])
    assert (len(table(path, "requests")), writer.failure) == (2, None)


def test_requests_that_are_kept_have_a_limit_in_letters_too(writer, path, monkeypatch, caplog):
    """Few large ones fill the memory as well; the log says when the first is lost."""
    monkeypatch.setattr(recording, "RETRY", 0)
    monkeypatch.setattr(recording, "PENDING_TEXT", 25_000)
    with sqlite3.connect(path) as other:
        other.execute("BEGIN IMMEDIATE")
        for _ in range(4):
            writer.write([answered(inputs=[["x" * 10_000]])])
        other.rollback()
    assert (len(writer.pending), writer.lost) == (2, 2)
    assert caplog.text.count("answered requests are lost from now on") == 1
    writer.write([])
    assert (len(table(path, "requests")), writer.lost) == (2, 2)


def test_what_could_not_be_recorded_to_the_end_is_logged(path, caplog):
    """How many requests, and why."""
    writer = Records(path)
    with sqlite3.connect(path) as other:
        other.execute("BEGIN IMMEDIATE")
        writer.write([answered(), answered()])
        writer.close()
        other.rollback()
    assert "2 answered requests are not recorded, and never will be: database is locked" in (
        caplog.text
    )


def test_tidying_makes_no_file(path):
    """Where the file was removed, the server makes a new one, and nobody else an empty one."""
    path.parent.mkdir()
    with pytest.raises(sqlite3.OperationalError):
        tidy(path, before=None)
    assert not path.exists()


def test_tidying_deletes_what_belongs_to_old_requests(writer, path):
    """Actual values of requests, and counts of refused values, are kept no longer."""
    now = time.time()
    with sqlite3.connect(path) as other:
        for age in (1, 8):
            other.execute("INSERT INTO actuals VALUES (?, 0, 'low')", (new_id(now - age * 86400),))
            minute = (now - age * 86400) // 60
            other.execute("INSERT INTO refused VALUES (?, 'r', 'v', 'type', '', 1)", (minute,))
    tidy(path, now - 7 * records.DAY)
    assert [len(table(path, name)) for name in ("actuals", "refused")] == [1, 1]


def test_two_workers_write_one_file(path):
    """Each waits for the other as long as it takes."""
    first, second = Records(path), Records(path)
    for _ in range(20):
        first.write([answered()])
        second.write([answered()])
    first.close()
    second.close()
    assert len(table(path, "requests")) == 40


def test_tidying_deletes_what_is_too_old_and_nothing_else(writer, path, monkeypatch):
    """A day too old goes, however many there are; a day younger stays."""
    monkeypatch.setattr(records, "SWEPT", 2)
    now = time.time()
    for age in (1, 6, 8, 9, 10):
        writer.write([answered(new_id(now - age * records.DAY))])
    assert tidy(path, now - 7 * records.DAY) == 3
    assert len(table(path, "requests")) == 2
    assert tidy(path, now - 7 * records.DAY) == 0
    assert tidy(path, before=None) == 0


def test_the_journal_starts_anew_beside_an_open_server(writer, path):
    """What tidying put into the file makes room: the journal does not grow for ever."""
    journal = path.with_name("records.sqlite-wal")
    sizes = []
    for _ in range(5):
        for _ in range(20):
            writer.write([answered()])
        sizes.append(journal.stat().st_size)
        tidy(path, before=None)
    assert sizes[-1] < 2 * sizes[0]
    assert len(table(path, "requests")) == 100


def test_a_journal_that_is_too_long_is_emptied(writer, path, monkeypatch):
    """Where others write all the time, they wait once, and no record is lost."""
    monkeypatch.setattr(records, "JOURNAL", 0)
    journal = path.with_name("records.sqlite-wal")
    for _ in range(50):
        writer.write([answered()])
    assert journal.stat().st_size > 0
    tidy(path, before=None)
    assert journal.stat().st_size == 0
    writer.write([answered()])
    assert len(table(path, "requests")) == 51


def test_a_file_of_another_layout_is_refused(path):
    """A newer server's file is not written by an older one."""
    path.parent.mkdir()
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 99")
    with pytest.raises(UserError, match="layout 99, and layout 1 is needed"):
        Records(path)
    with pytest.raises(sqlite3.DatabaseError):
        connected(path)


@pytest.mark.parametrize(
    "tables",
    [
        "CREATE TABLE orders (id INTEGER)",
        "CREATE TABLE requests (id INTEGER); PRAGMA user_version = 1",
        "CREATE TABLE orders (id INTEGER); PRAGMA user_version = 1; PRAGMA journal_mode = WAL",
    ],
)
def test_a_database_of_something_else_is_refused_and_not_written(path, tables):
    """Not one byte of it: neither tables, nor a version, nor another kind of journal."""
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as database:
        database.executescript(tables)
    content = path.read_bytes()
    with pytest.raises(UserError, match="tables of something else: let --data name another"):
        Records(path)
    with pytest.raises(sqlite3.DatabaseError, match="tables of something else"):
        tidy(path, time.time())
    assert path.read_bytes() == content
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_file_that_is_none_is_refused(path):
    """What stands in the way is named."""
    path.parent.mkdir()
    path.write_text("no database at all, but long enough to be looked at as one" * 99)
    with pytest.raises(UserError, match=r"cannot keep the records.*not a database"):
        Records(path)
    with pytest.raises(UserError, match="cannot keep the records"):
        Records(path / "below")
