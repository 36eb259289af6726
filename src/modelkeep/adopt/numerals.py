"""How people write numbers: units, groups of thousands, decimal commas, K and M, minus signs."""

import re
from collections.abc import Iterator

import polars as pl

from modelkeep_core.schema import PARENTHESES, Column

PLAIN = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
# Groups of three digits, or, in India, of two before the last; none begins with a zero
GROUPED = (
    r"^[+-]?([1-9]\d{{0,2}}({0}\d{{3}})+|[1-9]\d?({0}\d{{2}})+{0}\d{{3}}|\d+)({1}\d*)?([eE]\d+)?$"
)
SYMBOLS = r"^[(+\u2212-]*\s*([$€£¥₹])|([%‰°€£$]|\s[A-Za-z]{1,4})\)?$"
SPACE = r"[\s\u00a0\u202f]"
# Signs that stand for a minus: U+2212, and the dashes that look like it
MINUS = ("\u2212", "\u2013", "\u2012", "\ufe63", "\uff0d")
MULTIPLES = {
    **{"k": 10**3, "m": 10**6, "mn": 10**6, "mio": 10**6},
    **{"b": 10**9, "bn": 10**9, "g": 10**9, "mrd": 10**9, "t": 10**12},
}
TRIED = 200


def ways(texts: pl.DataFrame, comma: bool) -> Iterator[tuple[Column, str, str]]:
    """Yield the ways to read texts as numbers, with a pattern that they must have.

    Args:
        texts: the different texts of a column, in "text".
        comma: whether the file writes decimal commas elsewhere.
    """
    sample = [text.strip() for text in texts["text"].head(TRIED)]
    unit = _unit(sample)
    bare = [text.replace(unit or "", "", 1).strip() for text in sample]
    number = Column(type="number", unit=unit, minus=_minus(bare), multiples=_multiples(bare))
    why = f"numbers{_also(number)}"
    styles = [(None, ","), (None, " "), (None, "'"), (",", "."), (",", " "), (",", "'")]
    if comma:
        styles.sort(key=lambda style: style != (",", "."))
    plain: list[tuple[str | None, str | None]] = [(None, None)]
    for decimal, thousands in [*styles[:1], *plain, *styles[1:]] if comma else [*plain, *styles]:
        if thousands and _follows_zero(thousands, texts):
            continue
        column = number.model_copy(update={"decimal": decimal, "thousands": thousands})
        mark = SPACE if thousands == " " else re.escape(thousands or "")
        pattern = PLAIN if thousands is None else GROUPED.format(mark, f"[{decimal or '.'}]")
        yield column, pattern, why


def doubt(texts: pl.DataFrame, column: Column) -> str:
    """Say how else numbers could be meant, to be read after "numbers"; "" where it is certain.

    Where a mark stands once in a number, before three digits, it could be the decimal one.
    """
    mark = column.thousands
    if mark not in (",", "."):
        return ""
    marked = texts.filter(pl.col("text").str.contains(mark, literal=True))["text"]
    once = marked.str.count_matches(mark, literal=True) == 1
    decimal = column.decimal or "."
    if not len(marked) or not once.all() or texts["text"].str.contains(decimal, literal=True).any():
        return ""
    return (
        f"; '{mark}' in '{marked[0].strip()}' is taken for a mark between thousands: where it is a "
        f'decimal mark, set decimal: "{mark}" in schema.yaml in the place of thousands'
    )


def _unit(sample: list[str]) -> str | None:
    """Return what stands before or behind every number, if anything does."""
    matches = [match for match in map(re.compile(SYMBOLS).search, sample) if match]
    units = {(match[1] or match[2]).strip() for match in matches}
    if len(units) != 1:
        return None
    # Of letters that multiply, those in a part of the numbers make a difference.
    alike = len(matches) == len(sample) or not units <= {*MULTIPLES}
    return units.pop() if alike else None


def _minus(sample: list[str]) -> list[str] | None:
    """Return how negative numbers are written besides "-"."""
    signs = [sign for sign in MINUS if any(text.startswith(sign) for text in sample)]
    if any(re.fullmatch(r"\(.*\d.*\)", text) for text in sample):
        signs.append(PARENTHESES)
    return signs or None


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
    parts += [f"with '{sign}' for minus" for sign in minus if sign != PARENTHESES]
    if column.multiples:
        named = (f"{letters} for {factor:,}" for letters, factor in column.multiples.items())
        parts.append(f"with {' and '.join(named)}")
    return "".join(f", {part}" for part in parts)
