"""The recipe of a model: everything that made it, and the identity that follows from it."""

import ast
import hashlib
import json
from pathlib import Path
from typing import Any

from pipeline.files import sha256


def recipe(
    stages: list[str],
    params: dict[str, Any],
    data: dict[str, str],
    schema: Path,
    requirements: Path,
    code: Path,
) -> dict[str, Any]:
    """Collect what makes a model.

    Args:
        stages: the stages that make it; each is a module of `code` and a section of `params`.
        params: the content of params.yaml.
        data: SHA-256 of each raw data file by its path.
        schema: the contract of the raw data.
        requirements: the locked environment.
        code: the directory of the stages' modules.

    Returns:
        "parameters" by stage; "data", "code", "schema" and "environment" as SHA-256 by path.
    """
    modules = sorted({path for stage in stages for path in imported(code / f"{stage}.py")})
    return {
        "parameters": {stage: params.get(stage, {}) for stage in stages},
        "data": data,
        "code": {path.as_posix(): sha256(path) for path in modules},
        "schema": {schema.as_posix(): sha256(schema)},
        "environment": {requirements.as_posix(): sha256(requirements)},
    }


def recipe_id(recipe: dict[str, Any]) -> str:
    """Return the SHA-256 of the recipe's canonical JSON: sorted keys, no spaces, UTF-8."""
    text = json.dumps(
        recipe, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def imported(module: Path) -> set[Path]:
    """Return the module and all modules of its package that it imports, directly or not."""
    found: set[Path] = set()
    waiting = [module]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += _siblings(path)
    return found


def _siblings(module: Path) -> list[Path]:
    """Return the modules beside `module` that its import statements name."""
    start = f"{module.parent.name}."
    names: list[str] = []
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = start if node.level == 1 else ""
            origin = f"{above}{node.module or ''}".removesuffix(".")
            names += [origin, *(f"{origin}.{alias.name}" for alias in node.names)]
    files = [
        module.with_name(f"{name[len(start) :]}.py") for name in names if name.startswith(start)
    ]
    return [path for path in files if path.is_file()]
