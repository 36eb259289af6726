"""What an attacker can do where signatures are asked for: the rows of docs/explanation/trust.md."""

import subprocess

import pytest

from modelkeep.registry.catalogue import Catalogue
from modelkeep.registry.git import opened
from modelkeep.registry.reference import find, version_in
from modelkeep.registry.trust import Trust
from modelkeep_core.errors import UserError
from repository import PERSON, START, Model
from signing import NEEDED, SIGNERS, allowed, asking

pytestmark = NEEDED


@pytest.fixture
def signed(repository, keys):
    """A repository that asks for signatures in prod; Ada put v1.0.0 and then v1.1.0 there."""
    repository.commit(
        others={SIGNERS: allowed(keys["ada"]), "pyproject.toml": asking("prod")},
    )
    repository.release("v1.0.0", None, "prod", key=keys["ada"])
    repository.release("v1.1.0", None, "prod", key=keys["ada"])
    return repository


def in_prod(repository):
    """Return the number of what is served from prod."""
    with repository.catalogue() as catalogue:
        return version_in(catalogue, "prod").number


def refused(repository):
    """Return why nothing is served from prod."""
    with pytest.raises(UserError) as error:
        in_prod(repository)
    return str(error.value)


# Tags only


@pytest.mark.parametrize(
    "tag",
    ["model#prod!#3", "model@v1.1.0!"],
    ids=["the assignment", "the version"],
)
def test_nobody_takes_a_release_back_without_a_signature(signed, keys, tag):
    """Else an older version, which was signed once, would be in force again."""
    newest = signed.head
    assert in_prod(signed) == "v1.1.0"
    signed.tag(tag, newest)
    assert refused(signed).startswith(f"the tag {tag} is not signed")
    signed.tag(tag, newest, key=keys["ada"])
    assert in_prod(signed) == "v1.0.0"


def test_nobody_moves_a_number_without_a_signature(signed, keys):
    """Nor what is in a stage by it: that names the commit itself."""
    first = signed.git("rev-parse", "model@v1.0.0^{commit}")
    signed.tag("model@v1.1.0", first)
    with signed.catalogue() as catalogue, pytest.raises(UserError, match=r"v1\.1\.0 is not signed"):
        find(catalogue, "v1.1.0", signed=True)
    with signed.catalogue() as catalogue:
        assert catalogue.assigned("model", "prod").commit == signed.head


def test_a_tag_that_was_deleted_is_not_missed_by_who_never_saw_it(signed):
    """A limit, told in the docs: the older release was signed once. A follower remembers it."""
    (signed.directory / ".git/refs/tags/model#prod#2").unlink()
    assert in_prod(signed) == "v1.0.0"


def test_an_old_date_does_not_hide_that_a_version_was_taken_back(signed):
    """The order of the tags is no way around."""
    signed.raw_tag("model@v1.1.0!", signed.head, _tagger(6.5))
    assert refused(signed).startswith("the tag model@v1.1.0! is not signed")


def test_nobody_brings_back_what_was_taken_back(signed, keys):
    """Neither a version, by another number, nor a model that was retired."""
    bad = signed.head
    signed.tag("model@v1.1.0!", bad, key=keys["ada"])
    assert in_prod(signed) == "v1.0.0"
    signed.tag("model@v9.0.0", bad)
    assert refused(signed).startswith("the tag model@v9.0.0 is not signed")


def test_nobody_revives_a_retired_model_without_a_signature(signed, keys):
    """Any tag about it would do; it has to be signed as well."""
    signed.tag("model@deprecated", key=keys["ada"])
    assert "no version is in 'prod'" in refused(signed)
    signed.assign("dev", signed.head)
    assert refused(signed).startswith("the tag model#dev#3 is not signed")


def test_a_signed_tag_counts_under_its_own_name_and_for_its_own_commit(signed, keys):
    """Copied to another name or number, or onto another commit, it says nothing, or is broken."""
    oid = (signed.directory / ".git/refs/tags/model#prod#1").read_text(encoding="utf-8").strip()
    signed.point("tags/model#prod#9", oid)
    assert in_prod(signed) == "v1.1.0"
    content = subprocess.run(
        ["git", "cat-file", "tag", oid], cwd=signed.directory, capture_output=True, check=True
    ).stdout
    moved = content.replace(b"model#prod#1", b"model#prod#9")
    signed.point("tags/model#prod#9", signed.store("tag", moved))
    assert "does not fit it" in refused(signed)


