"""The pipeline of a commit: what dvc.lock says was run, and which paths are models."""

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from modelkeep.registry.git import Git
from modelkeep_core.dvc_yaml import overlaps
from modelkeep_core.errors import UserError
from modelkeep_core.foreign import MOST_YAML, check_tree, inside, object_name
from modelkeep_core.merges import check_merged


class NotYaml(UserError):
    """A file of a commit that should be YAML is none."""


@dataclass(frozen=True)
class File:
    """A file or directory that a stage read or wrote.

    Attributes:
        path: relative to the project.
        md5: DVC's hash of its content; it ends in ".dir" for a directory.
        size: of its content, in bytes; None where the lock does not say.
    """

    path: str
    md5: str | None
    size: int | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Stage:
    """A stage as it was run.

    Attributes:
        name, command: its key, and what was run.
        deps, outs: what it read and wrote.
        params: the values of parameters by file and name; they may share parts, as aliases do, and
            so be far larger than they are in memory: `foreign.check_tree` tells.
    """

    name: str
    command: str
    deps: tuple[File, ...]
    params: dict[str, Any]
    outs: tuple[File, ...]


@dataclass(frozen=True)
class Pipeline:
    """The stages of a commit's dvc.lock, in their order, and the path of each model's package.

    Attributes:
        stages: as they were run.
        artifacts: the path of the package of each model.
        places: the working directories of the stages of dvc.yaml that have one of their own.
    """

    stages: tuple[Stage, ...]
    artifacts: dict[str, str]
    places: dict[str, str] = field(default_factory=dict)

    def producing_stage(self, path: str) -> tuple[Stage, File] | None:
        """Return the stage that wrote a path, or a directory around it, and that output."""
        for stage in self.stages:
            for out in stage.outs:
                if path == out.path or path.startswith(f"{out.path}/"):
                    return stage, out
        return None

    def leading_to(self, path: str) -> "Pipeline":
        """Return the stages alone that a path is made by, directly or not."""
        names: set[str] = set()
        waiting = [path]
        while waiting:
            wanted = waiting.pop()
            for stage in self.stages:
                if stage.name not in names and any(
                    overlaps(out.path, wanted) for out in stage.outs
                ):
                    names.add(stage.name)
                    waiting += [dep.path for dep in stage.deps]
        return replace(self, stages=tuple(part for part in self.stages if part.name in names))


def read_pipeline(git: Git, commit: str, directory: str) -> Pipeline:
    """Read dvc.yaml and dvc.lock of a commit.

    Args:
        git: the repository.
        commit: the id of the commit.
        directory: the project's path in the repository: "" or "some/directory/".

    Raises:
        UserError: one of them is missing, is not YAML, or is not what DVC writes.
    """
    artifacts = read_artifacts(git, commit, directory)
    places = working_directories(read_yaml(git, commit, f"{directory}dvc.yaml"))
    content = git.read_one(f"{commit}:{directory}dvc.lock")
    if content is None:
        raise git.no_file(commit, f"{directory}dvc.lock")
    try:
        return parse_pipeline(content, artifacts, places)
    except UserError as error:
        raise UserError(f"{error} (commit {commit[:7]})") from None


def parse_pipeline(
    content: bytes, artifacts: dict[str, str], places: Mapping[str, str] | None = None
) -> Pipeline:
    """Return the pipeline that the bytes of a dvc.lock describe.

    Args:
        content: the bytes.
        artifacts: the path of the package of each model.
        places: the working directories that dvc.yaml gives to stages.

    Raises:
        UserError: they are not YAML, or not what DVC writes.
    """
    places = dict(places or {})
    try:
        # Only the values of parameters may be aliases of aliases, and those nobody writes out.
        lock = _parsed_within(content, "dvc.lock")
        return Pipeline(tuple(_stages(lock["stages"], places)), artifacts, places)
    except (AttributeError, KeyError, TypeError, ValueError):
        raise UserError("dvc.lock is not as DVC writes it.") from None
    except NotYaml:
        raise UserError("dvc.lock is not as DVC writes it.") from None
    except UserError as error:
        raise UserError(f"dvc.lock is not as DVC writes it: {error}") from None


