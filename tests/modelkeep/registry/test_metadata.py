"""The metadata of a version are found wherever its commit has them, or it is said why not."""

import json
from dataclasses import replace

import pytest

from modelkeep.registry.git import CHUNK
from modelkeep.registry.metadata import KEYS, Records
from modelkeep.registry.version import Version
from modelkeep_core.errors import UserError
from repository import MISSING, Model


def version(commit, model="model"):
    """Return a version without a number."""
    return Version(model, commit)


def records_of(repository, *versions):
    """Return what is found of versions, in their order."""
    with repository.catalogue() as catalogue:
        return [read for _, read in Records(catalogue.git).read(versions)]


def recipes(repository, *versions):
    """Return the beginnings of their recipe ids."""
    return [read.metadata["recipe_id"].rstrip("0") for read in records_of(repository, *versions)]


def test_each_version_comes_with_its_own_metadata(repository):
    """In the order in which they are asked for, also when they are many."""
    commits = {recipe: repository.commit(Model(recipe)) for recipe in ("a", "b", "c")}
    wanted = ["c", "a", "b", "a"] * CHUNK
    assert recipes(repository, *(version(commits[recipe]) for recipe in wanted)) == wanted
    assert records_of(repository) == []


def test_metadata_are_complete(repository):
    """Nothing of the file is lost."""
    commit = repository.commit(Model("a"))
    (read,) = records_of(repository, version(commit))
    assert (read.metadata, read.problem) == (Model("a").facts, None)


def test_two_models_of_a_commit_have_their_own(repository):
    """Each is found beside its package, and none is taken for the other."""
    other = Model("b", name="other", package="other", metadata="other.json")
    commit = repository.commit(Model("a"), other)
    both = [version(commit), version(commit, "other")]
    assert recipes(repository, *both, *both[::-1]) == ["a", "b", "b", "a"]


def test_the_model_json_of_another_model_is_not_taken(repository):
    """The name in the file counts, not the name of the file."""
    first = Model("b", name="first", package="first", metadata="first.json")
    second = Model("a", name="second", package="second", metadata="model.json")
    commit = repository.commit(first, second)
    assert recipes(repository, version(commit, "first"), version(commit, "second")) == ["b", "a"]


def test_metadata_may_move(repository):
    """A path that changes in history, there and back again, is followed."""
    there = Model("a", metadata="metadata/it.json")
    commits = [
        repository.commit(Model("c")),
        repository.commit(there, others={"model.json": None}),
        repository.commit(Model("b"), others={"metadata/it.json": None}),
        repository.commit(replace(there, recipe="d"), others={"model.json": None}),
    ]
    assert recipes(repository, *map(version, commits)) == ["c", "a", "b", "d"]
    assert recipes(repository, *map(version, reversed(commits))) == ["d", "b", "a", "c"]


def test_the_place_of_the_last_one_is_looked_at_first(repository):
    """So the committed bytes are those of the version that was read last."""
    there = Model("a", metadata="it.json")
    commits = [repository.commit(there), repository.commit(Model("b"), others={"it.json": None})]
    with repository.catalogue() as catalogue:
        for commit, path in (*zip(commits, ("it.json", "model.json"), strict=True),) * 2:
            read = catalogue.records.committed(version(commit))
            assert catalogue.records.paths("model")[0] == path
            assert read == repository.git("show", f"{commit}:{path}").encode()


def test_a_place_once_found_is_looked_at_first(repository, monkeypatch):
    """dvc.lock, which takes long to read, is read once for all versions of a model."""
    model = Model(metadata="it.json")
    commits = [repository.commit(replace(model, recipe=recipe)) for recipe in ("a", "b", "c")]
    with repository.catalogue() as catalogue:
        records = Records(catalogue.git)
        records.of(version(commits[0]))
        assert records.paths("model") == ["it.json", "model.json"]
        monkeypatch.setattr("modelkeep.registry.dvc_lock.read_pipeline", None)
        assert [*records.read(map(version, commits))][2][1].metadata["recipe_id"].startswith("c")


def test_a_renamed_model_is_another_model(repository):
    """Under its old name a commit has it, under the new one it says that it has none."""
    old = repository.commit(Model("a"))
    new = repository.commit(Model("b", name="renamed"))
    assert recipes(repository, version(old), version(new, "renamed")) == ["a", "b"]
    (read,) = records_of(repository, version(old, "renamed"))
    assert read.problem == (
        f"dvc.yaml of commit {old[:7]} has no model 'renamed' under `artifacts:`."
    )


def test_a_project_below_the_top_has_its_own(repository):
    """The directory of the model is where its files are."""
    repository.commit(Model("a"))
    commit = repository.commit(Model("b"), under="some/sub/")
    assert recipes(repository, version(commit, "some/sub:model"), version(commit)) == ["b", "a"]


