"""Each estimator of scikit-learn is trained, scored, saved and asked, or refused in a sentence."""

import numpy as np
import pandas as pd
import pytest
from sklearn.utils.discovery import all_estimators

from made import NO_SEARCH
from modelkeep_core import evaluation, fast_path, model_file
from modelkeep_core.errors import UserError
from modelkeep_core.estimators import build
from modelkeep_core.example import example
from modelkeep_core.files import write_json
from modelkeep_core.inputs import inputs_from_rows, model_inputs
from modelkeep_core.params import Evaluate, Range, Train
from modelkeep_core.predictions import predict
from modelkeep_core.probabilities import gives_probabilities
from modelkeep_core.schema import Schema
from modelkeep_core.training import summary
from pipeline.train import train

pytestmark = pytest.mark.slow

ROWS, TRAINING = 90, 70
TARGETS = {"classification": "label", "regression": "price"}
KINDS = {"classification": "classifier", "regression": "regressor"}
HEADLINES = {"classification": "macro_f1", "regression": "rmse"}
EVERY = [
    (task, name) for task, kind in KINDS.items() for name, _ in all_estimators(type_filter=kind)
]
# What the sentence says where an estimator does not suit the table
REFUSED = {
    "is built around another estimator": {
        *("ClassifierChain", "FixedThresholdClassifier", "MultiOutputClassifier"),
        *("OneVsOneClassifier", "OneVsRestClassifier", "OutputCodeClassifier"),
        *("StackingClassifier", "TunedThresholdClassifierCV", "VotingClassifier"),
        *("MultiOutputRegressor", "RegressorChain", "StackingRegressor", "VotingRegressor"),
    },
    "Negative values": {"CategoricalNB", "ComplementNB", "MultinomialNB"},
    "not full rank": {"QuadraticDiscriminantAnalysis"},
    "must be an object implementing 'fit'": {"SelfTrainingClassifier"},
    "n_components": {"CCA", "PLSCanonical"},
    "out of the valid range": {"GammaRegressor", "PoissonRegressor"},
    "1 feature": {"IsotonicRegression"},
    "mono-task": {"MultiTaskElasticNet", "MultiTaskElasticNetCV"}
    | {"MultiTaskLasso", "MultiTaskLassoCV"},
    "No neighbors found": {"RadiusNeighborsClassifier"},
    "has no number for 20 of 20 rows": {
        *("LabelPropagation", "LabelSpreading", "RadiusNeighborsRegressor"),
    },
}
SENTENCES = {name: sentence for sentence, names in REFUSED.items() for name in names}


def table():
    """Return rows of numbers and categories, the last of them far from all others."""
    random = np.random.default_rng(0)
    amount = random.normal(size=ROWS)
    size = random.integers(0, 9, ROWS)
    rows = pd.DataFrame({"amount": amount, "size": size, "kind": [*"xyz"] * (ROWS // 3)})
    rows.loc[TRAINING:, "size"] += 50
    label = np.where(amount + random.normal(size=ROWS) * 0.3 > 0, "high", "low")
    return rows.assign(label=label, price=(10 * amount + size).round().astype(int))


def contract(task):
    """Return the schema of one of the targets."""
    kind = "category" if task == "classification" else "integer"
    types = {"amount": "number", "size": "integer", "kind": "category", TARGETS[task]: kind}
    columns = {name: {"type": type_, "missing": name == "amount"} for name, type_ in types.items()}
    return Schema(
        task=task, target=TARGETS[task], missing_values=[], duplicates=True, columns=columns
    )


def settings(estimator, **parameters):
    """Return parameters that train an estimator without a search."""
    return Train(seed=1, estimator=estimator, search=NO_SEARCH, **{estimator: parameters})


def made(task, params, out):
    """Train, save, load and score a model as the stages do; return it with the evaluation."""
    rows, schema = table(), contract(task)
    scoring = Evaluate(
        seed=1,
        headline=HEADLINES[task],
        resamples=10,
        confidence=0.9,
        importance_repeats=0,
        group_by=None,
    )
    fitted = train(rows[:TRAINING], schema, params)
    model_file.save(fitted.model, out / "model.skops")
    model = model_file.load(out / "model.skops")
    write_json(out / "training.json", summary(fitted, TRAINING))
    write_json(out / "example.json", example(model, rows[:TRAINING], schema))
    with evaluation.one_thread():
        scores, _ = evaluation.evaluate(model, rows[:TRAINING], rows[TRAINING:], schema, scoring)
    write_json(out / "evaluation.json", scores)
    return model, scores


def assert_rows_are_answered_alone(model, rows, schema):
    """Compare the answers to many rows with those to one row, and to some of them, in bits."""
    many = pd.concat([rows] * 5, ignore_index=True).sample(frac=1, random_state=0)
    together = predict(model, model_inputs(many, schema))
    values = many[list(schema.features)].astype(object).to_numpy().tolist()
    for part in (slice(0, 1), slice(37, 38), slice(20, 33), slice(0, 70)):
        some = predict(model, inputs_from_rows(values[part], schema))
        for answers, of_all in zip(some, together, strict=True):
            assert answers is None or answers.tobytes() == of_all[part].tobytes()


@pytest.mark.parametrize(("task", "estimator"), EVERY, ids=[name for _, name in EVERY])
def test_an_estimator_works_or_is_refused(task, estimator, tmp_path):
    """Its scores are those of numbers, and each row gets, to the bit, what it gets alone."""
    if estimator in SENTENCES:
        with pytest.raises(UserError, match=SENTENCES[estimator]):
            made(task, settings(estimator), tmp_path)
        return
    model, scores = made(task, settings(estimator), tmp_path)
    if task == "classification":
        unfitted = build(estimator, {}, task, 1)
        assert gives_probabilities(unfitted) == hasattr(model, "predict_proba")
    assert 0 <= scores["headline"]["value"] < 100
    schema = contract(task)
    rows = table()[TRAINING:].reset_index(drop=True)
    assert_rows_are_answered_alone(model, rows, schema)
    proof = fast_path.proof(model, schema, model_inputs(table()[:TRAINING], schema))
    write_json(tmp_path / "proof.json", proof)


def test_an_estimator_that_leaves_rows_out_works_where_it_is_told_what_to_say(tmp_path):
    """The remedy of the sentence helps: a class for rows that are far from all others."""
    params = settings("RadiusNeighborsClassifier", outlier_label="most_frequent")
    _, scores = made("classification", params, tmp_path)
    assert 0 < scores["headline"]["value"] <= 1


@pytest.mark.parametrize("enabled", [False, True])
def test_what_an_estimator_warns_of_is_kept(enabled, capsys):
    """A fit that did not converge says so on the terminal and in the summary, once."""
    params = settings("MLPClassifier", max_iter=2)
    params.search.method = "grid" if enabled else None
    params.search.folds = 2 if enabled else 0
    params.search.scoring = "accuracy"
    params.search.ranges = {"MLPClassifier": {"alpha": Range(choices=[0.1, 0.2])}}
    fitted = train(table(), contract("classification"), params)
    assert len(fitted.warnings) == 1
    assert fitted.warnings[0].startswith("MLPClassifier: Stochastic Optimizer: Maximum iterations")
    assert summary(fitted, ROWS)["warnings"] == fitted.warnings
    assert capsys.readouterr().err == f"warning: {fitted.warnings[0]}\n"
