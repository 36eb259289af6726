"""The work of the prepare stage in plain pandas: `pandas_prepare.py CSV SCHEMA OUT [--by-hash]`.

It reads the table, makes the checks that schema.yaml asks for (types, missing cells, ranges,
categories, rows that repeat), splits it with the share of each class kept, and writes
train.parquet and test.parquet. It is the peer that the stage is measured against, written as
pandas is written every day; unlike the stage, it neither names the rows that break a rule nor
hashes the raw file. With --by-hash it looks for equal hashes of rows, as the stage does, and not
for equal rows.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import pandas as pd
from ruamel.yaml import YAML

TEST_SIZE = 0.25
SEED = 7


def problems_of(column: pd.Series, rules: dict[str, Any]) -> list[str]:
    """Return the rules that do not hold in a column."""
    broken = []
    if rules["type"] == "number" and not pd.api.types.is_numeric_dtype(column):
        return [f"{column.name}: not a number"]
    if not rules.get("missing", False) and column.isna().any():
        broken.append(f"{column.name}: missing")
    if "min" in rules and (column < rules["min"]).any():
        broken.append(f"{column.name}: less than {rules['min']}")
    if "max" in rules and (column > rules["max"]).any():
        broken.append(f"{column.name}: more than {rules['max']}")
    if "values" in rules and not column.dropna().isin(rules["values"]).all():
        broken.append(f"{column.name}: an unknown value")
    return broken


def check(table: pd.DataFrame, schema: dict[str, Any], by_hash: bool) -> None:
    """Stop with every rule of the schema that does not hold."""
    if list(table) != list(schema["columns"]):
        sys.exit("the columns are not those of the schema")
    problems = [
        problem
        for name, rules in schema["columns"].items()
        for problem in problems_of(table[name], rules)
    ]
    rows = pd.util.hash_pandas_object(table, index=False) if by_hash else table
    if rows.duplicated().any():
        problems.append("rows repeat")
    if problems:
        sys.exit("\n".join(problems))


def main() -> None:
    """Prepare the table that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("csv", "schema", "out"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--by-hash", action="store_true")
    args = parser.parse_args()
    schema = YAML(typ="safe", pure=True).load(args.schema.read_text(encoding="utf-8"))
    table = pd.read_csv(args.csv, keep_default_na=False, na_values=schema["missing_values"])
    check(table, schema, args.by_hash)
    test = table.groupby(schema["target"]).sample(frac=TEST_SIZE, random_state=SEED).index
    is_test = table.index.isin(test)
    args.out.mkdir(parents=True, exist_ok=True)
    table[~is_test].to_parquet(args.out / "train.parquet", index=False)
    table[is_test].to_parquet(args.out / "test.parquet", index=False)


if __name__ == "__main__":
    main()
