"""The recipe holds everything that makes a model, and its id changes with nothing else."""

import hashlib
import os
import shutil

import pytest

from modelkeep_core.errors import UserError
from modelkeep_core.files import sha256
from modelkeep_core.recipe import recipe, recipe_id

FILES = {
    "dvc.yaml": """\
stages:
  clean:
    cmd: python -m steps.clean --raw raw --out tidy
    deps: [raw, extra.csv, schema.yaml, requirements.lock, .python-version, steps/clean.py]
    params: [clean.seed]
    outs: [tidy]
  learn:
    cmd: >-
      python -m steps.learn --tidy tidy
      --out models
    deps: [tidy, notes.txt, requirements.lock, steps/learn.py, steps/deep]
    params:
      - learn
      - more.yaml:
          - rate
    outs: [models]
  judge:
    cmd: python -m steps.judge --models models
    deps: [models, tidy, steps/judge.py]
    params: [judge]
    outs: [reports]
  pack:
    cmd: python -m pack
    deps: [models, reports, raw]
    params: [clean, learn, pack, {more.yaml: [rate]}]
    outs: [package]
""",
    "params.yaml": """\
clean: {seed: 1, unused: 0}
learn: {alpha: 0.1, deep: {b: [1, 2]}}
judge: {folds: 3}
pack: {title: x}
""",
    "more.yaml": "rate: 5\nother: 6\n",
    "schema.yaml": "target: y\n",
    "requirements.lock": "numpy==2\n",
    ".python-version": "3.11\n",
    "raw/a.csv": "1\n",
    "raw/b.csv": "2\n",
    "raw.dvc": "outs: []\n",
    "extra.csv": "3\n",
    "extra.csv.dvc": "outs: []\n",
    "notes.txt": "hello\n",
    "tidy/rows.csv": "1\n",
    "models/model": "m\n",
    "steps/clean.py": "import json\n",
    "steps/learn.py": "import os\n",
    "steps/judge.py": "# judges\n",
    "steps/unused.py": "# does nothing\n",
    "steps/deep/__init__.py": "",
    "steps/deep/er.py": "thing = 1\n",
    "vendor/modelkeep_core-0.1.0-py3-none-any.whl": "w\n",
}


@pytest.fixture
def project(tmp_path):
    """A project of four stages, the third of which only judges what the second made."""
    root = tmp_path / "project"
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


def made(project):
    """Return the recipe of the project's model."""
    return recipe(project, "models", "pack")


def change(name, old="\n", new="\n\n"):
    """Return a change of a file: a text in the place of another, or a byte more."""

    def make(project):
        text = (project / name).read_text(encoding="utf-8")
        assert old in text
        (project / name).write_text(text.replace(old, new), encoding="utf-8")

    return make


def new(name):
    """Return a change that makes a file."""
    return lambda project: (project / name).write_text("new\n", encoding="utf-8")


@pytest.mark.parametrize(
    "changed",
    [
        change("params.yaml", "alpha: 0.1", "alpha: 0.2"),
        change("params.yaml", "[1, 2]", "[2, 1]"),
        change("params.yaml", "seed: 1", "seed: 2"),
        change("more.yaml", "rate: 5", "rate: 6"),
        change("raw/a.csv"),
        new("raw/c.csv"),
        change("extra.csv"),
        change("notes.txt"),
        change("steps/clean.py"),
        change("steps/deep/er.py"),
        new("steps/deep/more.py"),
        change("schema.yaml"),
        change("requirements.lock"),
        change(".python-version"),
        change("dvc.yaml", "--out models", "--out models --fast"),
        change("dvc.yaml", "steps/deep]", "steps/deep, steps/unused.py]"),
    ],
    ids=[
        *("a param", "an order in a param", "another stage's param", "a param of another file"),
        *("data", "more data", "a second table of data", "a file", "code", "code in a directory"),
        *("more code", "schema", "lock", "python", "a command", "one dependency more"),
    ],
)
def test_each_ingredient_changes_the_id(project, changed):
    """Another param, data file, byte of code, schema or environment is another recipe."""
    before = recipe_id(made(project))
    changed(project)
    assert recipe_id(made(project)) != before


