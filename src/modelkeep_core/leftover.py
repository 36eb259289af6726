"""What is left of a file that could not be written."""

from contextlib import suppress
from pathlib import Path


def discard(path: Path) -> None:
    """Remove it, if that can be: what went wrong before is to be told."""
    with suppress(OSError):
        path.unlink()
