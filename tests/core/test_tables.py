"""Tables are converted by the schema, never by guesses, and all that breaks it is told at once."""

import json
from datetime import date, datetime, timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal, assert_series_equal

from modelkeep_core import batches, checking, tables
from modelkeep_core.cells import seconds
from modelkeep_core.errors import UserError
from modelkeep_core.problems import Problem, header_problems, report
from modelkeep_core.schema import Schema
from pipeline.prepare import prepare

DAY = datetime(2024, 3, 1)


def schema_of(columns, missing_values=("", "NA"), duplicates=False):
    """Return a classification's schema of these columns and a target "label"."""
    return Schema.model_validate(
        {
            "task": "classification",
            "target": "label",
            "missing_values": list(missing_values),
            "duplicates": duplicates,
            "columns": columns | {"label": {"type": "category"}, "extra": {"type": "number"}},
        }
    )


def column_schema(**rules):
    """Return a schema with one column "x" to look at."""
    return schema_of({"x": rules | {"feature": False}})


def csv(path, *lines):
    """Write lines of CSV and return their path."""
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def converted(path, schema, name="x"):
    """Return the values of a column after conversion."""
    result = tables.convert(tables.scan(path, schema), [name], schema).collect()
    return result[name].to_list()


def problems_of(path, schema, names=("x",)):
    """Return (column, rule, count, rows) of each problem."""
    result, _ = checking.check(path, schema, list(names))
    return [(problem.column, problem.rule, problem.count, problem.rows) for problem in result]


# Which files


def test_a_file_is_itself(tmp_path):
    """A path to a single table is that table."""
    path = csv(tmp_path / "rows.csv", "x")
    assert tables.files_of(path) == [path]


def test_the_files_of_a_directory_are_all_below_it_in_order(tmp_path):
    """Tables are found at any depth, in an order that does not depend on the file system."""
    names = ["b.csv", "a.parquet", "2024/02.csv", "2024/01.csv"]
    (tmp_path / "2024").mkdir()
    for name in names:
        (tmp_path / name).touch()
    result = [path.relative_to(tmp_path).as_posix() for path in tables.files_of(tmp_path)]
    assert result == ["2024/01.csv", "2024/02.csv", "a.parquet", "b.csv"]


def test_hidden_files_are_no_tables(tmp_path):
    """What a file manager leaves behind among the data is passed over."""
    (tmp_path / ".checkpoints").mkdir()
    for name in (".DS_Store", ".checkpoints/a.csv", "a.csv"):
        (tmp_path / name).touch()
    assert tables.files_of(tmp_path) == [tmp_path / "a.csv"]


def test_missing_data_are_refused(tmp_path):
    """A path where nothing lies is refused with the command that may bring it."""
    with pytest.raises(UserError, match=r"raw is missing.*dvc pull"):
        tables.files_of(tmp_path / "raw")


def test_a_table_that_is_gone_is_told_in_words(tmp_path):
    """A file that was taken away meanwhile is named once, and without the number of the error."""
    path = tmp_path / "a.csv"
    with pytest.raises(UserError) as raised, tables.readable(path):
        path.read_bytes()
    assert str(raised.value) == f"{path} cannot be read: No such file or directory."


def test_an_empty_directory_is_refused(tmp_path):
    """A directory without a file is refused."""
    with pytest.raises(UserError, match="is empty"):
        tables.files_of(tmp_path)


def test_a_file_of_another_kind_is_refused(tmp_path):
    """A file that would silently not be read is an error."""
    csv(tmp_path / "rows.csv", "x")
    (tmp_path / "more.xlsx").touch()
    with pytest.raises(UserError, match=r"more\.xlsx is neither \.csv nor \.parquet"):
        tables.files_of(tmp_path)


# Conversion


