"""Which rows train the model and which test it: at random, by time or by group."""

import polars as pl

from pipeline.params import Prepare
from pipeline.refusal import Refusal, suggestion
from pipeline.schema import Schema


def split_column(params: Prepare, schema: Schema) -> str:
    """Return the column that the split goes by; a random one goes by none, so by the target.

    Raises:
        Refusal: the schema has no such column.
    """
    if params.split == "random":
        return schema.target
    if params.split_by not in schema.columns:
        raise Refusal(
            f"prepare.split_by: schema.yaml has no column '{params.split_by}'"
            f"{suggestion(str(params.split_by), schema.columns)}."
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
        Refusal: the rows cannot be split so that both sides have some (of each class).
    """
    if params.split == "random":
        return _at_random(keys, params, stratify)
    if keys["by"].null_count():
        raise Refusal(
            f"prepare.split_by: column '{params.split_by}' is missing in "
            f"{keys['by'].null_count()} rows, which then belong to no {params.split}."
        )
    sizes = keys.group_by("by").agg(rows=pl.len()).sort("by")
    if len(sizes) < 2:
        raise Refusal(
            f"prepare.split_by: column '{params.split_by}' has only one value; a split by "
            f"{params.split} needs two or more."
        )
    if params.split == "time":
        order = sizes.reverse()
    else:
        order = sizes.sample(fraction=1, shuffle=True, seed=params.seed)
    share = order["rows"].cum_sum()[:-1] / len(keys)
    chosen = order["by"][: int((share - params.test_size).abs().arg_min()) + 1]
    return keys["by"].is_in(chosen.implode())


def _at_random(keys: pl.DataFrame, params: Prepare, stratify: bool) -> pl.Series:
    stratum = pl.col("target") if stratify else pl.lit(0)
    if len(keys) < 2:
        raise Refusal("fewer than two rows have a target: nothing to train and test on.")
    if stratify and keys["target"].is_unique().all():
        raise Refusal(
            "every class of the target has a single row: a model cannot be trained and tested on "
            "them. Add rows, or choose another target."
        )
    place = pl.int_range(pl.len()).shuffle(seed=params.seed).over(stratum)
    rows = pl.len().over(stratum)
    wanted = pl.min_horizontal((rows * params.test_size).round().clip(1), rows - 1)
    return keys.select(test=place < wanted)["test"]
