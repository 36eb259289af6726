"""What every stage runs inside: its arguments, the locked environment, the guard of its inputs."""

import argparse
import json
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from modelkeep_core import guard, recording
from modelkeep_core.environment import UNLOCKED, check_environment, differences
from modelkeep_core.errors import UserError, exit_on_user_error

# A stage is recorded from the moment it imports this module; DVC says which one it is.
STAGE = "DVC_STAGE"
# What a stage leaves in its output where the environment was not the locked one
MARK = "unlocked.json"
# How often a stage looks whether DVC is still there
LOOK_SECONDS = 0.5
# The parameters of the first model, as messages name them
PARAMS = re.compile(r"(?<![\w./-])params\.yaml\b")


def _ended_by(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Tell Ctrl-C in a sentence, and everything else as Python does."""
    if issubclass(kind, KeyboardInterrupt):
        print("interrupted: `dvc repro` begins this stage anew.", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)


if STAGE in os.environ:
    recording.record()
    sys.excepthook = _ended_by


def name() -> str | None:
    """Return the name of the stage that DVC runs this process for, or None."""
    return os.environ.get(STAGE, "").rpartition(":")[2] or None


def run(main: Callable[[argparse.Namespace], None], *names: str, mark: bool = True) -> None:
    """Run a stage as dvc.yaml calls it, and end the program with one sentence where it fails.

    The environment must be the locked one; with MODELKEEP_UNLOCKED=1 the stage goes on in another
    one, and leaves a mark in its output, so that the model is not reproducible. Under DVC, the
    stage fails at its end, before its outputs are kept, when it read a file of the project that is
    no dependency of it in dvc.yaml.

    Args:
        main: takes the arguments, each a path by its name; "unlocked" says, in sentences, in what
            the environment is another one.
        names: the arguments; "requirements", the locked environment, is one of every stage.
        mark: whether another environment leaves a mark in the directory "out".
    """
    described = sys.modules["__main__"].__doc__
    parser = argparse.ArgumentParser(description=described)
    for option in (*names, "requirements"):
        flag = f"--{option.replace('_', '-')}"
        parser.add_argument(flag, type=Path, required=True, metavar="PATH")
    args = parser.parse_args()
    if name():
        threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    with exit_on_user_error(), _naming(args):
        args.unlocked = _checked(args.requirements)
        main(args)
        if mark and args.unlocked and args.out.is_dir():
            text = json.dumps(args.unlocked, indent=2, ensure_ascii=False)
            (args.out / MARK).write_text(f"{text}\n", encoding="utf-8", newline="\n")
        if stage := name():
            guard.check(Path.cwd(), stage)


@contextmanager
def _naming(args: argparse.Namespace) -> Iterator[None]:
    """Let messages name the parameters that the stage was given: a second model has its own."""
    try:
        yield
    except UserError as error:
        given = getattr(args, "params", Path("params.yaml")).as_posix()
        raise UserError(PARAMS.sub(lambda _: given, str(error)), error.page) from None


def _end_with(parent: int) -> None:
    """End this process when the one that started it has ended: DVC, that was killed.

    It would go on and write its outputs beside those of the next `dvc repro`. On Windows, where an
    orphan keeps the number of its parent, it does.
    """
    while os.getppid() == parent:
        time.sleep(LOOK_SECONDS)
    os._exit(1)


def unlocked_in(*directories: Path) -> list[str]:
    """Return in what the environment of the stages that wrote some directories was not locked."""
    marks = [directory / MARK for directory in directories]
    texts = [mark.read_text(encoding="utf-8") for mark in marks if mark.is_file()]
    return list(dict.fromkeys(line for text in texts for line in json.loads(text)))


def _checked(lock: Path) -> list[str]:
    """Check the environment; return what differs where a person goes on all the same.

    Raises:
        UserError: it is not the locked one, and nobody said to go on.
    """
    if os.environ.get(UNLOCKED) != "1":
        check_environment(lock)
        return []
    unlocked = [*differences(lock)]
    for difference in unlocked:
        print(f"warning: {difference}: the model is not reproducible.", file=sys.stderr)
    return unlocked
