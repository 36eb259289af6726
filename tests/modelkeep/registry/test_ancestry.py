"""A version is followed back to raw data, through imports and other models, wherever they are."""

import json
from dataclasses import replace

import pytest

from modelkeep.registry.ancestry import trace
from modelkeep_core.errors import UserError
from repository import MISSING, RAW, Model, Repository, answer, digest

BASE = Model("ba5e", name="base", package="base-package", metadata="base.json")


def stage(deps=(), outs=(), **params):
    """Return what dvc.lock says of a stage."""
    return {
        "cmd": "python",
        "deps": [{"path": path, "hash": "md5", "md5": digest(path, 32)} for path in deps],
        "params": {"params.yaml": params},
        "outs": [{"path": path, "hash": "md5", "md5": digest(path, 32)} for path in outs],
    }


def pointer(path, *deps):
    """Return a .dvc file of data, and what it was imported from."""
    outs = [{"path": path.rpartition("/")[2], "hash": "md5", "md5": digest(path, 32)}]
    content = {"outs": outs} | ({"frozen": True, "deps": deps} if deps else {})
    return {f"{path}.dvc": json.dumps(content)}


def imported(path, repository, commit, source="base-package"):
    """Return the .dvc file that `dvc import` writes."""
    repo = {"url": repository if isinstance(repository, str) else repository.directory.as_uri()}
    return pointer(path, {"path": source, "repo": repo | {"rev_lock": commit}})


def traced(repository, version, model=None, under=""):
    """Return the graph of a version, and its edges by the names of child and parent."""
    words = ["--follow-imports", *(["--model", model] if model else [])]
    data, _ = repository.answer("lineage", version, *words, under=under)
    names = [node["name"] for node in data["nodes"]]
    return data, {(names[edge["to"]], names[edge["from"]]) for edge in data["edges"]}


def parents(edges, child):
    """Return what something was made from."""
    return {parent for source, parent in edges if source == child}


def assert_acyclic(data):
    """Nothing was made from what was made from it."""
    edges = {(edge["from"], edge["to"]) for edge in data["edges"]}
    left = {node["id"] for node in data["nodes"]}
    while free := left - {to for start, to in edges if start in left}:
        left -= free
    assert not left


def test_a_pipeline_is_followed_to_its_raw_data(repository):
    """Every output, what its stage read, parameters, code, and the files in the data."""
    lock = {
        "prepare": stage(["data/raw", "pipeline/prepare.py"], ["data/prepared"], prepare={"a": 1}),
        "train": stage(["data/prepared", "pipeline/train.py"], ["models"], train={}),
        "package": stage(["data/prepared", "models"], ["model.json", "package"]),
        "unused": stage(["models"], ["unused"]),
    }
    repository.release("v1.0.0", Model("a"))
    repository.commit(others={"dvc.lock": json.dumps({"stages": lock}), **pointer("data/raw")})
    repository.tag("model@v1.1.0")
    data, edges = traced(repository, "v1.1.0")
    assert edges == {
        *(("package", "data/prepared"), ("package", "models")),
        *(("models", "data/prepared"), ("models", "pipeline/train.py")),
        ("models", "params.yaml:train"),
        *(("data/prepared", "data/raw"), ("data/prepared", "pipeline/prepare.py")),
        ("data/prepared", "params.yaml:prepare"),
        ("data/raw", "data/raw/rows.csv"),
    }
    assert data["versions"] == ["model v1.1.0"]
    nodes = {node["name"]: node for node in data["nodes"]}
    assert nodes["package"] == {
        "id": 0,
        "kind": "package",
        "name": "package",
        "digest": digest("package", 32),
        "version": "model v1.1.0",
        "stage": "package",
    }
    kinds = {name: node["kind"] for name, node in nodes.items()}
    assert kinds == {
        "package": "package",
        **dict.fromkeys(["data/prepared", "models"], "file"),
        **dict.fromkeys(["data/raw", "data/raw/rows.csv"], "data"),
        **dict.fromkeys(["pipeline/prepare.py", "pipeline/train.py"], "code"),
        **dict.fromkeys(["params.yaml:prepare", "params.yaml:train"], "parameters"),
    }
    assert nodes["models"]["stage"] == "train"
    assert nodes["data/raw"]["digest"] == digest("data/raw", 32)
    assert nodes["data/raw/rows.csv"]["digest"] == digest(RAW)
    assert nodes["pipeline/train.py"]["digest"] == digest("pipeline/train.py", 32)
    assert_acyclic(data)


