"""The two libraries as a project has them: wheels of the present sources, installed."""

import atexit
import shutil
import tempfile
import zipfile
from functools import cache
from pathlib import Path

import modelkeep
import modelkeep_core
from modelkeep_core.wheel import Wheel, build

LIBRARIES = (modelkeep_core, modelkeep)


@cache
def core_wheel() -> Wheel:
    """Return the wheel of modelkeep-core, which the locks of the reference project name."""
    return build(Path(modelkeep_core.__file__).parent)


@cache
def site() -> Path:
    """Return a directory in which both libraries are installed, until this process ends."""
    place = Path(tempfile.mkdtemp(prefix="site-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    for library in LIBRARIES:
        wheel = build(Path(library.__file__).parent)
        archive = place / wheel.filename
        archive.write_bytes(wheel.content)
        with zipfile.ZipFile(archive) as content:
            content.extractall(place)
        archive.unlink()
    return place
