"""Bodies are JSON both ways."""

import asyncio
import gzip
import json
from types import SimpleNamespace

import pytest
from starlette.requests import Request

from modelkeep.serving.bodies import has_a_name_twice, has_more_values, json_of, rejection, reply
from modelkeep.serving.inlet import PARSED, SMALL, TOGETHER, Inlet, Rejected

# The requests that were parsed beside the event loop
BESIDE = []


def request(*chunks, hang=False, **headers):
    """Return a request whose body comes in chunks, or never ends."""
    waiting = [*chunks]

    async def receive():
        if not waiting and hang:
            await asyncio.sleep(60)
        return {"type": "http.request", "body": waiting.pop(0), "more_body": hang or bool(waiting)}

    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "POST", "headers": named}, receive)


def content(request, seconds=60.0, most_bytes=10_000_000, inlet=None):
    """Return the JSON object in the body of a request."""
    inlet = inlet or Inlet(seconds, most_bytes)
    settings = SimpleNamespace(max_rows=10)

    async def beside(read):
        BESIDE.append(request)
        return read()

    service = SimpleNamespace(inlet=inlet, most_values=20, settings=settings, beside=beside)

    async def read():
        async with json_of(request, service) as content:
            return content

    return asyncio.run(read())


def test_a_body_may_come_in_pieces():
    """What arrives byte by byte is one body."""
    assert content(request(b'{"a"', b": ", b"[1]}")) == {"a": [1]}


def test_a_body_that_does_not_end_is_not_waited_for():
    """The time is said."""
    with pytest.raises(Rejected, match=r"within 0\.01 seconds") as rejected:
        content(request(b"{", hang=True), seconds=0.01)
    assert rejected.value.status == 408


@pytest.mark.parametrize("announced", [{}, {"content_length": "101"}])
def test_a_body_that_is_too_long_is_refused(announced):
    """As soon as its length is announced, and else as soon as it has come."""
    with pytest.raises(Rejected, match="more than the 100 bytes") as rejected:
        content(request(b"{" * 101, hang=True, **announced), most_bytes=100)
    assert rejected.value.status == 413


def test_long_bodies_have_a_room_that_they_share(monkeypatch):
    """One more than fit into it is sent away, short ones never are; whoever goes makes room."""
    monkeypatch.setattr("modelkeep.serving.inlet.PARSED", TOGETHER)
    inlet = Inlet(1.0, 2 * SMALL)

    async def crowd():
        held = [inlet.body(request(b"x" * 2 * SMALL)) for _ in range(TOGETHER)]
        for body in held:
            await body.__aenter__()
        with pytest.raises(Rejected, match="Too many long requests") as rejected:
            await inlet.body(request(b"x" * 2 * SMALL)).__aenter__()
        assert rejected.value.status == 503
        async with inlet.body(request(b"x" * SMALL)):
            pass
        await held[0].__aexit__(None, None, None)
        async with inlet.body(request(b"x" * 2 * SMALL)):
            pass

    asyncio.run(crowd())


def test_long_bodies_are_parsed_beside_the_event_loop():
    """Others are answered meanwhile; what is short is parsed sooner than handed over."""
    BESIDE.clear()
    short, long = b'{"a": 1}', b'{"a": "%s"}' % (b"x" * SMALL)
    assert content(request(short, **{"content-length": str(len(short))})) == {"a": 1}
    assert BESIDE == []
    assert content(request(long, **{"content-length": str(len(long))})).keys() == {"a"}
    assert len(BESIDE) == 1


def test_long_bodies_take_turns_while_short_ones_pass():
    """So few are parsed at once; the next waits until one has been answered, and not for ever."""
    inlet = Inlet(0.2, 2 * SMALL)
    long, short = b"x" * 2 * SMALL, b"x" * SMALL

    async def crowd():
        held = [inlet.body(request(long)) for _ in range(PARSED)]
        for body in held:
            await body.__aenter__()
        async with inlet.body(request(short)):
            pass
        with pytest.raises(Rejected, match="Too many long requests") as rejected:
            await inlet.body(request(long)).__aenter__()
        assert rejected.value.status == 503
        inlet._seconds = 60
        waiting = asyncio.create_task(inlet.body(request(long)).__aenter__())
        for _ in range(100):
            await asyncio.sleep(0)
        assert not waiting.done()
        await held[0].__aexit__(None, None, None)
        assert await waiting == long

    asyncio.run(crowd())


