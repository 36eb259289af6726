"""What tags say of a stage is believed as far as this clone can know it, and no further."""

import json
import subprocess
import sys

import pytest

from modelkeep.registry.believed import check_assignment, check_origin, doubts
from modelkeep.registry.catalogue import Catalogue
from modelkeep.registry.git import opened
from modelkeep.registry.reference import find, version_in
from modelkeep_core.errors import UserError
from repository import MISSING, Model

FUTURE = "E <e@example.org> 5680281600 +0000"


@pytest.fixture
def clone(repository, tmp_path, monkeypatch):
    """Return a function that clones the repository and works there, with an origin."""

    def make(*options):
        place = tmp_path / "clone"
        url = repository.directory.as_uri()
        subprocess.run(["git", "clone", "--quiet", *options, url, place], check=True)
        monkeypatch.chdir(place)
        return place

    return make


def git(*words):
    """Run Git here."""
    subprocess.run(["git", *words], check=True, capture_output=True)


def in_prod(reference="prod"):
    """Return the number of what is in prod here, to be looked at."""
    with opened(".") as here:
        return find(Catalogue(here), reference).number


def test_a_registered_version_on_a_branch_is_believed(repository):
    """As the commands leave it."""
    repository.release("v1.0.0", None, "prod")
    with repository.catalogue() as catalogue:
        assert version_in(catalogue, "prod").number == "v1.0.0"
        assert doubts(catalogue) == []


def test_a_commit_that_nobody_registered_is_not_served(repository):
    """Whoever may push tags, and nothing else, cannot put an experiment into a stage."""
    repository.release("v1.0.0", None, "prod")
    repository.commit(Model("b"))
    repository.assign("prod", repository.head, message="Promote v1.1.0\n\nGate: passed")
    with repository.catalogue() as catalogue:
        with pytest.raises(UserError, match=r"model#prod#2 assigns commit .* no version number"):
            version_in(catalogue, "prod")
        with pytest.raises(UserError, match=r"model#prod#2 assigns commit .* no version number"):
            find(catalogue, "prod", to_use=True)
        assert find(catalogue, "prod").number is None
        (line,) = doubts(catalogue)
    assert "neither fetched nor served" in line


def test_a_registered_commit_on_no_branch_is_not_served(repository):
    """A tag brings its commit along; who may not push branches has nobody's review."""
    repository.release("v1.0.0", None, "prod")
    commit = repository.commit(Model("b"), branch="evil", parents=[repository.head])
    repository.tag("model@v9.0.0", commit)
    repository.assign("prod", commit)
    (repository.directory / ".git/refs/heads/evil").unlink()
    with (
        repository.catalogue() as catalogue,
        pytest.raises(UserError, match=r"model#prod#2 .* which is on no branch here"),
    ):
        version_in(catalogue, "prod")
    repository.point("remotes/origin/other", commit)
    with repository.catalogue() as catalogue:
        assert version_in(catalogue, "prod").number == "v9.0.0"


def test_a_commit_that_is_gone_is_on_no_branch(repository):
    """A sentence, not a failure of Git."""
    repository.release("v1.0.0")
    repository.raw_tag("model@v2.0.0", MISSING, "A <a@b> 1767225600 +0000")
    repository.raw_tag("model#prod#1", MISSING, "A <a@b> 1767225601 +0000")
    with repository.catalogue() as catalogue, pytest.raises(UserError, match="on no branch"):
        check_assignment(catalogue, catalogue.assignments["model"]["prod"])


# Clones that do not have everything


def test_a_shallow_clone_does_not_say_what_is_in_a_stage(repository, clone):
    """It has the tags of its newest commit only; a version is found, where its tag is there."""
    first = repository.release("v1.0.0", None, "prod")
    repository.release("v1.1.0", None, "prod")
    repository.assign("prod", first)
    clone("--depth", "1")
    with pytest.raises(UserError, match=r"this clone is shallow.*--unshallow"):
        in_prod()
    assert in_prod("v1.1.0") == "v1.1.0"
    with opened(".") as here:
        with pytest.raises(UserError, match="this clone is shallow"):
            version_in(Catalogue(here), "prod")
        assert doubts(Catalogue(here))[0].startswith("this clone is shallow")
    git("fetch", "--quiet", "--unshallow", "--tags")
    assert in_prod() == "v1.0.0"


def test_a_clone_in_which_other_objects_stand_for_commits_says_so(repository):
    """What they say was never registered; the command that takes them away is given."""
    first = repository.release("v1.0.0", None, "prod")
    second = repository.release("v1.1.0")
    repository.git("replace", first, second)
    with repository.catalogue() as catalogue:
        (line,) = doubts(catalogue)
    assert f"another object stands for {first[:7]} in this clone" in line
    assert f"`git replace -d {first}`" in line


