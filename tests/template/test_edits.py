"""Edits of a real, trained project: what each makes stale, refuses, or leaves as it is.

The project is one that its owner has made richer: helpers at the root and in a subpackage, a module
by importlib, code that is executed, a JSON file, a second file of parameters, a second table.
"""

import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import yaml

from conftest import Bake

pytestmark = pytest.mark.slow

Make = Callable[[Path], None]
ALL = "prepare train evaluate package"
FILES = {
    "mymath.py": "SCALE = 1.0\n\n\ndef half(value):\n    return value / 2\n",
    "cleaning.py": "def clean(table):\n    return table\n",
    "factors.json": '{"rain": 1}\n',
    "rates.yaml": "rate: 2\nother: 1\n",
    "notes.txt": "Nothing reads this.\n",
    "spare.py": "SPARE = 1\n",
    "spare.json": '{"spare": 1}\n',
    "pipeline/rounding.txt": "DIGITS = 3\n",
    "pipeline/steps/__init__.py": "UNIT = 1.0\n",
    "pipeline/steps/ratio.py": "from .limits import LEAST\n\n\ndef safe(value):\n"
    "    return value.clip(lower=LEAST)\n",
    "pipeline/steps/limits.py": "LEAST = 0.1\n",
    "pipeline/spare.py": "SPARE = 1\n",
    "data/weather/weather.csv": "island,rain\nBiscoe,1\nDream,2\nTorgersen,3\n",
}
FEATURE = '''

def bill_ratio(columns: pd.DataFrame) -> pd.Series:
    """Return how long a bill is for its depth."""
    return columns["bill_length_mm"] / safe(columns["bill_depth_mm"]) * SCALE * UNIT


FEATURES = [Feature("bill_ratio", ["bill_length_mm", "bill_depth_mm"], bill_ratio)]
'''
PREPARE = """\
        factor = read_json(Path("factors.json"))["rain"] * read_yaml(Path("rates.yaml"))["rate"]
        space = {}
        exec(Path("pipeline/rounding.txt").read_text("utf-8"), space)
        rain = pl.read_csv(weather / "weather.csv").lazy()
        rain = rain.with_columns((pl.col("rain") * factor).round(space["DIGITS"]))
        table = table.join(rain, on="island", how="left", maintain_order="left")
        table = importlib.import_module("cleaning").clean(table)
"""
DEPS = {
    "prepare": ["data/weather", "cleaning.py", "factors.json", "pipeline/rounding.txt"],
    "train": ["mymath.py", "pipeline/steps"],
    "package": ["data/weather", "cleaning.py", "factors.json", "mymath.py"],
}
# Asks DVC and the library, in the environment of the project, about many copies of it
ASK = """
import json, sys
from pathlib import Path
from dvc.repo import Repo
from modelkeep_core.errors import UserError
from modelkeep_core.recipe import recipe, recipe_id
answers = {}
for name in sys.argv[1:]:
    with Repo(name) as repo:
        names = (stage.rpartition(":")[2] for stage in repo.status())
        stale = sorted(name for name in names if not name.endswith(".dvc"))
    try:
        made = recipe_id(recipe(Path(name), "models", "package"))
    except UserError as error:
        made = f"refused: {error}"
    answers[name] = [stale, made]
print(json.dumps(answers))
"""


def change(name: str, old: str, new: str) -> Make:
    """Return an edit that replaces a text, which must be there."""

    def make(project: Path) -> None:
        text = (project / name).read_bytes().decode()
        assert old in text, f"{name} has no {old!r}"
        (project / name).write_bytes(text.replace(old, new, 1).encode())

    return make


def append(name: str, text: str) -> Make:
    """Return an edit that adds a text to the end of a file, which need not be there."""

    def make(project: Path) -> None:
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        with (project / name).open("a", encoding="utf-8", newline="\n") as file:
            file.write(text)

    return make


def remove(name: str) -> Make:
    """Return an edit that removes a file."""
    return lambda project: (project / name).unlink()