@pytest.mark.parametrize(
    ("kind", "cell", "value"),
    [
        ("number", "1.5", 1.5),
        ("number", " 2 ", 2.0),
        ("number", "1e-3", 0.001),
        ("number", "1,5", None),
        ("number", "five", None),
        ("number", "nan", None),
        ("integer", "7", 7),
        ("integer", " 7 ", 7),
        ("integer", "7.0", 7),
        ("integer", "1e3", 1000),
        ("integer", "9007199254740993", 9007199254740993),
        ("integer", "7.5", None),
        ("integer", "9223372036854775808", None),
        ("boolean", "true", True),
        ("boolean", "Yes", True),
        ("boolean", "1", True),
        ("boolean", " FALSE ", False),
        ("boolean", "no", False),
        ("boolean", "0", False),
        ("boolean", "2", None),
        ("boolean", "maybe", None),
        ("category", "007", "007"),
        ("category", "1.0", "1.0"),
        ("category", "true", "true"),
        ("datetime", "2024-03-01", DAY),
        ("datetime", "2024-03-01T06:30:00", DAY.replace(hour=6, minute=30)),
        ("datetime", "2024-03-01 06:30:00.5", DAY.replace(hour=6, minute=30, microsecond=500_000)),
        ("datetime", "2024-02-30", None),
        ("datetime", "01/03/2024", None),
    ],
)
def test_a_text_becomes_what_the_schema_says_or_nothing(tmp_path, kind, cell, value):
    """The schema alone decides the type of a cell of a CSV file."""
    path = csv(tmp_path / "rows.csv", "x", f'"{cell}"')
    result = converted(path, column_schema(type=kind))
    assert (result, type(result[0])) == ([value], type(value))


@pytest.mark.parametrize(
    ("rules", "cell", "value"),
    [
        ({"type": "number", "decimal": ","}, "1,5", 1.5),
        ({"type": "number", "decimal": ",", "thousands": "."}, "-1.234.567,5", -1234567.5),
        ({"type": "number", "thousands": ","}, "1,234.5", 1234.5),
        ({"type": "number", "thousands": " "}, "1\u202f234\u00a0567", 1234567.0),
        ({"type": "number", "unit": "$", "thousands": ","}, "-$1,000", -1000.0),
        ({"type": "number", "unit": "%"}, "12.5 %", 12.5),
        ({"type": "number", "decimal": ","}, "1,5,5", None),
        ({"type": "number", "thousands": ","}, "0,125", None),
        ({"type": "number", "thousands": ","}, "1,5", None),
        ({"type": "number", "thousands": ","}, "-1,23,456.5", -123456.5),
        ({"type": "number", "thousands": ",", "minus": ["()"]}, "(1,234)", -1234.0),
        ({"type": "number", "minus": ["\u2212"]}, "\u22121.5", -1.5),
        ({"type": "number", "minus": ["()"], "unit": "$"}, "($5)", -5.0),
        ({"type": "number"}, "(5)", None),
        ({"type": "number", "multiples": {"K": 1000}}, "1.1 k", 1100.0),
        ({"type": "integer", "multiples": {"K": 1000, "M": 1_000_000}}, "1.5M", 1_500_000),
        ({"type": "number", "multiples": {"K": 1000}}, "1.5B", None),
        ({"type": "integer", "thousands": "'"}, "9'007'199'254'740'993", 9007199254740993),
        ({"type": "boolean", "values": ["Nein", "Ja"]}, " JA", True),
        ({"type": "boolean", "values": ["nein", "ja"]}, "no", False),
        ({"type": "boolean"}, "F", False),
        ({"type": "boolean", "values": ["f", "t"]}, "False", False),
        ({"type": "boolean", "values": ["f", "t"]}, "N", None),
        ({"type": "boolean", "values": ["no", "yes"]}, "y", True),
        ({"type": "boolean", "values": ["", "x"]}, "X", True),
        ({"type": "boolean", "values": ["", "x"]}, "o", None),
        ({"type": "integer", "texts": {"90+": 90}}, " 90+", 90),
        ({"type": "integer", "texts": {"90+": 90}}, "89", 89),
        ({"type": "integer", "texts": {"90+": 90}}, "91+", None),
        ({"type": "number", "decimal": ",", "texts": {"<0,5": 0.5}}, "<0,5", 0.5),
        ({"type": "datetime", "formats": ["%d.%m.%y"], "latest_year": 2026}, "1.3.24", DAY),
        (
            {"type": "datetime", "formats": ["%d.%m.%y"], "latest_year": 2020},
            *("1.3.24", DAY.replace(year=1924)),
        ),
        ({"type": "datetime", "formats": ["%d.%m.%y"]}, "1.3.4", None),
        ({"type": "datetime", "formats": ["%y-%m-%d %H:%M:%S%.f"]}, "24-3-1 00:00:00", DAY),
        ({"type": "datetime", "formats": ["%G-W%V"]}, "2024-W10", DAY + timedelta(days=3)),
        ({"type": "datetime", "formats": ["%G-W%V-%u"]}, "2024-W09-5", DAY),
        ({"type": "datetime", "formats": ["%Y-%j"]}, "2024-061", DAY),
        ({"type": "datetime", "formats": ["%d.%m.%Y"]}, "1.3.2024", DAY),
        ({"type": "datetime", "formats": ["%d.%m.%Y"]}, "1.3.24", None),
        ({"type": "datetime", "formats": ["%d.%m.%Y"]}, "2024-03-01", None),
        ({"type": "datetime", "formats": ["%d/%m/%y", "%d %b %Y"]}, "01 Mar 2024", DAY),
        ({"type": "datetime", "formats": ["%Y-%m"]}, "2024-03", DAY),
        ({"type": "datetime", "formats": ["%d.%m.%Y %H"]}, "1.3.2024 00", DAY),
        (
            {"type": "datetime", "formats": ["%Y-%m-%d %H:%M:%S.%f"]},
            *("2024-03-01 00:00:00.25", DAY + timedelta(seconds=0.25)),
        ),
        ({"type": "datetime", "formats": ["%Y-%m-%d %H:%M%#z"]}, "2024-03-01 02:00+02", DAY),
        ({"type": "datetime", "formats": ["%Y-%m-%dT%H:%M%z"]}, "2024-03-01T02:00+02:00", DAY),
    ],
)
def test_a_text_is_read_as_the_schema_says_it_is_written(tmp_path, rules, cell, value):
    """Marks, units, words and formats are the column's own, and no other is guessed at."""
    path = csv(tmp_path / "rows.csv", "x,label", f'"{cell}",a')
    result = converted(path, schema_of({"x": rules | {"missing": True}}))
    assert (result, type(result[0])) == ([value], type(value))


