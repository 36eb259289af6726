"""A checked table is what was read and converted, read once, and leaves nothing behind."""

import os
import subprocess
import sys

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from modelkeep_core import batches, cells, rules, tables
from modelkeep_core.checking import checked_table
from modelkeep_core.errors import UserError
from modelkeep_core.schema import Schema

NUMBERS = ["1", "-2.5", "+3", "1e3", "", ".5", "9007199254740993", "1e9"]
STRANGE = [" 4 ", "\t5", "007", "6.0"]


@pytest.fixture
def schema():
    """The contract of a number, an integer, a boolean, a time and a category."""
    kinds = ("number", "integer", "boolean", "datetime", "category")
    return Schema.model_validate(
        {
            "task": "classification",
            "target": "label",
            "missing_values": [""],
            "duplicates": True,
            "columns": {kind: {"type": kind, "missing": True} for kind in kinds}
            | {"label": {"type": "category"}},
        }
    )


def written(directory, numbers, **columns):
    """Write a CSV file with these numbers, each beside a cell of another type."""
    table = {
        "number": numbers,
        "integer": [str(place) for place in range(len(numbers))],
        "boolean": ["yes", "no"] * (len(numbers) // 2),
        "datetime": ["2024-03-01"] * len(numbers),
        "category": [f" c{place} " for place in range(len(numbers))],
        "label": ["a", "b"] * (len(numbers) // 2),
    }
    path = directory / f"rows-{len(list(directory.iterdir()))}.csv"
    pl.DataFrame(table | columns).write_csv(path)
    return path


@pytest.mark.parametrize("batch", [3, 1000])
def test_a_checked_table_is_what_reading_gives(tmp_path, schema, monkeypatch, batch):
    """However numbers are written, and in however many batches and files they come."""
    monkeypatch.setattr(batches, "BATCH_ROWS", batch)
    (tmp_path / "raw").mkdir()
    files = [
        written(tmp_path / "raw", NUMBERS),
        written(tmp_path / "raw", NUMBERS + STRANGE),
        written(tmp_path / "raw", STRANGE, integer=STRANGE),
    ]
    with checked_table(files, schema, tmp_path / "out") as checked:
        assert_frame_equal(checked.table.collect(), tables.read(files, schema).collect())
        assert checked.rows == [8, 12, 4]


def test_a_cell_that_is_no_number_is_missed_by_no_short_cut(tmp_path, schema):
    """Words that Polars takes for numbers are none in a schema."""
    (tmp_path / "raw").mkdir()
    path = written(tmp_path / "raw", ["nan", "NaN", "1", "x"])
    with (
        pytest.raises(UserError, match=r"number +a number +3 +rows-0\.csv: 1, 2, 4"),
        checked_table([path], schema, tmp_path / "out"),
    ):
        pass


@pytest.mark.parametrize("at_once", [1, 4, 100])
def test_the_columns_of_a_wide_table_are_checked_some_at_a_time(
    tmp_path, schema, monkeypatch, at_once
):
    """However many at a time, every rule that is broken is told with its rows."""
    monkeypatch.setattr(rules, "AT_ONCE", at_once)
    schema.columns["number"].min = 0
    schema.columns["label"].values = ["a"]
    (tmp_path / "raw").mkdir()
    path = written(tmp_path / "raw", ["1", "-2", "x", "-4"], integer=["1", "2.5", "3", "4"])
    with pytest.raises(UserError) as refused, checked_table([path], schema, tmp_path / "out"):
        pass
    assert [line.split() for line in str(refused.value).splitlines()[2:]] == [
        ["number", "at", "least", "0", "2", f"{path.name}:", "2,", "4"],
        ["number", "a", "number", "1", f"{path.name}:", "3"],
        ["integer", "a", "whole", "number", "1", f"{path.name}:", "2"],
        ["label", "one", "of", "a", "2", f"{path.name}:", "2,", "4"],
    ]


def test_nothing_is_left_of_a_table_that_was_refused(tmp_path, schema):
    """Neither its rows nor the directory that it was to be written to."""
    (tmp_path / "raw").mkdir()
    path = written(tmp_path / "raw", ["1", "x"])
    with pytest.raises(UserError), checked_table([path], schema, tmp_path / "data" / "out"):
        pass
    assert not (tmp_path / "data" / "out").exists()


def test_what_was_written_beside_the_rows_stays_alone(tmp_path, schema):
    """The copy is gone at the end, and what the stage wrote is there."""
    (tmp_path / "raw").mkdir()
    out = tmp_path / "out"
    with checked_table([written(tmp_path / "raw", ["1", "2"])], schema, out) as checked:
        checked.table.sink_parquet(out / "train.parquet")
    assert [path.name for path in out.iterdir()] == ["train.parquet"]


def test_a_table_without_rows_has_its_columns(tmp_path, schema):
    """There is no batch to keep, and the table is empty."""
    path = tmp_path / "rows.csv"
    path.write_text(f"{','.join(schema.columns)}\n", encoding="utf-8")
    with checked_table([path], schema, tmp_path / "out") as checked:
        assert checked.table.collect().schema == tables.read([path], schema).collect_schema()
        assert checked.rows == [0]


PREPARE = """
import sys
from pathlib import Path
from modelkeep_core.params import Prepare
from modelkeep_core.schema import Schema
from pipeline.prepare import prepare

if __name__ == "__main__":
    raw, schema, out = map(Path, sys.argv[1:])
    contract = Schema.model_validate_json(schema.read_text(encoding="utf-8"))
    split = Prepare(seed=7, test_size=0.25, split="random", split_by=None)
    prepare(raw, contract, split, out)
"""


@pytest.mark.slow
def test_the_number_of_threads_changes_no_byte(tmp_path, schema):
    """Rows keep their order and files their bytes with one thread of Polars and with sixteen."""
    random, rows = np.random.default_rng(0), 300_000
    table = {
        "number": random.normal(size=rows).round(4),
        "integer": random.integers(0, 10**6, rows),
        "boolean": random.choice(["yes", "no"], rows),
        "datetime": ["2024-03-01"] * rows,
        "category": random.choice([*"abcdef"], rows),
        "label": random.choice(["x", "y"], rows),
    }
    pl.DataFrame(table).write_csv(tmp_path / "rows.csv")
    contract = tmp_path / "schema.json"
    contract.write_text(schema.model_dump_json(), encoding="utf-8")
    kept = []
    for threads in ("1", "16"):
        out = tmp_path / threads
        subprocess.run(
            [sys.executable, "-c", PREPARE, tmp_path / "rows.csv", contract, out],
            env=os.environ
            | {"POLARS_MAX_THREADS": threads, "PYTHONPATH": os.pathsep.join(sys.path)},
            check=True,
        )
        kept.append({path.name: path.read_bytes() for path in out.iterdir()})
    assert set(kept[0]) == {"train.parquet", "test.parquet", "provenance.json"}
    assert kept[0] == kept[1]


@pytest.mark.parametrize("texts", [[], ["a"], ["a", "", "b c"]])
def test_a_few_texts_are_found_as_many_are(texts, monkeypatch):
    """Compared one by one or looked up: the same cells, and no answer where a cell is empty."""
    table = pl.DataFrame({"cell": ["a", None, "", "z", "b c"]})
    one_by_one = table.select(cells.one_of(pl.col("cell"), texts))
    monkeypatch.setattr(cells, "FEW", 0)
    assert_frame_equal(one_by_one, table.select(cells.one_of(pl.col("cell"), texts)))
