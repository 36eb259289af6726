"""Serve a model over HTTP: what a stage holds, a version, or a package directory."""

import argparse
import os
import shutil
import sys
from pathlib import Path

import uvicorn

from pipeline.refusal import told
from serving.counters import SHARED
from serving.current import Current
from serving.live import load
from serving.options import Settings

MEBIBYTE = 1024 * 1024


def arguments(words: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m serving", description=__doc__)
    served = parser.add_mutually_exclusive_group(required=True)
    served.add_argument("--stage", help="serve what a stage holds, such as prod")
    served.add_argument("--version", metavar="REF", help="serve a version, such as v1.2.0")
    served.add_argument("--package", metavar="DIR", type=Path, help="serve a package directory")
    parser.add_argument("--follow", action="store_true", help="change over when the stage does")
    parser.add_argument(
        "--every", metavar="SECONDS", type=_positive, default=10.0, help="how often to look (10)"
    )
    parser.add_argument(
        "--repo", default=".", metavar="DIR|URL", help="the Git repository of the versions (.)"
    )
    parser.add_argument("--model", metavar="NAME", help="the model, where there are several")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=int, default=8000, help="the port (8000)")
    parser.add_argument("--workers", type=int, default=1, help="processes that answer (1)")
    parser.add_argument(
        "--data", metavar="DIR", type=Path, default=Path("var"), help="records and packages (var)"
    )
    parser.add_argument(
        "--no-inputs", action="store_true", help="record what was answered, not what was asked"
    )
    parser.add_argument(
        "--keep-days", metavar="DAYS", type=_positive, help="delete older records (never)"
    )
    parser.add_argument(
        "--max-rows", metavar="N", type=int, default=10_000, help="of one request (10000)"
    )
    parser.add_argument(
        "--max-body", metavar="MIB", type=_positive, default=4.0, help="of one request (4)"
    )
    parser.add_argument(
        "--timeout", metavar="SECONDS", type=_positive, default=30.0, help="of one request (30)"
    )
    args = parser.parse_args(words)
    if args.follow and not args.stage:
        parser.error("--follow needs --stage: a version and a directory do not change")
    if args.workers < 1 or args.max_rows < 1:
        parser.error("--workers and --max-rows must be at least 1")
    return args


def _positive(text: str) -> float:
    """Return a number above zero.

    Raises:
        ValueError: it is none; argparse says so.
    """
    number = float(text)
    if not 0 < number < float("inf"):
        raise ValueError
    return number


def main() -> None:
    """Find the package, check it, and serve it until a signal ends the server."""
    args = arguments(sys.argv[1:])
    # Servers of several stages may share a directory, and never a port.
    current = args.data / f"current-{args.port}.json"
    follower = None
    if args.package:
        found = Current(str(args.package))
    else:
        # An image has a package, and no registry.
        from serving.follow import Follower, Source

        source = Source(args.repo, args.model, args.stage, args.version, args.data / "packages")
        found = source.current()
        follower = Follower(source, found, current, args.every) if args.follow else None
    # Before any worker starts, one sentence says what is wrong.
    load(Path(found.package), found.version)
    found.write(current)
    Settings(
        current=str(current),
        records=str(args.data / "records.sqlite"),
        keep_inputs=not args.no_inputs,
        keep_days=args.keep_days,
        max_rows=args.max_rows,
        max_bytes=int(args.max_body * MEBIBYTE),
        timeout=args.timeout,
    ).hand_over()
    if args.workers > 1:
        _share_numbers(args.data / f"numbers-{args.port}")
    if follower:
        follower.start()
    uvicorn.run(
        "serving.app:create",
        factory=True,
        host=args.host,
        port=args.port,
        workers=args.workers,
        # Its lines would hold the addresses of those who ask.
        access_log=False,
        timeout_graceful_shutdown=int(args.timeout) + 1,
        proxy_headers=False,
        server_header=False,
    )


def _share_numbers(directory: Path) -> None:
    """Let the workers keep their numbers where each of them can tell the sums of all."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    os.environ[SHARED] = str(directory)


if __name__ == "__main__":
    with told():
        main()
