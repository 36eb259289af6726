"""The bodies of requests on their way in, within limits of bytes and seconds."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext

from starlette.requests import Request

from modelkeep.serving.rows import Problem

# Bodies up to this size are always taken; of longer ones, so many at once may be in memory
SMALL, TOGETHER = 64 * 1024, 16
# Of those that are there, so many are parsed at once: rows take far more memory than their bytes
PARSED = 4
BUSY = "Too many long requests; try again soon."


class Rejected(Exception):
    """A request that gets no prediction.

    Attributes:
        status: the HTTP status.
        detail: why, in a sentence.
        problems: the first values that break the schema, where that is why.
    """

    def __init__(self, status: int, detail: str, problems: tuple[Problem, ...] = ()) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.problems = problems


class Inlet:
    """Takes the bodies of requests."""

    def __init__(self, seconds: float, most_bytes: int) -> None:
        """Set the limits.

        Args:
            seconds: how long a body may take.
            most_bytes: how many bytes it may have.
        """
        self._seconds = seconds
        self._most_bytes = most_bytes
        self._room = TOGETHER * max(most_bytes, SMALL)
        self._turns = asyncio.Semaphore(PARSED)

    @asynccontextmanager
    async def body(self, request: Request) -> AsyncIterator[bytes]:
        """Yield the body of a request, which counts among those in memory until the end.

        Long ones wait for their turn.

        Raises:
            Rejected: it is too long, does not come in time, or too many long ones are there.
        """
        if int(request.headers.get("content-length", 0)) > self._most_bytes:
            raise self._too_long()
        taken, body = 0, bytearray()
        try:
            try:
                async with asyncio.timeout(self._seconds):
                    async for part in request.stream():
                        body += part
                        if len(body) > self._most_bytes:
                            raise self._too_long()
                        if len(body) > SMALL:
                            self._room -= len(body) - taken
                            taken = len(body)
                            if self._room < 0:
                                raise Rejected(503, BUSY)
            except TimeoutError:
                late = f"The body did not come within {self._seconds:g} seconds."
                raise Rejected(408, late) from None
            async with self._turn() if taken else nullcontext():
                yield bytes(body)
        finally:
            self._room += taken

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """Wait until fewer long requests are under way.

        Raises:
            Rejected: that takes too long.
        """
        try:
            async with asyncio.timeout(self._seconds):
                await self._turns.acquire()
        except TimeoutError:
            raise Rejected(503, BUSY) from None
        try:
            yield
        finally:
            self._turns.release()

    def _too_long(self) -> Rejected:
        return Rejected(413, f"The body has more than the {self._most_bytes:,} bytes that it may.")
