"""A server in a thread of the test, on a port of the loopback, and its client."""

import http.client
import json
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from modelkeep.serving import app
from modelkeep.serving.app import create
from modelkeep.serving.connections import Connection
from modelkeep.serving.current import Current
from modelkeep.serving.options import API_KEY, Settings

# It would keep all that tests leave behind, and take its time for each server.
app.settle = lambda: None
DEFAULTS = {
    "keep_inputs": True,
    "keep_days": None,
    "max_rows": 1000,
    "max_bytes": 1_000_000,
    "timeout": 10.0,
}


@dataclass(frozen=True)
class Reply:
    """What the server answered."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        """The content, which must be JSON."""
        assert self.headers["content-type"] == "application/json"
        return json.loads(self.content)


class Server:
    """A package that is served; use it as a context."""

    def __init__(
        self,
        package: Path,
        place: Path,
        key: str | None = None,
        trust_code: bool = False,
        **settings: Any,
    ) -> None:
        self.current = place / "current.json"
        self.records = place / "records.sqlite"
        Current(str(package), trust_code=trust_code).write(self.current)
        given = DEFAULTS | {"current": str(self.current), "records": str(self.records)} | settings
        with pytest.MonkeyPatch.context() as patch:
            patch.delenv(API_KEY, raising=False)
            if key:
                patch.setenv(API_KEY, key)
            # What `hand_over` sets is taken back with the context.
            patch.setenv("SERVING_SETTINGS", "")
            Settings(**given).hand_over()
            self.app = create()
        # No level of a logger is changed, since other tests look at what is logged; nobody looks
        # at "uvicorn.access", which is silent from here on.
        config = uvicorn.Config(
            self.app,
            host="127.0.0.1",
            port=0,
            http=Connection,
            ws="none",
            log_config=None,
            log_level=None,
            access_log=False,
            timeout_graceful_shutdown=10,
        )
        self._server = uvicorn.Server(config)
        # A test that fails must not leave behind what pytest would wait for.
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def __enter__(self) -> "Server":
        self._thread.start()
        until(lambda: self._server.started)
        self.port = self._server.servers[0].sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._thread.join(30)
        assert not self._thread.is_alive(), "the server does not end"

    def stop(self) -> None:
        """Tell the server to end, as a signal would."""
        self._server.should_exit = True

    def ask(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Reply:
        """Send a request; a body that is not bytes is sent as JSON."""
        content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)) as client:
            client.request(method, path, content, headers or {})
            answer = client.getresponse()
            named = {name.lower(): value for name, value in answer.getheaders()}
            return Reply(answer.status, named, answer.read())

    def get(self, path: str, **headers: str) -> Reply:
        """Ask for a page."""
        return self.ask("GET", path, headers=headers)

    def post(self, path: str, body: Any, **headers: str) -> Reply:
        """Send a body."""
        return self.ask("POST", path, body, headers)

    def rows(self, table: str) -> list[tuple[Any, ...]]:
        """Return all rows of a table of the records."""
        with closing(sqlite3.connect(self.records)) as database:
            return database.execute(f"SELECT * FROM {table}").fetchall()


def until(true: Callable[[], object], seconds: float = 60) -> None:
    """Wait for something to become true."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it does not happen"
        time.sleep(0.01)
