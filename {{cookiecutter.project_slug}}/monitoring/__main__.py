"""Watch a model that serves: is its traffic what it was made for, is it as good as promised."""

import argparse
import importlib
import json
import os
import sys
import traceback
from datetime import datetime
from pathlib import Path

from monitoring.limits import Limits, count
from monitoring.store import opened
from monitoring.watched import read_watched
from monitoring.window import window
from pipeline.refusal import Refusal

# Each command is the module of its name.
COMMANDS = {
    "report": "compare traffic and predictions with what the model was made for",
    "outcomes": "keep what turned out to be true, and say how good the model is now",
    "collect": "write recorded inputs with their outcomes as new raw data",
}
JUDGING = ("report", "outcomes")
PACKAGE, RECORDS = Path("package"), Path("var", "records.sqlite")


def arguments(words: list[str]) -> argparse.Namespace:
    """Read the command line; only the module of the command that it names is imported."""
    parser = argparse.ArgumentParser(
        prog="python -m monitoring",
        description=__doc__,
        epilog="Exit status: 0 in order; 1 alarm; 2 not enough data to tell, or a mistake, which "
        "is told. WHEN is a date (2026-11-01, 2026-11-01T09:30) or how long ago (7d, 12h, 30m).",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")
    named = next((word for word in words if not word.startswith("-")), None)
    for name, meaning in COMMANDS.items():
        command = commands.add_parser(name, help=meaning, description=f"{meaning.capitalize()}.")
        if name == named:
            importlib.import_module(f"monitoring.{name}").add_arguments(command)
            _add_common(command, name)
    return parser.parse_args(words)


def _add_common(command: argparse.ArgumentParser, name: str) -> None:
    command.add_argument("--since", metavar="WHEN", help="only requests from then on")
    command.add_argument("--until", metavar="WHEN", help="only requests before then")
    if name in JUDGING:
        command.add_argument(
            "--rows",
            type=count,
            default=Limits.rows,
            metavar="N",
            help=f"how many rows it takes to judge ({Limits.rows})",
        )
    command.add_argument(
        "--package",
        type=Path,
        default=PACKAGE,
        metavar="DIR",
        help=f"the package that is served ({PACKAGE})",
    )
    command.add_argument(
        "--records",
        type=Path,
        default=RECORDS,
        metavar="FILE",
        help=f"where the server keeps its records ({RECORDS.as_posix()})",
    )
    command.add_argument("--json", action="store_true", help="print data, not a table")


def main() -> int:
    """Run the command and return its exit status."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")
    args = arguments(sys.argv[1:])
    span = window(args.since, args.until, datetime.now().astimezone())
    watched = read_watched(args.package)
    command = importlib.import_module(f"monitoring.{args.command}")
    with opened(args.records) as store:
        data, text, status = command.run(watched, store, span, args)
    shown = json.dumps(data, indent=2, ensure_ascii=False) if args.json else text
    try:
        print(shown, flush=True)
    except BrokenPipeError:
        # The reader, such as `head`, has seen enough; nothing is left to be flushed at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return status


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
    except (Refusal, OSError) as mistake:
        print(f"error: {mistake}", file=sys.stderr)
        sys.exit(2)
    except Exception:
        # Python would end with 1, which means an alarm.
        traceback.print_exc()
        sys.exit(2)
