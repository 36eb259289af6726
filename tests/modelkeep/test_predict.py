"""A package scores a file as its model would, row by row, or refuses it whole."""

import json
import shutil
from argparse import ArgumentParser

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from modelkeep import batch, predict
from modelkeep.registry import vouching
from modelkeep_core import model_file
from modelkeep_core.errors import UserError
from modelkeep_core.files import read_json, write_json
from modelkeep_core.inputs import model_inputs
from modelkeep_core.package import hashes
from modelkeep_core.packaged import FORMAT, MANIFEST

ASKED = ["size", "count", "member", "colour"]
ADDED = ["prediction", "probability of high", "probability of low", "probability of mid"]


def scored(package, table, tmp_path, name="scored.parquet"):
    """Score a table and return what was written."""
    source = tmp_path / "rows.parquet"
    table.write_parquet(source)
    rows = batch.predict_file(package, source, tmp_path / name)
    read = pl.read_csv if name.endswith(".csv") else pl.read_parquet
    predicted = read(tmp_path / name)
    assert rows == len(predicted)
    return predicted


@pytest.mark.parametrize("pipeline", ["run", "regression_run"])
def test_predictions_are_those_of_the_model(
    pipeline, request, table, frame, classification, regression, tmp_path
):
    """The package adds nothing to what the model says and takes nothing away."""
    run = request.getfixturevalue(pipeline)
    model = model_file.load(run.models / "model.skops")
    inputs = model_inputs(frame, classification if pipeline == "run" else regression)
    predicted = scored(run.package, table, tmp_path)
    assert predicted["prediction"].to_list() == model.predict(inputs).tolist()
    if pipeline == "run":
        assert (predicted.select(ADDED[1:]).to_numpy() == model.predict_proba(inputs)).all()
    else:
        assert predicted.columns == [*table.columns, "prediction"]


def test_the_columns_of_the_input_are_kept(run, table, tmp_path):
    """The output is the input with the predictions at its end, in the order of its rows."""
    predicted = scored(run.package, table, tmp_path)
    assert predicted.columns == table.columns + ADDED
    assert_frame_equal(predicted.select(table.columns), table)


def test_predictions_are_explained_where_that_is_asked(regression_run, table, tmp_path):
    """A column for each feature, and a base, which add up to the prediction."""
    source, out = tmp_path / "rows.parquet", tmp_path / "scored.parquet"
    table.write_parquet(source)
    batch.predict_file(regression_run.package, source, out, explained=True)
    scored = pl.read_parquet(out)
    names = [name for name in scored.columns if name.startswith("contribution of ")]
    assert sorted(names) == sorted(f"contribution of {name}" for name in ASKED)
    assert scored.columns == [*table.columns, "prediction", *names, "base"]
    total = scored.select(pl.sum_horizontal(*names, "base")).to_series()
    assert np.allclose(total, scored["prediction"])


def test_intervals_lie_around_the_predictions(regression_run, table, tmp_path):
    """Lower and upper end are the half width of the metadata away, in columns of their own."""
    package = shutil.copytree(regression_run.package, tmp_path / "package")
    metadata = read_json(package / "model.json")
    metadata["training"]["interval"] = {"coverage": 0.9, "half_width": 2.5, "rows": 30}
    write_json(package / "model.json", metadata)
    (package / MANIFEST).unlink()
    write_json(package / MANIFEST, {"format": FORMAT, "files": hashes(package)})
    predicted = scored(package, table, tmp_path)
    assert predicted.columns == [*table.columns, "prediction", "lower", "upper"]
    assert np.allclose(predicted["prediction"] - predicted["lower"], 2.5)
    assert np.allclose(predicted["upper"] - predicted["prediction"], 2.5)


def test_probabilities_add_up_and_name_the_prediction(run, table, tmp_path):
    """The class that is predicted has the largest of probabilities that sum to one."""
    predicted = scored(run.package, table, tmp_path)
    shares = predicted.select(ADDED[1:]).to_numpy()
    assert shares.sum(axis=1) == pytest.approx(1)
    names = np.array(["high", "low", "mid"])[shares.argmax(axis=1)]
    assert predicted["prediction"].to_list() == names.tolist()


