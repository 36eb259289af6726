"""XGBoost learns from rows that stay on disk: the same model as in memory, byte for byte.

Preprocessing is fitted to a few rows that teach the same as all, and scaled by one column at a
time; then batches of features become XGBoost's own files, from which it learns.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OrdinalEncoder, StandardScaler

from modelkeep_core.disk_rows import DiskRows, room
from modelkeep_core.errors import UserError
from modelkeep_core.inputs import model_inputs
from modelkeep_core.native import suited
from modelkeep_core.params import Train
from modelkeep_core.schema import Schema
from modelkeep_core.scoring import learnt
from modelkeep_core.transformers import ColumnFunction, DateParts, EmptyAsZero, extremes

WHERE = "params.yaml: train.memory: external"
XGBOOST = {"booster": (None, "gbtree", "dart"), "tree_method": (None, "auto", "hist")}
# What is learnt from a few rows, one column, or the columns of one feature
STEPS = (OrdinalEncoder, EmptyAsZero, StandardScaler, DateParts, ColumnFunction)
# Of a page, as XGBoost keeps it in a file: many small ones take it several times as long
PAGE_CELLS = 4_000_000
# What XGBoost writes at most: of a cell its place among the bins twice, and of a row where it is
CELL_BYTES, ROW_BYTES = 12, 16


def fit(pipeline: Pipeline, rows: DiskRows, schema: Schema, params: Train) -> Pipeline:
    """Fit a pipeline to rows on disk.

    Held in memory are the target, what XGBoost keeps of each row, one batch of features, and while
    preprocessing is fitted one column, or the columns of one feature of the project's own.

    Args:
        pipeline: the unfitted steps "preprocess" and "model".
        rows: the training rows.
        schema: which columns are features, and the target.
        params: the parameters of the stage.

    Returns:
        The fitted pipeline, which is the one that is fitted in memory.

    Raises:
        UserError: params or the preprocessing want what needs all rows in memory, or the disk has
            no room.
        ValueError: XGBoost does not take a value.
    """
    pipeline = suited(pipeline)
    check(pipeline, params)
    (first, unfitted), (last, estimator) = pipeline.steps
    preprocessing = _preprocessing(unfitted, rows, schema)
    target = learnt(rows.values(schema.target), schema.task)
    width = len(preprocessing.get_feature_names_out())

    def pages() -> Iterator[NDArray[np.float32]]:
        page: list[NDArray[np.float32]] = []
        for inputs in _inputs(rows, schema, [*schema.features]):
            # It is the precision of XGBoost
            page.append(preprocessing.transform(inputs).astype("float32"))
            if sum(part.size for part in page) >= PAGE_CELLS:
                yield np.concatenate(page)
                page = []
        if page:
            yield np.concatenate(page)

    with room(rows.scratch, len(rows) * (width * CELL_BYTES + ROW_BYTES)) as directory:
        model = clone(estimator).fit_batches(pages, (len(rows), width), target, directory)
    return Pipeline([(first, preprocessing), (last, model)])


def check(pipeline: Pipeline, params: Train) -> None:
    """Refuse what cannot be learnt from rows on disk.

    Args:
        pipeline: the unfitted steps, as they suit the estimator.
        params: the parameters of the stage.

    Raises:
        UserError: naming it, and what to set.
    """
    if not params.estimator.startswith("xgboost."):
        raise UserError(
            f"{WHERE}: {params.estimator} learns from rows in memory. Name an estimator of xgboost "
            "in train.estimator, or set train.memory to full."
        )
    refused = {
        "search.method": (params.search.method, None, "a search"),
        "search.folds": (params.search.folds, 0, "cross-validation"),
        "calibrate": (params.calibrate, "none", "calibration"),
        "threshold": (params.threshold, None, "a threshold"),
        "interval": (params.interval, None, "an interval"),
        "preprocessing": (params.preprocessing, "auto", "full preprocessing"),
    }
    for key, (value, needed, what) in refused.items():
        if value != needed:
            wanted = "null" if needed is None else needed
            raise UserError(
                f"{WHERE}: {what} needs the rows in memory. Set train.{key} to {wanted}, or "
                "train.memory to full."
            )
    estimator = pipeline[-1]
    for name, values in XGBOOST.items():
        if (value := getattr(estimator, name)) not in values:
            raise UserError(
                f"{WHERE}: XGBoost with {name}: {value} needs the rows in memory. Take "
                f"train.{type(estimator).__name__}.{name} out, or set train.memory to full."
            )
    _check_steps(pipeline[0])


def _check_steps(preprocessing: Any) -> None:
    groups = preprocessing.transformers if isinstance(preprocessing, ColumnTransformer) else None
    for _, steps, columns in groups or [("", preprocessing, [])]:
        for step in steps if isinstance(steps, Pipeline) else [steps]:
            if not isinstance(step, STEPS):
                of = f" of {', '.join(map(str, columns))}" if len(columns) else ""
                raise UserError(
                    f"{WHERE}: {type(step).__name__} in the preprocessing{of} learns from rows in "
                    "memory. Take it out (where schema.yaml has encoding, that line), or set "
                    "train.memory to full."
                )


def _inputs(rows: DiskRows, schema: Schema, names: Sequence[str]) -> Iterator[pd.DataFrame]:
    """Yield the inputs of a model in batches, with some of the feature columns."""
    part = schema.model_copy(update={"columns": {name: schema.columns[name] for name in names}})
    for batch in rows.batches(names):
        yield model_inputs(batch, part)


def _preprocessing(unfitted: ColumnTransformer, rows: DiskRows, schema: Schema) -> Any:
    """Return preprocessing as it is after it was fitted to all rows at once."""
    few = pd.DataFrame()
    for inputs in _inputs(rows, schema, [*schema.features]):
        few = _telling(pd.concat([few, inputs], ignore_index=True))
    fitted = clone(unfitted).fit(few)
    for place, (name, steps, columns) in enumerate(fitted.transformers_):
        if not isinstance(steps, Pipeline):
            continue
        if isinstance(steps[0], ColumnFunction):
            whole = pd.concat(_inputs(rows, schema, columns), ignore_index=True)
            fitted.transformers_[place] = (name, clone(steps).fit(whole), columns)
        elif isinstance(steps[-1], StandardScaler):
            _scale(steps, few, rows, schema, columns)
    return fitted


def _telling(inputs: pd.DataFrame) -> pd.DataFrame:
    """Return those of (n, features) inputs that teach what a column holds.

    That is each value of a category, the extremes of the parts of a datetime, and whether there are
    numbers at all.
    """
    kept = np.zeros(len(inputs), dtype=bool)
    for name, column in inputs.items():
        if column.dtype.kind == "M":
            kept[extremes(inputs[[name]].to_numpy("datetime64[us]"))] = True
        else:
            kept |= ~(column if column.dtype == object else column.isna()).duplicated()
    return inputs[kept]


def _scale(
    steps: Pipeline, few: pd.DataFrame, rows: DiskRows, schema: Schema, columns: Sequence[str]
) -> None:
    """Let the last of fitted steps know mean and variance of all rows, by one column at a time.

    A sum of many numbers depends on their order: each is of one column, as in memory.
    """
    known: dict[str, StandardScaler] = {}
    for column in columns:
        before = clone(steps[:-1]).fit(few[[column]])
        names = before.get_feature_names_out([column])
        made = np.empty((len(rows), len(names)), order="F")
        start = 0
        for inputs in _inputs(rows, schema, [column]):
            made[start : start + len(inputs)] = before.transform(inputs)
            start += len(inputs)
        known |= {name: clone(steps[-1]).fit(made[:, [place]]) for place, name in enumerate(names)}
    parts = [known[name] for name in steps[:-1].get_feature_names_out(columns)]
    scaler = steps[-1]
    for attribute in ("mean_", "var_", "scale_"):
        setattr(scaler, attribute, np.concatenate([getattr(part, attribute) for part in parts]))
    seen = np.array([part.n_samples_seen_ for part in parts])
    scaler.n_samples_seen_ = seen if np.ptp(seen) else seen[0]
