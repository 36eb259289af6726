"""params.yaml, read with types: one section per stage, each read by the stage that it is for."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    ConfigDict,
    Field,
    NonNegativeInt,
    PlainValidator,
    PositiveInt,
    StrictBool,
    model_validator,
)

from modelkeep_core import recording
from modelkeep_core.errors import suggestion
from modelkeep_core.files import Model, Section, read_model

# Where the documentation says what a section may hold
PAGES = {
    "prepare": "reference/params.md#prepare",
    "train": "reference/params.md#train",
    "evaluate": "reference/params.md#evaluate",
    "package": "reference/params.md#package",
    "promote": "reference/params.md#promote",
}
# What NumPy, Polars and scikit-learn all take
Seed = Annotated[int, Field(ge=0, lt=2**32)]


class Prepare(Section):
    """How the raw rows are split into train and test."""

    seed: Seed
    test_size: float = Field(gt=0, lt=1)
    split: Literal["random", "time", "group"]
    split_by: str | None

    @model_validator(mode="after")
    def _column_where_needed(self) -> Self:
        if self.split != "random" and self.split_by is None:
            raise ValueError(f"split: {self.split} needs split_by: the column that it goes by")
        return self


def _number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"input should be a number, not {value!r}")
    return value


Number = Annotated[int | float, PlainValidator(_number)]


class Range(Section):
    """The values of one parameter: from `low` to `high`, or one of `choices`.

    Whole numbers stay whole where `low`, `high` and `step` are. Values are as likely as each other,
    or, with `log`, their logarithms are. `step` is the distance of values from `low` on.
    """

    low: Number | None = None
    high: Number | None = None
    log: StrictBool = False
    step: Number | None = None
    choices: list[Any] | None = None

    @model_validator(mode="before")
    @classmethod
    def _keys(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            raise ValueError(
                "a range of a parameter has low and high, or choices, under the name of its "
                f"estimator and its own, not {values!r}"
            )
        return values

    @model_validator(mode="after")
    def _values(self) -> Self:
        bounds = (self.low, self.high)
        if self.choices is not None:
            if bounds != (None, None) or self.log or self.step is not None:
                raise ValueError("choices stand alone: take out low, high, log and step")
            if not self.choices:
                raise ValueError("choices: there are none")
        elif self.low is None or self.high is None:
            raise ValueError("this needs low and high, or choices")
        elif not (self.low < self.high and self.high - self.low <= sys.float_info.max):
            raise ValueError(
                f"low: {self.low} must be below high: {self.high}, and both must be finite"
            )
        elif self.log and self.low <= 0:
            raise ValueError(f"log: true needs low above 0, not {self.low}")
        elif self.step is not None and (self.log or not 0 < self.step <= self.high - self.low):
            raise ValueError(
                f"step: {self.step} must be above 0 and fit between low and high, without log"
            )
        return self

    @property
    def whole(self) -> bool:
        """Whether the values are whole numbers."""
        step = 1 if self.step is None else self.step
        return all(isinstance(part, int) for part in (self.low, self.high, step))


class Search(Section):
    """How models are cross-validated, and the search for the best of several."""

    method: Literal["grid", "random", "tpe"] | None
    folds: int
    scoring: str
    seed: Seed
    trials: PositiveInt
    batch: PositiveInt
    prune: bool
    nested: bool
    estimators: list[str]
    ranges: dict[str, dict[str, Range]]

    @model_validator(mode="after")
    def _folds_where_needed(self) -> Self:
        if self.folds < 2 and (self.folds or self.method):
            where = "2 or more" if self.method else "2 or more, or 0 for no cross-validation"
            raise ValueError(f"folds: {self.folds}: it must be {where}")
        return self

    def of(self, estimator: str) -> dict[str, Range]:
        """Return what is searched of an estimator: its parameters, where there is a search."""
        return self.ranges.get(estimator.rpartition(".")[2], {}) if self.method else {}


class Cost(Section):
    """What mistakes about a class cost: another one taken for it, and it taken for another."""

    false_positive: float = Field(ge=0, allow_inf_nan=False)
    false_negative: float = Field(ge=0, allow_inf_nan=False)

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.false_positive + self.false_negative:
            raise ValueError("one of the two mistakes costs more than 0, or no threshold is best")
        return self


COSTS = "it is a section with the two numbers false_positive and false_negative"


class Threshold(Section):
    """From which probability of a class on it is predicted: a value, or the best one for something.

    Attributes:
        label: the class; without one, the last of the two in alphabetical order.
        value: the probability.
        metric: accuracy, balanced_accuracy or macro_f1, for which the best one is chosen.
        cost: what mistakes cost, of which the least is chosen.
    """

    label: str | None = None
    value: float | None = Field(default=None, ge=0, le=1)
    metric: str | None = None
    cost: Cost | None = None

    @model_validator(mode="before")
    @classmethod
    def _number_alone(cls, values: Any) -> Any:
        if isinstance(values, int | float) and not isinstance(values, bool):
            return {"value": values}
        if not isinstance(values, dict | Threshold):
            raise ValueError(
                f"it is null, a number from 0 to 1, or a section with one of value, metric and "
                f"cost, not {values!r}"
            )
        if isinstance(values, dict) and "cost" in values:
            cost = values["cost"]
            if not isinstance(cost, dict | Cost | None) or (
                isinstance(cost, dict) and {*cost} != {*Cost.model_fields}
            ):
                raise ValueError(f"cost: {COSTS}, of a mistake about the class of label")
        # A class may be a number, or true or false, which YAML reads as such
        if isinstance(values, dict) and isinstance(values.get("label"), bool):
            return {**values, "label": str(values["label"]).lower()}
        return values

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if sum(way is not None for way in (self.value, self.metric, self.cost)) != 1:
            raise ValueError("it has one of value, metric and cost")
        return self


class Train(Section):
    """The estimator by its name; every other key is a section of parameters by a class name."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, dict[str, Any]]

    seed: Seed
    estimator: str
    search: Search
    memory: Literal["full", "external"] = "full"
    preprocessing: Literal["auto", "full"] = "auto"
    calibrate: Literal["none", "sigmoid", "isotonic", "temperature"] = "none"
    threshold: Threshold | None = None
    interval: float | None = Field(default=None, gt=0, lt=1)

    @model_validator(mode="before")
    @classmethod
    def _others_are_sections(cls, values: Any) -> Any:
        if isinstance(values, dict):
            own = [*cls.model_fields]
            for key, value in values.items():
                name = str(key)
                # A section has the name of a class
                misspelt = name[:1].islower() or suggestion(name, own)
                if key not in own and not isinstance(value, dict) and misspelt:
                    raise ValueError(f"unknown key '{key}'{suggestion(name, own)}")
        return values

    @property
    def sections(self) -> dict[str, dict[str, Any]]:
        """The parameters of each estimator that has a section."""
        return self.__pydantic_extra__


