"""What DVC keeps of a commit: the outputs of its pipeline and the data that it tracks."""

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from modelkeep.registry.catalogue import Catalogue, package_of
from modelkeep.registry.dvc_lock import read_yaml, size_of
from modelkeep.registry.storage import Storage
from modelkeep.registry.version import Version
from modelkeep_core.errors import UserError
from modelkeep_core.foreign import inside, object_name

# All scalars are read as text
NO = "false"
# Where a stage of dvc.yaml lists what it writes, and a variable in a path
KINDS = ("outs", "metrics", "plots")
_VARIABLE = re.compile(r"\$\{[^}]*\}")


@dataclass(frozen=True)
class Output:
    """A file or directory that is in DVC and not in Git.

    Attributes:
        path: relative to the project.
        md5: DVC's name of its object.
        stage: the stage that makes it, or None for data.
        imported: the .dvc file if it comes from another repository, which keeps its bytes.
        size: of its content, in bytes; None where the commit does not say.
        withheld: whether `push: false` keeps `dvc push` from sending it.
        remote: the name of the remote that it has for itself; None for the default one.
    """

    path: str
    md5: str
    stage: str | None = None
    imported: str | None = None
    size: int | None = field(default=None, compare=False)
    withheld: bool = field(default=False, compare=False)
    remote: str | None = None


def outputs_of(catalogue: Catalogue, version: Version) -> list[Output]:
    """Return what DVC keeps of a version's commit, data first.

    Raises:
        UserError: dvc.lock or a .dvc file of the commit cannot be read.
    """
    git, directory = catalogue.git, version.directory
    listed = git.run(
        *("ls-tree", "-r", "-z", "--name-only", "--full-tree", version.commit),
        *(["--", directory] if directory else []),
    )
    tracked = [name.removeprefix(directory) for name in listed.split("\0") if name]
    outputs = []
    for pointer in (name for name in tracked if name.endswith(".dvc")):
        content = read_yaml(git, version.commit, directory + pointer)
        try:
            imported = any("repo" in dep for dep in content.get("deps") or [])
            outputs += [
                Output(
                    inside(
                        posixpath.normpath(
                            posixpath.join(
                                posixpath.dirname(pointer), content.get("wdir", "."), out["path"]
                            )
                        ),
                        "the project",
                    ),
                    object_name(out["md5"], pointer),
                    imported=pointer if imported else None,
                    size=size_of(out),
                    withheld=out.get("push") == NO,
                    remote=str(out["remote"]) if "remote" in out else None,
                )
                for out in content["outs"]
            ]
        except (AttributeError, KeyError, TypeError):
            raise UserError(
                f"{pointer} of commit {version.commit[:7]} is not as DVC writes it."
            ) from None
    in_git = {parent for name in tracked for parent in (name, *_above(name))}
    options = Options(read_yaml(git, version.commit, f"{directory}dvc.yaml"))
    for stage in catalogue.pipeline(version).stages:
        outputs += [
            Output(
                *(out.path, out.md5, stage.name, None, out.size),
                withheld=options.of(out.path, "push") == NO,
                remote=options.of(out.path, "remote"),
            )
            for out in stage.outs
            if out.md5 and out.path not in in_git
        ]
    return outputs


def package_output(catalogue: Catalogue, version: Version) -> Output:
    """Return the package of a version as what DVC keeps.

    Raises:
        UserError: no stage makes it.
    """
    pipeline = catalogue.pipeline(version)
    path, content = package_of(pipeline, version)
    made = pipeline.producing_stage(path)
    assert made is not None
    options = Options(read_yaml(catalogue.git, version.commit, f"{version.directory}dvc.yaml"))
    remote = options.of(made[1].path, "remote")
    return Output(path, content, made[0].name, size=made[1].size, remote=remote)


class Options:
    """What dvc.yaml says of outputs beside their paths."""

    def __init__(self, pipeline: Any) -> None:
        """Read the content of a dvc.yaml."""
        stages = pipeline.get("stages") if isinstance(pipeline, dict) else None
        defined = [*stages.values()] if isinstance(stages, dict) else []
        defined += [stage["do"] for stage in defined if isinstance(stage, dict) and "do" in stage]
        self._entries = [
            (_pattern(posixpath.normpath(posixpath.join(place, str(path)))), options)
            for stage in defined
            if isinstance(stage, dict)
            for place in [str(stage.get("wdir") or "")]
            for kind in KINDS
            for out in _entries(stage.get(kind))
            for path, options in out.items()
            if isinstance(options, dict)
        ]

    def of(self, path: str, option: str) -> str | None:
        """Return the value of an option of an output; None where it has none."""
        values = [
            options[option]
            for pattern, options in self._entries
            if option in options and pattern.fullmatch(path)
        ]
        return str(values[0]) if values else None


def _entries(outs: Any) -> list[dict[str, Any]]:
    return [out for out in outs if isinstance(out, dict)] if isinstance(outs, list) else []


def _pattern(path: str) -> re.Pattern[str]:
    """Return what the paths are like that a path of dvc.yaml with variables stands for."""
    return re.compile(".*".join(map(re.escape, _VARIABLE.split(path))), re.DOTALL)


def _above(path: str) -> list[str]:
    """Return the directories that a path lies in."""
    return [path[:place] for place, sign in enumerate(path) if sign == "/"]


def remotes_of(outputs: Iterable[Output]) -> set[str]:
    """Return the names of the remotes that outputs have for themselves."""
    return {output.remote for output in outputs if output.remote}


def check_objects(outputs: list[Output], storage: Storage) -> None:
    """Make sure that all objects of outputs are in the cache or in their remotes.

    Raises:
        UserError: one is not.
    """
    for place, objects in objects_by_remote(outputs, storage):
        place.check(objects)


def get_objects(outputs: list[Output], storage: Storage) -> None:
    """Make sure that all objects of outputs are in the cache, undamaged.

    Raises:
        UserError: one is missing or damaged here, and missing or damaged in its remote.
    """
    for place, objects in objects_by_remote(outputs, storage):
        place.get(objects)


def objects_by_remote(
    outputs: list[Output], storage: Storage
) -> Iterator[tuple[Storage, dict[str, str]]]:
    """Yield each remote with what its objects are, by their names; imported ones left out.

    Raises:
        UserError: the list of a directory's files is neither in the cache nor in the remote.
    """
    for remote in dict.fromkeys(output.remote for output in outputs):
        place = storage.of(remote)
        objects: dict[str, str] = {}
        for output in outputs:
            if output.imported is None and output.remote == remote:
                for file, name in place.files(output.md5, output.path).items():
                    objects[name] = posixpath.join(output.path, file).rstrip("/")
                objects.setdefault(output.md5, output.path)
        yield place, objects
