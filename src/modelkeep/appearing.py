"""Files and directories that appear under their name whole or not at all, and over nothing.

They are made beside it, under a hidden name of their own: two that make the same do not meet. What
somebody leaves who was killed is taken away by the next; a lock tells it from what is being made.
"""

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from glob import escape
from pathlib import Path

from modelkeep_core.leftover import discard

# What a file system says that has no locks
NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


@contextmanager
def appearing(path: Path, directory: bool = False) -> Iterator[Path]:
    """Lend what becomes `path` when it is whole: an empty file, or an empty directory.

    Raises:
        OSError: it cannot be made, or something has that name by now.
    """
    start = f".{path.name if directory else path.stem}."
    ending = f".partial{'' if directory else path.suffix}"
    for left in path.parent.glob(f"{escape(start)}*{escape(ending)}"):
        with _held(left) as nobody_else:
            if nobody_else:
                _remove(left)
    partial = path.with_name(f"{start}{secrets.token_hex(4)}{ending}")
    if directory:
        partial.mkdir(parents=True)
    else:
        partial.touch(exist_ok=False)
    try:
        with _held(partial):
            yield partial
            _rename(partial, path)
    finally:
        _remove(partial)


def locked(file: int, exclusive: bool) -> bool:
    """Lock an open file where the system has such locks; say whether nobody else has it locked."""
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(file, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
    return True


@contextmanager
def _held(path: Path) -> Iterator[bool]:
    """Keep others from taking away what is being made; say whether nobody else makes it."""
    if os.name == "nt":
        yield False
        return
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        yield False
        return
    try:
        yield locked(file, exclusive=True)
    finally:
        os.close(file)


def _rename(partial: Path, path: Path) -> None:
    """Give a file or directory its name, which nobody has yet.

    Raises:
        OSError: somebody has.
    """
    if partial.is_dir():
        os.replace(partial, path)
        return
    try:
        os.link(partial, path)
    except FileExistsError:
        raise
    except OSError:
        # A file system without links; nor has it a way to refuse what is there now.
        os.replace(partial, path)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        discard(path)
