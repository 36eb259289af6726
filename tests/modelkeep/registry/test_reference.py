"""What a person writes names one version, or it is said why not."""

import subprocess

import pytest

from modelkeep.registry.reference import find
from modelkeep_core.errors import UserError
from repository import MISSING, Model

OTHER = Model("b", name="other", package="other", metadata="other.json")


def named(repository, reference, model=None, under=""):
    """Return model and label of the version that is meant."""
    with repository.catalogue(model, under) as catalogue:
        version = find(catalogue, reference)
    return version.model, version.label


def refused(repository, reference, model=None, under=""):
    """Return the sentence with which a reference is refused."""
    with pytest.raises(UserError) as refusal:
        named(repository, reference, model, under)
    return str(refusal.value)


@pytest.mark.parametrize(
    ("reference", "label"),
    [
        *(("v1.0.0", "v1.0.0"), ("1.0.0", "v1.0.0"), ("v1.1.0", "v1.1.0")),
        *(("prod", "v1.0.0"), ("staging", "v1.1.0")),
        *(("model@v1.1.0", "v1.1.0"), ("model#prod", "v1.0.0"), ("model#staging", "v1.1.0")),
        *(("HEAD~1", "v1.1.0"), ("main~2", "v1.0.0"), ("refs/tags/model@v1.0.0", "v1.0.0")),
        *(("aaaa", "v1.0.0"), ("bbbb0000", "v1.1.0"), ("b" * 4 + "0" * 60, "v1.1.0")),
    ],
)
def test_a_version_has_many_names(released, reference, label, capsys):
    """Its number, a stage, a Git revision, the beginning of its recipe id."""
    assert named(released, reference) == ("model", label)
    assert capsys.readouterr().err == ""


def test_the_name_of_an_assignment_means_that_very_tag(released):
    """Not what is in the stage now, but what that tag put there."""
    labels = [named(released, f"model#{tag}")[1] for tag in ("prod#1", "prod#3", "prod#4", "prod")]
    assert labels == ["v1.0.0", "v1.1.0", "v1.0.0", "v1.0.0"]


def test_the_name_of_what_takes_back_means_what_it_took_back(repository):
    """Such a tag points to a commit like any other."""
    first = repository.release("v1.0.0", None, "prod")
    repository.release("v1.1.0", None, "prod")
    repository.assign("prod!", first)
    assert named(repository, "model#prod!#3") == ("model", "v1.0.0")


def test_a_commit_without_a_number_goes_by_its_id(released):
    """Any way to write it gives the full id."""
    commit = released.head
    for reference in ("HEAD", "main", commit, commit[:9], "cccc", "@"):
        assert named(released, reference) == ("model", commit[:7])


def test_a_version_that_was_taken_back_has_no_number(repository):
    """Its commit is a commit like any other."""
    commit = repository.release("v1.0.0", None, "prod")
    repository.tag("model@v1.0.0!")
    assert named(repository, "HEAD") == ("model", commit[:7])
    assert "is no version, stage" in refused(repository, "v1.0.0")
    assert "is no version, stage" in refused(repository, "prod")


def test_what_is_unknown_is_refused_with_help(released):
    """The nearest name, and where else it might be."""
    assert refused(released, "v1.0.1") == (
        "'v1.0.1' is no version, stage, Git revision or recipe id (did you mean 'v1.0.0'?). "
        "`git fetch --tags` brings what others have registered."
    )
    assert "(did you mean 'staging'?)" in refused(released, "stagign")
    for reference in ("", "-x", "none", "model@v9.0.0", MISSING, "HEAD~99", "^HEAD", "dddd"):
        assert f"'{reference.removeprefix('model@')}' is no version" in refused(released, reference)


def test_a_shallow_clone_is_named_as_a_reason(released, tmp_path):
    """There, what is unknown may be in the part that was left out."""
    words = ["git", "clone", "--quiet", "--depth", "1", released.directory.as_uri(), "clone"]
    subprocess.run(words, cwd=tmp_path, check=True)
    shallow = type(released).__new__(type(released))
    shallow.directory = tmp_path / "clone"
    hint = "This clone is shallow: `git fetch --unshallow --tags` brings the rest."
    assert refused(shallow, "v1.0.0").endswith(hint)


