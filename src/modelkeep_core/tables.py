"""Tables in CSV or Parquet files: converted to the schema's types and checked, in batches.

Cells are read as text and converted by the schema, so that a cell that does not fit is found
with its row, and no type is ever guessed. A table of any length passes through in batches.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import dataframely as dy
import polars as pl
import polars.selectors as cs

from modelkeep_core.csv_text import BLANK, CsvText, NotPlain, examine
from modelkeep_core.errors import UserError, suggestion
from modelkeep_core.schema import BEHIND, CODE, PARENTHESES, Column, Rule, Schema

BATCH_ROWS = 100_000
SHOWN_ROWS = 3
# Words for true and false that go together; those of two families may mean different things
FAMILIES = tuple(
    dict.fromkeys(true, True) | dict.fromkeys(false, False)
    for true, false in (
        (("true", "t"), ("false", "f")),
        (("yes", "y"), ("no", "n")),
        (("on",), ("off",)),
        (("1", "1.0"), ("0", "0.0")),
    )
)
BOOLEANS = {word: truth for family in FAMILIES for word, truth in family.items()}
DATETIMES = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d"]
NUMBERS: dict[str, type[pl.DataType]] = {"number": pl.Float64, "integer": pl.Int64}
TYPES: dict[str, type[dy.Column]] = {
    "number": dy.Float64,
    "integer": dy.Int64,
    "boolean": dy.Bool,
    "category": dy.String,
    "datetime": dy.Datetime,
}
# The rules of dataframely as the schema names them
RULES: dict[str, Rule] = {
    "nullability": "missing",
    "min": "min",
    "max": "max",
    "inf": "finite",
    "check__values": "values",
    "type": "type",
}
# How wide the values of a column may be in a report
SHOWN_VALUES = 30


@dataclass(frozen=True)
class Problem:
    """A rule that does not hold: in which column and how many rows, and the first of them."""

    column: str
    rule: str
    count: int | None = None
    rows: str = ""


def files_of(raw: Path) -> list[Path]:
    """Return the table files at `raw`: the file itself or all below the directory, hidden ones not.

    Raises:
        UserError: there is none, or a file of another kind lies among them.
    """
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
    except (NotPlain, pl.exceptions.PolarsError, OSError) as error:
        reason = str(error).strip().splitlines()[0]
        raise UserError(f"{path} cannot be read as {path.suffix[1:]}: {reason}") from None


def scan(path: Path, schema: Schema) -> pl.LazyFrame:
    """Open a table: CSV as text, of which every line was looked at; Parquet in its own types.

    Lines of a CSV file without content are no rows.

    Raises:
        UserError: the file is no such table.
    """
    return _opened(path, schema.missing_values)[0]


def scan_as_given(path: Path) -> pl.LazyFrame:
    """Open a table as `scan` does, with every text as it stands there.

    Raises:
        UserError: the file is no such table.
    """
    return _opened(path, [])[0]


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


def _opened(path: Path, missing: list[str]) -> tuple[pl.LazyFrame, CsvText | None]:
    """Open a table, and return what is known of its lines, which a Parquet file has not."""
    with readable(path):
        if path.suffix != ".parquet":
            return text_table(path, missing)
        table = pl.scan_parquet(path, glob=False)
        table.collect_schema()
    return table, None


def convert(table: pl.LazyFrame, names: list[str], schema: Schema) -> pl.LazyFrame:
    """Select the columns `names` in the types of the schema; cells that do not fit are null."""
    types = table.collect_schema()
    return table.select(
        typed(cs.by_name(name).as_expr(), types[name], schema.columns[name]).alias(name)
        for name in names
    )


def check(
    path: Path,
    schema: Schema,
    names: list[str],
    shown: str = "",
    keep: Callable[[pl.DataFrame], None] = lambda rows: None,
) -> tuple[list[Problem], pl.DataFrame]:
    """Check one file: its header, then every cell of the columns `names`, in batches.

    A cell counts once, under the first rule that it breaks: type, missing, then values.

    Args:
        path: the file.
        schema: the contract.
        names: the columns.
        shown: what problems call the file, if not by its own name.
        keep: takes the rows of each batch: the columns `names` in the types of the schema.

    Returns:
        The problems; and a frame with one row for each row of the file: column "hash", a hash of
        its cells. Where the header does not fit, no cell is read.

    Raises:
        UserError: the file cannot be read to its end.
    """
    table, text = _opened(path, schema.missing_values)
    shown = shown or path.name
    problems = header_problems(list(table.collect_schema()), schema, names, shown)
    if problems:
        return problems, pl.DataFrame(schema={"hash": pl.UInt64})
    contract = _contract(schema, names)
    counts: dict[tuple[int, str], tuple[int, list[int]]] = {}
    hashes = [pl.DataFrame(schema={"hash": pl.UInt64})]
    kept = {f"v{place}": name for place, name in enumerate(names)}
    with readable(path):
        for batch in _batches(table, schema, names):
            keep(batch.select(*kept).rename(kept))
            hashes.append(batch.select(hash=pl.struct(pl.col("^v[0-9]+$")).hash()))
            for place, rule, count, rows in _broken(batch, contract, len(names)).iter_rows():
                before, first = counts.get((place, rule), (0, []))
                counts[place, rule] = before + count, (first + rows)[:SHOWN_ROWS]
    for (place, rule), (count, rows) in sorted(counts.items()):
        must_be = _rule(rule, schema.columns[names[place]])
        problems.append(Problem(names[place], must_be, count, f"{shown}: {listed(rows)}"))
    whole = pl.concat(hashes)
    if text and len(whole) != text.rows:
        raise UserError(
            f"{path} cannot be read: it has {text.rows} rows, of which {len(whole)} were read."
        )
    return problems, whole


def header_problems(
    header: list[str], schema: Schema, names: list[str], shown: str
) -> list[Problem]:
    """Return what is wrong with the columns of a table: missing ones, and unknown ones.

    Args:
        header: the columns that it has.
        schema: the contract.
        names: the columns that it must have.
        shown: what problems call the table.
    """
    missing = [
        Problem(name, f"a column of {shown}{suggestion(name, set(header) - set(names))}")
        for name in names
        if name not in header
    ]
    unknown = [
        Problem(name, f"in schema.yaml, or not in {shown}")
        for name in header
        if name not in schema.columns
    ]
    return missing + unknown


def check_block(
    block: pl.DataFrame, schema: Schema, names: list[str], first: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Convert some rows of a table and check every cell of the columns `names`.

    Args:
        block: the rows, with those columns as a file has them.
        schema: the contract.
        names: the columns.
        first: the number of the first row.

    Returns:
        The columns in the types of the schema; and the cells that break a rule, by rows: "row",
        "column" and "rule", what it must be. A cell counts once, as for `check`.
    """
    given = _given_cells(block.schema, schema, names)
    cells = _cells(block.select(given), [schema.columns[name] for name in names], first)
    broken = _broken_cells(cells, _contract(schema, names), len(names))
    rules = [
        {"row": row, "column": names[place], "rule": _rule(rule, schema.columns[names[place]])}
        for row, place, rule in broken.iter_rows()
    ]
    types = {"row": pl.UInt64, "column": pl.String, "rule": pl.String}
    typed_cells = cells.select(pl.col(f"v{n}").alias(name) for n, name in enumerate(names))
    return typed_cells, pl.DataFrame(rules, schema=types)