def test_an_empty_cell_may_be_a_word_for_false(tmp_path):
    """A box that is not ticked is false, in CSV and in Parquet, and breaks no rule."""
    schema = schema_of({"x": {"type": "boolean", "values": ["", "true"]}})
    path = csv(tmp_path / "rows.csv", "x,label,extra", "true,a,1", ",b,1", "maybe,c,1")
    assert converted(path, schema) == [True, False, None]
    assert problems_of(path, schema) == [("x", "true or false", 1, "rows.csv: 3")]
    pl.DataFrame({"x": [True, None]}).write_parquet(tmp_path / "rows.parquet")
    assert converted(tmp_path / "rows.parquet", schema) == [True, False]


def test_a_number_or_a_day_may_stand_for_nothing(tmp_path):
    """What a column calls empty is empty in every type of file."""
    columns = {
        "x": {"type": "integer", "missing_values": ["-999"], "missing": True},
        "day": {"type": "datetime", "missing_values": ["9999-12-31"], "missing": True},
    }
    table = pl.DataFrame({"x": [-999, 5], "day": [date(9999, 12, 31), date(2024, 3, 1)]})
    for path, write in (
        (tmp_path / "rows.csv", table.write_csv),
        (tmp_path / "rows.parquet", table.write_parquet),
    ):
        write(path)
        assert converted(path, schema_of(columns)) == [None, 5]
        assert converted(path, schema_of(columns), "day") == [None, DAY]
        assert problems_of(path, schema_of(columns), ["x", "day"])[2:] == []


