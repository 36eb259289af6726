"""What requests bring and what they get: JSON in, JSON out, within limits of bytes and seconds."""

import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from modelkeep.serving.csv_rows import records_of
from modelkeep.serving.inlet import SMALL, Rejected
from modelkeep.serving.rows import Contract, Rows
from modelkeep.serving.service import Service

Reader = Callable[[Contract], Rows]
JSON_TYPE, CSV_TYPE = "application/json", "text/csv"
# Media types that are read as JSON: none, and what curl sends unless it is told otherwise, as well
JSON_TYPES = {"", JSON_TYPE, "application/x-www-form-urlencoded"}
UTF_8 = {"utf-8", "utf8"}
CHARSET = re.compile(r"charset\s*=\s*\"?([^\s\";]+)", re.IGNORECASE)
# Which letters count as a value, and how many letters are looked at before it is asked again
VALUE = b",[{"
IS_VALUE = np.isin(np.arange(256), [*VALUE])
COUNTED = 64 * 1024


@asynccontextmanager
async def reader_of(
    request: Request,
    service: Service,
    in_json: Callable[[dict[str, Any]], Reader],
    others: bool = False,
) -> AsyncIterator[Reader]:
    """Yield what reads the rows of a request by a contract: a CSV table, or rows in JSON.

    Args:
        request: the request.
        service: what answers it.
        in_json: returns what reads the rows of a JSON object.
        others: whether a table may have other columns as well, which are left alone.

    Raises:
        Rejected: the request has no rows.
    """
    if media_type(request) != CSV_TYPE:
        async with json_of(request, service) as content:
            yield in_json(content)
        return
    async with _body_of(request, service) as body:
        yield lambda contract: contract.from_records(
            records_of(body, contract.schema, contract.most_rows), others
        )


@asynccontextmanager
async def json_of(
    request: Request, service: Service, taken: str = f"{JSON_TYPE} or {CSV_TYPE}"
) -> AsyncIterator[dict[str, Any]]:
    """Yield the JSON object in the body of a request.

    Args:
        request: the request.
        service: what answers it.
        taken: which media types are taken here, for who sends another one.

    Raises:
        Rejected: it is none, has more values than any rows may have, or does not come in time.
    """
    kind = media_type(request)
    if kind not in JSON_TYPES and not kind.endswith("+json"):
        raise Rejected(415, f"The body is {kind!r}, and {taken} is taken.")
    async with _body_of(request, service) as body:
        if is_long(request):
            yield await service.beside(lambda: _object_in(body, service))
        else:
            yield _object_in(body, service)


@asynccontextmanager
async def _body_of(request: Request, service: Service) -> AsyncIterator[bytes]:
    """Yield the body of a request.

    Raises:
        Rejected: it is compressed, is text of another encoding than UTF-8, is too long, or does not
            come in time.
    """
    packed = request.headers.get("content-encoding", "").strip().lower()
    if packed not in ("", "identity"):
        raise Rejected(415, f"The body is packed ({packed!r}): send it as it is.")
    async with service.inlet.body(request) as body:
        named = CHARSET.findall(request.headers.get("content-type", ""))
        other = [name for name in named if name.lower() not in UTF_8]
        if other and not body.isascii():
            raise Rejected(415, f"The body is in {other[0]!r}: send it in UTF-8.")
        yield body


def _object_in(body: bytes, service: Service) -> dict[str, Any]:
    """Return the JSON object that a body is.

    Raises:
        Rejected: it is none, has a name twice, or more values than any rows may have.
    """
    if has_more_values(body, service.most_values):
        most = service.settings.max_rows
        raise Rejected(413, f"More values than {most} rows can have; at most {most} at once.")
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Rejected(400, f"The body is not JSON: {error}.") from None
    if not isinstance(content, dict):
        raise Rejected(400, "The body is JSON, but not an object.")
    if has_a_name_twice(body, content):
        raise Rejected(400, "The body has an object with the same name twice.")
    return content


def is_long(request: Request) -> bool:
    """Say whether the rows of a request are to be read beside the event loop."""
    length = request.headers.get("content-length")
    return length is None or int(length) > SMALL or media_type(request) == CSV_TYPE


def has_more_values(body: bytes, most: int) -> bool:
    """Say whether JSON has more values than these, in far less time than parsing takes.

    Each list, object and comma outside of texts counts as one.
    """
    # Those in texts as well, which is soon known.
    if sum(body.count(letter) for letter in VALUE) <= most:
        return False
    values = 0
    for letters in _outside_texts(body):
        values += int(np.count_nonzero(IS_VALUE[letters]))
        if values > most:
            return True
    return False


def has_a_name_twice(body: bytes, content: dict[str, Any]) -> bool:
    """Say whether an object in JSON has the same name twice, of which the parser keeps the last.

    Args:
        body: the JSON.
        content: what the parser made of it.
    """
    colons = body.count(b":")
    # Each name has its colon, and often there is no other one.
    if colons == len(content) or colons == (names := _names_in(content)):
        return False
    letters = _outside_texts(body)
    return sum(int(np.count_nonzero(some == ord(":"))) for some in letters) > names


def _names_in(content: dict[str, Any]) -> int:
    """Return how many names all objects have together."""
    names, waiting = 0, [content]
    while waiting:
        part = waiting.pop()
        names += len(part) if isinstance(part, dict) else 0
        parts = part.values() if isinstance(part, dict) else part
        waiting += [inner for inner in parts if type(inner) in (dict, list)]
    return names


def _outside_texts(body: bytes) -> Iterator[NDArray[np.uint8]]:
    """Yield the letters of JSON that are in no text, some at a time."""
    plain = body
    if b"\\" in body:
        # Two backslashes are none that escapes a quotation mark.
        plain = body.replace(rb"\\", b"").replace(rb"\"", b"")
    in_text = np.False_
    for start in range(0, len(plain), COUNTED):
        letters = np.frombuffer(plain, "uint8", min(COUNTED, len(plain) - start), start)
        in_texts = np.bitwise_xor.accumulate(letters == ord('"')) ^ in_text
        yield letters[~in_texts]
        in_text = in_texts[-1]


def media_type(request: Request) -> str:
    """Return the media type of a body in lower case and without parameters; "" for none."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def reply(content: Any, status: int = 200, **headers: str) -> Response:
    """Return a JSON answer; underscores in the names of headers become dashes."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(orjson.dumps(content), status, named, "application/json")


async def rejection(_: Request, rejected: Rejected) -> Response:
    """Return the answer to a request that gets no prediction."""
    content: dict[str, Any] = {"error": rejected.detail}
    if rejected.problems:
        content["problems"] = [
            {"row": problem.row, "column": problem.column or None, "rule": problem.rule}
            for problem in rejected.problems
        ]
    headers = {"Retry_After": "1"} if rejected.status == 503 else {}
    return reply(content, rejected.status, **headers)


async def failure(_: Request, error: HTTPException) -> Response:
    """Return the answer to a request that no path, or none of its methods, is there for."""
    return reply({"error": f"{error.detail}."}, error.status_code, **(error.headers or {}))


async def breakdown(_: Request, __: Exception) -> Response:
    """Return the answer to a request at which the server itself fails; the log says how."""
    return reply({"error": "The server failed at this request; its log says how."}, 500)
