"""The records of the server, read while it writes, and the true outcomes kept beside them."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from monitoring.window import Window
from pipeline.refusal import Refusal
from serving.records import LAYOUT, connected

# How many outcomes are one transaction, so that the server never waits long for its turn
WRITTEN = 1_000
# How long an outcome waits for the server
PATIENCE = 30_000
TABLES = {"models", "requests", "refused", "outcomes"}
WITHIN = "requests.request_id >= ? AND requests.request_id < ?"


@dataclass(frozen=True)
class Request:
    """A recorded request.

    Attributes:
        request_id: its id, which begins with its time.
        model: recipe id and version of the model that answered.
        inputs: a list of feature values for each row, or None where they were not recorded.
        outputs: "predictions", one for each row, and for classes "probabilities".
        outcomes: what turned out to be true, by row, where that was asked for.
    """

    request_id: str
    model: tuple[str, str]
    inputs: list[list[Any]] | None
    outputs: dict[str, list[Any]]
    outcomes: dict[int, str]


class Store:
    """The records in one file; nothing but outcomes is ever written."""

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

    def with_outcomes(self, window: Window, recipe_id: str | None = None) -> Iterator[Request]:
        """Yield the requests of a window of which at least one row has an outcome."""
        yield from self._read(
            "SELECT requests.request_id, recipe_id, version, inputs, outputs, "
            "json_group_object(outcomes.row, outcome) FROM outcomes JOIN requests "
            "USING (request_id) "
            f"WHERE {WITHIN} AND recipe_id = ifnull(?, recipe_id) "
            "GROUP BY requests.request_id ORDER BY requests.request_id",
            (*window.ids, recipe_id),
        )

    def features(self) -> dict[tuple[str, str], list[str]]:
        """Return the features of each model, by recipe id and version, as inputs have them."""
        found = self._database.execute("SELECT recipe_id, version, features FROM models")
        return {(recipe, version): orjson.loads(names) for recipe, version, names in found}

    def models(self, window: Window) -> dict[tuple[str, str], int]:
        """Return how many requests each model answered, by recipe id and version."""
        found = self._database.execute(
            f"SELECT recipe_id, version, count(*) FROM requests WHERE {WITHIN} "
            "GROUP BY recipe_id, version ORDER BY min(request_id)",
            window.ids,
        )
        return {(recipe, version): count for recipe, version, count in found}

    def refused(self, window: Window, recipe_id: str) -> list[tuple[str, str, int]]:
        """Return reason, feature and number of refused values, the commonest first."""
        return self._database.execute(
            "SELECT reason, feature, sum(count) FROM refused "
            "WHERE minute >= ? AND minute < ? AND recipe_id = ? "
            "GROUP BY reason, feature ORDER BY sum(count) DESC, reason, feature",
            (*window.minutes, recipe_id),
        ).fetchall()

    def rows(self, request_ids: list[str]) -> dict[str, tuple[str, int]]:
        """Return recipe id and number of rows of each of these requests that is recorded."""
        found = self._database.execute(
            "SELECT request_id, recipe_id, rows FROM requests "
            "WHERE request_id IN (SELECT value FROM json_each(?))",
            (orjson.dumps(request_ids).decode(),),
        )
        return {request_id: (recipe, rows) for request_id, recipe, rows in found}

    def write_outcomes(self, outcomes: list[tuple[str, int, str]]) -> None:
        """Keep request id, row and outcome of each; a later outcome of a row replaces it."""
        with closing(connected(self.path)) as database:
            database.execute(f"PRAGMA busy_timeout = {PATIENCE}")
            for first in range(0, len(outcomes), WRITTEN):
                with database:
                    database.executemany(
                        "INSERT OR REPLACE INTO outcomes VALUES (?, ?, ?)",
                        outcomes[first : first + WRITTEN],
                    )

    def _read(self, query: str, values: tuple[Any, ...]) -> Iterator[Request]:
        for request_id, recipe_id, version, inputs, outputs, outcomes in self._database.execute(
            query, values
        ):
            known = orjson.loads(outcomes) if outcomes else {}
            yield Request(
                request_id,
                (recipe_id, version),
                orjson.loads(inputs) if inputs else None,
                orjson.loads(outputs),
                {int(row): outcome for row, outcome in known.items()},
            )


@contextmanager
def opened(path: Path) -> Iterator[Store]:
    """Open the records to be read; the server may go on writing.

    Raises:
        Refusal: there is no such file, it holds no records or ones of another layout, or it
            cannot be read to its end, or written.
    """
    if not path.is_file():
        raise Refusal(f"{path} is missing: `python -m serving` makes it when it first answers.")
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
            layout = database.execute("PRAGMA user_version").fetchone()[0]
            tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
            if not tables >= TABLES:
                raise Refusal(f"{path} is no file of records: tables of them are missing.")
            if layout != LAYOUT:
                raise Refusal(
                    f"{path} has records of layout {layout}, and this code knows layout {LAYOUT}."
                )
            yield Store(path, database)
    except sqlite3.Error as error:
        raise Refusal(f"{path} cannot be used as records of requests: {error}.") from None
