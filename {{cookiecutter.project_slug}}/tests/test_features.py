"""A table becomes what the model sees in one place, whatever else the table holds."""

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from pipeline.features import DateParts, described, features_of, preprocessor
from pipeline.schema import Schema

NAMES = ["size", "count", "member", "colour"]


def schema_of(**types):
    """Return a schema with features of these types, all of which may be missing."""
    features = {name: {"type": kind, "missing": True} for name, kind in types.items()}
    return Schema.model_validate(
        {
            "task": "classification",
            "target": "label",
            "missing_values": [],
            "duplicates": True,
            "columns": {**features, "label": {"type": "category"}},
        }
    )


def test_features_are_the_columns_of_the_schema_in_its_order(frame, classification):
    """Neither the target nor a column that is no feature is among them."""
    assert list(features_of(frame, classification).columns) == NAMES


def test_numbers_are_floats_and_categories_are_objects(frame, classification):
    """The types do not depend on whether something is missing."""
    types = {name: kind.name for name, kind in features_of(frame, classification).dtypes.items()}
    assert types == {"size": "float64", "count": "float64", "member": "float64", "colour": "object"}
    whole = features_of(frame.dropna(), classification)
    assert {name: kind.name for name, kind in whole.dtypes.items()} == types


def test_what_is_missing_is_nan(frame, classification):
    """However a table marks a missing cell, the model sees NaN there and a value elsewhere."""
    found = features_of(frame, classification)
    assert found.isna().equals(frame[NAMES].isna())
    assert all(type(cell) is float for cell in found["colour"][frame["colour"].isna()])
    assert set(found["member"].dropna()) == {0.0, 1.0}


def test_none_is_missing_too(classification):
    """A row that comes as plain values, with None for what is not known, has NaN there."""
    table = pd.DataFrame({name: pd.Series([None, None], dtype=object) for name in NAMES})
    found = features_of(table, classification)
    assert all(type(cell) is float for name in NAMES for cell in found[name])
    assert found.isna().all(axis=None)


def test_the_table_is_not_modified(frame, classification):
    """Making features leaves the table as it was."""
    before = frame.copy(deep=True)
    found = features_of(frame, classification)
    found.loc[:, "size"] = 0.0
    assert_frame_equal(frame, before)


def test_more_columns_and_another_order_do_not_matter(frame, classification):
    """The same features come out of a table with its columns reversed and one added."""
    other = frame[frame.columns[::-1]].assign(surplus=1)
    assert_frame_equal(features_of(other, classification), features_of(frame, classification))


def test_a_row_does_not_depend_on_its_neighbours(frame, classification):
    """Shuffled rows give shuffled features."""
    mixed = frame.sample(frac=1, random_state=0)
    expected = features_of(frame, classification).loc[mixed.index]
    assert_frame_equal(features_of(mixed, classification), expected)


def test_numbers_are_imputed_and_scaled(frame, classification):
    """After preprocessing, no number is missing, and each has mean 0 and deviation 1."""
    inputs = features_of(frame, classification)
    seen = preprocessor(classification).fit(inputs).transform(inputs)
    assert not np.isnan(seen).any()
    assert seen[:, :3].mean(axis=0) == pytest.approx(0, abs=1e-9)
    assert seen[:, :3].std(axis=0) == pytest.approx(1)


def test_a_missing_number_counts_as_the_median(frame, classification):
    """A gap is filled with what training rows have in the middle."""
    inputs = features_of(frame, classification)
    fitted = preprocessor(classification).fit(inputs)
    rows = pd.concat([inputs.iloc[:1]] * 2, ignore_index=True)
    rows["size"] = [np.nan, inputs["size"].median()]
    seen = fitted.transform(rows)
    assert seen[0] == pytest.approx(seen[1])


def test_a_category_becomes_one_column_for_each_value(frame, classification):
    """Each row has a one in the column of its category and zeros in the others."""
    inputs = features_of(frame, classification)
    seen = preprocessor(classification).fit(inputs).transform(inputs)
    assert seen.shape[1] == 3 + 3
    assert (seen[:, 3:].sum(axis=1) == 1).all()
    known = inputs["colour"].notna().to_numpy()
    values = np.array(["blue", "green", "red"])[seen[:, 3:].argmax(axis=1)]
    assert (values == inputs["colour"].to_numpy())[known].all()


def test_a_category_that_was_never_seen_is_none_of_the_known(frame, classification):
    """A new category is no error and looks like no other one."""
    inputs = features_of(frame, classification)
    fitted = preprocessor(classification).fit(inputs)
    strange = inputs.iloc[:1].assign(colour="pink")
    assert fitted.transform(strange)[0, 3:].tolist() == [0, 0, 0]


@pytest.mark.parametrize("types", [{"a": "number", "b": "boolean"}, {"a": "category"}])
def test_features_may_all_be_of_one_kind(types):
    """A table without numbers, or without categories, can be preprocessed."""
    schema = schema_of(**types)
    table = pd.DataFrame({"a": ["1", "2", None, "1"], "b": [True, None, False, True]})
    inputs = features_of(table, schema)
    assert len(preprocessor(schema).fit_transform(inputs)) == 4


