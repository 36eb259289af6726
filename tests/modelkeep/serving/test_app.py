"""What a client sees: answers, refusals that help, and nothing that breaks the server."""

import asyncio
import contextlib
import http.client
import json
import re
import socket
import time

import pytest

from server import Server, until

pytestmark = pytest.mark.slow

PATHS = ("/predict", "/invocations", "/version", "/schema", "/health", "/ready", "/metrics")


def connected(server):
    """Return a connection to the server that sends what it is told to."""
    return socket.create_connection(("127.0.0.1", server.port))


def test_records_and_features_get_the_same_answer(server, row):
    """Prediction, probabilities by class, version, recipe and a request id are in it."""
    by_name = server.post("/predict", {"records": [row]}).json
    in_order = server.post("/predict", {"features": [list(row.values())]}).json
    assert set(by_name) == {
        *("predictions", "probabilities", "classes", "version", "recipe_id", "request_id")
    }
    ids = {by_name.pop("request_id"), in_order.pop("request_id")}
    assert len(ids) == 2
    assert by_name == in_order
    best = by_name["probabilities"][0].index(max(by_name["probabilities"][0]))
    assert by_name["predictions"] == [by_name["classes"][best]]


def test_a_regression_answers_with_numbers(regression_run, tmp_path, row):
    """It has neither classes nor probabilities."""
    with Server(regression_run.package, tmp_path) as server:
        content = server.post("/predict", {"records": [row, row]}).json
    assert set(content) == {"predictions", "version", "recipe_id", "request_id"}
    assert content["predictions"][0] == content["predictions"][1] > 0


def test_the_id_of_a_request_is_that_of_its_record(own_server, row):
    """Body, header and record name the same request, with what was asked and answered."""
    reply = own_server.post("/predict", {"records": [row]})
    ((request_id, recipe_id, _, rows, inputs, outputs),) = own_server.rows("requests")
    assert reply.json["request_id"] == reply.headers["x-request-id"] == request_id
    assert (recipe_id, rows) == (reply.json["recipe_id"], 1)
    assert json.loads(inputs) == [list(row.values())]
    assert json.loads(outputs)["predictions"] == reply.json["predictions"]


def test_recording_of_inputs_can_be_left_out(run, tmp_path, row):
    """Answers are recorded, nothing of what was asked is in the file."""
    with Server(run.package, tmp_path, keep_inputs=False) as server:
        server.post("/predict", {"records": [row | {"size": 10.987654}]})
        assert server.rows("requests")[0][4] is None
    assert b"10.987654" not in server.records.read_bytes()


def test_a_row_that_breaks_the_schema_is_named(server, row):
    """Row, column and rule of each value are in the answer, and the first in one sentence."""
    reply = server.post("/predict", {"records": [row, row | {"size": "large", "colour": "pink"}]})
    assert reply.status == 422
    assert reply.json == {
        "error": "row 1, column 'size': must be a number (1 more).",
        "problems": [
            {"row": 1, "column": "size", "rule": "a number"},
            {"row": 1, "column": "colour", "rule": "one of red, green, blue"},
        ],
    }


def test_refused_values_are_counted_and_recorded(own_server, row):
    """By reason and column, so that monitoring sees what the server turned away."""
    own_server.post("/predict", {"records": [row | {"size": 1000}, row | {"colour": None}]})
    own_server.post("/predict", {"records": [row | {"count": None}]})
    text = own_server.get("/metrics").content.decode()
    assert 'serving_refused_total{column="size",reason="range"} 1.0' in text
    assert 'serving_refused_total{column="count",reason="missing"} 1.0' in text
    assert 'reason="missing"} 1.0' in text
    until(lambda: len(own_server.rows("refused")) == 3)
    assert {row[3:] for row in own_server.rows("refused")} == {
        ("range", "size", 1),
        ("missing", "count", 1),
        ("row", "", 2),
    }
    assert own_server.rows("requests") == []


