"""Estimators that are built around others are served as they were evaluated."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from modelkeep import batch
from modelkeep_core.files import read_json
from server import Server

CLASSES = {"estimators": ["LogisticRegression", "HistGradientBoostingClassifier"]}
NUMBERS = {"estimators": ["Ridge", "HistGradientBoostingRegressor"]}
SECTIONS = {
    "classification": {
        "LogisticRegression": {"C": 0.5, "max_iter": 500},
        "HistGradientBoostingClassifier": {"max_iter": 3},
    },
    "regression": {"HistGradientBoostingRegressor": {"max_iter": 3}},
}
# An estimator, its section, and other params of train
ENSEMBLES = {
    "stacking": ("StackingClassifier", CLASSES | {"final_estimator": "LogisticRegression"}, {}),
    "calibrated stacking": ("StackingClassifier", CLASSES, {"calibrate": "sigmoid"}),
    "voting": ("VotingClassifier", CLASSES | {"voting": "soft"}, {}),
    "stacking of numbers": ("StackingRegressor", NUMBERS, {"interval": 0.8}),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", ENSEMBLES)
def test_an_ensemble_says_the_same_everywhere(
    run_pipeline: Any, params: Any, regression: Any, tmp_path: Path, case: str
) -> None:
    """Served alone, served with others and scored in bulk, a row has what evaluation gave it."""
    estimator, section, more = ENSEMBLES[case]
    number, given = estimator == "StackingRegressor", {}
    if number:
        given = {"schema": regression}
        params.train.search.scoring, params.evaluate.headline = "rmse", "rmse"
    train = params.train.model_dump() | {"estimator": estimator} | more
    train |= SECTIONS["regression" if number else "classification"] | {estimator: section}
    params.train = type(params.train).model_validate(train)
    run = run_pipeline(params=params, **given)
    rows = pd.read_parquet(run.directory / "prepared" / "test.parquet")
    rows.to_parquet(tmp_path / "rows.parquet")
    batch.predict_file(run.package, tmp_path / "rows.parquet", tmp_path / "scored.parquet")
    scored = pd.read_parquet(tmp_path / "scored.parquet")
    metadata, metrics = read_json(run.metadata), read_json(run.directory / "reports/metrics.json")
    target = metadata["target"]
    if number:
        error = scored["prediction"] - rows[target]
        assert np.isclose(np.sqrt(np.mean(error**2)), metrics["rmse"], rtol=1e-12)
        columns = ["prediction", "lower", "upper"]
    else:
        right = scored["prediction"] == rows[target].astype(str)
        assert np.isclose(np.mean(right), metrics["accuracy"], rtol=1e-12)
        columns = [f"probability of {name}" for name in metadata["training"]["classes"]]
    with Server(run.package, tmp_path) as server:
        names = ["size", "count", "member", "colour"]
        records = json.loads(rows[names].to_json(orient="records", double_precision=15))
        together = server.post("/predict", {"records": records}).json
        alone = [server.post("/predict", {"records": [record]}).json for record in records[:5]]
    assert together["predictions"] == scored["prediction"].tolist()
    assert [one["predictions"][0] for one in alone] == together["predictions"][:5]
    expected = scored[columns].to_numpy()
    assert np.array_equal(values(together), expected)
    assert all(np.array_equal(values(one), expected[[n]]) for n, one in enumerate(alone))


def values(response: dict[str, Any]) -> Any:
    """Return the numbers of a response, a row for each row: probabilities, or an interval."""
    if "interval" not in response:
        return np.array(response["probabilities"])
    ends = response["interval"]
    return np.column_stack([response["predictions"], ends["lower"], ends["upper"]])
