"""Rows as they come in requests, checked by the packaged schema before the model sees them."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from textwrap import shorten
from typing import Any

from modelkeep.serving.meanings import Meanings
from modelkeep_core.errors import suggestion
from modelkeep_core.schema import Column, Schema
from modelkeep_core.visible import counted

Rows = list[list[Any]]
# How many of a request's problems are listed, for how many names another one is suggested, and how
# much of a name that a client made up is repeated
LISTED, SUGGESTED, REPEATED = 100, 3, 100


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
    """A request that breaks the schema.

    Attributes:
        problems: the first of its problems, at most LISTED.
        counts: how many of them there are in all, by reason and column.
        rows: how many rows are at fault.
    """

    def __init__(
        self,
        *problems: Problem,
        counts: Counter[tuple[str, str]] | None = None,
        rows: int | None = None,
    ) -> None:
        super().__init__(str(problems[0]))
        self.problems = problems
        self.counts = counts or Counter((problem.reason, problem.column) for problem in problems)
        self.rows = rows or len({problem.row for problem in problems})


class TooMany(Exception):
    """A request of more rows than it may have.

    Attributes:
        rows: how many it has.
    """

    def __init__(self, rows: int) -> None:
        super().__init__(counted(rows, "row"))
        self.rows = rows


class Contract:
    """The packaged schema, and what the training rows held within it.

    Attributes:
        schema: the contract.
        features: the names of the columns that the model sees, in its order.
        most_rows: how many rows a request may have, or None; it is asked before all else.
    """

    def __init__(self, schema: Schema, profile: dict[str, Any]) -> None:
        """Prepare what is asked of each row.

        Args:
            schema: the contract.
            profile: the profile of the training rows that is in the package.
        """
        self.schema = schema
        self.most_rows: int | None = None
        self._meanings = Meanings(schema)
        self.features = list(schema.features)
        self._columns = list(schema.features.items())
        self._accepts = [column.accepts() for column in schema.features.values()]
        self._in_range = [
            (name, _in_range(column, profile["features"][name])) for name, column in self._columns
        ]

    def from_lists(self, lists: Any) -> Rows:
        """Return rows that were given as lists of values in the order of the features.

        Raises:
            TooMany: there are more than there may be.
            Unfit: they break the schema.
        """
        self._must_be_rows(lists, list, f"a list of {counted(len(self.features), 'value')}")
        width = len(self.features)
        names = shorten(", ".join(self.features), 200, placeholder=" ...")
        rule = f"{counted(width, 'value')}: {names}"
        _no_problem(
            Problem(number, "", rule, "form")
            for number, row in enumerate(lists)
            if len(row) != width
        )
        return self._checked(lists)

    def from_records(self, records: Any, others: bool = False) -> Rows:
        """Return rows that were given as objects with a value for each feature.

        Args:
            records: the rows.
            others: whether they may have other columns as well, which are left alone.

        Raises:
            TooMany: there are more than there may be.
            Unfit: they break the schema.
        """
        self._must_be_rows(records, dict, "an object with a value for each column")
        suggested, names = iter(range(SUGGESTED)), {*self.features}
        _no_problem(
            Problem(number, *fault, "column")
            for number, record in enumerate(records)
            if record.keys() != names
            for fault in self._misnamed(record, others, suggested)
        )
        return self._checked([[record[name] for name in self.features] for record in records])

    def out_of_range(self, rows: Rows) -> Counter[str]:
        """Count, by feature, values that the schema takes and the training rows do not cover.

        They are numbers beyond the least or the greatest, and categories that no row had.
        """
        return Counter(
            name
            for row in rows
            for value, (name, in_range) in zip(row, self._in_range, strict=True)
            if value is not None and not in_range(value)
        )

    def _misnamed(
        self, record: dict[str, Any], others: bool, suggested: Iterator[int]
    ) -> Iterator[tuple[str, str]]:
        for name in self.features:
            if name not in record:
                yield name, "there; where its value is not known, give null"
        for name in record:
            # What the raw data have besides the features is left alone, as `predict` does.
            if others or name in self.schema.columns:
                continue
            # To compare it with all names takes long where there are many.
            near = ""
            if len(name) <= REPEATED and next(suggested, None) is not None:
                near = suggestion(name, self.features)
            if self.schema.private and not near:
                # Where a table has no header, its first values stand for names.
                yield "", "given without columns that are not there"
            else:
                shown = name if len(name) <= REPEATED else f"{name[:REPEATED]}…"
                yield shown, f"left out: there is no such column{near}"

    def _checked(self, rows: Rows) -> Rows:
        self._meanings.apply(rows)
        _no_problem(
            Problem(number, name, *fault)
            for number, row in enumerate(rows)
            for (name, column), accepted, value in zip(
                self._columns, self._accepts, row, strict=True
            )
            if not accepted(value) and (fault := column.problem(value))
        )
        return rows

    def _must_be_rows(self, rows: Any, kind: type, meant: str) -> None:
        """Make sure that rows are a list of one row or more, each of one kind.

        Raises:
            TooMany: there are more than there may be.
            Unfit: they are not.
        """
        if not isinstance(rows, list) or not rows:
            raise Unfit(Problem(None, "", f"a list with at least one row, {meant}", "form"))
        if self.most_rows is not None and len(rows) > self.most_rows:
            raise TooMany(len(rows))
        _no_problem(
            Problem(number, "", meant, "form")
            for number, row in enumerate(rows)
            if not isinstance(row, kind)
        )


def _no_problem(problems: Iterable[Problem]) -> None:
    """Make sure that there are none; of many, the first are kept and all are counted.

    Raises:
        Unfit: there are some.
    """
    listed: list[Problem] = []
    counts: Counter[tuple[str, str]] = Counter()
    rows: set[int | None] = set()
    for problem in problems:
        counts[problem.reason, problem.column] += 1
        rows.add(problem.row)
        if len(listed) < LISTED:
            listed.append(problem)
    if listed:
        raise Unfit(*listed, counts=counts, rows=len(rows))


def _in_range(column: Column, profile: dict[str, Any]) -> Callable[[Any], bool]:
    """Return the test whether the training rows cover a value.

    Args:
        column: the column.
        profile: what the profile of the training rows says of it.
    """
    if column.private:
        return lambda _: True
    if column.number:
        low, high = profile["min"], profile["max"]
        return lambda value: low is not None and low <= value <= high
    if column.type == "boolean":
        return lambda value: str(value).lower() in profile["counts"]
    if profile["others"]:
        # The profile does not list them all.
        return lambda _: True
    return profile["counts"].__contains__
