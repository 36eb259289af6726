"""XGBoost from rows on disk: the same bytes as in memory, little held, and clear refusals."""

from argparse import Namespace

import numpy as np
import pandas as pd
import pytest
from ruamel.yaml import YAML
from sklearn.pipeline import Pipeline

from made import NO_SEARCH, feature_schema
from modelkeep_core import disk_rows, external, model_file
from modelkeep_core.boosters import class_name
from modelkeep_core.disk_rows import DiskRows
from modelkeep_core.errors import UserError
from modelkeep_core.estimators import build
from modelkeep_core.example import example
from modelkeep_core.params import Search, Threshold, Train
from modelkeep_core.preprocessing import Feature, preprocessor
from modelkeep_core.training import fit_external, summary
from modelkeep_core.transformers import DateParts
from pipeline import train as stage
from pipeline.train import train

pytestmark = pytest.mark.slow

CLASSIFIER, REGRESSOR = "xgboost.XGBClassifier", "xgboost.XGBRegressor"
SMALL = {"n_estimators": 5, "max_depth": 3}


def write_yaml(path, content):
    """Write a YAML file."""
    with path.open("w") as file:
        YAML().dump(content, file)


def ratio(table):
    """Return how many there are for each size."""
    return table["count"] / table["size"]


def named(table):
    """Return the number of the letters of the colour."""
    return table["colour"].str.len()


def only_one_column(read):
    """Return `pd.read_parquet`, which refuses to read a table whole."""

    def read_column(path, columns=None):
        assert columns is not None
        assert len(columns) == 1
        return read(path, columns=columns)

    return read_column


@pytest.fixture
def prepared_run(run, regression, tmp_path, monkeypatch):
    """Return a directory, and a function that runs the stage there with a value of memory."""
    monkeypatch.chdir(run.directory)
    schema, params = tmp_path / "schema.yaml", tmp_path / "params.yaml"
    write_yaml(schema, regression.model_dump(exclude_none=True))

    def run_stage(memory):
        train_section = params_of(REGRESSOR).model_dump() | {"memory": memory}
        write_yaml(params, {"train": train_section, "evaluate": {"headline": "rmse"}})
        stage.main(
            Namespace(prepared=run.prepared, schema=schema, params=params, out=tmp_path / memory)
        )

    return tmp_path, run_stage


@pytest.fixture
def on_disk(frame, tmp_path, monkeypatch):
    """Return a function that leaves a table on disk, and reads it in batches of some cells."""

    def write(table=frame, cells=60):
        monkeypatch.setattr(disk_rows, "BATCH_CELLS", cells)
        monkeypatch.setattr(external, "PAGE_CELLS", 2 * cells)
        table.to_parquet(tmp_path / "train.parquet", index=False)
        return DiskRows(tmp_path / "train.parquet", tmp_path / "models")

    return write


def same_files(first, second, directory):
    """Say whether two models are the same file."""
    for number, model in enumerate((first, second)):
        model_file.save(model, directory / f"{number}.skops", [__name__])
    return (directory / "0.skops").read_bytes() == (directory / "1.skops").read_bytes()


def params_of(name, **parameters):
    """Return the params of a booster."""
    section = {class_name(name): {**SMALL, **parameters}}
    return Train(seed=1, estimator=name, search=Search(**NO_SEARCH), **section)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        (CLASSIFIER, {}),
        (REGRESSOR, {}),
        (REGRESSOR, {"subsample": 0.5, "colsample_bytree": 0.5, "num_parallel_tree": 2}),
        (REGRESSOR, {"booster": "dart"}),
        (REGRESSOR, {"grow_policy": "lossguide", "max_leaves": 5, "max_bin": 16}),
        (REGRESSOR, {"objective": "reg:absoluteerror", "tree_method": "hist"}),
        (CLASSIFIER, {"max_cat_to_onehot": 1, "n_jobs": 1}),
    ],
)
def test_it_is_the_model_that_is_made_in_memory(
    frame, classification, regression, name, parameters, on_disk, tmp_path
):
    """Numbers, whole numbers, booleans and categories, some missing: no byte differs."""
    schema = classification if name == CLASSIFIER else regression
    params, rows = params_of(name, **parameters), on_disk()
    whole, apart = train(frame, schema, params), train(rows, schema, params)
    assert same_files(whole.model, apart.model, tmp_path)
    assert summary(whole, len(frame)) == summary(apart, len(rows))
    assert example(whole.model, frame, schema) == example(apart.model, rows, schema)


def test_two_classes_and_cuts_between_many_values(classification, on_disk, tmp_path):
    """Where values are many more than bins, XGBoost cuts between them as in memory."""
    random = np.random.default_rng(5)
    size = random.normal(size=5_000)
    size[::50] = np.nan
    table = pd.DataFrame(
        {
            "size": size,
            "count": random.integers(0, 1_000, 5_000),
            "member": random.random(5_000) < 0.5,
            "colour": random.choice([*"abcdefgh"], 5_000),
            "label": np.where(np.nan_to_num(size) + random.normal(size=5_000) > 0, "yes", "no"),
        }
    )
    params = params_of(CLASSIFIER)
    whole = train(table, classification, params)
    apart = train(on_disk(table, 4_000), classification, params)
    assert same_files(whole.model, apart.model, tmp_path)


