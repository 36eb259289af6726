"""A stage of dvc.yaml is read as DVC reads it: command, dependencies, outputs and parameters."""

import sys

import pytest

from modelkeep_core.dvc_yaml import Stage, covers, overlaps, read_stages, upstream
from modelkeep_core.errors import UserError
from project import dvc


def stages_of(directory, text):
    """Read the stages of a dvc.yaml with this text."""
    (directory / "dvc.yaml").write_text(text, encoding="utf-8")
    return read_stages(directory / "dvc.yaml")


def test_a_stage_has_its_command_paths_and_params(tmp_path):
    """Outputs are outs, metrics and plots, with or without settings of their own."""
    stages = stages_of(
        tmp_path,
        """
stages:
  train:
    cmd: >-
      python -m train
      --out models
    desc: a text with 5 deps
    deps:
      - data/raw
      - ./code//train.py
    params:
      - train
      - prepare.seed
      - other.yaml:
          - rate
      - whole.yaml:
    outs:
      - models
      - report.html:
          cache: false
    metrics:
      - metrics.json:
          cache: false
    plots:
      - curve.csv:
          x: a
""",
    )
    assert stages == {
        "train": Stage(
            "train",
            "python -m train --out models",
            ("data/raw", "code/train.py"),
            ("models", "report.html", "metrics.json", "curve.csv"),
            {
                "params.yaml": ("train", "prepare.seed"),
                "other.yaml": ("rate",),
                "whole.yaml": (),
            },
            "stages.train",
        )
    }


def test_a_stage_may_be_nearly_empty(tmp_path):
    """A command alone is a stage; empty lists are none."""
    stages = stages_of(tmp_path, "stages:\n  a:\n    cmd: x\n    deps:\n  b: {cmd: y}\n")
    assert list(stages.values()) == [
        Stage("a", "x", (), (), {}, "stages.a"),
        Stage("b", "y", (), (), {}, "stages.b"),
    ]


def test_a_list_of_commands_is_one_command(tmp_path):
    """DVC runs them one after the other, until one fails."""
    stages = stages_of(tmp_path, "stages:\n  a:\n    cmd:\n      - one x\n      - two y\n")
    assert stages["a"].command == "one x && two y"


def test_paths_are_relative_to_dvc_yaml_wherever_the_stage_runs(tmp_path):
    """With `wdir`, paths and files of params are relative to that directory."""
    stages = stages_of(
        tmp_path,
        """
stages:
  a:
    cmd: x
    wdir: sub/deep
    deps: [code.py, ../../data]
    params: [rate, "../other.yaml": [x]]
    outs: [out]
""",
    )
    assert stages["a"].deps == ("sub/deep/code.py", "data")
    assert stages["a"].outs == ("sub/deep/out",)
    assert stages["a"].params == {"sub/deep/params.yaml": ("rate",), "sub/other.yaml": ("x",)}


def test_a_stage_names_paths_and_parameters_from_where_it_runs(tmp_path):
    """What a message gives to be pasted is right in the directory of the stage."""
    stages = stages_of(tmp_path, "stages:\n  a: {cmd: x, wdir: sub}\n  b: {cmd: x}\n")
    assert [stages[name].written("code/a.py") for name in "ab"] == ["../code/a.py", "code/a.py"]
    params = ("sub/params.yaml", "x"), ("params.yaml", "x"), ("params.yaml", "")
    assert [stages["a"].written_param(*each) for each in params] == [
        "x",
        "../params.yaml: [x]",
        "../params.yaml:",
    ]


@pytest.mark.parametrize("template", ["", "${item}"])
def test_a_stage_that_dvc_runs_never_or_always_says_so(kept, template):
    """Frozen stages and those that are always changed are known, in a loop as well."""
    text = """
stages:
  a: {cmd: x, outs: [a], frozen: true}
  b: {cmd: x, outs: [b], always_changed: True}
  c: {cmd: x, outs: [c], frozen: false}
"""
    loop = "  d:\n    foreach: [1]\n    do: {cmd: x, outs: ['d${item}'], frozen: true}\n"
    stages = stages_of(kept, text + (loop if template else ""))
    assert [name for name, stage in stages.items() if stage.frozen] == ["a"] + ["d@1"] * bool(
        template
    )
    assert [name for name, stage in stages.items() if stage.always_changed] == ["b"]


def test_a_file_of_parameters_that_is_named_whole_is_used_whole(tmp_path):
    """Whatever else is named of it, as for DVC."""
    written = "[a, params.yaml: , other.yaml: [x]]", "[params.yaml: , a]"
    for params in written:
        stages = stages_of(tmp_path, f"stages:\n  a: {{cmd: x, params: {params}}}\n")
        assert stages["a"].params["params.yaml"] == ()


def test_values_are_text_as_they_were_written(tmp_path):
    """A path that looks like a number, a date or a truth stays what it is."""
    stages = stages_of(tmp_path, "stages:\n  1: {cmd: x, deps: [2024-01-01, 010, yes, 1.50]}\n")
    assert stages["1"].deps == ("2024-01-01", "010", "yes", "1.50")


@pytest.fixture
def kept(tmp_path):
    """A directory that DVC keeps."""
    assert dvc(tmp_path, "init", "--no-scm") == 0
    return tmp_path


