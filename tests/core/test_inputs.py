"""A table becomes what the model sees in one place, whatever else the table holds."""

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from made import feature_schema
from modelkeep_core.errors import UserError
from modelkeep_core.inputs import inputs_from_rows, model_inputs

NAMES = ["size", "count", "member", "colour"]


def test_features_are_the_columns_of_the_schema_in_its_order(frame, classification):
    """Neither the target nor a column that is no feature is among them."""
    assert list(model_inputs(frame, classification).columns) == NAMES


def test_numbers_are_floats_and_categories_are_objects(frame, classification):
    """The types do not depend on whether something is missing."""
    types = {name: kind.name for name, kind in model_inputs(frame, classification).dtypes.items()}
    assert types == {"size": "float64", "count": "float64", "member": "float64", "colour": "object"}
    whole = model_inputs(frame.dropna(), classification)
    assert {name: kind.name for name, kind in whole.dtypes.items()} == types


def test_what_is_missing_is_nan(frame, classification):
    """However a table marks a missing cell, the model sees NaN there and a value elsewhere."""
    result = model_inputs(frame, classification)
    assert result.isna().equals(frame[NAMES].isna())
    assert all(type(cell) is float for cell in result["colour"][frame["colour"].isna()])
    assert set(result["member"].dropna()) == {0.0, 1.0}


def test_none_is_missing_too(classification):
    """A row that comes as plain values, with None for what is not known, has NaN there."""
    table = pd.DataFrame({name: pd.Series([None, None], dtype=object) for name in NAMES})
    result = model_inputs(table, classification)
    assert all(type(cell) is float for name in NAMES for cell in result[name])
    assert result.isna().all(axis=None)


def test_the_table_is_not_modified(frame, classification):
    """Making features leaves the table as it was."""
    before = frame.copy(deep=True)
    result = model_inputs(frame, classification)
    result.loc[:, "size"] = 0.0
    assert_frame_equal(frame, before)


def test_more_columns_and_another_order_do_not_matter(frame, classification):
    """The same features come out of a table with its columns reversed and one added."""
    other = frame[frame.columns[::-1]].assign(surplus=1)
    assert_frame_equal(model_inputs(other, classification), model_inputs(frame, classification))


def test_a_row_does_not_depend_on_its_neighbours(frame, classification):
    """Shuffled rows give shuffled features."""
    mixed = frame.sample(frac=1, random_state=0)
    expected = model_inputs(frame, classification).loc[mixed.index]
    assert_frame_equal(model_inputs(mixed, classification), expected)


def test_a_date_is_the_same_however_it_comes():
    """ISO text with or without a time zone, and a datetime, give one feature, in UTC."""
    schema = feature_schema(when="datetime")
    texts = ["2024-03-01T06:30:00", "2024-03-01T08:30:00+02:00", "2024-03-01 06:30", None]
    times = pd.DataFrame({"when": pd.to_datetime(["2024-03-01 06:30"] * 3 + [None])})
    written = model_inputs(pd.DataFrame({"when": pd.Series(texts, dtype=object)}), schema)
    assert_frame_equal(written, model_inputs(times, schema))


def test_plain_rows_become_the_inputs_of_the_table_that_they_are_of(frame, classification):
    """A list of values in the order of the features is seen like a row of a table."""
    cells = frame[NAMES].astype(object)
    rows = cells.where(cells.notna(), None).to_numpy().tolist()
    assert_frame_equal(inputs_from_rows(rows, classification), model_inputs(frame, classification))


def test_a_feature_that_is_not_there_is_told(frame, classification):
    """Where prepare dropped it or did not join it, a person reads which, and what to do."""
    with pytest.raises(UserError, match=r"no column 'size', 'colour', .* pipeline/prepare.py"):
        model_inputs(frame.drop(columns=["size", "colour"]), classification)
