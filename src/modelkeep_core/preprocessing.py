"""The schema, and functions of columns → the preprocessing that is the first step of a model."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import KFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler, TargetEncoder

from modelkeep_core.errors import UserError, suggestion
from modelkeep_core.schema import NUMERIC, Schema
from modelkeep_core.transformers import ColumnFunction, DateParts

# The groups of categories: as suits the estimator, and as schema.yaml wants it
CATEGORIES, ONE_HOT, BY_TARGET = "categories", "one_hot", "by_target"
GROUPS = ("numbers", "dates", CATEGORIES, ONE_HOT, BY_TARGET)
ENCODINGS = {None: CATEGORIES, "one-hot": ONE_HOT, "target": BY_TARGET}


@dataclass(frozen=True)
class Feature:
    """A numeric feature of the project's own.

    Attributes:
        name: its name, which no column has.
        columns: the feature columns of schema.yaml that it is computed from.
        function: takes an (n, len(columns)) table, returns n numbers, NaN where there is none;
            defined with `def` in a module of the project, so that the package can carry it.
    """

    name: str
    columns: Sequence[str]
    function: Callable[[pd.DataFrame], Any]


def preprocessor(schema: Schema, features: Sequence[Feature] = ()) -> ColumnTransformer:
    """Return the unfitted preprocessing: impute and scale numbers, impute and encode categories.

    A category that was never seen in training is encoded as none of the known ones, or by the mean
    of the whole target. Where the target encodes a category, the rows that the model learns from
    are encoded by other rows, in five folds. Datetimes become numbers first. Features of the
    project's own are imputed and scaled like numbers.

    `training.fit` takes out what the estimator knows by itself: see `native`.

    Raises:
        UserError: a feature of the project's own has the name of a column, or names a column that
            is no feature.
    """
    groups: dict[str, list[str]] = {name: [] for name in GROUPS}
    for name, column in schema.features.items():
        if column.type in NUMERIC:
            groups["numbers"].append(name)
        elif column.type == "datetime":
            groups["dates"].append(name)
        else:
            groups[ENCODINGS[column.encoding]].append(name)
    encoder = TargetEncoder(
        target_type="continuous" if schema.task == "regression" else "auto",
        cv=KFold(5, shuffle=True, random_state=0),
    )
    steps = {
        "numbers": imputed(),
        "dates": imputed(DateParts()),
        CATEGORIES: one_hot(),
        ONE_HOT: one_hot(),
        BY_TARGET: make_pipeline(encoder, StandardScaler()),
    }
    _check_features(features, schema)
    own = [
        (feature.name, imputed(ColumnFunction(feature.function, feature.name)), [*feature.columns])
        for feature in features
    ]
    return ColumnTransformer(
        [*((name, steps[name], columns) for name, columns in groups.items() if columns), *own],
        verbose_feature_names_out=False,
    )


def imputed(*first: Any) -> Pipeline:
    """Return steps that end in numbers without gaps, all of about the same size."""
    imputer = SimpleImputer(strategy="median", keep_empty_features=True)
    return make_pipeline(*map(clone, first), imputer, StandardScaler())


def one_hot() -> Pipeline:
    """Return the steps that make of categories a column of 0 or 1 for each value."""
    return make_pipeline(
        SimpleImputer(strategy="most_frequent", keep_empty_features=True),
        OneHotEncoder(handle_unknown="ignore", sparse_output=False),
    )


def groups_of(fitted: Any) -> list[tuple[list[str], list[Any]]]:
    """Return the groups of columns of fitted preprocessing, each with its steps in order.

    That of a project's own may be any transformer: its columns are one group then.
    """
    names = np.asarray(getattr(fitted, "feature_names_in_", []), dtype=object)
    if not isinstance(fitted, ColumnTransformer):
        return [(list(names), steps_of(fitted))]
    return [
        (_named_columns(columns, names), steps_of(steps))
        for _, steps, columns in fitted.transformers_
        if steps != "drop" and (isinstance(columns, slice) or len(columns))
    ]


def steps_of(transformer: Any) -> list[Any]:
    """Return the steps of a pipeline in order; any other transformer is the only one."""
    if isinstance(transformer, Pipeline):
        return [step for _, step in transformer.steps]
    return [transformer]


def _named_columns(columns: Any, names: NDArray[np.object_]) -> list[str]:
    """Return the names of columns that are given by name, number, mask or slice."""
    if isinstance(columns, str):
        return [columns]
    if not isinstance(columns, slice) and all(isinstance(column, str) for column in columns):
        return list(columns)
    return list(names[columns])


def described(fitted: Any) -> list[dict[str, object]]:
    """Return the preprocessing as plain data: for each group of columns, its steps in order."""
    return [
        {"columns": columns, "steps": [_named(step) for step in steps]}
        for columns, steps in groups_of(fitted)
    ]


def _named(step: Any) -> str:
    """Return a step as text that is the same in every process: a function has no address."""
    if isinstance(step, ColumnFunction):
        function = step.function
        return f"ColumnFunction({function.__module__}.{function.__qualname__}, '{step.name}')"
    return re.sub(r" at 0x[0-9A-Fa-f]+", "", repr(step))


def _check_features(features: Sequence[Feature], schema: Schema) -> None:
    names: set[str] = {*schema.columns}
    for feature in features:
        if not isinstance(feature, Feature):
            raise UserError(
                f"pipeline/features.py: FEATURES: {feature!r} is no feature: write "
                "Feature(name, [columns], function)."
            )
        where = f"pipeline/features.py: feature '{feature.name}'"
        if feature.name in names:
            raise UserError(
                f"{where}: there is a column or another feature of this name. Give it another name."
            )
        if not feature.name or "__" in feature.name or feature.name in GROUPS:
            raise UserError(
                f"{where}: a name is not empty, has no '__', and is none of {', '.join(GROUPS)}. "
                "Give it another name."
            )
        names.add(feature.name)
        if isinstance(feature.columns, str) or not feature.columns:
            raise UserError(
                f"{where}: its columns are a list of at least one name, such as "
                f"['{next(iter(schema.features))}']."
            )
        name = getattr(feature.function, "__qualname__", "<lambda>")
        if not callable(feature.function) or "<l" in name:
            raise UserError(
                f"{where}: its function is defined with def at the top of a module, so that the "
                "package can carry it; a lambda has no name by which it could be found."
            )
        for column in feature.columns:
            if column in {*schema.columns} - {*schema.features, schema.target}:
                raise UserError(
                    f"{where}: the model does not see column '{column}'. Take feature: false out "
                    "of its entry in schema.yaml, or change the feature."
                )
            if column not in schema.features:
                raise UserError(
                    f"{where}: schema.yaml has no feature "
                    f"column '{column}'{suggestion(column, schema.features)}. Change the feature, "
                    "or take it out of FEATURES."
                )
