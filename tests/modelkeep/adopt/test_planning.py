"""A table and what a person says of it become a schema, or a sentence that says why not."""

import random

import polars as pl
import pytest

from modelkeep.adopt.options import Options
from modelkeep.adopt.planning import columns_of, plan
from modelkeep.intake.reading import take_in
from modelkeep_core.errors import UserError

pytestmark = pytest.mark.slow

ROWS = 60
TABLE = {
    "key": [f"k{row:03x}" for row in range(ROWS)],
    "size": [f"{row % 13},5" for row in range(ROWS)],
    "when": [f"{row % 28 + 1:02}.01.2024" for row in range(ROWS)],
    "shop": ["north", "south", "NA"] * 20,
    "label": ["yes", "no"] * 30,
}


def planned(tmp_path, options=None, **columns):
    """Return the plan of a table in a CSV file; `columns` replace or join its columns."""
    path = tmp_path / "rows.csv"
    table = {name: cells for name, cells in (TABLE | columns).items() if cells}
    pl.DataFrame(table).write_csv(path)
    return plan([path], options or Options("label"))


def refusal(tmp_path, options=None, **columns):
    """Return why a table is refused, in one line."""
    with pytest.raises(UserError) as refused:
        planned(tmp_path, options, **columns)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_every_column_is_in_the_schema_in_the_order_of_the_file(tmp_path):
    """The contract names all columns, and the model sees what can be a feature."""
    made = planned(tmp_path)
    assert list(made.schema.columns) == list(made.columns) == list(TABLE)
    assert list(made.schema.features) == ["size", "when", "shop"]
    assert made.schema.columns["size"].decimal == ","
    assert made.schema.columns["when"].formats == ["%d.%m.%Y"]
    assert (made.schema.task, made.schema.target) == ("classification", "label")


def test_what_may_be_missing_is_what_is_missing(tmp_path):
    """Only columns with gaps may have some, whatever stands for a gap."""
    made = planned(tmp_path, size=["1", "?", "null"] * 20)
    may = [name for name, column in made.schema.columns.items() if column.missing]
    assert may == ["size", "shop"]
    texts = {name: column.missing_values for name, column in made.schema.columns.items()}
    assert {name: words for name, words in texts.items() if words} == {
        "size": ["?", "null"],
        "shop": ["NA"],
    }
    assert made.schema.missing_values == [""]


def test_a_comma_in_one_column_explains_the_point_in_another(tmp_path):
    """Numbers of one file are written alike."""
    columns = planned(tmp_path, big=["1.234", "5.678"] * 30).schema.columns
    assert (columns["big"].type, columns["big"].thousands) == ("integer", ".")


def test_wishes_are_kept(tmp_path):
    """What a person drops, splits by or states is done, and said."""
    made = planned(tmp_path, Options("label", drop=["size"], time="when"))
    assert list(made.schema.features) == ["shop"]
    assert {name: inferred.meaning for name, inferred in made.columns.items()} == {
        **{"key": "set aside", "size": "set aside", "when": "time"},
        **{"shop": "category", "label": "target"},
    }
    made = planned(tmp_path, Options("label", group="key"))
    assert made.columns["key"].meaning == "group"


@pytest.mark.parametrize(
    "copy", [["yes", "no"] * 30, ["Yes ", "No "] * 30, [" yes", "no", ""] * 20]
)
def test_a_copy_of_the_target_is_set_aside(tmp_path, copy):
    """A column that repeats the target is no feature, even with gaps."""
    columns = {"label": ["yes", "no", "yes"] * 20} if "" in copy else {}
    copied = planned(tmp_path, answer=copy, **columns).columns["answer"]
    assert (copied.meaning, copied.why) == ("set aside", "a copy of the target 'label'")


def test_a_name_may_be_given_as_it_stands_in_the_file(tmp_path):
    """Blanks around a name in a header do not have to be typed away."""
    assert planned(tmp_path, Options(" label ")).schema.target == "label"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (Options("lable"), "--target: there is no column 'lable' (did you mean 'label'?)"),
        (Options("label", drop=["x"]), "--drop: there is no column 'x', but key, size, when"),
        (Options("la\nbel"), r"--target: there is no column 'la\nbel'"),
        (Options("label", drop=["label"]), "'label' cannot be two things at once"),
        (Options("label", time="when", group="shop"), "split by time or by group, not by both"),
        (Options("label", time="shop"), "--time: 'shop' holds category cells, which have no order"),
        (
            Options("label", drop=["size", "when", "shop"]),
            "no column is left to predict 'label' from",
        ),
    ],
)
def test_wishes_that_cannot_be_kept_are_refused(tmp_path, options, message):
    """The sentence names the option and the column."""
    assert message in refusal(tmp_path, options)


