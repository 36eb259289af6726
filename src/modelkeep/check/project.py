"""A project as its files describe it: each is read once, and each part knows its line."""

import ast
import posixpath
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement
from packaging.utils import canonicalize_name

from modelkeep.check.commands import Command, commands_of
from modelkeep.check.documents import Document, Step, Unreadable
from modelkeep.check.repository import Repository, repository_around
from modelkeep_core.dvc_yaml import Stage, covers, overlaps, read_stages
from modelkeep_core.environment import Locked, read_lock
from modelkeep_core.errors import UserError
from modelkeep_core.merges import REMEDY, Unmerged, half_merged
from modelkeep_core.project_code import closure
from modelkeep_core.schema import Schema, read_schema

DVC_YAML, PARAMS, PYPROJECT = "dvc.yaml", "params.yaml", "pyproject.toml"
LOCK, PYTHON, CORE = "requirements.lock", ".python-version", "modelkeep_core"
KINDS = {"deps": ("deps",), "outs": ("outs", "metrics", "plots")}


@dataclass(frozen=True)
class Entry:
    """A dependency or an output of a stage.

    Attributes:
        path: relative to the root of the project.
        line: where it stands in dvc.yaml.
        cached: whether DVC keeps it, and not Git.
    """

    path: str
    line: int
    cached: bool


@dataclass(frozen=True)
class CheckedStage:
    """A stage with the lines of its parts.

    Attributes:
        stage: what it runs, reads and writes.
        key: its key in dvc.yaml; several stages of one `foreach` or `matrix` share it.
        place: the directory that it runs in, relative to the root of the project.
        document: dvc.yaml.
        steps: where it stands in dvc.yaml.
    """

    stage: Stage
    key: str
    place: str
    document: Document
    steps: tuple[Step, ...]

    @property
    def name(self) -> str:
        """The name of the stage, as DVC knows it."""
        return self.stage.name

    def line(self, *steps: Step) -> int:
        """Return the line of a part of the stage, or of the stage where it has none."""
        return self.document.line(*self.steps, *steps)

    def line_of_word(self, word: str) -> int:
        """Return the line of the command that a word stands on."""
        return self.document.line_of_word(word, *self.steps, "cmd")

    def path(self, word: str) -> str:
        """Return a path of the command as it is from the root of the project."""
        return posixpath.normpath(posixpath.join(self.place, word))

    @cached_property
    def commands(self) -> list[Command]:
        """The programs that the stage starts."""
        return commands_of(self.stage.command)

    @cached_property
    def deps(self) -> list[Entry]:
        """The dependencies."""
        return self._entries("deps", self.stage.deps)

    @cached_property
    def outs(self) -> list[Entry]:
        """The outputs, metrics and plots among them."""
        return self._entries("outs", self.stage.outs)

    def has_dep(self, path: str) -> bool:
        """Say whether a path is a dependency, or lies in one."""
        return any(covers(dep, path) for dep in self.stage.deps)

    def _written(self, part: str) -> list[Any]:
        items = self.document.value(*self.steps, part)
        return items if isinstance(items, list) else []

    def _entries(self, kind: str, paths: tuple[str, ...]) -> list[Entry]:
        written = [
            (self.line(part, number), options)
            for part in KINDS[kind]
            for number, options in enumerate(self._written(part))
        ]
        if len(written) != len(paths):
            # A list that is filled in from elsewhere
            written = [(self.line(kind), None)] * len(paths)
        return [
            Entry(path, line, _cached(options))
            for path, (line, options) in zip(paths, written, strict=True)
        ]


def _cached(options: Any) -> bool:
    if not isinstance(options, dict) or not options:
        return True
    own = next(iter(options.values()))
    return not (isinstance(own, dict) and str(own.get("cache")).lower() == "false")


