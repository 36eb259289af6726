"""The end of a server: whoever has connected is answered, and only then can nobody connect."""

import asyncio
import signal
import socket
from collections.abc import Callable
from functools import partial
from typing import cast

import uvicorn
from uvicorn.supervisors import Multiprocess, multiprocess

from modelkeep.serving.connections import LAST_SECONDS
from modelkeep.serving.listening import keep_back


class Server(uvicorn.Server):
    """A server that takes in all who wait when it ends: the system would hang up on them."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End, with what is under way."""
        opened = sockets or []
        for listening in opened:
            keep_back(listening, 0)
        # Who has connected sends now what it is about to.
        await asyncio.sleep(LAST_SECONDS)
        waiting = [connected for listening in opened for connected in _waiting(listening)]
        for server in self.servers:
            server.close()
        loop, config = asyncio.get_running_loop(), self.config
        connection = partial(
            cast("Callable[..., asyncio.Protocol]", config.http_protocol_class),
            config=config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
        )
        for connected in waiting:
            await loop.connect_accepted_socket(connection, connected)
        await super().shutdown(sockets)


def end_with_terminal() -> None:
    """Let the end of a terminal end this process as SIGTERM does, unless it is to outlive it."""
    hangup = getattr(signal, "SIGHUP", None)
    if hangup and signal.getsignal(hangup) is signal.SIG_DFL:
        signal.signal(hangup, lambda *_: signal.raise_signal(signal.SIGTERM))


class Worker(multiprocess.Process):
    """A process with such a server."""

    @property
    def server(self) -> Server:
        """The server of this process."""
        if not isinstance(self._server, Server):
            self._server = Server(self.config)
        return self._server


class Workers(Multiprocess):
    """Several processes with such servers, which listen on the same sockets."""

    def run(self) -> None:
        """Start them, and end them when a signal says so."""
        # By this name it makes its processes.
        multiprocess.Process = Worker  # type: ignore[misc]
        super().run()

    def terminate_all(self) -> None:
        """Let each worker end, and nobody wait for the process that does not answer."""
        for opened in self.sockets:
            opened.close()
        super().terminate_all()


def _waiting(listening: socket.socket) -> list[socket.socket]:
    """Accept all connections that wait at a socket."""
    accepted: list[socket.socket] = []
    with listening.dup() as opened:
        opened.setblocking(False)
        while True:
            try:
                connected, _ = opened.accept()
            except OSError:
                # Nobody waits, or no more files may be opened.
                return accepted
            connected.setblocking(False)
            accepted.append(connected)
