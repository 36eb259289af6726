"""The transformers that packaged models hold do what their names say, gaps and all."""

import numpy as np
import pandas as pd
import pytest

from made import feature_schema
from modelkeep_core.inputs import model_inputs
from modelkeep_core.transformers import ColumnFunction, DateParts


def dates_of(*texts):
    """Return what the model sees of a feature "when" that holds these texts."""
    schema = feature_schema(when="datetime")
    return model_inputs(pd.DataFrame({"when": pd.Series(texts, dtype=object)}), schema)


def test_a_date_becomes_a_trend_and_its_places_in_year_week_and_day():
    """A day further is a day; a week later is the same place in the week; a gap stays one."""
    parts = DateParts().fit_transform(dates_of("2000-01-02", "2000-01-09T12:00", None))
    assert parts.shape == (3, 7)
    assert parts[:2, 0].tolist() == [1, 8.5]
    assert np.isnan(parts[2]).all()
    later = DateParts().fit_transform(dates_of("2001-01-07"))
    assert later[0, [2, 5]] == pytest.approx(parts[0, [2, 5]])
    assert parts[1, [3, 6]] == pytest.approx([0, -1], abs=1e-9)


def test_the_columns_of_a_date_have_names(frame, classification):
    """Whoever looks into a model sees which part of which date a number is."""
    names = DateParts().fit(dates_of("2000-01-02")).get_feature_names_out()
    waves = [f"{wave}_of_{cycle}" for wave in ("sin", "cos") for cycle in ("year", "week", "day")]
    assert names.tolist() == [f"when_{part}" for part in ("days", *waves)]


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
