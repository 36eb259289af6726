"""Rows that are none, and a header that is one: units, sums, footers. They are told, and stay."""

import math
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from textwrap import shorten

import polars as pl
import polars.selectors as cs

from modelkeep.intake.reading import scan

# What people write beside what sums up the rows above
SUMS = (
    r"(?i)^(grand |sub-?)?totals?:?$|^(sum|somme|suma|summe|gesamt|insgesamt|gesamtsumme)e?:?$"
    r"|^(totaux|totale|totaal|overall|average|mean|mittelwert|durchschnitt|moyenne|media):?$"
)
NUMBER = re.compile(r"\s*[-+]?[\d.,'\s]*\d[\d.,'\s]*([eE][-+]?\d+)?\s*%?\s*")
# In how many rows at the end sums are looked for, and how many rows tell what a column holds
LAST, COMPARED = 3, 20
# How many rows below the names may belong to the header
HEADERS = 2
# Of how many rows at most the last may be the sum, and how near it has to come
SUMMED, NEAR = 100_000, 1e-3
# A number as a name of a column, perhaps given a second time
NUMBERED = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(_\d+)?")


def strange_rows(files: list[Path]) -> Iterator[str]:
    """Yield what looks like no row, in sentences with the row's number.

    Args:
        files: tables that were taken in.
    """
    for file in files:
        table = scan(file).select(cs.string())
        names = table.collect_schema().names()
        if not names:
            continue
        where = f"{file.name}, " if len(files) > 1 else ""
        header = [*_header(list(scan(file).collect_schema()))] or [*_as_below(table, names)]
        yield from (f"{where}{note}" for note in header)
        rows = int(table.select(pl.len()).collect(engine="streaming").item())
        yield from (f"{where}{note}" for note in _units(table, names))
        if rows > LAST:
            last = table.slice(rows - LAST, LAST).collect(engine="streaming")
            whole = len(scan(file).collect_schema())
            ends = [*_sums(table, last, rows)] or [*_footer(last, rows, whole)]
            ends = ends or [*_adds_up(table, last, rows)]
            yield from (f"{where}{note}" for note in ends)


def _header(names: list[str]) -> Iterator[str]:
    """Say that a header holds what only rows do: fractions, negative or repeated numbers.

    Numbers that rise from column to column, such as wave lengths, are names.
    """
    numbers = [match for name in names if (match := NUMBERED.fullmatch(name))]
    values = [float(match[1]) for match in numbers]
    odd = next((m[1] for m in numbers if m[2] or "." in m[1] or m[1].startswith("-")), "")
    rising = len(values) > 2 and all(low < high for low, high in pairwise(values))
    if odd and 2 * len(numbers) >= len(names) and not rising:
        yield (
            f"the header names a column '{odd}': where that is the first row, put a line with the "
            "names of the columns above it"
        )


def _as_below(table: pl.LazyFrame, names: list[str]) -> Iterator[str]:
    """Say that half of the names, and two at least, are values of their own columns.

    Names that are all numbers may be years, or places in a row.
    """
    cells = table.select(
        (pl.nth(place).str.strip_chars() == re.sub(r"_\d+$", "", name)).any().alias(str(place))
        for place, name in enumerate(names)
    )
    there = cells.collect(engine="streaming").row(0)
    values = [name for name, value in zip(names, there, strict=True) if value]
    words = [name for name in values if not NUMBERED.fullmatch(name)]
    if words and len(values) > 1 and 2 * len(values) >= len(names):
        yield (
            f"the header names columns '{values[0]}' and '{values[1]}', as rows below say there: "
            "where that is the first row, put a line with the names of the columns above it"
        )


def _units(table: pl.LazyFrame, names: list[str]) -> Iterator[str]:
    """Say that the first row, or the first two, hold words where all others hold numbers.

    Below the names, surveys have a row of questions and one of identifiers.
    """
    top = table.head(COMPARED + HEADERS).collect(engine="streaming")
    words = [not any(map(_is_number, row)) for row in top.head(HEADERS).rows()]
    lines = next((place for place, alone in enumerate(words) if not alone), HEADERS)
    if len(top) < COMPARED + lines or not lines:
        return
    for name, column in zip(names, top.iter_columns(), strict=True):
        first, others = column[0], [cell for cell in column[lines:] if cell is not None]
        if first and others and all(map(_is_number, others)):
            rows = "row 1 says" if lines == 1 else f"rows 1 to {lines} say"
            what = "it is a line of units" if lines == 1 else "they are more lines of the header"
            yield (
                f"{rows} '{shorten(first, 40, placeholder=' ...')}' in '{name}', where other rows "
                f"hold numbers: if {what}, delete {'it' if lines == 1 else 'them'} from the file"
            )
            return


def _sums(table: pl.LazyFrame, last: pl.DataFrame, rows: int) -> Iterator[str]:
    """Say that one of the last rows has a word for a sum, which no other row has."""
    for place, column in enumerate(last.iter_columns()):
        # Some names, such as "^v.*$", have a meaning of their own.
        text = column.alias("cell").str.strip_chars()
        for at in text.str.contains(SUMS).fill_null(False).arg_true():
            cells = table.select((pl.nth(place).str.strip_chars() == text[at]).alias("cell"))
            if cells.sum().collect(engine="streaming").item() == 1:
                row = rows - len(last) + at + 1
                yield (
                    f"row {row} says '{text[at]}': if it sums up the others, delete it from "
                    "the file"
                )
                return


def _adds_up(table: pl.LazyFrame, last: pl.DataFrame, rows: int) -> Iterator[str]:
    """Say that the numbers of the last row are the sums of those above, in two columns or more."""
    if rows > SUMMED:
        return
    total = table.select(_numbers().sum()).collect(engine="streaming").row(0)
    own = last.tail(1).select(_numbers()).row(0)
    sums = [
        name
        for name, number, sum_of_all in zip(last.columns, own, total, strict=True)
        if number and math.isclose(number, sum_of_all - number, rel_tol=NEAR)
    ]
    if len(sums) > 1:
        yield (
            f"row {rows} sums up the others in '{sums[0]}' and '{sums[1]}': if it is no row of its "
            "own, delete it from the file"
        )


def _numbers() -> pl.Expr:
    """Return all columns as numbers, null where a cell is none."""
    return pl.all().str.strip_chars().cast(pl.Float64, strict=False)


def _footer(last: pl.DataFrame, rows: int, width: int) -> Iterator[str]:
    """Say that the last row has text in its first cell alone, where the one before is full."""
    *_, before, row = last.rows()
    alone = [cell for cell in row if cell and cell.strip()]
    full = sum(cell is not None for cell in before) > 1
    if full and width == len(row) > 2 and len(alone) == 1 and row[0] and not _is_number(row[0]):
        yield (
            f"row {rows} says '{shorten(row[0], 40, placeholder=' ...')}' and nothing else: if it "
            "is a footer, delete it from the file"
        )


def _is_number(cell: str | None) -> bool:
    return cell is not None and NUMBER.fullmatch(cell) is not None
