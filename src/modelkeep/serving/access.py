"""Around every request: the key that it must carry, and the count of what became of it."""

import base64
import binascii
import hmac
import time

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from modelkeep.serving.counters import Counters

# What tells whether the server lives; whoever watches it needs no key.
OPEN = {"/health", "/ready", "/ping", "/v2/health/live", "/v2/health/ready"}
UNAUTHORIZED = (
    b'{"error":"This needs the key of the server: as X-API-Key, as a bearer or as a password."}'
)
# A client that went away before it was answered, as nginx counts it
GONE = 499


class Access:
    """Lets in who has the key, where one is set, and measures how long each request takes."""

    def __init__(self, app: ASGIApp, counters: Counters, key: str | None) -> None:
        """Stand before `app`.

        Args:
            app: what answers.
            counters: where requests are counted.
            key: the key, or None where everybody may come in.
        """
        self._app = app
        self._counters = counters
        self._key = None if key is None else key.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start, status = time.perf_counter(), 500

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            if scope["path"] not in OPEN and not self._may(scope):
                await _refuse(noting)
            else:
                await self._app(scope, receive, noting)
        except ClientDisconnect:
            status = GONE
        finally:
            route = scope.get("route")
            path = route.path if route else "other"
            self._counters.request(path, status, time.perf_counter() - start)

    def _may(self, scope: Scope) -> bool:
        """Say whether a request carries the key, compared in constant time."""
        key = self._key
        return key is None or any(hmac.compare_digest(given, key) for given in _keys(scope))


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


async def _refuse(send: Send) -> None:
    headers = [
        (b"content-type", b"application/json"),
        (b"www-authenticate", b'Basic realm="model", charset="UTF-8"'),
    ]
    await send({"type": "http.response.start", "status": 401, "headers": headers})
    await send({"type": "http.response.body", "body": UNAUTHORIZED})
