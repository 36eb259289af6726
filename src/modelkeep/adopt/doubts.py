"""How a column could be read otherwise, in sentences with the option that decides."""

import re
import shlex
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from unicodedata import normalize

import polars as pl
from scipy import stats

from modelkeep.adopt.inference import Cells
from modelkeep.adopt.moments import may_be_moments
from modelkeep.adopt.options import deciding
from modelkeep.adopt.reading import stands_for_nothing
from modelkeep.adopt.scalars import bounds
from modelkeep.text import counted
from modelkeep_core.schema import BEHIND

# What programs write for "not known": 99, -999, -999.9, 8888, the limits of whole numbers
SENTINEL = re.compile(r"^(9{2,}(\.9+)?|8{2,}|7{2,}|32767|32768|2147483647|2147483648)$")
# What is such a value below all others, none of which is negative
BELOW = {-9, -8, -7, 0}
# How many times the range of the others a value lies away that is asked about whatever it is
AWAY = 20
NEVER = {(2099, 12, 31), (2199, 12, 31), (2999, 12, 31), (9999, 12, 31), (9999, 1, 1)}
NEVER |= {(1899, 12, 30), (1899, 12, 31), (1900, 1, 1), (1970, 1, 1), (1753, 1, 1)}
# In how many rows a value must be to be asked about, and how wide the others' range for -1
SENTINEL_ROWS, WIDE = 2, 10
# How few rows are not compared with the others, and what no chance explains
LEAST_ROWS, LEVEL = 5, 0.001
# What stands between letters and is not seen
UNSEEN = "[\u00ad\u200b-\u200f\u2060\ufeff]"
# Marks at the end of a value that are no part of it, with blanks
MARKS = " .,;:"
# How many columns, or pairs of spellings, are named
SHOWN = 3


def differ(some: pl.Series, target: pl.Series, task: str) -> bool:
    """Say whether the target of some rows differs from that of the others, beyond chance.

    Args:
        some: (n,) booleans.
        target: (n,) classes or numbers, null where there is none.
        task: "classification" or "regression".
    """
    rows = pl.DataFrame({"some": some, "target": target}).drop_nulls("target")
    sizes = (int(rows["some"].sum()), int((~rows["some"]).sum()))
    if min(sizes) < LEAST_ROWS or rows["target"].n_unique() < 2:
        return False
    if task == "regression":
        parts = (rows.filter(pl.col("some") == side)["target"] for side in (True, False))
        return bool(stats.mannwhitneyu(*parts).pvalue < LEVEL)
    counts = rows.group_by("target").agg(there=pl.col("some").sum(), rows=pl.len())
    table = counts.select("there", other=pl.col("rows") - pl.col("there")).to_numpy()
    return bool(stats.chi2_contingency(table.T).pvalue < LEVEL)


def unclear(name: str, cells: Cells, written: pl.Series) -> Iterator[str]:
    """Yield what a person should look at in a column that is a feature, the time or the target."""
    reading, column = cells.reading, cells.column
    if reading.doubt:
        rule, *values = reading.decision
        if rule == "--format":
            yield f"'{name}' {reading.doubt}: {deciding(rule, name, *values)} is the other way"
        else:
            yield f"'{name}' {reading.doubt}: `{rule}: {values[0]}` in schema.yaml is the other way"
    if moments := may_be_moments(name, column, cells.values, written):
        yield moments
    if column.texts:
        yield _bounds(name, cells, written)
    if column.unit and (plain := _without_unit(cells, written)):
        unit, (text, rows) = column.unit, plain
        rest = cells.values.count() - rows
        yield (
            f"'{name}': {rest} cells have the unit '{unit}', and {rows}, such as '{text}', have "
            "none: all are read alike. Where they do not mean the same, correct the file"
        )
    if column.type in ("number", "integer", "datetime"):
        for value, rows in sentinels(cells.values):
            shown = f"{value:%Y-%m-%d}" if isinstance(value, datetime) else f"{value:g}"
            yield (
                f"'{name}' is {shown} in {rows} of {cells.values.count()} rows, far from all other "
                f"values: if it stands for nothing, {deciding('--empty', name, shown)}"
            )


