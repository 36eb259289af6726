"""The OpenAPI description: rows as the packaged schema wants them, with an example that works."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from modelkeep.serving.served import ServedModel

# The types of a column in the Open Inference Protocol
DATATYPES = {
    "number": "FP64",
    "integer": "INT64",
    "boolean": "BOOL",
    "category": "BYTES",
    "datetime": "BYTES",
}


def _json(name: str) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}}


def _rows_in(name: str) -> dict[str, Any]:
    body = _json(name)
    body["content"]["text/csv"] = {"schema": {"type": "string"}}
    return {"required": True, **body}


ERRORS = {
    status: {"description": meaning, **_json("Error")}
    for status, meaning in {
        "400": "The body is not what this path takes",
        "401": "The key of the server is missing or wrong",
        "403": "A page of another site asks",
        "408": "The body did not come in time",
        "413": "Too many rows, values or bytes",
        "415": "The body is of a kind that this path does not take",
        "421": "The server is not called so",
        "422": "Values break the schema; each is named",
        "503": "Too many requests are waiting",
    }.items()
}
NO_MODEL = {"404": {"description": "Another model answers here", **_json("Error")}}
EXPLAIN = {
    "name": "explain",
    "in": "query",
    "description": "Whether to say what each feature contributes to each prediction; refused for "
    "a model of which there is only an approximation.",
    "schema": {"type": "boolean", "default": False},
}
PREDICT = {
    "parameters": [EXPLAIN],
    "requestBody": _rows_in("Rows"),
    "responses": {
        "200": {"description": "The predictions", **_json("Predictions")},
        **ERRORS,
        "400": {
            "description": "The body is not what this path takes, or the model cannot be explained",
            **_json("Error"),
        },
    },
}
INVOCATIONS = {
    "requestBody": _rows_in("Invocations"),
    "responses": ERRORS,
}
INFER = {
    "requestBody": {"required": True, **_json("Tensors")},
    "responses": ERRORS | NO_MODEL,
}


def description(app: FastAPI, served: ServedModel) -> dict[str, Any]:
    """Return the description of the server with the model that answers now."""
    described = get_openapi(
        title=served.metadata["title"],
        version=served.version or served.recipe_id[:12],
        description=served.metadata["description"],
        routes=app.routes,
    )
    described.setdefault("components", {}).setdefault("schemas", {}).update(
        Record=record(served),
        # MLflow's clients may send other columns as well.
        Values=record(served) | {"additionalProperties": True},
        Rows=_rows(served),
        Invocations=_invocations(served),
        Tensors=_tensors(served),
        Predictions=_predictions(served),
        Error=ERROR,
    )
    return described


def record(served: ServedModel) -> dict[str, Any]:
    """Return the JSON schema of one row, given as an object."""
    columns = served.contract.schema.features
    return {
        "type": "object",
        "properties": {name: column.json_schema() for name, column in columns.items()},
        "required": list(columns),
        "additionalProperties": False,
        "example": served.example["records"][0],
    }


RECORDS: dict[str, Any] = {
    "type": "array",
    "items": {"$ref": "#/components/schemas/Record"},
    "minItems": 1,
}


def _rows(served: ServedModel) -> dict[str, Any]:
    return {
        "oneOf": [_only("records", RECORDS), _only("features", _lists(served))],
        "example": {"records": served.example["records"]},
    }


def _invocations(served: ServedModel) -> dict[str, Any]:
    """Return the forms that MLflow's clients send rows in."""
    split = {
        "type": "object",
        "properties": {"columns": {"const": served.contract.features}, "data": _lists(served)},
        "required": ["columns", "data"],
    }
    records = RECORDS | {"items": {"$ref": "#/components/schemas/Values"}}
    forms = {"dataframe_split": split, "dataframe_records": records, "instances": records}
    return {
        "oneOf": [_only(name, form) for name, form in forms.items()],
        "example": {"dataframe_records": served.example["records"]},
    }


def _tensors(served: ServedModel) -> dict[str, Any]:
    """Return the inputs of the Open Inference Protocol: a tensor for each column."""
    (example,) = served.example["records"]
    tensor = {
        "type": "object",
        "properties": {
            "name": {"enum": served.contract.features},
            "shape": {"type": "array", "items": {"type": "integer"}},
            "datatype": {"type": "string"},
            "data": {"type": "array"},
        },
        "required": ["name", "shape", "datatype", "data"],
    }
    outputs = [name for name in ("predictions", "probabilities") if name in served.example]
    output = {"type": "object", "properties": {"name": {"enum": outputs}}, "required": ["name"]}
    inputs = [
        {"name": name, "shape": [1], "datatype": DATATYPES[column.type], "data": [example[name]]}
        for name, column in served.contract.schema.features.items()
    ]
    return {
        "type": "object",
        "properties": {
            "id": {"type": "string"},
            "inputs": {"type": "array", "items": tensor},
            "outputs": {"type": "array", "items": output},
        },
        "required": ["inputs"],
        "example": {"inputs": inputs},
    }


def _lists(served: ServedModel) -> dict[str, Any]:
    """Return the schema of rows that are lists of values in the order of the features."""
    columns = served.contract.schema.features
    row = {
        "type": "array",
        "prefixItems": [
            {**column.json_schema(), "title": name} for name, column in columns.items()
        ],
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


def _predictions(served: ServedModel) -> dict[str, Any]:
    prediction = {"type": "number"} if served.classes is None else {"enum": served.classes}
    properties = {
        "predictions": {"type": "array", "items": prediction},
        "version": {"type": ["string", "null"]},
        "recipe_id": {"type": "string"},
        "request_id": {"type": "string"},
    }
    if served.classes is not None:
        properties["classes"] = {"type": "array", "items": prediction}
    if "probabilities" in served.example:
        row = {"type": "array", "items": {"type": "number", "minimum": 0, "maximum": 1}}
        properties["probabilities"] = {"type": "array", "items": row}
    numbers = {"type": "array", "items": {"type": "number"}}
    if served.interval is not None:
        ends = {"coverage": {"type": "number"}, "lower": numbers, "upper": numbers}
        properties["interval"] = {"type": "object", "properties": ends, "required": [*ends]}
    needed = list(properties)
    # Only where it is asked for; the contributions of a row are in the order of the features
    properties["explanation"] = {
        "type": "object",
        "properties": {
            "features": {"type": "array", "items": {"type": "string"}},
            "contributions": {"type": "array", "items": numbers},
            "base": numbers,
        },
        "required": ["features", "contributions", "base"],
    }
    # Only where a category was in no training row: sentences, and the rows by column
    properties["warnings"] = {"type": "array", "items": {"type": "string"}}
    rows = {"type": "array", "items": {"type": "integer"}}
    properties["unseen"] = {"type": "object", "additionalProperties": rows}
    return {"type": "object", "properties": properties, "required": needed}


ERROR = {
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
