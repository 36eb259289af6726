"""Raw tables → one checked table, read once: what is checked is kept, as typed columns, on disk."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from modelkeep_core.schema import Schema
from modelkeep_core.tables import checked_hashes, read


@dataclass(frozen=True)
class CheckedTable:
    """The rows of all files, in their order.

    Attributes:
        table: the columns that the schema says of the raw data, in its types.
        rows: how many are of each file.
    """

    table: pl.LazyFrame
    rows: list[int]


@contextmanager
def checked_table(files: list[Path], schema: Schema, out: Path) -> Iterator[CheckedTable]:
    """Check files against the schema, and lend their rows as one table.

    While each file is read and checked, its rows are written as Parquet into a directory of their
    own in `out`, from where the table streams as often as it is asked for. The directory is removed
    at the end, and `out` as well where nothing was put there.

    Args:
        files: of CSV or Parquet, one or more.
        schema: the contract.
        out: made where it is not there; it needs room for the rows.

    Raises:
        UserError: a file cannot be read, or breaks the schema: with all that does not hold.
    """
    out.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix=".checked-", dir=out))
    copy = _Copy(place)
    try:
        hashes = checked_hashes(files, schema, copy.add)
        table = pl.scan_parquet(copy.parts, glob=False) if copy.parts else read(files, schema)
        yield CheckedTable(table, [len(rows) for rows in hashes])
    finally:
        shutil.rmtree(place)
        with suppress(OSError):
            out.rmdir()


class _Copy:
    """Rows on disk, in as many files as there were batches."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self.parts: list[Path] = []

    def add(self, rows: pl.DataFrame) -> None:
        """Put rows behind those that are there."""
        part = self._place / f"{len(self.parts)}.parquet"
        # It is read once or twice, so it is to be written and read fast
        rows.write_parquet(part, compression="lz4", statistics=False)
        self.parts.append(part)
