"""Find, compare, explain, release and restore versions of the models: `python -m registry`."""

import argparse
import importlib
import json
import os
import sys

from pipeline.refusal import told
from registry.catalogue import Catalogue
from registry.git import opened

# Each command is the module of its name.
COMMANDS = {
    "list": "the versions of every model, newest first",
    "show": "everything about one version",
    "diff": "what changed between two versions, and what it did",
    "lineage": "what a version was made from, or which versions were made from some data",
    "history": "what was live in a stage, when, by whom and why",
    "register": "give the model of this commit a version number",
    "promote": "let a stage hold a version, if the version passes the gate",
    "rollback": "let a stage hold an older version again",
    "fetch": "put the package of a version into a directory",
    "restore": "put code, parameters, data and model of a version into a directory",
    "verify": "rebuild a version and prove that it is the same",
}
READING = ("list", "show", "diff", "lineage", "history")


def arguments(words: list[str]) -> argparse.Namespace:
    """Read the command line; only the module of the command that it names is imported."""
    parser = argparse.ArgumentParser(
        prog="python -m registry",
        description=__doc__,
        epilog="REF is a version (v1.2.0), a stage (prod), a Git revision, or the beginning of a "
        "recipe id. What Git lets a person do, this lets them do: it has no rights of its own.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")
    named = next((word for word in words if not word.startswith("-")), None)
    for name, meaning in COMMANDS.items():
        command = commands.add_parser(name, help=meaning, description=f"{meaning.capitalize()}.")
        if name == named:
            importlib.import_module(f"registry.{name}").add_arguments(command)
            _add_common(command, name)
    return parser.parse_args(words)


def _add_common(command: argparse.ArgumentParser, name: str) -> None:
    command.add_argument("--model", metavar="NAME", help="the model, where there are several")
    if name in READING:
        command.add_argument("--json", action="store_true", help="print data, not a table")
    if name in (*READING, "fetch"):
        command.add_argument(
            "--repo", default=".", metavar="DIR|URL", help="another Git repository, bare or not"
        )


def main() -> None:
    """Run the command."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")
    args = arguments(sys.argv[1:])
    with opened(getattr(args, "repo", ".")) as git:
        catalogue = Catalogue(git, args.model)
        data, text = importlib.import_module(f"registry.{args.command}").run(catalogue, args)
    as_data = getattr(args, "json", False)
    print(json.dumps(data, indent=2, ensure_ascii=False) if as_data else text, flush=True)


if __name__ == "__main__":
    try:
        with told():
            main()
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # The reader, such as `head`, has seen enough; nothing is left to be flushed at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
