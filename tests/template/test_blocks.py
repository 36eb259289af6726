"""Command blocks: what the READMEs give to be typed is typed by a test, word for word.

tests/test_readme.py types the console blocks, which show an output; here are the others.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ANSWERS, PROJECT, ROOT, Bake, Run, Warmed
from test_surroundings import search_path
from walk import FENCE

UPDATES = ROOT / "docs" / "how-to" / "update.md"
COMMANDS = ("$", "cookiecutter", "cruft", "dvc", "git", "make", "pip", "python", "uv")
# How each block begins, in order: tests/test_demo.py runs the first, .ci/run the second, and each
# other one has a test below.
BLOCKS = {
    ROOT / "README.md": [
        *("make demo\n", "make test\n", "cookiecutter path/", "python tools/bring.py path/"),
    ],
    PROJECT / "README.md": ["python3 -m venv "],
    PROJECT / "AGENTS.md": ["modelkeep check\n", "uv pip compile "],
}


def blocks(page: Path) -> list[str]:
    """Return the blocks of commands that a page has."""
    return [text for language, text in FENCE.findall(page.read_text("utf-8")) if language == "bash"]


def block(page: Path, start: str) -> str:
    """Return the block of a page that begins with `start`."""
    (command,) = (text for text in blocks(page) if text.startswith(start))
    return command


@pytest.mark.parametrize("page", BLOCKS, ids=lambda page: f"{page.parent.name}/{page.name}")
def test_every_block_is_run(page: Path) -> None:
    """No page has a block of commands that no test types, in whatever dress."""
    texts = blocks(page)
    assert all(text.startswith(start) for text, start in zip(texts, BLOCKS[page], strict=True))
    readme = page.read_text("utf-8")
    assert {language for language, _ in FENCE.findall(readme)} <= {"bash", "console", "text"}
    for line in FENCE.sub("", readme).splitlines():
        assert not (line.startswith("    ") and line.split()[0].startswith(COMMANDS)), line


def test_make_test_is_what_continuous_integration_runs() -> None:
    """The README's command for all tests is the one of .ci/run, and it leaves no test out."""
    assert (
        (ROOT / ".ci" / "run").read_text("utf-8").endswith(block(ROOT / "README.md", "make test"))
    )
    done = subprocess.run(
        ["make", "--dry-run", "test"], cwd=ROOT, capture_output=True, encoding="utf-8", check=True
    )
    (words,) = re.findall(r"-m pytest (.*)", done.stdout)
    assert not {"-m", "-k", "--ignore", "--deselect"} & {*words.split()}
    assert not re.search(r"\S*tests/|\S+\.py", words)
    for tool in ("ruff check", "ruff format --check", "mypy"):
        assert tool in done.stdout


@pytest.mark.slow
def test_use_it(template: Path, tmp_path: Path) -> None:
    """The command that generates a project asks its questions and generates."""
    command = block(ROOT / "README.md", "cookiecutter")
    shutil.copytree(template, tmp_path / command.split()[1])
    lines = ["n" if name == "create_environment" else "" for name in ANSWERS if name[0] != "_"]
    done = subprocess.run(
        ["bash", "-ec", command],
        cwd=tmp_path,
        env=os.environ | {"PATH": search_path()},
        input="\n".join([*lines, ""]),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert ANSWERS["__prompts__"]["project_name"] in done.stdout
    assert (tmp_path / "my-model" / "dvc.yaml").is_file()


@pytest.mark.slow
def test_bring_it(template: Path, tmp_path: Path) -> None:
    """The command that brings the pipeline into a repository works in a checkout."""
    command = block(ROOT / "README.md", "python tools/bring.py")
    repository = tmp_path / command.split()[2]
    subprocess.run(["git", "init", "--quiet", repository], check=True)
    (tmp_path / "tools").symlink_to(template / "tools")
    subprocess.run(
        ["bash", "-ec", command],
        cwd=tmp_path,
        env=os.environ | {"PATH": search_path()},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    assert "task: regression\n" in (repository / "schema.yaml").read_text("utf-8")


@pytest.mark.slow
def test_make_the_environment(bake: Bake, tmp_path: Path) -> None:
    """The commands that make the environment make one in which DVC runs.

    What pip does with these locks tests/test_environment.py shows; here uv, which takes a second,
    stands in for `python -m pip`.
    """
    project = bake()
    script = block(project / "README.md", "python3 -m venv") + "\ncommand -v dvc\n"
    python = tmp_path / "python3"
    python.symlink_to(sys.executable)
    (tmp_path / "pip.py").write_text(
        "import os, sys\n"
        f"uv = [{sys.executable!r}, '-m', 'uv', 'pip', '--python', sys.executable]\n"
        "os.environ.pop('PYTHONPATH')\n"
        "os.execv(uv[0], uv[:4] + sys.argv[1:2] + uv[4:] + sys.argv[2:])\n",
        encoding="utf-8",
    )
    done = subprocess.run(
        ["bash", "-ec", script.replace("\npython ", f"\nPYTHONPATH={tmp_path} python ")],
        cwd=project,
        env=os.environ | {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == str(project / ".venv" / "bin" / "dvc")


@pytest.mark.slow
def test_check_a_project(bake: Bake, warmed: Warmed, run: Run) -> None:
    """The commands that check a project pass in one that was trained just now."""
    project = warmed(bake())
    printed = run(f"set -e\n{block(project / 'AGENTS.md', 'modelkeep check')}", project).stdout
    assert printed.endswith("?? dvc.lock\n?? model.json\n?? reports/\n")


@pytest.mark.slow
def test_compile_the_locks(bake: Bake, run: Run) -> None:
    """The commands that compile the locks give what is locked, where nothing was changed.

    uv writes the line with vendor/ once for each lock that it reads, which says the same.
    """
    project = bake()
    locks = {name: (project / name).read_text("utf-8") for name in LOCKS}
    run(f"set -e\n{block(project / 'AGENTS.md', 'uv pip compile')}", project)
    for name, before in locks.items():
        after = re.sub(r"\A(--find-links vendor\n)+", r"\1", (project / name).read_text("utf-8"))
        assert after == before, name


LOCKS = ("requirements.lock", "requirements-serving.lock", "requirements-dev.lock")


@pytest.mark.slow
def test_update_a_project(template: Path, warmed: Warmed, run: Run, tmp_path: Path) -> None:
    """The commands that update a project bring what is new in the template, and train."""
    newer = tmp_path / "template"
    shutil.copytree(template, newer)
    answers = json.dumps({"project_name": "Kept"})
    cruft = f"PATH={search_path()} cruft"
    run(f"{cruft} create {newer} --no-input --extra-context '{answers}'", tmp_path)
    run("git add . && git commit --quiet -m 'Follow the template'", warmed(tmp_path / "kept"))
    with (newer / PROJECT.name / ".gitignore").open("a", encoding="utf-8") as file:
        file.write("/newer\n")
    run("git commit --quiet --all -m 'A newer version'", newer)
    (tmp_path / "cruft").symlink_to(Path(sys.executable).with_name("cruft"))
    script = f"set -e\nPATH={tmp_path}:$PATH\n{block(UPDATES, 'cruft update')}"
    printed = run(script, tmp_path / "kept").stdout
    assert "+/newer\n" in printed
    assert "Running stage 'package'" in printed
