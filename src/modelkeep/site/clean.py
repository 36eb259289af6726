"""What a repository says, made harmless: text that shows all its characters, JSON of any shape."""

import math
from functools import lru_cache
from typing import Any

from modelkeep_core.visible import visible

# How far a browser counts without rounding
LARGEST = 2**53
# How deep what a repository says may be nested
DEEPEST = 12


@lru_cache(maxsize=8192)
def in_line(text: str) -> str:
    """Return a clean text in one line. The same texts come again in every version."""
    return visible(" ".join(text.split()))


def plain(value: Any, deepest: int = DEEPEST) -> Any:
    """Return a JSON value that every browser reads alike; what is nested too deeply is cut."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else repr(value)
    if isinstance(value, int):
        return (
            value if abs(value) < LARGEST else f"{value:.6e}" if value < 10**300 else "very large"
        )
    if not deepest:
        return "…"
    if isinstance(value, dict):
        return {visible(str(key)): plain(part, deepest - 1) for key, part in value.items()}
    return [plain(part, deepest - 1) for part in value]


def mapping(value: Any, *keys: str) -> dict[str, Any]:
    """Return the mapping at a path of keys; an empty one where there is none."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def word(value: Any, deepest: int = DEEPEST) -> str:
    """Return what a person reads of a JSON value in a cell."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict) and not deepest:
        return "…"
    if isinstance(value, list):
        return ", ".join(word(part, deepest - 1) for part in value)
    if isinstance(value, dict):
        pairs = (f"{visible(str(key))}: {word(part, deepest - 1)}" for key, part in value.items())
        return f"{{{', '.join(pairs)}}}"
    return visible(str(plain(value)))


def flat(value: Any) -> dict[str, Any]:
    """Return nested mappings as one, by dotted names; what is nested too deeply is left out."""
    names: dict[str, Any] = {}
    _flatten(value, "", names, DEEPEST)
    return names


def _flatten(value: Any, above: str, names: dict[str, Any], deepest: int) -> None:
    if isinstance(value, dict) and value and deepest:
        for key, part in value.items():
            _flatten(part, f"{above}.{key}" if above else str(key), names, deepest - 1)
    elif above and deepest:
        names[above] = value
