"""`modelkeep adopt` on every table of data packages: trained, refused or failed, and read again.

Run it in a generated project, with the Python of its environment:

    python TEMPLATE/benchmarks/adopt.py PACKAGES > results.md

PACKAGES is a directory of packages, as `pip install --no-deps --target` makes it. The functions
behind the commands are called in one process, each table with a limit of processor time.
"""

import argparse
import json
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
from adopt_reread import differences, package
from data_packages import MOST_ROWS, table_of, tables, targets
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import f1_score, root_mean_squared_error
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from threadpoolctl import threadpool_limits

sys.path.insert(0, "")

from modelkeep.adopt.adopting import prepared
from modelkeep.adopt.options import Options
from modelkeep.adopt.settings import TASKS, new_params, new_schema
from modelkeep_core import model_file
from modelkeep_core.errors import UserError
from modelkeep_core.files import write_text
from modelkeep_core.params import Evaluate, Prepare, Train, read_params
from modelkeep_core.schema import read_schema
from pipeline.evaluate import evaluate
from pipeline.prepare import prepare
from pipeline.train import train

SECONDS = 60
# Forests of a hundred trees or more would take most of the time
TREES = 50


class TooLong(BaseException):
    """A table takes more than SECONDS of a processor."""


def adopted(source: Path, target: str, work: Path) -> dict[str, Any]:
    """Do what adopt and the stages do, and read the table again; return the scores."""
    shown: list[str] = []
    schema, changes = prepared(source, Options(target), work, shown.append)
    for name, text in (
        ("schema.yaml", new_schema(Path("schema.yaml").read_text("utf-8"), schema)),
        ("params.yaml", new_params(Path("params.yaml").read_text("utf-8"), schema.task, changes)),
    ):
        write_text(work / name, text)
    schema, params = read_schema(work / "schema.yaml"), work / "params.yaml"
    scoring = read_params(params, "evaluate", Evaluate)
    scoring.resamples, scoring.importance_repeats = 20, min(scoring.importance_repeats, 1)
    prepare(work / "raw", schema, read_params(params, "prepare", Prepare), work / "prepared")
    train_rows, test_rows = (
        pd.read_parquet(work / "prepared" / f"{name}.parquet") for name in ("train", "test")
    )
    model = train(train_rows, schema, read_params(params, "train", Train)).model
    model_file.save(model, work / "model.skops")
    loaded = model_file.load(work / "model.skops")
    scored, _ = evaluate(loaded, train_rows, test_rows, schema, scoring, {})
    headline = scoring.headline
    package(loaded, train_rows, schema, work)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    return {
        "task": schema.task,
        "rows": len(train_rows) + len(test_rows),
        "score": scored["test"][headline],
        "baseline": scored["baseline"][headline],
        "by_hand": by_hand(train_rows, test_rows, schema.target, schema.task),
        "aside": sum(not column.feature for column in schema.columns.values()),
        "shown": shown,
        "reread": differences(source, loaded, schema, work),
    }


def by_hand(train: pd.DataFrame, test: pd.DataFrame, target: str, task: str) -> float | None:
    """Return the better score of two scikit-learn defaults with the usual preprocessing."""
    inputs = [name for name in train if name not in (target, "rownames", "column_1")]
    inputs = [
        name
        for name in inputs
        if pd.api.types.is_numeric_dtype(train[name])
        or train[name].nunique() <= max(20, len(train) / 20)
    ]
    if not inputs:
        return None
    frames = [
        frame[inputs].apply(
            lambda cells: cells.astype(
                float if pd.api.types.is_numeric_dtype(cells) else object
            ).where(cells.notna(), float("nan"))
        )
        for frame in (train, test)
    ]
    steps = make_column_transformer(
        (
            make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler()),
            make_column_selector(dtype_include="number"),
        ),
        (
            make_pipeline(
                SimpleImputer(strategy="constant", fill_value="none"),
                OneHotEncoder(handle_unknown="ignore"),
            ),
            make_column_selector(dtype_exclude="number"),
        ),
    )
    classes = task == "classification"
    models = (
        (LogisticRegression(), RandomForestClassifier(TREES, random_state=0))
        if classes
        else (Ridge(), RandomForestRegressor(TREES, random_state=0))
    )
    scores = []
    for model in models:
        try:
            fitted = make_pipeline(steps, model).fit(frames[0], train[target])
            predicted = fitted.predict(frames[1])
        except Exception:
            continue
        scores.append(
            f1_score(test[target], predicted, average="macro", zero_division=0)
            if classes
            else root_mean_squared_error(test[target], predicted)
        )
    return (max if classes else min)(scores, default=None)


