"""The evaluation is fair, complete, finite, and says whether the model beats a naive guess."""

import contextlib
import json
from argparse import Namespace
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from pandas.testing import assert_frame_equal

from modelkeep_core import model_file, plots
from modelkeep_core.errors import UserError
from modelkeep_core.files import write_json
from modelkeep_core.metrics import METRICS, group_labels
from pipeline import evaluate as stage
from pipeline.train import train as fit

pytestmark = pytest.mark.slow


def read(path):
    """Read JSON in which nothing is NaN or infinite."""

    def refuse(constant):
        raise AssertionError(f"{constant} in {path}")

    return json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)


def parts(run):
    """Return the model, the training rows and the test rows of a run."""
    model = model_file.load(run.models / "model.skops")
    train, test = (pd.read_parquet(run.prepared / f"{name}.parquet") for name in ("train", "test"))
    return model, train, test


@pytest.fixture(scope="module")
def run_parts(run):
    """The model and the rows of a classification."""
    return parts(run)


@pytest.fixture(scope="module")
def evaluated(run):
    """What the stage found of the run's model."""
    return read(run.reports / "evaluation.json")


@pytest.fixture
def score(run_parts, classification, params):
    """Return a function that evaluates the run's model, on other rows or params if given."""
    model, train, test = run_parts

    def evaluation(test=test, **settings):
        changed = params.evaluate.model_copy(update=settings)
        return stage.evaluate(model, train, test, classification, changed, {})

    evaluation.test = test
    return evaluation


@pytest.mark.parametrize("pipeline", ["run", "regression_run"])
def test_the_model_beats_the_naive_guess(pipeline, request):
    """On rows that it never saw, the model is better than the baseline by every metric."""
    result = read(request.getfixturevalue(pipeline).reports / "evaluation.json")
    listed = METRICS["classification" if pipeline == "run" else "regression"]
    for name, metric in listed.items():
        sign = 1 if metric.higher_is_better else -1
        assert sign * result["test"][name] > sign * result["baseline"][name]


def test_the_headline_is_the_metric_on_the_test_rows(evaluated):
    """Its value is the one of the test rows and lies in its interval."""
    headline = evaluated["headline"]
    assert headline["metric"] == "macro_f1"
    assert headline["higher_is_better"] is True
    assert headline["confidence"] == 0.9
    assert headline["value"] == evaluated["test"]["macro_f1"]
    assert headline["low"] <= headline["value"] <= headline["high"]


@pytest.mark.parametrize("name", METRICS["classification"])
def test_every_metric_can_be_the_headline(score, name):
    """The headline follows the params, with its direction."""
    result, _ = score(headline=name)
    assert result["headline"]["value"] == result["test"][name]
    assert result["headline"]["higher_is_better"] is (name != "log_loss")


def test_training_rows_are_scored_apart(run_parts, evaluated, classification, params):
    """The scores under "train" are those of the training rows, so overfitting can be seen."""
    model, train, _ = run_parts
    other, _ = stage.evaluate(model, train, train, classification, params.evaluate, {})
    assert evaluated["train"] == other["test"]
    assert evaluated["train"] != evaluated["test"]


def test_the_baseline_knows_the_commonest_class_alone(run_parts, evaluated):
    """Its accuracy is the share of the class that is commonest in training."""
    test = run_parts[2]
    assert evaluated["baseline"]["accuracy"] == pytest.approx((test["label"] == "low").mean())
    assert evaluated["baseline"]["roc_auc"] == 0.5


def test_the_baseline_of_a_regression_is_the_mean(regression_run):
    """It is the mean of the training rows, which is not quite that of the unseen ones."""
    rows = [
        pl.read_parquet(regression_run.prepared / f"{name}.parquet") for name in ("train", "test")
    ]
    mean = rows[0]["price"].mean()
    result = read(regression_run.reports / "evaluation.json")["baseline"]
    assert result["mae"] == pytest.approx((rows[1]["price"] - mean).abs().mean())


def test_the_order_of_rows_does_not_matter(score, evaluated):
    """Shuffled test rows have the same scores."""
    mixed, _ = score(score.test.sample(frac=1, random_state=3))
    for name, value in evaluated["test"].items():
        assert mixed["test"][name] == pytest.approx(value)
    assert mixed["recall_by_class"] == pytest.approx(evaluated["recall_by_class"])
    assert mixed["by_group"] == evaluated["by_group"]


