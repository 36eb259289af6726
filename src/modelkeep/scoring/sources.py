"""What is to be scored → table files that can be read in parts, each with its hash and its rows."""

import itertools
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import polars as pl

from modelkeep.intake.archives import is_table, missing, on_disk
from modelkeep.intake.reading import ENDS, table_at
from modelkeep.scoring.afar import Afar
from modelkeep_core.csv_text import CsvText
from modelkeep_core.errors import UserError
from modelkeep_core.files import sha256
from modelkeep_core.schema import Schema
from modelkeep_core.tables import readable, scan_as_given, text_block, text_blocks

# How many rows, and how many cells, are in memory at once
PART_ROWS, PART_CELLS = 125_000, 4_000_000


class Table(NamedTuple):
    """A table file.

    Attributes:
        name: its path within what was given.
        shown: what messages call it.
        path: the file, or a copy of it that core reads with the same cells.
        sha256: of the file that was given.
        state: the size of the file, and when it was changed.
        header: the columns.
        text: what is known of the lines of a CSV file; None of a Parquet file.
    """

    name: str
    shown: str
    path: Path
    sha256: str
    state: tuple[int, int]
    header: list[str]
    text: CsvText | None

    @property
    def kind(self) -> str:
        """The ending of its kind."""
        return ".parquet" if self.text is None else ".csv"


class Given(NamedTuple):
    """A file that may be a table.

    Attributes:
        name: its path within what was given.
        shown: what messages call it.
        path: where it is.
        afar: the place of which it is a part, where that is not this disk.
    """

    name: str
    shown: str
    path: Path | str
    afar: Afar | None = None

    def here(self, work: Path) -> Path:
        """Return the file on this disk: itself, or a copy in a directory that the caller removes.

        Raises:
            UserError: it cannot be brought.
        """
        if self.afar is None:
            return on_disk(Path(self.path), work)
        copy = work / "given" / PurePosixPath(self.name).name
        self.afar.bring(str(self.path), copy)
        return copy


class Part(NamedTuple):
    """Some rows of a table.

    Attributes:
        table: the file.
        first: how many rows are before them.
        rows: how many they are.
        start, end: where they are in a CSV file, in bytes.
        output: the name of the file that they are written to, within its directory.
    """

    table: Table
    first: int
    rows: int
    start: int
    end: int
    output: str


def files_at(source: Path | Afar) -> tuple[list[Given], int]:
    """Return the table files at a place, and how many others were left out.

    Raises:
        UserError: there is none.
    """
    if isinstance(source, Afar):
        shown, directory = source.shown, source.is_directory()
        itself = Given(PurePosixPath(source.path).name, shown, source.path, source)
        named = [
            Given(name, f"{shown}/{name}", path, source)
            for name, path in (source.files() if directory else [])
        ]
    else:
        if not source.exists():
            raise missing(source)
        shown, directory = str(source), source.is_dir()
        itself = Given(source.name, shown, source)
        named = [
            Given(path.relative_to(source).as_posix(), str(path), path)
            for path in (_below(source) if directory else [])
        ]
    if not directory:
        return [itself], 0
    tables = [given for given in named if is_table(given.name)]
    if not tables:
        raise UserError(f"{shown} holds no table: no file ends in .csv, .parquet or the like.")
    hidden = sum(any(part.startswith(".") for part in Path(given.name).parts) for given in named)
    return tables, len(named) - len(tables) - hidden


def _below(directory: Path) -> list[Path]:
    """Return the files below a directory.

    Raises:
        UserError: a link leads to a directory, which is not followed, or a table's nowhere.
    """
    paths = sorted(directory.rglob("*"))
    for path in paths:
        hidden = any(part.startswith(".") for part in path.relative_to(directory).parts)
        if hidden or not path.is_symlink():
            continue
        if path.is_dir():
            raise UserError(
                f"{path} is a link to a directory, which is not followed: score what it leads to "
                "by itself, or remove the link."
            )
        if not path.exists() and is_table(path.name):
            raise UserError(f"{path} is a link that leads nowhere: mend it, or remove it.")
    return [path for path in paths if path.is_file()]


