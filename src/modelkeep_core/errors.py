"""A person's mistake, told in a message that helps instead of a traceback."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches


class UserError(Exception):
    """What cannot be used, where it stands, and what to do about it."""


@contextmanager
def exit_on_user_error() -> Iterator[None]:
    """Turn a UserError into its message on standard error and exit status 1."""
    try:
        yield
    except UserError as error:
        sys.exit(f"error: {error}")


def suggestion(word: str, words: Iterable[str]) -> str:
    """Return " (did you mean 'x'?)" for the one of `words` nearest to `word`, or nothing."""
    near = get_close_matches(word, list(words), n=1)
    return f" (did you mean '{near[0]}'?)" if near else ""
