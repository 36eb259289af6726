"""The README's first command: a project is generated, trained, compared, released and restored."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from test_blocks import block


@pytest.mark.slow
def test_the_demonstration(template: Path, tmp_path: Path) -> None:
    """The demonstration runs to its end, makes the environment with uv, and restores a model.

    Where the tests run, the template's own environment is there: make does not make it again.
    """
    checkout = tmp_path / "template"
    shutil.copytree(template, checkout)
    (checkout / ".venv").mkdir()
    for name in ("bin", "lib", "pyvenv.cfg"):
        (checkout / ".venv" / name).symlink_to(Path(sys.prefix, name))
    (checkout / ".venv" / "ready").touch()
    done = subprocess.run(
        ["bash", "-c", block(checkout / "README.md", "make demo")],
        cwd=checkout,
        env=os.environ | {"TMPDIR": str(tmp_path)},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "identical" in done.stdout.splitlines()
    assert "[looser]" in done.stdout
    assert "prod is assigned model v1.1.0 now, not v1.0.0." in done.stdout
    assert list(tmp_path.glob("*/penguin-species/.venv/**/dvc/__pycache__/*.pyc"))