def tried(source: Path, target: str) -> dict[str, Any]:
    """Adopt a table and train on it; say what came of it."""
    started = time.process_time()
    try:
        with tempfile.TemporaryDirectory() as work:
            signal.setitimer(signal.ITIMER_PROF, SECONDS)
            result = {"outcome": "trained", **adopted(source, target, Path(work))}
    except UserError as error:
        result = {"outcome": "refused", "why": str(error)}
    except TooLong:
        result = {"outcome": "too long"}
    except Exception:
        result = {"outcome": "failed", "why": traceback.format_exc()}
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return result | {"seconds": round(time.process_time() - started, 2)}


def shortened(path: Path, work: Path) -> Path:
    """Return the table itself, or its first rows in another file where it is long."""
    if path.suffix == ".gz":
        return path
    lines = path.read_bytes().splitlines(keepends=True)
    if len(lines) <= MOST_ROWS + 1:
        return path
    short = Path(tempfile.mkdtemp(dir=work)) / path.name
    short.write_bytes(b"".join(lines[: MOST_ROWS + 1]))
    return short


def drawn(
    packages: Path, work: Path, seed: int, most: int | None, sample: int | None, one: bool
) -> list[tuple[str, Path, list[str]]]:
    """Return name, file and targets of so many usable tables, in the order of the draw."""
    draw: list[tuple[str, Path, list[str]]] = []
    for name, path in tables(packages, work, seed, most):
        file = shortened(path, work)
        table = table_of(file)
        chosen = [] if table is None else targets(table)
        if chosen:
            draw.append((name, file, [chosen[len(draw) % len(chosen)]] if one else chosen))
        if sample and len(draw) >= sample:
            break
    return draw


def main() -> None:
    """Try the tables that --log does not have yet, write a line of JSON for each, and sum up."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("packages", type=Path)
    parser.add_argument("--log", type=Path, default=Path("adopt.jsonl"))
    parser.add_argument("--sample", type=int, help="so many tables, drawn at random")
    parser.add_argument("--one", action="store_true", help="one target of each table, by turns")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--most", type=int, help="so many tables at most of one directory")
    parser.add_argument("--smallest", action="store_true", help="begin with the smallest tables")
    args = parser.parse_args()
    warnings.simplefilter("ignore")

    def stop(*_: object) -> None:
        raise TooLong

    signal.signal(signal.SIGPROF, stop)
    for task in TASKS.values():
        for name, parameters in task["sections"].items():
            if "Forest" in name:
                parameters["n_estimators"] = TREES
    lines = args.log.read_text("utf-8").splitlines() if args.log.exists() else []
    results = [json.loads(line) for line in lines]
    done = {result["table"] for result in results}
    with (
        tempfile.TemporaryDirectory() as directory,
        args.log.open("a", encoding="utf-8") as log,
        threadpool_limits(limits=1),
    ):
        work = Path(directory)
        draw = drawn(args.packages, work, args.seed, args.most, args.sample, args.one)
        if args.smallest:
            draw.sort(key=lambda chosen: chosen[1].stat().st_size)
        for name, path, chosen in draw:
            for target in [] if name in done else chosen:
                result = {"table": name, "target": target} | tried(path, target)
                results.append(result)
                log.write(json.dumps(result, ensure_ascii=False) + "\n")
                log.flush()
    print(summary(results))


def summary(results: list[dict[str, Any]]) -> str:
    """Return what came of all tables, as Markdown."""
    outcomes = Counter(result["outcome"] for result in results)
    trained = [result for result in results if result["outcome"] == "trained"]

    def beats(result: dict[str, Any], key: str) -> bool:
        sign = 1 if result["task"] == "classification" else -1
        return result[key] is not None and sign * result[key] > sign * result["baseline"]

    def better(results: list[dict[str, Any]]) -> str:
        return f"{sum(beats(result, 'score') for result in results)} of {len(results)}"

    again = [result["reread"] for result in trained if "reread" in result]
    right = ", ".join(
        f"{sum(not said[way] for said in again)} by {way}" for way in (again[0] if again else ())
    )
    reachable = [result for result in trained if beats(result, "by_hand")]
    lines = [
        f"{len({result['table'] for result in results})} tables, {len(results)} targets: "
        + ", ".join(f"{number} {outcome}" for outcome, number in outcomes.most_common()),
        "",
        f"Above the naive baseline: {better(trained)}; "
        f"where a scikit-learn default with preprocessing by hand is: {better(reachable)}.",
        "",
        f"Read again, with the same answers in every row: of {len(again)}, {right}.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
