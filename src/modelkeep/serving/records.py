"""The file of what was asked and answered: its tables, and how old requests leave it.

A request's id begins with its time, so that the rows lie in the order of time. Writes of several
requests are one transaction; in write-ahead mode it survives the death of the process.
"""

import secrets
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modelkeep.unseen import Unseen

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
COLUMNS = """
SELECT tables.name, columns.name
FROM sqlite_master AS tables, pragma_table_info(tables.name) AS columns
WHERE tables.type = 'table'
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
# Seconds that a write waits for another process
PATIENCE = 0.25
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


def connected(path: Path, is_there: bool = False) -> sqlite3.Connection:
    """Open a file of records.

    Args:
        path: the file.
        is_there: whether it must be there; else it is made where there is none.

    Raises:
        sqlite3.Error: it is none; nothing is written into a file of somebody else.
    """
    uri = f"{path.resolve().as_uri()}?mode={'rw' if is_there else 'rwc'}"
    database = sqlite3.connect(uri, timeout=PATIENCE, check_same_thread=False, uri=True)
    try:
        _check_ours(database)
    except sqlite3.Error:
        database.close()
        raise
    # A commit is in the system's hands, where the death of this process cannot undo it.
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = NORMAL")
    # What is deleted is overwritten, and not only given up.
    database.execute("PRAGMA secure_delete = ON")
    return database


def add_tables(database: sqlite3.Connection) -> None:
    """Make the tables where there are none yet: all of them, or none where this is interrupted."""
    database.executescript(f"BEGIN IMMEDIATE; {TABLES} PRAGMA user_version = {LAYOUT}; COMMIT;")


def _check_ours(database: sqlite3.Connection) -> None:
    """Make sure that a file is empty, or has records of this layout.

    Raises:
        sqlite3.Error: it is somebody else's, or of another layout.
    """
    layout = database.execute("PRAGMA user_version").fetchone()[0]
    if layout not in (0, LAYOUT):
        raise sqlite3.DatabaseError(f"it has layout {layout}, and layout {LAYOUT} is needed")
    there = set(database.execute(COLUMNS))
    with closing(sqlite3.connect(":memory:")) as example:
        example.executescript(TABLES)
        needed = set(example.execute(COLUMNS))
    if there and not (layout == LAYOUT and needed <= there):
        raise sqlite3.DatabaseError(
            "it has tables of something else: let --data name another directory"
        )


def tidy(path: Path, before: float | None) -> int:
    """Delete old requests and put the journal into the file, beside a server that goes on writing.

    Args:
        path: the file.
        before: requests from before this time are deleted, in seconds since 1970, or None.

    Returns:
        How many requests were deleted.

    Raises:
        sqlite3.Error: the file cannot be written now.
    """
    deleted = 0
    with closing(connected(path, is_there=True)) as database:
        if before is not None:
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
        if journal(path).stat().st_size > JOURNAL:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return deleted


def journal(path: Path) -> Path:
    """Return where the journal of a file of records is."""
    return path.with_name(f"{path.name}-wal")