def test_other_values_of_parameters_are_another_input(repository):
    """The same file and section with other values is not the same."""
    lock = {
        "one": stage([], ["one"], train={"a": 1}),
        "two": stage(["one"], ["package"], train={"a": 2}, other={"a": 1}),
    }
    repository.commit(Model("a"))
    repository.commit(others={"dvc.lock": json.dumps({"stages": lock})})
    data, _ = traced(repository, "HEAD")
    digests = [node["digest"] for node in data["nodes"] if node["kind"] == "parameters"]
    assert len({*digests}) == 2
    assert len(digests) == 3


def test_data_may_be_a_single_file(repository):
    """Then it is the raw file."""
    repository.commit(Model("a", deps=("data/raw/rows.csv",)), others=pointer("data/raw/rows.csv"))
    data, edges = traced(repository, "HEAD")
    assert parents(edges, "package") == {"data/raw/rows.csv", "params.yaml:train"}
    assert [node["name"] for node in data["nodes"]].count("data/raw/rows.csv") == 1


def test_data_from_a_url_has_it_as_a_parent(repository):
    """What `dvc import-url` brought comes from there."""
    dep = {"path": "s3://bucket/rows.csv", "etag": "abc"}
    repository.commit(Model("a"), others=pointer("data/raw", dep))
    data, edges = traced(repository, "HEAD")
    assert ("data/raw", "s3://bucket/rows.csv") in edges
    (node,) = [node for node in data["nodes"] if node["kind"] == "elsewhere"]
    assert (node["digest"], node["stage"]) == ("abc", None)


def test_a_model_made_from_a_model_has_its_version_as_a_parent(repository):
    """In the same repository: its number at this commit."""
    model = Model("a", deps=("base-package/model.skops", "data/raw"))
    repository.commit(BASE, model)
    repository.tag("base@v2.0.0")
    repository.tag("model@v1.0.0")
    data, edges = traced(repository, "model@v1.0.0")
    assert data["versions"] == ["model v1.0.0", "base v2.0.0"]
    assert ("package", "base-package") in edges
    assert ("base-package", "data/raw") in edges
    assert traced(repository, "v1.0.0", "model")[0] == data
    assert_acyclic(data)


def test_a_parent_that_was_registered_before_is_known_by_its_content(repository):
    """Its package is the same as when it got its number; another package is another version."""
    repository.commit(replace(BASE, recipe="01d"))
    repository.tag("base@v1.0.0")
    repository.commit(BASE)
    repository.tag("base@v2.0.0")
    repository.commit(others={"dvc.lock": "stages: {make: {outs: [{path: base-package}]}}"})
    repository.tag("base@v3.0.0")
    model = Model("a", deps=("base-package",))
    repository.commit(BASE, model)
    repository.tag("model@v1.0.0")
    assert traced(repository, "model@v1.0.0")[0]["versions"] == ["model v1.0.0", "base v2.0.0"]
    commit = repository.commit(replace(BASE, recipe="0ther"), replace(model, recipe="0ther"))
    labels = [f"model {commit[:7]}", f"base {commit[:7]}"]
    assert traced(repository, "HEAD", "model")[0]["versions"] == labels


def test_a_version_with_a_broken_lock_is_no_parent(repository):
    """What cannot be read is passed over, even if the content is named in it."""
    repository.commit(BASE)
    repository.tag("base@v1.0.0")
    broken = f"stages: [{BASE.content}]"
    repository.commit(others={"dvc.lock": broken})
    repository.tag("base@v2.0.0")
    commit = repository.commit(BASE, Model("a", deps=("base-package",)))
    data, _ = traced(repository, "HEAD", "model")
    assert data["versions"] == [f"model {commit[:7]}", "base v1.0.0"]


@pytest.fixture
def other(tmp_path):
    """Another repository, with a version of a model that was made from data."""
    made = Repository(tmp_path / "other")
    made.commit(BASE, others=pointer("data/raw"))
    made.tag("base@v2.0.0")
    return made


def using(repository, path, others):
    """Commit a model that was made from something imported."""
    repository.commit(Model("a", deps=(path,)), others=others)
    repository.tag("model@v1.0.0")
    return traced(repository, "v1.0.0")


