"""A repository is read through Git, whatever lies in it and wherever it is."""

import os
import random
import subprocess
from pathlib import Path

import pytest

from modelkeep.registry.git import CHUNK, Git, GitError, opened, without_password
from modelkeep_core.errors import UserError
from repository import MISSING, Model, Repository


@pytest.fixture(scope="module")
def git(released):
    """The reader of a repository that is not changed."""
    with opened(str(released.directory)) as git:
        yield git


def test_objects_come_in_the_order_of_their_names(repository):
    """More than are asked for at once, with None for what is not there."""
    contents = {f"file {number}": f"{number}\n" * number for number in range(CHUNK + 9)}
    commit = repository.commit(others=contents)
    names = [f"{commit}:{name}" for name in contents]
    names[3:3] = [f"{commit}:none", MISSING, "", "no such name at all"]
    expected = [content.encode() for content in contents.values()]
    expected[3:3] = [None] * 4
    with opened(str(repository.directory)) as git:
        assert list(git.read(names)) == expected
        assert list(git.read(reversed(names))) == expected[::-1]
        assert list(git.read([])) == []


@pytest.mark.parametrize("name", ["größe.txt", "a b", "a\u2028b", "deep/er/file", "-x", "#@!:"])
def test_a_file_may_have_any_name(repository, name):
    """Spaces, signs of any script and colons are read as they are."""
    commit = repository.commit(others={name: "content"})
    with opened(str(repository.directory)) as git:
        assert git.read_one(f"{commit}:{name}") == b"content"
        assert git.commit_has(commit, name)
        assert not git.commit_has(commit, f"{name}x")


def test_a_name_of_two_lines_is_one_question(git):
    """An answer always belongs to its question."""
    names = ["HEAD:README.md\nHEAD:README.md", "HEAD:README.md"]
    assert list(git.read(names)) == [None, b"A model.\n"]


def test_ids_come_in_the_order_of_their_names(released, git):
    """Of files, commits and tags, with None for what is not there."""
    names = ["HEAD:model.json", "HEAD:none", "", "HEAD\nHEAD", "a\u2028b", "model@v1.0.0", "HEAD"]
    ids = [released.git("rev-parse", name) for name in (names[0], *names[-2:])]
    assert list(git.ids(names)) == [ids[0], None, None, None, None, *ids[1:]]
    assert list(git.ids([])) == []


def test_reading_may_be_interrupted_by_reading(git):
    """What is read while other answers are waited for does not mix with them."""
    answers = git.read(["HEAD:README.md"] * (2 * CHUNK))
    first = [next(answers) for _ in range(CHUNK - 1)]
    assert git.read_one("HEAD:none") is None
    assert {*first, *answers} == {b"A model.\n"}


def test_behind_a_damaged_object_reading_goes_on(repository):
    """Git ends at such an object; it counts as one that is not there, and the rest is read."""
    long = "".join(random.Random(7).choices("abcdefgh \n", k=30_000))
    commit = repository.commit(others={"long": long, "longer": f"{long}!", "short": "x"})
    for name in ("long", "longer"):
        repository.damage(repository.git("rev-parse", f"{commit}:{name}"))
    names = [f"{commit}:{name}" for name in ("short", "long", "short", "longer", "none", "short")]
    with opened(str(repository.directory)) as git:
        assert list(git.read(names)) == [b"x", None, b"x", None, None, b"x"]
        assert list(git.read(names * 20)) == [b"x", None, b"x", None, None, b"x"] * 20


@pytest.mark.parametrize("length", [100, 4_000, 100_000])
def test_names_may_be_of_any_length(repository, length):
    """Neither side waits for the other, however much there is to be asked and answered."""
    commit = repository.commit(others={"short": "x", "long": "y" * 100_000})
    names = [f"{commit}:{'x' * length}", f"{commit}:short", f"{commit}:long"] * CHUNK
    with opened(str(repository.directory)) as git:
        assert list(git.read(names)) == [None, b"x", b"y" * 100_000] * CHUNK


def test_reading_ends_its_process(released):
    """Nothing that was started stays behind."""
    with opened(str(released.directory)) as git:
        git.read_one("HEAD:README.md")
        reader = git._reader
        assert reader.poll() is None
    assert reader.poll() is not None


