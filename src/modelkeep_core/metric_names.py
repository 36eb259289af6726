"""The names of a project's own metrics, read from its code, which is not run."""

import ast
from collections.abc import Iterable
from pathlib import Path

from modelkeep_core.project_code import file_of

# What a module of own metrics calls them
NAME = "METRICS"
# The share of intervals that hold the truth, which a model with intervals is measured by
COVERAGE = "interval_coverage"


def declared(root: Path, modules: Iterable[str]) -> dict[str, bool] | None:
    """Return the names of own metrics as modules spell them, without running the modules.

    Returns:
        The names, each with whether the module says that it needs probabilities; None where they
        are not spelt out as `METRICS = {"name": ...}`.
    """
    names: dict[str, bool] = {}
    for module in modules:
        file = file_of(root, module)
        spelt = None if file is None else _spelt(root / file)
        if spelt is None:
            return None
        names |= spelt
    return names


def _spelt(file: Path) -> dict[str, bool] | None:
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
                ast.Assign(targets=[ast.Name(id=name)], value=ast.Dict(keys=keys, values=values))
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.Dict(keys=keys, values=values))
            ) if name == NAME:
                names = [str(key.value) for key in keys if isinstance(key, ast.Constant)]
                if len(names) < len(keys):
                    return None
                return dict(zip(names, map(_needs_probabilities, values), strict=True))
    return None


def _needs_probabilities(metric: ast.expr) -> bool:
    """Say whether a metric is made with `needs_probabilities=True`."""
    return isinstance(metric, ast.Call) and any(
        given.arg == "needs_probabilities"
        and isinstance(given.value, ast.Constant)
        and given.value.value is True
        for given in metric.keywords
    )
