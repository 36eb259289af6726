"""What requests bring and what they get: JSON in, JSON out."""

import asyncio
from collections.abc import Callable
from typing import Any

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from modelkeep.serving.csv_rows import records_of
from modelkeep.serving.rows import Contract, Rows
from modelkeep.serving.service import Rejected

Reader = Callable[[Contract], Rows]
# How many of a request's problems are listed
LISTED = 100


async def body_of(request: Request, seconds: float) -> bytes:
    """Return the body of a request.

    Raises:
        Rejected: it does not come in time.
    """
    try:
        async with asyncio.timeout(seconds):
            return await request.body()
    except TimeoutError:
        raise Rejected(408, f"The body did not come within {seconds:g} seconds.") from None


async def reader_of(
    request: Request, seconds: float, in_json: Callable[[dict[str, Any]], Reader]
) -> Reader:
    """Return what reads the rows of a request by a contract: a CSV table, or rows in JSON.

    Args:
        request: the request.
        seconds: how long its body may take.
        in_json: returns what reads the rows of a JSON object.

    Raises:
        Rejected: the request has no rows.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip() != "text/csv":
        return in_json(await json_of(request, seconds))
    body = await body_of(request, seconds)
    return lambda contract: contract.from_records(records_of(body, contract.schema))


async def json_of(request: Request, seconds: float) -> dict[str, Any]:
    """Return the JSON object in the body of a request.

    Raises:
        Rejected: it is none, or does not come in time.
    """
    body = await body_of(request, seconds)
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Rejected(400, f"The body is not JSON: {error}.") from None
    if not isinstance(content, dict):
        raise Rejected(400, "The body is JSON, but not an object.")
    return content


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
            for problem in rejected.problems[:LISTED]
        ]
    headers = {"Retry_After": "1"} if rejected.status == 503 else {}
    return reply(content, rejected.status, **headers)


async def failure(_: Request, error: HTTPException) -> Response:
    """Return the answer to a request that no path, or none of its methods, is there for."""
    return reply({"error": f"{error.detail}."}, error.status_code, **(error.headers or {}))
