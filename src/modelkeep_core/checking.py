"""Raw tables are checked against the schema: a file, some rows, or all as one table, read once.

A table of any length passes through in batches, and what is checked is kept, as typed columns, on
disk. All that breaks the schema is told at once.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import dataframely as dy
import polars as pl

from modelkeep_core.batches import batches, given_cells, numbered_cells
from modelkeep_core.errors import UserError
from modelkeep_core.problems import (
    SHOWN_ROWS,
    Problem,
    header_problems,
    listed,
    repeated_rows,
    report,
)
from modelkeep_core.rules import broken_cells, contracts_of, rule_in_words
from modelkeep_core.schema import Schema
from modelkeep_core.tables import opened, read, readable


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
def checked_table(
    files: Sequence[Path | str], schema: Schema, out: Path | str
) -> Iterator[CheckedTable]:
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
    paths, out = [*map(Path, files)], Path(out)
    out.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix=".checked-", dir=out))
    copy = _Copy(place)
    try:
        hashes = checked_hashes(paths, schema, copy.add)
        table = pl.scan_parquet(copy.parts, glob=False) if copy.parts else read(paths, schema)
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


def check(
    path: Path,
    schema: Schema,
    names: list[str],
    shown: str = "",
    keep: Callable[[pl.DataFrame], None] = lambda rows: None,
) -> tuple[list[Problem], pl.DataFrame]:
    """Check one file: its header, then every cell of the columns `names`, in batches.

    A cell counts once, under the first rule that it breaks: type, missing, then values.

    Args:
        path: the file.
        schema: the contract.
        names: the columns.
        shown: what problems call the file, if not by its own name.
        keep: takes the rows of each batch: the columns `names` in the types of the schema.

    Returns:
        The problems; and a frame with one row for each row of the file: column "hash", a hash of
        its cells. Where the header does not fit, no cell is read.

    Raises:
        UserError: the file cannot be read to its end.
    """
    table, text = opened(path, schema.missing_values)
    shown = shown or path.name
    problems = header_problems(list(table.collect_schema()), schema, names, shown)
    if problems:
        return problems, pl.DataFrame(schema={"hash": pl.UInt64})
    contracts = contracts_of(schema, names)
    counts: dict[tuple[int, str], tuple[int, list[int]]] = {}
    hashes = [pl.DataFrame(schema={"hash": pl.UInt64})]
    kept = {f"v{place}": name for place, name in enumerate(names)}
    with readable(path):
        for batch in batches(table, schema, names):
            keep(batch.select(*kept).rename(kept))
            hashes.append(batch.select(hash=pl.struct(pl.col("^v[0-9]+$")).hash()))
            for place, rule, count, rows in _broken_rules(batch, contracts, len(names)).iter_rows():
                before, first = counts.get((place, rule), (0, []))
                counts[place, rule] = before + count, (first + rows)[:SHOWN_ROWS]
    for (place, rule), (count, rows) in sorted(counts.items()):
        must_be = rule_in_words(rule, schema.columns[names[place]])
        problems.append(Problem(names[place], must_be, count, f"{shown}: {listed(rows)}"))
    whole = pl.concat(hashes)
    if text and len(whole) != text.rows:
        raise UserError(
            f"{path} cannot be read: it has {text.rows} rows, of which {len(whole)} were read."
        )
    return problems, whole


def check_block(
    block: pl.DataFrame, schema: Schema, names: list[str], first: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Convert some rows of a table and check every cell of the columns `names`.

    Args:
        block: the rows, with those columns as a file has them.
        schema: the contract.
        names: the columns.
        first: the number of the first row.

    Returns:
        The columns in the types of the schema; and the cells that break a rule, by rows: "row",
        "column" and "rule", what it must be. A cell counts once, as for `check`.
    """
    given = given_cells(block.schema, schema, names)
    cells = numbered_cells(block.select(given), [schema.columns[name] for name in names], first)
    broken = broken_cells(cells, contracts_of(schema, names), len(names))
    rules = [
        {
            "row": row,
            "column": names[place],
            "rule": rule_in_words(rule, schema.columns[names[place]]),
        }
        for row, place, rule in broken.iter_rows()
    ]
    types = {"row": pl.UInt64, "column": pl.String, "rule": pl.String}
    typed_cells = cells.select(pl.col(f"v{n}").alias(name) for n, name in enumerate(names))
    return typed_cells, pl.DataFrame(rules, schema=types)


def checked_hashes(
    files: list[Path],
    schema: Schema,
    keep: Callable[[pl.DataFrame], None] = lambda rows: None,
) -> list[pl.DataFrame]:
    """Check every file against the schema and return the row hashes of each.

    Args:
        files: one or more.
        schema: the contract.
        keep: takes the rows, in their order, as `check` gives them.

    Raises:
        UserError: with all that does not hold, in one table.
    """
    problems, hashes = [], []
    for path in files:
        broken, rows = check(path, schema, schema.raw, keep=keep)
        problems += broken
        hashes.append(rows)
    if not schema.duplicates:
        problems += repeated_rows(files, hashes)
    if problems:
        place = Path(os.path.commonpath([path.parent for path in files])).as_posix()
        raise UserError(
            f"the data in {place} break their schema:\n{report(problems)}",
            "how-to/own-data.md#when-data-break-the-schema",
        )
    return hashes


def _broken_rules(
    batch: pl.DataFrame, contracts: list[type[dy.Schema]], columns: int
) -> pl.DataFrame:
    """Return columns place, rule, count and rows (the first): the broken rules of a batch."""
    return (
        broken_cells(batch, contracts, columns)
        .group_by("place", "rule", maintain_order=True)
        .agg(count=pl.len(), rows=pl.col("row").head(SHOWN_ROWS))
    )
