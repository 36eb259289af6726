"""`modelkeep` answers on a page or in a sentence, anywhere in a project, and starts at once."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import modelkeep
import modelkeep_core
from modelkeep import cli, place
from modelkeep.cli import COMMANDS, GROUPS, REGISTRY, SHELLS, Command, arguments, main
from modelkeep.registry.command import READING
from modelkeep_core.errors import UserError
from repository import Model

pytestmark = pytest.mark.slow

QUESTIONS = {
    "list": ["list", "--all"],
    "diff": ["diff", "v1.0.0", "prod"],
    "lineage": ["lineage", "prod"],
    "of-data": ["lineage", "--of-data", "f204db2c"],
    "history": ["history"],
}
# What takes longer to import than Git takes to answer
HEAVY = {"numpy", "polars", "pandas", "sklearn", "pydantic", "dvc", "gto", "fastapi", "shtab"}


def called(directory, *words, **variables):
    """Run the command in a directory as a person would; return what came of that."""
    return subprocess.run(
        [sys.executable, "-m", "modelkeep", *words],
        cwd=directory,
        env=os.environ | variables,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


@pytest.fixture
def printed(released, monkeypatch, capsys):
    """Return a function that runs a command in a released project and gives what it prints."""
    monkeypatch.chdir(released.directory)

    def printed(*words):
        assert in_process(monkeypatch, *words) == 0
        return capsys.readouterr()

    return printed


def in_process(monkeypatch, *words):
    """Run the command in this process, and return its exit status."""
    monkeypatch.setattr(sys, "argv", ["modelkeep", *words])
    return main()


# Help, versions, mistakes on the command line


def test_the_help_lists_every_command_by_group(capsys):
    """One page, with what each of them does."""
    with pytest.raises(SystemExit) as ended:
        arguments(["--help"])
    shown = capsys.readouterr().out
    assert ended.value.code == 0
    places = [shown.index(f"{title}:\n") for title in GROUPS]
    assert places == sorted(places)
    for name, command in COMMANDS.items():
        assert f"  {name:8}  {command.meaning}\n" in shown
    assert max(map(len, shown.splitlines())) <= 100


@pytest.mark.parametrize("name", COMMANDS)
def test_there_is_help_for_every_command(name, capsys):
    """What it does and what it takes."""
    with pytest.raises(SystemExit) as ended:
        arguments([name, "--help"])
    shown = capsys.readouterr().out
    assert ended.value.code == 0
    assert shown.startswith(f"usage: modelkeep {name} ")
    meaning = COMMANDS[name].meaning
    assert f"{meaning[0].upper()}{meaning[1:]}." in " ".join(shown.split())


@pytest.mark.parametrize("name", REGISTRY)
def test_commands_of_the_registry_have_their_options_in_common(name, capsys):
    """--model for all, --json and --repo for those that read."""
    with pytest.raises(SystemExit):
        arguments([name, "--help"])
    shown = capsys.readouterr().out
    assert "--model NAME" in shown
    assert ("--json" in shown) == (name in READING)
    assert ("--repo DIR|URL" in shown) == (name in READING or name == "fetch")


def test_the_version_is_that_of_the_tool_and_of_its_core(capsys):
    """Both are in a report of a fault."""
    with pytest.raises(SystemExit) as ended:
        arguments(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == (
        f"modelkeep {modelkeep.__version__} (modelkeep-core {modelkeep_core.__version__})\n"
    )


@pytest.mark.parametrize("words", [["list", "--none"], ["diff", "v1.0.0"], ["monitor", "reprot"]])
def test_a_wrong_command_line_is_refused_with_its_usage(words, capsys):
    """As Python's programs do, with exit status 2."""
    with pytest.raises(SystemExit) as ended:
        arguments(words)
    assert ended.value.code == 2
    usage, *_, error = capsys.readouterr().err.splitlines()
    assert usage.startswith("usage: modelkeep ")
    assert re.match("modelkeep( [a-z]+)?: error: ", error)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["lst"], "there is no command 'lst' (did you mean 'list'?); `modelkeep --help` lists"),
        (["report"], "there is no command 'report' (did you mean "),
        (["xyz", "--json"], "there is no command 'xyz'; `modelkeep --help` lists them"),
        ([], "a command is missing; `modelkeep --help` lists them"),
        (["--json"], "unrecognized arguments: --json"),
        (
            ["check", "--jsn"],
            "check does not take --jsn; `modelkeep check --help` says what it takes",
        ),
    ],
)
def test_a_word_that_no_command_knows_is_told_with_where_to_look(words, why, capsys):
    """One sentence below the usage, and where all commands are listed."""
    with pytest.raises(SystemExit) as ended:
        arguments(words)
    assert ended.value.code == 2
    usage, error = capsys.readouterr().err.splitlines()
    assert usage.startswith("usage: modelkeep [--help] [--version]")
    assert error.startswith(f"modelkeep: error: {why}")


