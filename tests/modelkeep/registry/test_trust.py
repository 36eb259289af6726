"""Where signatures are asked for, what nobody signed whose word counts is not used."""

import pytest

from modelkeep.registry.catalogue import Catalogue
from modelkeep.registry.default_branch import default_branches
from modelkeep.registry.git import opened, repository_at
from modelkeep.registry.reference import find, version_in
from modelkeep.registry.trust import Trust
from modelkeep.site.entries import entries_of
from modelkeep.site.stages import stages_of
from modelkeep_core.errors import UserError
from repository import Model, Repository
from signing import NEEDED, SIGNERS, allowed, asking

pytestmark = NEEDED


@pytest.fixture
def signed(repository, keys):
    """A repository in which Ada may release to all stages, Bob to staging, and Eve to none."""
    lines = allowed(keys["ada"]) + allowed(keys["bob"], 'namespaces="git,stage:staging"')
    files = {SIGNERS: lines, "pyproject.toml": asking("prod", "staging")}
    repository.commit(Model("a"), others=files)
    return repository


def used(repository, reference):
    """Return the commit of a reference that is to be used."""
    with repository.catalogue() as catalogue:
        return find(catalogue, reference, to_use=True, signed=True).commit


def refused(repository, reference):
    """Return why a reference is not used."""
    with pytest.raises(UserError) as error:
        used(repository, reference)
    return str(error.value)


def test_what_an_allowed_signer_says_is_used(signed, keys):
    """By number, stage, the names of tags, and served."""
    commit = signed.release("v1.0.0", None, "prod", "staging", key=keys["ada"])
    for name in ("v1.0.0", "model@v1.0.0", "prod", "model#prod", "model@prod", "model#prod#1"):
        assert used(signed, name) == commit, name
    with signed.catalogue() as catalogue:
        assert version_in(catalogue, "prod").commit == commit


@pytest.mark.parametrize(
    ("key", "why"),
    [
        (None, "is not signed"),
        ("eve", "is signed with a key of no allowed signer"),
        ("bob", "is signed by bob@example.org, who may not release to 'prod'"),
    ],
)
def test_an_assignment_without_the_right_signature_is_refused(signed, keys, key, why):
    """By its stage and by its tag, fetched and served; the message says what helps."""
    signed.release("v1.0.0", key=keys["ada"])
    signed.assign("prod", signed.head, key=key and keys[key])
    for name in ("prod", "model@prod", "model#prod#1"):
        message = refused(signed, name)
        assert message.startswith(f"the tag model#prod#1 {why}")
        assert ", and what is in 'prod' counts only" in message
        assert f"whom {SIGNERS} of main allows" in message
        assert "`modelkeep promote v1.0.0 prod` assigns it with your signature" in message
    with signed.catalogue() as catalogue, pytest.raises(UserError, match=r"model#prod#1 is"):
        version_in(catalogue, "prod")


def test_signers_release_to_their_stages(signed, keys):
    """And may register."""
    commit = signed.release("v1.0.0", None, "staging", key=keys["bob"])
    assert used(signed, "staging") == used(signed, "v1.0.0") == commit


def test_a_number_without_a_signature_is_refused_and_a_commit_is_not(signed, keys):
    """A commit id is its own proof; a branch is looked at by whoever names it."""
    commit = signed.release("v1.0.0", key=keys["eve"])
    message = refused(signed, "v1.0.0")
    assert "and a version counts only with the signature of somebody" in message
    assert message.endswith(f"name the commit: {commit[:12]}.")
    for name in (commit, commit[:12], "main", "HEAD"):
        assert used(signed, name) == commit