def problems_of(broken: pl.DataFrame, names: list[str], shown: str) -> list[Problem]:
    """Sum up cells that break a rule, as `check_block` returns them, in the order of `names`."""
    return [
        Problem(name, rule, len(rows), f"{shown}: {listed(rows[:SHOWN_ROWS])}")
        for name in names
        for (rule,), rows in (
            (rule, part["row"].to_list())
            for rule, part in broken.filter(column=name).group_by("rule", maintain_order=True)
        )
    ]


def checked_hashes(
    files: list[Path],
    schema: Schema,
    keep: Callable[[pl.DataFrame], None] = lambda rows: None,
) -> list[pl.DataFrame]:
    """Check every file against the schema and return the row hashes of each.

    Args:
        files: one or more.
        schema: the contract.
        keep: takes the rows, in their order, as `check` gives them.

    Raises:
        UserError: with all that does not hold, in one table.
    """
    problems, hashes = [], []
    for path in files:
        broken, rows = check(path, schema, schema.raw, keep=keep)
        problems += broken
        hashes.append(rows)
    if not schema.duplicates:
        problems += repeated_rows(files, hashes)
    if problems:
        raise UserError(
            f"the raw data break schema.yaml:\n{report(problems)}",
            "how-to/own-data.md#when-data-break-the-schema",
        )
    return hashes


