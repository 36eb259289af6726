"""What a generated project is beyond the rules that every project keeps."""

import os
import subprocess
import sys

import pytest

from checked import TEMPLATE
from modelkeep.check.documents import Document
from modelkeep.check.project import Project
from modelkeep_core import plots, search


@pytest.fixture(scope="module")
def dvc_yaml(fresh) -> Document:
    """The dvc.yaml of a fresh project."""
    return Project(fresh).dvc


def test_params_have_a_section_for_each_stage_in_the_same_order(fresh):
    """One name everywhere: a stage is a section of params.yaml."""
    project = Project(fresh)
    assert project.params is not None
    assert project.params.names() == [*project.stages, "promote"]


def test_a_stage_of_the_project_has_the_module_of_its_name(fresh):
    """One name everywhere: a stage is a module of pipeline/."""
    for name, stage in Project(fresh).stages.items():
        (command,) = stage.commands
        where = "modelkeep_core" if name == "package" else "pipeline"
        assert command.module == f"{where}.{name}"


def test_no_stage_but_package_uses_a_section_of_another(fresh):
    """A parameter of one stage does not run another again."""
    for name, stage in Project(fresh).stages.items():
        if name != "package":
            assert stage.stage.params["params.yaml"] == (name,)


def test_a_command_names_params_and_the_schema(fresh):
    """No stage reads one of these files that its command does not show."""
    for stage in Project(fresh).stages.values():
        (command,) = stage.commands
        assert command.option("--params") == "params.yaml"
        assert command.option("--schema") == "schema.yaml"


def test_every_table_of_a_plot_is_drawn_by_its_own_columns(dvc_yaml):
    """dvc.yaml draws each CSV file once, with axes that it has."""
    drawn = {path: axes for plot in dvc_yaml.value("plots") for path, axes in plot.items()}
    tables = {f"reports/plots/{name}.csv": columns for name, columns in plots.COLUMNS.items()}
    tables["reports/search.csv"] = search.COLUMNS
    assert set(drawn) == set(tables)
    for path, columns in tables.items():
        axes = drawn[path]
        assert {axes["x"], axes["y"]} <= set(columns)


def test_every_metric_and_plot_is_an_output_of_evaluate(fresh, dvc_yaml):
    """`dvc metrics` and `dvc plots` show what the stages made."""
    shown = [*dvc_yaml.value("metrics"), *(next(iter(plot)) for plot in dvc_yaml.value("plots"))]
    assert shown
    assert all(path.startswith("reports/") for path in shown)
    assert Project(fresh).stages["evaluate"].stage.outs == ("reports",)


@pytest.mark.parametrize("module", ["pipeline.prepare", "modelkeep_core.package"])
def test_a_cheap_stage_imports_neither_scikit_learn_nor_pandas(fresh, module):
    """Importing them would take longer than the work of the stage."""
    code = f"import sys, {module}; print({{'sklearn', 'pandas'}} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=fresh,
        env={**os.environ, "PYTHONPATH": str(TEMPLATE / "src")},
        check=False,
    )
    assert done.stdout == "set()\n", done.stderr


def test_the_hooks_of_pre_commit_are_the_tools_of_the_environment(fresh):
    """Nothing is downloaded for a hook: what runs is what is locked."""
    text = (fresh / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    (repo,) = Document(".pre-commit-config.yaml", text).value("repos")
    assert repo["repo"] == "local"
    assert {hook["language"] for hook in repo["hooks"]} == {"system"}
    entries = [hook["entry"] for hook in repo["hooks"]]
    assert entries[0] == "modelkeep check"
    assert [entry.split()[:2] for entry in entries[1:]] == [["ruff", "check"], ["ruff", "format"]]