TEMPLATED = {
    "vars": """
vars:
  - place: data
stages:
  prepare:
    cmd: python prepare.py ${place}
    deps: [prepare.py, "${place}"]
    outs: ["${place}-tidy"]
""",
    "params.yaml": """
stages:
  train:
    cmd: python train.py ${train.rate}
    params: [train.rate]
    outs: [models]
""",
    "foreach": """
stages:
  train:
    foreach: [a, b]
    do:
      cmd: python train.py ${item}
      params: [train]
      outs: ["models-${item}"]
""",
    "matrix": """
stages:
  train:
    matrix:
      size: [1, 2]
    cmd: python train.py ${item.size}
    outs: ["models-${item.size}"]
""",
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (
            "vars",
            [
                Stage(
                    "prepare",
                    "python prepare.py data",
                    ("prepare.py", "data"),
                    ("data-tidy",),
                    {},
                    "stages.prepare",
                )
            ],
        ),
        (
            "params.yaml",
            [
                Stage(
                    "train",
                    "python train.py 0.5",
                    (),
                    ("models",),
                    {"params.yaml": ("train.rate",)},
                    "stages.train",
                )
            ],
        ),
        (
            "foreach",
            [
                Stage(
                    f"train@{item}",
                    f"python train.py {item}",
                    (),
                    (f"models-{item}",),
                    {"params.yaml": ("train",)},
                    "stages.train.do",
                )
                for item in "ab"
            ],
        ),
        (
            "matrix",
            [
                Stage(
                    f"train@{size}",
                    f"python train.py {size}",
                    (),
                    (f"models-{size}",),
                    {},
                    "stages.train",
                )
                for size in (1, 2)
            ],
        ),
    ],
)
def test_variables_and_loops_are_filled_in_by_dvc(kept, kind, expected):
    """Whatever DVC's templates can do, the stages are those that it runs."""
    (kept / "params.yaml").write_text("train:\n  rate: 0.5\n", encoding="utf-8")
    assert list(stages_of(kept, TEMPLATED[kind]).values()) == expected


@pytest.mark.slow
def test_a_template_that_dvc_cannot_fill_in_is_refused(kept):
    """The message names the file and has DVC's reason."""
    with pytest.raises(UserError, match=r"dvc\.yaml is not as DVC wants it: .*nowhere"):
        stages_of(kept, "stages:\n  a:\n    cmd: x ${nowhere}\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("stages: [", "is not valid YAML"),
        ("", "has no stages"),
        ("x: 1", "has no stages"),
        ("stages:", "has no stages"),
        ("stages: {a: }", "has no stages"),
        ("stages: {a: {deps: [x]}}", "has no stages"),
        ("[]", "has no stages"),
    ],
)
def test_what_is_no_dvc_yaml_is_refused(tmp_path, text, message):
    """The message names the file."""
    with pytest.raises(UserError, match=rf"dvc\.yaml .*{message}"):
        stages_of(tmp_path, text)


def test_a_file_that_is_no_text_or_not_there_is_refused(tmp_path):
    """Neither ends in a traceback."""
    with pytest.raises(UserError, match=r"dvc\.yaml is missing"):
        read_stages(tmp_path / "dvc.yaml")
    (tmp_path / "dvc.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match=r"dvc\.yaml is not valid YAML"):
        read_stages(tmp_path / "dvc.yaml")


def chain(**stages):
    """Return stages by name that each read and write some paths."""
    return {
        name: Stage(name, "x", tuple(deps.split()), tuple(outs.split()), {})
        for name, (deps, outs) in stages.items()
    }


def test_the_stages_up_to_a_path_are_those_it_follows_from():
    """Directly or not, in the order of dvc.yaml; a part of an output and what holds it count."""
    stages = chain(
        d=("models reports", "package"),
        b=("tidy/train.csv schema", "models"),
        a=("raw", "tidy"),
        c=("models tidy", "reports/metrics.json reports/plots"),
        other=("raw", "elsewhere"),
    )

    def names(path):
        return [stage.name for stage in upstream(stages, path)]

    assert names("models") == ["b", "a"]
    assert names("models/model.skops") == ["b", "a"]
    assert names("reports") == ["b", "a", "c"]
    assert names("package") == ["d", "b", "a", "c"]
    assert names("raw") == []
    assert names("modelsandmore") == []


def test_stages_in_a_circle_end_the_search():
    """DVC refuses them; here they do no harm."""
    stages = chain(a=("y", "x"), b=("x", "y"))
    assert [stage.name for stage in upstream(stages, "x")] == ["a", "b"]


@pytest.mark.parametrize(
    ("outer", "inner", "inside"),
    [
        ("a", "a", True),
        ("a", "a/b", True),
        (".", "a/b", True),
        ("a/b", "a", False),
        ("a", "ab", False),
    ],
)
def test_a_path_covers_itself_and_what_lies_in_it(outer, inner, inside):
    """Names that begin alike are no directories of each other."""
    assert covers(outer, inner) is inside
    assert overlaps(inner, outer) is (inside or covers(inner, outer))


def test_a_template_without_dvc_is_refused(tmp_path, monkeypatch):
    """Where DVC is installed elsewhere, the message has both ways out."""
    monkeypatch.setitem(sys.modules, "dvc.exceptions", None)
    with pytest.raises(UserError, match=r"variables or loops, which DVC fills in.*Install it"):
        stages_of(tmp_path, "stages:\n  a:\n    cmd: x ${nowhere}\n")
