"""schema.yaml, read with types: the contract of the raw data."""

from pathlib import Path
from typing import Literal, Self

from pydantic import model_validator

from pipeline.files import Section, read_model
from pipeline.refusal import suggestion

NUMERIC = ("number", "integer", "boolean")


class Column(Section):
    """What the cells of one column may hold, and whether the model sees them."""

    type: Literal["number", "integer", "boolean", "category", "datetime"]
    missing: bool = False
    feature: bool = True
    min: float | None = None
    max: float | None = None
    values: list[str] | None = None

    @model_validator(mode="after")
    def _rules_fit_the_type(self) -> Self:
        if (self.min is not None or self.max is not None) and self.type not in (
            "number",
            "integer",
        ):
            raise ValueError(f"min and max belong to a number or an integer, not to a {self.type}")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:.15g} is above max {self.max:.15g}")
        if self.values is not None and self.type != "category":
            raise ValueError(f"values belong to a category, not to a {self.type}")
        if self.type == "datetime" and self.feature:
            raise ValueError(
                "a datetime can split the data but not feed the model: add feature: false"
            )
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
