"""`fsck`: check that the bytes of all versions are in the remote; for cron."""

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from modelkeep import text
from modelkeep.registry.believed import check_history
from modelkeep.registry.catalogue import Catalogue
from modelkeep.registry.imported import check_source
from modelkeep.registry.outputs import Output, outputs_of
from modelkeep.registry.presence import Fault, faults_by_output
from modelkeep.registry.reference import find
from modelkeep.registry.storage import Storage, Unreached, Unwritable, storage_of
from modelkeep.registry.version import Version
from modelkeep_core.errors import UserError

LOST = 1


@dataclass
class Checked:
    """What was found of one version.

    Attributes:
        version: the version.
        outputs: what DVC keeps of its commit.
        faults: what the remote does not have as the commit says.
        problem: why that cannot be told, or what else is wrong, in a sentence.
    """

    version: Version
    outputs: list[Output]
    faults: list[Fault] = field(default_factory=list)
    problem: str | None = None

    @property
    def whole(self) -> bool:
        """Whether all is as it should be."""
        return not self.faults and self.problem is None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's own options."""
    parser.add_argument(
        "references",
        nargs="*",
        metavar="REF",
        help="the versions (default: all that are registered or in a stage)",
    )
    parser.add_argument(
        "--deep", action="store_true", help="read and hash every object, in the cache as well"
    )
    parser.add_argument(
        "--repair",
        action="store_true",
        help="send what is missing or damaged in the remote and whole in the cache",
    )


def run(catalogue: Catalogue, args: argparse.Namespace) -> tuple[Any, str]:
    """Check the versions; return what was found as data and as text.

    Raises:
        UserError: there is no version, or the remote cannot be reached; or all are to be checked,
            and this clone is shallow, so that it does not know all.
    """
    if not args.references:
        check_history(catalogue.git)
    versions = [find(catalogue, reference) for reference in args.references]
    versions = versions or [*_needed(catalogue)]
    if not versions:
        raise UserError("no version is registered here: there is nothing to check.")
    checked = checked_versions(catalogue, versions, args.deep, args.repair)
    data = [_entry(catalogue, each) for each in checked]
    return data, rendered(data)


def checked_versions(
    catalogue: Catalogue, versions: list[Version], deep: bool = False, repair: bool = False
) -> list[Checked]:
    """Return what was found of each version.

    Args:
        catalogue: the versions of the repository.
        versions: those that are checked.
        deep: whether every object is read and hashed.
        repair: whether the cache sends what the remote lacks.

    Raises:
        UserError: the remote cannot be reached.
    """
    checked: list[Checked] = []
    with ExitStack() as stack:
        # A project has one storage, which all its versions share.
        for directory in dict.fromkeys(version.directory for version in versions):
            own = [version for version in versions if version.directory == directory]
            storage = stack.enter_context(storage_of(catalogue.git, own[0]))
            checked += _check(catalogue, own, storage, deep, repair)
    return checked


def status(data: list[dict[str, Any]]) -> int:
    """Return the exit status: 0 where all is whole, else 1."""
    return 0 if all(entry["whole"] for entry in data) else LOST


def _needed(catalogue: Catalogue) -> Iterator[Version]:
    """Yield the versions that are registered, newest first, and what else is in a stage."""
    for model in catalogue.models:
        registered = catalogue.registered(model)
        yield from registered
        assigned = {event.commit for event in catalogue.assignments[model].values()}
        for commit in sorted(assigned - {version.commit for version in registered}):
            yield catalogue.at(model, commit)


