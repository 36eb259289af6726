"""The recipe of a model: everything that made it, and the identity that follows from it."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from modelkeep_core import recording
from modelkeep_core.dvc_yaml import PARAMS, Stage, covers, overlaps, read_stages, upstream
from modelkeep_core.dvcignore import DvcIgnore
from modelkeep_core.errors import UserError
from modelkeep_core.files import plain, read_parameters, sha256
from modelkeep_core.guard import PAGE, is_empty_init, project_of

KINDS = ("data", "code", "schema", "environment", "files")


def recipe(root: Path, model: str, stage: str | None = None) -> dict[str, Any]:
    """Collect what makes a model: the stages of dvc.yaml up to it, and what they read.

    Args:
        root: the directory of dvc.yaml.
        model: the output of dvc.yaml that holds the model, relative to `root`.
        stage: the stage that asks, which must run again when any of this changes.

    Returns:
        "commands" by stage; "parameters" as params.yaml nests them, those of other files below the
        name of the file; "data", "code", "schema", "environment" and other "files" as SHA-256 by
        path. What other stages write is no input of its own: it follows; nor is what .dvcignore
        hides.

    Raises:
        UserError: no stage makes the model, an input is missing, a package that code lies in has
            an `__init__.py` that is no dependency, or `stage` would not run again when a parameter
            changes.
    """
    # What becomes of dvc.yaml is in the recipe, not its bytes
    with recording.paused():
        stages = read_stages(root / "dvc.yaml")
    producers = upstream(stages, model)
    if not producers:
        raise UserError(f"{root / 'dvc.yaml'}: no stage has {model} among its outs.")
    for producer in producers:
        _check_packages(root, producer)
    outs = [out for producer in stages.values() for out in producer.outs]
    ingredients: dict[str, Any] = {
        "commands": {producer.name: " ".join(producer.command.split()) for producer in producers},
        "parameters": _parameters(root, producers),
        **{kind: {} for kind in KINDS},
    }
    for dep in sorted({dep for producer in producers for dep in producer.deps}):
        if any(overlaps(out, dep) for out in outs):
            continue
        for path in _files(root, dep):
            name = path.relative_to(root).as_posix()
            ingredients[_kind(root, name)][name] = sha256(path)
    if stage in stages:
        _check_params(producers, stages[stage])
    return ingredients


def recipe_id(recipe: Mapping[str, Any]) -> str:
    """Return the SHA-256 of the recipe's canonical JSON: sorted keys, no spaces, UTF-8."""
    text = json.dumps(
        recipe, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _parameters(root: Path, producers: list[Stage]) -> dict[str, Any]:
    """Return the parameters that stages use."""
    parameters: dict[str, Any] = {}
    used = [pair for producer in producers for pair in producer.params.items()]
    for file, keys in used:
        # Only what the stages use of it is in the recipe
        with recording.paused():
            content = plain(read_parameters(root / file))
        part = parameters if file == PARAMS else parameters.setdefault(file, {})
        for key in keys or [*content]:
            *above, last = key.split(".")
            place = part
            for name in above:
                place = place.setdefault(name, {})
            place[last] = _value(content, key, root / file)
    return parameters


def _value(content: Any, key: str, path: Path) -> Any:
    for part in key.split("."):
        if not isinstance(content, dict) or part not in content:
            raise UserError(f"{path} has no parameter '{key}', which dvc.yaml names.")
        content = content[part]
    return content


def _files(root: Path, dep: str) -> Iterator[Path]:
    """Yield the files of a dependency that DVC sees."""
    place = root / dep
    if not place.exists():
        raise UserError(f"{place} is missing, and dvc.yaml names it.")
    if place.is_file():
        yield place
        return
    ignore = DvcIgnore(project_of(root))
    for path in sorted(place.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts and not ignore.hides(path.absolute()):
            yield path


def _kind(root: Path, name: str) -> str:
    """Return what a file is: data are what DVC tracks by a .dvc file, of it or of a directory."""
    places = [name, *(parent.as_posix() for parent in Path(name).parents if parent.name)]
    if any((root / f"{place}.dvc").is_file() for place in places):
        return "data"
    path = Path(name)
    if path.suffix == ".py":
        return "code"
    if path.name == ".python-version" or (
        path.name.startswith("requirements") and path.suffix in (".lock", ".txt")
    ):
        return "environment"
    return "schema" if path.suffix in (".yaml", ".yml") and "schema" in path.stem else "files"


def _check_packages(root: Path, producer: Stage) -> None:
    """Make sure that what Python runs before a module of a package is a dependency, as it is.

    The guard lets an empty `__init__.py` pass; here it is seen when it got content since.

    Raises:
        UserError: naming each that is none, as lines to be pasted.
    """
    inits = {
        f"{package.as_posix()}/__init__.py"
        for dep in producer.deps
        if dep.endswith(".py")
        for package in Path(dep).parents
        if package.name and package.name != ".."
    }
    lacking = [
        name
        for name in sorted(inits)
        if not any(covers(dep, name) for dep in producer.deps)
        and (root / name).is_file()
        and not is_empty_init(root / name)
    ]
    if lacking:
        lines = "".join(f"\n      - {producer.written(name)}" for name in lacking)
        raise UserError(
            f"stage '{producer.name}' reads what dvc.yaml does not name, so a change of it would "
            f"go unnoticed. Add to {producer.where}.deps in dvc.yaml:{lines}",
            PAGE,
        )


def _check_params(producers: list[Stage], stage: Stage) -> None:
    """Make sure that a stage runs again when a parameter of the producers changes.

    Raises:
        UserError: naming the parameters that it lacks, as lines to be pasted.
    """
    own = [(file, key) for file, keys in stage.params.items() for key in keys or ("",)]
    lacking = [
        stage.written_param(file, key)
        for producer in producers
        for file, keys in producer.params.items()
        for key in keys or ("",)
        if not any(file == place and _within(key, wide) for place, wide in own)
    ]
    if lacking:
        lines = "".join(f"\n      - {param}" for param in dict.fromkeys(lacking))
        raise UserError(
            f"stage '{stage.name}' writes down parameters that dvc.yaml does not name, so a change "
            f"of them would go unnoticed. Add to {stage.where}.params in dvc.yaml:{lines}",
            PAGE,
        )


def _within(key: str, wide: str) -> bool:
    return wide in ("", key) or covers(wide.replace(".", "/"), key.replace(".", "/"))
