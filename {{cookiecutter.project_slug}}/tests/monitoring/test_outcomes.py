"""`outcomes` keeps what turned out to be true, and says how good the model is now."""

import argparse

import pandas as pd
import pytest
from recorded import Served

from monitoring import outcomes
from monitoring.store import opened
from monitoring.watched import read_watched
from monitoring.window import Window
from pipeline.refusal import Refusal


@pytest.fixture
def served(run, tmp_path):
    """A server's records of the test rows; their true outcomes are in a file beside them."""
    found = Served(run.package, tmp_path)
    rows = pd.read_parquet(run.prepared / "test.parquet")
    found.file = tmp_path / "outcomes.csv"
    table = pd.DataFrame({"request_id": found.answer(rows), "outcome": rows["label"]})
    table.to_csv(found.file, index=False)
    return found


def ran(served, file=None, rows=20):
    """Run the command and return what it gives."""
    parser = argparse.ArgumentParser()
    outcomes.add_arguments(parser)
    args = parser.parse_args([str(file)] if file else [])
    args.rows = rows
    with opened(served.path) as store:
        return outcomes.run(read_watched(served.package), store, Window(), args)


def test_outcomes_are_kept_and_the_quality_is_told(served):
    """The headline first, promised and now, each with its interval."""
    data, text, status = ran(served, served.file)
    assert status == 0
    assert (data["kept"], data["state"]) == (30, "in order")
    assert text.startswith(f"{served.file}: 30 outcomes kept.\n\nMETRIC")
    assert "\nmacro_f1 " in text
    assert text.endswith("30 rows have outcomes. In order: it is not worse than promised.")
    assert max(map(len, text.splitlines()[1:])) <= 80


def test_the_same_file_again_changes_nothing(served):
    """Nor is anything counted twice."""
    first = ran(served, served.file)
    before = served.rows("SELECT * FROM outcomes")
    assert ran(served, served.file) == first
    assert served.rows("SELECT * FROM outcomes") == before


def test_without_a_file_the_quality_is_told(served):
    """Of what is known already."""
    ran(served, served.file)
    data, text, status = ran(served)
    assert (data["kept"], data["rows"], status) == (0, 30, 0)
    assert text.startswith("METRIC")


def test_a_worse_model_ends_with_1(served):
    """A corrected outcome takes the place of the one before."""
    ran(served, served.file)
    table = pd.read_csv(served.file)
    table["outcome"] = table["outcome"].map({"low": "high", "mid": "low", "high": "mid"})
    table.to_csv(served.file, index=False)
    data, text, status = ran(served, served.file)
    assert (data["rows"], status) == (30, 1)
    assert "ALARM: macro_f1 is worse than promised" in text


def test_too_few_outcomes_end_with_2(served):
    """They are kept all the same."""
    data, text, status = ran(served, served.file, rows=31)
    assert status == 2
    assert data["live"] is None
    assert "Not enough data: 30 rows have outcomes; 31 are needed" in text
    assert served.rows("SELECT count(*) FROM outcomes") == [(30,)]


def test_a_file_with_one_wrong_row_is_not_taken(served):
    """Nothing of it is kept."""
    with served.file.open("a", encoding="utf-8") as file:
        file.write("unknown,low\n")
    with pytest.raises(Refusal, match=r"no such request is recorded \(1 rows, first 31\)"):
        ran(served, served.file)
    assert served.rows("SELECT count(*) FROM outcomes") == [(0,)]
