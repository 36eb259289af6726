"""A person's own table takes the place of the sample, and the stages work with it at once."""

import re
from argparse import ArgumentParser

import pandas as pd
import polars as pl
import pytest

from awkward import LABELS, ROWS, SIZES, table, tables, text, turns
from made import Params
from modelkeep.adopt import adopting as module
from modelkeep.adopt import command
from modelkeep.adopt.adopting import adopt
from modelkeep.adopt.choosing import Candidate
from modelkeep.adopt.options import Options
from modelkeep.adopt.settings import TASKS
from modelkeep.batch import predict_file
from modelkeep_core.errors import UserError
from modelkeep_core.files import read_yaml
from modelkeep_core.inputs import model_inputs
from modelkeep_core.params import Evaluate, Package, Prepare, Train, read_params
from modelkeep_core.schema import Schema, read_schema
from pipeline.prepare import prepare
from pipeline.train import train
from project import contents

# What DVC does itself
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]
SCHEMA, PARAMS = module.placing.SETTINGS
TABLES = list(tables())
BAD = {
    "no such column": (text(table()), "lable", "did you mean 'label'"),
    "one class": (text(table(y=turns("a"))), "y", "'a' in every row"),
    "no feature": (text({"key": [f"k{n:03}" for n in range(ROWS)], "y": LABELS}), "y", "no column"),
    "few rows": ("a,b\n" + "1,x\n2,y\n" * 9, "b", "in 18 rows: a model needs 20"),
    "unique": (text(table(y=[f"k{n:03}" for n in range(ROWS)])), "y", "60 different values in 60"),
    "broken line": (text(table()) + "1\n", "label", "line 62: 1 cell, where the header has 2"),
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
            Candidate(name, TASKS[schema.task]["sections"][name], 1.0)
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
    """Adopt a table and return what was told."""
    lines = []
    adopt(*arguments, say=lines.append, **options)
    return "\n".join(lines)


def settings():
    """Return schema.yaml and params.yaml of this project."""
    kinds = {"prepare": Prepare, "train": Train, "evaluate": Evaluate, "package": Package}
    sections = {name: read_params(PARAMS, name, kind) for name, kind in kinds.items()}
    return read_schema(SCHEMA), Params(**sections, promote=read_yaml(PARAMS)["promote"])


def trained():
    """Prepare and train in this project; return the schema, the test rows and the predictions."""
    schema, params = settings()
    prepare(module.placing.RAW, schema, params.prepare, module.Path("prepared"))
    rows, test = (pd.read_parquet(f"prepared/{name}.parquet") for name in ("train", "test"))
    model, *_ = train(rows, schema, params.train)
    return schema, test, model.predict(model_inputs(test, schema))


@pytest.mark.parametrize(("name", "content", "target"), TABLES, ids=[name for name, *_ in TABLES])
def test_a_table_is_adopted_and_a_model_trained(home, given, monkeypatch, name, content, target):
    """However awkward it is, the stages work with it at once."""
    # DVC has its own tests; here it would take longer than all the rest.
    monkeypatch.setattr(module.placing, "_dvc", lambda *_: None)
    run(given(content, name), Options(target))
    schema, test, predictions = trained()
    assert schema.target == target
    assert len(test) == len(predictions) >= 5
    assert "size" not in schema.columns or target == "size" or schema.columns["size"].feature


def test_schema_and_params_speak_of_the_new_data(home, given):
    """The columns, the split, the groups, the limits and the thresholds are those of the table."""
    output = run(
        given(text(table(shop=turns("a", "b"), day=[*range(ROWS)]))), Options("label", time="day")
    )
    schema, params = settings()
    assert list(schema.columns) == ["shop", "day", "size", "label"]
    assert (params.prepare.split, params.prepare.split_by) == ("time", "day")
    assert params.evaluate.group_by is None
    assert params.package.limits[0] == "Trained on 60 rows of rows.csv; it knows nothing else."
    assert params.promote["thresholds"] == {"balanced_accuracy": 0.51}
    assert "label: classification of 2 classes" in output
    assert output.endswith("Next: dvc repro")
    trained()


def test_a_table_of_values_makes_a_regression(home, given):
    """The task follows from the target, and the params from the task."""
    run(given(text(table(y=[f"{size:.2f}" for size in SIZES]))), Options("y", drop=["size"]))
    _, params = settings()
    assert (params.train.estimator, params.evaluate.headline) == ("Ridge", "rmse")
    assert params.promote["thresholds"] == {"r2": 0.0}
    assert trained()[0].task == "regression"


def test_adopting_twice_changes_nothing_and_keeps_the_params(home, given):
    """The second time, what a person has set since stays."""
    path = given(text(table()))
    run(path, Options("label"))
    PARAMS.write_text(PARAMS.read_text("utf-8").replace("C: 1.0", "C: 3.0"), "utf-8")
    before = contents(home / "data"), contents(home)["schema.yaml"], contents(home)["params.yaml"]
    run(path, Options("label"))
    after = contents(home / "data"), contents(home)["schema.yaml"], contents(home)["params.yaml"]
    assert before == after
    assert b"C: 3.0" in after[2]


def test_the_raw_data_can_be_adopted_again(home, given):
    """What lies in data/raw may be the source, for another target."""
    run(given(text(table(shop=turns("a", "b")))), Options("label"))
    run(module.placing.RAW / "rows.csv", Options("shop"))
    assert read_schema(SCHEMA).target == "shop"
    trained()


def test_a_dry_run_changes_nothing(home, given):
    """What would be done is shown, and every file stays."""
    before = contents(home)
    output = run(given(text(table())), Options("label"), dry_run=True)
    assert contents(home) == before
    assert "label: classification" in output
    assert output.endswith("Nothing was changed.")


@pytest.mark.parametrize("why", list(BAD))
def test_what_cannot_be_used_is_refused_and_changes_nothing(home, given, why):
    """One sentence, and every file stays."""
    content, target, message = BAD[why]
    before = contents(home / "data"), (home / "schema.yaml").read_bytes()
    with pytest.raises(UserError, match=message) as refused:
        run(given(content), Options(target))
    assert "\n" not in str(refused.value)
    assert (contents(home / "data"), (home / "schema.yaml").read_bytes()) == before


def test_a_class_that_would_only_be_tested_is_refused(home, given):
    """A split by time that cannot be evaluated is told before anything changes."""
    columns = table(day=[*range(ROWS)]) | {"label": ["a", "b"] * 29 + ["new", "new"]}
    with pytest.raises(UserError, match="--time: class 'new' of 'label' would only be among"):
        run(given(text(columns)), Options("label", time="day"))


def test_a_sample_meets_no_period(tmp_path):
    """Where classes take turns, both are among the rows that are looked at, as often."""
    rows = [f"{row},{'ab'[row % 2]}" for row in range(4 * module.SAMPLE)]
    (tmp_path / "rows.csv").write_text("\n".join(["drawn,y", *rows, "9,"]) + "\n", "utf-8")
    columns = {"drawn": {"type": "integer"}, "y": {"type": "category", "missing": True}}
    whole = {"task": "classification", "target": "y", "missing_values": [""], "duplicates": True}
    schema = Schema.model_validate({**whole, "columns": columns})
    sample = module.sample_of([tmp_path / "rows.csv"], schema)
    assert (len(sample), [*sample]) == (module.SAMPLE, ["drawn", "y"])
    assert sample["y"].value_counts(normalize=True).min() > 0.45
    assert sample["drawn"].is_monotonic_increasing
    assert sample.equals(module.sample_of([tmp_path / "rows.csv"], schema))


def test_what_is_looked_at_in_part_is_told(home, given, monkeypatch):
    """A leak that is not found in some rows may be in the others."""
    monkeypatch.setattr(module, "SAMPLE", 50)
    assert "looked for in 50 of 60 rows, drawn at random" in run(
        given(text(table())), Options("label")
    )


def test_new_rows_of_the_same_table_keep_what_a_person_set(home, given):
    """Ranges, roles and words of schema.yaml and params.yaml, but for those that do not fit."""
    days = [f"2024-0{1 + n // 28}-{n % 28 + 1:02}" for n in range(ROWS)]
    cells = table(shop=turns("a", "b"), day=days)
    run(given(text(cells)), Options("label", time="day", drop=["shop"]))
    edited = SCHEMA.read_text("utf-8").replace("min:", "min: -1 #", 1)
    SCHEMA.write_text(edited + "  joined_later:\n    type: number\n    joined: true\n", "utf-8")
    params = PARAMS.read_text("utf-8").replace("balanced_accuracy: 0.51", "balanced_accuracy: 0.8")
    params = params.replace("limits:\n", "limits:\n    - Only in the north.\n", 1)
    PARAMS.write_text(params, "utf-8")
    output = run(given(text(cells | {"extra": turns("x", "y")})), Options("label"))
    assert "note: kept, as you had set it in schema.yaml: 'shop' feature False; " in output
    assert "'size' min -1" in output
    assert "note: rows are split by time, 'day', as params.yaml says" in output
    schema, kept = settings()
    assert (schema.columns["size"].min, schema.columns["shop"].feature) == (-1, False)
    assert schema.columns["joined_later"].joined
    assert schema.columns["extra"].feature
    assert (kept.prepare.split, kept.prepare.split_by) == ("time", "day")
    assert kept.promote["thresholds"] == {"balanced_accuracy": 0.8}
    assert kept.package.limits[2:] == ["Only in the north."]


def test_a_split_of_before_that_cannot_be_is_refused_with_what_decides(home, given):
    """Nobody said --time: the remedy is in params.yaml."""
    days = {"day": [*range(ROWS)]}
    run(given(text(table(**days))), Options("label", time="day"))
    late = [f"{'late' if n > ROWS - 9 else LABELS[n]}" for n in range(ROWS)]
    with pytest.raises(UserError, match=r"'late' of 'label' would only .*Set `split: random` in"):
        run(given(text(table(**days) | {"label": late})), Options("label"))


def test_with_another_target_a_schema_is_written_anew(home, given):
    """It is another question to the table; the rules that go are told."""
    path = given(text(table(shop=turns("a", "b"))))
    run(path, Options("label"))
    SCHEMA.write_text(SCHEMA.read_text("utf-8").replace("min:", "min: -1 #", 1), "utf-8")
    assert "schema.yaml is written anew, and loses 'size' min -1 (now " in run(
        path, Options("shop"), dry_run=True
    )


def test_what_is_likely_wrong_is_warned_of(home, given):
    """A leak, repeated rows and rows without a target are told."""
    columns = table(code=[{"high": 7, "low": 3}[label] for label in LABELS])
    content = text(columns) + text(columns).splitlines(keepends=True)[1] + "1,2,\n"
    output = run(given(content), Options("label"), dry_run=True)
    assert (
        "warning: 'code' alone predicts 'label' almost perfectly (balanced accuracy 1.000)"
        in output
    )
    assert "note: 1 row repeats another, so that a twin of what tests may train" in output
    assert "note: rows without 'label', which are left out: 1" in output


def test_new_rows_in_the_same_dialect_are_scored(home, given, run_pipeline, tmp_path):
    """A package reads what adopt read: the same file, in its encoding, with its commas."""
    content = next(content for name, content, _ in TABLES if name == "german-latin1.csv")
    path = given(content)
    run(path, Options("label"))
    schema = read_schema(SCHEMA)
    rows = pl.read_csv(module.placing.RAW / "rows.csv", infer_schema=False)
    made = run_pipeline("german", table=rows, schema=schema, params=settings()[1])
    assert predict_file(made.package, path, tmp_path / "scored.csv") == ROWS


# The command


def typed(*words):
    """Run the command as it is typed."""
    parser = ArgumentParser()
    command.add_arguments(parser)
    return command.run(parser.parse_args([str(word) for word in words]))


def test_the_command_hands_on_what_is_typed(home, given, capsys):
    """Every option has its effect, and a dry run shows it."""
    (home / "dvc.yaml").touch()
    path = given(text(table(shop=turns("a", "b"), day=[*range(ROWS)], note=turns("x", "y"))))
    options = ["--time", "day", "--drop", "note", "--task", "classification", "--dry-run"]
    assert typed(path, "--target", "label", *options) == 0
    shown = capsys.readouterr().out
    assert "label: classification of 2 classes" in shown
    assert re.search(r"day +time +the latest rows test the model", shown)
    assert re.search(r"note +set aside +as you said", shown)
    assert shown.endswith("Nothing was changed.\n")
    assert typed(path, "--target", "label", "--group", "shop", "--dry-run") == 0
    assert re.search(r"shop +group", capsys.readouterr().out)


def test_outside_of_a_project_nothing_is_adopted(given, tmp_path, monkeypatch):
    """The command says where it stands, and not what a project would have."""
    path = given(text(table()))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    with pytest.raises(UserError, match="elsewhere is in no project"):
        typed(path, "--target", "label")


def test_the_command_adopts(home, given, capsys):
    """Without --dry-run the project has the new data, and is told what to do next."""
    (home / "dvc.yaml").touch()
    assert typed(given(text(table())), "--target", "label") == 0
    assert capsys.readouterr().out.endswith("Next: dvc repro\n")
    assert read_schema(SCHEMA).target == "label"
