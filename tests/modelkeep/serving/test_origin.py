"""The tags of a clone are those that its origin has now, and those that were made here since."""

import pytest

from modelkeep.registry.git import GitError, opened
from modelkeep.serving.origin import OriginGit
from project import git


@pytest.fixture
def place(tmp_path):
    """A repository with a tag and its clone, which knows of it."""
    home = tmp_path / "home"
    git(tmp_path, "init", "--quiet", "-b", "main", home)
    git(home, "commit", "--quiet", "--allow-empty", "-m", "Begin")
    tag(home, "model#prod#1")
    git(tmp_path, "clone", "--quiet", home, tmp_path / "clone")
    return tmp_path


def tag(directory, name, message="why"):
    """Write a tag of the last commit."""
    git(directory, "tag", "-a", "-m", message, name)


def tags(place, update=True):
    """Return the messages of the tags that count in the clone, by their names."""
    with opened(str(place / "clone")) as opened_git, OriginGit.of(opened_git) as clone:
        if update:
            clone.update(30)
        return {
            name.removeprefix("refs/tags/"): clone.read_one(oid).decode().split("\n")[-2]
            for name, oid in clone.refs("refs/tags")
        }


def own(place):
    """Return the names of the tags that the clone itself has."""
    return git(place / "clone", "tag").split()


def test_new_tags_and_branches_of_origin_come(place):
    """They are the clone's as well, for whoever looks there."""
    git(place / "home", "checkout", "--quiet", "-b", "new")
    git(place / "home", "commit", "--quiet", "--allow-empty", "-m", "Go on")
    tag(place / "home", "model#prod#2")
    assert tags(place) == {"model#prod#1": "why", "model#prod#2": "why"}
    assert own(place) == ["model#prod#1", "model#prod#2"]
    assert "origin/new" in git(place / "clone", "branch", "--remotes")


def test_a_tag_that_was_made_anew_is_the_one_that_origin_has(place):
    """And what comes after it is not kept out; the clone's own tag is left as it is."""
    assert tags(place) == {"model#prod#1": "why"}
    git(place / "home", "tag", "-d", "model#prod#1")
    tag(place / "home", "model#prod#1", "again")
    tag(place / "home", "model#prod#2")
    assert tags(place) == {"model#prod#1": "again", "model#prod#2": "why"}
    assert "why" in git(place / "clone", "cat-file", "-p", "model#prod#1")


def test_a_tag_that_was_deleted_at_origin_counts_no_more(place):
    """Though the clone has it still; if it comes back, it counts again."""
    assert tags(place) == {"model#prod#1": "why"}
    git(place / "home", "tag", "-d", "model#prod#1")
    assert tags(place) == {}
    assert own(place) == ["model#prod#1"]
    tag(place / "home", "model#prod#1", "again")
    assert tags(place) == {"model#prod#1": "again"}


def test_a_tag_that_was_made_here_counts_and_is_told(place, caplog):
    """Whether origin can be reached or not, until origin has another one of that name."""
    assert tags(place) == {"model#prod#1": "why"}
    tag(place / "clone", "model#prod#2", "here")
    away = (place / "home").rename(place / "away")
    with pytest.raises(GitError, match="`git fetch` failed: "):
        tags(place)
    assert tags(place, update=False) == {"model#prod#1": "why", "model#prod#2": "here"}
    away.rename(place / "home")
    tag(place / "home", "model#prod#3")
    assert tags(place) == {"model#prod#1": "why", "model#prod#2": "here", "model#prod#3": "why"}
    assert "origin does not have these tags of this clone: model#prod#2" in caplog.text
    tag(place / "home", "model#prod#2", "there")
    assert tags(place)["model#prod#2"] == "there"
    assert "here" in git(place / "clone", "cat-file", "-p", "model#prod#2")


def test_other_refs_are_those_of_the_clone(place):
    """A branch is a branch."""
    with opened(str(place / "clone")) as opened_git, OriginGit.of(opened_git) as clone:
        assert [name for name, _ in clone.refs("refs/heads")] == ["refs/heads/main"]
