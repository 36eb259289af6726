"""The command `modelkeep site`."""

import subprocess
import time
from pathlib import Path

import pytest

from modelkeep.cli import arguments, run
from modelkeep_core.errors import UserError
from repository import Model, make_released
from sites import index


def test_it_writes_and_says_what(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """How many versions, how many of them new, and what to open."""
    made = make_released(tmp_path / "made")
    words = ["site", str(tmp_path / "out"), "--repo", str(made.directory)]
    for new in (2, 0):
        assert run(arguments(words)) == 0
        output = capsys.readouterr().out
        assert output.startswith(f"2 versions, {new} of them new, ")
        assert output.endswith("/out/index.html\n")


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
    with pytest.raises(UserError, match="'' is no date like 2026-01-31"):
        run(arguments([*words, "--since", ""]))
    with pytest.raises(UserError, match="there is no model 'modle'"):
        run(arguments([*words, "--model", "modle"]))
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="time zones cannot be changed here")
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_a_day_begins_everywhere_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    """The same command gives the same site in every time zone; years of long ago are dates, too."""
    made = make_released(tmp_path / "made")
    words = ["site", str(tmp_path / "out"), "--repo", str(made.directory)]
    days = sorted(date[:10] for date in _dates(tmp_path, words, "0001-01-01"))
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert [date[:10] for date in _dates(tmp_path, words, days[1])][:1] == [days[1]]
    finally:
        monkeypatch.undo()
        time.tzset()


def _dates(tmp_path: Path, words: list[str], since: str) -> list[str]:
    run(arguments([*words, "--since", since]))
    return index(tmp_path / "out")[0]["date"]


def test_a_shallow_clone_is_refused(tmp_path: Path) -> None:
    """It has the tags of some commits only: it does not know what is in a stage."""
    made = make_released(tmp_path / "made")
    clone = ["git", "clone", "-q", "--depth=1", made.directory.as_uri(), str(tmp_path / "clone")]
    subprocess.run(clone, check=True)
    words = ["site", str(tmp_path / "out"), "--repo", str(tmp_path / "clone")]
    with pytest.raises(UserError, match=r"shallow.*in a workflow: fetch-depth: 0"):
        run(arguments(words))
    assert not (tmp_path / "out").exists()


def test_an_odd_tag_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As `list` tells it: what is in a stage without a version number, and unlikely dates."""
    made = make_released(tmp_path / "made")
    made.assign("prod", made.commit(Model("dddd")))
    made.raw_tag("model@v9.0.0", made.commit(Model("eeee")), "A <a@b> 9999999999 +0000")
    made.raw_tag("model@v0.1.0", made.commit(Model("ffff")), "A <a@b> -99999999 +0000")
    out = tmp_path / "out"
    assert run(arguments(["site", str(out), "--repo", str(made.directory)])) == 0
    notes = [line for line in capsys.readouterr().err.splitlines() if line.startswith("note: ")]
    assert len(notes) == 2
    assert "v9.0.0" in index(out)[0]["version"]