# Completion


@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell_gets_its_completion(shell, capsys):
    """It has all commands; the two that people use most, also all options."""
    with pytest.raises(SystemExit) as ended:
        arguments(["--print-completion", shell])
    shown = capsys.readouterr().out
    assert ended.value.code == 0
    assert all(name in shown for name in COMMANDS)
    if shell != "tcsh":
        assert all(option in shown for option in ("--of-data", "--bump", "--stage", "--trust-code"))


@pytest.mark.skipif(not shutil.which("bash"), reason="there is no bash here")
def test_bash_completes_commands_options_and_files(tmp_path, capsys):
    """What a person types is completed by the shell itself."""
    with pytest.raises(SystemExit):
        arguments(["--print-completion=bash"])
    (tmp_path / "complete").write_text(capsys.readouterr().out, encoding="utf-8")
    (tmp_path / "rows.csv").write_text("", encoding="utf-8")
    typed = ["pro", "lineage --", "monitor report --", "adopt ro"]
    lines = [
        f"COMP_WORDS=(modelkeep {words}); COMP_CWORD={len(words.split())}; COMPREPLY=(); "
        '_shtab_modelkeep; echo "${COMPREPLY[@]}"'
        for words in typed
    ]
    script = "\n".join(["source ./complete", "complete -p modelkeep", *lines])
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, capture_output=True, encoding="utf-8", check=True
    )
    _, *completed = done.stdout.splitlines()
    assert completed[0] == "promote"
    assert {"--of-data", "--mermaid", "--json", "--repo"} <= set(completed[1].split())
    assert {"--since", "--html"} <= set(completed[2].split())
    assert completed[3] == "rows.csv"


# Text and data


@pytest.mark.parametrize("words", QUESTIONS.values(), ids=QUESTIONS)
def test_what_reads_prints_text_or_json(printed, words):
    """The same answer for people and for programs."""
    text, data = printed(*words).out, printed(*words, "--json").out
    assert text.endswith("\n")
    assert not text.startswith(("[", "{"))
    assert json.loads(data)


def test_json_has_every_letter(printed, repository):
    """It is UTF-8, for people to read as well."""
    repository.commit(Model())
    repository.tag("model@v1.0.0", author="王小明")
    assert (
        '"author": "王小明"' in printed("list", "--json", "--repo", str(repository.directory)).out
    )


def test_a_note_is_no_part_of_the_data(printed, repository):
    """What is told beside the answer goes to standard error."""
    repository.release("v1.0.0", None, "prod")
    repository.commit()
    repository.point("heads/prod", repository.head)
    shown = printed("lineage", "prod", "--json", "--repo", str(repository.directory))
    assert json.loads(shown.out)["versions"] == ["model v1.0.0"]
    assert shown.err.startswith("note: 'prod' is a Git revision too")