@pytest.mark.parametrize("source", ["base-package", "base-package/model.skops"])
def test_an_imported_model_is_followed_in_its_own_repository(repository, other, source):
    """With its number there, and all that it was made from."""
    commit = other.head
    other.commit(replace(BASE, recipe="1ater"))
    data, edges = using(repository, "base", imported("base", other, commit, source))
    url = other.directory.as_uri()
    assert data["versions"] == ["model v1.0.0", f"{url}:base v2.0.0"]
    assert {("package", "base"), ("base", f"{url}:base-package")} < edges
    assert parents(edges, f"{url}:base-package") == {
        *(f"{url}:data/raw", f"{url}:pipeline/train.py", f"{url}:params.yaml:train")
    }
    assert_acyclic(data)


def test_an_imported_model_may_lie_in_a_project_below_the_top(repository, tmp_path):
    """The nearest dvc.lock above the path is that of its pipeline."""
    other = Repository(tmp_path / "other")
    other.commit(Model("b"))
    commit = other.commit(replace(BASE, package="out/it"), under="some/sub/")
    other.tag("some/sub=base@v3.0.0")
    pointers = imported("base", other, commit, "some/sub/out/it")
    data, edges = using(repository, "base", pointers)
    url = other.directory.as_uri()
    assert data["versions"] == ["model v1.0.0", f"{url}:some/sub:base v3.0.0"]
    assert ("base", f"{url}:some/sub/out/it") in edges
    assert f"{url}:some/sub/data/raw" in parents(edges, f"{url}:some/sub/out/it")


def test_imports_of_imports_are_followed(repository, other, tmp_path):
    """From repository to repository, down to the data."""
    between = Repository(tmp_path / "between")
    commit = between.commit(
        Model("b", name="mid", package="mid-package", deps=("base",)),
        others=imported("base", other, other.head),
    )
    between.tag("mid@v5.0.0")
    data, edges = using(repository, "mid", imported("mid", between, commit, "mid-package"))
    first, second = between.directory.as_uri(), other.directory.as_uri()
    assert data["versions"] == ["model v1.0.0", f"{first}:mid v5.0.0", f"{second}:base v2.0.0"]
    assert (f"{first}:base", f"{second}:base-package") in edges
    assert_acyclic(data)


def test_a_repository_that_imports_from_its_own_past_is_no_circle(repository):
    """What it was is another thing than what it is."""
    commit = repository.release("v1.0.0", Model("a"))
    pointers = imported("before", repository, commit, "package")
    repository.commit(Model("b", deps=("before",)), others=pointers)
    repository.tag("model@v2.0.0")
    data, _ = traced(repository, "v2.0.0")
    url = repository.directory.as_uri()
    assert data["versions"] == ["model v2.0.0", f"{url}:model v1.0.0"]
    assert_acyclic(data)


def test_imports_in_a_circle_come_to_an_end(tmp_path):
    """Two repositories whose data come from each other, at no certain commit."""
    pair = [Repository(tmp_path / name) for name in ("one", "two")]
    for made, from_ in zip(pair, reversed(pair), strict=True):
        dep = {"path": "data/raw", "repo": {"url": from_.directory.as_uri()}}
        made.commit(Model("a"), others=pointer("data/raw", dep))
    data, _ = traced(pair[0], "HEAD")
    assert len(data["nodes"]) < 20


def test_imported_data_of_a_data_registry_are_data(repository, tmp_path):
    """A repository without a pipeline has .dvc files, and they may come from elsewhere."""
    other = Repository(tmp_path / "other")
    dep = {"path": "s3://bucket/rows", "etag": "abc"}
    commit = other.commit(others=pointer("sets/rows", dep))
    data, edges = using(repository, "data/raw", imported("data/raw", other, commit, "sets/rows"))
    name = f"{other.directory.as_uri()}:sets/rows"
    assert {("data/raw", name), (name, "s3://bucket/rows")} < edges
    (node,) = [entry for entry in data["nodes"] if entry["name"] == name]
    assert (node["kind"], node["digest"]) == ("data", digest("sets/rows", 32))


def unread(data):
    """Return name, digest and remark of what was not followed."""
    (node,) = [node for node in data["nodes"] if node["kind"] == "elsewhere"]
    return node["name"], node["digest"], node["stage"]


def test_a_repository_that_cannot_be_read_is_told(repository, tmp_path):
    """The rest of the lineage is there, and what is known of the import."""
    url = (tmp_path / "none").as_uri()
    data, edges = using(repository, "base", imported("base", url, "abc123", "it"))
    name, commit, remark = unread(data)
    assert (name, commit) == (f"{url}:it", "abc123")
    assert remark.startswith(f"not read: {url} cannot be read: ")
    assert ("base", f"{url}:it") in edges
    assert ("package", "params.yaml:train") in edges


