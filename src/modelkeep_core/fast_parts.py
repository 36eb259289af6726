"""What fitted preprocessing does to plain rows, and to columns, without a table for each call."""

import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler, TargetEncoder

from modelkeep_core.inputs import inputs_from_rows, model_inputs, moments
from modelkeep_core.preprocessing import steps_of
from modelkeep_core.schema import Schema
from modelkeep_core.transformers import DateParts, EmptyAsZero

Rows = Sequence[Sequence[Any]]
# So many values are looked for one by one, which is faster than to look each cell up among them
FEW = 8
# Datetimes to the minute or second, without a zone
PLAIN = re.compile(r"[1-9]\d{3}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d)?)?", re.ASCII)


class _Scaled:
    """Numbers: the missing ones imputed, or left to the estimator, then scaled."""

    def __init__(self, first: SimpleImputer | EmptyAsZero, scaler: StandardScaler) -> None:
        kept = isinstance(first, EmptyAsZero)
        self._fill = np.where(first.empty_, 0, np.nan) if kept else first.statistics_
        self._empty = np.flatnonzero(first.empty_) if kept else np.empty(0, int)
        self._mean, self._scale = scaler.mean_, scaler.scale_
        self.width = len(scaler.mean_)

    def __call__(self, numbers: NDArray[Any]) -> NDArray[Any]:
        """Fill and scale (n, width) numbers in place, of which those that are missing are NaN."""
        np.copyto(numbers, self._fill, where=np.isnan(numbers))
        numbers[:, self._empty] = 0
        with np.errstate(over="ignore"):
            numbers -= self._mean
            numbers /= self._scale
        return numbers


class _Numbers:
    """Columns of numbers: the missing ones imputed, or left to the estimator, then scaled."""

    def __init__(
        self, places: list[int], first: SimpleImputer | EmptyAsZero, scaler: StandardScaler
    ) -> None:
        self._places, self._scaled = places, _Scaled(first, scaler)
        self.width = len(places)

    def __call__(self, rows: Rows) -> NDArray[Any]:
        cells = np.array([[row[place] for place in self._places] for row in rows], dtype=float)
        return self._scaled(cells)

    def fill(self, columns: Sequence[Any], cells: NDArray[Any]) -> None:
        """Do the same with columns, into (n, width) cells."""
        for at, place in enumerate(self._places):
            cells[:, at] = columns[place].cast(float).to_numpy()
        self._scaled(cells)


class _Dates:
    """Columns of datetimes: numbers of each, then imputed or left to the estimator, and scaled."""

    def __init__(
        self,
        places: list[int],
        parts: DateParts,
        first: SimpleImputer | EmptyAsZero,
        scaler: StandardScaler,
    ) -> None:
        self._places, self._parts, self._scaled = places, parts, _Scaled(first, scaler)
        self.width = self._scaled.width

    def __call__(self, rows: Rows) -> NDArray[Any]:
        columns = ([row[place] for row in rows] for place in self._places)
        return self._numbers([_moments(column) for column in columns])

    def fill(self, columns: Sequence[Any], cells: NDArray[Any]) -> None:
        """Do the same with columns, into (n, width) cells."""
        cells[:] = self._numbers([columns[place].to_numpy() for place in self._places])

    def _numbers(self, times: list[NDArray[Any]]) -> NDArray[Any]:
        return self._scaled(self._parts.of_times(np.column_stack(times)))


def _moments(cells: list[Any]) -> NDArray[np.datetime64]:
    """Return what `moments` does; NumPy reads plain texts in a hundredth of the time."""
    if all(cell is None or (isinstance(cell, str) and PLAIN.fullmatch(cell)) for cell in cells):
        with suppress(ValueError):
            return np.array(cells, dtype="datetime64[us]")
    return moments(np.array(cells, dtype=object))


class _Categories:
    """Columns of categories: the missing ones imputed, then a column of 0 or 1 for each value."""

    def __init__(self, places: list[int], imputer: SimpleImputer, encoder: OneHotEncoder) -> None:
        self._columns, self.width = [], 0
        for place, fill, values in zip(
            places, imputer.statistics_, encoder.categories_, strict=True
        ):
            places_of = {value: self.width + n for n, value in enumerate(values)}
            self._columns.append((place, fill, places_of))
            self.width += len(values)

    def __call__(self, rows: Rows) -> NDArray[Any]:
        cells = np.zeros((len(rows), self.width))
        for number, row in enumerate(rows):
            for place, fill, places_of in self._columns:
                at = places_of.get(fill if row[place] is None else row[place])
                if at is not None:
                    cells[number, at] = 1
        return cells

    def fill(self, columns: Sequence[Any], cells: NDArray[Any]) -> None:
        """Do the same with columns, into (n, width) cells."""
        cells[:] = 0
        for place, fill, places_of in self._columns:
            texts = {value: at for value, at in places_of.items() if isinstance(value, str)}
            column = columns[place].fill_null(fill) if isinstance(fill, str) else columns[place]
            if len(texts) <= FEW:
                for value, at in texts.items():
                    cells[:, at] = column.eq_missing(value).to_numpy()
            else:
                places_in = column.replace_strict([*texts], [*texts.values()], default=-1)
                known = np.flatnonzero(places_in >= 0)
                cells[known, places_in.to_numpy()[known]] = 1