def test_durations_are_seconds_to_the_last_bit():
    """They are divided by a million, whatever plan Polars has for it."""
    durations = [timedelta(microseconds=micros) for micros in range(1, 90_000_000, 999_983)]
    frame = pl.DataFrame({"x": durations})
    expected = [duration / timedelta(seconds=1) for duration in durations]
    assert frame.select(seconds(pl.col("x")))["x"].to_list() == expected
    assert frame.lazy().select(seconds(pl.col("x"))).collect()["x"].to_list() == expected


@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [
        ("number", [1, None], [1.0, None]),
        ("number", [1.5, float("nan")], [1.5, None]),
        ("number", ["1.5", None], [1.5, None]),
        ("integer", [1.0, 2.5], [1, None]),
        ("integer", [9007199254740993], [9007199254740993]),
        ("boolean", [True, None], [True, None]),
        ("boolean", [1, 0], [True, False]),
        ("boolean", ["yes", "x"], [True, None]),
        ("category", [1, None], ["1", None]),
        ("category", [True, False], ["true", "false"]),
        ("datetime", [DAY, None], [DAY, None]),
        ("datetime", [date(2024, 3, 1)], [DAY]),
        ("datetime", ["2024-03-01"], [DAY]),
        ("number", [timedelta(minutes=1, microseconds=5), None], [60.000005, None]),
        ("datetime", [1709251200, 1709251201], [None, None]),
        ("datetime", [1709251200.5], [None]),
        ("datetime", [timedelta(minutes=1)], [None]),
        ("number", [DAY], [None]),
        ("integer", [date(2024, 3, 1), None], [None, None]),
    ],
)
def test_a_parquet_column_of_another_type_is_converted(tmp_path, kind, values, expected):
    """What a Parquet file holds in its own types becomes what the schema says."""
    path = tmp_path / "rows.parquet"
    pl.DataFrame({"x": values}).write_parquet(path)
    assert converted(path, column_schema(type=kind)) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([7, None], ["7", None]),
        ([7.0, None, float("nan"), -3.0], ["7", None, None, "-3"]),
        ([0.5, 1.0, 2.0**60], ["0.5", "1", "1152921504606846976"]),
        (
            ["7.0", "7", "7.", " 7.00 ", "007", "1.50", "7a"],
            ["7", "7", "7", "7", "007", "1.5", "7a"],
        ),
    ],
)
def test_a_code_has_one_spelling_however_it_is_stored(tmp_path, values, expected):
    """Store 7 of a file with a gap, where pandas writes 7.0, is store 7 of a file without one."""
    path = tmp_path / "rows.parquet"
    pl.DataFrame({"x": values}).write_parquet(path)
    assert converted(path, column_schema(type="category", codes=True)) == expected
    if not isinstance(values[0], str):
        assert converted(path, column_schema(type="category")) == expected


def test_lines_without_content_are_no_rows(tmp_path):
    """Neither blank lines nor those of commas that spreadsheets leave: a row of gaps is one."""
    path = csv(tmp_path / "rows.csv", "", "x,label", "1,a", "", " , ", "-,NA", '"",""', "2,b", ",")
    schema = schema_of({"x": {"type": "category"}}, missing_values=["", "-", "NA"])
    assert converted(path, schema) == ["1", None, "2"]
    assert problems_of(path, schema, ["x", "label"]) == [
        ("x", "present", 1, "rows.csv: 2"),
        ("label", "present", 1, "rows.csv: 2"),
    ]


def test_a_file_that_changes_is_looked_at_again(tmp_path, monkeypatch):
    """Its lines are looked at once, though it is opened many times, but never too seldom."""
    looked = []
    whole = tables.examine
    monkeypatch.setattr(tables, "examine", lambda *given: looked.append(1) or whole(*given))
    path, schema = csv(tmp_path / "rows.csv", "x,label", "1,a"), column_schema(type="category")
    assert [converted(path, schema) for _ in range(3)] == [["1"]] * 3
    assert len(looked) == 1
    assert converted(csv(path, "x,label", "1,a", "", "2,b"), schema) == ["1", "2"]
    assert len(looked) == 2