@pytest.mark.parametrize(
    ("body", "values"),
    [
        (b'{"records": [{}, {}, {}]}', 7),
        (b"[1, 2, 3]", 3),
        (b"[[[[[[]]]]]]", 6),
        (rb'["a,b,c,[[[[", "\\", ",,,,{", "\",,,,,,"]', 4),
        (rb'["\\\\", 1, 2, 3, "\\\",,,,,"]', 5),
    ],
)
def test_values_are_counted_before_they_are_parsed(body, values):
    """Lists, objects and commas count, those inside of texts do not, whatever is escaped there."""
    json.loads(body)
    assert has_more_values(body, values - 1)
    assert not has_more_values(body, values)


def test_a_body_of_too_many_values_is_not_parsed():
    """It is refused as one of too many rows."""
    with pytest.raises(Rejected, match="More values than 10 rows can have") as rejected:
        content(request(b'{"records": [' + b"{}," * 20 + b"{}]}"))
    assert rejected.value.status == 413


@pytest.mark.parametrize(
    ("kind", "taken"),
    [
        ("application/json", True),
        ("Application/JSON; charset=utf-8", True),
        ("application/x-www-form-urlencoded", True),
        ("application/vnd.api+json", True),
        ("text/plain;charset=UTF-8", False),
        ("multipart/form-data; boundary=x", False),
    ],
)
def test_what_is_said_to_be_no_json_is_not_read_as_json(kind, taken):
    """What curl says of a body unless it is told otherwise is taken; what forms can send is not."""
    sent = request(b"{}", content_type=kind)
    if taken:
        assert content(sent) == {}
        return
    with pytest.raises(Rejected, match="application/json or text/csv is taken") as rejected:
        content(sent)
    assert rejected.value.status == 415


@pytest.mark.parametrize(
    "body",
    [
        b'{"records": [], "records": []}',
        b'{"records": [{"a": 1, "b": ":", "a": 2}]}',
        rb'{"records": [{"a\":": 1, "a\":": 2}]}',
        b'{"a": [[1, {"b": {"c": 1, "c": 1}}]]}',
        b'{"features": [], "features": []}',
    ],
)
def test_a_name_that_comes_twice_is_refused(body):
    """The parser would keep one of the values, and nobody says which was meant."""
    with pytest.raises(Rejected, match="the same name twice") as rejected:
        content(request(body))
    assert rejected.value.status == 400


@pytest.mark.parametrize(
    "body",
    [
        b'{"features": [["10:30", ":"]]}',
        rb'{"a": {"b": "::\":\\", "c": ["2024-01-31T09:30:00"]}, "b": {"b": 1}}',
        b"{}",
    ],
)
def test_colons_in_texts_are_no_names(body):
    """Nor are equal names of different objects the same."""
    assert not has_a_name_twice(body, json.loads(body))


@pytest.mark.parametrize(
    ("body", "headers", "sentence"),
    [
        (
            gzip.compress(b"{}", mtime=0),
            {"content_encoding": "GZIP"},
            "is packed ('gzip')",
        ),
        (b"{}", {"content_encoding": "gzip, identity"}, "is packed"),
        (
            '{"a": "\u00e9"}'.encode("latin-1"),
            {"content_type": "application/json; charset=ISO-8859-1"},
            "is in 'ISO-8859-1': send it in UTF-8",
        ),
        (
            '{"a": "\u00e9"}'.encode(),
            {"content_type": 'application/json;charset="latin1"'},
            "is in 'latin1'",
        ),
        (
            '{"a": "\u00e9"}'.encode(),
            {"content_type": "application/json; charset=utf-8; charset=latin1"},
            "is in 'latin1'",
        ),
    ],
)
def test_what_is_written_otherwise_than_it_is_read_is_refused(body, headers, sentence):
    """Packed, or in another encoding, by what its own head says."""
    with pytest.raises(Rejected) as rejected:
        content(request(body, **headers))
    assert rejected.value.status == 415
    assert sentence in rejected.value.detail


@pytest.mark.parametrize(
    "headers",
    [
        {"content_encoding": "identity"},
        {"content_type": "application/json; charset=UTF8"},
        {"content_type": "application/json; charset=us-ascii"},
    ],
)
def test_what_is_the_same_in_utf_8_is_read(headers):
    """Whatever its head calls it."""
    assert content(request(b'{"a": 1}', **headers)) == {"a": 1}


def test_a_reply_is_json_with_its_headers():
    """Underscores of a name become dashes."""
    made = reply({"a": [1.5, None]}, 201, X_Some_Name="value")
    assert (made.status_code, json.loads(made.body)) == (201, {"a": [1.5, None]})
    assert made.headers["x-some-name"] == "value"


def test_who_is_sent_away_is_told_when_to_come_back():
    """Clients know what to do with a 503."""
    assert asyncio.run(rejection(None, Rejected(503, "Later."))).headers["retry-after"] == "1"
    assert "retry-after" not in asyncio.run(rejection(None, Rejected(400, "No."))).headers
