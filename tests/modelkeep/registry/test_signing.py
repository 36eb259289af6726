"""Where signatures are asked for, tags are signed when they are written, or not written at all."""

from pathlib import Path

import pytest

from modelkeep.notebook import load
from modelkeep.registry.vouching import vouched
from modelkeep_core.errors import UserError
from project import Project
from signing import NEEDED, SIGNERS, allowed, asking

pytestmark = NEEDED


@pytest.fixture
def asked(project: Project, keys) -> Project:
    """A project that asks for signatures in prod, which Ada may give, and whose person is Ada."""
    (project.directory / ".modelkeep").mkdir()
    (project.directory / SIGNERS).write_text(allowed(keys["ada"]), encoding="utf-8")
    (project.directory / "pyproject.toml").write_text(asking("prod"), encoding="utf-8")
    project.commit("Ask for signatures")
    be(project, keys["ada"])
    return project


def be(project, key):
    """Let Git sign with a key, in this repository."""
    project.git("config", "--local", "gpg.format", "ssh")
    project.git("config", "--local", "user.signingkey", f"{key}.pub")


@pytest.fixture
def unsigned(asked: Project) -> Project:
    """The same, with the weak model as v1.0.0 and the strong as v1.1.0; nobody has signed it."""
    asked.tag("made-up@v1.0.0", "weak")
    asked.tag("made-up@v1.1.0", "strong")
    return asked


def test_a_release_is_signed_from_registration_to_rollback(asked, keys):
    """With the person's own key; Git itself takes the signatures, and every command the tags."""
    asked.run("register", "v1.0.0", "-m", "First")
    asked.run("promote", "v1.0.0", "prod")
    asked.git("config", "gpg.ssh.allowedSignersFile", SIGNERS)
    asked.git("verify-tag", "made-up@v1.0.0", "made-up#prod#1")
    assert asked.run("fetch", "prod", "../out").endswith("v1.0.0, verified.")
    # Somebody without a key assigns it once more, by hand: it is refused, and can be mended.
    asked.assign("prod", "HEAD")
    assert "made-up#prod#2 is not signed" in asked.refusal("fetch", "prod", "../more")
    be(asked, keys["eve"])
    why = asked.refusal("promote", "v1.0.0", "prod")
    assert "the tag made-up#prod#3 is signed with a key of no allowed signer" in why
    assert "`git config --local user.signingkey FILE.pub`" in why
    assert why.endswith("The tag was taken back: nothing has changed.")
    be(asked, keys["ada"])
    asked.run("promote", "v1.0.0", "prod")
    assert asked.run("fetch", "prod", "../out").endswith("v1.0.0, verified.")


def test_without_a_key_nothing_is_written(asked):
    """It is said what to set up, and where."""
    asked.git("config", "--local", "--unset", "user.signingkey")
    why = asked.refusal("register", "v1.0.0")
    assert "the tag made-up@v1.0.0 was not written" in why
    assert "The tag has to be signed. Let Git sign for you in this repository: `git config" in why


def test_a_rollback_goes_back_to_what_was_signed(unsigned):
    """Without --to, to the last one that was; with a commit, wherever a person signs for."""
    unsigned.assign("prod", "weak")
    unsigned.assign("prod", "strong")
    why = unsigned.refusal("rollback", "prod", "-m", "Worse")
    assert "made-up#prod#1 is not signed" in why
    assert "goes there all the same, with your signature" in why
    assert "made-up@v1.0.0 is not signed" in unsigned.refusal(
        "rollback", "prod", "--to", "v1.0.0", "-m", "Worse"
    )
    unsigned.run("rollback", "prod", "--to", unsigned.id("weak")[:12], "-m", "Worse")
    assert unsigned.run("fetch", "prod", "../out").endswith("v1.0.0, verified.")


def test_tags_and_bytes_together_release_nothing(asked):
    """Whoever may push tags and write to the remote: a whole package, with a number, in a stage."""
    asked.tag("made-up@v9.0.0", "weak")
    asked.assign("prod", "weak")
    asked.lose_cache()
    for name, tag in (("prod", "made-up#prod#1"), ("v9.0.0", "made-up@v9.0.0")):
        why = asked.refusal("fetch", name, "../out")
        assert why.startswith(f"the tag {tag} is not signed")


def test_a_number_that_nobody_signed_is_not_loaded_in_a_notebook(unsigned):
    """Its code would run there."""
    with pytest.raises(UserError, match=r"made-up@v1\.0\.0 is not signed"):
        load("v1.0.0", unsigned.directory)


def test_a_number_that_nobody_signed_vouches_for_no_code(unsigned):
    """Where signatures are asked for, the code of such a package does not run unasked."""
    unsigned.run("fetch", unsigned.id("weak"), "../out")
    assert not vouched(Path("../out"))
    unsigned.git("checkout", "-q", "HEAD~1")
    assert vouched(Path("package"))


@pytest.mark.parametrize("command", ["fetch", "restore", "verify", "promote"])
def test_a_number_that_nobody_signed_is_refused_by_all(unsigned, command):
    """Before anything is done; the commit is named by which it can be had."""
    more = {"fetch": ["../out"], "promote": ["prod"]}.get(command, [])
    why = unsigned.refusal(command, "v1.1.0", *more)
    assert why.endswith(f"name the commit: {unsigned.id('strong')[:12]}.")
