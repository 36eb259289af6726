"""A client's connection: what it may cost before anything is known of who asks.

uvicorn's parser limits neither the bytes nor the time of a request's head, nor how many clients are
connected; all of that comes before a key is asked for.
"""

import json
from asyncio import TimerHandle, Transport
from collections import OrderedDict
from http import HTTPStatus
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

# Bytes of a request that are no body, such as its head; to these, as many as its body has
OTHER_BYTES = 64 * 1024
HEADERS = 200
# Requests of one connection that wait for the one before them
PIPELINED = 100
# Seconds within which the head of a request must come, after the one before or the connection
HEAD_SECONDS = 10.0
# Seconds within which a client must read an answer
READ_SECONDS = 30.0
# Seconds that clients have to send what they are about to, when the server ends
LAST_SECONDS = 0.3
# Connections of a process, if the system lets it open as many files twice over
CONNECTIONS = 2000
# Bytes that are read of a request after its refusal: a client that is still sending would not see
# the answer of a server that hangs up
UNREAD = 128 * 1024
TOO_LARGE = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The head is too large."
UNREADABLE = HTTPStatus.BAD_REQUEST, "This is not HTTP/1.1."
UNCLEAR = HTTPStatus.BAD_REQUEST, "This request can be read in two ways."


def most_connections() -> int:
    """Return how many connections a process may have: half of the files it may open, at most."""
    try:
        import resource
    except ImportError:
        # Windows has no such limit.
        return CONNECTIONS
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return CONNECTIONS if files == resource.RLIM_INFINITY else min(CONNECTIONS, files // 2)


def allow_connections() -> None:
    """Let this process open as many files as its connections need, as far as it may say so."""
    try:
        import resource
    except ImportError:
        return
    files, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files != resource.RLIM_INFINITY:
        wanted = 2 * CONNECTIONS if most == resource.RLIM_INFINITY else min(2 * CONNECTIONS, most)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(files, wanted), most))


# The version of HTTP, and the only coding of a body that it may have here
CHUNKED = ("1.1", b"chunked")


class TooLarge(ValueError):
    """A request has more of something than it may, which ends the parsing."""


class Unclear(ValueError):
    """A request can be read in two ways, by a proxy in one and here in the other."""


# What a request is refused with, by what was wrong with it
REFUSALS: dict[type, tuple[HTTPStatus, str]] = {TooLarge: TOO_LARGE, Unclear: UNCLEAR}


class Waits(Protocol):
    """A connection that waits for its client, and may be ended for it."""

    def cut(self, reason: str) -> None:
        """End it at once, and count why."""


_waiting: "WeakKeyDictionary[ServerState, OrderedDict[Waits, None]]" = WeakKeyDictionary()


def waiting(server: ServerState) -> "OrderedDict[Waits, None]":
    """Return the connections of a server that wait for their clients, the longest wait first."""
    return _waiting.setdefault(server, OrderedDict())


