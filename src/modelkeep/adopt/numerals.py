"""How people write numbers: units, groups of thousands, decimal commas, K and M, minus signs."""

import re
from collections.abc import Iterator

import polars as pl

from modelkeep_core.cells import bare
from modelkeep_core.schema import BEHIND, PARENTHESES, Column

# Groups of three digits, or, in India, of two before the last; none begins with a zero. Nobody
# groups digits before an exponent, but for e3 in the place of K.
EXPONENT = r"([eE][+-]?\d+)?"
GROUPED = r"^[+-]?([1-9]\d{{0,2}}({0}\d{{3}})+|[1-9]\d?({0}\d{{2}})+{0}\d{{3}})({1}\d*)?"
GROUPED += rf"(e[1-9]\d*)?$|^[+-]?\d+({{1}}\d*)?{EXPONENT}$"
PLAIN = rf"^[+-]?(\d+\.?\d*|\.\d+){EXPONENT}$"
# What stands before a number or behind it: signs, codes and names of money, units of measure
MONEY = (
    "USD|EUR|GBP|CHF|S?Fr\\.|JPY|CNY|INR|BRL|AUD|CAD|SEK|NOK|DKK|PLN|CZK|HUF|TRY|ZAR|Rs\\.?|kr\\.?"
)
UNITS = "kg|mg|g|lbs?|oz|cm|mm|km|ft|ml|kWh?|mph|bpm|px|°[CF]"
SYMBOLS = (
    rf"^[(+\u2212-]*\s*((?:[A-Z]{{1,2}})?[$€£¥₹]|(?:{MONEY})(?=[\s\d(+-]))"
    rf"|([%‰°€£$]|,[-\u2013]|(?<=\d)(?:{UNITS}|{MONEY})|\s[A-Za-z]{{1,4}}|\s°[CF])\)?$"
)
APOSTROPHE = "\u2019"
SPACE = r"[\s\u00a0\u202f]"
# Signs that stand for a minus: U+2212, and the dashes that look like it
MINUS = ("\u2212", "\u2013", "\u2012", "\ufe63", "\uff0d", "- ")
# What books write behind numbers to tell debit from credit, and how they write zero
LEDGER, ZERO = re.compile(r"\d\.?\s?([DC][Rr])$"), ("-", "\u2013", "--")
MULTIPLES = {
    **{"k": 10**3, "m": 10**6, "mn": 10**6, "mio": 10**6},
    **{"thousand": 10**3, "lakh": 10**5, "million": 10**6, "mln": 10**6, "crore": 10**7},
    **{"billion": 10**9, "bln": 10**9, "trillion": 10**12},
    **{"b": 10**9, "bn": 10**9, "g": 10**9, "mrd": 10**9, "t": 10**12},
}
# What may be a year and its month
MONTHS = r"^(19|20)\d{2}(0[1-9]|1[0-2])$"
# How spreadsheets show a number of twelve digits or more
SHORTENED = r"^\d\.\d{2,5}E\+1[1-9]$"
TRIED = 200


def ways(texts: pl.DataFrame, comma: bool) -> Iterator[tuple[Column, str, str]]:
    """Yield the ways to read texts as numbers, with a pattern that they must have.

    Args:
        texts: the different texts of a column, in "text".
        comma: whether the file writes decimal commas elsewhere.
    """
    sample = [text.strip() for text in texts["text"].head(TRIED)]
    letters, positive = _of_ledgers(sample)
    ends = (*letters,) or ("",)
    units = [text[:-2].strip() if letters and text.endswith(ends) else text for text in sample]
    unit = positive or _unit(units)
    plain = [text.replace(unit or "", "", 1).strip() for text in units]
    minus = [*_minus(plain), *(BEHIND + text for text in letters)]
    number = Column(type="number", unit=unit, minus=minus or None, multiples=_multiples(plain))
    why = f"numbers{_also(number)}"
    styles = [(None, ","), (None, " "), (None, "'"), (",", "."), (",", " "), (",", "'")]
    styles += [(None, APOSTROPHE), (",", APOSTROPHE)]
    if comma:
        styles.sort(key=lambda style: style != (",", "."))
    usual: list[tuple[str | None, str | None]] = [(None, None)]
    for decimal, thousands in [*styles[:1], *usual, *styles[1:]] if comma else [*usual, *styles]:
        if thousands and _follows_zero(thousands, texts):
            continue
        column = number.model_copy(update={"decimal": decimal, "thousands": thousands})
        mark = SPACE if thousands == " " else re.escape(thousands or "")
        pattern = PLAIN if thousands is None else GROUPED.format(mark, f"[{decimal or '.'}]")
        yield column, pattern, why