def test_other_columns_do_not_matter(score, evaluated):
    """Columns that are no features, in whatever order, change no score."""
    reversed_columns = score.test[score.test.columns[::-1]]
    other = reversed_columns.assign(surplus=1, shop="elsewhere")
    assert score(other)[0] == evaluated


def test_a_stronger_signal_gives_a_better_score(frame, regression, params):
    """The less noise lies on the target, the better the evaluation."""
    params.train.estimator = "Ridge"
    noise = np.random.default_rng(0).normal(size=len(frame))
    settings = params.evaluate.model_copy(update={"headline": "r2"})
    values = []
    for strength in (100, 30, 0):
        table = frame.assign(price=frame["price"] + strength * noise)
        model, *_ = fit(table[:80], regression, params.train)
        result, _ = stage.evaluate(model, table[:80], table[80:], regression, settings, {})
        values.append(result["headline"]["value"])
    assert values == sorted(values)


def test_labels_without_meaning_score_like_the_baseline(frame, classification, params):
    """Where nothing can be learnt, the evaluation does not pretend otherwise."""
    chance = np.random.default_rng(0).permutation(frame["label"])
    table = frame.assign(label=chance)
    model, *_ = fit(table[:60], classification, params.train)
    result, _ = stage.evaluate(model, table[:60], table[60:], classification, params.evaluate, {})
    assert result["test"]["accuracy"] < result["baseline"]["accuracy"] + 0.1


def test_evaluating_twice_finds_the_same(score, evaluated):
    """The seed decides all chance, down to the last bit."""
    assert score()[0] == evaluated


def test_the_rows_are_not_modified(run, classification, params):
    """Both tables are the same after the evaluation."""
    model, train, test = parts(run)
    before = train.copy(deep=True), test.copy(deep=True)
    stage.evaluate(model, train, test, classification, params.evaluate, {})
    assert_frame_equal(train, before[0])
    assert_frame_equal(test, before[1])


# Groups


def test_groups_cover_the_test_rows(run_parts, evaluated):
    """Every test row is in one group, those without a value in a group of their own."""
    test = run_parts[2]
    groups = {group["group"]: group["rows"] for group in evaluated["by_group"]["groups"]}
    expected = test["colour"].fillna("(missing)").value_counts().to_dict()
    assert groups == expected
    assert evaluated["by_group"]["column"] == "colour"


@pytest.mark.parametrize(
    ("column", "cells", "names"),
    [
        ("count", [1, 2, 1, 2], ["1", "2"]),
        ("member", [True, False, True, True], ["False", "True"]),
        ("shop", ["x", "y", None, "x"], ["(missing)", "x", "y"]),
        ("member", [True, None, False, True], ["(missing)", "False", "True"]),
        ("count", [1, 2, None, 2], ["(missing)", "1", "2"]),
    ],
)
def test_a_group_has_the_name_that_stands_in_the_data(tmp_path, column, cells, names):
    """A whole number is shown as one, with or without gaps in its column."""
    pl.DataFrame({column: cells}).write_parquet(tmp_path / "rows.parquet")
    table = pd.read_parquet(tmp_path / "rows.parquet")
    assert sorted(set(group_labels(table, column))) == names


def test_without_a_group_column_there_are_no_groups(score):
    """`group_by: null` is the way to have none."""
    assert score(group_by=None)[0]["by_group"] is None


def test_an_unknown_group_column_is_refused(score):
    """The message names the parameter, the column and the nearest one."""
    with pytest.raises(UserError, match=r"evaluate\.group_by: .*'color' \(did you mean 'colour'"):
        score(group_by="color")


