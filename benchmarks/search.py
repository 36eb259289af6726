"""The search of `train` beside a plain joblib loop over the same fits, as ratios of one run.

Run it with the Python of the development environment, in this repository:

    python benchmarks/search.py > results.md

Each contender is a process of its own: it reads 10,000 prepared rows, scores 20 candidates on 5
folds, and fits the best to all rows. The joblib loop runs in one process and records nothing.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from timing import Contender, compare, table

ROOT = Path(__file__).resolve().parent.parent
ROWS, NUMBERS, TRIALS, FOLDS = 10_000, 10, 20, 5
NAME = "HistGradientBoostingRegressor"
RANGES = {
    "learning_rate": {"low": 0.02, "high": 0.3, "log": True},
    "max_leaf_nodes": {"low": 7, "high": 63},
}
LOOP, SEARCH, ONE = "joblib loop", "search", "search, one process"


def schema() -> Any:
    """Return the contract of the rows."""
    from modelkeep_core.schema import Schema

    names = [f"x{number}" for number in range(NUMBERS)]
    columns = {name: {"type": "number"} for name in [*names, "y"]} | {"kind": {"type": "category"}}
    return Schema(
        task="regression", target="y", missing_values=[], duplicates=True, columns=columns
    )


def params() -> Any:
    """Return the parameters of `train`."""
    from modelkeep_core.params import Train

    return Train.model_validate(
        {
            "seed": 1,
            "estimator": NAME,
            "search": {
                **{"method": "random", "folds": FOLDS, "scoring": "rmse", "seed": 1, "batch": 4},
                **{"trials": TRIALS, "prune": False, "nested": False, "estimators": []},
                "ranges": {NAME: RANGES},
            },
        }
    )


def write(directory: Path) -> None:
    """Write rows as the stage prepare does."""
    import numpy as np
    import polars as pl

    random = np.random.default_rng(0)
    numbers = random.normal(size=(ROWS, NUMBERS))
    kind = random.choice([*"abcdef"], ROWS)
    y = numbers[:, 0] * numbers[:, 1] + np.sin(3 * numbers[:, 2]) + (kind == "a")
    table = {f"x{number}": numbers[:, number] for number in range(NUMBERS)}
    table |= {"kind": kind, "y": y + random.normal(scale=0.3, size=ROWS)}
    pl.DataFrame(table).write_parquet(directory / "train.parquet")
    split = {"seed": 1, "test_size": 0.25, "split": "random", "split_by": None}
    (directory / "provenance.json").write_text(json.dumps({"split": split}), encoding="utf-8")


def pipeline() -> Any:
    """Return the unfitted pipeline."""
    from sklearn.pipeline import Pipeline

    from modelkeep_core.estimators import build
    from modelkeep_core.preprocessing import preprocessor

    estimator = build(NAME, {}, "regression", 1)
    return Pipeline([("preprocess", preprocessor(schema())), ("model", estimator)])


def search(directory: Path) -> None:
    """Search as the stage train does."""
    import pandas as pd

    from modelkeep_core import training
    from modelkeep_core.inputs import model_inputs
    from modelkeep_core.scoring import read_prepared

    rows, contract = pd.read_parquet(directory / "train.parquet"), schema()
    inputs, target = model_inputs(rows, contract), rows["y"].to_numpy()
    prepared = read_prepared(directory, contract)
    fitted = training.fit(pipeline(), inputs, target, "regression", params(), prepared)
    training.write_trials(fitted, directory)
    print(fitted.searched["best"]["mean"] if fitted.searched else None)


def loop(directory: Path) -> None:
    """Score the same candidates on the same folds in a loop, as a person would write it."""
    import pandas as pd
    from joblib import Parallel, delayed
    from sklearn.base import clone
    from sklearn.metrics import root_mean_squared_error
    from sklearn.model_selection import KFold

    from modelkeep_core.candidates import source
    from modelkeep_core.inputs import model_inputs

    rows = pd.read_parquet(directory / "train.parquet")
    inputs, target = model_inputs(rows, schema()), rows["y"].to_numpy()
    folds = [*KFold(FOLDS, shuffle=True, random_state=1).split(target)]
    wanted = params().search
    asked = [candidate.parameters for candidate in source(wanted, wanted.ranges, False).ask()]

    def score(parameters: dict[str, Any], train: Any, test: Any) -> float:
        model = clone(pipeline()).set_params(
            **{f"model__{name}": value for name, value in parameters.items()}
        )
        model.fit(inputs.iloc[train], target[train])
        return float(root_mean_squared_error(target[test], model.predict(inputs.iloc[test])))

    tasks = (delayed(score)(parameters, *fold) for parameters in asked for fold in folds)
    scores = Parallel(n_jobs=1)(tasks)
    means = [sum(scores[place : place + FOLDS]) / FOLDS for place in range(0, len(scores), FOLDS)]
    best = asked[means.index(min(means))]
    pipeline().set_params(**{f"model__{name}": value for name, value in best.items()}).fit(
        inputs, target
    )
    print(min(means))


def main() -> None:
    """Print the table, or be one of the contenders."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", choices=["loop", "search"], help=argparse.SUPPRESS)
    parser.add_argument("--rows", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    sys.path.insert(0, str(ROOT / "src"))
    if args.one:
        {"loop": loop, "search": search}[args.one](args.rows)
        return
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as place:
        directory = Path(place)
        write(directory)
        command = [sys.executable, __file__, "--rows", place, "--one"]
        contenders = [
            Contender(LOOP, [*command, "loop"], directory, lambda _: None),
            Contender(SEARCH, [*command, "search"], directory, lambda _: None),
            Contender(
                ONE,
                ["env", "MODELKEEP_PROCESSES=1", *command, "search"],
                directory,
                lambda _: None,
            ),
        ]
        runs = compare(contenders, args.rounds, dict(os.environ), directory / "log")
    print(table(f"{TRIALS} candidates, {FOLDS} folds on {ROWS:,} rows", runs, [LOOP]))


if __name__ == "__main__":
    main()
