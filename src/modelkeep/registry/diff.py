"""`diff`: what changed between two versions, and what it did."""

import argparse
import re
from collections.abc import Iterator
from typing import Any

from modelkeep import text
from modelkeep.registry.catalogue import Catalogue, content_of
from modelkeep.registry.metadata import Metadata, findings_of, rows_of
from modelkeep.registry.reference import find
from modelkeep.registry.version import Version
from modelkeep_core.card import number

Change = dict[str, Any]
MISSING = "-"
TITLES = {
    "findings": "Findings",
    "parameters": "Parameters",
    "data": "Data",
    "schema": "Schema",
    "code": "Code",
    "files": "Other files",
    "commands": "Commands",
    "environment": "Environment",
    "evaluation": "Evaluation",
    "package": "Package",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's own options."""
    parser.add_argument("before", metavar="A", help="the version to compare with")
    parser.add_argument("after", metavar="B", help="the version that is compared")
    parser.add_argument("--md", action="store_true", help="print Markdown, for a pull request")


def run(catalogue: Catalogue, args: argparse.Namespace) -> tuple[Any, str]:
    """Return the differences as data and as text.

    Raises:
        UserError: one of the two versions is not there, or has no metadata.
    """
    before, after = find(catalogue, args.before), find(catalogue, args.after)
    difference = compared(before, catalogue.records.of(before), after, catalogue.records.of(after))
    contents = [content_of(catalogue, version) for version in (before, after)]
    difference["same_package"] = None not in contents and contents[0] == contents[1]
    return difference, markdown(difference) if args.md else rendered(difference)


def compared(a: Version, before: Metadata, b: Version, after: Metadata) -> dict[str, Any]:
    """Return what differs, by what it is a part of: "before" and "after" of each changed name."""
    rows = {
        f"rows.{name}": (before["data"]["rows"].get(name), count)
        for name, count in after["data"]["rows"].items()
    }
    same_recipe = before["recipe_id"] == after["recipe_id"]
    return {
        "before": _named(a, before),
        "after": _named(b, after),
        "same_recipe": same_recipe,
        "metrics": _metrics(before["metrics"], after["metrics"]),
        "findings": changes(_findings(before), _findings(after)),
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
        **{
            part: changes(before["recipe"][part], after["recipe"][part])
            for part in ("code", "files", "commands")
        },
        "environment": changes(
            before["recipe"]["environment"] | before["libraries"],
            after["recipe"]["environment"] | after["libraries"],
        ),
        "evaluation": changes(_settings(before), _settings(after)),
        # Where another recipe made the model, all files of the package follow from that.
        "package": changes(_packaged(before), _packaged(after)) if same_recipe else [],
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
    names: dict[str, Any] = {}
    for key, part in value.items():
        names |= flat(part, f"{above}.{key}" if above else str(key))
    return names


def _named(version: Version, metadata: Metadata) -> dict[str, Any]:
    return {
        "model": version.model,
        "version": version.number,
        "commit": version.commit,
        "recipe_id": metadata["recipe_id"],
    }


def _findings(metadata: Metadata) -> dict[str, Any]:
    """Return how grave the findings of a version are, by their names; `show` has the sentences."""
    severities: dict[str, list[str]] = {}
    for finding in findings_of(metadata):
        severities.setdefault(finding["name"], []).append(finding["severity"])
    return {name: ", ".join(several) for name, several in severities.items()}


def _settings(metadata: Metadata) -> dict[str, Any]:
    """Return how a version was evaluated, by dotted names."""
    settings = metadata["metrics"].get("settings")
    return flat(settings) if isinstance(settings, dict) and settings else {}


def _packaged(metadata: Metadata) -> dict[str, Any]:
    """Return what a package says of its model in words, and the hash of each of its files."""
    words = {name: metadata.get(name) for name in ("title", "description")}
    files = metadata.get("files")
    return words | (files if isinstance(files, dict) else {})


def _files(metadata: Metadata) -> dict[str, Any]:
    rows = rows_of(metadata)
    return {
        path: {"sha256": digest, "rows": rows.get(path)}
        for path, digest in metadata["recipe"]["data"].items()
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
            "difference": None
            if old.get(name) is None or new.get(name) is None
            else new[name] - old[name],
        }
        for name in names
    ]


def rendered(difference: dict[str, Any]) -> str:
    """Return tables for the terminal."""
    parts = [f"{_title(difference['before'])} → {_title(difference['after'])}"]
    for title, header, rows in _tables(difference):
        parts.append(f"{title}\n{text.table(header, rows, yielding=header[::-1])}")
    return "\n\n".join([*parts, *_remark(difference)])


def markdown(difference: dict[str, Any]) -> str:
    """Return the tables as Markdown."""
    parts = [f"### {_title(difference['before'])} → {_title(difference['after'])}"]
    for title, header, rows in _tables(difference):
        parts.append(f"#### {title}\n\n{text.markdown(header, rows)}")
    return "\n\n".join([*parts, *_remark(difference)])


def _remark(difference: dict[str, Any]) -> list[str]:
    if not difference["same_recipe"]:
        return []
    if difference["same_package"]:
        return ["They have the same recipe and the same package."]
    return [
        "They have the same recipe and other packages: what made the model is the same, and its "
        "evaluation, its description or its bytes are not."
    ]


def _title(named: dict[str, Any]) -> str:
    label = named["version"] or text.short(named["commit"])
    return f"{named['model']} {label} (recipe {text.short(named['recipe_id'])})"


def _tables(difference: dict[str, Any]) -> Iterator[tuple[str, list[str], list[list[str]]]]:
    metrics = [
        [
            change["name"],
            number(change["before"]) or MISSING,
            number(change["after"]) or MISSING,
            MISSING if change["difference"] is None else text.signed(change["difference"]),
        ]
        for change in difference["metrics"]
    ]
    yield "Metrics on the test rows of each", ["metric", "before", "after", "difference"], metrics
    for key, title in TITLES.items():
        if difference[key]:
            rows = [
                [change["name"], _cell(change["before"]), _cell(change["after"])]
                for change in difference[key]
            ]
            yield title, ["name", "before", "after"], rows


def _cell(value: Any) -> str:
    if value is None:
        return MISSING
    if isinstance(value, dict) and "sha256" in value:
        rows = "" if value["rows"] is None else f"{text.counted(value['rows'], 'row')}, "
        return f"{rows}{text.short(value['sha256'])}"
    return text.short(value) if re.fullmatch("[0-9a-f]{64}", str(value)) else str(value)
