"""A table in batches, of which each cell is known as the file has it and in the schema's type."""

from collections.abc import Iterator

import polars as pl
import polars.selectors as cs

from modelkeep_core.cells import given_cell, typed
from modelkeep_core.schema import Column, Schema

BATCH_ROWS = 100_000
NUMBERS: dict[str, type[pl.DataType]] = {"number": pl.Float64, "integer": pl.Int64}


def batches(table: pl.LazyFrame, schema: Schema, names: list[str]) -> Iterator[pl.DataFrame]:
    """Yield batches that hold, under names that no header can collide with, the named columns.

    "row" counts from 1; for each place n in `names`, "vn" is the converted cell and "pn" says
    whether the file has something there.
    """
    types = table.collect_schema()
    columns = [schema.columns[name] for name in names]
    frames = table.select(given_cells(types, schema, names)).collect_batches(
        chunk_size=BATCH_ROWS, maintain_order=True, engine="streaming"
    )
    first = 1
    for batch in frames:
        yield numbered_cells(batch, columns, first)
        first += len(batch)


def given_cells(types: pl.Schema, schema: Schema, names: list[str]) -> list[pl.Expr]:
    """Return the cells of the columns `names` as a file has them, as "g0", "g1" and so on."""
    return [
        given_cell(cs.by_name(name).as_expr(), types[name], schema.columns[name]).alias(f"g{place}")
        for place, name in enumerate(names)
    ]


def numbered_cells(given: pl.DataFrame, columns: list[Column], first: int) -> pl.DataFrame:
    """Return what `batches` describes of the columns "g0", "g1" and so on, from a row number."""
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
