"""The rules of the schema in dataframely's terms, and the cells of a batch that break them."""

from typing import Any

import dataframely as dy
import polars as pl

from modelkeep_core.cells import one_of
from modelkeep_core.schema import Column, Rule, Schema

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
# How many columns are checked at once: the time grows with the square of their number
AT_ONCE = 100
# How wide the values of a column may be in a report
SHOWN_VALUES = 30


def contracts_of(schema: Schema, names: list[str]) -> list[type[dy.Schema]]:
    """Say the rules of the schema in dataframely's terms, for the columns of a batch, some each."""
    return [
        _contract(schema, names, range(start, min(start + AT_ONCE, len(names))))
        for start in range(0, len(names), AT_ONCE)
    ]


def _contract(schema: Schema, names: list[str], places: range) -> type[dy.Schema]:
    rules: dict[str, dy.Column] = {"row": dy.UInt32()}
    for place in places:
        name = names[place]
        column = schema.columns[name]
        options: dict[str, Any] = {"nullable": column.missing}
        if column.min is not None or column.max is not None:
            options |= {"min": column.min, "max": column.max}
        if column.type == "category" and column.values is not None:
            options["check"] = {"values": lambda cell, values=column.values: one_of(cell, values)}
        rules[f"v{place}"] = TYPES[column.type](**options)
    return type("Contract", (dy.Schema,), rules)


def broken_cells(
    batch: pl.DataFrame, contracts: list[type[dy.Schema]], columns: int
) -> pl.DataFrame:
    """Return columns row, place and rule: each cell of a batch that breaks one, row by row."""
    unfit = {
        f"v{place}|type": pl.col(f"p{place}") & pl.col(f"v{place}").is_null()
        for place in range(columns)
    }
    looked = [(batch, unfit)]
    for contract in contracts:
        values = batch.select(contract.column_names())
        # Which cells are meant takes longer to say
        if not contract.is_valid(values):
            details = contract.filter(values)[1].details()
            unkept = {name: pl.col(name) == "invalid" for name in details.columns if "|" in name}
            looked.append((details, unkept))
    broken = [_named(batch.head(0), 0, "")]
    for rows, rules in looked:
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


def rule_in_words(rule: str, column: Column) -> str:
    """Say in words what a cell must be; `rule` is one of RULES."""
    if rule == "type" and column.formats:
        return f"like {' or '.join(column.formats)}"
    return column.must_be(RULES[rule], SHOWN_VALUES)