@pytest.mark.parametrize(
    ("revision", "same"),
    [
        *(("main", "HEAD"), ("HEAD~1", "main~1"), ("@", "HEAD"), ("HEAD^0", "HEAD")),
        *(("model@v1.0.0", "model#prod#4"), ("refs/tags/model@v1.0.0", "model@v1.0.0")),
    ],
)
def test_a_revision_names_a_commit(git, released, revision, same):
    """Branches, tags and what Git makes of them give the full id."""
    assert git.commit(revision) == released.git("rev-parse", f"{same}^{{commit}}")


@pytest.mark.parametrize(
    "revision",
    [
        *("", "none", MISSING, "HEAD:README.md", "HEAD^{tree}", "--all", "-h", "--version"),
        *("^HEAD", "HEAD~1..HEAD", "HEAD\nHEAD", "HEAD~99"),
    ],
)
def test_what_is_no_commit_is_none(git, revision):
    """Nothing, a file, an option, a range or several revisions are no commit."""
    assert git.commit(revision) is None


def test_refs_have_names_and_ids(git, released):
    """All that lie under the prefixes are listed, and no others."""
    assert dict(git.refs("refs/heads")) == {"refs/heads/main": released.git("rev-parse", "HEAD")}
    names = [name for name, _ in git.refs("refs/heads", "refs/tags/model@*", "refs/none")]
    assert names == ["refs/heads/main", "refs/tags/model@v1.0.0", "refs/tags/model@v1.1.0"]


def test_a_ref_of_a_lost_object_hides_no_other(repository):
    """The lost object's id is listed too."""
    repository.commit(Model())
    repository.tag("z")
    repository.point("tags/a", MISSING)
    with opened(str(repository.directory)) as git:
        assert [oid == MISSING for _, oid in git.refs("refs/tags")] == [True, False]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["tag", "-d", "none"], "`git tag` failed: tag 'none' not found."),
        (["rev-parse", "--verify", "none"], "`git rev-parse` failed: Needed a single revision"),
        (
            ["push", "none", "main"],
            "`git push` failed: 'none' does not appear to be a git repository",
        ),
        (["diff", "--exit-code", "HEAD~1"], "`git diff` failed: no reason given"),
    ],
)
def test_a_failure_is_told_in_the_words_of_git(git, words, message):
    """The line that says what is wrong, without the rest."""
    with pytest.raises(GitError) as refused:
        git.run(*words)
    assert str(refused.value) == message


def test_a_rejection_is_told_by_its_own_line(git, released, tmp_path):
    """Not by what Git says above or below it."""
    bare = tmp_path / "bare.git"
    released.git("clone", "--quiet", "--bare", ".", str(bare))
    with pytest.raises(GitError, match=r"^`git push` failed: \[rejected\] .*HEAD~1 -> main"):
        git.run("push", bare.as_uri(), "HEAD~1:refs/heads/main")


def test_git_gets_input_and_variables(git):
    """What is given reaches the command."""
    assert git.run("stripspace", input=" ü  \n\n\n") == " ü\n"
    who = git.run("var", "GIT_AUTHOR_IDENT", GIT_AUTHOR_NAME="Grace", GIT_AUTHOR_EMAIL="g@h")
    assert who.startswith("Grace <g@h> ")


