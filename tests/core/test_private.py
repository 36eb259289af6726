"""The values of private columns are in no file that the stages write, but for data and model."""

import pytest

from made import made_params, made_schema, made_table, pipeline_run
from modelkeep_core.errors import UserError
from modelkeep_core.example import typical_row
from modelkeep_core.files import read_json
from modelkeep_core.profiles import profile
from modelkeep_core.schema import Column, Schema, read_schema

TEXTS = (".json", ".md", ".csv", ".yaml", ".html", ".txt")


@pytest.fixture(scope="module")
def private_run(tmp_path_factory):
    """A finished run in which "size" and the feature "shop" are private, and groups are shops."""
    schema = made_schema("classification", "label")
    schema.columns["size"].private = True
    schema.columns["shop"].private = schema.columns["shop"].feature = True
    params = made_params("LogisticRegression", "macro_f1")
    params.evaluate.group_by = "shop"
    place = tmp_path_factory.mktemp("private") / "line"
    return pipeline_run(place, made_table(), schema, params)


def test_no_text_of_a_package_or_report_has_a_private_value(private_run):
    """Neither the example nor profile, card, plots, findings and metadata show one."""
    sizes = {f"{value}" for value in made_table()["size"].drop_nulls()}
    unlike = {size for size in sizes if len(size.partition(".")[2]) == 3}
    assert len(unlike) > 90
    shops = {f"shop {number}" for number in range(8)}
    files = [
        path
        for directory in (private_run.package, private_run.reports)
        for path in directory.rglob("*")
        if path.suffix in TEXTS
    ]
    assert {"profile.json", "example.json", "MODEL_CARD.md"} <= {path.name for path in files}
    for path in files:
        text = path.read_text("utf-8")
        assert not [value for value in unlike | shops if value in text], path


def test_groups_of_few_rows_of_a_private_column_are_not_shown(private_run, run):
    """All shops have fewer than ten test rows; of another column, every group is shown."""
    evaluated = read_json(private_run.reports / "evaluation.json")
    assert evaluated["by_group"] == {"column": "shop", "groups": []}


def test_a_profile_counts_private_values_and_says_no_more(frame, classification):
    """How many rows have a value, and how many have none."""
    classification.columns["size"].private = True
    frame.loc[frame.index[:12], "size"] = None
    described = profile(frame, frame["label"].to_numpy(), classification)["features"]
    missing = int(frame["size"].isna().sum())
    assert described["size"] == {
        "type": "private",
        "missing": missing,
        "counts": {},
        "others": len(frame) - missing,
    }
    assert described["count"]["type"] == "integer"


@pytest.mark.parametrize(
    ("empty", "counted"), [(0, 0), (1, 0), (9, 0), (10, 10), (30, 30), (31, 40), (40, 40)]
)
def test_a_profile_says_nothing_of_a_few_private_cells(frame, classification, empty, counted):
    """Be they the empty ones or all others: a count below ten is no count."""
    classification.columns["size"].private = True
    part = frame.head(40).assign(size=[None] * empty + [1.0] * (40 - empty))
    described = profile(part, part["label"].to_numpy(), classification)["features"]["size"]
    assert (described["missing"], described["others"]) == (counted, 40 - counted)


@pytest.mark.parametrize(
    ("rules", "wanted"),
    [
        ({"type": "number", "missing": True}, None),
        ({"type": "number"}, 0.0),
        ({"type": "number", "min": 2.5}, 2.5),
        ({"type": "number", "min": -5, "max": -1.5}, -1.5),
        ({"type": "number", "max": 0}, 0.0),
        ({"type": "integer", "min": 2.5}, 3),
        ({"type": "integer", "max": -1.5}, -2),
        ({"type": "boolean"}, False),
        ({"type": "category", "values": ["red", "green"]}, "red"),
        ({"type": "category"}, "private"),
        ({"type": "datetime"}, "2000-01-01T00:00:00"),
    ],
)
def test_what_stands_for_a_private_value_follows_from_the_schema(rules, wanted):
    """It keeps the rules of the column, and no row has any part in it."""
    column = Column.model_validate(rules)
    stands = column.stand_in()
    assert (stands, type(stands)) == (wanted, type(wanted))
    assert column.problem(stands) is None


def test_the_typical_row_has_what_stands_for_private_values(frame, classification):
    """The medians of other columns are as they were."""
    before = typical_row(frame, classification)
    classification.columns["count"].private = True
    assert typical_row(frame, classification) == before | {"count": 0}


def test_the_target_cannot_be_private(tmp_path, classification):
    """Every prediction would tell of it."""
    content = classification.model_dump()
    content["columns"]["label"]["private"] = True
    with pytest.raises(ValueError, match="'label' is private"):
        Schema.model_validate(content)


def test_the_key_is_read_from_the_file(tmp_path):
    """`private` is written beside the other rules of a column."""
    path = tmp_path / "schema.yaml"
    path.write_text(
        "task: classification\ntarget: y\nmissing_values: []\nduplicates: true\ncolumns:\n"
        "  x: {type: number, private: true}\n  y: {type: category}\n",
        encoding="utf-8",
    )
    assert read_schema(path).private == {"x"}
    path.write_text(path.read_text("utf-8").replace("private", "privat"), encoding="utf-8")
    with pytest.raises(UserError, match="privat"):
        read_schema(path)
