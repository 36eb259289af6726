"""The table files at a path: a file, all in a directory, or what .gz and .zip files hold."""

import gzip
import re
import shutil
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

from modelkeep_core.errors import UserError

TABLES = (".csv", ".tsv", ".tab", ".parquet", ".pq")
SPREADSHEET = {"[Content_Types].xml", "mimetype"}
MAGIC = {b"PAR1": "parquet", b"PK\x03\x04": "zip", b"\x1f\x8b": "gzip"}
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
            case "gzip":
                with gzip.open(path) as packed:
                    _unpack(packed, inner / "unpacked", name)
                tables.append(TableFile(name.removesuffix(".gz"), inner / "unpacked", name))
            case "zip":
                tables += _unzip(path, name, inner)
            case _:
                tables.append(TableFile(name, path, name))
    if not tables:
        raise UserError(f"{source} holds no table: no file ends in {', '.join(TABLES)}.")
    return tables, left


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
    ends = (*TABLES, *(f"{end}.gz" for end in TABLES), ".zip")
    return not hidden and name.lower().endswith(ends)


def kind_of(path: Path) -> str:
    """Say what a file is by its first bytes: parquet, zip, gzip or, else, text."""
    with path.open("rb") as file:
        start = file.read(5)
    if PAR1.match(start):
        return "text"
    start = start[:4]
    return MAGIC.get(start) or MAGIC.get(start[:2], "text")


def _unzip(path: Path, name: str, inner: Path) -> list[TableFile]:
    """Unpack the tables of an archive; several are named after it."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member.filename for member in archive.infolist() if not member.is_dir()]
            if SPREADSHEET & set(members):
                raise UserError(f"{name} is a spreadsheet: save the sheet as CSV first.")
            tables = [part for part in members if is_table(part)] or members[:1]
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
    return unpacked


def _unpack(packed: IO[bytes] | gzip.GzipFile, target: Path, name: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with target.open("wb") as file:
            shutil.copyfileobj(packed, file, 1 << 20)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise UserError(f"{name} is damaged: {error}.") from None
