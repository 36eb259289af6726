"""Actuals from a file are taken only where each has its row of a recorded request."""

import re

import pandas as pd
import polars as pl
import pytest

from modelkeep.monitoring.joining import read_actuals
from modelkeep.monitoring.reference import read_reference
from modelkeep.monitoring.store import opened
from modelkeep_core.errors import UserError
from recorded import Recorded

pytestmark = pytest.mark.slow


@pytest.fixture
def recorded(run, tmp_path):
    """A server's records, with three requests of one row each and one of four rows."""
    result = Recorded(run.package, tmp_path)
    rows = pd.read_parquet(run.prepared / "test.parquet")
    result.ids = result.answer(rows.head(3)) + result.answer(rows.head(4), each=4, start=1.8e9)
    return result


@pytest.fixture
def read(recorded, tmp_path):
    """Return a function that reads actuals from lines of CSV, "0" to "3" being the requests."""

    def read(*lines, name="actuals.csv"):
        path = tmp_path / name
        named = [re.sub(r"^\d", lambda digit: recorded.ids[int(digit[0])], line) for line in lines]
        path.write_text("\n".join(named) + "\n", encoding="utf-8")
        return taken(recorded, path)

    return read


def taken(recorded, path):
    """Read the actuals in a file."""
    with opened(recorded.path) as store:
        return read_actuals(path, store, read_reference(recorded.package))


def test_actuals_are_read(recorded, read):
    """A request of one row needs no row; others say which, counted from 0."""
    assert read("request_id,actual", "0,low", "2,high") == [
        (recorded.ids[0], 0, "low"),
        (recorded.ids[2], 0, "high"),
    ]
    assert read("request_id,row,actual", "0,,low", "3,3,mid", "3,0,low", "1,0,low") == [
        (recorded.ids[0], 0, "low"),
        (recorded.ids[3], 3, "mid"),
        (recorded.ids[3], 0, "low"),
        (recorded.ids[1], 0, "low"),
    ]


def test_other_columns_are_left_alone(recorded):
    """Whatever a file has beside them, and in any order."""
    frame = pl.DataFrame({"who": ["Ada"], "actual": ["low"], "request_id": [recorded.ids[0]]})
    path = recorded.path.with_name("more.csv")
    frame.write_csv(path)
    assert taken(recorded, path) == [(recorded.ids[0], 0, "low")]


def test_parquet_is_read_as_well(recorded):
    """In its own types."""
    path = recorded.path.with_name("actuals.parquet")
    columns = {"request_id": [recorded.ids[3]], "row": [2], "actual": ["mid"]}
    pl.DataFrame(columns).write_parquet(path)
    assert taken(recorded, path) == [(recorded.ids[3], 2, "mid")]


def test_the_same_actual_value_twice_is_one(recorded, read):
    """A file may repeat itself, not contradict itself."""
    assert read("request_id,actual", "0,low", "0,low") == [(recorded.ids[0], 0, "low")]
    with pytest.raises(UserError, match=r"another value for the same row \(1 row, first 2\)"):
        read("request_id,actual", "0,low", "0,high")


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        (["request_id,actual", "0,low", "unknown,low", ",low"], r"no such request .*first 2, 3\)"),
        (["request_id,actual", "0,lo"], r"actual must be one of high, low, mid \(1 row,"),
        (["request_id,actual", "0,"], "actual must be one of"),
        (["request_id,actual", "3,low"], r"no such row is in the request \(row counts from 0\)"),
        (["request_id,row,actual", "3,4,low"], "no such row"),
        (["request_id,row,actual", "3,-1,low"], "no such row"),
        (["request_id,row,actual", "0,first,low"], "no such row"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_rows(read, lines, fault):
    """Nothing of the file is taken then."""
    with pytest.raises(UserError, match=rf"was not taken: .*{fault}"):
        read(*lines)


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.csv", "id,actual\n", "has no column 'request_id'; it needs request_id and actual"),
        ("a.csv", "request_id,truth\n", "has no column 'actual'"),
        ("a.csv", "", "cannot be read as csv"),
        ("a.parquet", "request_id,actual\n", "cannot be read as parquet"),
        ("a.txt", "request_id,actual\n", "is neither .csv nor .parquet"),
        ("a.csv", None, "is missing"),
        ("nofile", None, "nofile is missing"),
        (".csv", None, "is missing"),
    ],
)
def test_what_is_no_such_table_is_refused(recorded, tmp_path, name, content, why):
    """In one sentence."""
    if content is not None:
        (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match=why):
        taken(recorded, tmp_path / name)


@pytest.mark.parametrize(
    ("given", "fits"), [("12.5", True), ("1e3", True), ("inf", False), ("x", False)]
)
def test_the_actual_value_of_a_regression_is_a_number(regression_run, tmp_path, given, fits):
    """Finite, of any size."""
    recorded = Recorded(regression_run.package, tmp_path)
    (request,) = recorded.answer(pd.read_parquet(regression_run.prepared / "test.parquet").head(1))
    path = tmp_path / "actuals.csv"
    path.write_text(f"request_id,actual\n{request},{given}\n", encoding="utf-8")
    if fits:
        assert taken(recorded, path) == [(request, 0, str(float(given)))]
    else:
        with pytest.raises(UserError, match="actual must be a number"):
            taken(recorded, path)


def test_actual_values_are_written_as_the_target_is(regression_run, tmp_path):
    """1.234,5 is the same number here as in the raw data, and 1.234 is no fraction."""
    recorded = Recorded(regression_run.package, tmp_path)
    (request,) = recorded.answer(pd.read_parquet(regression_run.prepared / "test.parquet").head(1))
    reference = read_reference(recorded.package)
    target = reference.schema.columns[reference.schema.target]
    target.decimal, target.thousands, target.missing_values = ",", ".", ["?"]
    path = tmp_path / "actuals.csv"
    values = {"1.234": 1234.0, '"1.234,5"': 1234.5, "?": None}
    with opened(recorded.path) as store:
        for text, number in values.items():
            path.write_text(f"request_id,actual\n{request},{text}\n", encoding="utf-8")
            if number is None:
                with pytest.raises(UserError, match="actual must be a number"):
                    read_actuals(path, store, reference)
            else:
                assert read_actuals(path, store, reference) == [(request, 0, str(number))]
