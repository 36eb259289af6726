"""Numbers that may be moments: seconds since 1970, or the days that a spreadsheet counts."""

import re
from datetime import datetime, timedelta

import polars as pl

from modelkeep.adopt.options import deciding
from modelkeep.adopt.scalars import bounds
from modelkeep_core.cells import EXCEL, MILLISECONDS
from modelkeep_core.schema import Column

WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
# Words in the name of a column of moments, and how others end
WORDS = {"at", "ts", "dt", "created", "updated", "modified", "epoch", "unix", "day", "jour", "dia"}
ENDS = ("date", "datum", "fecha", "data", "time", "stamp")
# What is counted, from when, how long one is, and the format that reads it
COUNTED = (
    ("days, as spreadsheets count them", datetime(1899, 12, 30), timedelta(days=1), EXCEL),
    ("seconds since 1970", datetime(1970, 1, 1), timedelta(seconds=1), "%s"),
    ("milliseconds since 1970", datetime(1970, 1, 1), timedelta(milliseconds=1), MILLISECONDS),
)
FIRST, LAST = datetime(1990, 1, 1), datetime(2041, 1, 1)


def may_be_moments(name: str, column: Column, values: pl.Series, written: pl.Series) -> str:
    """Say which moments numbers may be, with the option that reads them so; "" for none.

    Args:
        name: of the column, which must say that it holds dates or times.
        column: what it is taken for.
        values: (n,) its numbers.
        written: (n,) the same cells as they are in the file.
    """
    words = {word.lower() for word in WORD.findall(name)}
    if not column.number or not (words & WORDS or any(word.endswith(ENDS) for word in words)):
        return ""
    low, high = map(float, bounds(values))
    for what, start, step, form in COUNTED:
        if (FIRST - start) / step <= low < high < (LAST - start) / step:
            first, last = start + low * step, start + high * step
            reads = f"{deciding('--format', name, form)} reads them so"
            remedy = reads if written.dtype == pl.String else "make them dates in the file"
            return (
                f"'{name}' holds numbers that may be {what}, {first:%Y-%m-%d} to {last:%Y-%m-%d}: "
                f"where they are, {remedy}"
            )
    return ""
