"""All versions as columns: everything that a table can show, sort and filter."""

import marshal
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from modelkeep.site.clean import flat, in_line, mapping, word
from modelkeep.site.entries import Entry
from modelkeep.site.kept import Kept

# How many digits of a number a table keeps, and how many signs of a hash
DIGITS, HASH = 6, 10
# A parameter with this value is one that its estimator does not want any more.
DEPRECATED = "deprecated"
SCORES = ("test", "train", "baseline")
# From the recipe: the part, the group of the columns, and whether they are hashes
PARTS = (
    ("parameters", "params", False),
    ("data", "data", True),
    ("code", "code", True),
    ("schema", "schema", True),
    ("files", "file", True),
    ("environment", "environment", True),
)
# The columns without a group that tags and options decide, and those that the commit does
FROM_TAGS = (
    *("key", "model", "version", "experiment", "stage", "when", "date", "author", "reason"),
    *("commit", "signed", "verified", "remote"),
)
FROM_COMMIT = (
    *("recipe", "title", "task", "target", "estimator", "headline", "higher", "value", "low"),
    *("high", "trials", "warnings", "lock", "reproducible", "problem"),
)
GROUPS = (
    *("", "test", "params", "data", "rows", "param", "train", "baseline", "code", "schema"),
    *("file", "environment", "library"),
)
# Group and name of a column
Name = tuple[str, str]
Cells = dict[Name, Any]


class Columns:
    """The columns of a site.

    Attributes:
        values: what each column has, a value for each row.
    """

    def __init__(self, values: dict[Name, list[Any]]) -> None:
        self.values = values
        self._groups: dict[str, dict[str, list[Any]]] = {}
        for (group, name), column in values.items():
            self._groups.setdefault(group, {})[name] = column

    def cell(self, name: str, row: int) -> Any:
        """Return the value of a column without a group; None where there is none."""
        column = self.values.get(("", name))
        return column[row] if column else None

    def group(self, group: str, row: int) -> dict[str, Any]:
        """Return the values of the columns of a group that a row has, by their names."""
        columns = self._groups.get(group, {})
        return {name: column[row] for name, column in columns.items() if column[row] is not None}

    def written(self) -> list[dict[str, Any]]:
        """Return each as "id", "group", and its values in one of three shorter forms.

        Either "c" is the value of all rows, or "u" are the different values and "i" which of them
        each row has, or "v" are the values. A row without a value has null.
        """
        return [
            {"id": name, "group": group, **_encoded(values)}
            for (group, name), values in self.values.items()
        ]


def columns_of(
    entries: Sequence[Entry],
    tagged: Mapping[str, Mapping[str, Any]],
    made: Mapping[str, Cells],
    kept: Kept,
) -> Columns:
    """Return the columns of all entries.

    Args:
        entries: the rows.
        tagged: what their tags and the options say, by the key of an entry.
        made: the cells that follow from their commits, by key; of those that are not kept.
        kept: what a site has already of the others.
    """
    names = {name for cells in made.values() for name in cells} | kept.columns.keys()
    ordered = [name for name in (("", name) for name in FROM_COMMIT) if name in names]
    ordered += sorted(
        (name for name in names if name[0]), key=lambda name: (GROUPS.index(name[0]), name[1])
    )
    new = [made.get(entry.key) for entry in entries]
    places = [kept.places.get(entry.key, -1) for entry in entries]
    first = [tagged[entry.key] for entry in entries]
    values: dict[Name, list[Any]] = {
        ("", name): [cells[name] for cells in first] for name in FROM_TAGS if name in first[0]
    }
    for name in ordered:
        old = kept.columns.get(name)
        values[name] = [
            (old[place] if old else None) if cells is None else cells.get(name)
            for cells, place in zip(new, places, strict=True)
        ]
    return Columns(values)


def of_tags(entry: Entry, stages: Sequence[str]) -> dict[str, Any]:
    """Return the cells of an entry that tags decide, and may change."""
    return {
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
        "signed": entry.signed,
    }


def of_commit(entry: Entry, in_step: bool | None) -> Cells:
    """Return the cells of an entry that its commit decides, which never change."""
    metadata = entry.metadata or {}
    headline = mapping(metadata, "metrics", "headline")
    training = mapping(metadata, "training")
    first: dict[str, Any] = {
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
        "trials": short_number(mapping(training, "search").get("trials")),
        "warnings": sum(severity == "warning" for severity, _ in findings_of(metadata))
        if entry.metadata
        else None,
        "lock": None if in_step is None else "in step" if in_step else "stale",
        "reproducible": metadata.get("reproducible", True) is True if metadata else None,
        "problem": in_line(entry.problem) if entry.problem else None,
    }
    cells: Cells = {("", name): value for name, value in first.items()}
    for part in SCORES:
        scores = mapping(metadata, "metrics", part).items()
        cells |= {(part, in_line(name)): short_number(value) for name, value in scores}
    _add(cells, "rows", mapping(metadata, "data", "rows"), short_number)
    _add(cells, "param", mapping(training, "parameters"), _parameter)
    for part, group, hashes in PARTS:
        _add(cells, group, mapping(metadata, "recipe", part), _hash if hashes else _parameter)
    _add(cells, "library", mapping(metadata, "libraries"), word)
    return cells


def findings_of(metadata: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield severity and words of what there is to say of a model."""
    findings = metadata.get("findings")
    for finding in findings if isinstance(findings, list) else []:
        says = finding.get("says") if isinstance(finding, dict) else None
        if isinstance(says, str) and says:
            yield in_line(word(finding.get("severity"))), in_line(says)


def _add(cells: Cells, group: str, values: dict[str, Any], form: Callable[[Any], Any]) -> None:
    # Most versions of a model have the very same in most of the groups.
    cells.update(_formed(group, marshal.dumps(values, 2), form))


@lru_cache(maxsize=4096)
def _formed(group: str, packed: bytes, form: Callable[[Any], Any]) -> Cells:
    values = marshal.loads(packed)
    nested = flat(values) if group in {group for _, group, _ in PARTS} else values
    return {(group, in_line(name)): form(value) for name, value in nested.items()}


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
    return in_line(word(value)) if isinstance(value, list | dict) else _scalar(value)


@lru_cache(maxsize=4096, typed=True)
def _scalar(value: Any) -> Any:
    if value == DEPRECATED:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return short_number(value)
    return in_line(word(value)) if value is not None else "none"


def _hash(value: Any) -> str | None:
    return in_line(value)[:HASH] if isinstance(value, str) else None


def _encoded(values: list[Any]) -> dict[str, Any]:
    kinds: list[Any] = values
    # True, 1 and 1.0 are equal, and three values here.
    if len({type(value) for value in values} & {bool, int, float}) > 1:
        kinds = [(type(value), value) for value in values]
    counts = Counter(kinds)
    if len(counts) == 1:
        return {"c": values[0]}
    if len(counts) <= len(values) // 2:
        place = {kind: number for number, kind in enumerate(counts)}
        distinct = [kind[1] for kind in counts] if kinds is not values else [*counts]
        return {"u": distinct, "i": [place[kind] for kind in kinds]}
    return {"v": values}
