"""Who has connected when a server ends is answered; nobody who is told so waits for nothing."""

import os
import signal
import socket
import threading

import pytest
import uvicorn

from modelkeep.serving.arrivals import Arrival
from modelkeep.serving.listening import bound, open_to
from modelkeep.serving.stopping import Server, Worker, end_with_terminal
from server import until

ASKED = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


async def greets(scope, receive, send):
    """Answer every request with a word."""
    headers = [(b"content-length", b"5")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"hello"})


@pytest.fixture
def ending():
    """Run a server; return its port, and what lets it end."""
    config = uvicorn.Config(greets, http=Arrival, ws="none", lifespan="off", log_config=None)
    with bound("127.0.0.1", 0) as sockets:
        open_to(sockets, "127.0.0.1")
        port = sockets[0].getsockname()[1]
        server = Server(config)
        thread = threading.Thread(target=server.run, args=(sockets,), daemon=True)
        thread.start()
        until(lambda: server.started)
        yield port, server
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive()


def read_to_end(connected):
    """Return all that the server says until it hangs up."""
    connected.settimeout(10)
    parts = []
    while part := connected.recv(65536):
        parts.append(part)
    return b"".join(parts)


def assert_all_are_answered(clients):
    """Let each client ask, and then read its answer to the end."""
    for connected in clients:
        connected.sendall(ASKED)
    for connected in clients:
        assert read_to_end(connected).endswith(b"hello")
        connected.close()


def test_who_has_connected_is_answered(ending):
    """Though the server was told to end before a word was said."""
    port, server = ending
    clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(50)]
    server.should_exit = True
    assert_all_are_answered(clients)


def test_who_asks_again_just_then_is_answered_and_told_that_it_was_the_last(ending):
    """Who stays connected sends the next request without knowing that the server ends."""
    port, server = ending
    clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(20)]
    for connected in clients:
        connected.sendall(ASKED)
        read = b""
        while not read.endswith(b"hello"):
            read += connected.recv(65536)
    server.should_exit = True
    assert_all_are_answered(clients)


def test_who_says_nothing_is_not_waited_for(ending):
    """Nor who has begun to ask."""
    port, server = ending
    with socket.create_connection(("127.0.0.1", port)) as silent:
        silent.sendall(ASKED[:9])
        until(lambda: server.server_state.connections)
        server.should_exit = True
        assert read_to_end(silent) == b""


def test_a_worker_runs_such_a_server():
    """Of several that listen on the same sockets."""
    worker = Worker(uvicorn.Config(greets, log_config=None), [])
    assert isinstance(worker.server, Server)
    assert worker.server is worker.server


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="there are no terminals that hang up")
@pytest.mark.parametrize("before", [signal.SIG_DFL, signal.SIG_IGN])
def test_the_end_of_a_terminal_ends_a_server_gently(monkeypatch, before):
    """Unless it was started to outlive it, as by nohup."""
    raised = []
    monkeypatch.setattr(signal, "raise_signal", raised.append)
    own = signal.signal(signal.SIGHUP, before)
    try:
        end_with_terminal()
        if before is signal.SIG_DFL:
            os.kill(os.getpid(), signal.SIGHUP)
            assert raised == [signal.SIGTERM]
        else:
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, own)