@pytest.mark.parametrize("kind", ["number", "integer", "boolean", "category"])
def test_a_column_without_any_value_is_no_error(kind):
    """A feature that is missing in every training row is tolerated, then and later."""
    schema = schema_of(empty=kind, full="number")
    table = pd.DataFrame({"empty": [None] * 3, "full": [1.0, 2.0, 3.0]})
    fitted = preprocessor(schema).fit(features_of(table, schema))
    later = table.assign(empty="1" if kind == "category" else 1)
    for rows in (table, later):
        seen = fitted.transform(features_of(rows, schema))
        assert seen.shape == (3, 2)
        assert np.isfinite(seen).all()


def test_the_description_names_each_group_of_columns_with_its_steps(frame, classification):
    """What happens to which column is plain data, in order."""
    fitted = preprocessor(classification).fit(features_of(frame, classification))
    numbers, categories = described(fitted)
    assert numbers["columns"] == ["size", "count", "member"]
    assert [step.split("(")[0] for step in numbers["steps"]] == ["SimpleImputer", "StandardScaler"]
    assert categories["columns"] == ["colour"]
    assert [step.split("(")[0] for step in categories["steps"]] == [
        "SimpleImputer",
        "OneHotEncoder",
    ]


def test_a_group_without_columns_is_not_described():
    """The description holds only what happens."""
    schema = schema_of(a="number")
    fitted = preprocessor(schema).fit(features_of(pd.DataFrame({"a": [1.0, 2.0]}), schema))
    assert [group["columns"] for group in described(fitted)] == [["a"]]


# Dates and categories of many values


def dates_of(*texts):
    """Return what the model sees of a feature "when" that holds these texts."""
    schema = schema_of(when="datetime")
    return features_of(pd.DataFrame({"when": pd.Series(texts, dtype=object)}), schema)


def test_a_date_is_the_same_however_it_comes():
    """ISO text with or without a time zone, and a datetime, give one feature, in UTC."""
    texts = dates_of("2024-03-01T06:30:00", "2024-03-01T08:30:00+02:00", "2024-03-01 06:30", None)
    table = pd.DataFrame({"when": pd.to_datetime(["2024-03-01 06:30"] * 3 + [None])})
    assert_frame_equal(texts, features_of(table, schema_of(when="datetime")))


def test_a_date_becomes_a_trend_and_its_places_in_year_week_and_day():
    """A day further is a day; a week later is the same place in the week; a gap stays one."""
    parts = DateParts().fit_transform(dates_of("2000-01-02", "2000-01-09T12:00", None))
    assert parts.shape == (3, 7)
    assert parts[:2, 0].tolist() == [1, 8.5]
    assert np.isnan(parts[2]).all()
    later = DateParts().fit_transform(dates_of("2001-01-07"))
    assert later[0, [2, 5]] == pytest.approx(parts[0, [2, 5]])
    assert parts[1, [3, 6]] == pytest.approx([0, -1], abs=1e-9)


def test_dates_are_features_without_gaps():
    """After preprocessing every datetime is seven numbers."""
    inputs = dates_of("2024-01-01", None, "2024-06-01T12:00")
    seen = preprocessor(schema_of(when="datetime")).fit_transform(inputs)
    assert seen.shape == (3, 7)
    assert np.isfinite(seen).all()


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_a_category_of_many_values_is_seen_through_the_target(task):
    """Rows to learn from are encoded by other rows, later ones by all; new values by the mean."""
    schema = schema_of(city="category", size="number")
    schema.columns["city"].encoding, schema.task = "target", task
    cities = np.repeat([f"city {number}" for number in range(20)], 10)
    table = pd.DataFrame({"city": cities, "size": np.arange(200.0)})
    target = np.where(np.arange(200) % 10 == 0, 1, np.arange(200) // 10 % 2)
    inputs = features_of(table, schema)
    made = preprocessor(schema)
    learnt, later = made.fit_transform(inputs, target), made.transform(inputs)
    assert learnt.shape == later.shape == (200, 2)
    assert (learnt != later).any()
    assert np.corrcoef(later[:, 1], target)[0, 1] > 0.8
    strange = features_of(pd.DataFrame({"city": ["new", None], "size": [1, 1]}), schema)
    assert made.transform(strange)[:, 1] == pytest.approx(0, abs=0.2)


def test_encoding_by_the_target_is_the_same_each_time():
    """The folds do not depend on chance."""
    schema = schema_of(city="category")
    schema.columns["city"].encoding = "target"
    table = pd.DataFrame({"city": np.random.default_rng(0).choice(list("abcdefgh"), 100)})
    target = np.arange(100) % 3
    once, again = (
        preprocessor(schema).fit_transform(features_of(table, schema), target) for _ in range(2)
    )
    assert (once == again).all()
