"""`diff` shows all that differs between two versions, and nothing else."""

import json
from copy import deepcopy

import pytest

from modelkeep.registry.diff import TITLES, changes, flat
from modelkeep.text import columns
from modelkeep_core.errors import UserError
from repository import Model, Repository, digest

PARTS = (
    *("findings", "parameters", "data", "schema", "code", "files", "commands", "environment"),
    *("evaluation", "package"),
)


def other(**paths):
    """Return metadata in which the values at some paths, written with "__", are others."""
    facts = deepcopy(Model("b").facts)
    for path, value in paths.items():
        *above, last = path.split("__")
        part = facts
        for step in above:
            part = part[int(step) if isinstance(part, list) else step]
        part[last] = value
    del facts["recipe_id"], facts["name"]
    return Model("b", unusual=facts)


def compared(directory, model, *words):
    """Return the difference between the usual model and another one."""
    made = Repository(directory / "repository")
    made.release("v1.0.0", Model("a"))
    made.release("v1.1.0", model)
    return made.answer("diff", "v1.0.0", "v1.1.0", *words)


def named(name, before, after):
    """Return a change."""
    return {"name": name, "before": before, "after": after}


ALPHA = {"recipe__parameters": {"train": {"seed": 7, "Ridge": {"alpha": 0.5}, "new": None}}}
FILES = [
    {"path": "data/raw/rows.csv", "sha256": digest("dada"), "rows": 400},
    {"path": "data/raw/more.csv", "sha256": digest("d0d0"), "rows": 9},
]
SAID = {"name": "overfitting", "severity": "warning", "says": "it is much worse.", "evidence": {}}
CHANGED = [
    (
        "findings",
        {"findings": [SAID, SAID | {"says": "again."}]},
        [named("overfitting", None, "warning, warning")],
    ),
    (
        "parameters",
        ALPHA,
        [named("train.Ridge.alpha", 1.0, 0.5), named("train.new", None, None)],
    ),
    (
        "data",
        {
            "recipe__data": {file["path"]: file["sha256"] for file in FILES},
            "data__files": FILES,
            "data__rows": {"read": 409, "train": 258, "test": 151},
        },
        [
            named(
                "data/raw/rows.csv",
                {"sha256": digest("f204db2c"), "rows": 344},
                {"sha256": digest("dada"), "rows": 400},
            ),
            named("data/raw/more.csv", None, {"sha256": digest("d0d0"), "rows": 9}),
            named("rows.read", 344, 409),
            named("rows.test", 86, 151),
        ],
    ),
    (
        "schema",
        {
            "recipe__schema": {"schema.yaml": digest("5c4f")},
            "schema__columns": {"size": {"type": "number", "max": 10.0}, "hue": {"values": ["a"]}},
        },
        [
            named("schema.yaml", digest("5c4e"), digest("5c4f")),
            named("columns.size.max", 9.0, 10.0),
            named("columns.hue.values", None, ["a"]),
        ],
    ),
    (
        "code",
        {"recipe__code": {"pipeline/new.py": digest("c0df")}},
        [
            named("pipeline/train.py", digest("c0de"), None),
            named("pipeline/new.py", None, digest("c0df")),
        ],
    ),
    (
        "files",
        {"recipe__files": {"pipeline/words.txt": digest("f00d")}},
        [named("pipeline/words.txt", None, digest("f00d"))],
    ),
    (
        "commands",
        {"recipe__commands": {"train": "python -m pipeline.train --fast"}},
        [named("train", "python -m pipeline.train", "python -m pipeline.train --fast")],
    ),
    (
        "environment",
        {
            "recipe__environment": {"requirements.lock": digest("10c5")},
            "libraries": {"numpy": "2.5.0", "scikit-learn": "1.9.0", "polars": "2"},
        },
        [
            named("requirements.lock", digest("10c4"), digest("10c5")),
            named("numpy", "2.4.6", "2.5.0"),
            named("polars", None, "2"),
        ],
    ),
    (
        "evaluation",
        {"metrics__settings": {"seed": 1, "resamples": 500}},
        [named("seed", None, 1), named("resamples", None, 500)],
    ),
]


