"""The file of one version: all that follows from its commit, so that it is written only once."""

import hashlib
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from modelkeep.registry.catalogue import Catalogue
from modelkeep.registry.version import Version
from modelkeep.site.clean import LARGEST, flat, in_line, mapping, plain, word
from modelkeep.site.columns import DEPRECATED, HASH, short_number
from modelkeep.site.entries import Commit, Entry, commits_of
from modelkeep.site.headline import headline_of
from modelkeep.site.plots import plots_of
from modelkeep.site.script import call

# Of these, pages show the beginning; all of them would be half of a site.
DIGEST = re.compile("[0-9a-f]{64}")
SCORES = ("test", "train", "baseline")
Table = tuple[str, list[str], list[list[Any]]]


def version_files(catalogue: Catalogue, entries: Sequence[Entry]) -> Iterator[tuple[str, bytes]]:
    """Yield key and file of each version."""
    versions = [entry.version for entry in entries]
    commits = commits_of(catalogue, versions)
    in_step = locks_in_step(catalogue, entries)
    plots = plots_of(catalogue, versions)
    for entry, (_, drawn) in zip(entries, plots, strict=True):
        yield entry.key, call("version", _content(entry, commits, in_step) | {"plots": drawn})


def _content(
    entry: Entry, commits: Mapping[Version, Commit], in_step: Mapping[Version, bool | None]
) -> dict[str, Any]:
    """Return what the page shows of a version.

    Returns:
        "title", "about", "created"; "marks", each its kind and words; "headline", "scores" and the
        hash of the "test" rows; "parts", which two versions are compared by: values by name; and
        "tables", each the section that it belongs to, its header and its rows.
    """
    metadata = entry.metadata or {}
    commit = commits.get(entry.version)
    made = f"{commit.subject} ({commit.author}, {commit.when:%Y-%m-%d %H:%M})" if commit else ""
    return {
        "key": entry.key,
        "commit": entry.version.commit,
        "created": made,
        "title": in_line(word(metadata.get("title"))),
        "about": in_line(word(metadata.get("description"))),
        "recipe": word(metadata.get("recipe_id")),
        "marks": _marks(metadata, in_step[entry.version]),
        "headline": plain(headline_of(metadata)),
        "scores": _scores(metadata, "test"),
        "test": word(mapping(metadata, "test").get("sha256")) or None,
        "parts": _parts(metadata),
        "tables": [*_tables(metadata)],
    }


def _marks(metadata: Mapping[str, Any], in_step: bool | None) -> list[tuple[str, str]]:
    marks = [("bad", "dvc.lock is stale")] if in_step is False else []
    if metadata.get("reproducible", True) is not True:
        why = word(metadata.get("unlocked"))
        marks.append(("bad", f"not made in the locked environment{why and f': {why}'}"))
    return marks


def _scores(metadata: Mapping[str, Any], part: str) -> dict[str, float]:
    scores = mapping(metadata, "metrics", part).items()
    short = {in_line(name): short_number(value) for name, value in scores}
    return {name: value for name, value in short.items() if value is not None}


