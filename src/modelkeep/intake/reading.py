"""Tables as people have them → CSV and Parquet files for the pipeline, with the same cells."""

import csv
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

import polars as pl
import polars.selectors as cs

from modelkeep.intake.archives import kind_of, table_files
from modelkeep.intake.delimited import (
    DELIMITERS,
    Dialect,
    Way,
    dialect_of,
    fits,
    named,
    renamed,
    rows_of,
)
from modelkeep_core.cells import seconds
from modelkeep_core.csv_text import PACKED, NotPlain
from modelkeep_core.errors import UserError
from modelkeep_core.tables import readable, scan_as_given, text_table

ENDS = (
    *(".csv", ".tsv", ".tab", ".txt", ".dat", ".data", ".parquet", ".pq"),
    *(".gz", ".bz2", ".xz", ".zip"),
)


def table_at(
    source: Path,
    names: Iterable[str],
    work: Path,
    encoding: str | None = None,
    others: Iterable[str] = (),
) -> tuple[Path, list[str]]:
    """Return the one table of a file or archive as a file that core reads with the same cells.

    Args:
        source: a table in any file that `take_in` reads.
        names: columns that it has.
        work: a directory for what must be written anew; the caller removes it.
        encoding: the encoding that a person says its text has.
        others: columns that it may have besides.

    Returns:
        The file, which is `source` where that can be read as it is; and how it was read, in
        sentences, where that was not certain.

    Raises:
        UserError: it is no table, or several.
    """
    if encoding is None and _is_plain(source, {*names}, {*others}):
        return source, []
    files, notes = take_in(source, work / "raw", work / "unpacked", encoding)
    if len(files) > 1:
        raise UserError(f"{source} holds {len(files)} tables: give one after the other.")
    return files[0], notes


def _is_plain(source: Path, names: set[str], others: set[str]) -> bool:
    """Say whether core reads a file as it is, with the columns `names`."""
    if source.suffix == ".parquet":
        with readable(source):
            table = pl.scan_parquet(source, glob=False)
            return fits(list(table.collect_schema()), names, others) and not _changed(table)
    if source.suffix != ".csv" or kind_of(source) != "text":
        return False
    with readable(source):
        try:
            return fits(text_table(source, [])[1].names, names, others)
        except NotPlain:
            if not source.stat().st_size:
                raise
            return False


def take_in(
    source: Path, raw: Path, work: Path, encoding: str | None = None
) -> tuple[list[Path], list[str]]:
    """Write the tables at `source` into the new directory `raw`, as the pipeline reads them.

    A file that the pipeline can read stays byte for byte. Other text becomes CSV in UTF-8, other
    Parquet gets plain columns.

    Args:
        source: a file, an archive or a directory.
        raw: the directory to write.
        work: a directory for what archives hold; the caller removes it.
        encoding: the encoding that a person says text has.

    Returns:
        The files, and what a person should know of them, in sentences.

    Raises:
        UserError: there is no table, one is broken, or two have not the same columns.
    """
    given, left = table_files(source, work)
    notes = [f"files in {source.name} that are no tables and left out: {left}"] if left else []
    files: list[Path] = []
    for name, path, shown in given:
        parquet = kind_of(path) == "parquet"
        target = _target(raw, name, "parquet" if parquet else "csv")
        target.parent.mkdir(parents=True, exist_ok=True)
        if parquet:
            done = _take_parquet(path, shown, target)
        else:
            done = _take_text(path, shown, target, encoding)
        notes += [f"{shown} {sentence}" for sentence in done]
        files.append(target)
    headers = [list(scan(file).collect_schema()) for file in files]
    for table, header in zip(given, headers, strict=True):
        if strange := sorted(set(headers[0]) ^ set(header)):
            raise UserError(
                f"{given[0].shown} and {table.shown} differ: only one has a column '{strange[0]}'."
            )
    return files, notes


def scan(file: Path) -> pl.LazyFrame:
    """Open a file that was taken in: CSV as text."""
    return scan_as_given(file)


def _target(raw: Path, name: str, kind: str) -> Path:
    """Return a path of its own for a table: its name with the ending of its kind."""
    bare = PurePosixPath(name)
    while bare.suffix.lower() in ENDS:
        bare = bare.with_suffix("")
    bare = bare.with_name(bare.name.lstrip(".") or "table")
    target, number = raw / f"{bare}.{kind}", 2
    while target.exists():
        target, number = raw / f"{bare}-{number}.{kind}", number + 1
    return target


def _take_text(path: Path, name: str, target: Path, encoding: str | None) -> list[str]:
    dialect = dialect_of(path, name, encoding)
    if dialect.usual and _rows(path) is not None:
        shutil.copyfile(path, target)
        return []
    count = 0
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        quoted = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)
        (quoted if _seems_packed(dialect) else writer).writerow(dialect.names)
        for row in rows_of(path, name, dialect):
            writer.writerow(row)
            count += 1
    if _rows(target) != count:
        raise UserError(f"{name} cannot be read: its quotation marks or line ends are broken.")
    return [*_unusual(dialect, guessed=encoding is None)]


