"""The guard of a stage: what it imported and opened must be what dvc.yaml says it reads.

DVC runs a stage again when a dependency changes. The guard makes that enough: at the end of a
stage, each module of the project that was imported and each file of the project that Python
opened is a dependency of the stage, or the stage fails; so it does where a module came from a
place that is neither the project nor installed. It sees what Python itself opens, in this process:
not what a native reader opens, and not what another process does.
"""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib.util import source_from_cache
from pathlib import Path, PurePosixPath

from modelkeep_core.dvc_yaml import PARAMS, Stage, covers, read_stages
from modelkeep_core.dvcignore import DVCIGNORE, DvcIgnore
from modelkeep_core.errors import UserError
from modelkeep_core.recording import opened, paused, read_keys

DVC_YAML = "dvc.yaml"
# DVC and Git keep these; what they say of a stage is no input of it
KEPT_FILES = ("dvc.lock",)
KEPT_DIRECTORIES = (".git", ".dvc")
# Where packages are installed, in an environment or beside it
INSTALLED = ("site-packages", "dist-packages")
PAGE = "reference/stages.md#the-guard"
OPENED_PARAMS = (
    "It opened params.yaml by itself: the sections that its code names, as in params['train'], "
    "count as read, or all where it names none; `read_params` of modelkeep_core.params reads one. "
)


def check(start: Path, name: str) -> None:
    """Make sure that what this process read of the project is what dvc.yaml says.

    Args:
        start: the directory that the stage runs in: that of dvc.yaml, or one below it.
        name: the stage.

    Raises:
        UserError: naming each file that is missing from the dependencies, or each section from the
            parameters, as lines to be pasted, or a module that is neither of the project nor
            installed.
    """
    place, stage = _declared(start, name)
    modules = _files_of_modules()
    files = project_files(place, {*modules.values(), *opened()})
    if missing := undeclared(stage, place, files):
        lines = "".join(f"\n      - {stage.written(path)}" for path in missing)
        raise UserError(
            f"stage '{name}' read what dvc.yaml does not name, so a change of it would go "
            f"unnoticed. Add to {stage.where}.deps in {place / DVC_YAML}:{lines}",
            PAGE,
        )
    if ignored := hidden(stage, place, files):
        raise UserError(
            f"stage '{name}' read {ignored[0]}, which {DVCIGNORE} hides from DVC, so a change of "
            f"the file would go unnoticed. Take the pattern for it out of {DVCIGNORE}, or do not "
            "read the file.",
            PAGE,
        )
    taken = taken_params(stage, place, files)
    if missing := undeclared_params(stage, place, {*read_keys(), *taken}):
        lines = "".join(f"\n      - {section}" for section in missing)
        raise UserError(
            f"stage '{name}' read parameters that dvc.yaml does not name, so a change of them "
            f"would go unnoticed. {OPENED_PARAMS if taken else ''}Add to {stage.where}.params in "
            f"{place / DVC_YAML}:{lines}",
            PAGE,
        )
    if strange := foreign(place, modules):
        module, file = strange
        raise UserError(
            f"stage '{name}' imported {module} from {file}, which is neither in the project nor "
            "installed from the lock, so a change of it would go unnoticed. Install the locked "
            "package (no editable install, nothing on PYTHONPATH), or put the module into the "
            "project.",
            PAGE,
        )


def project_files(place: Path, files: Iterable[str]) -> list[str]:
    """Return which of some files belong to the project, sorted, relative to `place`.

    What DVC and Git keep for themselves, the wheels that the lock names, and what is installed in a
    virtual environment inside the project do not count.

    Args:
        place: the directory of dvc.yaml; the project is what lies in it, or in the nearest
            directory above it that has `.dvc`.
        files: their paths.
    """
    base, project = os.path.realpath(place), os.path.realpath(project_of(place))
    environments = [os.path.realpath(prefix) for prefix in {sys.prefix, sys.base_prefix}]
    inside = tuple(path + os.sep for path in environments if path.startswith(project + os.sep))
    directories: dict[str, str] = {}
    names = set()
    for file in files:
        path = _real(_source(file), directories)
        if path.startswith(project + os.sep) and not path.startswith(inside):
            names.add(Path(os.path.relpath(path, base)).as_posix())
    return sorted(name for name in names if not _is_aside(name))


def undeclared(stage: Stage, place: Path, names: Iterable[str]) -> list[str]:
    """Return which files a stage may not read.

    An empty `__init__.py`, which decides nothing, and files that are gone again do not count. The
    recipe refuses an `__init__.py` that no longer is empty.

    Args:
        stage: what the stage may read.
        place: the directory of dvc.yaml.
        names: files of the project, relative to `place`.
    """
    allowed = (*stage.deps, *stage.outs, *stage.params)
    return [
        name
        for name in names
        if not any(covers(part, name) for part in allowed)
        and (place / name).is_file()
        and not is_empty_init(place / name)
    ]


def hidden(stage: Stage, place: Path, names: Iterable[str]) -> list[str]:
    """Return which files DVC does not see, though they lie in a dependency of the stage.

    Args:
        stage: what the stage may read.
        place: the directory of dvc.yaml.
        names: files of the project, relative to `place`.
    """
    ignore = DvcIgnore(project_of(place))
    return [
        name
        for name in names
        if any(name.startswith(f"{dep}/") for dep in stage.deps)
        and ignore.hides(Path(os.path.abspath(place / name)))
    ]


