"""`collect` writes what was recorded as raw data that `prepare` takes."""

import argparse
from dataclasses import replace

import pandas as pd
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from modelkeep import cli
from modelkeep.monitoring import collect
from modelkeep.monitoring.reference import read_reference
from modelkeep.monitoring.store import opened
from modelkeep.monitoring.window import Window
from modelkeep_core import tables
from modelkeep_core.checking import check
from modelkeep_core.errors import UserError
from recorded import Recorded, repackaged

OTHERS = ["--set", "seen=2026-11-01", "--set", "shop=shop 1", "--set", "price=1.5"]


@pytest.fixture
def recorded(run, tmp_path):
    """A server's records, without a request."""
    return Recorded(run.package, tmp_path)


@pytest.fixture
def rows(run):
    """The test rows."""
    return pd.read_parquet(run.prepared / "test.parquet")


@pytest.fixture
def collected(recorded, tmp_path):
    """Return a function that runs the command and gives what it returns."""

    def run(*words, name="new.csv", package=None):
        args = cli.arguments(["monitor", "collect", str(tmp_path / name), *words])
        with opened(recorded.path) as store:
            return collect.run(read_reference(package or recorded.package), store, Window(), args)

    run.directory = tmp_path
    return run


def typed(path, schema):
    """Read a table in the types of the schema."""
    names = list(schema.columns)
    return tables.convert(tables.scan(path, schema), names, schema).collect()


@pytest.mark.parametrize("name", ["new.csv", "new.parquet"])
def test_inputs_and_actuals_come_back_as_they_were(recorded, rows, collected, name, classification):
    """Every feature and the target; `prepare` takes the file as it is."""
    recorded.actuals(recorded.answer(rows, each=1), rows["label"])
    data, text, status = collected(*OTHERS, name=name)
    path = collected.directory / name
    assert (data, status) == ({"rows": 30, "left_out": 0, "repeated": 0}, 0)
    assert text == f"{path}: 30 rows."
    result = typed(path, classification)
    names = [*classification.features, "label"]
    expected = pl.from_pandas(rows[names]).cast({"member": pl.Boolean})
    assert_frame_equal(result.select(names), expected, check_dtypes=False)
    assert check(path, classification, list(classification.columns))[0] == []
    assert set(result["shop"]) == {"shop 1"}


def test_a_column_can_have_the_time_of_the_request(recorded, rows, collected, classification):
    """So that rows can be split by time."""
    recorded.actuals(recorded.answer(rows.head(2)), rows["label"].head(2))
    collected("--set", "seen=@time", *OTHERS[2:])
    seen = typed(collected.directory / "new.csv", classification)["seen"]
    assert [str(moment) for moment in seen] == ["2026-11-01 12:00:00", "2026-11-01 12:01:00"]


def test_only_rows_with_an_actual_value_are_collected(recorded, rows, collected):
    """Of a request of several rows, those whose actual is known."""
    first, _ = recorded.answer(rows.head(6), each=3)
    recorded.actuals([first], ["low"], row=1)
    assert collected(*OTHERS)[0]["rows"] == 1


def test_a_column_without_a_value_is_asked_for(recorded, rows, collected):
    """In one sentence that says how to give it; nothing is written."""
    recorded.actuals(recorded.answer(rows.head(2)), ["low", "mid"])
    with pytest.raises(UserError, match=r"^seen is not recorded.*--set seen=VALUE"):
        collected()
    assert not (collected.directory / "new.csv").exists()


def test_a_column_that_may_be_missing_is_missing(run, recorded, rows, collected, tmp_path):
    """Where the contract allows that."""
    text = (run.package / "schema.yaml").read_text(encoding="utf-8")
    package = repackaged(run.package, tmp_path / "other")
    loose = text.replace("missing: false\n    feature: false", "missing: true\n    feature: false")
    (package / "schema.yaml").write_text(loose, encoding="utf-8")
    package = repackaged(package, tmp_path / "sealed")
    recorded.actuals(recorded.answer(rows.head(2)), rows["label"].head(2))
    assert collected(package=package)[0]["rows"] == 2
    assert pl.read_csv(tmp_path / "new.csv")["shop"].null_count() == 2


@pytest.mark.parametrize("setting", ["size=1", "label=low", "nothing=1", "shop"])
def test_only_what_is_not_recorded_can_be_set(recorded, rows, collected, setting):
    """Features and actuals are what they were."""
    recorded.answer(rows.head(1))
    with pytest.raises(UserError, match=r"for a column that is not recorded.*seen, shop, price"):
        collected("--set", setting)


