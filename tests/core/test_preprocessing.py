"""The preprocessing makes numbers without gaps of every feature, and says what it does."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from made import feature_schema
from modelkeep_core.errors import UserError
from modelkeep_core.fast_path import proof
from modelkeep_core.inputs import model_inputs
from modelkeep_core.native import left
from modelkeep_core.preprocessing import Feature, described, preprocessor


def dates_of(*texts):
    """Return what the model sees of a feature "when" that holds these texts."""
    schema = feature_schema(when="datetime")
    return model_inputs(pd.DataFrame({"when": pd.Series(texts, dtype=object)}), schema)


def test_numbers_are_imputed_and_scaled(frame, classification):
    """After preprocessing, no number is missing, and each has mean 0 and deviation 1."""
    inputs = model_inputs(frame, classification)
    seen = preprocessor(classification).fit(inputs).transform(inputs)
    assert not np.isnan(seen).any()
    assert seen[:, :3].mean(axis=0) == pytest.approx(0, abs=1e-9)
    assert seen[:, :3].std(axis=0) == pytest.approx(1)


def test_a_missing_number_counts_as_the_median(frame, classification):
    """A gap is filled with what training rows have in the middle."""
    inputs = model_inputs(frame, classification)
    fitted = preprocessor(classification).fit(inputs)
    rows = pd.concat([inputs.iloc[:1]] * 2, ignore_index=True)
    rows["size"] = [np.nan, inputs["size"].median()]
    seen = fitted.transform(rows)
    assert seen[0] == pytest.approx(seen[1])


def test_a_category_becomes_one_column_for_each_value(frame, classification):
    """Each row has a one in the column of its category and zeros in the others."""
    inputs = model_inputs(frame, classification)
    seen = preprocessor(classification).fit(inputs).transform(inputs)
    assert seen.shape[1] == 3 + 3
    assert (seen[:, 3:].sum(axis=1) == 1).all()
    listed = inputs["colour"].notna().to_numpy()
    values = np.array(["blue", "green", "red"])[seen[:, 3:].argmax(axis=1)]
    assert (values == inputs["colour"].to_numpy())[listed].all()


def test_a_category_that_was_never_seen_is_none_of_the_known(frame, classification):
    """A new category is no error and looks like no other one."""
    inputs = model_inputs(frame, classification)
    fitted = preprocessor(classification).fit(inputs)
    strange = inputs.iloc[:1].assign(colour="pink")
    assert fitted.transform(strange)[0, 3:].tolist() == [0, 0, 0]


@pytest.mark.parametrize("types", [{"a": "number", "b": "boolean"}, {"a": "category"}])
def test_features_may_all_be_of_one_kind(types):
    """A table without numbers, or without categories, can be preprocessed."""
    schema = feature_schema(**types)
    table = pd.DataFrame({"a": ["1", "2", None, "1"], "b": [True, None, False, True]})
    inputs = model_inputs(table, schema)
    assert len(preprocessor(schema).fit_transform(inputs)) == 4


@pytest.mark.parametrize("kind", ["number", "integer", "boolean", "category"])
def test_a_column_without_any_value_is_no_error(kind):
    """A feature that is missing in every training row is tolerated, then and later."""
    schema = feature_schema(empty=kind, full="number")
    table = pd.DataFrame({"empty": [None] * 3, "full": [1.0, 2.0, 3.0]})
    fitted = preprocessor(schema).fit(model_inputs(table, schema))
    later = table.assign(empty="1" if kind == "category" else 1)
    for rows in (table, later):
        seen = fitted.transform(model_inputs(rows, schema))
        assert seen.shape == (3, 2)
        assert np.isfinite(seen).all()


def test_the_description_names_each_group_of_columns_with_its_steps(frame, classification):
    """What happens to which column is plain data, in order."""
    fitted = preprocessor(classification).fit(model_inputs(frame, classification))
    numbers, categories = described(fitted)
    assert numbers["columns"] == ["size", "count", "member"]
    assert [step.split("(")[0] for step in numbers["steps"]] == ["SimpleImputer", "StandardScaler"]
    assert categories["columns"] == ["colour"]
    assert [step.split("(")[0] for step in categories["steps"]] == [
        "SimpleImputer",
        "OneHotEncoder",
    ]


def first_three(inputs):
    """Return the names of the first columns."""
    return list(inputs.columns[:3])


def as_codes(inputs):
    """Return a number for each cell."""
    return inputs.apply(lambda column: column.astype("category").cat.codes)


def own(columns, *others):
    """Return a ColumnTransformer as a person writes one."""
    return ColumnTransformer([("numbers", StandardScaler(), columns), *others])


@pytest.mark.parametrize(
    ("preprocessing", "groups"),
    [
        (own(slice(0, 3)), [(3, ["StandardScaler()"])]),
        (own([0, 1, 2]), [(3, ["StandardScaler()"])]),
        (own([True, True, True, False]), [(3, ["StandardScaler()"])]),
        (own(first_three), [(3, ["StandardScaler()"])]),
        (own(first_three, ("none", "drop", [3])), [(3, ["StandardScaler()"])]),
        (
            own([0, 1], ("codes", OneHotEncoder(), [3])),
            [(2, ["StandardScaler()"]), (1, ["OneHotEncoder()"])],
        ),
        (
            FunctionTransformer(as_codes),
            [(4, ["FunctionTransformer(func=<function as_codes>)"])],
        ),
    ],
)
def test_preprocessing_of_a_persons_own_is_described(frame, classification, preprocessing, groups):
    """Steps need be in no pipeline, columns may be given in any way, and no address is told."""
    inputs = model_inputs(frame, classification)
    found = described(preprocessing.fit(inputs))
    assert [(len(group["columns"]), group["steps"]) for group in found] == groups
    assert all(name in classification.features for group in found for name in group["columns"])


def test_a_pipeline_may_be_the_preprocessing(frame, classification):
    """What its parts do to which columns is in the text of its first step."""
    inputs = model_inputs(frame, classification)
    whole = make_pipeline(preprocessor(classification), StandardScaler())
    model = make_pipeline(whole, DummyClassifier()).fit(inputs, frame["label"])
    assert left(model[0]) == []
    [group] = described(model[0])
    assert group["steps"][1] == "StandardScaler()"
    assert proof(model, classification, inputs)["reason"].startswith(
        "it knows only a ColumnTransformer"
    )


def test_a_group_without_columns_is_not_described():
    """The description holds only what happens."""
    schema = feature_schema(a="number")
    fitted = preprocessor(schema).fit(model_inputs(pd.DataFrame({"a": [1.0, 2.0]}), schema))
    assert [group["columns"] for group in described(fitted)] == [["a"]]


def test_dates_are_features_without_gaps():
    """After preprocessing every datetime is seven numbers."""
    inputs = dates_of("2024-01-01", None, "2024-06-01T15:00")
    seen = preprocessor(feature_schema(when="datetime")).fit_transform(inputs)
    assert seen.shape == (3, 7)
    assert np.isfinite(seen).all()


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_a_category_of_many_values_is_seen_through_the_target(task):
    """Rows to learn from are encoded by other rows, later ones by all; new values by the mean."""
    schema = feature_schema(city="category", size="number")
    schema.columns["city"].encoding, schema.task = "target", task
    cities = np.repeat([f"city {number}" for number in range(20)], 10)
    table = pd.DataFrame({"city": cities, "size": np.arange(200.0)})
    target = np.where(np.arange(200) % 10 == 0, 1, np.arange(200) // 10 % 2)
    inputs = model_inputs(table, schema)
    made = preprocessor(schema)
    learnt, later = made.fit_transform(inputs, target), made.transform(inputs)
    assert learnt.shape == later.shape == (200, 2)
    assert (learnt != later).any()
    assert np.corrcoef(later[:, 1], target)[0, 1] > 0.8
    strange = model_inputs(pd.DataFrame({"city": ["new", None], "size": [1, 1]}), schema)
    assert made.transform(strange)[:, 1] == pytest.approx(0, abs=0.2)


def test_encoding_by_the_target_is_the_same_each_time():
    """The folds do not depend on chance."""
    schema = feature_schema(city="category")
    schema.columns["city"].encoding = "target"
    table = pd.DataFrame({"city": np.random.default_rng(0).choice(list("abcdefgh"), 100)})
    target = np.arange(100) % 3
    once, again = (
        preprocessor(schema).fit_transform(model_inputs(table, schema), target) for _ in range(2)
    )
    assert (once == again).all()


# Features of the project's own


def share(columns):
    """Return what share the size has of the size and the count."""
    return columns["size"] / (columns["size"] + columns["count"])


SHARE = Feature("share", ["size", "count"], share)


def test_a_feature_of_the_projects_own_is_one_column_more(frame, classification):
    """It is computed from its columns, imputed and scaled like a number."""
    inputs = model_inputs(frame, classification)
    plain = preprocessor(classification).fit_transform(inputs)
    seen = preprocessor(classification, [SHARE]).fit_transform(inputs)
    assert (seen[:, :-1] == plain).all()
    assert np.isfinite(seen).all()
    expected = share(inputs).fillna(share(inputs).median())
    assert seen[:, -1] == pytest.approx((expected - expected.mean()) / expected.std(ddof=0))


def test_a_feature_of_the_projects_own_is_described_without_an_address(frame, classification):
    """The description is the same in every process: it names module and function."""
    fitted = preprocessor(classification, [SHARE]).fit(model_inputs(frame, classification))
    (*_, group) = described(fitted)
    assert group["columns"] == ["size", "count"]
    assert group["steps"][0] == f"ColumnFunction({share.__module__}.share, 'share')"


@pytest.mark.parametrize(
    ("features", "message"),
    [
        ([Feature("colour", ["size"], share)], "'colour': there is a column or another feature"),
        ([SHARE, SHARE], "'share': there is a column or another feature"),
        ([Feature("new", ["sise"], share)], r"no feature column 'sise' \(did you mean 'size'"),
        ([Feature("new", ["label"], share)], "no feature column 'label'"),
        ([Feature("new", ["seen"], share)], "does not see column 'seen'. Take feature: false"),
        ([Feature("numbers", ["size"], share)], "'numbers': a name is not empty, has no '__'"),
        ([Feature("a__b", ["size"], share)], "'a__b': a name is not empty, has no '__'"),
        ([Feature("", ["size"], share)], "'': a name is not empty"),
        ([Feature("new", "size", share)], "'new': its columns are a list of at least one name"),
        ([Feature("new", [], share)], "'new': its columns are a list"),
        ([Feature("new", ["size"], lambda columns: columns["size"])], "'new': .* with def at the"),
        ([Feature("new", ["size"], "share")], "'new': its function is defined with def"),
        ([("new", ["size"], share)], "FEATURES: .* is no feature: write Feature"),
    ],
    ids=[
        *("a column's name", "a name twice", "a misspelt column", "the target", "no feature"),
        *("a group's name", "two underscores", "no name", "text for columns", "no columns"),
        *("a lambda", "text for a function", "a tuple"),
    ],
)
def test_a_feature_that_cannot_be_made_is_refused(classification, features, message):
    """The message names file, feature and column."""
    with pytest.raises(UserError, match=rf"pipeline/features\.py: .*{message}"):
        preprocessor(classification, features)
