"""The fixtures of the reference project, and the library as it is built and installed."""

import io
import zipfile
from pathlib import Path

import pytest

import installed
from fixtures import *  # noqa: F403
from fixtures import _nobody, _one_thread  # noqa: F401
from modelkeep_core.wheel import Wheel


@pytest.fixture(scope="session")
def core_wheel() -> Wheel:
    """The wheel of modelkeep-core, as a new project gets it."""
    return installed.core_wheel()


@pytest.fixture
def library(core_wheel: Wheel, tmp_path: Path) -> Path:
    """A directory with that wheel installed, which a test may change."""
    directory = tmp_path / "site"
    with zipfile.ZipFile(io.BytesIO(core_wheel.content)) as archive:
        archive.extractall(directory)
    return directory