def test_another_repository_is_read_by_directory_or_url(printed, released, tmp_path, monkeypatch):
    """From anywhere, also a bare one."""
    here = printed("list").out
    bare = tmp_path / "bare.git"
    released.git("clone", "--quiet", "--bare", ".", str(bare))
    monkeypatch.chdir(tmp_path)
    for repository in (str(released.directory), "bare.git", bare.as_uri()):
        assert printed("list", "--repo", repository).out == here


def test_a_command_runs_in_a_process_of_its_own(released):
    """As the README shows it, with nothing on standard error."""
    done = called(released.directory, "list")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("VERSION")


# Anywhere in a project


@pytest.fixture
def below(project, monkeypatch):
    """A directory of the project, in which the person stands."""
    directory = project.directory / "notes" / "2026"
    directory.mkdir(parents=True)
    monkeypatch.chdir(directory)
    return directory


def test_the_root_of_a_project_is_the_nearest_directory_with_a_dvc_yaml(tmp_path):
    """Upwards, but not out of a Git repository."""
    inner = tmp_path / "inner"
    lost = tmp_path / "lost" / "deep"
    for directory in (inner / "sub", lost, tmp_path / "lost" / ".git"):
        directory.mkdir(parents=True)
    for directory in (tmp_path, inner):
        (directory / "dvc.yaml").write_text("", encoding="utf-8")
    assert place.project_root(inner / "sub") == inner
    assert place.project_root(inner) == inner
    assert place.project_root(tmp_path / "lost" / "..") == tmp_path
    assert place.project_root(lost) is None


@pytest.mark.parametrize("words", [["list"], ["history"], ["show", "prod"], ["lineage", "prod"]])
def test_a_command_says_the_same_in_every_directory(numbered, below, monkeypatch, capsys, words):
    """It is about the project, wherever in it the person stands."""
    numbered.assign("prod", "main")
    assert in_process(monkeypatch, *words) == 0
    shown = capsys.readouterr().out
    monkeypatch.chdir(numbered.directory)
    assert in_process(monkeypatch, *words) == 0
    assert capsys.readouterr().out == shown


def test_a_path_is_where_the_person_stands(numbered, below, monkeypatch, capsys):
    """What is to be made there is made there, and what is named there is read from there."""
    assert in_process(monkeypatch, "fetch", "v1.0.0", "got") == 0
    assert (below / "got" / "model.json").is_file()
    assert capsys.readouterr().out == f"{Path('notes/2026/got')}: made-up v1.0.0, verified.\n"
    monkeypatch.chdir(below)
    shutil.copy(numbered.directory / "raw" / "rows.csv", below / "mine.csv")
    assert in_process(monkeypatch, "lineage", "--of-data", "mine.csv") == 0
    assert "raw/rows.csv" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["mine.csv", "../2026/mine.csv", "link/mine.csv"])
def test_a_path_is_the_file_that_was_meant(below, name):
    """Short where that is the same, and never another file where there are links."""
    (below / "mine.csv").write_text("", encoding="utf-8")
    (below / "link").symlink_to(".")
    meant = (below / name).resolve()
    place.enter_project()
    assert place.path_given(name).resolve() == meant
    assert not place.path_given(name).is_absolute()
    assert place.path_given(str(meant)) == meant
    if "link" not in name:
        assert place.path_given(name) == Path("notes/2026/mine.csv")


def test_a_link_is_not_cut_off_with_the_dots_after_it(below, tmp_path):
    """`link/..` is the directory above the one that the link leads to."""
    (tmp_path / "far" / "away").mkdir(parents=True)
    (tmp_path / "far" / "rows.csv").write_text("", encoding="utf-8")
    (below / "link").symlink_to(tmp_path / "far" / "away")
    place.enter_project()
    assert place.path_given("link/../rows.csv").is_file()


