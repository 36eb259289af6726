"""The search of `train` beside other ways to the same fits, as ratios of one run.

Run it with the Python of the development environment, in this repository:

    python benchmarks/search.py --mlflow PYTHON > results.md

Each contender reads 10,000 prepared rows, and scores the same 20 candidates on 5 folds: a joblib
loop in one process, which records nothing; a loop of Optuna that records in MLflow, run by the
Python that `--mlflow` names, of an environment with optuna, mlflow-skinny, sqlalchemy, alembic and
the packages that the search needs; and DVC's queue, where each candidate is an experiment.
Every process computes with one thread: on a busy machine, threads wait for each other.
"""

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from timing import Contender, compare, table

ROOT = Path(__file__).resolve().parent.parent
ROWS, NUMBERS, TRIALS, FOLDS = 10_000, 10, 20, 5
BOOSTING, RIDGE = "HistGradientBoostingRegressor", "Ridge"
RANGES = {
    BOOSTING: {
        "learning_rate": {"low": 0.02, "high": 0.3, "log": True},
        "max_leaf_nodes": {"low": 7, "high": 63},
    },
    RIDGE: {"alpha": {"low": 0.01, "high": 100.0, "log": True}},
}
LOOP, SEARCH, ALONE = "joblib loop", "search", "search, one process"
MLFLOW, QUEUE = "Optuna and MLflow", "DVC's queue"
STAGE = """stages:
  score:
    cmd: {command}
    deps: [{rows}]
    params: [trial]
    metrics: [metrics.json]
"""


def schema() -> Any:
    """Return the contract of the rows."""
    from modelkeep_core.schema import Schema

    names = [f"x{number}" for number in range(NUMBERS)]
    columns = {name: {"type": "number"} for name in [*names, "y"]} | {"kind": {"type": "category"}}
    return Schema(
        task="regression", target="y", missing_values=[], duplicates=True, columns=columns
    )


def params(estimator: str) -> Any:
    """Return the parameters of `train`."""
    from modelkeep_core.params import Train

    return Train.model_validate(
        {
            "seed": 1,
            "estimator": estimator,
            "search": {
                **{"method": "random", "folds": FOLDS, "scoring": "rmse", "seed": 1, "batch": 4},
                **{"trials": TRIALS, "prune": False, "nested": False, "estimators": []},
                "ranges": {estimator: RANGES[estimator]},
            },
        }
    )


def candidates(estimator: str) -> list[dict[str, Any]]:
    """Return what the search tries."""
    from modelkeep_core.candidates import source

    wanted = params(estimator).search
    return [candidate.parameters for candidate in source(wanted, wanted.ranges, False).ask()]


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


def pipeline(estimator: str, parameters: dict[str, Any]) -> Any:
    """Return an unfitted pipeline."""
    from sklearn.pipeline import Pipeline

    from modelkeep_core.estimators import build
    from modelkeep_core.preprocessing import preprocessor

    model = build(estimator, {}, "regression", 1).set_params(**parameters)
    return Pipeline([("preprocess", preprocessor(schema())), ("model", model)])


def search(directory: Path, estimator: str) -> None:
    """Search as the stage train does."""
    import pandas as pd

    from modelkeep_core import training
    from modelkeep_core.inputs import model_inputs
    from modelkeep_core.scoring import read_prepared

    rows, contract = pd.read_parquet(directory / "train.parquet"), schema()
    inputs, target = model_inputs(rows, contract), rows["y"].to_numpy()
    prepared, wanted = read_prepared(directory, contract), params(estimator)
    unfitted = pipeline(estimator, {})
    fitted = training.fit(unfitted, inputs, target, "regression", wanted, prepared)
    training.write_trials(fitted, directory)
    print(fitted.searched["best"]["mean"] if fitted.searched else None)


def scorer(directory: Path, estimator: str) -> tuple[Callable[..., float], Callable[..., Any]]:
    """Return what scores parameters on a fold, as a person would write it, and what fits them."""
    import pandas as pd
    from sklearn.metrics import root_mean_squared_error
    from sklearn.model_selection import KFold

    from modelkeep_core.inputs import model_inputs

    rows = pd.read_parquet(directory / "train.parquet")
    inputs, target = model_inputs(rows, schema()), rows["y"].to_numpy()
    folds = [*KFold(FOLDS, shuffle=True, random_state=1).split(target)]

    def score(parameters: dict[str, Any], fold: int) -> float:
        train, test = folds[fold]
        model = pipeline(estimator, parameters).fit(inputs.iloc[train], target[train])
        return float(root_mean_squared_error(target[test], model.predict(inputs.iloc[test])))

    return score, lambda parameters: pipeline(estimator, parameters).fit(inputs, target)


def loop(directory: Path, estimator: str) -> None:
    """Score the candidates in a loop, and fit the best to all rows."""
    from joblib import Parallel, delayed

    score, fit = scorer(directory, estimator)
    asked = candidates(estimator)
    tasks = (delayed(score)(parameters, fold) for parameters in asked for fold in range(FOLDS))
    scores = Parallel(n_jobs=1)(tasks)
    means = [sum(scores[place : place + FOLDS]) / FOLDS for place in range(0, len(scores), FOLDS)]
    fit(asked[means.index(min(means))])
    print(min(means))


