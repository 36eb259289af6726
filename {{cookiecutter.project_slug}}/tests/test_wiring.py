"""dvc.yaml, params.yaml, imports and files say the same: the line is what it is drawn as."""

import ast
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline import estimators, plots
from pipeline.files import read_yaml
from pipeline.metrics import METRICS
from pipeline.params import Params, read_params
from pipeline.recipe import imported
from pipeline.schema import read_schema
from registry.__main__ import COMMANDS

ROOT = Path(__file__).parents[1]
DVC = read_yaml(ROOT / "dvc.yaml")
STAGES = DVC["stages"]
LINE = ["prepare", "train", "evaluate", "package"]
# The command line, from which `adopt` is reached
ADOPT = ROOT / "pipeline" / "__main__.py"
ROOMS = {path.parent.name for path in ROOT.glob("*/__init__.py")}


def paths_of(entries):
    """Return the paths of a list in dvc.yaml, in which an entry may have options."""
    return [entry if isinstance(entry, str) else next(iter(entry)) for entry in entries]


def outs_of(stage):
    """Return the paths of a stage's outputs."""
    return paths_of(STAGES[stage]["outs"])


def deps_of(stage):
    """Return the paths of a stage's dependencies."""
    return paths_of(STAGES[stage]["deps"])


def options_of(stage):
    """Return the options in a stage's command: the values of each by its name."""
    words = shlex.split(STAGES[stage]["cmd"])[3:]
    options = {}
    for word in words:
        if word.startswith("--"):
            values = options.setdefault(word, [])
        else:
            values.append(word)
    return options


def arguments_of(stage):
    """Return the paths in a stage's command."""
    options = options_of(stage)
    return [word for name, values in options.items() if name != "--stages" for word in values]


def imported_names(path):
    """Return the packages that a module's import statements name."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").split(".")[0])
    return found


def covered(path, paths):
    """Say whether a path is one of the paths or lies under one."""
    return any(Path(path).is_relative_to(other) for other in paths)


def is_code(path):
    """Say whether a path is code of the line."""
    return covered(path, ["pipeline"])


def names_of(entries):
    """Return the names in the params of a stage."""
    assert all(isinstance(entry, str) for entry in entries)
    return entries


def test_the_stages_are_the_line_in_its_order():
    """dvc.yaml reads from top to bottom as the line runs."""
    assert list(STAGES) == LINE


def test_params_have_a_section_for_each_stage_in_the_same_order():
    """One name everywhere: a stage is a section of params.yaml and of its types."""
    assert list(read_yaml(ROOT / "params.yaml")) == [*LINE, "promote"]
    assert list(Params.model_fields) == [*LINE, "promote"]


@pytest.mark.parametrize("stage", LINE)
def test_a_stage_runs_the_module_of_its_name_and_has_a_test_file(stage):
    """One name everywhere: a stage is a module, and the module has its tests."""
    assert shlex.split(STAGES[stage]["cmd"])[:3] == ["python", "-m", f"pipeline.{stage}"]
    assert (ROOT / "pipeline" / f"{stage}.py").is_file()
    assert (ROOT / "tests" / f"test_{stage}.py").is_file()


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_every_module_has_a_test_file(room):
    """Tests are found by the name of what they test."""
    modules = {path.stem for path in (ROOT / room).glob("[!_]*.py")}
    tested = {path.stem.removeprefix("test_") for path in (ROOT / "tests").rglob("test_*.py")}
    assert modules <= tested


def test_every_command_of_the_registry_is_the_module_of_its_name():
    """A command is found where its name says."""
    for name in COMMANDS:
        assert (ROOT / "registry" / f"{name}.py").is_file()


@pytest.mark.parametrize(
    ("room", "seen"),
    [
        ("pipeline", {"pipeline"}),
        ("adoption", {"adoption", "pipeline"}),
        ("registry", {"pipeline", "registry"}),
    ],
)
def test_a_room_knows_nothing_of_what_lies_behind_it(room, seen):
    """What makes a model does not depend on tags, nor what releases it on who uses it."""
    for path in (ROOT / room).glob("*.py"):
        door = {"adoption"} if path == ADOPT else set()
        assert imported_names(path) & ROOMS <= seen | door, path


def test_only_the_command_line_knows_how_data_are_adopted():
    """Neither the line nor what comes after it imports the room that brings a table in."""
    rooms = [path for room in ROOMS - {"adoption"} for path in (ROOT / room).glob("*.py")]
    assert [path for path in rooms if "adoption" in imported_names(path)] == [ADOPT]


@pytest.mark.parametrize("stage", LINE)
def test_every_path_in_a_command_is_declared(stage):
    """DVC knows what a stage reads and writes: its deps, its outs and params.yaml."""
    for path in arguments_of(stage):
        assert covered(path, [*deps_of(stage), *outs_of(stage), "params.yaml"]), path


@pytest.mark.parametrize("stage", LINE)
def test_every_declared_path_is_in_the_command(stage):
    """A stage declares nothing that it does not use."""
    used = arguments_of(stage)
    for path in [*deps_of(stage), *outs_of(stage)]:
        assert is_code(path) or path == "requirements.lock" or covered(path, used), path


@pytest.mark.parametrize("stage", LINE)
def test_a_command_names_params_and_the_schema(stage):
    """No stage reads a file that its command does not show."""
    options = options_of(stage)
    assert options["--params"] == ["params.yaml"]
    assert options["--schema"] == ["schema.yaml"]


@pytest.mark.parametrize("stage", LINE)
def test_the_modules_that_a_stage_imports_are_its_deps(stage):
    """A change of code runs the stages again that use it, and no others."""
    code = {path for path in deps_of(stage) if is_code(path)}
    used = {
        path.relative_to(ROOT).as_posix() for path in imported(ROOT / "pipeline" / f"{stage}.py")
    }
    if "pipeline" in code:
        assert code == {"pipeline"}
    else:
        assert code == used


@pytest.mark.parametrize("stage", LINE)
def test_the_environment_is_a_dep_of_every_stage(stage):
    """Another version of a library makes another model."""
    assert "requirements.lock" in deps_of(stage)


@pytest.mark.parametrize("stage", LINE)
def test_a_stage_depends_on_what_earlier_stages_make(stage):
    """No stage reads what a later one writes, and everything that is read exists or is made."""
    earlier = [path for name in LINE[: LINE.index(stage)] for path in outs_of(name)]
    later = [path for name in LINE[LINE.index(stage) :] for path in outs_of(name)]
    for path in deps_of(stage):
        assert not covered(path, later), path
        given = path == "data/raw" or (ROOT / path).exists()
        assert covered(path, earlier) or given, path


@pytest.mark.parametrize("stage", LINE)
def test_a_stage_declares_its_section_of_params(stage):
    """A knob that is turned runs its stage again."""
    assert stage in names_of(STAGES[stage]["params"])


def test_package_declares_every_section_since_it_records_them_all():
    """The recipe holds the params of all stages."""
    assert names_of(STAGES["package"]["params"]) == LINE


@pytest.mark.parametrize("stage", LINE[:-1])
def test_no_other_stage_declares_a_section_that_is_not_its_own(stage):
    """A knob of another stage does not run this one again."""
    assert names_of(STAGES[stage]["params"]) == [stage]


def test_package_names_the_stages_that_make_the_model():
    """The recipe is made of all stages before it, in their order."""
    assert options_of("package")["--stages"] == LINE[:-1]


def test_every_plot_and_metric_is_an_output_of_evaluate():
    """`dvc metrics` and `dvc plots` show what the line made."""
    shown = [*DVC["metrics"], *paths_of(DVC["plots"])]
    assert shown
    for path in shown:
        assert covered(path, outs_of("evaluate")), path


def test_every_table_of_a_plot_is_drawn_by_its_own_columns():
    """dvc.yaml draws each CSV file once, with axes that it has."""
    drawn = {path: options for plot in DVC["plots"] for path, options in plot.items()}
    assert set(drawn) == {f"reports/plots/{name}.csv" for name in plots.COLUMNS}
    for name, columns in plots.COLUMNS.items():
        axes = drawn[f"reports/plots/{name}.csv"]
        assert {axes["x"], axes["y"]} <= set(columns)


def test_the_template_of_every_plot_is_there():
    """A plot is drawn by a template of DVC's own or one under .dvc/plots."""
    built_in = {"linear", "simple", "scatter", "smooth", "confusion", "bar_horizontal"}
    own = {path.stem for path in (ROOT / ".dvc" / "plots").glob("*.json")}
    for plot in DVC["plots"]:
        for options in plot.values():
            assert options["template"] in built_in | own


