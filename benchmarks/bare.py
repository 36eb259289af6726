"""Run the stages of a project in one process: `python bare.py "python -m pipeline.train ..." ...`.

The arguments are the commands of dvc.yaml. Each command's module is run as `python -m` runs it, so
that the work and the outputs are those of `dvc repro`; what is left out is DVC, and starting Python
anew.
"""

import runpy
import shlex
import sys
from pathlib import Path


def main() -> None:
    """Run each command's module, in order, in the working directory."""
    commands = [shlex.split(command) for command in sys.argv[1:]]
    sys.path[0] = str(Path.cwd())
    for _python, _dash_m, module, *arguments in commands:
        sys.argv = [module, *arguments]
        runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