@pytest.mark.parametrize(("part", "paths", "expected"), CHANGED, ids=PARTS[:-1])
def test_a_change_is_shown_in_its_part(tmp_path, part, paths, expected):
    """With the values before and after, and in no other part."""
    data, shown = compared(tmp_path, other(**paths))
    assert {key: data[key] for key in PARTS} == {key: [] for key in PARTS} | {part: expected}
    titles = [line for line in shown.splitlines() if line in TITLES.values()]
    assert titles == [TITLES[part]]


def test_the_versions_are_named(tmp_path):
    """With model, number, commit and recipe."""
    data, shown = compared(tmp_path, other())
    named = {"model": "model", "version": "v1.0.0", "recipe_id": digest("a")}
    assert {key: data["before"][key] for key in named} == named
    assert len(data["after"]["commit"]) == 40
    assert shown.startswith("model v1.0.0 (recipe a000000) → model v1.1.0 (recipe b000000)\n\n")


def test_a_version_may_be_a_commit_without_a_number(released):
    """Any reference will do, in either order."""
    data, shown = released.answer("diff", "HEAD", "prod")
    head = released.head
    assert (data["before"]["version"], data["before"]["commit"]) == (None, head)
    assert data["after"]["version"] == "v1.0.0"
    assert shown.startswith(f"model {head[:7]} (recipe cccc000) → model v1.0.0")


def test_metrics_have_a_difference_and_the_headline_is_first(tmp_path):
    """Where one of the versions lacks a metric, there is none."""
    test = {"roc_auc": 0.75, "accuracy": 0.5, "macro_f1": 0.95}
    data, shown = compared(tmp_path, other(metrics__test=test))
    assert [list(change.values())[:3] for change in data["metrics"]] == [
        ["macro_f1", 0.9, 0.95],
        ["roc_auc", None, 0.75],
        ["accuracy", 0.5, 0.5],
    ]
    assert [change["difference"] for change in data["metrics"]] == [
        pytest.approx(0.05),
        None,
        0.0,
    ]
    assert shown.split("\n\n", 1)[1].splitlines() == [
        "Metrics on the test rows of each",
        "metric    before  after  difference",
        "macro_f1  0.9     0.95   +0.05",
        "roc_auc   -       0.75   -",
        "accuracy  0.5     0.5    0",
    ]


def test_a_change_is_readable(tmp_path):
    """Hashes are shortened, files have their rows, and a dash stands for nothing."""
    paths = {name: value for _, part, _ in CHANGED for name, value in part.items()}
    _, shown = compared(tmp_path, other(**paths))
    lines = [line.split("  ") for line in shown.splitlines()]
    cells = [[cell.strip() for cell in line if cell.strip()] for line in lines]
    assert ["train.Ridge.alpha", "1.0", "0.5"] in cells
    assert ["data/raw/rows.csv", "344 rows, f204db2", "400 rows, dada000"] in cells
    assert ["data/raw/more.csv", "-", "9 rows, d0d0000"] in cells
    assert ["pipeline/train.py", "c0de000", "-"] in cells
    assert ["columns.hue.values", "-", "['a']"] in cells


def test_markdown_has_the_same_tables(tmp_path):
    """Titles, tables, and signs that Markdown would take for markup."""
    data, shown = compared(tmp_path, other(**ALPHA), "--md")
    assert data["parameters"]
    lines = shown.splitlines()
    assert lines[0] == "### model v1.0.0 (recipe a000000) → model v1.1.0 (recipe b000000)"
    assert [line for line in lines if line.startswith("#### ")] == [
        "#### Metrics on the test rows of each",
        "#### Parameters",
    ]
    assert "| macro\\_f1 | 0.9 | 0.9 | 0 |" in lines
    assert "| train.Ridge.alpha | 1.0 | 0.5 |" in lines


@pytest.mark.parametrize("option", [[], ["--md"]])
def test_the_same_recipe_is_told(tmp_path, option):
    """Two versions of one recipe differ in nothing that made them."""
    data, shown = compared(tmp_path, Model("a"), *option)
    assert data["same_recipe"]
    assert not any(data[part] for part in PARTS)
    assert data["same_package"]
    assert shown.endswith("\n\nThey have the same recipe and the same package.")


class Repackaged(Model):
    """A model of which the package has other bytes."""

    content = f"{'0' * 32}.dir"


SETTINGS = {"headline": "macro_f1", "seed": 1, "resamples": 100}