# Whatever the rows


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("headline", ["macro_f1", "roc_auc"])
@pytest.mark.parametrize(
    "kept",
    [
        lambda rows: rows[:1],
        lambda rows: rows[:2],
        lambda rows: rows[rows["label"] == "low"],
        lambda rows: pd.concat([rows[rows["label"] == "low"], rows[rows["label"] == "mid"][:1]]),
    ],
    ids=["one row", "two rows", "one class", "a class of one row"],
)
def test_few_test_rows_are_evaluated_or_refused(score, tmp_path, headline, kept):
    """However few rows or classes there are to test on, no traceback and no NaN comes of it."""
    with contextlib.suppress(UserError):
        result, _ = score(kept(score.test), headline=headline)
        write_json(tmp_path / "evaluation.json", result)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("rows", [1, 2, 3])
def test_few_test_rows_of_a_regression_are_evaluated_or_refused(
    regression_run, regression, params, tmp_path, rows
):
    """A regression can be tested on few rows, or says that it cannot."""
    model, train, test = parts(regression_run)
    settings = params.evaluate.model_copy(update={"headline": "r2"})
    with contextlib.suppress(UserError):
        result, _ = stage.evaluate(model, train, test[:rows], regression, settings, {})
        write_json(tmp_path / "evaluation.json", result)


@pytest.mark.filterwarnings("ignore")
def test_a_table_with_a_single_class_is_evaluated_or_refused(
    frame, classification, params, tmp_path
):
    """A forest can be trained on one class; testing it is no traceback."""
    params.train.estimator = "RandomForestClassifier"
    table = frame.assign(label="low")
    model, *_ = fit(table[:60], classification, params.train)
    with contextlib.suppress(UserError):
        result, _ = stage.evaluate(
            model, table[:60], table[60:], classification, params.evaluate, {}
        )
        write_json(tmp_path / "evaluation.json", result)


# The stage


@pytest.mark.parametrize("pipeline", ["run", "regression_run"])
def test_the_stage_writes_metrics_evaluation_and_every_plot(pipeline, request):
    """What dvc.yaml promises is there, the metrics being the test scores of the evaluation."""
    reports = request.getfixturevalue(pipeline).reports
    files = {path.relative_to(reports).as_posix() for path in reports.rglob("*") if path.is_file()}
    expected = {f"plots/{name}.csv" for name in plots.COLUMNS}
    others = ("metrics", "evaluation", "fast_path", "findings", "profile")
    assert files == expected | {f"{name}.json" for name in others} | {"search.csv"}
    metrics, evaluation = read(reports / "metrics.json"), read(reports / "evaluation.json")
    [(name, score)] = metrics.items() - evaluation["test"].items()
    assert metrics == evaluation["test"] | {name: score}
    assert name == f"cv_{evaluation['headline']['metric']}"


@pytest.mark.parametrize(
    ("pipeline", "drawn"),
    [
        ("run", {"roc", "precision_recall", "calibration", "confusion", "importance"}),
        ("regression_run", {"predictions", "residuals", "importance"}),
    ],
)
def test_a_task_has_the_plots_that_mean_something(pipeline, drawn, request):
    """The others have a header and no rows."""
    directory = request.getfixturevalue(pipeline).reports / "plots"
    rows = {path.stem: len(pd.read_csv(path)) for path in directory.iterdir()}
    assert {name for name, count in rows.items() if count} == drawn


def test_no_feature_is_shuffled_where_nobody_wants_it(score):
    """A table of thousands of columns is evaluated without what would take hours."""
    result, drawn = score(importance_repeats=0)
    usual, usually_drawn = score()
    assert result.pop("settings") == usual.pop("settings") | {"importance_repeats": 0}
    assert result == usual
    assert set(usually_drawn) - set(drawn) == {"importance"}


def test_a_regression_has_no_recall(regression_run):
    """What belongs to classes is empty for numbers."""
    result = read(regression_run.reports / "evaluation.json")
    assert result["recall_by_class"] is None
    assert result["headline"]["higher_is_better"] is False


def test_the_stage_writes_the_same_bytes_again(run, monkeypatch, tmp_path):
    """Evaluating the same model gives the same files."""
    monkeypatch.chdir(run.directory)
    paths = {name: Path(name) for name in ("models", "prepared")}
    paths |= {name: Path(f"{name}.yaml") for name in ("schema", "params")}
    stage.main(Namespace(out=tmp_path / "a", **paths))
    for path in run.reports.rglob("*.*"):
        assert (tmp_path / "a" / path.relative_to(run.reports)).read_bytes() == path.read_bytes()