@pytest.mark.parametrize(
    ("body", "status", "sentence"),
    [
        (b"", 400, "The body is not JSON"),
        (b"size=1", 400, "The body is not JSON"),
        (b'{"records": [{"size": NaN}]}', 400, "The body is not JSON"),
        (b'{"records": [{"size": Infinity}]}', 400, "The body is not JSON"),
        (b'{"features": [[1e999, 3, true, "red"]]}', 400, "infinity"),
        (b"[" * 100_000, 400, "The body is not JSON"),
        (b"\xff\xfe", 400, "The body is not JSON"),
        (b"[]", 400, "not an object"),
        (b"null", 400, "not an object"),
        (b"{}", 422, 'Give either "records" or "features"'),
        (b'{"rows": []}', 422, 'Give either "records" or "features"'),
        (b'{"records": [], "features": []}', 422, 'Give either "records" or "features"'),
        (b'{"records": []}', 422, "a list with at least one row"),
        (b'{"features": [["10", 3, true, "red"]]}', 422, "column 'size': must be a number"),
        (b'{"features": [[10, 3, true]]}', 422, "must be 4 values: size, count"),
        (b'{"records": 3}', 422, "a list with at least one row"),
    ],
)
def test_a_bad_body_gets_a_sentence(server, body, status, sentence):
    """Malformed JSON, not-a-number, infinities, numbers as text, other forms: never a 500."""
    reply = server.post("/predict", body)
    assert reply.status == status
    assert sentence in reply.json["error"]


def test_a_number_that_the_model_cannot_use_is_refused(server, row):
    """The schema of "count" has no upper limit, the model's arithmetic has."""
    reply = server.post("/predict", {"records": [row | {"count": 10**308}]})
    assert reply.status in (200, 422)
    assert server.post("/predict", {"records": [row]}).status == 200


def test_limits_hold(run, tmp_path, row):
    """Too many bytes and too many rows are refused, whether their number is announced or not."""
    with Server(run.package, tmp_path, max_rows=3, max_bytes=2000) as server:
        assert server.post("/predict", {"records": [row] * 3}).status == 200
        many = server.post("/predict", {"records": [row] * 4})
        assert (many.status, many.json) == (413, {"error": "4 rows; at most 3 at once."})
        long = server.post("/predict", b" " * 2001)
        assert (long.status, "more than the 2,000 bytes" in long.json["error"]) == (413, True)
        chunked = {"Transfer-Encoding": "chunked"}
        reply = server.ask("POST", "/predict", b"7d1\r\n" + b" " * 2001 + b"\r\n0\r\n\r\n", chunked)
        assert reply.status == 413
        assert server.post("/predict", {"records": [row]}).status == 200


def test_a_body_of_ten_megabytes_is_refused(server):
    """It is not read to its end, and the server goes on."""
    # The server may have said no, and hung up, before all was sent.
    with contextlib.suppress(ConnectionError):
        assert server.post("/predict", b"x" * 10_000_000).status == 413
    assert server.get("/ready").status == 200


def test_a_client_that_is_slow_does_not_keep_others_waiting(run, tmp_path, row):
    """Half a body is waited for as long as the limit says, while others are answered."""
    with Server(run.package, tmp_path, timeout=2) as server, connected(server) as slow:
        slow.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        assert server.post("/predict", {"records": [row]}).status == 200
        slow.settimeout(60)
        assert b"408 Request Timeout" in slow.recv(1000)


def test_a_client_that_goes_away_is_no_error(own_server, row, caplog):
    """A request that breaks off half-way leaves no trace in the log, and harms nobody."""
    with connected(own_server) as gone:
        gone.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
    assert own_server.post("/predict", {"records": [row]}).status == 200
    text = 'serving_requests_total{path="/predict",status="499"} 1.0'
    until(lambda: text in own_server.get("/metrics").content.decode())
    assert not caplog.records


def test_thousands_of_rows_are_answered_in_their_order(server, row):
    """A request as large as the limit has an answer to each of its rows."""
    sizes = [n / 10 for n in range(1000)]
    alone = server.post("/predict", {"records": [row | {"size": sizes[-1]}]}).json
    content = server.post("/predict", {"records": [row | {"size": size} for size in sizes]}).json
    assert len(content["predictions"]) == 1000
    assert content["predictions"][-1] == alone["predictions"][0]
    assert content["probabilities"][-1] == pytest.approx(alone["probabilities"][0], rel=1e-12)


