"""Typed ends of a column: Polars says of them only that they may be anything."""

from typing import Any

import polars as pl


def bounds(values: pl.Series) -> tuple[Any, Any]:
    """Return the least and the greatest value, of the column's own type; None where all are null.

    Args:
        values: (n,) numbers or times, in which null does not count.
    """
    return values.min(), values.max()
