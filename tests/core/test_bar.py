"""The rule of the bar: what decides a model knows nothing of what is done with it."""

import ast
import re
import sys
import tomllib
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import modelkeep_core

SOURCES = Path(modelkeep_core.__file__).parents[1]
ROOT = SOURCES.parent
TEMPLATE = ROOT / "{{cookiecutter.project_slug}}"
CORE = sorted((SOURCES / "modelkeep_core").rglob("*.py"))
TOOL = sorted((SOURCES / "modelkeep").rglob("*.py"))
# Imported under a name that its distribution does not list
OTHERWISE = {"ruamel": "ruamel-yaml"}
# DVC runs the stages; only a dvc.yaml with variables or loops needs it beside them, and Optuna is
# needed by one method of search: the messages say so
OPTIONAL = {"dvc", "optuna", "lightgbm", "xgboost-cpu"}
# A part of DVC, which is required to the patch
PARTS = {"dvc-data": "dvc", "dvc-objects": "dvc"}


def imports(path):
    """Return the full name of every module that a file imports, wherever in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path} imports by a relative name"
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def tops(path):
    """Return the first part of every name that a file imports."""
    return {name.partition(".")[0] for name in imports(path)}


def test_there_is_something_to_look_at():
    """Both libraries have modules."""
    assert len(CORE) > 20
    assert len(TOOL) > 50


def test_the_core_imports_nothing_of_the_tool():
    """Whatever the tool does, no model becomes another one."""
    assert [path.name for path in CORE if "modelkeep" in tops(path)] == []


@pytest.mark.parametrize("library", ["modelkeep_core", "modelkeep"])
def test_no_library_imports_a_projects_code(library):
    """It is found through the hooks and the package alone; tests and tools are no part either."""
    foreign = {"pipeline", "tests", "made", "fixtures", "project", "repository", "tools"}
    files = (SOURCES / library).rglob("*.py")
    assert [path.name for path in files if foreign & tops(path)] == []


# It reads the metadata of all that is installed
installed_modules = cache(packages_distributions)


def distributions(names):
    """Return the distributions that modules which are not of Python or a library here come from."""
    installed = installed_modules()
    foreign = names - sys.stdlib_module_names - {"modelkeep"}
    return {
        PARTS.get(name, name)
        for name in (
            canonicalize_name(OTHERWISE.get(top) or installed.get(top, [top])[0]) for top in foreign
        )
    }


def declared(library):
    """Return what a library requires, and what its extras require."""
    text = (SOURCES / library / "pyproject.toml").read_text(encoding="utf-8")
    project = tomllib.loads(text)["project"]
    required = {canonicalize_name(Requirement(line).name) for line in project["dependencies"]}
    extras = {
        canonicalize_name(Requirement(line).name)
        for lines in project.get("optional-dependencies", {}).values()
        for line in lines
    }
    return required, extras


def test_the_core_declares_what_it_imports():
    """Whoever installs it has all that its modules need, and extras name what is optional."""
    imported = distributions(set().union(*map(tops, CORE)) - {"modelkeep_core"})
    required, extras = declared("modelkeep_core")
    assert imported - OPTIONAL <= required
    # A cluster is imported by its name, and DVC is there where it runs a stage
    assert extras == OPTIONAL - {"dvc"} | {"distributed"}


def test_the_tool_declares_what_it_imports():
    """A server and an export need an extra; nothing else does."""
    required, extras = declared("modelkeep")
    for path in TOOL:
        optional = {"serving", "export"} & {*path.relative_to(SOURCES).parts}
        missing = distributions(tops(path)) - required - (extras if optional else set())
        assert not missing, path


def test_nothing_is_declared_that_nobody_imports():
    """Every requirement is there for an import, or says in the file what it is there for."""
    for library, files in (("modelkeep_core", CORE), ("modelkeep", TOOL)):
        text = (SOURCES / library / "pyproject.toml").read_text(encoding="utf-8")
        required, extras = declared(library)
        explained = {
            canonicalize_name(re.match(r'\s*"([\w.-]+)', line)[1])
            for before, line in zip(text.splitlines(), text.splitlines()[1:], strict=False)
            if before.strip().startswith("#") and line.strip().startswith('"')
        }
        imported = distributions(set().union(*map(tops, files)))
        assert (required | extras) - imported - explained == set(), library


def at_its_start(module, seen):
    """Add to `seen` the top names that importing a module of the core imports, directly or not."""
    for node in ast.parse((SOURCES / "modelkeep_core" / f"{module}.py").read_bytes()).body:
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for first, second, *_ in (f"{name}..".split(".") for name in names):
            inner = first == "modelkeep_core" and second in {path.stem for path in CORE}
            name = f"{first}.{second}" if inner else first
            if name not in seen:
                seen.add(name)
                if inner:
                    at_its_start(second, seen)
    return seen


def test_the_stages_after_prepare_start_without_polars():
    """A run of the sample is mostly imports: train and evaluate import one library of tables."""
    stages = [TEMPLATE / "pipeline" / f"{name}.py" for name in ("train", "evaluate", "features")]
    named = {name for path in stages for name in imports(path)}
    used = {path.stem for path in CORE if f"modelkeep_core.{path.stem}" in named}
    assert {"training", "evaluation", "model_file", "plots"} <= used
    for module in used:
        assert "polars" not in at_its_start(module, set()), module
    assert "polars" in at_its_start("split", set())


def test_both_libraries_have_the_version_of_their_metadata():
    """The tool requires exactly the core that it was made with."""
    for library in ("modelkeep_core", "modelkeep"):
        text = (SOURCES / library / "pyproject.toml").read_text(encoding="utf-8")
        number = tomllib.loads(text)["project"]["version"]
        module = (SOURCES / library / "__init__.py").read_text(encoding="utf-8")
        assert f'__version__ = "{number}"' in module
        if library == "modelkeep":
            assert f'"modelkeep-core=={modelkeep_core.__version__}"' in text


def test_the_core_has_types():
    """Its types are those of whoever imports it."""
    assert (SOURCES / "modelkeep_core" / "py.typed").is_file()


def public_api():
    """Return the names of each module that the documentation of the core lists."""
    listed = re.findall(r"^- (\w+): (`[^:]+`):", modelkeep_core.__doc__, re.MULTILINE)
    return {module: re.findall(r"`(\w+)`", names) for module, names in listed}


def defined_in(module):
    """Return the names that a module of the core defines at its top."""
    names = set()
    for node in ast.parse((SOURCES / "modelkeep_core" / f"{module}.py").read_bytes()).body:
        names.add(getattr(node, "name", None))
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                names |= {part.id for part in ast.walk(target) if isinstance(part, ast.Name)}
    return names


def test_the_public_api_exists():
    """Every name that the documentation of the core lists is defined in its module."""
    api = public_api()
    assert len(api) > 20
    assert {module: sorted({*names} - defined_in(module)) for module, names in api.items()} == {
        module: [] for module in api
    }


def test_every_public_function_takes_the_path_of_a_file_as_text_too():
    """As Python's own do: none of them asks for a Path alone."""
    only_paths = []
    for module, names in public_api().items():
        for node in ast.parse((SOURCES / "modelkeep_core" / f"{module}.py").read_bytes()).body:
            if isinstance(node, ast.FunctionDef) and node.name in names:
                kinds = {each.arg: each.annotation for each in node.args.args if each.annotation}
                only_paths += [
                    f"{module}.{node.name}: {name}"
                    for name, kind in kinds.items()
                    if "Path" in ast.unparse(kind) and "str" not in ast.unparse(kind)
                ]
    assert only_paths == []