class Evaluate(Section):
    """How the model is scored: the metric in the headline, its interval, and groups."""

    seed: Seed
    headline: str
    resamples: PositiveInt
    confidence: float = Field(gt=0, lt=1)
    importance_repeats: NonNegativeInt
    group_by: str | None


class Package(Section):
    """What the package says of itself."""

    name: str = Field(pattern=r"^[a-z]([a-z0-9-]*[a-z0-9])?$")
    title: str
    description: str
    limits: list[str]


def read_params(path: Path | str, section: str, model: type[Model]) -> Model:
    """Read one section of params.yaml; what the other sections hold does not matter.

    Args:
        path: the file.
        section: the name of the section: that of the stage.
        model: its type, such as `Prepare` or a class of the project's own that extends it.

    Raises:
        UserError: the file or the section is missing, or naming every parameter of the section
            that is unknown, missing or of a wrong type.
    """
    with recording.paused():
        params = read_model(path, model, section, PAGES.get(section))
    recording.add_params(path, (f"{section}.{key}" for key in _keys(params.model_dump())))
    return params


def _keys(content: dict[str, Any]) -> Iterator[str]:
    """Yield the dotted key of each value."""
    for key, value in content.items():
        if isinstance(value, dict) and value:
            yield from (f"{key}.{inner}" for inner in _keys(value))
        else:
            yield str(key)