def rename(old: str, new: str) -> Make:
    """Return an edit that gives a file another name."""
    return lambda project: (project / old).rename(project / new) and None


def both(*edits: Make) -> Make:
    """Return an edit that makes several."""

    def make(project: Path) -> None:
        for edit in edits:
            edit(project)

    return make


def in_dvc_yaml(edit: Callable[[Any], object]) -> Make:
    """Return an edit of the content of dvc.yaml."""

    def make(project: Path) -> None:
        content = yaml.safe_load((project / "dvc.yaml").read_text("utf-8"))
        edit(content)
        text = yaml.safe_dump(content, sort_keys=False, width=1000)
        (project / "dvc.yaml").write_text(text, "utf-8")

    return make


def turned(name: str) -> Make:
    """Return an edit that turns the last two lines of a file around."""

    def make(project: Path) -> None:
        *lines, last, end = (project / name).read_text("utf-8").splitlines()
        (project / name).write_text("\n".join([*lines, end, last, ""]), "utf-8")

    return make


def reordered(content: Any) -> None:
    """Turn the order of stages, dependencies and parameters around."""
    content["stages"] = dict(reversed(content["stages"].items()))
    for stage in content["stages"].values():
        stage["deps"].reverse()
        stage["params"].reverse()


def newer(project: Path) -> None:
    """Give every file of the work tree another time."""
    for path in project.rglob("*"):
        if path.is_file() and not {".git", ".dvc"} & {*path.relative_to(project).parts}:
            os.utime(path, (2_000_000_000, 2_000_000_000))


def renamed_module(project: Path) -> None:
    """Give a helper another name everywhere."""
    rename("mymath.py", "ourmath.py")(project)
    for name in ("dvc.yaml", "pipeline/features.py"):
        text = (project / name).read_text("utf-8")
        (project / name).write_text(text.replace("mymath", "ourmath"), "utf-8")


def unix_to_dos(project: Path) -> None:
    """Give a module the line ends of Windows."""
    path = project / "mymath.py"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))


def another_raw_file(project: Path) -> None:
    """Put a second file beside the raw one."""
    raw = project / "data" / "raw"
    lines = (raw / "penguins.csv").read_text("utf-8").splitlines()
    (raw / "more.csv").write_text("\n".join([lines[0], lines[1].replace("39.1", "39.2"), ""]))


