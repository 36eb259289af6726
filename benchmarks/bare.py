"""Run the stages of a project in one process: `python bare.py "python -m pipeline.train ..." ...`.

The arguments are the commands of dvc.yaml. Each stage's own `main()` is called, so that the work
and the outputs are those of `dvc repro`; what is left out is DVC, and starting Python anew.
"""

import importlib
import shlex
import sys
from pathlib import Path


def main() -> None:
    """Call `main()` of each command's module, in order, in the working directory."""
    sys.path[0] = str(Path.cwd())
    for command in sys.argv[1:]:
        _python, _dash_m, module, *arguments = shlex.split(command)
        stage = importlib.import_module(module)
        sys.argv = [module, *arguments]
        stage.main()


if __name__ == "__main__":
    main()