@pytest.mark.parametrize(("reference", "label"), [("prod", "v1.0.0"), ("v1.0.0", "v1.0.0")])
def test_a_branch_or_tag_called_like_a_version_or_stage_is_told(
    repository, reference, label, capsys
):
    """The version is meant, and the note says which commit is not."""
    repository.release("v1.0.0", None, "prod")
    commit = repository.commit(Model("b"))
    kind = "tags" if reference.startswith("v") else "heads"
    repository.point(f"{kind}/{reference}", commit)
    assert named(repository, reference) == ("model", label)
    assert capsys.readouterr().err == (
        f"note: '{reference}' is a Git revision too (commit {commit[:7]}); "
        f"here it means model {label}.\n"
    )


def test_a_branch_at_the_very_commit_needs_no_note(repository, capsys):
    """Both mean the same."""
    repository.release("v1.0.0", None, "prod")
    repository.point("heads/prod", repository.head)
    assert named(repository, "prod") == ("model", "v1.0.0")
    assert capsys.readouterr().err == ""


def test_a_number_goes_before_a_stage_before_a_revision_before_a_recipe(repository):
    """What is looked for first is meant."""
    repository.release("v1.0.0", Model("beef"), "cafe")
    repository.release("v1.1.0", Model("cafe"))
    repository.point("heads/beef", repository.head)
    assert named(repository, "cafe") == ("model", "v1.0.0")
    assert named(repository, "beef") == ("model", "v1.1.0")
    assert named(repository, "beef0") == ("model", "v1.0.0")


def test_the_beginning_of_several_recipe_ids_is_refused(repository):
    """All that begin so are named."""
    repository.release("v1.0.0", Model("abcd1"))
    repository.release("v1.1.0", Model("abcd2"))
    commit = repository.commit(Model("abcd3"))
    why = refused(repository, "abcd")
    assert why.startswith("'abcd' names more than one version: ")
    for label in ("v1.0.0", "v1.1.0", commit[:7]):
        assert f"model {label} (commit" in why
    assert why.endswith("Write more of it.")
    labels = [named(repository, f"abcd{number}")[1] for number in (1, 2, 3)]
    assert labels == ["v1.0.0", "v1.1.0", commit[:7]]


@pytest.mark.parametrize("start", ["abc", "ABCD", "abcg", "a", "abcd2"])
def test_what_begins_no_recipe_id_is_refused(repository, start):
    """Fewer than four digits, capitals, other letters, or none that begins so."""
    repository.release("v1.0.0", Model("abcd1"))
    assert "is no version, stage" in refused(repository, start)


def test_one_recipe_of_several_commits_is_one_version(repository):
    """The registered one where there is, else the newest commit."""
    repository.commit(Model("abcd"))
    repository.release("v1.0.0", Model("abcd"))
    repository.commit(Model("beef"))
    newest = repository.commit(Model("abcd"), others={"x": "1"})
    again = repository.commit(Model("beef"))
    assert named(repository, "abcd") == ("model", "v1.0.0")
    assert named(repository, "beef") == ("model", again[:7])
    assert named(repository, newest) == ("model", newest[:7])


def test_digits_that_begin_a_commit_and_a_recipe_are_refused(repository):
    """Unless both are the same version."""
    commit = repository.release("v1.0.0", Model("beef"))
    repository.release("v1.1.0", Model(commit[:8]))
    why = refused(repository, commit[:6])
    assert f"model v1.0.0 (commit {commit[:7]}), model v1.1.0 (commit" in why
    assert why.endswith("Write more of it.")
    assert named(repository, commit[:9]) == ("model", "v1.0.0")
    assert named(repository, commit[:8] + "0") == ("model", "v1.1.0")


def test_a_whole_commit_id_is_no_recipe(repository):
    """Even where a recipe id begins like it."""
    commit = repository.release("v1.0.0", Model("beef"))
    repository.release("v1.1.0", Model(commit))
    assert named(repository, commit) == ("model", "v1.0.0")