def test_texts_and_formats_are_read_as_a_person_says(tmp_path):
    """In every column or in one, and a column may be named as it stands in the file."""
    words = ["NA", "ZA", "BW"] * 20
    many = ["1", "2", "3", "NA", "5", "6"] * 10
    made = planned(tmp_path, Options("label", keep=["NA"]), shop=words, size=many)
    assert made.schema.columns["shop"].values == ["BW", "NA", "ZA"]
    assert (made.columns["size"].meaning, made.notes) == ("integer", [])
    made = planned(tmp_path, Options("label", keep=[" shop =NA"]), shop=words, size=many)
    assert made.schema.columns["shop"].values == ["BW", "NA", "ZA"]
    made = planned(tmp_path, Options("label", empty=["size=1", "BW"]), shop=words, size=many)
    assert made.schema.columns["shop"].values == ["ZA"] or not made.schema.columns["shop"].feature
    assert made.schema.columns["size"].missing_values == ["1", "NA"]
    days = [f"{row % 12 + 1:02}/{row % 11 + 1:02}/2024" for row in range(ROWS)]
    for form in ("%d/%m/%Y", "%m/%d/%Y"):
        made = planned(tmp_path, Options("label", formats=[f"when={form}"]), when=days)
        assert made.schema.columns["when"].formats == [form]
        assert made.warnings == []


def test_a_text_that_is_not_there_is_told(tmp_path):
    """A mistyped option does not pass for one that was heard."""
    assert refusal(tmp_path, Options("label", keep=["NAN"])) == (
        "--keep: no cell of any column says 'NAN'."
    )
    assert "--empty: no cell of 'shop' says '5'" in refusal(
        tmp_path, Options("label", empty=["shop=5"])
    )
    assert "--format: there is no column 'wen'" in refusal(
        tmp_path, Options("label", formats=["wen=%d.%m.%Y"])
    )
    assert "--format: '%d' must be COLUMN=FORMAT" in refusal(
        tmp_path, Options("label", formats=["%d"])
    )


@pytest.mark.parametrize("apart", [True, False])
def test_texts_among_numbers_are_kept_where_their_rows_differ(tmp_path, apart):
    """ICU is no unknown ward where nearly all die; elsewhere it is an empty cell, and told."""
    ward = [f"{row % 4 + 1}" for row in range(600)]
    died = [("yes", "no")[row % 2] for row in range(600)]
    for row in range(0, 600, 25):
        ward[row] = "ICU"
        died[row] = "yes" if apart else died[row]
    pl.DataFrame({"ward": ward, "died": died}).write_csv(tmp_path / "rows.csv")
    made = plan([tmp_path / "rows.csv"], Options("died"))
    assert made.columns["ward"].meaning == ("category" if apart else "integer")
    (warning,) = made.warnings
    assert warning.startswith("'ward' has 'ICU' among its numbers, in 24 cells, ")
    assert ("--empty ward=ICU" in warning) == apart


@pytest.mark.parametrize(
    ("mark", "apart", "meaning"),
    [("X", False, "boolean"), ("returned", True, "boolean"), ("returned", False, "set aside")],
)
def test_a_mark_or_a_blank_is_a_box(tmp_path, mark, apart, meaning):
    """A word that is there or not is one, too, where the target tells its rows from the others."""
    labels = ["yes", "no"] * 30
    ticked = [
        (label == "yes") != (row % 9 == 0) if apart else row % 3 for row, label in enumerate(labels)
    ]
    box = [mark if is_ticked else "" for is_ticked in ticked]
    made = planned(tmp_path, box=box)
    assert made.columns["box"].meaning == meaning
    assert not made.schema.columns["box"].missing or meaning == "set aside"