def test_rows_that_are_there_already_are_left_out(recorded, rows, collected, run):
    """Those that repeat each other, and those of the raw data, as the contract demands."""
    recorded.actuals(recorded.answer(rows), rows["label"])
    recorded.actuals(recorded.answer(rows.head(9), start=2e9), rows["label"].head(9))
    data, text, _ = collected(*OTHERS)
    assert data == {"rows": 30, "left_out": 0, "repeated": 9}
    assert text.endswith("30 rows (9 rows were there already).")
    again = collected(*OTHERS, "--without", str(collected.directory / "new.csv"), name="more.csv")
    assert (again[0]["rows"], again[2]) == (0, 2)
    assert not (collected.directory / "more.csv").exists()


def test_rows_may_repeat_where_the_contract_allows_that(run, recorded, rows, collected, tmp_path):
    """Then they are all written."""
    package = repackaged(run.package, tmp_path / "other")
    path = package / "schema.yaml"
    loose = path.read_text(encoding="utf-8").replace("duplicates: false", "duplicates: true")
    path.write_text(loose, encoding="utf-8")
    package = repackaged(package, tmp_path / "sealed")
    for start in (1.8e9, 1.9e9):
        recorded.actuals(recorded.answer(rows.head(3), start=start), rows["label"].head(3))
    assert collected(*OTHERS, package=package)[0]["rows"] == 6


def test_rows_that_break_the_contract_are_told_and_not_written(recorded, rows, collected):
    """Such as actuals that the schema does not know."""
    recorded.actuals(recorded.answer(rows.head(2)), ["low", "lower"])
    with pytest.raises(
        UserError, match=r"breaks schema.yaml:\n(.|\n)*label .*one of low, mid, high .*new.csv: 2"
    ):
        collected(*OTHERS)
    assert [*collected.directory.glob("*new*")] == []


def test_requests_without_these_features_are_left_out(recorded, rows, collected):
    """Inputs that were not recorded, or that another model took."""
    recorded.actuals(recorded.answer(rows.head(3), record_inputs=False), ["low"] * 3)
    recorded.actuals(recorded.answer(rows.head(2), start=2e9, recipe_id="older"), ["low"] * 2)
    recorded.features = ["size"]
    other = recorded.answer(rows.head(4), start=2.1e9, recipe_id="other")
    recorded.actuals(other, ["low"] * 4)
    data, text, _ = collected(*OTHERS)
    assert data == {"rows": 2, "left_out": 7, "repeated": 0}
    assert "7 rows have no recorded inputs of these features" in text


def test_nothing_to_write_ends_with_2(recorded, rows, collected):
    """No file is made."""
    recorded.answer(rows.head(3))
    data, text, status = collected(*OTHERS)
    assert (data["rows"], status) == (0, 2)
    assert text == "Nothing to write: no further row has inputs and its actual value."
    assert not (collected.directory / "new.csv").exists()


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("new.txt", "must end in .csv or .parquet"),
        ("no/where.csv", "is no directory"),
        ("there.csv", "is there already"),
    ],
)
def test_a_place_that_cannot_be_written_is_refused(recorded, rows, collected, name, why):
    """Before anything is read."""
    recorded.answer(rows.head(1))
    (collected.directory / "there.csv").write_text("mine", encoding="utf-8")
    with pytest.raises(UserError, match=why):
        collected(*OTHERS, name=name)
    assert (collected.directory / "there.csv").read_text(encoding="utf-8") == "mine"


def test_what_text_files_write_in_their_own_way_is_collected_as_it_is(
    recorded, rows, collected, tmp_path
):
    """A mark between thousands is no part of what was recorded, and a CSV file would need it."""
    recorded.actuals(recorded.answer(rows), rows["label"])
    reference = read_reference(recorded.package)
    schema = reference.schema.model_copy(deep=True)
    schema.columns["size"].thousands, schema.columns["size"].decimal = ".", ","
    args = argparse.Namespace(set=[word for word in OTHERS if word != "--set"], without=None)
    with opened(recorded.path) as store:
        for name in ("new.csv", "new.parquet"):
            args.out = tmp_path / name
            if name == "new.csv":
                with pytest.raises(UserError, match=r"how 'size' is written .*end in \.parquet"):
                    collect.run(replace(reference, schema=schema), store, Window(), args)
            else:
                collect.run(replace(reference, schema=schema), store, Window(), args)
    written = pl.read_parquet(tmp_path / "new.parquet")["size"]
    assert written.to_list() == [None if size != size else size for size in rows["size"]]
