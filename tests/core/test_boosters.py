"""LightGBM and XGBoost by dotted names: trained, saved to stable bytes, loaded, and predicting."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest
from ruamel.yaml import YAML
from sklearn.base import clone

from made import NO_SEARCH
from modelkeep_core import fast_path, model_file
from modelkeep_core.boosters import BOOSTERS, TRUSTED, class_name
from modelkeep_core.errors import UserError
from modelkeep_core.estimators import build
from modelkeep_core.inputs import model_inputs
from modelkeep_core.params import Search, Train
from modelkeep_core.predictions import predict
from modelkeep_core.training import summary
from pipeline.train import train

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "boosters.md"
SMALL = {"n_estimators": 5}


def task_of(name):
    """Return the task of a booster."""
    return "classification" if name.endswith("Classifier") else "regression"


@pytest.fixture
def fitted(frame, classification, regression):
    """Return a function that trains a booster by its name."""

    def fit(name, **parameters):
        schema = classification if task_of(name) == "classification" else regression
        section = {class_name(name): {**SMALL, **parameters}}
        params = Train(seed=1, estimator=name, search=Search(**NO_SEARCH), **section)
        return train(frame, schema, params), schema

    return fit


@pytest.mark.parametrize("name", BOOSTERS)
def test_what_is_loaded_predicts_what_was_trained(fitted, frame, name, tmp_path):
    """Classes are text, a cell is missing, and every bit of what is predicted is the same."""
    done, schema = fitted(name)
    model_file.save(done.model, tmp_path / "model.skops")
    loaded = model_file.load(tmp_path / "model.skops")
    inputs = model_inputs(frame, schema)
    for new, old in zip(predict(loaded, inputs), predict(done.model, inputs), strict=True):
        assert np.array_equal(new, old)
    if task_of(name) == "classification":
        assert loaded.classes_.tolist() == ["high", "low", "mid"]
        assert set(loaded.predict(inputs)) <= {"high", "low", "mid"}
    assert summary(done, len(frame))["estimator"] == class_name(name)


@pytest.mark.parametrize("name", BOOSTERS)
def test_the_number_of_threads_is_not_in_the_file(fitted, name, tmp_path):
    """Trained with one thread or with two, it is the same file."""
    for threads in (1, 2):
        done, _ = fitted(name, n_jobs=threads)
        model_file.save(done.model, tmp_path / f"{threads}.skops")
    assert (tmp_path / "1.skops").read_bytes() == (tmp_path / "2.skops").read_bytes()


@pytest.mark.parametrize("name", BOOSTERS)
def test_the_fast_path_is_exact(fitted, frame, name):
    """A booster is served around pandas too, bit for bit."""
    done, schema = fitted(name)
    assert fast_path.proof(done.model, schema, model_inputs(frame, schema))["exact"]


@pytest.mark.parametrize("name", BOOSTERS)
def test_asking_for_parameters_neither_changes_nor_writes_the_model(fitted, name, monkeypatch):
    """A search can clone a booster with threads, and a prediction does not cost a whole model."""
    model = fitted(name, n_jobs=1)[0].model[-1]
    kind = next(base for base in type(model).__mro__ if "__getstate__" in vars(base))
    monkeypatch.setattr(kind, "__getstate__", None)
    assert model.get_params()["n_jobs"] == 1
    monkeypatch.undo()
    assert clone(model).get_params() == model.get_params()


def test_the_page_shows_what_can_be_trained_and_what_installs_it(frame, classification):
    """Its params are trained as they stand; its packages and classes are those that there are.

    Its commands need an index, so that no test types them.
    """
    text = PAGE.read_text("utf-8")
    toml, yaml = (re.search(rf"```{kind}\n(.*?)```", text, re.S)[1] for kind in ("toml", "yaml"))
    section = YAML(typ="safe").load(yaml)["train"]
    params = Train(seed=1, search=Search(**NO_SEARCH), **section)
    assert train(frame, classification, params).model[-1].n_estimators == 300
    assert {package for _, package in BOOSTERS.values()} <= {*re.findall(r'"([\w-]+)>=', toml)}
    assert all(f"`{name}`" in text for name in BOOSTERS)


def test_two_classes_are_told_by_their_names(frame):
    """XGBoost has another objective for two classes, and they are text as well."""
    rows = frame[frame["label"] != "mid"]
    model = build("xgboost.XGBClassifier", {"XGBClassifier": SMALL}, "classification", seed=1)
    numbers = rows[["price"]].to_numpy(float)
    model.fit(numbers, rows["label"])
    assert set(model.predict(numbers)) == {"high", "low"}
    assert model.predict_proba(numbers).shape == (len(rows), 2)


def test_the_loader_trusts_the_boosters_and_nothing_of_their_packages():
    """The types are ours: their state is text or bytes that the package's own parser reads."""
    assert all(name.startswith("modelkeep_core.booster_") for name in TRUSTED)
    assert set(TRUSTED) <= set(model_file.TRUSTED)


