"""A tag is written whole or not at all, never over another one, and sent only where it fits."""

import re
import subprocess
import time
from datetime import datetime

import gto.api
import pytest

from modelkeep.registry import publish
from modelkeep.registry.git import Git, GitError
from modelkeep_core.errors import UserError
from project import LATER, THEN, git, refuse_pushes

TAG = "made-up@v1.0.0"


@pytest.fixture
def write(project):
    """Return a function that writes a tag on the present commit."""

    def write(tag=TAG, message="why", push=False):
        with project.catalogue() as catalogue:
            return publish.write(catalogue, tag, project.id("main"), message, push)

    return write


@pytest.fixture
def check(project):
    """Return a function that compares the tags of a model here with those of origin."""

    def check(model="made-up"):
        with project.catalogue() as catalogue:
            publish.check_remote(catalogue, model)

    return check


# Names


def test_a_registration_is_named_as_gto_names_it(project):
    """The model and the number, and the directory of the project where there is one."""
    with project.catalogue() as catalogue:
        assert publish.registration(catalogue, "made-up", "v1.2.0") == "made-up@v1.2.0"
        assert publish.registration(catalogue, "a/b:model", "v1.2.0") == "a/b=model@v1.2.0"


def test_an_assignment_has_the_next_number_of_its_model(project):
    """All stages of a model are counted together, other models are not."""
    for tag in ("made-up#prod#1", "made-up#staging#2", "other#prod#7", "made-up@v1.0.0"):
        project.tag(tag, "weak")
    with project.catalogue() as catalogue:
        assert publish.assignment(catalogue, "made-up", "prod") == "made-up#prod#3"
        assert publish.assignment(catalogue, "other", "prod") == "other#prod#8"
        assert publish.assignment(catalogue, "third", "prod") == "third#prod#1"


@pytest.mark.parametrize("name", ["made up", "-made", "made@up", "made#up"])
def test_a_model_that_no_tag_can_name_is_refused(project, name):
    """A name outside the grammar of GTO would make a tag that nobody reads."""
    with project.catalogue() as catalogue:
        with pytest.raises(UserError, match=f"'{name}' cannot be the name of a model in a tag"):
            publish.registration(catalogue, name, "v1.0.0")
        with pytest.raises(UserError, match=f"'{name}' cannot be the name of a model in a tag"):
            publish.assignment(catalogue, name, "prod")


# Writing


def test_a_tag_is_annotated_and_signed_off_by_the_person(project, write, monkeypatch):
    """The tag object names the commit and who wrote it, at the time and place of writing."""
    monkeypatch.setenv("GIT_COMMITTER_NAME", "Grace")
    done = write()
    assert done == f"{TAG} is written here; `git push origin '{TAG}'` shares it."
    parts = ("%(objecttype)", "%(*objectname)", "%(taggername)", "%(taggerdate:raw)")
    written = project.git("for-each-ref", f"--format={'%0a'.join(parts)}", "refs/tags")
    kind, commit, name, date = written.splitlines()
    assert (kind, commit, name) == ("tag", project.id("main"), "Grace")
    assert abs(int(date.split()[0]) - time.time()) < 60
    assert date.split()[1] == datetime.now().astimezone().strftime("%z")


def test_a_message_is_kept_as_it_is(project, write):
    """A line that begins with a hash is no comment, and empty lines stay."""
    write(message="\n# one\n\n\n  two\n")
    assert project.message(TAG) == "# one\n\n\n  two"


def test_nothing_is_written_over(project, write):
    """A tag that is there already stays what it is."""
    project.tag(TAG, "weak")
    before = project.tags()
    with pytest.raises(UserError, match=f"the tag {TAG} was not written: .*already exists"):
        write()
    assert project.tags() == before


def test_a_person_without_an_identity_writes_nothing(project, write, monkeypatch):
    """Git would make up a name and an address: who released what would not be known."""
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.delenv(f"GIT_{role}_NAME")
        monkeypatch.delenv(f"GIT_{role}_EMAIL")
    with pytest.raises(UserError, match=r"who you are: `git config user\.name`"):
        write()
    assert project.tags() == {}


def test_a_signature_that_fails_leaves_no_tag(project, write):
    """Where tags must be signed and cannot be, nothing is written."""
    project.git("config", "tag.gpgSign", "true")
    project.git("config", "gpg.program", "false")
    with pytest.raises(UserError, match=f"the tag {TAG} was not written: "):
        write()
    assert project.tags() == {}