def test_a_name_of_a_file_is_no_pattern(tmp_path):
    """Brackets in a name stand for themselves."""
    path = csv(tmp_path / "rows[1].csv", "x,label", "1,a")
    assert converted(path, column_schema(type="category")) == ["1"]
    pl.DataFrame({"x": ["2"]}).write_parquet(tmp_path / "rows[1].parquet")
    assert converted(tmp_path / "rows[1].parquet", column_schema(type="category")) == ["2"]


def test_a_boolean_that_was_stored_as_a_number_is_a_boolean(tmp_path):
    """A boolean with gaps, which pandas may store as 1.0, 0.0 and NaN, is still a boolean."""
    path = tmp_path / "rows.parquet"
    pl.DataFrame({"x": [1.0, 0.0, None]}).write_parquet(path)
    assert converted(path, column_schema(type="boolean")) == [True, False, None]


def test_what_counts_as_missing_is_missing(tmp_path):
    """The schema says which texts stand for nothing, and only those do."""
    path = csv(tmp_path / "rows.csv", "x,label", "-,a", "NA,a", ",a", "b,a")
    schema = schema_of({"x": {"type": "category"}}, missing_values=["", "-"])
    assert converted(path, schema) == [None, "NA", None, "b"]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_column_may_have_its_own_texts_for_nothing(tmp_path, kind):
    """What is no value in one column may be one in another, and breaks only the rule of gaps."""
    path = tmp_path / f"rows.{kind}"
    table = pl.DataFrame({"x": ["1", "none", "2"], "label": ["none", "a", "b"]})
    table.write_csv(path) if kind == "csv" else table.write_parquet(path)
    rules = {"type": "number", "missing_values": ["none"]}
    assert converted(path, schema_of({"x": rules})) == [1.0, None, 2.0]
    assert converted(path, schema_of({"x": rules}), "label") == ["none", "a", "b"]
    assert problems_of(path, schema_of({"x": rules})) == [("x", "present", 1, f"rows.{kind}: 2")]
    assert problems_of(path, schema_of({"x": rules | {"missing": True}})) == []


def test_conversion_selects_the_columns_in_the_order_asked_for(tmp_path):
    """The order of columns in the file does not matter, and others are left out."""
    path = csv(tmp_path / "rows.csv", "label,x,other", "a,1,2")
    schema = schema_of({"x": {"type": "number"}})
    result = tables.convert(tables.scan(path, schema), ["x", "label"], schema).collect()
    assert result.to_dict(as_series=False) == {"x": [1.0], "label": ["a"]}


def test_csv_and_parquet_give_the_same_table(tmp_path, table, classification):
    """The format of a file makes no difference: not to its values, not to its row hashes."""
    table.write_csv(tmp_path / "rows.csv")
    table.write_parquet(tmp_path / "rows.parquet")
    names = list(classification.columns)
    result, hashes = [], []
    for kind in ("csv", "parquet"):
        path = tmp_path / f"rows.{kind}"
        scanned = tables.scan(path, classification)
        result.append(tables.convert(scanned, names, classification).collect())
        hashes.append(checking.check(path, classification, names)[1])
    assert_frame_equal(result[0], result[1])
    assert_frame_equal(result[0], table.select(names))
    assert_frame_equal(hashes[0], hashes[1])


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_csv_from_another_system_reads_the_same(tmp_path, line_end, mark):
    """Windows line ends and a byte order mark change nothing."""
    path = tmp_path / "rows.csv"
    path.write_bytes(f'{mark}x,label{line_end}1,"a, ""b"""{line_end}'.encode())
    schema = schema_of({"x": {"type": "number"}})
    assert problems_of(path, schema, ["x", "label"]) == []
    assert converted(path, schema, "label") == ['a, "b"']


# Checks


