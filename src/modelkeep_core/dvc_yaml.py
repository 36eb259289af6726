"""dvc.yaml → its stages: what each runs, reads and writes."""

import os
import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelkeep_core import recording
from modelkeep_core.errors import UserError
from modelkeep_core.merges import check_merged

PARAMS = "params.yaml"
TEMPLATED = ("foreach", "matrix", "vars")


@dataclass(frozen=True)
class Stage:
    """A stage of dvc.yaml; all paths are relative to the directory of dvc.yaml.

    Attributes:
        name: its key, such as "train"; with "@" and the item where it is one of several.
        command: what it runs.
        deps, outs: the files and directories that it reads and writes.
        params: for each file of parameters the dotted keys that it uses; none: all of them.
        where: its key in dvc.yaml, such as "stages.train", or "stages.train.do" of one of several.
        place: the directory that it runs in, from which its paths are written in dvc.yaml.
        frozen: whether DVC does not run it again, whatever it reads.
        always_changed: whether DVC runs it again each time.
    """

    name: str
    command: str
    deps: tuple[str, ...]
    outs: tuple[str, ...]
    params: Mapping[str, tuple[str, ...]]
    where: str = ""
    place: str = "."
    frozen: bool = False
    always_changed: bool = False

    def written(self, path: str) -> str:
        """Return a path, relative to the directory of dvc.yaml, as the stage names it there."""
        return posixpath.relpath(path, self.place)

    def written_param(self, file: str, key: str) -> str:
        """Return a key of a file of parameters as the stage names it; "" stands for all keys."""
        name = self.written(file)
        if not key:
            return f"{name}:"
        return key if name == PARAMS else f"{name}: [{key}]"


def read_stages(path: Path) -> dict[str, Stage]:
    """Read the stages of a dvc.yaml, in its order.

    Raises:
        UserError: the file is missing, is not YAML, is not as DVC wants it, or has variables or
            loops where DVC is not installed.
    """
    text = _text(path)
    content = _parsed(text, path)
    try:
        stages = content["stages"]
        if "${" in text or any(key in stage for stage in stages.values() for key in TEMPLATED):
            return _resolved(path, stages)
        if "vars" in content:
            return _resolved(path, stages)
        return {name: _stage(name, stage) for name, stage in stages.items()}
    except (AttributeError, KeyError, TypeError, StopIteration):
        raise UserError(f"{path} is not as DVC wants it: it has no stages.") from None


def upstream(stages: Mapping[str, Stage], path: str) -> list[Stage]:
    """Return the stages that a path is made by, directly or not, in the order of dvc.yaml."""
    names: set[str] = set()
    waiting = [path]
    while waiting:
        wanted = waiting.pop()
        for stage in stages.values():
            if stage.name not in names and any(overlaps(out, wanted) for out in stage.outs):
                names.add(stage.name)
                waiting += stage.deps
    return [stage for stage in stages.values() if stage.name in names]


def overlaps(left: str, right: str) -> bool:
    """Say whether two paths are the same, or one lies in the other."""
    return covers(left, right) or covers(right, left)


def covers(outer: str, inner: str) -> bool:
    """Say whether `inner` is `outer`, or lies in it."""
    return outer in (inner, ".") or inner.startswith(f"{outer}/")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError(f"{path} is missing.") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not valid YAML: {error}") from None


def _parsed(text: str, path: Path) -> Any:
    """Return the content of a YAML file with all scalars as text.

    PyYAML's C parser takes a tenth of the time of the parser that DVC uses; of text, both see the
    same.
    """
    import yaml

    try:
        return yaml.load(text, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader))
    except yaml.YAMLError as error:
        check_merged(text, str(path))
        raise UserError(f"{path} is not valid YAML: {error}") from None


def _stage(name: str, stage: Mapping[str, Any]) -> Stage:
    place = stage.get("wdir") or "."
    command = stage["cmd"]
    return Stage(
        name,
        command if isinstance(command, str) else " && ".join(command),
        _paths(stage.get("deps"), place),
        _paths([*(stage.get("outs") or []), *(stage.get("metrics") or [])], place)
        + _paths(stage.get("plots"), place),
        _params(stage.get("params") or [], place),
        f"stages.{name}",
        posixpath.normpath(place),
        str(stage.get("frozen")).lower() == "true",
        str(stage.get("always_changed")).lower() == "true",
    )


def _paths(entries: Iterable[Any] | None, place: str) -> tuple[str, ...]:
    names = [entry if isinstance(entry, str) else next(iter(entry)) for entry in entries or []]
    return tuple(posixpath.normpath(posixpath.join(place, name)) for name in names)


def _params(entries: Iterable[Any], place: str) -> dict[str, tuple[str, ...]]:
    """Return the keys by file; a key without a file belongs to params.yaml."""
    by_file: dict[str, tuple[str, ...]] = {}
    whole = set()
    for entry in entries:
        pairs = {PARAMS: [entry]} if isinstance(entry, str) else entry
        for file, keys in pairs.items():
            name = posixpath.normpath(posixpath.join(place, file))
            by_file[name] = by_file.get(name, ()) + tuple(keys or ())
            if not keys:
                whole.add(name)
    # As for DVC, a file that is named without keys is used whole, whatever else is named of it.
    return by_file | dict.fromkeys(whole, ())


def _resolved(path: Path, written: Mapping[str, Any]) -> dict[str, Stage]:
    """Let DVC itself fill in a dvc.yaml that has variables or loops; it takes about a second."""
    try:
        from dvc.exceptions import DvcException
        from dvc.repo import Repo
    except ImportError:
        raise UserError(
            f"{path} has variables or loops, which DVC fills in, and DVC is not installed here. "
            "Install it into this environment, or write the stages out."
        ) from None
    try:
        # What DVC reads is no input of the stage that may be running
        with recording.paused(), Repo(str(path.parent)) as repo:
            own = [stage for stage in repo.index.stages if Path(stage.path) == path.resolve()]
            return {stage.name: _of_dvc(stage, path.resolve().parent, written) for stage in own}
    except DvcException as error:
        raise UserError(f"{path} is not as DVC wants it: {error}") from None


def _of_dvc(stage: Any, root: Path, written: Mapping[str, Any]) -> Stage:
    def relative(part: Any) -> str:
        return Path(os.path.relpath(part.fs_path, root)).as_posix()

    params = {relative(dep): tuple(dep.params) for dep in stage.deps if hasattr(dep, "params")}
    command = stage.cmd
    key = stage.name if stage.name in written else stage.name.partition("@")[0]
    return Stage(
        stage.name,
        command if isinstance(command, str) else " && ".join(command),
        tuple(relative(dep) for dep in stage.deps if not hasattr(dep, "params")),
        tuple(relative(out) for out in stage.outs),
        params,
        f"stages.{key}.do" if "do" in written[key] else f"stages.{key}",
        Path(os.path.relpath(stage.wdir, root)).as_posix(),
        stage.frozen,
        stage.always_changed,
    )