def test_a_signature_for_want_of_a_key_leaves_no_tag(project, write):
    """Git says so on standard error, ends well, and has written a tag without a signature."""
    project.git("config", "gpg.format", "ssh")
    project.git("config", "user.signingkey", "/nowhere.pub")
    project.git("config", "tag.gpgSign", "true")
    with pytest.raises(UserError, match=f"the tag {TAG} was not written: "):
        write()
    assert project.tags() == {}


def test_a_tag_of_another_century_holds_up_nothing(project, write):
    """The new tag has the date of today, and its counter makes it the last."""
    project.tag("made-up@v1.0.0", "weak", when=THEN)
    project.tag("made-up@v1.1.0", "main", when=THEN + 1)
    # Git itself writes no such date.
    content = (
        f"object {project.id('weak')}\ntype commit\ntag made-up#prod#1\n"
        "tagger E <e@example.org> 5680281600 +0000\n\nclock\n"
    )
    words = ["git", "hash-object", "-t", "tag", "-w", "--literally", "--stdin"]
    made = subprocess.run(words, input=content, capture_output=True, text=True, check=True)
    project.git("update-ref", "refs/tags/made-up#prod#1", made.stdout.strip())
    write("made-up#prod#2")
    with project.catalogue() as catalogue:
        dates = {event.tag: event.when.timestamp() for event in catalogue.events}
        assert abs(dates["made-up#prod#2"] - time.time()) < 300
        assert catalogue.assignments["made-up"]["prod"].commit == project.id("main")


def test_a_tag_is_later_than_those_before_it(project, write):
    """After a tag of a clock that is ahead, the new one is still the last, for GTO as well."""
    project.tag("made-up@v1.0.0", "weak", when=THEN)
    project.tag("made-up@v1.1.0", "main", when=THEN + 1)
    project.tag("made-up#prod#1", "weak", when=LATER)
    write("made-up#prod#2")
    with project.catalogue() as catalogue:
        dates = {event.tag: int(event.when.timestamp()) for event in catalogue.events}
        assert dates["made-up#prod#2"] == LATER + 1
        assert catalogue.assignments["made-up"]["prod"].commit == project.id("main")
    assert gto.api.show(".")["made-up"]["stage"]["prod"] == "v1.1.0"


def test_a_clock_that_is_not_ahead_changes_no_date(project, write):
    """The date of a tag is that of its writing, whatever was written long before."""
    project.tag("made-up@v1.0.0", "weak", when=THEN)
    write("made-up#prod#1")
    with project.catalogue() as catalogue:
        assert catalogue.events[-1].when.timestamp() > THEN + 1000


# Sending


def test_a_tag_is_pushed_when_it_is_to_be(project, write):
    """Origin has the very same tag object, and no other ref of here."""
    bare = project.add_origin()
    project.git("branch", "private")
    project.tag("private", "main")
    assert write(push=True) == f"{TAG} is written and pushed to origin."
    assert project.tags(bare) == {TAG: project.tags()[TAG]}
    assert "private" not in git(bare, "branch")


def test_no_other_tag_is_pushed(project, write):
    """Whatever a person lets `git push` take along."""
    bare = project.add_origin()
    project.git("config", "push.followTags", "true")
    project.tag("a-note-of-mine", "main")
    write(push=True)
    assert {*project.tags(bare)} == {TAG}


def test_a_tag_is_not_pushed_when_it_is_not_to_be(project, write):
    """Without being told, nothing leaves this repository."""
    bare = project.add_origin()
    write()
    assert project.tags(bare) == {}


def test_who_may_not_push_leaves_no_tag(project, write):
    """A tag that origin does not take is taken back here."""
    bare = project.add_origin()
    refuse_pushes(bare)
    with pytest.raises(UserError, match=rf"origin did not take part: .*{TAG} was taken back"):
        write(push=True)
    assert project.tags() == project.tags(bare) == {}


def test_a_colleague_who_was_faster_is_not_written_over(project, write):
    """Where origin got a tag of this name meanwhile, it keeps it, and here is none."""
    bare = project.add_origin()
    git(bare, "tag", "-a", "-m", "mine", TAG, "weak")
    before = project.tags(bare)
    with pytest.raises(UserError, match=r"taken back: nothing has changed.*git fetch origin"):
        write(push=True)
    assert project.tags() == {}
    assert project.tags(bare) == before


def test_without_an_origin_nothing_is_pushed_or_written(project, write, check):
    """The message says how an origin is added."""
    for action in (lambda: write(push=True), check):
        with pytest.raises(
            UserError, match="no remote repository 'origin': `git remote add origin"
        ):
            action()
    assert project.tags() == {}