def _check(
    catalogue: Catalogue, versions: list[Version], storage: Storage, deep: bool, repair: bool
) -> list[Checked]:
    """Check the versions of one project."""
    checked = []
    for version in versions:
        try:
            checked.append(Checked(version, outputs_of(catalogue, version)))
        except UserError as error:
            checked.append(Checked(version, [], problem=str(error)))
    outputs = [*dict.fromkeys(output for entry in checked for output in entry.outputs)]
    hashed = {output.path for output in outputs} if deep else set()
    faults = faults_by_output(outputs, storage, hashed)
    if repair and _repaired(faults, storage):
        faults = faults_by_output(outputs, storage, hashed)
    if deep:
        _check_cache(outputs, storage, repair)
    sources: dict[Output, str | None] = {}
    for entry in checked:
        own = [fault for output in entry.outputs for fault in faults.get(output, [])]
        entry.faults = [*dict.fromkeys(own)]
        for output in entry.outputs:
            if output.imported and output not in sources:
                sources[output] = _source_problem(catalogue, entry.version, output, storage)
            entry.problem = entry.problem or sources.get(output)
    return checked


def _repaired(faults_of: dict[Output, list[Fault]], storage: Storage) -> bool:
    """Send what the cache has whole; say whether that was anything."""
    all_faults = [fault for faults in faults_of.values() for fault in faults]
    unusable = storage.unusable({fault.name: fault.meaning for fault in all_faults})
    usable = [fault for fault in all_faults if fault.name not in unusable]
    for remote in dict.fromkeys(fault.remote for fault in usable):
        sent = {fault.name: fault.meaning for fault in usable if fault.remote == remote}
        storage.of(remote).send(sent)
        objects = "object was" if len(sent) == 1 else "objects were"
        print(f"{len(sent)} {objects} sent to the remote '{remote}'.", file=sys.stderr)
    return bool(usable)


def _check_cache(outputs: list[Output], storage: Storage, repair: bool) -> None:
    """Name what is damaged in the cache of this machine, and get it anew where that is asked."""
    for output in outputs:
        try:
            files = storage.of(output.remote).files(output.md5, output.path)
            cached = storage.in_cache(files.values())
            named = {files[file]: os.path.join(output.path, file).rstrip("/") for file in files}
            damaged = storage.unusable({name: named[name] for name in named if name in cached})
            if repair:
                storage.of(output.remote).get(damaged)
        except (Unreached, Unwritable):
            raise
        except UserError:
            # It is told already, as what the remote does not have.
            continue


def _source_problem(
    catalogue: Catalogue, version: Version, output: Output, storage: Storage
) -> str | None:
    try:
        check_source(catalogue.git, version, output, storage)
    except UserError as error:
        return str(error).removesuffix(" --local accepts the risk.")
    return None


def _entry(catalogue: Catalogue, checked: Checked) -> dict[str, Any]:
    version = checked.version
    return {
        "model": version.model,
        "version": version.number,
        "stages": catalogue.stages(version),
        "commit": version.commit,
        "whole": checked.whole,
        "faults": [
            {"path": fault.meaning, "object": fault.name, "problem": fault.problem}
            for fault in checked.faults
        ],
        "problem": checked.problem,
    }


def rendered(data: list[dict[str, Any]]) -> str:
    """Return a table of the versions, and what helps where bytes are gone."""
    rows = [
        [
            f"{entry['model']} {entry['version'] or text.short(entry['commit'])}",
            ", ".join(entry["stages"]) or "-",
            _state(entry),
        ]
        for entry in data
    ]
    shown = text.table(("VERSION", "STAGES", "BYTES"), rows, yielding=("STAGES",))
    lost = [entry for entry in data if not entry["whole"]]
    if not lost:
        return shown
    return (
        f"{shown}\n\n{len(lost)} of {len(data)} are not whole. On a machine that has the bytes, "
        "`modelkeep fsck --repair` sends them. Where only the raw data are left, check the version "
        "out and make it anew first: `dvc repro`."
    )


def _state(entry: dict[str, Any]) -> str:
    """Say in a few words what is wrong with a version."""
    parts = []
    for problem in ("missing", "damaged"):
        paths = [fault["path"] for fault in entry["faults"] if fault["problem"] == problem]
        if paths:
            more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
            parts.append(f"{problem}: {paths[0]}{more}")
    return "; ".join([*parts, *filter(None, [entry["problem"]])]) or "whole"