class Project:
    """A project: the directory of a dvc.yaml, and what its files say.

    What is read is kept. A file that is missing is None; one that cannot be read is None too, and
    is named in `unreadable`.
    """

    def __init__(self, root: Path) -> None:
        """Read dvc.yaml in the directory `root`.

        Raises:
            UserError: it is missing, or not as DVC wants it.
        """
        self.root = root
        self.unreadable: list[Unreadable] = []
        stages = read_stages(root / DVC_YAML)
        try:
            self.dvc = Document(DVC_YAML, (root / DVC_YAML).read_text(encoding="utf-8"))
        except Unreadable as error:
            raise UserError(f"{DVC_YAML}, line {error.line}: {error.reason}.") from None
        self.stages = {name: self._checked(stage) for name, stage in stages.items()}
        # Several rules ask for them.
        self.code = cache(self._code)
        self.document = cache(self._document)
        self.schema = cache(self._schema)
        self.lock = cache(self._lock)

    def _checked(self, stage: Stage) -> CheckedStage:
        key = stage.name if self.dvc.has("stages", stage.name) else stage.name.partition("@")[0]
        steps: tuple[Step, ...] = ("stages", key)
        if self.dvc.has(*steps, "do"):
            steps = (*steps, "do")
        place = self.dvc.value(*steps, "wdir")
        return CheckedStage(stage, key, place or ".", self.dvc, steps)

    @cached_property
    def params(self) -> Document | None:
        """params.yaml."""
        return self.document(PARAMS)

    @cached_property
    def pyproject_text(self) -> str | None:
        """The text of pyproject.toml."""
        path = self.root / PYPROJECT
        return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else None

    @cached_property
    def pyproject(self) -> dict[str, Any] | None:
        """The content of pyproject.toml."""
        if self.pyproject_text is None:
            return None
        try:
            return tomllib.loads(self.pyproject_text)
        except (RecursionError, tomllib.TOMLDecodeError) as error:
            self.unreadable.append(Unreadable(PYPROJECT, getattr(error, "lineno", 1), str(error)))
            return None

    @cached_property
    def git(self) -> Repository | None:
        """The Git repository that the project is in."""
        return repository_around(self.root)

    def ignored(self, paths: Iterable[str]) -> set[str]:
        """Return which paths of the project Git ignores and does not have."""
        inside = [path for path in paths if not path.startswith(("..", "/"))]
        if self.git is None or not inside:
            return set()
        tracked = self.git.tracked
        ignored = self.git.ignored(inside)
        return {path for path in ignored if not any(covers(path, name) for name in tracked)}

    @cached_property
    def tracked_data(self) -> dict[str, tuple[str, int]]:
        """Return what .dvc files keep: by path the file and the line that say so."""
        files = [name for name in self.git.tracked if name.endswith(".dvc")] if self.git else []
        kept: dict[str, tuple[str, int]] = {}
        for file in files:
            document = self.document(file) if (self.root / file).is_file() else None
            for number, out in enumerate((document and document.value("outs")) or []):
                if document and isinstance(out, dict) and isinstance(out.get("path"), str):
                    path = posixpath.normpath(posixpath.join(posixpath.dirname(file), out["path"]))
                    kept[path] = file, document.line("outs", number, "path")
        return kept

    @cached_property
    def unmerged(self) -> list[Unreadable]:
        """The files in which both sides of a merge stand."""
        names = self.git.tracked if self.git else ()
        return [Unreadable(name, line, REMEDY) for name, line in half_merged(self.root, names)]

    def _document(self, name: str) -> Document | None:
        """Read a YAML file of the project."""
        path = self.root / name
        if not path.is_file():
            return None
        try:
            return Document(name, path.read_text(encoding="utf-8"))
        except UnicodeDecodeError:
            self.unreadable.append(Unreadable(name, 1, "its bytes are no UTF-8 text"))
        except Unreadable as error:
            self.unreadable.append(error)
        return None

    def _schema(self, name: str) -> Schema | UserError:
        """Read a schema; what is wrong with it is returned."""
        try:
            return read_schema(self.root / name)
        except UserError as error:
            return error

    def _lock(self, name: str) -> dict[str, Locked] | None:
        """Return the packages of a lock by their normalized names; none where it is missing.

        None where it cannot be read.
        """
        path = self.root / name
        try:
            packages = read_lock(path) if path.is_file() else {}
        except Unmerged:
            return None
        except (InvalidRequirement, UnicodeDecodeError) as error:
            self.unreadable.append(Unreadable(name, 1, str(error).splitlines()[0]))
            return None
        return {str(canonicalize_name(package)): locked for package, locked in packages.items()}

    def _code(self, name: str) -> list[str]:
        """Return the files of the project that are the code of a stage, by its imports."""
        return sorted({*self._modules(self.stages[name])})

    def _modules(self, stage: CheckedStage) -> Iterator[str]:
        for command in stage.commands:
            if command.module:
                base, names = stage.place, [command.module, f"{command.module}.__main__"]
            elif command.script:
                # Python finds what a script imports beside it.
                base = posixpath.dirname(stage.path(command.script)) or "."
                names = [command.name or ""]
            else:
                continue
            try:
                files = closure(self.root / base, names)
            except (SyntaxError, ValueError):
                files = []
                self._find_broken(base)
            yield from (posixpath.normpath(posixpath.join(base, file.as_posix())) for file in files)

    def _find_broken(self, base: str) -> None:
        """Name the modules that are not Python; only the directories of code are looked at."""
        tops = [path for path in (self.root / base).glob("*") if not path.name.startswith(".")]
        modules = [path for path in tops if path.suffix == ".py"]
        for top in tops:
            if top.is_dir() and not (top / "pyvenv.cfg").is_file():
                modules += sorted(top.rglob("*.py"))
        reported = {broken.file for broken in self.unreadable}
        for path in modules:
            name = path.relative_to(self.root).as_posix()
            try:
                compile(path.read_bytes(), name, "exec", dont_inherit=True)
            except (SyntaxError, ValueError) as error:
                if name not in reported:
                    line = getattr(error, "lineno", None) or 1
                    self.unreadable.append(Unreadable(name, line, f"it is not Python: {error}"))

    def path_options(self, stage: CheckedStage, command: Command) -> set[str]:
        """Return the options of a command that are paths, because its code calls `stage.run`.

        A stage that is started by `modelkeep_core.stage.run(main, "raw", "out")` has the options
        --raw and --out, and both are paths.
        """
        file = command.script
        if command.module:
            file = f"{command.module.replace('.', '/')}.py"
        path = self.root / stage.place / (file or "")
        if file is None or not path.is_file():
            return set()
        try:
            tree = ast.parse(path.read_bytes())
        except (SyntaxError, ValueError):
            return set()
        names = {
            argument.value
            for call in ast.walk(tree)
            if isinstance(call, ast.Call) and ast.unparse(call.func) in ("run", "stage.run")
            for argument in call.args
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
        }
        return {f"--{name.replace('_', '-')}" for name in names}

    def imports(self, stage: CheckedStage, module: str) -> bool:
        """Say whether code of a stage names a module of modelkeep_core, such as "split"."""
        return any(
            f"{CORE}.{module}" in text or (f"from {CORE} import" in text and module in text)
            for text in map(self.text, self.code(stage.name))
        )

    def text(self, name: str) -> str:
        """Return the text of a file of the project."""
        return (self.root / name).read_text(encoding="utf-8", errors="replace")

    def is_own(self, stage: CheckedStage, command: Command) -> bool:
        """Say whether a command runs Python code of this project."""
        if command.script:
            return not posixpath.isabs(command.script)
        if not command.module:
            return False
        top = self.root / stage.place / command.module.partition(".")[0]
        return top.is_dir() or top.with_suffix(".py").is_file()

    def lock_of(self, stage: CheckedStage) -> str:
        """Return the lock that a stage is given, or else that of the project."""
        given = (command.option("--requirements") for command in stage.commands)
        return next((stage.path(name) for name in given if name), LOCK)

    def uses_core(self, stage: CheckedStage) -> bool:
        """Say whether a stage runs modelkeep_core, or code that names it."""
        texts = map(self.text, self.code(stage.name))
        return CORE in stage.stage.command or any(CORE in text for text in texts)

    def packaging(self) -> Iterator[tuple[CheckedStage, Command]]:
        """Yield the stages that write a package, with the command that does."""
        for stage in self.stages.values():
            for command in stage.commands:
                if command.module == f"{CORE}.package":
                    yield stage, command

    def is_made(self, path: str) -> bool:
        """Say whether a stage writes a path, or something in it or around it."""
        outs = (out for stage in self.stages.values() for out in stage.stage.outs)
        return any(overlaps(out, path) for out in outs)
