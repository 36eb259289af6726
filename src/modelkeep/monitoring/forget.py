"""`forget`: erase what is recorded of somebody, and say which committed data have such rows."""

import argparse
import math
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from modelkeep.monitoring.reference import ReferencePackage
from modelkeep.monitoring.store import Request, Store
from modelkeep.monitoring.window import Window
from modelkeep.place import project_root
from modelkeep.serving.private import KEY, Hider, plain, private_key
from modelkeep_core.errors import UserError, suggestion
from modelkeep_core.schema import Column, Schema

WORDS = {"true": True, "false": False}
Row = dict[str, Any]


def run(
    reference: ReferencePackage, store: Store, window: Window, args: argparse.Namespace
) -> tuple[Any, str, int]:
    """Erase requests, and look for such rows in committed data.

    A request is erased with all its rows. The exit status is 2 where there is nothing of it.

    Raises:
        UserError: a column, value or id is none, private values were recorded without a key, or
            somebody uses the file for too long.
    """
    schema = reference.schema
    if args.where:
        name, value = _condition(args.where, schema)
        wanted: list[Row] = [{name: value}]
        requests = [*_with(store, window, schema, name, value)]
    else:
        requests = [*_called(store, window, args.request)]
        wanted = [*_rows(requests, store, schema)]
    store.erase(requests)
    data: dict[str, Any] = {"requests": len(requests), "records": store.path.as_posix()}
    data |= _held(schema, wanted)
    return data, _in_words(data), 0 if requests or data["data"] else 2


def _condition(text: str, schema: Schema) -> tuple[str, Any]:
    """Read COLUMN=VALUE, and return the column and the value as JSON has it.

    Raises:
        UserError: there is no such feature, or the value is not of its type.
    """
    name, equals, value = text.partition("=")
    if not equals or name not in schema.features:
        raise UserError(
            f"--where {text}: it is COLUMN=VALUE, for a feature{suggestion(name, schema.features)}:"
            f" {', '.join(schema.features)}."
        )
    column = schema.features[name]
    if value in (*schema.missing_values, *(column.missing_values or ())):
        raise UserError(f"--where {text}: that is an empty cell, which is nobody's value.")
    typed = _typed(value, column)
    if typed is None:
        raise UserError(f"--where {text}: '{name}' is {column.must_be('type')}.")
    return name, typed


def _typed(text: str, column: Column) -> Any:
    if column.number:
        return _number(text)
    if column.type == "boolean":
        words = dict(zip(column.values or (), (False, True), strict=False)) | WORDS
        return words.get(text, words.get(text.lower()))
    if column.type == "datetime":
        try:
            datetime.fromisoformat(text)
        except ValueError:
            return None
    return column.spelt(text)


def _number(text: str) -> float | None:
    """Return a number as JSON has it, a whole one with all its digits; None if it is none."""
    try:
        number = float(text)
    except ValueError:
        return None
    if re.fullmatch(r"-?\d{1,19}", text, re.ASCII):
        return int(text)
    return number if math.isfinite(number) else None


def _with(store: Store, window: Window, schema: Schema, name: str, value: Any) -> Iterator[Request]:
    """Yield the requests of which a row has a value.

    Raises:
        UserError: the column is private, and no key tells what was recorded for it.
    """
    key = private_key()
    private = schema.features[name].private
    if private and key is None:
        raise UserError(
            f"'{name}' is private: its values are not recorded. Set {KEY} to the key under which "
            "they were hashed, or name requests with --request."
        )
    features = store.features()
    column = schema.features[name]
    recorded = Hider(schema, key).value(name, value) if private else plain(value, column)
    for request in store.requests(window):
        names = features.get(request.model, [])
        if request.inputs and name in names:
            place = names.index(name)
            cells = (row[place] for row in request.inputs if row[place] is not None)
            if any((cell if private else plain(cell, column)) == recorded for cell in cells):
                yield request


def _called(store: Store, window: Window, ids: list[str]) -> Iterator[Request]:
    """Yield the requests of some ids.

    Raises:
        UserError: one is not recorded.
    """
    there = store.rows(ids)
    for name in ids:
        if name not in there:
            # Where it was deleted by one that was interrupted, bytes of it may be left.
            store.erase([])
            raise UserError(f"--request {name}: no such request is recorded in {store.path}.")
    yield from (request for request in store.requests(window) if request.request_id in there)


def _rows(requests: list[Request], store: Store, schema: Schema) -> Iterator[Row]:
    """Yield the rows of requests, without their private values, which are not known."""
    features = store.features()
    for request in requests:
        for row in request.inputs or []:
            cells = dict(zip(features.get(request.model, []), row, strict=True))
            yield {
                name: value
                for name, value in cells.items()
                if name in schema.columns and name not in schema.private
            }


def _held(schema: Schema, wanted: list[Row]) -> dict[str, Any]:
    """Return the committed "data" that hold such rows, or why they were "not_searched"."""
    from modelkeep.registry.catalogue import Catalogue
    from modelkeep.registry.git import opened
    from modelkeep.registry.holding import holdings

    if not wanted:
        return {"data": None, "not_searched": "the inputs of the requests were not recorded"}
    if project_root(Path()) is None:
        return {"data": None, "not_searched": "there is no repository here"}
    with opened(".") as git:
        return {"data": [vars(held) for held in holdings(Catalogue(git), schema, wanted)]}


def _in_words(data: dict[str, Any]) -> str:
    count, records, held = data["requests"], data["records"], data["data"]
    if count:
        lines = [f"{count:,} request{'' if count == 1 else 's'} erased from {records}."]
    else:
        lines = [f"No such request is recorded in {records}."]
    if held is None:
        return "\n".join([*lines, f"Committed data were not searched: {data['not_searched']}."])
    for file in held:
        where = f"{file['path']} (SHA-256 {file['sha256'][:12]})"
        versions, rows = ", ".join(file["versions"]), file["rows"]
        if file["problem"]:
            lines.append(f"{where}, in {versions}, could not be searched: {file['problem']}")
        else:
            lines.append(f"{where} has {rows:,} such row{'' if rows == 1 else 's'}, in {versions}.")
    if held:
        lines.append("To erase them is a release: take the rows out, retrain, promote, then `gc`.")
    else:
        lines.append("No committed data have such a row.")
    return "\n".join(lines)
