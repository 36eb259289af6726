"""What DVC keeps of a commit: the outputs of its pipeline and the data that it tracks."""

import posixpath
from dataclasses import dataclass, field
from typing import Any

from modelkeep.registry.catalogue import Catalogue
from modelkeep.registry.dvc_lock import read_yaml, size_of
from modelkeep.registry.storage import Storage
from modelkeep.registry.version import Version
from modelkeep_core.errors import UserError
from modelkeep_core.foreign import inside, object_name

# All scalars are read as text
NO = "false"


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
    """

    path: str
    md5: str
    stage: str | None = None
    imported: str | None = None
    size: int | None = field(default=None, compare=False)
    withheld: bool = field(default=False, compare=False)


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
                )
                for out in content["outs"]
            ]
        except (AttributeError, KeyError, TypeError):
            raise UserError(
                f"{pointer} of commit {version.commit[:7]} is not as DVC writes it."
            ) from None
    in_git = {parent for name in tracked for parent in (name, *_above(name))}
    withheld = _withheld(read_yaml(git, version.commit, f"{directory}dvc.yaml"))
    for stage in catalogue.pipeline(version).stages:
        outputs += [
            Output(out.path, out.md5, stage.name, size=out.size, withheld=out.path in withheld)
            for out in stage.outs
            if out.md5 and out.path not in in_git
        ]
    return outputs


def _withheld(pipeline: Any) -> set[str]:
    """Return the outputs that dvc.yaml keeps from being pushed."""
    stages = pipeline.get("stages") if isinstance(pipeline, dict) else None
    defined = [*stages.values()] if isinstance(stages, dict) else []
    defined += [stage["do"] for stage in defined if isinstance(stage, dict) and "do" in stage]
    return {
        str(path)
        for stage in defined
        if isinstance(stage, dict)
        for outs in [stage.get("outs")]
        for out in (outs if isinstance(outs, list) else [])
        if isinstance(out, dict)
        for path, options in out.items()
        if isinstance(options, dict) and options.get("push") == NO
    }


def _above(path: str) -> list[str]:
    """Return the directories that a path lies in."""
    return [path[:place] for place, sign in enumerate(path) if sign == "/"]


def objects_of(outputs: list[Output], storage: Storage) -> dict[str, str]:
    """Return what each object of the outputs is, by the object's name; imported ones left out.

    Raises:
        UserError: the list of a directory's files is neither in the cache nor in the remote.
    """
    objects: dict[str, str] = {}
    for output in outputs:
        if output.imported is None:
            for file, name in storage.files(output.md5, output.path).items():
                objects[name] = posixpath.join(output.path, file).rstrip("/")
            objects.setdefault(output.md5, output.path)
    return objects
