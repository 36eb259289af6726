"""The fast path gives the pipeline's predictions, bit for bit, or is not used."""

import itertools

import numpy as np
import pytest
from sklearn import ensemble, linear_model, neighbors, svm
from sklearn.base import BaseEstimator, TransformerMixin, is_classifier
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    MinMaxScaler,
    OneHotEncoder,
    StandardScaler,
)

from made import feature_schema
from modelkeep_core import fast_parts, fast_path
from modelkeep_core.fast_path import FastPath, hostile, proof, same_by_columns
from modelkeep_core.inputs import inputs_from_rows, model_inputs, moments
from modelkeep_core.native import settled, suited
from modelkeep_core.predictions import predict
from modelkeep_core.preprocessing import imputed, preprocessor
from modelkeep_core.transformers import ColumnFunction

ESTIMATORS = [
    linear_model.LogisticRegression(max_iter=500),
    ensemble.RandomForestClassifier(5, random_state=1),
    ensemble.ExtraTreesClassifier(5, random_state=1),
    ensemble.HistGradientBoostingClassifier(max_iter=3),
    neighbors.KNeighborsClassifier(),
    svm.SVC(),
    svm.LinearSVC(),
    linear_model.Ridge(),
    ensemble.RandomForestRegressor(5, random_state=1),
    ensemble.ExtraTreesRegressor(5, random_state=1),
    ensemble.HistGradientBoostingRegressor(max_iter=3),
]
ROW = [10.0, 3, True, "red"]


@pytest.fixture
def fitted(frame, classification, regression):
    """Return a function that fits an estimator, and gives its pipeline, schema and inputs."""

    def fit(estimator):
        schema = classification if is_classifier(estimator) else regression
        inputs = model_inputs(frame, schema)
        steps = [("preprocess", preprocessor(schema)), ("model", estimator)]
        return Pipeline(steps).fit(inputs, frame[schema.target]), schema, inputs

    return fit


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda value: type(value).__name__)
def test_every_training_row_and_every_hostile_row_is_predicted_alike(fitted, estimator):
    """Whatever the estimator, nothing differs from the pipeline."""
    model, schema, inputs = fitted(estimator)
    assert proof(model, schema, inputs) == {"rows": len(inputs), "exact": True, "reason": None}


@pytest.mark.parametrize("target", ["label", "two", "price"])
@pytest.mark.parametrize("suited_to_it", [False, True])
def test_dates_and_mean_targets_are_what_the_pipeline_makes_of_them(frame, target, suited_to_it):
    """By rows and by columns, with gaps, and categories that training never saw."""
    columns = {"seen": "datetime", "size": "number", "shop": "category", "colour": "category"}
    schema = feature_schema(**columns)
    schema.columns["shop"].encoding = "target"
    schema.task = "regression" if target == "price" else "classification"
    table = frame.copy()
    table.loc[::5, "seen"] = None
    table.loc[::7, "shop"] = None
    table["two"] = np.where(table["size"] > table["size"].median(), "yes", "no")
    inputs = model_inputs(table, schema)
    kind = "Regressor" if target == "price" else "Classifier"
    estimator = getattr(ensemble, f"HistGradientBoosting{kind}")(max_iter=3)
    model = Pipeline([("preprocess", preprocessor(schema)), ("model", estimator)])
    model = suited(model) if suited_to_it else model
    model = settled(model.fit(inputs, table[target]))
    assert proof(model, schema, inputs) == {"rows": len(inputs), "exact": True, "reason": None}
    rows = inputs.astype(object).where(inputs.notna(), None).to_numpy().tolist()
    assert same_by_columns(FastPath(model, schema), model, schema, rows)
    texts = [
        ["2024-02-29T12:00:00", 1.0, "shop 1", "red"],
        ["2024-02-29", None, None, None],
        ["2024-01-31T09:30:00.123456+02:00", 1.0, "never seen", "red"],
        ["0001-01-01", 1.0, "", "red"],
        [None, 1.0, "shop 1", "red"],
    ]
    fast = FastPath(model, schema)(texts)
    plain = predict(model, inputs_from_rows(texts, schema))
    assert fast.predictions.tolist() == plain.predictions.tolist()
    if target != "price":
        assert fast.probabilities.tolist() == plain.probabilities.tolist()


@pytest.mark.parametrize("few", [0, 100])
@pytest.mark.parametrize("target", ["label", "two", "price"])
def test_a_table_is_predicted_alike_however_it_is_cut(frame, monkeypatch, target, few):
    """Some rows at a time, with many values of a category and few: no bit differs."""
    schema = feature_schema(size="number", count="integer", shop="category", colour="category")
    schema.task = "regression" if target == "price" else "classification"
    table = frame.copy()
    table["size"] = table["size"].mask(np.arange(len(table)) % 3 == 0)
    table.loc[::7, "shop"] = None
    table["two"] = np.where(table["size"] > table["size"].median(), "yes", "no")
    inputs = model_inputs(table, schema)
    estimator = linear_model.Ridge() if target == "price" else svm.LinearSVC()
    model = Pipeline([("preprocess", preprocessor(schema)), ("model", estimator)])
    model.fit(inputs, table[target])
    monkeypatch.setattr(fast_parts, "FEW", few)
    monkeypatch.setattr(fast_path, "FILLED", 900)
    monkeypatch.setattr(fast_path, "ANSWERED", 20)
    rows = inputs.astype(object).where(inputs.notna(), None).to_numpy().tolist()
    rows += [[None, None, "never seen", None], [1.0, 2, None, "never seen"]]
    assert same_by_columns(FastPath(model, schema), model, schema, rows)


