"""What the commands of the registry have in common: their options, and how they are run."""

import argparse
import sys
from types import ModuleType

from modelkeep.place import path_given, path_or_word
from modelkeep.text import as_json
from modelkeep_core.visible import visible

READING = ("list", "show", "diff", "lineage", "history", "fsck")
WITHOUT_REF = ("register", "list", "history", "gc")
NOTE = "REF is a version (v1.2.0), a stage (prod), a Git revision, or the beginning of a recipe id."


def add_common(parser: argparse.ArgumentParser, name: str) -> None:
    """Add the options that a command has besides its own."""
    if name not in WITHOUT_REF:
        parser.epilog = NOTE
    parser.add_argument("--model", metavar="NAME", help="the model, where there are several")
    if name in READING:
        parser.add_argument("--json", action="store_true", help="print data, not a table")
    if name in (*READING, "fetch"):
        parser.add_argument(
            "--repo",
            metavar="DIR|URL",
            type=path_or_word,
            help="another Git repository, bare or not (default: this one)",
        )
    if name == "fetch":
        add_allowed_signers(parser)


def add_allowed_signers(parser: argparse.ArgumentParser) -> None:
    """Add the option that names a file of allowed signers."""
    parser.add_argument(
        "--allowed-signers",
        metavar="FILE",
        type=path_given,
        help="take only what these have signed, whatever the repository says",
    )


def run(module: ModuleType, args: argparse.Namespace) -> int:
    """Open the catalogue, run a command's `run(catalogue, args)`, and print what it returns.

    Returns:
        The exit status: 0, or what the command's `status(data)` says where it has one.

    Raises:
        UserError: the repository or what the command asks for cannot be used.
    """
    from modelkeep.registry.believed import doubts
    from modelkeep.registry.catalogue import Catalogue
    from modelkeep.registry.git import opened
    from modelkeep.registry.trust import Trust

    with opened(getattr(args, "repo", None) or ".") as git:
        trust = Trust(git, getattr(args, "allowed_signers", None))
        catalogue = Catalogue(git, args.model, trust)
        for line in doubts(catalogue):
            print(f"note: {visible(line)}", file=sys.stderr)
        data, shown = module.run(catalogue, args)
    print(as_json(data) if getattr(args, "json", False) else visible(shown))
    return module.status(data) if hasattr(module, "status") else 0
