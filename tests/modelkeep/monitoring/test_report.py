"""The report says what came in, what drifted, and whether that is an alarm."""

import argparse
import json
from datetime import UTC, datetime

import pandas as pd
import pytest

from modelkeep.monitoring import report
from modelkeep.monitoring.limits import Limits
from modelkeep.monitoring.reference import read_reference
from modelkeep.monitoring.store import opened
from modelkeep.monitoring.window import Window
from modelkeep.serving.recording import Records
from recorded import Recorded, drawn, shifted


@pytest.fixture
def recorded(run, tmp_path):
    """A server's records, without a request."""
    return Recorded(run.package, tmp_path)


@pytest.fixture
def train(run):
    """The training rows."""
    return pd.read_parquet(run.prepared / "train.parquet")


def reported(recorded, window=None, **limits):
    """Return the report on what is recorded."""
    with opened(recorded.path) as store:
        return report.report(
            read_reference(recorded.package), store, window or Window(), Limits(**limits)
        )


@pytest.mark.parametrize("pipeline", ["run", "regression_run"])
def test_clean_traffic_is_in_order(pipeline, request, tmp_path):
    """Of both tasks, and the report is plain data."""
    run = request.getfixturevalue(pipeline)
    recorded = Recorded(run.package, tmp_path)
    recorded.answer(pd.read_parquet(run.prepared / "test.parquet"))
    recorded.answer(drawn(pd.read_parquet(run.prepared / "train.parquet"), 120))
    result = reported(recorded)
    assert result["state"] == "in order"
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert list(result["features"]) == recorded.features


def test_drift_is_an_alarm(recorded, train):
    """And the feature is named, the others are not."""
    recorded.answer(shifted(drawn(train, 150)))
    result = reported(recorded)
    assert result["state"] == "alarm"
    checks = {name: part["checks"] for name, part in result["features"].items()}
    assert checks["size"]["values"]["alarm"]
    assert not any(check["alarm"] for check in checks["count"].values())


def test_predictions_that_drift_are_an_alarm(recorded, train):
    """Also where the inputs are not recorded."""
    recorded.answer(shifted(drawn(train, 150), 3), record_inputs=False)
    result = reported(recorded)
    assert result["state"] == "alarm"
    assert result["predictions"]["checks"]["values"]["alarm"]
    assert (result["volume"]["rows"], result["volume"]["rows_with_inputs"]) == (150, 0)
    assert all(part["checks"] == {} for part in result["features"].values())


def test_few_rows_are_not_enough(recorded, train):
    """Whatever they are, nothing is said of them."""
    recorded.answer(shifted(train.head(20), 9))
    result = reported(recorded, rows=21)
    assert result["state"] == "not enough data"
    assert reported(recorded, rows=20)["state"] == "alarm"


def test_no_row_is_not_enough(recorded):
    """A server that was never asked has nothing to report."""
    recorded.refuse(1, "malformed")
    assert reported(recorded)["state"] == "not enough data"


def test_many_refused_values_are_an_alarm(recorded, train):
    """Even where nothing else came in, for then the clients are broken."""
    recorded.refuse(30, "missing", "count")
    recorded.refuse(70, "malformed")
    result = reported(recorded)
    assert result["state"] == "alarm"
    assert result["refused"] == {
        "rows": 100,
        "values": 100,
        "share": 1.0,
        "alarm": True,
        "reasons": [
            {"reason": "malformed", "feature": None, "values": 70},
            {"reason": "missing", "feature": "count", "values": 30},
        ],
    }
    recorded.answer(drawn(train, 1_900))
    assert not reported(recorded)["refused"]["alarm"]
    assert reported(recorded, refused=0.049)["refused"]["alarm"]


def test_a_few_refused_values_of_a_private_column_are_not_told(recorded):
    """Fewer than ten would be told of single people; the rows are counted all the same."""
    reference = read_reference(recorded.package)
    reference.profile["features"]["size"]["type"] = "private"
    recorded.refuse(9, "range", "size")
    recorded.refuse(3, "range", "count")

    def refused():
        with opened(recorded.path) as store:
            return report._refused(store, reference, Window(), 0, Limits())

    counts = {"reason": "range", "feature": "count", "values": 3}
    assert (refused()["rows"], refused()["values"], refused()["reasons"]) == (12, 3, [counts])
    recorded.refuse(1, "range", "size")
    assert [each["values"] for each in refused()["reasons"]] == [10, 3]


def test_the_share_that_is_refused_is_one_of_rows(recorded, train):
    """One row of five is a fifth, however many of its values are wrong."""
    recorded.answer(drawn(train, 80))
    recorded.refuse(20, "missing", "count")
    records = Records(recorded.path)
    records.refuse(recorded.recipe_id, "v1.0.0", "range", "size", count=60)
    records.close()
    refused = reported(recorded)["refused"]
    assert (refused["rows"], refused["values"], refused["share"]) == (20, 80, 0.2)


def test_other_models_are_left_out_and_counted(recorded, train):
    """Their traffic may be another one."""
    recorded.answer(drawn(train, 120), each=3)
    recorded.answer(shifted(drawn(train, 120), 9), recipe_id="other")
    result = reported(recorded)
    assert result["state"] == "in order"
    assert result["model"]["versions"] == ["v1.0.0"]
    volume = result["volume"]
    assert (volume["requests"], volume["rows"]) == (40, 120)
    assert volume["other_models"] == [{"recipe_id": "other", "version": "v1.0.0", "requests": 120}]


def test_only_the_window_is_compared(recorded, train):
    """Drift before it is not told again."""
    recorded.answer(shifted(drawn(train, 120), 9), every=1)
    recorded.answer(drawn(train, 120), start=1_800_000_000.0)
    since = datetime(2026, 12, 1, tzinfo=UTC)
    result = reported(recorded, Window(since=since))
    assert result["state"] == "in order"
    assert result["volume"]["rows"] == 120
    assert result["window"] == {"since": "2026-12-01T00:00:00+00:00", "until": None}
    assert reported(recorded, Window(until=since))["state"] == "alarm"


def test_days_are_listed(recorded, train):
    """With their requests and rows."""
    recorded.answer(drawn(train, 4), each=2, every=86_400)
    assert reported(recorded)["volume"]["days"] == [
        {"day": "2026-11-01", "requests": 1, "rows": 2},
        {"day": "2026-11-02", "requests": 1, "rows": 2},
    ]


@pytest.mark.parametrize(("by", "status"), [(0, 0), (9, 1)])
def test_the_command_gives_data_text_and_status(recorded, train, tmp_path, by, status):
    """0 in order, 1 alarm; and it writes the page where one is asked for."""
    recorded.answer(shifted(drawn(train, 120), by))
    args = argparse.Namespace(html=tmp_path / "out" / "report.html", site=None, **vars(Limits()))
    with opened(recorded.path) as store:
        data, text, ended = report.run(read_reference(recorded.package), store, Window(), args)
    assert ended == status
    assert data["state"] == ("alarm" if by else "in order")
    assert ("ALARM: size" in text) == bool(by)
    assert args.html.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_too_few_rows_end_with_2(recorded, train):
    """As bad use does: nothing is known."""
    recorded.answer(train.head(5))
    args = argparse.Namespace(html=None, site=None, **vars(Limits()))
    with opened(recorded.path) as store:
        assert report.run(read_reference(recorded.package), store, Window(), args)[2] == 2
