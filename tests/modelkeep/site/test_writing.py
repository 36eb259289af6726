"""A site is written whole, the same for the same repository, and files of versions only once."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelkeep.registry import metadata
from modelkeep.site.writing import STAMP, check_target
from modelkeep_core.errors import UserError
from repository import Model, make_released
from sites import built, files, index


def test_the_same_repository_gives_the_same_bytes(tmp_path: Path) -> None:
    """Neither the clock, nor the directory, nor what was there before is in a site."""
    made = make_released(tmp_path / "made")
    built(made, tmp_path / "one")
    made.release("v3.0.0", None, "prod")
    built(made, tmp_path / "one")
    copied = shutil.copytree(tmp_path / "made", tmp_path / "deep" / "copied")
    made.directory = copied
    built(made, tmp_path / "another")
    assert files(tmp_path / "one") == files(tmp_path / "another")


def test_a_repeated_run_only_adds(tmp_path: Path) -> None:
    """Files of versions are not touched again, and a run without news writes nothing."""
    made, out = make_released(tmp_path / "made"), tmp_path / "out"
    assert built(made, out).new == 2
    times = {name: (out / name).stat().st_mtime_ns for name in files(out)}
    assert built(made, out).new == 0
    assert times == {name: (out / name).stat().st_mtime_ns for name in files(out)}
    made.release("v2.0.0", None, "prod")
    assert built(made, out).new == 1
    kept = [name for name in times if name.startswith("versions/")]
    assert [times[name] for name in kept] == [(out / name).stat().st_mtime_ns for name in kept]


def test_what_is_taken_back_is_removed(tmp_path: Path) -> None:
    """A version without its number, in no stage, is nowhere in the site."""
    made, out = make_released(tmp_path / "made"), tmp_path / "out"
    commit = made.release("v2.0.0", Model("dddd"))
    built(made, out)
    key = index(out)[0]["key"][0]
    made.tag("model@v2.0.0!", commit)
    built(made, out)
    assert "v2.0.0" not in index(out)[0]["version"]
    assert f"versions/{key}.js" not in files(out)
    assert not any(b"v2.0.0" in content for content in files(out).values())


def test_reports_come_and_go(tmp_path: Path) -> None:
    """A run without the reports that the run before had leaves none of them."""
    made, out = make_released(tmp_path / "made"), tmp_path / "out"
    built(made, out)
    before = files(out)
    built(made, out, reports=[{"title": "T", "state": "alarm"}])
    assert "data/live.js" in files(out)
    built(made, out)
    assert files(out) == before


def test_other_files_are_not_lost(tmp_path: Path) -> None:
    """A directory with something else in it is refused; a new one, an empty one, a site are not."""
    out = tmp_path / "out"
    check_target(out)
    out.mkdir()
    check_target(out)
    built(make_released(tmp_path / "made"), out)
    check_target(out)
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(UserError, match="has files that are no site"):
        check_target(tmp_path)
    for name in ("index.html", "data/index.js"):
        path = tmp_path / "page" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("export default {};", encoding="utf-8")
    with pytest.raises(UserError, match="has files that are no site"):
        check_target(tmp_path / "page")
    with pytest.raises(UserError, match="is no directory"):
        check_target(tmp_path / "file")


def test_a_run_that_was_ended_is_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever a run is killed, the next one writes the same site as if nothing had been there."""
    made, replace = make_released(tmp_path / "made"), os.replace
    built(made, tmp_path / "whole")
    whole = files(tmp_path / "whole")
    for last in range(len(whole)):
        out, count = tmp_path / f"out{last}", iter(range(last))

        def killed(*paths: Path, count: Iterator[int] = count) -> None:
            next(count)
            replace(*paths)

        with monkeypatch.context() as patched:
            patched.setattr(os, "replace", killed)
            with pytest.raises(StopIteration):
                built(made, out)
        assert any(name.endswith(".partial") for name in files(out))
        if last:
            check_target(out)
        built(made, out)
        assert files(out) == whole


@pytest.mark.slow
def test_runs_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    """Four of them end well, and leave what one would have left."""
    made, out = make_released(tmp_path / "made"), tmp_path / "out"
    built(made, tmp_path / "alone")
    words = ["site", str(out), "--repo", str(made.directory)]
    command = [sys.executable, "-m", "modelkeep", *words]
    paths = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    runs = [subprocess.Popen(command, env=paths, stderr=subprocess.PIPE) for _ in range(4)]
    assert [run.communicate()[1] for run in runs] == [b""] * 4
    assert files(out) == files(tmp_path / "alone")


def test_a_damaged_file_of_a_version_is_told(tmp_path: Path) -> None:
    """Where it is needed to know what can be removed, it is named."""
    made, out = make_released(tmp_path / "made"), tmp_path / "out"
    built(made, out)
    whole, key = files(out), index(out)[0]["key"][0]
    (out / "versions" / "other.js").write_bytes(b"modelkeep(")
    (out / "versions" / f"{key}.js").write_bytes(b"modelkeep(")
    with pytest.raises(UserError, match=f"{key}.js is damaged: delete it, and write the site"):
        built(made, out)
    (out / "versions" / f"{key}.js").unlink()
    built(made, out)
    assert files(out) == whole


def test_what_cannot_be_written_is_told(tmp_path: Path) -> None:
    """One sentence, and no traceback."""
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(UserError, match="the site cannot be written"):
        built(make_released(tmp_path / "made"), tmp_path / "file" / "out")


def test_the_script_is_small(tmp_path: Path) -> None:
    """All JavaScript is our own, and no more than 30 kB."""
    built(make_released(tmp_path / "made"), tmp_path / "out")
    assert (tmp_path / "out" / "site.js").stat().st_size < 30_000


def test_what_is_kept_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second site reads the metadata of new versions, and of those in a stage; no others."""
    made, out = make_released(tmp_path / "made"), tmp_path / "out"
    for number in range(3, 8):
        made.release(f"v{number}.0.0")
    built(made, out)
    first, read = files(out), set()
    parse = metadata.parse_json
    monkeypatch.setattr(
        metadata, "parse_json", lambda text, name: read.add(text) or parse(text, name)
    )
    built(made, out)
    assert len(read) == 2
    assert files(out) == first


@pytest.mark.parametrize(
    "damaged",
    [b"", b"{}", b'modelkeep("index",{"stamp":1});\n', b'modelkeep("index",[]);\n', b"\xff"],
)
def test_a_damaged_index_is_written_anew(tmp_path: Path, damaged: bytes) -> None:
    """What cannot be read, or was written by another release, is not taken over."""
    made, out = make_released(tmp_path / "made"), tmp_path / "out"
    built(made, out)
    first = files(out)
    (out / "data" / "index.js").write_bytes(damaged)
    built(made, out)
    assert files(out) == first
    index_file = out / "data" / "index.js"
    index_file.write_bytes(index_file.read_bytes().replace(STAMP.encode(), b"0.0.1 1"))
    built(made, out)
    assert files(out) == first