class _Codes:
    """Columns of categories: the code of each value, NaN where it is missing or never was seen."""

    def __init__(self, places: list[int], encoder: OrdinalEncoder, empty: EmptyAsZero) -> None:
        self._columns, self.width = [], len(places)
        usual = [values[0] for values in encoder.categories_]
        for at, (place, values) in enumerate(zip(places, encoder.categories_, strict=True)):
            texts = [value for value in values if isinstance(value, str)]
            rows = [[*usual[:at], text, *usual[at + 1 :]] for text in texts]
            table = pd.DataFrame(rows, columns=encoder.feature_names_in_, dtype=object)
            codes = encoder.transform(table)[:, at].tolist() if texts else []
            otherwise = 0.0 if empty.empty_[at] else np.nan
            self._columns.append((place, dict(zip(texts, codes, strict=True)), otherwise))

    def __call__(self, rows: Rows) -> NDArray[Any]:
        columns = self._columns
        return np.array(
            [[codes.get(row[place], other) for place, codes, other in columns] for row in rows]
        )

    def fill(self, columns: Sequence[Any], cells: NDArray[Any]) -> None:
        """Do the same with columns, into (n, width) cells."""
        for at, (place, codes, other) in enumerate(self._columns):
            column = columns[place].replace_strict(
                [*codes], [*codes.values()], default=other, return_dtype=float
            )
            cells[:, at] = column.to_numpy()


class _Means:
    """Columns of categories: the mean target of each value, scaled; of all where it is unknown."""

    def __init__(self, places: list[int], encoder: TargetEncoder, scaler: StandardScaler) -> None:
        outputs = len(encoder.encodings_) // len(places)
        overall = np.broadcast_to(encoder.target_mean_, outputs)
        self._columns, self.width = [], len(encoder.encodings_)
        for at, (place, values) in enumerate(zip(places, encoder.categories_, strict=True)):
            own = slice(at * outputs, (at + 1) * outputs)
            means = np.vstack([np.column_stack(encoder.encodings_[own]), overall])
            scaled = (means - scaler.mean_[own]) / scaler.scale_[own]
            # The last row is that of values that are unknown
            places_of = {value: n for n, value in enumerate(values) if isinstance(value, str)}
            empty = next((n for n, value in enumerate(values) if value != value), len(values))
            self._columns.append((place, own, places_of, empty, scaled))

    def __call__(self, rows: Rows) -> NDArray[Any]:
        cells = np.empty((len(rows), self.width))
        for place, own, places_of, empty, scaled in self._columns:
            at = [
                empty if row[place] is None else places_of.get(row[place], len(scaled) - 1)
                for row in rows
            ]
            cells[:, own] = scaled[at]
        return cells

    def fill(self, columns: Sequence[Any], cells: NDArray[Any]) -> None:
        """Do the same with columns, into (n, width) cells."""
        for place, own, places_of, empty, scaled in self._columns:
            column = columns[place]
            rows_of = column.replace_strict(
                [*places_of], [*places_of.values()], default=len(scaled) - 1, return_dtype=int
            )
            at = np.where(column.is_null().to_numpy(), empty, rows_of.to_numpy())
            cells[:, own] = scaled[at]


class _Table:
    """Columns that other steps change, such as the project's own: in the table that they want."""

    def __init__(self, places: list[int], steps: list[Any], schema: Schema, width: int) -> None:
        features = [*schema.features.items()]
        columns = dict(features[place] for place in places)
        self._places, self._schema = places, schema.model_copy(update={"columns": columns})
        self._steps, self._scaled, self.width = steps, None, width
        if PARTS.get(_kinds(steps[-2:])) is _Numbers:
            self._steps, self._scaled = steps[:-2], _Scaled(*steps[-2:])

    def __call__(self, rows: Rows) -> NDArray[Any]:
        given = [[row[place] for place in self._places] for row in rows]
        return self._changed(inputs_from_rows(given, self._schema))

    def fill(self, columns: Sequence[Any], cells: NDArray[Any]) -> None:
        """Do the same with columns, into (n, width) cells."""
        names = zip(self._places, self._schema.features, strict=True)
        table = pd.DataFrame({name: columns[place].to_pandas() for place, name in names})
        cells[:] = self._changed(model_inputs(table, self._schema))

    def _changed(self, table: pd.DataFrame) -> NDArray[Any]:
        changed = table
        for step in self._steps:
            changed = step.transform(changed)
        cells = np.array(changed, dtype=float)
        return cells if self._scaled is None else self._scaled(cells)


Part = _Numbers | _Dates | _Categories | _Codes | _Means | _Table
PARTS: dict[tuple[type, ...], type[Any]] = {
    (SimpleImputer, StandardScaler): _Numbers,
    (SimpleImputer, OneHotEncoder): _Categories,
    (EmptyAsZero, StandardScaler): _Numbers,
    (DateParts, SimpleImputer, StandardScaler): _Dates,
    (DateParts, EmptyAsZero, StandardScaler): _Dates,
    (OrdinalEncoder, EmptyAsZero): _Codes,
    (TargetEncoder, StandardScaler): _Means,
}


def part_of(steps: Any, columns: Any, schema: Schema, width: int) -> Part:
    """Return what the steps of some columns do to plain rows.

    Args:
        steps: they, fitted: a pipeline, or one alone.
        columns: the names of the columns.
        schema: the contract of all features.
        width: how many numbers they make of a row.

    Raises:
        ValueError: the columns are not a list of features.
    """
    names = [*schema.features]
    if isinstance(columns, str | slice) or not {*columns} <= {*names}:
        raise ValueError(f"it knows no columns but lists of features, and {columns!r} is none")
    places = [names.index(name) for name in columns]
    fitted = steps_of(steps)
    kind = PARTS.get(_kinds(fitted))
    return _Table(places, fitted, schema, width) if kind is None else kind(places, *fitted)


def _kinds(steps: list[Any]) -> tuple[type, ...]:
    """Return the classes of steps; none where one takes something else than NaN for missing."""
    imputers = (step for step in steps if isinstance(step, SimpleImputer))
    usual = all(pd.isna(imputer.missing_values) for imputer in imputers)
    return tuple(map(type, steps)) if usual else ()
