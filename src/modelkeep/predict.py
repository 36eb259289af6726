"""`modelkeep predict`: add a model's predictions to a table."""

import argparse

from modelkeep.place import path_given


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `modelkeep predict` takes."""
    parser.add_argument("package", type=path_given, help="the directory of a package")
    parser.add_argument("source", type=path_given, help="a table, in a file or an archive")
    parser.add_argument(
        *("-o", "--out"),
        type=path_given,
        required=True,
        metavar="FILE",
        help="the .csv or .parquet file to write",
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


def run(args: argparse.Namespace) -> int:
    """Predict the rows of `args.source` with a package, and write them to `args.out`.

    Raises:
        UserError: the package or the table cannot be used; nothing was written.
    """
    from modelkeep.batch import predict_file
    from modelkeep.registry.vouching import vouched

    trust_code = args.trust_code or vouched(args.package)
    rows = predict_file(
        *(args.package, args.source, args.out, trust_code),
        encoding=args.encoding,
        explained=args.explain,
    )
    print(f"{args.out}: {rows} rows")
    return 0
