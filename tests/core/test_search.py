"""The search tries what params say, keeps the best, and records what it tried."""

import csv
import dataclasses
import io
import json
import sys
from datetime import datetime, timedelta
from itertools import product

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import Pipeline

from modelkeep_core import scoring, training
from modelkeep_core import search as module
from modelkeep_core.candidates import Candidate, Trial, source
from modelkeep_core.errors import UserError
from modelkeep_core.estimators import build
from modelkeep_core.inputs import model_inputs
from modelkeep_core.params import Range, Search
from modelkeep_core.preprocessing import preprocessor
from modelkeep_core.progress import Progress
from modelkeep_core.scoring import read_prepared
from pipeline.prepare import prepare
from pipeline.train import train

pytestmark = pytest.mark.slow


@pytest.fixture
def searching(params):
    """Return a function that gives the params of a search over parameters of an estimator."""

    def settings(estimator="KNeighborsClassifier", changes=(), **ranges):
        values = {
            name: given if isinstance(given, dict) else {"choices": given}
            for name, given in ranges.items()
        }
        params.train.estimator = estimator
        params.train.search = Search.model_validate(
            params.train.search.model_dump()
            | {"method": "grid", "scoring": "accuracy", "ranges": {estimator: values}}
            | dict(changes)
        )
        return params.train

    return settings


def test_every_combination_is_tried(frame, classification, searching):
    """A grid tries each combination of the values, and has the score of each over the folds."""
    settings = searching(n_neighbors=[1, 5], weights=["uniform", "distance"])
    fitted = train(frame, classification, settings)
    tried = [tuple(trial.candidate.parameters.values()) for trial in fitted.trials]
    assert tried == [*product([1, 5], ["uniform", "distance"])]
    assert all(0 < trial.mean <= 1 and trial.deviation >= 0 for trial in fitted.trials)
    assert [trial.number for trial in fitted.trials] == [1, 2, 3, 4]
    assert all(len(trial.scores) == 3 for trial in fitted.trials)


def test_the_score_of_a_trial_is_scikit_learns(frame, classification, searching):
    """The same folds by `cross_val_score` give the same numbers."""
    fitted = train(frame, classification, searching("LogisticRegression", C=[0.5]))
    estimator = build("LogisticRegression", {"LogisticRegression": {"C": 0.5}}, "classification", 1)
    pipeline = Pipeline([("preprocess", preprocessor(classification)), ("model", estimator)])
    cv = StratifiedKFold(3, shuffle=True, random_state=1)
    inputs, target = model_inputs(frame, classification), frame["label"]
    expected = cross_val_score(pipeline, inputs, target, cv=cv, scoring="accuracy")
    assert fitted.trials[0].scores == tuple(expected)


def test_the_best_combination_is_kept(frame, classification, searching):
    """Five neighbours say more than nearly all rows: they win, and the model has them."""
    fitted = train(frame, classification, searching(n_neighbors=[79, 5, 78]))
    summary = fitted.searched
    assert summary["best"]["parameters"] == {"n_neighbors": 5}
    assert summary["best"]["mean"] == max(trial.mean for trial in fitted.trials)
    assert summary["runner_up"]["mean"] == sorted(trial.mean for trial in fitted.trials)[1]
    assert (summary["method"], summary["trials"], summary["scoring"]) == ("grid", 3, "accuracy")
    assert fitted.model["model"].n_neighbors == 5
    assert fitted.cross_validation["mean"] == summary["best"]["mean"]


@pytest.mark.parametrize("scoring", ["mae", "neg_mean_absolute_error"])
def test_an_error_is_minimized(frame, regression, searching, scoring):
    """A metric of ours is told as it is, a scorer of scikit-learn with its sign."""
    settings = searching("KNeighborsRegressor", {"scoring": scoring}, n_neighbors=[79, 5])
    fitted = train(frame, regression, settings)
    assert fitted.model["model"].n_neighbors == 5
    assert all((trial.mean > 0) == (scoring == "mae") for trial in fitted.trials)
    assert fitted.cross_validation["higher_is_better"] is (scoring != "mae")


def test_the_best_is_fitted_on_all_rows(frame, classification, searching):
    """After the search, every training row has been seen."""
    model = train(frame, classification, searching(n_neighbors=[1, 5])).model
    assert model["model"].n_samples_fit_ == len(frame)


