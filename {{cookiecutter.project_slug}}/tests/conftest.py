"""Some rows of your own data, and the stages run on them."""

from copy import deepcopy
from pathlib import Path

import pandas as pd
import polars as pl
import pytest
from modelkeep_core import tables
from modelkeep_core.params import Prepare, Train, read_params
from modelkeep_core.schema import Schema, read_schema
from modelkeep_core.scoring import read_prepared
from sklearn.pipeline import Pipeline

from pipeline.prepare import prepare
from pipeline.train import train

ROOT = Path(__file__).parent.parent
RAW, PARAMS = ROOT / "data" / "raw", ROOT / "params.yaml"
ROWS = 600


@pytest.fixture(scope="session")
def schema() -> Schema:
    """The contract of the data, schema.yaml."""
    return read_schema(ROOT / "schema.yaml")


@pytest.fixture(scope="session")
def raw(schema: Schema, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with rows from all over data/raw: as many of each class, where there are."""
    if not RAW.is_dir():
        pytest.skip("data/raw is not here: dvc pull")
    files = tables.files_of(RAW)
    target = tables.read(files, schema).select(schema.target).collect().to_series()
    if schema.task == "classification":
        rank, size = pl.int_range(pl.len()).over(schema.target), pl.len().over(schema.target)
        wanted = -(-ROWS // max(target.n_unique(), 1))
    else:
        rank, size, wanted = pl.int_range(pl.len()), pl.len(), ROWS
    chosen = target.to_frame().select(rank * wanted % size < wanted).to_series()
    directory, start = tmp_path_factory.mktemp("raw"), 0
    for number, path in enumerate(files):
        rows = tables.scan(path, schema).collect()
        part = chosen[start : start + len(rows)]
        rows.filter(part).write_parquet(directory / f"{number}.parquet")
        start += len(rows)
    return directory


@pytest.fixture(scope="session")
def prepared(raw: Path, schema: Schema, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the stage prepare makes of these rows."""
    out = tmp_path_factory.mktemp("prepared")
    prepare(raw, schema, read_params(PARAMS, "prepare", Prepare), out)
    return out


@pytest.fixture(scope="session")
def train_rows(prepared: Path) -> pd.DataFrame:
    """The rows that the model learns from."""
    return pd.read_parquet(prepared / "train.parquet")


@pytest.fixture(scope="session")
def test_rows(prepared: Path, train_rows: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """The rows that it never sees, of classes that it saw."""
    rows = pd.read_parquet(prepared / "test.parquet")
    if schema.task == "classification":
        rows = rows[rows[schema.target].isin(train_rows[schema.target])]
    return rows


@pytest.fixture(scope="session")
def params() -> Train:
    """The parameters of the stage train, for one fit: dvc repro searches and cross-validates."""
    params = read_params(PARAMS, "train", Train)
    search = params.search.model_copy(update={"method": None, "folds": 0})
    return params.model_copy(update={"search": search})


@pytest.fixture(scope="session")
def fitted(train_rows: pd.DataFrame, schema: Schema, params: Train, prepared: Path) -> Pipeline:
    """What the stage train makes of them."""
    return train(train_rows, schema, params, read_prepared(prepared, schema)).model


@pytest.fixture(scope="session")
def model(fitted: Pipeline) -> Pipeline:
    """The same, to predict with: some estimators note in themselves that they did."""
    return deepcopy(fitted)
