"""A column of raw data → what it is taken for, and why: its type, its rules, feature or not."""

import math
import re
from dataclasses import dataclass, replace
from typing import Literal

import polars as pl

from modelkeep.adopt.dating import read_as_told
from modelkeep.adopt.reading import Hints, Reading, stands_for_nothing
from modelkeep.adopt.scalars import bounds
from modelkeep.adopt.wording import WORDS, read_texts
from modelkeep_core.cells import BOOLEANS, typed
from modelkeep_core.errors import UserError
from modelkeep_core.schema import Column

ColumnType = Literal["number", "integer", "boolean", "category", "datetime"]
# The most values of a category that gets a column for each; with more, the target encodes it
ONE_HOT = 20
# How many texts that stand for nothing are named
SHOWN = 3
NO_HINTS = Hints()
# What is put into a box that is ticked, and what is not
MARKS = {
    "x",
    "✓",
    "✔",
    "✗",
    "☑",
    "☒",
    "•",
    "●",
    "o",
    "+",
    "*",
    "checked",
    "selected",
    "ticked",
    "ok",
}
MARKS |= {word for word, truth in BOOLEANS.items() if truth} | {words[1] for words in WORDS}
FALSE = {word for word, truth in BOOLEANS.items() if not truth} | {words[0] for words in WORDS}
# What is told of texts that nearly all differ: many words are free text, few are a name or a code
FREE_WORDS, FREE_LENGTH = 4, 30
# Beyond these, squares of numbers are infinite, and whole numbers are not told apart
HUGE, EXACT = 1e100, 2.0**53
# How many rows a value of an identifier must have, on average, to be worth learning
REPEATED = 10
IDENTIFIER = re.compile(
    r"(?i:(^|[_\W])(u?u?id|guid|key|row_?names?|nr|no|ssn|code)$|^index$)|[a-z]I[dD]$"
)
# What programs call the names of rows
INDEX = re.compile(
    r"(?i:^(unnamed: ?\d+|__index_level_\d+__|level_\d+|index(_\d+)?|row_?(index|num(ber)?)?)$)"
    r"|^(X|column_1)$"
)
# Names that nothing but a program gives, to the names of rows alone
GIVEN = re.compile(r"^(Unnamed: ?\d+|__index_level_\d+__)$")
# How many times as many numbers as rows an index with gaps may go through
SPARSE = 20
COUNTER = re.compile(r"year|month|week|day|date|time|quarter|hour|period|trial|age|dose|^t$", re.I)


@dataclass(frozen=True)
class Cells:
    """A column as it was read.

    Attributes:
        values: its cells in the type of the column, null where there is none.
        reading: its type, how it is written, how that was found, and what remains in doubt.
        nothing: the texts in it that stand for an empty cell whatever the others are.
        empty: in how many cells each text that stands for nothing is; "" is an empty cell.
    """

    values: pl.Series
    reading: Reading
    nothing: frozenset[str]
    empty: dict[str, int]

    @property
    def column(self) -> Column:
        """The type, and how it is written."""
        return self.reading.column

    @property
    def why(self) -> str:
        """How the type was found."""
        return self.reading.why

    @property
    def distinct(self) -> int:
        """The number of different values."""
        return self.values.drop_nulls().n_unique()

    def as_whole_numbers(self) -> "Cells":
        """Return numbers as whole ones, if all are: programs store those with gaps as floats."""
        values = self.values
        if not values.dtype.is_float() or not (values == values.round()).all():
            return self
        if not values.count() or max(map(abs, bounds(values))) > EXACT:
            return self
        column = self.column.model_copy(update={"type": "integer"})
        reading = replace(self.reading, column=column)
        return replace(self, values=values.cast(pl.Int64), reading=reading)

    def with_empty(self, why: str) -> str:
        """Add to a reason how many cells are empty, and by which texts."""
        if not self.empty:
            return why
        texts = [f"'{text}' {rows}" for text, rows in self.empty.items() if text]
        shown = ", ".join(texts[:SHOWN]) + (", ..." if len(texts) > SHOWN else "")
        return f"{why}; {sum(self.empty.values())} empty{f' ({shown})' if shown else ''}"


@dataclass(frozen=True)
class Inferred:
    """What a column is taken for, in a word or two, and why."""

    column: Column
    meaning: str
    why: str


