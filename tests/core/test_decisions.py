"""Calibration, thresholds and ensembles are words in params.yaml, and the model file holds them."""

import numpy as np
import pytest
from ruamel.yaml import YAML
from sklearn.linear_model import LogisticRegression

from made import NO_SEARCH
from modelkeep_core import fast_path, model_file, training
from modelkeep_core.errors import UserError
from modelkeep_core.files import read_model, write_json
from modelkeep_core.inputs import model_inputs
from modelkeep_core.params import Prepare, Search, Threshold, Train
from modelkeep_core.predictions import predict
from modelkeep_core.scoring import Prepared
from modelkeep_core.training import summary
from pipeline.train import train

pytestmark = pytest.mark.slow

COST = {"label": "high", "cost": {"false_positive": 1, "false_negative": 9}}


def wanted(estimator="LogisticRegression", **settings):
    """Return parameters that train an estimator without a search."""
    return Train(seed=1, estimator=estimator, search=Search(**NO_SEARCH), **settings)


@pytest.fixture
def two(frame):
    """Rows of two classes: "high" and others."""
    return frame.assign(label=np.where(frame["label"] == "low", "low", "high"))


@pytest.fixture
def kept(tmp_path):
    """Return a function that saves a trained model and loads it again."""

    def keep(fitted):
        model_file.save(fitted.model, tmp_path / "model.skops")
        return model_file.load(tmp_path / "model.skops")

    return keep


@pytest.mark.parametrize("method", ["sigmoid", "isotonic", "temperature"])
def test_probabilities_are_calibrated(frame, classification, kept, method):
    """The estimator is what it was, its probabilities are others, and the method is told."""
    plain = train(frame, classification, wanted())
    done = train(frame, classification, wanted(calibrate=method))
    model, inputs = kept(done), model_inputs(frame, classification)
    learnt = summary(done, len(frame))
    assert (learnt["estimator"], learnt["calibration"]) == ("LogisticRegression", method)
    assert learnt["parameters"] == summary(plain, len(frame))["parameters"]
    chances = predict(model, inputs).probabilities
    assert not np.allclose(chances, predict(plain.model, inputs).probabilities)
    assert np.array_equal(chances, predict(done.model, inputs).probabilities)
    assert fast_path.proof(model, classification, inputs)["exact"]


def test_a_threshold_decides(two, classification, kept):
    """A class is predicted where its probability is as high as wanted, and nowhere else."""
    threshold = Threshold(label="high", value=0.2)
    done = train(two, classification, wanted(threshold=threshold))
    model, inputs = kept(done), model_inputs(two, classification)
    predicted = predict(model, inputs)
    assert np.array_equal(predicted.predictions == "high", predicted.probabilities[:, 0] >= 0.2)
    learnt = summary(done, len(two))["threshold"]
    assert learnt == {"label": "high", "value": 0.2, "chosen": "fixed"}
    assert fast_path.proof(model, classification, inputs)["exact"]


def test_a_threshold_is_chosen_by_what_mistakes_cost(two, classification):
    """Where a missed "high" is dear, more rows are taken for it, by a threshold that is told."""
    done = train(two, classification, wanted(calibrate="sigmoid", threshold=COST))
    even = train(two, classification, wanted(calibrate="sigmoid"))
    inputs = model_inputs(two, classification)
    assert (done.model.predict(inputs) == "high").sum() > (
        even.model.predict(inputs) == "high"
    ).sum()
    learnt = summary(done, len(two))
    assert 0 < learnt["threshold"]["value"] < 0.5
    assert "a false negative 9" in learnt["threshold"]["chosen"]
    assert learnt["calibration"] == "sigmoid"


@pytest.mark.parametrize("method", ["sigmoid", "isotonic", "temperature"])
def test_calibration_and_threshold_are_learnt_from_the_same_models(
    two, classification, monkeypatch, method
):
    """One model of all rows and one of each fold, however many of the two are wanted."""
    fits, usual = [], LogisticRegression.fit
    monkeypatch.setattr(LogisticRegression, "fit", lambda *given: fits.append(1) or usual(*given))
    for settings in ({"calibrate": method}, {"calibrate": method, "threshold": COST}):
        fits.clear()
        train(two, classification, wanted(**settings))
        assert len(fits) == 6


@pytest.mark.parametrize("metric", ["balanced_accuracy", "macro_f1"])
def test_a_threshold_is_chosen_for_a_metric(two, classification, tmp_path, metric):
    """The same rows choose the same one, and the file is the same, byte for byte."""
    files = [tmp_path / name for name in ("a.skops", "b.skops")]
    for file in files:
        done = train(two, classification, wanted(threshold={"metric": metric}))
        model_file.save(done.model, file)
    assert files[0].read_bytes() == files[1].read_bytes()
    learnt = summary(done, len(two))["threshold"]
    assert learnt["label"] == "low"
    assert learnt["chosen"].startswith(f"best {metric} over 5 folds")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"threshold": {"label": "hihg", "value": 0.2}}, "no class 'hihg'.*did you mean 'high'"),
        ({"threshold": {"metric": "roc_auc"}}, "metric: 'roc_auc' says nothing of decisions"),
        ({"estimator": "LinearSVC", "threshold": {"value": 0.2}}, "gives no probabilities"),
    ],
)
def test_what_does_not_suit_is_refused(two, classification, settings, message):
    """The sentence names the parameter."""
    with pytest.raises(UserError, match=rf"params\.yaml: train\.threshold.*{message}|{message}"):
        train(two, classification, wanted(**settings))