def test_a_revision_that_a_tag_leads_to_is_no_way_around(signed, keys):
    """Neither another kind of tag, nor what stands behind it, nor a recipe."""
    signed.release("v1.0.0", Model("bbbb"), key=keys["ada"])
    commit = signed.commit(Model("cccc"), branch="evil")
    signed.tag("other", commit)
    signed.point("tags/light", commit)
    for name in ("other", "light", "refs/tags/light", "other~0"):
        assert "has no version number that somebody has signed" in refused(signed, name)
    assert "has no version number that somebody has signed" in refused(signed, "cccc0")
    # A tag with the name of a branch, or of an id, comes first for Git.
    signed.point("tags/main", commit)
    signed.point(f"tags/{signed.head[:12]}", commit)
    signed.point(f"tags/{commit[:12]}", commit)
    for name in ("main", "main~0", signed.head[:12], commit[:12]):
        assert "has no version number that somebody has signed" in refused(signed, name)
    assert used(signed, "refs/heads/main") == signed.head
    assert used(signed, "bbbb0") == signed.head
    signed.tag("model@v2.0.0", commit)
    assert "model@v2.0.0 is not signed" in refused(signed, "light")


def test_a_stage_that_asks_for_nothing_is_as_before(signed, keys):
    """Only its version has to be signed."""
    commit = signed.release("v1.0.0", key=keys["ada"])
    signed.assign("dev", commit)
    assert used(signed, "dev") == commit


def test_without_allowed_signers_nothing_counts(repository, keys):
    """Whoever takes the file away does not get in."""
    repository.commit(Model("a"), others={"pyproject.toml": asking("prod")})
    repository.release("v1.0.0", None, "prod", key=keys["ada"])
    assert "cannot be checked, as there are no allowed signers" in refused(repository, "prod")


@pytest.mark.parametrize("text", ['require_signed = "prod"', 'require_signed = ["a b"]', "="])
def test_what_is_asked_for_must_be_said_clearly(repository, text):
    """Else nothing is used, rather than anything."""
    repository.commit(
        Model("a"), others={"pyproject.toml": f"[tool.modelkeep]\n{text}\n# require_signed"}
    )
    repository.release("v1.0.0", None, "prod")
    assert refused(repository, "prod").startswith("pyproject.toml of main")


def test_where_nothing_is_asked_for_nothing_is_checked(repository, monkeypatch):
    """A repository without the setting pays nothing."""
    monkeypatch.setattr("modelkeep.registry.ssh_signature.valid_at", None)
    monkeypatch.setattr("modelkeep.registry.judgements.Judgements.of", None)
    commit = repository.release("v1.0.0", None, "prod")
    assert used(repository, "prod") == used(repository, "v1.0.0") == commit


def test_a_judgement_is_remembered(signed, keys, monkeypatch):
    """For the very tag and the very signers; a repository of somebody else is asked anew."""
    signed.release("v1.0.0", None, "prod", key=keys["ada"])
    used(signed, "prod")
    monkeypatch.chdir(signed.directory)
    used(signed, "prod")
    place = signed.directory / ".git" / "modelkeep" / "signatures.json"
    assert place.is_file()
    monkeypatch.setattr("modelkeep.registry.judgements.judge", None)
    used(signed, "prod")
    place.write_text('{"a": 3}', encoding="utf-8")
    with pytest.raises(TypeError):
        used(signed, "prod")


def test_somebody_elses_memory_is_not_believed(signed, keys, tmp_path, monkeypatch):
    """What a directory that is read has remembered may be made up."""
    signed.release("v1.0.0", None, "prod", key=keys["eve"])
    with monkeypatch.context() as patch:
        patch.chdir(signed.directory)
        assert "no allowed signer" in refused(signed, "prod")
    place = signed.directory / ".git" / "modelkeep" / "signatures.json"
    content = place.read_text(encoding="utf-8")
    line = allowed(keys["ada"]).strip()
    place.write_text(content.replace("[]", f'["{line}"]'), encoding="utf-8")
    assert "no allowed signer" in refused(signed, "prod")


# Whose file it is


