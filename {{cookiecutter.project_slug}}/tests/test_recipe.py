"""The recipe holds everything that makes a model, and its id changes with nothing else."""

import hashlib
import os
import shutil

import pytest

from pipeline.recipe import imported, recipe, recipe_id

CODE = {
    "__init__.py": '"""The line."""\n',
    "clean.py": "from line import shared\nfrom line.deep import thing\nimport os\n",
    "learn.py": "import line.shared\n\n\ndef late():\n    from line.lazy import thing\n",
    "shared.py": "import line.clean\n",
    "deep.py": "import json\nimport line.deeper\n",
    "deeper.py": "thing = 1\n",
    "lazy.py": "thing = 2\n",
    "unused.py": "import line.clean\n",
}
PARAMS = {"clean": {"seed": 1}, "learn": {"alpha": 0.1, "deep": {"b": [1, 2]}}, "show": {"x": 1}}
DATA = {"raw/a.csv": "1" * 64, "raw/b.csv": "2" * 64}


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A directory with code, schema and lock, in which the test runs."""
    root = tmp_path / "project"
    (root / "line").mkdir(parents=True)
    for name, text in CODE.items():
        (root / "line" / name).write_text(text, encoding="utf-8")
    (root / "schema.yaml").write_text("target: y\n", encoding="utf-8")
    (root / "lock").write_text("numpy==2\n", encoding="utf-8")
    monkeypatch.chdir(root)
    return root


def made(project, params=None, data=None, stages=("clean", "learn")):
    """Return the recipe of the project in the current directory."""
    here = project.relative_to(project)
    return recipe(
        stages=list(stages),
        params=params or PARAMS,
        data=data or DATA,
        schema=here / "schema.yaml",
        requirements=here / "lock",
        code=here / "line",
    )


def append(name):
    """Return a change that adds one byte to a file."""

    def change(project, given):
        with (project / name).open("ab") as file:
            file.write(b"\n")

    return change


def set_to(name, **values):
    """Return a change of the arguments of the recipe."""

    def change(project, given):
        given[name] = (PARAMS if name == "params" else DATA) | values

    return change


@pytest.mark.parametrize(
    "change",
    [
        set_to("params", learn={"alpha": 0.2, "deep": {"b": [1, 2]}}),
        set_to("params", learn={"alpha": 0.1, "deep": {"b": [2, 1]}}),
        set_to("params", clean={"seed": 2}),
        set_to("data", **{"raw/a.csv": "3" * 64}),
        set_to("data", **{"raw/c.csv": "1" * 64}),
        append("line/clean.py"),
        append("line/deeper.py"),
        append("line/lazy.py"),
        append("schema.yaml"),
        append("lock"),
    ],
    ids=[
        *("a param", "an order in a param", "another stage's param", "data", "more data"),
        *("code", "code it imports", "code it imports late", "schema", "lock"),
    ],
)
def test_each_ingredient_changes_the_id(project, change):
    """Another param, data file, byte of code, schema or environment is another recipe."""
    before = recipe_id(made(project))
    given = {}
    change(project, given)
    assert recipe_id(made(project, **given)) != before


@pytest.mark.parametrize(
    "change",
    [
        set_to("params", show={"x": 2}),
        set_to("params", new={"y": 1}),
        append("line/unused.py"),
        lambda project, given: (project / "line" / "new.py").touch(),
        lambda project, given: (project / "README.md").touch(),
        lambda project, given: [os.utime(path, (0, 0)) for path in project.rglob("*")],
        lambda project, given: given.update(params=dict(reversed(PARAMS.items()))),
        lambda project, given: given.update(data=dict(reversed(DATA.items()))),
    ],
    ids=[
        *("a later stage's param", "a new section", "code that nothing imports", "new code"),
        *("another file", "time", "order of params", "order of data"),
    ],
)
def test_nothing_else_changes_the_id(project, change):
    """What does not make the model is not in its recipe."""
    before = recipe_id(made(project))
    given = {}
    change(project, given)
    assert recipe_id(made(project, **given)) == before


def test_the_directory_does_not_change_the_id(project, tmp_path, monkeypatch):
    """The same project elsewhere has the same recipe, word for word."""
    before = made(project)
    other = shutil.copytree(project, tmp_path / "else" / "where")
    monkeypatch.chdir(other)
    assert made(other) == before
    assert str(tmp_path) not in repr(before)


def test_the_recipe_holds_what_makes_the_model(project):
    """Parameters by stage, and hashes of data, code, schema and environment by path."""
    found = made(project)
    assert found["parameters"] == {"clean": PARAMS["clean"], "learn": PARAMS["learn"]}
    assert found["data"] == DATA
    names = ["clean", "deep", "deeper", "lazy", "learn", "shared"]
    assert list(found["code"]) == [f"line/{name}.py" for name in names]
    assert (list(found["schema"]), list(found["environment"])) == (["schema.yaml"], ["lock"])
    hashes = [*found["code"].values(), *found["schema"].values(), *found["environment"].values()]
    assert all(len(text) == 64 for text in hashes)


def test_an_id_is_the_hash_of_the_canonical_json():
    """Anyone can compute it: sorted keys, no spaces, UTF-8, SHA-256."""
    expected = hashlib.sha256('{"a":[1,null],"ü":{"b":0.1,"c":true}}'.encode()).hexdigest()
    assert recipe_id({"ü": {"c": True, "b": 0.1}, "a": [1, None]}) == expected


@pytest.mark.parametrize(
    ("module", "names"),
    [
        ("deeper", {"deeper"}),
        ("deep", {"deep", "deeper"}),
        ("clean", {"clean", "shared", "deep", "deeper"}),
        ("learn", {"learn", "shared", "clean", "deep", "deeper", "lazy"}),
    ],
)
def test_a_module_imports_others_directly_or_not(project, module, names):
    """Imports are followed through functions and circles, and stay in the package."""
    found = imported(project / "line" / f"{module}.py")
    assert {path.stem for path in found} == names


@pytest.mark.parametrize(
    "text",
    [
        "import line.deeper",
        "import line.deeper as other",
        "from line import deeper",
        "from line import deep, deeper as other",
        "from line.deeper import thing",
        "from . import deeper",
        "from .deeper import thing",
        "if True:\n    import line.deeper",
    ],
)
def test_every_way_to_import_counts(project, text):
    """However a module is imported, a change of it is a change of the recipe."""
    module = project / "line" / "new.py"
    module.write_text(text + "\n", encoding="utf-8")
    assert project / "line" / "deeper.py" in imported(module)
