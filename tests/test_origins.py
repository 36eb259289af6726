"""The ways to a project: a checkout, a Git URL, a replay, cruft."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from test_tree import tracked

ANSWERS = ["project_name=Origin", "create_environment=no", "dvc_remote=/srv/dvc"]


def tree(project: Path) -> dict[str, bytes]:
    """Return the content of every tracked file."""
    return {name: (project / name).read_bytes() for name in tracked(project)}


def generate(*arguments: object) -> None:
    """Run the cookiecutter command and expect it to do its work."""
    subprocess.run(
        [sys.executable, "-m", "cookiecutter", *map(str, arguments)],
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
        check=True,
    )
    assert tree(tmp_path / "origin") == expected
    assert (tmp_path / "origin" / ".cruft.json").is_file()
    subprocess.run([*cruft, "check", "--project-dir", tmp_path / "origin"], check=True)
