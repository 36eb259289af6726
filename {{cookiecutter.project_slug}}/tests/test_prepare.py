"""data/raw → data/prepared."""

import polars as pl
import pytest
from conftest import PARAMS
from modelkeep_core import tables
from modelkeep_core.errors import UserError
from modelkeep_core.params import Prepare, read_params

from pipeline.prepare import prepare


def test_every_row_with_a_target_trains_or_tests(raw, prepared, schema):
    """No row is lost and none is on both sides."""
    target = tables.read(tables.files_of(raw), schema).select(schema.target).collect()
    parts = [pl.scan_parquet(prepared / f"{name}.parquet") for name in ("train", "test")]
    sizes = [part.select(pl.len()).collect().item() for part in parts]
    assert min(sizes) > 0
    assert sum(sizes) == len(target.drop_nulls())


def test_a_table_without_the_target_is_refused(raw, schema, tmp_path):
    """What breaks its schema stops the pipeline before anything is trained."""
    rows = pl.read_parquet(tables.files_of(raw)[0]).drop(schema.target)
    rows.write_parquet(tmp_path / "rows.parquet")
    params = read_params(PARAMS, "prepare", Prepare)
    with pytest.raises(UserError, match="break their schema"):
        prepare(tmp_path / "rows.parquet", schema, params, tmp_path / "out")