def test_a_range_goes_before_the_section(frame, classification, searching):
    """A parameter of the ranges is searched; the others have the value of the section."""
    settings = searching(n_neighbors=[3])
    settings.sections["KNeighborsClassifier"] = {"n_neighbors": 50, "weights": "distance"}
    model = train(frame, classification, settings).model
    assert (model["model"].n_neighbors, model["model"].weights) == (3, "distance")


@pytest.mark.parametrize("method", ["random", "tpe"])
def test_searching_twice_finds_the_same(frame, classification, searching, method):
    """What is left to chance is drawn from the seeds, so trials repeat to the last bit."""
    tried = []
    for seed in (1, 1, 2):
        changes = {"method": method, "seed": seed}
        settings = searching("LogisticRegression", changes, C={"low": 0.01, "high": 10.0})
        tried.append(train(frame, classification, settings).trials)
    assert tried[0] == tried[1]
    assert tried[0] != tried[2]
    assert len(tried[0]) == 4


@pytest.mark.parametrize("method", ["grid", "random", "tpe"])
def test_the_estimator_itself_can_be_a_choice(frame, classification, searching, method):
    """Each of the estimators is tried with ranges of its own, and the model is the better one."""
    changes = {
        "method": method,
        "trials": 12,
        "estimators": ["DummyClassifier", "KNeighborsClassifier"],
        "ranges": {"KNeighborsClassifier": {"n_neighbors": {"choices": [3, 5]}}},
    }
    fitted = train(frame, classification, searching("LogisticRegression", changes))
    assert {trial.candidate.estimator for trial in fitted.trials} == {*changes["estimators"]}
    assert type(fitted.model["model"]).__name__ == "KNeighborsClassifier"
    assert training.summary(fitted, 1)["estimator"] == "KNeighborsClassifier"


@pytest.mark.parametrize("method", ["random", "tpe"])
def test_hopeless_trials_are_given_up(frame, classification, searching, method):
    """They have fewer scores and are never the best; the others are as without giving up."""
    changes = {"method": method, "trials": 10, "prune": True}
    settings = searching("LogisticRegression", changes, C={"low": 1e-4, "high": 9.0, "log": True})
    fitted = train(frame, classification, settings)
    given_up = [trial for trial in fitted.trials if trial.pruned]
    assert given_up
    assert all(0 < len(trial.scores) < 3 for trial in given_up)
    assert fitted.searched["best"]["trial"] not in {trial.number for trial in given_up}


def test_a_nested_search_reports_rows_that_it_did_not_see(searching, regression):
    """Of many estimators that know nothing the best looks good, and nested it does not."""
    random = np.random.default_rng(0)
    rows = pd.DataFrame({"size": random.normal(size=36), "count": 1, "member": True})
    rows = rows.assign(colour="red", price=random.normal(size=36))
    means = []
    for nested in (False, True):
        changes = {"nested": nested, "scoring": "r2", "method": "random", "trials": 25}
        ranges = {"random_state": {"low": 0, "high": 10**6}, "max_features": [1]}
        settings = searching("ExtraTreeRegressor", changes, **ranges)
        settings.sections["ExtraTreeRegressor"] = {"max_depth": 2}
        fitted = train(rows, regression, settings)
        means.append(fitted.cross_validation["mean"])
        assert fitted.cross_validation["nested"] is nested
    assert means[0] > means[1] + 0.1


def test_the_table_has_a_row_for_each_trial():
    """Parameters are there as one text for a plot, and each in a column of its own."""
    trials = [
        Trial(1, Candidate("Ridge", {"alpha": 0.1}), (0.5, 0.25)),
        Trial(2, Candidate("SVR", {"C": 1, "kernel": "rbf"}), (0.125,), pruned=True),
    ]
    rows = [*csv.DictReader(io.StringIO(module.table(trials)))]
    assert rows[0] == {
        "trial": "1",
        "estimator": "Ridge",
        "score": "0.375",
        "standard_deviation": "0.125",
        "folds": "2",
        "parameters": "alpha=0.1",
        "alpha": "0.1",
        "C": "",
        "kernel": "",
    }
    assert rows[1]["parameters"] == "C=1; kernel=rbf"
    assert module.table([]) == "trial,estimator,score,standard_deviation,folds,parameters\n"