def read_artifacts(git: Git, commit: str, directory: str) -> dict[str, str]:
    """Return the path of the package of each model that dvc.yaml of a commit names.

    Raises:
        UserError: dvc.yaml is missing, is not YAML, or is not as DVC wants it.
    """
    project = read_yaml(git, commit, f"{directory}dvc.yaml")
    try:
        artifacts = project.get("artifacts") or {}
        return {
            str(name): inside(artifact["path"], "the project")
            for name, artifact in artifacts.items()
        }
    except (AttributeError, KeyError, TypeError, UserError):
        raise UserError(f"dvc.yaml of commit {commit[:7]} is not as DVC wants it.") from None


def working_directories(project: Any) -> dict[str, str]:
    """Return the working directories, relative to the project, that a dvc.yaml gives to stages.

    Paths of a stage in dvc.yaml and dvc.lock are relative to its own.

    Raises:
        UserError: one has variables.
    """
    stages = project.get("stages") if isinstance(project, dict) else None
    places = {}
    for name, stage in stages.items() if isinstance(stages, dict) else ():
        defined = stage.get("do", stage) if isinstance(stage, dict) else None
        place = defined.get("wdir") if isinstance(defined, dict) else None
        if not isinstance(place, str) or not place:
            continue
        if "${" in place:
            raise UserError(
                f"the wdir of stage {name} in dvc.yaml has variables, which are not filled in: "
                f"{place}. Write it out."
            )
        places[str(name)] = place
    return places


def read_yaml(git: Git, commit: str, path: str) -> Any:
    """Read a YAML file of a commit.

    Raises:
        UserError: the commit has no such file, or it is not YAML.
    """
    content = git.read_one(f"{commit}:{path}")
    if content is None:
        raise git.no_file(commit, path)
    return parse_yaml(content, f"{path} of commit {commit[:7]}")


def parse_yaml(content: bytes, where: str) -> Any:
    """Return what a YAML file of a commit says, with all scalars as text.

    Args:
        content: its bytes.
        where: which file it is, for the message.

    Raises:
        UserError: it is not YAML, or too large once its aliases are written out.
    """
    parsed = _parsed_within(content, where)
    check_tree(parsed, where)
    return parsed


def _parsed_within(content: bytes, where: str) -> Any:
    if len(content) > MOST_YAML:
        raise UserError(f"{where} is too large to be read.")
    parsed = _parsed(content)
    if parsed is None:
        check_merged(content.decode("utf-8", "replace"), where)
        raise NotYaml(f"{where} is not valid YAML.")
    return parsed


@lru_cache(maxsize=8)
def _parsed(content: bytes) -> Any:
    """Return the content of a YAML file, all scalars as text; None if it is not YAML.

    It is read by PyYAML, ten times as fast as by DVC's parser; as text, both see the same.
    """
    import yaml

    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    try:
        return yaml.load(content.decode("utf-8"), Loader=loader)
    except (yaml.YAMLError, RecursionError, ValueError):
        return None


def _stages(stages: dict[str, Any], places: dict[str, str]) -> Iterator[Stage]:
    for key, stage in stages.items():
        name, command = str(key), stage.get("cmd", "")
        # Those of a loop are called stage@item.
        place = places.get(name.partition("@")[0], "")
        outs = tuple(_files(stage.get("outs", []), place))
        for out in outs:
            inside(out.path, "the project")
        yield Stage(
            name,
            command if isinstance(command, str) else " && ".join(command),
            tuple(_files(stage.get("deps", []), place)),
            {
                _from_project(file, place): dict(values)
                for file, values in stage.get("params", {}).items()
            },
            outs,
        )


def _files(entries: list[dict[str, Any]], place: str) -> Iterator[File]:
    for entry in entries:
        path, name = entry["path"], entry.get("md5")
        if not isinstance(path, str):
            raise TypeError(path)
        md5 = None if name is None else object_name(name, path)
        yield File(_from_project(path, place), md5, size_of(entry))


def _from_project(path: str, place: str) -> str:
    """Return a path relative to a stage's working directory as one relative to the project."""
    if not place or "://" in path:
        return path
    return posixpath.normpath(posixpath.join(place, path))


def size_of(entry: dict[str, Any]) -> int | None:
    """Return the size that an entry of dvc.lock or of a .dvc file gives, in bytes, or None."""
    size = str(entry.get("size", ""))
    return int(size) if size.isascii() and size.isdigit() and len(size) < 20 else None
