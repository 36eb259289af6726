"""What a client may cost before anything is known of it: bytes, seconds and connections."""

import asyncio
import contextlib
import socket
import threading
import time

import pytest
import uvicorn

from modelkeep.serving import connections as module
from modelkeep.serving.arrivals import SHORT, Arrival
from modelkeep.serving.connections import (
    CONNECTIONS,
    PIPELINED,
    allow_connections,
    most_connections,
)
from server import until

HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n"


class Echo:
    """A server that answers with the length of the body, and counts what it cut off."""

    def __init__(self):
        self.cut = []
        self.goes_on = threading.Event()
        self.size = 1

    async def __call__(self, scope, receive, send):
        """Answer."""
        if scope["type"] == "lifespan":
            await receive()
            scope["state"]["cut"] = self.cut.append
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        length, more = 0, True
        while more and scope["path"] != "/refused":
            message = await receive()
            length += len(message.get("body", b""))
            more = message.get("more_body", False)
        while scope["path"] == "/busy" and not self.goes_on.is_set():
            await asyncio.sleep(0.01)
        body = str(length).encode() * self.size
        headers = [(b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


@pytest.fixture
def hasty(monkeypatch):
    """Let a server have less patience than a real one has."""
    monkeypatch.setattr(module, "HEAD_SECONDS", 0.4)
    monkeypatch.setattr(module, "READ_SECONDS", 0.8)


@pytest.fixture
def echo():
    """Run such a server."""
    app = Echo()
    config = uvicorn.Config(
        app, port=0, http=Arrival, ws="none", log_config=None, timeout_keep_alive=60
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until(lambda: server.started)
    app.port = server.servers[0].sockets[0].getsockname()[1]
    app.state = server.server_state
    yield app
    app.goes_on.set()
    server.should_exit = True
    thread.join(20)


def client(echo):
    """Connect."""
    connected = socket.create_connection(("127.0.0.1", echo.port))
    connected.settimeout(60)
    return connected


def said(connected):
    """Return all that the server says until it hangs up."""
    parts = []
    try:
        while part := connected.recv(65536):
            parts.append(part)
    except ConnectionError:
        # It had not read all that was sent.
        pass
    return b"".join(parts)


def answered(connected, count=1):
    """Read some answers of one digit."""
    read = b""
    while read.count(b"\r\n\r\n") < count or not read[-1:].isdigit():
        part = connected.recv(65536)
        assert part, read
        read += part
    return read


@pytest.mark.parametrize("part", [b"X-A: " + b"a" * 60_000 + b"\r\n", b"a:\r\n" * 50])
def test_a_head_is_read_as_far_as_its_limit(echo, part):
    """Neither one large field nor very many small ones are kept in memory."""
    with client(echo) as connected:
        try:
            connected.sendall(HEAD)
            for _ in range(20_000):
                connected.sendall(part)
        except ConnectionError:
            pass
        else:
            pytest.fail("it was all taken")
    assert echo.cut == ["head"]


def test_a_head_within_the_limits_is_answered(echo):
    """With as many fields as a proxy may add."""
    fields = b"".join(b"X-%d: %s\r\n" % (number, b"a" * 300) for number in range(150))
    with client(echo) as connected:
        connected.sendall(HEAD + fields + b"\r\n")
        assert answered(connected).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("rest", [b"X-A: " + b"a" * 300_000, b"a:1\r\n" * 300])
def test_what_follows_a_body_is_limited_too(echo, rest):
    """As a head is: it is one of the same kind."""
    with client(echo) as connected:
        connected.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            connected.sendall(b"1\r\nx\r\n0\r\n" + rest)
        assert b"200 OK" not in said(connected)
    assert echo.cut == ["head"]


def test_a_body_in_pieces_is_answered(echo):
    """Its length, whatever the pieces cost."""
    pieces = b"".join(b"%x\r\n%s\r\n" % (100, b"x" * 100) for _ in range(3000)) + b"0\r\n\r\n"
    with client(echo) as connected:
        connected.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        connected.sendall(pieces)
        assert b"300000" in answered(connected)


def test_what_is_no_request_gets_a_sentence(echo):
    """As JSON, like every other refusal."""
    with client(echo) as connected:
        connected.sendall(b"hello\r\n\r\n")
        reply = said(connected)
    assert reply.startswith(b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json")
    assert reply.endswith(b'{"error": "This is not HTTP/1.1."}')


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("start", [b"", HEAD, b"GET /"])
def test_a_head_that_does_not_come_is_not_waited_for(echo, start):
    """Nor one that comes letter by letter."""
    began = time.monotonic()
    with client(echo) as connected:
        connected.sendall(start)
        try:
            while time.monotonic() - began < 5:
                connected.sendall(b"a" if start else b"")
                connected.settimeout(0.05)
                try:
                    assert connected.recv(1) == b""
                    break
                except TimeoutError:
                    continue
        except ConnectionError:
            pass
    assert 0.3 < time.monotonic() - began < 5
    assert echo.cut == ["slow"]


def test_a_long_head_has_no_more_time_than_a_short_one(echo, monkeypatch):
    """Its time begins with the connection, not with the letter from which on it is parsed."""
    monkeypatch.setattr(module, "HEAD_SECONDS", 2)
    with client(echo) as connected:
        time.sleep(1)
        connected.sendall(HEAD + b"X-A: " + b"a" * SHORT)
        began = time.monotonic()
        with contextlib.suppress(ConnectionError):
            connected.recv(1)
    assert time.monotonic() - began < 1.7
    assert echo.cut == ["slow"]


def test_no_parser_is_made_for_a_letter(echo, monkeypatch):
    """Of thousands of connections that begin a head, none costs what a request does."""
    made = []
    monkeypatch.setattr("modelkeep.serving.arrivals.Connection", lambda *_: made.append(1))
    held = [client(echo) for _ in range(20)]
    for connected in held:
        connected.sendall(b"GET / HTTP/1.1\r\n")
    until(lambda: len(echo.state.connections) == 20)
    assert made == []
    for connected in held:
        connected.close()


@pytest.mark.parametrize("size", [1, 3, 17, 1000])
def test_a_head_may_come_in_pieces(echo, size):
    """Of any size, with the request that follows it."""
    asked = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabcde" + HEAD + b"\r\n"
    with client(echo) as connected:
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start in range(0, len(asked), size):
            connected.sendall(asked[start : start + size])
            time.sleep(0.001)
        read = answered(connected, 2)
    assert read.count(b"200 OK") == 2
    assert b"\r\n\r\n5" in read


@pytest.mark.usefixtures("hasty")
def test_a_body_that_goes_on_after_its_answer_is_not_waited_for(echo):
    """A request that was refused early ends, however its client dribbles on."""
    with client(echo) as connected:
        connected.sendall(b"POST /refused HTTP/1.1\r\nHost: x\r\nContent-Length: 99999\r\n\r\n")
        assert b"200 OK" in answered(connected)
        with contextlib.suppress(ConnectionError):
            for _ in range(100):
                connected.sendall(b"x")
                time.sleep(0.03)
            pytest.fail("it was waited for")
    assert echo.cut == ["slow"]


@pytest.mark.usefixtures("hasty")
def test_an_answer_that_nobody_reads_is_given_up(echo):
    """What waits to be read is not kept for ever."""
    echo.size = 30_000_000
    with client(echo) as connected:
        connected.sendall(HEAD + b"\r\n")
        until(lambda: echo.cut == ["slow"])


def test_a_request_that_takes_its_time_is_answered(echo, monkeypatch):
    """No limit is set to the server's own work here, and the next request may come after it."""
    monkeypatch.setattr(module, "HEAD_SECONDS", 1)
    with client(echo) as connected:
        for count in range(2):
            connected.sendall(HEAD.replace(b"/ ", b"/busy ") + b"\r\n")
            if not count:
                time.sleep(1.3)
            echo.goes_on.set()
            assert answered(connected).startswith(b"HTTP/1.1 200")
    assert echo.cut == []


def test_requests_may_be_sent_one_after_the_other(echo):
    """Without waiting for the answers."""
    with client(echo) as connected:
        connected.sendall((HEAD + b"\r\n") * 20)
        assert answered(connected, 20).count(b"200 OK") == 20


def test_a_request_may_follow_a_long_body_at_once(echo):
    """The bytes of a body are not taken for those of the head that comes with its end."""
    long = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 500000\r\n\r\n" + b"x" * 500_000
    with client(echo) as connected:
        connected.sendall((long + HEAD + b"\r\n") * 5)
        assert answered(connected, 10).count(b"200 OK") == 10
    assert echo.cut == []


def test_not_many_requests_wait_for_the_one_before(echo):
    """Who sends without end, and waits for no answer, is not read any further."""
    with client(echo) as connected:
        with contextlib.suppress(ConnectionError):
            connected.sendall(HEAD.replace(b"/ ", b"/busy ") + b"\r\n")
            connected.sendall((HEAD + b"\r\n") * (PIPELINED + 2))
        until(lambda: echo.cut == ["head"])
        echo.goes_on.set()


def test_an_answer_that_nobody_waits_for_is_not_an_error(echo, caplog):
    """Who asks, and sends what cannot be read meanwhile, leaves no traceback in the log."""
    with client(echo) as connected:
        busy = HEAD.replace(b"/ ", b"/busy ")
        connected.sendall(busy + b"\r\n" + HEAD + b"\r\nhello\r\n\r\n")
        until(lambda: echo.cut == ["head"])
        echo.goes_on.set()
        until(lambda: not echo.state.tasks)
    assert caplog.records == []


def test_where_there_are_too_many_the_oldest_that_waits_has_to_go(echo, monkeypatch):
    """Clients that say nothing, or send half a body, do not keep out one that asks."""
    monkeypatch.setattr(module, "HEAD_SECONDS", 60)
    monkeypatch.setattr(module, "most_connections", lambda: 3)
    halves = [b"", HEAD, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx"]
    held = [client(echo) for _ in range(9)]
    for connected, half in zip(held, halves * 3, strict=True):
        with contextlib.suppress(ConnectionError):
            connected.sendall(half)
    for _ in range(3):
        with client(echo) as connected:
            connected.sendall(HEAD + b"\r\n")
            assert answered(connected).startswith(b"HTTP/1.1 200")
    assert len(echo.state.connections) <= 3
    assert set(echo.cut) == {"connections"}
    for connected in held:
        connected.close()


def test_where_all_are_at_work_nobody_else_comes_in(echo, monkeypatch):
    """Requests that are being answered are not cut off for others."""
    monkeypatch.setattr(module, "most_connections", lambda: 2)
    with client(echo) as first, client(echo) as second:
        for connected in (first, second):
            connected.sendall(HEAD.replace(b"/ ", b"/busy ") + b"\r\n")
        until(lambda: len(echo.state.tasks) == 2)
        with client(echo) as third:
            assert said(third) == b""
        echo.goes_on.set()
        for connected in (first, second):
            assert answered(connected).startswith(b"HTTP/1.1 200")
    assert echo.cut == ["connections"]


def test_connections_leave_files_for_other_things():
    """Half of what the system allows, at most; it is asked for as many as it gives."""
    resource = pytest.importorskip("resource")
    files, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, most))
        assert most_connections() == 128
        allow_connections()
        assert most_connections() == min(CONNECTIONS, most // 2 if most > 0 else CONNECTIONS)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, most))


def test_who_sends_too_long_a_head_reads_why(echo):
    """The rest of it is read, or the answer would be lost with the connection."""
    with client(echo) as connected:
        connected.sendall(b"GET /?" + b"a" * 150_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n")
        reply = said(connected)
    assert reply.startswith(b"HTTP/1.1 431")
    assert echo.cut == ["head"]


@pytest.mark.parametrize("line", [b"CONNECT x:443 HTTP/1.1", b"GET x: HTTP/1.1"])
def test_a_path_that_is_none_is_not_called_too_large(echo, line):
    """But what it is."""
    with client(echo) as connected:
        connected.sendall(line + b"\r\nHost: x\r\n\r\n")
        assert said(connected).startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize(
    "head",
    [
        b"GET http://other/ HTTP/1.1\r\nHost: x\r\n",
        b"GET http://x:80/ HTTP/1.1\r\nHost: x\r\n",
        b"GET http://x/ HTTP/1.0\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n",
        b"POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n",
        b"POST / HTTP/2.0\r\nHost: x\r\nContent-Length: 0\r\n",
    ],
)
def test_a_request_that_can_be_read_in_two_ways_is_refused(echo, head):
    """By a proxy in one and by the server in the other: whom it asks, or where it ends."""
    with client(echo) as connected:
        connected.sendall(head + b"\r\n0\r\n\r\n")
        reply = said(connected)
    assert reply.startswith(b"HTTP/1.1 400")
    assert b"two ways" in reply


def test_a_path_with_the_name_of_the_server_is_answered(echo):
    """As a client asks that takes the server for a proxy."""
    with client(echo) as connected:
        connected.sendall(b"GET http://X/ HTTP/1.1\r\nHost: x\r\n\r\n")
        assert answered(connected).startswith(b"HTTP/1.1 200")


def test_what_was_asked_before_something_unreadable_is_answered(echo):
    """All of it; then the server hangs up."""
    with client(echo) as connected:
        connected.sendall(
            HEAD.replace(b"/ ", b"/busy ") + b"\r\n" + HEAD + b"\r\nno request\r\n\r\n"
        )
        until(lambda: echo.cut)
        echo.goes_on.set()
        reply = said(connected)
    assert reply.count(b"200 OK") == 2
    assert reply.count(b"HTTP/1.1") == 2


def test_chunks_that_are_none_get_an_answer(echo):
    """As a head that is none does."""
    with client(echo) as connected:
        connected.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        connected.sendall(b"1\r\nx\r\nno number\r\n")
        assert said(connected).startswith(b"HTTP/1.1 400")
    until(lambda: not echo.state.tasks)


def test_who_says_that_no_more_comes_is_answered(echo):
    """All that was asked; but not what was cut off."""
    with client(echo) as connected:
        connected.sendall(HEAD.replace(b"/ ", b"/busy ") + b"\r\n" + HEAD + b"\r\n")
        connected.shutdown(socket.SHUT_WR)
        until(lambda: echo.state.tasks)
        echo.goes_on.set()
        assert said(connected).count(b"200 OK") == 2
    for cut in (b"", HEAD, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx"):
        with client(echo) as connected:
            connected.sendall(cut)
            connected.shutdown(socket.SHUT_WR)
            assert said(connected) == b""
    assert echo.cut == []


@pytest.mark.parametrize("size", [0, 5, 300_000])
@pytest.mark.parametrize("offered", [b"h2c", b"websocket"])
def test_a_request_that_offers_another_protocol_is_read_whole(echo, size, offered):
    """As clients of HTTP/2 ask without TLS; the next request may follow at once."""
    head = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: " + offered + b"\r\n"
    long = head + b"Content-Length: %d\r\n\r\n" % size + b"x" * size
    chunked = head + b"Transfer-Encoding: chunked\r\n\r\n"
    chunked += (b"%x\r\n%b\r\n" % (size, b"x" * size) if size else b"") + b"0\r\n\r\n"
    with client(echo) as connected:
        connected.sendall(long + HEAD + b"\r\n" + chunked + HEAD + b"\r\n")
        read = b""
        while read.count(b"200 OK") < 4 or not read.endswith(b"\r\n0"):
            part = connected.recv(65536)
            assert part, read
            read += part
    assert read.count(b"\r\n\r\n%d" % size) == (4 if size == 0 else 2)
    assert echo.cut == []
