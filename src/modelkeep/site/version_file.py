"""The file of one version: what follows from its commit alone, so that it is written only once.

What several versions have alike, such as their schema, is in files that are named by their content;
what a table compares is in the columns of the index.
"""

import hashlib
import marshal
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from modelkeep.registry.catalogue import Catalogue
from modelkeep.site.clean import LARGEST, flat, in_line, mapping, word
from modelkeep.site.columns import (
    DEPRECATED,
    HASH,
    Cells,
    findings_of,
    of_commit,
    short_number,
)
from modelkeep.site.entries import Commit, Entry, commits_of
from modelkeep.site.plots import Drawn, drawn_of
from modelkeep.site.repeated import repeated
from modelkeep.site.script import call, literal, wrapped
from modelkeep.site.trials import trials_of

# Versions of which files are in memory at once
CHUNK = 64
# Of these, pages show the beginning; all of them would be half of a site.
DIGEST = re.compile("[0-9a-f]{64}")
QUALITY, MAKING = "How good it is", "How it was made"
Table = tuple[str, list[str], list[list[Any]]]


@dataclass(frozen=True)
class Made:
    """What a site gets of a version.

    Attributes:
        key: the key of the version.
        cells: its cells in the columns of the index.
        content: its own file.
        parts: what it shares with others: the content of files by their names.
    """

    key: str
    cells: Cells
    content: bytes
    parts: dict[str, bytes]


def made_of(catalogue: Catalogue, entries: Sequence[Entry]) -> Iterator[Made]:
    """Yield cells and files of each version."""
    for start in range(0, len(entries), CHUNK):
        chunk = entries[start : start + CHUNK]
        versions = [entry.version for entry in chunk]
        commits = commits_of(catalogue, versions)
        locks = locks_in_step(catalogue, chunk)
        drawn = drawn_of(catalogue, versions)
        for entry, in_step, pictures in zip(chunk, locks, drawn, strict=True):
            yield _made(entry, commits.get(entry.version), in_step, pictures)


def _made(entry: Entry, commit: Commit | None, in_step: bool | None, drawn: Drawn) -> Made:
    """Return all of a version.

    Its file has who "created" its commit; the hash of the "test" rows; "cells", the columns of its
    own tables without the first of each; and "parts", the names of what it shares: "context", and
    "plots" and "search" where there are some.
    """
    metadata = entry.metadata or {}
    search = trials_of(drawn.trials, mapping(metadata, "training"))
    tables = [*_tables(metadata)]
    frames = [(section, header, [row[0] for row in rows]) for section, header, rows in tables]
    about = (_marks(metadata, in_step), frames, *_shared(metadata))
    shared = {"context": _context(*map(_packed, about))}
    if drawn.plots:
        shared["plots"] = _part(f"[{','.join(drawn.plots)}]")
    if search:
        shared["search"] = _part(literal(search))
    made = f"{commit.subject} ({commit.author}, {commit.when:%Y-%m-%d %H:%M})" if commit else ""
    content = {
        "parts": {name: part for name, (part, _) in shared.items()},
        "created": made,
        "test": word(mapping(metadata, "test").get("sha256"))[:HASH] or None,
        "cells": [[*zip(*rows, strict=True)][1:] for _, _, rows in tables],
    }
    parts = dict(shared.values())
    return Made(entry.key, of_commit(entry, in_step), call("version", content), parts)


def _marks(metadata: Mapping[str, Any], in_step: bool | None) -> list[tuple[str, str]]:
    marks = [("bad", "dvc.lock is stale")] if in_step is False else []
    if metadata.get("reproducible", True) is not True:
        why = word(metadata.get("unlocked"))
        marks.append(("bad", f"not made in the locked environment{why and f': {why}'}"))
    return marks


def _part(text: str) -> tuple[str, bytes]:
    """Return name and content of a file that has a value which versions share."""
    name = hashlib.sha256(text.encode()).hexdigest()[:16]
    return name, wrapped("part", text)


def _shared(metadata: Mapping[str, Any]) -> Iterator[Any]:
    yield metadata.get("description")
    yield mapping(metadata, "schema")
    yield mapping(metadata, "recipe", "commands")
    yield mapping(metadata, "metrics", "settings")
    yield mapping(metadata, "training").get("preprocessing")
    yield repeated(metadata)


def _packed(value: Any) -> bytes:
    return marshal.dumps(value, 2)


