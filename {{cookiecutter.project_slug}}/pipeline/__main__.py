"""What can be done with the line beyond `dvc repro`: `python -m pipeline predict`."""

import argparse
from pathlib import Path

from pipeline.predict import predict_file
from pipeline.refusal import told


def main() -> None:
    """Read the command line and run the command."""
    parser = argparse.ArgumentParser(prog="python -m pipeline", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    predict = commands.add_parser("predict", help="score the rows of a file with a package")
    predict.add_argument("package", type=Path, help="a package directory")
    predict.add_argument("source", type=Path, help="a .csv or .parquet file")
    predict.add_argument("-o", "--out", type=Path, required=True, help="the file to write")
    args = parser.parse_args()
    rows = predict_file(args.package, args.source, args.out)
    print(f"{args.out}: {rows} rows")


if __name__ == "__main__":
    with told():
        main()
