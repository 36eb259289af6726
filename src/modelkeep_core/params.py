"""params.yaml, read with types: one section per stage, each read by the stage that it is for."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, NonNegativeInt, PositiveInt, model_validator

from modelkeep_core import recording
from modelkeep_core.errors import suggestion
from modelkeep_core.files import Model, Section, read_model

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


class Search(Section):
    """A cross-validated search over a grid of the estimator's parameters."""

    enabled: bool
    folds: int = Field(ge=2)
    scoring: str
    grid: dict[str, dict[str, list[Any]]]


class Train(Section):
    """The estimator by its scikit-learn name; every other key is a section of that name."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, dict[str, Any]]

    seed: Seed
    estimator: str
    search: Search

    @model_validator(mode="before")
    @classmethod
    def _others_are_sections(cls, values: Any) -> Any:
        if isinstance(values, dict):
            own = [*cls.model_fields]
            for key, value in values.items():
                if key not in own and not isinstance(value, dict) and suggestion(str(key), own):
                    raise ValueError(f"unknown key '{key}'{suggestion(str(key), own)}")
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


def read_params(path: Path, section: str, model: type[Model]) -> Model:
    """Read one section of params.yaml; what the other sections hold does not matter.

    Args:
        path: the file.
        section: the name of the section: that of the stage.
        model: its type, such as `Prepare` or a class of the project's own that extends it.

    Raises:
        UserError: the file or the section is missing, or naming every parameter of the section
            that is unknown, missing or of a wrong type.
    """
    params = read_model(path, model, section)
    recording.add_params(path, (f"{section}.{key}" for key in _keys(params.model_dump())))
    return params


def _keys(content: dict[str, Any]) -> Iterator[str]:
    """Yield the dotted key of each value."""
    for key, value in content.items():
        if isinstance(value, dict) and value:
            yield from (f"{key}.{inner}" for inner in _keys(value))
        else:
            yield str(key)
