"""Which rows test the model: enough of them, of each class, later ones, or whole groups."""

import json
from datetime import datetime, timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from modelkeep_core import split
from modelkeep_core.errors import UserError
from modelkeep_core.files import sha256
from modelkeep_core.params import Prepare
from modelkeep_core.schema import Column, Schema
from pipeline.prepare import prepare


def settings(**changes):
    """Return the params of a random split, some of them changed."""
    return Prepare(
        **({"seed": 1, "test_size": 0.25, "split": "random", "split_by": None} | changes)
    )


def by_time(**changes):
    """Return the params of a split by time."""
    return settings(split="time", split_by="when", **changes)


def by_group(**changes):
    """Return the params of a split by group."""
    return settings(split="group", split_by="shop", **changes)


def labels(**counts):
    """Return keys with so many rows of each target value, in a mixed order."""
    values = [name for name, count in counts.items() for _ in range(count)]
    return pl.DataFrame({"target": values}).sample(fraction=1, shuffle=True, seed=3)


@pytest.fixture
def times():
    """Keys of 100 rows at times that repeat and are in no order."""
    start = datetime(2024, 1, 1)
    by = [start + timedelta(hours=row * 37 % 60) for row in range(100)]
    return pl.DataFrame({"target": ["a", "b"] * 50, "by": by})


@pytest.fixture
def groups():
    """Keys of 100 rows of 13 groups of different sizes."""
    by = [f"shop {row * row % 29 % 13}" for row in range(100)]
    return pl.DataFrame({"target": ["a", "b"] * 50, "by": by})


@pytest.mark.parametrize("kind", ["random", "time", "group"])
def test_every_row_is_on_one_side(times, groups, kind):
    """The result is one boolean for each row, and both sides have rows."""
    keys = groups if kind == "group" else times
    test = split.test_rows(keys, settings(split=kind, split_by="x"), stratify=True)
    assert test.dtype == pl.Boolean
    assert len(test) == len(keys)
    assert test.null_count() == 0
    assert 0 < test.sum() < len(keys)


@pytest.mark.parametrize("test_size", [0.1, 0.25, 0.5, 0.9])
@pytest.mark.parametrize("stratify", [True, False])
def test_a_random_split_has_the_size_that_was_asked_for(test_size, stratify):
    """The share of test rows is the one in params.yaml."""
    keys = labels(a=100, b=60, c=40)
    test = split.test_rows(keys, settings(test_size=test_size), stratify)
    assert test.sum() == round(200 * test_size)


def test_a_stratified_split_keeps_the_share_of_each_class():
    """Each class has the same share of its rows in the test set, to the row."""
    keys = labels(common=80, rare=12, single_pair=2)
    test = split.test_rows(keys, settings(), stratify=True)
    result = keys.filter(test)["target"].value_counts().rows()
    assert sorted(result) == [("common", 20), ("rare", 3), ("single_pair", 1)]


@pytest.mark.parametrize("test_size", [0.001, 0.999])
def test_every_class_is_on_both_sides(test_size):
    """However small a side is, it has a row of each class."""
    keys = labels(a=30, b=5, c=2)
    test = split.test_rows(keys, settings(test_size=test_size), stratify=True)
    assert set(keys.filter(test)["target"]) == {"a", "b", "c"}
    assert set(keys.filter(~test)["target"]) == {"a", "b", "c"}


def test_numbers_are_split_without_classes():
    """The rows of a regression, each with a value of its own, can be split."""
    keys = pl.DataFrame({"target": [float(row) for row in range(40)]})
    assert split.test_rows(keys, settings(), stratify=False).sum() == 10


@pytest.mark.parametrize("kind", ["random", "group"])
def test_the_seed_alone_decides_a_split_by_chance(groups, kind):
    """The same seed gives the same split and other seeds give others."""
    splits = [
        split.test_rows(
            groups, settings(split=kind, split_by="x", seed=seed), stratify=True
        ).to_list()
        for seed in (1, 1, 2, 3, 4)
    ]
    assert splits[0] == splits[1]
    assert len({tuple(result) for result in splits}) == 4


def test_a_random_split_takes_rows_from_everywhere():
    """Test rows are neither the first nor the last ones of a class."""
    keys = pl.DataFrame({"target": ["a"] * 200})
    places = split.test_rows(keys, settings(), stratify=True).arg_true()
    assert 70 < places.mean() < 130


def test_the_only_row_of_a_class_trains_the_model():
    """A class that cannot be on both sides is learnt, and not tested."""
    keys = labels(a=10, lonely=1)
    test = split.test_rows(keys, settings(), stratify=True)
    assert keys.filter(test)["target"].unique().to_list() == ["a"]


def test_classes_of_one_row_alone_are_refused():
    """Where no class can be on both sides there is nothing to test."""
    with pytest.raises(UserError, match="every class of the target has a single row"):
        split.test_rows(labels(a=1, b=1, c=1), settings(), stratify=True)


@pytest.mark.parametrize("rows", [0, 1])
def test_too_few_rows_are_refused(rows):
    """Without two rows there is nothing to train and test on."""
    keys = pl.DataFrame({"target": [1.0] * rows}, schema={"target": pl.Float64})
    with pytest.raises(UserError, match="fewer than two rows"):
        split.test_rows(keys, settings(), stratify=False)


@pytest.mark.parametrize("test_size", [0.01, 0.25, 0.5, 0.99])
def test_a_split_by_time_never_tests_on_the_past(times, test_size):
    """Every test row is later than every training row, so rows of one time stay together."""
    test = split.test_rows(times, by_time(test_size=test_size), stratify=True)
    assert times.filter(~test)["by"].max() < times.filter(test)["by"].min()