def test_many_connections_at_once_are_all_answered(server, row):
    """Three hundred clients that come together each get their own answer."""
    body = json.dumps({"records": [row]}).encode()
    head = f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"

    async def ask():
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(head.encode() + b"Connection: close\r\n\r\n" + body)
        answer = await reader.read()
        writer.close()
        return answer

    async def ask_all():
        return await asyncio.gather(*(ask() for _ in range(300)))

    answers = asyncio.run(ask_all())
    assert all(answer.startswith(b"HTTP/1.1 200") for answer in answers)
    ids = {re.search(rb'"request_id":"(\w+)"', answer)[1] for answer in answers}
    assert len(ids) == 300


def test_the_version_tells_everything_about_the_model(server, served):
    """What is in model.json can be asked for."""
    content = server.get("/version").json
    assert content["recipe_id"] == served.recipe_id
    assert content["metadata"] == served.metadata
    assert (content["name"], content["stage"]) == ("made-up", None)


def test_health_and_readiness_are_there_and_in_order(server):
    """Nothing is wrong, and it says so."""
    health = server.get("/health").json
    assert (health["status"], health["unrecorded_requests"]) == ("ok", 0)
    assert set(health) == {"status", "version", "stage", "recipe_id", "unrecorded_requests"}
    assert server.get("/ready").json["ready"] is True


def test_a_path_or_a_method_that_is_not_there_gets_json(server):
    """Errors have one form."""
    assert server.get("/nothing").json == {"error": "Not Found."}
    assert server.get("/predict").json == {"error": "Method Not Allowed."}
    assert server.get("/predict").headers["allow"] == "POST"


def test_the_example_of_the_description_works(server):
    """What `/docs` offers to try is answered, and `/schema` says the same as the description."""
    described = server.get("/openapi.json").json
    schemas = described["components"]["schemas"]
    assert server.post("/predict", schemas["Rows"]["example"]).status == 200
    assert server.get("/schema").json == schemas["Record"]
    assert set(PATHS) <= set(described["paths"])


def test_the_documentation_needs_no_network(server):
    """The page of `/docs` loads nothing but what the server has."""
    reply = server.get("/docs")
    assert "img-src 'self' data:" in reply.headers["content-security-policy"]
    page = reply.content.decode()
    links = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert links
    for link in links:
        assert link.startswith("/")
        assert server.get(link).status == 200


def test_nothing_of_a_request_is_logged(run, tmp_path, row, caplog, capfd):
    """Neither the values, nor who asked, nor the key is in the log."""
    secret = "open sesame"
    with caplog.at_level("DEBUG"), Server(run.package, tmp_path, key=secret) as server:
        server.post("/predict", {"records": [row | {"size": 66.25}]}, **{"X-API-Key": secret})
        server.post("/predict", {"records": [row | {"size": "66.25"}]}, **{"X-API-Key": secret})
        server.post("/predict", b"66.25", **{"X-API-Key": secret[:-1]})
    printed, logged = capfd.readouterr(), [record.getMessage() for record in caplog.records]
    for text in (printed.out, printed.err, *logged):
        if text.startswith("Uvicorn running on"):
            # This is the address of the server itself.
            continue
        assert "66.25" not in text
        assert secret not in text
        assert "127.0.0.1" not in text


def test_stopping_finishes_what_was_begun(run, tmp_path, row):
    """A request whose body is still on its way when the server is told to stop is answered."""
    body = json.dumps({"records": [row]}).encode()
    head = f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    with Server(run.package, tmp_path) as server, connected(server) as client:
        client.sendall(head.encode() + body[:10])
        time.sleep(0.1)
        server.stop()
        time.sleep(0.2)
        client.sendall(body[10:])
        answer = http.client.HTTPResponse(client)
        answer.begin()
        assert answer.status == 200
        request_id = json.loads(answer.read())["request_id"]
    assert [row[0] for row in server.rows("requests")] == [request_id]
