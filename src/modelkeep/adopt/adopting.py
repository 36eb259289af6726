"""Own data in the place of the sample: read, infer, show, write."""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import polars.selectors as cs

from modelkeep.adopt import placing
from modelkeep.adopt.choosing import first_estimator
from modelkeep.adopt.leaks import leaks
from modelkeep.adopt.merging import inferred_before, is_same_table, merged, with_roles
from modelkeep.adopt.options import Options
from modelkeep.adopt.overview import overview
from modelkeep.adopt.parameters import better_than_guessing, compared, evaluation, kept, limits
from modelkeep.adopt.planning import plan
from modelkeep.adopt.rows import strange_rows
from modelkeep.adopt.settings import TASKS, changed_rules, new_params, new_schema
from modelkeep.intake.reading import scan, take_in
from modelkeep.text import counted
from modelkeep_core import tables
from modelkeep_core.checking import checked_hashes
from modelkeep_core.errors import UserError
from modelkeep_core.files import read_yaml
from modelkeep_core.params import Prepare, read_params
from modelkeep_core.schema import Schema, read_schema
from modelkeep_core.split import split_column, test_rows

SAMPLE = 2000


def adopt(
    source: Path,
    options: Options,
    dry_run: bool = False,
    say: Callable[[str], object] = print,
    encoding: str | None = None,
) -> None:
    """Put the tables at `source` in the place of data/raw; rewrite schema.yaml and params.yaml.

    Args:
        source: a file, an archive or a directory.
        options: what a person says of the columns.
        dry_run: whether to show only what would be done.
        say: takes what a person should know, as text.
        encoding: how the letters of text files are written, if a person says so.

    Raises:
        UserError: it cannot be done, and nothing was changed.
    """
    if dry_run:
        with tempfile.TemporaryDirectory(prefix="adopt-") as work:
            prepared(source, options, Path(work), say, encoding, dry_run)
        say("Nothing was changed.")
        return
    placing.undo()
    placing.check_kept()
    try:
        schema, changes = prepared(source, options, placing.WORK, say, encoding)
        old = [path.read_text(encoding="utf-8") for path in placing.SETTINGS]
        params = new_params(old[1], schema.task, changes)
        placing.place(placing.WORK / "raw", new_schema(old[0], schema), params)
    finally:
        placing.undo()
    say("data/raw, data/raw.dvc, schema.yaml and params.yaml are yours now. Next: dvc repro")