def test_a_split_by_time_comes_as_near_to_its_size_as_times_allow():
    """Of 10 rows at 5 times, a third is nearest to the last two times, which have 3 rows."""
    keys = pl.DataFrame({"target": [0.0] * 10, "by": [1, 1, 1, 2, 2, 3, 3, 4, 5, 5]})
    test = split.test_rows(keys, by_time(test_size=0.33), stratify=False)
    assert keys.filter(test)["by"].to_list() == [4, 5, 5]


@pytest.mark.parametrize("seed", range(5))
def test_a_split_by_group_never_shares_a_group(groups, seed):
    """All rows of a group are on the same side."""
    test = split.test_rows(groups, by_group(seed=seed), stratify=True)
    assert not set(groups.filter(test)["by"]) & set(groups.filter(~test)["by"])


def test_a_split_by_group_comes_near_to_its_size(groups):
    """The share of test rows is within half of the largest group of what was asked for."""
    largest = groups["by"].value_counts()["count"].max()
    for seed in range(20):
        test = split.test_rows(groups, by_group(seed=seed, test_size=0.4), stratify=True)
        assert abs(test.sum() - 40) <= largest / 2


@pytest.mark.parametrize("seed", range(8))
def test_a_group_of_nearly_all_rows_trains(seed):
    """Wherever chance puts it: it tested in one of six seeds, and a few rows were left to train."""
    keys = pl.DataFrame({"by": ["large"] * 95 + ["a", "b", "c", "d", "e"]})
    test = split.test_rows(keys, by_group(seed=seed), stratify=False)
    assert set(keys.filter(test)["by"]) == set("abcde")
    alike = pl.DataFrame({"by": ["a"] * 50 + ["b"] * 50})
    assert split.test_rows(alike, by_group(seed=seed, test_size=0.2), stratify=False).sum() == 50


@pytest.mark.parametrize("kind", ["time", "group"])
def test_the_order_of_rows_does_not_matter(times, groups, kind):
    """A row is on the same side wherever it stands in the file."""
    keys = (groups if kind == "group" else times).with_row_index("id")
    mixed = keys.sample(fraction=1, shuffle=True, seed=8)
    chosen = [
        set(rows.filter(split.test_rows(rows, settings(split=kind, split_by="x"), True))["id"])
        for rows in (keys, mixed)
    ]
    assert chosen[0] == chosen[1]


@pytest.mark.parametrize("setting", [by_time(), by_group()])
def test_rows_without_a_time_or_group_are_refused(setting):
    """The message names the column and how many rows lack it."""
    keys = pl.DataFrame({"target": ["a"] * 5, "by": ["x", None, "y", None, "z"]})
    with pytest.raises(
        UserError, match=f"'{setting.split_by}' is missing in 2 rows.* {setting.split}"
    ):
        split.test_rows(keys, setting, stratify=True)


@pytest.mark.parametrize("setting", [by_time(), by_group()])
def test_a_single_time_or_group_is_refused(setting):
    """What has only one value cannot be split by."""
    keys = pl.DataFrame({"target": ["a"] * 5, "by": ["x"] * 5})
    with pytest.raises(UserError, match=f"'{setting.split_by}' has only one value"):
        split.test_rows(keys, setting, stratify=True)


# The whole way of raw files to prepared rows


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
    result = dict(test["label"].value_counts().rows())
    assert result == {name: round(count / 4) for name, count in rows.items()}


def test_a_regression_can_be_prepared(raw, regression, params, tmp_path):
    """Targets that are all different are split without classes."""
    _, test, _ = prepared(raw, regression, params, tmp_path / "out")
    assert len(test) == 30


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
        "split": {"seed": 1, "test_size": 0.25, "split": "random", "split_by": None},
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


def test_a_split_by_time_needs_an_order(raw, classification, params, tmp_path):
    """The order of texts says nothing of time: shop 9 would be later than shop 10."""
    params.prepare = params.prepare.model_copy(update={"split": "time", "split_by": "shop"})
    with pytest.raises(UserError, match=r"'shop' is a category, .* choose split: group"):
        prepare(raw, classification, params.prepare, tmp_path / "out")


def test_a_split_by_an_unknown_column_is_refused(raw, classification, params, tmp_path):
    """The message names the parameter, the column and the nearest one."""
    params.prepare = params.prepare.model_copy(update={"split": "time", "split_by": "sean"})
    with pytest.raises(UserError, match=r"prepare\.split_by: .*'sean' \(did you mean 'seen'"):
        prepare(raw, classification, params.prepare, tmp_path / "out")


def test_a_seed_changes_which_rows_test(raw, classification, params, tmp_path):
    """Another seed gives another split of the same size."""
    result = []
    for seed in (1, 2):
        params.prepare.seed = seed
        result.append(prepared(raw, classification, params, tmp_path / f"out{seed}")[1])
    assert len(result[0]) == len(result[1])
    assert set(result[0].rows()) != set(result[1].rows())


@pytest.mark.parametrize(("dropped", "params"), [("label", settings()), ("shop", by_group())])
def test_a_column_that_the_split_needs_and_prepare_dropped_is_named(dropped, params):
    """Neither the target nor what rows are split by may be lost on the way."""
    kept = {"label": ["a", "b"] * 4, "shop": [*"xyxyxyxy"]}
    rows = pl.DataFrame(kept).drop(dropped).lazy()
    columns = {name: Column(type="category") for name in kept}
    schema = Schema(
        task="classification",
        target="label",
        missing_values=[""],
        duplicates=True,
        columns=columns,
    )
    with pytest.raises(UserError, match=rf"no column '{dropped}', .* pipeline/prepare.py keep it"):
        split.choose(rows, schema, params)
