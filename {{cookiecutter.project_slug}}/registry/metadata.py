"""The metadata of versions: the model.json that each commit has of each of its models."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from pipeline.refusal import Refusal
from registry.git import CHUNK, Git
from registry.lock import read_artifacts, read_line
from registry.version import Version

Metadata = dict[str, Any]
# Where the first model of a project has its metadata, and what every command but `list` needs
DEFAULT_PATH = "model.json"
KEYS = {
    "recipe_id": str,
    **dict.fromkeys(("metrics", "training", "data", "schema", "recipe", "libraries"), dict),
}


@dataclass(frozen=True)
class Found:
    """The metadata of a version, or the reason why there are none."""

    metadata: Metadata | None
    problem: str | None = None


class Records:
    """Reads metadata from Git, and remembers where each model has had them.

    A model's metadata are the JSON file that the stage which makes its package writes beside it.
    Reading dvc.lock for that takes far longer than reading the file, so it is looked for first
    where other versions of the model had it; it is known by the name of the model in it.
    """

    def __init__(self, git: Git) -> None:
        self._git = git
        self._paths: dict[str, list[str]] = {}

    def read(self, versions: Iterable[Version]) -> Iterator[tuple[Version, Found]]:
        """Yield each version with its metadata."""
        waiting = iter(versions)
        while chunk := [(it, self.paths(it.model)[0]) for it in islice(waiting, CHUNK)]:
            names = (f"{version.commit}:{version.directory}{path}" for version, path in chunk)
            for (version, path), content in zip(chunk, self._git.read(names), strict=True):
                metadata = _metadata(content, version.name)
                yield version, Found(metadata) if metadata else self._search(version, path)

    def of(self, version: Version) -> Metadata:
        """Return the metadata of one version.

        Raises:
            Refusal: its commit has none, or they lack what the commands need.
        """
        ((_, found),) = self.read([version])
        if found.metadata is None:
            raise Refusal(f"{version.label} has no metadata: {found.problem}")
        lacking = [key for key in KEYS if key not in found.metadata]
        if lacking:
            raise Refusal(
                f"the metadata of {version.label} have no '{lacking[0]}': they were written by "
                "another version of the package stage."
            )
        return found.metadata

    def committed(self, version: Version) -> bytes | None:
        """Return the bytes of the metadata as they are committed.

        Raises:
            Refusal: the commit has none.
        """
        self.of(version)
        path = self.paths(version.model)[0]
        return self._git.read_one(f"{version.commit}:{version.directory}{path}")

    def paths(self, model: str) -> list[str]:
        """Return where the metadata of a model were, the last place first."""
        return self._paths.setdefault(model, [DEFAULT_PATH])

    def _search(self, version: Version, tried: str) -> Found:
        """Find metadata that are not where those of the version before were."""
        for path in self.paths(version.model):
            content = self._git.read_one(f"{version.commit}:{version.directory}{path}")
            if path != tried and (metadata := _metadata(content, version.name)):
                self._prefer(version.model, path)
                return Found(metadata)
        try:
            path = self._path_by_lock(version)
        except Refusal as refusal:
            return Found(None, str(refusal))
        content = self._git.read_one(f"{version.commit}:{version.directory}{path}")
        metadata = _metadata(content, version.name)
        if metadata is None:
            where = f"{path} of commit {version.commit[:7]}"
            return Found(None, f"{where} is missing, or is not the metadata of {version.name}.")
        self._prefer(version.model, path)
        return Found(metadata)

    def _path_by_lock(self, version: Version) -> str:
        """Return where the line of a commit writes the metadata of a model: beside its package."""
        where = f"commit {version.commit[:7]}"
        packages = read_artifacts(self._git, version.commit, version.directory)
        if version.name not in packages:
            raise Refusal(f"dvc.yaml of {where} has no model '{version.name}' under `artifacts:`.")
        made = read_line(self._git, version.commit, version.directory).maker(packages[version.name])
        if made is None:
            raise Refusal(f"dvc.lock of {where} does not say what made '{version.name}'.")
        files = [out.path for out in made[0].outs if out.path.endswith(".json")]
        if not files:
            raise Refusal(f"stage {made[0].name} of {where} writes no metadata (a .json file).")
        return files[0]

    def _prefer(self, model: str, path: str) -> None:
        self._paths[model] = [path, *(it for it in self.paths(model) if it != path)]


def _metadata(content: bytes | None, name: str) -> Metadata | None:
    try:
        found = json.loads(content or b"")
    except (RecursionError, ValueError):
        return None
    if not isinstance(found, dict) or found.get("name") != name or "recipe_id" not in found:
        return None
    fits = all(isinstance(found.get(key, kind()), kind) for key, kind in KEYS.items())
    return found if fits else None