def read(files: list[Path], schema: Schema) -> pl.LazyFrame:
    """Return the rows of all files, which were checked, with the schema's raw columns and types.

    Nothing is read until the rows are collected or written; then they stream.
    """
    names = schema.raw
    return pl.concat(convert(scan(path, schema), names, schema) for path in files)


def repeated_rows(files: list[Path], hashes: list[pl.DataFrame]) -> list[Problem]:
    """Return the problem of rows that repeat an earlier row, in whichever file."""
    rows = pl.concat(
        part.with_columns(file=pl.lit(place, pl.UInt32), row=pl.int_range(1, pl.len() + 1))
        for place, part in enumerate(hashes)
    )
    repeats = rows.filter(~pl.col("hash").is_first_distinct())
    if not len(repeats):
        return []
    first = repeats.head(SHOWN_ROWS).group_by("file", maintain_order=True).agg("row")
    shown = "; ".join(
        f"{files[place].name}: {listed(numbers)}" for place, numbers in first.iter_rows()
    )
    return [Problem("(whole row)", "unlike every other", len(repeats), shown)]


def listed(rows: list[int]) -> str:
    """Write row numbers as a list."""
    return ", ".join(str(row) for row in rows)


def report(problems: list[Problem]) -> str:
    """Lay the problems out as a table of column, rule, number of rows and first rows."""
    cells = [("column", "must be", "rows", "first rows")]
    for problem in problems:
        count = "" if problem.count is None else str(problem.count)
        cells.append((problem.column, problem.rule, count, problem.rows))
    widths = [max(len(row[place]) for row in cells) for place in range(3)]
    return "\n".join(
        f"  {column:{widths[0]}}  {rule:{widths[1]}}  {count:>{widths[2]}}  {rows}".rstrip()
        for column, rule, count, rows in cells
    )


def typed(cell: pl.Expr, given: pl.DataType, column: Column) -> pl.Expr:
    """Convert cells of the type `given` to what `column` says; what does not fit becomes null."""
    cell = _given(cell, given, column)
    text = cell.cast(pl.String).str.strip_chars()
    digits = _digits(text, column) if given == pl.String else cell
    number = digits.cast(pl.Float64, strict=False).fill_nan(None)
    match column.type:
        case "number":
            return number
        case "integer":
            whole = pl.when(number == number.round()).then(number).cast(pl.Int64, strict=False)
            exact = digits.cast(pl.Int64, strict=False)
            return whole if given.is_float() else pl.coalesce(exact, whole)
        case "boolean":
            words = _words(column)
            truth = text.str.to_lowercase().replace_strict(words, default=None)
            return pl.when(cell.is_null()).then(words.get("")).otherwise(truth)
        case "datetime" if given == pl.String:
            forms, latest = column.formats or DATETIMES, column.latest_year
            return pl.coalesce(_datetime(text, form, latest) for form in forms)
        case "datetime":
            return cell.cast(pl.Datetime("us"), strict=False)
    return _category(cell, given, column)


def _category(cell: pl.Expr, given: pl.DataType, column: Column) -> pl.Expr:
    """Spell a whole number that names something in one way, however it is stored."""
    text = cell.cast(pl.String)
    if given.is_float():
        whole = cell.cast(pl.Int64, strict=False)
        return pl.when(whole.cast(pl.Float64) == cell).then(whole.cast(pl.String)).otherwise(text)
    if column.codes:
        return text.str.strip_chars().str.replace(CODE, "${1}${2}")
    return text


def _given(cell: pl.Expr, given: pl.DataType, column: Column) -> pl.Expr:
    """Leave out what stands for nothing in this column, and not-a-number; times are in seconds."""
    if column.missing_values:
        text = cell if given == pl.String else cell.cast(pl.String)
        cell = pl.when(~text.is_in(column.missing_values)).then(cell)
    if given == pl.Duration:
        return cell.dt.total_microseconds() / 1e6
    return cell.fill_nan(None) if given.is_float() else cell


