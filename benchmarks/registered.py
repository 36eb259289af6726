"""What history.py says that was registered, as the peers are filled with it."""

from collections.abc import Iterator
from typing import Any


def leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yield what is in nested dictionaries under names joined with dots."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{name}.{key}" if name else key)
    else:
        yield name, value


def data_of(metadata: dict[str, Any]) -> str:
    """Return the SHA-256 of the raw data file."""
    return str(metadata["data"]["files"][0]["sha256"])