@pytest.mark.parametrize(
    "changed",
    [
        change("params.yaml", "folds: 3", "folds: 5"),
        change("params.yaml", "title: x", "title: y"),
        change("params.yaml", "unused: 0", "unused: 1"),
        change("params.yaml", "judge:", "new: {y: 1}\njudge:"),
        change("more.yaml", "other: 6", "other: 7"),
        change("steps/judge.py"),
        change("steps/unused.py"),
        change("tidy/rows.csv"),
        change("vendor/modelkeep_core-0.1.0-py3-none-any.whl"),
        change("dvc.yaml", "python -m steps.judge", "python -m steps.judge --hard"),
        change("dvc.yaml", "steps.learn --tidy tidy\n", " steps.learn --tidy  tidy\n"),
        change("dvc.yaml", "  clean:", "  # first\n  clean:"),
        new("README.md"),
        lambda project: [os.utime(path, (0, 0)) for path in project.rglob("*")],
        lambda project: shutil.copytree(project / "steps", project / "steps" / "__pycache__"),
        lambda project: (project / "steps" / "deep" / "__pycache__").mkdir(),
    ],
    ids=[
        *("a judge's param", "a title", "a param that no stage uses", "a new section"),
        *("a param of another file that no stage uses", "a comment in what judges"),
        *("code that no stage reads", "what a stage writes", "a wheel in vendor"),
        *("how it is judged", "spaces of a command", "a comment in dvc.yaml", "another file"),
        *("time", "compiled code", "a directory for compiled code"),
    ],
)
def test_nothing_else_changes_the_id(project, changed):
    """What does not make the model is not in its recipe."""
    before = recipe_id(made(project))
    changed(project)
    assert recipe_id(made(project)) == before


@pytest.mark.parametrize("name", ["raw/.DS_Store", "raw/deep/note.tmp", "steps/deep/er.pyc"])
def test_what_dvc_does_not_see_is_no_ingredient(project, name):
    """DVC runs no stage again for a file that .dvcignore hides, so it is no part of the recipe."""
    before = made(project)
    (project / ".dvcignore").write_text(".DS_Store\n*.tmp\n*.pyc\n", encoding="utf-8")
    (project / name).parent.mkdir(exist_ok=True)
    (project / name).write_text("x", encoding="utf-8")
    assert made(project) == before
    (project / ".dvcignore").unlink()
    assert made(project) != before


def test_the_directory_does_not_change_the_id(project, tmp_path, monkeypatch):
    """The same project elsewhere has the same recipe, word for word."""
    before = made(project)
    other = shutil.copytree(project, tmp_path / "else" / "where")
    assert made(other) == before
    monkeypatch.chdir(other)
    assert made(other.relative_to(other)) == before
    assert str(tmp_path) not in repr(before)


def test_the_recipe_holds_what_makes_the_model(project):
    """Commands and parameters by stage; hashes of all that is read by kind and path."""
    result = made(project)
    assert result["commands"] == {
        "clean": "python -m steps.clean --raw raw --out tidy",
        "learn": "python -m steps.learn --tidy tidy --out models",
    }
    assert result["parameters"] == {
        "clean": {"seed": 1},
        "learn": {"alpha": 0.1, "deep": {"b": [1, 2]}},
        "more.yaml": {"rate": 5},
    }
    kinds = {
        "data": ["extra.csv", "raw/a.csv", "raw/b.csv"],
        "code": ["steps/clean.py", "steps/deep/__init__.py", "steps/deep/er.py", "steps/learn.py"],
        "schema": ["schema.yaml"],
        "environment": [".python-version", "requirements.lock"],
        "files": ["notes.txt"],
    }
    for kind, names in kinds.items():
        assert result[kind] == {name: sha256(project / name) for name in names}


def test_an_id_is_the_hash_of_the_canonical_json():
    """Anyone can compute it: sorted keys, no spaces, UTF-8, SHA-256."""
    expected = hashlib.sha256('{"a":[1,null],"ü":{"b":0.1,"c":true}}'.encode()).hexdigest()
    assert recipe_id({"ü": {"c": True, "b": 0.1}, "a": [1, None]}) == expected