def _unusual(dialect: Dialect, guessed: bool) -> Iterator[str]:
    """Yield what a person should know of how a text is read, in words that follow its name."""
    encoding = "UTF-8" if dialect.encoding.startswith("utf-8") else dialect.encoding
    way = dialect.way
    if (encoding, way) != ("UTF-8", Way(",")):
        read = f"is read as {encoding} with {DELIMITERS[way.delimiter]}"
        read += " and single quotation marks" if way.quote == "'" else ""
        read += " and blanks behind them" if way.blanks else ""
        if guessed and not encoding.lower().startswith("utf"):
            read += "; where letters are wrong, name its encoding with --encoding"
        yield read
    elif dialect.encoding == "utf-8-sig":
        yield "is read without the byte order mark at its beginning"
    elif _seems_packed(dialect):
        yield f"is read as text, though it begins with '{dialect.names[0]}', as packed data may"
    elif not dialect.renamed and not dialect.tail:
        yield "is read as UTF-8 with commas, though its quotation marks or line ends are unusual"
    if dialect.tail:
        yield "has empty cells behind the last name of its header, which are left out"
    if dialect.renamed:
        yield dialect.renamed


def _seems_packed(dialect: Dialect) -> bool:
    """Say whether a header, without quotation marks, begins as packed data do."""
    return dialect.names[0].encode().startswith(PACKED)


def _rows(file: Path) -> int | None:
    """Count the rows of a file as core sees them; None where core does not read it."""
    try:
        return text_table(file, [])[1].rows
    except NotPlain:
        return None


def _take_parquet(path: Path, name: str, target: Path) -> list[str]:
    with readable(Path(name)):
        table = pl.scan_parquet(path, glob=False)
        header = list(table.collect_schema())
        cells = _cells(table)
        notes = [*_converted(table)]
        names = dict(zip(header, named(header), strict=True))
        if _changed(table) or names.keys() != {*names.values()}:
            table.select(cell.alias(names[old]) for old, cell in cells.items()).sink_parquet(target)
        else:
            shutil.copyfile(path, target)
    called = renamed(header, named(header))
    return [*notes, called] if called else notes


def _converted(table: pl.LazyFrame) -> Iterator[str]:
    """Yield which cells are not kept as they are, in words that follow the name of the file."""
    for name, kind in table.collect_schema().items():
        if kind.is_nested() or kind in (pl.Binary, pl.Object):
            yield f"has lists or bytes in column '{name}', which is left out"
        elif _is_extension(kind):
            yield f"has a type of its own program in column '{name}', which is left out"
        elif isinstance(kind, pl.Datetime) and kind.time_zone not in (None, "UTC"):
            yield f"has times of {kind.time_zone} in column '{name}', which are kept in UTC"
        elif kind == pl.Duration:
            yield f"has durations in column '{name}', which are kept in seconds"
    for name, count in _infinite(table).items():
        yield f"has infinite numbers in column '{name}', which are empty cells now: {count}"


def _is_extension(kind: pl.DataType) -> bool:
    return isinstance(kind, pl.BaseExtension)


def _cells(table: pl.LazyFrame) -> dict[str, pl.Expr]:
    """Return the columns of a table in types that the schema knows; others have none."""
    types = table.collect_schema()
    cells = {name: _plain(cs.by_name(name).as_expr(), types[name]) for name in types}
    return {name: cell for name, cell in cells.items() if cell is not None}


def _changed(table: pl.LazyFrame) -> bool:
    """Say whether a table has cells that the schema does not know as they are."""
    whole = table.select(cell.alias(name) for name, cell in _cells(table).items())
    return whole.collect_schema() != table.collect_schema() or bool(_infinite(table))


def _plain(cell: pl.Expr, kind: pl.DataType) -> pl.Expr | None:
    """Return a column in a type that the schema knows; None where it has none."""
    if kind.is_nested() or kind in (pl.Binary, pl.Object) or _is_extension(kind):
        return None
    if kind.is_float():
        return pl.when(cell.is_infinite()).then(None).otherwise(cell)
    if kind in (pl.UInt64, pl.Int128) or (isinstance(kind, pl.Decimal) and not kind.scale):
        # More digits than a float can tell apart may name something.
        return cell.cast(pl.String)
    if kind.is_decimal():
        return cell.cast(pl.Float64)
    if kind == pl.Duration:
        return seconds(cell)
    if isinstance(kind, pl.Datetime) and kind.time_zone:
        return cell.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    keeps = kind.is_integer() or kind in (pl.Boolean, pl.Date, pl.Datetime)
    return cell if keeps else cell.cast(pl.String)


def _infinite(table: pl.LazyFrame) -> dict[str, int]:
    """Return how many cells of each column are infinite, where some are."""
    infinite = table.select(cs.float().is_infinite().sum()).collect(engine="streaming")
    counts = dict(zip(infinite.columns, infinite.row(0), strict=True)) if infinite.width else {}
    return {name: count for name, count in counts.items() if count}
