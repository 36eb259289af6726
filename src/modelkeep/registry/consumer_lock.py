"""A file that holds models as they were: which commit, recipe and bytes somebody takes, exactly.

It names no address: where a model comes from is said by whoever fetches it.
"""

import hashlib
import json
import sys
import tomllib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from modelkeep.registry.catalogue import Catalogue, package_of
from modelkeep.registry.version import Version
from modelkeep_core.errors import UserError, suggestion
from modelkeep_core.files import write_text
from modelkeep_core.merges import check_merged

HEADER = """\
# Models that are taken exactly as they were. `modelkeep fetch --lock` writes this file,
# `modelkeep fetch --locked` takes what it says and nothing else.
"""


@dataclass(frozen=True)
class Locked:
    """A version that is taken exactly.

    Attributes:
        commit: the full id of its commit.
        recipe, content: its recipe id, and DVC's hash of its package.
        metadata: the SHA-256 of its model.json, which has that of every file of the package.
        version, stage: its number, and the stage that it was taken from, as they were; "" for none.
        tags: the ids of the tag objects that said so, by their names.
    """

    commit: str
    recipe: str
    content: str
    metadata: str
    version: str = ""
    stage: str = ""
    tags: dict[str, str] = field(default_factory=dict)


def locked(catalogue: Catalogue, version: Version, stage: str | None) -> Locked:
    """Return what is to be written of a version.

    Args:
        catalogue: the versions.
        version: the version.
        stage: the stage that named it, or None.

    Raises:
        UserError: its commit has no metadata, or no package.
    """
    events = [version.registered] if version.registered else []
    if stage:
        events.append(catalogue.assignments[version.model][stage])
    return Locked(
        commit=version.commit,
        recipe=catalogue.records.of(version)["recipe_id"],
        content=package_of(catalogue.pipeline(version), version)[1],
        metadata=hashlib.sha256(catalogue.records.committed(version) or b"").hexdigest(),
        version=version.number or "",
        stage=stage or "",
        tags={event.tag: event.oid for event in events},
    )


def write_locked(path: Path, model: str, entry: Locked) -> None:
    """Put a model into the file, in the place of what it had of that name.

    Raises:
        UserError: the file is there, and is not one of these.
    """
    entries = read_locks(path) if path.exists() else {}
    entries[model] = entry
    write_text(path, HEADER + "".join(_section(name, entries[name]) for name in sorted(entries)))


def read_locks(path: Path) -> dict[str, Locked]:
    """Return what a file says, by the full names of the models.

    Raises:
        UserError: it cannot be read, or is not such a file.
    """
    try:
        text = path.read_text(encoding="utf-8")
        check_merged(text, str(path))
        content = tomllib.loads(text)
        entries = {name: Locked(**entry) for name, entry in content.items()}
        if all(_is_text(entry) for entry in entries.values()):
            return entries
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.") from None
    except (RecursionError, TypeError, ValueError):
        pass
    raise UserError(f"{path} was not written by `modelkeep fetch --lock`, or was changed since.")


def _is_text(entry: Locked) -> bool:
    values = asdict(entry)
    tags = values.pop("tags")
    return isinstance(tags, dict) and all(
        isinstance(value, str) for value in (*values.values(), *tags.values())
    )


def locked_version(catalogue: Catalogue, path: Path, name: str) -> Version:
    """Return the version that a file holds of a model, once the repository has the very same.

    Raises:
        UserError: the file does not have the model, or the repository has not, or has another one.
    """
    entries = read_locks(path)
    model = name if name in entries else catalogue.full(name)
    if model not in entries:
        raise UserError(
            f"{path} does not have the model '{name}'{suggestion(name, entries)}: "
            f"`modelkeep fetch --lock {path} {name}@STAGE` adds it."
        )
    entry = entries[model]
    if catalogue.git.commit(entry.commit) != entry.commit:
        raise UserError(
            f"this repository has no commit {entry.commit[:12]}, which {path} names for {model}: "
            "it is another one, or its history was rewritten."
        )
    version = catalogue.at(model, entry.commit)
    now = locked(catalogue, version, None)
    for part in ("metadata", "recipe", "content"):
        if getattr(now, part) != getattr(entry, part):
            raise UserError(
                f"commit {entry.commit[:12]} has another {part} of {model} than {path} says: "
                "nothing is fetched."
            )
    if entry.version not in ("", version.number):
        print(
            f"note: {path} says {entry.version} of commit {entry.commit[:12]}, which is "
            f"{version.label} here; what is fetched is the commit that was locked.",
            file=sys.stderr,
        )
    ids = dict(catalogue.git.refs("refs/tags"))
    for tag, oid in entry.tags.items():
        if ids.get(f"refs/tags/{tag}") != oid:
            print(
                f"note: the tag {tag} is gone or another one since {path} was written; what is "
                "fetched is what was locked.",
                file=sys.stderr,
            )
    return version


def _section(model: str, entry: Locked) -> str:
    values: dict[str, Any] = asdict(entry)
    tags = values.pop("tags")
    lines = [f"\n[{json.dumps(model)}]"]
    lines += [f"{key} = {json.dumps(value)}" for key, value in values.items() if value]
    lines += [f"\n[{json.dumps(model)}.tags]"]
    lines += [f"{json.dumps(tag)} = {json.dumps(oid)}" for tag, oid in sorted(tags.items())]
    return "\n".join(lines) + "\n"
