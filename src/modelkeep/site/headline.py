"""The headline metric of a version, if it has one that can be drawn."""

import math
from typing import Any

from modelkeep.site.clean import mapping

NUMBERS = ("value", "low", "high")


def headline_of(metadata: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return metric, value and interval; None where one of them is missing or no finite number."""
    headline = mapping(metadata, "metrics", "headline")
    if not isinstance(headline.get("metric"), str):
        return None
    try:
        numbers = {name: float(headline[name]) for name in NUMBERS}
    except (KeyError, OverflowError, TypeError, ValueError):
        return None
    return headline | numbers if all(map(math.isfinite, numbers.values())) else None