OWN_CLASS = """

class Halved(ColumnTransformer):
    pass
"""
RAW, WEATHER = "data/raw/penguins.csv", "data/weather/weather.csv"
# What was edited: the edit, the stages that are stale at once, and words where there is no recipe
MATTERS: dict[str, tuple[Make, str] | tuple[Make, str, str]] = {
    # code
    "helper at the root": (change("mymath.py", "1.0", "2.0"), "train package"),
    "helper in a subpackage": (
        change("pipeline/steps/ratio.py", "lower", "upper"),
        "train package",
    ),
    "relatively imported": (change("pipeline/steps/limits.py", "0.1", "0.2"), "train package"),
    "content of __init__": (change("pipeline/steps/__init__.py", "1.0", "2.0"), "train package"),
    "module by importlib": (append("cleaning.py", "# other\n"), "prepare package"),
    "code that is executed": (change("pipeline/rounding.txt", "3", "2"), "prepare package"),
    "JSON file": (change("factors.json", "1", "2"), "prepare package"),
    "feature of one's own": (
        change("pipeline/features.py", "* SCALE", "/ SCALE"),
        "train package",
    ),
    "own class in features": (append("pipeline/features.py", OWN_CLASS), "train package"),
    "stage module": (append("pipeline/prepare.py", "# other\n"), "prepare package"),
    "comment in train": (append("pipeline/train.py", "# other\n"), "train package"),
    "function moved": (
        both(
            change("mymath.py", "\n\ndef half(value):\n    return value / 2\n", ""),
            append("pipeline/steps/limits.py", "\n\ndef half(value):\n    return value / 2\n"),
        ),
        "train package",
    ),
    "module renamed": (renamed_module, "train package"),
    "line ends": (unix_to_dos, "train package"),
    "new module in a declared directory": (
        append("pipeline/steps/new.py", "x = 1\n"),
        "train package",
    ),
    "helper removed": (remove("mymath.py"), "train package", "mymath.py is missing"),
    "__init__ that was empty": (
        append("pipeline/__init__.py", "import sys\n"),
        "package",
        "Add to stages.prepare.deps in dvc.yaml:\n      - pipeline/__init__.py",
    ),
    "package around a declared module": (
        both(
            append("pipeline/__init__.py", "import sys\n"),
            in_dvc_yaml(lambda content: content["stages"]["prepare"]["deps"].append("pipeline")),
        ),
        "prepare package",
        "Add to stages.train.deps in dvc.yaml:\n      - pipeline/__init__.py",
    ),
    # data
    "value of a raw row": (change(RAW, "39.1", "39.2"), "prepare package"),
    "raw row added": (append(RAW, "Adelie,Dream,40,18,190,4000,male,2008\n"), "prepare package"),
    "raw rows in another order": (turned(RAW), "prepare package"),
    "raw file renamed": (rename(RAW, "data/raw/others.csv"), "prepare package"),
    "raw file added": (another_raw_file, "prepare package"),
    "second table": (change(WEATHER, "Dream,2", "Dream,3"), "prepare package"),
    "file added to the second table": (append("data/weather/new.csv", "a\n1\n"), "prepare package"),
    # schema
    "range in the schema": (change("schema.yaml", "max: ", "max: 1"), ALL),
    "comment in the schema": (append("schema.yaml", "# other\n"), ALL),
    # parameters
    "parameter of prepare": (change("params.yaml", "seed: 7", "seed: 8"), "prepare package"),
    "parameter of the estimator": (change("params.yaml", "C: 0.1", "C: 0.2"), "train package"),
    "parameter of another estimator": (
        change("params.yaml", "max_depth: null", "max_depth: 3"),
        "train package",
    ),
    "estimator": (
        change("params.yaml", "estimator: LogisticRegression", "estimator: LinearSVC"),
        "train package",
    ),
    "search range": (change("params.yaml", "- 10.0", "- 100.0"), "train package"),
    "search turned on": (change("params.yaml", "method: null", "method: grid"), "train package"),
    "parameter removed": (change("params.yaml", "    C: 0.1\n", ""), "train package"),
    "parameter of another file": (change("rates.yaml", "rate: 2", "rate: 3"), "prepare package"),
    "argument of a command": (
        in_dvc_yaml(lambda content: _add_to_command(content, "prepare", " --schema schema.yaml")),
        "prepare",
    ),
    "variable before a command": (
        in_dvc_yaml(
            lambda content: content["stages"]["train"].update(
                cmd="env MODE=fast " + content["stages"]["train"]["cmd"]
            )
        ),
        "train",
    ),
    "one dependency more": (
        in_dvc_yaml(lambda content: content["stages"]["train"]["deps"].append("notes.txt")),
        "train",
    ),
    # environment
    "version in the lock": (change("requirements.lock", "numpy==2", "numpy==1"), ALL),
    "hash in the lock": (change("requirements.lock", "sha256:", "sha256:0"), ALL),
    "library in the lock": (append("requirements.lock", "attrs==25.1.0\n"), ALL),
    "version of Python": (change(".python-version", "3.", "3.9"), ALL),
}
NOTHING: dict[str, tuple[Make, str]] = {
    "comment in evaluate": (append("pipeline/evaluate.py", "# other\n"), "evaluate package"),
    "module that nothing imports": (append("pipeline/spare.py", "# other\n"), "package"),
    "README": (append("README.md", "More.\n"), ""),
    "a test": (append("tests/test_train.py", "# other\n"), ""),
    "a file at the root": (append("notes.txt", "More.\n"), ""),
    "documents": (append("docs/index.md", "# Mine\n"), ""),
    "gate": (change("params.yaml", "macro_f1: 0.8", "macro_f1: 0.9"), ""),
    "resamples": (change("params.yaml", "resamples: 500", "resamples: 400"), "evaluate"),
    "headline": (change("params.yaml", "headline: macro_f1", "headline: accuracy"), "evaluate"),
    "title": (change("params.yaml", "  title: ", "  title: The "), "package"),
    "comment in params": (append("params.yaml", "# other\n"), ""),
    "section that no stage uses": (append("params.yaml", "mine: {x: 1}\n"), ""),
    "unused parameter of another file": (change("rates.yaml", "other: 1", "other: 2"), ""),
    "spelling of a number": (change("params.yaml", "C: 0.1", "C: 0.10"), ""),
    "CI": (append(".github/workflows/mine.yml", "name: mine\n"), ""),
    "comment in dvc.yaml": (append("dvc.yaml", "# other\n"), ""),
    "order in dvc.yaml": (in_dvc_yaml(reordered), ""),
    "plots": (in_dvc_yaml(lambda content: content.pop("plots")), ""),
    "description in dvc.yaml": (
        in_dvc_yaml(lambda content: content["stages"]["train"].update(desc="Mine")),
        "",
    ),
    "wheel of the tool": (
        lambda project: next(project.glob("vendor/modelkeep-*.whl")).write_bytes(b"") and None,
        "",
    ),
    "locks of people and servers": (
        both(
            append("requirements-dev.lock", "# x\n"), append("requirements-serving.lock", "# x\n")
        ),
        "",
    ),
    "version of the project": (
        change("pyproject.toml", 'version = "0.1.0"', 'version = "1.0"'),
        "",
    ),
    "times": (newer, ""),
    "compiled code": (append("pipeline/__pycache__/old.cpython-311.pyc", "x"), ""),
}
LOADED = (
    'spec = importlib.util.spec_from_file_location("aside", "spare.py")\n'
    "spec.loader.exec_module(importlib.util.module_from_spec(spec))\n"
)
# What prepare reads beside what it declares: code at its end, and the lines that it must be told
READS: dict[str, tuple[str, str]] = {
    "import of a module at the root": ("import spare\n", "spare.py"),
    "import of a module beside it": ("from pipeline import spare\n", "pipeline/spare.py"),
    "relative import": ("from . import spare\n", "pipeline/spare.py"),
    "relative import out of a subpackage": (
        "from .steps.ratio import safe\n",
        "pipeline/steps/__init__.py pipeline/steps/limits.py pipeline/steps/ratio.py",
    ),
    "importlib": ('importlib.import_module("spare")\n', "spare.py"),
    "module by its file": (f"import importlib.util\n{LOADED}", "spare.py"),
    "conditional import": ('if Path("spare.py").exists():\n    import spare\n', "spare.py"),
    "import that is tried": ("try:\n    import spare\nexcept ImportError:\n    pass\n", "spare.py"),
    "module that is taken out again": (
        'import sys\nimport spare\ndel sys.modules["spare"]\n',
        "spare.py",
    ),
    "executed file": ('exec(open("spare.py").read())\n', "spare.py"),
    "runpy": ('import runpy\nrunpy.run_path("spare.py")\n', "spare.py"),
    "JSON": ('read_json(Path("spare.json"))\n', "spare.json"),
    "YAML": ('read_yaml(Path(".pre-commit-config.yaml"))\n', ".pre-commit-config.yaml"),
    "setting in pyproject.toml": ('Path("pyproject.toml").read_bytes()\n', "pyproject.toml"),
    "lines of a text": ('[*open("notes.txt")]\n', "notes.txt"),
    "file by an absolute path": ('Path("notes.txt").absolute().read_text()\n', "notes.txt"),
    "os.open": ('import os\nos.close(os.open("notes.txt", os.O_RDONLY))\n', "notes.txt"),
    "database": ('import sqlite3\nsqlite3.connect("table.db").close()\n', "table.db"),
    "output of a later stage": (
        'read_json(Path("reports/metrics.json"))\n',
        "reports/metrics.json",
    ),
    "section of another stage": (
        "from modelkeep_core.params import Train\n"
        'read_params(Path("params.yaml"), "train", Train)\n',
        "train",
    ),
}


