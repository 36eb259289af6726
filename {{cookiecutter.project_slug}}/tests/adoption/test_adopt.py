"""A person's own table takes the place of the sample, and the line works with it at once."""

import pandas as pd
import polars as pl
import pytest
from awkward import LABELS, ROWS, SIZES, table, tables, text, turns
from project import contents

from adoption import adopt as module
from adoption.adopt import adopt
from adoption.choosing import Tried
from adoption.planning import Wishes
from adoption.settings import TASKS
from pipeline.features import features_of
from pipeline.params import read_params
from pipeline.predict import predict_file
from pipeline.prepare import prepare
from pipeline.refusal import Refusal
from pipeline.schema import read_schema
from pipeline.train import fit

# What DVC does itself
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
SCHEMA, PARAMS = module.placing.SETTINGS
TABLES = list(tables())
BAD = {
    "no such column": (text(table()), "lable", "did you mean 'label'"),
    "one class": (text(table(y=turns("a"))), "y", "'a' in every row"),
    "no feature": (text({"key": [f"k{n:03}" for n in range(ROWS)], "y": LABELS}), "y", "no column"),
    "few rows": ("a,b\n" + "1,x\n2,y\n" * 9, "b", "in 18 rows: a model needs 20"),
    "unique": (text(table(y=[f"k{n:03}" for n in range(ROWS)])), "y", "60 different values in 60"),
    "broken line": (text(table()) + "1\n", "label", "line 62: 1 cells, where the header has 2"),
    "open quote": (text(table()) + '1,"a\n', "label", "line 62: a quotation mark"),
    "no text": ("\0\1\2", "label", "neither text nor Parquet"),
    "empty": ("", "label", "is empty"),
    "dates": (text(table(y=[f"2024-03-{n % 28 + 1:02}" for n in range(ROWS)])), "y", "holds dates"),
}


@pytest.fixture(autouse=True)
def _linear(monkeypatch):
    """The comparison of estimators has tests of its own."""
    monkeypatch.setattr(
        module,
        "first_estimator",
        lambda _table, schema, _rows: [
            Tried(name, TASKS[schema.task]["sections"][name], 1.0)
            for name in list(TASKS[schema.task]["sections"])[:2]
        ],
    )