def ask_all(values, method, trials=40, **changes):
    """Return the values of one parameter that a search tries."""
    given = {"method": method, "folds": 2, "scoring": "r2", "seed": 1, "trials": trials}
    given |= {"batch": 10, "prune": False, "nested": False, "estimators": [], "ranges": {}}
    asking = source(Search(**given | changes), {"X": {"x": values}}, True)
    asked = []
    while batch := asking.ask():
        asked += batch
        asking.tell(
            [Trial(number, candidate, (0.0, 1.0)) for number, candidate in enumerate(batch)]
        )
    return [candidate.parameters["x"] for candidate in asked]


@pytest.mark.parametrize("method", ["random", "tpe"])
@pytest.mark.parametrize(
    ("given", "kind", "allowed"),
    [
        ({"low": 2, "high": 5}, int, lambda x: x in (2, 3, 4, 5)),
        ({"low": 1, "high": 1000, "log": True}, int, lambda x: 1 <= x <= 1000),
        ({"low": 0.5, "high": 2.0}, float, lambda x: 0.5 <= x <= 2),
        ({"low": 0.001, "high": 10.0, "log": True}, float, lambda x: 0.001 <= x <= 10),
        ({"low": 0.0, "high": 1.0, "step": 0.25}, float, lambda x: x * 4 == int(x * 4)),
        ({"low": 10, "high": 50, "step": 20}, int, lambda x: x in (10, 30, 50)),
        ({"choices": ["a", None, [1, 2]]}, object, lambda x: x in ("a", None, [1, 2])),
    ],
)
def test_what_is_drawn_is_in_the_range(method, given, kind, allowed):
    """Whole numbers stay whole, steps are kept, and logarithms are spread evenly."""
    drawn = ask_all(Range(**given), method)
    assert all(type(value) is kind or kind is object for value in drawn)
    assert all(allowed(value) for value in drawn)
    assert len({str(value) for value in drawn}) > 1
    if given.get("log") and method == "random":
        assert 0.2 < np.mean(np.array(drawn) < (given["low"] * given["high"]) ** 0.5) < 0.8


def test_a_grid_lists_whole_numbers_and_steps():
    """What has an end is listed from low to high."""
    assert ask_all(Range(low=2, high=4), "grid") == [2, 3, 4]
    assert ask_all(Range(low=0.0, high=0.5, step=0.25), "grid") == [0.0, 0.25, 0.5]


def test_nothing_is_drawn_twice_where_there_is_little_to_draw():
    """Of three choices, three trials are made, whatever params ask for."""
    assert sorted(ask_all(Range(choices=[1, 2, 3]), "random")) == [1, 2, 3]


@pytest.mark.parametrize("given", [{"low": 0.1, "high": 1.0}, {"low": 1, "high": 9, "log": True}])
def test_a_range_without_an_end_is_no_grid(given):
    """The message names the parameter and both ways out."""
    with pytest.raises(UserError, match=r"ranges\.X\.x: a grid needs choices, or low, high and st"):
        ask_all(Range(**given), "grid")


def test_a_grid_that_nobody_waits_for_is_refused_before_it_is_made():
    """A step that is far too small is told at once, not after memory is full of combinations."""
    with pytest.raises(UserError, match=r"a grid of 1,000,000,000,001 combinations .*greater step"):
        ask_all(Range(low=0.0, high=1.0, step=1e-12), "grid")
    with pytest.raises(UserError, match="more than a search can try"):
        ask_all(Range(low=0, high=10**30), "grid")


def test_steps_beyond_counting_are_drawn_from():
    """A random search draws of them as of any range, each on a step."""
    drawn = ask_all(Range(low=0, high=10**30, step=10), "random")
    assert len({*drawn}) == 40
    assert all(type(value) is int and value % 10 == 0 for value in drawn)


def test_tpe_learns_from_its_batches():
    """After random beginnings, it tries more where scores were good than chance would."""
    given = {"method": "tpe", "folds": 2, "scoring": "r2", "seed": 1, "trials": 60, "batch": 5}
    given |= {"prune": False, "nested": False, "estimators": [], "ranges": {}}
    asking = source(Search(**given), {"X": {"x": Range(low=0.0, high=1.0)}}, True)
    tried = []
    while batch := asking.ask():
        assert len(batch) == 5
        scores = [-abs(candidate.parameters["x"] - 0.3) for candidate in batch]
        asking.tell([Trial(1, asked, (score,)) for asked, score in zip(batch, scores, strict=True)])
        tried.append(-np.mean(scores))
    assert np.mean(tried[-3:]) < 0.5 * np.mean(tried[:2])


