"""What the texts of a column are taken for, and whether all of them can be read so."""

from collections.abc import Collection
from dataclasses import dataclass

import polars as pl

from modelkeep_core.cells import bare, typed
from modelkeep_core.schema import Column

# What stands for nothing in every column (\N is how databases write it), and what does where the
# other cells are of one type
NOTHING = {"", "na", "n/a", "#n/a", "<na>", "nan", "null", "nat", "?", "\\n"}
NO_VALUE = {
    *(
        "-",
        "--",
        "---",
        "\u2013",
        "\u2014",
        ".",
        "..",
        "...",
        "*",
        "none",
        "nil",
        "n.a.",
        "na.",
        "nd",
        "n.d.",
        "tbd",
    ),
    *("missing", "unknown", "not available", "inf", "+inf", "-inf", "infinity", "-infinity"),
    *("#div/0!", "#value!", "#ref!", "#name?", "#num!", "#null!", "#spill!", "#calc!"),
    *("#" * letters for letters in range(2, 16)),
    *("-nan", "1.#ind", "-1.#ind", "1.#qnan", "-1.#qnan", "1.#inf", "-1.#inf"),
    *("(null)", "(blank)", "(empty)", "n/d", "n.k.", "k.a.", "k. a.", "s/d", "n.r."),
    *("0000-00-00", "00/00/0000"),
    *("00.00.0000", "00-00-0000", "0000-00-00 00:00:00"),
}
# How many other texts, and in what share of the cells, a column of one type may have
STRAYS, STRAY_SHARE = 3, 0.05
# A word such as Na or Null, which is a name as often as it is nothing
NAME = r"^[A-Z][a-z]+$"


@dataclass(frozen=True)
class Hints:
    """What a person says of a column.

    Attributes:
        keep: texts that are values of it, although they could stand for nothing.
        empty: texts that stand for nothing in it.
        formats: how its dates are written, as for strptime.
    """

    keep: frozenset[str] = frozenset()
    empty: frozenset[str] = frozenset()
    formats: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reading:
    """What a column of texts is taken for.

    Attributes:
        column: its type, and how it is written.
        why: how that was found.
        strays: the texts that cannot be read so, and count as empty cells.
        doubt: how it could be read otherwise, in words that follow the column's name; or nothing.
        decision: the option, or the rule of schema.yaml, that decides, and its values.
    """

    column: Column
    why: str
    strays: tuple[str, ...] = ()
    doubt: str = ""
    decision: tuple[str, ...] = ()

    @property
    def odd(self) -> tuple[str, ...]:
        """The strays that say something: neither nothing nor no value."""
        return tuple(text for text in self.strays if not is_no_value(text))


def is_no_value(text: str) -> bool:
    """Say whether a text among numbers, dates or booleans stands for nothing."""
    return text.strip().lower() in NOTHING | NO_VALUE


def stands_for_nothing(texts: pl.Expr) -> pl.Expr:
    """Say of texts whether they stand for nothing in every column."""
    bare = texts.str.strip_chars()
    return bare.str.to_lowercase().is_in(NOTHING) & ~bare.str.contains(NAME)


def fits(column: Column, pattern: str = "") -> pl.Expr:
    """Say of "text" whether it can be read as `column`, and has the pattern without its unit."""
    cell = bare(pl.col("text").str.strip_chars(), column)
    value = typed(pl.col("text"), pl.String(), column)
    fit = value.is_not_null() & (cell.str.contains(pattern) if pattern else True)
    return fit & value.is_finite() if column.type == "number" else fit


def accepted(texts: pl.DataFrame, column: Column, why: str, pattern: str = "") -> Reading | None:
    """Return the reading of texts as `column`, if they can be read so, but for a few.

    Args:
        texts: different texts, in columns "text" and "rows", how often each is there.
        column: what they may be.
        why: why that is so.
        pattern: what each text must match.
    """
    strays = texts.filter(~fits(column, pattern))
    if len(strays):
        named = strays.filter(~_has_no_value())
        few = len(named) <= STRAYS and rows_of(named) <= STRAY_SHARE * rows_of(texts)
        if len(strays) == len(texts) or not few or (len(named) and column.type == "boolean"):
            return None
    return Reading(column, why, tuple(strays["text"].sort()))


def rows_of(texts: pl.DataFrame) -> int:
    """Return in how many cells texts are."""
    return int(texts["rows"].sum())


def without(texts: pl.DataFrame, strays: Collection[str]) -> pl.DataFrame:
    """Return the texts but for some, with blanks around them or not."""
    text, some = pl.col("text"), list(strays)
    return texts.filter(~text.is_in(some) & ~text.str.strip_chars().is_in(some))


def meaningful(texts: pl.DataFrame) -> pl.DataFrame:
    """Return the texts that do not stand for nothing among numbers or dates."""
    return texts.filter(~_has_no_value())


def _has_no_value() -> pl.Expr:
    folded = pl.col("text").str.strip_chars().str.to_lowercase()
    return folded.is_in(NOTHING | NO_VALUE)