def test_at_the_root_and_outside_a_project_paths_stay_as_they_are(project, tmp_path, monkeypatch):
    """And so do words that are no paths."""
    for directory in (project.directory, tmp_path / "home"):
        monkeypatch.chdir(directory)
        place.enter_project()
        assert Path.cwd() == directory.resolve()
        assert place.path_given("a/../b") == Path("a/../b")
        assert place.path_or_word("https://example.org/x.git") == "https://example.org/x.git"
        assert place.path_or_word("") == ""


# What goes wrong


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["lineage", "v9.0.0"], "error: 'v9.0.0' is no version, stage, Git revision or recipe id"),
        (["list", "--model", "none"], "error: there is no model 'none'"),
        (["history", "prd"], "error: nothing was ever in 'prd' (did you mean 'prod'?)"),
        (["list", "--repo", "none"], "error: none cannot be read: `git clone` failed: "),
    ],
)
def test_a_mistake_is_told_in_one_sentence(released, words, message):
    """On standard error, with exit status 1 and no traceback."""
    done = called(released.directory, *words)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(message)
    assert len(done.stderr.splitlines()) == 1


def test_outside_of_a_repository_one_sentence_says_so(tmp_path):
    """And so it does where Git is not installed."""
    done = called(tmp_path, "list")
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert done.stderr.startswith(f"error: {tmp_path} is not in a Git repository. Run it ")
    done = called(tmp_path, "list", PATH=str(tmp_path))
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert "Git is not installed" in done.stderr


@pytest.fixture
def command(monkeypatch):
    """Return a function that lets `predict` do something else, with this status for a mistake."""

    def command(run, mistake=1):
        module = ModuleType("modelkeep_made_up")
        module.add_arguments = lambda parser: None
        module.run = lambda args: run()
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setitem(COMMANDS, "predict", Command(module.__name__, "do", mistake))
        return in_process(monkeypatch, "predict")

    return command


def raising(error):
    """Return a function that raises an error."""

    def run():
        raise error

    return run


def test_the_exit_status_is_that_of_the_command(command):
    """Whatever it is."""
    assert [command(lambda: 0), command(lambda: 1), command(lambda: 7)] == [0, 1, 7]


@pytest.mark.parametrize("mistake", [1, 2])
@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (UserError("no, that way"), "no, that way"),
        (PermissionError(13, "Permission denied", "/x"), "/x: Permission denied."),
    ],
)
def test_a_mistake_has_the_status_of_its_command(command, capsys, error, sentence, mistake):
    """What the system refuses is a mistake as well, and no traceback."""
    assert command(raising(error), mistake) == mistake
    assert capsys.readouterr().err == f"error: {sentence}\n"


def test_a_fault_of_ours_has_the_status_of_a_mistake_and_its_traceback(command, capsys):
    """`monitor` has another meaning for 1, with which Python would end."""
    assert command(raising(ZeroDivisionError("ours")), 2) == 2
    assert "Traceback" in capsys.readouterr().err


def test_who_interrupts_it_gets_no_traceback(command, capsys):
    """The exit status is that of an interrupted program."""
    assert command(raising(KeyboardInterrupt())) == 130
    assert capsys.readouterr().err == ""


def test_what_has_another_meaning_for_1_has_2_for_mistakes():
    """In `monitor` 1 is an alarm, in `check` a finding, in `fsck` what is lost."""
    assert {name: command.mistake for name, command in COMMANDS.items()} == {
        name: 2 if name in ("monitor", "check", "fsck") else 1 for name in COMMANDS
    }


def unread(directory, *words):
    """Run a command whose output nobody reads, and return its exit status and what it complains."""
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "modelkeep", *words],
        cwd=directory,
        stdout=write,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(write)
    return done.returncode, done.stderr


def test_a_reader_that_has_seen_enough_ends_it_quietly(released):
    """As `head` does, though there is more to come than a pipe holds back."""
    assert unread(released.directory, "list") == (0, b"")
    assert unread(released.directory, "--help") == (0, b"")
    assert unread(released.directory, "--print-completion", "bash") == (0, b"")