@pytest.mark.parametrize("option", [[], ["--md"]])
def test_another_package_of_the_same_recipe_is_told(tmp_path, option):
    """How it was evaluated and described is shown, and which files of the package differ."""
    made = Repository(tmp_path / "repository")
    for number, resamples in (("v1.0.0", 100), ("v1.1.0", 500)):
        metrics = Model().facts["metrics"] | {"settings": SETTINGS | {"resamples": resamples}}
        files = {"model.skops": digest("a"), "MODEL_CARD.md": digest(f"{resamples}")}
        unusual = {"metrics": metrics, "files": files, "title": f"Model {number}"}
        kind = Model if resamples == 100 else Repackaged
        made.release(number, kind("a", unusual=unusual))
    data, shown = made.answer("diff", "v1.0.0", "v1.1.0", *option)
    assert (data["same_recipe"], data["same_package"]) == (True, False)
    assert data["evaluation"] == [named("resamples", 100, 500)]
    assert data["package"] == [
        named("title", "Model v1.0.0", "Model v1.1.0"),
        named("MODEL_CARD.md", digest("100"), digest("500")),
    ]
    assert not any(data[part] for part in PARTS if part not in ("evaluation", "package"))
    assert "They have the same recipe and other packages: " in shown
    assert all(title in shown for title in ("Evaluation\n", "Package\n"))


def test_files_of_a_package_are_no_news_where_the_recipe_is_another(tmp_path):
    """They follow from it."""
    data, _ = compared(tmp_path, other(files={"model.skops": digest("b")}))
    assert data["package"] == []


def test_another_recipe_is_not_called_the_same(tmp_path):
    """Even if nothing differs that is shown."""
    data, shown = compared(tmp_path, other())
    assert not data["same_recipe"]
    assert "same recipe" not in shown


@pytest.mark.parametrize("option", [[], ["--md"]])
def test_data_is_json(tmp_path, option):
    """All of it, whatever changed."""
    paths = {name: value for _, part, _ in CHANGED for name, value in part.items()}
    data, _ = compared(tmp_path, other(**paths), *option)
    assert json.loads(json.dumps(data)) == data


@pytest.mark.usefixtures("terminal")
def test_values_are_cut_before_names(tmp_path):
    """No line is wider than 80 columns, and it can be seen what has changed."""
    long = {"recipe__parameters": {"train": {"a_rather_long_parameter_name": ["value"] * 30}}}
    _, shown = compared(tmp_path, other(**long))
    assert max(map(columns, shown.splitlines())) <= 80
    assert "train.a_rather_long_parameter_name  -       ['value', 'value', 'value'" in shown


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 1.0}, ["a"]),
        ({"a": 1}, {"a": True}, ["a"]),
        ({"a": None}, {}, ["a"]),
        ({"a": "-"}, {}, ["a"]),
        ({}, {"a": "-"}, ["a"]),
        ({"b": 1, "a": 1}, {"c": 1, "a": 2}, ["b", "a", "c"]),
        ({"a": [1, 2]}, {"a": [2, 1]}, ["a"]),
    ],
)
def test_whatever_makes_another_recipe_is_a_change(before, after, changed):
    """Another type, an order and a missing name count; names keep their order."""
    assert [change["name"] for change in changes(before, after)] == changed


def test_nested_mappings_become_dotted_names():
    """Lists and empty mappings are values."""
    nested = {"a": {"b": {"c": 1}, "d": [1, {"e": 2}]}, "f": {}, "g": None}
    assert flat(nested) == {"a.b.c": 1, "a.d": [1, {"e": 2}], "f": {}, "g": None}


def test_models_of_different_kinds_can_be_compared(repository):
    """Their metrics have nothing in common."""
    metrics = Model().facts["metrics"] | {"test": {"rmse": 3.0}}
    metrics["headline"] = metrics["headline"] | {"metric": "rmse"}
    price = Model("b", "price", "price", "price.json", unusual={"metrics": metrics})
    repository.commit(Model("a"), price)
    repository.tag("model@v1.0.0")
    repository.tag("price@v1.0.0")
    data, _ = repository.answer("diff", "model@v1.0.0", "price@v1.0.0")
    assert [change["name"] for change in data["metrics"]] == ["rmse", "accuracy", "macro_f1"]
    assert {change["difference"] for change in data["metrics"]} == {None}


def test_a_version_without_metadata_is_refused(released):
    """There is nothing to compare."""
    with pytest.raises(UserError, match="does not name a model"):
        released.answer("diff", "prod", "HEAD~3")
