"""Metrics of a project's own are taken from its modules, or from a package that is vouched for."""

import re
import sys
from types import MappingProxyType

import numpy as np
import pytest
from ruamel.yaml import YAML

from made import NO_SEARCH
from modelkeep_core.errors import UserError
from modelkeep_core.evaluation import evaluate
from modelkeep_core.metric_names import declared
from modelkeep_core.metrics import ScoredRows, headline_metric, scores
from modelkeep_core.own_metrics import check_headline, own_metrics, packaged_metrics
from modelkeep_core.params import Prepare, Search, Train
from modelkeep_core.scoring import Prepared, scoring_of
from pipeline.train import train

MODULE = """\
from modelkeep_core.metrics import Metric


def cost(tested):
    return 5 * (tested.actual != tested.predicted).mean()


METRICS = {"cost": Metric(cost, higher_is_better=False)}
"""
PARAMS = "evaluate:\n  headline: {}\n"


def four_rows():
    """Return four rows, one of them wrong."""
    chances = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.3, 0.7]])
    return ScoredRows(np.array([0, 1, 1, 1]), np.array([0, 1, 0, 1]), chances, ("no", "yes"))


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Return a function that writes the module `mine` of a project and makes it importable."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(text=MODULE):
        sys.modules.pop("mine", None)
        (tmp_path / "mine.py").write_text(text, encoding="utf-8")
        return tmp_path

    yield write
    sys.modules.pop("mine", None)


def test_a_metric_of_ones_own_scores_like_any_other(module):
    """It is among the scores, can be the headline, and says which way is better."""
    module()
    own = own_metrics(["mine"])
    assert scores("classification", four_rows(), own)["cost"] == 1.25
    metric = headline_metric("cost", "classification", four_rows(), own)
    assert (metric.higher_is_better, metric.module) == (False, "mine")


def test_evaluation_says_which_modules_scored_the_model(module, frame, classification, run):
    """The headline is the own metric, with an interval, and its module is named for the package."""
    from modelkeep_core import model_file
    from modelkeep_core.params import Evaluate

    module()
    params = Evaluate(
        seed=1, headline="cost", resamples=9, confidence=0.9, importance_repeats=0, group_by=None
    )
    model = model_file.load(run.models / "model.skops")
    done, _ = evaluate(model, frame, frame, classification, params, own_metrics(["mine"]))
    assert done["headline"]["metric"] == "cost"
    assert done["headline"]["value"] == done["test"]["cost"]
    assert done["code"] == ["mine"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\n", "mine has no METRICS"),
        ('METRICS = {"cost": len}\n', "mine: METRICS: 'cost' is no Metric"),
        (MODULE.replace('"cost"', '"a b"'), "mine: METRICS: 'a b': a name has"),
        (MODULE.replace('"cost"', '"accuracy"'), "there is a metric 'accuracy' already"),
    ],
)
def test_a_module_that_cannot_be_used_is_named(module, text, message):
    """What is wrong with METRICS is told by the module and the name."""
    module(text)
    with pytest.raises(UserError, match=message):
        own_metrics(["mine"])


def test_a_module_that_is_not_there_is_named_with_the_hook():
    """The message leads to the line of pyproject.toml."""
    with pytest.raises(UserError, match=r"tool\.modelkeep\.metrics: nowhere\.mine cannot be"):
        own_metrics(["nowhere.mine"])


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("1 / 0", "mine: metric 'cost' failed: ZeroDivisionError"),
        ("None", "mine: metric 'cost' returned NoneType, and a number is wanted"),
        ("tested.place_of('maybe')", r"there is no class 'maybe'; there are no, yes\. Where"),
    ],
)
def test_a_metric_that_fails_is_a_sentence(module, code, message):
    """It names the module, the metric and the failure, and is no traceback."""
    module(MODULE.replace("5 * (tested.actual != tested.predicted).mean()", code))
    with pytest.raises(UserError, match=message):
        scores("classification", four_rows(), own_metrics(["mine"]))


