"""`python -m monitoring` answers on one page or in one sentence, and ends with 0, 1 or 2."""

import json
import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from recorded import Served, drawn, shifted

from monitoring.__main__ import COMMANDS, JUDGING, arguments, main

ROOT = Path(__file__).parents[2]


@pytest.fixture
def served(run, tmp_path):
    """A server's records of clean traffic, where they are by default."""
    shutil.copytree(run.package, tmp_path / "package")
    (tmp_path / "var").mkdir()
    found = Served(run.package, tmp_path / "var")
    found.rows_asked = drawn(pd.read_parquet(run.prepared / "train.parquet"), 120)
    found.ids = found.answer(found.rows_asked)
    found.directory = tmp_path
    return found


@pytest.fixture
def asked(served, monkeypatch, capsys):
    """Return a function that runs a command there and gives its status and what it prints."""
    monkeypatch.chdir(served.directory)

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["monitoring", *words])
        return main(), capsys.readouterr().out

    return run


@pytest.fixture
def called(asked, monkeypatch, capsys):
    """Return a function that runs a command as a program: its status, output and errors."""

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["monitoring", *words])
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(ROOT / "monitoring" / "__main__.py"), run_name="__main__")
        return ended.value.code, *capsys.readouterr()

    return run


def test_there_is_help_for_every_command(capsys):
    """What it does and what it takes; and one page that lists them all."""
    for words in ([], *([name] for name in COMMANDS)):
        with pytest.raises(SystemExit) as ended:
            arguments([*words, "--help"])
        shown = capsys.readouterr().out
        assert ended.value.code == 0
        assert shown.startswith(" ".join(["usage: python -m monitoring", *words]))
    with pytest.raises(SystemExit):
        arguments(["--help"])
    shown = " ".join(capsys.readouterr().out.split())
    for name, meaning in COMMANDS.items():
        assert f"{name} {meaning}" in shown


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_the_module_of_its_name_and_knows_its_options(name, capsys):
    """Window, package, records and --json for all, --rows for those that judge."""
    assert (ROOT / "monitoring" / f"{name}.py").is_file()
    with pytest.raises(SystemExit):
        arguments([name, "--help"])
    shown = capsys.readouterr().out
    for option in ("--since WHEN", "--until WHEN", "--package DIR", "--records FILE", "--json"):
        assert option in shown
    assert ("--rows N" in shown) == (name in JUDGING)


@pytest.mark.parametrize(
    "words",
    [[], ["reprot"], ["report", "--level", "2"], ["report", "--rows", "0"], ["collect"]],
)
def test_a_wrong_command_line_is_refused_with_its_usage(words, capsys):
    """As Python's programs do, with exit status 2."""
    with pytest.raises(SystemExit) as ended:
        arguments(words)
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("usage: python -m monitoring")


@pytest.mark.parametrize("words", [["report"], ["outcomes"], ["collect", "new.csv"]])
def test_every_command_prints_text_or_json(asked, served, words):
    """The same answer for people and for programs."""
    served.outcomes(served.ids, served.rows_asked["label"])
    others = ["--set", "seen=@time", "--set", "shop=a", "--set", "price=1"]
    words += others if words[0] == "collect" else []
    status, text = asked(*words)
    assert status == 0
    assert not text.startswith("{")
    (served.directory / "new.csv").unlink(missing_ok=True)
    assert json.loads(asked(*words, "--json")[1])


def test_a_window_is_read(asked):
    """Only what lies in it is judged."""
    assert asked("report", "--until", "2026-11-01")[0] == 2
    assert asked("report", "--since", "2026-11-01", "--until", "2026-11-02")[0] == 0


def test_the_exit_status_is_for_programs(called, served):
    """0 in order, 1 alarm, 2 not enough data or a mistake, which is one sentence."""
    assert called("report")[0] == 0
    status, told, errors = called("report", "--rows", "121")
    assert (status, errors) == (2, "")
    assert told.endswith("Not enough data: 120 rows, and 121 are needed.\n")
    for words, why in (
        (["report", "--since", "soon"], "error: --since soon is no time"),
        (["report", "--package", "nowhere"], "error: nowhere is no package"),
        (["report", "--records", "nowhere"], "error: nowhere is missing"),
        (["report", "--html", "package/model.json/x.html"], "error: "),
    ):
        status, told, errors = called(*words)
        assert (status, told) == (2, "")
        assert errors.startswith(why)
        assert errors.count("\n") == 1
    served.answer(shifted(served.rows_asked, 5))
    assert called("report")[0] == 1


def test_a_fault_of_the_code_is_no_alarm(called, monkeypatch):
    """It ends with 2, and is shown as it is."""
    monkeypatch.setattr("monitoring.report.report", lambda *_: 1 / 0)
    status, told, errors = called("report")
    assert (status, told) == (2, "")
    assert errors.startswith("Traceback")


def test_an_alarm_is_one_even_if_nobody_reads_it(served):
    """A reader that has seen enough, such as `head`, does not change the status."""
    served.answer(shifted(served.rows_asked, 5))
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "monitoring", "report"],
        cwd=served.directory,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=write,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (1, b"")


def test_a_report_imports_nothing_heavy(served, tmp_path):
    """Neither scikit-learn nor Polars, which take longer to import than a report takes."""
    code = (
        "import sys; sys.argv = ['', 'report']; from monitoring.__main__ import main; main();"
        "print({'sklearn', 'polars'} & set(sys.modules))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert ended.stdout.endswith("set()\n"), ended.stderr


def test_what_watches_is_not_known_by_what_it_watches():
    """The line and the server import nothing of this room."""
    for path in [*(ROOT / "pipeline").glob("*.py"), *(ROOT / "serving").glob("*.py")]:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"^\s*(from|import) monitoring\b", text, re.MULTILINE), path
