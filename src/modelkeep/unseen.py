"""Categories that no training row had: the model has learned nothing of them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from modelkeep_core.schema import Schema

Learned = Mapping[str, frozenset[str]]


class Unseen(NamedTuple):
    """The values of one column that no training row had.

    Attributes:
        column: its name.
        rows: which rows have such a value, from 0.
        present: how many rows have a value at all.
        example: one of the values, or "" where they are private.
    """

    column: str
    rows: Sequence[int]
    present: int
    example: str

    @property
    def all(self) -> bool:
        """Whether no row has a value that a training row had."""
        return len(self.rows) == self.present

    def __str__(self) -> str:
        """Say it in one sentence, without a full stop."""
        example = f", such as '{self.example}'" if self.example else ""
        if self.all:
            return (
                f"'{self.column}': no training row had any of its values{example}, so that they "
                "say nothing to the model"
            )
        return (
            f"'{self.column}': {len(self.rows)} of {self.present} values were in no training row"
            f"{example}"
        )


def learned_values(model: Any, schema: Schema) -> Learned:
    """Return the values that a model has learned, for each category of which it can be told.

    Args:
        model: a fitted pipeline; where its first step is the project's, that knows the categories.
        schema: the contract of its inputs.
    """
    learned: dict[str, frozenset[str]] = {}
    for _, steps, columns in getattr(model[0], "transformers_", ()):
        for step in [part for _, part in getattr(steps, "steps", [("", steps)])]:
            categories = getattr(step, "categories_", None)
            if categories is None or len(categories) != len(columns):
                continue
            for name, values in zip(columns, categories, strict=True):
                if name in schema.features and schema.features[name].type == "category":
                    learned[name] = frozenset(value for value in values if isinstance(value, str))
    return learned


def unseen(
    columns: Iterable[tuple[str, list[Any]]],
    learned: Learned,
    private: frozenset[str] = frozenset(),
) -> list[Unseen]:
    """Return what no training row had.

    Args:
        columns: the name of a category, and its value in each row, which is no text where it is
            missing.
        learned: the values that the model has learned; other columns are left alone.
        private: the columns of whose values none is told.
    """
    result = []
    for name, values in columns:
        if name not in learned:
            continue
        strange = {value for value in values if isinstance(value, str)} - learned[name]
        if strange:
            rows = [row for row, value in enumerate(values) if value in strange]
            present = sum(isinstance(value, str) for value in values)
            example = "" if name in private else values[rows[0]]
            result.append(Unseen(name, rows, present, example))
    return result
