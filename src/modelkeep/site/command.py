"""`site`: a static site of all versions of all models, made from Git objects."""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from modelkeep.look import web_address
from modelkeep.place import path_given, path_or_word
from modelkeep_core.errors import UserError
from modelkeep_core.visible import visible

EXAMPLE = "2026-01-31"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's own options."""
    parser.add_argument("out", type=path_given, metavar="DIR", help="the directory of the site")
    parser.add_argument("--model", metavar="NAME", help="only one of several models")
    parser.add_argument(
        "--repo",
        metavar="DIR|URL",
        type=path_or_word,
        help="another Git repository, bare or not (default: this one)",
    )
    parser.add_argument(
        "--since",
        metavar="DATE",
        help="only versions registered from then on (UTC), and those that are in a stage",
    )
    parser.add_argument(
        "--experiments", action="store_true", help="also the experiments that DVC keeps here"
    )
    parser.add_argument(
        "--server",
        type=web_address,
        metavar="URL",
        help="where a prediction server is, for the site to link to",
    )
    parser.add_argument(
        "--report",
        action="append",
        default=[],
        type=path_given,
        metavar="FILE",
        help="what `modelkeep monitor report --json` or `monitor actuals --json` printed",
    )
    parser.add_argument(
        "--check-remote",
        action="store_true",
        help="ask the DVC remote for the bytes of each version; else it is not said where they are",
    )
    parser.add_argument(
        "--attestations",
        type=path_given,
        metavar="DIR",
        help="where the files are that `modelkeep verify --attest` wrote",
    )


def run(args: argparse.Namespace) -> int:
    """Write the site, and print what is in it.

    Returns:
        The exit status: 0.

    Raises:
        UserError: there is no version, the repository does not know all of them, or the directory
            or a file that is given cannot be used.
    """
    from modelkeep.registry.believed import check_history, doubts
    from modelkeep.registry.catalogue import Catalogue
    from modelkeep.registry.git import opened
    from modelkeep.site.attestations import read_attestations
    from modelkeep.site.live import read_reports
    from modelkeep.site.writing import check_target, write_site

    check_target(args.out)
    since = None if args.since is None else _moment(args.since)
    reports, proofs = read_reports(args.report), read_attestations(args.attestations)
    with opened(args.repo or ".") as git:
        check_history(git)
        catalogue = Catalogue(git, args.model)
        for line in doubts(catalogue):
            print(f"note: {visible(line)}", file=sys.stderr)
        written = write_site(
            *(catalogue, args.out, since, args.experiments, reports, proofs),
            check_remote=args.check_remote,
            server=args.server,
        )
    print(
        f"{_counted(written.versions)}, {written.new} of them new, {_size(args.out, written.size)}"
    )
    return 0


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UserError(f"--since: '{text}' is no date like {EXAMPLE}.") from None
    # The same command gives the same site in every time zone.
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _counted(versions: int) -> str:
    return f"{versions} version{'' if versions == 1 else 's'}"


def _size(out: Path, size: int) -> str:
    return f"{size / 1000:,.0f} kB in all: open {(out / 'index.html').as_posix()}"
