"""The command `modelkeep`, as `python -m modelkeep`."""

import sys

from modelkeep.cli import main

if __name__ == "__main__":
    sys.exit(main())
