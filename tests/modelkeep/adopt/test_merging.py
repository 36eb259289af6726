"""Edits of a schema outlive new rows of the same table, where the rows still keep them."""

import pytest

from made import made_params
from modelkeep.adopt.merging import edits, inferred_before, is_same_table, merged, with_roles
from modelkeep.adopt.options import Options
from modelkeep.adopt.planning import plan
from modelkeep_core.params import Prepare
from modelkeep_core.schema import Column

ROWS = 60
# Whole numbers from 0 to 50, that are no names of rows
SIZES = [str(7 * n % 51) for n in range(ROWS)]


@pytest.fixture
def files(tmp_path):
    """Return a function that writes a table and returns its files."""

    def write(name, **columns):
        cells = {"y": ["up", "down"] * (ROWS // 2), **columns}
        lines = [",".join(cells), *map(",".join, zip(*cells.values(), strict=True))]
        path = tmp_path / name / "rows.csv"
        path.parent.mkdir()
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return [path]

    return write


def again(before, after, old, **options):
    """Return what comes of edits, by new rows of the same table."""
    options = Options("y", **options)
    return merged(*(old, inferred_before(old, before[0])), plan(after, options), after, options)


def with_rules(files, **columns):
    """Return the schema of a table, with other rules of some columns."""
    schema = plan(files, Options("y")).schema
    edited = {
        name: schema.columns[name].model_copy(update=rules) for name, rules in columns.items()
    }
    return schema.model_copy(update={"columns": schema.columns | edited})


def test_rules_that_fit_stay_and_those_that_do_not_are_told(files):
    """A bound that new rows exceed is the inferred one again; a value that was added stays."""
    sizes, kinds = SIZES, ["a", "b", "c"] * (ROWS // 3)
    before = files("before", size=sizes, age=sizes, kind=kinds)
    old = with_rules(
        before, size={"max": 70.0}, age={"max": 60.0}, kind={"values": ["a", "b", "c", "z"]}
    )
    after = files("after", size=sizes, age=[*sizes[1:], "65"], kind=["d", *kinds[1:]])
    result = again(before, after, old)
    columns = result.schema.columns
    assert (columns["size"].max, columns["age"].max) == (70, 98)
    assert columns["kind"].values == ["a", "b", "c", "d", "z"]
    assert result.notes == [
        "kept, as you had set it in schema.yaml: 'size' max 70; 'kind' values ['z']",
        "lost from schema.yaml, as the new rows break it: 'age' max 60",
    ]
    everywhere = old.model_copy(update={"missing_values": ["", "-999"]})
    assert again(before, after, everywhere).lost[-1] == "missing_values -999 in every column"


def test_a_type_that_a_person_chose_stays_with_its_rules(files):
    """Where the cells are of the type that they had."""
    before = files("before", zone=["1", "2", "3"] * (ROWS // 3), n=SIZES)
    as_text = Column(type="category", values=["1", "2", "3"], codes=True).model_dump()
    old = with_rules(before, zone=as_text)
    result = again(before, before, old)
    assert result.schema.columns["zone"] == Column.model_validate(as_text)
    assert result.kept == ["'zone' type category"]
    words = files("after", zone=["a", "b", "c"] * (ROWS // 3), n=SIZES)
    assert again(before, words, old).lost == ["'zone' type category"]


def test_what_a_person_says_now_counts_for_more(files):
    """A column that is dropped stays out, though the schema before has it as a feature."""
    sizes = SIZES
    before = files("before", size=sizes, id=[*SIZES[::-1]])
    old = with_rules(before, id={"feature": True})
    assert again(before, before, old).schema.columns["id"].feature
    assert not again(before, before, old, drop=["id"]).schema.columns["id"].feature


def test_a_schema_without_edits_changes_nothing(files):
    """What adopt says of the old rows is no edit, whatever it says of the new ones."""
    before = files("before", size=SIZES)
    after = files("after", size=[*SIZES[1:], "90"])
    result = again(before, after, with_rules(before))
    assert result.schema == plan(after, Options("y")).schema
    assert result.notes == []
    assert edits(Column(type="number"), Column(type="number", unit="kg")) == {"unit": "kg"}


def test_a_table_is_the_same_by_its_target_and_most_of_its_columns(files):
    """Another table may have a column of the same name."""
    old = with_rules(files("before", size=["1", "2"] * 30, age=SIZES))
    assert is_same_table(old, "y", ["y", "size", "new"])
    assert not is_same_table(old, "size", ["y", "size", "age"])
    assert not is_same_table(old, "y", ["y", "new"])


def test_rows_are_split_as_before_unless_a_person_says_otherwise():
    """By the same column, where it is still there and free."""
    params = made_params("LogisticRegression", "macro_f1").prepare
    timed = Prepare.model_validate(params.model_dump() | {"split": "time", "split_by": "day"})
    assert with_roles(Options("y"), timed, ["y", "day"]).time == "day"
    assert with_roles(Options("y", group="shop"), timed, ["y", "day", "shop"]).time is None
    assert with_roles(Options("y"), timed, ["y"]).time is None
    assert with_roles(Options("y", drop=["day"]), timed, ["y", "day"]).time is None
    assert with_roles(Options("y"), params, ["y", "day"]) == Options("y")