def opened(
    given: Given, schema: Schema, work: Path, encoding: str | None
) -> tuple[Table, list[str]]:
    """Return a file as a table, and how it was read, in sentences, where that was not certain.

    Args:
        given: the file.
        schema: its columns, of which it has at least the features.
        work: a directory for what must be written anew; the caller removes it.
        encoding: the encoding that a person says its text has.

    Raises:
        UserError: it is no table, or several.
    """
    path = given.here(work)
    state, content = _state(path), sha256(path)
    try:
        readable_path, notes = table_at(path, schema.features, work, encoding, schema.columns)
        readable_path = readable_path.absolute()
        text = None
        with readable(readable_path):
            if readable_path.suffix != ".parquet":
                text, _ = text_blocks(readable_path)
        header = list(scan_as_given(readable_path).collect_schema())
    except UserError as error:
        raise UserError(str(error).replace(str(path), given.shown)) from None
    except OSError as error:
        reason = error.strerror or error
        raise UserError(f"{given.shown} cannot be unpacked into {work.parent}: {reason}.") from None
    if readable_path != path.absolute():
        state = _state(readable_path)
    return Table(given.name, given.shown, readable_path, content, state, header, text), notes


def parts_of(table: Table, kind: str) -> Iterator[Part]:
    """Cut a table into parts; a table without rows is one.

    Args:
        table: the table.
        kind: the ending of the files that are written.
    """
    most = max(1, min(PART_ROWS, PART_CELLS // len(table.header)))
    if table.text is None:
        total = pl.scan_parquet(table.path, glob=False).select(pl.len()).collect().item()
        places = [(0, row) for row in range(0, total, most)] + [(0, total)]
    else:
        places = _cut(text_blocks(table.path)[1], most)
    if len(places) == 1:
        places = places * 2
    base = _base(table.name)
    several = len(places) > 2
    for number, ((start, first), (end, last)) in enumerate(itertools.pairwise(places), start=1):
        output = f"{base}-{number:05}{kind}" if several else f"{base}{kind}"
        yield Part(table, first, last - first, start, end, output)


def read_part(part: Part, missing_texts: list[str]) -> pl.DataFrame:
    """Return the rows of a part: text of a CSV file, and the types of a Parquet file.

    Args:
        part: which rows.
        missing_texts: the texts that stand for nothing.

    Raises:
        UserError: they cannot be read.
    """
    path, text = part.table.path, part.table.text
    with readable(path):
        if text is None:
            rows = pl.scan_parquet(path, glob=False).slice(part.first, part.rows)
        else:
            rows = text_block(path, text, part.start, part.end, missing_texts)
        block = rows.collect()
        same = _state(path) == part.table.state
    if not same or len(block) != part.rows:
        raise UserError(
            f"{part.table.shown} was changed while it was scored: run the same command again."
        )
    return block


def _state(path: Path) -> tuple[int, int]:
    """Return the size of a file, and when it was changed."""
    state = path.stat()
    return state.st_size, state.st_mtime_ns


def _cut(places: list[tuple[int, int]], most: int) -> list[tuple[int, int]]:
    """Return the places of a CSV file between parts of about `most` rows."""
    cuts = places[:1]
    for before, place in itertools.pairwise(places):
        if place[1] - cuts[-1][1] > most and before[1] > cuts[-1][1]:
            cuts.append(before)
    return [*cuts, places[-1]] if places[-1] != cuts[-1] else cuts


def _base(name: str) -> str:
    """Return the name of a table without the endings of its kind."""
    path = PurePosixPath(name)
    while path.suffix.lower() in ENDS:
        path = path.with_suffix("")
    return path.as_posix()
