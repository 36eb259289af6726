"""The plots of a version: what dvc.yaml of its commit names, read from the files in Git."""

import csv
import io
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from modelkeep.registry.catalogue import Catalogue
from modelkeep.registry.dvc_lock import parse_yaml
from modelkeep.registry.version import Version
from modelkeep.site.clean import in_line
from modelkeep.site.picture_rows import shown
from modelkeep.site.script import literal
from modelkeep.site.trials import is_search
from modelkeep_core.dvc_yaml import overlaps
from modelkeep_core.errors import UserError

# Of a number in a picture
DIGITS = 4
LARGEST_FILE = 4 * 2**20
# How DVC draws a plot, by the word in the name of its template; lines where there is none
KINDS = {"confusion": "matrix", "bar": "bars", "scatter": "points"}


@dataclass(frozen=True)
class Plot:
    """A plot as dvc.yaml describes it."""

    path: str
    title: str
    kind: str
    x: str | None
    y: str | None
    x_label: str
    y_label: str


@dataclass(frozen=True)
class Drawn:
    """What the commit of a version has to be drawn.

    Attributes:
        plots: each plot with its columns, as it stands in a script.
        trials: the file of the trials of a search, or None.
    """

    plots: list[str]
    trials: bytes | None


def drawn_of(catalogue: Catalogue, versions: Sequence[Version]) -> Iterator[Drawn]:
    """Yield what there is to draw of each version."""
    projects = catalogue.git.read(
        f"{version.commit}:{version.directory}dvc.yaml" for version in versions
    )
    named = [
        _plots_of(content, version.name)
        for version, content in zip(versions, projects, strict=True)
    ]
    contents = catalogue.git.read(
        f"{version.commit}:{version.directory}{plot.path}"
        for version, plots in zip(versions, named, strict=True)
        for plot in plots
    )
    for plots in named:
        read = [(plot, next(contents)) for plot in plots]
        trials = [content for _, content in read if is_search(content)]
        texts = [_written(plot, content) for plot, content in read if not is_search(content)]
        yield Drawn([*filter(None, texts)], trials[0] if trials else None)


@lru_cache(maxsize=64)
def _plots_of(content: bytes | None, model: str) -> list[Plot]:
    """Return the plots of dvc.yaml that the stages of a model write; all of an only model."""
    try:
        return _named(parse_yaml(content or b"", "dvc.yaml"), model)
    except UserError:
        return []


def _named(content: Any, model: str) -> list[Plot]:
    plots = [*_plots(content)]
    artifacts = content.get("artifacts") if isinstance(content, dict) else None
    if not isinstance(artifacts, dict) or len(artifacts) == 1:
        return plots
    artifact = artifacts.get(model)
    package = artifact.get("path") if isinstance(artifact, dict) else None
    written = _upstream(content.get("stages"), package) if isinstance(package, str) else set()
    return [plot for plot in plots if any(overlaps(path, plot.path) for path in written)]


def _plots(content: Any) -> Iterator[Plot]:
    entries = content.get("plots") if isinstance(content, dict) else None
    if isinstance(entries, dict):
        entries = [{path: options} for path, options in entries.items()]
    for entry in entries if isinstance(entries, list) else []:
        for path, options in (entry if isinstance(entry, dict) else {entry: None}).items():
            if not isinstance(path, str) or not path:
                continue
            words = options if isinstance(options, dict) else {}
            template, x, y = (_text(words.get(name)) for name in ("template", "x", "y"))
            kinds = [kind for word, kind in KINDS.items() if word in (template or "")]
            yield Plot(
                path,
                in_line(_text(words.get("title")) or path),
                kinds[0] if kinds else "lines",
                x,
                y,
                in_line(_text(words.get("x_label")) or x or ""),
                in_line(_text(words.get("y_label")) or y or ""),
            )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _upstream(stages: Any, package: str) -> set[str]:
    """Return the paths that the stages write which a package is made by, directly or not."""
    read_and_written = [
        (_paths(stage.get("deps")), _paths(stage.get("outs")) + _paths(stage.get("plots")))
        for stage in (stages.values() if isinstance(stages, dict) else ())
        if isinstance(stage, dict)
    ]
    written: set[str] = set()
    waiting = [package]
    while waiting:
        path = waiting.pop()
        for deps, outs in read_and_written:
            if any(overlaps(out, path) for out in outs) and not written.issuperset(outs):
                written.update(outs)
                waiting += deps
    return written


