"""Tables in CSV or Parquet files: found, opened, and converted to the schema's types.

What breaks the schema becomes null here; `checking` says which rows it is in.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import polars as pl
import polars.selectors as cs

from modelkeep_core.cells import typed
from modelkeep_core.csv_text import BLANK, CsvText, NotPlain, examine
from modelkeep_core.errors import UserError, reason_of
from modelkeep_core.schema import Schema


def files_of(raw: Path | str) -> list[Path]:
    """Return the table files at `raw`: the file itself or all below the directory, hidden ones not.

    Raises:
        UserError: there is none, or a file of another kind lies among them.
    """
    raw = Path(raw)
    if not raw.exists():
        raise UserError(f"{raw} is missing. Where a remote has it, `dvc pull` brings it.")
    files = [raw]
    if raw.is_dir():
        below = sorted(path for path in raw.rglob("*") if path.is_file())
        hidden = [
            any(part.startswith(".") for part in path.relative_to(raw).parts) for path in below
        ]
        files = [path for path, skip in zip(below, hidden, strict=True) if not skip]
    if not files:
        raise UserError(f"{raw} is empty: put a .csv or .parquet file there.")
    for path in files:
        if path.suffix not in (".csv", ".parquet"):
            raise UserError(f"{path} is neither .csv nor .parquet: convert it, or move it away.")
    return files


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn what is said of a broken file into a UserError that names the file."""
    try:
        yield
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or reason_of(error)}.") from None
    except (NotPlain, pl.exceptions.PolarsError) as error:
        reason = str(error).strip().splitlines()[0]
        raise UserError(f"{path} cannot be read as {path.suffix[1:]}: {reason}") from None


def scan(path: Path | str, schema: Schema) -> pl.LazyFrame:
    """Open a table: CSV as text, of which every line was looked at; Parquet in its own types.

    Lines of a CSV file without content are no rows.

    Raises:
        UserError: the file is no such table.
    """
    path = Path(path)
    return opened(path, schema.missing_values)[0]


def scan_as_given(path: Path) -> pl.LazyFrame:
    """Open a table as `scan` does, with every text as it stands there.

    Raises:
        UserError: the file is no such table.
    """
    return opened(path, [])[0]


def read(files: Sequence[Path | str], schema: Schema) -> pl.LazyFrame:
    """Return the rows of all files, which were checked, with the schema's raw columns and types.

    Nothing is read until the rows are collected or written; then they stream.
    """
    names = schema.raw
    return pl.concat(convert(scan(path, schema), names, schema) for path in files)


def convert(table: pl.LazyFrame, names: list[str], schema: Schema) -> pl.LazyFrame:
    """Select the columns `names` in the types of the schema; cells that do not fit are null."""
    types = table.collect_schema()
    return table.select(
        typed(cs.by_name(name).as_expr(), types[name], schema.columns[name]).alias(name)
        for name in names
    )


def opened(path: Path, missing: list[str]) -> tuple[pl.LazyFrame, CsvText | None]:
    """Open a table, and return what is known of its lines, which a Parquet file has not."""
    with readable(path):
        if path.suffix != ".parquet":
            return text_table(path, missing)
        table = pl.scan_parquet(path, glob=False)
        table.collect_schema()
    return table, None


def text_table(source: Path | bytes, missing: list[str]) -> tuple[pl.LazyFrame, CsvText]:
    """Open a CSV table, and return what is known of its lines, each of which was looked at.

    Args:
        source: a file, or its bytes.
        missing: the texts that stand for nothing.

    Raises:
        NotPlain: not every program would read the same cells.
        OSError: the file cannot be read.
    """
    if isinstance(source, bytes):
        text = examine(io.BytesIO(source))
    else:
        text, _ = text_blocks(source)
    return _text_frame(source, text, missing), text


def text_blocks(path: Path) -> tuple[CsvText, list[tuple[int, int]]]:
    """Return what is known of the lines of a CSV file, and where it can be cut.

    Returns:
        What it holds; and places in bytes between two rows, from the end of the header to the end
        of the file, each with how many rows are before it.

    Raises:
        NotPlain: not every program would read the same cells.
        OSError: the file cannot be read.
    """
    state = path.stat()
    return _examined(path.absolute(), state.st_ino, state.st_size, state.st_mtime_ns)


def text_block(path: Path, text: CsvText, start: int, end: int, missing: list[str]) -> pl.LazyFrame:
    """Return the rows between two places of a CSV file, as text.

    Args:
        path: the file.
        text: what is known of its lines.
        start: where the rows begin, in bytes, as `text_blocks` says.
        end: where they end.
        missing: the texts that stand for nothing.
    """
    header = io.StringIO()
    csv.writer(header, lineterminator="\n", quoting=csv.QUOTE_ALL).writerow(text.names)
    with path.open("rb") as file:
        file.seek(start)
        return _text_frame(header.getvalue().encode() + file.read(end - start), text, missing)


def _text_frame(source: Path | bytes, text: CsvText, missing: list[str]) -> pl.LazyFrame:
    table = pl.scan_csv(
        source,
        infer_schema=False,
        null_values=[] if text.blank else missing,
        with_column_names=lambda _: text.names,
        glob=False,
    )
    if text.blank:
        content = pl.all().str.strip_chars(BLANK).fill_null("") != ""
        table = table.filter(pl.any_horizontal(content))
        table = table.with_columns(pl.when(~pl.all().is_in(missing)).then(pl.all()))
    return table


@lru_cache(maxsize=64)
def _examined(path: Path, *_: int) -> tuple[CsvText, list[tuple[int, int]]]:
    """Examine a file once, though it is opened again and again, until its state is another.

    Args:
        path: the file.
        _: its inode, its size and when it was changed.
    """
    places: list[tuple[int, int]] = []
    with path.open("rb") as file:
        text = examine(file, lambda *place: places.append(place))
    return text, places