def _add_to_command(content: Any, stage: str, words: str) -> None:
    content["stages"][stage]["cmd"] += words


def enrich(project: Path) -> None:
    """Make the project one that its owner has worked on."""
    for name, text in FILES.items():
        append(name, text)(project)
    features = project / "pipeline" / "features.py"
    text = features.read_text("utf-8")
    head, tail = text[: text.index("# YOURS")], text[text.index("\n\ndef preprocessing") :]
    imports = "import pandas as pd\nfrom mymath import SCALE\n"
    imports += "from pipeline.steps import UNIT\nfrom pipeline.steps.ratio import safe\n"
    head = head.replace(
        "from modelkeep_core.preprocessing", f"{imports}from modelkeep_core.preprocessing"
    )
    features.write_text(head.rstrip() + "\n" + FEATURE + tail, "utf-8")
    own = "        # YOURS: join, clean or aggregate here; `table` is a polars LazyFrame.\n"
    for old, new in {
        own: PREPARE,
        "import argparse\n": "import argparse\nimport importlib\n",
        "from modelkeep_core import checking": (
            "import polars as pl\nfrom modelkeep_core import checking"
        ),
        "import sha256,": "import read_json, read_yaml, sha256,",
        "params: Prepare, out: Path)": "params: Prepare, weather: Path, out: Path)",
        "params, args.out)": "params, args.weather, args.out)",
        '"schema", "params", "out")': '"schema", "params", "weather", "out")',
    }.items():
        change("pipeline/prepare.py", old, new)(project)

    def declare(content: Any) -> None:
        stages = content["stages"]
        for name, deps in DEPS.items():
            stages[name]["deps"] += deps
        for name in ("prepare", "package"):
            stages[name]["params"].append({"rates.yaml": ["rate"]})
        _add_to_command(content, "prepare", " --weather data/weather")

    in_dvc_yaml(declare)(project)


