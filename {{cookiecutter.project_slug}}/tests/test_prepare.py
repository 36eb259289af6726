"""Raw tables become train and test, with a record of where they came from, or all is refused."""

import json

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pipeline.files import sha256
from pipeline.prepare import prepare
from pipeline.refusal import Refusal


def prepared(raw, schema, params, out):
    """Prepare `raw` and return train, test and provenance."""
    prepare(raw, schema, params.prepare, out)
    tables = [pl.read_parquet(out / f"{name}.parquet") for name in ("train", "test")]
    return *tables, json.loads((out / "provenance.json").read_text(encoding="utf-8"))


@pytest.fixture
def raw(tmp_path, table):
    """The rows in one CSV file."""
    table.write_csv(tmp_path / "rows.csv")
    return tmp_path / "rows.csv"


def test_every_row_is_in_train_or_test(raw, table, classification, params, tmp_path):
    """No row is lost, changed or used twice, and each side keeps the order of the file."""
    train, test, _ = prepared(raw, classification, params, tmp_path / "out")
    place = {row: number for number, row in enumerate(table.rows())}
    places = [[place[row] for row in part.rows()] for part in (train, test)]
    assert sorted(places[0] + places[1]) == list(range(len(table)))
    assert places == [sorted(part) for part in places]
    assert len(test) == 30


def test_each_class_has_its_share_of_test_rows(raw, table, classification, params, tmp_path):
    """A random split of a classification is stratified."""
    _, test, _ = prepared(raw, classification, params, tmp_path / "out")
    rows = dict(table["label"].value_counts().rows())
    found = dict(test["label"].value_counts().rows())
    assert found == {name: round(count / 4) for name, count in rows.items()}


def test_a_regression_can_be_prepared(raw, regression, params, tmp_path):
    """Targets that are all different are split without classes."""
    _, test, _ = prepared(raw, regression, params, tmp_path / "out")
    assert len(test) == 30


def test_columns_have_the_order_and_types_of_the_schema(raw, classification, params, tmp_path):
    """The prepared tables follow the schema, not the file."""
    train, _, _ = prepared(raw, classification, params, tmp_path / "out")
    assert train.schema == {
        "size": pl.Float64,
        "count": pl.Int64,
        "member": pl.Boolean,
        "colour": pl.String,
        "seen": pl.Datetime("us"),
        "shop": pl.String,
        "label": pl.String,
        "price": pl.Float64,
    }


def test_preparing_twice_gives_the_same_bytes(raw, classification, params, tmp_path):
    """The stage is a pure function of its inputs."""
    for name in ("one", "two"):
        prepare(raw, classification, params.prepare, tmp_path / name)
    for name in ("train.parquet", "test.parquet", "provenance.json"):
        assert sha256(tmp_path / "one" / name) == sha256(tmp_path / "two" / name)


def test_the_order_of_columns_does_not_matter(table, classification, params, tmp_path):
    """The same data with its columns the other way round are prepared to the same bytes."""
    for name, data in (("one", table), ("two", table.select(reversed(table.columns)))):
        data.write_csv(tmp_path / f"{name}.csv")
        prepare(tmp_path / f"{name}.csv", classification, params.prepare, tmp_path / name)
    for name in ("train.parquet", "test.parquet"):
        assert sha256(tmp_path / "one" / name) == sha256(tmp_path / "two" / name)


def test_csv_parquet_and_both_in_a_directory_are_prepared_alike(
    table, classification, params, tmp_path
):
    """How the rows are stored, and in how many files, makes no difference."""
    table.write_csv(tmp_path / "rows.csv")
    table.write_parquet(tmp_path / "rows.parquet")
    both = tmp_path / "both"
    both.mkdir()
    table[:50].write_csv(both / "1.csv")
    table[50:].write_parquet(both / "2.parquet")
    sources = [tmp_path / "rows.csv", tmp_path / "rows.parquet", both]
    found = [
        prepared(source, classification, params, tmp_path / f"out{number}")
        for number, source in enumerate(sources)
    ]
    for train, test, _ in found[1:]:
        assert_frame_equal(train, found[0][0])
        assert_frame_equal(test, found[0][1])


def test_provenance_names_every_file_with_hash_and_rows(table, classification, params, tmp_path):
    """Where the rows came from is recorded, and the counts add up."""
    raw = tmp_path / "raw"
    raw.mkdir()
    table[:50].write_csv(raw / "1.csv")
    table[50:].write_parquet(raw / "2.parquet")
    _, _, provenance = prepared(raw, classification, params, tmp_path / "out")
    assert provenance == {
        "files": [
            {"path": path.as_posix(), "sha256": sha256(path), "rows": rows}
            for path, rows in ((raw / "1.csv", 50), (raw / "2.parquet", 70))
        ],
        "rows": {"read": 120, "without_target": 0, "train": 90, "test": 30},
    }


def test_rows_without_a_target_are_left_out_and_counted(table, classification, params, tmp_path):
    """Where the schema lets the target be missing, such rows neither train nor test."""
    classification.columns["label"].missing = True
    holed = table.with_columns(
        label=pl.when(pl.int_range(pl.len()) % 6 == 0).then(None).otherwise("label")
    )
    holed.write_parquet(tmp_path / "rows.parquet")
    train, test, provenance = prepared(
        tmp_path / "rows.parquet", classification, params, tmp_path / "out"
    )
    rows = pl.concat([train, test])
    assert provenance["rows"] == {
        "read": 120,
        "without_target": 20,
        "train": len(train),
        "test": len(test),
    }
    expected = holed.filter(pl.col("label").is_not_null())
    assert_frame_equal(rows.sort("seen"), expected.sort("seen"))


