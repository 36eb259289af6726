"""data/prepared/train.parquet → models: the fitted pipeline, how it was made, an example."""

import argparse
from pathlib import Path
from typing import Any

import pandas as pd
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from pipeline import model_file
from pipeline.environment import check_installed
from pipeline.estimators import build
from pipeline.example import answered, typical_row
from pipeline.features import described, features_of, preprocessor
from pipeline.files import plain, write_json
from pipeline.params import Train, read_params
from pipeline.refusal import Refusal, told
from pipeline.schema import Schema, read_schema
from pipeline.search import best_of_grid

Found = dict[str, Any] | None


def fit(table: pd.DataFrame, schema: Schema, params: Train) -> tuple[Pipeline, Found]:
    """Fit preprocessing and estimator as one pipeline, searching the grid where that is enabled.

    Linear algebra runs in one thread: the last bits of its results depend on their number.

    Returns:
        The fitted pipeline, with steps "preprocess" and "model", and what the search found.

    Raises:
        Refusal: an estimator, a parameter or a value that scikit-learn does not take.
    """
    estimator = build(params.estimator, params.sections, schema.task, params.seed)
    pipeline = Pipeline([("preprocess", preprocessor(schema)), ("model", estimator)])
    inputs, target = features_of(table, schema), table[schema.target].to_numpy()
    try:
        with threadpool_limits(limits=1, user_api="blas"):
            if params.search.enabled:
                return best_of_grid(pipeline, inputs, target, schema.task, params)
            return pipeline.fit(inputs, target), None
    except (ValueError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise Refusal(f"{params.estimator} cannot be trained: {reason}") from None


def facts(model: Pipeline, found: Found, rows: int) -> dict[str, Any]:
    """Return how the model was made, as plain data."""
    estimator = model["model"]
    return {
        "estimator": type(estimator).__name__,
        "parameters": plain(dict(sorted(estimator.get_params().items()))),
        "preprocessing": described(model["preprocess"]),
        "classes": estimator.classes_.tolist() if hasattr(estimator, "classes_") else None,
        "rows": rows,
        "search": plain(found),
    }


def main() -> None:
    """Run the stage as dvc.yaml calls it."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("prepared", "schema", "params", "requirements", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    args = parser.parse_args()
    check_installed(args.requirements)
    schema, params = read_schema(args.schema), read_params(args.params).train
    table = pd.read_parquet(args.prepared / "train.parquet")
    model, found = fit(table, schema, params)
    model_file.save(model, args.out / "model.skops")
    write_json(args.out / "training.json", facts(model, found, len(table)))
    write_json(args.out / "example.json", answered(model, typical_row(table, schema), schema))


if __name__ == "__main__":
    with told():
        main()
