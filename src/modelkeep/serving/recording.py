"""What the server writes into its file of records, or keeps in memory while that cannot be."""

import logging
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson

from modelkeep.serving.records import (
    PATIENCE,
    Answered,
    add_tables,
    connected,
    journal,
    time_of,
)
from modelkeep_core.errors import UserError, reason_of

LOG = logging.getLogger("uvicorn.error")
MODEL = "INSERT OR IGNORE INTO models VALUES (?, ?, ?)"
REQUEST = "INSERT INTO requests VALUES (?, ?, ?, ?, ?, ?)"
REFUSED = """
INSERT INTO refused VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET count = count + excluded.count
"""
# Whether what was written last is there, if anything was
WHOLE = "SELECT ?1 = '' OR EXISTS (SELECT 1 FROM requests WHERE request_id = ?1)"
# Seconds until a write that failed is tried again
RETRY = 1.0
# Requests, and characters of them, that are kept in memory while nothing can be written; the oldest
# go first
PENDING, PENDING_TEXT = 10_000, 64 * 1024 * 1024


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
        self._last_written = ""
        try:
            self._open()
            newest = self._database.execute("SELECT max(request_id) FROM requests").fetchone()[0]
            self.last = None if newest is None else time_of(newest)
        except (OSError, sqlite3.Error) as error:
            raise UserError(
                f"{path} cannot keep the records of requests: {reason_of(error)}."
            ) from None

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
            elif self._is_cut():
                models |= self._salvaged()
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
        self._sizes = _sizes(self._path)
        if self.pending:
            self._last_written = self.pending[-1][0]
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
        add_tables(self._database)
        self._database.execute("PRAGMA wal_autocheckpoint = 0")
        self._files = _identities(self._path)
        self._sizes = _sizes(self._path)

    def _is_gone(self) -> bool:
        """Say whether the file, or its journal, is not the one that was opened.

        What is written to one that was removed would be read by nobody.
        """
        files = _identities(self._path)
        if self._files[1:] == [None]:
            # The journal is made by the first that writes.
            self._files[1] = files[1]
        return files != self._files

    def _reopened(self) -> set[tuple[str, str, str]]:
        """Open the file anew, and return the models that it must have.

        Raises:
            OSError, sqlite3.Error: it cannot be written, or is no such file.
        """
        self._database.close()
        # Until it is open, not even the file that was there is the one in use.
        self._files = []
        self._open()
        LOG.warning(
            "%s was removed or replaced while the server ran: answers are recorded in the file "
            "that is there now",
            self._path,
        )
        with self._noting:
            return set(self._models)

    def _is_cut(self) -> bool:
        """Say whether the file, or its journal, is shorter than it was after the last write.

        What is written to one that was cut is read by nobody.
        """
        sizes = _sizes(self._path)
        return any(now < before for now, before in zip(sizes, self._sizes, strict=True))

    def _salvaged(self) -> set[tuple[str, str, str]]:
        """Open the file anew if it is whole, as after `forget`; else set it aside, and make one.

        Returns:
            The models that the file must have.

        Raises:
            OSError, sqlite3.Error: it cannot be written.
        """
        with suppress(sqlite3.Error):
            self._database.close()
        self._files = []
        try:
            self._open()
            (whole,) = self._database.execute(WHOLE, (self._last_written,)).fetchone()
        except sqlite3.DatabaseError:
            aside = self._path.with_name(f"{self._path.name}.cut-{int(time.time())}")
            self._path.rename(aside)
            self._open()
            LOG.error(
                "%s was cut while the server ran, and cannot be read: what is left of it is %s, "
                "and answers are recorded in a new file",
                self._path,
                aside,
            )
        else:
            if not whole:
                LOG.error(
                    "%s was cut while the server ran, unless its last request was erased: not all "
                    "that it held is there, and answers are recorded in it from now on",
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


def _row(answered: Answered) -> tuple[Any, ...]:
    inputs = None if answered.inputs is None else orjson.dumps(answered.inputs).decode()
    return (
        *(answered.request_id, answered.recipe_id, answered.version, answered.rows),
        *(inputs, orjson.dumps(answered.outputs).decode()),
    )


def _identities(path: Path) -> list[tuple[int, int] | None]:
    """Return which files the records and their journal are, or None for one that is not there."""
    identities: list[tuple[int, int] | None] = []
    for name in (path, journal(path)):
        try:
            status = name.stat()
        except FileNotFoundError:
            identities.append(None)
        else:
            identities.append((status.st_dev, status.st_ino))
    return identities


def _sizes(path: Path) -> list[int]:
    """Return how many bytes the records and their journal have; none where they are not there."""
    sizes = []
    for name in (path, journal(path)):
        try:
            sizes.append(name.stat().st_size)
        except FileNotFoundError:
            sizes.append(0)
    return sizes


def _length(row: tuple[Any, ...]) -> int:
    return sum(len(cell) for cell in row if isinstance(cell, str))
