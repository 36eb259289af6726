"""What boosters gain by categories as codes: `python benchmarks/boosting.py PROJECT`.

PROJECT is an adopted project with two classes whose stage `prepare` has run. Each estimator is
trained three times on its training rows: with a column for each category, with what `adopt` wrote
into schema.yaml (the mean target where there are many), and with codes alone.
"""

import argparse
import tempfile
import time
from pathlib import Path

import pandas as pd
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from modelkeep_core import model_file
from modelkeep_core.estimators import build
from modelkeep_core.inputs import model_inputs
from modelkeep_core.native import settled, suited
from modelkeep_core.predictions import predict
from modelkeep_core.preprocessing import preprocessor
from modelkeep_core.schema import Schema, read_schema

ESTIMATORS = {
    "HistGradientBoostingClassifier": {},
    "lightgbm.LGBMClassifier": {"n_jobs": 1},
    "xgboost.XGBClassifier": {"n_jobs": 1},
}


def encoded(schema: Schema, ways: str) -> Schema:
    """Return the schema with the encoding of each category as one of the three ways wants it."""
    other = schema.model_copy(deep=True)
    for column in other.columns.values():
        if column.type == "category" and ways != "as adopted":
            column.encoding = "one-hot" if ways == "one-hot" else None
    return other


def measured(project: Path, name: str, ways: str, out: Path) -> list[str]:
    """Train and score one estimator in one way.

    Returns:
        AUC, log loss, CPU seconds of the fit, and kB of the file.
    """
    schema = encoded(read_schema(project / "schema.yaml"), ways)
    train, test = (
        pd.read_parquet(project / "data" / "prepared" / f"{part}.parquet")
        for part in ("train", "test")
    )
    section = {name.rpartition(".")[2]: ESTIMATORS[name]}
    model = build(name, section, schema.task, seed=0)
    pipeline = suited(Pipeline([("preprocess", preprocessor(schema)), ("model", model)]))
    start = time.process_time()
    pipeline.fit(model_inputs(train, schema), train[schema.target].to_numpy())
    seconds = time.process_time() - start
    model_file.save(settled(pipeline), out)
    chances = predict(pipeline, model_inputs(test, schema)).probabilities
    assert chances is not None
    truth = test[schema.target].to_numpy()
    auc = roc_auc_score(truth == pipeline.classes_[1], chances[:, 1])
    loss = log_loss(truth, chances, labels=pipeline.classes_)
    return [f"{auc:.4f}", f"{loss:.4f}", f"{seconds:.1f}", f"{out.stat().st_size / 1000:,.0f}"]


def main() -> None:
    """Print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("project", type=Path)
    project = parser.parse_args().project
    print("| estimator | categories | AUC | log loss | fit, CPU s | model.skops, kB |")
    print("| --- | --- | --- | --- | --- | --- |", flush=True)
    with tempfile.TemporaryDirectory() as directory, threadpool_limits(1):
        for name in ESTIMATORS:
            for ways in ("codes", "as adopted", "one-hot"):
                row = measured(project, name, ways, Path(directory) / "model.skops")
                print(f"| {' | '.join([name, ways, *row])} |", flush=True)


if __name__ == "__main__":
    main()