def _paths(entries: Any) -> list[str]:
    named = (next(iter(entry), "") if isinstance(entry, dict) else entry for entry in entries or [])
    return [path for path in named if isinstance(path, str) and path]


@lru_cache(maxsize=64)
def _written(plot: Plot, content: bytes | None) -> str | None:
    # A plot that did not change is in many versions.
    columns = _columns(content, plot.path)
    return literal(_drawn(plot, columns)) if columns else None


def _columns(content: bytes | None, path: str) -> dict[str, list[str]] | None:
    """Return the columns of a table in CSV, TSV or JSON; None for what is none, or has no row."""
    if content is None or len(content) > LARGEST_FILE:
        return None
    try:
        text = content.decode("utf-8")
        rows = _records(text) if path.endswith(".json") else _lines(text, path)
    except (RecursionError, ValueError, csv.Error):
        return None
    if not rows:
        return None
    return {name: [row.get(name, "") for row in rows] for name in rows[0] if name is not None}


def _lines(text: str, path: str) -> list[dict[str, str]]:
    reader = csv.reader(io.StringIO(text), delimiter="\t" if path.endswith(".tsv") else ",")
    header = next(reader, [])
    return [dict(zip(header, row, strict=False)) for row in reader if row]


def _records(text: str) -> list[dict[str, str]]:
    value = json.loads(text)
    if isinstance(value, dict):
        value = next((part for part in value.values() if isinstance(part, list)), [])
    rows = value if isinstance(value, list) else []
    return [
        {key: "" if cell is None else str(cell) for key, cell in row.items()}
        for row in rows
        if isinstance(row, dict)
    ]


def _drawn(plot: Plot, columns: dict[str, list[str]]) -> dict[str, Any]:
    """Return a plot with the values on its axes, and what tells its lines apart."""
    names = [*columns]
    y = plot.y if plot.y in columns else names[-1]
    x = plot.x if plot.x in columns else next((name for name in names if name != y), y)
    rest = [name for name in names if name not in (x, y)]
    texts = [name for name in rest if any(_number(cell) is None for cell in columns[name])]
    grouped = bool(texts) and plot.kind not in ("bars", "matrix")
    places, part = shown(plot.kind, columns[x], columns[y], columns[texts[0]] if grouped else None)
    columns = {name: [cells[place] for place in places] for name, cells in columns.items()}
    drawn: dict[str, Any] = {
        "title": plot.title,
        "kind": plot.kind,
        "x_label": plot.x_label or in_line(x),
        "y_label": plot.y_label or in_line(y),
        "x": _cells(columns[x], plot.kind in ("lines", "points", "bars")),
        "y": _cells(columns[y], plot.kind in ("lines", "points")),
    }
    if plot.kind == "matrix":
        numbers = [name for name in rest if name not in texts]
        if numbers:
            drawn["size"] = _cells(columns[numbers[0]], True)
    elif grouped:
        drawn["by"] = in_line(texts[0])
        drawn["group"] = _cells(columns[texts[0]], False)
    return drawn if part is None else {**drawn, "part": part}


def _cells(texts: Sequence[str], numeric: bool) -> list[Any]:
    return [_number(text) if numeric else in_line(text) for text in texts]


@lru_cache(maxsize=65536)
def _number(text: str) -> float | int | None:
    try:
        value = float(text)
        short = float(f"{value:.{DIGITS}g}")
    except ValueError:
        return None
    if not math.isfinite(short):
        return None
    return int(short) if short.is_integer() and abs(short) < 2**53 else short
