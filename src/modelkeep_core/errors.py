"""A person's mistake, told in a message that helps instead of a traceback."""

import errno
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from modelkeep_core.visible import visible


class UserError(Exception):
    """What cannot be used, where it stands, and what to do about it.

    Attributes:
        page: the page of the documentation that says more, such as "reference/stages.md#the-guard".
    """

    def __init__(self, message: str, page: str | None = None) -> None:
        """Take the message, and a page if there is one."""
        super().__init__(message)
        self.page = page


def reason_of(error: Exception) -> str:
    """Return what an error says, on one line and without the full stop, to stand in a sentence.

    What the system refuses is told without its number.
    """
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return " ".join(str(error).split()).rstrip(".")


def described(error: Exception) -> str:
    """Return what a person reads of an error: "error: ", the message, and where more is said.

    The pages are where `[tool.modelkeep] docs` of pyproject.toml in this directory says.
    """
    message = str(error)
    if isinstance(error, OSError) and error.filename and error.strerror:
        message = f"{error.filename}: {error.strerror}."
    elif isinstance(error, OSError) and error.errno == errno.ENOSPC:
        message = (
            "a disk is full, that of this directory or of temporary files: make room, and run this "
            "again."
        )
    text = f"error: {visible(message)}"
    page = getattr(error, "page", None)
    if page is None:
        return text
    # Every command imports this module, and most need neither this nor what a suggestion needs.
    import tomllib

    try:
        project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))
        more = f"{project['tool']['modelkeep']['docs']}/{page}"
    except (OSError, ValueError, KeyError, TypeError):
        more = f"docs/{page} of cookiecutter-dvc-pipeline"
    return f"{text}\nMore: {visible(more)}"


@contextmanager
def exit_on_user_error() -> Iterator[None]:
    """Turn a UserError into its message on standard error and exit status 1."""
    try:
        yield
    except UserError as error:
        sys.exit(described(error))


def suggestion(word: str, words: Iterable[str]) -> str:
    """Return " (did you mean 'x'?)" for the one of `words` nearest to `word`, or nothing.

    Where none is near as it is written, capitals and small letters count as the same.
    """
    from difflib import get_close_matches

    words = list(words)
    small = {each.lower(): each for each in words}
    near = get_close_matches(word, words, n=1)
    near = near or [small[each] for each in get_close_matches(word.lower(), small, n=1)]
    return f" (did you mean '{near[0]}'?)" if near else ""
