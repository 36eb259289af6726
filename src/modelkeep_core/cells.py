"""Cells as files have them → values in the types of the schema.

Cells are read as text and converted by the schema, so that no type is ever guessed: what does not
fit becomes null.
"""

import re
from collections.abc import Sequence
from functools import reduce
from operator import or_
from typing import Any

import polars as pl

from modelkeep_core.month_names import in_english
from modelkeep_core.schema import BEHIND, CODE, PARENTHESES, Column

# Words for true and false that go together; those of two families may mean different things
FAMILIES = tuple(
    dict.fromkeys(true, True) | dict.fromkeys(false, False)
    for true, false in (
        (("true", "t"), ("false", "f")),
        (("yes", "y"), ("no", "n")),
        (("on",), ("off",)),
        (("1", "1.0"), ("0", "0.0")),
    )
)
BOOLEANS = {word: truth for family in FAMILIES for word, truth in family.items()}
KINDS: dict[str, pl.DataType] = {
    "number": pl.Float64(),
    "integer": pl.Int64(),
    "datetime": pl.Datetime("us"),
}
# What says the day of a format, and what its week; what has a length of its own
DAY = ("%d", "%e", "%j", "%u", "%w", "%D", "%F", "%x", "%c", "%s", "%+")
WEEK = ("%V", "%U", "%W")
DIRECTIVES = {"%y": r"\d{2}", "%.f": ".*", "%q": "[1-4]"}
# What strptime has no directives for: thousandths of a second since 1970, and days of spreadsheets,
# with the number of 1970-01-01, the one after the last, and a day in millionths of a second
MILLISECONDS, EXCEL = "%s%3f", "excel"
EXCEL_DAYS, LAST_DAY, DAY_LONG = 25_569, 2_958_466, 86_400_000_000
# Up to so many texts are compared one by one
FEW = 8
DATETIMES = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d"]


def typed(cell: pl.Expr, given: pl.DataType, column: Column) -> pl.Expr:
    """Convert cells of the type `given` to what `column` says; what does not fit becomes null."""
    cell = given_cell(cell, given, column)
    if _other_kind(given, column):
        return pl.when(cell.is_null() & False).then(pl.lit(0)).cast(KINDS[column.type])
    text = cell.cast(pl.String).str.strip_chars()
    digits = _digits(text, column) if given == pl.String else cell
    number = digits.cast(pl.Float64, strict=False).fill_nan(None)
    match column.type:
        case "number":
            return number
        case "integer":
            whole = pl.when(number == number.round()).then(number).cast(pl.Int64, strict=False)
            exact = digits.cast(pl.Int64, strict=False)
            return whole if given.is_float() else pl.coalesce(exact, whole)
        case "boolean":
            words = _words(column)
            truth = text.str.to_lowercase().replace_strict(words, default=None)
            return pl.when(cell.is_null()).then(words.get("")).otherwise(truth)
        case "datetime" if given == pl.String:
            forms, latest = column.formats or DATETIMES, column.latest_year
            return pl.coalesce(_datetime(text, form, latest) for form in forms)
        case "datetime":
            return cell.cast(pl.Datetime("us"), strict=False)
    return _category(cell, given, column)


def _other_kind(given: pl.DataType, column: Column) -> bool:
    """Say whether a file has moments where numbers are, or what is no moment where moments are.

    A cast would make microseconds of them, or a day in 1970.
    """
    moments = isinstance(given, pl.Datetime | pl.Date)
    if column.type == "datetime":
        return not (moments or given == pl.String)
    return column.number and (moments or given == pl.Time)


def given_cell(cell: pl.Expr, given: pl.DataType, column: Column) -> pl.Expr:
    """Leave out what stands for nothing in this column, and not-a-number; times are in seconds."""
    if column.missing_values:
        text = cell if given == pl.String else cell.cast(pl.String)
        cell = pl.when(~text.is_in(column.missing_values)).then(cell)
    if given == pl.Duration:
        return seconds(cell)
    return cell.fill_nan(None) if given.is_float() else cell


def seconds(duration: pl.Expr) -> pl.Expr:
    """Write durations in seconds, to the last bit on every machine."""
    micros = duration.dt.total_microseconds()
    # Polars multiplies by the inverse of a number in some plans, and divides by it in others.
    return micros / (micros * 0 + 1e6)


def bare(text: pl.Expr, column: Column) -> pl.Expr:
    """Write numbers without unit, with "-" where they are negative, and e3 for K, say."""
    if column.unit:
        text = text.str.replace(column.unit, "", literal=True).str.strip_chars()
    for minus in column.minus or ():
        if minus == PARENTHESES:
            text = text.str.replace(r"^\((.*)\)$", "-${1}")
        elif minus.startswith(BEHIND):
            behind = re.escape(minus.removeprefix(BEHIND))
            text = text.str.replace(rf"^(.*[^\s])\s*{behind}$", "-${1}")
        else:
            text = text.str.replace(f"^{re.escape(minus)}", "-")
    for letters, factor in (column.multiples or {}).items():
        text = text.str.replace(rf"(?i)\s*{re.escape(letters)}$", f"e{len(str(factor)) - 1}")
    return text