def test_what_lightgbm_refuses_is_told_like_what_scikit_learn_refuses(
    frame, classification, searching
):
    """Its errors have a type of their own, which is no traceback: in a search and without one."""
    pytest.importorskip("lightgbm")
    name = "lightgbm.LGBMClassifier"
    settings = searching(name, {"ranges": {"LGBMClassifier": {"objective": {"choices": ["nope"]}}}})
    with pytest.raises(UserError, match="LGBMClassifier cannot be trained with objective=nope: "):
        train(frame, classification, settings)
    settings.search.method = None
    settings.sections["LGBMClassifier"] = {"objective": "nope"}
    with pytest.raises(UserError, match="LGBMClassifier cannot be trained: "):
        train(frame, classification, settings)


def test_a_fold_whose_rows_know_one_class_is_told(prepared, classification, params):
    """By time, the first rows may be of one class: the fold is at fault, not the parameters."""
    path = prepared / "train.parquet"
    rows = pl.read_parquet(path).sort("label")
    times = [datetime(2026, 1, 1) + timedelta(days=day) for day in range(len(rows))]
    rows.with_columns(seen=pl.Series(times)).write_parquet(path)
    source = read_prepared(prepared, classification)
    split = source.split.model_copy(update={"split": "time", "split_by": "seen"})
    params.train.search.method, params.train.search.folds = "grid", 9
    params.train.search.ranges = {"LogisticRegression": {"C": Range(choices=[1.0])}}
    with pytest.raises(UserError, match=r"the rows that train fold 1 have one class only, '\w+'"):
        train(
            pd.read_parquet(path),
            classification,
            params.train,
            dataclasses.replace(source, split=split),
        )


def test_a_nested_search_with_too_few_groups_says_that_it_is_nested(
    tmp_path, table, classification, params
):
    """Inside a fold there are fewer groups than outside; the message has both ways out."""
    params.prepare.split, params.prepare.split_by = "group", "shop"
    (tmp_path / "raw").mkdir()
    table.write_csv(tmp_path / "raw" / "rows.csv")
    prepare(tmp_path / "raw", classification, params.prepare, tmp_path / "prepared")
    rows = pd.read_parquet(tmp_path / "prepared" / "train.parquet")
    folds = rows["shop"].nunique()
    params.train.search = Search.model_validate(
        params.train.search.model_dump()
        | {"method": "grid", "nested": True, "folds": folds}
        | {"ranges": {"LogisticRegression": {"C": {"choices": [1.0]}}}}
    )
    source = read_prepared(tmp_path / "prepared", classification)
    with pytest.raises(UserError, match=r"search\.nested: the rows .*Set it to false, or: .*shop"):
        train(rows, classification, params.train, source)


def test_without_optuna_the_message_says_what_to_install(monkeypatch):
    """It is needed by one method only, and named there."""
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(UserError, match=r'add "optuna>=5" to dependencies in pyproject.toml'):
        ask_all(Range(low=1, high=2), "tpe")
    assert ask_all(Range(low=1, high=2), "random")


@pytest.mark.parametrize("method", ["random", "tpe"])
def test_a_score_that_is_no_number_never_wins(frame, regression, searching, method, monkeypatch):
    """A trial whose score is not finite is recorded, and the others go on; all such are refused."""

    def score(job, task):
        return 1.0 if task.parameters["alpha"] == "good" else float("nan")

    monkeypatch.setattr(scoring, "score", score)
    monkeypatch.setattr(Ridge, "fit", lambda self, inputs, target: self)
    settings = searching("Ridge", {"scoring": "r2", "method": method}, alpha=["bad", "good"])
    fitted = train(frame, regression, settings)
    assert fitted.searched["best"]["parameters"] == {"alpha": "good"}
    assert {trial.candidate.parameters["alpha"] for trial in fitted.trials} == {"bad", "good"}
    settings = searching("Ridge", {"scoring": "r2", "method": method}, alpha=["bad", "worse"])
    with pytest.raises(UserError, match=r"scoring: r2 is a number for none of the \d trials"):
        train(frame, regression, settings)