@pytest.mark.parametrize(
    "years", ["1000 1582 1677 1899", "1900 1969 1970 2000", "2023 2024 2100 2262 9999"]
)
def test_a_text_of_a_datetime_is_read_as_pandas_reads_it(years):
    """Days and hours that there are, and those that there are not, to the same microsecond."""
    days = itertools.product(
        years.split(),
        ("00", "01", "02", "06", "12", "13"),
        ("00", "01", "28", "29", "30", "31", "32"),
    )
    hours = ("", "T00:00", "T23:59:59", " 12:30", " 12:30:61", "T24:00", "T24:00:00", "T23:60")
    for day, hour in itertools.product(map("-".join, days), hours):
        found = []
        for read in (fast_parts._moments, lambda cells: moments(np.array(cells, dtype=object))):
            try:
                found.append(read([f"{day}{hour}", None]).tolist())
            except ValueError:
                found.append(None)
        assert found[0] == found[1], day + hour


def test_a_plain_text_of_a_datetime_needs_no_pandas(monkeypatch):
    """And any other is left to it."""
    monkeypatch.setattr(fast_parts, "moments", lambda cells: "left")
    read = fast_parts._moments(["2024-02-29T12:00:00", None, "2024-02-29"])
    assert read.dtype == "datetime64[us]"
    for other in ("2024-02-29T12:00:00Z", "2024-02-29T12:00:00.5", "2024-02-30", "0001-01-01"):
        assert fast_parts._moments(["2024-02-29", other]) == "left"


@pytest.mark.parametrize("estimator", ESTIMATORS[:4], ids=lambda value: type(value).__name__)
def test_predictions_of_one_row_and_of_many_are_the_pipelines(fitted, estimator):
    """A missing, an unseen and a whole row, alone and together, are as the pipeline has them."""
    model, schema, _ = fitted(estimator)
    rows = [ROW, [None, 3, None, None], [2.5, 3, False, "never seen"]]
    for some in ([ROW], rows):
        fast, plain = FastPath(model, schema)(some), predict(model, inputs_from_rows(some, schema))
        assert fast.predictions.tolist() == plain.predictions.tolist()
        assert fast.probabilities.tolist() == plain.probabilities.tolist()


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")
def test_a_number_that_the_pipeline_refuses_is_refused(fitted):
    """A forest's 32 bits do not hold every number; neither way invents a prediction."""
    model, schema, _ = fitted(ESTIMATORS[1])
    row = [1e300, *ROW[1:]]
    with pytest.raises(ValueError, match="too large"):
        FastPath(model, schema)([row])
    with pytest.raises(ValueError, match="too large"):
        predict(model, inputs_from_rows([row], schema))


def test_two_classes_as_probable_as_each_other_are_left_to_the_estimator(fitted, monkeypatch):
    """Where rounding could decide, the estimator's own prediction counts."""
    model, schema, _ = fitted(linear_model.LogisticRegression())
    even = np.array([[0.5, 0.5 - 1e-12, 0.0]])
    monkeypatch.setattr(model[-1], "predict_proba", lambda inputs: even)
    monkeypatch.setattr(model[-1], "predict", lambda inputs: model.classes_[1:2])
    assert FastPath(model, schema)([ROW]).predictions.tolist() == [model.classes_[1]]


class Halved(TransformerMixin, BaseEstimator):
    """A transformer of a project's own, which wants a table and does not take every number."""

    def fit(self, X, y=None):
        """Learn nothing."""
        return self

    def __sklearn_is_fitted__(self):
        return True

    def transform(self, X):
        """Return half of each number, unless one is too large."""
        if (X.abs() > 1e300).any(axis=None):
            raise ZeroDivisionError
        return X / 2

    def get_feature_names_out(self, input_features=None):
        """Return the names of the columns."""
        return input_features


def density(columns):
    """Return a feature of a project's own, which is not defined where a number is 0."""
    return columns["count"] / columns["size"]