def test_a_target_that_may_not_be_missing_is_a_problem(table, classification, params, tmp_path):
    """Rows without a target are only left out where the schema allows them."""
    table.with_columns(label=pl.lit(None, pl.String)).write_csv(tmp_path / "rows.csv")
    with pytest.raises(Refusal, match=r"label +present +120 +rows\.csv: 1, 2, 3"):
        prepare(tmp_path / "rows.csv", classification, params.prepare, tmp_path / "out")


def test_rows_that_repeat_are_refused_wherever_they_are(table, classification, params, tmp_path):
    """A row that repeats one of its own or of an earlier file is found, with file and row."""
    raw = tmp_path / "raw"
    raw.mkdir()
    pl.concat([table[:50], table[3:4]]).write_csv(raw / "1.csv")
    pl.concat([table[50:], table[10:12]]).write_parquet(raw / "2.parquet")
    where = r"1\.csv: 51; 2\.parquet: 71, 72"
    with pytest.raises(Refusal, match=rf"unlike every other +3 +{where}$"):
        prepare(raw, classification, params.prepare, tmp_path / "out")


def test_rows_may_repeat_where_the_schema_says_so(table, classification, params, tmp_path):
    """With `duplicates: true` a repeated row is one row more."""
    classification.duplicates = True
    pl.concat([table, table[:4]]).write_csv(tmp_path / "rows.csv")
    _, _, provenance = prepared(tmp_path / "rows.csv", classification, params, tmp_path / "out")
    assert provenance["rows"]["read"] == 124


def test_the_problems_of_all_files_are_told_together(table, classification, params, tmp_path):
    """One run finds every problem of every file, and duplicates with them."""
    raw = tmp_path / "raw"
    raw.mkdir()
    table.with_columns(count=-1).write_csv(raw / "1.csv")
    table.with_columns(colour=pl.lit("pink")).write_csv(raw / "2.csv")
    table.drop("size").write_csv(raw / "3.csv")
    pl.concat([table[:1], table[:1]]).write_csv(raw / "4.csv")
    with pytest.raises(Refusal) as refused:
        prepare(raw, classification, params.prepare, tmp_path / "out")
    told = [" ".join(line.split()) for line in str(refused.value).splitlines()]
    assert "count at least 0 120 1.csv: 1, 2, 3" in told
    assert "colour one of red, green, blue 120 2.csv: 1, 2, 3" in told
    assert "size a column of 3.csv" in told
    assert "(whole row) unlike every other 1 4.csv: 2" in told


def test_what_is_refused_leaves_no_output(table, classification, params, tmp_path):
    """Data that break the schema are never split."""
    table.with_columns(count=-1).write_csv(tmp_path / "rows.csv")
    with pytest.raises(Refusal):
        prepare(tmp_path / "rows.csv", classification, params.prepare, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_split_by_time_tests_on_the_latest_rows(raw, classification, params, tmp_path):
    """With `split: time` no test row is earlier than a training row."""
    by_time = {"split": "time", "split_by": "seen"}
    params.prepare = params.prepare.model_copy(update=by_time)
    train, test, _ = prepared(raw, classification, params, tmp_path / "out")
    assert train["seen"].max() < test["seen"].min()
    assert len(test) == 30


def test_a_split_by_group_tests_on_whole_groups(raw, classification, params, tmp_path):
    """With `split: group` no group is on both sides."""
    by_group = {"split": "group", "split_by": "shop"}
    params.prepare = params.prepare.model_copy(update=by_group)
    train, test, _ = prepared(raw, classification, params, tmp_path / "out")
    assert set(train["shop"]) | set(test["shop"]) == {f"shop {number}" for number in range(8)}
    assert not set(train["shop"]) & set(test["shop"])


def test_a_split_by_an_unknown_column_is_refused(raw, classification, params, tmp_path):
    """The message names the knob, the column and the nearest one."""
    params.prepare = params.prepare.model_copy(update={"split": "time", "split_by": "sean"})
    with pytest.raises(Refusal, match=r"prepare\.split_by: .*'sean' \(did you mean 'seen'"):
        prepare(raw, classification, params.prepare, tmp_path / "out")


@pytest.mark.parametrize("name", ["test", "target", "by", "file", "row", "hash"])
def test_a_column_may_have_a_name_that_the_stage_uses(
    table, classification, params, tmp_path, name
):
    """A column keeps its name and values whatever the stage calls its own."""
    classification.columns[name] = classification.columns["price"]
    table.with_columns(pl.col("price").alias(name)).write_csv(tmp_path / "rows.csv")
    train, test, _ = prepared(tmp_path / "rows.csv", classification, params, tmp_path / "out")
    rows = pl.concat([train, test])
    assert rows[name].to_list() == rows["price"].to_list()


def test_a_seed_changes_which_rows_test(raw, classification, params, tmp_path):
    """Another seed gives another split of the same size."""
    found = []
    for seed in (1, 2):
        params.prepare.seed = seed
        found.append(prepared(raw, classification, params, tmp_path / f"out{seed}")[1])
    assert len(found[0]) == len(found[1])
    assert set(found[0].rows()) != set(found[1].rows())