@pytest.mark.parametrize(
    ("name", "task", "message"),
    [
        ("lightgbm.LGBMClasifier", "classification", "did you mean 'lightgbm.LGBMClassifier'"),
        ("lightgbm.LGBMClassifier", "regression", "no estimator for a regression"),
        ("catboost.CatBoostClassifier", "classification", "CatBoost is left out"),
        ("os.system", "classification", "no estimator for a classification"),
        ("sklearn.svm.SVC", "classification", r"no estimator .*\. Write SVC alone\. Beside"),
        ("LGBMClassifier", "classification", "did you mean 'lightgbm.LGBMClassifier'"),
    ],
)
def test_a_name_that_is_not_allowed_is_refused(name, task, message):
    """No package is imported because params.yaml names it."""
    with pytest.raises(UserError, match=rf"train\.estimator: {name}") as refused:
        build(name, {}, task, seed=1)
    refused.match(message)


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"lightgbm.LGBMClassifier": {}}, "a section has the class name alone: LGBMClassifier"),
        ({"LGBMClassifier": {"num_leafs": 3}}, "no parameter 'num_leafs'.*'num_leaves'"),
        ({"LGBMClassifier": {"output_model": "x"}}, "no parameter 'output_model'"),
        ({"LGBMClassifier": {"deterministic": False}}, "no parameter 'deterministic'"),
    ],
)
def test_a_section_that_cannot_be_used_is_refused(section, message):
    """A slip is told with the nearest, and nothing reads or writes a file or is left to chance."""
    with pytest.raises(UserError, match=message):
        build("lightgbm.LGBMClassifier", section, "classification", seed=1)


@pytest.mark.parametrize(("name", "package"), [(name, BOOSTERS[name][1]) for name in BOOSTERS])
def test_a_package_that_is_missing_is_told_with_the_line_to_add(monkeypatch, name, package):
    """It is one sentence, and says what to write where."""
    monkeypatch.setitem(sys.modules, name.partition(".")[0], None)
    monkeypatch.delitem(sys.modules, BOOSTERS[name][0], raising=False)
    with pytest.raises(UserError, match=rf'Add "{package}" to dependencies in pyproject\.toml'):
        build(name, {}, task_of(name), seed=1)


def test_a_model_whose_package_is_missing_says_what_to_install(fitted, monkeypatch, tmp_path):
    """Who loads it elsewhere gets a sentence."""
    done, _ = fitted("lightgbm.LGBMRegressor")
    model_file.save(done.model, tmp_path / "model.skops")
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    monkeypatch.delitem(sys.modules, "modelkeep_core.booster_lightgbm")
    with pytest.raises(UserError, match=r"holds a model of lightgbm, which is not installed"):
        model_file.load(tmp_path / "model.skops")
