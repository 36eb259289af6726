"""params.yaml and schema.yaml say what is new, and keep everything else as it was."""

import io

import pytest
from ruamel.yaml import YAML

from modelkeep.adopt.settings import TASKS, changed_rules, new_params, new_schema
from modelkeep_core.errors import UserError
from modelkeep_core.files import read_model
from modelkeep_core.params import Evaluate, Train, read_params
from modelkeep_core.schema import Schema

PARAMS = """\
# Every parameter

prepare:
  seed: 7  # lucky
  test_size: 0.25
  # random, time or group
  split: random
  split_by: null

train:
  seed: 7
  # any scikit-learn classifier that stands alone
  estimator: LogisticRegression
  # the parameters
  LogisticRegression:
    C: 0.1
    max_iter: 1000
  # cross-validated
  search:
    method: null
    folds: 5
    scoring: macro_f1
    seed: 7
    trials: 20
    batch: 4
    prune: false
    nested: false
    estimators: []
    ranges:
      LogisticRegression:
        C:
          choices:
            - 0.1
            - 1.0

evaluate:
  seed: 7
  # accuracy, balanced_accuracy, macro_f1, log_loss or roc_auc
  headline: macro_f1
  resamples: 500
  confidence: 0.95
  importance_repeats: 5
  # a column, or null
  group_by: island

package:
  name: model
  title: "A \\"title\\""
  description: 'It''s so'
  limits:
    - Knows penguins.
    - Knows nothing else.

# Not a stage
promote:
  thresholds:
    macro_f1: 0.8
  # how much worse
  allowed_loss: 0.0
"""
SCHEMA = """\
# The contract

task: classification
target: species

# what is empty
missing_values:
  - ""
  - NA

# may a row repeat?
duplicates: false

columns:
  species:
    type: category
  # in millimetres
  size:
    type: number
"""
STRANGE = [
    *("yes", "no", "null", "~", "1", "1.5", "2024-01-31", "a b", "x: y", "#c", "<<", "=", "é"),
    *(
        "汉字",
        "😀",
        "'",
        '"',
        "\\",
        "[a]",
        "{b}",
        "&c",
        "*d",
        "!e",
        "%f",
        "@g",
        "`h",
        "-",
        "?",
        "|",
    ),
    *("x" * 300, "select", "on", "0x1f", "1e5", ".inf", "tab\there"),
]


def same_lines(old, new):
    """Return the lines of the new text that were not in the old one, and those that are gone."""
    before, after = old.splitlines(), new.splitlines()
    added = [line for line in after if line not in before]
    return added, [line for line in before if line not in after]


def test_only_what_is_to_change_changes():
    """Comments, order, quotes and values stay where they were."""
    changes = {
        "prepare": {"split": "time", "split_by": "when"},
        "evaluate": {"group_by": None},
        "package": {"limits": ["Knows: shops"]},
        "promote": {"thresholds": {"balanced_accuracy": 0.51}},
    }
    added, gone = same_lines(PARAMS, new_params(PARAMS, "classification", changes))
    assert added == [
        *("  split: time", "  split_by: when", "  group_by: null", '    - "Knows: shops"'),
        "    balanced_accuracy: 0.51",
    ]
    assert gone == [
        *("  split: random", "  split_by: null", "  group_by: island", "    - Knows penguins."),
        *("    - Knows nothing else.", "    macro_f1: 0.8"),
    ]


def test_without_a_change_every_byte_stays():
    """Reading and writing is no change."""
    assert new_params(PARAMS, "classification", {}) == PARAMS


def test_another_task_has_other_estimators_and_metrics(tmp_path):
    """What only the old task has is replaced, with the comments that name it."""
    path = tmp_path / "params.yaml"
    changes = {"promote": {"thresholds": {"r2": 0.0}}, "train": {"estimator": "Ridge"}}
    text = new_params(PARAMS, "regression", changes)
    path.write_text(text, encoding="utf-8")
    train = read_params(path, "train", Train)
    assert read_params(path, "evaluate", Evaluate).headline == "rmse"
    assert train.estimator == "Ridge"
    assert train.sections == TASKS["regression"]["sections"]
    assert train.interval is None
    assert "interval: null\n" in text
    assert set(train.search.ranges) == {"Ridge"}
    comments = [line.strip() for line in text.splitlines() if "#" in line]
    assert comments == [
        *("# Every parameter", "seed: 7  # lucky", "# random, time or group"),
        *("# any scikit-learn regressor that stands alone", "# the parameters"),
        *("# cross-validated", "# rmse, mae, r2 or median_absolute_error", "# a column, or null"),
        *("# Not a stage", "# how much worse"),
    ]


