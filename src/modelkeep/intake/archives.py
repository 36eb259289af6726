"""The table files at a path: a file, all in a directory, or what packed files and archives hold."""

import re
import shutil
import zipfile
import zlib
from bz2 import BZ2File
from gzip import GzipFile
from lzma import LZMAError, LZMAFile
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

from modelkeep.intake.foreign import SHEET
from modelkeep_core.errors import UserError

TABLES = (".csv", ".tsv", ".tab", ".parquet", ".pq")
# What one file is packed by: the ending of its name, and what opens it
PACKED: dict[str, tuple[str, type[GzipFile] | type[BZ2File] | type[LZMAFile]]] = {
    **{"gzip": (".gz", GzipFile), "bzip2": (".bz2", BZ2File), "xz": (".xz", LZMAFile)},
}
SPREADSHEET = {"[Content_Types].xml", "mimetype", "Index/Document.iwa"}
# How files begin, the longest first: an archive of nothing as another one
MAGIC = {
    b"\xfd7zXZ\0": "xz",
    **{b"PAR1": "parquet", b"PK\x03\x04": "zip", b"PK\x05\x06": "zip"},
    **{b"BZh": "bzip2", b"\x1f\x8b": "gzip"},
}
# What is packed by bzip2, beside a column that is called so
BZIP2 = re.compile(rb"BZh[1-9]1AY&SY")
# A column of a text table that is called PAR1, or begins so
PAR1 = re.compile(rb'PAR1[\w.,;|"\t\r\n]')


class TableFile(NamedTuple):
    """A table, perhaps unpacked.

    Attributes:
        name: its path within what was given, without what it was packed in.
        path: where its bytes are.
        shown: what messages call it: the file that a person gave, and what of it.
    """

    name: str
    path: Path
    shown: str


def table_files(source: Path, work: Path) -> tuple[list[TableFile], int]:
    """Find the table files at `source` and unpack what is packed into the directory `work`.

    Returns:
        The tables, and how many other files of a directory were left out.

    Raises:
        UserError: there is none, or an archive cannot be unpacked.
    """
    if not source.exists():
        raise missing(source)
    source = on_disk(source, work)
    given, left = [(source.name, source)], 0
    if source.is_dir():
        below = [path for path in sorted(source.rglob("*")) if path.is_file()]
        names = [path.relative_to(source).as_posix() for path in below]
        given = [pair for pair in zip(names, below, strict=True) if is_table(pair[0])]
        left = len(below) - len(given)
    tables: list[TableFile] = []
    for place, (name, path) in enumerate(given):
        inner = work / str(place)
        match kind_of(path):
            case "gzip" | "bzip2" | "xz" as kind:
                end, open_packed = PACKED[kind]
                with open_packed(path) as packed:
                    _unpack(packed, inner / "unpacked", name)
                tables.append(TableFile(name.removesuffix(end), inner / "unpacked", name))
            case "zip":
                parts, others = _unzip(path, name, inner)
                tables, left = tables + parts, left + others
            case _:
                tables.append(TableFile(name, path, name))
    if not tables:
        raise UserError(f"{source} holds no table: no file ends in {', '.join(TABLES)}.")
    return tables, left


def on_disk(source: Path, work: Path) -> Path:
    """Return a path itself; or, of a pipe, which can be read but once, what it brings as a file.

    Raises:
        UserError: it is neither a file, a directory nor a pipe.
    """
    if source.is_file() or source.is_dir():
        return source
    if not source.is_fifo():
        raise UserError(f"{source} is neither a file, a directory nor a pipe.")
    copy = work / "piped" / source.name
    copy.parent.mkdir(parents=True, exist_ok=True)
    with source.open("rb") as pipe, copy.open("wb") as file:
        shutil.copyfileobj(pipe, file, 1 << 20)
    return copy


def missing(source: Path) -> UserError:
    """Return the mistake that a file is not there, with what brings it where DVC has it."""
    pointers = (path.with_name(f"{path.name}.dvc") for path in (source, *source.parents[:-1]))
    if any(pointer.is_file() for pointer in pointers):
        return UserError(f"{source} is missing: `dvc pull` brings it, if a remote has it.")
    return UserError(f"{source} is missing.")


def is_table(name: str) -> bool:
    """Say whether a file is a table, or packed ones, by its name; hidden ones are not."""
    parts = PurePosixPath(name).parts
    hidden = any(part.startswith((".", "__MACOSX")) for part in parts)
    ends = (*TABLES, *(end + packed for end in TABLES for packed, _ in PACKED.values()), ".zip")
    return not hidden and name.lower().endswith(ends)


def kind_of(path: Path) -> str:
    """Say what a file is by its first bytes: parquet, zip, gzip, bzip2, xz or, else, text."""
    with path.open("rb") as file:
        start = file.read(10)
    kind = next((kind for mark, kind in MAGIC.items() if start.startswith(mark)), "text")
    named = PAR1.match(start) or (kind == "bzip2" and not BZIP2.match(start))
    return "text" if named else kind


def _unzip(path: Path, name: str, inner: Path) -> tuple[list[TableFile], int]:
    """Unpack the tables of an archive; several are named after it.

    Returns:
        The tables, and how many other files there are.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member.filename for member in archive.infolist() if not member.is_dir()]
            if SPREADSHEET & set(members):
                raise UserError(f"{name} is a spreadsheet: {SHEET}.")
            tables = [part for part in members if is_table(part)] or members
            if len(tables) > 1 and not is_table(tables[0]):
                raise UserError(
                    f"{name} holds {len(tables)} files, of which none ends in {', '.join(TABLES)}: "
                    "unpack it, and give the one that is the table."
                )
            for place, part in enumerate(tables):
                with archive.open(part) as packed:
                    _unpack(packed, inner / str(place), f"{name}: {part}")
    # The last two: a password, an unknown method
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        raise UserError(f"{name} cannot be unpacked: {error}.") from None
    unpacked = []
    for place, part in enumerate(tables):
        inside = [step for step in PurePosixPath(part).parts if step not in ("/", "..")]
        within = [PurePosixPath(name).stem] if len(tables) > 1 else []
        unpacked.append(
            TableFile(
                PurePosixPath(*within, *inside).as_posix(), inner / str(place), f"{name}: {part}"
            )
        )
    return unpacked, len(members) - len(tables)


def _unpack(packed: IO[bytes] | GzipFile | BZ2File | LZMAFile, target: Path, name: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with target.open("wb") as file:
            shutil.copyfileobj(packed, file, 1 << 20)
    except (OSError, EOFError, zlib.error, LZMAError) as error:
        # What bzip2 and gzip find wrong has no number of the system.
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise UserError(f"{name} is damaged: {error}.") from None
