"""models, data/prepared → reports: metrics with an interval, a baseline, plots, a profile."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from modelkeep_core import evaluation, fast_path, model_file, plots, stage, training
from modelkeep_core.disk_rows import DiskRows, few_or_on_disk, parts
from modelkeep_core.files import read_json, write_json
from modelkeep_core.findings import findings
from modelkeep_core.hooks import read_hooks
from modelkeep_core.inputs import model_inputs
from modelkeep_core.intervals import coverage_metric
from modelkeep_core.metrics import Metric
from modelkeep_core.own_metrics import own_metrics
from modelkeep_core.params import Evaluate, read_params
from modelkeep_core.predictions import predict
from modelkeep_core.profiles import profile, write_profile
from modelkeep_core.schema import Schema, read_schema


def evaluate(
    model: Any,
    train: pd.DataFrame | DiskRows,
    test: pd.DataFrame,
    schema: Schema,
    params: Evaluate,
    own: Mapping[str, Metric],
) -> tuple[evaluation.Evaluation, plots.Tables]:
    """Score a fitted pipeline on the rows that it learnt from and on those that it has not seen.

    Metrics are those of the task and `own`, by name.

    Returns:
        The evaluation as plain data, and the rows of each plot.

    Raises:
        UserError: there is no such headline metric or group column.
    """
    scores, tested = evaluation.evaluate(model, train, test, schema, params, own)
    # YOURS: numbers of your own belong into scores["test"], and rows into a plot of dvc.yaml;
    # a metric that is to speak for the model belongs into pipeline/metrics.py.
    return scores, plots.drawn(model, test, tested, schema, params, own)


def main(args: argparse.Namespace) -> None:
    """Run the stage on the paths that dvc.yaml gives."""
    train = few_or_on_disk(args.prepared / "train.parquet")
    test = pd.read_parquet(args.prepared / "test.parquet")
    schema, params = read_schema(args.schema), read_params(args.params, "evaluate", Evaluate)
    hooks = read_hooks(Path())
    model = model_file.load(args.models / "model.skops", hooks.trusted)
    made = read_json(args.models / "training.json")
    own = own_metrics(hooks.metrics) | coverage_metric(made)
    with evaluation.one_thread():
        scores, drawn = evaluate(model, train, test, schema, params, own)
        importance, folds = drawn.get("importance", []), made["cross_validation"]
        noted = findings(model, train, test, schema, scores, importance, own, folds)
        predicted = predict(model, model_inputs(test, schema)).predictions
        learnt = (model_inputs(part, schema) for part in parts(train, [*schema.features]))
        proof = fast_path.proof(model, schema, learnt)
    write_profile(args.out / "profile.json", profile(train, predicted, schema))
    # Experiments are compared by the cross-validated score; the test rows are for the gate.
    compared = training.reported(args.models, args.out)
    write_json(args.out / "metrics.json", scores["test"] | compared)
    write_json(args.out / "evaluation.json", scores)
    write_json(args.out / "fast_path.json", proof)
    write_json(args.out / "findings.json", noted)
    plots.write_plots(drawn, args.out / "plots")


if __name__ == "__main__":
    stage.run(main, "models", "prepared", "schema", "params", "out")