def test_a_threshold_needs_two_classes(frame, classification):
    """Which of three classes it would decide between is not said."""
    with pytest.raises(UserError, match=r"train\.threshold: it needs a target of two classes"):
        train(frame, classification, wanted(threshold={"value": 0.2}))


HARD = {"VotingClassifier": {"estimators": ["GaussianNB", "LogisticRegression"]}}


def searched(*names, **settings):
    """Return parameters that search for the best of several estimators."""
    search = {**NO_SEARCH, "method": "grid", "folds": 2, "scoring": "accuracy"}
    search["estimators"] = [*names]
    return wanted(**settings).model_copy(update={"search": Search(**search)})


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (
            searched("GaussianNB", "LinearSVC", threshold={"value": 0.2}),
            "train.threshold: LinearSVC gives no probabilities. Add calibrate: sigmoid",
        ),
        (
            searched("GaussianNB", "LogisticRegression", threshold={"metric": "acuracy"}),
            "did you mean 'accuracy'",
        ),
        (
            searched("GaussianNB", "LogisticRegression", threshold={"label": "hihg", "value": 0.2}),
            "did you mean 'high'",
        ),
        (
            wanted("VotingClassifier", calibrate="sigmoid", **HARD),
            "train.calibrate: VotingClassifier gives neither probabilities nor scores. Leave it",
        ),
        (
            wanted("VotingClassifier", threshold={"value": 0.2}, **HARD),
            "VotingClassifier gives no probabilities. Choose another estimator",
        ),
    ],
)
def test_a_decision_that_no_model_can_take_is_refused_before_any_is_fitted(
    two, classification, monkeypatch, params, message
):
    """It would else be told when a search is at its end."""
    monkeypatch.setattr(training.search.Search, "run", None)
    with pytest.raises(UserError, match=message):
        train(two, classification, params)


@pytest.mark.parametrize("settings", [{"calibrate": "sigmoid"}, {"threshold": {"value": 0.2}}])
def test_a_regression_has_nothing_to_decide(frame, regression, settings):
    """It is refused, and not silently left out."""
    with pytest.raises(UserError, match="a regression has no classes"):
        train(frame, regression, wanted("Ridge", **settings))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (1.5, "threshold.value"),
        (True, "threshold: it is null, a number from 0 to 1, or a section .*not True"),
        ("half", "threshold: it is null, a number from 0 to 1, or a section .*not 'half'"),
        ({"cost": 5}, "threshold: cost: it is a section with the two numbers false_positive"),
        ({"cost": [[0, 1], [5, 0]]}, "threshold: cost: it is a section with the two numbers"),
        ({"cost": {"no": 1, "yes": 5}}, "threshold: cost: it is a section with the two numbers"),
        ({"label": "x"}, "it has one of value, metric and cost"),
        ({"cost": {"false_positive": 0, "false_negative": 0}}, "costs more than 0"),
        ({"cost": {"false_positive": 1, "false_negative": float("inf")}}, "a finite number"),
        ({"value": 0.1, "metric": "f1"}, "it has one of value, metric and cost"),
        ({"cots": {}}, r"unknown key 'cots' \(did you mean 'cost'\?\)"),
    ],
)
def test_a_mistyped_threshold_is_told_by_its_key(tmp_path, value, message):
    """As every parameter is."""
    YAML().dump({"value": 1, "threshold": value}, tmp_path / "params.yaml")
    with pytest.raises(UserError, match=message):
        read_model(tmp_path / "params.yaml", Threshold, "threshold")


def test_calibration_keeps_apart_what_the_split_keeps_apart(two, classification, tmp_path):
    """A model that knows each shop by heart is sure of it, and wrong about every other shop.

    Folds at random would show it shops that it knows; folds by group show what it is worth.
    """
    shops = np.arange(len(two)) // 4
    random = np.random.default_rng(3)
    label = np.where(random.random(shops.max() + 1) < 0.5, "low", "high")[shops]
    rows = two.assign(size=shops * 1.0, count=1, member=True, colour="red", shop=shops, label=label)
    rows.to_parquet(tmp_path / "train.parquet")
    sure = {}
    for split in ("random", "group"):
        how = Prepare(seed=1, test_size=0.5, split=split, split_by="shop")
        prepared = Prepared(tmp_path / "train.parquet", classification, how)
        params = wanted(
            "KNeighborsClassifier",
            calibrate="sigmoid",
            **{"KNeighborsClassifier": {"n_neighbors": 1}},
        )
        model = train(rows, classification, params, prepared).model
        sure[split] = model.predict_proba(model_inputs(rows, classification)).max()
    assert sure["random"] > 0.95
    assert sure["group"] < 0.75


