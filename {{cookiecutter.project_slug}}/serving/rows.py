"""Rows as they come in requests, held against the packaged schema before the model sees them."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from textwrap import shorten
from typing import Any

from pipeline.refusal import suggestion
from pipeline.schema import Column, Schema

Rows = list[list[Any]]
KINDS = {
    "number": (float, int),
    "integer": (int, float),
    "boolean": (bool,),
    "category": (str,),
    "datetime": (str,),
}
WORDS = {
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "category": "text",
    "datetime": "like 2024-01-31 or 2024-01-31T09:30:00",
}


@dataclass(frozen=True)
class Problem:
    """A rule that a request breaks.

    Attributes:
        row: the place of the row in the request, from 0; None where it is not one row's fault.
        column: the column, or "" where it is not one column's fault.
        rule: what it must be, in words.
        reason: the kind of rule: form, column, type, missing, range or category.
    """

    row: int | None
    column: str
    rule: str
    reason: str

    def __str__(self) -> str:
        """Say it in one sentence."""
        where = [] if self.row is None else [f"row {self.row}"]
        where += [f"column '{self.column}'"] if self.column else []
        return f"{', '.join(where) or 'the rows'}: must be {self.rule}"


class Unfit(Exception):
    """A request that breaks the schema, with all its problems."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__(str(problems[0]))
        self.problems = problems


class Contract:
    """The packaged schema, and what the training rows held within it.

    Attributes:
        schema: the contract.
        features: the names of the columns that the model sees, in its order.
    """

    def __init__(self, schema: Schema, profile: dict[str, Any]) -> None:
        """Prepare what is asked of each row.

        Args:
            schema: the contract.
            profile: the profile of the training rows that is in the package.
        """
        self.schema = schema
        self.features = list(schema.features)
        self._columns = list(schema.features.items())
        self._rules = [_rule(column) for column in schema.features.values()]
        self._trained = [
            (name, *_trained(column, profile["features"][name])) for name, column in self._columns
        ]

    def from_lists(self, lists: Any) -> Rows:
        """Return rows that were given as lists of values in the order of the features.

        Raises:
            Unfit: they break the schema.
        """
        _must_be_rows(lists, list, f"a list of {len(self.features)} values")
        width = len(self.features)
        unfit = [n for n, row in enumerate(lists) if len(row) != width]
        if unfit:
            rule = f"{width} values: {shorten(', '.join(self.features), 200, placeholder=' ...')}"
            raise Unfit(*(Problem(n, "", rule, "form") for n in unfit))
        return self._checked(lists)

    def from_records(self, records: Any) -> Rows:
        """Return rows that were given as objects with a value for each feature.

        Raises:
            Unfit: they break the schema.
        """
        _must_be_rows(records, dict, "an object with a value for each column")
        problems = [
            Problem(number, *fault, "column")
            for number, record in enumerate(records)
            if record.keys() != self.schema.features.keys()
            for fault in self._misnamed(record)
        ]
        if problems:
            raise Unfit(*problems)
        return self._checked([[record[name] for name in self.features] for record in records])

    def unusual(self, rows: Rows) -> Counter[tuple[str, str]]:
        """Count values that the schema takes and no training row had, by kind and feature.

        The kinds are "unseen" for a category and "out_of_range" for a number.
        """
        found: Counter[tuple[str, str]] = Counter()
        for row in rows:
            for value, (name, kind, usual) in zip(row, self._trained, strict=True):
                if value is not None and not usual(value):
                    found[kind, name] += 1
        return found

    def _misnamed(self, record: dict[str, Any]) -> Iterator[tuple[str, str]]:
        for name in self.features:
            if name not in record:
                yield name, "there; where its value is not known, give null"
        for name in record:
            if name in self.schema.features:
                continue
            known = name in self.schema.columns
            why = "the model does not see it" if known else "there is no such column"
            yield name, f"left out: {why}{'' if known else suggestion(name, self.features)}"

    def _checked(self, rows: Rows) -> Rows:
        problems = [
            Problem(number, name, *fault)
            for number, row in enumerate(rows)
            for (name, column), rule, value in zip(self._columns, self._rules, row, strict=True)
            if not rule(value)
            for fault in [_fault(column, value)]
        ]
        if problems:
            raise Unfit(*problems)
        return rows


def _must_be_rows(rows: Any, kind: type, meant: str) -> None:
    """Make sure that rows are a list with at least one row, each of one kind.

    Raises:
        Unfit: they are not.
    """
    if not isinstance(rows, list) or not rows:
        raise Unfit(Problem(None, "", f"a list with at least one row, {meant}", "form"))
    strange = [number for number, row in enumerate(rows) if not isinstance(row, kind)]
    if strange:
        raise Unfit(*(Problem(number, "", meant, "form") for number in strange))


def _rule(column: Column) -> Callable[[Any], bool]:
    """Return the check of one value: whether all rules of its column hold."""
    kinds, whole, missing = KINDS[column.type], column.type == "integer", column.missing
    low = float("-inf") if column.min is None else column.min
    high = float("inf") if column.max is None else column.max
    values = _values(column)

    def holds(value: Any) -> bool:
        if value is None:
            return missing
        if type(value) not in kinds:
            return False
        if kinds[0] in (float, int):
            return low <= value <= high and (not whole or value == value // 1)
        if column.type == "datetime":
            return _is_moment(value)
        return values is None or value in values

    return holds


def _values(column: Column) -> frozenset[str] | None:
    """Return the values of a category, where the schema lists them."""
    listed = column.type == "category" and column.values is not None
    return frozenset(column.values) if listed else None


def _is_moment(text: str) -> bool:
    try:
        return bool(datetime.fromisoformat(text))
    except ValueError:
        return False


def _fault(column: Column, value: Any) -> tuple[str, str]:
    """Return the rule that a value breaks, in words, and its kind."""
    if value is None:
        return "present", "missing"
    fits = type(value) in KINDS[column.type]
    fractional = fits and column.type == "integer" and value != value // 1
    if not fits or fractional or column.type == "datetime":
        return WORDS[column.type], "type"
    if column.type == "category":
        return f"one of {shorten(', '.join(column.values), 200, placeholder=' ...')}", "category"
    if column.min is not None and value < column.min:
        return f"at least {column.min:.15g}", "range"
    return f"at most {column.max:.15g}", "range"


def _trained(column: Column, known: dict[str, Any]) -> tuple[str, Callable[[Any], bool]]:
    """Return how a value is called that no training row had, and the test whether one had it."""
    if column.type in ("number", "integer"):
        low, high = known["min"], known["max"]
        return "out_of_range", lambda value: low is not None and low <= value <= high
    if column.type == "boolean":
        return "unseen", lambda value: str(value).lower() in known["counts"]
    if known["others"]:
        # The profile does not list them all.
        return "unseen", lambda _: True
    return "unseen", known["counts"].__contains__