def taken_params(stage: Stage, place: Path, names: Iterable[str]) -> list[tuple[str, str]]:
    """Return the sections that a stage takes from a params.yaml which it opened by itself.

    They are those that its code names, as in `params["train"]`, or all where it names none; a
    section of which the stage declares any key is left out, since which keys it took is not seen.

    Args:
        stage: what the stage may read.
        place: the directory of dvc.yaml.
        names: files of the project that it opened or imported, relative to `place`.

    Returns:
        For each of them the absolute path of the file, and the section.
    """
    names = list(names)
    opened_params = [
        name for name in names if PurePosixPath(name).name == PARAMS and stage.params.get(name)
    ]
    if not opened_params:
        return []
    # It brings pydantic, and most stages open none.
    from modelkeep_core.files import read_parameters

    taken = []
    with paused():
        spelt = names_taken((place / name).read_bytes() for name in names if name.endswith(".py"))
        for name in opened_params:
            content = read_parameters(place / name)
            sections = {*content} if isinstance(content, dict) else set()
            named = sections & spelt or sections
            declared = {key.partition(".")[0] for key in stage.params[name]}
            taken += [(str(place / name), str(section)) for section in named - declared]
    return taken


def names_taken(modules: Iterable[bytes]) -> set[str]:
    """Return the texts by which code takes a part of something: `x["name"]`, `x.get("name")`."""
    import ast

    names = set()
    for module in modules:
        for node in ast.walk(ast.parse(module)):
            match node:
                case (
                    ast.Subscript(slice=ast.Constant(value=str(name)))
                    | ast.Call(
                        func=ast.Attribute(attr="get" | "pop"),
                        args=[ast.Constant(value=str(name)), *_],
                    )
                ):
                    names.add(name)
    return names


def check_seen(directory: Path) -> None:
    """Make sure that DVC sees all files of an output; what it does not see, it keeps nowhere.

    Raises:
        UserError: `.dvcignore` hides one.
    """
    ignore = DvcIgnore(project_of(Path()))
    for path in sorted(directory.rglob("*")):
        if path.is_file() and ignore.hides(path.absolute()):
            raise UserError(
                f"{path} is hidden from DVC by {DVCIGNORE}, so neither cache nor remote would have "
                f"it. Take the pattern for it out of {DVCIGNORE}, and type `dvc repro`."
            )


def undeclared_params(stage: Stage, place: Path, keys: Iterable[tuple[str, str]]) -> list[str]:
    """Return the sections of parameters that a stage may not read, sorted, as dvc.yaml names them.

    Args:
        stage: what the stage may read.
        place: the directory of dvc.yaml.
        keys: what it read by `read_params`: the absolute path of a file, and a dotted key.
    """
    missing = set()
    for file, key in keys:
        name = Path(os.path.relpath(os.path.realpath(file), os.path.realpath(place))).as_posix()
        declared = stage.params.get(name)
        # A file without keys is declared whole; so is a file that is a dependency
        whole = declared == () or any(covers(dep, name) for dep in stage.deps)
        parts = key.replace(".", "/")
        if not whole and not any(covers(part.replace(".", "/"), parts) for part in declared or ()):
            missing.add(stage.written_param(name, key.partition(".")[0]))
    return sorted(missing)


def foreign(place: Path, modules: Mapping[str, str]) -> tuple[str, str] | None:
    """Return name and file of a module that is neither of the project nor installed, or None.

    This library does not count: its bytes are compared with the lock.

    Args:
        place: the directory of dvc.yaml.
        modules: the file of each module by its name.
    """
    library = os.path.dirname(os.path.abspath(__file__))
    prefixes = [*map(os.path.realpath, _prefixes()), *_prefixes()]
    homes = (os.path.realpath(project_of(place)), library, *prefixes)
    inside = tuple(home.rstrip(os.sep) + os.sep for home in homes)
    for name, file in sorted(modules.items()):
        path = os.path.abspath(file)
        if path.startswith(inside) or name.partition(".")[0] == __package__:
            continue
        real = os.path.realpath(path)
        parts = (*Path(path).parts, *Path(real).parts)
        if os.path.isfile(real) and not real.startswith(inside) and not {*INSTALLED} & {*parts}:
            return name, real
    return None


def project_of(place: Path) -> Path:
    """Return the nearest directory upwards that has `.dvc`, or `place` where there is none."""
    *_, top = _upwards(place)
    return top if (top / ".dvc").is_dir() else place.absolute()


def is_empty_init(path: Path) -> bool:
    """Say whether a file is the `__init__.py` of a package without any content."""
    return path.name == "__init__.py" and not path.stat().st_size


def _prefixes() -> set[str]:
    """Return the directories of the environment and of the Python that it was made with."""
    return {sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix}


def _declared(start: Path, name: str) -> tuple[Path, Stage]:
    """Return the nearest directory upwards whose dvc.yaml has the stage, and the stage."""
    for place in _upwards(start):
        if (place / DVC_YAML).is_file():
            # What the guard itself reads is no input of the stage
            with paused():
                stages = read_stages(place / DVC_YAML)
            if name in stages:
                return place, stages[name]
    raise UserError(f"{start / DVC_YAML} has no stage '{name}'.")


def _upwards(start: Path) -> Iterator[Path]:
    """Yield a directory and those above it, up to the nearest one that DVC keeps."""
    for place in (start.absolute(), *start.absolute().parents):
        yield place
        if (place / ".dvc").is_dir():
            return


def _real(file: str, directories: dict[str, str]) -> str:
    """Return the real path of a file; real directories are kept, since thousands share a few."""
    head, tail = os.path.split(file)
    if head not in directories:
        directories[head] = os.path.realpath(head)
    path = os.path.join(directories[head], tail)
    return os.path.realpath(path) if os.path.islink(path) else path


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


def _files_of_modules() -> dict[str, str]:
    """Return the file of each module that is imported, by its name."""
    files = {name: getattr(module, "__file__", None) for name, module in [*sys.modules.items()]}
    return {name: file for name, file in files.items() if isinstance(file, str)}
