"""The names of a project's own metrics, read from its code, which is not run."""

import ast
from collections.abc import Iterable
from pathlib import Path

from modelkeep_core.project_code import file_of

# What a module of own metrics calls them
NAME = "METRICS"
# The share of intervals that hold the truth, which a model with intervals is measured by
COVERAGE = "interval_coverage"


def declared(root: Path, modules: Iterable[str]) -> list[str] | None:
    """Return the names of own metrics as modules spell them, without running the modules.

    Returns:
        The names; None where they are not spelt out as `METRICS = {"name": ...}`.
    """
    names: list[str] = []
    for module in modules:
        file = file_of(root, module)
        keys = None if file is None else _spelt(root / file)
        if keys is None:
            return None
        names += keys
    return names


def _spelt(file: Path) -> list[str] | None:
    try:
        tree = ast.parse(file.read_bytes())
    except SyntaxError:
        return None
    named = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == NAME]
    if len(named) > 1:
        # More may be added to it elsewhere
        return None
    for node in tree.body:
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=ast.Dict(keys=keys))
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.Dict(keys=keys))
            ) if name == NAME:
                names = [key.value for key in keys if isinstance(key, ast.Constant)]
                return [str(name) for name in names] if len(names) == len(keys) else None
    return None