@pytest.mark.parametrize(
    ("rules", "cell", "rule"),
    [
        ({"type": "number"}, "big", "a number"),
        ({"type": "number"}, "inf", "finite"),
        ({"type": "number"}, "", "present"),
        ({"type": "number", "min": 2.5}, "2.4", "at least 2.5"),
        ({"type": "number", "max": 2.5}, "2.6", "at most 2.5"),
        ({"type": "integer"}, "2.5", "a whole number"),
        ({"type": "integer", "min": 0, "max": 9}, "-1", "at least 0"),
        ({"type": "integer", "min": 0, "max": 9}, "10", "at most 9"),
        ({"type": "boolean"}, "maybe", "true or false"),
        ({"type": "category"}, "NA", "present"),
        ({"type": "category", "values": ["a", "b"]}, "c", "one of a, b"),
        ({"type": "category", "values": ["a", "b"]}, "A", "one of a, b"),
        ({"type": "datetime"}, "soon", "like 2024-01-31 or 2024-01-31T09:30:00"),
        (
            {"type": "datetime", "formats": ["%d.%m.%Y", "%m/%d/%y"]},
            "x",
            "like %d.%m.%Y or %m/%d/%y",
        ),
    ],
)
def test_a_cell_that_breaks_a_rule_is_told_with_rule_count_and_row(tmp_path, rules, cell, rule):
    """One broken cell is one problem, in words, with the file and the row."""
    good = {"number": "2.5", "integer": "3", "boolean": "no", "category": "a"}
    fine = good.get(rules["type"], "01.01.2024" if "formats" in rules else "2024-01-01")
    path = csv(tmp_path / "rows.csv", "x,label", f"{fine},l", f"{cell},l", f"{fine},l")
    assert problems_of(path, column_schema(**rules)) == [("x", rule, 1, "rows.csv: 2")]


@pytest.mark.parametrize(
    ("rules", "cells"),
    [
        ({"type": "number", "min": 1, "max": 2}, ["1", "2", "1.5"]),
        ({"type": "number", "missing": True}, ["", "NA", "1"]),
        ({"type": "number", "min": 1, "missing": True}, ["", "1"]),
        ({"type": "category", "values": ["a"], "missing": True}, ["a", ""]),
        ({"type": "boolean", "missing": True}, ["yes", ""]),
    ],
)
def test_cells_that_keep_the_rules_are_no_problem(tmp_path, rules, cells):
    """Bounds belong to their range, and a cell that may be missing breaks no other rule."""
    path = csv(tmp_path / "rows.csv", "x,label", *(f"{cell},l" for cell in cells))
    assert problems_of(path, column_schema(**rules)) == []


def test_all_problems_are_told_together_with_counts_and_first_rows(tmp_path):
    """One check finds every broken rule of every column, in the order of the columns."""
    path = csv(
        tmp_path / "rows.csv",
        "x,y,label",
        *["5,red,a", "-1,red,b", "five,pink,", ",red,a", "-2,red,", "-3,,b", "-4,red,b"],
    )
    schema = schema_of(
        {
            "x": {"type": "number", "min": 0},
            "y": {"type": "category", "values": ["red"], "missing": True},
        }
    )
    assert sorted(problems_of(path, schema, ["x", "y", "label"])) == [
        ("label", "present", 2, "rows.csv: 3, 5"),
        ("x", "a number", 1, "rows.csv: 3"),
        ("x", "at least 0", 4, "rows.csv: 2, 5, 6"),
        ("x", "present", 1, "rows.csv: 4"),
        ("y", "one of red", 1, "rows.csv: 3"),
    ]


def test_a_header_that_does_not_fit_is_told_whole(tmp_path):
    """Missing columns come with the name that was probably meant; unknown ones are named."""
    path = csv(tmp_path / "rows.csv", "lable,z", "a,1")
    schema = schema_of({"x": {"type": "number"}})
    assert problems_of(path, schema, ["x", "label"]) == [
        ("x", "a column of rows.csv", None, ""),
        ("label", "a column of rows.csv (did you mean 'lable'?)", None, ""),
        ("lable", "in schema.yaml, or not in rows.csv", None, ""),
        ("z", "in schema.yaml, or not in rows.csv", None, ""),
    ]


