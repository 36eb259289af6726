"""`serve`: answer over HTTP with the version of a stage, a version, or a package directory."""

import argparse
import os
import shutil
from importlib.util import find_spec
from pathlib import Path

from modelkeep.place import path_given, path_or_word
from modelkeep_core.errors import UserError

MEBIBYTE = 1024 * 1024


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's options."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--stage", help="serve the version that a stage is assigned, such as prod")
    what.add_argument("--version", metavar="REF", help="serve a version, such as v1.2.0")
    what.add_argument("--package", metavar="DIR", type=path_given, help="serve a package directory")
    parser.add_argument(
        "--trust-code",
        action="store_true",
        help="run the project code in the package directory even if Git does not vouch for it",
    )
    parser.add_argument(
        "--follow", action="store_true", help="change over when the stage is assigned another one"
    )
    parser.add_argument(
        "--every", metavar="SECONDS", type=_positive, default=10.0, help="how often to look (10)"
    )
    parser.add_argument(
        "--repo",
        type=path_or_word,
        metavar="DIR|URL",
        help="the Git repository of the versions (.)",
    )
    parser.add_argument("--model", metavar="NAME", help="the model, where there are several")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (127.0.0.1)")
    parser.add_argument("--port", metavar="PORT", type=_port, default=8000, help="the port (8000)")
    parser.add_argument("--workers", type=_count, default=1, help="processes that answer (1)")
    parser.add_argument(
        "--data",
        metavar="DIR",
        type=path_given,
        default=Path("var"),
        help="records and packages (var)",
    )
    parser.add_argument(
        "--no-inputs", action="store_true", help="record what was answered, not what was asked"
    )
    parser.add_argument(
        "--keep-days", metavar="DAYS", type=_positive, help="delete older records (never)"
    )
    parser.add_argument(
        "--max-rows", metavar="N", type=_count, default=10_000, help="of one request (10000)"
    )
    parser.add_argument(
        "--max-body", metavar="MIB", type=_positive, default=4.0, help="of one request (4)"
    )
    parser.add_argument(
        "--timeout", metavar="SECONDS", type=_positive, default=30.0, help="of one request (30)"
    )


def run(args: argparse.Namespace) -> int:
    """Find the package, check it, and serve it until a signal ends the server.

    Raises:
        UserError: the options do not go together, or the package cannot be had or served.
    """
    if args.follow and not args.stage:
        raise UserError("--follow needs --stage: a version and a directory do not change.")
    if args.trust_code and not args.package:
        raise UserError("--trust-code is for --package: Git vouches for the versions it has.")
    _check_installed()
    import uvicorn

    from modelkeep.serving.current import Current
    from modelkeep.serving.options import Settings
    from modelkeep.serving.served import load

    # Servers of several stages may share a directory, and never a port.
    path = args.data / f"current-{args.port}.json"
    follower = None
    if args.package:
        current = Current(str(args.package), trust_code=_trusted(args.package, args.trust_code))
    else:
        from modelkeep.serving.follow import Follower, Source

        source = Source(
            args.repo or ".", args.model, args.stage, args.version, args.data / "packages"
        )
        current = source.current()
        follower = Follower(source, current, path, args.every) if args.follow else None
    # Before any worker starts, one sentence says what is wrong.
    load(Path(current.package), current.version, current.trust_code)
    current.write(path)
    Settings(
        current=str(path),
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
        "modelkeep.serving.app:create",
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
    return 0


def _trusted(package: Path, trust_code: bool) -> bool:
    """Say whether the project code that a package directory carries may run, if it carries any."""
    from modelkeep_core.project_code import CODE

    if trust_code or not (package / CODE).is_dir():
        return trust_code
    # An image has a package, and no registry.
    from modelkeep.registry.vouching import vouched

    return vouched(package)


def _check_installed() -> None:
    """Make sure that what a server needs is installed.

    Raises:
        UserError: it is not.
    """
    missing = [name for name in ("fastapi", "uvicorn") if find_spec(name) is None]
    if missing:
        raise UserError(
            f"{' and '.join(missing)} is not installed, which a server needs: "
            "python -m pip install 'modelkeep[serving]', or -r requirements-serving.lock."
        )


def _share_numbers(directory: Path) -> None:
    """Let the workers keep their numbers where each of them can tell the sums of all."""
    from modelkeep.serving.counters import SHARED

    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    os.environ[SHARED] = str(directory)


def _port(text: str) -> int:
    """Return the number of a port; 0 lets the system choose one.

    Raises:
        ArgumentTypeError: it is none.
    """
    if not (text.isascii() and text.isdigit() and int(text) < 2**16):
        raise argparse.ArgumentTypeError(f"'{text}' is no port: it is a number from 0 to 65535")
    return int(text)


def _positive(text: str) -> float:
    """Return a number above zero.

    Raises:
        ValueError: it is none; argparse says so.
    """
    number = float(text)
    if not 0 < number < float("inf"):
        raise ValueError(text)
    return number


def _count(text: str) -> int:
    """Return a whole number above zero.

    Raises:
        ValueError: it is none; argparse says so.
    """
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number