def test_what_is_read_among_others_is_told_once(tmp_path):
    """Spellings, texts for nothing and the order of days, of columns that are used."""
    made = planned(
        tmp_path,
        Options("label", time="when"),
        shop=["Nord", "nord", "NA"] * 20,
        when=[f"{row % 12 + 1:02}/{row % 11 + 1:02}/2024" for row in range(ROWS)],
    )
    assert made.notes == [
        "cells that say 'NA' count as empty in 'shop' (20): where that is a value, --keep shop=NA",
        "'shop' has values that differ in capitals or blanks alone: 'Nord' and 'nord'",
    ]
    assert "dates written %" in made.columns["when"].why
    (warning,) = made.warnings
    assert "too: --format when=%" in warning
    dropped = planned(tmp_path, Options("label", drop=["shop"]), shop=["Nord", "nord", "NA"] * 20)
    assert dropped.notes == []


def test_what_has_no_order_says_why(tmp_path):
    """A column that is nearly dates is told apart from words."""
    days = [
        *(f"2024-01-{row % 28 + 1:02}" for row in range(56)),
        *(f"week {n} 24" for n in range(4)),
    ]
    message = refusal(tmp_path, Options("label", time="when"), when=days)
    assert "which have no order (text: 4 of 60 cells, such as 'week " in message


def test_a_table_of_one_column_is_refused(tmp_path):
    """There is nothing to predict from."""
    others = dict.fromkeys(TABLE, ())
    assert "one column only" in refusal(tmp_path, **others | {"label": ["a", "b"] * 30})
    files = [tmp_path / "rows.csv"]
    files[0].write_text("a§label\n" + "1§x\n" * 30, encoding="utf-8")
    with pytest.raises(UserError, match=r"'a§label'.* another sign than .*read_csv\(path, sep="):
        plan(files, Options("label"))


def test_columns_are_read_a_few_at_a_time(tmp_path, monkeypatch):
    """However few fit into memory, all come, in order, from all files."""
    for number in range(2):
        frame = pl.DataFrame({name: cells[:30] for name, cells in TABLE.items()})
        frame.write_csv(tmp_path / f"{number}.csv")
    monkeypatch.setattr("modelkeep.adopt.planning.CELLS", 100)
    files = [tmp_path / "0.csv", tmp_path / "1.csv"]
    read = list(columns_of(files, ["when", "key"]))
    assert [column.to_list() for column in read] == [TABLE["when"][:30] * 2, TABLE["key"][:30] * 2]


def test_files_of_other_types_are_one_table(tmp_path):
    """A CSV file and a Parquet file of the same columns can be adopted together."""
    pl.DataFrame(TABLE | {"paid": range(ROWS)}).write_csv(tmp_path / "a.csv")
    pl.DataFrame(TABLE | {"paid": range(ROWS)}).write_parquet(tmp_path / "b.parquet")
    made = plan([tmp_path / "a.csv", tmp_path / "b.parquet"], Options("label"))
    assert made.target.rows == 2 * ROWS
    assert made.schema.columns["paid"].type == "integer"


@pytest.mark.parametrize("kind", [pl.UInt64, pl.Decimal(20, 0)])
def test_numbers_of_twenty_digits_name_rows_in_parquet_too(tmp_path, kind):
    """No float can tell them apart, so they are not made floats before they are looked at."""
    big = pl.Series([10**19 + 7 * row for row in range(ROWS)], dtype=kind)
    small = pl.Series([row % 7 for row in range(ROWS)], dtype=kind)
    pl.DataFrame(TABLE | {"big": big, "small": small}).write_parquet(tmp_path / "rows.parquet")
    files, _ = take_in(tmp_path / "rows.parquet", tmp_path / "raw", tmp_path / "work")
    made = plan(files, Options("label"))
    assert made.columns["big"].why.startswith("identifier-like: 60 different texts in 60 rows")
    assert made.columns["small"].meaning == "integer"


def test_the_order_of_rows_does_not_matter(tmp_path):
    """Shuffled rows have the same schema."""
    order = random.Random(0).sample(range(ROWS), ROWS)
    mixed = {name: [cells[row] for row in order] for name, cells in TABLE.items()}
    assert planned(tmp_path).schema == planned(tmp_path, **mixed).schema


def test_names_that_predictions_have_are_told(tmp_path):
    """Before a model is trained that `predict` cannot be asked with such rows."""
    made = planned(tmp_path, **{"prediction": TABLE["size"], "probability of yes": TABLE["size"]})
    assert [warning.partition(" is what `predict` calls")[0] for warning in made.warnings] == [
        "'prediction'",
        "'probability of yes'",
    ]
    assert planned(tmp_path).warnings == []
