"""Clients that have connected, and of whom no whole head of a request has come yet.

A parser costs more than a connection. Of those who send a letter and wait, or send without asking,
each costs so little that nobody who asks stands long in line behind them.
"""

import asyncio
import re
from typing import Any

from uvicorn.config import Config
from uvicorn.server import ServerState

from modelkeep.serving import connections
from modelkeep.serving.connections import LAST_SECONDS, Connection, waiting

# The line without a word that ends a head
END = re.compile(rb"\n\r?\n")
# Bytes of a head that are kept here; a longer one is the parser's, which limits it
SHORT = 4 * 1024


class Arrival(asyncio.Protocol):
    """Waits for the head of a client's first request; the connection is made with it.

    Where there are too many connections, the one that waits longest for its client is ended.
    """

    __slots__ = ("_ends", "_head", "_late", "_made_of", "_queue", "_transport")

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        """Take what a connection is made of, as uvicorn hands it over."""
        self._made_of = config, server_state, app_state, _loop or asyncio.get_running_loop()
        self._head = b""
        self._ends = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take in a client, in the place of another if need be."""
        _, state, _, loop = self._made_of
        self._transport = transport
        self._late = loop.call_later(connections.HEAD_SECONDS, self.cut, "slow")
        self._queue = waiting(state)
        self._queue[self] = None
        state.connections.add(self)  # type: ignore[arg-type]
        if len(state.connections) > connections.most_connections():
            next(iter(self._queue)).cut("connections")

    def data_received(self, data: bytes) -> None:
        """Make the connection, as soon as there is something to read for it."""
        self._head += data
        may_be_a_head = self._head[:1].isupper() and len(self._head) < SHORT
        if not may_be_a_head or END.search(self._head):
            self._make()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client."""
        self._leave()

    def shutdown(self) -> None:
        """Answer what comes in a moment, and hang up."""
        self._ends = True
        self._late.cancel()
        self._late = self._made_of[3].call_later(LAST_SECONDS, self._transport.close)

    def cut(self, reason: str) -> None:
        """End it at once, and count why.

        Args:
            reason: connections or slow.
        """
        if count := self._made_of[2].get("cut"):
            count(reason)
        self._leave()
        self._transport.abort()

    def _make(self) -> None:
        loop = self._made_of[3]
        seconds_left = self._late.when() - loop.time()
        self._leave()
        connection = Connection(*self._made_of)
        self._transport.set_protocol(connection)
        connection.take_over(self._transport, self._head, seconds_left)
        if self._ends:
            connection.shutdown()

    def _leave(self) -> None:
        self._late.cancel()
        self._queue.pop(self, None)
        self._made_of[1].connections.discard(self)  # type: ignore[arg-type]