def strays(name: str, cells: Cells, written: pl.Series, kept: bool, target: str) -> str:
    """Say what becomes of texts among numbers or dates that are neither.

    Args:
        name: of the column.
        cells: its numbers or dates, with the strays.
        written: the same cells as they are in the file.
        kept: whether the strays are values now.
        target: what they were compared by.
    """
    odd = cells.reading.odd
    rows = int(written.is_in([*odd]).sum())
    shown = ", ".join(repr(text.strip()) for text in odd)
    kind = "dates" if cells.column.type == "datetime" else "numbers"
    problem = f"'{name}' has {shown} among its {kind}, in {counted(rows, 'cell')}"
    text = odd[0].strip()
    if kept:
        empty = deciding("--empty", name, text)
        why = f"and '{target}' is different there, so the column is a category"
        return f"{problem}, {why}: {empty} makes them empty cells"
    if name == target:
        empty = deciding("--empty", name, text)
        return f"{problem}, whose rows are left out: correct the file, or say so with {empty}"
    keep = deciding("--keep", name, text)
    return f"{problem}, which count as empty: {keep} makes it a category"


def words_for_nothing(columns: dict[str, dict[str, int]]) -> Iterator[str]:
    """Yield a note for each text that stands for nothing among texts, where it may be a value.

    Args:
        columns: for each category, in how many cells each text that counts as empty is.
    """
    places: dict[str, list[tuple[str, int]]] = {}
    for name, empty in columns.items():
        for text, rows in empty.items():
            usual = pl.select(stands_for_nothing(pl.lit(text))).item()
            if text.strip() and usual:
                places.setdefault(text.strip(), []).append((name, rows))
    for text, names in sorted(places.items()):
        more = f" and {len(names) - SHOWN} more columns" if len(names) > SHOWN else ""
        where = ", ".join(f"'{name}' ({rows})" for name, rows in names[:SHOWN])
        alone = len(names) == 1
        option = deciding("--keep", names[0][0], text) if alone else f"--keep {shlex.quote(text)}"
        yield (
            f"cells that say '{text}' count as empty in {where}{more}: where that is a value, "
            f"{option}"
        )


def spellings(name: str, values: pl.Series) -> str:
    """Say which values of a category differ in capitals, blanks or code points alone, or nothing.

    An ü may be a letter, or a u and the dots over it; some blanks have no width. Marks that end a
    sentence make no difference either.
    """
    texts = values.drop_nulls().unique().sort().alias("text")
    alike = pl.col("text").str.normalize("NFKC").str.replace_all(UNSEEN, "")
    alike = alike.str.strip_chars_end(MARKS)
    folded = (
        alike.str.replace_all(r"\s", " ")
        .str.split(" ")
        .list.eval(pl.element().filter(pl.element() != ""))
    )
    groups = (
        texts.to_frame()
        .group_by(folded.list.join(" ").str.to_lowercase().alias("same"), maintain_order=True)
        .agg("text")
        .filter(pl.col("text").list.len() > 1)
    )["text"].to_list()
    if not groups:
        return ""
    shown = "; ".join(" and ".join(_told_apart(group)) for group in groups[:SHOWN])
    more = f"; and {len(groups) - SHOWN} more" if len(groups) > SHOWN else ""
    hidden = any(not text.isascii() for group in groups for text in group)
    marked = any(text.strip() != text.strip().rstrip(MARKS) for group in groups for text in group)
    what = "capitals, blanks or code points" if hidden else "capitals or blanks"
    what = f"{what.replace(' or ', ', ')} or marks at the end" if marked else what
    return f"'{name}' has values that differ in {what} alone: {shown}{more}"