@lru_cache(maxsize=256)
def _context(*packed: bytes) -> tuple[str, bytes]:
    """Return name and content of the file of what seldom changes from version to version.

    It has what the model is "about"; "marks", each its kind and words; "parts", names and values
    by which versions are compared; "repeated", the parameters of the estimator that params.yaml has
    as well; "tables", each the section that it belongs to, its header and its rows; and "frames",
    the same of the tables that each version has its own cells of: the first column, no rows.
    """
    marks, frames, about, schema, commands, settings, steps, names = map(marshal.loads, packed)
    parts = {"Schema": mapping(schema, "columns"), "Code": commands, "Evaluation": settings}
    content = {
        "about": in_line(word(about)),
        "marks": marks,
        "parts": {
            title: [
                (in_line(name), _cell(value))
                for name, value in flat(part).items()
                if value is not None and value != DEPRECATED and value != {}
            ]
            for title, part in parts.items()
        },
        "repeated": [in_line(name) for name in names],
        "tables": [*_preprocessing(steps), *_schema(schema)],
        "frames": frames,
    }
    return _part(literal(content))


def _tables(metadata: Mapping[str, Any]) -> Iterator[Table]:
    if findings := [[severity, says] for severity, says in findings_of(metadata)]:
        yield QUALITY, ["finding", "what to look at"], findings
    metrics = mapping(metadata, "metrics")
    if recalls := mapping(metrics, "recall_by_class"):
        yield (
            QUALITY,
            ["class", "recall"],
            [[in_line(name), _cell(value)] for name, value in recalls.items()],
        )
    groups = [group for group in _list(metrics, "by_group", "groups") if isinstance(group, dict)]
    if groups:
        column = word(mapping(metrics, "by_group").get("column"))
        header = [column, "test rows", word(mapping(metrics, "headline").get("metric"))]
        keys = ("group", "rows", "score")
        yield QUALITY, header, [[_cell(group.get(key)) for key in keys] for group in groups]
    if warnings := _list(metadata, "training", "warnings"):
        numbered = [[number, word(warning)] for number, warning in enumerate(warnings, 1)]
        yield MAKING, ["no.", "the estimator warned"], numbered
    if files := mapping(metadata, "files"):
        hashes = [[in_line(name), _cell(digest)] for name, digest in files.items()]
        yield "Package", ["file", "SHA-256"], hashes


def _preprocessing(steps: Any) -> Iterator[Table]:
    named = [step for step in (steps if isinstance(steps, list) else []) if isinstance(step, dict)]
    if named:
        rows = [
            [word(step.get("columns")), " → ".join(map(word, _list(step, "steps")))]
            for step in named
        ]
        yield MAKING, ["columns", "preprocessing"], rows


def _schema(schema: Mapping[str, Any]) -> Iterator[Table]:
    rows = []
    for name, column in mapping(schema, "columns").items():
        if isinstance(column, dict):
            target = name == schema.get("target")
            use = "target" if target else "yes" if column.get("feature") else "no"
            missing = "yes" if column.get("missing") else "no"
            rows.append([in_line(name), word(column.get("type")), _allowed(column), missing, use])
    if rows:
        yield "Schema", ["column", "type", "allowed", "may be missing", "input"], rows


def _allowed(column: Mapping[str, Any]) -> str:
    if column.get("values"):
        return word(column["values"])
    low, high = (word(column.get(key)).removesuffix(".0") for key in ("min", "max"))
    return f"{low} to {high}" if low and high else f"from {low}" if low else high and f"to {high}"


def _cell(value: Any) -> Any:
    if value is None or _is_number(value):
        return short_number(value) if isinstance(value, float) else value
    text = word(value)
    return text[:HASH] if DIGEST.fullmatch(text) else text


def _is_number(value: Any) -> bool:
    """Say whether a value is a number that every browser reads alike."""
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < LARGEST


def _list(value: Any, *keys: str) -> list[Any]:
    inner = mapping(value, *keys[:-1]).get(keys[-1])
    return inner if isinstance(inner, list) else []


def locks_in_step(catalogue: Catalogue, entries: Sequence[Entry]) -> Iterator[bool | None]:
    """Say of each version whether dvc.lock of its commit has the metadata that are committed.

    None where there is no lock, or there are no metadata.
    """
    names = (f"{entry.version.commit}:{entry.version.directory}dvc.lock" for entry in entries)
    for entry, lock in zip(entries, catalogue.git.read(names), strict=True):
        yield None if lock is None or entry.md5 is None else entry.md5.encode() in lock
