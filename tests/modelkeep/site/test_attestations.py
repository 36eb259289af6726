"""What was rebuilt, as statements of `verify --attest` say."""

import json
from hashlib import sha256
from pathlib import Path

import pytest

from modelkeep.registry.attestation import PREDICATE
from modelkeep.site.attestations import read_attestations
from modelkeep_core.errors import UserError
from repository import Model, make_released
from sites import Page, built, index


def test_a_statement_is_found_by_the_bytes_of_the_metadata(tmp_path: Path) -> None:
    """The version whose model.json it names is verified; another one is not."""
    digest = sha256(json.dumps(Model("aaaa", value=0.9).facts, indent=1).encode()).hexdigest()
    statement = {
        "predicateType": PREDICATE,
        "subject": [{"name": "model@v9.9.9", "digest": {"sha256": digest}}],
        "predicate": {"result": "bytes", "when": "2026-05-01T00:00:00Z"},
    }
    (tmp_path / "proofs").mkdir()
    (tmp_path / "proofs" / "a.json").write_text(json.dumps(statement), encoding="utf-8")
    proofs = read_attestations(tmp_path / "proofs")
    built(make_released(tmp_path / "made"), tmp_path / "out", proofs=proofs)
    columns, _ = index(tmp_path / "out")
    assert dict(zip(columns["version"], columns["verified"], strict=True)) == {
        "v1.0.0": "bytes",
        "v1.1.0": None,
    }
    text = Page(tmp_path / "out" / "index.html").text
    assert "rebuilt 2026-05-01, bytes equal" in text
    assert "never verified" in text


def test_without_statements_nothing_is_said(tmp_path: Path) -> None:
    """Where no directory is given, nobody claims that something was never verified."""
    assert read_attestations(None) is None
    built(make_released(tmp_path / "made"), tmp_path / "out")
    assert "verified" not in index(tmp_path / "out")[0]
    assert "verified" not in Page(tmp_path / "out" / "index.html").text


def test_another_file_is_refused(tmp_path: Path) -> None:
    """A file that is no statement is not passed over in silence."""
    (tmp_path / "x.json").write_text("{}", encoding="utf-8")
    with pytest.raises(UserError, match=r"x\.json is no statement"):
        read_attestations(tmp_path)
    with pytest.raises(UserError, match="is no directory"):
        read_attestations(tmp_path / "gone")