def test_without_git_that_is_what_is_said(released, monkeypatch, tmp_path):
    """No traceback, but the reason."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="Git is not installed"), opened(str(released.directory)):
        pass


def test_a_directory_without_a_repository_is_refused(tmp_path):
    """The message names the directory."""
    with pytest.raises(UserError) as refused, opened(str(tmp_path)):
        pass
    assert str(refused.value).startswith(f"{tmp_path} is not in a Git repository. Run it ")


def test_a_project_knows_its_place_in_the_repository(repository, tmp_path):
    """The prefix is the path from the top, empty there and where there is no work tree."""
    repository.commit(Model(), under="some/sub/")
    bare = tmp_path / "bare.git"
    repository.git("clone", "--quiet", "--bare", ".", str(bare))
    places = {".": "", "some": "some/", "some/sub": "some/sub/", bare: ""}
    for place, prefix in places.items():
        with opened(str(repository.directory / place)) as git:
            assert git.prefix == prefix
            assert git.bare == (place == bare)


def test_a_repository_may_be_a_url(released, tmp_path):
    """It is cloned, bare or not, and the clone is gone afterwards."""
    bare = tmp_path / "bare.git"
    released.git("clone", "--quiet", "--bare", ".", str(bare))
    for place in (bare, released.directory):
        with opened(place.as_uri()) as git:
            assert git.read_one("HEAD:README.md") == b"A model.\n"
            assert git.bare
            assert len([*git.refs("refs/tags")]) == 6
            clone = git.directory
        assert not clone.exists()


def test_a_url_that_leads_nowhere_is_refused(tmp_path):
    """The message names it and gives the reason of Git, and nothing stays behind."""
    url = (tmp_path / "none").as_uri()
    with pytest.raises(UserError) as refused, opened(url):
        pass
    assert str(refused.value).startswith(f"{url} cannot be read: `git clone` failed: ")


def test_an_option_is_no_url(tmp_path, monkeypatch):
    """A repository that is called like an option of Git cannot make it do something else."""
    monkeypatch.chdir(tmp_path)
    made = tmp_path / "made"
    with pytest.raises(UserError, match="cannot be read"), opened(f"--upload-pack=touch {made};"):
        pass
    assert not made.exists()


def test_a_shallow_clone_knows_what_it_is(released, tmp_path):
    """A part of the history is missing, and only then."""
    clone = tmp_path / "clone"
    url = released.directory.as_uri()
    subprocess.run(["git", "clone", "--quiet", "--depth", "1", url, clone], check=True)
    with opened(str(clone)) as git, opened(str(released.directory)) as whole:
        assert (git.shallow, whole.shallow) == (True, False)


def test_in_a_hook_another_repository_is_read_as_itself(released, tmp_path, monkeypatch):
    """What Git tells a hook of its own repository holds for the current directory only."""
    other = Repository(tmp_path / "other")
    commit = other.commit(others={"README.md": "Another.\n"})
    monkeypatch.setenv("GIT_DIR", str(released.directory / ".git"))
    for place in (str(other.directory), other.directory.as_uri()):
        with opened(place) as git:
            assert git.commit("HEAD") == commit
            assert git.read_one("HEAD:README.md") == b"Another.\n"
    monkeypatch.chdir(tmp_path)
    with opened(".") as git:
        assert git.read_one("HEAD:README.md") == b"A model.\n"


def test_messages_of_git_are_in_english(released, monkeypatch):
    """Whatever the language of the person, so that reasons are found in them."""
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    monkeypatch.setenv("LANGUAGE", "de")
    with opened(str(released.directory)) as git, pytest.raises(GitError, match="Needed a single"):
        git.run("rev-parse", "--verify", "none")
    assert os.environ["LC_ALL"] == "de_DE.UTF-8"


def test_a_directory_may_have_a_name_that_is_not_utf8(tmp_path):
    """Its bytes are kept."""
    place = Path(os.fsdecode(os.fsencode(tmp_path) + b"/gr\xf6\xdfe"))
    made = Repository(place)
    made.commit(others={"a": "1"})
    assert Git(place).run("rev-parse", "--show-toplevel").strip() == str(place)


# What a repository of somebody else may try


@pytest.fixture
def hostile(repository, tmp_path):
    """A repository whose settings name a program, and what that program leaves behind."""
    commit = repository.commit(Model())
    left, program = tmp_path / "left", tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch '{left}'\nexit 1\n", encoding="utf-8")
    program.chmod(0o755)
    header = f"tree {repository.git('rev-parse', f'{commit}^{{tree}}')}\nparent {commit}\n"
    person = "A <a@b> 1767225600 +0000"
    signature = "gpgsig -----BEGIN PGP SIGNATURE-----\n \n iQ\n -----END PGP SIGNATURE-----\n"
    content = f"{header}author {person}\ncommitter {person}\n{signature}\nsigned\n"
    repository.signed = repository.store("commit", content.encode())
    for name, value in {
        **dict.fromkeys(("gpg.program", "core.fsmonitor", "core.sshCommand"), program),
        **dict.fromkeys(("diff.external", "core.pager", "core.askPass"), program),
        "core.hooksPath": program.parent,
        "log.showSignature": "true",
        "filter.x.clean": program,
        "remote.origin.url": "ext::sh -c %S",
        "protocol.ext.allow": "always",
        "remote.origin.uploadpack": program,
    }.items():
        repository.git("config", name, str(value))
    return repository, left


@pytest.mark.parametrize("foreign", [True, False])
def test_reading_a_repository_starts_none_of_its_programs(hostile, foreign):
    """Neither of somebody else's, nor where the person stands."""
    repository, left = hostile
    git = Git(repository.directory, foreign=foreign)
    git.run("log", "-1", repository.signed)
    git.run("status", "--porcelain")
    git.run("for-each-ref", f"--contains={repository.signed}")
    git.run("cat-file", "-p", repository.signed)
    git.run("update-ref", "refs/heads/new", repository.signed)
    with git:
        assert git.read_one(f"{repository.signed}:model.json")
    for words in (["fetch", "origin"], ["ls-remote", "ext::sh -c true"]):
        with pytest.raises(GitError):
            git.run(*words)
    assert not left.exists()


