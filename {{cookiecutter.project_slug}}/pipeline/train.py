"""data/prepared/train.parquet → models: the fitted pipeline, how it was made, what was tried."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from modelkeep_core import model_file, stage, training
from modelkeep_core.disk_rows import DiskRows, training_rows
from modelkeep_core.estimators import build
from modelkeep_core.example import example
from modelkeep_core.files import write_json
from modelkeep_core.hooks import read_hooks
from modelkeep_core.inputs import model_inputs
from modelkeep_core.own_metrics import check_headline
from modelkeep_core.params import Train, read_params
from modelkeep_core.schema import Schema, read_schema
from modelkeep_core.scoring import Prepared, read_prepared
from sklearn.pipeline import Pipeline

from pipeline.features import preprocessing


def train(
    table: pd.DataFrame | DiskRows,
    schema: Schema,
    params: Train,
    prepared: Prepared | None = None,
    metrics: Sequence[str] = (),
) -> training.Fitted:
    """Fit preprocessing and estimator as one pipeline, the best one where params say so.

    `prepared` says where other processes read the rows, and how they were split: the folds of the
    cross-validation follow it. `metrics` are modules with metrics of your own.

    Rows that stay on disk (`memory: external`) train XGBoost alone.

    Raises:
        UserError: an estimator, a parameter or a value that scikit-learn does not take.
    """
    estimator = build(params.estimator, params.sections, schema.task, params.seed)
    steps = [(training.PREPROCESS, preprocessing(schema)), (training.MODEL, estimator)]
    if isinstance(table, DiskRows):
        return training.fit_external(Pipeline(steps), table, schema, params)
    inputs, target = model_inputs(table, schema), table[schema.target].to_numpy()
    return training.fit(Pipeline(steps), inputs, target, schema.task, params, prepared, metrics)


def main(args: argparse.Namespace) -> None:
    """Run the stage on the paths that dvc.yaml gives."""
    schema, params = read_schema(args.schema), read_params(args.params, "train", Train)
    hooks = read_hooks(Path())
    check_headline(args.params, schema.task, Path(), hooks.metrics)
    prepared = read_prepared(args.prepared, schema)
    table = training_rows(prepared.path, params.memory, args.out)
    fitted = train(table, schema, params, prepared, hooks.metrics)
    model_file.save(fitted.model, args.out / "model.skops", hooks.trusted)
    write_json(args.out / "training.json", training.summary(fitted, len(table)))
    training.write_trials(fitted, args.out)
    write_json(args.out / "example.json", example(fitted.model, table, schema))


if __name__ == "__main__":
    stage.run(main, "prepared", "schema", "params", "out")