def test_git_ignores_what_dvc_keeps_and_nothing_else_of_the_line():
    """Data, models and packages are in the DVC cache; reports and model.json are in Git."""
    text = (ROOT / ".gitignore").read_text(encoding="utf-8")
    ignored = [line.removeprefix("/") for line in text.splitlines() if line.startswith("/")]
    for stage in LINE:
        for entry in STAGES[stage]["outs"]:
            cached = isinstance(entry, str) or next(iter(entry.values())).get("cache", True)
            path = paths_of([entry])[0]
            assert covered(path, ignored) is cached, path
    assert covered("data/raw", ignored)


def test_the_artifact_is_the_package_by_its_name():
    """`dvc artifacts get` finds the package under the name that params.yaml gives it."""
    name = read_params(ROOT / "params.yaml").package.name
    assert DVC["artifacts"][name]["path"] == "package"
    assert "package" in outs_of("package")


@pytest.mark.parametrize("stage", ["prepare", "package"])
def test_a_cheap_stage_imports_neither_scikit_learn_nor_pandas(stage):
    """Importing them would take longer than the work of the stage."""
    code = f"import sys, pipeline.{stage}; print({{'sklearn', 'pandas'}} & set(sys.modules))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert ended.stdout == "set()\n", ended.stderr


def test_the_knobs_name_what_exists():
    """Columns, metric, estimator and sections of params.yaml are there in schema and library."""
    params, schema = read_params(ROOT / "params.yaml"), read_schema(ROOT / "schema.yaml")
    assert params.prepare.split_by in {None, *schema.columns}
    assert params.evaluate.group_by in {None, *schema.columns}
    assert params.evaluate.headline in METRICS[schema.task]
    assert set(params.promote.thresholds) <= set(METRICS[schema.task])
    estimators.build(params.train.estimator, params.train.sections, schema.task, seed=0)
    if params.train.search.enabled:
        assert params.train.estimator in params.train.search.grid