def test_an_origin_out_of_reach_leaves_no_tag(project, write, check):
    """Git's own words say what is wrong with it."""
    project.git("remote", "add", "origin", str(project.directory / "nowhere"))
    for action in (lambda: write(push=True), check):
        with pytest.raises(UserError, match=r"origin did not take part: .*nowhere"):
            action()
    assert project.tags() == {}


def test_a_push_whose_answer_was_lost_is_no_failure_where_origin_has_the_tag(
    project, write, monkeypatch
):
    """Origin is asked what it has, before anything is said of it."""
    bare = project.add_origin()
    fail_after_push(monkeypatch, GitError("`git push` failed: the remote end hung up"))
    assert write(push=True) == f"{TAG} is written and pushed to origin."
    assert project.tags(bare) == project.tags() != {}


def test_an_interrupted_push_is_settled_as_well(project, write, monkeypatch):
    """What origin took before Ctrl-C is here, too."""
    bare = project.add_origin()
    fail_after_push(monkeypatch, KeyboardInterrupt())
    write(push=True)
    assert project.tags(bare) == project.tags() != {}


def test_where_origin_cannot_be_asked_either_the_message_says_so(project, write, monkeypatch):
    """It may have the tag: that nothing has changed is not known."""
    bare = project.add_origin()
    gone = bare.with_name("gone")
    fail_after_push(monkeypatch, GitError("`git push` failed: timeout"), lambda: bare.rename(gone))
    with pytest.raises(UserError, match=f"Whether origin has the tag {TAG} is not known") as why:
        write(push=True)
    assert "nothing has changed" not in str(why.value)
    assert project.tags() == {}
    assert {*project.tags(gone)} == {TAG}


def fail_after_push(monkeypatch, error, then=lambda: None):
    """Let every push reach its target, and its answer be lost."""
    run = Git.run

    def lost(git, *words, **options):
        printed = run(git, *words, **options)
        if words[0] == "push":
            then()
            raise error
        return printed

    monkeypatch.setattr(Git, "run", lost)


# Before anything is written


def test_the_same_tags_here_and_there_are_well(project, check):
    """What was pushed or fetched is no reason to wait, of whatever kind it is."""
    bare = project.add_origin()
    project.tag("made-up@v1.0.0", "weak")
    project.tag("made-up#prod#1", "weak")
    project.git("tag", "made-up@v0.1.0", "weak")
    project.git("push", "--quiet", "--tags", "origin")
    project.tag("made-up@v1.1.0", "strong")
    check()
    assert len(project.tags(bare)) == 3


@pytest.mark.parametrize("tag", ["made-up@v1.0.0", "made-up#prod#1"])
def test_a_tag_that_only_origin_has_is_told(project, check, tag):
    """A colleague's tag may change what is to be decided: it has to be here first."""
    git(project.add_origin(), "tag", "-a", "-m", "mine", tag, "weak")
    remedy = re.escape("`git fetch origin 'refs/tags/*:refs/tags/*'`")
    with pytest.raises(UserError, match=f"has the tag {tag}, which is not here: .*{remedy}"):
        check()
    project.git("fetch", "--quiet", "origin", "refs/tags/*:refs/tags/*")
    check()


def test_another_tag_of_the_same_name_is_told(project, check):
    """Two tags of one name are two decisions."""
    git(project.add_origin(), "tag", "-a", "-m", "mine", TAG, "weak")
    project.tag(TAG, "strong")
    with pytest.raises(UserError, match=f"has the tag {TAG}, which is another one here"):
        check()


def test_tags_of_other_things_do_not_matter(project, check):
    """Another model's tags, and tags that are no registry's, say nothing about this model."""
    bare = project.add_origin()
    for tag in ("other@v1.0.0", "made-up-too@v1.0.0", "not-made-up@v1.0.0", "v1.0.0", "made-up"):
        git(bare, "tag", "-a", "-m", "mine", tag, "weak")
    check()
    with pytest.raises(UserError, match="other@"):
        check("other")


def test_a_model_in_a_directory_is_found_among_the_tags(project, check):
    """In tags, the directory of a project ends in an equals sign."""
    git(project.add_origin(), "tag", "-a", "-m", "mine", "a/b=model@v1.0.0", "weak")
    check("model")
    with pytest.raises(UserError, match="a/b=model@v1"):
        check("a/b:model")