def bare(text: pl.Expr, column: Column) -> pl.Expr:
    """Write numbers without unit, with "-" where they are negative, and e3 for K, say."""
    if column.unit:
        text = text.str.replace(column.unit, "", literal=True).str.strip_chars()
    for minus in column.minus or ():
        if minus == PARENTHESES:
            text = text.str.replace(r"^\((.*)\)$", "-${1}")
        elif minus.startswith(BEHIND):
            behind = re.escape(minus.removeprefix(BEHIND))
            text = text.str.replace(rf"^(.*[^\s])\s*{behind}$", "-${1}")
        else:
            text = text.str.replace(f"^{re.escape(minus)}", "-")
    for letters, factor in (column.multiples or {}).items():
        text = text.str.replace(rf"(?i)\s*{re.escape(letters)}$", f"e{len(str(factor)) - 1}")
    return text


def _words(column: Column) -> dict[str, bool]:
    """Return the words for true and false: where a boolean names some of a family, its alone."""
    named = {word.strip().lower(): bool(n) for n, word in enumerate(column.values or ())}
    for family in FAMILIES if named else ():
        if named.items() <= family.items():
            return {"true": True, "false": False} | family
    return BOOLEANS | named


def _digits(text: pl.Expr, column: Column) -> pl.Expr:
    """Write numbers as every program reads them: sign, digits and a point, nothing else."""
    written, text = text, bare(text, column)
    if column.thousands:
        mark = r"\s" if not column.thousands.strip() else re.escape(column.thousands)
        text = pl.when(_grouped(text, mark)).then(text.str.replace_all(mark, ""))
    digits = text.str.replace(column.decimal, ".", literal=True) if column.decimal else text
    if column.texts:
        numbers = {text.strip(): str(number) for text, number in column.texts.items()}
        return pl.coalesce(written.replace_strict(numbers, default=None), digits)
    return digits


def _grouped(text: pl.Expr, mark: str) -> pl.Expr:
    """Say whether a mark parts groups of three digits, or of two before the last, or is not there.

    Elsewhere it is no mark between thousands: 0,125 is not 125.
    """
    groups = rf"[1-9]\d{{0,2}}({mark}\d{{2,3}})*{mark}\d{{3}}([^\d].*)?$"
    return text.str.contains(rf"^[^\d]*{groups}") | ~text.str.contains(mark)


def _datetime(text: pl.Expr, form: str, latest_year: int | None = None) -> pl.Expr:
    """Read datetimes of one format: without a day, the first; with a time zone, in UTC.

    Years of two digits that would come after `latest_year` are a hundred earlier.
    """
    if "%d" not in form and form not in DATETIMES:
        text, form = text + pl.lit(" 1"), f"{form} %d"
    time = text.str.to_datetime(form, time_unit="us", strict=False)
    if "%z" in form:
        time = time.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    if latest_year is not None and "%y" in form:
        early = time.dt.year() > latest_year
        time = pl.when(early).then(time.dt.offset_by("-100y")).otherwise(time)
    # A year of two digits is no year of our time, whatever %Y makes of it.
    return pl.when(time.dt.year() >= 1000).then(time)


def _batches(table: pl.LazyFrame, schema: Schema, names: list[str]) -> Iterator[pl.DataFrame]:
    """Yield batches that hold, under names that no header can collide with, the named columns.

    "row" counts from 1; for each place n in `names`, "vn" is the converted cell and "pn" says
    whether the file has something there.
    """
    types = table.collect_schema()
    columns = [schema.columns[name] for name in names]
    batches = table.select(_given_cells(types, schema, names)).collect_batches(
        chunk_size=BATCH_ROWS, maintain_order=True, engine="streaming"
    )
    first = 1
    for batch in batches:
        yield _cells(batch, columns, first)
        first += len(batch)


def _given_cells(types: pl.Schema, schema: Schema, names: list[str]) -> list[pl.Expr]:
    """Return the cells of the columns `names` as a file has them, as "g0", "g1" and so on."""
    return [
        _given(cs.by_name(name).as_expr(), types[name], schema.columns[name]).alias(f"g{place}")
        for place, name in enumerate(names)
    ]