def test_what_nobody_reads_is_done_all_the_same(monkeypatch, tmp_path, command):
    """A command that has more to print than fits goes on to its end, and says its own status."""
    done = tmp_path / "done"

    def run():
        print("x" * 100_000)
        print("a note", file=sys.stderr)
        done.touch()
        return 7

    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w", encoding="utf-8") as nobody:
        monkeypatch.setattr(sys, "stdout", nobody)
        monkeypatch.setattr(sys, "stderr", nobody)
        assert command(run) == 7
        assert sys.stdout is nobody
    assert done.exists()


@pytest.mark.parametrize("closed", ["stdout", "stderr"])
def test_a_stream_that_is_closed_hinders_no_command(monkeypatch, command, closed):
    """Python has none in the place of one that was closed before it began, as by `>&-`."""

    def run():
        print("a result")
        print("a note", file=sys.stderr)
        return 7

    monkeypatch.setattr(sys, closed, None)
    assert command(run) == 7
    assert getattr(sys, closed) is None


def test_a_terminal_that_lacks_letters_gets_the_others(released):
    """A question mark stands for what it cannot show."""
    done = called(released.directory, "lineage", "prod", PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert "?? data/raw" in done.stdout


def test_a_table_is_cut_to_a_terminal_and_for_no_program(released):
    """A terminal of 60 columns gets what it can show, and `grep` all of it."""
    pty = pytest.importorskip("pty")
    author = "Ada of " + "a-very-long-name " * 5
    released.tag("model@v1.2.0", author=author.strip())
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "modelkeep", "list"]
    variables = os.environ | {"COLUMNS": "60"}
    subprocess.run(command, cwd=released.directory, env=variables, stdout=theirs, check=True)
    os.close(theirs)
    on_terminal = os.read(ours, 100_000).decode().splitlines()
    os.close(ours)
    piped = called(released.directory, "list", COLUMNS="60").stdout.splitlines()
    assert max(map(len, on_terminal)) == 60
    assert len(piped) == len(on_terminal)
    assert author.strip() in piped[1]


# Start-up


@pytest.mark.parametrize("words", QUESTIONS.values(), ids=QUESTIONS)
def test_reading_loads_nothing_that_takes_long(released, words):
    """No library that trains, stores, serves or registers: Git takes longer than Python."""
    code = (
        "import sys; from modelkeep.cli import main; status = main(); "
        f"print(status, sorted({HEAVY} & sys.modules.keys()), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        cwd=released.directory,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.stderr == "0 []\n"


def test_a_list_loads_nothing_that_it_does_not_need(released):
    """What judges signatures, and what reads YAML, is for repositories and commits that need it."""
    needless = {"hashlib", "modelkeep.registry.ssh_signature", "modelkeep.registry.dvc_lock"}
    code = (
        "import sys; from modelkeep.cli import main; status = main(); "
        f"print(status, sorted({needless} & sys.modules.keys()), file=sys.stderr)"
    )
    command = [sys.executable, "-c", code, "list"]
    done = subprocess.run(
        command, cwd=released.directory, capture_output=True, encoding="utf-8", check=False
    )
    assert done.stderr == "0 []\n"


def test_no_command_loads_what_it_only_needs_to_run(tmp_path):
    """To read the command line, and to complete it, nothing heavy is imported but shtab."""
    code = (
        "import sys; from modelkeep import cli; cli.parser_of([*cli.COMMANDS]); "
        f"print(sorted({HEAVY - {'pydantic'}} & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (done.stderr, done.stdout) == ("", "[]\n")


def test_only_the_module_of_the_command_is_imported(monkeypatch):
    """Whatever the others need, and whether that is installed."""
    imported = []
    load = cli.importlib.import_module
    monkeypatch.setattr(
        cli.importlib, "import_module", lambda name: imported.append(name) or load(name)
    )
    arguments(["history", "prod"])
    assert set(imported) == {"modelkeep.registry.history"}
