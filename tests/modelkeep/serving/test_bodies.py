"""Bodies are JSON both ways."""

import asyncio
import json

import pytest
from starlette.requests import Request

from modelkeep.serving.bodies import LISTED, json_of, rejection, reply
from modelkeep.serving.rows import Problem
from modelkeep.serving.service import Rejected


def request(*chunks, hang=False):
    """Return a request whose body comes in chunks, or never ends."""
    waiting = [*chunks]

    async def receive():
        if not waiting and hang:
            await asyncio.sleep(60)
        return {"type": "http.request", "body": waiting.pop(0), "more_body": hang or bool(waiting)}

    return Request({"type": "http", "method": "POST", "headers": []}, receive)


def test_a_body_may_come_in_pieces():
    """What arrives byte by byte is one body."""
    assert asyncio.run(json_of(request(b'{"a"', b": ", b"[1]}"), 1)) == {"a": [1]}


def test_a_body_that_does_not_end_is_not_waited_for():
    """The time is said."""
    with pytest.raises(Rejected, match=r"within 0\.01 seconds") as rejected:
        asyncio.run(json_of(request(b"{", hang=True), 0.01))
    assert rejected.value.status == 408


def test_a_reply_is_json_with_its_headers():
    """Underscores of a name become dashes."""
    made = reply({"a": [1.5, None]}, 201, X_Some_Name="value")
    assert (made.status_code, json.loads(made.body)) == (201, {"a": [1.5, None]})
    assert made.headers["x-some-name"] == "value"


def test_a_rejection_lists_the_first_problems():
    """The answer to a request with very many problems stays small."""
    problems = tuple(Problem(n, "size", "a number", "type") for n in range(LISTED + 5))
    content = json.loads(asyncio.run(rejection(None, Rejected(422, "No.", problems))).body)
    assert content["error"] == "No."
    assert [problem["row"] for problem in content["problems"]] == list(range(LISTED))


def test_who_is_sent_away_is_told_when_to_come_back():
    """Clients know what to do with a 503."""
    assert asyncio.run(rejection(None, Rejected(503, "Later."))).headers["retry-after"] == "1"
    assert "retry-after" not in asyncio.run(rejection(None, Rejected(400, "No."))).headers
