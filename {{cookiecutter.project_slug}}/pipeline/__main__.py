"""What can be done with the line beyond `dvc repro`: `python -m pipeline adopt` and `predict`."""

import argparse
from pathlib import Path

from pipeline.refusal import told


def main() -> None:
    """Read the command line and run the command."""
    parser = argparse.ArgumentParser(prog="python -m pipeline", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    adopt = commands.add_parser("adopt", help="put your own data in the place of the sample")
    adopt.add_argument("source", type=Path, help="a file, an archive or a directory of tables")
    adopt.add_argument("--target", required=True, metavar="COLUMN", help="what to predict")
    adopt.add_argument(
        "--task", choices=["classification", "regression"], help="default: by target"
    )
    adopt.add_argument(
        "--drop", nargs="+", default=[], action="extend", metavar="COLUMN", help="no features"
    )
    adopt.add_argument("--time", metavar="COLUMN", help="the latest rows test the model")
    adopt.add_argument("--group", metavar="COLUMN", help="whole groups test the model")
    adopt.add_argument("--dry-run", action="store_true", help="show, and change nothing")
    predict = commands.add_parser("predict", help="score the rows of a file with a package")
    predict.add_argument("package", type=Path, help="a package directory")
    predict.add_argument("source", type=Path, help="a table, in a file or an archive")
    predict.add_argument("-o", "--out", type=Path, required=True, help="a .csv or .parquet file")
    args = parser.parse_args()
    if args.command == "adopt":
        run_adopt(args)
    else:
        run_predict(args)


def run_adopt(args: argparse.Namespace) -> None:
    """Put a person's own data in place."""
    from adoption.adopt import adopt
    from adoption.planning import Wishes

    wishes = Wishes(args.target, args.task, args.drop, args.time, args.group)
    adopt(args.source, wishes, args.dry_run)


def run_predict(args: argparse.Namespace) -> None:
    """Score the rows of a file."""
    from pipeline.predict import predict_file

    rows = predict_file(args.package, args.source, args.out)
    print(f"{args.out}: {rows} rows")


if __name__ == "__main__":
    with told():
        main()
