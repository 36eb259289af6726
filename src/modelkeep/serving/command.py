"""`serve`: answer over HTTP with the version of a stage, a version, or a package directory."""

import argparse
import os
import shutil
import socket
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from modelkeep.look import web_address
from modelkeep.place import path_given, path_or_word
from modelkeep.registry.command import add_allowed_signers
from modelkeep_core.errors import UserError
from modelkeep_core.installing import install

if TYPE_CHECKING:
    from modelkeep.serving.current import Current

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
    add_allowed_signers(parser)
    parser.add_argument("--model", metavar="NAME", help="the model, where there are several")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (127.0.0.1)")
    parser.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="a name by which a server on 127.0.0.1 without a key may be called, such as a proxy's",
    )
    parser.add_argument(
        "--site",
        type=web_address,
        metavar="URL",
        help="where the page of all versions is, for the server's page to link to",
    )
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
        UserError: the options do not go together, the address cannot be had, or the package cannot
            be had or served.
    """
    if args.follow and not args.stage:
        raise UserError("--follow needs --stage: a version and a directory do not change.")
    if args.allowed_signers and args.package:
        raise UserError("--allowed-signers is for --stage and --version: a directory has no tag.")
    if args.trust_code and not args.package:
        raise UserError("--trust-code is for --package: Git vouches for the versions it has.")
    _check_installed()
    from modelkeep.serving.access import LOCAL
    from modelkeep.serving.listening import bound, held, on_loopback
    from modelkeep.serving.options import API_KEY, api_key

    key = api_key()
    # An address that cannot be had is told before anything is loaded or written.
    with bound(args.host, args.port) as sockets:
        port = sockets[0].getsockname()[1]
        local = on_loopback(sockets)
        if args.package:
            _load(_from_directory(args))
        with held(args.data, port):
            if key is None and not local:
                print(
                    f"note: everybody who reaches port {port} of this machine may ask, since no "
                    f"key is set in {API_KEY}.",
                    file=sys.stderr,
                )
            hosts = [*LOCAL, *args.allow_host] if key is None and local else None
            _serve(args, sockets, port, hosts)
    return 0


def _serve(
    args: argparse.Namespace, sockets: list[socket.socket], port: int, hosts: list[str] | None
) -> None:
    """Find the package, check it, and serve it at an address that was taken.

    Raises:
        UserError: the package cannot be had or served, or the records cannot be written.
    """
    from modelkeep.serving.listening import open_to, serve
    from modelkeep.serving.options import Settings
    from modelkeep.serving.recording import Records

    # Servers of several stages may share a directory, and never a port.
    path = args.data / f"current-{port}.json"
    follower = None
    if args.package:
        current = _from_directory(args)
    else:
        from modelkeep.serving.follow import AT_START, PATIENCE, Follower, Source

        source = Source(
            args.repo or ".",
            args.model,
            args.stage,
            args.version,
            args.data / "packages",
            args.allowed_signers,
        )
        # What comes later is followed, if anything is.
        current = source.at_start(path, AT_START if args.follow else PATIENCE)
        if args.follow:
            current = replace(current, every=args.every)
            follower = Follower(source, current, path, args.every)
        # Before any worker starts, one sentence says what is wrong.
        _load(current)
    records = args.data / "records.sqlite"
    Records(records).close()
    open_to(sockets, args.host)
    current.write(path)
    Settings(
        current=str(path),
        records=str(records),
        keep_inputs=not args.no_inputs,
        keep_days=args.keep_days,
        max_rows=args.max_rows,
        max_bytes=int(args.max_body * MEBIBYTE),
        timeout=args.timeout,
        hosts=hosts,
        site=args.site,
    ).hand_over()
    if args.workers > 1:
        _share_numbers(args.data / f"numbers-{port}")
    if follower:
        follower.start()
    serve(sockets, args.host, args.workers, args.timeout)


def _from_directory(args: argparse.Namespace) -> "Current":
    from modelkeep.serving.current import Current

    return Current(str(args.package), trust_code=_trusted(args.package, args.trust_code))


def _load(current: "Current") -> None:
    """Make sure that a package can be served.

    Raises:
        UserError: it cannot.
    """
    from modelkeep.serving.served import load

    load(Path(current.package), current.version, current.trust_code)


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
            + install("'modelkeep[serving]'")
            + ", or -r requirements-serving.lock."
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
