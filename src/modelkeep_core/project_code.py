"""The code of a project that a model holds: which modules, and loading them from the package.

A package that holds functions or classes of a project carries their modules, with all modules of
the project that these import, in `code/`. They are loaded from there and never from a work tree,
and only where somebody vouches for the package, because loading them runs them.
"""

import ast
import importlib
import json
import shutil
import sys
import threading
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from modelkeep_core.errors import UserError

CODE = "code"
IMPORTING = ("importlib.import_module", "import_module", "__import__")
_LOCK = threading.RLock()


def closure(root: Path, modules: Iterable[str]) -> list[Path]:
    """Return the files of modules and of all modules below `root` that they import, sorted.

    The files are relative to `root`; the packages around a module belong to it.
    """
    files: set[Path] = set()
    waiting = [path for module in modules for path in _files(root, module)]
    while waiting:
        path = waiting.pop()
        if path not in files:
            files.add(path)
            imported = _imported(ast.parse((root / path).read_bytes()), _module(path))
            waiting += [file for _, name in imported for file in _files(root, name)]
    return sorted(files)


def unresolved(root: Path, file: Path) -> Iterator[tuple[int, str]]:
    """Yield line and name of each module of the project that a file imports and that is not there.

    A name belongs to the project where a package or module of `root` has its first part; `file` is
    relative to `root`.
    """
    package = _module(file).split(".")[:-1]
    for node in ast.walk(ast.parse((root / file).read_bytes())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [_origin(node, package)]
        else:
            continue
        for name in names:
            top = name.partition(".")[0]
            own = (root / f"{top}.py").is_file() or any((root / top).glob("*.py"))
            place = root.joinpath(*name.split("."))
            if name and own and not (place.is_dir() or place.with_suffix(".py").is_file()):
                yield node.lineno, name


def file_of(root: Path, module: str) -> Path | None:
    """Return the file of a module of the project, relative to `root`; None where it has none."""
    files = _files(root, module)
    return files[-1] if files else None


def modules_in(model: Path, root: Path) -> list[str]:
    """Return the modules of the project in `root` that a model file names, sorted.

    The description of the model is read, and nothing is loaded.

    Raises:
        UserError: the file is no model.
    """
    try:
        with zipfile.ZipFile(model) as archive:
            described = json.loads(archive.read("schema.json"))
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise UserError(f"{model} is not a model file: {error}.") from None
    return sorted(name for name in set(_named(described)) if _files(root, name))


def _named(part: Any) -> Iterator[str]:
    """Yield the name of each module in a part of a model's description."""
    if isinstance(part, dict):
        for key, value in part.items():
            if key in ("__module__", "module_path") and isinstance(value, str):
                yield value
            yield from _named(value)
    elif isinstance(part, list):
        for value in part:
            yield from _named(value)


def copy_code(root: Path, modules: Iterable[str], out: Path) -> list[str]:
    """Copy modules of a project, with what they import of it, into the directory `out`.

    Returns:
        The files, relative to `out`.

    Raises:
        UserError: one of them imports another inside a function: by the time that it runs, the
            package's own code can no longer be imported.
    """
    files = closure(root, modules)
    for file in files:
        for line, name in _late(root / file, _module(file)):
            if _files(root, name):
                raise UserError(
                    f"{file}, line {line}: {name} is imported inside a function, and a model that "
                    "is loaded from its package could not do that. Import it at the top of the "
                    "file."
                )
    for file in files:
        (out / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / file, out / file)
    return [file.as_posix() for file in files]


@contextmanager
def imported_from(code: Path) -> Iterator[None]:
    """Let modules that are in a directory be imported from there, whatever is imported elsewhere.

    Afterwards the modules that were imported before are in their place again; what was loaded goes
    on with its own.
    """
    if not code.is_dir():
        yield
        return
    tops = {path.stem for path in code.iterdir() if path.is_dir() or path.suffix == ".py"}
    with _LOCK:
        before = {name: sys.modules.pop(name) for name in _below(tops)}
        sys.path.insert(0, str(code))
        bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True
        importlib.invalidate_caches()
        try:
            yield
        finally:
            sys.dont_write_bytecode = bytecode
            sys.path.remove(str(code))
            for name in _below(tops):
                del sys.modules[name]
            sys.modules.update(before)


def _below(tops: set[str]) -> list[str]:
    return [name for name in sys.modules if name.partition(".")[0] in tops]


def _files(root: Path, module: str) -> list[Path]:
    """Return the file of a module of the project with those of its packages; none for others."""
    *packages, last = module.split(".")
    place, files = Path(), []
    for name in packages:
        place /= name
        if (root / place / "__init__.py").is_file():
            files.append(place / "__init__.py")
    if (root / place / f"{last}.py").is_file():
        return [*files, place / f"{last}.py"]
    if (root / place / last / "__init__.py").is_file():
        return [*files, place / last / "__init__.py"]
    return []


def _module(path: Path) -> str:
    return ".".join(path.with_suffix("").parts)


def _late(path: Path, module: str) -> Iterator[tuple[int, str]]:
    """Yield line and name of what a file may import when one of its functions runs."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _imported(node, module)


def _imported(part: ast.AST, module: str) -> Iterator[tuple[int, str]]:
    """Yield line and absolute name of what a module may import, by a statement or a call."""
    package = module.split(".")[:-1]
    for node in ast.walk(part):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = _origin(node, package)
            if origin:
                yield node.lineno, origin
            for alias in node.names:
                yield node.lineno, f"{origin}.{alias.name}" if origin else alias.name
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in IMPORTING and node.args:
            name = getattr(node.args[0], "value", None)
            if isinstance(name, str) and all(part.isidentifier() for part in name.split(".")):
                yield node.lineno, name


def _origin(node: ast.ImportFrom, package: list[str]) -> str:
    """Return the absolute name of the module that names are imported from."""
    above = package[: len(package) - node.level + 1] if node.level else []
    return ".".join([*above, *([node.module] if node.module else [])])
