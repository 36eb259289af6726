"""Categories that no training row had are found, by what the model itself has learned."""

import pandas as pd
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from modelkeep.unseen import learned_values, unseen
from modelkeep_core.inputs import model_inputs
from modelkeep_core.preprocessing import preprocessor
from modelkeep_core.schema import Schema


@pytest.fixture(scope="module")
def fitted():
    """A model of a short and a long category, and its contract."""
    columns = {
        "size": {"type": "number"},
        "colour": {"type": "category", "missing": True},
        "town": {"type": "category", "missing": True, "encoding": "target"},
        "label": {"type": "category"},
    }
    given = {"task": "classification", "target": "label", "missing_values": [""]}
    schema = Schema.model_validate(given | {"duplicates": True, "columns": columns})
    rows = pd.DataFrame(
        {
            "size": range(300),
            "colour": ["red", "green", None] * 100,
            "town": [None if place % 7 == 1 else f"town {place}" for place in range(300)],
        }
    )
    model = make_pipeline(preprocessor(schema), LogisticRegression())
    return model.fit(model_inputs(rows, schema), ["a", "b", "b"] * 100), schema


def test_a_model_says_what_it_has_learned(fitted):
    """All values, also of a category of more than the profile lists, and nothing for a gap."""
    learned = learned_values(*fitted)
    assert learned["colour"] == {"red", "green"}
    assert len(learned["town"]) == 300 - 43
    assert learned.keys() == {"colour", "town"}


def test_what_is_unseen_is_told_with_its_rows(fitted):
    """Part of a column is told, and all of it otherwise; missing values are none."""
    columns = {
        "colour": ["red", None, "blue", "pink"],
        "town": [None, "Town 3", "x", float("nan")],
        "other": ["?", "?", "?", "?"],
    }
    some, every = unseen(columns.items(), learned_values(*fitted))
    assert (some.column, some.rows, some.present, some.all) == ("colour", [2, 3], 3, False)
    assert str(some) == "'colour': 2 of 3 values were in no training row, such as 'blue'"
    assert (every.column, every.rows, every.all) == ("town", [1, 2], True)
    assert str(every).startswith("'town': no training row had any of its values, such as 'Town 3'")
    assert unseen([("colour", ["red", None])], learned_values(*fitted)) == []


def test_of_another_model_nothing_is_known(fitted):
    """Steps without categories, and a first step that is no preprocessing, are left alone."""
    assert learned_values(make_pipeline("passthrough", LogisticRegression()), fitted[1]) == {}


def test_predictions_mark_the_rows(run_pipeline, table, classification, tmp_path):
    """`predict` names the columns in a row, and says on standard error that all are unseen."""
    from modelkeep.batch import UNSEEN, predict_file

    classification.columns["colour"].values = None
    package = run_pipeline(schema=classification).package
    notes: list[str] = []
    for name, colours in (("some", ["red", "pink", None]), ("all", ["a", "b", None])):
        rows = table.head(3).with_columns(colour=pl.Series(colours))
        rows.write_csv(tmp_path / f"{name}.csv")
        predict_file(package, tmp_path / f"{name}.csv", tmp_path / "out.csv", say=notes.append)
    assert pl.read_csv(tmp_path / "out.csv")[UNSEEN].to_list() == ["colour", "colour", None]
    assert notes[0] == "note: 'colour': 1 of 2 values were in no training row, such as 'pink'."
    assert notes[1].startswith("warning: 'colour': no training row had any of its values")
    assert len(notes) == 2