def changed(repository, **files):
    """Commit a model and changes of its files, and return what is found of it and its id."""
    repository.commit(Model("a", metadata="it.json"))
    others = {name.replace("_", "."): content for name, content in files.items()}
    commit = repository.commit(others=others)
    (read,) = records_of(repository, version(commit))
    assert read.metadata is None
    return read.problem, commit[:7]


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({"dvc_yaml": None}, "commit {} has no dvc.yaml."),
        ({"dvc_yaml": "{"}, "dvc.yaml of commit {} is not valid YAML."),
        ({"dvc_yaml": "stages: {}"}, "dvc.yaml of commit {} has no model 'model' under"),
        ({"dvc_lock": None}, "commit {} has no dvc.lock."),
        ({"dvc_lock": "{"}, "dvc.lock is not as DVC writes it. (commit {})"),
        ({"dvc_lock": "stages: {}"}, "dvc.lock of commit {} does not say what made 'model'."),
        (
            {"dvc_lock": "stages: {make: {outs: [{path: package}, {path: it.csv}]}}"},
            "stage make of commit {} writes no metadata (a .json file).",
        ),
        ({"it_json": None}, "it.json of commit {} is missing, or is not the metadata of model."),
    ],
)
def test_the_problem_of_a_commit_is_told(repository, files, problem):
    """Which file of which commit it is, and what is wrong with it."""
    why, commit = changed(repository, **files)
    assert why.startswith(problem.format(commit))


@pytest.mark.parametrize(
    "content",
    [
        *("", "{", "[]", "7", "null", '"model"', "[" * 100_000, "{}"),
        *('{"name": "model"}', '{"name": "other", "recipe_id": "a"}', '{"recipe_id": "a"}'),
        *(json.dumps(Model().facts | {key: None}) for key in KEYS),
        *('{"name": "model", "recipe_id": 5}', '{"name": "model", "recipe_id": "a", "data": []}'),
    ],
)
def test_a_file_of_another_shape_is_no_metadata(repository, content):
    """Whatever lies where the metadata should, reading ends with one sentence."""
    why, commit = changed(repository, it_json=content)
    assert why == f"it.json of commit {commit} is missing, or is not the metadata of model."


def test_bytes_that_are_no_text_are_no_metadata(repository):
    """JSON of another encoding is not guessed at."""
    repository.commit(Model())
    commit = repository.commit(others={"model.json": b'{"name": "\xff"}'})
    assert records_of(repository, version(commit))[0].metadata is None


def test_a_lost_commit_has_no_metadata(repository):
    """A tag may be here without its commit."""
    repository.commit(Model())
    (read,) = records_of(repository, version(MISSING))
    assert (read.metadata, read.problem) == (None, "commit 1111111 has no dvc.yaml.")


def test_one_version_without_metadata_hides_no_other(repository):
    """What is wrong with a commit is wrong with that commit only."""
    good = repository.commit(Model("a"))
    bad = repository.commit(others={"model.json": "{"})
    read = records_of(repository, version(bad), version(good), version(bad))
    assert [record.metadata is None for record in read] == [True, False, True]


@pytest.mark.parametrize("key", [key for key in KEYS if key != "recipe_id"])
def test_a_command_that_needs_more_than_is_there_says_so(repository, key):
    """Metadata of an older package stage are listed, but cannot be compared."""
    facts = Model("a").facts
    del facts[key]
    repository.commit(Model("a"))
    commit = repository.commit(others={"model.json": json.dumps(facts)})
    assert recipes(repository, version(commit)) == ["a"]
    with (
        repository.catalogue() as catalogue,
        pytest.raises(UserError, match=rf"the metadata of {commit[:7]} have no '{key}'"),
    ):
        catalogue.records.of(version(commit))


def test_a_version_without_metadata_is_refused_where_they_are_needed(repository):
    """The message names the version and the problem."""
    commit = repository.commit(others={"README.md": "x"})
    with repository.catalogue() as catalogue, pytest.raises(UserError) as refused:
        catalogue.records.of(version(commit))
    expected = f"{commit[:7]} has no metadata: commit {commit[:7]} has no dvc.yaml."
    assert str(refused.value) == expected


def test_the_committed_bytes_are_those_of_the_file(repository):
    """They can be compared with a package, wherever the file is."""
    model = Model("a", metadata="it.json")
    commits = [repository.commit(Model("b")), repository.commit(model, under="sub/")]
    versions = [version(commits[0]), version(commits[1], "sub:model")]
    with repository.catalogue() as catalogue:
        for entry, path in zip(versions, ("model.json", "sub/it.json"), strict=True):
            written = repository.git("show", f"{entry.commit}:{path}").encode()
            assert catalogue.records.committed(entry) == written
        with pytest.raises(UserError, match="has no metadata"):
            catalogue.records.committed(version(commits[0], "other"))