def test_the_default_branch_of_origin_decides(signed, keys, tmp_path, monkeypatch):
    """Not what is checked out, nor what was not pushed, nor the commit of the tag."""
    signed.release("v1.0.0", None, "prod", key=keys["ada"])
    clone = tmp_path / "clone"
    signed.git("clone", "--quiet", ".", str(clone))
    monkeypatch.chdir(clone)
    (clone / SIGNERS).write_text(allowed(keys["eve"]), encoding="utf-8")
    signed.git("-C", str(clone), "commit", "-qam", "Let Eve in")
    with opened(".") as git:
        policy = Trust(git).policy("")
        assert policy.signers == (allowed(keys["ada"]) + _bob(keys)).encode()
        assert policy.where == f"{SIGNERS} of origin's default branch"


def _bob(keys):
    return allowed(keys["bob"], 'namespaces="git,stage:staging"')


def test_a_clone_that_does_not_know_the_default_branch_says_so(signed, keys, tmp_path, monkeypatch):
    """Where the branches say different things, and only there."""
    signed.release("v1.0.0", None, "prod", key=keys["ada"])
    clone = tmp_path / "clone"

    def policy():
        with opened(".") as git:
            return Trust(git).policy("")

    signed.git("clone", "--quiet", ".", str(clone))
    monkeypatch.chdir(clone)
    signed.git("-C", str(clone), "remote", "set-head", "origin", "--delete")
    assert policy().stages == {"prod", "staging"}
    signed.commit(others={SIGNERS: allowed(keys["eve"])}, branch="evil", parents=[signed.head])
    refspec = "+refs/heads/*:refs/remotes/origin/*"
    signed.git("-C", str(clone), "fetch", "--quiet", signed.directory.as_uri(), refspec)
    with pytest.raises(UserError, match="`git remote set-head origin --auto` asks origin"):
        policy()
    signed.git("-C", str(clone), "remote", "set-head", "origin", "main")
    assert policy().stages == {"prod", "staging"}


@pytest.mark.parametrize("path", [SIGNERS, "pyproject.toml"])
def test_a_file_that_cannot_be_read_is_not_taken_for_none(signed, keys, path):
    """As in a partial clone whose origin is away: else nothing would be asked for."""
    signed.release("v1.0.0", None, "prod", key=keys["eve"])
    signed.object(signed.git("rev-parse", f"main:{path}")).unlink()
    assert f"{path} of main cannot be read" in refused(signed, "prod")


@pytest.mark.parametrize("head", ["main", "none"])
def test_a_bare_repository_goes_by_what_it_calls_its_head(signed, keys, tmp_path, head):
    """As the service does that keeps it; where that is no branch, all have to say the same."""
    signed.release("v1.0.0", None, "prod", key=keys["eve"])
    signed.commit(others={SIGNERS: None}, branch="other", parents=[signed.head])
    bare = tmp_path / "bare"
    signed.git("clone", "--quiet", "--bare", ".", str(bare))
    signed.git("-C", str(bare), "symbolic-ref", "HEAD", f"refs/heads/{head}")
    with opened(str(bare)) as git, pytest.raises(UserError) as error:
        find(Catalogue(git), "v1.0.0", signed=True)
    reasons = "a key of no allowed signer", "this clone does not know which branch that is"
    assert reasons[head == "none"] in str(error.value)


def test_a_project_below_the_top_has_signers_of_its_own(repository, keys):
    """The file and the setting are those of the project of the model."""
    files = {f"sub/{SIGNERS}": allowed(keys["ada"]), "sub/pyproject.toml": asking("prod")}
    commit = repository.commit(Model("a"), under="sub/", others=files)
    repository.tag("sub=model@v1.0.0", commit, key=keys["ada"])
    repository.tag("sub=model#prod#1", commit, key=keys["eve"])
    assert used(repository, "v1.0.0") == commit
    assert "no allowed signer" in refused(repository, "prod")


