"""A stage that read a file of the project which dvc.yaml does not name is told so."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import modelkeep_core
from modelkeep_core import guard
from modelkeep_core.dvc_yaml import Stage
from modelkeep_core.errors import UserError
from project import dvc

SOURCES = Path(modelkeep_core.__file__).parents[1]
DVC_YAML = """\
stages:
  train:
    cmd: python -m pipeline.train
    deps: [pipeline/train.py, data/tidy, config]
    params: [train, {more.yaml: [x]}]
    outs: [models, report.html]
"""
LOOPED = """\
stages:
  train:
    foreach: [a]
    do:
      wdir: data
      cmd: python ../script.py ${item}
"""
FILES = {
    "dvc.yaml": DVC_YAML,
    "dvc.lock": "schema: '2.0'\n",
    "pyproject.toml": "[tool.modelkeep]\n",
    "params.yaml": "train: 1\n",
    "more.yaml": "x: 1\n",
    "data/tidy/train.csv": "1\n",
    "data/raw.csv": "1\n",
    "config/deep/settings.json": "{}\n",
    "pipeline/__init__.py": "",
    "pipeline/empty.txt": "",
    "pipeline/train.py": "x = 1\n",
    "pipeline/helper.py": "y = 1\n",
    "pipeline/deep/__init__.py": "z = 1\n",
    "pipeline/deep/er.py": "z = 1\n",
    "script.py": "s = 1\n",
    "vendor/modelkeep_core-0.1.0-py3-none-any.whl": "w\n",
    "vendor/notes.txt": "w\n",
}
CHECK = """
import sys
from pathlib import Path
from modelkeep_core import guard, recording
from modelkeep_core.errors import exit_on_user_error
recording.record()
sys.path.insert(0, "")
{body}
with exit_on_user_error():
    guard.check(Path({start!r}), "train")
