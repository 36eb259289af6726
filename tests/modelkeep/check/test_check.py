"""Projects that keep the rules are left in peace, and the command tells what a script needs."""

import json
import os
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

import pytest

from awkward import table, text, turns
from checked import TEMPLATE, Checked
from modelkeep.adopt import adopting, placing
from modelkeep.adopt import command as adopting_command
from modelkeep.adopt.adopting import adopt
from modelkeep.adopt.choosing import Candidate
from modelkeep.adopt.options import Options
from modelkeep.adopt.settings import TASKS
from modelkeep.check import command, words
from modelkeep.check.command import check
from modelkeep.check.findings import RULES
from modelkeep_core.errors import UserError
from project import git

PAGES = TEMPLATE / "docs" / "reference" / "checks"
HAND_MADE = """\
vars: [settings.yaml]
stages:
  split:
    wdir: work
    cmd: ../tools/split.sh rows.csv > parts.csv
    deps: [rows.csv, ../tools/split.sh]
    outs: [parts.csv]
  train:
    foreach: [north, south]
    do:
      cmd: python src/train.py work/parts.csv ${item} --out models/${item}.json
      deps: [work/parts.csv, src/train.py, src/common.py]
      params: [{settings.yaml: [train]}]
      outs: ["models/${item}.json"]
  featurize:
    cmd: python src/featurization.py work/parts.csv features.csv
    deps: [work/parts.csv, src/featurization.py]
    outs: [features.csv]
"""


@pytest.mark.parametrize(
    "answers",
    [
        {},
        {"task": "regression", "ci": "gitlab", "dvc_remote": "s3://bucket/path"},
        {"serving": False, "ci": "none", "dvc_remote": "/srv/data", "license": "Proprietary"},
    ],
    ids=["default", "regression", "least"],
)
def test_a_fresh_project_keeps_every_rule(generate, answers):
    """Whatever was answered, a generated project begins without a finding."""
    assert check(generate(**answers)) == []


def linear(_table, schema, _rows):
    """Stand for the comparison of estimators, which has tests of its own."""
    sections = TASKS[schema.task]["sections"]
    return [Candidate(name, sections[name], 1.0) for name in list(sections)[:2]]


@pytest.mark.parametrize("target", ["label", "size"])
def test_a_project_with_adopted_data_keeps_every_rule(home, tmp_path, monkeypatch, target):
    """Schema and params of a person's own table fit the project, whatever the task."""
    monkeypatch.setattr(placing, "_dvc", lambda *_: None)
    monkeypatch.setattr(adopting, "first_estimator", linear)
    rows = tmp_path / "rows.csv"
    rows.write_text(text(table(shop=turns("a", "b"))), encoding="utf-8")
    adopt(rows, Options(target), say=lambda _: None)
    home.git("add", "--all")
    assert f"target: {target}" in home.read("schema.yaml")
    assert home.check() == []


def test_stages_of_any_shape_are_understood(tmp_path, monkeypatch):
    """A project of another hand has no finding: variables, loops, a directory, scripts, a shell."""
    monkeypatch.chdir(tmp_path)
    home = Checked(tmp_path)
    home.write("dvc.yaml", HAND_MADE)
    home.write("settings.yaml", "train:\n  depth: 3\n")
    home.write("work/rows.csv", "a\n1\n")
    home.write("tools/split.sh", "cat $1\n")
    home.write("src/train.py", "import common\n")
    home.write("src/common.py", "DEPTH = 3\n")
    home.write("src/featurization.py", "WIDTH = 3\n")
    home.write(".gitignore", "/work/parts.csv\n/models\n/features.csv\n/.dvc/tmp\n/.dvc/cache\n")
    home.write(".dvc/config", "[core]\n    analytics = false\n")
    git(tmp_path, "init", "--quiet", "--template=")
    home.git("add", "--all")
    assert home.check() == []
    home.replace("dvc.yaml", ", src/common.py]", "]")
    home.replace("dvc.yaml", "deps: [rows.csv, ", "deps: [row.csv, ")
    assert [(finding.rule, finding.line) for finding in home.check()] == [
        *(("MK101", 5), ("MK103", 6)),
        *(("MK201", 12), ("MK201", 12)),
    ]


def test_a_repository_that_git_does_not_know_is_checked(home, monkeypatch):
    """Without Git, the rules that need it are silent, and the others are not."""
    monkeypatch.setenv("PATH", "")
    assert home.check() == []
    home.replace(".gitignore", "/models\n", "")
    home.replace("dvc.yaml", "path: package", "path: pack")
    assert [finding.rule for finding in home.check()] == ["MK107"]


def test_what_one_person_ignores_is_no_rule_of_the_project(home, tmp_path):
    """Git settings of this machine do not hide an output that the project does not ignore."""
    (tmp_path / "ignore").write_text("models\n", encoding="utf-8")
    home.git("config", "core.excludesFile", str(tmp_path / "ignore"))
    home.replace(".gitignore", "/models\n", "")
    assert [finding.rule for finding in home.check()] == ["MK401"]