def doubt(texts: pl.DataFrame, column: Column) -> str:
    """Say how else numbers could be meant, to be read after "numbers"; "" where it is certain.

    A mark that stands once in every number, before three digits, could be the decimal one or part
    thousands; and 1.1 and 1.10 are one number, but two versions or sections.
    """
    thousands, decimal = column.thousands, column.decimal or "."
    if texts["text"].str.strip_chars().str.contains(SHORTENED).all():
        return (
            f"; spreadsheets shorten long codes to what '{texts['text'][0].strip()}' looks like: "
            "where these are some, their other digits are lost, so export the table anew"
        )
    if thousands == "," and _parts_three_digits(texts, thousands):
        if texts["text"].str.contains(decimal, literal=True).any():
            return ""
        return (
            f"; '{thousands}' in '{_marked(texts, thousands)}' is taken for a mark between "
            f'thousands: where it is a decimal mark, set decimal: "{thousands}" in schema.yaml in '
            "the place of thousands"
        )
    if texts["text"].str.strip_chars().str.contains(MONTHS).all() and len(texts) > 2:
        return (
            f"; where '{texts['text'][0].strip()}' is the month of a year, --format COLUMN=%Y%m "
            "reads it as one"
        )
    whole = _others_are_less(texts) or _fills_up(texts)
    if thousands is None and _parts_three_digits(texts, decimal) and whole:
        return (
            f"; '{decimal}' in '{_marked(texts, decimal)}' is taken for a decimal mark: where it "
            f'parts thousands, set thousands: "{decimal}" in schema.yaml'
            + (" in the place of decimal" if column.decimal else "")
        )
    return _of_two_parts(texts["text"].str.strip_chars(), decimal)


def _of_two_parts(texts: pl.Series, decimal: str) -> str:
    """Say that 1.10 is 1.1, where a text is that too, or all have one digit or two.

    Args:
        texts: the different texts of a column, without blanks around them.
        decimal: its decimal mark.
    """
    behind = texts.str.extract(rf"{re.escape(decimal)}(\d+)$")
    longer = texts.filter(behind.str.contains(r"[1-9]0+$").fill_null(False))
    remedy = "where these are versions or sections, set `type: category` in schema.yaml"
    both = longer.filter(longer.str.strip_chars_end("0").is_in(texts.implode()))
    if len(both):
        return f"; '{both[0].rstrip('0')}' and '{both[0]}' are one number: {remedy}"
    digits = {*behind.str.len_chars()}
    if len(longer) and digits == {1, 2}:
        return f"; '{longer[0]}' is read as {longer[0].rstrip('0')}: {remedy}"
    return ""


def _marked(texts: pl.DataFrame, mark: str) -> str:
    """Return the first of the texts that has a mark."""
    return str(texts.filter(pl.col("text").str.contains(mark, literal=True))["text"][0]).strip()


def _parts_three_digits(texts: pl.DataFrame, mark: str) -> bool:
    """Say whether a mark is in some texts, once in each, after a digit but 0 and before three."""
    marked = texts.filter(pl.col("text").str.contains(mark, literal=True))["text"]
    whole = rf"^[^\d]*[1-9]\d{{0,2}}{re.escape(mark)}\d{{3}}([^\d.,'].*)?$"
    return bool(len(marked)) and bool(marked.str.contains(whole).all())


