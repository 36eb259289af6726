"""The README's first command: a project is generated, trained, compared, released and restored."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_the_demonstration(template: Path, tmp_path: Path) -> None:
    """The demonstration runs to its end, makes the environment with uv, and restores a model."""
    done = subprocess.run(
        [sys.executable, template / "tools" / "demo.py"],
        env=os.environ | {"TMPDIR": str(tmp_path)},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "identical" in done.stdout.splitlines()
    assert "[looser]" in done.stdout
    assert "prod holds model v1.1.0 now, not v1.0.0." in done.stdout
    assert list(tmp_path.glob("*/penguin-species/.venv/**/dvc/__pycache__/*.pyc"))