GROUPS = {
    "feature": (imputed(ColumnFunction(density, "density")), ["size", "count"]),
    "transformer": (imputed(Halved()), ["size", "count"]),
    "no scaler": (make_pipeline(Halved(), SimpleImputer(add_indicator=True)), ["count", "size"]),
    "alone": (MinMaxScaler(), ["count"]),
    "one hot": (OneHotEncoder(sparse_output=False, handle_unknown="ignore"), ["colour", "member"]),
    "imputer": (make_pipeline(SimpleImputer(missing_values=3), StandardScaler()), ["count"]),
    "tens": (make_pipeline(KBinsDiscretizer(3, encode="ordinal")), ["count"]),
    "left out": ("drop", ["size"]),
    "as it is": ("passthrough", ["count"]),
}


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("kind", ["LogisticRegression", "HistGradientBoosting"])
def test_steps_of_a_projects_own_are_asked_and_the_others_stay_fast(
    frame, classification, group, kind
):
    """By rows and by columns, whatever they make of strange rows, nothing differs."""
    boosted = ensemble.HistGradientBoostingClassifier(max_iter=3)
    estimator = linear_model.LogisticRegression(max_iter=500) if kind[0] == "L" else boosted
    steps, columns = GROUPS[group]
    usual = preprocessor(classification)
    groups = [*usual.transformers, ("own", steps, columns)]
    model = Pipeline([("preprocess", ColumnTransformer(groups)), ("model", estimator)])
    inputs = model_inputs(frame, classification)
    model = settled(suited(model).fit(inputs, frame["label"]))
    result = proof(model, classification, inputs)
    assert result == {"rows": len(inputs), "exact": True, "reason": None}
    rows = inputs.astype(object).where(inputs.notna(), None).to_numpy().tolist()
    assert same_by_columns(FastPath(model, classification), model, classification, rows)


def test_a_column_that_is_no_table_leaves_the_pipeline_to_predict(fitted):
    """So do rows that are prepared otherwise; that is no fault, and the reason is told."""
    model, schema, inputs = fitted(linear_model.LogisticRegression())
    name, steps, _ = model[0].transformers_[0]
    for columns in ("size", slice(0, 1), [0]):
        model[0].transformers_[0] = (name, steps, columns)
        result = proof(model, schema, inputs)
        assert not result["exact"]
        assert result["reason"].startswith("it knows no columns but lists of features, and ")
    scaled = make_pipeline(MinMaxScaler(), linear_model.LogisticRegression())
    result = proof(scaled, schema, inputs)
    assert result["reason"] == "it knows only a ColumnTransformer before the estimator"


def test_own_steps_that_answer_each_time_otherwise_are_found(frame, classification):
    """What is proven is that nothing differs, and here something does."""
    drawn = FunctionTransformer(lambda X: np.random.default_rng().random(X.shape))
    groups = [*preprocessor(classification).transformers, ("own", drawn, ["size"])]
    steps = [
        ("preprocess", ColumnTransformer(groups)),
        ("model", linear_model.LogisticRegression()),
    ]
    inputs = model_inputs(frame, classification)
    model = Pipeline(steps).fit(inputs, frame["label"])
    result = proof(model, classification, inputs)
    assert (result["exact"], result["reason"]) == (
        False, "it differs from the pipeline on some rows"
    )  # fmt: skip


@pytest.mark.parametrize("rows", [slice(0, 1), slice(100, 101)])
def test_one_row_that_differs_is_found(fitted, monkeypatch, rows):
    """The proof looks at every row: the first, and one far behind."""
    model, schema, inputs = fitted(linear_model.LogisticRegression())
    monkeypatch.setattr(fast_path, "BATCH", 7)
    wrong = inputs.iloc[rows]["size"].item()
    honest = FastPath.__call__

    def dishonest(self, some):
        predicted = honest(self, some)
        if wrong in [row[0] for row in some]:
            predicted.probabilities[0, 0] = np.nextafter(predicted.probabilities[0, 0], 1)
        return predicted

    monkeypatch.setattr(FastPath, "__call__", dishonest)
    result = proof(model, schema, inputs)
    assert not result["exact"]
    assert "differs from the pipeline" in result["reason"]


def test_predictions_that_are_no_numbers_are_alike_too(fitted, recwarn):
    """What overflows overflows in both ways, and nobody is warned of what was tried on purpose."""
    model, schema, inputs = fitted(linear_model.Ridge())
    # The scaled extremes cancel out: infinity minus infinity.
    model[-1].coef_[:] = [1e10, -1e10, *model[-1].coef_[2:]]
    assert proof(model, schema, inputs)["exact"]
    assert not recwarn.list


def test_hostile_rows_are_strange_in_every_feature_and_in_one_at_a_time(classification):
    """Missing, unseen, empty and extreme values are among them."""
    groups = list(hostile(ROW, classification))
    whole, single = groups[0], groups[1]
    assert whole == [[None, None, None, None]]
    assert single == [[*ROW[:n], None, *ROW[n + 1 :]] for n in range(4)]
    assert [1e308, 1e308, 1e308, "🐧"] in [group[0] for group in groups]


def test_the_package_says_whether_the_fast_path_is_exact(run):
    """Whoever serves the package reads it from the metadata."""
    from modelkeep_core.files import read_json

    assert read_json(run.package / "model.json")["fast_path"]["exact"] is True
