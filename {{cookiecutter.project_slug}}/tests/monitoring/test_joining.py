"""Outcomes from a file are taken only where each has its row of a recorded request."""

import re

import pandas as pd
import polars as pl
import pytest
from recorded import Served

from monitoring.joining import read_outcomes
from monitoring.store import opened
from monitoring.watched import read_watched
from pipeline.refusal import Refusal


@pytest.fixture
def served(run, tmp_path):
    """A server's records, with three requests of one row each and one of four rows."""
    found = Served(run.package, tmp_path)
    rows = pd.read_parquet(run.prepared / "test.parquet")
    found.ids = found.answer(rows.head(3)) + found.answer(rows.head(4), each=4, start=1.8e9)
    return found


@pytest.fixture
def read(served, tmp_path):
    """Return a function that reads outcomes from lines of CSV, "0" to "3" being the requests."""

    def read(*lines, name="outcomes.csv"):
        path = tmp_path / name
        named = [re.sub(r"^\d", lambda it: served.ids[int(it[0])], line) for line in lines]
        path.write_text("\n".join(named) + "\n", encoding="utf-8")
        return taken(served, path)

    return read


def taken(served, path):
    """Read the outcomes in a file."""
    with opened(served.path) as store:
        return read_outcomes(path, store, read_watched(served.package))


def test_outcomes_are_read(served, read):
    """A request of one row needs no row; others say which, counted from 0."""
    assert read("request_id,outcome", "0,low", "2,high") == [
        (served.ids[0], 0, "low"),
        (served.ids[2], 0, "high"),
    ]
    assert read("request_id,row,outcome", "0,,low", "3,3,mid", "3,0,low", "1,0,low") == [
        (served.ids[0], 0, "low"),
        (served.ids[3], 3, "mid"),
        (served.ids[3], 0, "low"),
        (served.ids[1], 0, "low"),
    ]


def test_other_columns_are_left_alone(served):
    """Whatever a file has beside them, and in any order."""
    frame = pl.DataFrame({"who": ["Ada"], "outcome": ["low"], "request_id": [served.ids[0]]})
    path = served.path.with_name("more.csv")
    frame.write_csv(path)
    assert taken(served, path) == [(served.ids[0], 0, "low")]


def test_parquet_is_read_as_well(served):
    """In its own types."""
    path = served.path.with_name("outcomes.parquet")
    columns = {"request_id": [served.ids[3]], "row": [2], "outcome": ["mid"]}
    pl.DataFrame(columns).write_parquet(path)
    assert taken(served, path) == [(served.ids[3], 2, "mid")]


def test_the_same_outcome_twice_is_one(served, read):
    """A file may repeat itself, not contradict itself."""
    assert read("request_id,outcome", "0,low", "0,low") == [(served.ids[0], 0, "low")]
    with pytest.raises(Refusal, match=r"another outcome for the same row \(1 rows, first 2\)"):
        read("request_id,outcome", "0,low", "0,high")


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        (["request_id,outcome", "0,low", "unknown,low", ",low"], r"no such request .*first 2, 3\)"),
        (["request_id,outcome", "0,lo"], r"outcome must be one of high, low, mid \(1 rows"),
        (["request_id,outcome", "0,"], "outcome must be one of"),
        (["request_id,outcome", "3,low"], r"no such row is in the request \(row counts from 0\)"),
        (["request_id,row,outcome", "3,4,low"], "no such row"),
        (["request_id,row,outcome", "3,-1,low"], "no such row"),
        (["request_id,row,outcome", "0,first,low"], "no such row"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_rows(read, lines, fault):
    """Nothing of the file is taken then."""
    with pytest.raises(Refusal, match=rf"was not taken: .*{fault}"):
        read(*lines)


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.csv", "id,outcome\n", "has no column 'request_id'; it needs request_id and outcome"),
        ("a.csv", "request_id,truth\n", "has no column 'outcome'"),
        ("a.csv", "", "cannot be read as csv"),
        ("a.parquet", "request_id,outcome\n", "cannot be read as parquet"),
        ("a.txt", "request_id,outcome\n", "is neither .csv nor .parquet"),
        ("a.csv", None, "is missing"),
    ],
)
def test_what_is_no_such_table_is_refused(served, tmp_path, name, content, why):
    """In one sentence."""
    if content is not None:
        (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(Refusal, match=why):
        taken(served, tmp_path / name)


@pytest.mark.parametrize(
    ("given", "fits"), [("12.5", True), ("1e3", True), ("inf", False), ("x", False)]
)
def test_the_outcome_of_a_regression_is_a_number(regression_run, tmp_path, given, fits):
    """Finite, of any size."""
    served = Served(regression_run.package, tmp_path)
    (request,) = served.answer(pd.read_parquet(regression_run.prepared / "test.parquet").head(1))
    path = tmp_path / "outcomes.csv"
    path.write_text(f"request_id,outcome\n{request},{given}\n", encoding="utf-8")
    if fits:
        assert taken(served, path) == [(request, 0, str(float(given)))]
    else:
        with pytest.raises(Refusal, match="outcome must be a number"):
            taken(served, path)
