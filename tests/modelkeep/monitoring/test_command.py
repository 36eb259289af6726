"""`modelkeep monitor` answers on one page or in one sentence, and ends with 0, 1 or 2."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from modelkeep import cli, monitoring, place
from modelkeep.monitoring.command import COMMANDS
from recorded import Recorded, drawn, shifted

pytestmark = pytest.mark.slow

PLACE = Path(monitoring.__file__).parent
JUDGING = ("report", "actuals")


@pytest.fixture
def recorded(run, tmp_path):
    """A server's records of clean traffic, where they are by default."""
    shutil.copytree(run.package, tmp_path / "package")
    (tmp_path / "var").mkdir()
    records = Recorded(run.package, tmp_path / "var")
    records.rows_asked = drawn(pd.read_parquet(run.prepared / "train.parquet"), 120)
    records.ids = records.answer(records.rows_asked)
    records.directory = tmp_path
    return records


@pytest.fixture
def called(recorded, monkeypatch, capsys):
    """Return a function that runs a command there: its exit status, output and errors."""
    monkeypatch.chdir(recorded.directory)

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["modelkeep", "monitor", *words])
        return cli.main(), *capsys.readouterr()

    return run


def arguments(words):
    """Read a command line of `monitor`."""
    return cli.arguments(["monitor", *words])


def test_there_is_help_for_every_command(capsys):
    """What it does and what it takes; and one page that lists them all."""
    for words in ([], *([name] for name in COMMANDS)):
        with pytest.raises(SystemExit) as ended:
            arguments([*words, "--help"])
        shown = capsys.readouterr().out
        assert ended.value.code == 0
        assert shown.startswith(" ".join(["usage: modelkeep monitor", *words]))
    with pytest.raises(SystemExit):
        arguments(["--help"])
    shown = " ".join(capsys.readouterr().out.split())
    for name, command in COMMANDS.items():
        assert f"{name} {command.meaning}" in shown


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_the_module_of_its_name_and_knows_its_options(name, capsys):
    """Window, package, records and --json for all, --rows for those that judge."""
    assert (PLACE / f"{name}.py").is_file()
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
    assert capsys.readouterr().err.startswith("usage: modelkeep monitor")


@pytest.mark.parametrize("words", [["report"], ["actuals"], ["collect", "new.csv"]])
def test_every_command_prints_text_or_json(called, recorded, words):
    """The same answer for people and for programs."""
    recorded.actuals(recorded.ids, recorded.rows_asked["label"])
    others = ["--set", "seen=@time", "--set", "shop=a", "--set", "price=1"]
    words += others if words[0] == "collect" else []
    status, text, _ = called(*words)
    assert status == 0
    assert not text.startswith("{")
    (recorded.directory / "new.csv").unlink(missing_ok=True)
    assert json.loads(called(*words, "--json")[1])


def test_a_window_is_read(called):
    """Only what lies in it is judged."""
    assert called("report", "--until", "2026-11-01")[0] == 2
    assert called("report", "--since", "2026-11-01", "--until", "2026-11-02")[0] == 0


def test_the_exit_status_is_for_programs(called, recorded):
    """0 in order, 1 alarm, 2 not enough data or a mistake, which is one sentence."""
    assert called("report")[0] == 0
    status, printed, errors = called("report", "--rows", "121")
    assert (status, errors) == (2, "")
    assert printed.endswith("Not enough data: 120 rows, and 121 are needed.\n")
    for words, why in (
        (["report", "--since", "soon"], "error: --since soon is no time"),
        (["report", "--package", "nowhere"], "error: nowhere is no package"),
        (["report", "--records", "nowhere"], "error: nowhere is missing"),
        (["report", "--html", "package/model.json/x.html"], "error: "),
    ):
        status, printed, errors = called(*words)
        assert (status, printed) == (2, "")
        assert errors.startswith(why)
        assert errors.count("\n") == 1
    recorded.answer(shifted(recorded.rows_asked, 5))
    assert called("report")[0] == 1


def test_what_was_dated_by_a_wrong_clock_is_told(called, recorded):
    """It is in no report on the last days, and is not left out in silence."""
    recorded.answer(recorded.rows_asked, start=7e9)
    rows = json.loads(called("report", "--json")[1])["volume"]["rows"]
    _, printed, errors = called("report", "--since", "99999d", "--json")
    left = rows - json.loads(printed)["volume"]["rows"]
    assert left == len(recorded.rows_asked)
    assert errors.startswith("note: ")
    assert "dated after " in errors
    assert "without --since they count" in errors


def test_a_wrong_date_keeps_nobody_from_being_forgotten(called, recorded):
    """What is dated in the future is erased with all from some day on."""
    (name,) = recorded.answer(recorded.rows_asked[:1], start=7e9)
    status, printed, errors = called("forget", "--request", name, "--since", "1d", "--json")
    assert (status, errors, json.loads(printed)["requests"]) == (0, "", 1)


def test_what_a_client_names_acts_on_no_terminal(called, recorded):
    """Neither in the tables, nor in the sentences, nor in what programs read."""
    recorded.refuse(60, "column", "\x1b[8m\u202e\x9b")
    for words in (["report"], ["report", "--json"]):
        shown = called(*words)[1]
        assert not {"\x1b", "\u202e", "\x9b"} & {*shown}
        assert "[8m" in shown
    assert json.loads(shown)["refused"]["reasons"][0]["feature"] == "\x1b[8m\u202e\x9b"


def test_a_fault_of_the_code_is_no_alarm(called, monkeypatch):
    """It ends with 2, and is shown as it is."""
    monkeypatch.setattr("modelkeep.monitoring.report.report", lambda *_: 1 / 0)
    status, printed, errors = called("report")
    assert (status, printed) == (2, "")
    assert errors.startswith("Traceback")


def test_an_alarm_is_one_even_if_nobody_reads_it(recorded):
    """A reader that has seen enough, such as `head`, does not change the status."""
    recorded.answer(shifted(recorded.rows_asked, 5))
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "modelkeep", "monitor", "report"],
        cwd=recorded.directory,
        env=os.environ | {"PYTHONPATH": str(PLACE.parents[1])},
        stdout=write,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (1, b"")


def test_a_report_imports_nothing_heavy(recorded, tmp_path):
    """Neither scikit-learn nor Polars, which take longer to import than a report takes."""
    code = (
        "import sys; sys.argv = ['', 'monitor', 'report']; from modelkeep.cli import main; main();"
        "print({'sklearn', 'polars'} & set(sys.modules))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(PLACE.parents[1])},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert ended.stdout.endswith("set()\n"), ended.stderr


def test_a_command_works_below_the_root_of_a_project(called, recorded, monkeypatch):
    """Defaults lie at the root; paths that a person types lie where they stand."""
    (recorded.directory / "dvc.yaml").touch()
    below = recorded.directory / "notes"
    below.mkdir()
    monkeypatch.chdir(below)
    monkeypatch.setattr(place, "_typed_from", Path())
    assert called("report", "--html", "page.html")[0] == 0
    assert (below / "page.html").is_file()


def test_what_monitors_is_not_imported_by_what_it_monitors():
    """Core and server import nothing of monitoring."""
    source = PLACE.parents[1]
    for directory in (source / "modelkeep_core", source / "modelkeep" / "serving"):
        for path in directory.glob("*.py"):
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"^\s*(from|import) modelkeep\.monitoring\b", text, re.M), path
