"""schema.yaml, read with types: the contract of the raw data and of the rows in requests."""

import math
import re
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from textwrap import shorten
from typing import Any, Literal, NamedTuple, Self

from pydantic import model_validator

from modelkeep_core.errors import suggestion
from modelkeep_core.files import Section, read_model

NUMERIC = ("number", "integer", "boolean")
# Types whose values lie one after the other, as moments do
ORDERED = ("number", "integer", "datetime")
# A number with a point as a code: without zeros behind it, it is the two groups
CODE = r"^(-?\d+)(?:\.0*|(\.\d*[1-9])0*)$"
# How books write that a number is negative: in parentheses, or by what stands behind it
PARENTHESES, BEHIND = "()", "#"
# Which types of a column a rule has a meaning for
RULES = {
    ("min", "max"): ("a number", "an integer"),
    ("decimal", "thousands", "minus", "multiples", "unit"): ("a number", "an integer"),
    ("values",): ("a category", "a boolean"),
    ("encoding", "codes"): ("a category",),
    ("formats", "latest_year"): ("a datetime",),
    ("texts",): ("a number", "an integer"),
}
# What a value of a type is, in words, in JSON's terms, and as Python has it from JSON
WORDS = {
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "category": "text",
    "datetime": "like 2024-01-31 or 2024-01-31T09:30:00",
}
JSON_TYPES = {
    "number": "number",
    "integer": "integer",
    "boolean": "boolean",
    "category": "string",
    "datetime": "string",
}
PLAIN: dict[str, tuple[type, ...]] = {
    "number": (float, int),
    "integer": (int, float),
    "boolean": (bool,),
    "category": (str,),
    "datetime": (str,),
}
# Of private columns, nothing is told of fewer rows: it would be told of single people.
FEW = 10
LARGEST = sys.float_info.max
Rule = Literal["missing", "type", "finite", "min", "max", "values"]


class Fault(NamedTuple):
    """A rule of a column that a value breaks.

    Attributes:
        rule: what the value must be, in words, such as "at least 0".
        reason: the kind of rule.
    """

    rule: str
    reason: Literal["missing", "type", "range", "category"]


