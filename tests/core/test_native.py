"""Estimators that know missing values and categories get them as they are, and no bit is lost."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder

from made import NO_SEARCH, feature_schema
from modelkeep_core import fast_path, model_file
from modelkeep_core.estimators import build
from modelkeep_core.explain import explain
from modelkeep_core.inputs import inputs_from_rows, model_inputs
from modelkeep_core.native import suited, undone
from modelkeep_core.params import Search, Train
from modelkeep_core.predictions import predict
from modelkeep_core.preprocessing import Feature, preprocessor
from modelkeep_core.training import fit, summary

pytestmark = pytest.mark.slow

CLASSIFIERS = (
    "HistGradientBoostingClassifier",
    "lightgbm.LGBMClassifier",
    "xgboost.XGBClassifier",
)
REGRESSORS = tuple(name.replace("Classifier", "Regressor") for name in CLASSIFIERS)
FEW = {"HistGradientBoosting": {"max_iter": 5}, "LGBM": {"n_estimators": 5, "n_jobs": 1}}
FEW["XGB"] = FEW["LGBM"]
ROWS = 400


def rate(columns):
    """Return what one pays for each."""
    return columns["paid"] / columns["count"]


OWN = [Feature("rate", ["paid", "count"], rate)]


def section(name, **parameters):
    """Return the section of a booster that makes it small."""
    kind = name.rpartition(".")[2]
    small = next(values for start, values in FEW.items() if kind.startswith(start))
    return {kind: {**small, **parameters}}


@pytest.fixture(scope="module")
def rows():
    """Rows with gaps, 300 cities, dates, and columns that are empty."""
    rng = np.random.default_rng(0)
    city = np.array([f"city {n}" for n in range(300)], dtype=object)[rng.integers(0, 300, ROWS)]
    city[::9] = None
    paid = rng.normal(10, 3, ROWS)
    paid[::7] = np.nan
    return pd.DataFrame(
        {
            "city": city,
            "colour": rng.choice(np.array(["red", "blue", None], dtype=object), ROWS),
            "blank": np.full(ROWS, None, dtype=object),
            "paid": paid,
            "count": rng.integers(0, 5, ROWS).astype(float),
            "nothing": np.full(ROWS, np.nan),
        }
    )


@pytest.fixture(scope="module")
def target(rows):
    """What the city and a gap decide."""
    number = rows["city"].str.removeprefix("city ").astype(float).fillna(0)
    return np.where((number % 2 == 0) ^ rows["paid"].isna(), "yes", "no")


@pytest.fixture
def schema():
    """The contract of the rows."""
    return feature_schema(
        city="category",
        colour="category",
        blank="category",
        paid="number",
        count="number",
        nothing="number",
    )


@pytest.fixture
def fitted(rows, target, schema):
    """Return a function that trains an estimator by its name."""

    def trained(name, features=OWN, **train):
        params = Train(
            **{"seed": 1, "estimator": name, "search": Search(**NO_SEARCH), **section(name)} | train
        )
        schema.task = "regression" if name in REGRESSORS else "classification"
        truth = (target == "yes") * 1.0 if name in REGRESSORS else target
        model = build(name, params.sections, schema.task, params.seed)
        steps = [("preprocess", preprocessor(schema, features)), ("model", model)]
        return fit(Pipeline(steps), model_inputs(rows, schema), truth, schema.task, params)

    return trained


def steps_of(model):
    """Return the classes of the steps of each group of columns."""
    return {
        name: [type(step).__name__ for _, step in steps.steps]
        for name, steps, _ in model[0].transformers
    }


@pytest.mark.parametrize("name", [*CLASSIFIERS, *REGRESSORS])
def test_a_booster_gets_gaps_and_codes(fitted, rows, schema, name):
    """Nothing is imputed, no category is spread over columns, and the codes come first."""
    done = fitted(name)
    assert steps_of(done.model) == {
        "categories": ["OrdinalEncoder", "EmptyAsZero"],
        "numbers": ["EmptyAsZero", "StandardScaler"],
        "rate": ["ColumnFunction", "EmptyAsZero", "StandardScaler"],
    }
    assert summary(done, ROWS)["left_to_estimator"] == ["missing values", "categories"]
    seen = done.model[:-1].transform(model_inputs(rows, schema))
    assert done.model[:-1].get_feature_names_out().tolist() == [*schema.features, "rate"]
    assert np.isnan(seen[:, 0]).tolist() == rows["city"].isna().tolist()
    assert np.isnan(seen[:, 3]).tolist() == rows["paid"].isna().tolist()
    assert not done.warnings


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_booster_learns_from_gaps_and_codes(fitted, rows, schema, target, name):
    """What a gap and the city decide together is found in a few trees of codes."""
    made = section(
        name, **{next(iter(FEW["LGBM" if "Hist" not in name else "HistGradientBoosting"])): 60}
    )
    smooth = {"min_data_per_group": 1, "cat_smooth": 0.1} if "LGBM" in name else {}
    made = {kind: values | smooth for kind, values in made.items()}
    model = fitted(name, **made).model
    assert np.mean(model.predict(model_inputs(rows, schema)) == target) > 0.8


@pytest.mark.parametrize("name", [*CLASSIFIERS, *REGRESSORS])
def test_the_file_is_stable_and_trusted(fitted, rows, schema, name, tmp_path):
    """Trained twice it is one file; loaded, it predicts every bit as before."""
    paths = [tmp_path / part / "model.skops" for part in ("first", "second")]
    for path in paths:
        done = fitted(name, features=())
        model_file.save(done.model, path)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    loaded, inputs = model_file.load(paths[0]), model_inputs(rows, schema)
    for new, old in zip(predict(loaded, inputs), predict(done.model, inputs), strict=True):
        assert np.array_equal(new, old)


@pytest.mark.parametrize("name", [*CLASSIFIERS, *REGRESSORS])
def test_new_values_and_gaps_are_served_as_they_are_scored(fitted, rows, schema, name):
    """Pipeline, fast path and batches agree to the last bit, on what training never had, too."""
    done = fitted(name, features=())
    inputs = model_inputs(rows, schema)
    assert fast_path.proof(done.model, schema, inputs)["exact"]
    strange = [
        ["Atlantis", "green", "something", None, 3.0, 7.0],
        [None, None, None, None, None, None],
        ["city 1", "red", None, 10.0, 1e300, None],
        ["nan", "", "", -1e30, 0.0, -5.0],
    ]
    fast = fast_path.FastPath(done.model, schema)
    assert fast_path.same_by_columns(fast, done.model, schema, strange)
    expected = predict(done.model, inputs_from_rows(strange[:3], schema))
    for new, old in zip(fast(strange[:3]), expected, strict=True):
        assert np.array_equal(new, old)


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_new_category_counts_as_missing(fitted, schema, name):
    """What was never seen is no error, and gets what a gap gets."""
    model = fitted(name, features=()).model
    new, gap = ([city, "red", None, 9.0, 2.0, None] for city in ("Atlantis", None))
    chances = predict(model, inputs_from_rows([new, gap], schema)).probabilities
    assert np.array_equal(chances[0], chances[1])


@pytest.mark.parametrize("name", [*CLASSIFIERS[1:], *REGRESSORS[1:]])
def test_codes_are_explained_by_their_columns(fitted, rows, schema, name):
    """The contributions of columns add up to the score, and have the names of columns."""
    model = fitted(name).model
    inputs = model_inputs(rows, schema).iloc[:20]
    made = explain(model, inputs)
    assert made.names == [*schema.features, "rate"]
    total = made.base + made.contributions.sum(axis=1)
    if name in REGRESSORS:
        assert total == pytest.approx(model.predict(inputs), rel=1e-4)
    else:
        chances = predict(model, inputs).probabilities.max(axis=1)
        assert 1 / (1 + np.exp(-total)) == pytest.approx(chances, rel=1e-4)


def test_calibrated_and_decided_it_is_served_in_the_same_way(fitted, rows, schema):
    """What is built around a booster later does not hide it."""
    done = fitted(CLASSIFIERS[0], features=(), calibrate="sigmoid", threshold=0.4)
    assert fast_path.proof(done.model, schema, model_inputs(rows, schema))["exact"]
    assert summary(done, ROWS)["left_to_estimator"] == ["missing values", "categories"]


def test_rare_values_share_a_code_where_codes_are_limited(fitted):
    """Histogram gradient boosting takes no more codes than bins."""
    model = fitted(CLASSIFIERS[0], **section(CLASSIFIERS[0], max_bins=32)).model
    encoder = model[0].named_transformers_["categories"][0]
    assert encoder.max_categories == 32


def test_each_estimator_of_a_search_gets_what_suits_it(fitted):
    """A linear model among boosters has its gaps filled, and fewer bins are reckoned with."""
    ranges = {
        "LogisticRegression": {"C": {"choices": [0.1]}},
        "HistGradientBoostingClassifier": {"max_bins": {"low": 30, "high": 31}},
    }
    search = Search(
        **NO_SEARCH
        | {
            "method": "grid",
            "folds": 2,
            "scoring": "accuracy",
            "estimators": [CLASSIFIERS[0], "LogisticRegression", CLASSIFIERS[1]],
            "ranges": ranges,
        }
    )
    done = fitted(CLASSIFIERS[0], features=(), search=search)
    assert len(done.trials) == 4
    assert all(np.isfinite(trial.mean) for trial in done.trials)


def test_params_may_ask_for_the_same_preprocessing_for_all(fitted):
    """With `preprocessing: full` a booster sees what a linear model sees."""
    done = fitted(CLASSIFIERS[1], preprocessing="full")
    assert steps_of(done.model)["categories"] == ["SimpleImputer", "OneHotEncoder"]
    assert summary(done, ROWS)["left_to_estimator"] == []


def test_what_the_schema_says_of_a_column_is_done(fitted, schema):
    """A named encoding holds for every estimator."""
    schema.columns["colour"].encoding = "one-hot"
    schema.columns["city"].encoding = "target"
    assert steps_of(fitted(CLASSIFIERS[1]).model) == {
        "categories": ["OrdinalEncoder", "EmptyAsZero"],
        "numbers": ["EmptyAsZero", "StandardScaler"],
        "one_hot": ["SimpleImputer", "OneHotEncoder"],
        "by_target": ["TargetEncoder", "StandardScaler"],
        "rate": ["ColumnFunction", "EmptyAsZero", "StandardScaler"],
    }


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("LogisticRegression", {}),
        ("RandomForestClassifier", {}),
        (CLASSIFIERS[2], {"booster": "gblinear"}),
        (CLASSIFIERS[2], {"tree_method": "exact"}),
        (CLASSIFIERS[0], {"categorical_features": None}),
    ],
)
def test_others_keep_their_preprocessing(schema, name, parameters):
    """Who knows nothing of gaps and codes, or was told otherwise, gets what all others get."""
    kind = name.rpartition(".")[2]
    estimator = build(name, {kind: parameters}, "classification", seed=1)
    pipeline = Pipeline([("preprocess", preprocessor(schema)), ("model", estimator)])
    assert suited(pipeline) is pipeline


def test_steps_of_the_projects_own_stay(schema):
    """An imputer with another strategy, and what is no preprocessing of columns, is left alone."""
    mean = make_pipeline(SimpleImputer(strategy="mean"))
    own = ColumnTransformer([("paid", mean, ["paid"]), ("colour", OneHotEncoder(), ["colour"])])
    booster = build(CLASSIFIERS[0], {}, "classification", seed=1)
    kept = suited(Pipeline([("preprocess", own), ("model", booster)]))
    assert steps_of(
        Pipeline([("preprocess", kept[0].set_params(transformers=kept[0].transformers[:1]))])
    ) == {"paid": ["SimpleImputer"]}
    for other in (
        Pipeline([("preprocess", make_pipeline(own)), ("model", booster)]),
        Pipeline([("model", booster)]),
    ):
        assert suited(other) is other


def test_what_was_left_out_can_be_had_again(fitted, rows, schema, target):
    """A linear model can be trained on the features of a booster."""
    model = fitted(CLASSIFIERS[1]).model
    inputs = model_inputs(rows, schema)
    plain = undone(model[0]).fit(inputs, target)
    seen = plain.transform(inputs)
    assert np.isfinite(seen).all()
    assert seen.shape == preprocessor(schema, OWN).fit_transform(inputs).shape
    LogisticRegression().fit(seen, target)


def test_a_table_of_polars_is_scored_as_rows_are(fitted, rows, schema):
    """Batches go by columns; a column that was empty in training says nothing there either."""
    done = fitted(CLASSIFIERS[0], features=())
    fast = fast_path.FastPath(done.model, schema)
    filled = rows.assign(blank="late", nothing=4.0)
    columns = [
        pl.Series(filled[name], dtype=pl.String if kind.type == "category" else pl.Float64)
        for name, kind in schema.features.items()
    ]
    columns = [
        column.fill_nan(None) if column.dtype == pl.Float64 else column for column in columns
    ]
    by_columns = fast.of_columns(columns).probabilities
    assert np.array_equal(by_columns, predict(done.model, model_inputs(rows, schema)).probabilities)
