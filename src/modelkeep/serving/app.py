"""The application of a worker: its paths, within the limits that were set."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
from fastapi import FastAPI, Request, Response
from fastapi_offline import FastAPIOffline
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse

from modelkeep.serving import openapi, page, protocols
from modelkeep.serving.access import Access
from modelkeep.serving.batching import compute_alone
from modelkeep.serving.bodies import (
    Reader,
    breakdown,
    failure,
    is_long,
    reader_of,
    rejection,
    reply,
)
from modelkeep.serving.connections import allow_connections
from modelkeep.serving.inlet import Rejected
from modelkeep.serving.memory import settle
from modelkeep.serving.options import Settings, api_key
from modelkeep.serving.parent import end_with_parent
from modelkeep.serving.records import Answered
from modelkeep.serving.rows import REPEATED
from modelkeep.serving.served import ServedModel
from modelkeep.serving.service import Service


def create() -> FastAPI:
    """Return the application, with the settings that the command handed over."""
    settings = Settings.handed_over()
    service = Service(settings)

    @asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[dict[str, Any]]:
        compute_alone()
        allow_connections()
        end_with_parent()
        settle()
        tasks = [asyncio.create_task(task.run()) for task in service.tasks]
        # The state of every connection, which counts the ones that it ends
        yield {"cut": service.counters.cut}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await service.close()

    app = FastAPIOffline(lifespan=lifespan, redoc_url=None)
    app.openapi = lambda: openapi.description(app, service.served)  # type: ignore[method-assign]
    for add_paths in (_add_paths, protocols.add_mlflow, protocols.add_v2):
        add_paths(app, service)
    app.add_exception_handler(Rejected, rejection)  # type: ignore[arg-type]
    app.add_exception_handler(HTTPException, failure)  # type: ignore[arg-type]
    app.add_exception_handler(Exception, breakdown)
    app.add_middleware(Access, counters=service.counters, key=api_key(), hosts=settings.hosts)
    return app


def _reader(content: dict[str, Any]) -> Reader:
    """Return what reads the rows of a request to `/predict`.

    Raises:
        Rejected: the request has no rows.
    """
    match content:
        case {"records": records} if len(content) == 1:
            return lambda contract: contract.from_records(records)
        case {"features": lists} if len(content) == 1:
            return lambda contract: contract.from_lists(lists)
    raise Rejected(422, 'Give either "records" or "features", and nothing else.')


def _explained(request: Request) -> bool:
    """Say whether a request to `/predict` asks for contributions.

    Raises:
        Rejected: it says neither yes nor no, or says so twice.
    """
    if not request.scope["query_string"]:
        return False
    asked, *others = request.query_params.getlist("explain") or ["false"]
    if others:
        raise Rejected(400, "explain is given more than once: it is true or false.")
    if asked not in ("true", "false", ""):
        raise Rejected(400, f"explain={asked[:REPEATED]}: it is true or false.")
    return asked == "true"


def _interval(served: ServedModel, answered: Answered) -> dict[str, Any]:
    """Return the interval around each prediction, where the model has one."""
    if served.interval is None:
        return {}
    ends = served.interval.bounds(np.array(answered.outputs["predictions"]))
    bounds = {name: values.tolist() for name, values in ends.items()}
    return {"interval": {"coverage": served.interval.coverage, **bounds}}


def _add_paths(app: FastAPI, service: Service) -> None:
    """Add the server's own paths."""

    @app.post("/predict", tags=["Model"], openapi_extra=openapi.PREDICT)
    async def predict(request: Request) -> Response:
        """Predict rows: "records" by name, "features" in order, or a CSV table."""
        explained = _explained(request)
        async with reader_of(request, service, _reader) as read:
            served, answered = await service.predict(read, is_long(request), explained)
        classes = {} if served.classes is None else {"classes": served.classes}
        why = {} if answered.explanation is None else {"explanation": answered.explanation}
        content = {
            **answered.outputs,
            **classes,
            **_interval(served, answered),
            **why,
            "version": served.version or None,
            "recipe_id": served.recipe_id,
            "request_id": answered.request_id,
            **answered.notes,
        }
        return reply(content, X_Request_ID=answered.request_id)

    @app.get("/version", tags=["Model"])
    async def version() -> Response:
        """Say which model answers, and what it is."""
        served = service.served
        return reply(
            {
                "name": served.name,
                "version": served.version or None,
                "stage": service.stage or None,
                "recipe_id": served.recipe_id,
                "metadata": served.metadata,
            }
        )

    @app.get("/schema", tags=["Model"])
    async def schema() -> Response:
        """Say what a row must hold, as a JSON schema, with an example."""
        return reply(openapi.record(service.served))

    @app.get("/health", tags=["Model"])
    async def health() -> Response:
        """Say that the server lives, and what is wrong with it."""
        return reply(service.health())

    @app.get("/ready", tags=["Model"])
    async def ready() -> Response:
        """Say whether requests are answered and recorded, and by which version."""
        version = service.served.version or None
        return reply({"ready": service.ready, "version": version}, 200 if service.ready else 503)

    @app.get("/metrics", tags=["Model"], response_class=PlainTextResponse)
    async def metrics() -> Response:
        """Tell the numbers of the server in Prometheus's format."""
        service.watch()
        return Response(service.counters.text(), media_type=CONTENT_TYPE_LATEST)

    @app.get("/", include_in_schema=False)
    async def index() -> Response:
        """Show the model card and a form."""
        faults, site = service.faults.reasons, service.settings.site
        content = page.html(service.served, faults, site)
        return Response(content, headers=page.HEADERS, media_type="text/html")
