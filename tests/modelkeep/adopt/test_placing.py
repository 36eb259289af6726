"""Data, schema and params are replaced together or not at all, whenever the process is killed."""

import os
import shutil

import pytest

from modelkeep.adopt import placing
from modelkeep_core.errors import UserError
from modelkeep_core.files import read_yaml
from project import FORKS, contents, killed_everywhere

# What DVC does itself
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]
OLD = {"data/raw/old.csv": b"a,b\n1,2\n", "schema.yaml": b"old: 1\n", "params.yaml": b"old: 2\n"}
NEW = {"data/raw/new.csv": b"c,d\n3,4\n", "schema.yaml": b"new: 1\n", "params.yaml": b"new: 2\n"}


@pytest.fixture(autouse=True)
def _old(home):
    """The project holds the old files."""
    for path in placing.SETTINGS:
        (home / path).write_bytes(OLD[path.name])


def state(home):
    """Return the files that are replaced, and what DVC has of the data."""
    files = {name: content for name, content in contents(home).items() if name[0] != "."}
    pointer = files.pop("data/raw.dvc", b"")
    return files, pointer


def new_raw():
    """Write the new data beside their place, and return where."""
    raw = placing.WORK / "raw"
    raw.mkdir(parents=True)
    (raw / "new.csv").write_bytes(NEW["data/raw/new.csv"])
    return raw


def replace_all():
    """Put the new files in place."""
    placing.place(new_raw(), "new: 1\n", "new: 2\n")


def test_all_is_replaced_and_dvc_has_both(home):
    """The new data are tracked, and the old ones can be brought back."""
    placing.check_kept()
    _, before = state(home)
    replace_all()
    files, after = state(home)
    assert files == NEW
    assert before != after
    assert placing._dvc("status", placing.POINTER) == {}
    placing.POINTER.write_bytes(before)
    shutil.rmtree(placing.RAW)
    from dvc.repo import Repo

    with Repo(".") as repository:
        repository.checkout()
    assert contents(placing.RAW) == {"old.csv": OLD["data/raw/old.csv"]}


@pytest.mark.parametrize("source", ["repo", "url"])
def test_a_pointer_to_other_data_does_not_keep_their_source(home, source):
    """Else `dvc push` would send the new data nowhere, and lineage would name the old place."""
    placing.check_kept()
    deps = "deps:\n- path: x\n"
    if source == "repo":
        deps += "  repo:\n    url: ../other\n    rev_lock: " + "1" * 40 + "\n"
    before = placing.POINTER.read_text(encoding="utf-8")
    placing.POINTER.write_text(f"{deps}frozen: true\n{before}", encoding="utf-8")
    replace_all()
    content = read_yaml(placing.POINTER)
    assert content.keys() == {"outs"}
    assert content["outs"][0]["md5"] not in before


def test_a_pointer_keeps_what_a_person_wrote_of_the_data(home):
    """Only where they came from is another matter than it was."""
    before = placing.POINTER.read_text(encoding="utf-8")
    placing.POINTER.write_text(f"{before}  desc: Our customers\n", encoding="utf-8")
    replace_all()
    assert read_yaml(placing.POINTER)["outs"][0]["desc"] == "Our customers"


def test_without_old_data_there_is_nothing_to_keep(home):
    """A clone that has not pulled yet can take new data."""
    shutil.rmtree(placing.RAW)
    placing.check_kept()
    replace_all()
    assert state(home)[0] == NEW


def test_data_that_dvc_does_not_have_are_kept(home):
    """What a person put there by hand is not thrown away."""
    (placing.RAW / "mine.csv").write_bytes(b"x")
    with pytest.raises(
        UserError, match="data/raw holds what DVC does not have: `dvc add data/raw`"
    ):
        placing.check_kept()
    placing.POINTER.unlink()
    with pytest.raises(UserError, match="holds what DVC does not have"):
        placing.check_kept()


def test_a_list_of_paths_in_use_that_is_half_written_stops_nobody(home):
    """A killed command of DVC leaves one at times, and DVC refuses all work until it is gone."""
    (home / ".dvc" / "tmp" / "rwlock").write_text('{"write": {', encoding="utf-8")
    placing.check_kept()
    replace_all()
    assert state(home)[0] == NEW


def test_a_place_without_dvc_is_refused_and_left_alone(home):
    """Where DVC cannot take the data, all is as it was."""
    shutil.rmtree(home / ".dvc")
    before = state(home)
    with pytest.raises(UserError, match=r"`dvc status data/raw\.dvc` fails"):
        placing.check_kept()
    with pytest.raises(UserError, match="`dvc add data/raw` fails"):
        replace_all()
    assert state(home) == before


@FORKS
def test_a_killed_run_is_undone_by_the_next(home):
    """At whatever step it is killed, the old files or the new ones are there, whole."""
    placing.check_kept()
    old, seen = state(home), set()
    for _ in killed_everywhere(replace_all, stride=3):
        placing.undo()
        files, pointer = state(home)
        assert files in (OLD, NEW)
        assert (pointer == old[1]) == (files == OLD)
        seen.add(files == NEW)
        if files == NEW:
            for path in (*placing.SETTINGS, placing.RAW / "old.csv"):
                placing.RAW.mkdir(exist_ok=True)
                path.write_bytes(OLD[path.as_posix()])
            os.remove(placing.RAW / "new.csv")
            placing.POINTER.write_bytes(old[1])
    assert seen == {True, False}


@FORKS
def test_undoing_can_be_killed_too(home):
    """A second interruption loses nothing either."""
    old = state(home)
    new_raw()
    aside = placing.WORK / "aside"
    aside.mkdir()
    for path in (*placing.SETTINGS, placing.POINTER):
        shutil.copyfile(path, aside / path.name)
    os.replace(aside, placing.BEFORE)
    os.replace(placing.RAW, placing.BEFORE / "raw")
    os.replace(placing.WORK / "raw", placing.RAW)
    placing.SETTINGS[0].write_bytes(b"new: 1\n")
    for _ in killed_everywhere(placing.undo):
        pass
    assert state(home) == old