def test_a_section_that_the_project_has_not_is_left_out():
    """A project that packages or promotes in its own way has no need of these sections."""
    text = PARAMS.partition("package:")[0]
    changes = {"package": {"limits": []}, "promote": {"thresholds": {}}}
    assert new_params(text, "classification", changes) == text


def test_params_without_what_is_filled_in_are_refused():
    """The sentence names the section."""
    for section in ("prepare", "train", "evaluate"):
        with pytest.raises(UserError, match=f"no section '{section}'"):
            new_params(PARAMS.replace(f"{section}:", "other:"), "classification", {})


def test_there_and_back_again_is_the_same_task():
    """Two changes of the task leave no trace of the one in between."""
    there = new_params(PARAMS, "regression", {})
    back = new_params(there, "classification", {})
    assert "regress" not in back
    assert new_params(back, "classification", {}) == back


def test_the_schema_is_written_and_read_again(tmp_path):
    """Names and values of any kind come back as they were, and comments stay."""
    columns = {name: {"type": "category", "values": STRANGE} for name in STRANGE}
    columns["size"] = {"type": "number", "min": 0, "max": 2.5, "missing": True, "decimal": ","}
    schema = Schema.model_validate(
        {
            **{"task": "classification", "target": "yes", "duplicates": True},
            **{"missing_values": ["", "NA", "null"], "columns": columns},
        }
    )
    path = tmp_path / "schema.yaml"
    path.write_text(new_schema(SCHEMA, schema), encoding="utf-8")
    text = path.read_text(encoding="utf-8")
    assert read_model(path, Schema) == schema
    for comment in ("# The contract", "# what is empty", "# may a row repeat?"):
        assert comment in text
    assert new_schema(text, schema) == text
    assert YAML(typ="safe").load(text)["columns"]["size"] == columns["size"]


def test_rules_that_go_are_told():
    """Adopting the same table again says which edits of its schema are gone, and no more."""
    columns = {"age": {"type": "integer", "min": 0, "max": 120}, "y": {"type": "category"}}
    whole = {"task": "classification", "target": "y", "missing_values": [""], "duplicates": True}
    new = Schema.model_validate({**whole, "columns": columns})
    edited = {"age": columns["age"] | {"min": 18, "feature": True}, "y": {"type": "category"}}
    old = Schema.model_validate({**whole, "columns": edited})
    (note,) = changed_rules(old, new)
    assert note == (
        "schema.yaml is written anew, and loses 'age' min 18 (now 0): `git diff schema.yaml` shows "
        "all of it"
    )
    assert changed_rules(old, new, dry_run=True) == [
        "schema.yaml is written anew, and loses 'age' min 18 (now 0)"
    ]
    assert changed_rules(new, new) == []
    other = {"size": {"type": "number"}, "y": {"type": "category"}}
    assert changed_rules(Schema.model_validate({**whole, "columns": other}), new) == []


def test_what_is_usual_is_not_written():
    """A column says only what a person would say."""
    schema = Schema.model_validate(
        {
            **{"task": "regression", "target": "size", "duplicates": False},
            **{"missing_values": ["", "NA"]},
            "columns": {
                "species": {"type": "category", "missing": False, "feature": True},
                "size": {"type": "number"},
            },
        }
    )
    added, gone = same_lines(SCHEMA, new_schema(SCHEMA, schema))
    assert (added, gone) == (
        ["task: regression", "target: size"],
        ["task: classification", "target: species"],
    )


@pytest.mark.parametrize("task", list(TASKS))
def test_what_is_offered_for_a_task_exists(task):
    """Estimators, scoring and metrics are there, by these names."""
    from sklearn.metrics import get_scorer_names

    from modelkeep_core.estimators import build
    from modelkeep_core.metrics import METRICS

    offered = TASKS[task]
    for name in offered["sections"]:
        build(name, offered["sections"], task, seed=0)
    assert offered["scoring"] in get_scorer_names()
    assert offered["metrics"].replace(" or ", ", ").split(", ") == list(METRICS[task])
    assert offered["headline"] in METRICS[task]


def test_how_others_write_yaml_stays_as_it_was():
    """What is set for these two files holds for them alone."""
    buffer = io.StringIO()
    YAML().dump({"nothing": None}, buffer)
    assert buffer.getvalue() == "nothing:\n"