class Connection(HttpToolsProtocol):
    """Reads the requests of a client, and ends what takes too long or is too large.

    It waits while it is for the client to go on: with a head, with a body, or reading an answer.
    """

    _began = 0.0
    _late: TimerHandle | None = None
    _in_message = _refused = _resumes = _ends = False
    # Of the request that comes now; and the bytes of all bodies that came over this connection
    _other_bytes = _body_bytes = _all_bodies = 0

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Wait for a request."""
        super().connection_made(_Line(transport))  # type: ignore[arg-type]
        self._queue = waiting(self.server_state)
        self._wait(HEAD_SECONDS)

    def take_over(self, transport: Transport, head: bytes, seconds: float) -> None:
        """Go on with a client that has sent the head of a request, or a part of it.

        Args:
            transport: its connection.
            head: what it has sent.
            seconds: how long it has for the rest of the head.
        """
        self.connection_made(transport)
        self._wait(seconds)
        self.data_received(head)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client."""
        self._go_on()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, as far as the limits go."""
        if self._refused:
            self._other_bytes += len(data)
            if self._other_bytes > UNREAD:
                self._go_on()
                self.transport.abort()
            return
        self._unset_keepalive_if_required()
        before, rest = self._all_bodies, data
        try:
            while rest:
                rest = self._parsed(rest)
        except httptools.HttpParserCallbackError as error:
            self._refuse(*REFUSALS.get(type(error.__context__), UNREADABLE))
            return
        except httptools.HttpParserError:
            self._refuse(*UNREADABLE)
            return
        if not self._in_message:
            self._other_bytes = self._body_bytes = 0
            return
        # Of a request that began in the middle of these, some belong to the one before.
        self._other_bytes += len(data) - (self._all_bodies - before)
        if self._other_bytes > OTHER_BYTES + self._body_bytes:
            self._refuse(*TOO_LARGE)

    def eof_received(self) -> bool:  # type: ignore[override]
        """Answer to the end what was asked by a client that says that it sends no more."""
        if self._refused or self._in_message or not self.cycle or self.cycle.response_complete:
            return False
        self.cycle.keep_alive = False
        return True

    def _parsed(self, data: bytes) -> bytes:
        """Parse bytes, and return those behind the head of a request that offers another protocol.

        It is answered in HTTP/1.1, as every server may; the parser would leave out its body.

        Raises:
            HttpParserError: they are no HTTP/1.1, or too much of it.
        """
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            framing = (b"content-length", b"transfer-encoding")
            fields = (b"%b: %b\r\n" % field for field in self.headers if field[0] in framing)
            self.parser = httptools.HttpRequestParser(self)
            self._resumes = True
            self.parser.feed_data(b"POST / HTTP/1.1\r\n%b\r\n" % b"".join(fields))
            return data[offer.args[0] :]
        return b""

    def on_message_begin(self) -> None:
        """Begin with a request."""
        if self._resumes:
            return
        self._in_message, self._other_bytes, self._body_bytes = True, 0, 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Take a part of the path."""
        if not self._resumes:
            super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field of the head, or of what may follow a body.

        Raises:
            TooLarge: there are too many.
        """
        if self._resumes:
            return
        if len(self.headers) >= HEADERS:
            raise TooLarge("too many header fields")
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Let the request be answered, while its body may still come.

        Raises:
            TooLarge: too many wait for the ones before them.
            Unclear: it says in two ways how long it is, or whom it is for.
        """
        if self._resumes:
            self._resumes = False
            return
        if not self._is_clear():
            raise Unclear
        if len(self.pipeline) >= PIPELINED:
            raise TooLarge("too many requests at once")
        self._go_on()
        self._queue[self] = None
        super().on_headers_complete()
        if self._ends:
            self.cycle.keep_alive = False

    def _is_clear(self) -> bool:
        """Say whether the head says in one way how long its body is, and whom it asks."""
        version = self.parser.get_http_version()
        codings = [value.lower() for name, value in self.headers if name == b"transfer-encoding"]
        if version not in ("1.0", "1.1") or (codings and (version, *codings) != CHUNKED):
            return False
        if self.url.startswith((b"/", b"*")):
            return True
        # As a proxy is asked: the field must name the same server as the path.
        host = self.url.partition(b"://")[2].partition(b"/")[0].lower()
        return [value.lower() for name, value in self.headers if name == b"host"] == [host]

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._body_bytes += len(body)
        self._all_bodies += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End with a request, but not where its body is still to be read."""
        if self.parser.should_upgrade():
            return
        self._in_message = False
        if self._late is None:
            self._go_on()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Wait for the next request, or until this answer is read and the rest of its body came."""
        super().on_response_complete()
        if self.cycle.response_complete:
            self._wait(HEAD_SECONDS)
        elif self.flow.write_paused:
            self._wait(READ_SECONDS)

    def pause_writing(self) -> None:
        """Wait for the client to read."""
        super().pause_writing()
        self._wait(READ_SECONDS)

    def resume_writing(self) -> None:
        """Go on with what is under way."""
        super().resume_writing()
        if self.cycle is not None and not self.cycle.response_complete:
            self._go_on()

    def shutdown(self) -> None:
        """Answer what is under way, or comes in a moment, and hang up.

        A client that sends its next request just then would lose it.
        """
        self._ends = True
        if self.cycle and not self.cycle.response_complete:
            self.cycle.keep_alive = False
        else:
            self.loop.call_later(LAST_SECONDS, self._leave)

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no request."""
        self._refuse(HTTPStatus.BAD_REQUEST, msg)

    def cut(self, reason: str) -> None:
        """End the connection at once, and count why.

        Args:
            reason: connections, head or slow.
        """
        if count := self.app_state.get("cut"):
            count(reason)
        self._go_on()
        self.connections.discard(self)
        self.transport.abort()

    def _wait(self, seconds: float) -> None:
        """Let the client have some seconds from now."""
        self._go_on()
        self._queue[self] = None
        self._began = self.loop.time()
        self._late = self.loop.call_later(seconds, self._too_late)

    def _go_on(self) -> None:
        """Wait for the client no longer."""
        self._queue.pop(self, None)
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _leave(self) -> None:
        """Hang up, unless a request is being answered: then that does."""
        if not self.cycle or self.cycle.response_complete:
            self.transport.close()

    def _too_late(self) -> None:
        if self._refused:
            self.transport.abort()
            return
        unread = bool(self.transport.get_write_buffer_size())
        if unread and self.loop.time() - self._began < READ_SECONDS:
            self._late = self.loop.call_later(READ_SECONDS - HEAD_SECONDS, self._too_late)
            return
        self.cut("slow")

    def _refuse(self, status: HTTPStatus, sentence: str) -> None:
        """Answer a request that cannot be read, if no other is being answered, and hang up."""
        if count := self.app_state.get("cut"):
            count("head")
        self._refused, self._other_bytes = True, 0
        self._wait(HEAD_SECONDS)
        if self.cycle and not self.cycle.response_complete:
            if not self.cycle.more_body:
                # What was asked before is answered first.
                self.cycle.keep_alive = False
                self._go_on()
                return
            if self.cycle.response_started or self.pipeline:
                self.transport.close()
                return
            # The rest of the body will not come: whoever waits for it is told that it ended.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.write(_answer(status, {"error": sentence}))
        self.transport.write_eof()


class _Line:
    """A transport to which what comes too late is not written.

    uvloop's would raise instead, and each answer that nobody waits for be a traceback in the log.
    """

    __slots__ = ("_transport",)

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send bytes, as long as somebody may read them."""
        if not self._transport.is_closing():
            self._transport.write(data)


def _answer(status: HTTPStatus, content: dict[str, Any]) -> bytes:
    body = json.dumps(content).encode()
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + body
