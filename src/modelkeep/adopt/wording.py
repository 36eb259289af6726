"""How people write numbers, booleans and codes: texts → a type and how it is written."""

from dataclasses import replace

import polars as pl

from modelkeep.adopt import numerals
from modelkeep.adopt.dating import datelike, read_dates
from modelkeep.adopt.reading import Reading, accepted, fits, rows_of, without
from modelkeep_core.cells import FAMILIES, typed
from modelkeep_core.schema import Column

WORDS = (
    *(["nein", "ja"], ["nee", "ja"], ["nej", "ja"], ["non", "oui"], ["no", "si"], ["no", "sí"]),
    *(["não", "sim"], ["nie", "tak"], ["нет", "да"], ["否", "是"]),
)
TRIED, MANY = 200, 1000
# A number between signs that are no letters, and in what share of the cells such are told
NUMBERLIKE = r"^\s*[^\w\s]*\s*\d[\d.,:'\x{2019}_ ]*\s*[^\w\s]*(\s*[\d.,]+)?\s*$"
# A number beside a short word, and with a blank or a sign between
BESIDE_WORD = (
    r"^\s*(\pL{1,5}[.:]?\s+|\pL{1,3}\.)?\d[\d.,:'\x{2019}_\s]*([^\w\s]{1,2}|\s\pL{1,10}\.?)?\s*$"
)
# Degrees of latitude or longitude
DEGREES = r"(?i)^\s*[nsewo]?\s*\d{1,3}\s*°.*$"
LIKELY = 0.9
# Digits of a day, and of a time of a day: how they are read, and what they look like
DAY, STAMPS = "%Y%m%d", {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
# What is written with digits alone, and more of them than numbers can tell apart
LONG = r"^[1-9]\d{15,}$"
# A telephone number as other countries dial it
PHONE = r"^\+[1-9]\d{7,14}$"
# 1E05 and 12e12: codes; programs write 1e+05 for a hundred thousand, and people 1e5
EXPONENT = r"^\d+E\d+$|^\d{2,}e\d+$|^\d+e0\d+$"
# A number at least or at most, such as 90+, <5 or 100 or more
BOUND = (
    r"(?i)^(?:[<>≤≥]=?|=[<>])\s*(?<above>[^<>=≤≥]+)$"
    r"|^(?<below>[^+]+?)\s*(?:\+|plus|or more|or less|and over|and above|and under|und mehr)$"
)
# How many different texts may be such a bound, beside more numbers than a category has values
BOUNDS = BESIDE = 20


def read_texts(texts: pl.DataFrame, comma: bool = False) -> Reading:
    """Say of what type texts are, and how it is written.

    Args:
        texts: the different texts of a column, without those that stand for nothing; columns
            "text" and "rows", how often it is there.
        comma: whether the file writes its numbers with a decimal comma elsewhere.
    """
    texts = texts.sort("rows", "text", descending=[True, False])
    if why := _codes(texts):
        return _compact(texts, DAY) or Reading(Column(type="category"), f"codes: {why}")
    if reading := _booleans(texts):
        return reading
    for digits, form in STAMPS.items():
        if reading := _compact(texts, form, rf"^(19|20)\d{{{digits - 2}}}$"):
            return reading
    for column, pattern, why in numerals.ways(texts, comma):
        if reading := _numbers(texts, column, pattern, why):
            return reading
    return read_dates(texts) or Reading(Column(type="category"), f"text{_numberlike(texts)}")


def _numberlike(texts: pl.DataFrame) -> str:
    """Say of texts that most of them hold a number or a date, and are written in another way."""
    if date := datelike(texts):
        return f": dates or times that are written like '{date}' are not read"
    patterns = {NUMBERLIKE: "signs", BESIDE_WORD: "signs or units", DEGREES: "signs"}
    for pattern, what in patterns.items():
        like = texts.filter(pl.col("text").str.contains(pattern))
        odd = like.filter(~fits(Column(type="number")))
        if len(odd) and rows_of(like) >= LIKELY * rows_of(texts):
            return f": numbers with other {what}, such as '{odd['text'][0].strip()}', are not read"
    return ""


def _codes(texts: pl.DataFrame) -> str:
    """Say why texts of digits are no numbers, or nothing."""
    text = pl.col("text").str.strip_chars()
    length = text.str.len_chars()
    facts = texts.select(
        zeros=text.str.contains(r"^\d+$").all() & text.str.contains(r"^0\d").any(),
        long=text.str.contains(LONG).mean() > 0.5,
        phones=text.str.contains(PHONE).all(),
        alike=text.str.contains(r"^\d+$").all() & (length.max() - length.min() <= 2),
        exponents=text.str.contains(EXPONENT).mean() > 0.5,
        fixed=text.str.contains(r"^\d+(E\d+)?$").all()
        & text.str.contains("E").any()
        & (length.min() == length.max()),
    ).row(0, named=True)
    if facts["zeros"]:
        return "digits that begin with zeros"
    if facts["phones"]:
        return "digits behind a plus, as of telephone numbers"
    if facts["long"] and facts["alike"]:
        return "more digits than a number can tell apart"
    exponents = facts["exponents"] or facts["fixed"]
    return "digits around an E, which would be one number in many spellings" if exponents else ""


def _compact(texts: pl.DataFrame, form: str, pattern: str = "") -> Reading | None:
    """Return the reading of digits alone as dates in a format, if they are some."""
    return accepted(texts, Column(type="datetime", formats=[form]), "dates", pattern)


def _booleans(texts: pl.DataFrame) -> Reading | None:
    """Return the reading of texts as booleans, if their words for true and false go together."""
    sample = {text.strip().lower() for text in texts["text"].head(TRIED)}
    if sample <= {"0", "1"}:
        return None
    for family in FAMILIES:
        words = [word for word in family if word in sample]
        if sample <= {*family} and {family[word] for word in words} == {True, False}:
            first = [
                next(word for word in words if family[word] is truth) for truth in (False, True)
            ]
            column = Column(type="boolean", values=None if "true" in sample else first)
            reading = accepted(texts, column, "words for true and false")
            return reading and _spelt(texts, reading)
    for words in WORDS:
        if sample == {*words}:
            column = Column(type="boolean", values=words)
            reading = accepted(texts, column, f"'{words[1]}' and '{words[0]}'")
            return reading and _spelt(texts, reading)
    return None


def _spelt(texts: pl.DataFrame, reading: Reading) -> Reading:
    """Say which texts become one truth value, where there are more than two."""
    cells = without(texts, reading.strays)
    truth = cells.select(typed(pl.col("text"), pl.String(), reading.column)).to_series()
    spellings = [
        ", ".join(repr(text) for text in sorted(cells["text"].filter(truth == value)))
        for value in (True, False)
    ]
    if len(cells) == 2:
        return reading
    return replace(reading, why=f"{reading.why}: {spellings[0]} and {spellings[1]}")


def _numbers(texts: pl.DataFrame, column: Column, pattern: str, why: str) -> Reading | None:
    """Return the reading of texts as numbers, some of which may be bounds such as 90+."""
    if texts.select(fits(column, pattern).all()).item():
        column = _as_written(texts, column)
        return Reading(column, why + numerals.doubt(texts, column))
    if len(texts) > MANY:
        some = texts.sample(MANY, seed=0)
        # Strays and bounds are few: where most texts are no numbers, the others need no look.
        if int(some.select(fits(column, pattern).sum()).item()) < MANY / 2:
            return None
    bounds, zeros = _bounds(texts, column, pattern), numerals.zeros(texts, column)
    texts_of = bounds | zeros
    plain = without(texts, texts_of)
    numbers = int(plain.select(fits(column, pattern).sum()).item())
    rare = rows_of(without(texts, bounds)) >= rows_of(texts) / 2 and numbers > BESIDE
    few = len(bounds) <= BOUNDS and (rare or not bounds)
    reading = None
    if texts_of and (few or accepted(texts, column, why, pattern)):
        reading = accepted(plain, column.model_copy(update={"texts": texts_of}), why, pattern)
    reading = reading or accepted(texts, column, why, pattern)
    if not reading:
        return None
    fitting = without(texts, reading.strays)
    column = _as_written(fitting, reading.column)
    return replace(
        reading, column=column, why=reading.why + numerals.doubt(without(fitting, texts_of), column)
    )


def _bounds(texts: pl.DataFrame, column: Column, pattern: str) -> dict[str, float]:
    """Return the texts that say a number at least or at most, and that number."""
    text = pl.col("text").str.strip_chars()
    inner = pl.coalesce(text.str.extract(BOUND, group).str.strip_chars() for group in (1, 2))
    marked = texts.select(whole=text, text=inner).drop_nulls().filter(fits(column, pattern))
    values = marked.select(typed(pl.col("text"), pl.String(), column)).to_series()
    return dict(zip(marked["whole"], values, strict=True))


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
