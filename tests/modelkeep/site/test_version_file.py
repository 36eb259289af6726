"""The file of one version."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from repository import Model, Repository, make_released
from sites import READABLE, built, files, index, version


def only(tmp_path: Path, unusual: dict[str, Any], **others: str | bytes | None) -> dict[str, Any]:
    """Return the content of the file of an only version with unusual metadata."""
    made = Repository(tmp_path / "made")
    made.commit(Model(unusual=unusual), others=others)
    made.tag("model@v1.0.0")
    built(made, tmp_path / "out")
    return version(tmp_path / "out", "v1.0.0")


def test_it_has_what_the_commit_says(tmp_path: Path) -> None:
    """What no column has: who committed it, and its schema, both as a table and to be compared."""
    made = make_released(tmp_path / "made")
    built(made, tmp_path / "out")
    file = version(tmp_path / "out", "v1.1.0")
    assert file["created"].startswith("Change (Ada Lovelace, 2026-01-")
    assert ["size.max", 9] in file["context"]["parts"]["Schema"]
    assert file["context"]["parts"]["Code"] == [["train", "python -m pipeline.train"]]
    assert ["Schema", ["size", "number", "to 9", "no", "no"]] in [
        [section, rows[0]] for section, _, rows in file["context"]["tables"]
    ]


def test_what_versions_have_alike_is_written_once(tmp_path: Path) -> None:
    """Versions of the same schema share a file, which goes with the last of them."""
    made, out = make_released(tmp_path / "made"), tmp_path / "out"
    other = Model("dddd", unusual={"schema": {"target": "other", "columns": {}}})
    commit = made.release("v2.0.0", other)
    built(made, out)
    names = [version(out, label)["parts"]["context"] for label in ("v1.0.0", "v1.1.0", "v2.0.0")]
    assert names[0] == names[1] != names[2]
    made.tag("model@v2.0.0!", commit)
    built(made, out)
    assert {name for name in files(out) if name.startswith("parts/")} == {f"parts/{names[0]}.js"}


def test_findings_are_told(tmp_path: Path) -> None:
    """What `evaluate` has to say of a model is in its file, and how many warnings in a column."""
    findings = [
        {"name": "overfitting", "severity": "warning", "says": "Lost on new rows.", "evidence": {}},
        {"name": "useless-feature", "severity": "note", "says": "As good without."},
    ]
    file = only(tmp_path, {"findings": [*findings, {"says": 3}, "odd"]})
    rows = [["warning", "Lost on new rows."], ["note", "As good without."]]
    assert ["How good it is", ["finding", "what to look at"], rows] in file["tables"]
    assert index(tmp_path / "out")[0]["warnings"] == [1]


def test_a_stale_lock_is_told(tmp_path: Path) -> None:
    """dvc.lock that names another model.json was not committed with it."""
    assert ["bad", "dvc.lock is stale"] in only(tmp_path, {})["marks"]


def test_a_lock_in_step_is_none(tmp_path: Path) -> None:
    """dvc.lock that names the committed model.json is as it should be."""
    content = json.dumps(Model().facts, indent=1)
    digest = hashlib.md5(content.encode()).hexdigest()
    lock = {"stages": {"package": {"outs": [{"path": "model.json", "md5": digest}]}}}
    assert only(tmp_path, {}, **{"dvc.lock": json.dumps(lock)})["marks"] == []


def test_an_unlocked_environment_is_told(tmp_path: Path) -> None:
    """With what was not as locked."""
    marks = only(tmp_path, {"reproducible": False, "unlocked": ["numpy is 3"]})["marks"]
    assert ["bad", "not made in the locked environment: numpy is 3"] in marks


ODD: list[dict[str, Any]] = [
    {"metrics": {"headline": [], "test": {"a": "b"}, "by_group": {"groups": [3, {}]}}},
    {"metrics": {"headline": {"metric": "m", "value": 10**400, "low": "x", "high": None}}},
    {"training": {"parameters": [1], "preprocessing": [3, {"steps": None}], "warnings": {}}},
    {"data": {"files": {}, "rows": {"train": "many"}}, "schema": {"columns": {"a": 3, "b": {}}}},
    {"recipe": {"parameters": {"a": [[[{}]]]}, "data": {"x": 3}, "code": []}, "libraries": {}},
    {"data": {"files": 3}, "metrics": {"headline": {"metric": "m", "value": float("nan")}}},
    {"recipe": {}, "metrics": {}, "training": {}, "schema": {}, "data": {}},
]


@pytest.mark.parametrize("unusual", ODD, ids=str)
def test_metadata_of_any_shape_are_shown(tmp_path: Path, unusual: dict[str, Any]) -> None:
    """What another tool wrote, or a person, ends neither the command nor the page."""
    assert only(tmp_path, unusual)["context"]
    columns, _ = index(tmp_path / "out")
    scores = {name for name in columns if name.startswith("test:")}
    assert scores <= {"test:accuracy", "test:macro_f1", "test:a"}


def test_nothing_hostile_is_left_in_it(tmp_path: Path) -> None:
    """Every text of the metadata, names and values, is clean in the file."""
    evil = "".join(READABLE)
    file = only(
        tmp_path,
        {
            "title": evil,
            "training": {"estimator": evil, "parameters": {evil: evil}, "warnings": [evil]},
            "schema": {"target": evil, "columns": {evil: {"type": evil, "values": [evil]}}},
            "libraries": {evil: evil},
        },
    )
    columns, _ = index(tmp_path / "out")
    texts = json.dumps([file, columns], ensure_ascii=False)
    assert texts.isprintable()
    assert "alert" in texts