def read_cells(
    cells: pl.Series, comma: bool = False, hints: Hints = NO_HINTS, name: str = "cells"
) -> Cells:
    """Find the type of a column.

    Args:
        cells: as they are in the file.
        comma: whether the file writes decimal commas elsewhere.
        hints: what a person says of the column.
        name: of the column.

    Raises:
        UserError: the dates are not written as the person says.
    """
    in_text = cells.dtype == pl.String
    counts = pl.DataFrame(schema={"text": pl.String, "rows": pl.UInt32})
    if in_text or hints.empty:
        counts = cells.drop_nulls().cast(pl.String).alias("text").value_counts(name="rows")
    empty = _is_one_of(hints.empty)
    if in_text:
        kept = pl.col("text").str.strip_chars().is_in([*hints.keep])
        empty |= stands_for_nothing(pl.col("text")) & ~kept
    nothing, texts = counts.filter(empty), counts.filter(~empty)
    if not in_text:
        reading = Reading(Column(type=_stored(cells.dtype)), f"stored as {cells.dtype}")
        if hints.formats:
            raise UserError(f"--format: '{name}' is {reading.why}, so it has no format.")
    elif not len(texts):
        reading = Reading(Column(type="category"), "no cell holds anything")
    elif hints.formats:
        reading = read_as_told(name, texts, [*hints.formats])
    else:
        reading = read_texts(texts, comma)
        others = (*reading.strays, *(reading.column.texts or ()))
        if hints.keep.intersection(text.strip() for text in others):
            reading = Reading(Column(type="category"), "text")
    return _typed(cells, reading, nothing, texts)


def _typed(cells: pl.Series, reading: Reading, nothing: pl.DataFrame, texts: pl.DataFrame) -> Cells:
    """Convert cells as they are to be read; `texts` are those that do not stand for nothing."""
    words = sorted({*nothing["text"], *reading.strays})
    if words:
        column = reading.column.model_copy(update={"missing_values": words})
        reading = replace(reading, column=column)
    if reading.strays:
        shown = ", ".join(repr(text) for text in reading.strays[:SHOWN])
        more = f" and {len(reading.strays) - SHOWN} more" if len(reading.strays) > SHOWN else ""
        reading = replace(reading, why=f"{reading.why}, but for {shown}{more}")
    frame = cells.alias("text").to_frame()
    values = frame.select(typed(pl.col("text"), cells.dtype, reading.column)).to_series()
    blank = cells.null_count() + sum(nothing.filter(pl.col("text") == "")["rows"])
    strays = texts.filter(pl.col("text").is_in([*reading.strays]))
    empties = pl.concat([nothing.filter(pl.col("text") != ""), strays]).sort("rows", "text")
    empty = ({"": blank} if blank else {}) | dict(empties.reverse().iter_rows())
    return Cells(values, reading, frozenset(nothing["text"]), empty)


def _is_one_of(texts: frozenset[str]) -> pl.Expr:
    """Say of "text" whether it is one of some texts, or the same number or day."""
    if not texts:
        return pl.lit(False)
    bare = pl.col("text").str.strip_chars()
    day = bare.str.replace(r" 00:00:00(\.0+)?$", "")
    numbers = [number for text in texts if (number := _number(text)) is not None]
    same = bare.cast(pl.Float64, strict=False).is_in(numbers).fill_null(False)
    return bare.is_in([*texts]) | day.is_in([*texts]) | same


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _stored(dtype: pl.DataType) -> ColumnType:
    """Return the type of a column whose file says in which type it is stored."""
    if dtype == pl.Boolean:
        return "boolean"
    if dtype.is_integer():
        return "integer"
    return "datetime" if dtype.is_temporal() else "number"


def role_of(name: str, cells: Cells, first: bool = False) -> Inferred:
    """Say what a column is to the model: a feature of some kind, or nothing.

    Args:
        name: of the column.
        cells: the column as it was read.
        first: whether it is the first of its table, where programs put the names of rows.
    """
    if _is_code(name) or GIVEN.search(name):
        cells = cells.as_whole_numbers()
    values, distinct = cells.values.drop_nulls(), cells.distinct
    aside = cells.column.model_copy(update={"feature": False})
    if distinct < 2:
        what = f"constant: always {values[0]!r}" if distinct else "empty in every row"
        return Inferred(aside, "set aside", cells.with_empty(what) if distinct else what)
    kind = cells.column.type
    if reason := _identifies(name, cells, distinct, first):
        return Inferred(aside, "set aside", reason)
    exact = kind != "integer" or max(map(abs, bounds(values))) <= EXACT
    if kind == "category" or not exact or (kind == "integer" and _is_code(name)):
        return _category(cells, distinct)
    why = cells.why
    if kind in ("number", "integer"):
        if max(map(abs, bounds(values))) > HUGE:
            return Inferred(aside, "set aside", f"numbers beyond {HUGE:g}")
        column = with_range(cells.column, values)
        why = "{}, {:.6g} to {:.6g}".format(why, *bounds(values))
        return Inferred(column, kind, cells.with_empty(why))
    if kind == "datetime":
        why = "{}, {:%Y-%m-%d} to {:%Y-%m-%d}".format(why, *bounds(values))
    return Inferred(cells.column, kind, cells.with_empty(why))


def as_box(written: pl.Series, cells: Cells) -> Cells | None:
    """Read a column of a single value as a boolean that is true where the value is.

    Returns:
        The column; or None where the value is a word for false, or the other cells are empty in
        more than one way.
    """
    nothing = {text.strip().lower() for text in cells.empty}
    texts = written.drop_nulls().cast(pl.String).str.strip_chars().str.to_lowercase().unique()
    marks = [text for text in texts if text not in nothing | {""}]
    if len(marks) != 1 or len(nothing) != 1 or marks[0] in FALSE:
        return None
    blank = nothing.pop()
    column = Column(type="boolean", values=[blank, marks[0]])
    values = written.to_frame("text").select(typed(pl.col("text"), written.dtype, column))
    mark = str(cells.values.drop_nulls().cast(pl.String)[0]).strip()
    why = f"a box: {mark!r} in {len(written) - sum(cells.empty.values())} cells, "
    why += f"{next(iter(cells.empty)).strip()!r} in the others" if blank else "the others are empty"
    return Cells(values.to_series(), Reading(column, why), frozenset(), {})


