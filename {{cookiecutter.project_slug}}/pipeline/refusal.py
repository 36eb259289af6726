"""A person's mistake, told in a message that helps instead of a traceback."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches


class Refusal(Exception):
    """What cannot be used, where it stands, and what to do about it."""


@contextmanager
def told() -> Iterator[None]:
    """Turn a Refusal into its message on standard error and exit status 1."""
    try:
        yield
    except Refusal as refusal:
        sys.exit(f"error: {refusal}")


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return " (did you mean 'x'?)" for the known word nearest to `word`, or nothing."""
    near = get_close_matches(word, list(known), n=1)
    return f" (did you mean '{near[0]}'?)" if near else ""