def _parts(metadata: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what two versions are compared by, in the order of its weight."""
    recipe, training = mapping(metadata, "recipe"), mapping(metadata, "training")
    estimator = {"estimator": training["estimator"]} if "estimator" in training else {}
    parts: dict[str, dict[str, Any]] = {
        "Parameters": estimator | mapping(training, "parameters") | mapping(recipe, "parameters"),
        "Data": mapping(recipe, "data") | {"rows": mapping(metadata, "data", "rows")},
        "Schema": mapping(recipe, "schema") | mapping(metadata, "schema", "columns"),
        "Code": mapping(recipe, "code") | mapping(recipe, "files") | mapping(recipe, "commands"),
        "Environment": mapping(recipe, "environment") | mapping(metadata, "libraries"),
        "Evaluation": mapping(metadata, "metrics", "settings"),
    }
    return {
        title: {
            in_line(name): _cell(value)
            for name, value in flat(part).items()
            if value is not None and value != DEPRECATED and value != {}
        }
        for title, part in parts.items()
    }


def _tables(metadata: Mapping[str, Any]) -> Iterator[Table]:
    quality, making = "How good it is", "How it was made"
    scores = [_scores(metadata, part) for part in SCORES]
    names = [*dict.fromkeys(name for part in scores for name in part)]
    if names:
        rows = [[name, *(part.get(name) for part in scores)] for name in names]
        yield quality, ["metric", *SCORES], rows
    metrics = mapping(metadata, "metrics")
    if recalls := mapping(metrics, "recall_by_class"):
        yield (
            quality,
            ["class", "recall"],
            [[in_line(name), _cell(value)] for name, value in recalls.items()],
        )
    groups = [group for group in _list(metrics, "by_group", "groups") if isinstance(group, dict)]
    if groups:
        column = word(mapping(metrics, "by_group").get("column"))
        header = [column, "test rows", word(mapping(metrics, "headline").get("metric"))]
        keys = ("group", "rows", "score")
        yield quality, header, [[_cell(group.get(key)) for key in keys] for group in groups]
    if counts := mapping(metadata, "data", "rows"):
        yield (
            making,
            ["rows", "count"],
            [[in_line(name), _cell(count)] for name, count in counts.items()],
        )
    steps = [
        step for step in _list(metadata, "training", "preprocessing") if isinstance(step, dict)
    ]
    if steps:
        listed = [
            [word(step.get("columns")), " → ".join(map(word, _list(step, "steps")))]
            for step in steps
        ]
        yield making, ["columns", "preprocessing"], listed
    if warnings := _list(metadata, "training", "warnings"):
        yield making, ["the estimator warned"], [[word(warning)] for warning in warnings]
    yield from _schema(metadata)
    if files := mapping(metadata, "files"):
        hashes = [[in_line(name), _cell(digest)] for name, digest in files.items()]
        yield "Package", ["file", "SHA-256"], hashes


def _schema(metadata: Mapping[str, Any]) -> Iterator[Table]:
    target = mapping(metadata, "schema").get("target")
    rows = []
    for name, column in mapping(metadata, "schema", "columns").items():
        if isinstance(column, dict):
            use = "target" if name == target else "yes" if column.get("feature") else "no"
            missing = "yes" if column.get("missing") else "no"
            rows.append([in_line(name), word(column.get("type")), _allowed(column), missing, use])
    if rows:
        yield "Schema", ["column", "type", "allowed", "may be missing", "input"], rows


def _allowed(column: Mapping[str, Any]) -> str:
    if column.get("values"):
        return word(column["values"])
    low, high = (word(column.get(key)) for key in ("min", "max"))
    return f"{low} to {high}" if low and high else f"from {low}" if low else high and f"to {high}"


def _cell(value: Any) -> Any:
    if value is None or _is_number(value):
        return value
    text = word(value)
    return text[:HASH] if DIGEST.fullmatch(text) else text


def _is_number(value: Any) -> bool:
    """Say whether a value is a number that every browser reads alike."""
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < LARGEST


def _list(value: Any, *keys: str) -> list[Any]:
    entry = mapping(value, *keys[:-1]).get(keys[-1])
    return entry if isinstance(entry, list) else []


def locks_in_step(catalogue: Catalogue, entries: Sequence[Entry]) -> dict[Version, bool | None]:
    """Say of each version whether dvc.lock of its commit has the metadata that are committed.

    None where there is no lock, or there are no metadata.
    """
    versions = [entry.version for entry in entries]
    locks = catalogue.git.read(
        f"{version.commit}:{version.directory}dvc.lock" for version in versions
    )
    read = [*zip(entries, locks, strict=True)]
    contents = catalogue.git.read(
        f"{version.commit}:{version.directory}{catalogue.records.paths(version.model)[0]}"
        for version in versions
    )
    return {
        entry.version: _in_step(lock, content) if entry.metadata else None
        for (entry, lock), content in zip(read, contents, strict=True)
    }


def _in_step(lock: bytes | None, content: bytes | None) -> bool | None:
    if lock is None or content is None:
        return None
    return hashlib.md5(content, usedforsecurity=False).hexdigest().encode() in lock