@pytest.fixture(scope="module")
def shell(environment: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return a function that runs a command in the environment of the project."""

    def shell(words: list[str], place: Path, **variables: str) -> subprocess.CompletedProcess[str]:
        path = f"{environment / 'bin'}{os.pathsep}{os.environ['PATH']}"
        return subprocess.run(
            words,
            cwd=place,
            env=os.environ | {"PATH": path} | variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )

    return shell


@pytest.fixture(scope="module")
def trained(bake: Bake, shell: Any) -> Path:
    """Return the richer project, trained and committed; copy it, do not change it."""
    project = bake()
    enrich(project)
    for command in (
        "dvc add -q data/weather",
        "dvc repro -q",
        "git add .",
        "git commit -qm Train",
    ):
        done = shell(command.split(), project)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return project


def copied(project: Path, place: Path) -> Path:
    """Return a copy of the project as `cp` makes it, times and links with it."""
    subprocess.run(["cp", "-a", project, place], check=True)
    return place


@pytest.fixture(scope="module")
def answers(
    trained: Path, shell: Any, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, tuple[list[str], str]]:
    """Return, for each edit, which stages DVC calls stale, and the recipe id of the work tree."""
    place = tmp_path_factory.mktemp("edits")
    edits = {"": (lambda project: None, ""), **MATTERS, **NOTHING}
    names = {}
    for number, (what, (make, *_)) in enumerate(edits.items()):
        names[what] = str(copied(trained, place / str(number)))
        make(Path(names[what]))
    done = shell(["python", "-c", ASK, *names.values()], place)
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout)
    return {what: tuple(printed[name]) for what, name in names.items()}


def test_nothing_edited_is_nothing_stale(trained: Path, answers: dict[str, Any]) -> None:
    """A copy of the trained project elsewhere is up to date, and its recipe is the recorded one."""
    stale, made = answers[""]
    assert stale == []
    assert made == json.loads((trained / "model.json").read_text("utf-8"))["recipe_id"]


@pytest.mark.parametrize("what", MATTERS)
def test_what_makes_the_model_is_noticed(answers: dict[str, Any], what: str) -> None:
    """A stage up to the model is stale, and the model would have another recipe, or none."""
    stale, made = answers[what]
    _, expected, *words = MATTERS[what]
    assert stale == sorted(expected.split())
    if words:
        assert made.startswith("refused: ")
        assert words[0] in made
    else:
        assert re.fullmatch(r"[0-9a-f]{64}", made)
        assert made != answers[""][1]


@pytest.mark.parametrize("what", NOTHING)
def test_what_does_not_make_the_model_leaves_it(answers: dict[str, Any], what: str) -> None:
    """Neither prepare nor train is stale, and the recipe is the same."""
    stale, made = answers[what]
    assert stale == sorted(NOTHING[what][1].split())
    assert made == answers[""][1]


def test_all_recipes_are_different(answers: dict[str, Any]) -> None:
    """No two edits of what makes the model end in the same recipe."""
    made = [answers[what][1] for what in MATTERS]
    assert len({*made}) == len(made)


def test_all_that_does_not_matter_makes_the_same_model(
    trained: Path, shell: Any, tmp_path: Path
) -> None:
    """With all these edits at once `dvc repro` judges and packages anew, and trains nothing."""
    project = copied(trained, tmp_path / "project")
    for make, _ in NOTHING.values():
        make(project)
    done = shell(["dvc", "repro"], project)
    assert done.returncode == 0, done.stderr
    ran = re.findall(r"Running stage '(\w+)'", done.stdout)
    assert ran == ["evaluate", "package"]
    old, new = (json.loads((root / "model.json").read_text("utf-8")) for root in (trained, project))
    assert new["recipe"] == old["recipe"]
    assert new["metrics"] != old["metrics"]
    models = [
        sha256((root / "package" / "model.skops").read_bytes()) for root in (trained, project)
    ]
    assert models[0].digest() == models[1].digest()


def refused(shell: Any, project: Path, stage: str, **variables: str) -> str:
    """Run a stage, which must fail without a trace in DVC, and return what it said."""
    before = (project / "dvc.lock").read_bytes()
    done = shell(["dvc", "repro", "--single-item", stage], project, **variables)
    assert done.returncode, done.stdout
    assert "Traceback" not in done.stderr
    assert (project / "dvc.lock").read_bytes() == before
    return done.stderr


@pytest.mark.parametrize("what", READS)
def test_what_is_read_and_not_declared_is_refused(
    trained: Path, shell: Any, tmp_path: Path, what: str
) -> None:
    """The stage fails, names what to declare, and DVC keeps nothing of it."""
    project = copied(trained, tmp_path / "project")
    code, names = READS[what]
    (project / "table.db").write_bytes(b"SQLite format 3\0")
    change("pipeline/prepare.py", "\n\nif __name__", f"\n\n{code}\n\nif __name__")(project)
    stderr = refused(shell, project, "prepare")
    lines = re.findall(r"^      - (\S+)$", stderr, re.MULTILINE)
    assert lines == names.split(), stderr


def on_path(place: Path, *names: str) -> Path:
    """Return a directory with copies of installed distributions, as an editable install has them.

    Args:
        place: where it is made.
        names: the distributions.
    """
    for name in names:
        installed = importlib.metadata.distribution(name)
        tops = {file.parts[0] for file in installed.files or () if file.parts[0] != ".."}
        for top in tops:
            source = Path(str(installed.locate_file(top)))
            if source.is_dir():
                shutil.copytree(source, place / top, dirs_exist_ok=True)
            else:
                shutil.copy(source, place / top)
    return place


def edited_core(project: Path) -> dict[str, str]:
    """Put an edited copy of the library before the installed one."""
    place = project.parent / "site"
    wheel = next(project.glob("vendor/modelkeep_core-*.whl"))
    shutil.unpack_archive(wheel, place, "zip")
    append("modelkeep_core/card.py", "# edited\n")(place)
    return {"PYTHONPATH": str(place)}


def editable_core(project: Path) -> dict[str, str]:
    """Install the library so that its sources lie elsewhere."""
    variables = edited_core(project)
    place = project.parent / "site"
    shutil.move(place / "modelkeep_core", project.parent / "sources" / "modelkeep_core")
    info = next(place.glob("*.dist-info"))
    (info / "direct_url.json").write_text('{"dir_info": {"editable": true}, "url": "file:///"}')
    (info / "RECORD").write_text(f"{info.name}/METADATA,,\n", "utf-8")
    return {"PYTHONPATH": f"{variables['PYTHONPATH']}{os.pathsep}{project.parent / 'sources'}"}


def editable_library(project: Path) -> dict[str, str]:
    """Install a library that core imports, in the version of the lock, from sources elsewhere."""
    return {"PYTHONPATH": str(on_path(project.parent / "sources", "packaging"))}


def module_elsewhere(project: Path) -> dict[str, str]:
    """Import a module of another project."""
    append("other/elsewhere.py", "x = 1\n")(project.parent)
    change("pipeline/prepare.py", "import importlib\n", "import importlib\nimport elsewhere\n")(
        project
    )
    return {"PYTHONPATH": str(project.parent / "other")}


def done_to(make: Make) -> Callable[[Path], dict[str, str]]:
    """Return an edit that sets no variables."""
    return lambda project: make(project) or {}


HERE = ".".join(map(str, sys.version_info[:2]))
ENVIRONMENTS: dict[str, tuple[Callable[[Path], dict[str, str]], str]] = {
    "version in the lock": (
        done_to(change("requirements.lock", "\nnumpy==2", "\nnumpy==1")),
        r"requirements\.lock says numpy 1\S*, and here it is 2",
    ),
    "library that is not installed": (
        done_to(append("requirements.lock", "nowhere-at-all==1.0\n")),
        r"says nowhere-at-all 1\.0, and here it is missing",
    ),
    "another build of the core": (
        done_to(
            lambda project: (
                (project / "requirements.lock").write_text(
                    re.sub(
                        r"(modelkeep-core==\S+ \\\n    --hash=sha256:)....",
                        r"\g<1>0000",
                        (project / "requirements.lock").read_text("utf-8"),
                    ),
                    "utf-8",
                )
                and None
            )
        ),
        "an edited, editable or other build of it",
    ),
    "core edited in place": (edited_core, "an edited, editable or other build of it"),
    "core installed as editable": (editable_core, "an edited, editable or other build of it"),
    "library installed as editable": (editable_library, r"packaging\S* from \S*sources"),
    "module of another project": (module_elsewhere, r"imported elsewhere from \S*elsewhere\.py"),
    "another Python": (
        done_to(change(".python-version", HERE, "3.99")),
        rf"\.python-version says Python 3\.99, and here it is {HERE}",
    ),
    "lock without the core": (
        done_to(change("requirements.lock", "modelkeep-core==", "modelkeep-other==")),
        "does not name modelkeep-core",
    ),
}


@pytest.mark.parametrize("what", ENVIRONMENTS)
def test_another_environment_is_refused(
    trained: Path, shell: Any, tmp_path: Path, what: str
) -> None:
    """The stage says what is another one, and DVC keeps nothing of it."""
    project = copied(trained, tmp_path / "project")
    make, words = ENVIRONMENTS[what]
    variables = make(project)
    append("pipeline/prepare.py", "# edited\n")(project)
    assert re.search(words, refused(shell, project, "prepare", **variables))
