"""All versions as columns: everything that a table can show, sort and filter."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from modelkeep.registry.catalogue import Catalogue
from modelkeep.site.clean import flat, in_line, mapping, word
from modelkeep.site.entries import Entry

# How many digits of a number a table keeps, and how many signs of a hash
DIGITS, HASH = 6, 12
# A parameter with this value is one that its estimator does not want any more.
DEPRECATED = "deprecated"
# From the recipe: the part, the group of the columns, and whether they are hashes
PARTS = (
    ("parameters", "params", False),
    ("data", "data", True),
    ("code", "code", True),
    ("schema", "schema", True),
    ("files", "file", True),
    ("environment", "environment", True),
)


def table(catalogue: Catalogue, entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """Return the columns: "id", "group", and the values in one of three shorter forms.

    Either "c" is the value of all rows, or "u" are the different values and "i" which of them each
    row has, or "v" are the values. A row without a value has null.
    """
    stages = {entry.version: catalogue.stages(entry.version) for entry in entries}
    cells = [_cells(entry, stages[entry.version]) for entry in entries]
    names: dict[tuple[str, str], None] = {}
    for row in cells:
        names |= dict.fromkeys(row)
    return [
        {"id": name, "group": group, **_encoded([row.get((group, name)) for row in cells])}
        for group, name in names
    ]


def _cells(entry: Entry, stages: list[str]) -> dict[tuple[str, str], Any]:
    """Return the cells of a version by group and name of their columns."""
    metadata = entry.metadata or {}
    headline = mapping(metadata, "metrics", "headline")
    training, rows = mapping(metadata, "training"), mapping(metadata, "data", "rows")
    first: dict[str, Any] = {
        "key": entry.key,
        "model": entry.version.model,
        "version": entry.version.number,
        "experiment": entry.experiment,
        "stage": ", ".join(stages),
        "when": int(entry.when.timestamp()),
        "date": entry.when.isoformat(timespec="minutes"),
        "author": entry.author,
        "reason": entry.reason,
        "commit": entry.version.commit[:HASH],
        "recipe": _hash(metadata.get("recipe_id")),
        "title": in_line(word(metadata.get("title"))),
        "task": in_line(word(metadata.get("task"))),
        "target": in_line(word(metadata.get("target"))),
        "estimator": in_line(word(training.get("estimator"))),
        "headline": in_line(word(headline.get("metric"))),
        "higher": headline.get("higher_is_better") is not False,
        "value": short_number(headline.get("value")),
        "low": short_number(headline.get("low")),
        "high": short_number(headline.get("high")),
        "signed": entry.signed,
        "reproducible": metadata.get("reproducible", True) is True if metadata else None,
        "problem": in_line(entry.problem) if entry.problem else None,
    }
    cells: dict[tuple[str, str], Any] = {("", name): value for name, value in first.items()}
    for part in ("test", "train", "baseline"):
        _add(cells, part, mapping(metadata, "metrics", part), short_number)
    _add(cells, "rows", rows, short_number)
    _add(cells, "param", mapping(training, "parameters"), _parameter)
    for part, group, hashes in PARTS:
        _add(cells, group, flat(mapping(metadata, "recipe", part)), _hash if hashes else _parameter)
    _add(cells, "library", mapping(metadata, "libraries"), word)
    return cells


def _add(
    cells: dict[tuple[str, str], Any],
    group: str,
    values: dict[str, Any],
    form: Callable[[Any], Any],
) -> None:
    for name, value in values.items():
        cells[group, in_line(name)] = form(value)


def short_number(value: Any) -> float | int | None:
    """Return a number with the digits that a table shows; None for what is no finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        short = float(f"{value:.{DIGITS}g}")
    except OverflowError:
        return None
    if short != short or short in (float("inf"), float("-inf")):
        return None
    return int(short) if short.is_integer() and abs(short) < 10**DIGITS else short


def _parameter(value: Any) -> Any:
    if isinstance(value, str) and value == DEPRECATED:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return short_number(value)
    return in_line(word(value)) if value is not None else "none"


def _hash(value: Any) -> str | None:
    return in_line(value)[:HASH] if isinstance(value, str) else None


def _encoded(values: Sequence[Any]) -> dict[str, Any]:
    # True and 1 are equal, and two values here.
    kinds = [(type(value), value) for value in values]
    counts = Counter(kinds)
    if len(counts) == 1:
        return {"c": values[0]}
    if len(counts) <= len(values) // 2:
        place = {kind: number for number, kind in enumerate(counts)}
        return {"u": [value for _, value in counts], "i": [place[kind] for kind in kinds]}
    return {"v": [*values]}
