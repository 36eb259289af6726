"""The versions that a site shows: their tags, their metadata, and what is to be said of them."""

import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from modelkeep.registry.catalogue import Catalogue
from modelkeep.registry.metadata import Record
from modelkeep.registry.version import Version
from modelkeep.site.clean import in_line
from modelkeep_core.errors import UserError

# It changes with what is in the file of a version, which is never written again, or in its columns.
FORMAT = 5
EXPERIMENTS = "refs/exps"


@dataclass(frozen=True)
class Entry:
    """A version, or an experiment, that the site shows.

    Attributes:
        version: the model and its commit.
        when: when it was registered, or committed.
        author, reason: who did that, and why.
        signed: whether its tag has a signature, which counts if the repository says whose do; None
            without a tag.
        experiment: the name of the experiment, or None for a version.
        metadata: its metadata; None where it has none, or a site has kept what is shown of them.
        problem: why it has none.
        md5: the MD5 of the file of its metadata, by which dvc.lock knows it.
    """

    version: Version
    when: datetime
    author: str
    reason: str
    signed: bool | None
    experiment: str | None
    metadata: dict[str, Any] | None
    problem: str | None
    md5: str | None

    @cached_property
    def key(self) -> str:
        """What names its file: it follows from the model and the commit alone."""
        return key_of(self.version)

    @property
    def label(self) -> str:
        """What people call it."""
        return self.experiment or self.version.label


@dataclass(frozen=True)
class Commit:
    """What a commit says of itself."""

    author: str
    when: datetime
    subject: str


def key_of(version: Version) -> str:
    """Return what names the file of a version."""
    words = f"{FORMAT}\0{version.model}\0{version.commit}"
    return hashlib.sha256(words.encode()).hexdigest()[:16]


def entries_of(
    catalogue: Catalogue,
    since: datetime | None,
    experiments: bool,
    kept: Collection[str] = frozenset(),
) -> list[Entry]:
    """Return the versions of all models, and the experiments if they are wanted, newest first.

    Args:
        catalogue: the versions.
        since: versions registered before then are left out, unless they are in a stage.
        experiments: whether DVC's experiments are wanted.
        kept: the keys of versions whose metadata need not be read, unless they are in a stage.

    Raises:
        UserError: there is none.
    """
    versions = [version for model in catalogue.models for version in catalogue.registered(model)]
    # What was never registered may be in a stage all the same.
    staged = [
        catalogue.at(model, event.commit)
        for model, assignments in catalogue.assignments.items()
        for event in assignments.values()
    ]
    if since is not None:
        versions = [version for version in versions if version.event.when >= since]
    versions = [*dict.fromkeys([*versions, *staged])]
    named = dict(_experiments(catalogue)) if experiments else {}
    names = {version: name for version, name in named.items() if version not in versions}
    wanted = [*versions, *names]
    spared = {version for version in {*wanted} - {*staged} if key_of(version) in kept}
    chosen = [*_entries(catalogue, wanted, names, spared)]
    if not chosen:
        raise UserError(
            "no version is registered here"
            + (f" since {since:%Y-%m-%d}" if since else "")
            + ": `modelkeep register` makes the first."
        )
    return sorted(chosen, key=lambda entry: entry.when, reverse=True)


def _entries(
    catalogue: Catalogue,
    versions: Sequence[Version],
    names: dict[Version, str],
    spared: Collection[Version],
) -> Iterator[Entry]:
    signed = _signatures(catalogue, versions)
    commits = commits_of(catalogue, [version for version in versions if not version.registered])
    read = catalogue.records.read(version for version in versions if version not in spared)
    for version in versions:
        record = Record(None) if version in spared else next(read)[1]
        event, name = version.registered, names.get(version)
        if name and not record.metadata and version not in spared:
            # An experiment that made no package
            continue
        commit = commits.get(version)
        yield Entry(
            version,
            event.when if event else commit.when if commit else datetime.fromtimestamp(0, UTC),
            in_line(event.author if event else commit.author if commit else ""),
            in_line(event.reason if event else commit.subject if commit else ""),
            signed.get(version),
            in_line(name) if name else None,
            record.metadata,
            record.problem,
            _md5(record.content),
        )


def _md5(content: bytes | None) -> str | None:
    return None if content is None else hashlib.md5(content, usedforsecurity=False).hexdigest()


def _signatures(catalogue: Catalogue, versions: Sequence[Version]) -> dict[Version, bool]:
    tagged = [version for version in versions if version.registered]
    shown = catalogue.trust.shown([version.event for version in tagged])
    return {
        version: version.event.signed and shown.get(version.event.tag, {}).get("problem", "") == ""
        for version in tagged
    }


def _experiments(catalogue: Catalogue) -> Iterator[tuple[Version, str]]:
    """Yield the models of the commits that DVC keeps as experiments, and their names."""
    for ref, commit in catalogue.git.refs(EXPERIMENTS):
        parts = ref.removeprefix(f"{EXPERIMENTS}/").split("/", 2)
        # The others are DVC's own: the queue, and what runs now.
        if len(parts) == 3 and len(parts[0]) == 2:
            for model in {*catalogue.models, *catalogue.current_models}:
                yield catalogue.at(model, commit), parts[2]


def commits_of(catalogue: Catalogue, versions: Sequence[Version]) -> dict[Version, Commit]:
    """Return author, date and subject of the commits of versions; nothing of missing ones."""
    contents = catalogue.git.read(version.commit for version in versions)
    read = zip(versions, contents, strict=True)
    return {version: commit for version, content in read if (commit := _commit(content or b""))}


def _commit(content: bytes) -> Commit | None:
    head, _, message = content.decode("utf-8", errors="replace").partition("\n\n")
    lines = [line for line in head.splitlines() if line.startswith("author ")]
    try:
        who, seconds, _ = lines[0].removeprefix("author ").rsplit(" ", 2)
        when = datetime.fromtimestamp(int(seconds), UTC)
    except (IndexError, OSError, OverflowError, ValueError):
        return None
    return Commit(in_line(who.rpartition(" <")[0]), when, in_line(message.strip().split("\n")[0]))