@pytest.fixture
def searching(module, monkeypatch):
    """Return the params of a search that is scored by what a module of the project says."""
    monkeypatch.chdir(module())
    values = {"folds": 2, "method": "grid", "scoring": "cost"}
    values["ranges"] = {"KNeighborsClassifier": {"n_neighbors": {"choices": [1, 60]}}}
    search = Search.model_validate(NO_SEARCH | values)
    return Train(seed=1, estimator="KNeighborsClassifier", search=search)


def test_a_search_is_scored_by_a_metric_of_ones_own(frame, classification, searching):
    """What costs least wins, and its cost is the cross-validated score."""
    done = train(frame, classification, searching, metrics=["mine"])
    costs = [trial.mean for trial in done.trials]
    assert done.searched["best"]["mean"] == min(costs) < max(costs)
    assert done.cross_validation["scoring"] == "cost"
    assert done.cross_validation["higher_is_better"] is False


def test_a_metric_that_fails_ends_the_training(frame, classification, searching, module, tmp_path):
    """Without a search as well: its code is wrong, and not the folds."""
    module(MODULE.replace("5 * (tested.actual != tested.predicted).mean()", "1 / 0"))
    frame.to_parquet(tmp_path / "train.parquet")
    how = Prepare(seed=1, test_size=0.5, split="random", split_by=None)
    prepared = Prepared(tmp_path / "train.parquet", classification, how)
    searching.search.method = None
    with pytest.raises(UserError, match="mine: metric 'cost' failed: ZeroDivisionError"):
        train(frame, classification, searching, prepared, metrics=["mine"])


def test_a_mistyped_scoring_is_refused_before_anything_is_fitted(searching, module):
    """It is told with own metrics among those that there are, and the module is not run."""
    module(f"raise SystemExit\n{MODULE}")
    with pytest.raises(UserError, match=r"no metric 'costs'.*did you mean 'cost'.*roc_auc, cost"):
        scoring_of("costs", "classification", ["mine"])


def test_what_is_no_metric_of_ones_own_runs_no_code(searching, module):
    """A scorer of scikit-learn needs no module, so that none becomes a part of the recipe."""
    module(f"raise SystemExit\n{MODULE}")
    with pytest.raises(UserError, match=r"has no metric 'r2'\. It has accuracy"):
        scoring_of("r2", "classification", ["mine"])
    assert scoring_of("f1_macro", "classification", ["mine"]).higher_is_better


@pytest.mark.parametrize("headline", ["f1", "costs"])
def test_a_mistyped_headline_is_refused_before_training(module, headline):
    """It is told with the metrics that there are, and nothing of the project is run."""
    root = module(f"raise SystemExit\n{MODULE}")
    (root / "params.yaml").write_text(PARAMS.format(headline), encoding="utf-8")
    with pytest.raises(UserError, match=rf"no metric '{headline}'.*roc_auc, cost"):
        check_headline(root / "params.yaml", "classification", root, ["mine"])


@pytest.mark.parametrize("text", [PARAMS.format("cost"), PARAMS.format("roc_auc"), "train: {}\n"])
def test_a_headline_that_exists_or_is_anothers_passes(module, text):
    """An own metric, one of the task, and a file in which another stage has the headline."""
    root = module()
    (root / "params.yaml").write_text(text, encoding="utf-8")
    check_headline(root / "params.yaml", "classification", root, ["mine"])


CERTAIN = MODULE.replace("False", "False, needs_probabilities=True")
HARD = {"VotingClassifier": {"estimators": ["GaussianNB", "LogisticRegression"]}}
HINGE = {"SGDClassifier": {"loss": {"choices": ["hinge", "perceptron"]}}}
SOFT = {"SGDClassifier": {"loss": {"choices": ["hinge", "log_loss"]}}}


def tuned(*names, ranges=MappingProxyType({})):
    """Return the settings of a search over estimators."""
    search = {**NO_SEARCH, "method": "grid", "folds": 2, "estimators": [*names]}
    search["ranges"] = {**ranges}
    return {"estimator": "LogisticRegression", "search": search}


def write_params(root, headline, **train):
    """Write params.yaml with a headline, and settings of training."""
    section = {"seed": 1, "estimator": "LogisticRegression", "search": NO_SEARCH, **train}
    YAML().dump({"train": section, "evaluate": {"headline": headline}}, root / "params.yaml")
    return root / "params.yaml"


