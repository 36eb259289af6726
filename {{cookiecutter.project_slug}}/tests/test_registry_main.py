"""`python -m registry` answers on one page or in one sentence, and never with a traceback."""

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from repository import Model

from registry.__main__ import COMMANDS, READING, arguments, main

ROOT = Path(__file__).parents[1]
QUESTIONS = {
    "list": ["list", "--all"],
    "diff": ["diff", "v1.0.0", "prod"],
    "lineage": ["lineage", "prod"],
    "of-data": ["lineage", "--of-data", "f204db2c"],
    "history": ["history"],
}


def called(directory, *words, **variables):
    """Run the registry in a directory as a person would; return what came of it."""
    return subprocess.run(
        [sys.executable, "-m", "registry", *words],
        cwd=directory,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | variables,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


@pytest.fixture
def run(released, monkeypatch, capsys):
    """Return a function that runs a command in a released project and gives what it prints."""
    monkeypatch.chdir(released.directory)

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["registry", *words])
        main()
        return capsys.readouterr()

    return run


def test_there_is_help_for_every_command(capsys):
    """What it does and what it takes; and one page that lists them all."""
    for words in ([], *([name] for name in COMMANDS)):
        with pytest.raises(SystemExit) as ended:
            arguments([*words, "--help"])
        shown = capsys.readouterr().out
        assert ended.value.code == 0
        assert shown.startswith(" ".join(["usage: python -m registry", *words]))
    for name, meaning in COMMANDS.items():
        with pytest.raises(SystemExit):
            arguments(["--help"])
        shown = " ".join(capsys.readouterr().out.split())
        assert f"{name} {meaning}" in shown


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_knows_its_options(name, capsys):
    """--model for all, --json and --repo for those that read."""
    with pytest.raises(SystemExit):
        arguments([name, "--help"])
    shown = capsys.readouterr().out
    assert "--model NAME" in shown
    assert ("--json" in shown) == (name in READING)
    assert ("--repo DIR|URL" in shown) == (name in READING or name == "fetch")


@pytest.mark.parametrize("words", [[], ["lst"], ["list", "--none"], ["diff", "v1.0.0"], ["--json"]])
def test_a_wrong_command_line_is_refused_with_its_usage(words, capsys):
    """As Python's programs do, with exit status 2."""
    with pytest.raises(SystemExit) as ended:
        arguments(words)
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("usage: python -m registry")


@pytest.mark.parametrize("words", QUESTIONS.values(), ids=QUESTIONS)
def test_what_reads_prints_text_or_json(run, words):
    """The same answer for people and for programs."""
    text, data = run(*words).out, run(*words, "--json").out
    assert text.endswith("\n")
    assert not text.startswith(("[", "{"))
    assert json.loads(data)


def test_json_has_every_letter(run, repository):
    """It is UTF-8, for people to read as well."""
    repository.commit(Model())
    repository.tag("model@v1.0.0", author="王小明")
    assert '"author": "王小明"' in run("list", "--json", "--repo", str(repository.directory)).out


def test_a_note_is_no_part_of_the_data(run, repository):
    """What is told beside the answer goes to standard error."""
    repository.release("v1.0.0", None, "prod")
    repository.commit()
    repository.point("heads/prod", repository.head)
    printed = run("lineage", "prod", "--json", "--repo", str(repository.directory))
    assert json.loads(printed.out)["versions"] == ["model v1.0.0"]
    assert printed.err.startswith("note: 'prod' is a Git revision too")


def test_another_repository_is_read_by_directory_or_url(run, released, tmp_path, monkeypatch):
    """From anywhere, also a bare one."""
    here = run("list").out
    bare = tmp_path / "bare.git"
    released.git("clone", "--quiet", "--bare", ".", str(bare))
    monkeypatch.chdir(tmp_path)
    for place in (str(released.directory), "bare.git", bare.as_uri()):
        assert run("list", "--repo", place).out == here


def test_a_command_runs_in_a_process_of_its_own(released):
    """As the README shows it, with nothing on standard error."""
    done = called(released.directory, "list")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("VERSION")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["lineage", "v9.0.0"], "error: 'v9.0.0' is no version, stage, Git revision or recipe id"),
        (["list", "--model", "none"], "error: there is no model 'none'"),
        (["history", "prd"], "error: nothing was ever in 'prd' (did you mean 'prod'?)"),
        (["list", "--repo", "none"], "error: none cannot be read: `git clone` failed: "),
    ],
)
def test_a_refusal_is_one_sentence(released, words, message):
    """On standard error, with exit status 1 and no traceback."""
    done = called(released.directory, *words)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(message)
    assert len(done.stderr.splitlines()) == 1


def test_outside_of_a_repository_one_sentence_says_so(tmp_path):
    """And so it does where Git is not installed."""
    done = called(tmp_path, "list")
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert done.stderr.startswith(f"error: {tmp_path} is not in a Git repository: ")
    done = called(tmp_path, "list", PATH=str(tmp_path))
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert "Git is not installed" in done.stderr


def test_a_reader_that_has_seen_enough_ends_it_quietly(released):
    """As `head` does."""
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "registry", "list"],
        cwd=released.directory,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=write,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (0, b"")


def test_who_interrupts_it_gets_no_traceback(monkeypatch):
    """The exit status is that of an interrupted program."""

    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setattr("pipeline.refusal.told", interrupted)
    monkeypatch.delitem(sys.modules, "registry.__main__")
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("registry", run_name="__main__")
    assert ended.value.code == 130


def test_a_terminal_that_lacks_letters_gets_the_others(released):
    """A question mark stands for what it cannot show."""
    done = called(released.directory, "lineage", "prod", PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert "?? data/raw" in done.stdout


def test_reading_loads_nothing_that_takes_long(released):
    """No library that trains, stores or registers: an answer takes as long as Git does."""
    heavy = {"numpy", "polars", "pandas", "sklearn", "pydantic", "dvc", "gto"}
    code = (
        "import sys; from registry.__main__ import main; main(); "
        f"print(sorted({heavy} & sys.modules.keys()), file=sys.stderr)"
    )
    for words in QUESTIONS.values():
        done = subprocess.run(
            [sys.executable, "-c", code, *words],
            cwd=released.directory,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert done.stderr == "[]\n"