"""


def started(script, directory, **variables):
    """Run a script in a process of its own, which has the libraries from their sources."""
    return subprocess.run(
        [sys.executable, "-c", script],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(SOURCES), **variables},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


@pytest.fixture
def project(tmp_path):
    """A project with a stage."""
    root = tmp_path / "project"
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


def missing(project, body, start=""):
    """Run a few lines under the guard, in a process of its own; return what it misses."""
    script = CHECK.format(body=textwrap.dedent(body), start=start)
    done = started(script, project / start, PYTHONDONTWRITEBYTECODE="")
    if done.returncode == 0:
        return []
    assert done.stderr.startswith("error: stage 'train' read what dvc.yaml does not name")
    _, *lines, more = done.stderr.splitlines()
    assert more.startswith("More: docs/reference/stages.md#the-guard")
    return [line.removeprefix("      - ") for line in lines]


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        ("import pipeline.train", []),
        ("import pipeline.helper", ["pipeline/helper.py"]),
        ("from pipeline import train, helper", ["pipeline/helper.py"]),
        ("import pipeline.deep.er", ["pipeline/deep/__init__.py", "pipeline/deep/er.py"]),
        ("import importlib; importlib.import_module('script')", ["script.py"]),
        ("import pipeline.helper; del sys.modules['pipeline.helper']", ["pipeline/helper.py"]),
        ("exec(open('script.py').read())", ["script.py"]),
        ("import runpy; runpy.run_path('script.py')", ["script.py"]),
        ("open('data/raw.csv').read()", ["data/raw.csv"]),
        ("open(Path('data/raw.csv').absolute(), 'rb').read()", ["data/raw.csv"]),
        ("import os; os.close(os.open('data/raw.csv', os.O_RDONLY))", ["data/raw.csv"]),
        ("import os; os.close(os.open(b'data/raw.csv', os.O_RDWR))", ["data/raw.csv"]),
        ("open('data/raw.csv', 'r+').close()", ["data/raw.csv"]),
        ("import os; os.chdir('data'); open('raw.csv').read()", ["data/raw.csv"]),
        ("open('vendor/notes.txt').read()", ["vendor/notes.txt"]),
        ("import sqlite3; sqlite3.connect('data/raw.csv').close()", ["data/raw.csv"]),
        ("open('dvc.yaml').read()", ["dvc.yaml"]),
        ("import tomllib; tomllib.load(open('pyproject.toml', 'rb'))", ["pyproject.toml"]),
        ("open('pipeline/empty.txt').read()", ["pipeline/empty.txt"]),
    ],
)
def test_what_python_reads_of_the_project_must_be_declared(project, body, paths):
    """However a module is imported or a file is read."""
    assert missing(project, body) == paths


@pytest.mark.parametrize(
    "body",
    [
        "open('data/tidy/train.csv'); open('config/deep/settings.json'); open('more.yaml')",
        "open('params.yaml'); open('dvc.lock')",
        "from modelkeep_core.hooks import read_hooks; read_hooks(Path())",
        "open('vendor/modelkeep_core-0.1.0-py3-none-any.whl')",
        "open('new.txt', 'w').write('x'); open('data/raw.csv', 'a').close()",
        "Path('models').mkdir(); Path('models/m').write_text('x'); open('models/m').read()",
        "Path('report.html').write_text('x'); open('report.html').read()",
        "Path('gone').write_text('x'); open('gone').read(); Path('gone').unlink()",
        "import tempfile; tempfile.NamedTemporaryFile('r+', dir='.').read()",
        "Path('../outside.txt').write_text('x'); open('../outside.txt'); import json, packaging",
        "import pipeline; open('pipeline/__init__.py').read()",
    ],
    ids=[
        *(
            "declared",
            "kept by DVC",
            "hooks that the library reads",
            "the locked wheel",
            "written",
            "an output",
        ),
        *("an output that is a file", "gone", "temporary", "outside", "empty"),
    ],
)
def test_what_is_no_input_of_the_stage_does_not_count(project, body):
    """What is declared, written by the stage itself, empty, gone or outside is right."""
    assert missing(project, body) == []


def test_a_module_that_was_compiled_before_is_seen_too(project):
    """Python opens the compiled file alone; it stands for the module that it was made from."""
    body = """
    import importlib.util
    spec = importlib.util.spec_from_file_location("aside", "pipeline/helper.py")
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
    """
    assert missing(project, body) == ["pipeline/helper.py"]
    assert list((project / "pipeline" / "__pycache__").glob("helper.*.pyc"))
    assert missing(project, body) == ["pipeline/helper.py"]


def test_a_file_behind_a_link_is_the_file(project):
    """A link elsewhere does not hide what is read, and one in the project to elsewhere is none."""
    (project.parent / "link.csv").symlink_to(project / "data" / "raw.csv")
    (project.parent / "far.csv").write_text("1\n", encoding="utf-8")
    (project / "near.csv").symlink_to(project.parent / "far.csv")
    assert missing(project, "open('../link.csv').read()") == ["data/raw.csv"]
    assert missing(project, "open('near.csv').read()") == []


def test_a_stage_may_run_below_dvc_yaml(project):
    """With `wdir` the paths of the message are those of dvc.yaml."""
    assert missing(project, "open('raw.csv').read()", start="data") == ["data/raw.csv"]
    assert missing(project, "open('tidy/train.csv').read()", start="data") == []


def test_the_project_is_what_dvc_keeps(project):
    """Where dvc.yaml lies below the root of DVC, code beside it belongs to the project too."""
    (project.parent / ".dvc").mkdir()
    (project.parent / "shared").mkdir()
    (project.parent / "shared" / "code.py").write_text("x = 1\n", encoding="utf-8")
    body = "sys.path.insert(0, '../shared'); import code as shared; open('../shared/code.py')"
    assert missing(project, body) == ["../shared/code.py"]
    text = DVC_YAML.replace("config]", "config, ../shared]")
    (project / "dvc.yaml").write_text(text, encoding="utf-8")
    assert missing(project, body) == []


def test_a_stage_that_dvc_yaml_does_not_have_is_refused(project):
    """The message names file and stage."""
    with pytest.raises(UserError, match=r"dvc\.yaml has no stage 'learn'"):
        guard.check(project, "learn")


def test_the_message_has_the_lines_to_add(project, monkeypatch):
    """They can be pasted into dvc.yaml."""
    files = {str(project / "data" / "raw.csv"), str(project / "script.py")}
    monkeypatch.setattr(guard, "opened", lambda: files)
    monkeypatch.setattr(guard, "_files_of_modules", dict)
    with pytest.raises(UserError) as refused:
        guard.check(project, "train")
    assert str(refused.value) == (
        "stage 'train' read what dvc.yaml does not name, so a change of it would go unnoticed. "
        f"Add to stages.train.deps in {project / 'dvc.yaml'}:"
        "\n      - data/raw.csv\n      - script.py"
    )


@pytest.mark.parametrize(
    ("place", "name"),
    [("lib", "shared"), ("lib", "shared.deep"), ("site-packages", None), ("", None)],
    ids=["elsewhere", "in a package elsewhere", "installed", "the library itself"],
)
def test_a_module_that_is_neither_of_the_project_nor_installed_is_refused(
    project, monkeypatch, place, name
):
    """An editable install or PYTHONPATH brings code that no lock and no dvc.yaml names."""
    far = project.parent / place / "shared" / "deep.py"
    far.parent.mkdir(parents=True)
    far.write_text("x = 1\n", encoding="utf-8")
    far.with_name("__init__.py").write_text("", encoding="utf-8")
    modules = {name or "shared": str(far) if place else guard.__file__}
    monkeypatch.setattr(guard, "_files_of_modules", lambda: modules)
    monkeypatch.setattr(guard, "opened", set)
    if name is None:
        guard.check(project, "train")
        return
    with pytest.raises(UserError) as refused:
        guard.check(project, "train")
    assert f"stage 'train' imported {name} from {far}, which is neither" in str(refused.value)


@pytest.mark.parametrize(
    ("params", "keys", "lines"),
    [
        ({"params.yaml": ("train",)}, ["train.seed", "train.search.folds"], []),
        ({"params.yaml": ("train.seed",)}, ["train.seed"], []),
        ({"params.yaml": ("train.seed",)}, ["train.seed", "train.search.folds"], ["train"]),
        ({"params.yaml": ("trains",)}, ["train.seed", "prepare.seed"], ["prepare", "train"]),
        ({"params.yaml": ()}, ["train.seed"], []),
        ({}, ["train.seed"], ["train"]),
        ({"more.yaml": ("train",)}, ["train.seed"], ["train"]),
    ],
)
def test_parameters_that_a_stage_reads_must_be_declared(project, params, keys, lines):
    """A section that `read_params` gave a stage is one of its own, with every key."""
    stage = Stage("train", "x", (), (), params)
    read = [(str(project / "params.yaml"), key) for key in keys]
    assert guard.undeclared_params(stage, project, read) == lines


def test_parameters_of_another_file_are_named_with_it(project):
    """As dvc.yaml wants it."""
    stage = Stage("train", "x", (), (), {"params.yaml": ("train",)})
    read = [(str(project / "more.yaml"), "x.seed")]
    assert guard.undeclared_params(stage, project, read) == ["more.yaml: [x]"]


@pytest.mark.parametrize(
    ("code", "declared", "missing"),
    [
        ("load()['train']", "train", []),
        ("load()['train']['a']", "train.a", []),
        ("load().get('train', {})", "train", []),
        ("load()['other']", "train", ["other"]),
        ("load().pop('other'), load()['train']", "train", ["other"]),
        ("load()['other'], 'package'", "other", []),
        ("[*load().items()]", "train.a", ["other", "package"]),
        ("[*load().items()]", "train, other, package", []),
    ],
)
@pytest.mark.parametrize(
    "load",
    [
        "import yaml\nload = lambda: yaml.safe_load(open('params.yaml'))",
        "from pathlib import Path\nfrom modelkeep_core.files import read_yaml\n"
        "load = lambda: read_yaml(Path('params.yaml'))",
    ],
)
def test_sections_of_params_that_are_read_by_other_means_count(
    project, load, code, declared, missing
):
    """Those that the code of the project names count as read, and all of them where it names none.

    Which keys of a section it took is not seen.
    """
    text = "train: {a: 1}\nother: 1\npackage: 1\n"
    (project / "params.yaml").write_text(text, encoding="utf-8")
    (project / "pipeline" / "train.py").write_text(f"{load}\n{code}\n", encoding="utf-8")
    text = DVC_YAML.replace("params: [train, ", f"params: [{declared}, ")
    (project / "dvc.yaml").write_text(text, encoding="utf-8")
    done = started(CHECK.format(body="import pipeline.train", start=""), project)
    assert done.returncode == bool(missing), done.stderr
    assert [line for line in done.stderr.splitlines() if line.startswith("      - ")] == [
        f"      - {section}" for section in missing
    ]
    assert ("by itself" in done.stderr) == bool(missing)


@pytest.mark.slow
def test_lines_to_paste_are_right_where_the_stage_runs(project):
    """Paths in dvc.yaml are relative to `wdir`, and those of a loop stand below `do`."""
    assert dvc(project, "init", "--no-scm") == 0
    (project / "dvc.yaml").write_text(LOOPED, encoding="utf-8")
    script = CHECK.format(body="open('script.py').read()", start="").replace(
        '"train")', '"train@a")'
    )
    done = started(script, project)
    assert "Add to stages.train.do.deps in" in done.stderr
    assert done.stderr.splitlines()[1] == "      - ../script.py"


def test_the_sections_of_other_stages_are_seen(project):
    """A stage that reads the parameters of another one is told the line to add."""
    text = "train: {a: 1}\nother: 1\n"
    text += "package: {name: x, title: x, description: x, limits: []}\n"
    (project / "params.yaml").write_text(text, encoding="utf-8")
    body = """
    from modelkeep_core.params import Package, read_params
    read_params(Path("params.yaml"), "package", Package)
    """
    script = CHECK.format(body=textwrap.dedent(body), start="")
    done = started(script, project)
    assert done.returncode == 1
    assert done.stderr.startswith("error: stage 'train' read parameters that dvc.yaml does not")
    assert "dvc.yaml:\n      - package\nMore: docs/" in done.stderr


def test_nothing_that_is_installed_is_foreign():
    """Of all that this process imported, only its own tests lie elsewhere."""
    files = guard._files_of_modules()
    root = Path(__file__).parents[2]
    own = {name for name, file in files.items() if Path(file).is_relative_to(root)}
    own -= {name for name, file in files.items() if "site-packages" in file}
    assert guard.foreign(root, files) is None
    assert guard.foreign(root / "src", {name: files[name] for name in {*files} - own}) is None


STAGE = Stage("train", "x", ("pipeline/train.py",), (), {})


def undeclared(project, *files):
    """Return which of some files the stage may not read."""
    names = guard.project_files(project, [str(project / file) for file in files])
    return guard.undeclared(STAGE, project, names)


def test_an_environment_inside_the_project_is_none_of_it(project, monkeypatch):
    """A virtual environment in `.venv` holds thousands of files that the lock names."""
    module = project / ".venv" / "lib" / "module.py"
    module.parent.mkdir(parents=True)
    module.write_text("x = 1\n", encoding="utf-8")
    assert undeclared(project, module) == [".venv/lib/module.py"]
    monkeypatch.setattr(sys, "prefix", str(project / ".venv"))
    assert undeclared(project, module) == []


def test_a_project_inside_the_environment_is_guarded(project, monkeypatch):
    """A project below /usr is no part of the Python that is installed there."""
    monkeypatch.setattr(sys, "prefix", str(project.parent))
    monkeypatch.setattr(sys, "base_prefix", str(project.parent))
    assert undeclared(project, "script.py") == ["script.py"]


def test_thousands_of_files_cost_what_their_directories_cost(project, monkeypatch):
    """Real paths take system calls, so each directory is asked for once."""
    asked = []
    real = os.path.realpath
    monkeypatch.setattr(os.path, "realpath", lambda path: asked.append(path) or real(path))
    files = [f"/usr/lib/python/module_{number}.py" for number in range(2_000)]
    assert undeclared(project, *files) == []
    assert asked.count("/usr/lib/python") == 1
    assert len(asked) < 10


@pytest.mark.parametrize(
    ("ignored", "hidden"),
    [
        ({".dvcignore": "*.tmp"}, ["config/deep/settings.tmp"]),
        ({".dvcignore": "deep/"}, ["config/deep/settings.json", "config/deep/settings.tmp"]),
        ({"config/.dvcignore": "/deep/*.tmp"}, ["config/deep/settings.tmp"]),
        ({".dvcignore": "*.tmp", "config/.dvcignore": "!*.tmp"}, []),
        ({".dvcignore": "/settings.tmp\n# *.json\n"}, []),
        ({}, []),
    ],
)
def test_what_dvc_does_not_see_is_refused_though_it_lies_in_a_dependency(project, ignored, hidden):
    """A file that .dvcignore hides may change without making the stage stale."""
    (project / ".dvc").mkdir(exist_ok=True)
    for name, text in {**ignored, "config/deep/settings.tmp": "1"}.items():
        (project / name).write_text(text, encoding="utf-8")
    stage = Stage("train", "x", ("config", "script.py"), (), {})
    files = ["config/deep/settings.json", "config/deep/settings.tmp", "script.py"]
    assert guard.hidden(stage, project, files) == hidden


def test_the_stage_that_reads_what_dvc_does_not_see_fails(project, monkeypatch):
    """The sentence names the file, .dvcignore and both ways out."""
    (project / ".dvc").mkdir(exist_ok=True)
    (project / ".dvcignore").write_text("*.json\n", encoding="utf-8")
    monkeypatch.setattr(guard, "_files_of_modules", dict)
    monkeypatch.setattr(guard, "opened", lambda: {str(project / "config/deep/settings.json")})
    with pytest.raises(UserError, match=r"read config/deep/settings.json, which .dvcignore hides"):
        guard.check(project, "train")