def test_csv_and_parquet_are_scored_alike(run, table, tmp_path):
    """The format of input and output makes no difference."""
    table.write_csv(tmp_path / "rows.csv")
    batch.predict_file(run.package, tmp_path / "rows.csv", tmp_path / "scored.csv")
    from_csv = pl.read_csv(tmp_path / "scored.csv")
    from_parquet = scored(run.package, table, tmp_path)
    assert from_csv["prediction"].to_list() == from_parquet["prediction"].to_list()
    assert from_csv[ADDED[1]].to_list() == pytest.approx(from_parquet[ADDED[1]].to_list())


def test_a_csv_comes_back_with_its_cells_as_they_were(run, tmp_path):
    """Cells of a CSV file are not reformatted on their way through."""
    source = tmp_path / "rows.csv"
    source.write_text("size,count,member,colour\n1.50,007,Yes,red\n,1,NA,\n", encoding="utf-8")
    batch.predict_file(run.package, source, tmp_path / "out.csv")
    lines = (tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == ",".join(ASKED + ADDED)
    assert lines[1].startswith("1.50,007,Yes,red,")


def test_the_order_of_rows_and_columns_does_not_matter(run, table, tmp_path):
    """A row has the same prediction wherever it stands, and its columns too."""
    predicted = scored(run.package, table, tmp_path)
    turned = scored(run.package, table.reverse().select(reversed(table.columns)), tmp_path)
    assert_frame_equal(turned.reverse().select(predicted.columns), predicted)


def test_a_row_alone_is_predicted_as_among_others(run, table, tmp_path):
    """No row's prediction depends on its neighbours."""
    predicted = scored(run.package, table, tmp_path)
    for place in (0, 17, 119):
        alone = scored(run.package, table[place : place + 1], tmp_path)
        assert alone["prediction"][0] == predicted["prediction"][place]
        assert alone[ADDED[1]][0] == pytest.approx(predicted[ADDED[1]][place])


def test_only_the_features_are_needed(run, table, tmp_path):
    """Neither the target nor columns that are no features have to be there."""
    predicted = scored(run.package, table.select(ASKED), tmp_path)
    expected = scored(run.package, table, tmp_path)
    assert_frame_equal(predicted.select(ADDED), expected.select(ADDED))


def test_columns_that_are_no_features_do_not_matter(run, table, tmp_path):
    """Whatever stands in them, even what the schema forbids, changes no prediction."""
    other = table.with_columns(label=pl.lit("unheard of"), price=pl.lit("none"), shop=pl.lit(""))
    predicted = scored(run.package, other, tmp_path)
    expected = scored(run.package, table, tmp_path)
    assert_frame_equal(predicted.select(ADDED), expected.select(ADDED))


def test_missing_values_are_predicted_where_the_schema_allows_them(run, tmp_path):
    """A row of which little is known has a prediction."""
    table = pl.DataFrame(
        {"size": [None], "count": [1], "member": [None], "colour": [None]},
        schema={"size": pl.Float64, "count": pl.Int64, "member": pl.Boolean, "colour": pl.String},
    )
    assert scored(run.package, table, tmp_path)["prediction"][0] in ("low", "mid", "high")


def test_a_larger_size_means_a_higher_price(regression_run, table, tmp_path):
    """The direction that was learnt in training holds in the package."""
    sized = table.filter(pl.col("size").is_not_null())
    before = scored(regression_run.package, sized, tmp_path)["prediction"]
    larger = sized.with_columns(pl.col("size") + 1)
    assert (scored(regression_run.package, larger, tmp_path)["prediction"] > before).all()


def test_the_example_in_the_package_is_answered_as_it_says(run, tmp_path):
    """example.json is a test that every user can run."""
    example = json.loads((run.package / "example.json").read_text(encoding="utf-8"))
    predicted = scored(run.package, pl.DataFrame(example["records"]), tmp_path)
    assert predicted["prediction"].to_list() == example["predictions"]
    assert predicted.select(ADDED[1:]).row(0) == pytest.approx(example["probabilities"][0])


def test_a_table_without_rows_has_no_predictions(run, table, tmp_path):
    """An empty batch is no error: the output has the columns and no rows."""
    predicted = scored(run.package, table[:0], tmp_path)
    assert len(predicted) == 0
    assert predicted.columns == table.columns + ADDED


# Refusals


def test_cells_come_out_as_they_were_given(run, table, tmp_path):
    """What stands for a missing cell in the file stands there in the output, too."""
    source = tmp_path / "rows.csv"
    table.head(1).select(*ASKED).with_columns(size=pl.lit("NA")).write_csv(source)
    batch.predict_file(run.package, source, tmp_path / "scored.csv")
    written = (tmp_path / "scored.csv").read_text(encoding="utf-8").splitlines()[1]
    assert written.startswith(source.read_text(encoding="utf-8").splitlines()[1])


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("nowhere/out.csv", r"nowhere is no directory"),
        ("rows.parquet", r"rows\.parquet is the file to score"),
    ],
)
def test_an_output_that_cannot_be_written_is_refused_first(run, table, tmp_path, out, message):
    """Before anything is scored, and without touching what is there."""
    source = tmp_path / "rows.parquet"
    table.write_parquet(source)
    before = source.read_bytes()
    with pytest.raises(UserError, match=message):
        batch.predict_file(run.package, source, tmp_path / out)
    assert source.read_bytes() == before