def prepared(
    source: Path,
    options: Options,
    work: Path,
    say: Callable[[str], object],
    encoding: str | None = None,
    dry_run: bool = False,
) -> tuple[Schema, dict[str, Any]]:
    """Write the tables that data/raw is to hold into work/raw.

    Args:
        source: as for `adopt`.
        options: as for `adopt`.
        work: a directory.
        say: as for `adopt`.
        encoding: as for `adopt`.
        dry_run: whether schema.yaml stays as it is.

    Returns:
        Their schema, and what changes in params.yaml, by section.

    Raises:
        UserError: the stages could not use them.
    """
    params = read_params(placing.SETTINGS[1], "prepare", Prepare)
    old = read_schema(placing.SETTINGS[0])
    files, notes = take_in(source, work / "raw", work / "unpacked", encoding)
    header = list(scan(files[0]).collect_schema())
    same, named = is_same_table(old, options.target, header), options
    base = inferred_before(old, placing.RAW) if same else None
    if base:
        options = with_roles(options, params, header)
    made, joined = plan(files, options), {}
    if base:
        before = merged(old, base, made, files, options)
        made, joined = replace(made, schema=before.schema), before.joined
        notes += before.notes
    else:
        notes += changed_rules(old, made.schema, dry_run)
    hashes = pl.concat(checked_hashes(files, made.schema))["hash"]
    repeated = len(hashes) - hashes.n_unique()
    schema = made.schema.model_copy(update={"duplicates": repeated > 0})
    if repeated:
        notes.append(
            f"{counted(repeated, 'row repeats', 'rows repeat')} another, so that a twin of what "
            "tests may train"
        )
    by = options.time or options.group
    split = {"split": "time" if options.time else "group" if by else "random", "split_by": by}
    if options is not named:
        notes.append(f"rows are split by {split['split']}, '{by}', as params.yaml says")
    try:
        check_split(files, schema, params.model_copy(update=split))
    except UserError as error:
        if options is named:
            raise
        remedy = "Set `split: random` in params.yaml."
        raise UserError(str(error).replace(f"Leave --{split['split']} out.", remedy)) from None
    sample = sample_of(files, schema)
    if len(sample) < made.target.rows:
        notes.append(
            f"leaks and estimators were looked for in {len(sample)} of {made.target.rows} rows, "
            "drawn at random"
        )
    warnings = [*strange_rows(files), *made.target.warnings]
    for name, score in leaks(sample, schema).items():
        measure = "balanced accuracy" if schema.task == "classification" else "R2"
        warnings.append(
            f"'{name}' alone predicts '{schema.target}' almost perfectly ({measure} {score:.3f}): "
            f"if it is not known beforehand, leave it out with --drop '{name}'"
        )
    train = {}
    if (old.task, old.target) != (schema.task, schema.target):
        candidates = first_estimator(sample, schema, made.target.rows)
        train = {"estimator": candidates[0].name, **TASKS[schema.task]["sections"]}
        train[candidates[0].name] = candidates[0].parameters
        notes.append(f"the estimator to begin with is {compared(candidates, schema.task)}")
    say(overview(made, notes, warnings))
    changes = {
        "prepare": split,
        "train": train,
        "evaluate": evaluation(sample, made),
        "package": {"limits": limits(source.name, made)},
        "promote": {"thresholds": better_than_guessing(made)},
    }
    if base:
        changes = kept(changes, read_yaml(placing.SETTINGS[1]), made)
    return schema.model_copy(update={"columns": schema.columns | joined}), changes


def check_split(files: list[Path], schema: Schema, params: Prepare) -> None:
    """Make sure that the rows can be split, and no class is only among those that test.

    Raises:
        UserError: they cannot.
    """
    names = [schema.target, split_column(params, schema)]
    parts = [tables.convert(tables.scan(file, schema), names[:1], schema) for file in files]
    others = [tables.convert(tables.scan(file, schema), names[1:], schema) for file in files]
    target, by = (
        pl.concat(some).collect(engine="streaming").to_series() for some in (parts, others)
    )
    keys = pl.DataFrame({"target": target, "by": by}).drop_nulls("target")
    test = test_rows(keys, params, stratify=schema.task == "classification")
    taught = keys.filter(~test)["target"].unique()
    if schema.task == "classification":
        strange = keys.filter(test & ~keys["target"].is_in(taught.implode()))["target"].sort()
        if len(strange):
            raise UserError(
                f"--{params.split}: class '{strange[0]}' of '{schema.target}' would only be among "
                f"the rows that test the model. Leave --{params.split} out."
            )
        if len(taught) < 2:
            raise UserError(
                f"--{params.split}: class '{taught[0]}' of '{schema.target}' would be alone among "
                f"the rows that train the model. Leave --{params.split} out."
            )


def sample_of(files: list[Path], schema: Schema) -> pd.DataFrame:
    """Return at most SAMPLE rows that have a target, drawn at random, the same ones each time."""
    names = list(schema.columns)
    table = pl.concat(tables.convert(tables.scan(file, schema), names, schema) for file in files)
    place = names.index(schema.target)
    has_target = table.select(pl.nth(place).is_not_null()).collect(engine="streaming")
    rows = has_target.to_series().arg_true()
    # Every so many rows would meet the period of a table in which classes take turns.
    drawn = rows.sample(min(len(rows), SAMPLE), seed=0).sort()
    chosen = pl.repeat(False, len(has_target), eager=True).scatter(drawn, True)
    mark = "drawn"
    while mark in names:
        mark += "_"
    marked = pl.concat([table, chosen.to_frame(mark).lazy()], how="horizontal")
    sample = marked.filter(cs.by_name(mark).as_expr()).drop(cs.by_name(mark))
    return sample.collect(engine="streaming").to_pandas()
