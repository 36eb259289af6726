"""Rows in the types of the schema → the columns that the output has beside those of the input."""

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import polars.selectors as cs

from modelkeep.unseen import Unseen, learned_values, unseen
from modelkeep_core.cells import one_of
from modelkeep_core.errors import UserError
from modelkeep_core.fast_path import FastPath, same_by_columns
from modelkeep_core.inputs import model_inputs
from modelkeep_core.intervals import interval_of
from modelkeep_core.packaged import Packaged
from modelkeep_core.predictions import predict

# The column that says of which columns a row has a category that no training row had
UNSEEN = "unseen categories"
# On so many rows the faster way is compared with the pipeline
TRIED = 256


class Answerer:
    """A package that answers tables.

    Attributes:
        learned: the values that the model has learned of each category.
    """

    def __init__(self, package: Packaged, explained: bool) -> None:
        """Take a package, and whether each prediction is explained."""
        self.learned = learned_values(package.model, package.schema)
        self._package = package
        self._explained = explained
        self._predict: Callable[[pl.DataFrame], tuple[pl.Series, Any]] | None = None

    def columns(self, cells: pl.DataFrame) -> dict[str, pl.Series]:
        """Return the columns of answers, as far as the model has them.

        They are "prediction", "lower" and "upper", "probability of CLASS", and explanations.

        Args:
            cells: the features of n rows, in the types of the schema.

        Raises:
            UserError: the model cannot be explained, or cannot use a value.
        """
        model = self._package.model
        try:
            predictions, chances = self._predicted(cells)
        except ValueError as error:
            # What a library says of values may name them.
            private = self._package.schema.private
            reason = "" if private else f": {' '.join(str(error).split()).rstrip('.')}"
            raise UserError(f"the model cannot use a value of these rows{reason}.") from None
        added = {"prediction": predictions}
        if interval := interval_of(self._package.metadata):
            ends = interval.bounds(predictions.to_numpy())
            added |= {end: pl.Series(values) for end, values in ends.items()}
        if hasattr(model, "predict_proba"):
            classes = model.classes_
            chances = np.empty((0, len(classes))) if chances is None else chances
            added |= {
                f"probability of {name}": pl.Series(column)
                for name, column in zip(classes, chances.T, strict=True)
            }
        if self._explained:
            from modelkeep_core.explain import explain

            why = explain(model, self._inputs(cells))
            pairs = zip(why.names, why.contributions.T, strict=True)
            added |= {f"contribution of {name}": pl.Series(column) for name, column in pairs}
            added["base"] = pl.Series(why.base)
        return added

    def strange(self, cells: pl.DataFrame) -> list[Unseen]:
        """Return the categories of n rows that no training row had."""
        columns = [
            (name, cells[name].to_list())
            for name, values in self.learned.items()
            if not cells.select(one_of(cs.by_name(name).as_expr(), [*values]).all()).item()
        ]
        return unseen(columns, self.learned, self._package.schema.private)

    def _predicted(self, cells: pl.DataFrame) -> tuple[pl.Series, Any]:
        """Return the predictions of n rows, and their (n, classes) probabilities, or None."""
        if not len(cells):
            return pl.Series(getattr(self._package.model, "classes_", np.empty(0))).head(0), None
        if self._predict is None:
            self._predict = self._fastest(cells.head(TRIED))
        return self._predict(cells)

    def _fastest(self, cells: pl.DataFrame) -> Callable[[pl.DataFrame], tuple[pl.Series, Any]]:
        """Return the way by columns where that is exact, and else the pipeline itself."""
        model, schema = self._package.model, self._package.schema

        def plain(cells: pl.DataFrame) -> tuple[pl.Series, Any]:
            predicted = predict(model, self._inputs(cells))
            return pl.Series(predicted.predictions), predicted.probabilities

        proof = self._package.metadata.get("fast_path")
        if not isinstance(proof, dict) or not proof.get("exact"):
            return plain
        try:
            fast = FastPath(model, schema)
        except ValueError:
            return plain
        if not same_by_columns(fast, model, schema, cells.rows()):
            return plain
        classes = pl.Series(model.classes_) if hasattr(model, "classes_") else None

        def by_columns(cells: pl.DataFrame) -> tuple[pl.Series, Any]:
            predicted = fast.of_columns(cells.get_columns())
            if classes is None:
                return pl.Series(predicted.predictions), None
            return classes.gather(predicted.predictions), predicted.probabilities

        return by_columns

    def _inputs(self, cells: pl.DataFrame) -> Any:
        return model_inputs(cells.to_pandas(), self._package.schema)


def marked(rows: int, strange: list[Unseen]) -> pl.Series:
    """Name, for each of n rows, the columns of which it has an unseen category; null for none."""
    if not strange:
        return pl.Series(UNSEEN, [None], dtype=pl.String).new_from_index(0, rows)
    named: dict[int, list[str]] = {}
    for column in strange:
        for row in column.rows:
            named.setdefault(row, []).append(column.column)
    names = [", ".join(named[row]) if row in named else None for row in range(rows)]
    return pl.Series(UNSEEN, names, dtype=pl.String)
