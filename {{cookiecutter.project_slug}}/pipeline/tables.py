"""Tables in CSV or Parquet files: converted to the schema's types and checked, in batches.

Cells are read as text and converted by the schema, so that a cell that does not fit is found
with its row, and no type is ever guessed. A table of any length passes through in batches.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten

import dataframely as dy
import polars as pl
import polars.selectors as cs

from pipeline.refusal import Refusal, suggestion
from pipeline.schema import Column, Schema

BATCH_ROWS = 250_000
SHOWN_ROWS = 3
TRUE = ("true", "t", "yes", "y", "on", "1", "1.0")
FALSE = ("false", "f", "no", "n", "off", "0", "0.0")
BOOLEANS = dict.fromkeys(TRUE, True) | dict.fromkeys(FALSE, False)
DATETIMES = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d"]
KINDS = {
    "number": (dy.Float64, "a number"),
    "integer": (dy.Int64, "a whole number"),
    "boolean": (dy.Bool, "true or false"),
    "category": (dy.String, "text"),
    "datetime": (dy.Datetime, "like 2024-01-31 or 2024-01-31T09:30:00"),
}


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
        Refusal: there is none, or a file of another kind lies among them.
    """
    if not raw.exists():
        raise Refusal(f"{raw} is missing. Where a remote has it, `dvc pull` brings it.")
    files = [raw]
    if raw.is_dir():
        below = sorted(path for path in raw.rglob("*") if path.is_file())
        hidden = [
            any(part.startswith(".") for part in path.relative_to(raw).parts) for path in below
        ]
        files = [path for path, skip in zip(below, hidden, strict=True) if not skip]
    if not files:
        raise Refusal(f"{raw} is empty: put a .csv or .parquet file there.")
    for path in files:
        if path.suffix not in (".csv", ".parquet"):
            raise Refusal(f"{path} is neither .csv nor .parquet: convert it, or move it away.")
    return files


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn what Polars says of a broken file into a Refusal that names the file."""
    try:
        yield
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = str(error).strip().splitlines()[0]
        raise Refusal(f"{path} cannot be read as {path.suffix[1:]}: {reason}") from None


def scan(path: Path, schema: Schema) -> pl.LazyFrame:
    """Open a table without reading it: CSV as text, Parquet in its own types.

    Raises:
        Refusal: the file is no such table.
    """
    if path.suffix == ".parquet":
        table = pl.scan_parquet(path)
    else:
        table = pl.scan_csv(path, infer_schema=False, null_values=schema.missing_values)
    with readable(path):
        table.collect_schema()
    return table


def convert(table: pl.LazyFrame, names: list[str], schema: Schema) -> pl.LazyFrame:
    """Select the columns `names` in the types of the schema; cells that do not fit are null."""
    types = table.collect_schema()
    return table.select(
        typed(cs.by_name(name).as_expr(), types[name], schema.columns[name]).alias(name)
        for name in names
    )


def check(path: Path, schema: Schema, names: list[str]) -> tuple[list[Problem], pl.DataFrame]:
    """Check one file: its header, then every cell of the columns `names`, in batches.

    A cell counts once, under the first rule that it breaks: type, missing, then values.

    Returns:
        The problems; and a frame with one row for each row of the file: column "hash", a hash of
        its cells. Where the header does not fit, no cell is read.

    Raises:
        Refusal: the file cannot be read to its end.
    """
    table = scan(path, schema)
    problems = _header_problems(path, list(table.collect_schema()), schema, names)
    if problems:
        return problems, pl.DataFrame(schema={"hash": pl.UInt64})
    contract = _contract(schema, names)
    counts: dict[tuple[int, str], tuple[int, list[int]]] = {}
    hashes = [pl.DataFrame(schema={"hash": pl.UInt64})]
    with readable(path):
        for batch in _batches(table, schema, names):
            hashes.append(batch.select(hash=pl.struct(pl.col("^v[0-9]+$")).hash()))
            for place, rule, count, rows in _broken(batch, contract, len(names)).iter_rows():
                before, first = counts.get((place, rule), (0, []))
                counts[place, rule] = before + count, (first + rows)[:SHOWN_ROWS]
    for (place, rule), (count, rows) in sorted(counts.items()):
        text = _rule(rule, schema.columns[names[place]])
        problems.append(Problem(names[place], text, count, f"{path.name}: {listed(rows)}"))
    return problems, pl.concat(hashes)


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
    cell = _known(cell, given, column)
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
            words = {word.strip().lower(): bool(n) for n, word in enumerate(column.values or ())}
            return text.str.to_lowercase().replace_strict(BOOLEANS | words, default=None)
        case "datetime" if given == pl.String:
            return pl.coalesce(_datetime(text, form) for form in column.formats or DATETIMES)
        case "datetime":
            return cell.cast(pl.Datetime("us"), strict=False)
    return cell.cast(pl.String)


def _known(cell: pl.Expr, given: pl.DataType, column: Column) -> pl.Expr:
    """Leave out the texts that stand for nothing in this column."""
    if given == pl.String and column.missing_values:
        return pl.when(~cell.is_in(column.missing_values)).then(cell)
    return cell


def _digits(text: pl.Expr, column: Column) -> pl.Expr:
    """Write numbers as every program reads them: without unit and thousands, with a point."""
    if column.unit:
        text = text.str.replace(column.unit, "", literal=True).str.strip_chars()
    if column.thousands:
        blank = not column.thousands.strip()
        text = text.str.replace_all(r"\s" if blank else column.thousands, "", literal=not blank)
    return text.str.replace(column.decimal, ".", literal=True) if column.decimal else text


def _datetime(text: pl.Expr, form: str) -> pl.Expr:
    """Read datetimes of one format: without a day, the first; with a time zone, in UTC."""
    if "%d" not in form and form not in DATETIMES:
        text, form = text + pl.lit(" 1"), f"{form} %d"
    found = text.str.to_datetime(form, time_unit="us", strict=False)
    if "%z" in form:
        found = found.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    # A year of two digits is no year of our time, whatever %Y makes of it.
    return pl.when(found.dt.year() >= 1000).then(found)


def _header_problems(
    path: Path, header: list[str], schema: Schema, names: list[str]
) -> list[Problem]:
    missing = [
        Problem(name, f"a column of {path.name}{suggestion(name, set(header) - set(names))}")
        for name in names
        if name not in header
    ]
    unknown = [
        Problem(name, f"in schema.yaml, or not in {path.name}")
        for name in header
        if name not in schema.columns
    ]
    return missing + unknown


def _batches(table: pl.LazyFrame, schema: Schema, names: list[str]) -> Iterator[pl.DataFrame]:
    """Yield batches that hold, under names that no header can collide with, the named columns.

    "row" counts from 1; for each place n in `names`, "vn" is the converted cell and "pn" says
    whether the file has something there.
    """
    types = table.collect_schema()
    columns = []
    for place, name in enumerate(names):
        cell = cs.by_name(name).as_expr()
        known = _known(cell, types[name], schema.columns[name])
        present = known.fill_nan(None) if types[name].is_float() else known
        columns.append(present.is_not_null().alias(f"p{place}"))
        columns.append(typed(cell, types[name], schema.columns[name]).alias(f"v{place}"))
    yield from (
        table.select(columns)
        .with_row_index("row", offset=1)
        .collect_batches(chunk_size=BATCH_ROWS, maintain_order=True, engine="streaming")
    )


def _contract(schema: Schema, names: list[str]) -> type[dy.Schema]:
    """Say the rules of the schema in dataframely's terms, for the columns of a batch."""
    rules: dict[str, dy.Column] = {"row": dy.UInt32()}
    for place, name in enumerate(names):
        column = schema.columns[name]
        options: dict[str, object] = {"nullable": column.missing}
        if column.min is not None or column.max is not None:
            options |= {"min": column.min, "max": column.max}
        if column.type == "category" and column.values is not None:
            options["check"] = {"values": lambda cell, known=column.values: cell.is_in(known)}
        rules[f"v{place}"] = KINDS[column.type][0](**options)
    return type("Contract", (dy.Schema,), rules)