def mlflow(directory: Path, estimator: str) -> None:
    """Let Optuna ask for the candidates, record each in MLflow, and fit the best to all rows."""
    import mlflow
    import optuna

    score, fit = scorer(directory, estimator)
    mlflow.set_tracking_uri(f"sqlite:///{directory / 'mlflow.db'}")
    mlflow.set_experiment("search")
    optuna.logging.set_verbosity(optuna.logging.WARNING)

    def objective(trial: Any) -> float:
        parameters = {}
        for name, wanted in RANGES[estimator].items():
            suggest = trial.suggest_int if isinstance(wanted["low"], int) else trial.suggest_float
            parameters[name] = suggest(
                name, wanted["low"], wanted["high"], log=wanted.get("log", False)
            )
        with mlflow.start_run(nested=True):
            mlflow.log_params(parameters)
            scores = [score(parameters, fold) for fold in range(FOLDS)]
            mean = sum(scores) / FOLDS
            mlflow.log_metrics({f"fold_{fold}": value for fold, value in enumerate(scores)})
            mlflow.log_metric("mean", mean)
        return mean

    study = optuna.create_study(direction="minimize")
    for parameters in candidates(estimator):
        study.enqueue_trial(parameters)
    with mlflow.start_run():
        study.optimize(objective, n_trials=TRIALS)
    fit(study.best_params)
    print(study.best_value)


def trial(directory: Path, estimator: str) -> None:
    """Score the candidate whose number is in params.yaml: an experiment of DVC's queue."""
    number = int(Path("params.yaml").read_text(encoding="utf-8").partition(":")[2])
    score, _ = scorer(directory, estimator)
    parameters = candidates(estimator)[number]
    mean = sum(score(parameters, fold) for fold in range(FOLDS)) / FOLDS
    Path("metrics.json").write_text(json.dumps({"mean": mean}), encoding="utf-8")


def make_repository(directory: Path, rows: Path, command: list[str]) -> None:
    """Make a repository of Git and DVC with one stage, which scores a candidate."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    (directory / "params.yaml").write_text("trial: 0\n", encoding="utf-8")
    stage = STAGE.format(command=shlex.join(command), rows=rows / "train.parquet")
    (directory / "dvc.yaml").write_text(stage, encoding="utf-8")
    author = ["-c", "user.name=Benchmark", "-c", "user.email=benchmark@example.org"]
    for words in (
        ["git", "init", "--quiet"],
        ["dvc", "init", "--quiet"],
        ["git", "add", "."],
        ["git", *author, "commit", "--quiet", "--message", "A stage that scores a candidate"],
    ):
        subprocess.run(words, cwd=directory, check=True)


CONTENDERS = {"loop": loop, "search": search, "mlflow": mlflow, "trial": trial}


def main() -> None:
    """Print the table, or be one of the contenders."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--estimator", choices=[*RANGES], default=BOOSTING)
    parser.add_argument("--mlflow", type=Path, metavar="PYTHON")
    parser.add_argument("--no-queue", action="store_true", help="leave out DVC's queue")
    parser.add_argument("--one", choices=[*CONTENDERS], help=argparse.SUPPRESS)
    parser.add_argument("--rows", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    sys.path.insert(0, str(ROOT / "src"))
    if args.one:
        CONTENDERS[args.one](args.rows, args.estimator)
        return
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as place:
        directory = Path(place)
        write(directory)
        runs = compare(
            contenders(args, directory), args.rounds, environment(directory), log=directory / "log"
        )
    title = f"{TRIALS} candidates of {args.estimator}, {FOLDS} folds on {ROWS:,} rows"
    print(table(title, runs, [LOOP]))
    print(f"\nLoad after: {os.getloadavg()[0]:.2f}; rounds: {args.rounds}.")


def environment(directory: Path) -> dict[str, str]:
    """Return the variables that all contenders see."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    settings = {"OMP_NUM_THREADS": "1", "DVC_NO_ANALYTICS": "1", "HOME": str(directory)}
    author = {"GIT_AUTHOR_NAME": "Benchmark", "GIT_AUTHOR_EMAIL": "benchmark@example.org"}
    committer = {key.replace("AUTHOR", "COMMITTER"): value for key, value in author.items()}
    return os.environ | settings | author | committer | {"PATH": path}


def contenders(args: argparse.Namespace, directory: Path) -> list[Contender]:
    """Return what is timed."""
    words = [__file__, "--rows", str(directory), "--estimator", args.estimator, "--one"]
    command, repository = [sys.executable, *words], directory / "repository"

    def nothing(_: int) -> None:
        pass

    def anew(_: int) -> None:
        make_repository(repository, directory, [*command, "trial"])

    def forget(_: int) -> None:
        (directory / "mlflow.db").unlink(missing_ok=True)

    one_process = ["env", "MODELKEEP_PROCESSES=1", *command, "search"]
    chosen = [
        Contender(LOOP, [*command, "loop"], directory, nothing),
        Contender(SEARCH, [*command, "search"], directory, nothing),
        Contender(ALONE, one_process, directory, nothing),
    ]
    if args.mlflow:
        chosen.append(Contender(MLFLOW, [str(args.mlflow), *words, "mlflow"], directory, forget))
    if not args.no_queue:
        trials = ",".join(str(number) for number in range(TRIALS))
        queue = f"dvc exp run --queue --set-param 'trial=choice({trials})' && dvc exp run --run-all"
        chosen.append(
            Contender(
                QUEUE,
                ["sh", "-c", f"{queue} --jobs {len(os.sched_getaffinity(0))}"],
                repository,
                anew,
            )
        )
    return chosen


if __name__ == "__main__":
    main()