def test_a_commit_that_is_gone_is_told(repository, other):
    """The repository is there, and the commit is not."""
    data, _ = using(repository, "base", imported("base", other, MISSING))
    assert unread(data)[2] == "not read: it has no commit 1111111."


def test_a_pipeline_that_cannot_be_read_is_told(repository, other):
    """The commit is there, and its dvc.lock is broken."""
    commit = other.commit(others={"dvc.lock": "{"})
    data, _ = using(repository, "base", imported("base", other, commit))
    assert unread(data)[2] == f"not read: dvc.lock is not as DVC writes it. (commit {commit[:7]})"


def test_a_project_below_the_top_is_followed(repository):
    """Names are those of the repository, from wherever it is looked at."""
    repository.commit(Model("b"))
    repository.commit(Model("a"), under="sub/", others=pointer("sub/data/raw"))
    repository.tag("sub=model@v1.0.0")
    for under in ("", "sub"):
        data, edges = traced(repository, "v1.0.0", under=under)
        assert data["versions"] == ["sub:model v1.0.0"]
        assert edges == {
            *(("sub/package", "sub/data/raw"), ("sub/package", "sub/pipeline/train.py")),
            *(("sub/package", "sub/params.yaml:train"), ("sub/data/raw", "sub/data/raw/rows.csv")),
        }


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"dvc.lock": "stages: {}"}, "has no package of the model 'model'"),
        ({"dvc.lock": None}, r"has no dvc\.lock"),
        ({"model.json": None}, r"v1\.1\.0 has no metadata: model\.json of commit"),
    ],
)
def test_a_version_without_a_package_or_metadata_is_refused(repository, files, message):
    """There is nothing to begin with."""
    repository.commit(Model("a"))
    repository.commit(others=files)
    repository.tag("model@v1.1.0")
    with repository.catalogue() as catalogue, pytest.raises(UserError, match=message):
        trace(catalogue, catalogue.numbered["model"]["v1.1.0"])


def test_a_parameter_that_would_take_all_memory_is_not_read(repository):
    """Aliases of aliases are a few bytes in dvc.lock; the rest of the lineage is there."""
    lines = ["b0: &b0 [x,x,x,x,x,x,x,x,x,x]"]
    lines += [f"b{n}: &b{n} [{','.join([f'*b{n - 1}'] * 10)}]" for n in range(1, 10)]
    indented = "".join(f"          {line}\n" for line in lines)
    stage = {key: value for key, value in Model().stage.items() if key != "params"}
    parts = "".join(f"    {key}: {json.dumps(value)}\n" for key, value in stage.items())
    bomb = f"stages:\n  a:\n{parts}    params:\n      params.yaml:\n        train:\n{indented}"
    repository.commit(Model(), others={"dvc.lock": bomb})
    repository.tag("model@v1.0.0")
    data, edges = traced(repository, "v1.0.0")
    (parameter,) = (node for node in data["nodes"] if node["kind"] == "parameters")
    assert parameter["digest"] is None
    assert "too many values" in parameter["stage"]
    assert {"data/raw", "params.yaml:train"} <= parents(edges, "package")


def test_a_repository_of_somebody_else_names_none_that_is_opened(repository, other):
    """Nobody is asked for a password, and no address is tried, unless a person says so."""
    commit = other.commit(BASE)
    repository.commit(Model(deps=("base",)), others=imported("base", other, commit))
    repository.tag("model@v1.0.0")
    data, shown = repository.answer("lineage", "v1.0.0")
    (node,) = (node for node in data["nodes"] if node["kind"] == "elsewhere")
    assert node["stage"].startswith("not opened, since another repository names it")
    assert "--follow-imports" in shown


def test_what_the_own_repository_imports_is_opened(repository, other, monkeypatch):
    """A person imported it; what that repository imports in turn is not."""
    commit = other.commit(BASE, others=imported("data/raw", "file:///none", "abc"))
    repository.commit(Model(deps=("base",)), others=imported("base", other, commit))
    repository.tag("model@v1.0.0")
    monkeypatch.chdir(repository.directory)
    data, _ = answer("lineage", "v1.0.0")
    assert any("base-package" in node["name"] for node in data["nodes"])
    (node,) = (node for node in data["nodes"] if node["kind"] == "elsewhere")
    assert node["stage"].startswith("not opened")
