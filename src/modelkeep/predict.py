"""`modelkeep predict`: add a model's predictions to a table, or to a directory of tables."""

import argparse
import os
import re
from pathlib import Path

from modelkeep.place import path_given, table_given
from modelkeep.scoring.afar import is_url
from modelkeep.text import counted
from modelkeep_core.errors import UserError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `modelkeep predict` takes."""
    parser.add_argument("package", type=path_given, help="the directory of a package")
    parser.add_argument(
        "source",
        type=_source,
        help="a table, or a directory of tables: a path, also of what DVC has not checked out, "
        "or a URL such as s3://bucket/path; - is standard input",
    )
    parser.add_argument(
        *("-o", "--out"),
        type=_target,
        required=True,
        metavar="FILE",
        help="the .csv or .parquet file to write, or a directory for parts; or a URL of one",
    )
    parser.add_argument(
        "--encoding",
        metavar="NAME",
        help="how the letters of the table are written, such as cp1251; default: as its bytes say",
    )
    parser.add_argument(
        "--trust-code",
        action="store_true",
        help="run code that the package carries; what Git has at HEAD is trusted without it",
    )
    parser.add_argument(
        "--explain",
        action="store_true",
        help="add what each feature contributes to each prediction, where that is exact",
    )
    parser.add_argument(
        "--bad-rows",
        type=path_given,
        metavar="FILE",
        help="leave out rows that break the schema, and write their cells to this .csv file",
    )
    parser.add_argument(
        "--processes",
        type=_count,
        metavar="N",
        help="how many processes compute; default: MODELKEEP_PROCESSES, or one for each processor",
    )
    parser.add_argument(
        "--shard",
        metavar="I/N",
        help="score the I-th of N shares of the parts, such as 2/8, into a directory",
    )
    parser.add_argument(
        "--manifest",
        type=path_given,
        metavar="FILE",
        help="write what was scored by what to this .json file; a directory has it anyway",
    )


def run(args: argparse.Namespace) -> int:
    """Predict the rows of `args.source` with a package, and write them to `args.out`.

    Raises:
        UserError: the package or the table cannot be used; nothing was written.
    """
    from modelkeep.batch import ALL, Shard, predict_file
    from modelkeep.registry.vouching import vouched
    from modelkeep_core.workers import PROCESSES

    shard = ALL if args.shard is None else Shard(*_shard(args.shard))
    if args.processes is not None:
        os.environ[PROCESSES] = str(args.processes)
    trust_code = args.trust_code or vouched(args.package)
    rows = predict_file(
        *(args.package, args.source, args.out, trust_code),
        encoding=args.encoding,
        explained=args.explain,
        bad_rows=args.bad_rows,
        manifest=args.manifest,
        shard=shard,
    )
    print(f"{args.out}: {counted(rows, 'row')}")
    return 0


def _source(text: str) -> Path | str:
    """Return what is to be scored: a URL, the standard input, or a path."""
    return table_given(text) if text == "-" else _place(text)


def _target(text: str) -> Path | str:
    """Return where to write.

    Raises:
        ArgumentTypeError: it is the standard output.
    """
    if text == "-":
        raise argparse.ArgumentTypeError("a table is written to a file, not to standard output")
    return _place(text)


def _place(text: str) -> Path | str:
    """Return a URL as it is, and a path as it is from the root of the project."""
    return text if is_url(text) else path_given(text)


def _count(text: str) -> int:
    """Return a number of processes.

    Raises:
        ArgumentTypeError: it is none.
    """
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is no number of processes, 1 or more")
    return int(text)


def _shard(text: str) -> tuple[int, int]:
    """Return the number of a share and how many there are.

    Raises:
        UserError: it is no share.
    """
    match = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
    number, total = map(int, match.groups()) if match else (0, 0)
    if not 1 <= number <= total:
        raise UserError(f"--shard {text}: write the share and how many there are, such as 2/8.")
    return number, total