def _broken(batch: pl.DataFrame, contract: type[dy.Schema], columns: int) -> pl.DataFrame:
    """Return columns place, rule, count and rows (the first): the broken rules of a batch."""
    unfit = {
        f"v{place}|type": pl.col(f"p{place}") & pl.col(f"v{place}").is_null()
        for place in range(columns)
    }
    details = contract.filter(batch.select("row", "^v[0-9]+$"))[1].details()
    unkept = {name: pl.col(name) == "invalid" for name in details.columns if "|" in name}
    broken = [_named(batch.head(0), 0, "")]
    for rows, rules in ((batch, unfit), (details, unkept)):
        # Nearly every rule holds in nearly every batch, and a table may have a thousand of them.
        found = rows.select(rule.any().alias(name) for name, rule in rules.items())
        for name in (column.name for column in found if column.any()):
            column, _, rule = name.partition("|")
            if column != "row":
                broken.append(_named(rows.filter(rules[name]), int(column[1:]), rule))
    return (
        pl.concat(broken)
        .unique(["row", "place"], keep="first", maintain_order=True)
        .sort("row", maintain_order=True)
        .group_by("place", "rule", maintain_order=True)
        .agg(count=pl.len(), rows=pl.col("row").head(SHOWN_ROWS))
    )


def _named(rows: pl.DataFrame, place: int, rule: str) -> pl.DataFrame:
    return rows.select("row", place=pl.lit(place, pl.UInt32), rule=pl.lit(rule))


def _rule(rule: str, column: Column) -> str:
    """Say in words what a cell must be; `rule` is "type" or one of dataframely's names."""
    match rule:
        case "nullability":
            return "present"
        case "min":
            return f"at least {column.min:.15g}"
        case "max":
            return f"at most {column.max:.15g}"
        case "inf":
            return "finite"
        case "check__values":
            return f"one of {shorten(', '.join(column.values or []), 30, placeholder=' ...')}"
        case "type" if column.formats:
            return f"like {' or '.join(column.formats)}"
    return KINDS[column.type][1]
