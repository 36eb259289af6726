"""`export`: write the versions of the models to where others look for them."""

import argparse

from modelkeep.place import path_or_word
from modelkeep_core.errors import UserError

EXAMPLE = "http://localhost:5000"
TARGETS = {"mlflow": "one run and one model version in MLflow for each version, an alias per stage"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the targets and their options."""
    targets = parser.add_subparsers(required=True, metavar="TARGET", dest="target")
    meaning = TARGETS["mlflow"]
    own = targets.add_parser(
        "mlflow", help=meaning, description=f"{meaning[0].upper()}{meaning[1:]}."
    )
    own.add_argument("uri", metavar="URI", help=f"the tracking server, such as {EXAMPLE}")
    own.add_argument(
        "--prefix",
        default="",
        metavar="TEXT",
        help="what the names of the models begin with there (default: nothing)",
    )
    own.add_argument("--model", metavar="NAME", help="only one of several models")
    own.add_argument(
        "--repo",
        metavar="DIR|URL",
        type=path_or_word,
        help="another Git repository, bare or not (default: this one)",
    )


def run(args: argparse.Namespace) -> int:
    """Write what is missing there, and print what was done.

    Returns:
        The exit status: 0.

    Raises:
        UserError: the server cannot be used, or bytes of a version are nowhere.
    """
    if not args.uri.startswith(("http://", "https://")):
        raise UserError(
            f"'{args.uri}' is no tracking server of MLflow: give an address such as {EXAMPLE}."
        )
    from modelkeep.export.tracking import Tracking
    from modelkeep.registry.catalogue import Catalogue
    from modelkeep.registry.git import opened
    from modelkeep_core.visible import visible

    with opened(args.repo or ".") as git:
        catalogue = Catalogue(git, args.model)
        if not catalogue.models:
            raise UserError("there is no version to export: `modelkeep register` makes one.")
        for model in catalogue.models:
            done = Tracking(args.uri, catalogue, model, args.prefix).follow()
            print(visible(f"{done.name}: {done.described()}"))
    return 0
