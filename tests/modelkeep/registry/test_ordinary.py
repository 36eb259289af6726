"""A repository of somebody else is not read where a file of it is a pipe, a socket or a device."""

import os
import socket
import subprocess

import pytest

from modelkeep.registry import ordinary
from modelkeep.registry.git import opened
from modelkeep.registry.ordinary import check_ordinary
from modelkeep_core.errors import UserError

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes to be made")


@pytest.fixture
def repository(tmp_path):
    """An empty repository."""
    path = tmp_path / "theirs"
    subprocess.run(["git", "init", "--quiet", path], check=True)
    return path


def made_pipe(path):
    """Put a pipe in the place of a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    os.mkfifo(path)


@pytest.mark.parametrize(
    "name", ["config", "HEAD", "packed-refs", "refs/tags/x", "objects/ab/" + "c" * 38, "commondir"]
)
@pytest.mark.parametrize("url", ["{}", "file://{}", "{}/below"])
def test_a_pipe_in_the_place_of_a_file_of_git_is_not_waited_for(repository, name, url):
    """Whichever it is, and however the repository is named."""
    (repository / "below").mkdir()
    made_pipe(repository / ".git" / name)
    with (
        pytest.raises(UserError, match=f"{name} is no ordinary file"),
        opened(url.format(repository)),
    ):
        pass


def test_links_to_devices_are_not_read(repository):
    """A device may have no end; a link to a file, and one that leads nowhere, are left to Git."""
    (repository / ".git" / "description").unlink()
    (repository / ".git" / "description").symlink_to("config")
    (repository / ".git" / "shallow").symlink_to("nowhere")
    check_ordinary(repository)
    (repository / ".git" / "packed-refs").symlink_to("/dev/zero")
    with pytest.raises(UserError, match="packed-refs is no ordinary file"):
        check_ordinary(repository)


def test_a_socket_is_not_read(repository, monkeypatch):
    """Its path may be a long one: it is bound from within."""
    monkeypatch.chdir(repository / ".git")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("index")
        with pytest.raises(UserError, match="index is no ordinary file"):
            check_ordinary(repository)


def test_directories_that_a_repository_names_are_looked_at_too(repository, tmp_path):
    """Those of a linked work tree, and those from which it borrows objects."""
    other = tmp_path / "other"
    subprocess.run(["git", "init", "--quiet", "--bare", other], check=True)
    (repository / ".git" / "objects" / "info" / "alternates").write_text(f"{other}/objects\n")
    check_ordinary(repository)
    made_pipe(other / "objects" / "info" / "packs")
    with pytest.raises(UserError, match="packs is no ordinary file"):
        check_ordinary(repository)
    with pytest.raises(UserError, match="packs is no ordinary file"):
        check_ordinary(other)
    linked = tmp_path / "linked"
    linked.mkdir()
    (linked / ".git").write_text(f"gitdir: {repository}/.git\n")
    with pytest.raises(UserError, match="packs is no ordinary file"):
        check_ordinary(linked)


def test_a_tree_without_end_is_not_walked(repository, monkeypatch):
    """It may name any directory of this machine as its own."""
    monkeypatch.setattr(ordinary, "MOST_FILES", 3)
    with pytest.raises(UserError, match="has more than 3 files: it is not read"):
        check_ordinary(repository)


def test_pipes_of_a_work_tree_are_not_its_repository(repository, tmp_path):
    """They are not opened; nor is a directory that is in no repository looked through."""
    made_pipe(repository / "data")
    check_ordinary(repository)
    made_pipe(tmp_path / "pipe")
    check_ordinary(tmp_path)