def test_a_clone_that_lacks_a_tag_of_origin_says_so_instead_of_answering(repository, clone):
    """What it knows may be old; the message has what brings the rest."""
    first = repository.release("v1.0.0", None, "prod")
    repository.release("v1.1.0", None, "prod")
    clone()
    assert in_prod() == "v1.1.0"
    repository.assign("prod", first)
    with pytest.raises(UserError, match=r"origin has tags that are not here \(model#prod#3\)"):
        in_prod()
    git("fetch", "--quiet", "--force", "origin", "refs/tags/*:refs/tags/*")
    assert in_prod() == "v1.0.0"


def test_a_tag_that_was_made_anew_at_origin_is_told(repository, clone):
    """The same name for another commit: a plain fetch would keep the old one."""
    first = repository.release("v1.0.0", None, "prod")
    repository.release("v1.1.0", None, "prod")
    clone()
    repository.tag("model#prod#2", first)
    with pytest.raises(UserError, match=r"origin has tags that are others here \(model#prod#2\)"):
        in_prod()


def test_a_tag_that_origin_has_no_more_is_named(repository, clone, capsys):
    """It may have been deleted there, or not been pushed yet: the answer comes with a note."""
    repository.release("v1.0.0", None, "prod")
    repository.release("v1.1.0", None, "prod")
    clone()
    (repository.directory / ".git/refs/tags/model#prod#2").unlink()
    assert in_prod() == "v1.1.0"
    assert "origin does not have model#prod#2, which this clone has" in capsys.readouterr().err


def test_tags_of_other_models_and_of_no_model_do_not_matter(repository, clone, capsys):
    """Only those that can change the answer."""
    repository.release("v1.0.0", None, "prod")
    clone()
    repository.tag("other@v1.0.0")
    repository.tag("release-5")
    assert in_prod() == "v1.0.0"
    assert capsys.readouterr().err == ""


def test_an_origin_that_is_away_is_told_and_what_is_here_is_answered(repository, clone, capsys):
    """An outage of the Git host keeps nobody from looking."""
    repository.release("v1.0.0", None, "prod")
    clone()
    git("remote", "set-url", "origin", "file:///nowhere/at/all")
    assert in_prod() == "v1.0.0"
    assert "origin could not be asked for its tags" in capsys.readouterr().err


def test_the_origin_of_somebody_elses_directory_is_not_asked(
    repository, clone, tmp_path, monkeypatch
):
    """Its address is theirs to choose."""
    repository.release("v1.0.0", None, "prod")
    place = clone()
    repository.assign("prod", repository.commit(Model("b")))
    with opened(str(place)) as own:
        assert not own.foreign
        with pytest.raises(UserError, match="origin has tags"):
            check_origin(Catalogue(own), "model")
    monkeypatch.chdir(tmp_path)
    with opened(str(place)) as foreign:
        assert foreign.foreign
        assert check_origin(Catalogue(foreign), "model") == []


# Clocks


def test_a_tag_of_another_century_is_named_and_blocks_nothing(repository, capsys):
    """A version of 2150 is not newer than all others, and an assignment counts by its counter."""
    first = repository.release("v1.0.0", None, "prod")
    second = repository.release("v1.1.0")
    repository.raw_tag("model@v1.0.1", first, FUTURE)
    repository.raw_tag("model#prod#2", second, FUTURE)
    with repository.catalogue() as catalogue:
        assert version_in(catalogue, "prod").number == "v1.1.0"
        assert catalogue.registered("model")[0].number == "v1.1.0"
        (line,) = doubts(catalogue)
    assert "is dated 2150-01-01, which is still to come (and 1 more tag has such a date)" in line
    repository.assign("prod", first)
    with repository.catalogue() as catalogue:
        assert version_in(catalogue, "prod").commit == first


@pytest.mark.parametrize("seconds", ["253402300800", "9" * 20, "9" * 5000, "253402300799"])
def test_a_date_in_no_calendar_is_named_too(repository, seconds):
    """The assignment counts all the same."""
    first = repository.release("v1.0.0")
    repository.raw_tag("model#prod#1", first, f"E <e@x> {seconds} +0000")
    with repository.catalogue() as catalogue:
        assert version_in(catalogue, "prod").number == "v1.0.0"
        assert "has a date that is in no calendar" in doubts(catalogue)[0]
    data, shown = repository.answer("history")
    assert data[0]["version"] == "v1.0.0"
    assert "1970" in shown


