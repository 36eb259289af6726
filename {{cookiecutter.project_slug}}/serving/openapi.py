"""The OpenAPI description: rows as the packaged schema wants them, with an example that works."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from pipeline.schema import Column
from serving.live import Live

# The types of a column in JSON, and in the Open Inference Protocol
DATATYPES = {
    "number": "FP64",
    "integer": "INT64",
    "boolean": "BOOL",
    "category": "BYTES",
    "datetime": "BYTES",
}
TYPES = {
    "number": "number",
    "integer": "integer",
    "boolean": "boolean",
    "category": "string",
    "datetime": "string",
}


def _json(name: str) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}}


def _rows_in(name: str) -> dict[str, Any]:
    body = _json(name)
    body["content"]["text/csv"] = {"schema": {"type": "string"}}
    return {"required": True, **body}


REFUSALS = {
    status: {"description": meaning, **_json("Refusal")}
    for status, meaning in {
        "400": "The body is not what this path takes",
        "401": "The key of the server is missing or wrong",
        "408": "The body did not come in time",
        "413": "Too many rows or bytes",
        "422": "Values break the schema; each is named",
        "503": "Too many requests are waiting",
    }.items()
}
NO_MODEL = {"404": {"description": "It is another model that answers here", **_json("Refusal")}}
PREDICT = {
    "requestBody": _rows_in("Rows"),
    "responses": {"200": {"description": "The answers", **_json("Answers")}, **REFUSALS},
}
INVOCATIONS = {
    "requestBody": _rows_in("Invocations"),
    "responses": REFUSALS,
}
INFER = {
    "requestBody": {"required": True, **_json("Tensors")},
    "responses": REFUSALS | NO_MODEL,
}


def description(app: FastAPI, live: Live) -> dict[str, Any]:
    """Return the description of the server with the model that answers now."""
    described = get_openapi(
        title=live.metadata["title"],
        version=live.version or live.recipe_id[:12],
        description=live.metadata["description"],
        routes=app.routes,
    )
    described.setdefault("components", {}).setdefault("schemas", {}).update(
        Record=record(live),
        Rows=_rows(live),
        Invocations=_invocations(live),
        Tensors=_tensors(live),
        Answers=_answers(live),
        Refusal=REFUSAL,
    )
    return described


def record(live: Live) -> dict[str, Any]:
    """Return the JSON schema of one row, given as an object."""
    columns = live.contract.schema.features
    return {
        "type": "object",
        "properties": {name: _value(column) for name, column in columns.items()},
        "required": list(columns),
        "additionalProperties": False,
        "example": live.example["records"][0],
    }


RECORDS = {"type": "array", "items": {"$ref": "#/components/schemas/Record"}, "minItems": 1}


def _rows(live: Live) -> dict[str, Any]:
    return {
        "oneOf": [_only("records", RECORDS), _only("features", _lists(live))],
        "example": {"records": live.example["records"]},
    }


def _invocations(live: Live) -> dict[str, Any]:
    """Return the forms that MLflow's clients send rows in."""
    split = {
        "type": "object",
        "properties": {"columns": {"const": live.contract.features}, "data": _lists(live)},
        "required": ["columns", "data"],
    }
    forms = {"dataframe_split": split, "dataframe_records": RECORDS, "instances": RECORDS}
    return {
        "oneOf": [_only(name, form) for name, form in forms.items()],
        "example": {"dataframe_records": live.example["records"]},
    }


def _tensors(live: Live) -> dict[str, Any]:
    """Return the inputs of the Open Inference Protocol: a tensor for each column."""
    (example,) = live.example["records"]
    tensor = {
        "type": "object",
        "properties": {
            "name": {"enum": live.contract.features},
            "shape": {"type": "array", "items": {"type": "integer"}},
            "datatype": {"type": "string"},
            "data": {"type": "array"},
        },
        "required": ["name", "shape", "datatype", "data"],
    }
    inputs = [
        {"name": name, "shape": [1], "datatype": DATATYPES[column.type], "data": [example[name]]}
        for name, column in live.contract.schema.features.items()
    ]
    return {
        "type": "object",
        "properties": {"id": {"type": "string"}, "inputs": {"type": "array", "items": tensor}},
        "required": ["inputs"],
        "example": {"inputs": inputs},
    }


def _lists(live: Live) -> dict[str, Any]:
    """Return the schema of rows that are lists of values in the order of the features."""
    columns = live.contract.schema.features
    row = {
        "type": "array",
        "prefixItems": [{**_value(column), "title": name} for name, column in columns.items()],
        "minItems": len(columns),
        "maxItems": len(columns),
    }
    return {"type": "array", "items": row, "minItems": 1}


def _only(name: str, content: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {name: content},
        "required": [name],
        "additionalProperties": False,
    }


def _value(column: Column) -> dict[str, Any]:
    """Return the JSON schema of one value."""
    kind = TYPES[column.type]
    described: dict[str, Any] = {"type": [kind, "null"] if column.missing else kind}
    if column.type == "category" and column.values is not None:
        described["enum"] = [*column.values, *([None] if column.missing else [])]
    if column.min is not None:
        described["minimum"] = column.min
    if column.max is not None:
        described["maximum"] = column.max
    return described


def _answers(live: Live) -> dict[str, Any]:
    prediction = {"type": "number"} if live.classes is None else {"enum": live.classes}
    properties = {
        "predictions": {"type": "array", "items": prediction},
        "version": {"type": ["string", "null"]},
        "recipe_id": {"type": "string"},
        "request_id": {"type": "string"},
    }
    if live.classes is not None:
        properties["classes"] = {"type": "array", "items": prediction}
    if "probabilities" in live.example:
        row = {"type": "array", "items": {"type": "number", "minimum": 0, "maximum": 1}}
        properties["probabilities"] = {"type": "array", "items": row}
    return {"type": "object", "properties": properties, "required": list(properties)}


REFUSAL = {
    "type": "object",
    "properties": {
        "error": {"type": "string"},
        "problems": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "row": {"type": ["integer", "null"]},
                    "column": {"type": ["string", "null"]},
                    "rule": {"type": "string"},
                },
                "required": ["row", "column", "rule"],
            },
        },
    },
    "required": ["error"],
}
