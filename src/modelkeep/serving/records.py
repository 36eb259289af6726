"""The record of what was asked and answered: one SQLite file, written by the server.

A request's id begins with its time, so that the rows lie in the order of time. Writes of several
requests are one transaction; in write-ahead mode it survives the death of the process.
"""

import logging
import secrets
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from modelkeep_core.errors import UserError

if TYPE_CHECKING:
    from modelkeep.unseen import Unseen

LOG = logging.getLogger("uvicorn.error")
LAYOUT = 1
TABLES = """
CREATE TABLE IF NOT EXISTS models (
    recipe_id TEXT NOT NULL,
    version TEXT NOT NULL,
    features TEXT NOT NULL,
    PRIMARY KEY (recipe_id, version)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS requests (
    request_id TEXT PRIMARY KEY,
    recipe_id TEXT NOT NULL,
    version TEXT NOT NULL,
    rows INTEGER NOT NULL,
    inputs TEXT,
    outputs TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS refused (
    minute INTEGER NOT NULL,
    recipe_id TEXT NOT NULL,
    version TEXT NOT NULL,
    reason TEXT NOT NULL,
    feature TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (minute, recipe_id, version, reason, feature)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS actuals (
    request_id TEXT NOT NULL,
    row INTEGER NOT NULL,
    actual TEXT NOT NULL,
    PRIMARY KEY (request_id, row)
) WITHOUT ROWID;
"""
MODEL = "INSERT OR IGNORE INTO models VALUES (?, ?, ?)"
REQUEST = "INSERT INTO requests VALUES (?, ?, ?, ?, ?, ?)"
REFUSED = """
INSERT INTO refused VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET count = count + excluded.count
"""
OLD = """
DELETE FROM requests WHERE request_id IN (
    SELECT request_id FROM requests WHERE request_id < ? ORDER BY request_id LIMIT ?
)
"""
OLD_ACTUALS = "DELETE FROM actuals WHERE request_id < ?"
OLD_REFUSED = "DELETE FROM refused WHERE minute < ?"
# The reason by which refused rows are counted, beside their values
REFUSED_ROW = "row"
DAY = 86_400
# Seconds that a write waits for another process, and until one that failed is tried again
PATIENCE, RETRY = 0.25, 1.0
# Requests, and characters of them, that are kept in memory while nothing can be written; the oldest
# go first
PENDING, PENDING_TEXT = 10_000, 64 * 1024 * 1024
# How many bytes the journal may have before it is emptied
JOURNAL = 64 * 1024 * 1024
# How many old requests are deleted at once, so that nobody waits long
SWEPT = 1_000


@dataclass(frozen=True)
class Answered:
    """A request that was answered.

    Attributes:
        request_id: its id, which begins with its time.
        recipe_id: the recipe of the model.
        version: its version number, or "" where it has none.
        inputs: the rows, each a list of values in the order of the features, or None where inputs
            are not recorded.
        outputs: "predictions", one for each row, and for classes "probabilities".
        unseen: the categories that no training row had, which are told, but not recorded.
        explanation: what each feature contributes where that was asked, which is not recorded.
    """

    request_id: str
    recipe_id: str
    version: str
    inputs: list[list[Any]] | None
    outputs: dict[str, list[Any]]
    unseen: "Sequence[Unseen]" = ()
    explanation: dict[str, Any] | None = None

    @property
    def notes(self) -> dict[str, Any]:
        """What belongs to an answer that is no ordinary one; nothing where it is.

        They are "warnings", in sentences, and "unseen": by column, the rows with such a category.
        """
        if not self.unseen:
            return {}
        rows = {column.column: column.rows for column in self.unseen}
        return {"warnings": [f"{column}." for column in self.unseen], "unseen": rows}

    @property
    def time(self) -> float:
        """When it was answered, in seconds since 1970."""
        return time_of(self.request_id)

    @property
    def rows(self) -> int:
        """How many rows it had."""
        return len(self.outputs["predictions"])


def new_id(now: float | None = None) -> str:
    """Return an id of 32 hexadecimal digits that begins with the time in milliseconds."""
    return first_id(time.time() if now is None else now) + secrets.token_hex(10)


