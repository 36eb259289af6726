"""Training learns what is there to learn, to the same bytes, from training rows alone."""

import json
import os
import shutil
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from sklearn.metrics import accuracy_score, r2_score

from modelkeep_core import model_file, training
from modelkeep_core.errors import UserError
from modelkeep_core.files import write_json
from modelkeep_core.inputs import model_inputs
from modelkeep_core.training import Fitted
from pipeline import train as stage

pytestmark = pytest.mark.slow

ROOT = Path(stage.__file__).parents[1]
PLACES = (ROOT, Path(training.__file__).parents[1])
CLASSIFIERS = ["LogisticRegression", "RandomForestClassifier", "HistGradientBoostingClassifier"]
REGRESSORS = ["Ridge", "RandomForestRegressor", "HistGradientBoostingRegressor"]
EXACT = {
    "LogisticRegression": {"C": 1e6, "max_iter": 10_000},
    "RandomForestClassifier": {"bootstrap": False},
    "HistGradientBoostingClassifier": {"min_samples_leaf": 1},
    "Ridge": {"alpha": 1e-9},
    "RandomForestRegressor": {"bootstrap": False},
    "HistGradientBoostingRegressor": {"min_samples_leaf": 1, "learning_rate": 0.5},
}
FAST = {
    "RandomForestClassifier": {"n_estimators": 10},
    "RandomForestRegressor": {"n_estimators": 10},
    "HistGradientBoostingClassifier": {"max_iter": 12, "learning_rate": 0.3},
    "HistGradientBoostingRegressor": {"max_iter": 12, "learning_rate": 0.3},
}
THREADS = """
import hashlib, sys
from pathlib import Path
import numpy as np, pandas as pd
from modelkeep_core import model_file, training
from modelkeep_core.params import Train
from modelkeep_core.schema import Schema
from pipeline.train import train
out, *estimators = sys.argv[1:]
search = dict(method=None, folds=0, scoring="r2", seed=1, trials=1, batch=1, prune=False)
search |= dict(nested=False, estimators=[], ranges={})
random = np.random.default_rng(0)
names = [f"x{number}" for number in range(200)]
frame = pd.DataFrame(random.normal(size=(1500, 200)), columns=names)
y = frame["x0"] + frame["x1"] * frame["x2"] + random.normal(size=1500)
frame = frame.assign(y=y, label=np.array(["low", "mid", "high"])[np.digitize(y, [-0.5, 0.5])])
small = {"n_estimators": 3, "max_depth": 6}
for estimator in estimators:
    task, target, kind = "regression", "y", "number"
    if "Classifier" in estimator or "Logistic" in estimator:
        task, target, kind = "classification", "label", "category"
    sections = {estimator: small} if "Forest" in estimator else {}
    if "Hist" in estimator:
        sections = {estimator: {"max_iter": 3, "max_leaf_nodes": 8}}
    used = names[:10] if sections else names
    columns = {name: {"type": "number"} for name in used} | {target: {"type": kind}}
    schema = Schema(
        task=task, target=target, missing_values=[], duplicates=True, columns=columns
    )
    params = Train(seed=1, estimator=estimator, search=search, **sections)
    model_file.save(train(frame, schema, params)[0], Path(out))
    print(estimator, hashlib.sha256(Path(out).read_bytes()).hexdigest())
"""


@pytest.fixture
def trained(params):
    """Return a function that trains an estimator with parameters on a table."""

    def make(table, schema, estimator, **parameters):
        settings = params.train.model_copy(update={"estimator": estimator})
        settings.__pydantic_extra__ = {estimator: FAST.get(estimator, {}) | parameters}
        return stage.train(table, schema, settings)[0]

    return make


def schema_for(estimator, classification, regression):
    """Return the schema of the estimator's task."""
    return classification if estimator in CLASSIFIERS else regression


def clean_table(rows=24):
    """Return a few rows whose targets follow from "size" without any noise."""
    size = np.linspace(-1, 1, rows)
    return pd.DataFrame(
        {
            "size": size,
            "count": np.arange(rows) % 2,
            "member": np.arange(rows) % 3 == 0,
            "colour": np.where(np.arange(rows) % 4 < 2, "red", "blue"),
            "label": np.where(size > 0, "high", "low"),
            "price": 3 * size + 1,
        }
    )