def test_an_estimator_without_ranges_is_refused(frame, classification, searching):
    """A search over nothing is a mistake, told with both ways out."""
    settings = searching("SVC", {"ranges": {}})
    with pytest.raises(UserError, match=r"ranges has no section SVC: add one .*method to null"):
        train(frame, classification, settings)


def test_a_parameter_that_does_not_exist_is_refused(frame, classification, searching):
    """The message names the place in the ranges and the nearest parameter."""
    message = r"train\.search\.ranges\.LogisticRegression: .*'D' ?"
    with pytest.raises(UserError, match=message):
        train(frame, classification, searching("LogisticRegression", D=[1]))


@pytest.mark.parametrize(
    ("changes", "values", "message"),
    [
        ({"scoring": "acuracy"}, [1.0], r"search\.scoring: .*'acuracy'.*mean 'accuracy'"),
        (
            {"scoring": "neg_mean_absolute_error"},
            [1.0],
            r"search\.scoring: neg_mean_absolute_error cannot score LogisticRegression with C=1.0",
        ),
        (
            {"estimators": ["LinearSVC", "GaussianNB"], "scoring": "neg_log_loss", "ranges": {}},
            [1.0],
            r"search\.scoring: neg_log_loss needs probabilities, which LinearSVC does not give",
        ),
        (
            {"scoring": "log_loss", "estimators": ["GaussianNB", "RidgeClassifier"], "ranges": {}},
            [1.0],
            r"scoring: log_loss needs probabilities, which RidgeClassifier does .*another est",
        ),
        (
            {
                "scoring": "neg_log_loss",
                "estimators": ["SGDClassifier"],
                "ranges": {"SGDClassifier": {"loss": {"choices": ["hinge", "log_loss"]}}},
            },
            [1.0],
            r"neg_log_loss cannot score SGDClassifier with loss=hinge: .*predict_proba.*another",
        ),
        (
            {},
            [1.0, -1.0],
            "LogisticRegression cannot be trained with C=-1.0: .*train.search.ranges.LogisticRegr",
        ),
        ({"folds": 90}, [1.0], r"train\.search\.folds: .*90"),
        ({"estimators": ["LinearSVC"]}, [1.0], "ranges has no section LinearSVC: add one"),
        ({"estimators": ["os.system"]}, [1.0], r"train\.search\.estimators: os\.system is no"),
        ({"estimators": ["Nope"]}, [1.0], r"train\.search\.estimators: Nope: scikit-learn has no"),
        (
            {"ranges": {"LogisticRegresion": {}}},
            [1.0],
            r"search\.ranges: LogisticRegresion is no classifier \(did you mean 'LogisticRegressi",
        ),
        (
            {"ranges": {"lightgbm.LGBMClassifier": {}}},
            [1.0],
            r"lightgbm.LGBMClassifier is no classifier .*'LGBMClassifier'.*the class name of one",
        ),
    ],
    ids=[
        "scoring",
        "kind",
        "no probabilities",
        "no probabilities for a metric",
        "no probabilities for a value",
        "value",
        "folds",
        "no ranges",
        "dotted estimator",
        "estimator",
        "section",
        "dotted",
    ],
)
def test_what_cannot_be_used_is_refused(frame, classification, searching, changes, values, message):
    """What the search cannot use is told with the place in params.yaml where it stands."""
    with pytest.raises(UserError, match=message):
        train(frame, classification, searching("LogisticRegression", changes, C=values))


# Cross-validation without a search


@pytest.fixture
def prepared(tmp_path, table, classification, params):
    """What the stage prepare writes."""
    (tmp_path / "raw").mkdir()
    table.write_csv(tmp_path / "raw" / "rows.csv")
    prepare(tmp_path / "raw", classification, params.prepare, tmp_path / "prepared")
    return tmp_path / "prepared"


def fit(directory, schema, params):
    """Train on what prepare wrote."""
    table = pd.read_parquet(directory / "train.parquet")
    return train(table, schema, params.train, read_prepared(directory, schema))


