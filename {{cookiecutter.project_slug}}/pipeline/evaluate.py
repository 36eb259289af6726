"""models, data/prepared → reports: metrics with an interval, a baseline, plots, a profile."""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.dummy import DummyClassifier, DummyRegressor
from threadpoolctl import threadpool_limits

from pipeline import fast_path, metrics, model_file, plots
from pipeline.features import features_of
from pipeline.files import write_json
from pipeline.params import Evaluate, read_params
from pipeline.profile import profile, write_profile
from pipeline.refusal import Refusal, suggestion, told
from pipeline.schema import Schema, read_schema

BASELINES = {
    "classification": DummyClassifier(strategy="prior"),
    "regression": DummyRegressor(strategy="mean"),
}


def evaluate(
    model: Any, train: pd.DataFrame, test: pd.DataFrame, schema: Schema, params: Evaluate
) -> tuple[dict[str, Any], dict[str, list[list[Any]]]]:
    """Score a fitted pipeline on the rows that it learnt from and on those that it has not seen.

    Returns:
        The evaluation as plain data, and the rows of each plot.

    Raises:
        Refusal: there is no such headline metric or group column.
    """
    inputs = {name: features_of(rows, schema) for name, rows in (("train", train), ("test", test))}
    target = {"train": train[schema.target].to_numpy(), "test": test[schema.target].to_numpy()}
    baseline = BASELINES[schema.task].fit(inputs["train"], target["train"])
    outcome = {
        "train": metrics.outcome_of(model, inputs["train"], target["train"]),
        "test": metrics.outcome_of(model, inputs["test"], target["test"]),
        "baseline": metrics.outcome_of(baseline, inputs["test"], target["test"]),
    }
    tested = outcome["test"]
    metric = metrics.headline_metric(params.headline, schema.task, tested)
    low, high = metrics.interval(metric, tested, params.resamples, params.confidence, params.seed)
    classes = schema.task == "classification"
    evaluation = {
        "headline": {
            "metric": params.headline,
            "higher_is_better": metric.higher_is_better,
            "value": float(metric.score(tested)),
            "low": low,
            "high": high,
            "confidence": params.confidence,
        },
        **{name: metrics.scores(schema.task, found) for name, found in outcome.items()},
        "recall_by_class": metrics.recalls(tested) if classes else None,
        "by_group": None,
    }
    if params.group_by is not None:
        groups = group_column(test, params.group_by)
        evaluation["by_group"] = {
            "column": params.group_by,
            "groups": metrics.by_group(metric, tested, groups),
        }
    drawn = plots.curves(tested) if classes else plots.scatters(tested, params.seed)
    if classes:
        drawn["confusion"] = plots.confusion(tested)
    if repeats := params.importance_repeats:
        drawn["importance"] = plots.importance(
            model, inputs["test"], target["test"], metric, repeats, params.seed
        )
    return evaluation, drawn


def group_column(table: pd.DataFrame, name: str) -> np.ndarray:
    """Return the column as text, "(missing)" where a row has none.

    Raises:
        Refusal: there is no such column.
    """
    if name not in table:
        raise Refusal(
            f"params.yaml: evaluate.group_by: there is no column '{name}'"
            f"{suggestion(name, table.columns)}."
        )
    column = table[name].convert_dtypes().astype(object)
    return column.where(column.notna(), "(missing)").astype(str).to_numpy()


def main() -> None:
    """Run the stage as dvc.yaml calls it."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("models", "prepared", "schema", "params", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    args = parser.parse_args()
    train, test = (pd.read_parquet(args.prepared / f"{name}.parquet") for name in ("train", "test"))
    model, schema = model_file.load(args.models / "model.skops"), read_schema(args.schema)
    params = read_params(args.params).evaluate
    with threadpool_limits(limits=1, user_api="blas"):
        evaluation, drawn = evaluate(model, train, test, schema, params)
        predicted = model.predict(features_of(test, schema))
        proven = fast_path.proof(model, schema, features_of(train, schema))
    write_profile(args.out / "profile.json", profile(train, predicted, schema))
    write_json(args.out / "metrics.json", evaluation["test"])
    write_json(args.out / "evaluation.json", evaluation)
    write_json(args.out / "fast_path.json", proven)
    plots.write_plots(drawn, args.out / "plots")


if __name__ == "__main__":
    with told():
        main()