def one_of(cell: pl.Expr, texts: Sequence[Any]) -> pl.Expr:
    """Say whether text is one of some; null where there is none.

    It is compared with each of a few, which takes less than to look it up among them.
    """
    if 0 < len(texts) <= FEW:
        found: pl.Expr = reduce(or_, (cell == text for text in texts))
        return found
    return cell.is_in(texts)


def _category(cell: pl.Expr, given: pl.DataType, column: Column) -> pl.Expr:
    """Spell a whole number that names something in one way, however it is stored."""
    text = cell.cast(pl.String)
    if given.is_float():
        whole = cell.cast(pl.Int64, strict=False)
        return pl.when(whole.cast(pl.Float64) == cell).then(whole.cast(pl.String)).otherwise(text)
    if column.codes:
        return text.str.strip_chars().str.replace(CODE, "${1}${2}")
    return text


def _words(column: Column) -> dict[str, bool]:
    """Return the words for true and false: where a boolean names some of a family, its alone."""
    named = {word.strip().lower(): bool(n) for n, word in enumerate(column.values or ())}
    for family in FAMILIES if named else ():
        if named.items() <= family.items():
            return {"true": True, "false": False} | family
    return BOOLEANS | named


def _digits(text: pl.Expr, column: Column) -> pl.Expr:
    """Write numbers as every program reads them: sign, digits and a point, nothing else."""
    written, text = text, bare(text, column)
    if column.thousands:
        mark = r"\s" if not column.thousands.strip() else re.escape(column.thousands)
        text = pl.when(_grouped(text, mark)).then(text.str.replace_all(mark, ""))
    digits = text.str.replace(column.decimal, ".", literal=True) if column.decimal else text
    if column.texts:
        numbers = {text.strip(): str(number) for text, number in column.texts.items()}
        return pl.coalesce(written.replace_strict(numbers, default=None), digits)
    return digits


def _grouped(text: pl.Expr, mark: str) -> pl.Expr:
    """Say whether a mark parts groups of three digits, or of two before the last, or is not there.

    Elsewhere it is no mark between thousands: 0,125 is not 125.
    """
    groups = rf"[1-9]\d{{0,2}}({mark}\d{{2,3}})*{mark}\d{{3}}([^\d].*)?$"
    return text.str.contains(rf"^[^\d]*{groups}") | ~text.str.contains(mark)


def _pattern(form: str) -> str:
    """Return a pattern of texts in a format, in which the year %y has two digits."""
    parts = re.split(r"(%[-_0]?\.?\d?[A-Za-z])", form)
    patterns = (
        DIRECTIVES.get(part, ".+?") if part.startswith("%") else re.escape(part) for part in parts
    )
    return "".join(patterns)


def _by_months(text: pl.Expr, form: str) -> tuple[pl.Expr, str]:
    """Write the first month of each quarter, %q, in its place, and %m in the format."""
    before, after = map(_pattern, form.split("%q", 1))
    start, quarter, end = (
        text.str.extract(f"^({before})([1-4])({after})$", part) for part in (1, 2, 3)
    )
    month = (quarter.cast(pl.Int8) * 3 - 2).cast(pl.String).str.zfill(2)
    return pl.concat_str(start, month, end), form.replace("%q", "%m", 1)


def _from_excel(text: pl.Expr) -> pl.Expr:
    """Read the days that a spreadsheet counts, up to the end of the year 9999."""
    days = text.cast(pl.Float64, strict=False)
    days = pl.when(days.is_between(1, LAST_DAY, closed="left")).then(days)
    return ((days - EXCEL_DAYS) * DAY_LONG).round().cast(pl.Int64).cast(pl.Datetime("us"))


def _datetime(text: pl.Expr, form: str, latest_year: int | None = None) -> pl.Expr:
    """Read datetimes of one format: without a day, the first; with a time zone, in UTC.

    Years of two digits that would come after `latest_year` are a hundred earlier.
    """
    if form == EXCEL:
        return _from_excel(text)
    if form == MILLISECONDS:
        text = text.str.extract(r"^(\d{4,})(?:\.0*)?$").str.replace(r"(\d{3})$", ".${1}")
    if form in ("%s", MILLISECONDS):
        form = "%s%.f"
    if "%b" in form or "%B" in form:
        text, form = in_english(text), form.replace("%b.", "%b").replace("%B.", "%B")
    if "%q" in form:
        text, form = _by_months(text, form)
    if "%y" in form:
        # Without this, the version 1.2.3 would be a day in 2003.
        text = pl.when(text.str.contains(f"^{_pattern(form)}$")).then(text)
    # Of a second, chrono's "%f" are billionths, where Python's is a fraction.
    form = form.replace(".%f", "%.f")
    if form.endswith("%H"):
        text, form = text + pl.lit(":00"), f"{form}:%M"
    if not any(directive in form for directive in DAY) and form not in DATETIMES:
        first = "%u" if any(directive in form for directive in WEEK) else "%d"
        text, form = text + pl.lit(" 1"), f"{form} {first}"
    time = text.str.to_datetime(form, time_unit="us", strict=False)
    if "%z" in form or "%#z" in form:
        time = time.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    if latest_year is not None and "%y" in form:
        early = time.dt.year() > latest_year
        time = pl.when(early).then(time.dt.offset_by("-100y")).otherwise(time)
    # A year of two digits is no year of our time, whatever %Y makes of it.
    return pl.when(time.dt.year() >= 1000).then(time)
