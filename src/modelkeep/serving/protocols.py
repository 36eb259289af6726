"""The same answers for clients that speak other protocols.

MLflow's scoring protocol (`/invocations`, `/ping`), and version 2 of the Open Inference Protocol,
which KServe, Triton and Seldon speak.
"""

from typing import Any

from fastapi import FastAPI, Request, Response

from modelkeep.serving import openapi
from modelkeep.serving.bodies import (
    JSON_TYPE,
    Reader,
    is_long,
    json_of,
    media_type,
    reader_of,
    reply,
)
from modelkeep.serving.inlet import Rejected
from modelkeep.serving.rows import REPEATED, Contract, Problem, Rows, Unfit
from modelkeep.serving.served import ServedModel
from modelkeep.serving.service import Service

OIP = "Open Inference Protocol"
# The header of a body in which tensors are no JSON
BINARY = "inference-header-content-length"
FORMS = ("dataframe_split", "dataframe_records", "instances", "inputs")


def add_mlflow(app: FastAPI, service: Service) -> None:
    """Add the paths of MLflow's protocol."""

    @app.get("/ping", tags=["MLflow"])
    async def ping() -> Response:
        """Say that the server lives."""
        return reply({"status": "ok"})

    @app.post("/invocations", tags=["MLflow"], openapi_extra=openapi.INVOCATIONS)
    async def invocations(request: Request) -> Response:
        """Predict rows in one of MLflow's forms, or a CSV table."""
        async with reader_of(request, service, _reader, others=True) as read:
            _, answered = await service.predict(read, is_long(request))
        predictions = answered.outputs["predictions"]
        content = {"predictions": predictions, **answered.notes}
        return reply(content, X_Request_ID=answered.request_id)


def _reader(content: dict[str, Any]) -> Reader:
    """Return what reads the rows of a request to `/invocations`.

    Raises:
        Rejected: the request has no rows.
    """
    given = [name for name in content if name != "params"]
    if len(given) != 1 or given[0] not in FORMS or content.get("params"):
        raise Rejected(400, f"Give one of {', '.join(FORMS)}, and no parameters.")
    return lambda contract: _in_form(contract, given[0], content[given[0]])


def _in_form(contract: Contract, form: str, rows: Any) -> Rows:
    """Return the rows of a request to MLflow's protocol, which leaves other columns alone.

    Raises:
        Unfit: they break the schema.
    """
    if form == "dataframe_split":
        if not isinstance(rows, dict) or not {"columns", "data"} <= rows.keys():
            raise Unfit(Problem(None, "", 'an object with "columns" and "data"', "form"))
        return contract.from_records(_named(rows["columns"], rows["data"]), others=True)
    if form == "inputs" and isinstance(rows, dict):
        return contract.from_records(_from_columns(rows), others=True)
    if (
        form != "dataframe_records"
        and isinstance(rows, list)
        and rows
        and isinstance(rows[0], list)
    ):
        return contract.from_lists(rows)
    return contract.from_records(rows, others=True)


def _named(columns: Any, data: Any) -> Any:
    """Return records from rows and the names of their columns."""
    fits = isinstance(columns, list) and isinstance(data, list)
    names = columns if fits and all(isinstance(name, str) for name in columns) else []
    if len({*names}) < len(names):
        raise Unfit(Problem(None, "", "columns of which each has another name", "form"))
    if not names or any(not isinstance(row, list) or len(row) != len(names) for row in data):
        raise Unfit(Problem(None, "", "lists with a value for each of the columns", "form"))
    return [dict(zip(names, row, strict=True)) for row in data]


def _from_columns(columns: dict[str, Any]) -> list[dict[str, Any]]:
    """Return records from a list of values for each column."""
    if not all(isinstance(values, list) for values in columns.values()):
        raise Unfit(Problem(None, "", "a list of values for each column", "form"))
    if len({len(values) for values in columns.values()}) > 1:
        raise Unfit(Problem(None, "", "equally many values for each column", "form"))
    cells = zip(*columns.values(), strict=True)
    return [dict(zip(columns, row, strict=True)) for row in cells]