def _others_are_less(texts: pl.DataFrame) -> bool:
    """Say whether some texts are whole numbers below a thousand without any mark."""
    plain = texts.filter(~pl.col("text").str.contains(r"\d[.,'\s]\d"))["text"]
    return bool(len(plain)) and bool(plain.str.contains(r"^[^\d]*\d{1,3}[^\d]*$").all())


def _fills_up(texts: pl.DataFrame) -> bool:
    """Say whether all numbers have a mark, and some zeros behind it that no program would write."""
    return bool(texts["text"].str.contains(r"\d[.,]\d").all()) and bool(
        texts["text"].str.contains(r"[.,]\d*0\D*$").any()
    )


def zeros(texts: pl.DataFrame, column: Column) -> dict[str, float]:
    """Return the texts with which books write zero: a dash beside its unit, or beside (1,234).

    Args:
        texts: the different texts of a column, in "text".
        column: how its numbers are written.
    """
    text = pl.col("text").str.strip_chars()
    unit = Column(type=column.type, unit=column.unit)
    dash = texts.select(whole=text, rest=bare(text, unit)).filter(pl.col("rest").is_in(ZERO))
    in_books = PARENTHESES in (column.minus or ())
    return {whole: 0.0 for whole, rest in dash.iter_rows() if in_books or whole != rest}


def _unit(sample: list[str]) -> str | None:
    """Return what stands before or behind every number, if anything does."""
    matches = [match for match in map(re.compile(SYMBOLS).search, sample) if match]
    units = {(match[1] or match[2]).strip() for match in matches}
    if len(units) != 1:
        return None
    # Of letters that multiply, those in a part of the numbers make a difference.
    alike = len(matches) == len(sample) or not units <= {*MULTIPLES}
    return units.pop() if alike else None


def _minus(sample: list[str]) -> list[str]:
    """Return how negative numbers are written besides "-"."""
    negative = [text for text in sample if text.startswith(MINUS)]
    signs = [sign for sign in MINUS if any(re.match(rf"{sign}.*\d", text) for text in negative)]
    if any(re.fullmatch(r"\(.*\d.*\)", text) for text in sample):
        signs.append(PARENTHESES)
    signs += [f"{BEHIND}-"] if any(re.search(r"\d\.?\s?-$", text) for text in sample) else []
    return signs


def _of_ledgers(sample: list[str]) -> tuple[list[str], str | None]:
    """Return the letters behind negative numbers, such as DR, and those behind the others.

    Where all numbers have the same letters, they make no difference. Which of debit and credit is
    negative, changes the sign of a column and no more.
    """
    letters = [match[1] if (match := LEDGER.search(text)) else "" for text in sample]
    there = {*letters} - {""}
    debits = {text for text in there if text[0] in "Dd"}
    if debits and there > debits:
        return sorted(debits), next(iter(there - debits))
    return ([] if all(letters) else sorted(there)), None


def _multiples(sample: list[str]) -> dict[str, int] | None:
    """Return the letters behind numbers that multiply them, if there are no others."""
    letters = {match[1] for text in sample if (match := re.search(r"\d\s*([A-Za-z]+)\)?$", text))}
    if not letters or not {word.lower() for word in letters} <= MULTIPLES.keys():
        return None
    return {word: MULTIPLES[word.lower()] for word in sorted(letters)}


def _follows_zero(mark: str, texts: pl.DataFrame) -> bool:
    """Say whether a mark follows a zero with which a number begins: then it is a decimal mark."""
    return bool(texts["text"].str.contains(rf"^[^\d]*0{re.escape(mark)}\d").any())


def _also(column: Column) -> str:
    """Say what is unusual about numbers, to be read after "numbers"."""
    minus = column.minus or []
    parts = ["in parentheses where negative"] * (PARENTHESES in minus)
    for sign in minus:
        if sign.startswith(BEHIND):
            parts.append(f"with '{sign.removeprefix(BEHIND)}' behind them for minus")
        elif sign != PARENTHESES:
            parts.append(f"with '{sign}' for minus")
    if column.multiples:
        named = (f"{letters} for {factor:,}" for letters, factor in column.multiples.items())
        parts.append(f"with {' and '.join(named)}")
    return "".join(f", {part}" for part in parts)
