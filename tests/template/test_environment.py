"""The environment that generation makes with pip; tests/test_demo.py has the one with uv."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from test_surroundings import commands, search_path


@pytest.mark.slow
def test_the_printed_commands_train_a_model(template: Path, tmp_path: Path) -> None:
    """Where uv is not installed, pip makes the environment; every printed command then works."""
    path = os.pathsep.join(
        place for place in search_path().split(os.pathsep) if not (Path(place) / "uv").exists()
    )
    done = subprocess.run(
        [sys.executable, "-m", "cookiecutter", template, "--no-input", "-o", tmp_path],
        env=os.environ | {"PATH": path},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert "not" not in done.stdout.split("\nNext:\n")[0].split("is ready.")[1]
    assert list((tmp_path / "my-model" / ".venv").rglob("dvc/__pycache__/*.pyc"))
    script = "set -e\n" + "\n".join(commands(done.stdout))
    walked = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env=os.environ | {"PATH": path},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert walked.returncode == 0, walked.stdout + walked.stderr
    assert (tmp_path / "my-model" / "package" / "MODEL_CARD.md").is_file()
    assert list((tmp_path / "my-model-storage").rglob("*.dir"))
