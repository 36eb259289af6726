"""What many tasks need, in a file that workers read, so that no table goes through a scheduler."""

import pickle
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from modelkeep_core.workers import check_shared, packed, processes, remote

# In a project, where Git looks for nothing, and the workers of a cluster find it
SHARED = Path(".dvc/tmp")
_values: dict[Path, Any] = {}
_LOCK = threading.Lock()


class Loan(NamedTuple):
    """Where a value is, and whether only this process has it."""

    path: Path
    here: bool


@contextmanager
def lent(value: Any) -> Iterator[Loan]:
    """Lend a value to the tasks that are run in the block.

    What cannot be written, such as a metric that is a lambda, stays in this process.
    """
    place = SHARED.resolve() if SHARED.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="lent-", dir=place) as directory:
        path = Path(directory).resolve() / "value"
        here = not remote() and processes() == 1
        if not here:
            try:
                path.write_bytes(packed(value))
            except (pickle.PicklingError, AttributeError, TypeError):
                here = True
        _values[path] = value
        try:
            yield Loan(path, here)
        finally:
            _values.pop(path, None)


def borrowed(path: Path) -> Any:
    """Return what was lent; a worker reads it once, and lets go of what it had before.

    Raises:
        UserError: this is the worker of another machine, which has no such file.
    """
    with _LOCK:
        if path not in _values:
            check_shared(path)
            value = pickle.loads(path.read_bytes())
            _values.clear()
            _values[path] = value
        return _values[path]
