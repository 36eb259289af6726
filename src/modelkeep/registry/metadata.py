"""The metadata of versions: the model.json that each commit has of each of its models."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from modelkeep.registry.git import CHUNK, Git
from modelkeep.registry.version import Version
from modelkeep_core.errors import UserError
from modelkeep_core.foreign import parse_json
from modelkeep_core.merges import REMEDY, marked_line

Metadata = dict[str, Any]
# Where the first model of a project has its metadata, and what every command but `list` needs
DEFAULT_PATH = "model.json"
KEYS = {
    "recipe_id": str,
    **dict.fromkeys(("metrics", "training", "data", "schema", "recipe", "libraries"), dict),
}
# What the commands need of the recipe
PARTS = ("commands", "parameters", "data", "code", "schema", "environment", "files")
NUMBER = (int, float)
# What else the commands need, and of which types; `...` stands for every key
SHAPE: dict[Any, Any] = {
    "recipe_id": str,
    "title": str,
    "task": str,
    "target": str,
    "metrics": {
        "headline": {"metric": str, "value": NUMBER, "low": NUMBER, "high": NUMBER},
        "test": {...: (*NUMBER, type(None))},
    },
    "training": {
        "estimator": str,
        "parameters": {...: object},
        "preprocessing": [{"columns": [str], "steps": [str]}],
    },
    "data": {"files": [{"path": str}], "rows": {"test": int, ...: int}},
    "recipe": {part: {...: object if part == "parameters" else str} for part in PARTS},
    "libraries": {...: str},
}


@dataclass(frozen=True)
class Record:
    """The metadata of a version, or the reason why there are none.

    Attributes:
        metadata: what they say.
        problem: why there are none.
        content: the file as it is committed; None where only a part was read.
    """

    metadata: Metadata | None
    problem: str | None = None
    content: bytes | None = None


class Records:
    """Reads metadata from Git, and remembers where each model has had them.

    A model's metadata are the JSON file that the stage which makes its package writes beside it.
    Reading dvc.lock for that takes far longer than reading the file, so it is looked for first
    where other versions of the model had it; it is known by the name of the model in it.
    """

    def __init__(self, git: Git) -> None:
        self._git = git
        self._paths: dict[str, list[str]] = {}

    def read(self, versions: Iterable[Version]) -> Iterator[tuple[Version, Record]]:
        """Yield each version with its metadata."""
        waiting = iter(versions)
        while asked := [*islice(waiting, CHUNK)]:
            self._learn(asked)
            chunk = [(version, self.paths(version.model)[0]) for version in asked]
            names = (f"{version.commit}:{version.directory}{path}" for version, path in chunk)
            for (version, path), content in zip(chunk, self._git.read(names), strict=True):
                metadata = _metadata(content, version.name)
                found = Record(metadata, content=content) if metadata else None
                yield version, found or self._search(version, path)

    def of(self, version: Version) -> Metadata:
        """Return the metadata of one version.

        Raises:
            UserError: its commit has none, or they lack what the commands need.
        """
        ((_, record),) = self.read([version])
        metadata = record.metadata
        if metadata is None:
            raise UserError(f"{version.label} has no metadata: {record.problem}")
        lacking = [key for key in KEYS if key not in metadata]
        lacking += [
            f"recipe.{part}"
            for part in PARTS
            if not isinstance(metadata.get("recipe", {}).get(part), dict)
        ]
        if not lacking:
            lacking = [*_misfits(metadata, SHAPE, "")]
        if lacking:
            raise UserError(
                f"the metadata of {version.label} have no '{lacking[0]}': they were written by "
                "another version of the package stage."
            )
        return metadata

    def committed(self, version: Version) -> bytes | None:
        """Return the bytes of the metadata as they are committed.

        Raises:
            UserError: the commit has none, or its id does not stand for them.
        """
        from modelkeep.registry.chain import check_file

        self.of(version)
        path = f"{version.directory}{self.paths(version.model)[0]}"
        content = self._git.read_one(f"{version.commit}:{path}")
        if content is not None:
            check_file(self._git, version.commit, path, content)
        return content

    def paths(self, model: str) -> list[str]:
        """Return where the metadata of a model were, the last place first."""
        return self._paths.setdefault(model, [DEFAULT_PATH])

    def _learn(self, versions: Sequence[Version]) -> None:
        """Find where models of which several are read have their metadata, unless it is known."""
        counts = Counter(version.model for version in versions)
        for version in versions:
            if counts[version.model] > 1 and version.model not in self._paths:
                self._search(version, "")

    def _search(self, version: Version, tried: str) -> Record:
        """Find metadata that are not where those of the version before were."""
        for path in self.paths(version.model):
            content = self._git.read_one(f"{version.commit}:{version.directory}{path}")
            if path != tried and (metadata := _metadata(content, version.name)):
                self._prefer(version.model, path)
                return Record(metadata, content=content)
        try:
            path = self._path_by_lock(version)
        except UserError as error:
            return Record(None, str(error))
        content = self._git.read_one(f"{version.commit}:{version.directory}{path}")
        metadata = _metadata(content, version.name)
        if metadata is None:
            where = f"{path} of commit {version.commit[:7]}"
            if line := marked_line((content or b"").decode("utf-8", "replace")):
                return Record(None, f"{where}, line {line}: {REMEDY}")
            return Record(None, f"{where} is missing, or is not the metadata of {version.name}.")
        self._prefer(version.model, path)
        return Record(metadata, content=content)

    def _path_by_lock(self, version: Version) -> str:
        """Return where the stage that makes a model's package writes the metadata beside it."""
        from modelkeep.registry.dvc_lock import read_artifacts, read_pipeline

        where = f"commit {version.commit[:7]}"
        packages = read_artifacts(self._git, version.commit, version.directory)
        if version.name not in packages:
            raise UserError(
                f"dvc.yaml of {where} has no model '{version.name}' under `artifacts:`."
            )
        pipeline = read_pipeline(self._git, version.commit, version.directory)
        made = pipeline.producing_stage(packages[version.name])
        if made is None:
            raise UserError(f"dvc.lock of {where} does not say what made '{version.name}'.")
        files = [out.path for out in made[0].outs if out.path.endswith(".json")]
        if not files:
            raise UserError(f"stage {made[0].name} of {where} writes no metadata (a .json file).")
        return files[0]

    def _prefer(self, model: str, path: str) -> None:
        self._paths[model] = [path, *(other for other in self.paths(model) if other != path)]


