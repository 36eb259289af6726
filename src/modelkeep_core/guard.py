"""The guard of a stage: what it imported and opened must be what dvc.yaml says it reads.

DVC runs a stage again when a dependency changes. The guard makes that enough: at the end of a
stage, each module of the project that was imported and each file of the project that Python
opened is a dependency of the stage, or the stage fails. It sees what Python itself opens, in this
process: not what a native reader opens, and not what another process does.
"""

import os
import sys
from collections.abc import Iterable, Iterator
from importlib.util import source_from_cache
from pathlib import Path, PurePosixPath

from modelkeep_core.dvc_yaml import Stage, covers, read_stages
from modelkeep_core.errors import UserError
from modelkeep_core.recording import opened

DVC_YAML = "dvc.yaml"
# DVC and Git keep these; what they say of a stage is no input of it
KEPT_FILES = (DVC_YAML, "dvc.lock", "pyproject.toml")
KEPT_DIRECTORIES = (".git", ".dvc")


def check(start: Path, name: str) -> None:
    """Make sure that what this process read of the project is what dvc.yaml says.

    Args:
        start: the directory that the stage runs in: that of dvc.yaml, or one below it.
        name: the stage.

    Raises:
        UserError: naming each file that is missing from the dependencies, as lines to be pasted.
    """
    place, stage = _declared(start, name)
    if missing := undeclared(stage, place, {*_modules(), *opened()}):
        lines = "".join(f"\n      - {path}" for path in missing)
        raise UserError(
            f"stage '{name}' read what dvc.yaml does not name, so a change of it would go "
            f"unnoticed. Add to stages.{name}.deps in {place / DVC_YAML}:{lines}"
        )


def undeclared(stage: Stage, place: Path, files: Iterable[str]) -> list[str]:
    """Return which files of the project a stage may not read, sorted, relative to `place`.

    Empty files, which decide nothing, files that are gone again, and those of a virtual environment
    inside the project do not count.

    Args:
        stage: what the stage may read.
        place: the directory of dvc.yaml; the project is what lies in it, or in the nearest
            directory above it that has `.dvc`.
        files: their paths.
    """
    base, project = os.path.realpath(place), os.path.realpath(_project(place))
    environments = [os.path.realpath(prefix) for prefix in {sys.prefix, sys.base_prefix}]
    inside = tuple(path + os.sep for path in environments if path.startswith(project + os.sep))
    allowed = (*stage.deps, *stage.outs, *stage.params)
    missing = set()
    for file in files:
        path = os.path.realpath(_source(file))
        if not path.startswith(project + os.sep) or path.startswith(inside):
            continue
        name = Path(os.path.relpath(path, base)).as_posix()
        declared = _is_aside(name) or any(covers(part, name) for part in allowed)
        if not declared and os.path.isfile(path) and os.path.getsize(path):
            missing.add(name)
    return sorted(missing)


def _declared(start: Path, name: str) -> tuple[Path, Stage]:
    """Return the nearest directory upwards whose dvc.yaml has the stage, and the stage."""
    for place in _upwards(start):
        if (place / DVC_YAML).is_file():
            stages = read_stages(place / DVC_YAML)
            if name in stages:
                return place, stages[name]
    raise UserError(f"{start / DVC_YAML} has no stage '{name}'.")


def _project(place: Path) -> Path:
    """Return the nearest directory upwards that DVC keeps, or `place` where there is none."""
    *_, top = _upwards(place)
    return top if (top / ".dvc").is_dir() else place


def _upwards(start: Path) -> Iterator[Path]:
    """Yield a directory and those above it, up to the nearest one that DVC keeps."""
    for place in (start.absolute(), *start.absolute().parents):
        yield place
        if (place / ".dvc").is_dir():
            return


def _source(file: str) -> str:
    """Return the file that compiled code was made from, or else the file itself."""
    try:
        return source_from_cache(file) if file.endswith(".pyc") else file
    except (NotImplementedError, ValueError):
        return file


def _is_aside(name: str) -> bool:
    """Say whether a file is no input: kept by DVC or Git, or a wheel that the lock names."""
    *directories, file = PurePosixPath(name).parts
    if file in KEPT_FILES or any(part in KEPT_DIRECTORIES for part in directories):
        return True
    return directories == ["vendor"] and file.endswith(".whl")


def _modules() -> list[str]:
    """Return the file of each module that is imported."""
    files = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
    return [file for file in files if isinstance(file, str)]
