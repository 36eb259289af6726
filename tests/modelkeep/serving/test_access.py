"""Where a key is set, nothing but the signs of life is told without it."""

import asyncio
import base64
import json
import socket

import pytest

from modelkeep.serving.access import LOCAL, OPEN, Access
from modelkeep.serving.counters import Counters
from server import Server

KEY = "kéy with: spaces"
BASIC = base64.b64encode(f"anybody:{KEY}".encode()).decode()


@pytest.fixture(scope="module")
def locked(run, tmp_path_factory):
    """A server that asks for a key."""
    with Server(run.package, tmp_path_factory.mktemp("locked"), key=KEY) as running:
        yield running


@pytest.mark.parametrize(
    "headers",
    [
        {"X-API-Key": KEY.encode().decode("latin-1")},
        {"Authorization": f"Bearer {KEY}".encode().decode("latin-1")},
        {"authorization": f"Basic {BASIC}"},
    ],
)
def test_the_key_lets_in(locked, row, headers):
    """As a header of its own, as a bearer token, and as the password that a browser asks for."""
    assert locked.post("/predict", {"records": [row]}, **headers).status == 200
    assert locked.get("/", **headers).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-API-Key": ""},
        {"X-API-Key": "wrong"},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Basic wrong"},
        {"Authorization": "Basic " + base64.b64encode(b"no colon").decode()},
        {"Authorization": ""},
    ],
)
@pytest.mark.parametrize(
    "path", ["/", "/version", "/schema", "/metrics", "/docs", "/openapi.json", "/v2", "/nothing"]
)
def test_without_it_nobody_comes_in(locked, path, headers):
    """No page tells anything, not even whether it exists."""
    reply = locked.get(path, **headers)
    assert reply.status == 401
    assert "needs the key" in reply.json["error"]
    assert reply.headers["www-authenticate"].startswith("Basic")


def test_a_prediction_needs_it(locked, row):
    """Nothing is predicted, or recorded, for a stranger."""
    for path in ("/predict", "/invocations", "/v2/models/made-up/infer"):
        assert locked.post(path, {"records": [row]}).status == 401


@pytest.mark.parametrize("path", sorted(OPEN))
def test_the_signs_of_life_need_no_key(locked, path):
    """Whoever watches whether the server lives has no key."""
    assert locked.get(path).status == 200


def asked(method="POST", path="/predict", hosts=None, key=None, more=(), **headers):
    """Ask what stands before an application that answers everything; return the status."""
    statuses, methods = [], []

    async def app(scope, receive, send):
        methods.append(scope["method"])
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(message):
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": path, "headers": [*named, *more]}
    if more:
        scope["http_version"] = "1.1"
    asyncio.run(Access(app, Counters(), key, hosts)(scope, None, send))
    return statuses[0], *methods


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"origin": "http://127.0.0.1:8000"}, 200),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "http://127.0.0.1:8001"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://[evil"}, 403),
        ({"sec_fetch_site": "same-origin", "origin": "https://behind.a.proxy"}, 200),
        ({"sec_fetch_site": "none"}, 200),
        ({"sec_fetch_site": "cross-site"}, 403),
        ({"sec_fetch_site": "same-site", "origin": "http://127.0.0.1:8000"}, 403),
    ],
)
def test_no_page_of_another_site_changes_anything(headers, status):
    """In whose browser it may be, with or without a key; to look is free, since it cannot read."""
    headers |= {"host": "127.0.0.1:8000"}
    assert asked(**headers)[0] == status
    assert asked(key="key", x_api_key="key", **headers)[0] == status
    assert asked("GET", "/version", **headers)[0] == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LOCALHOST:8000", 200),
        ("127.0.0.1:80", 200),
        ("[::1]:8000", 200),
        ("[::1]", 200),
        ("model.example", 200),
        ("evil.example:8000", 421),
        ("127.0.0.1.evil.example", 421),
    ],
)
def test_a_local_server_is_called_by_its_own_names(host, status):
    """Any name may be made to lead to it, from a page that then reads what it says."""
    hosts = [*LOCAL, "Model.example"]
    assert asked("GET", "/version", hosts, host=host)[0] == status
    assert asked("GET", "/health", hosts, host=host)[0] == 200
    assert asked("GET", "/version", None, host=host)[0] == 200
    assert asked("GET", "/version", hosts)[0] == 200


def test_a_request_names_its_server_once():
    """What stands before this server, and this server, might go by different ones."""
    other = (b"host", b"127.0.0.1")
    assert asked("GET", "/version", more=[other])[0] == 200
    assert asked("GET", "/version", LOCAL, more=[other], host="evil.example")[0] == 400
    assert asked("GET", "/version", more=[(b"accept", b"*/*")])[0] == 400
    assert asked("GET", "/ready", more=[(b"accept", b"*/*")])[0] == 200


@pytest.mark.parametrize(
    "field",
    [
        (b"content-type", b"text/csv"),
        (b"content-encoding", b"identity"),
        (b"origin", b"http://127.0.0.1"),
        (b"sec-fetch-site", b"none"),
    ],
)
def test_what_says_one_thing_is_said_once(field):
    """The first counted, and a proxy may go by the last; a field such as Accept may come twice."""
    own = (b"host", b"127.0.0.1")
    assert asked(more=[own, field, (b"accept", b"a"), (b"accept", b"b")])[0] == 200
    assert asked(more=[own, field, field])[0] == 400


@pytest.mark.slow
def test_a_body_of_two_kinds_is_refused(server, row):
    """In one sentence, which names the field."""
    body = json.dumps({"records": [row]}).encode()
    head = (
        b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        b"Content-Type: text/csv\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
    )
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as client:
        client.sendall(head + body)
        answer = b"".join(iter(lambda: client.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.endswith(b'{"error": "A request has the field Content-Type once."}')


def test_who_asks_for_the_head_alone_is_answered_as_any_other(server):
    """Load balancers do: the same status and headers, and no body."""
    for path, status in (("/ready", 200), ("/health", 200), ("/predict", 405), ("/nothing", 404)):
        reply = server.ask("HEAD", path)
        assert (reply.status, reply.content) == (status, b"")
        assert reply.headers["content-type"] == "application/json"
    assert asked("HEAD", "/ready") == (200, "GET")


def test_without_a_key_everybody_comes_in(server):
    """No key is set unless somebody sets one."""
    assert server.get("/version").status == 200


def test_every_request_is_counted_by_its_path(own_server):
    """Paths that are not there share one name, so that nobody can make up new ones."""
    for path in ("/version", "/version", "/made/up", "/v2/models/made-up", "/v2/models/other"):
        own_server.get(path)
    text = own_server.get("/metrics").content.decode()
    for line in (
        'serving_requests_total{path="/version",status="200"} 2.0',
        'serving_requests_total{path="other",status="404"} 1.0',
        'serving_requests_total{path="/v2/models/{name}",status="200"} 1.0',
        'serving_requests_total{path="/v2/models/{name}",status="404"} 1.0',
        'serving_request_duration_seconds_count{path="/version"} 2.0',
    ):
        assert line in text
