"""Own data in the place of the sample: read, infer, show, write."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl

from adoption import placing
from adoption.choosing import first_estimator
from adoption.knobs import better_than_guessing, compared, evaluation, limits
from adoption.leaks import leaks
from adoption.overview import overview
from adoption.planning import Wishes, plan
from adoption.settings import TASKS, new_params, new_schema
from pipeline import tables
from pipeline.params import Prepare, read_params
from pipeline.prepare import checked_hashes
from pipeline.reading import take_in
from pipeline.refusal import Refusal
from pipeline.schema import Schema, read_schema
from pipeline.split import split_column, test_rows

SAMPLE = 2000


def adopt(
    source: Path, wishes: Wishes, dry_run: bool = False, say: Callable[[str], object] = print
) -> None:
    """Put the tables at `source` in the place of data/raw; rewrite schema.yaml and params.yaml.

    Args:
        source: a file, an archive or a directory.
        wishes: what a person says of the columns.
        dry_run: whether to show only what would be done.
        say: takes what a person should know, as text.

    Raises:
        Refusal: it cannot be done, and nothing was changed.
    """
    if dry_run:
        with tempfile.TemporaryDirectory(prefix="adopt-") as work:
            prepared(source, wishes, Path(work), say)
        say("Nothing was changed.")
        return
    placing.undo()
    placing.check_kept()
    try:
        schema, changes = prepared(source, wishes, placing.WORK, say)
        old = [path.read_text(encoding="utf-8") for path in placing.SETTINGS]
        params = new_params(old[1], schema.task, changes)
        placing.place(placing.WORK / "raw", new_schema(old[0], schema), params)
    finally:
        placing.undo()
    say("data/raw, data/raw.dvc, schema.yaml and params.yaml are yours now. Next: dvc repro")


def prepared(
    source: Path, wishes: Wishes, work: Path, say: Callable[[str], object]
) -> tuple[Schema, dict[str, Any]]:
    """Write the tables that data/raw is to hold into work/raw.

    Returns:
        Their schema, and what of params.yaml is to be another, by section.

    Raises:
        Refusal: the line could not use them.
    """
    knobs = read_params(placing.SETTINGS[1]).prepare
    files, notes = take_in(source, work / "raw", work / "unpacked")
    made = plan(files, wishes)
    hashes = pl.concat(checked_hashes(files, made.schema))["hash"]
    repeated = len(hashes) - hashes.n_unique()
    schema = made.schema.model_copy(update={"duplicates": repeated > 0})
    if repeated:
        notes.append(f"rows that repeat another one, so that they may test and train: {repeated}")
    by = wishes.time or wishes.group
    split = {"split": "time" if wishes.time else "group" if by else "random", "split_by": by}
    check_split(files, schema, knobs.model_copy(update=split))
    sample = sample_of(files, schema)
    warnings = [*made.target.warnings]
    for name, score in leaks(sample, schema).items():
        measure = "balanced accuracy" if schema.task == "classification" else "R2"
        warnings.append(
            f"'{name}' alone predicts '{schema.target}' almost perfectly ({measure} {score:.3f}): "
            f"if it is not known beforehand, leave it out with --drop '{name}'"
        )
    old, train = read_schema(placing.SETTINGS[0]), {}
    if (old.task, old.target) != (schema.task, schema.target):
        tried = first_estimator(sample, schema, made.target.rows)
        train = {"estimator": tried[0].name, **TASKS[schema.task]["sections"]}
        train[tried[0].name] = tried[0].parameters
        notes.append(f"to begin with, {compared(tried, schema.task)}")
    say(overview(made, notes, warnings))
    return schema, {
        "prepare": split,
        "train": train,
        "evaluate": evaluation(sample, made),
        "package": {"limits": limits(source.name, made)},
        "promote": {"thresholds": better_than_guessing(made)},
    }


def check_split(files: list[Path], schema: Schema, knobs: Prepare) -> None:
    """Make sure that the rows can be split, and no class is only among those that test.

    Raises:
        Refusal: they cannot.
    """
    names = [schema.target, split_column(knobs, schema)]
    parts = [tables.convert(tables.scan(file, schema), names[:1], schema) for file in files]
    others = [tables.convert(tables.scan(file, schema), names[1:], schema) for file in files]
    target, by = (
        pl.concat(some).collect(engine="streaming").to_series() for some in (parts, others)
    )
    keys = pl.DataFrame({"target": target, "by": by}).drop_nulls("target")
    test = test_rows(keys, knobs, stratify=schema.task == "classification")
    taught = keys.filter(~test)["target"].unique()
    if schema.task == "classification":
        strange = keys.filter(test & ~keys["target"].is_in(taught.implode()))["target"].sort()
        if len(strange):
            raise Refusal(
                f"--{knobs.split}: class '{strange[0]}' of '{schema.target}' would only be among "
                f"the rows that test the model. Leave --{knobs.split} out."
            )
        if len(taught) < 2:
            raise Refusal(
                f"--{knobs.split}: class '{taught[0]}' of '{schema.target}' would be alone among "
                f"the rows that train the model. Leave --{knobs.split} out."
            )


def sample_of(files: list[Path], schema: Schema) -> pd.DataFrame:
    """Return at most SAMPLE rows that have a target, evenly from all files."""
    names = list(schema.columns)
    table = pl.concat(tables.convert(tables.scan(file, schema), names, schema) for file in files)
    has_target = pl.nth(names.index(schema.target)).is_not_null()
    rows = table.select(has_target.sum()).collect(engine="streaming").item()
    every = max(rows // SAMPLE, 1)
    return table.filter(has_target).gather_every(every).collect(engine="streaming").to_pandas()
