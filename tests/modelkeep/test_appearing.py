"""What appears whole or not at all: beside others that make the same, and after one was killed."""

import os
from pathlib import Path

import pytest

from modelkeep.appearing import appearing
from project import FORKS, ended, forked


def names(directory):
    """Return what is in a directory."""
    return sorted(path.name for path in directory.iterdir())


@pytest.mark.parametrize("directory", [False, True])
def test_two_that_make_the_same_do_not_meet(tmp_path, directory):
    """The first that is whole stays as it is; the other one is told, and leaves nothing."""

    def written(place, text):
        (place / "file" if directory else place).write_text(text, encoding="utf-8")

    def beside_another():
        with appearing(path, directory) as first:
            written(first, "first")
            with appearing(path, directory) as second:
                written(second, "second")
                assert not path.exists()

    path = tmp_path / "new.csv"
    with pytest.raises(OSError, match=r"exists|not empty"):
        beside_another()
    assert (path / "file" if directory else path).read_text(encoding="utf-8") == "second"
    assert names(tmp_path) == ["new.csv"]


@pytest.mark.parametrize("directory", [False, True])
def test_what_breaks_off_leaves_nothing(tmp_path, directory):
    """Neither under its name, nor hidden."""
    with pytest.raises(ValueError, match="broken"), appearing(tmp_path / "new", directory):
        raise ValueError("broken")
    assert names(tmp_path) == []


@FORKS
@pytest.mark.parametrize("directory", [False, True])
def test_what_was_left_by_one_that_was_killed_is_taken_away(tmp_path, directory):
    """By the next that makes the same."""
    path = tmp_path / "new.csv"

    def die():
        with appearing(path, directory):
            os._exit(9)

    ended(forked(die))
    (left,) = names(tmp_path)
    assert left.startswith(".new")
    with appearing(path, directory):
        assert left not in names(tmp_path)
    assert names(tmp_path) == ["new.csv"]


@FORKS
def test_what_lies_in_wait_under_such_a_name_is_left_alone(tmp_path):
    """A link is not followed, and a pipe not waited for."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "file").touch()
    path = tmp_path / "new"
    (tmp_path / ".new.1.partial").symlink_to(other)
    os.mkfifo(tmp_path / ".new.2.partial")
    with appearing(path) as partial:
        Path(partial).write_text("whole", encoding="utf-8")
    assert path.read_text(encoding="utf-8") == "whole"
    assert names(other) == ["file"]