def first_id(when: float) -> str:
    """Return what the ids of a moment, in seconds since 1970, begin with."""
    return f"{int(when * 1000):012x}"


def time_of(request_id: str) -> float:
    """Return when a request was made, in seconds since 1970."""
    return int(request_id[:12], 16) / 1000


class Records:
    """What a server writes. `write` is for one thread at a time, the others are for any.

    Attributes:
        pending: answered requests that are not written yet, as rows of their table.
        last: when the last request was answered that is recorded at the start, in seconds since
            1970, or None.
        lost: how many answered requests will never be.
        failure: why nothing can be written now, or None.
    """

    def __init__(self, path: Path) -> None:
        """Open the file, and make it where there is none.

        Raises:
            UserError: it cannot be written, or is no such file.
        """
        self.pending: list[tuple[Any, ...]] = []
        self.lost = 0
        self.failure: str | None = None
        self._path = path
        self._pending_text = 0
        # Those of the models in use, for a file that has to be made anew
        self._models: set[tuple[str, str, str]] = set()
        self._unwritten_models: set[tuple[str, str, str]] = set()
        self._refused: Counter[tuple[int, str, str, str, str]] = Counter()
        self._noting = threading.Lock()
        self._next_try = 0.0
        try:
            self._open()
            newest = self._database.execute("SELECT max(request_id) FROM requests").fetchone()[0]
            self.last = None if newest is None else time_of(newest)
        except (OSError, sqlite3.Error) as error:
            raise UserError(f"{path} cannot keep the records of requests: {error}.") from None

    def close(self) -> None:
        """Write what is pending, and close the file; the log says what could not be written."""
        self._next_try = 0
        try:
            self.write([])
        finally:
            if self.pending:
                self.lost += len(self.pending)
                LOG.error(
                    "%d answered requests are not recorded, and never will be: %s",
                    len(self.pending),
                    self.failure,
                )
            self._database.close()

    def note_model(self, recipe_id: str, version: str, features: Iterable[str]) -> None:
        """Note the features of a model, in whose order its inputs are recorded."""
        model = recipe_id, version, orjson.dumps(list(features)).decode()
        with self._noting:
            self._models.add(model)
            self._unwritten_models.add(model)

    def refuse(
        self, recipe_id: str, version: str, reason: str, feature: str = "", count: int = 1
    ) -> None:
        """Note that values were refused."""
        with self._noting:
            self._refused[int(time.time() // 60), recipe_id, version, reason, feature] += count

    def write(self, answered: list[Answered]) -> None:
        """Record requests, and what was noted, in one transaction.

        What cannot be written now is kept, and tried again a second later. A request that no
        record can be made of is lost. A file that was taken away is made anew.
        """
        for request in answered:
            try:
                row = _row(request)
            except TypeError as error:
                self.lost += 1
                LOG.error("request %s cannot be recorded: %s", request.request_id, error)
            else:
                self.pending.append(row)
                self._pending_text += _length(row)
        if time.monotonic() < self._next_try:
            self._forget()
            return
        with self._noting:
            refused, self._refused = self._refused, Counter()
            models, self._unwritten_models = self._unwritten_models, set()
        try:
            if self._is_gone():
                models |= self._reopened()
            if not (self.pending or refused or models):
                return
            with self._database as database:
                database.executemany(MODEL, models)
                database.executemany(REQUEST, self.pending)
                database.executemany(REFUSED, [(*key, n) for key, n in refused.items()])
        except Exception as error:
            with self._noting:
                self._refused += refused
                self._unwritten_models |= models
            self.failure = str(error) or repr(error)
            self._next_try = time.monotonic() + RETRY
            self._forget()
            if not isinstance(error, OSError | sqlite3.Error):
                raise
            self._wait_at_most(0)
            return
        self.pending.clear()
        self._pending_text = 0
        if self.failure:
            self.failure = None
            self._wait_at_most(PATIENCE)

    def _open(self) -> None:
        """Open the file, and make it where there is none.

        Raises:
            OSError, sqlite3.Error: it cannot be written, or is no such file.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._database = connected(self._path)
        self._database.executescript(TABLES)
        self._database.execute("PRAGMA wal_autocheckpoint = 0")
        self._files = _identities(self._path)

    def _is_gone(self) -> bool:
        """Say whether the file, or its journal, is not the one that was opened.

        What is written to one that was removed would be read by nobody.
        """
        files = _identities(self._path)
        if self._files[1] is None:
            # The journal is made by the first that writes.
            self._files = files
        return files != self._files

    def _reopened(self) -> set[tuple[str, str, str]]:
        """Open the file anew, and return the models that it must have.

        Raises:
            OSError, sqlite3.Error: it cannot be written, or is no such file.
        """
        self._database.close()
        self._open()
        LOG.warning(
            "%s was removed or replaced while the server ran: answers are recorded in the file "
            "that is there now",
            self._path,
        )
        with self._noting:
            return set(self._models)

    def _forget(self) -> None:
        """Give up the oldest of too many that are pending."""
        surplus = 0
        while len(self.pending) - surplus > PENDING or self._pending_text > PENDING_TEXT:
            self._pending_text -= _length(self.pending[surplus])
            surplus += 1
        del self.pending[:surplus]
        if surplus and not self.lost:
            LOG.error("answered requests are lost from now on, the oldest first: %s", self.failure)
        self.lost += surplus

    def _wait_at_most(self, seconds: float) -> None:
        # Nothing waits where the file could not be opened anew.
        with suppress(sqlite3.ProgrammingError):
            self._database.execute(f"PRAGMA busy_timeout = {int(1000 * seconds)}")


def connected(path: Path, is_there: bool = False) -> sqlite3.Connection:
    """Open a file of records.

    Args:
        path: the file.
        is_there: whether it must be there; else it is made where there is none.

    Raises:
        sqlite3.Error: it is none.
    """
    uri = f"{path.resolve().as_uri()}?mode={'rw' if is_there else 'rwc'}"
    database = sqlite3.connect(uri, timeout=PATIENCE, check_same_thread=False, uri=True)
    # A commit is in the system's hands, where the death of this process cannot undo it.
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = NORMAL")
    # What is deleted is overwritten, and not only given up.
    database.execute("PRAGMA secure_delete = ON")
    layout = database.execute("PRAGMA user_version").fetchone()[0]
    if layout not in (0, LAYOUT):
        raise sqlite3.DatabaseError(f"it has layout {layout}, and layout {LAYOUT} is needed")
    database.execute(f"PRAGMA user_version = {LAYOUT}")
    return database


def tidy(path: Path, keep_days: float | None) -> int:
    """Delete old requests and put the journal into the file, beside a server that goes on writing.

    Args:
        path: the file.
        keep_days: how long a request is kept, or None for ever.

    Returns:
        How many requests were deleted.

    Raises:
        sqlite3.Error: the file cannot be written now.
    """
    deleted = 0
    with closing(connected(path, is_there=True)) as database:
        if keep_days is not None:
            before = time.time() - keep_days * DAY
            oldest, swept = first_id(before), SWEPT
            while swept == SWEPT:
                with database:
                    swept = database.execute(OLD, (oldest, SWEPT)).rowcount
                deleted += swept
            with database:
                database.execute(OLD_ACTUALS, (oldest,))
                database.execute(OLD_REFUSED, (before // 60,))
        # While others write; if they write too much for the journal to start anew, they wait.
        database.execute("PRAGMA wal_checkpoint(PASSIVE)")
        if _journal(path).stat().st_size > JOURNAL:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return deleted


def _row(answered: Answered) -> tuple[Any, ...]:
    inputs = None if answered.inputs is None else orjson.dumps(answered.inputs).decode()
    return (
        *(answered.request_id, answered.recipe_id, answered.version, answered.rows),
        *(inputs, orjson.dumps(answered.outputs).decode()),
    )


def _journal(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def _identities(path: Path) -> list[tuple[int, int] | None]:
    """Return which files the records and their journal are, or None for one that is not there."""
    identities: list[tuple[int, int] | None] = []
    for name in (path, _journal(path)):
        try:
            status = name.stat()
        except FileNotFoundError:
            identities.append(None)
        else:
            identities.append((status.st_dev, status.st_ino))
    return identities


def _length(row: tuple[Any, ...]) -> int:
    return sum(len(cell) for cell in row if isinstance(cell, str))
