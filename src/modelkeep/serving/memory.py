"""The memory of a worker: what stays for good is not looked through, what was freed is given back.

After requests with very many values, the C library keeps what they took; and Python, as long as it
looks for cycles among all objects of the libraries, stops every request for a tenth of a second.
"""

import ctypes
import gc
import sys
from collections.abc import Callable
from functools import cache

# Seconds after which a thread that computes lets the event loop go on: a fifth of Python's default
SWITCH = 0.001
# How many more objects than before there must be until cycles are looked for among the new ones
NEW_OBJECTS = 20_000


def settle() -> None:
    """Take all that is there now for good, and let no thread keep the event loop waiting."""
    sys.setswitchinterval(SWITCH)
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS, *gc.get_threshold()[1:])


def give_back() -> None:
    """Give memory that was freed back to the system, where the C library would keep it."""
    if trim := _trim():
        trim(0)


@cache
def _trim() -> Callable[[int], int] | None:
    """Return glibc's function for that; other C libraries have none."""
    if not sys.platform.startswith("linux"):
        return None
    return getattr(ctypes.CDLL(None), "malloc_trim", None)
