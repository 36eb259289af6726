"""`diff`: what changed between two versions, and what it did."""

import argparse
import re
from collections.abc import Iterator
from typing import Any

from pipeline.card import number
from registry import text
from registry.catalogue import Catalogue
from registry.metadata import Metadata
from registry.reference import find
from registry.version import Version

Change = dict[str, Any]
MISSING = "-"
TITLES = {
    "parameters": "Parameters",
    "data": "Data",
    "schema": "Schema",
    "code": "Code",
    "environment": "Environment",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's own options."""
    parser.add_argument("before", metavar="A", help="the version to compare with")
    parser.add_argument("after", metavar="B", help="the version that is compared")
    parser.add_argument("--md", action="store_true", help="print Markdown, for a pull request")


def run(catalogue: Catalogue, args: argparse.Namespace) -> tuple[Any, str]:
    """Return the differences as data and as text.

    Raises:
        Refusal: one of the two versions is not there, or has no metadata.
    """
    before, after = find(catalogue, args.before), find(catalogue, args.after)
    found = compared(before, catalogue.records.of(before), after, catalogue.records.of(after))
    return found, markdown(found) if args.md else rendered(found)


def compared(a: Version, before: Metadata, b: Version, after: Metadata) -> dict[str, Any]:
    """Return what differs, by what it is a part of: "before" and "after" of each changed name."""
    rows = {
        f"rows.{name}": (before["data"]["rows"].get(name), count)
        for name, count in after["data"]["rows"].items()
    }
    return {
        "before": _named(a, before),
        "after": _named(b, after),
        "same_recipe": before["recipe_id"] == after["recipe_id"],
        "metrics": _metrics(before["metrics"], after["metrics"]),
        "parameters": changes(
            flat(before["recipe"]["parameters"]), flat(after["recipe"]["parameters"])
        ),
        "data": changes(_files(before), _files(after))
        + [
            {"name": name, "before": old, "after": new}
            for name, (old, new) in rows.items()
            if old != new
        ],
        "schema": changes(
            before["recipe"]["schema"] | flat(before["schema"]),
            after["recipe"]["schema"] | flat(after["schema"]),
        ),
        "code": changes(before["recipe"]["code"], after["recipe"]["code"]),
        "environment": changes(
            before["recipe"]["environment"] | before["libraries"],
            after["recipe"]["environment"] | after["libraries"],
        ),
    }


def changes(before: dict[str, Any], after: dict[str, Any]) -> list[Change]:
    """Return the names whose values differ; None stands for a name that is not there."""
    names = [*before, *(name for name in after if name not in before)]
    return [
        {"name": name, "before": before.get(name), "after": after.get(name)}
        for name in names
        if repr(before.get(name, ...)) != repr(after.get(name, ...))
    ]


def flat(value: Any, above: str = "") -> dict[str, Any]:
    """Return nested mappings as one, with dotted names."""
    if not isinstance(value, dict) or not value:
        return {above: value}
    found = {}
    for key, part in value.items():
        found |= flat(part, f"{above}.{key}" if above else str(key))
    return found


def _named(version: Version, metadata: Metadata) -> dict[str, Any]:
    return {
        "model": version.model,
        "version": version.number,
        "commit": version.commit,
        "recipe_id": metadata["recipe_id"],
    }


def _files(metadata: Metadata) -> dict[str, Any]:
    return {
        file["path"]: {"sha256": file["sha256"], "rows": file["rows"]}
        for file in metadata["data"]["files"]
    }


def _metrics(before: Metadata, after: Metadata) -> list[Change]:
    old, new = before["test"], after["test"]
    first = after["headline"]["metric"]
    names = sorted({*old, *new}, key=lambda name: (name != first, [*new, *old].index(name)))
    return [
        {
            "name": name,
            "before": old.get(name),
            "after": new.get(name),
            "difference": new[name] - old[name] if name in old and name in new else None,
        }
        for name in names
    ]


def rendered(found: dict[str, Any]) -> str:
    """Return tables for the terminal."""
    parts = [f"{_title(found['before'])} → {_title(found['after'])}"]
    for title, header, rows in _tables(found):
        parts.append(f"{title}\n{text.table(header, rows, yielding=header[::-1])}")
    return "\n\n".join([*parts, *_remark(found)])


def markdown(found: dict[str, Any]) -> str:
    """Return the tables as Markdown."""
    parts = [f"### {_title(found['before'])} → {_title(found['after'])}"]
    for title, header, rows in _tables(found):
        parts.append(f"#### {title}\n\n{text.markdown(header, rows)}")
    return "\n\n".join([*parts, *_remark(found)])


def _remark(found: dict[str, Any]) -> list[str]:
    return ["They have the same recipe."] if found["same_recipe"] else []


def _title(named: dict[str, Any]) -> str:
    label = named["version"] or text.short(named["commit"])
    return f"{named['model']} {label} (recipe {text.short(named['recipe_id'])})"


def _tables(found: dict[str, Any]) -> Iterator[tuple[str, list[str], list[list[str]]]]:
    metrics = [
        [
            change["name"],
            number(change["before"]) or MISSING,
            number(change["after"]) or MISSING,
            MISSING if change["difference"] is None else text.signed(change["difference"]),
        ]
        for change in found["metrics"]
    ]
    yield "Metrics on the test rows of each", ["metric", "before", "after", "difference"], metrics
    for key, title in TITLES.items():
        if found[key]:
            rows = [
                [change["name"], _cell(change["before"]), _cell(change["after"])]
                for change in found[key]
            ]
            yield title, ["name", "before", "after"], rows


def _cell(value: Any) -> str:
    if value is None:
        return MISSING
    if isinstance(value, dict) and "sha256" in value:
        return f"{value['rows']} rows, {text.short(value['sha256'])}"
    return text.short(value) if re.fullmatch("[0-9a-f]{64}", str(value)) else str(value)
