"""How people write numbers, dates, booleans and nothing: texts → a type and how it is written."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import combinations

import polars as pl

from modelkeep.adopt import numerals
from modelkeep.adopt.scalars import bounds
from modelkeep_core.schema import Column
from modelkeep_core.tables import BOOLEANS, bare, typed

# What stands for nothing in every column, and what does where the other cells are of one type
NOTHING = {"", "na", "n/a", "#n/a", "<na>", "nan", "null", "nat", "?"}
NO_VALUE = {
    *("-", "--", "---", ".", "..", "...", "*", "none", "nil", "n.a.", "na.", "nd", "n.d.", "tbd"),
    *("missing", "unknown", "not available", "inf", "+inf", "-inf", "infinity", "-infinity"),
    *("#div/0!", "#value!", "#ref!", "#name?", "#num!", "0000-00-00", "00/00/0000"),
}
# How many other texts, and in what share of the cells, a column of one type may have
STRAYS, STRAY_SHARE = 3, 0.05
WORDS = (
    *(["nein", "ja"], ["nee", "ja"], ["nej", "ja"], ["non", "oui"], ["no", "si"], ["no", "sí"]),
    *(["não", "sim"], ["nie", "tak"], ["нет", "да"], ["否", "是"]),
)
DAYS: tuple[str, ...] = (
    *("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y"),
    *("%m-%d-%Y", "%d %b %Y", "%d-%b-%Y", "%d%b%Y", "%d. %b %Y", "%b %d, %Y", "%b %d %Y"),
    *("%d.%m.%y", "%d/%m/%y", "%m/%d/%y", "%d-%b-%y", "%d %b %y", "%a, %d %b %Y"),
)
MONTHS = ("%Y-%m", "%Y/%m", "%m/%Y", "%b %Y", "%b-%Y", "%b-%y")
TIMES = ("", " %H:%M", " %H:%M:%S%.f", " %I:%M %p", " %I:%M:%S %p")
STAMPS: tuple[str, ...] = ("T%H:%M", "T%H:%MZ", "T%H:%M%z", "T%H:%M:%S%.fZ", "T%H:%M:%S%.f%z")
STAMPS += (" %H:%M:%S%.fZ", " %H:%M:%S%.f%z", " %H:%M:%S%.f %z")
SHORT = (*(day + time for day in DAYS for time in TIMES), *MONTHS)
FORMATS = (
    *SHORT,
    *("%Y-%m-%d" + stamp for stamp in STAMPS),
    *(form.replace("%b", "%B") for form in SHORT if "%b" in form),
)
COMPACT = "%Y%m%d"
TRIED = 200


@dataclass(frozen=True)
class Reading:
    """What a column of texts is taken for, and why; `strays` are texts that stand for nothing."""

    column: Column
    why: str
    strays: tuple[str, ...] = ()


def read_texts(texts: pl.DataFrame, comma: bool = False) -> Reading:
    """Say of what type texts are, and how it is written.

    Args:
        texts: the different texts of a column, without those that stand for nothing; columns
            "text" and "rows", how often it is there.
        comma: whether the file writes its numbers with a decimal comma elsewhere.
    """
    text = pl.col("text").str.strip_chars()
    if texts.select(text.str.contains(r"^\d+$").all() & text.str.contains(r"^0\d").any()).item():
        if reading := _accepted(texts, Column(type="datetime", formats=[COMPACT]), "dates"):
            return reading
        return Reading(Column(type="category"), "codes: digits that begin with zeros")
    for column, pattern, why in _ways(texts, comma):
        if reading := _accepted(texts, column, why, pattern):
            return reading
    return _dates(texts) or Reading(Column(type="category"), "text")


def _ways(texts: pl.DataFrame, comma: bool) -> Iterator[tuple[Column, str, str]]:
    """Yield the ways to read texts as something else than dates, with a pattern they must have."""
    sample = [text.strip().lower() for text in texts["text"].head(TRIED)]
    if {*sample} <= {"0", "1"}:
        yield Column(type="number"), numerals.PLAIN, "whole numbers"
    if {*sample} <= {*BOOLEANS} and len({BOOLEANS[word] for word in sample}) == 2:
        yield Column(type="boolean"), "", "words for true and false"
    for words in WORDS:
        if {*sample} == {*words}:
            yield Column(type="boolean", values=words), "", f"'{words[1]}' and '{words[0]}'"
    yield Column(type="datetime", formats=[COMPACT]), r"^(19|20)\d{6}$", "dates"
    yield from numerals.ways(texts, comma)


def _accepted(texts: pl.DataFrame, column: Column, why: str, pattern: str = "") -> Reading | None:
    """Return the reading of texts as `column`, if they can be read so, but for a few."""
    cell = bare(pl.col("text").str.strip_chars(), column)
    value = typed(pl.col("text"), pl.String(), column)
    fit = value.is_not_null() & (cell.str.contains(pattern) if pattern else True)
    if column.type == "number":
        fit &= value.is_finite()
    strays = texts.filter(~fit)
    if len(strays):
        named = strays.filter(~pl.col("text").str.strip_chars().str.to_lowercase().is_in(NO_VALUE))
        few = len(named) <= STRAYS and _rows(named) <= STRAY_SHARE * _rows(texts)
        if len(strays) == len(texts) or not few or (len(named) and column.type == "boolean"):
            return None
    fitting = texts.filter(fit)
    column = _as_written(fitting, column)
    return Reading(column, why + numerals.doubt(fitting, column), tuple(strays["text"].sort()))


def _rows(texts: pl.DataFrame) -> int:
    """Return in how many cells texts are."""
    return int(texts["rows"].sum())


def _as_written(fitting: pl.DataFrame, column: Column) -> Column:
    """Leave out the marks of a number that no text has, and make it whole where all are."""
    if column.type != "number":
        return column
    whole = column.model_copy(update={"type": "integer"})
    if fitting.select(typed(pl.col("text"), pl.String(), whole).is_not_null().all()).item():
        column = whole
    for rule in ("decimal", "thousands"):
        mark = getattr(column, rule)
        if mark and mark.strip():
            unused = not fitting["text"].str.contains(mark, literal=True).any()
            column = column.model_copy(update={rule: None}) if unused else column
    return column


def _dates(texts: pl.DataFrame) -> Reading | None:
    """Return the reading of texts as dates, in one format or as few as there are."""
    like = pl.col("text").str.contains(r"^\s*(\d|[A-Za-z]{3,9}[ ,-]).{3,40}\d.*$")
    if _rows(texts.filter(like)) < 0.9 * _rows(texts):
        return None
    if reading := _accepted(texts, Column(type="datetime"), "dates"):
        return reading
    sample = texts.filter(like).head(TRIED)
    readings = []
    for form in FORMATS:
        column = Column(type="datetime", formats=[form])
        times = sample.select(typed(pl.col("text"), pl.String(), column)).to_series()
        if times.count():
            readings.append((form, times))
    # Where day and month can be read both ways, dates lie close together as they were meant.
    readings.sort(key=lambda pair: (pair[1].null_count(), _span(pair[1])))
    forms = [form for form, _ in readings]
    for group in [*([form] for form in forms), *combinations(forms[:6], 2)]:
        column = Column(type="datetime", formats=[*group])
        if reading := _accepted(texts, column, f"dates written {' or '.join(group)}"):
            rivals = [form for form, times in readings[1:] if _rivals(readings[0][1], times)]
            if [*group] == forms[:1] and rivals:
                return replace(reading, why=f"{reading.why}, which could be {rivals[0]} too")
            return reading
    return None


def _span(times: pl.Series) -> timedelta:
    """Return the time from the first to the last."""
    first, last = bounds(times)
    return last - first


def _rivals(times: pl.Series, others: pl.Series) -> bool:
    """Say whether two ways to read the same dates both work, and differ."""
    return not times.null_count() and not others.null_count() and not times.equals(others)
