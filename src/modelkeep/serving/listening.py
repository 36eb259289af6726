"""The address of a server and its files: taken before a model is loaded, and held for life."""

import errno
import ipaddress
import logging
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from math import ceil
from pathlib import Path

from filelock import FileLock, Timeout

from modelkeep.serving.arrivals import Arrival
from modelkeep.serving.connections import HEAD_SECONDS
from modelkeep_core.errors import UserError, reason_of

LOG = logging.getLogger("uvicorn.error")
# How many connections may wait to be accepted
BACKLOG = 2048
# Seconds that requests under way have when the server is told to end: `docker stop` waits for ten
GRACE = 7


@contextmanager
def bound(host: str, port: int) -> Iterator[list[socket.socket]]:
    """Take a port of every address that a host has here; nobody can connect before `open_to`.

    Args:
        host: an address or a name of this machine.
        port: the port; for 0, the system chooses one that is free.

    Raises:
        UserError: there is no such address here, or somebody else has the port.
    """
    with ExitStack() as stack:
        sockets: list[socket.socket] = []
        absent: OSError | None = None
        for family, address in _addresses(host, port):
            opened = stack.enter_context(closing(socket.socket(family)))
            if os.name == "posix":
                # A port is free again as soon as its server has ended.
                opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            try:
                opened.bind((address, sockets[0].getsockname()[1] if sockets else port))
            except OSError as error:
                if error.errno == errno.EADDRNOTAVAIL:
                    # A name such as localhost may have an address of a kind that is switched off.
                    absent = error
                    continue
                raise _untaken(host, port, error) from None
            sockets.append(opened)
        if absent and not sockets:
            raise _untaken(host, port, absent)
        yield sockets


def open_to(sockets: list[socket.socket], host: str) -> None:
    """Let clients connect: they wait until somebody accepts them.

    Raises:
        UserError: somebody else took the port meanwhile.
    """
    for opened in sockets:
        try:
            keep_back(opened, HEAD_SECONDS)
            opened.listen(BACKLOG)
        except OSError as error:
            raise _untaken(host, opened.getsockname()[1], error) from None


def keep_back(opened: socket.socket, seconds: float) -> None:
    """Let clients of a socket wait until they send something, or for so long, where that can be.

    Who only opens connections costs the server nothing then, and nobody stands in line behind them.
    """
    if sys.platform == "linux":
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, ceil(seconds))


def on_loopback(sockets: list[socket.socket]) -> bool:
    """Say whether programs of this machine alone can connect."""
    return all(ipaddress.ip_address(opened.getsockname()[0]).is_loopback for opened in sockets)


@contextmanager
def held(directory: Path, port: int) -> Iterator[None]:
    """Hold the files of a server, so that no second one writes them.

    The lock ends with the process, however it ends.

    Raises:
        UserError: another server has them, or they cannot be written.
    """
    path = directory / f"current-{port}.lock"
    lock = FileLock(path, blocking=False, fallback_to_soft=False, preserve_lock_file=True)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise UserError(
            f"another server of port {port} keeps its files in {directory}: give this one another "
            "directory with --data, or another --port."
        ) from None
    except (OSError, NotImplementedError) as error:
        raise UserError(
            f"{path} cannot be locked: {reason_of(error)}. Give another directory with --data."
        ) from None
    try:
        yield
    finally:
        lock.release()


def serve(sockets: list[socket.socket], host: str, workers: int, timeout: float) -> None:
    """Answer requests until a signal ends the server.

    Args:
        sockets: where it listens.
        host: how its address is named in the log.
        workers: how many processes answer.
        timeout: how many seconds a request may take.
    """
    import uvicorn

    from modelkeep.serving.stopping import Server, Workers, end_with_terminal

    config = uvicorn.Config(
        "modelkeep.serving.app:create",
        factory=True,
        http=Arrival,
        ws="none",
        backlog=BACKLOG,
        workers=workers,
        # Its lines would hold the addresses of those who ask.
        access_log=False,
        timeout_graceful_shutdown=min(int(timeout) + 1, GRACE),
        proxy_headers=False,
        server_header=False,
    )
    shown = f"[{host}]" if ":" in host else host
    port = sockets[0].getsockname()[1]
    if workers > 1:
        LOG.info("Uvicorn running on http://%s:%d (Press CTRL+C to quit)", shown, port)
        Workers(config, sockets).run()
        return
    end_with_terminal()
    config.load_app()
    LOG.info("Uvicorn running on http://%s:%d (Press CTRL+C to quit)", shown, port)
    try:
        Server(config).run(sockets)
    except KeyboardInterrupt:
        # It has ended as it was told to.
        return


def _addresses(host: str, port: int) -> list[tuple[socket.AddressFamily, str]]:
    """Return the addresses that a host has, IPv4 first.

    Raises:
        UserError: it has none.
    """
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(
            f"--host {host} is no address to listen on ({reason}): give 127.0.0.1 for this machine "
            "alone, or 0.0.0.0 for all that reach it."
        ) from None
    pairs = dict.fromkeys((family, str(address[0])) for family, _, _, _, address in addresses)
    return sorted(pairs, key=lambda pair: pair[0] != socket.AF_INET)


def _untaken(host: str, port: int, error: OSError) -> UserError:
    if error.errno == errno.EADDRINUSE:
        return UserError(
            f"port {port} of {host} is taken: another program listens there. Give another --port."
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return UserError(
            f"--host {host} is no address of this machine: give 127.0.0.1 for this machine alone, "
            "or 0.0.0.0 for all that reach it."
        )
    return UserError(f"nothing can listen on port {port} of {host}: {error.strerror}.")