def test_a_comment_keeps_a_rule_silent_about_its_line(home):
    """`# noqa:` names rules; others, and other lines, are told still."""
    home.replace("dvc.yaml", "path: package", "path: pack  # noqa: MK101, MK107")
    assert home.check() == []
    home.replace("dvc.yaml", "MK107", "MK108")
    assert [finding.rule for finding in home.check()] == ["MK107"]


# The command


def run(*words_typed: str) -> int:
    """Run the command in this directory."""
    parser = ArgumentParser()
    command.add_arguments(parser)
    return command.run(parser.parse_args(words_typed))


def test_the_command_prints_place_rule_fault_and_remedy(home, capsys):
    """The first line is what editors and people jump to; the status says whether all is well."""
    assert run() == 0
    assert capsys.readouterr().out == f"no findings, {len(RULES)} rules\n"
    home.replace("dvc.yaml", "path: package", "path: pack")
    assert run() == 1
    line = home.read("dvc.yaml").splitlines().index("    path: pack") + 1
    assert capsys.readouterr().out == (
        f"dvc.yaml:{line}: MK107 artifact 'model' is pack, which no stage writes.\n"
        "    Name an output of a stage: the registry looks there for the model.\n"
        f"1 finding, {len(RULES)} rules\n"
    )


def test_json_has_every_part_of_a_finding(home, capsys):
    """A script reads what a person reads."""
    assert run("--json") == 0
    assert json.loads(capsys.readouterr().out) == []
    home.replace("dvc.yaml", "path: package", "path: pack")
    assert run("--json") == 1
    (finding,) = json.loads(capsys.readouterr().out)
    assert list(finding) == ["file", "line", "rule", "message", "remedy"]
    assert (finding["file"], finding["rule"]) == ("dvc.yaml", "MK107")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "is in no project: there is no dvc.yaml in it"),
        ("stages: [", "dvc.yaml is not valid YAML"),
        ("metrics: []\n", "it has no stages"),
        ("stages: {}\nartifacts:\n  a: {}\n  a: {}\n", "line 4: key 'a' is there twice"),
    ],
)
def test_without_stages_there_is_nothing_to_check(tmp_path, monkeypatch, content, message):
    """One sentence says why."""
    monkeypatch.chdir(tmp_path)
    if content is not None:
        Path("dvc.yaml").write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match=message):
        command.run(Namespace(json=False))


def test_a_table_is_adopted_in_a_project_only(tmp_path, monkeypatch):
    """Elsewhere, the sentence is the same as that of check."""
    monkeypatch.chdir(tmp_path)
    Path("rows.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    parser = ArgumentParser()
    adopting_command.add_arguments(parser)
    with pytest.raises(UserError, match=r"is in no project: there is no dvc\.yaml in it"):
        adopting_command.run(parser.parse_args(["rows.csv", "--target", "b"]))


def test_a_check_imports_nothing_that_is_slow(home):
    """Half a second is not enough to import pandas, scikit-learn, Polars or DVC."""
    code = (
        "import sys; from pathlib import Path; from modelkeep.check.command import check;"
        "print(check(Path()), {'pandas', 'sklearn', 'polars', 'numpy', 'dvc'} & {*sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=home.root,
        env={**os.environ, "PYTHONPATH": str(TEMPLATE / "src")},
        check=False,
    )
    assert done.stdout == "[] set()\n", done.stderr


# The words and the pages


@pytest.mark.parametrize("task", ["classification", "regression"])
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_the_words_are_those_of_the_libraries(task):
    """What is taken for a known name without asking scikit-learn is one."""
    from sklearn.utils.discovery import all_estimators

    from modelkeep_core.errors import UserError
    from modelkeep_core.estimators import build
    from modelkeep_core.metrics import METRICS

    kind = {"classification": "classifier", "regression": "regressor"}[task]
    alone = set()
    for name, _ in all_estimators(type_filter=kind):
        try:
            build(name, {}, task, seed=0)
        except UserError:
            continue
        alone.add(name)
    assert words.ESTIMATORS[task] == alone
    assert words.METRICS[task] == tuple(METRICS[task])


def test_each_rule_has_a_page_and_each_page_a_rule():
    """What a finding names can be looked up, under the same sentence."""
    pages = {path.stem: path.read_text(encoding="utf-8") for path in PAGES.glob("MK*.md")}
    assert set(pages) == set(RULES)
    index = (PAGES / "README.md").read_text(encoding="utf-8")
    for name, rule in RULES.items():
        summary = rule.summary.rstrip(".")
        # A page that a test types begins with a comment: the state that it starts from.
        page = pages[name].removeprefix("<!-- start: trained -->\n")
        assert page.startswith(f"# {name}: {summary}\n"), summary
        assert f"| [{name}]({name}.md) | {summary} |" in index
        assert "## What breaks it" in pages[name]
        assert "## What to do" in pages[name]