def test_only_the_columns_asked_for_are_checked(tmp_path):
    """A column of the schema that is not asked for may be missing or broken."""
    path = csv(tmp_path / "rows.csv", "x,extra", "1,broken")
    assert problems_of(path, column_schema(type="number")) == []


def test_a_table_in_batches_is_checked_like_a_whole_one(tmp_path, monkeypatch):
    """Counts, row numbers and hashes do not depend on how many rows are read at once."""
    cells = [str(row) if row % 3 else "x" for row in range(100)]
    path = csv(tmp_path / "rows.csv", "x,label", *(f"{cell},{cell}" for cell in cells))
    schema = schema_of({"x": {"type": "number", "max": 50}})
    whole = checking.check(path, schema, ["x", "label"])
    monkeypatch.setattr(batches, "BATCH_ROWS", 7)
    parts = checking.check(path, schema, ["x", "label"])
    assert parts[0] == whole[0]
    assert [problem.count for problem in whole[0]] == [32, 34]
    assert_frame_equal(parts[1], whole[1])


def test_a_table_is_read_in_batches_of_the_size_that_was_set(tmp_path, monkeypatch):
    """No more rows than a batch has are in memory at once, and none is left out."""
    path = csv(tmp_path / "rows.csv", "x,label", *(f"{row},a" for row in range(100)))
    schema = column_schema(type="number")
    monkeypatch.setattr(batches, "BATCH_ROWS", 7)
    sizes = [len(batch) for batch in batches.batches(tables.scan(path, schema), schema, ["x"])]
    assert max(sizes) <= 7
    assert sum(sizes) == 100


def test_a_hash_tells_rows_apart(tmp_path):
    """Equal rows have equal hashes, and rows that differ in one cell or its place do not."""
    lines = ["1,2,a", "2,1,a", "1,2,a", "1,,a", ",1,a", "1,2,b", " 1.0,2,a"]
    path = csv(tmp_path / "rows.csv", "x,y,label", *lines)
    number = {"type": "number", "missing": True}
    schema = schema_of({"x": number, "y": number})
    result = checking.check(path, schema, ["x", "y", "label"])[1]["hash"].to_list()
    assert result[0] == result[2] == result[6]
    assert len(set(result)) == 5


@pytest.mark.parametrize(
    "name", ["row", "hash", "v0", "p0", "x|y", "test", "größe", "a b", "*", "^v.*$", "$x"]
)
def test_a_column_may_have_any_name(tmp_path, name):
    """No name of a column collides with a name that the check uses."""
    path = csv(tmp_path / "rows.csv", f"{name},label,x", "1,a,1", "x,b,1")
    schema = schema_of({name: {"type": "number"}, "x": {"type": "number"}})
    names = [name, "label", "x"]
    assert problems_of(path, schema, names) == [(name, "a number", 1, "rows.csv: 2")]
    assert converted(path, schema, name) == [1.0, None]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rows.csv", b""),
        ("rows.csv", "x,label\n1,é\n".encode("latin-1")),
        ("rows.csv", b"x,label\n1,a,surplus\n"),
        ("rows.parquet", b"no parquet"),
        ("rows.parquet", b""),
    ],
    ids=["empty", "not UTF-8", "too many cells", "no Parquet", "empty Parquet"],
)
def test_a_file_that_cannot_be_read_is_refused_by_its_name(tmp_path, name, content):
    """What the reader says of a broken file is told with the file's name, in one line."""
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(
        UserError, match=rf"{name} cannot be read as {path.suffix[1:]}: "
    ) as refused:
        checking.check(path, schema_of({"x": {"type": "number"}}), ["x", "label"])
    assert "\n" not in str(refused.value)


def test_a_file_without_rows_has_no_problems_and_no_hashes(tmp_path):
    """A header alone breaks no rule of a cell."""
    path = csv(tmp_path / "rows.csv", "x,label")
    result, hashes = checking.check(path, column_schema(type="number"), ["x"])
    assert result == []
    assert_series_equal(hashes["hash"], pl.Series("hash", [], pl.UInt64))