def test_digits_that_begin_a_commit_and_its_own_recipe_are_clear(repository, monkeypatch):
    """Here a branch stands for the commit, of which nobody can choose the id."""
    repository.release("v1.0.0", Model("beef"))
    repository.point("heads/beef", repository.head)
    monkeypatch.setattr("modelkeep.registry.reference._is_prefix", lambda *_: True)
    assert named(repository, "beef") == ("model", "v1.0.0")


def test_a_commit_without_a_model_does_not_hide_a_recipe(repository):
    """If only one of the two is a version, that is meant."""
    commit = repository.commit(others={"README.md": "x"})
    repository.release("v1.0.0", Model(commit[:8]))
    assert named(repository, commit[:6]) == ("model", "v1.0.0")


def test_a_commit_without_a_model_is_refused(repository):
    """There is such a commit, and nothing to show of it."""
    commit = repository.commit(others={"README.md": "x"})
    repository.release("v1.0.0")
    why = f"dvc.yaml of commit {commit[:7]} (HEAD~1) does not name "
    assert refused(repository, "HEAD~1") == f"{why}a model."
    assert refused(repository, "HEAD~1", "model") == f"{why}the model 'model'."


@pytest.fixture
def two(repository):
    """A repository of two models with the same numbers and stages."""
    commit = repository.commit(Model("a"), OTHER)
    for name in ("model", "other"):
        repository.tag(f"{name}@v1.0.0")
        repository.assign("prod", commit, name)
    return repository


@pytest.mark.parametrize("reference", ["v1.0.0", "prod", "HEAD"])
def test_of_several_models_one_has_to_be_chosen(two, reference, capsys):
    """The refusal names both; either way to choose one will do."""
    commit = two.head
    two.point("heads/prod", two.commit(others={"x": "y"}))
    reference = reference.replace("HEAD", "HEAD~1")
    why = refused(two, reference)
    assert capsys.readouterr().err == ""
    assert why.startswith(f"'{reference}' names more than one version: model v1.0.0 (commit ")
    assert why.endswith(f"other v1.0.0 (commit {commit[:7]}). Say which with --model.")
    for model in ("model", "other"):
        assert named(two, reference, model) == (model, "v1.0.0")


@pytest.mark.parametrize("ending", ["@v1.0.0", "#prod", "#prod#1"])
def test_a_tag_names_its_model(two, ending):
    """With its number, a stage, or as that very tag."""
    for model in ("model", "other"):
        assert named(two, f"{model}{ending}") == (model, "v1.0.0")


def test_a_commit_of_a_chosen_model_is_its_own(two):
    """A tag of another model is a revision like any other."""
    assert named(two, "model@v1.0.0", "other") == ("other", "v1.0.0")
    commit = two.commit(Model("c"), OTHER)
    assert named(two, "HEAD", "model") == ("model", commit[:7])


@pytest.mark.parametrize(
    "reference",
    [
        *("v1.0.0", "prod", "some/sub:model@v1.0.0", "some/sub=model@v1.0.0"),
        *("some/sub:model#prod", "some/sub=model#prod#1", "some/sub:model#prod#1"),
    ],
)
def test_a_model_below_the_top_has_its_full_name(repository, reference):
    """As `list` shows it or as the tag has it, from the top and from the project."""
    repository.commit(Model("a"), under="some/sub/")
    repository.tag("some/sub=model@v1.0.0")
    repository.tag("some/sub=model#prod#1")
    repository.commit(Model("b"), under="some/sub/")
    for under in ("", "some/sub"):
        assert named(repository, reference, under=under) == ("some/sub:model", "v1.0.0")


def test_in_its_project_a_model_goes_by_its_short_name(repository):
    """There is no other; from the top, one of that name is the top's."""
    repository.commit(Model("a"), under="sub/")
    repository.tag("sub=model@v1.0.0")
    for reference in ("model@v1.0.0", "v1.0.0"):
        assert named(repository, reference, under="sub") == ("sub:model", "v1.0.0")
    assert "is no version, stage" in refused(repository, "model@v1.0.0")
    commit = repository.commit(Model("b"), under="sub/")
    assert named(repository, "HEAD", under="sub") == ("sub:model", commit[:7])
    assert named(repository, "HEAD", "sub:model") == ("sub:model", commit[:7])