def one_class(name: str, values: pl.Series, written: pl.Series) -> str:
    """Say which texts of a target became one class, or nothing.

    Args:
        name: of the target.
        values: (n,) its classes, as they were read.
        written: (n,) the same cells as they are in the file.
    """
    if written.dtype != pl.String or values.dtype == pl.String:
        return ""
    pairs = pl.DataFrame({"class": values, "text": written}).drop_nulls().unique().sort("text")
    groups = pairs.group_by("class", maintain_order=True).agg("text")["text"].to_list()
    alike = [" and ".join(repr(text) for text in group) for group in groups if len(group) > 1]
    more = f"; and {len(alike) - SHOWN} more" if len(alike) > SHOWN else ""
    shown = f"{'; '.join(alike[:SHOWN])}{more}"
    return f"in '{name}', each of these is one class: {shown}" if alike else ""


def _told_apart(group: list[str]) -> list[str]:
    """Write texts so that a person sees the difference, by code points where it has no look."""
    looks = [normalize("NFC", re.sub(UNSEEN, "", text)).replace("\u00a0", " ") for text in group]
    return [repr(text) if len({*looks}) == len(looks) else ascii(text) for text in group]


def sentinels(values: pl.Series) -> list[tuple[Any, int]]:
    """Return values such as -999 that lie far from all others, and in how many rows they are."""
    present = values.drop_nulls()
    distinct = present.unique().sort()
    ends = [*distinct.head(SHOWN), *distinct.tail(SHOWN)]
    asked = {value for value in ends if _never(value)} | _apart(distinct)
    others = distinct.filter(~distinct.is_in([*asked])) if asked else distinct
    if len(others) < 2:
        return []
    low, high = bounds(others)
    far = {value for value in asked if max(low - value, value - high) > high - low}
    if not isinstance(low, datetime) and low >= 0:
        far |= {value for value in asked if value < 0}
    if not isinstance(low, datetime) and distinct[0] == -1 and distinct[1] >= 0:
        far |= {-1} if high > WIDE else set()
    counted = [(value, int((present == value).sum())) for value in sorted(far)]
    return [(value, rows) for value, rows in counted if rows >= SENTINEL_ROWS]


def _apart(distinct: pl.Series) -> set[Any]:
    """Return the least and the greatest number, if they are what people write for nothing.

    Args:
        distinct: (n,) different values in their order.
    """
    if len(distinct) < 4 or isinstance(distinct[0], datetime):
        return set()
    first, second, *_, last_but_one, last = (distinct[place] for place in (0, 1, -2, -1))
    apart = {first} if first in BELOW and second >= 0 else set()
    if second - first > AWAY * (last - second):
        apart.add(first)
    if last - last_but_one > AWAY * (last_but_one - first):
        apart.add(last)
    return apart


def _never(value: Any) -> bool:
    if isinstance(value, datetime):
        return (value.year, value.month, value.day) in NEVER or value.year > 2900
    return SENTINEL.match(f"{abs(value):.10g}") is not None


def _bounds(name: str, cells: Cells, written: pl.Series) -> str:
    texts = cells.column.texts or {}
    kind = "dashes" if not any(texts.values()) else "bounds"
    rows = int(written.str.strip_chars().is_in([*texts]).sum())
    shown = ", ".join(f"'{text}' as {number:g}" for text, number in [*texts.items()][:SHOWN])
    more = f" and {len(texts) - SHOWN} more" if len(texts) > SHOWN else ""
    text = next(iter(texts))
    return (
        f"'{name}' has {kind} among its numbers, in {counted(rows, 'cell')}, and reads {shown}"
        f"{more}: {deciding('--empty', name, text)} makes them empty, "
        f"{deciding('--keep', name, text)} makes it a category"
    )


def _without_unit(cells: Cells, written: pl.Series) -> tuple[str, int] | None:
    """Return a number that has not the unit of the others, and how many there are."""
    unit = cells.column.unit or ""
    bare = cells.values.is_not_null() & ~written.str.contains(unit, literal=True).fill_null(True)
    for sign in cells.column.minus or ():
        # Of CR and DR, one is the unit.
        if sign.startswith(BEHIND):
            bare &= ~written.str.strip_chars().str.ends_with(sign.removeprefix(BEHIND))
    plain = written.filter(bare)
    return (plain[0], len(plain)) if len(plain) else None
