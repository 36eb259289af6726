"""An address and the files of a server are taken by one server at a time, before all else."""

import socket
import sys
from contextlib import ExitStack, closing

import pytest

from modelkeep.serving.listening import bound, held, on_loopback, open_to
from modelkeep_core.errors import UserError


def test_a_port_that_is_taken_is_told(monkeypatch):
    """By the number of the port, in one sentence."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with (
            pytest.raises(UserError, match=rf"port {port} of 127\.0\.0\.1 is taken: .* --port\."),
            bound("127.0.0.1", port),
        ):
            pass


def test_a_port_that_is_taken_meanwhile_is_told():
    """Two servers that load their models at the same time do not both listen."""
    with bound("127.0.0.1", 0) as first:
        port = first[0].getsockname()[1]
        with bound("127.0.0.1", port) as second:
            open_to(second, "127.0.0.1")
            with pytest.raises(UserError, match=f"port {port} of .* is taken"):
                open_to(first, "127.0.0.1")


@pytest.mark.parametrize(
    ("host", "sentence"),
    [
        ("no.such.host.invalid", r"no\.such\.host\.invalid is no address to listen on"),
        ("a" * 70, "is no address to listen on"),
        ("192.0.2.1", r"192\.0\.2\.1 is no address of this machine: give 127\.0\.0\.1"),
    ],
)
def test_an_address_that_is_not_here_is_told(host, sentence):
    """With the two that most people want."""
    with pytest.raises(UserError, match=sentence), bound(host, 0):
        pass


def test_nobody_can_connect_before_the_server_is_open():
    """While it loads its model, a client is told at once that nobody listens."""
    with bound("127.0.0.1", 0) as sockets:
        port = sockets[0].getsockname()[1]
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))
        open_to(sockets, "127.0.0.1")
        socket.create_connection(("127.0.0.1", port)).close()


@pytest.mark.parametrize(("host", "local"), [("127.0.0.1", True), ("0.0.0.0", False)])
def test_it_is_known_who_can_connect(host, local):
    """Programs of this machine alone, or others as well."""
    with bound(host, 0) as sockets:
        assert on_loopback(sockets) is local


def test_the_files_of_a_server_are_its_own(tmp_path):
    """A second server of the same port and directory is refused; others are not."""
    place = tmp_path / "var"
    with held(place, 8000):
        with pytest.raises(UserError, match="another server of port 8000 keeps its files"):
            held(place, 8000).__enter__()
        with held(place, 8001), held(tmp_path / "other", 8000):
            pass
    with held(place, 8000):
        pass
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be locked"), held(tmp_path / "file", 8000):
        pass


@pytest.mark.skipif(sys.platform != "linux", reason="others cannot keep connections back")
def test_nobody_stands_in_line_behind_those_who_say_nothing():
    """The system keeps them back: the first that the server accepts is the one that asks."""
    with bound("127.0.0.1", 0) as sockets:
        open_to(sockets, "127.0.0.1")
        address = sockets[0].getsockname()
        with ExitStack() as stack:
            for _ in range(20):
                stack.enter_context(closing(socket.create_connection(address)))
            asks = stack.enter_context(closing(socket.create_connection(address)))
            asks.sendall(b"x")
            sockets[0].settimeout(5)
            accepted, peer = sockets[0].accept()
            accepted.close()
            assert peer == asks.getsockname()