def test_an_older_clock_does_not_undo_a_later_assignment(repository):
    """The counter is the order in which people decided."""
    first = repository.release("v1.0.0", None, "prod")
    second = repository.release("v1.1.0")
    repository.raw_tag("model#prod#2", second, "A <a@b> 1262304000 +0000")
    repository.raw_tag("model#prod#3", first, "A <a@b> 0 +0000")
    with repository.catalogue() as catalogue:
        assert version_in(catalogue, "prod").commit == first
        assert "model#prod#3 is dated 1970-01-01, before there was Git" in doubts(catalogue)[0]


# Models that were retired


def test_a_deprecated_model_is_in_no_stage(repository):
    """As GTO has it; the list, the version and the history say so."""
    repository.release("v1.0.0", None, "prod")
    repository.tag("model@deprecated", message="Retired")
    with repository.catalogue() as catalogue:
        with pytest.raises(UserError, match=r"model was deprecated on .* \(tag model@deprecated\)"):
            version_in(catalogue, "prod")
        with pytest.raises(UserError, match="model was deprecated on"):
            find(catalogue, "prod")
    data, shown = repository.answer("list")
    assert shown.startswith("Deprecated on 2026-01-05 by Ada Lovelace: Retired\n\n")
    assert (data[0]["stages"], data[0]["deprecated"]["tag"]) == ([], "model@deprecated")
    data, shown = repository.answer("history")
    assert (data[0]["version"], data[0]["tag"]) == (None, "model@deprecated")


def test_what_is_said_of_a_deprecated_model_revives_it(repository):
    """As in GTO: a new version, or an assignment; then the stages are what they were."""
    first = repository.release("v1.0.0", None, "prod")
    repository.tag("model@deprecated", message="Retired")
    second = repository.release("v1.1.0")
    with repository.catalogue() as catalogue:
        assert version_in(catalogue, "prod").commit == first
    repository.tag("model@deprecated#2")
    repository.assign("dev", second)
    with repository.catalogue() as catalogue:
        assert version_in(catalogue, "prod").commit == first
        assert version_in(catalogue, "dev").commit == second
        assert catalogue.deprecations == {}


# What is shown


def test_what_did_not_go_through_the_gate_is_shown_as_such(repository):
    """A tag by hand, one that was forced, and one of a commit that nobody registered."""
    first = repository.release("v1.0.0")
    repository.assign("prod", first, message="Why\n\nGate: passed")
    repository.assign("prod", repository.release("v1.1.0"), message="Why\n\nGate: forced")
    repository.assign("prod", first, message="Back\n\nRollback: from v1.1.0 to v1.0.0")
    repository.assign("prod", repository.commit(Model("c")), message="Why\n\nGate: passed")
    repository.assign("prod", first)
    data, shown = repository.answer("history")
    assert [span["doubts"] for span in data] == [
        ["no gate"],
        ["never registered"],
        [],
        ["forced"],
        [],
    ]
    assert "Why [never registered]" in shown


def test_a_commit_in_a_stage_without_a_number_is_listed(repository):
    """Else nobody would see what the stage holds."""
    repository.release("v1.0.0")
    commit = repository.commit(Model("b"))
    repository.assign("prod", commit)
    data, _ = repository.answer("list")
    assert [(entry["version"], entry["stages"]) for entry in data] == [
        ("v1.0.0", []),
        (None, ["prod"]),
    ]
    assert data[1]["commit"] == commit


def test_nothing_that_a_tag_says_acts_on_a_terminal(repository):
    """Names of authors and messages, in tables, in paragraphs and in JSON."""
    name, message = "E\x1b[31mvil\x9b2J", "gone\x1b[1A\x1b[2K\u202e\x07 hidden"
    commit = repository.commit(Model(unusual={"title": "A\x1b[8m"}))
    repository.tag("model@v1.0.0", commit, message, author=name)
    repository.tag("model#prod#1", commit, message, author=name)
    command = [sys.executable, "-m", "modelkeep"]
    for words in (["list"], ["history"], ["list", "--json"], ["history", "--json"]):
        done = subprocess.run(
            [*command, *words], cwd=repository.directory, capture_output=True, check=False
        )
        shown = (done.stdout + done.stderr).decode()
        assert done.returncode == 0, shown
        assert "vil" in shown
        assert not {"\x1b", "\x9b", "\u202e", "\x07"} & {*shown}
        if "--json" in words:
            assert json.loads(done.stdout)[0]["author"] == name
