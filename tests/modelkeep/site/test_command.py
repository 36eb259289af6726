"""The command `modelkeep site`."""

from pathlib import Path

import pytest

from modelkeep.cli import arguments, run
from modelkeep_core.errors import UserError
from repository import make_released
from sites import index


def test_it_writes_and_says_what(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """How many versions, how many of them new, and what to open."""
    made = make_released(tmp_path / "made")
    words = ["site", str(tmp_path / "out"), "--repo", str(made.directory)]
    for new in (2, 0):
        assert run(arguments(words)) == 0
        said = capsys.readouterr().out
        assert said.startswith(f"2 versions, {new} of them new, ")
        assert said.endswith("/out/index.html\n")


def test_options_are_followed(tmp_path: Path) -> None:
    """One model, and a date before which nothing counts but what is in a stage."""
    made = make_released(tmp_path / "made")
    made.release("v2.0.0", None, "staging")
    words = ["site", str(tmp_path / "out"), "--repo", str(made.directory), "--model", "model"]
    run(arguments([*words, "--since", "2026-01-10"]))
    assert index(tmp_path / "out")[0]["version"] == ["v2.0.0", "v1.0.0"]


def test_mistakes_are_one_sentence(tmp_path: Path) -> None:
    """No date, no model: nothing is written."""
    words = ["site", str(tmp_path / "out"), "--repo", str(make_released(tmp_path / "m").directory)]
    with pytest.raises(UserError, match="'soon' is no date like 2026-01-31"):
        run(arguments([*words, "--since", "soon"]))
    with pytest.raises(UserError, match="there is no model 'modle'"):
        run(arguments([*words, "--model", "modle"]))
    assert not (tmp_path / "out").exists()
