"""`modelkeep adopt`: put your own data in the place of the sample."""

import argparse

from modelkeep.place import check_project, table_given


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `modelkeep adopt` takes."""
    parser.add_argument(
        "source", type=table_given, help="a file, an archive or a directory; - is standard input"
    )
    parser.add_argument("--target", required=True, metavar="COLUMN", help="what to predict")
    parser.add_argument(
        "--task", choices=["classification", "regression"], help="default: what the target says"
    )
    parser.add_argument(
        "--drop",
        nargs="+",
        default=[],
        action="extend",
        metavar="COLUMN",
        help="columns that the model must not use",
    )
    parser.add_argument(
        "--time", metavar="COLUMN", help="a time: the model is tested on the latest rows"
    )
    parser.add_argument(
        "--group",
        metavar="COLUMN",
        help="a group, such as a customer, is in training or test as a whole",
    )
    parser.add_argument(
        "--encoding",
        metavar="NAME",
        help="how the letters of the file are written, such as cp1251; default: what its bytes say",
    )
    for option, metavar, meaning in (
        (
            "--keep",
            "TEXT",
            "texts that are values, not empty cells, such as NA; in one column: COLUMN=TEXT",
        ),
        ("--empty", "TEXT", "texts that are empty cells, such as -999; in one column: COLUMN=TEXT"),
        ("--format", "COLUMN=FORMAT", "how the dates of a column are written: day=%%d/%%m/%%Y"),
    ):
        parser.add_argument(
            option, nargs="+", default=[], action="extend", metavar=metavar, help=meaning
        )
    parser.add_argument("--dry-run", action="store_true", help="show, and change nothing")


def run(args: argparse.Namespace) -> int:
    """Adopt the tables at `args.source`, and say what they were taken for.

    Raises:
        UserError: it cannot be done, and nothing was changed.
    """
    check_project()
    from modelkeep.adopt.adopting import adopt
    from modelkeep.adopt.options import Options

    options = Options(
        *(args.target, args.task, args.drop, args.time, args.group),
        *(args.keep, args.empty, args.format),
    )
    adopt(args.source, options, args.dry_run, encoding=args.encoding)
    return 0
