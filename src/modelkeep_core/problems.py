"""What breaks the schema, and in which rows: found in headers and rows, and laid out to be read."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from modelkeep_core.errors import suggestion
from modelkeep_core.schema import Schema

SHOWN_ROWS = 3


@dataclass(frozen=True)
class Problem:
    """A rule that does not hold: in which column and how many rows, and the first of them."""

    column: str
    rule: str
    count: int | None = None
    rows: str = ""


def header_problems(
    header: list[str], schema: Schema, names: list[str], shown: str
) -> list[Problem]:
    """Return what is wrong with the columns of a table: missing ones, and unknown ones.

    Args:
        header: the columns that it has.
        schema: the contract.
        names: the columns that it must have.
        shown: what problems call the table.
    """
    as_prepared = {
        name: ", joined as prepare does" for name, column in schema.columns.items() if column.joined
    }
    missing = [
        Problem(
            name,
            f"a column of {shown}{as_prepared.get(name, '')}"
            f"{suggestion(name, set(header) - set(names))}",
        )
        for name in names
        if name not in header
    ]
    unknown = [
        Problem(name, f"in schema.yaml, or not in {shown}")
        for name in header
        if name not in schema.columns
    ]
    return missing + unknown


def problems_of(broken: pl.DataFrame, names: list[str], shown: str) -> list[Problem]:
    """Sum up cells that break a rule, as `check_block` returns them, in the order of `names`."""
    return [
        Problem(name, rule, len(rows), f"{shown}: {listed(rows[:SHOWN_ROWS])}")
        for name in names
        for (rule,), rows in (
            (rule, part["row"].to_list())
            for rule, part in broken.filter(column=name).group_by("rule", maintain_order=True)
        )
    ]


def repeated_rows(files: list[Path], hashes: list[pl.DataFrame]) -> list[Problem]:
    """Return the problem of rows that repeat an earlier row, in whichever file."""
    rows = pl.concat(
        part.with_columns(file=pl.lit(place, pl.UInt32), row=pl.int_range(1, pl.len() + 1))
        for place, part in enumerate(hashes)
    )
    repeats = rows.filter(~pl.col("hash").is_first_distinct())
    if not len(repeats):
        return []
    first = repeats.head(SHOWN_ROWS).group_by("file", maintain_order=True).agg("row")
    shown = "; ".join(
        f"{files[place].name}: {listed(numbers)}" for place, numbers in first.iter_rows()
    )
    return [Problem("(whole row)", "unlike every other", len(repeats), shown)]


def listed(rows: list[int]) -> str:
    """Write row numbers as a list."""
    return ", ".join(str(row) for row in rows)


def report(problems: list[Problem]) -> str:
    """Lay the problems out as a table of column, rule, number of rows and first rows."""
    cells = [("column", "must be", "rows", "first rows")]
    for problem in problems:
        count = "" if problem.count is None else str(problem.count)
        cells.append((problem.column, problem.rule, count, problem.rows))
    widths = [max(len(row[place]) for row in cells) for place in range(3)]
    return "\n".join(
        f"  {column:{widths[0]}}  {rule:{widths[1]}}  {count:>{widths[2]}}  {rows}".rstrip()
        for column, rule, count, rows in cells
    )