def test_a_report_is_a_table_with_a_line_for_each_problem():
    """Problems are laid out in columns that line up."""
    problems = [
        Problem("x", "present", 12, "rows.csv: 1, 2, 3"),
        Problem("colour", "a column of rows.csv"),
    ]
    assert report(problems).splitlines() == [
        "  column  must be               rows  first rows",
        "  x       present                 12  rows.csv: 1, 2, 3",
        "  colour  a column of rows.csv",
    ]


def test_a_column_that_prepare_joins_is_missed_as_such():
    """Who predicts for the raw data learns why a column of the model is not in them."""
    schema = schema_of({"x": {"type": "number"}, "ice": {"type": "number", "joined": True}})
    (problem,) = header_problems(["x", "label"], schema, ["x", "ice"], "rows.csv")
    assert problem == Problem("ice", "a column of rows.csv, joined as prepare does")


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
    result = [
        prepared(source, classification, params, tmp_path / f"out{number}")
        for number, source in enumerate(sources)
    ]
    for train, test, _ in result[1:]:
        assert_frame_equal(train, result[0][0])
        assert_frame_equal(test, result[0][1])


def test_rows_that_repeat_are_refused_wherever_they_are(table, classification, params, tmp_path):
    """A row that repeats one of its own or of an earlier file is found, with file and row."""
    raw = tmp_path / "raw"
    raw.mkdir()
    pl.concat([table[:50], table[3:4]]).write_csv(raw / "1.csv")
    pl.concat([table[50:], table[10:12]]).write_parquet(raw / "2.parquet")
    where = r"1\.csv: 51; 2\.parquet: 71, 72"
    with pytest.raises(UserError, match=rf"unlike every other +3 +{where}$"):
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
    with pytest.raises(UserError) as refused:
        prepare(raw, classification, params.prepare, tmp_path / "out")
    lines = [" ".join(line.split()) for line in str(refused.value).splitlines()]
    assert "count at least 0 120 1.csv: 1, 2, 3" in lines
    assert "colour one of red, green, blue 120 2.csv: 1, 2, 3" in lines
    assert "size a column of 3.csv" in lines
    assert "(whole row) unlike every other 1 4.csv: 2" in lines


def test_a_target_that_may_not_be_missing_is_a_problem(table, classification, params, tmp_path):
    """Rows without a target are only left out where the schema allows them."""
    table.with_columns(label=pl.lit(None, pl.String)).write_csv(tmp_path / "rows.csv")
    with pytest.raises(UserError, match=r"label +present +120 +rows\.csv: 1, 2, 3"):
        prepare(tmp_path / "rows.csv", classification, params.prepare, tmp_path / "out")


def test_of_several_tables_the_one_that_breaks_its_schema_is_named(tmp_path):
    """A project may have a second table, with a schema of its own."""
    schema = schema_of({"x": {"type": "number"}})
    files = [csv(tmp_path / name, "x,label", "1,") for name in ("january.csv", "may.csv")]
    with pytest.raises(UserError, match=f"^the data in {tmp_path} break their schema:\n"):
        checking.checked_hashes(files, schema)


def test_what_is_refused_leaves_no_output(table, classification, params, tmp_path):
    """Data that break the schema are never split."""
    table.with_columns(count=-1).write_csv(tmp_path / "rows.csv")
    with pytest.raises(UserError):
        prepare(tmp_path / "rows.csv", classification, params.prepare, tmp_path / "out")
    assert not (tmp_path / "out").exists()


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


def test_a_column_that_is_joined_is_not_asked_of_the_raw_data(tmp_path):
    """Prepare brings it later: the files are checked and read without it."""
    schema = schema_of({"x": {"type": "number"}, "ice": {"type": "number", "joined": True}})
    path = csv(tmp_path / "rows.csv", "x,label,extra", "1,a,2", "3,b,4")
    checking.checked_hashes([path], schema)
    assert tables.read([path], schema).collect().columns == ["x", "label", "extra"]
    assert "ice" in schema.features
