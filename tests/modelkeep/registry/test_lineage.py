"""`lineage` goes both ways: from a version to what it was made from, and from data to versions."""

import hashlib
import re

import pytest

from modelkeep.text import columns
from modelkeep_core.errors import UserError
from repository import RAW, Model, digest

OTHER = Model("b", name="other", package="other", metadata="other.json")


def trained_on(**files):
    """Return a part of metadata that names raw files and their hashes."""
    counted = [{"path": path, "sha256": sha256, "rows": 9} for path, sha256 in files.items()]
    recipe = Model().facts["recipe"] | {"data": files}
    return {"data": {"files": counted, "rows": {"read": 9}}, "recipe": recipe}


def versions(repository, data, *words):
    """Return model and number of the versions that were made from some data."""
    entries, _ = repository.answer("lineage", "--of-data", str(data), *words)
    return [(entry["model"], entry["version"]) for entry in entries]


def test_a_version_is_shown_as_a_tree(released):
    """From the package down; any reference will do."""
    for reference in ("v1.0.0", "prod", "aaaa", "HEAD~2"):
        data, shown = released.answer("lineage", reference)
        nodes = {node["name"]: node["digest"][:7] for node in data["nodes"]}
        assert shown.splitlines() == [
            f"model v1.0.0  {Model('aaaa').content[:7]}  ← package-model",
            f"├─ data/raw  {nodes['data/raw']}",
            f"├─ params.yaml:train  {nodes['params.yaml:train']}",
            f"└─ pipeline/train.py  {nodes['pipeline/train.py']}",
        ]
        assert data["versions"] == ["model v1.0.0"]


def test_a_version_is_drawn_with_mermaid(released):
    """The data stay the same."""
    data, shown = released.answer("lineage", "prod", "--mermaid")
    assert data == released.answer("lineage", "prod")[0]
    assert shown.splitlines()[0] == "flowchart LR"
    assert f'n0["model v1.0.0<br/>{Model("aaaa").content[:7]}"]' in shown
    assert shown.count(" -->|package-model| n0") == 3


def test_what_was_trained_on_a_file_is_found_by_the_file(repository, tmp_path):
    """Its bytes count, not its name; versions are newest first."""
    path = tmp_path / "any.csv"
    path.write_text("size,hue\n1,red\n", encoding="utf-8")
    facts = trained_on(**{"data/raw/rows.csv": hashlib.sha256(path.read_bytes()).hexdigest()})
    repository.release("v1.0.0", Model("a", unusual=facts), "prod")
    repository.release("v1.1.0", Model("b"))
    repository.release("v1.2.0", Model("c", unusual=facts))
    assert versions(repository, path) == [("model", "v1.2.0"), ("model", "v1.0.0")]
    path.write_text("size,hue\n", encoding="utf-8")
    assert versions(repository, path) == []


@pytest.mark.parametrize("start", [RAW[:6], RAW, RAW.upper(), digest(RAW)])
def test_what_was_trained_on_a_file_is_found_by_its_hash(released, start):
    """The beginning will do, in letters of any size."""
    assert versions(released, start) == [("model", "v1.1.0"), ("model", "v1.0.0")]


def test_an_entry_has_all_that_a_program_needs(released):
    """Full ids, and where the version has the file."""
    data, _ = released.answer("lineage", "--of-data", RAW)
    assert data[1] == {
        "model": "model",
        "version": "v1.0.0",
        "stages": ["prod"],
        "commit": released.git("rev-parse", "HEAD~2"),
        "path": "data/raw/rows.csv",
        "sha256": digest(RAW),
        "rows": 344,
    }


def test_versions_of_data_are_a_table(released):
    """With the stages that they are in."""
    _, shown = released.answer("lineage", "--of-data", RAW)
    commit = released.git("rev-parse", "HEAD~2")[:7]
    assert shown.splitlines()[0] == (
        "MODEL  VERSION  STAGES   FILE               ROWS  SHA-256       COMMIT"
    )
    assert shown.splitlines()[2] == (
        f"model  v1.0.0   prod     data/raw/rows.csv  344   f204db2c0000  {commit}"
    )


@pytest.mark.parametrize("start", ["f204d", "", "rows.csv", "f204db2g", "f204 db2c"])
def test_what_is_neither_file_nor_hash_is_refused(released, start):
    """Less than six digits would mean too much."""
    with pytest.raises(UserError) as refused:
        versions(released, start)
    assert str(refused.value) == (
        f"'{start}' is neither a file nor the beginning of a SHA-256 "
        "(6 or more hexadecimal digits)."
    )


def test_a_hash_of_nothing_finds_nothing(released):
    """That is an answer, not an error."""
    data, shown = released.answer("lineage", "--of-data", digest("0dd"))
    assert (data, shown) == ([], "No registered version was trained on it.")
    assert versions(released, RAW[1:]) == []


def test_each_model_and_each_file_counts(repository):
    """A version with two such files is found twice; one model can be chosen."""
    facts = trained_on(a=digest("abcdef1"), b=digest("abcdef2"), c=digest("0"))
    repository.commit(Model("a", unusual=facts), OTHER)
    repository.tag("model@v1.0.0")
    repository.tag("other@v1.0.0")
    assert versions(repository, "abcdef") == [("model", "v1.0.0")] * 2
    assert versions(repository, "abcdef2") == [("model", "v1.0.0")]
    assert versions(repository, RAW) == [("other", "v1.0.0")]
    assert versions(repository, RAW, "--model", "model") == []


def test_what_cannot_be_read_hides_nothing(repository):
    """A version without metadata, or without data in them, is passed over."""
    repository.release("v1.0.0", Model("a"))
    repository.release("v1.1.0", Model("b", unusual={"recipe": {}}))
    repository.commit(others={"model.json": "{"})
    repository.tag("model@v1.2.0")
    assert versions(repository, RAW) == [("model", "v1.0.0")]


def test_data_whose_rows_nobody_counted_is_data_all_the_same(repository):
    """The recipe names it; a dash stands for the number of its rows."""
    recipe = Model().facts["recipe"] | {"data": {"data/shops.csv": digest("abcdef")}}
    repository.release("v1.0.0", Model("a", unusual={"recipe": recipe}))
    (entry,), shown = repository.answer("lineage", "--of-data", "abcdef")
    assert (entry["path"], entry["rows"]) == ("data/shops.csv", None)
    assert re.search(r"data/shops\.csv +- +abcdef", shown)


def test_what_is_not_registered_is_not_a_version(repository):
    """Nor is one that was taken back."""
    repository.release("v1.0.0", Model("a"))
    repository.tag("model@v1.0.0!")
    repository.commit(Model("b"))
    assert versions(repository, RAW) == []


@pytest.mark.usefixtures("terminal")
def test_no_line_is_wider_than_80_columns(repository):
    """Long paths, models and stages are cut."""
    facts = trained_on(**{"data/raw/王小明/" + "long/" * 20 + "rows.csv": digest("abcdef")})
    model = Model("a", name="a-model-with-a-very-long-name", metadata="it.json", unusual=facts)
    repository.release("v1.0.0", model, *(f"stage-number-{number}" for number in range(9)))
    _, shown = repository.answer("lineage", "--of-data", "abcdef")
    assert max(map(columns, shown.splitlines())) <= 80


@pytest.mark.parametrize("words", [[], ["prod", "--of-data", RAW]])
def test_either_a_version_or_data_is_asked_for(released, words, capsys):
    """Not both, and not neither."""
    with pytest.raises(SystemExit) as ended:
        released.answer("lineage", *words)
    assert ended.value.code == 2
    assert "--of-data" in capsys.readouterr().err