def test_a_threshold_by_time_is_learnt_from_later_rows(two, classification, tmp_path):
    """Among the first rows a "high" is certain, and later it never is: the later ones count."""
    rows = two.sort_values("seen", ignore_index=True)
    early = np.arange(len(rows)) < 40
    random = np.random.default_rng(3)
    label = np.where(early | (random.random(len(rows)) < 0.2), "high", "low")
    label[:4] = "low"
    rows = rows.assign(label=label)
    rows.to_parquet(tmp_path / "train.parquet")
    chosen = {}
    for split in ("random", "time"):
        how = Prepare(seed=1, test_size=0.5, split=split, split_by="seen")
        prepared = Prepared(tmp_path / "train.parquet", classification, how)
        params = wanted(threshold={"label": "high", "metric": "accuracy"})
        done = train(rows, classification, params, prepared)
        chosen[split] = summary(done, len(rows))["threshold"]["value"]
    assert chosen["time"] > chosen["random"]


@pytest.mark.parametrize(
    ("split", "by", "message"),
    [
        ("group", "shop", "do not make so many"),
        ("time", "seen", "one of them lacks class 'high'"),
    ],
)
def test_folds_that_the_split_does_not_give_are_refused(
    two, classification, tmp_path, split, by, message
):
    """Of a single group, or where a class begins late; the sentence says what to do."""
    rows = two.sort_values("seen", ignore_index=True).assign(shop="one")
    rows["label"] = np.where(np.arange(len(rows)) < 100, "low", "high")
    rows.to_parquet(tmp_path / "train.parquet")
    how = Prepare(seed=1, test_size=0.5, split=split, split_by=by)
    prepared = Prepared(tmp_path / "train.parquet", classification, how)
    with pytest.raises(UserError, match=rf"train\.calibrate: .*{message}.*prepare\.split"):
        train(rows, classification, wanted(calibrate="sigmoid"), prepared)


VOTING = {"estimators": ["LogisticRegression", "RandomForestClassifier"], "voting": "soft"}
STACKING = {
    "estimators": ["LogisticRegression", "DecisionTreeClassifier", "lightgbm.LGBMClassifier"],
    "final_estimator": "LogisticRegression",
}


@pytest.mark.parametrize(
    ("name", "section"),
    [
        ("VotingClassifier", VOTING),
        ("StackingClassifier", STACKING),
        ("OneVsRestClassifier", {"estimator": "LogisticRegression"}),
        ("AdaBoostClassifier", {"estimator": "DecisionTreeClassifier"}),
    ],
)
def test_an_ensemble_names_what_it_is_built_of(
    frame, classification, kept, tmp_path, name, section
):
    """Each has the parameters of its own section and the seed, and the file holds them all."""
    inner = {"RandomForestClassifier": {"n_estimators": 3}, "LGBMClassifier": {"n_estimators": 3}}
    done = train(frame, classification, wanted(name, **{name: section}, **inner))
    model, inputs = kept(done), model_inputs(frame, classification)
    assert np.array_equal(model.predict(inputs), done.model.predict(inputs))
    learnt = summary(done, len(frame))
    write_json(tmp_path / "training.json", learnt)
    assert learnt["estimator"] == name


@pytest.mark.parametrize(
    ("name", "section", "message"),
    [
        ("VotingClassifier", {}, r"Name it in a section of its own: train\.VotingClassifier"),
        ("VotingClassifier", {"estimators": ["Ridge"]}, r"estimators: Ridge: .*no such classifier"),
        (
            "VotingClassifier",
            {"estimators": ["GaussianNB"] * 2},
            "each estimator stands there once",
        ),
        ("VotingClassifier", {"estimators": ["VotingClassifier"]}, "be built around itself"),
        ("VotingClassifier", {"estimators": [3]}, "3: it is no name of an estimator"),
        ("VotingClassifier", {"estimators": []}, r"estimators: \[\]: it is a list of names"),
        ("VotingClassifier", {"estimators": "GaussianNB"}, "GaussianNB: it is a list of names"),
        (
            "VotingClassifier",
            {"estimators": ["GaussianNB", "LinearSVC"], "voting": "soft"},
            "soft needs probabilities, which LinearSVC does not give. Choose voting: hard",
        ),
    ],
)
def test_an_ensemble_that_cannot_be_built_is_refused(frame, classification, name, section, message):
    """The sentence leads to the section."""
    with pytest.raises(UserError, match=message):
        train(frame, classification, wanted(name, **{name: section}))


@pytest.mark.parametrize("label", [True, "true", "True"])
def test_a_threshold_may_be_of_a_class_that_is_true(two, classification, label):
    """YAML reads true as a boolean, and a column of booleans has it as a class."""
    table = two.assign(label=(two["label"] == "high").to_numpy())
    threshold = Threshold.model_validate({"label": label, "value": 0.2})
    model = train(table, classification, wanted(threshold=threshold.model_dump())).model
    assert model[-1].pos_label is True