class Column(Section):
    """What the cells of one column may hold, how they are written, and whether the model sees them.

    Attributes:
        joined: whether the raw data do not have it, since prepare joins or computes it.
        private: whether its values are nobody's business: they are in no record, profile or
            example, and groups of few rows are not shown.
        min, max: of a number or an integer.
        values: of a category; of a boolean, the words for false and for true, of which one may be
            "", an empty cell.
        decimal, thousands, unit: how numbers are written in text: their decimal mark (a point),
            the mark between thousands (none), and what stands before or behind them (nothing).
        minus: more signs before a negative number, "()" where it is in parentheses, and what stands
            behind it with "#" before: "#-" for 100-.
        multiples: what letters behind a number multiply it by, such as K by 1000.
        texts: texts that stand for a number, such as "90+" for 90.
        formats: how datetimes are written in text, as for strptime; as ISO 8601 without any.
        latest_year: of years that are written with two digits, the last (2068).
        missing_values: more texts that stand for an empty cell, in this column alone.
        encoding: how the model sees a category: a column for each value, or the mean target.
        codes: whether the values of a category are numbers, of which 7 and 7.0 are the same.
    """

    type: Literal["number", "integer", "boolean", "category", "datetime"]
    missing: bool = False
    feature: bool = True
    joined: bool = False
    private: bool | None = None
    min: float | None = None
    max: float | None = None
    values: list[str] | None = None
    decimal: str | None = None
    thousands: str | None = None
    unit: str | None = None
    minus: list[str] | None = None
    multiples: dict[str, int] | None = None
    texts: dict[str, float] | None = None
    formats: list[str] | None = None
    latest_year: int | None = None
    encoding: Literal["one-hot", "target"] | None = None
    codes: bool | None = None
    missing_values: list[str] | None = None

    @model_validator(mode="after")
    def _rules_fit_the_type(self) -> Self:
        kind = f"an {self.type}" if self.type == "integer" else f"a {self.type}"
        for rules, kinds in RULES.items():
            if kind not in kinds and any(getattr(self, rule) is not None for rule in rules):
                named = f"{', '.join(rules[:-1])} and {rules[-1]}" if rules[1:] else rules[0]
                raise ValueError(f"{named} belong to {' or '.join(kinds)}, not to {kind}")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:.15g} is above max {self.max:.15g}")
        if self.type == "boolean" and self.values is not None and len(self.values) != 2:
            raise ValueError("values of a boolean are two words: for false, then for true")
        factors = (self.multiples or {}).values()
        if any(factor < 10 or str(factor).strip("0") != "1" for factor in factors):
            raise ValueError("multiples are powers of ten, such as K: 1000")
        return self

    @property
    def number(self) -> bool:
        """Whether it holds numbers, which may have a min and a max."""
        return self.type in ("number", "integer")

    @property
    def choices(self) -> list[str] | None:
        """The texts that a value is one of; None where no list says it."""
        return ["true", "false"] if self.type == "boolean" else self.values

    def must_be(self, rule: Rule, width: int = 200) -> str:
        """Say what a rule asks of a value, to be read after "must be".

        Args:
            rule: one that the column has.
            width: how many characters the list of values may take; the rest becomes " ...".
        """
        match rule:
            case "missing":
                return "present"
            case "finite":
                return "finite"
            case "min":
                return f"at least {self.min:.15g}"
            case "max":
                return f"at most {self.max:.15g}"
            case "values":
                return f"one of {shorten(', '.join(self.values or []), width, placeholder=' ...')}"
        return WORDS[self.type]

    def accepts(self) -> Callable[[Any], bool]:
        """Prepare the check of one plain value, as JSON has it, for many values.

        Returns:
            A function that says whether a value keeps every rule: None where a cell may be empty;
            a finite int or float within the bounds, whole for an integer; a bool; a text that is
            among the values; ISO 8601 text for a datetime.
        """
        kinds, whole, missing = PLAIN[self.type], self.type == "integer", self.missing
        # Not-a-number and the infinite are within no bounds
        low = -LARGEST if self.min is None else max(self.min, -LARGEST)
        high = LARGEST if self.max is None else min(self.max, LARGEST)
        number, is_datetime = self.number, self.type == "datetime"
        is_listed = self.type == "category" and self.values is not None
        listed = frozenset(self.values or ()) if is_listed else None

        def accepted(value: Any) -> bool:
            if value is None:
                return missing
            if type(value) not in kinds:
                return False
            if number:
                return low <= value <= high and (not whole or value == value // 1)
            if is_datetime:
                return _is_moment(value)
            return listed is None or value in listed

        return accepted

    def problem(self, value: Any) -> Fault | None:
        """Return the first rule that a plain value, as JSON has it, breaks; None if it keeps all.

        `accepts` is the faster way where most values are right.
        """
        if self.accepts()(value):
            return None
        if value is None:
            return Fault(self.must_be("missing"), "missing")
        if type(value) not in PLAIN[self.type] or self.type in ("boolean", "datetime"):
            return Fault(self.must_be("type"), "type")
        if self.type == "category":
            return Fault(self.must_be("values"), "category")
        if not -LARGEST <= value <= LARGEST:
            return Fault(self.must_be("finite"), "range")
        if self.type == "integer" and value != value // 1:
            return Fault(self.must_be("type"), "type")
        below = self.min is not None and value < self.min
        return Fault(self.must_be("min" if below else "max"), "range")

    def stand_in(self) -> Any:
        """Return a plain value that the column takes and that says nothing of any row.

        None where a cell may be empty; else the first of the values, false, the number within the
        bounds that is nearest to 0, the first moment of 2000, or the word "private".
        """
        if self.missing:
            return None
        if self.number:
            low, high = self.min, self.max
            nearest = low if low is not None and low > 0 else 0.0
            nearest = high if high is not None and high < 0 else nearest
            whole = math.ceil(nearest) if nearest > 0 else math.floor(nearest)
            return nearest if self.type == "number" else whole
        if self.type == "boolean":
            return False
        if self.type == "datetime":
            return "2000-01-01T00:00:00"
        return self.values[0] if self.values else "private"

    def spelt(self, value: Any) -> Any:
        """Return a plain value as the training rows have it: a code in one spelling, as text.

        Of another column, and what is neither text nor a number, it is the value itself.
        """
        if not self.codes or isinstance(value, bool):
            return value
        if isinstance(value, float) and value.is_integer():
            return str(int(value))
        if isinstance(value, str):
            return re.sub(CODE, r"\1\2", value.strip())
        return str(value) if isinstance(value, int | float) else value

    def json_schema(self) -> dict[str, Any]:
        """Return the JSON schema of one value: its type, and its values or bounds."""
        kind = JSON_TYPES[self.type]
        kinds = [kind, *(["number"] if self.codes else []), *(["null"] if self.missing else [])]
        described: dict[str, Any] = {"type": kinds if len(kinds) > 1 else kind}
        if self.type == "category" and self.values is not None:
            described["enum"] = [*self.values, *([None] if self.missing else [])]
        if self.min is not None:
            described["minimum"] = self.min
        if self.max is not None:
            described["maximum"] = self.max
        return described

    def allowed(self) -> str:
        """Say which values the model takes, for a person: "red, green", "0 to 9", "any"."""
        if self.values is not None:
            return ", ".join(self.values)
        if self.min is not None and self.max is not None:
            return f"{self.min:.15g} to {self.max:.15g}"
        if self.min is not None:
            return f"{self.min:.15g} or more"
        return "any" if self.max is None else f"{self.max:.15g} or less"


class Schema(Section):
    """The columns of the raw data, the one to predict, and what counts as missing."""

    task: Literal["classification", "regression"]
    target: str
    missing_values: list[str]
    duplicates: bool
    columns: dict[str, Column]

    @model_validator(mode="after")
    def _target_fits_the_task(self) -> Self:
        if self.target not in self.columns:
            raise ValueError(
                f"target: no column '{self.target}' among the columns"
                f"{suggestion(self.target, self.columns)}"
            )
        kind = self.columns[self.target].type
        if self.task == "regression" and kind not in ("number", "integer"):
            raise ValueError(
                f"target: regression predicts a number, and '{self.target}' is a {kind}"
            )
        if self.task == "classification" and kind not in ("category", "integer", "boolean"):
            raise ValueError(
                f"target: classification predicts a class, and '{self.target}' is a {kind}"
            )
        if self.columns[self.target].private:
            raise ValueError(
                f"target: '{self.target}' is private, and every prediction would tell of it"
            )
        if not self.features:
            raise ValueError("columns: no column is left to predict from")
        return self

    @property
    def raw(self) -> list[str]:
        """The columns that the raw data have, in the order of the file."""
        return [name for name, column in self.columns.items() if not column.joined]

    @property
    def features(self) -> dict[str, Column]:
        """The columns that the model sees, in the order of the file."""
        return {
            name: column
            for name, column in self.columns.items()
            if column.feature and name != self.target
        }

    @property
    def private(self) -> frozenset[str]:
        """The columns whose values are shown nowhere."""
        return frozenset(name for name, column in self.columns.items() if column.private)


def read_schema(path: Path | str) -> Schema:
    """Read schema.yaml.

    Raises:
        UserError: naming every rule that is unknown, missing or does not fit.
    """
    return read_model(path, Schema, page="reference/schema.md")


def _is_moment(text: str) -> bool:
    try:
        return bool(datetime.fromisoformat(text))
    except ValueError:
        return False
