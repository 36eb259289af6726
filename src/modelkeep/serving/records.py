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
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from modelkeep_core.errors import UserError

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
DAY = 86_400
# Seconds that a write waits for another process, and until one that failed is tried again
PATIENCE, RETRY = 0.25, 1.0
# What is kept in memory while nothing can be written; the oldest requests go first
PENDING = 10_000
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
    """

    request_id: str
    recipe_id: str
    version: str
    inputs: list[list[Any]] | None
    outputs: dict[str, list[Any]]

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
        self._models: set[tuple[str, str, str]] = set()
        self._refused: Counter[tuple[int, str, str, str, str]] = Counter()
        self._noting = threading.Lock()
        self._next_try = 0.0
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._database = connected(path)
            self._database.executescript(TABLES)
            self._database.execute("PRAGMA wal_autocheckpoint = 0")
        except (OSError, sqlite3.Error) as error:
            raise UserError(f"{path} cannot keep the records of requests: {error}.") from None

    def close(self) -> None:
        """Write what is pending, and close the file."""
        self._next_try = 0
        try:
            self.write([])
        finally:
            self._database.close()

    def note_model(self, recipe_id: str, version: str, features: Iterable[str]) -> None:
        """Note the features of a model, in whose order its inputs are recorded."""
        with self._noting:
            self._models.add((recipe_id, version, orjson.dumps(list(features)).decode()))

    def refuse(self, recipe_id: str, version: str, reason: str, feature: str = "") -> None:
        """Note that a value was refused."""
        with self._noting:
            self._refused[int(time.time() // 60), recipe_id, version, reason, feature] += 1

    def write(self, answered: list[Answered]) -> None:
        """Record requests, and what was noted, in one transaction.

        What cannot be written now is kept, and tried again a second later. A request that no
        record can be made of is lost.
        """
        for request in answered:
            try:
                self.pending.append(_row(request))
            except TypeError as error:
                self.lost += 1
                LOG.error("request %s cannot be recorded: %s", request.request_id, error)
        if time.monotonic() < self._next_try:
            self._forget()
            return
        with self._noting:
            refused, self._refused = self._refused, Counter()
            models, self._models = self._models, set()
        if not (self.pending or refused or models):
            return
        try:
            with self._database as database:
                database.executemany(MODEL, models)
                database.executemany(REQUEST, self.pending)
                database.executemany(REFUSED, [(*key, n) for key, n in refused.items()])
        except Exception as error:
            with self._noting:
                self._refused += refused
                self._models |= models
            self.failure = str(error) or repr(error)
            self._next_try = time.monotonic() + RETRY
            self._forget()
            if not isinstance(error, sqlite3.Error):
                raise
            self._wait_at_most(0)
            return
        self.pending.clear()
        if self.failure:
            self.failure = None
            self._wait_at_most(PATIENCE)

    def _forget(self) -> None:
        """Give up the oldest of too many that are pending."""
        surplus = max(len(self.pending) - PENDING, 0)
        del self.pending[:surplus]
        self.lost += surplus

    def _wait_at_most(self, seconds: float) -> None:
        self._database.execute(f"PRAGMA busy_timeout = {int(1000 * seconds)}")


def connected(path: Path) -> sqlite3.Connection:
    """Open a file of records.

    Raises:
        sqlite3.Error: it is none.
    """
    database = sqlite3.connect(path, timeout=PATIENCE, check_same_thread=False)
    # A commit is in the system's hands, where the death of this process cannot undo it.
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = NORMAL")
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
    with closing(connected(path)) as database:
        if keep_days is not None:
            oldest, swept = first_id(time.time() - keep_days * DAY), SWEPT
            while swept == SWEPT:
                with database:
                    swept = database.execute(OLD, (oldest, SWEPT)).rowcount
                deleted += swept
        # While others write; if they write too much for the journal to start anew, they wait.
        database.execute("PRAGMA wal_checkpoint(PASSIVE)")
        if path.with_name(f"{path.name}-wal").stat().st_size > JOURNAL:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return deleted


def _row(answered: Answered) -> tuple[Any, ...]:
    inputs = None if answered.inputs is None else orjson.dumps(answered.inputs).decode()
    return (
        *(answered.request_id, answered.recipe_id, answered.version, answered.rows),
        *(inputs, orjson.dumps(answered.outputs).decode()),
    )
