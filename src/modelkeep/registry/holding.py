"""Which committed data, and which versions, hold some rows: by what their files say."""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

import polars as pl

from modelkeep.registry.catalogue import Catalogue
from modelkeep.registry.files import file_of
from modelkeep.registry.metadata import raw_data
from modelkeep.registry.version import Version
from modelkeep_core import tables
from modelkeep_core.errors import UserError
from modelkeep_core.schema import Schema

Row = dict[str, Any]


@dataclass
class Holding:
    """A file of raw data, as some commits have it.

    Attributes:
        path: where the project has it.
        sha256: of its content.
        rows: how many of its rows are among those that are looked for; None where that cannot be
            told.
        versions: the versions that were made from it, and "HEAD" where the last commit has it.
        problem: why it could not be looked into, or None.
    """

    path: str
    sha256: str
    rows: int | None = None
    versions: list[str] = field(default_factory=list)
    problem: str | None = None


def holdings(catalogue: Catalogue, schema: Schema, wanted: Sequence[Row]) -> list[Holding]:
    """Look for rows in the raw data of every registered version and of the last commit.

    Args:
        catalogue: the versions.
        schema: how the columns are written in the files.
        wanted: what is looked for: the value of some columns, as JSON has it; None is an empty
            cell.

    Returns:
        The files that hold such rows, and those that could not be looked into.
    """
    looked: dict[str, Holding] = {}
    for label, version, path, digest in _files(catalogue):
        if digest not in looked:
            looked[digest] = Holding(path, digest)
            _look(catalogue, version, looked[digest], schema, wanted)
        looked[digest].versions.append(label)
    return [holding for holding in looked.values() if holding.rows or holding.problem]


def _files(catalogue: Catalogue) -> Iterator[tuple[str, Version, str, str]]:
    """Yield the raw data of versions: what to call the version, the version, path and SHA-256."""
    versions = [
        (f"{model} {version.label}", version)
        for model in catalogue.models
        for version in catalogue.registered(model)
    ]
    head = catalogue.git.commit("HEAD")
    if head:
        versions += [("HEAD", Version(model, head)) for model in catalogue.current_models]
    read = catalogue.records.read(version for _, version in versions)
    for (label, _), (version, record) in zip(versions, read, strict=True):
        for path, digest in raw_data(record.metadata or {}).items():
            yield label, version, path, digest


def _look(
    catalogue: Catalogue, version: Version, holding: Holding, schema: Schema, wanted: Sequence[Row]
) -> None:
    """Count the wanted rows of a file, or note why they cannot be counted."""
    try:
        content = file_of(catalogue, version, holding.path)
        if content is None:
            raise UserError(f"commit {version.commit[:7]} has no {holding.path}.")
        with tempfile.TemporaryDirectory(prefix="holding-") as directory:
            place = Path(directory, PurePosixPath(holding.path).name)
            place.write_bytes(content)
            holding.rows = _count(place, schema, wanted)
    except UserError as error:
        holding.problem = str(error)


def _count(path: Path, schema: Schema, wanted: Sequence[Row]) -> int:
    """Return how many rows of a file are among those that are wanted."""
    table = tables.scan(path, schema)
    there = set(table.collect_schema())
    names = [name for name in schema.columns if name in there]
    rows = tables.convert(table, names, schema)
    count = 0
    for row in wanted:
        if row.keys() <= set(names):
            same = [_same(name, value, schema) for name, value in row.items()]
            count += rows.filter(pl.all_horizontal(same)).select(pl.len()).collect().item()
    return count


def _same(name: str, value: Any, schema: Schema) -> pl.Expr:
    column = schema.columns[name]
    if column.type == "datetime" and isinstance(value, str):
        moment = datetime.fromisoformat(value)
        if moment.tzinfo:
            moment = moment.astimezone(UTC).replace(tzinfo=None)
        return pl.col(name).eq_missing(pl.lit(moment))
    return pl.col(name).eq_missing(pl.lit(column.spelt(value)))
