"""The ways to a project: a checkout, a Git URL, a zip file, Python, a replay, cruft."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ROOT, interpreter
from local_extensions import refusals
from test_answers import GOOD
from test_tree import tracked

pytestmark = pytest.mark.slow

ANSWERS = ["project_name=Origin", "create_environment=no", "dvc_remote=/srv/dvc"]


def tree(project: Path) -> dict[str, bytes]:
    """Return the content of every tracked file."""
    return {name: (project / name).read_bytes() for name in tracked(project)}


def generate(*arguments: object, python: str | Path = sys.executable) -> None:
    """Run the cookiecutter command, outside the template, and expect it to do its work."""
    subprocess.run(
        [python, "-m", "cookiecutter", *map(str, arguments)],
        cwd=Path.home(),
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )


@pytest.fixture(scope="module")
def expected(template: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Return the tree that the local checkout gives."""
    into = tmp_path_factory.mktemp("checkout")
    generate(template, "--no-input", "-o", into, *ANSWERS)
    return tree(into / "origin")


def test_a_git_url_gives_the_same(
    template: Path, tmp_path: Path, expected: dict[str, bytes]
) -> None:
    """A clone made by Cookiecutter gives what the checkout gives."""
    served = tmp_path / "cookiecutter-dvc-pipeline.git"
    subprocess.run(["git", "clone", "--quiet", "--bare", template, served], check=True)
    generate(f"file://{served}", "--no-input", "-o", tmp_path, *ANSWERS)
    assert tree(tmp_path / "origin") == expected


@pytest.mark.slow
def test_a_git_url_at_a_tag_gives_the_same(
    template: Path, tmp_path: Path, expected: dict[str, bytes]
) -> None:
    """A tag gives the template of that day, whatever was committed since."""
    served = tmp_path / "served"
    subprocess.run(["git", "clone", "--quiet", template, served], check=True)
    subprocess.run(["git", "tag", "v0.1.0"], cwd=served, check=True)
    (served / "{{cookiecutter.project_slug}}" / "LICENSE").write_text("later", encoding="utf-8")
    subprocess.run(["git", "commit", "--quiet", "--all", "-m", "Later"], cwd=served, check=True)
    place = ["--no-input", "-o", tmp_path, "--checkout", "v0.1.0"]
    generate(f"file://{served}", *place, *ANSWERS)
    assert tree(tmp_path / "origin") == expected


def test_a_zip_file_gives_the_same(
    template: Path, tmp_path: Path, expected: dict[str, bytes]
) -> None:
    """A zip file, as it can be downloaded for a tag, gives what the checkout gives."""
    archive = tmp_path / "cookiecutter-dvc-pipeline-0.1.0.zip"
    prefix = "--prefix=cookiecutter-dvc-pipeline-0.1.0/"
    command = ["git", "archive", "--format=zip", prefix, "-o", archive, "HEAD"]
    subprocess.run(command, cwd=template, check=True)
    generate(archive, "--no-input", "-o", tmp_path, *ANSWERS)
    assert tree(tmp_path / "origin") == expected


FROM_PYTHON = """
import sys
from cookiecutter.main import cookiecutter
answers = dict(answer.split("=") for answer in sys.argv[3:])
cookiecutter(sys.argv[1], output_dir=sys.argv[2], no_input=True, extra_context=answers)
"""


def test_python_gives_the_same(template: Path, tmp_path: Path, expected: dict[str, bytes]) -> None:
    """A call from Python gives what the command gives."""
    command = [sys.executable, "-c", FROM_PYTHON, template, tmp_path, *ANSWERS]
    subprocess.run(command, cwd=Path.home(), check=True, stdout=subprocess.DEVNULL)
    assert tree(tmp_path / "origin") == expected


@pytest.mark.parametrize("way", ["command", "Python", "cruft"])
def test_a_refusal_needs_no_traceback(template: Path, tmp_path: Path, way: str) -> None:
    """The command, a script and cruft end with the same line and status, and write nothing."""
    into = tmp_path / "into"
    answers = json.dumps({"project_slug": "Not A Slug"})
    cruft = ["cruft", "create", template, "--no-input", "--extra-context", answers]
    command = {
        "command": ["-m", "cookiecutter", template, "--no-input", "project_slug=Not A Slug"],
        "Python": ["-c", FROM_PYTHON, template, into, "project_slug=Not A Slug"],
        "cruft": ["-m", *cruft],
    }[way]
    done = subprocess.run(
        [sys.executable, *command, *([] if way == "Python" else ["--output-dir", into])],
        cwd=Path.home(),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines() == refusals(GOOD | {"project_slug": "Not A Slug"})
    assert done.stdout == ""
    assert not into.exists()


@pytest.mark.slow
@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13", "3.14"])
def test_every_python_gives_the_same(
    template: Path, tmp_path: Path, expected: dict[str, bytes], version: str
) -> None:
    """With each Python and Cookiecutter alone, the project is the same but for its version."""
    uv = [sys.executable, "-m", "uv"]
    subprocess.run(
        [*uv, "venv", "-q", "--python", interpreter(version), tmp_path / "venv"], check=True
    )
    python = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    wanted = ["cookiecutter", "-c", ROOT / "requirements-dev.lock"]
    subprocess.run([*uv, "pip", "install", "-q", "--python", python, *wanted], check=True)
    generate(template, "--no-input", "-o", tmp_path, *ANSWERS, python=python)
    generated = tree(tmp_path / "origin")
    assert generated.pop(".python-version").decode() == f"{version}\n"
    other = {name for name, content in expected.items() if generated.get(name) != content}
    assert other - {".python-version", "Dockerfile", "README.md"} == set()


def test_a_replay_gives_the_same(
    template: Path, tmp_path: Path, expected: dict[str, bytes]
) -> None:
    """Answers that were given once give the same project again."""
    generate(template, "--no-input", "-o", tmp_path / "first", *ANSWERS)
    generate(template, "--replay", "-o", tmp_path / "second")
    assert tree(tmp_path / "second" / "origin") == expected


def test_cruft_gives_the_same(template: Path, tmp_path: Path, expected: dict[str, bytes]) -> None:
    """Creating with cruft gives the same, its own file beside it, in step with the template."""
    answers = dict(answer.split("=") for answer in ANSWERS) | {"create_environment": False}
    cruft = [sys.executable, "-m", "cruft"]
    subprocess.run(
        [
            *(*cruft, "create", template, "--no-input", "--output-dir", tmp_path),
            *("--extra-context", json.dumps(answers)),
        ],
        cwd=Path.home(),
        check=True,
    )
    assert tree(tmp_path / "origin") == expected
    assert (tmp_path / "origin" / ".cruft.json").is_file()
    subprocess.run([*cruft, "check", "--project-dir", tmp_path / "origin"], check=True)