def test_the_reference_lists_the_same_api():
    """The page that the policy of compatibility speaks of has the list of the library."""
    page = (ROOT / "docs" / "reference" / "stages.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (`.*?`) \|", page.partition("names |")[2], re.MULTILINE)
    table = {module: re.findall(r"`(\w+)`", names) for module, names in rows}
    assert {module: table.get(module) for module in public_api()} == public_api()


def test_a_generated_project_uses_nothing_but_the_public_api():
    """What the owner's stages and tests, and the code in the pages, import is promised to stay."""
    code = [
        *(path.read_text(encoding="utf-8") for path in TEMPLATE.rglob("*.py")),
        *(
            block
            for page in (ROOT / "docs").rglob("*.md")
            for block in re.findall(
                r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
            )
        ),
    ]
    api = public_api()
    unlisted = set()
    for text in code:
        tree = ast.parse(text)
        modules = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module == "modelkeep_core":
                modules |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module.startswith("modelkeep_core."):
                module = node.module.partition(".")[2]
                unlisted |= {(module, alias.name) for alias in node.names} - {
                    (module, name) for name in api.get(module, ())
                }
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                module = node.value.id
                if module in modules and node.attr not in api.get(module, ()):
                    unlisted.add((module, node.attr))
    assert unlisted == set()


def at_once(path, seen):
    """Collect in `seen` what a file imports as it is imported, and what that does in the core."""
    tree = ast.parse(path.read_bytes())
    for node in tree.body:
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in {*names} - seen:
            seen.add(name)
            inside = SOURCES.joinpath(*name.split(".")).with_suffix(".py")
            if name.startswith("modelkeep_core.") and inside.is_file():
                at_once(inside, seen)
    return seen


@pytest.mark.parametrize("stage", ["train", "evaluate"])
def test_a_stage_imports_no_library_of_tables_that_it_does_not_use(stage):
    """Imports are most of a small run: only prepare reads raw tables, with Polars."""
    reached = at_once(TEMPLATE / "pipeline" / f"{stage}.py", set())
    assert "modelkeep_core.scoring" in reached
    assert not {"polars", "dataframely", "modelkeep_core.tables"} & reached
    assert "polars" in at_once(TEMPLATE / "pipeline" / "prepare.py", set())
