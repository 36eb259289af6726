"""New data, schema and params put in the place of the old ones, whole or not at all.

All is written beside its place first, and the old is set aside until DVC has the new. A run that
was killed in between is undone by the next.
"""

import logging
import os
import shutil
from pathlib import Path

from modelkeep_core.errors import UserError
from modelkeep_core.files import read_yaml, write_text
from modelkeep_core.installing import install

RAW, POINTER = Path("data", "raw"), Path("data", "raw.dvc")
SETTINGS = (Path("schema.yaml"), Path("params.yaml"))
# Ignored by Git, and on the same disk as the data
WORK = Path("data", "adopt.partial")
BEFORE = WORK / "before"


def undo() -> None:
    """Put back what a run that did not come to its end has replaced, and remove what it left."""
    if BEFORE.exists():
        for path in (*SETTINGS, POINTER):
            if (BEFORE / path.name).exists():
                shutil.copyfile(BEFORE / path.name, path)
        if (BEFORE / RAW.name).exists():
            shutil.rmtree(RAW, ignore_errors=True)
            os.replace(BEFORE / RAW.name, RAW)
    shutil.rmtree(WORK, ignore_errors=True)


def check_kept() -> None:
    """Make sure that DVC has what is in data/raw, in its cache.

    Raises:
        UserError: there are files that would be lost, or DVC cannot be asked.
    """
    if not RAW.exists() or not any(RAW.iterdir()):
        return
    if not POINTER.exists() or _dvc("status", POINTER):
        raise UserError(
            f"{RAW} holds what DVC does not have: `dvc add {RAW}` and a commit keep it, "
            f"`dvc checkout --force {POINTER}` drops it."
        )
    _dvc("add", RAW)


def place(raw: Path, schema: str, params: str) -> None:
    """Replace data/raw by the directory `raw`, and the text of schema.yaml and params.yaml.

    Raises:
        UserError: DVC does not take the data; then all is as it was.
    """
    aside = WORK / "aside"
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    for path in (*SETTINGS, POINTER):
        if path.exists():
            shutil.copyfile(path, aside / path.name)
    for path, text in zip(SETTINGS, (schema, params), strict=True):
        write_text(WORK / path, text)
    os.replace(aside, BEFORE)
    try:
        if RAW.exists():
            os.replace(RAW, BEFORE / RAW.name)
        else:
            (BEFORE / RAW.name).mkdir()
        os.replace(raw, RAW)
        for path in SETTINGS:
            os.replace(WORK / path, path)
        _forget_source()
        _dvc("add", RAW)
    except BaseException:
        undo()
        raise
    # From here on there is nothing to be undone.
    os.replace(BEFORE, aside)
    shutil.rmtree(WORK, ignore_errors=True)


def _forget_source() -> None:
    """Remove a pointer to data that came from elsewhere: DVC would send the new data nowhere.

    What `dvc import` and `dvc import-url` wrote of the old data would be taken for true of the new.
    """
    if POINTER.exists() and "deps" in (read_yaml(POINTER) or {}):
        POINTER.unlink()


def _dvc(command: str, target: Path) -> object:
    """Let DVC look at a target of this project or add it, and return what it says.

    Raises:
        UserError: DVC is not installed, this is no project of DVC, or it cannot do that now.
    """
    try:
        from dvc.exceptions import DvcException
        from dvc.repo import Repo
    except ImportError:
        raise UserError(
            "DVC is not installed. Install what is locked:\n  "
            + install("--require-hashes -r requirements.lock -r requirements-dev.lock")
        ) from None
    from modelkeep.registry.dvc_internals import clear_half_written

    try:
        with Repo(".") as repository:
            clear_half_written(repository)
            # It speaks of Git, which is left to the person.
            logging.getLogger("dvc").setLevel(logging.ERROR)
            if command == "status":
                return repository.status(targets=[str(target)])
            return repository.add([str(target)])
    except DvcException as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise UserError(f"`dvc {command} {target}` fails: {reason}") from None
