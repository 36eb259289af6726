"""The contract of the raw data refuses what makes no sense, and says where."""

import pytest
from ruamel.yaml import YAML

from pipeline.refusal import Refusal
from pipeline.schema import Schema, read_schema


def read(tmp_path, **changes):
    """Read a schema of two inputs and a target from YAML; `changes` replace its keys."""
    content = {
        "task": "classification",
        "target": "label",
        "missing_values": [""],
        "duplicates": False,
        "columns": {
            "size": {"type": "number"},
            "colour": {"type": "category"},
            "label": {"type": "category"},
        },
    }
    path = tmp_path / "schema.yaml"
    YAML().dump(content | changes, path)
    return read_schema(path)


def columns(**changed):
    """Return the columns of a schema with a label, some of them changed."""
    return {"columns": {"size": {"type": "number"}, "label": {"type": "category"}} | changed}


def test_a_column_needs_only_a_type(tmp_path):
    """A column is a feature, without missing cells, bounds or values, unless it says otherwise."""
    size = read(tmp_path).columns["size"]
    assert (size.missing, size.feature) == (False, True)
    assert (size.min, size.max, size.values) == (None, None, None)


def test_features_are_all_columns_but_the_target_in_the_order_of_the_file(tmp_path):
    """The model sees neither the target nor a column that is no feature."""
    schema = read(
        tmp_path,
        columns={
            "zebra": {"type": "number"},
            "when": {"type": "datetime", "feature": False},
            "label": {"type": "category"},
            "ant": {"type": "boolean"},
        },
    )
    assert list(schema.features) == ["zebra", "ant"]


def test_a_schema_comes_back_as_it_was_written(tmp_path, classification):
    """The schema in a package, written from the one that was read, says the same."""
    path = tmp_path / "again.yaml"
    YAML().dump(classification.model_dump(), path)
    assert read_schema(path) == classification


def test_numbers_among_the_values_are_text(tmp_path):
    """A category of the values 1 and 2 holds the texts that a CSV file has."""
    schema = read(tmp_path, **columns(grade={"type": "category", "values": [1, 2.5, "3"]}))
    assert schema.columns["grade"].values == ["1", "2.5", "3"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (columns(c={"type": "category", "min": 1}), r"columns\.c: min and max .*not to a category"),
        (columns(c={"type": "boolean", "max": 1}), r"columns\.c: min and max .*not to a boolean"),
        (columns(c={"type": "number", "values": ["a"]}), r"columns\.c: values .*not to a number"),
        (columns(c={"type": "category", "unit": "$"}), r"columns\.c: .*unit .*not to a category"),
        (columns(c={"type": "integer", "formats": ["%Y"]}), r"formats .*not to an integer"),
        (columns(c={"type": "number", "encoding": "target"}), r"encoding .*not to a number"),
        (columns(c={"type": "category", "encoding": "x"}), r"columns\.c\.encoding: .*not 'x'"),
        (columns(c={"type": "boolean", "values": ["ja"]}), r"columns\.c: values .* two words"),
        (columns(c={"type": "text"}), r"columns\.c\.type: .*'number'.*not 'text'"),
        (columns(c={}), r"columns\.c\.type: this key is missing"),
        (columns(c={"type": "number", "mising": True}), r"columns\.c: .*did you mean 'missing'"),
        ({"target": "lable"}, r"target: no column 'lable'.*did you mean 'label'"),
        ({"target": "size"}, r"target: classification predicts a class, and 'size' is a number"),
        ({"task": "regression"}, r"target: regression predicts a number, and 'label' is a categ"),
        ({"task": "clustering"}, r"task: .*not 'clustering'"),
        ({"columns": {"label": {"type": "category"}}}, r"no column is left to predict from"),
        (columns(size={"type": "number", "feature": False}), r"no column is left"),
        ({"duplicate": True}, r"unknown key 'duplicate' \(did you mean 'duplicates'\?\)"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_place(tmp_path, changes, message):
    """The message names the key and the rule."""
    with pytest.raises(Refusal, match=message):
        read(tmp_path, **changes)


def test_bounds_that_no_cell_can_keep_are_refused(tmp_path):
    """A smallest value above the largest is a mistake in the schema, and told as one."""
    with pytest.raises(Refusal, match=r"columns\.c: .*min.*max"):
        read(tmp_path, **columns(c={"type": "number", "min": 2, "max": 1}))


def test_faults_of_several_columns_are_told_together(tmp_path):
    """One reading finds every column that does not fit."""
    faults = {"a": {"type": "number", "values": []}, "b": {"type": "boolean", "min": 0}}
    with pytest.raises(Refusal, match=r"(?s)columns\.a.*columns\.b"):
        read(tmp_path, **columns(**faults))


@pytest.mark.parametrize(
    ("task", "kind"),
    [
        ("classification", "category"),
        ("classification", "integer"),
        ("classification", "boolean"),
        ("regression", "number"),
        ("regression", "integer"),
    ],
)
def test_a_target_that_fits_the_task_is_taken(tmp_path, task, kind):
    """Classes are categories, whole numbers or booleans; values are numbers."""
    schema = read(tmp_path, task=task, **columns(label={"type": kind}))
    assert isinstance(schema, Schema)