def holds(written: pl.Series, text: str) -> bool:
    """Say whether a cell is a text, or the same number or day."""
    cells = written.drop_nulls().cast(pl.String).alias("text").to_frame()
    return bool(cells.select(_is_one_of(frozenset([text])).any()).item())


def is_mark(text: str) -> bool:
    """Say whether a text is a mark or a word for true, as in a box that was ticked."""
    return text.strip().lower() in MARKS


def with_range(column: Column, values: pl.Series) -> Column:
    """Give a number the range of its values and half of it on both sides, rounded.

    A range does not cross zero, and a share does not exceed one, where no value does.
    """
    low, high = map(float, bounds(values))
    span = high - low or abs(high) or 1.0
    inexact = column.type == "integer" and max(abs(low), abs(high)) > EXACT
    if inexact or not math.isfinite(span * 2):
        return column
    step = 10.0 ** (math.floor(math.log10(span)) - 1)
    if column.type == "integer":
        step = max(step, 1.0)
    least = math.floor((low - span / 2) / step) * step
    most = math.ceil((high + span / 2) / step) * step
    if low >= 0:
        least = max(least, 0.0)
        most = min(most, 1.0) if high <= 1 else most
    if high <= 0:
        most = min(most, 0.0)
    # Twelve digits may be too few to tell the range from the values.
    limits = {
        "min": min(float(f"{least:.12g}"), low),
        "max": max(float(f"{most:.12g}"), high),
    }
    return column.model_copy(update=limits)


def _category(cells: Cells, distinct: int) -> Inferred:
    column = cells.column
    if distinct <= ONE_HOT:
        if column.type == "category":
            values = cells.values.drop_nulls().unique().sort().to_list()
            column = column.model_copy(update={"values": values})
        else:
            column = Column(type="category", missing_values=column.missing_values, codes=True)
        why = f"{distinct} different values{_but_for(cells)}"
        return Inferred(column, "category", cells.with_empty(why))
    codes = True if column.type == "integer" else column.codes
    missing = column.missing_values
    column = Column(type="category", missing_values=missing, encoding="target", codes=codes)
    why = f"{distinct} different values: encoded by the target{_but_for(cells)}"
    return Inferred(column, "category", cells.with_empty(why))


def _identifies(name: str, cells: Cells, distinct: int, first: bool) -> str:
    """Say why a column names rows instead of describing them, or nothing."""
    values, kind = cells.values.drop_nulls(), cells.column.type
    rows = len(values)
    if kind == "integer":
        unique = distinct == rows
        least, most = bounds(values)
        counts = unique and most - least + 1 == rows
        if counts and least in (0, 1) and not COUNTER.search(name):
            return "identifier-like: it numbers the rows"
        if unique and INDEX.search(name.strip()):
            return "identifier-like: its name, and it numbers the rows, with gaps"
        if GIVEN.search(name) and (distinct > rows / 2 or _begins_anew(values)):
            return "identifier-like: its name, and it numbers the rows of several tables"
        dense = most - least < SPARSE * rows
        if unique and first and dense and values.is_sorted() and not COUNTER.search(name):
            return "identifier-like: it numbers the rows, with gaps"
        if min(abs(least), abs(most)) > EXACT and rows < REPEATED * distinct:
            return f"identifier-like: {len(str(most))} digits, more than a number can tell apart"
        if _is_code(name) and distinct > ONE_HOT and rows < REPEATED * distinct:
            return f"identifier-like: its name, and {distinct} different numbers in {rows} rows"
    if kind == "category" and distinct > ONE_HOT:
        words = _mean(values.str.split(" ").list.len())
        length = _mean(values.str.len_chars())
        if words >= FREE_WORDS and length >= FREE_LENGTH and rows < REPEATED * distinct:
            return f"free text: {words:.0f} words in a row, on average"
        if distinct > rows / 2:
            reason = f"; {cells.why}" if cells.why not in ("text", "as you said") else ""
            return f"identifier-like: {distinct} different texts in {rows} rows{reason}"
    return ""


def _begins_anew(values: pl.Series) -> bool:
    """Say whether numbers rise from row to row, but where another table begins."""
    return int((values.diff() <= 0).sum()) * REPEATED < len(values)


def _but_for(cells: Cells) -> str:
    """Say why texts that look like numbers or dates are none, or nothing."""
    return f"; {cells.why}" if cells.why.startswith("text: ") else ""


def _mean(counts: pl.Series) -> float:
    return float(counts.sum()) / len(counts)


def _is_code(name: str) -> bool:
    return IDENTIFIER.search(name.strip()) is not None
