"""The reports of monitoring that a site is given."""

import json
from pathlib import Path
from typing import Any

import pytest

from modelkeep.site.live import read_reports
from modelkeep_core.errors import UserError
from sites import HOSTILE

PART = {
    "type": "number",
    "ends": [1.0, 2.0],
    "reference": {"rows": 10, "missing": 0, "counts": [2, 6, 2]},
    "current": {"rows": 10, "missing": 0, "counts": [0, 5, 5]},
    "checks": {"values": {"distance": 0.3, "p": 0.01, "p_adjusted": 0.02, "alarm": True}},
}
DRIFT: dict[str, Any] = {
    "state": "alarm",
    "model": {"name": "model", "title": "T", "recipe_id": "ab" * 32, "versions": ["v1.0.0"]},
    "window": {"since": None, "until": "2026-11-01T00:00:00+00:00"},
    "volume": {"requests": 3, "rows": 10},
    "refused": {"values": 1},
    "features": {"size": PART, "kind": PART | {"ends": None, "names": ["a", "b"]}},
    "predictions": PART,
}
ACTUALS = {
    "state": "in order",
    "rows": 200,
    "reference": {"scores": {"accuracy": 0.9, "auc": 0.8}},
    "current": {"scores": {"accuracy": 0.85}},
}


def read(tmp_path: Path, *reports: Any) -> list[dict[str, Any]]:
    """Return what is read of reports."""
    paths = []
    for place, report in enumerate(reports):
        paths.append(tmp_path / f"{place}.json")
        paths[-1].write_text(json.dumps(report), encoding="utf-8")
    return read_reports(paths)


def test_drift_and_actuals_are_read(tmp_path: Path) -> None:
    """State, facts, scores, checks, and the shares of reference and current in pictures."""
    drift, actuals = read(tmp_path, DRIFT, ACTUALS)
    assert (drift["title"], drift["kind"], drift["state"]) == ("T", "bad", "alarm")
    assert ["version", "v1.0.0"] in drift["facts"]
    ((header, rows),) = drift["tables"]
    assert rows[0] == ["size", "values", 0.3, 0.02, "alarm"]
    assert len(header) == len(rows[0])
    assert drift["plots"][0] == {
        "title": "size (alarm): share of the rows, %",
        "names": ["to 1", "1 to 2", "over 2"],
        "series": {"reference": [20.0, 60.0, 20.0], "current": [0.0, 50.0, 50.0]},
    }
    assert drift["plots"][1]["names"] == ["a", "b", "others"]
    assert actuals["tables"] == [
        [["metric", "reference", "current"], [["accuracy", 0.9, 0.85], ["auc", 0.8, None]]]
    ]


def test_what_lies_outside_is_always_in_the_picture(tmp_path: Path) -> None:
    """Of many bins or classes the picture shows a few; the last one is what is out of range."""
    bins = {"counts": [0, *[2] * 48, 4]}
    names = [f"class {place}" for place in range(49)]
    part = PART | {"reference": {"counts": [0, *[2] * 49]}, "current": bins, "checks": {}}
    numbers = part | {"ends": [float(end) for end in range(49)]}
    classes = part | {"ends": None, "names": names}
    (shown,) = read(tmp_path, DRIFT | {"features": {"n": numbers, "c": classes}})
    # The predictions of this report are an alarm: they come first.
    first, even, common = shown["plots"]
    assert first["title"] == "predictions (alarm): share of the rows, %"
    assert (even["names"][1], even["names"][-1]) == ("0 to 2.4", "over 48")
    assert common["names"][-2:] == ["21 more", "others"]
    for plot in (even, common):
        assert len(plot["names"]) <= 30
        assert plot["series"]["current"][-1] == 4.0
        for side in plot["series"].values():
            assert sum(side) == pytest.approx(100, abs=0.2)


def test_checks_are_told_in_few_digits_and_alarms_first(tmp_path: Path) -> None:
    """A p-value of 1e-17 is written as a person reads it, above what is in order."""
    quiet = {"values": {"distance": 0.012345, "p_adjusted": 1.0, "alarm": False}}
    loud = {"values": {"distance": 0.3239, "p_adjusted": 6.9e-17, "alarm": True}}
    features = {"a": PART | {"checks": quiet}, "b": PART | {"checks": loud}}
    (shown,) = read(tmp_path, DRIFT | {"features": features, "predictions": None})
    assert shown["tables"][0][1] == [
        ["b", "values", 0.324, "<0.001", "alarm"],
        ["a", "values", 0.012, 1.0, "in order"],
    ]


@pytest.mark.parametrize("content", ["", "[]", "3", "{}", '{"state": "alarm"}', "[" * 5000])
def test_what_is_no_report_is_refused(tmp_path: Path, content: str) -> None:
    """The message names the file and the commands that write reports."""
    (tmp_path / "x.json").write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match=r"x\.json is not what `modelkeep monitor report --json`"):
        read_reports([tmp_path / "x.json"])
    with pytest.raises(UserError, match="missing"):
        read_reports([tmp_path / "gone.json"])


def test_a_report_of_another_shape_is_harmless(tmp_path: Path) -> None:
    """Parts that are missing or hostile are left out or clean."""
    evil = "".join(HOSTILE)
    odd = {
        "state": evil,
        "model": {"title": evil, "versions": 3},
        "features": {evil: {"reference": {"counts": ["x"]}, "current": {"counts": [1, 2]}}, "b": 3},
        "predictions": [],
        "volume": [],
    }
    (shown,) = read(tmp_path, odd)
    assert shown["plots"] == []
    assert json.dumps(shown, ensure_ascii=False).isprintable()