def _cells(given: pl.DataFrame, columns: list[Column], first: int) -> pl.DataFrame:
    """Return what `_batches` describes of the columns "g0", "g1" and so on, from a row number."""
    cells = _typed_batch(given, columns)
    present = given.select(pl.all().is_not_null()).rename(lambda name: f"p{name[1:]}")
    return pl.concat([cells, present], how="horizontal").with_row_index("row", offset=first)


def _typed_batch(given: pl.DataFrame, columns: list[Column]) -> pl.DataFrame:
    """Convert the columns "g0", "g1" and so on to what `columns` say, as "v0", "v1" and so on.

    Nearly every number is written as Polars reads it by itself: what is not is converted anew.
    """
    plain = [
        pl.col(f"g{place}").cast(NUMBERS[column.type], strict=False).alias(f"v{place}")
        for place, column in enumerate(columns)
        if given[f"g{place}"].dtype == pl.String and _plainly_written(column)
    ]
    quick = {
        cells.name: cells
        for cells in given.select(plain)
        if cells.null_count() == given[f"g{cells.name[1:]}"].null_count()
        and not (cells.dtype.is_float() and cells.is_nan().any())
    }
    return given.select(
        quick.get(f"v{place}", typed(pl.col(f"g{place}"), given[f"g{place}"].dtype, column)).alias(
            f"v{place}"
        )
        for place, column in enumerate(columns)
    )


def _plainly_written(column: Column) -> bool:
    """Say whether numbers are written with digits, a sign and a point alone."""
    marks = (column.decimal, column.thousands, column.unit, column.minus, column.multiples)
    return column.number and not any(marks) and not column.texts


def _contract(schema: Schema, names: list[str]) -> type[dy.Schema]:
    """Say the rules of the schema in dataframely's terms, for the columns of a batch."""
    rules: dict[str, dy.Column] = {"row": dy.UInt32()}
    for place, name in enumerate(names):
        column = schema.columns[name]
        options: dict[str, Any] = {"nullable": column.missing}
        if column.min is not None or column.max is not None:
            options |= {"min": column.min, "max": column.max}
        if column.type == "category" and column.values is not None:
            options["check"] = {"values": lambda cell, values=column.values: cell.is_in(values)}
        rules[f"v{place}"] = TYPES[column.type](**options)
    return type("Contract", (dy.Schema,), rules)


def _broken(batch: pl.DataFrame, contract: type[dy.Schema], columns: int) -> pl.DataFrame:
    """Return columns place, rule, count and rows (the first): the broken rules of a batch."""
    return (
        _broken_cells(batch, contract, columns)
        .group_by("place", "rule", maintain_order=True)
        .agg(count=pl.len(), rows=pl.col("row").head(SHOWN_ROWS))
    )


def _broken_cells(batch: pl.DataFrame, contract: type[dy.Schema], columns: int) -> pl.DataFrame:
    """Return columns row, place and rule: each cell of a batch that breaks one, row by row."""
    unfit = {
        f"v{place}|type": pl.col(f"p{place}") & pl.col(f"v{place}").is_null()
        for place in range(columns)
    }
    details = contract.filter(batch.select("row", "^v[0-9]+$"))[1].details()
    unkept = {name: pl.col(name) == "invalid" for name in details.columns if "|" in name}
    broken = [_named(batch.head(0), 0, "")]
    for rows, rules in ((batch, unfit), (details, unkept)):
        # Nearly every rule holds in nearly every batch, and a table may have a thousand of them.
        occurs = rows.select(rule.any().alias(name) for name, rule in rules.items())
        for name in (column.name for column in occurs if column.any()):
            column, _, rule = name.partition("|")
            if column != "row":
                broken.append(_named(rows.filter(rules[name]), int(column[1:]), rule))
    return (
        pl.concat(broken)
        .unique(["row", "place"], keep="first", maintain_order=True)
        .sort("row", maintain_order=True)
    )


def _named(rows: pl.DataFrame, place: int, rule: str) -> pl.DataFrame:
    return rows.select("row", place=pl.lit(place, pl.UInt32), rule=pl.lit(rule))


def _rule(rule: str, column: Column) -> str:
    """Say in words what a cell must be; `rule` is one of RULES."""
    if rule == "type" and column.formats:
        return f"like {' or '.join(column.formats)}"
    return column.must_be(RULES[rule], SHOWN_VALUES)
