"""What every stage runs inside: its arguments, the locked environment, the guard of its inputs."""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from modelkeep_core import guard, recording
from modelkeep_core.environment import check_environment
from modelkeep_core.errors import exit_on_user_error

# A stage is recorded from the moment it imports this module; DVC says which one it is.
STAGE = "DVC_STAGE"
if STAGE in os.environ:
    recording.record()


def name() -> str | None:
    """Return the name of the stage that DVC runs this process for, or None."""
    return os.environ.get(STAGE, "").rpartition(":")[2] or None


def run(main: Callable[[argparse.Namespace], None], *names: str) -> None:
    """Run a stage as dvc.yaml calls it, and end the program with one sentence where it fails.

    The environment must be the locked one. Under DVC, the stage fails at its end, before its
    outputs are kept, when it read a file of the project that is no dependency of it in dvc.yaml.

    Args:
        main: takes the arguments, each a path by its name.
        names: the arguments; "requirements", the locked environment, is one of every stage.
    """
    described = sys.modules["__main__"].__doc__
    parser = argparse.ArgumentParser(description=described)
    for option in (*names, "requirements"):
        flag = f"--{option.replace('_', '-')}"
        parser.add_argument(flag, type=Path, required=True, metavar="PATH")
    args = parser.parse_args()
    with exit_on_user_error():
        check_environment(args.requirements)
        main(args)
        if stage := name():
            guard.check(Path.cwd(), stage)