@pytest.mark.parametrize("estimator", CLASSIFIERS + REGRESSORS)
def test_a_tiny_clean_set_is_learnt_by_heart(estimator, trained, classification, regression):
    """A model that is allowed to overfit has no error on a few rows without noise."""
    schema = schema_for(estimator, classification, regression)
    table = clean_table()
    predicted = trained(table, schema, estimator, **EXACT[estimator]).predict(
        model_inputs(table, schema)
    )
    if estimator in CLASSIFIERS:
        assert accuracy_score(table["label"], predicted) == 1
    else:
        assert r2_score(table["price"], predicted) > 0.9999


@pytest.mark.parametrize("estimator", CLASSIFIERS + REGRESSORS)
def test_a_model_beats_the_naive_guess(estimator, frame, trained, classification, regression):
    """On unseen rows, a model does far better than the commonest class or the mean."""
    schema = schema_for(estimator, classification, regression)
    seen, unseen = frame[:80], frame[80:]
    predicted = trained(seen, schema, estimator).predict(model_inputs(unseen, schema))
    if estimator in CLASSIFIERS:
        naive = unseen["label"].value_counts(normalize=True).max()
        assert accuracy_score(unseen["label"], predicted) > naive + 0.15
    else:
        assert r2_score(unseen["price"], predicted) > 0.5


