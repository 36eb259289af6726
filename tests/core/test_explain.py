"""Contributions add up to the score that was predicted, or there are none."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from made import NO_SEARCH
from modelkeep_core.errors import UserError
from modelkeep_core.estimators import build
from modelkeep_core.explain import explain, unexplainable
from modelkeep_core.inputs import model_inputs
from modelkeep_core.params import Search, Train
from modelkeep_core.preprocessing import Feature, preprocessor
from modelkeep_core.schema import Schema
from pipeline.train import train

FEATURES = ["size", "count", "member", "colour"]


def double(columns):
    """Return twice the size."""
    return columns["size"] * 2


@pytest.fixture
def fitted(frame, classification, regression):
    """Return a function that trains an estimator, and gives its pipeline and inputs."""

    def fit(name, rows=frame, **settings):
        task = "regression" if name.endswith("Regressor") or name == "Ridge" else "classification"
        schema = classification if task == "classification" else regression
        params = Train(seed=1, estimator=name, search=Search(**NO_SEARCH), **settings)
        return train(rows, schema, params).model, model_inputs(rows, schema)

    return fit


def test_contributions_to_a_number_add_up_to_it(fitted):
    """Of a linear model, base and contributions are the prediction."""
    model, inputs = fitted("Ridge")
    why = explain(model, inputs)
    assert sorted(why.names) == sorted(FEATURES)
    assert np.allclose(why.base + why.contributions.sum(axis=1), model.predict(inputs))


@pytest.mark.parametrize("name", ["lightgbm.LGBMRegressor", "xgboost.XGBRegressor"])
def test_contributions_of_trees_add_up_to_the_number(fitted, name):
    """As exactly as the booster itself predicts."""
    model, inputs = fitted(name)
    why = explain(model, inputs)
    assert np.allclose(why.base + why.contributions.sum(axis=1), model.predict(inputs), rtol=1e-4)
    assert abs(why.contributions[:, why.names.index("size")]).mean() > 1


@pytest.mark.parametrize("two", [False, True])
@pytest.mark.parametrize(
    "name", ["LogisticRegression", "lightgbm.LGBMClassifier", "xgboost.XGBClassifier"]
)
def test_contributions_to_a_class_add_up_to_its_score(fitted, frame, name, two):
    """The scores are those of the class that is predicted: its probability follows from them."""
    rows = frame[frame["label"] != "mid"] if two else frame
    model, inputs = fitted(name, rows)
    why = explain(model, inputs)
    score = why.base + why.contributions.sum(axis=1)
    chance = model.predict_proba(inputs).max(axis=1)
    if two:
        assert np.allclose(1 / (1 + np.exp(-score)), chance, atol=1e-5)
    else:
        assert np.corrcoef(np.argsort(np.argsort(score)), np.argsort(np.argsort(chance)))[0, 1] > 0


def test_what_decides_and_calibrates_is_looked_through(fitted, frame):
    """The contributions are to the score of the estimator inside, of the class that is decided."""
    rows = frame.assign(label=np.where(frame["label"] == "low", "low", "high"))
    model, inputs = fitted(
        "LogisticRegression", rows, calibrate="sigmoid", threshold={"label": "high", "value": 0.1}
    )
    plain, _ = fitted("LogisticRegression", rows)
    why, before = explain(model, inputs), explain(plain, inputs)
    same = model.predict(inputs) == plain.predict(inputs)
    assert np.allclose(why.contributions[same], before.contributions[same])
    assert np.allclose(why.contributions[~same], -before.contributions[~same])


def test_a_date_and_a_feature_of_ones_own_have_their_names(frame, regression):
    """All parts of a date are one contribution, and so is a function of columns."""
    content = regression.model_dump()
    content["columns"]["seen"]["feature"] = True
    content["columns"]["shop"] |= {"feature": True, "encoding": "target"}
    schema = Schema.model_validate(content)
    inputs = model_inputs(frame, schema)
    preprocess = preprocessor(schema, [Feature("double", ["size"], double)])
    model = Pipeline([("preprocess", preprocess), ("model", build("Ridge", {}, "regression", 1))])
    model.fit(inputs, frame["price"])
    why = explain(model, inputs)
    assert sorted(why.names) == sorted([*FEATURES, "seen", "shop", "double"])
    assert np.allclose(why.base + why.contributions.sum(axis=1), model.predict(inputs))


def test_names_of_features_are_told_with_dates(frame, regression):
    """What the estimator sees has a name each, so that coefficients can be read."""
    content = regression.model_dump()
    content["columns"]["seen"]["feature"] = True
    schema = Schema.model_validate(content)
    preprocess = preprocessor(schema, [Feature("double", ["size"], double)])
    features = preprocess.fit_transform(model_inputs(frame, schema), frame["price"])
    names = preprocess.get_feature_names_out().tolist()
    assert len(names) == features.shape[1] == len(set(names))
    assert {"seen_days", "double", "size", "colour_red"} <= {*names}


@pytest.mark.parametrize("name", ["RandomForestClassifier", "SVC", "KNeighborsClassifier"])
def test_what_can_only_be_approximated_is_refused(fitted, name):
    """The sentence says which models can be explained, and where importance is."""
    model, inputs = fitted(name)
    with pytest.raises(UserError, match=rf"a {name} cannot be explained.*importance\.csv") as why:
        explain(model, inputs)
    assert unexplainable(model) == str(why.value)


def test_a_model_of_other_steps_is_refused(frame):
    """A package may hold another pipeline than the line's; its numbers cannot be traced."""
    inputs = frame[["count"]]
    model = make_pipeline(StandardScaler(), Ridge()).fit(inputs, frame["price"])
    assert "what StandardScaler makes of the columns cannot be traced" in unexplainable(model)
    with pytest.raises(UserError, match="cannot be traced"):
        explain(model, inputs)


def test_a_sum_that_is_not_the_prediction_is_no_explanation(fitted):
    """A generalised linear model predicts a function of its sum."""
    model, inputs = fitted("TweedieRegressor")
    with pytest.raises(UserError, match="cannot be explained"):
        explain(model, inputs)


def test_no_rows_have_no_contributions(fitted):
    """An empty table is no fault: the names are there."""
    model, inputs = fitted("LogisticRegression")
    why = explain(model, inputs[:0])
    assert sorted(why.names) == sorted(FEATURES)
    assert why.contributions.shape == (0, len(FEATURES))