def test_a_file_that_a_person_names_decides_alone(signed, keys, tmp_path):
    """For every stage, whatever the repository asks for and whomever it allows."""
    signed.release("v1.0.0", None, "prod", "dev", key=keys["ada"])
    path = tmp_path / "signers"
    for name, counts in (("eve", False), ("ada", True)):
        path.write_text(allowed(keys[name]), encoding="utf-8")
        with opened(str(signed.directory)) as git:
            catalogue = Catalogue(git, None, Trust(git, path))
            for reference in ("prod", "dev", "v1.0.0"):
                if counts:
                    assert find(catalogue, reference, signed=True).number == "v1.0.0"
                else:
                    with pytest.raises(UserError, match=f"whom {path} allows to sign"):
                        find(catalogue, reference, signed=True)


def test_a_file_that_allows_nobody_is_a_mistake(signed, tmp_path):
    """As is one that is not there."""
    path = tmp_path / "signers"
    with opened(str(signed.directory)) as git:
        with pytest.raises(UserError, match="cannot be read: No such file"):
            Trust(git, path)
        path.write_text("# nobody\n", encoding="utf-8")
        with pytest.raises(UserError, match="allows nobody to sign: a line of it is"):
            Trust(git, path)


# What is shown


def test_who_signed_is_shown(signed, keys):
    """In list, show and history, as text and as data; what is wrong stands in brackets."""
    signed.release("v1.0.0", None, "prod", key=keys["bob"])
    signed.release("v1.1.0", None, "prod", key=keys["ada"])
    signed.release("v1.2.0", None, "prod", key=keys["eve"])
    data, shown = signed.answer("list")
    assert [entry["signature"] for entry in data] == [
        {"by": "", "problem": "unknown key"},
        {"by": "ada@example.org", "problem": ""},
        {"by": "bob@example.org", "problem": ""},
    ]
    assert "DATE        SIGNED BY " in shown
    assert "2026-01-10  [unknown key]    " in shown
    data, shown = signed.answer("history", "prod")
    assert [span["signature"]["by"] for span in data] == ["", "ada@example.org", ""]
    assert data[2]["signature"]["problem"] == "not for this stage"
    assert "Ada Lovelace  [not for this stage]" in shown
    assert "signed by      ada@example.org" in signed.answer("show", "v1.1.0")[1]


def test_nothing_is_shown_of_signatures_where_none_count(repository, keys):
    """Neither where nobody signs, nor where the repository does not say whose signatures count."""
    repository.release("v1.0.0", None, "prod", key=keys["ada"])
    data, shown = repository.answer("list")
    assert data[0]["signature"] is None
    assert "SIGNED" not in shown + repository.answer("history")[1]


def test_the_site_says_who_signed(signed, keys):
    """Beside who assigned it; a signature that does not count makes no signed tag."""
    signed.release("v1.0.0", None, "prod", key=keys["ada"])
    signed.release("v1.1.0", None, "prod", key=keys["eve"])
    with signed.catalogue() as catalogue:
        entries = entries_of(catalogue, None, False)
        stages = stages_of(catalogue, {})
    assert {entry.label: entry.signed for entry in entries} == {"v1.0.0": True, "v1.1.0": False}
    assert [span["author"] for span in stages] == [
        "Ada Lovelace (signed by ada@example.org)",
        "Ada Lovelace (signed by [unknown key])",
    ]


@pytest.mark.parametrize("branches", [["main"], ["trunk"], ["trunk", "main"]])
def test_a_repository_without_an_origin_has_a_default_branch(tmp_path, branches):
    """The one that is usually called so, or else the one that is checked out."""
    made = Repository(tmp_path / "made")
    for name in branches:
        made.commit(Model("a"), branch=name)
    made.git("symbolic-ref", "HEAD", f"refs/heads/{branches[0]}")
    with repository_at(made.directory) as git:
        assert default_branches(git) == [f"refs/heads/{branches[-1]}"]


def test_a_clone_without_a_branch_does_not_know_whose_signatures_count(signed, keys):
    """As a service checks out a tag: what the tag's own commit says must not decide."""
    commit = signed.release("v1.0.0", None, "prod", key=keys["ada"])
    signed.git("update-ref", "--no-deref", "HEAD", commit)
    (signed.directory / ".git" / "refs" / "heads" / "main").unlink()
    assert "this clone has no branch" in refused(signed, "prod")
