"""`actuals` keeps what turned out to be true, and compares the score with the reference score."""

import argparse

import pandas as pd
import pytest

from modelkeep.monitoring import actuals
from modelkeep.monitoring.reference import read_reference
from modelkeep.monitoring.store import opened
from modelkeep.monitoring.window import Window
from modelkeep_core.errors import UserError
from recorded import Recorded


@pytest.fixture
def recorded(run, tmp_path):
    """A server's records of the test rows; their actuals are in a file beside them."""
    records = Recorded(run.package, tmp_path)
    rows = pd.read_parquet(run.prepared / "test.parquet")
    records.file = tmp_path / "actuals.csv"
    table = pd.DataFrame({"request_id": records.answer(rows), "actual": rows["label"]})
    table.to_csv(records.file, index=False)
    return records


def ran(recorded, file=None, rows=20):
    """Run the command and return what it gives."""
    args = argparse.Namespace(file=file, rows=rows)
    with opened(recorded.path) as store:
        return actuals.run(read_reference(recorded.package), store, Window(), args)


def test_actuals_are_kept_and_the_quality_is_told(recorded):
    """The headline first, reference and current, each with its interval."""
    data, text, status = ran(recorded, recorded.file)
    assert status == 0
    assert (data["kept"], data["state"]) == (30, "in order")
    assert text.startswith(f"{recorded.file}: 30 actuals kept.\n\nMETRIC")
    assert "\nmacro_f1 " in text
    assert text.endswith(
        "30 rows have actuals. In order: the score is not worse than the reference score."
    )
    assert max(map(len, text.splitlines()[1:])) <= 80


def test_the_same_file_again_changes_nothing(recorded):
    """Nor is anything counted twice."""
    first = ran(recorded, recorded.file)
    kept = recorded.rows("SELECT * FROM actuals")
    assert ran(recorded, recorded.file) == first
    assert recorded.rows("SELECT * FROM actuals") == kept


def test_without_a_file_the_quality_is_told(recorded):
    """Of what is recorded already."""
    ran(recorded, recorded.file)
    data, text, status = ran(recorded)
    assert (data["kept"], data["rows"], status) == (0, 30, 0)
    assert text.startswith("METRIC")


def test_a_worse_model_ends_with_1(recorded):
    """A corrected value takes the place of the former."""
    ran(recorded, recorded.file)
    table = pd.read_csv(recorded.file)
    table["actual"] = table["actual"].map({"low": "high", "mid": "low", "high": "mid"})
    table.to_csv(recorded.file, index=False)
    data, text, status = ran(recorded, recorded.file)
    assert (data["rows"], status) == (30, 1)
    assert "ALARM: all of the interval of macro_f1 is worse than" in text


def test_too_few_actuals_end_with_2(recorded):
    """They are kept all the same."""
    data, text, status = ran(recorded, recorded.file, rows=31)
    assert status == 2
    assert data["current"] is None
    assert "Not enough data: 30 rows have actuals; 31 are needed" in text
    assert recorded.rows("SELECT count(*) FROM actuals") == [(30,)]


def test_a_file_with_one_wrong_row_is_not_taken(recorded):
    """Nothing of it is kept."""
    with recorded.file.open("a", encoding="utf-8") as file:
        file.write("unknown,low\n")
    with pytest.raises(UserError, match=r"no such request is recorded \(1 row, first 31\)"):
        ran(recorded, recorded.file)
    assert recorded.rows("SELECT count(*) FROM actuals") == [(0,)]
