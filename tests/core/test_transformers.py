"""The transformers that packaged models hold do what their names say, gaps and all."""

import numpy as np
import pandas as pd
import pytest

from made import feature_schema
from modelkeep_core.errors import UserError
from modelkeep_core.inputs import model_inputs
from modelkeep_core.preprocessing import preprocessor
from modelkeep_core.transformers import ColumnFunction, DateParts


def dates_of(*texts):
    """Return what the model sees of a feature "when" that holds these texts."""
    schema = feature_schema(when="datetime")
    return model_inputs(pd.DataFrame({"when": pd.Series(texts, dtype=object)}), schema)


def fitted(*texts):
    """Return date parts that have seen these texts in training."""
    return DateParts().fit(dates_of(*texts))


def varied():
    """Return date parts that have seen every hour of every day of two years."""
    return fitted(*pd.date_range("2000-01-01", "2001-12-31", freq="7h").astype(str))


def test_a_date_becomes_a_trend_and_its_places_in_year_week_and_day():
    """A day further is a day; a week later is the same place in the week; a gap stays one."""
    parts = varied().transform(dates_of("2000-01-02", "2000-01-09T12:00", None))
    assert parts.shape == (3, 7)
    assert parts[:2, 0].tolist() == [1, 8.5]
    assert np.isnan(parts[2]).all()
    later = varied().transform(dates_of("2001-01-07"))
    assert later[0, [2, 5]].tolist() == parts[0, [2, 5]].tolist()
    assert parts[1, [3, 6]] == pytest.approx([0, -1], abs=1e-9)


def test_the_columns_of_a_date_have_names():
    """Whoever looks into a model sees which part of which date a number is."""
    waves = [f"{wave}_of_{cycle}" for wave in ("sin", "cos") for cycle in ("year", "week", "day")]
    assert varied().get_feature_names_out().tolist() == [
        f"when_{part}" for part in ("days", *waves)
    ]
    days = fitted(*pd.date_range("2023-01-01", "2024-12-31").astype(str))
    kept = [f"when_{part}" for part in ("days", *waves) if "day" not in part or part == "days"]
    assert days.get_feature_names_out().tolist() == kept


@pytest.mark.parametrize(
    ("dates", "gone"),
    [
        (pd.date_range("2023-01-01", "2024-12-31"), {"day"}),
        (pd.date_range("2023-01-02T09:00", periods=100, freq="7D"), {"week", "day"}),
        (pd.to_datetime([f"{year}-12-31" for year in range(1990, 2024)]), {"year", "day"}),
        (pd.date_range("2024-01-31", periods=3, freq="s"), {"year", "week", "day"}),
    ],
    ids=["dates without an hour", "every Monday", "ends of years", "seconds of one day"],
)
def test_what_hardly_varies_in_training_is_left_out(dates, gone):
    """Rounding and leap days are no seasons, and another hour does not become a million."""
    parts = fitted(*dates.astype(str))
    cycles = {name.rpartition("_of_")[2] for name in parts.get_feature_names_out()[1:]}
    assert cycles == {"year", "week", "day"} - gone
    schema = feature_schema(when="datetime")
    scaled = preprocessor(schema).fit(dates_of(*dates.astype(str)))
    usual, odd = scaled.transform(dates_of(str(dates[0]), str(dates[0] + pd.Timedelta("15h"))))
    assert np.abs(odd - usual)[1:].max(initial=0) < 10


def test_a_date_that_is_always_the_same_is_one_column():
    """Some part must be left for the steps behind."""
    for texts in (["2024-02-29"] * 3, [None, None]):
        parts = fitted(*texts)
        assert parts.get_feature_names_out().tolist() == ["when_days"]
        assert parts.transform(dates_of(*texts)).shape == (len(texts), 1)


def ratio(columns):
    """Return the ratio of two columns."""
    return columns["a"] / columns["b"]