@pytest.mark.parametrize("estimator", CLASSIFIERS + REGRESSORS)
def test_training_twice_gives_the_same_bytes(
    estimator, frame, trained, classification, regression, tmp_path
):
    """The same rows and params give the same file, bit for bit."""
    schema = schema_for(estimator, classification, regression)
    for name in ("one", "two"):
        model_file.save(trained(frame.copy(), schema, estimator), tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_the_number_of_threads_does_not_change_a_model(tmp_path):
    """One and two threads, in processes of their own, give the same bytes for every estimator."""
    script = tmp_path / "threads.py"
    script.write_text(THREADS, encoding="utf-8")
    started = []
    for number in ("1", "2"):
        limits = dict.fromkeys(["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"], number)
        command = [sys.executable, str(script), str(tmp_path / number), *CLASSIFIERS, *REGRESSORS]
        variables = (
            os.environ
            | limits
            | {"PYTHONPATH": os.pathsep.join(map(str, PLACES)), "OMP_WAIT_POLICY": "passive"}
        )
        started.append(
            subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        )
    first, two = (process.communicate(timeout=120)[0].split() for process in started)
    assert len(first) == 12
    assert first == two


@pytest.mark.parametrize("estimator", ["LogisticRegression", "Ridge"])
def test_the_order_of_training_rows_does_not_matter(
    estimator, frame, trained, classification, regression
):
    """Shuffled rows give a model with the same predictions."""
    schema = schema_for(estimator, classification, regression)
    inputs = model_inputs(frame, schema)
    models = [
        trained(rows, schema, estimator) for rows in (frame, frame.sample(frac=1, random_state=5))
    ]
    if estimator == "Ridge":
        predicted = [model.predict(inputs) for model in models]
    else:
        predicted = [model.predict_proba(inputs) for model in models]
    np.testing.assert_allclose(predicted[0], predicted[1], atol=1e-3)


@pytest.mark.parametrize("estimator", CLASSIFIERS + REGRESSORS)
def test_other_columns_and_their_order_do_not_matter(
    estimator, frame, trained, classification, regression, tmp_path
):
    """A table with its columns reversed and one that is no feature gives the same bytes."""
    schema = schema_for(estimator, classification, regression)
    other = frame[frame.columns[::-1]].assign(surplus=np.arange(len(frame)))
    model_file.save(trained(frame, schema, estimator), tmp_path / "one")
    model_file.save(trained(other, schema, estimator), tmp_path / "two")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_stronger_signal_gives_a_better_model(frame, trained, regression):
    """The less noise lies on the target, the better unseen rows are predicted."""
    noise = np.random.default_rng(0).normal(size=len(frame))
    scores = []
    for strength in (100, 30, 10, 0):
        table = frame.assign(price=frame["price"] + strength * noise)
        model = trained(table[:80], regression, "Ridge")
        predicted = model.predict(model_inputs(table[80:], regression))
        scores.append(r2_score(table["price"][80:], predicted))
    assert scores == sorted(scores)
    assert scores[-1] > scores[0] + 0.3


def test_a_larger_size_means_a_higher_price(frame, trained, regression):
    """The model has learnt in which direction a feature works."""
    inputs = model_inputs(frame, regression)
    model = trained(frame, regression, "Ridge")
    larger = inputs.assign(size=inputs["size"] + 1)
    listed = inputs["size"].notna()
    assert (model.predict(larger)[listed] > model.predict(inputs)[listed]).all()


def test_training_does_not_modify_its_table(frame, trained, classification):
    """The rows are the same after training."""
    before = frame.copy(deep=True)
    trained(frame, classification, "LogisticRegression")
    assert_frame_equal(frame, before)


def test_the_seed_decides_what_is_left_to_chance(frame, params, classification):
    """Another seed grows another forest, the same seed the same one."""
    params.train.estimator = "RandomForestClassifier"
    inputs = model_inputs(frame, classification)
    predicted = []
    for seed in (1, 1, 2):
        params.train.seed = seed
        predicted.append(stage.train(frame, classification, params.train)[0].predict_proba(inputs))
    assert (predicted[0] == predicted[1]).all()
    assert (predicted[0] != predicted[2]).any()


@pytest.mark.parametrize("parameters", [{"C": -1}, {"C": "much"}, {"solver": "magic"}])
def test_a_value_that_scikit_learn_does_not_take_is_refused(
    frame, trained, classification, parameters
):
    """The message has scikit-learn's reason, and where the value stands, in one line."""
    with pytest.raises(UserError, match="LogisticRegression cannot be trained: ") as refused:
        trained(frame, classification, "LogisticRegression", **parameters)
    assert next(iter(parameters)) in str(refused.value)
    assert "are in train.LogisticRegression of params.yaml." in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("kind", ["integer", "boolean"])
def test_classes_may_be_numbers_or_booleans(frame, trained, classification, kind):
    """A target of another type than text is predicted in its own type."""
    classification.columns["label"].type = kind
    classification.columns["label"].values = None
    target = frame["label"] == "low"
    table = frame.assign(label=target.astype(int) if kind == "integer" else target)
    predicted = trained(table, classification, "LogisticRegression").predict(
        model_inputs(table, classification)
    )
    assert predicted.dtype == table["label"].dtype
    assert accuracy_score(table["label"], predicted) > 0.8


def test_the_summary_says_how_the_model_was_made(frame, params, classification):
    """Estimator, all its parameters, preprocessing, classes and rows are recorded."""
    fitted = stage.train(frame, classification, params.train)
    summary, model = training.summary(fitted, len(frame)), fitted.model
    assert summary["estimator"] == "LogisticRegression"
    assert summary["parameters"]["random_state"] == 1
    assert set(summary["parameters"]) == set(model["model"].get_params())
    assert summary["classes"] == ["high", "low", "mid"]
    assert [group["columns"] for group in summary["preprocessing"]] == [
        ["size", "count", "member"],
        ["colour"],
    ]
    assert summary["rows"] == 120
    assert summary["search"] is None
    assert summary["warnings"] == []


@pytest.mark.parametrize(
    ("estimator", "parameters"),
    [
        ("LogisticRegression", {"C": float("inf")}),
        ("AdaBoostClassifier", {}),
        ("MLPClassifier", {"hidden_layer_sizes": [3], "max_iter": 20}),
    ],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_summary_of_any_parameter_is_json(
    frame, trained, classification, tmp_path, estimator, parameters
):
    """A parameter that scikit-learn takes can be recorded, even an infinite one."""
    model = trained(frame, classification, estimator, **parameters)
    write_json(tmp_path / "summary.json", training.summary(Fitted(model, None, []), len(frame)))


def test_the_stage_never_sees_a_test_row(run, tmp_path, monkeypatch):
    """Without the test rows the stage writes the same bytes, so nothing of them leaks in."""
    copy = shutil.copytree(run.directory, tmp_path / "copy")
    (copy / "prepared" / "test.parquet").unlink()
    monkeypatch.chdir(copy)
    paths = {"prepared": "prepared", "schema": "schema.yaml", "params": "params.yaml"}
    stage.main(Namespace(out=Path("again"), **{name: Path(path) for name, path in paths.items()}))
    names = {path.name for path in run.models.iterdir()}
    assert names == {"model.skops", "training.json", "example.json", "search.csv"}
    for name in names:
        assert (copy / "again" / name).read_bytes() == (run.models / name).read_bytes()


@pytest.mark.parametrize("pipeline", ["run", "regression_run"])
def test_the_recorded_summary_is_that_of_the_saved_model(pipeline, request):
    """training.json describes the model that lies beside it."""
    models = request.getfixturevalue(pipeline).models
    summary = json.loads((models / "training.json").read_text(encoding="utf-8"))
    model = model_file.load(models / "model.skops")
    validated = summary["cross_validation"]
    assert summary == training.summary(Fitted(model, None, [], validated), 90)