def test_another_machine_is_not_asked_by_settings_of_somebody_else(hostile):
    """The message names the setting; in the directory itself, they are the person's own."""
    repository, left = hostile
    git = Git(repository.directory, foreign=True)
    with pytest.raises(GitError, match=r"core\.sshcommand, that could start a program"):
        git.run("fetch", "origin")
    assert not left.exists()


def test_a_missing_object_is_not_fetched_from_where_somebody_else_says(released, tmp_path):
    """A clone without files would ask for them, with the program that its settings name."""
    left, clone = tmp_path / "left", tmp_path / "clone"
    released.git("config", "uploadpack.allowFilter", "true")
    url = released.directory.as_uri()
    words = ["clone", "--quiet", "--no-checkout", "--filter=blob:none", url, str(clone)]
    released.git(*words)
    subprocess.run(
        ["git", "-C", clone, "config", "remote.origin.uploadpack", f"touch {left}; false"],
        check=True,
    )
    with opened(str(clone)) as git:
        assert git.foreign
        assert git.read_one("HEAD:model.json") is None
    assert not left.exists()


def test_a_directory_of_another_user_is_told_as_such(released, monkeypatch):
    """It is a repository; Git wants to be told that it is trusted."""
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with (
        pytest.raises(UserError, match=r"belongs to somebody else.*safe\.directory"),
        opened(str(released.directory)),
    ):
        pass


def test_a_huge_object_counts_as_none(repository, monkeypatch):
    """It is skipped, and what comes behind it is read."""
    monkeypatch.setattr("modelkeep.registry.git.MOST", 1_000)
    commit = repository.commit(others={"huge": "x" * 5_000, "small": "y"})
    with opened(str(repository.directory)) as git:
        assert [*git.read([f"{commit}:huge", f"{commit}:small"])] == [None, b"y"]


@pytest.mark.parametrize("revision", ["a\0b", "\ud800"])
def test_a_revision_that_no_command_line_has_is_none(git, revision):
    """It is not there, whatever it is."""
    assert git.commit(revision) is None


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://me:s3cret@host/x.git", "https://host/x.git"),
        ("https://token@host/x.git", "https://host/x.git"),
        ("https://a:b@c@host/x@y", "https://host/x@y"),
        ("ssh://git@host/x.git", "ssh://host/x.git"),
        ("https://host/x@y", "https://host/x@y"),
        ("git@host:x.git", "git@host:x.git"),
        ("/some/place@here", "/some/place@here"),
    ],
)
def test_a_url_is_shown_without_who_asks(url, shown):
    """Whoever reads a log or a terminal learns no password."""
    assert without_password(url) == shown


def test_a_repository_that_is_away_is_named_without_a_password():
    """Git leaves the password out as well."""
    with (
        pytest.raises(UserError, match=r"^https://127\.0\.0\.1:9/x\.git cannot") as refused,
        opened("https://me:s3cret@127.0.0.1:9/x.git"),
    ):
        pass
    assert "s3cret" not in str(refused.value)