@pytest.mark.parametrize(
    ("headline", "train", "message"),
    [
        ("log_loss", {"estimator": "LinearSVC"}, "LinearSVC .*, or set train.calibrate: sigmoid"),
        ("roc_auc", {"estimator": "RidgeClassifier"}, "RidgeClassifier does not give"),
        ("cost", {"estimator": "Perceptron"}, "needs probabilities, which Perceptron"),
        ("log_loss", {"estimator": "VotingClassifier", **HARD}, r"or another estimator\.$"),
        ("log_loss", tuned("GaussianNB", "LinearSVC"), "which LinearSVC does not give"),
        ("log_loss", tuned("SGDClassifier", ranges=HINGE), "which SGDClassifier does not give"),
    ],
)
def test_a_headline_without_the_probabilities_that_it_needs_is_refused_before_training(
    module, headline, train, message
):
    """The sentence names the key, the estimator and what to do."""
    root = module(CERTAIN)
    path = write_params(root, headline, **train)
    with pytest.raises(
        UserError, match=rf"params\.yaml: evaluate\.headline: {headline} .*{message}"
    ):
        check_headline(path, "classification", root, ["mine"])


@pytest.mark.parametrize(
    ("headline", "train"),
    [
        ("accuracy", {"estimator": "LinearSVC"}),
        ("log_loss", {"estimator": "LinearSVC", "calibrate": "sigmoid"}),
        ("log_loss", tuned("GaussianNB")),
        ("log_loss", tuned("SGDClassifier", ranges=SOFT)),
        (
            "log_loss",
            {"estimator": "StackingClassifier"} | {"StackingClassifier": HARD["VotingClassifier"]},
        ),
        ("log_loss", {"estimator": "OneOfTheirOwn"}),
        ("log_loss", {"estimator": "LinearSVC", "own_key": 1}),
    ],
)
def test_a_headline_with_probabilities_or_parameters_of_ones_own_passes(module, headline, train):
    """So does an estimator that gives some once it is calibrated, searched or fitted."""
    root = module()
    path = write_params(root, headline, **train)
    check_headline(path, "classification", root, ["mine"])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("confidence: 95", "evaluate.confidence: input should be less than 1, not 95"),
        ("resamples: many", "evaluate.resamples: input should be a valid integer"),
        ("headline: [cost]", "evaluate.headline: input should be a valid string"),
    ],
)
def test_what_evaluate_cannot_use_is_refused_before_training(module, line, message):
    """Whoever waited for a model would else be told when it is there."""
    root = module()
    text = f"evaluate:\n  own_key: 1\n  {line}\n"
    (root / "params.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=re.escape(message)) as refused:
        check_headline(root / "params.yaml", "classification", root, ["mine"])
    assert "own_key" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (MODULE, {"cost": False}),
        (MODULE.replace("False", "False, needs_probabilities=True"), {"cost": True}),
        ("METRICS: dict[str, int] = {}\n", {}),
        (MODULE + 'METRICS["more"] = METRICS["cost"]\n', None),
        ("METRICS = dict(cost=1)\n", None),
        ("METRICS = {\n", None),
    ],
)
def test_names_are_read_where_they_are_spelt_out(module, text, names):
    """Where they are not, nothing is claimed."""
    assert declared(module(text), ["mine"]) == names


def test_a_package_scores_with_the_code_that_it_carries(module, tmp_path):
    """Only where somebody vouches for it, and not with what the work tree has."""
    module(MODULE.replace("5 *", "7 *"))
    (tmp_path / "package" / "code").mkdir(parents=True)
    (tmp_path / "package" / "code" / "mine.py").write_text(MODULE, encoding="utf-8")
    metadata = {"metrics": {"code": ["mine"]}}
    with pytest.raises(UserError, match=r"metrics of its own \(mine\).*--trust-code"):
        packaged_metrics(tmp_path / "package", metadata, trust_code=False)
    own = packaged_metrics(tmp_path / "package", metadata, trust_code=True)
    assert own["cost"].score(four_rows()) == 1.25


def test_a_package_of_before_has_no_metrics_of_its_own(tmp_path):
    """The key is newer than the first packages, and nothing needs to be trusted without it."""
    assert packaged_metrics(tmp_path, {"metrics": {}}, trust_code=False) == {}
