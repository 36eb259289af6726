"""What requests bring and what they get: JSON in, JSON out, within limits of bytes and seconds."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from modelkeep.serving.csv_rows import records_of
from modelkeep.serving.inlet import SMALL, Rejected
from modelkeep.serving.rows import Contract, Rows
from modelkeep.serving.service import Service

Reader = Callable[[Contract], Rows]
# Media types that are read as JSON: none, and what curl sends unless it is told otherwise, as well
JSON_TYPES = {"", "application/json", "application/x-www-form-urlencoded"}
CSV_TYPE = "text/csv"
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
    async with service.inlet.body(request) as body:
        yield lambda contract: contract.from_records(
            records_of(body, contract.schema, contract.most_rows), others
        )


@asynccontextmanager
async def json_of(request: Request, service: Service) -> AsyncIterator[dict[str, Any]]:
    """Yield the JSON object in the body of a request.

    Raises:
        Rejected: it is none, has more values than any rows may have, or does not come in time.
    """
    kind = media_type(request)
    if kind not in JSON_TYPES and not kind.endswith("+json"):
        raise Rejected(415, f"The body is {kind!r}, and application/json or text/csv is taken.")
    async with service.inlet.body(request) as body:
        if is_long(request):
            yield await service.beside(lambda: _object_in(body, service))
        else:
            yield _object_in(body, service)


def _object_in(body: bytes, service: Service) -> dict[str, Any]:
    """Return the JSON object that a body is.

    Raises:
        Rejected: it is none, or has more values than any rows may have.
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
    plain = body
    if b"\\" in body:
        # Two backslashes are none that escapes a quotation mark.
        plain = body.replace(rb"\\", b"").replace(rb"\"", b"")
    values, in_text = 0, False
    for start in range(0, len(plain), COUNTED):
        letters = np.frombuffer(plain, "uint8", min(COUNTED, len(plain) - start), start)
        in_texts = np.bitwise_xor.accumulate(letters == ord('"')) ^ in_text
        values += int(np.count_nonzero(IS_VALUE[letters] & ~in_texts))
        if values > most:
            return True
        in_text = in_texts[-1]
    return False


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
