"""What DVC does not promise to keep is used in one place, and is there in the pinned DVC."""

import ast
import inspect
import tomllib
from importlib.metadata import version
from pathlib import Path

import modelkeep

SOURCES = Path(modelkeep.__file__).parent
# DVC's public API
PUBLIC = ("dvc.api",)


def dvc_imports(path):
    """Return what a module imports of DVC and of the libraries that it is made of."""
    tree = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    names = [
        name
        for node in tree
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else names_of(node))
    ]
    return [name for name in names if name.split(".")[0].startswith("dvc") and name not in PUBLIC]


def names_of(node):
    """Return the modules that an import statement names."""
    return [alias.name for alias in node.names]


def test_one_module_uses_what_dvc_does_not_promise():
    """All of `registry` goes through it, so that another DVC means one module to look at."""
    users = {path.name for path in (SOURCES / "registry").glob("*.py") if dvc_imports(path)}
    assert users == {"dvc_internals.py"}


def test_no_module_elsewhere_uses_more_than_the_repository():
    """To look at a project or to add data, the commands of DVC would do, only slower."""
    others = [path for path in SOURCES.rglob("*.py") if path.name != "dvc_internals.py"]
    used = {name for path in others for name in dvc_imports(path)}
    assert used <= {"dvc.repo", "dvc.exceptions"}


def test_the_version_of_dvc_is_pinned_for_that_reason():
    """To the patch: even a repaired fault may move what is internal."""
    project = tomllib.loads((SOURCES / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (pin,) = (name for name in project["dependencies"] if name.startswith("dvc="))
    assert pin == f"dvc=={version('dvc')}"


def test_the_function_that_opens_a_remote_takes_what_it_is_given():
    """It is the one that no public API stands for: from settings and a name to a file system."""
    from dvc.fs import get_cloud_fs
    from dvc_data.hashfile.db import get_odb

    assert next(iter(inspect.signature(get_cloud_fs).parameters)) == "repo_config"
    inspect.signature(get_cloud_fs).bind({}, name="storage")
    inspect.signature(get_odb).bind(object(), "path", hash_name="md5")