def test_a_model_is_cross_validated_without_a_search(prepared, classification, params):
    """Its score is beside how it was made, and the model is the one of all rows."""
    fitted = fit(prepared, classification, params)
    assert (fitted.searched, [*fitted.trials]) == (None, [])
    validated = training.summary(fitted, 90)["cross_validation"]
    assert (validated["scoring"], validated["folds"], validated["split"]) == (
        "macro_f1", 3, "random",
    )  # fmt: skip
    assert 0.3 < validated["mean"] <= 1
    params.train.search.folds = 0
    assert fit(prepared, classification, params).cross_validation is None


def test_a_score_that_cannot_be_had_is_told_and_training_goes_on(
    prepared, classification, params, capsys
):
    """A few rows have no folds; without a search that is a warning."""
    params.train.search.folds = 80
    fitted = fit(prepared, classification, params)
    assert fitted.cross_validation is None
    assert "warning: no cross-validated score: params.yaml: train.search.folds" in (
        capsys.readouterr().err
    )


def test_a_class_of_a_single_row_does_not_end_the_cross_validation(
    prepared, classification, params, capsys
):
    """What no training row of a fold has, nothing could predict: it does not count."""
    path = prepared / "train.parquet"
    rows = pl.read_parquet(path).with_row_index()
    alone = pl.when(pl.col("index") == 0).then(pl.lit("alone")).otherwise(pl.col("label"))
    rows.with_columns(label=alone).drop("index").write_parquet(path)
    assert fit(prepared, classification, params).cross_validation["mean"] > 0.3
    assert "no cross-validated score" not in capsys.readouterr().err


def test_rows_of_unknown_split_are_refused(prepared, classification):
    """Where prepare does not say how it split, folds could leak: the message has the line."""
    (prepared / "provenance.json").write_text("{}", encoding="utf-8")
    with pytest.raises(UserError, match=r'Let .*prepare.py write "split": split.described'):
        read_prepared(prepared, classification)


def test_rows_that_train_leaves_out_are_refused(tmp_path, table, classification, params):
    """Folds by time need the time of each row that is trained on."""
    params.prepare.split, params.prepare.split_by = "time", "seen"
    params.train.search.method = "grid"
    params.train.search.ranges = {"LogisticRegression": {"C": Range(choices=[1.0])}}
    (tmp_path / "raw").mkdir()
    table.write_csv(tmp_path / "raw" / "rows.csv")
    prepare(tmp_path / "raw", classification, params.prepare, tmp_path / "prepared")
    rows = pd.read_parquet(tmp_path / "prepared" / "train.parquet")
    source = read_prepared(tmp_path / "prepared", classification)
    with pytest.raises(UserError, match=r"trains on 50 of the \d+ rows that prepare wrote"):
        train(rows[:50], classification, params.train, source)


def test_the_search_is_in_the_reports(run_pipeline, params, classification):
    """The trials are in reports/search.csv, the best in model.json, its score among the metrics."""
    params.train.search = Search.model_validate(
        params.train.search.model_dump()
        | {"method": "grid", "ranges": {"LogisticRegression": {"C": {"choices": [0.01, 1.0]}}}}
    )
    done = run_pipeline(params=params)
    rows = pd.read_csv(done.reports / "search.csv")
    best = json.loads(done.metadata.read_text("utf-8"))["training"]["search"]["best"]
    metrics = json.loads((done.reports / "metrics.json").read_text("utf-8"))
    assert len(rows) == 2
    assert rows["score"].max() == best["mean"] == metrics["cv_macro_f1"]
    assert rows["C"][rows["score"].idxmax()] == best["parameters"]["C"]


def test_an_interrupted_search_keeps_nothing(frame, classification, searching, monkeypatch, capsys):
    """Ctrl-C ends it with a sentence, and the next search is as if there had been none."""
    params = searching(n_neighbors=[1, 3, 5])
    whole = train(frame, classification, params)
    fits, usual = [], Progress.fitted

    def fitted(self):
        fits.append(1)
        if len(fits) == 4:
            raise KeyboardInterrupt
        usual(self)

    with monkeypatch.context() as interrupted:
        interrupted.setattr(Progress, "fitted", fitted)
        with pytest.raises(SystemExit) as ended:
            train(frame, classification, params)
    assert ended.value.code == training.INTERRUPTED
    assert "The search was interrupted; nothing of it is kept." in capsys.readouterr().err
    assert not scoring._loaded
    assert module.table(train(frame, classification, params).trials) == module.table(whole.trials)
