"""`monitor`: compare what a server recorded with the reference, score it, collect new data."""

import argparse
import importlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from modelkeep.look import web_address
from modelkeep.monitoring import limits
from modelkeep.monitoring.limits import Limits, count
from modelkeep.place import path_given
from modelkeep.text import as_json
from modelkeep_core.visible import visible

PACKAGE, RECORDS = Path("package"), Path("var", "records.sqlite")
# The value of `collect --set` that stands for the time of the request
TIME = "@time"
NOTE = (
    "Exit status: 0 in order; 1 alarm; 2 not enough data to tell, or a mistake, which is told. "
    "WHEN is a date (2026-11-01, 2026-11-01T09:30) or how long ago (7d, 12h, 30m)."
)


@dataclass(frozen=True)
class Command:
    """A command of `monitor`; the module of its name has its `run`, and is imported to run it.

    Attributes:
        meaning: what the command does, in a few words.
        add_options: describes its own options.
        judges: whether it takes a number of rows to judge the model.
    """

    meaning: str
    add_options: Callable[[argparse.ArgumentParser], None]
    judges: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the commands and their options."""
    parser.epilog = NOTE
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="monitoring")
    for name, command in COMMANDS.items():
        meaning = command.meaning
        own = commands.add_parser(
            name,
            help=meaning,
            description=f"{meaning[0].upper()}{meaning[1:]}.",
            epilog=NOTE,
        )
        command.add_options(own)
        _add_common(own, command.judges)


def run(args: argparse.Namespace) -> int:
    """Run the command and print what it finds.

    Returns:
        The exit status: 0 in order, 1 alarm, 2 not enough data.

    Raises:
        UserError: the package, the records or what the command is given cannot be used.
    """
    from modelkeep.monitoring.reference import read_reference
    from modelkeep.monitoring.store import opened
    from modelkeep.monitoring.window import Window, window
    from modelkeep.registry.vouching import trusted

    span = window(args.since, args.until, datetime.now().astimezone())
    if args.monitoring == "forget":
        # A wrong date keeps nobody from being forgotten.
        span = Window(span.since, span.until)
    reference = read_reference(args.package, trusted(args.package, args.trust_code))
    command = importlib.import_module(f"modelkeep.monitoring.{args.monitoring}")
    with opened(args.records) as store:
        later = sum(store.models(Window(span.latest)).values()) if span.latest else 0
        if later:
            are = "request is" if later == 1 else "requests are"
            print(
                f"note: {later:,} {are} dated after {span.latest:%Y-%m-%d %H:%M}, when a clock was "
                "wrong, and left out: without --since they count.",
                file=sys.stderr,
            )
        data, text, status = command.run(reference, store, span, args)
    # Names and values come from whoever asked the server.
    print(as_json(data) if args.json else visible(text))
    return int(status)


def _add_common(parser: argparse.ArgumentParser, judges: bool) -> None:
    parser.add_argument("--since", metavar="WHEN", help="only requests from then on")
    parser.add_argument("--until", metavar="WHEN", help="only requests before then")
    if judges:
        parser.add_argument(
            "--rows",
            type=count,
            default=Limits.rows,
            metavar="N",
            help=f"how many rows it takes to judge ({Limits.rows})",
        )
    parser.add_argument(
        "--package",
        type=path_given,
        default=PACKAGE,
        metavar="DIR",
        help=f"the package that is served ({PACKAGE})",
    )
    parser.add_argument(
        "--records",
        type=path_given,
        default=RECORDS,
        metavar="FILE",
        help=f"where the server keeps its records ({RECORDS.as_posix()})",
    )
    parser.add_argument(
        "--trust-code",
        action="store_true",
        help="run metrics that the package carries; what Git has at HEAD is trusted without it",
    )
    parser.add_argument("--json", action="store_true", help="print data, not a table")


def _add_report(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--html", type=path_given, metavar="FILE", help="write a page with pictures too"
    )
    parser.add_argument(
        "--site",
        type=web_address,
        metavar="URL",
        help="where the page of all versions is, for the page to link to",
    )
    limits.add_arguments(parser)


def _add_actuals(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file",
        type=path_given,
        nargs="?",
        metavar="FILE",
        help="CSV or Parquet with the columns request_id, actual and, for requests of several "
        "rows, row, which counts from 0; without it, what is recorded already is scored",
    )


def _add_collect(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("out", type=path_given, metavar="FILE", help="a new file, .csv or .parquet")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="COLUMN=VALUE",
        help="the value of a column that is not recorded, since the model does not see it; "
        f"{TIME} is the time of the request",
    )
    parser.add_argument(
        "--without",
        type=path_given,
        metavar="PATH",
        help="leave out the rows that this file or directory has already, such as data/raw",
    )


def _add_forget(parser: argparse.ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument(
        "--where", metavar="COLUMN=VALUE", help="every request of which a row has this value"
    )
    which.add_argument(
        "--request", action="append", metavar="ID", help="a request; may be given several times"
    )


COMMANDS = {
    "report": Command(
        "compare what came in and what was predicted with the reference", _add_report, True
    ),
    "actuals": Command(
        "keep what turned out to be true, and compare the score with the reference score",
        _add_actuals,
        True,
    ),
    "collect": Command("write recorded inputs with their actuals as new data", _add_collect, False),
    "forget": Command(
        "erase recorded requests, and name the committed data that have such rows",
        _add_forget,
        False,
    ),
}
