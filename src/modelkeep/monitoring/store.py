"""The records of the server, read while it writes, and the actuals kept beside them."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from modelkeep.monitoring.window import Window
from modelkeep.serving.records import LAYOUT, REFUSED_ROW, connected, journal
from modelkeep_core.errors import UserError

# How many actuals are one transaction, so that the server never waits long for its turn
WRITTEN = 1_000
# How many milliseconds a write waits for the server
PATIENCE = 30_000
TABLES = {"models", "requests", "refused", "actuals"}
WITHIN = "requests.request_id >= ? AND requests.request_id < ?"


@dataclass(frozen=True)
class Request:
    """A recorded request.

    Attributes:
        request_id: its id, which begins with its time.
        model: recipe id and version of the model that answered.
        inputs: a list of feature values for each row, or None where they were not recorded.
        outputs: "predictions", one for each row, and for classes "probabilities".
        actuals: what turned out to be true, by row, where that was asked for.
    """

    request_id: str
    model: tuple[str, str]
    inputs: list[list[Any]] | None
    outputs: dict[str, list[Any]]
    actuals: dict[int, str]


class Store:
    """The records in one file; only actuals are written, and only whole requests erased."""

    def __init__(self, path: Path, database: sqlite3.Connection) -> None:
        self.path = path
        self._database = database

    def requests(self, window: Window, recipe_id: str | None = None) -> Iterator[Request]:
        """Yield the requests of a window in the order of time, of one recipe or of all."""
        yield from self._read(
            "SELECT request_id, recipe_id, version, inputs, outputs, NULL FROM requests "
            f"WHERE {WITHIN} AND recipe_id = ifnull(?, recipe_id) ORDER BY request_id",
            (*window.ids, recipe_id),
        )

    def with_actuals(self, window: Window, recipe_id: str | None = None) -> Iterator[Request]:
        """Yield the requests of a window of which at least one row has its actual value."""
        yield from self._read(
            "SELECT requests.request_id, recipe_id, version, inputs, outputs, "
            "json_group_object(actuals.row, actual) FROM actuals JOIN requests "
            "USING (request_id) "
            f"WHERE {WITHIN} AND recipe_id = ifnull(?, recipe_id) "
            "GROUP BY requests.request_id ORDER BY requests.request_id",
            (*window.ids, recipe_id),
        )

    def features(self) -> dict[tuple[str, str], list[str]]:
        """Return the features of each model, by recipe id and version, as inputs have them."""
        rows = self._database.execute("SELECT recipe_id, version, features FROM models")
        return {(recipe, version): orjson.loads(names) for recipe, version, names in rows}

    def models(self, window: Window) -> dict[tuple[str, str], int]:
        """Return how many requests each model answered, by recipe id and version."""
        rows = self._database.execute(
            f"SELECT recipe_id, version, count(*) FROM requests WHERE {WITHIN} "
            "GROUP BY recipe_id, version ORDER BY min(request_id)",
            window.ids,
        )
        return {(recipe, version): count for recipe, version, count in rows}

    def refused(self, window: Window, recipe_id: str) -> list[tuple[str, str, int]]:
        """Return reason, feature and number of refused values, the commonest first."""
        return self._database.execute(
            "SELECT reason, feature, sum(count) FROM refused "
            "WHERE minute >= ? AND minute < ? AND recipe_id = ? AND reason != ? "
            "GROUP BY reason, feature ORDER BY sum(count) DESC, reason, feature",
            (*window.minutes, recipe_id, REFUSED_ROW),
        ).fetchall()

    def refused_rows(self, window: Window, recipe_id: str) -> int:
        """Return how many rows had values that were refused."""
        row = self._database.execute(
            "SELECT ifnull(sum(count), 0) FROM refused "
            "WHERE minute >= ? AND minute < ? AND recipe_id = ? AND reason = ?",
            (*window.minutes, recipe_id, REFUSED_ROW),
        ).fetchone()
        return int(row[0])

    def rows(self, request_ids: list[str]) -> dict[str, tuple[str, int]]:
        """Return recipe id and number of rows of each of these requests that is recorded."""
        requests = self._database.execute(
            "SELECT request_id, recipe_id, rows FROM requests "
            "WHERE request_id IN (SELECT value FROM json_each(?))",
            (orjson.dumps(request_ids).decode(),),
        )
        return {request_id: (recipe, rows) for request_id, recipe, rows in requests}

    def write_actuals(self, actuals: list[tuple[str, int, str]]) -> None:
        """Keep request id, row and actual value of each; a later one for a row replaces it.

        When this returns, they are on the disk, where no loss of power takes them.
        """
        with closing(connected(self.path)) as database:
            database.execute(f"PRAGMA busy_timeout = {PATIENCE}")
            database.execute("PRAGMA synchronous = FULL")
            for first in range(0, len(actuals), WRITTEN):
                with database:
                    database.executemany(
                        "INSERT OR REPLACE INTO actuals VALUES (?, ?, ?)",
                        actuals[first : first + WRITTEN],
                    )

    def erase(self, requests: list[Request]) -> None:
        """Erase requests with their actuals, so that no byte of them is left in the files.

        Nor is any of what was deleted before, also where that was interrupted.

        Raises:
            UserError: the requests are deleted, but bytes of them are still there: somebody reads
                or writes the file for too long, or there is no room for it to be written anew.
        """
        ids = [(request.request_id,) for request in requests]
        in_use = (
            f"the requests are deleted, but {self.path} is in use, and its journal still has them: "
            "run this again in a moment, or end the server."
        )
        with closing(connected(self.path)) as database:
            database.execute(f"PRAGMA busy_timeout = {PATIENCE}")
            for first in range(0, len(ids), WRITTEN):
                with database:
                    part = ids[first : first + WRITTEN]
                    database.executemany("DELETE FROM actuals WHERE request_id = ?", part)
                    database.executemany("DELETE FROM requests WHERE request_id = ?", part)
            # Pages that were given up before, and the journal, still have what was in them.
            try:
                database.execute("VACUUM")
                busy, _, _ = database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
                    raise UserError(in_use) from None
                raise UserError(
                    f"the requests are deleted, but bytes of them are still in {self.path}, which "
                    f"cannot be written anew ({error}): free as much room as it takes, beside it "
                    "and for temporary files, and run this again."
                ) from None
        if busy:
            raise UserError(in_use)

    def _read(self, query: str, values: tuple[Any, ...]) -> Iterator[Request]:
        for request_id, recipe_id, version, inputs, outputs, actuals in self._database.execute(
            query, values
        ):
            yield Request(
                request_id,
                (recipe_id, version),
                orjson.loads(inputs) if inputs else None,
                orjson.loads(outputs),
                {int(row): actual for row, actual in orjson.loads(actuals or "{}").items()},
            )


@contextmanager
def opened(path: Path) -> Iterator[Store]:
    """Open the records to be read; the server may go on writing.

    Raises:
        UserError: there is no such file, it holds no records or ones of another layout, or it
            cannot be read to its end, or written.
    """
    if path.is_dir():
        raise UserError(f"{path} is a directory: give the file records.sqlite in it.")
    if not path.is_file():
        raise UserError(f"{path} is missing: `modelkeep serve` makes it when it first answers.")
    # SQLite keeps a file beside records that are in use. Where it can make none, nobody uses them.
    unused = not os.access(path.parent, os.W_OK) and not journal(path).exists()
    mode, before = ("immutable=1" if unused else "mode=ro"), path.stat().st_mtime_ns
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?{mode}", uri=True)) as database:
            layout = database.execute("PRAGMA user_version").fetchone()[0]
            tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
            if not tables >= TABLES:
                raise UserError(f"{path} is no file of records: tables of them are missing.")
            if layout != LAYOUT:
                raise UserError(
                    f"{path} has records of layout {layout}, and layout {LAYOUT} is needed."
                )
            yield Store(path, database)
            if unused and (journal(path).exists() or path.stat().st_mtime_ns != before):
                raise UserError(f"{path} was written while it was read: run this again.")
    except (sqlite3.Error, orjson.JSONDecodeError) as error:
        # SQLite calls that an error of input and output.
        full = isinstance(error, sqlite3.Error) and not shutil.disk_usage(path.parent).free
        reason = "its disk is full" if full else error
        raise UserError(f"{path} cannot be used as records of requests: {reason}.") from None