def _metadata(content: bytes | None, name: str) -> Metadata | None:
    try:
        metadata = parse_json(content or b"", name)
    except UserError:
        return None
    if not isinstance(metadata, dict) or metadata.get("name") != name:
        return None
    fits = "recipe_id" in metadata and all(
        isinstance(metadata.get(key, kind()), kind) for key, kind in KEYS.items()
    )
    return metadata if fits else None


def findings_of(metadata: Metadata) -> list[dict[str, str]]:
    """Return name, severity and sentence of each finding of evaluate; what is none is left out."""
    content = metadata.get("findings")
    keys = ("name", "severity", "says")
    return [
        {key: finding[key] for key in keys}
        for finding in (content if isinstance(content, list) else [])
        if isinstance(finding, dict) and all(isinstance(finding.get(key), str) for key in keys)
    ]


def rows_of(metadata: Metadata) -> dict[str, int]:
    """Return how many rows each file of raw data has, by its path; some may not be counted."""
    files = metadata.get("data", {}).get("files")
    counts = {}
    for entry in files if isinstance(files, list) else []:
        path, rows = (entry.get("path"), entry.get("rows")) if isinstance(entry, dict) else (0, 0)
        if isinstance(path, str) and isinstance(rows, int):
            counts[path] = rows
    return counts


def raw_data(metadata: Metadata) -> dict[str, str]:
    """Return the SHA-256 of each file of raw data, by its path; none where the recipe has none."""
    data = metadata.get("recipe", {}).get("data")
    files = data if isinstance(data, dict) else {}
    return {path: digest for path, digest in files.items() if isinstance(digest, str)}


def _misfits(value: Any, shape: Any, name: str) -> Iterator[str]:
    """Yield the dotted names of what is missing in metadata, or is of another type."""
    if isinstance(shape, dict) and isinstance(value, dict):
        for key, wanted in shape.items():
            for each in value if key is ... else [key]:
                where = f"{name}.{each}" if name else str(each)
                yield from _misfits(value.get(each, ...), wanted, where)
    elif isinstance(shape, list) and isinstance(value, list):
        for place, part in enumerate(value):
            yield from _misfits(part, shape[0], f"{name}.{place}")
    elif isinstance(shape, dict | list) or value is ... or not isinstance(value, shape):
        yield name
