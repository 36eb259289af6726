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
        "title": "size: share of the rows, %",
        "names": ["to 1", "1 to 2", "over 2"],
        "series": {"reference": [20.0, 60.0, 20.0], "current": [0.0, 50.0, 50.0]},
    }
    assert drift["plots"][1]["names"] == ["a", "b", "others"]
    assert actuals["tables"] == [
        [["metric", "reference", "current"], [["accuracy", 0.9, 0.85], ["auc", 0.8, None]]]
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
