"""The report says what came in, what drifted, and whether that is an alarm."""

import argparse
import json
from datetime import UTC, datetime

import pandas as pd
import pytest
from recorded import Served, drawn, shifted

from monitoring import report
from monitoring.limits import Limits
from monitoring.store import opened
from monitoring.watched import read_watched
from monitoring.window import Window


@pytest.fixture
def served(run, tmp_path):
    """A server's records, without a request."""
    return Served(run.package, tmp_path)


@pytest.fixture
def train(run):
    """The training rows."""
    return pd.read_parquet(run.prepared / "train.parquet")


def reported(served, window=None, **limits):
    """Return the report on what is recorded."""
    with opened(served.path) as store:
        return report.report(
            read_watched(served.package), store, window or Window(), Limits(**limits)
        )


@pytest.mark.parametrize("line", ["run", "regression_run"])
def test_clean_traffic_is_in_order(line, request, tmp_path):
    """Of both tasks, and the report is plain data."""
    run = request.getfixturevalue(line)
    served = Served(run.package, tmp_path)
    served.answer(pd.read_parquet(run.prepared / "test.parquet"))
    served.answer(drawn(pd.read_parquet(run.prepared / "train.parquet"), 120))
    found = reported(served)
    assert found["state"] == "in order"
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert list(found["features"]) == served.features


def test_drift_is_an_alarm(served, train):
    """And the feature is named, the others are not."""
    served.answer(shifted(drawn(train, 150)))
    found = reported(served)
    assert found["state"] == "alarm"
    checks = {name: part["checks"] for name, part in found["features"].items()}
    assert checks["size"]["values"]["alarm"]
    assert not any(check["alarm"] for check in checks["count"].values())


def test_predictions_that_drift_are_an_alarm(served, train):
    """Also where the inputs are not recorded."""
    served.answer(shifted(drawn(train, 150), 3), record_inputs=False)
    found = reported(served)
    assert found["state"] == "alarm"
    assert found["predictions"]["checks"]["values"]["alarm"]
    assert (found["volume"]["rows"], found["volume"]["rows_with_inputs"]) == (150, 0)
    assert all(part["checks"] == {} for part in found["features"].values())


def test_few_rows_are_not_enough(served, train):
    """Whatever they are, nothing is said of them."""
    served.answer(shifted(train.head(20), 9))
    found = reported(served, rows=21)
    assert found["state"] == "not enough data"
    assert reported(served, rows=20)["state"] == "alarm"


def test_no_row_is_not_enough(served):
    """A server that was never asked has nothing to report."""
    served.refuse(1, "malformed")
    assert reported(served)["state"] == "not enough data"


def test_many_refused_values_are_an_alarm(served, train):
    """Even where nothing else came in, for then the clients are broken."""
    served.refuse(30, "missing", "count")
    served.refuse(70, "malformed")
    found = reported(served)
    assert found["state"] == "alarm"
    assert found["refused"] == {
        "values": 100,
        "share": 1.0,
        "alarm": True,
        "reasons": [
            {"reason": "malformed", "feature": None, "values": 70},
            {"reason": "missing", "feature": "count", "values": 30},
        ],
    }
    served.answer(drawn(train, 1_900))
    assert not reported(served)["refused"]["alarm"]
    assert reported(served, refused=0.049)["refused"]["alarm"]


def test_other_models_are_left_out_and_counted(served, train):
    """Their traffic may be another one."""
    served.answer(drawn(train, 120), each=3)
    served.answer(shifted(drawn(train, 120), 9), recipe_id="other")
    found = reported(served)
    assert found["state"] == "in order"
    assert found["model"]["versions"] == ["v1.0.0"]
    volume = found["volume"]
    assert (volume["requests"], volume["rows"]) == (40, 120)
    assert volume["other_models"] == [{"recipe_id": "other", "version": "v1.0.0", "requests": 120}]


def test_only_the_window_is_compared(served, train):
    """Drift before it is not told again."""
    served.answer(shifted(drawn(train, 120), 9), every=1)
    served.answer(drawn(train, 120), start=1_800_000_000.0)
    since = datetime(2026, 12, 1, tzinfo=UTC)
    found = reported(served, Window(since=since))
    assert found["state"] == "in order"
    assert found["volume"]["rows"] == 120
    assert found["window"] == {"since": "2026-12-01T00:00:00+00:00", "until": None}
    assert reported(served, Window(until=since))["state"] == "alarm"


def test_days_are_listed(served, train):
    """With their requests and rows."""
    served.answer(drawn(train, 4), each=2, every=86_400)
    assert reported(served)["volume"]["days"] == [
        {"day": "2026-11-01", "requests": 1, "rows": 2},
        {"day": "2026-11-02", "requests": 1, "rows": 2},
    ]


@pytest.mark.parametrize(("by", "status"), [(0, 0), (9, 1)])
def test_the_command_gives_data_text_and_status(served, train, tmp_path, by, status):
    """0 in order, 1 alarm; and it writes the page where one is asked for."""
    served.answer(shifted(drawn(train, 120), by))
    parser = argparse.ArgumentParser()
    report.add_arguments(parser)
    args = parser.parse_args(["--html", str(tmp_path / "out" / "report.html")])
    args.rows = 100
    with opened(served.path) as store:
        data, text, ended = report.run(read_watched(served.package), store, Window(), args)
    assert ended == status
    assert data["state"] == ("alarm" if by else "in order")
    assert ("ALARM: size" in text) == bool(by)
    assert args.html.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_too_few_rows_end_with_2(served, train):
    """As bad use does: nothing is known."""
    served.answer(train.head(5))
    args = argparse.Namespace(html=None, **vars(Limits()))
    with opened(served.path) as store:
        assert report.run(read_watched(served.package), store, Window(), args)[2] == 2