def test_dates_empty_columns_and_own_features(frame, on_disk, tmp_path, monkeypatch):
    """What preprocessing learns of dates, of nothing and of functions is what it learns of all."""
    types = {"size": "number", "count": "integer", "colour": "category", "seen": "datetime"}
    schema = feature_schema(**types, day="datetime", none="number", nobody="category")
    table = frame.assign(
        day=pd.Timestamp("2024-02-29").as_unit("us"),
        none=np.full(len(frame), np.nan),
        nobody=pd.array([None] * len(frame), dtype="str"),
    )
    table["seen"] = table["seen"].where(np.arange(len(table)) % 9 > 0)
    features = [Feature("ratio", ["count", "size"], ratio), Feature("named", ["colour"], named)]
    monkeypatch.setattr(stage, "preprocessing", lambda schema: preprocessor(schema, features))
    params = params_of(CLASSIFIER)
    whole, apart = train(table, schema, params), train(on_disk(table), schema, params)
    assert whole.model[0].get_feature_names_out().tolist()[-2:] == ["ratio", "named"]
    assert isinstance(whole.model[0].named_transformers_["dates"][0], DateParts)
    assert same_files(whole.model, apart.model, tmp_path)


def test_the_stage_leaves_its_rows_on_disk_where_params_say_so(prepared_run, monkeypatch):
    """It never reads the table whole, writes what it writes in memory, and nothing beside."""
    directory, run = prepared_run
    run("full")
    monkeypatch.setattr(pd, "read_parquet", only_one_column(pd.read_parquet))
    run("external")
    written = [sorted((directory / memory).iterdir()) for memory in ("full", "external")]
    for whole, apart in zip(*written, strict=True):
        assert whole.name == apart.name
        assert whole.read_bytes() == apart.read_bytes()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"estimator": "lightgbm.LGBMRegressor"},
            r"LGBMRegressor learns .* memory\. Name",
        ),
        ({"estimator": "StackingRegressor"}, "StackingRegressor learns from rows in memory"),
        ({"search": {"method": "grid", "folds": 2}}, "a search .* train.search.method to null"),
        ({"search": {"folds": 5}}, "cross-validation .* train.search.folds to 0"),
        ({"calibrate": "sigmoid"}, "calibration .* train.calibrate to none"),
        ({"threshold": Threshold(value=0.3)}, "a threshold .* train.threshold to null"),
        ({"interval": 0.9}, "an interval .* train.interval to null"),
        ({"preprocessing": "full"}, "full preprocessing .* train.preprocessing to auto"),
        ({"own": {"tree_method": "approx"}}, "approx .* Take train.XGBRegressor.tree_method out"),
        ({"own": {"booster": "gblinear"}}, "gblinear .* Take train.XGBRegressor.booster out"),
        ({"own": {"feature_types": ["q"] * 6}}, "SimpleImputer in the preprocessing of size"),
    ],
)
def test_what_needs_the_rows_in_memory_is_refused(regression, on_disk, changed, message):
    """Each by its name in params.yaml, and with what to set."""
    changed = dict(changed)
    search = {**NO_SEARCH, **changed.pop("search", {})}
    params = params_of(REGRESSOR, **changed.pop("own", {}))
    params = params.model_copy(update={"search": Search(**search), **changed})
    estimator = build(REGRESSOR, params.sections, "regression", seed=1)
    pipeline = Pipeline([("preprocess", preprocessor(regression)), ("model", estimator)])
    with pytest.raises(UserError, match=r"train\.memory: external: .*memory to full\.$") as no:
        fit_external(pipeline, on_disk(), regression, params)
    no.match(message)


@pytest.mark.parametrize("encoding", ["one-hot", "target"])
def test_an_encoding_that_is_learnt_from_all_rows_is_refused(regression, on_disk, encoding):
    """It says of which column, and where the encoding stands."""
    regression.columns["colour"].encoding = encoding
    with pytest.raises(UserError, match=r"preprocessing of colour .* schema\.yaml has encoding"):
        train(on_disk(), regression, params_of(REGRESSOR))


def test_what_xgboost_does_not_take_is_one_sentence(regression, on_disk, tmp_path, capfd):
    """And its files are gone."""
    with pytest.raises(UserError, match=r"xgboost\.XGBRegressor cannot be trained: .*max_depth"):
        train(on_disk(), regression, params_of(REGRESSOR, max_depth=-2))
    assert not [*(tmp_path / "models").iterdir()]
    assert not capfd.readouterr().err


def test_an_interrupt_while_rows_are_read_is_none_of_half_the_rows(regression, on_disk, tmp_path):
    """XGBoost calls Python from C, where an interrupt would be dropped."""
    rows, calls = on_disk(), []

    def interrupted(names):
        calls.append(names)
        for batch in DiskRows.batches(rows, names):
            yield batch
            # Before it, preprocessing and the target are read
            if len([each for each in calls if len(each) > 1]) > 2:
                raise KeyboardInterrupt

    rows.batches = interrupted
    with pytest.raises(KeyboardInterrupt):
        train(rows, regression, params_of(REGRESSOR))
    assert not [*(tmp_path / "models").iterdir()]


def test_rows_that_a_stage_holds_all_the_same_are_told_of(frame, regression, capsys):
    """A stage of one's own that reads the table spares nothing, and its model is the same."""
    params = params_of(REGRESSOR).model_copy(update={"memory": "external"})
    train(frame, regression, params)
    assert "warning: train.memory: external: pipeline/train.py" in capsys.readouterr().err
