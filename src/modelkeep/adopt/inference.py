"""A column of raw data → what it is taken for, and why: its type, its rules, feature or not."""

import math
import re
from dataclasses import dataclass
from typing import Literal

import polars as pl

from modelkeep.adopt.scalars import bounds
from modelkeep.adopt.wording import NOTHING, read_texts
from modelkeep_core.schema import Column
from modelkeep_core.tables import typed

ColumnType = Literal["number", "integer", "boolean", "category", "datetime"]
# The most values of a category that gets a column for each; with more, the target encodes it
ONE_HOT = 20
# What is told of texts that nearly all differ: many words are free text, few are a name or a code
FREE_WORDS, FREE_LENGTH = 4, 30
# Beyond these, squares of numbers are infinite, and whole numbers are not told apart
HUGE, EXACT = 1e100, 2.0**53
# How many rows a value of an identifier must have, on average, to be worth learning
REPEATED = 10
IDENTIFIER = re.compile(
    r"(?i:(^|[_\W])(u?u?id|guid|key|row_?names?|nr|no|ssn|code)$|^index$)|[a-z]I[dD]$"
)
COUNTER = re.compile(r"year|month|week|day|date|time|quarter|hour|period|trial|age|dose|^t$", re.I)


@dataclass(frozen=True)
class Cells:
    """A column as it was read.

    Attributes:
        column: its type and how it is written.
        values: its cells in that type, null where there is none.
        nothing: the texts in it that stand for an empty cell in every column.
        why: how its type was found.
    """

    column: Column
    values: pl.Series
    nothing: frozenset[str]
    why: str

    @property
    def distinct(self) -> int:
        """The number of different values."""
        return self.values.drop_nulls().n_unique()


@dataclass(frozen=True)
class Inferred:
    """What a column is taken for, in a word or two, and why."""

    column: Column
    meaning: str
    why: str


def read_cells(cells: pl.Series, comma: bool = False) -> Cells:
    """Find the type of a column; `comma` says that its file writes decimal commas elsewhere."""
    nothing: frozenset[str] = frozenset()
    if cells.dtype != pl.String:
        column, why = Column(type=_stored(cells.dtype)), f"stored as {cells.dtype}"
    else:
        counts = cells.drop_nulls().alias("text").value_counts(sort=True, name="rows")
        folded = pl.col("text").str.strip_chars().str.to_lowercase()
        nothing = frozenset(counts.filter(folded.is_in(NOTHING))["text"])
        texts = counts.filter(~folded.is_in(NOTHING))
        if not len(texts):
            nulls = pl.repeat(None, len(cells), dtype=pl.String, eager=True)
            return Cells(Column(type="category"), nulls, nothing, "no cell holds anything")
        reading = read_texts(texts, comma)
        column, why = reading.column, reading.why
        if reading.strays:
            column = column.model_copy(update={"missing_values": [*reading.strays]})
            why += f", but for {', '.join(repr(text) for text in reading.strays)}"
    told = pl.when(~pl.col("text").is_in(nothing)).then("text") if nothing else pl.col("text")
    frame = cells.alias("text").to_frame()
    values = frame.select(text=typed(told, cells.dtype, column)).to_series()
    return Cells(column, values, nothing, why)


def _stored(dtype: pl.DataType) -> ColumnType:
    """Return the type of a column whose file says in which type it is stored."""
    if dtype == pl.Boolean:
        return "boolean"
    if dtype.is_integer():
        return "integer"
    return "datetime" if dtype.is_temporal() else "number"


def role_of(name: str, cells: Cells) -> Inferred:
    """Say what a column is to the model: a feature of some kind, or nothing."""
    values, distinct = cells.values.drop_nulls(), cells.distinct
    aside = cells.column.model_copy(update={"feature": False})
    if distinct < 2:
        what = f"constant: always {values[0]!r}" if distinct else "empty in every row"
        return Inferred(aside, "set aside", what)
    kind = cells.column.type
    if reason := _identifies(name, cells, distinct):
        return Inferred(aside, "set aside", reason)
    if kind == "category" or (kind == "integer" and _is_code(name)):
        return _category(cells, distinct)
    if kind in ("number", "integer"):
        if max(map(abs, bounds(values))) > HUGE:
            return Inferred(aside, "set aside", f"numbers beyond {HUGE:g}")
        bounded = with_range(cells.column, values)
        return Inferred(bounded, kind, "{}, {:.6g} to {:.6g}".format(cells.why, *bounds(values)))
    if kind == "datetime":
        why = "{}, {:%Y-%m-%d} to {:%Y-%m-%d}".format(cells.why, *bounds(values))
        return Inferred(cells.column, "datetime", why)
    return Inferred(cells.column, kind, cells.why)


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
    limits = {"min": float(f"{least:.12g}"), "max": float(f"{most:.12g}")}
    return column.model_copy(update=limits)


def _category(cells: Cells, distinct: int) -> Inferred:
    column = cells.column
    if distinct <= ONE_HOT:
        if column.type == "category":
            values = cells.values.drop_nulls().unique().sort().to_list()
            column = column.model_copy(update={"values": values})
        else:
            column = Column(type="category", missing_values=column.missing_values, codes=True)
        return Inferred(column, "category", f"{distinct} different values")
    codes = True if column.type == "integer" else column.codes
    missing = column.missing_values
    column = Column(type="category", missing_values=missing, encoding="target", codes=codes)
    return Inferred(column, "category", f"{distinct} different values: encoded by the target")


def _identifies(name: str, cells: Cells, distinct: int) -> str:
    """Say why a column names rows instead of describing them, or nothing."""
    values, kind = cells.values.drop_nulls(), cells.column.type
    rows = len(values)
    if kind == "integer":
        unique = distinct == rows
        least, most = bounds(values)
        counts = unique and most - least + 1 == rows
        if counts and least in (0, 1) and not COUNTER.search(name):
            return "identifier-like: it numbers the rows"
        if _is_code(name) and distinct > ONE_HOT and rows < REPEATED * distinct:
            return f"identifier-like: its name, and {distinct} different numbers in {rows} rows"
    if kind == "category" and distinct > ONE_HOT:
        words = _mean(values.str.split(" ").list.len())
        length = _mean(values.str.len_chars())
        if words >= FREE_WORDS and length >= FREE_LENGTH and rows < REPEATED * distinct:
            return f"free text: {words:.0f} words in a row, on average"
        if distinct > rows / 2:
            return f"identifier-like: {distinct} different texts in {rows} rows"
    return ""


def _mean(counts: pl.Series) -> float:
    return float(counts.sum()) / len(counts)


def _is_code(name: str) -> bool:
    return IDENTIFIER.search(name.strip()) is not None
