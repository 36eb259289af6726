"""What fuzzers have in common: how many examples, what is hostile, and where may be written.

`MODELKEEP_FUZZ=10000 pytest -k fuzz` tries as many mutations of each kind, instead of a few.
"""

import copy
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

FEW = 60
EXAMPLES = int(os.environ.get("MODELKEEP_FUZZ", FEW))
# Bytes that the process may grow by, and seconds that an example may take
MOST, LONGEST = 500 * 2**20, timedelta(seconds=20)
# How many parts of an example are changed at most
CHANGES = 3
HOSTILE: list[Any] = [
    *(None, True, -1, 0, 1.5, 10**18, 10**40, 1e308, float("nan"), "", "x", "5", "../../x", "/etc"),
    *("\x1b[8m", "a\nb", "\u202e", "\ud800", "=1+1", "</script>", "x" * 5000, [], {}, [[]], [None]),
    *({"": {}}, [{}], ["x"], {"x": "y"}, [[[[[]]]]], "0" * 32, "0" * 64, "a:b", "C:\\x", "\0"),
]


def fuzzed(test: Callable[..., None]) -> Callable[..., None]:
    """Let hypothesis try a test as often as wanted, with the same examples every time."""
    return settings(
        max_examples=EXAMPLES,
        deadline=LONGEST,
        derandomize=EXAMPLES == FEW,
        database=None,
        suppress_health_check=list(HealthCheck),
    )(test)


def changed(value: Any, draw: Callable[[Any], Any]) -> Any:
    """Return a copy of nested lists and mappings, in which a few parts are other ones, or gone."""
    whole = [copy.deepcopy(value)]
    for _ in range(draw(st.integers(1, CHANGES))):
        place: Any = whole
        key: Any = 0
        while isinstance(place[key], list | dict) and place[key] and draw(st.integers(0, 5)):
            place = place[key]
            key = draw(
                st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place)))
            )
        what = draw(st.integers(0, 9))
        if what == 0 and place is not whole:
            del place[key]
        elif what == 1 and isinstance(place, dict):
            place[draw(st.sampled_from(["", "../x", "\x1b", "a\nb", "x" * 300]))] = place.pop(key)
        else:
            place[key] = copy.deepcopy(draw(st.sampled_from(HOSTILE)))
    return whole[0]


def damaged(content: bytes, draw: Callable[[Any], Any]) -> bytes:
    """Return bytes with a few cuts, insertions and repetitions."""
    for _ in range(draw(st.integers(1, CHANGES))):
        start = draw(st.integers(0, len(content)))
        end = min(len(content), start + draw(st.sampled_from([0, 1, 2, 8, 64, 1_000])))
        new = draw(
            st.one_of(
                st.binary(max_size=8),
                st.sampled_from(
                    [b"", b"{", b"[" * 2_000, b"&a *a", b"\0", b"\xff", b"9" * 400, b"\n"]
                ),
                st.just(content[start:end] * 3),
            )
        )
        content = content[:start] + new + content[end:]
    return content


def broken(value: Any, draw: Callable[[Any], Any]) -> bytes:
    """Return JSON, which is YAML too, that is damaged in its meaning or in its bytes."""
    if draw(st.integers(0, 3)):
        return json.dumps(changed(value, draw)).encode()
    return damaged(json.dumps(value, indent=1).encode(), draw)


class _Watch:
    """Notes each file that is opened for writing, made, moved or removed while it is on."""

    def __init__(self) -> None:
        self.on = False
        self.places: list[str] = []

    def __call__(self, event: str, args: Sequence[Any]) -> None:
        if not self.on:
            return
        if event == "open" and isinstance(args[0], str) and args[2] & (os.O_WRONLY | os.O_RDWR):
            self.places.append(args[0])
        elif event in ("os.mkdir", "os.rename", "os.remove", "os.symlink", "os.rmdir", "os.chmod"):
            self.places += [str(place) for place in args[:2] if isinstance(place, str | Path)]
        elif event in ("os.system", "os.exec", "os.posix_spawn"):
            self.places.append(event)


_WATCH = _Watch()
sys.addaudithook(_WATCH)


@contextmanager
def confined(*directories: Path) -> Iterator[None]:
    """Make sure that nothing is written but in some directories, and that memory stays in bounds.

    Raises:
        AssertionError: something was, or it did not.
    """
    import resource

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    _WATCH.places, _WATCH.on = [], True
    try:
        yield
    finally:
        _WATCH.on = False
    inside = tuple(str(directory) for directory in (*directories, "/dev/null"))
    assert [place for place in _WATCH.places if not place.startswith(inside)] == []
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < MOST
