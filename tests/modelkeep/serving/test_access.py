"""Where a key is set, nothing but the signs of life is told without it."""

import base64

import pytest

from modelkeep.serving.access import OPEN
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
