"""What a tag vouches for is taken from it, as long as it is of the very bytes of the commit."""

import pytest

from modelkeep.registry.metadata import Records
from modelkeep.registry.summary import summaries, trailers
from modelkeep.registry.version import Version
from repository import MISSING, Model, digest

PACKAGE = ("package", Model("b").content)
HEADLINE = Model().facts["metrics"]["headline"]


def promise(repository, model, path="model.json", revision="HEAD"):
    """Return a message that vouches for the metadata of a commit."""
    blob = repository.git("rev-parse", f"{revision}:{path}")
    return f"Why\n\n{trailers(model.facts, path, blob, (model.package, model.content))}"


def read(repository, *numbers):
    """Return the beginning of each version's recipe id, and whether its tag alone was read."""
    with repository.catalogue() as catalogue:
        registered = catalogue.numbered["model"]
        versions = [
            registered.get(number) or Version("model", number) for number in numbers or registered
        ]
        records = [*summaries(catalogue.git, catalogue.records, versions)]
    assert [version for version, _ in records] == versions
    metadata = [record.metadata for _, record in records]
    return [(entry["recipe_id"].rstrip("0"), "data" not in entry) for entry in metadata]


def test_a_tag_that_vouches_is_believed(repository):
    """Recipe and headline are those of the metadata, which are not read."""
    model = Model("a", value=0.75)
    repository.commit(model)
    repository.tag("model@v1.0.0", message=promise(repository, model))
    with repository.catalogue() as catalogue:
        ((_, record),) = summaries(catalogue.git, catalogue.records, catalogue.registered("model"))
    assert record.problem is None
    assert record.metadata == {
        "recipe_id": digest("a"),
        "metrics": {"headline": model.facts["metrics"]["headline"]},
    }


def test_versions_keep_their_order(repository):
    """Those that are vouched for and those that are not, and commits without a number."""
    for number, recipe in enumerate("abcde"):
        model = Model(recipe)
        repository.commit(model)
        message = promise(repository, model) if recipe in "bd" else "Why"
        repository.tag(f"model@v1.{number}.0", message=message)
    commit = repository.commit(Model("f"))
    assert read(repository, commit, "v1.4.0", "v1.1.0", "v1.0.0", "v1.3.0", "v1.2.0") == [
        *(("f", False), ("e", False), ("b", True)),
        *(("a", False), ("d", True), ("c", False)),
    ]


def test_metadata_may_be_anywhere(repository):
    """Also in a project below the top, as the tag says."""
    model = Model("a", metadata="some/it.json")
    repository.commit(model)
    repository.tag("model@v1.0.0", message=promise(repository, model, "some/it.json"))
    assert read(repository) == [("a", True)]
    repository.commit(Model("b"), under="sub/")
    blob = repository.git("rev-parse", "HEAD:sub/model.json")
    message = f"Why\n\n{trailers(Model('b').facts, 'model.json', blob, PACKAGE)}"
    repository.tag("sub=model@v1.0.0", message=message)
    data, _ = repository.answer("list", "--model", "sub:model")
    assert (data[0]["recipe_id"], data[0]["headline"]) == (digest("b"), HEADLINE)


def test_a_tag_of_other_bytes_is_not_believed(repository):
    """Of another commit, of another file, or of one that is not there."""
    repository.commit(Model("b"))
    for number, message in enumerate(
        (
            promise(repository, Model("b")),
            promise(repository, Model("a")).replace(" model.json", " dvc.lock"),
            promise(repository, Model("a")).replace(" model.json", " none.json"),
        )
    ):
        repository.commit(Model("a"))
        repository.tag(f"model@v1.{number}.0", message=message)
    assert read(repository) == [("a", False)] * 3


@pytest.mark.parametrize(
    ("old", "new"),
    [
        *(("Recipe: ", "Receipt: "), ("Headline: ", "Head: "), ("Metadata: ", "Data: ")),
        *(("Headline: {", "Headline: "), ("Headline: {", "Headline: " + "[" * 100_000)),
        (" model.json", ""),
    ],
)
def test_half_a_promise_is_none(repository, old, new):
    """Where a line is missing or cannot be read, the metadata are."""
    repository.commit(Model("a"))
    message = promise(repository, Model("a")).replace(old, new)
    repository.tag("model@v1.0.0", message=message)
    assert read(repository) == [("a", False)]


def test_a_reason_is_no_promise(repository):
    """What a person writes above is not what the command writes below."""
    repository.commit(Model("a"))
    message = promise(repository, Model("a"))
    blob = repository.git("rev-parse", "HEAD:model.json")
    claim = trailers(Model("b").facts, "model.json", blob, PACKAGE)
    repository.tag("model@v1.0.0", message=f"{claim}\n\n{message}")
    repository.tag("model@v1.1.0", message=claim)
    assert read(repository) == [("a", True), ("a", False)]


def test_a_lost_commit_is_not_vouched_for(repository):
    """The problem is told as without a promise."""
    repository.commit(Model("a"))
    message = promise(repository, Model("a"))
    repository.raw_tag("model@v1.0.0", MISSING, "A <a@b> 1767225600 +0000", message)
    with repository.catalogue() as catalogue:
        versions = catalogue.registered("model")
        ((_, record),) = summaries(catalogue.git, Records(catalogue.git), versions)
    assert (record.metadata, record.problem[-16:]) == (None, "has no dvc.yaml.")
