"""Which rows train the model and which test it: at random, by time or by group."""

from pathlib import Path
from typing import Any

import polars as pl
import polars.selectors as cs

from modelkeep_core.errors import UserError, suggestion
from modelkeep_core.params import Prepare
from modelkeep_core.schema import ORDERED, Schema
from modelkeep_core.visible import counted

ROW_GROUP = 250_000


def split_column(params: Prepare, schema: Schema) -> str:
    """Return the column that the split goes by; a random one goes by none, so by the target.

    Raises:
        UserError: the schema has no such column, or one without an order for a split by time.
    """
    if params.split == "random":
        return schema.target
    if params.split_by not in schema.columns:
        raise UserError(
            f"prepare.split_by: schema.yaml has no column '{params.split_by}'"
            f"{suggestion(str(params.split_by), schema.columns)}."
        )
    kind = schema.columns[str(params.split_by)].type
    if params.split == "time" and kind not in ORDERED:
        raise UserError(
            f"prepare.split_by: column '{params.split_by}' is a {kind}, of which no row is the "
            "latest: name a datetime or a number, or choose split: group."
        )
    return str(params.split_by)


def test_rows(keys: pl.DataFrame, params: Prepare, stratify: bool) -> pl.Series:
    """Choose the test rows.

    Args:
        keys: one row for each row of the data, column "target" and, unless the split is
            random, column "by": the time or the group.
        params: the share of test rows, the kind of split and its seed.
        stratify: whether a random split keeps the share of each target value; the one row of
            a value that has no other trains the model.

    Returns:
        One boolean for each row of `keys`, true where it is a test row.

    Raises:
        UserError: the rows cannot be split so that both sides have some (of each class).
    """
    if params.split == "random":
        return _at_random(keys, params, stratify)
    if keys["by"].null_count():
        raise UserError(
            f"prepare.split_by: column '{params.split_by}' is missing in "
            f"{counted(keys['by'].null_count(), 'row')}: such rows belong to no {params.split}."
        )
    sizes = keys.group_by("by").agg(rows=pl.len()).sort("by")
    if len(sizes) < 2:
        raise UserError(
            f"prepare.split_by: column '{params.split_by}' has only one value; a split by "
            f"{params.split} needs two or more."
        )
    if params.split == "time":
        order = sizes.reverse()
    else:
        order = sizes.sample(fraction=1, shuffle=True, seed=params.seed)
        # No test row at all is nearer to the wanted share than such a group: the others come first
        large = pl.col("rows") > 2 * params.test_size * len(keys)
        order = order.sort(large, maintain_order=True)
    share = order["rows"].cum_sum()[:-1] / len(keys)
    nearest = (share - params.test_size).abs().to_numpy().argmin()
    chosen = order["by"][: int(nearest) + 1]
    return keys["by"].is_in(chosen.implode())


def _at_random(keys: pl.DataFrame, params: Prepare, stratify: bool) -> pl.Series:
    stratum = pl.col("target") if stratify else pl.lit(0)
    if len(keys) < 2:
        raise UserError("fewer than two rows have a target: nothing to train and test on.")
    if stratify and keys["target"].is_unique().all():
        raise UserError(
            "every class of the target has a single row: a model cannot be trained and tested on "
            "them. Add rows, or choose another target."
        )
    place = pl.int_range(pl.len()).shuffle(seed=params.seed).over(stratum)
    rows = pl.len().over(stratum)
    wanted = pl.min_horizontal((rows * params.test_size).round().clip(1), rows - 1)
    return keys.select(test=place < wanted)["test"]


def choose(table: pl.LazyFrame, schema: Schema, params: Prepare) -> pl.Series:
    """Choose the test rows of a table that has the columns of the schema.

    Returns:
        (n,) booleans, true for a test row; null where the target is missing.

    Raises:
        UserError: the rows cannot be split so that both sides have some (of each class).
    """
    target, by = schema.target, split_column(params, schema)
    present = table.collect_schema()
    if lacking := [name for name in (target, by) if name not in present]:
        raise UserError(
            f"the rows that are to be split have no column '{lacking[0]}', which is the target, or "
            "which prepare.split_by names. Let pipeline/prepare.py keep it."
        )
    columns = {"target": cs.by_name(target).as_expr(), "by": cs.by_name(by).as_expr()}
    keys = table.select(**columns).collect(engine="streaming")
    usable = keys["target"].is_not_null()
    test = test_rows(keys.filter(usable), params, stratify=schema.task == "classification")
    whole = pl.repeat(None, len(keys), dtype=pl.Boolean, eager=True)
    return whole.scatter(usable.arg_true(), test)


def write(table: pl.LazyFrame, test: pl.Series, out: Path | str) -> None:
    """Stream the rows into train.parquet and test.parquet in the directory `out`.

    Args:
        table: n rows.
        test: (n,) booleans, true for a test row; a row with null is left out.
        out: made where it is not there.
    """
    out = Path(out)
    mark = "test"
    while mark in table.collect_schema():
        mark += "_"
    marked = pl.concat([table, test.to_frame(mark).lazy()], how="horizontal")
    out.mkdir(parents=True, exist_ok=True)
    sinks = [
        marked.filter(chosen)
        .drop(mark)
        .sink_parquet(out / name, row_group_size=ROW_GROUP, maintain_order=True, lazy=True)
        for name, chosen in (("train.parquet", ~pl.col(mark)), ("test.parquet", pl.col(mark)))
    ]
    pl.collect_all(sinks, engine="streaming")


def counts(test: pl.Series) -> dict[str, int]:
    """Return how many rows were read, have no target, train and test the model."""
    tested = int(test.sum())
    return {
        "read": len(test),
        "without_target": test.null_count(),
        "train": len(test) - test.null_count() - tested,
        "test": tested,
    }


def described(params: Prepare) -> dict[str, Any]:
    """Return how the rows were split, as plain data: folds of the training rows follow it."""
    return params.model_dump(include={*Prepare.model_fields})
