"""The contract of the raw data refuses what makes no sense, and says where."""

import math

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from modelkeep_core.errors import UserError
from modelkeep_core.schema import Column, Schema, read_schema


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
        (columns(c={"type": "number", "codes": True}), r"codes belong to a category"),
        (columns(c={"type": "category", "minus": ["()"]}), r"minus.* not to a category"),
        (columns(c={"type": "number", "multiples": {"K": 1024}}), r"multiples are powers of ten"),
        (columns(c={"type": "number", "multiples": {"K": 1}}), r"multiples are powers of ten"),
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
    with pytest.raises(UserError, match=message):
        read(tmp_path, **changes)


def test_bounds_that_no_cell_can_keep_are_refused(tmp_path):
    """A smallest value above the largest is a mistake in the schema, and told as one."""
    with pytest.raises(UserError, match=r"columns\.c: .*min.*max"):
        read(tmp_path, **columns(c={"type": "number", "min": 2, "max": 1}))


def test_faults_of_several_columns_are_told_together(tmp_path):
    """One reading finds every column that does not fit."""
    faults = {"a": {"type": "number", "values": []}, "b": {"type": "boolean", "min": 0}}
    with pytest.raises(UserError, match=r"(?s)columns\.a.*columns\.b"):
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


# A column's words, its check and its JSON schema

NUMBER = {"type": "number", "min": 0, "max": 9.5}
CASES = [
    (NUMBER, 0, None),
    (NUMBER, 9.5, None),
    (NUMBER, -0.1, ("at least 0", "range")),
    (NUMBER, 9.6, ("at most 9.5", "range")),
    (NUMBER, 10**400, ("finite", "range")),
    (NUMBER, float("inf"), ("finite", "range")),
    (NUMBER, float("nan"), ("finite", "range")),
    (NUMBER, None, ("present", "missing")),
    (NUMBER, "1", ("a number", "type")),
    (NUMBER, True, ("a number", "type")),
    ({"type": "number"}, -1e308, None),
    ({"type": "number"}, float("-inf"), ("finite", "range")),
    ({"type": "number", "missing": True}, None, None),
    ({"type": "integer"}, 3, None),
    ({"type": "integer"}, 3.0, None),
    ({"type": "integer"}, 3.5, ("a whole number", "type")),
    ({"type": "integer"}, False, ("a whole number", "type")),
    ({"type": "integer", "max": 5}, 6, ("at most 5", "range")),
    ({"type": "boolean"}, True, None),
    ({"type": "boolean"}, 1, ("true or false", "type")),
    ({"type": "boolean", "values": ["no", "yes"]}, "yes", ("true or false", "type")),
    ({"type": "category"}, "", None),
    ({"type": "category"}, 1, ("text", "type")),
    ({"type": "category", "values": ["a", "b"]}, "a", None),
    ({"type": "category", "values": ["a", "b"]}, "c", ("one of a, b", "category")),
    ({"type": "category", "values": ["a", "b"]}, ["a"], ("text", "type")),
    ({"type": "datetime"}, "2024-01-31T09:30:00+01:00", None),
    ({"type": "datetime", "formats": ["%d.%m.%Y"]}, "2024-01-31", None),
    ({"type": "datetime"}, "soon", ("like 2024-01-31 or 2024-01-31T09:30:00", "type")),
    ({"type": "datetime"}, 2024, ("like 2024-01-31 or 2024-01-31T09:30:00", "type")),
]


@pytest.mark.parametrize(("rules", "value", "fault"), CASES)
def test_a_plain_value_keeps_the_rules_or_breaks_one_in_words(rules, value, fault):
    """The fast check and the one with words agree on every value."""
    column = Column.model_validate(rules)
    assert column.problem(value) == fault
    assert column.accepts()(value) is (fault is None)


def in_json(rules, value):
    """Say whether JSON has such a value, and a type for it."""
    unending = isinstance(value, float) and not math.isfinite(value)
    return rules["type"] != "datetime" and not unending and value != 10**400


@pytest.mark.parametrize(
    ("rules", "value", "fault"), [case for case in CASES if in_json(case[0], case[1])]
)
def test_the_json_schema_says_what_the_check_does(rules, value, fault):
    """What the check takes is valid, and what it refuses is not."""
    column = Column.model_validate(rules)
    assert Draft202012Validator(column.json_schema()).is_valid(value) is (fault is None)


def test_a_column_that_may_be_missing_says_so_in_its_json_schema():
    """Null is one of its types, and one of its values where they are listed."""
    column = Column(type="category", values=["a"], missing=True)
    assert column.json_schema() == {"type": ["string", "null"], "enum": ["a", None]}


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ({"type": "number"}, "any"),
        ({"type": "number", "min": 0, "max": 9.5}, "0 to 9.5"),
        ({"type": "integer", "min": 0}, "0 or more"),
        ({"type": "integer", "max": 0}, "0 or less"),
        ({"type": "category"}, "any"),
        ({"type": "category", "values": ["a", "b"]}, "a, b"),
        ({"type": "boolean"}, "any"),
    ],
)
def test_what_is_allowed_is_said_in_words(rules, words):
    """As the model card has it; a bound of zero is a bound."""
    assert Column.model_validate(rules).allowed() == words


@pytest.mark.parametrize(
    ("rules", "choices", "number"),
    [
        ({"type": "number"}, None, True),
        ({"type": "integer"}, None, True),
        ({"type": "boolean", "values": ["no", "yes"]}, ["true", "false"], False),
        ({"type": "category"}, None, False),
        ({"type": "category", "values": ["a", "b"]}, ["a", "b"], False),
        ({"type": "datetime"}, None, False),
    ],
)
def test_a_form_can_be_made_of_a_column(rules, choices, number):
    """Texts to choose among, or a field for numbers, or one for text."""
    column = Column.model_validate(rules)
    assert (column.choices, column.number) == (choices, number)


def test_many_values_are_shortened():
    """A rule of a thousand values is still one line."""
    column = Column(type="category", values=[f"value {number}" for number in range(1000)])
    assert column.must_be("values", 30) == "one of value 0, value 1, value 2, ..."
    assert len(column.must_be("values")) <= 207