def test_a_branch_and_a_tag_do_not_name_the_signers(signed, keys):
    """A pull request may change the file; the default branch has it after the merge only."""
    lines = {SIGNERS: allowed(keys["eve"]), "pyproject.toml": "[tool.modelkeep]\n"}
    commit = signed.commit(Model("e"), others=lines, branch="pull", parents=[signed.head])
    signed.tag("model@v2.0.0", commit, key=keys["eve"])
    signed.assign("prod", commit, key=keys["eve"])
    assert "a key of no allowed signer" in refused(signed)


# Keys


def _tagger(days):
    seconds = int(START.timestamp() + 86400 * days)
    return f"{PERSON} <ada@example.org> {seconds} +0000"


def test_a_key_that_expired_releases_nothing_whatever_the_date_says(signed, keys):
    """Whoever has it can write an old date: for a stage, the key must be valid today too."""
    line = allowed(keys["ada"], 'valid-before="20260601"')
    signed.commit(others={SIGNERS: line})
    assert "the tag model#prod#2 is signed by ada@example.org, whose key is not v" in refused(
        signed
    )
    oldest = signed.git("rev-parse", "model@v1.0.0^{commit}")
    signed.raw_tag("model#prod#3", oldest, _tagger(8), key=keys["ada"])
    assert "the tag model#prod#3 is signed by ada@example.org, whose key is not v" in refused(
        signed
    )
    with signed.catalogue() as catalogue:
        # What was registered before is a version still.
        assert find(catalogue, "v1.1.0", signed=True).number == "v1.1.0"


def test_a_number_that_an_expired_key_gave_is_refused(signed, keys):
    """Where the tag has a true date."""
    signed.commit(others={SIGNERS: allowed(keys["ada"], 'valid-before="20260103"')})
    with signed.catalogue() as catalogue, pytest.raises(UserError, match="not valid on 2026-01"):
        find(catalogue, "v1.1.0", signed=True)


def test_what_a_removed_signer_signed_is_refused_from_then_on(signed, keys):
    """All of it; somebody else may release it again, by its commit."""
    commit = signed.head
    signed.commit(others={SIGNERS: allowed(keys["bob"])})
    assert "a key of no allowed signer" in refused(signed)
    signed.assign("prod", commit, key=keys["bob"])
    assert in_prod(signed) == "v1.1.0"


# A deployment


def test_a_deployment_with_signers_of_its_own_does_not_need_the_repository(signed, keys, tmp_path):
    """Whoever may push to the default branch, and so change the file there, changes nothing."""
    path = tmp_path / "signers"
    path.write_text(allowed(keys["ada"]), encoding="utf-8")
    signed.commit(Model("e"), others={SIGNERS: allowed(keys["eve"])})
    signed.tag("model@v2.0.0", key=keys["eve"])

    def served():
        with opened(signed.directory.as_uri()) as git:
            return version_in(Catalogue(git, None, Trust(git, path)), "prod").number

    assert served() == "v1.1.0"
    signed.assign("prod", signed.head, key=keys["eve"])
    assert in_prod(signed) == "v2.0.0"
    with pytest.raises(UserError, match="a key of no allowed signer"):
        served()


def test_no_program_that_a_repository_names_checks_a_signature(signed, keys, tmp_path):
    """`gpg.ssh.program` of its settings is not looked at."""
    mark = tmp_path / "ran"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {mark}\n", encoding="utf-8")
    program.chmod(0o755)
    for name in ("gpg.ssh.program", "gpg.program", "gpg.ssh.defaultKeyCommand"):
        signed.git("config", name, str(program))
    signed.git("config", "gpg.ssh.allowedSignersFile", str(keys["eve"]))
    assert in_prod(signed) == "v1.1.0"
    assert not mark.exists()
