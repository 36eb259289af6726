"""The rule of the bar: what decides a model knows nothing of what is done with it."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import modelkeep_core

SOURCES = Path(modelkeep_core.__file__).parents[1]
CORE = sorted((SOURCES / "modelkeep_core").rglob("*.py"))
TOOL = sorted((SOURCES / "modelkeep").rglob("*.py"))
# Imported under a name that its distribution does not list
OTHERWISE = {"ruamel": "ruamel-yaml"}
# DVC runs the stages; only a dvc.yaml with variables or loops needs it beside them, and says so
OPTIONAL = {"dvc"}
# A part of DVC, which is required to the patch
PARTS = {"dvc-data": "dvc"}


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


def distributions(names):
    """Return the distributions that modules which are not of Python or a library here come from."""
    installed = packages_distributions()
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


@pytest.mark.slow
def test_the_core_declares_what_it_imports():
    """Whoever installs it has everything that any of its modules needs."""
    imported = distributions(set().union(*map(tops, CORE)) - {"modelkeep_core"})
    required, extras = declared("modelkeep_core")
    assert imported - OPTIONAL <= required
    assert not extras


@pytest.mark.slow
def test_the_tool_declares_what_it_imports():
    """A server needs the extra; nothing else does."""
    required, extras = declared("modelkeep")
    for path in TOOL:
        serving = "serving" in path.relative_to(SOURCES).parts
        missing = distributions(tops(path)) - required - (extras if serving else set())
        assert not missing, path


@pytest.mark.slow
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


def test_the_public_api_exists():
    """Every name that the documentation of the core lists can be imported from its module."""
    text = modelkeep_core.__doc__.partition("- errors:")
    module = None
    names = []
    for part in re.findall(r"(?:- |; |  )(\w+): |`(\w+)`", text[1] + text[2]):
        module = part[0] or module
        if part[1]:
            names.append((module, part[1]))
    assert len(names) > 40
    for module, name in names:
        tree = ast.parse((SOURCES / "modelkeep_core" / f"{module}.py").read_bytes())
        defined = {getattr(node, "name", None) for node in tree.body}
        for node in tree.body:
            if isinstance(node, ast.Assign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                for target in targets:
                    defined |= {part.id for part in ast.walk(target) if isinstance(part, ast.Name)}
        assert name in defined, f"{module}.{name}"
