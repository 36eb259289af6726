"""What is wrong with a worker, and since when: told to `/health`, the log and the metrics alike."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from modelkeep.serving.counters import Counters
from modelkeep_core.visible import in_line

LOG = logging.getLogger("uvicorn.error")
# What may be wrong, and how the log says so
MEANINGS = {
    "refused_package": "the package that should answer now is refused",
    "following": "newer versions are not noticed",
    "recording": "answers are not recorded now",
    "attending": "the server does not look after its package and its records",
    "tidying": "the file of the records and the memory are not kept small",
}
# Seconds until a task that failed is tried again, at most
AGAIN = 1.0


class Faults:
    """The faults of a worker."""

    def __init__(self, counters: Counters) -> None:
        """Begin with none."""
        self._counters = counters
        self._reasons: dict[str, str] = {}
        self._since: dict[str, str] = {}
        for name in MEANINGS:
            counters.fault(name, False)

    def tell(self, name: str, reason: str) -> None:
        """Say how it is; only a change is logged.

        Args:
            name: one of MEANINGS.
            reason: what is wrong, or "".
        """
        if reason == self._reasons.get(name, ""):
            return
        self._counters.fault(name, bool(reason))
        if reason:
            self._reasons[name] = reason
            self._since.setdefault(name, now())
            LOG.error("%s: %s", MEANINGS[name], in_line(reason))
        else:
            del self._reasons[name]
            LOG.info("no longer, since %s: %s", self._since.pop(name), MEANINGS[name])

    @property
    def reasons(self) -> dict[str, str]:
        """What is wrong, by name."""
        return {name: self._reasons[name] for name in MEANINGS if name in self._reasons}

    @property
    def since(self) -> dict[str, str]:
        """Since when, by name, as ISO 8601 in UTC."""
        return {name: self._since[name] for name in self.reasons}


class Task:
    """What a worker does again and again, watched: whether it fails, hangs or has ended.

    Attributes:
        name: one of MEANINGS.
    """

    def __init__(
        self, name: str, step: Callable[[], Awaitable[None]], every: float, patience: float
    ) -> None:
        """Prepare to do it.

        Args:
            name: one of MEANINGS.
            step: does it once.
            every: seconds between two times.
            patience: seconds that it takes at most when all is well.
        """
        self.name = name
        self._step = step
        self._every = every
        self._patience = patience
        self._failure = ""
        self._begun: tuple[float, str] | None = None
        self._ended = ""

    async def run(self) -> None:
        """Do it until this is cancelled, whatever goes wrong with one of the times."""
        try:
            while True:
                await asyncio.sleep(min(self._every, AGAIN) if self._failure else self._every)
                self._begun = time.monotonic(), now()
                try:
                    await self._step()
                except Exception as error:
                    if repr(error) != self._failure:
                        LOG.exception("%s", MEANINGS[self.name])
                    self._failure = repr(error)
                else:
                    self._failure = ""
                self._begun = None
        finally:
            self._ended = now()

    @property
    def fault(self) -> str:
        """What is wrong with it, or ""."""
        if self._ended:
            return f"it ended at {self._ended}; the server must be started again"
        if self._begun and time.monotonic() - self._begun[0] > self._patience:
            return f"it has not come to an end since {self._begun[1]}"
        return self._failure


def now() -> str:
    """Return the present time as ISO 8601 in UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")