def test_a_function_of_columns_is_one_column():
    """One number for each row; what is missing or infinite is NaN; the rows stay as they were."""
    rows = pd.DataFrame({"a": [1.0, 2.0, np.nan, 3.0], "b": [2.0, 0.0, 1.0, 4.0]})
    before = rows.copy(deep=True)
    column = ColumnFunction(ratio, "ratio").fit(rows)
    np.testing.assert_array_equal(column.transform(rows)[:, 0], [0.5, np.nan, np.nan, 0.75])
    assert column.get_feature_names_out().tolist() == ["ratio"]
    pd.testing.assert_frame_equal(rows, before)


def test_a_function_may_not_change_its_rows_for_others():
    """What a function does to its table stays with it."""

    def greedy(columns):
        columns["a"] = 0.0
        return columns["a"]

    rows = pd.DataFrame({"a": [1.0, 2.0]})
    ColumnFunction(greedy, "greedy").transform(rows)
    assert rows["a"].tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    "function",
    [lambda rows: 1.0, lambda rows: rows, lambda rows: rows["a"][:1], lambda rows: [1.0]],
    ids=["one number", "a table", "too few", "a short list"],
)
def test_a_function_that_gives_no_number_for_each_row_is_refused(function):
    """The message names the feature, the shape and the rows."""
    rows = pd.DataFrame({"a": [1.0, 2.0], "b": [1.0, 2.0]})
    with pytest.raises(ValueError, match=r"feature 'odd' returned .*shape .* for 2 rows"):
        ColumnFunction(function, "odd").transform(rows)


def rest(columns):
    """Return what a sum and its parts differ by: rounding."""
    return columns["a"] - columns["b"]


@pytest.mark.parametrize(
    ("function", "constant"),
    [
        (rest, True),
        (lambda columns: columns["a"] - columns["b"] + 1, True),
        (lambda columns: columns["a"] * 1e-20, False),
        (lambda columns: (columns["a"] > 1.7).astype(float), False),
        (lambda columns: columns["a"] - columns["a"].round(1), False),
    ],
    ids=["a difference", "beside one", "a small unit", "a threshold", "a fraction"],
)
def test_rounding_of_a_computed_feature_is_no_signal(function, constant):
    """What varies by the last bits of its columns is one number, what is small is not."""
    random = np.random.default_rng(0)
    parts = random.random((200, 3)).round(2 if constant else 3)
    rows = pd.DataFrame({"a": parts.sum(axis=1), "b": parts[:, 2] + parts[:, 1] + parts[:, 0]})
    column = ColumnFunction(function, "rest").fit(rows)
    assert np.ptp(function(rows)) > 0
    assert (np.ptp(column.transform(rows)) == 0) == constant
    new = pd.DataFrame({"a": [1.0, np.nan], "b": [0.0, 1.0]})
    assert np.isnan(column.transform(new)[1, 0]) == np.isnan(function(new)[1])


def drops(columns):
    """Return fewer numbers than rows."""
    return columns["size"].iloc[1:]


def divides(columns):
    """Fail."""
    return 1 / 0


def asks_for_more(columns):
    """Ask for a column that is not among those of the feature."""
    return columns["price"]


def writes(columns):
    """Return text."""
    return columns["size"].astype(str) + " mm"


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (drops, r"returned an array of shape \(1,\) for 2 rows: it must return one number"),
        (divides, "failed: ZeroDivisionError: division by zero. It must return one number"),
        (asks_for_more, "found no 'price' among the columns .*: size. Correct the name, or add it"),
        (writes, "failed: ValueError: could not convert string to float"),
    ],
)
def test_a_feature_whose_function_fails_is_told_by_its_name(function, message):
    """It is one sentence that says in which file to look."""
    column = ColumnFunction(function, "own")
    with pytest.raises(UserError, match=rf"^pipeline/features\.py: .* feature 'own' {message}"):
        column.fit(pd.DataFrame({"size": [1.0, 2.0]}))