@pytest.fixture
def given(tmp_path):
    """Return a function that writes a file of a person."""

    def write(content, name="rows.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def run(*arguments, **options):
    """Adopt a table and return what was said."""
    said = []
    adopt(*arguments, say=said.append, **options)
    return "\n".join(said)


def settings():
    """Return schema.yaml and params.yaml of this project."""
    return read_schema(SCHEMA), read_params(PARAMS)


def trained():
    """Prepare and train in this project; return the schema, the test rows and the answers."""
    schema, params = settings()
    prepare(module.placing.RAW, schema, params.prepare, module.Path("prepared"))
    train, test = (pd.read_parquet(f"prepared/{name}.parquet") for name in ("train", "test"))
    model, _ = fit(train, schema, params.train)
    return schema, test, model.predict(features_of(test, schema))


@pytest.mark.parametrize(("name", "content", "target"), TABLES, ids=[name for name, *_ in TABLES])
def test_a_table_is_adopted_and_a_model_trained(home, given, monkeypatch, name, content, target):
    """However awkward it is, the line works with it at once."""
    # DVC has its own tests; here it would take longer than all the rest.
    monkeypatch.setattr(module.placing, "_dvc", lambda *_: None)
    run(given(content, name), Wishes(target))
    schema, test, answers = trained()
    assert schema.target == target
    assert len(test) == len(answers) >= 5
    assert "size" not in schema.columns or target == "size" or schema.columns["size"].feature


def test_schema_and_params_speak_of_the_new_data(home, given):
    """The columns, the split, the groups, the limits and the thresholds are those of the table."""
    said = run(
        given(text(table(shop=turns("a", "b"), day=[*range(ROWS)]))), Wishes("label", time="day")
    )
    schema, params = settings()
    assert list(schema.columns) == ["shop", "day", "size", "label"]
    assert (params.prepare.split, params.prepare.split_by) == ("time", "day")
    assert params.evaluate.group_by is None
    assert params.package.limits[0] == "Trained on 60 rows of rows.csv; it knows nothing else."
    assert params.promote.thresholds == {"balanced_accuracy": 0.51}
    assert "label: classification of 2 classes" in said
    assert said.endswith("Next: dvc repro")
    trained()


def test_a_table_of_values_makes_a_regression(home, given):
    """The task follows from the target, and the knobs from the task."""
    run(given(text(table(y=[f"{size:.2f}" for size in SIZES]))), Wishes("y", drop=["size"]))
    params = read_params(PARAMS)
    assert (params.train.estimator, params.evaluate.headline) == ("Ridge", "rmse")
    assert params.promote.thresholds == {"r2": 0.0}
    assert trained()[0].task == "regression"


def test_adopting_twice_changes_nothing_and_keeps_the_knobs(home, given):
    """The second time, what a person has set since stays."""
    path = given(text(table()))
    run(path, Wishes("label"))
    PARAMS.write_text(PARAMS.read_text("utf-8").replace("C: 1.0", "C: 3.0"), "utf-8")
    before = contents(home / "data"), contents(home)["schema.yaml"], contents(home)["params.yaml"]
    run(path, Wishes("label"))
    after = contents(home / "data"), contents(home)["schema.yaml"], contents(home)["params.yaml"]
    assert before == after
    assert b"C: 3.0" in after[2]


def test_the_raw_data_can_be_adopted_again(home, given):
    """What lies in data/raw may be the source, for another target."""
    run(given(text(table(shop=turns("a", "b")))), Wishes("label"))
    run(module.placing.RAW / "rows.csv", Wishes("shop"))
    assert read_schema(SCHEMA).target == "shop"
    trained()


def test_a_dry_run_changes_nothing(home, given):
    """What would be done is shown, and every file stays."""
    before = contents(home)
    said = run(given(text(table())), Wishes("label"), dry_run=True)
    assert contents(home) == before
    assert "label: classification" in said
    assert said.endswith("Nothing was changed.")


@pytest.mark.parametrize("why", list(BAD))
def test_what_cannot_be_used_is_refused_and_changes_nothing(home, given, why):
    """One sentence, and every file stays."""
    content, target, message = BAD[why]
    before = contents(home / "data"), (home / "schema.yaml").read_bytes()
    with pytest.raises(Refusal, match=message) as refused:
        run(given(content), Wishes(target))
    assert "\n" not in str(refused.value)
    assert (contents(home / "data"), (home / "schema.yaml").read_bytes()) == before


def test_a_class_that_would_only_be_tested_is_refused(home, given):
    """A split by time that cannot be evaluated is told before anything changes."""
    columns = table(day=[*range(ROWS)]) | {"label": ["a", "b"] * 29 + ["new", "new"]}
    with pytest.raises(Refusal, match="--time: class 'new' of 'label' would only be among"):
        run(given(text(columns)), Wishes("label", time="day"))


def test_what_is_likely_wrong_is_warned_of(home, given):
    """A leak, repeated rows and rows without a target are told."""
    columns = table(code=[{"high": 7, "low": 3}[label] for label in LABELS])
    content = text(columns) + text(columns).splitlines(keepends=True)[1] + "1,2,\n"
    said = run(given(content), Wishes("label"), dry_run=True)
    assert (
        "warning: 'code' alone predicts 'label' almost perfectly (balanced accuracy 1.000)" in said
    )
    assert "note: rows that repeat another one, so that they may test and train: 1" in said
    assert "note: rows without 'label', which are left out: 1" in said


def test_new_rows_in_the_same_dialect_are_scored(home, given, run_line, tmp_path):
    """A package reads what adopt read: the same file, in its encoding, with its commas."""
    content = next(content for name, content, _ in TABLES if name == "german-latin1.csv")
    path = given(content)
    run(path, Wishes("label"))
    schema = read_schema(SCHEMA)
    rows = pl.read_csv(module.placing.RAW / "rows.csv", infer_schema=False)
    made = run_line("german", table=rows, schema=schema, params=settings()[1])
    assert predict_file(made.package, path, tmp_path / "scored.csv") == ROWS