@pytest.mark.parametrize(
    ("declared", "lines"),
    [
        ("[learn, pack, {more.yaml: [rate]}]", ["clean.seed"]),
        ("[clean, pack, {more.yaml: [rate]}]", ["learn"]),
        ("[clean, learn.alpha, {more.yaml: [rate]}]", ["learn"]),
        ("[clean, learn]", ["more.yaml: [rate]"]),
        ("[pack]", ["clean.seed", "learn", "more.yaml: [rate]"]),
    ],
)
def test_a_parameter_that_the_asking_stage_does_not_declare_is_refused(project, declared, lines):
    """DVC would not package again: the message has the lines to add."""
    change("dvc.yaml", "[clean, learn, pack, {more.yaml: [rate]}]", declared)(project)
    with pytest.raises(UserError, match=r"Add to stages\.pack\.params in dvc\.yaml:") as refused:
        made(project)
    assert str(refused.value).splitlines()[1:] == [f"      - {line}" for line in lines]


@pytest.mark.parametrize(
    "declared", ["[clean.seed, learn, {more.yaml: [rate]}]", "[clean, learn, {more.yaml: }]"]
)
def test_a_parameter_may_be_declared_by_what_is_around_it(project, declared):
    """A section covers its keys, and a whole file all of them."""
    change("dvc.yaml", "[clean, learn, pack, {more.yaml: [rate]}]", declared)(project)
    made(project)


def test_a_model_that_no_stage_makes_is_refused(project):
    """The message names dvc.yaml and the path."""
    with pytest.raises(UserError, match=r"dvc\.yaml: no stage has elsewhere among its outs"):
        recipe(project, "elsewhere")


@pytest.mark.parametrize("name", ["schema.yaml", "raw/a.csv"])
def test_a_file_that_is_missing_is_refused_or_not_there(project, name):
    """A dependency that is missing is named; a directory holds what it holds."""
    (project / name).unlink()
    if name == "schema.yaml":
        with pytest.raises(UserError, match=r"schema\.yaml is missing, and dvc\.yaml names it"):
            made(project)
    else:
        assert list(made(project)["data"]) == ["extra.csv", "raw/b.csv"]


def test_a_parameter_that_does_not_exist_is_refused(project):
    """The message names the file and the parameter."""
    change("params.yaml", "seed: 1, ", "")(project)
    with pytest.raises(UserError, match=r"params\.yaml has no parameter 'clean\.seed'"):
        made(project)


def test_parameters_of_toml_are_in_the_recipe(project):
    """DVC takes them from pyproject.toml too; a change of one makes another recipe."""
    change(
        "dvc.yaml", "      - more.yaml:", "      - own.toml:\n          - a.b\n      - more.yaml:"
    )(project)
    (project / "own.toml").write_text("[a]\nb = 1\n", encoding="utf-8")
    first = recipe(project, "models")
    assert first["parameters"]["own.toml"] == {"a": {"b": 1}}
    (project / "own.toml").write_text("[a]\nb = 2\n", encoding="utf-8")
    assert recipe_id(recipe(project, "models")) != recipe_id(first)


def test_a_file_inside_data_that_a_stage_names_is_data(project):
    """What lies in a directory that DVC tracks is data, whatever its name ends in."""
    change("dvc.yaml", "deps: [raw, extra.csv", "deps: [raw/a.csv, raw/notes.py, extra.csv")(
        project
    )
    (project / "raw" / "notes.py").write_text("# of the data\n", encoding="utf-8")
    assert list(made(project)["data"]) == ["extra.csv", "raw/a.csv", "raw/notes.py"]


@pytest.mark.parametrize(("text", "refused"), [("", False), ("import steps.unused\n", True)])
def test_a_package_that_got_content_is_refused(project, text, refused):
    """The guard lets an empty `__init__.py` pass; with content it has to be a dependency."""
    (project / "steps" / "__init__.py").write_text(text, encoding="utf-8")
    if not refused:
        assert "steps/__init__.py" not in made(project)["code"]
        return
    with pytest.raises(UserError, match=r"Add to stages\.clean\.deps in dvc\.yaml:") as error:
        made(project)
    assert str(error.value).splitlines()[1:] == ["      - steps/__init__.py"]
    change("dvc.yaml", "steps/clean.py]", "steps/clean.py, steps/__init__.py]")(project)
    change("dvc.yaml", "steps/learn.py,", "steps/learn.py, steps/__init__.py,")(project)
    assert "steps/__init__.py" in made(project)["code"]