def test_rows_that_break_the_schema_are_refused_together(run, table, tmp_path):
    """Every problem is told, with its rows, and nothing is written."""
    broken = table.with_columns(
        count=pl.when(pl.int_range(pl.len()) < 2).then(-1).otherwise("count"),
        colour=pl.when(pl.int_range(pl.len()) == 5).then(pl.lit("pink")).otherwise("colour"),
    ).drop("size")
    with pytest.raises(UserError, match=r"breaks .*schema\.yaml:\n.*\n +size +a column of rows"):
        scored(run.package, broken, tmp_path)
    whole = broken.with_columns(size=1.0)
    message = r"(?s)count +at least 0 +2 .*: 1, 2\n +colour +one of red, green, blue +1 .*: 6"
    with pytest.raises(UserError, match=message):
        scored(run.package, whole, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["rows.parquet"]


def test_a_column_that_the_schema_does_not_know_is_refused(run, table, tmp_path):
    """A misspelt column is found instead of being ignored."""
    with pytest.raises(UserError, match=r"sise +in schema\.yaml, or not in rows\.parquet"):
        scored(run.package, table.with_columns(sise=1.0), tmp_path)


def test_an_output_that_is_there_stays_when_rows_are_refused(run, table, tmp_path):
    """The output appears whole or not at all."""
    out = tmp_path / "scored.parquet"
    out.write_bytes(b"old")
    with pytest.raises(UserError):
        scored(run.package, table.with_columns(count=-1), tmp_path)
    assert out.read_bytes() == b"old"


def test_an_output_replaces_the_one_before_and_leaves_nothing_else(run, table, tmp_path):
    """No temporary file stays, and the old output is gone."""
    (tmp_path / "scored.csv").write_text("old", encoding="utf-8")
    scored(run.package, table, tmp_path, "scored.csv")
    assert {path.name for path in tmp_path.iterdir()} == {"rows.parquet", "scored.csv"}


def test_a_missing_source_is_refused(run, tmp_path):
    """The message names the file."""
    with pytest.raises(UserError, match=r"gone\.csv is missing"):
        batch.predict_file(run.package, tmp_path / "gone.csv", tmp_path / "out.csv")


def test_an_output_of_another_kind_is_refused(run, table, tmp_path):
    """Only CSV and Parquet are written, and that is said before any work."""
    with pytest.raises(UserError, match=r"out\.xlsx: the name of the output must end in \.csv"):
        scored(run.package, table, tmp_path, "out.xlsx")


def test_a_changed_package_is_refused(package_copy, table, tmp_path):
    """A package that does not fit its manifest predicts nothing."""
    (package_copy / "schema.yaml").write_text("", encoding="utf-8")
    with pytest.raises(UserError, match=r"schema\.yaml is not the file that was packaged"):
        scored(package_copy, table, tmp_path)


# The command


def typed(*words):
    """Run the command as it is typed."""
    parser = ArgumentParser()
    predict.add_arguments(parser)
    return predict.run(parser.parse_args([str(word) for word in words]))


def test_the_command_scores_a_file(run, table, tmp_path, capsys):
    """`modelkeep predict` writes the predictions and says how many there are."""
    table.write_csv(tmp_path / "rows.csv")
    out = tmp_path / "out.csv"
    assert typed(run.package, tmp_path / "rows.csv", "--out", out) == 0
    assert capsys.readouterr().out == f"{out}: 120 rows\n"
    assert len(pl.read_csv(out)) == 120


def test_code_in_a_package_runs_where_it_is_trusted(run, table, tmp_path, monkeypatch):
    """A person says so, or Git has the package as it is; else the command is refused."""
    table.write_csv(tmp_path / "rows.csv")
    trusted = []
    monkeypatch.setattr(batch, "predict_file", lambda *given, **_: trusted.append(given[3]) or 0)
    for vouched, words in ((False, []), (False, ["--trust-code"]), (True, [])):
        monkeypatch.setattr(vouching, "vouched", lambda package, answer=vouched: answer)
        typed(run.package, tmp_path / "rows.csv", "-o", tmp_path / "out.csv", *words)
    assert trusted == [False, True, True]


def carries_code(package):
    """Let a package say that it carries a module."""
    (package / "code").mkdir()
    (package / "code" / "parts.py").write_text("VALUE = 1\n", encoding="utf-8")
    metadata = read_json(package / "model.json") | {"code": ["parts"]}
    write_json(package / "model.json", metadata)
    (package / MANIFEST).unlink()
    write_json(package / MANIFEST, {"format": FORMAT, "files": hashes(package)})


def test_a_package_with_code_is_refused_without_trust(package_copy, table, tmp_path):
    """No module of a package is imported before somebody vouches for it."""
    carries_code(package_copy)
    table.write_csv(tmp_path / "rows.csv")
    rows, out = tmp_path / "rows.csv", tmp_path / "out.csv"
    with pytest.raises(UserError, match=r"say so with --trust-code"):
        batch.predict_file(package_copy, rows, out)
    assert not out.exists()
    assert batch.predict_file(package_copy, rows, out, trust_code=True) == 120


def test_a_place_that_cannot_be_written_is_told_by_its_name(run, tmp_path):
    """The sentence names the file that was asked for, and nothing is left beside it."""
    out = tmp_path / "out.csv"
    out.mkdir()
    with pytest.raises(UserError, match=r"out\.csv cannot be written: "):
        batch.predict_file(run.package, run.raw / "rows.csv", out)
    assert list(tmp_path.iterdir()) == [out]


LINES = ["size,count,member,colour", "1.5,2,yes,red", "2.5,3,no,green", "3.5,4,yes,blue"]


@pytest.mark.parametrize(
    "text",
    [
        "\n\n".join(LINES) + "\n\n,,,\n",
        "\r".join(LINES),
        "\n".join(line.replace(",", ";") for line in LINES),
        "\n".join([f"{LINES[0]},note", *(f'{line},"say \\"x, y\\""' for line in LINES[1:])]),
        "\n".join([f"{LINES[0]},note", *(f"{line},5'10\"" for line in LINES[1:])]),
    ],
    ids=["blank lines", "carriage returns", "semicolons", "backslashes", "inch marks"],
)
def test_every_row_has_its_answer_in_order(run, classification, tmp_path, text):
    """However a table is written: as many answers as rows, each at its row, or a refusal."""
    (tmp_path / "plain.csv").write_text("\n".join(LINES), encoding="utf-8")
    text = text.replace(",note", ",price").replace(";note", ";price")
    (tmp_path / "other.csv").write_bytes(text.encode())
    for name in ("plain", "other"):
        batch.predict_file(run.package, tmp_path / f"{name}.csv", tmp_path / f"{name}.parquet")
    plain, other = (pl.read_parquet(tmp_path / f"{name}.parquet") for name in ("plain", "other"))
    assert_frame_equal(other.select(ASKED + ADDED), plain)


def test_a_row_that_was_cut_off_is_refused_with_its_line(run, tmp_path):
    """It is not filled up with empty cells."""
    (tmp_path / "rows.csv").write_text("\n".join([*LINES, "4.5,5"]), encoding="utf-8")
    with pytest.raises(UserError, match=r"rows\.csv, line 5: 2 cells, where the header has 4"):
        batch.predict_file(run.package, tmp_path / "rows.csv", tmp_path / "out.csv")
    assert not (tmp_path / "out.csv").exists()


def test_a_file_that_is_read_anew_is_named_as_it_was_given(run, tmp_path):
    """Not as the copy in which it is unpacked."""
    (tmp_path / "README.md").write_text("size;count\n1;2\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"member +a column of README\.md\n"):
        batch.predict_file(run.package, tmp_path / "README.md", tmp_path / "out.csv")