def add_v2(app: FastAPI, service: Service) -> None:
    """Add the paths of the Open Inference Protocol."""

    def named(name: str, version: str | None = None) -> ServedModel:
        served = service.served
        if name != served.name or version not in (None, served.version):
            there = f"{served.name} {served.version}".strip()
            raise Rejected(404, f"There is no such model here; the model here is {there}.")
        return served

    @app.get("/v2", tags=[OIP])
    async def server() -> Response:
        """Describe the server."""
        served = service.served
        return reply(
            {"name": served.metadata["title"], "version": served.version, "extensions": []}
        )

    @app.get("/v2/health/live", tags=[OIP])
    async def alive() -> Response:
        """Say that the server lives."""
        return reply({"live": True})

    @app.get("/v2/health/ready", tags=[OIP])
    async def ready() -> Response:
        """Say whether requests are answered and recorded."""
        return reply({"ready": service.ready}, 200 if service.ready else 503)

    @app.get("/v2/models/{name}/ready", tags=[OIP], openapi_extra={"responses": openapi.NO_MODEL})
    @app.get(
        "/v2/models/{name}/versions/{version}/ready",
        tags=[OIP],
        openapi_extra={"responses": openapi.NO_MODEL},
    )
    async def model_ready(name: str, version: str | None = None) -> Response:
        """Say whether the model answers."""
        content = {"name": named(name, version).name, "ready": service.ready}
        return reply(content, 200 if service.ready else 503)

    @app.get("/v2/models/{name}", tags=[OIP], openapi_extra={"responses": openapi.NO_MODEL})
    @app.get(
        "/v2/models/{name}/versions/{version}",
        tags=[OIP],
        openapi_extra={"responses": openapi.NO_MODEL},
    )
    async def model(name: str, version: str | None = None) -> Response:
        """Describe the model: a tensor for each column, and its answers."""
        return reply(_described(named(name, version)))

    @app.post("/v2/models/{name}/infer", tags=[OIP], openapi_extra=openapi.INFER)
    @app.post(
        "/v2/models/{name}/versions/{version}/infer",
        tags=[OIP],
        openapi_extra=openapi.INFER,
    )
    async def infer(request: Request, name: str, version: str | None = None) -> Response:
        """Predict rows, given as a tensor for each column."""
        named(name, version)
        if BINARY in request.headers or media_type(request) == "application/octet-stream":
            raise Rejected(415, "Binary tensors are not supported: send them as application/json.")
        async with json_of(request, service, JSON_TYPE) as asked:
            # Another model may have taken over while the body came.
            described = _described(named(name, version))["outputs"]
            wanted = _wanted(asked.get("outputs", []), [output["name"] for output in described])
            served, answered = await service.predict(
                lambda contract: contract.from_records(_from_columns(_tensors(asked))),
                is_long(request),
            )
        outputs = {
            output["name"]: {**output, "shape": [answered.rows, *output["shape"][1:]], "data": data}
            for output, data in zip(described, _flat(answered.outputs), strict=True)
        }
        parameters = {"recipe_id": served.recipe_id, "request_id": answered.request_id}
        if answered.notes:
            # In this protocol, a parameter is a text, a number or a boolean.
            parameters["warning"] = " ".join(answered.notes["warnings"])
        content = {
            "model_name": served.name,
            "model_version": served.version,
            "id": asked.get("id") or answered.request_id,
            "parameters": parameters,
            "outputs": [outputs[name] for name in wanted],
        }
        return reply(content, X_Request_ID=answered.request_id)


def _wanted(asked: Any, there: list[str]) -> list[str]:
    """Return the names of the outputs that a request asks for: all, unless it names some.

    Raises:
        Rejected: it names one that is not there.
    """
    if asked == []:
        return there
    names: list[Any] = []
    for output in asked if isinstance(asked, list) else [asked]:
        names.append(output.get("name") if isinstance(output, dict) else None)
    if not all(name in there for name in names):
        raise Rejected(400, f'"outputs" may name {" and ".join(there)}, and nothing else.')
    return [*dict.fromkeys(names)]


def _described(served: ServedModel) -> dict[str, Any]:
    """Return the metadata of a model: -1 stands for the number of rows."""
    inputs = [
        {"name": name, "datatype": openapi.DATATYPES[column.type], "shape": [-1]}
        for name, column in served.contract.schema.features.items()
    ]
    outputs = [{"name": "predictions", "datatype": _datatype(served), "shape": [-1]}]
    if "probabilities" in served.example:
        shape = [-1, len(served.classes or [])]
        outputs.append({"name": "probabilities", "datatype": "FP64", "shape": shape})
    return {
        "name": served.name,
        "versions": [served.version] if served.version else [],
        "platform": "scikit-learn",
        "inputs": inputs,
        "outputs": outputs,
    }


def _datatype(served: ServedModel) -> str:
    first = 0.0 if served.classes is None else served.classes[0]
    return {bool: "BOOL", int: "INT64", float: "FP64"}.get(type(first), "BYTES")


def _tensors(content: dict[str, Any]) -> dict[str, list[Any]]:
    """Return the values of each input by its name.

    Raises:
        Unfit: an input is no column of values.
    """
    inputs = content.get("inputs")
    if not isinstance(inputs, list):
        raise Unfit(Problem(None, "", 'in "inputs", a tensor for each column', "form"))
    columns = {}
    for tensor in inputs:
        if not isinstance(tensor, dict) or not isinstance(tensor.get("name"), str):
            raise Unfit(Problem(None, "", "tensors with name, shape, datatype and data", "form"))
        name, shape, data = tensor["name"], tensor.get("shape"), tensor.get("data")
        if name in columns:
            raise Unfit(Problem(None, name[:REPEATED], "given by one tensor", "form"))
        if isinstance(data, list) and shape == [len(data), 1]:
            # A value in a list of its own, as nested tensors have it, or not
            data = [
                value[0] if isinstance(value, list) and len(value) == 1 else value for value in data
            ]
            shape = shape[:1]
        if not isinstance(data, list) or shape != [len(data)]:
            rule = "a tensor of shape [rows] or [rows, 1], in JSON"
            raise Unfit(Problem(None, name[:REPEATED], rule, "form"))
        columns[name] = data
    return columns


def _flat(outputs: dict[str, list[Any]]) -> list[list[Any]]:
    """Return the data of each output as one list, row after row."""
    flat = [outputs["predictions"]]
    if "probabilities" in outputs:
        flat.append([value for row in outputs["probabilities"] for value in row])
    return flat
