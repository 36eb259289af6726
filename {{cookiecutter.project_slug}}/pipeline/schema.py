"""schema.yaml, read with types: the contract of the raw data."""

from pathlib import Path
from typing import Literal, Self

from pydantic import model_validator

from pipeline.files import Section, read_model
from pipeline.refusal import suggestion

NUMERIC = ("number", "integer", "boolean")
# Which types of a column a rule has a meaning for
RULES = {
    ("min", "max"): ("a number", "an integer"),
    ("decimal", "thousands", "unit"): ("a number", "an integer"),
    ("values",): ("a category", "a boolean"),
    ("encoding",): ("a category",),
    ("formats",): ("a datetime",),
}


class Column(Section):
    """What the cells of one column may hold, how they are written, and whether the model sees them.

    Attributes:
        min, max: of a number or an integer.
        values: of a category; of a boolean, the words for false and for true.
        decimal, thousands, unit: how numbers are written in text: their decimal mark (a point),
            the mark between thousands (none), and what stands before or behind them (nothing).
        formats: how datetimes are written in text, as for strptime; as ISO 8601 without any.
        missing_values: more texts that stand for an empty cell, in this column alone.
        encoding: how the model sees a category: a column for each value, or the mean target.
    """

    type: Literal["number", "integer", "boolean", "category", "datetime"]
    missing: bool = False
    feature: bool = True
    min: float | None = None
    max: float | None = None
    values: list[str] | None = None
    decimal: str | None = None
    thousands: str | None = None
    unit: str | None = None
    formats: list[str] | None = None
    encoding: Literal["one-hot", "target"] | None = None
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
        return self


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
        if not self.features:
            raise ValueError("columns: no column is left to predict from")
        return self

    @property
    def features(self) -> dict[str, Column]:
        """The columns that the model sees, in the order of the file."""
        return {
            name: column
            for name, column in self.columns.items()
            if column.feature and name != self.target
        }


def read_schema(path: Path) -> Schema:
    """Read schema.yaml.

    Raises:
        Refusal: naming every rule that is unknown, missing or does not fit.
    """
    return read_model(path, Schema)
