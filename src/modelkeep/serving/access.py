"""Around every request: who may ask, by key, page and name, and the count of what became of it."""

import base64
import binascii
import hmac
import json
import time
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from modelkeep.serving.counters import Counters

# What tells whether the server lives; whoever watches it needs no key.
OPEN = {"/health", "/ready", "/ping", "/v2/health/live", "/v2/health/ready"}
# Fields that say one thing: of two, who stands before this server may go by the other one.
ONCE = {b"content-type", b"content-encoding", b"origin", b"sec-fetch-site"}
UNCALLED = "A request names its server once, in the field Host of its head."
UNAUTHORIZED = "This needs the key of the server: as X-API-Key, as a bearer or as a password."
ELSEWHERE = (
    "A page of another site asks this, which is for programs and for this server's own page."
)
MISDIRECTED = (
    "This server is not called so: ask it by the address that it listens on, or let it start with "
    "--allow-host NAME."
)
# By which names a server on the loopback may be called
LOCAL = ("localhost", "127.0.0.1", "[::1]")
# The page of /docs shows the description of a model, which may have pictures of another site.
POLICIES = {
    "/docs": b"default-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'"
}
READING = {"GET", "HEAD", "OPTIONS"}
# A client that went away before it was answered, as nginx counts it
GONE = 499


class Access:
    """Lets in who may ask, and measures how long each request takes.

    A page in somebody's browser can send requests to a server that its author cannot reach: so
    none but the server's own may change anything, and a server on the loopback that has no key
    answers by its own names only, since any name may be made to lead there.
    """

    def __init__(
        self,
        app: ASGIApp,
        counters: Counters,
        key: str | None,
        hosts: Collection[str] | None = None,
    ) -> None:
        """Stand before `app`.

        Args:
            app: what answers.
            counters: where requests are counted.
            key: the key, or None where everybody may come in.
            hosts: the names by which the server may be called, or None for any.
        """
        self._app = app
        self._counters = counters
        self._key = None if key is None else key.encode()
        self._hosts = None if hosts is None else {host.lower() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start, status = time.perf_counter(), 500
        if scope["method"] == "HEAD":
            # The server below leaves out the body.
            scope = {**scope, "method": "GET"}

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                if policy := POLICIES.get(scope["path"]):
                    message["headers"].append((b"content-security-policy", policy))
            await send(message)

        try:
            refused = None if scope["path"] in OPEN else self._refused(scope)
            if refused:
                await _refuse(noting, *refused)
            else:
                await self._app(scope, receive, noting)
        except ClientDisconnect:
            status = GONE
        finally:
            route = scope.get("route")
            path = route.path if route else "other"
            self._counters.request(path, status, time.perf_counter() - start)

    def _refused(self, scope: Scope) -> tuple[int, str] | None:
        """Return status and sentence where a request is refused."""
        headers = dict(scope["headers"])
        names = [name for name, _ in scope["headers"]].count(b"host")
        if names > 1 or (not names and scope.get("http_version") == "1.1"):
            return 400, UNCALLED
        if len(headers) < len(scope["headers"]) and (twice := _given_twice(scope)):
            return 400, f"A request has the field {twice} once."
        host = headers.get(b"host", b"").decode("latin-1").lower()
        if self._hosts is not None and host and _without_port(host) not in self._hosts:
            return 421, MISDIRECTED
        if not self._may(scope):
            return 401, UNAUTHORIZED
        if scope["method"] not in READING and _from_elsewhere(headers, host):
            return 403, ELSEWHERE
        return None

    def _may(self, scope: Scope) -> bool:
        """Say whether a request carries the key, compared in constant time."""
        key = self._key
        return key is None or any(hmac.compare_digest(given, key) for given in _keys(scope))


def _given_twice(scope: Scope) -> str | None:
    """Return the name of a field that says one thing and is there more than once, or None."""
    names = [name for name, _ in scope["headers"] if name in ONCE]
    twice = next((name for name in names if names.count(name) > 1), None)
    return twice.decode().title() if twice else None


def _without_port(host: str) -> str:
    name, _, port = host.rpartition(":")
    return name if name and port.isdigit() else host


def _from_elsewhere(headers: dict[bytes, bytes], host: str) -> bool:
    """Say whether a page of another site sends a request.

    Browsers say so in Sec-Fetch-Site, older ones name the page's site in Origin; programs send
    neither.
    """
    site = headers.get(b"sec-fetch-site")
    if site is not None:
        return site not in (b"same-origin", b"none")
    origin = headers.get(b"origin")
    if origin is None:
        return False
    try:
        return urlsplit(origin.decode("latin-1").lower()).netloc != host
    except ValueError:
        return True


def _keys(scope: Scope) -> list[bytes]:
    """Return the keys that a request carries: X-API-Key, Bearer, or the password of Basic."""
    keys = []
    for name, value in scope["headers"]:
        if name == b"x-api-key":
            keys.append(value)
        elif name == b"authorization":
            kind, _, rest = value.partition(b" ")
            if kind.lower() == b"bearer":
                keys.append(rest.strip())
            elif kind.lower() == b"basic":
                keys.append(_password(rest.strip()))
    return keys


def _password(credentials: bytes) -> bytes:
    try:
        return base64.b64decode(credentials, validate=True).partition(b":")[2]
    except binascii.Error:
        return b""


async def _refuse(send: Send, status: int, sentence: str) -> None:
    headers = [(b"content-type", b"application/json")]
    if status == 401:
        headers.append((b"www-authenticate", b'Basic realm="model", charset="UTF-8"'))
    body = json.dumps({"error": sentence}).encode()
    headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
