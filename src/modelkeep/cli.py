"""The command `modelkeep`: all that is done with a model around the stages that make it."""

import argparse
import importlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from modelkeep import __version__
from modelkeep.place import enter_project, path_given, path_or_word, table_given
from modelkeep.streams import lasting_streams
from modelkeep_core import __version__ as core_version
from modelkeep_core.errors import UserError, described, suggestion

SHELLS = ("bash", "zsh", "tcsh")
INTERRUPTED = 130


@dataclass(frozen=True)
class Command:
    """A command, and the module with its `add_arguments` and its `run`.

    Attributes:
        module: the name of the module; it is imported only when the command is named.
        meaning: what the command does, in a few words.
        mistake: the exit status after a mistake.
    """

    module: str
    meaning: str
    mistake: int = 1


REGISTRY = {
    "register": "give the model of this commit a version number",
    "promote": "assign a version to a stage, if it passes the gate",
    "rollback": "assign an earlier version to a stage again",
    "list": "the versions of every model, newest first",
    "show": "everything about one version",
    "diff": "what changed between two versions, and what it did",
    "lineage": "what a version was made from, or the versions made from some data",
    "history": "what was assigned to a stage, when, by whom and why",
    "fetch": "put the package of a version into a directory",
    "restore": "put code, parameters, data and model of a version into a directory",
    "verify": "rebuild a version and prove that it is the same",
    "fsck": "check that the bytes of all versions are in the remote",
    "gc": "delete from the cache what no version, stage or branch needs",
}
# Commands whose names modules of the standard library have, and what their own modules are called
OTHERWISE = {"gc": "unneeded", "list": "listing"}
# Exit status 1 says something else than that there was a mistake.
MISTAKE_IS_2 = ("fsck",)
GROUPS = {
    "Your data and your model": {
        "adopt": Command("modelkeep.adopt.command", "put your own data in the place of the sample"),
        "predict": Command("modelkeep.predict", "add a model's predictions to a table"),
        "check": Command("modelkeep.check.command", "find what is wrong with the project", 2),
    },
    "Versions": {
        name: Command(
            f"modelkeep.registry.{OTHERWISE.get(name, name)}",
            meaning,
            2 if name in MISTAKE_IS_2 else 1,
        )
        for name, meaning in REGISTRY.items()
    }
    | {
        "site": Command("modelkeep.site.command", "make a static site of all versions"),
        "export": Command("modelkeep.export.command", "write all versions to where others look"),
    },
    "In use": {
        "serve": Command("modelkeep.serving.command", "serve a model over HTTP"),
        "monitor": Command(
            "modelkeep.monitoring.command", "compare what a server recorded with the reference", 2
        ),
    },
}
COMMANDS = {name: command for group in GROUPS.values() for name, command in group.items()}
NOTE = """\
`modelkeep COMMAND --help` tells more. Commands work in all directories of a
project. Whoever may push tags may release, unless signatures are asked for:
a command has no rights of its own."""


def main() -> int:
    """Run the command that the command line names, and return the exit status."""
    with lasting_streams():
        return _status()


def _status() -> int:
    mistake = 1
    try:
        enter_project()
        args = arguments(sys.argv[1:])
        mistake = COMMANDS[args.command].mistake
        return run(args)
    except KeyboardInterrupt:
        return INTERRUPTED
    except (UserError, OSError) as error:
        print(described(error), file=sys.stderr)
        return mistake
    except Exception:
        import traceback

        # Python would end with 1, whatever that means for the command.
        traceback.print_exc()
        return mistake


def arguments(words: Sequence[str]) -> argparse.Namespace:
    """Read the command line; only the module of the command that it names is imported."""
    named = next((word for word in words if not word.startswith("-")), None)
    parser = parser_of([named] if named in COMMANDS else [])
    if named is not None and named not in COMMANDS and named not in SHELLS:
        parser.error(
            f"there is no command '{named}'{suggestion(named, COMMANDS)}; `modelkeep --help` "
            "lists them"
        )
    args, strange = parser.parse_known_args(words)
    if strange and args.command is not None:
        parser.error(
            f"{args.command} does not take {' '.join(strange)}; `modelkeep {args.command} --help` "
            "says what it takes"
        )
    if strange:
        parser.error(f"unrecognized arguments: {' '.join(strange)}")
    if args.command is None:
        parser.error("a command is missing; `modelkeep --help` lists them")
    return args


def run(args: argparse.Namespace) -> int:
    """Run the command of a command line that was read, and return its exit status."""
    module = _module(args.command)
    if args.command not in REGISTRY:
        return int(module.run(args))
    from modelkeep.registry import command

    return command.run(module, args)


def parser_of(names: Sequence[str], complete: bool = False) -> argparse.ArgumentParser:
    """Return the parser of the command line.

    Args:
        names: the commands whose modules are imported, so that the parser has their options; where
            there are some, it takes no others.
        complete: whether it is there to be completed by a shell, and not to print help.
    """
    parser = argparse.ArgumentParser(
        prog="modelkeep",
        usage="modelkeep [--help] [--version] [--print-completion SHELL] COMMAND ...",
        description=_overview(),
        epilog=NOTE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    versions = f"modelkeep {__version__} (modelkeep-core {core_version})"
    parser.add_argument("--version", action="version", version=versions)
    parser.add_argument(
        "--print-completion",
        action=_PrintCompletion,
        choices=SHELLS,
        help="print what lets a shell complete this command",
    )
    # The help lists the commands by group, which argparse cannot: for that, they have no help.
    hidden: dict[str, Any] = {} if complete else {"help": argparse.SUPPRESS}
    commands = parser.add_subparsers(metavar="COMMAND", dest="command", **hidden)
    for name in names or COMMANDS:
        meaning = COMMANDS[name].meaning
        listed: dict[str, Any] = {"help": meaning} if complete else {}
        own = commands.add_parser(
            name,
            prog=f"modelkeep {name}",
            description=f"{meaning[0].upper()}{meaning[1:]}.",
            **listed,
        )
        if name in names:
            _module(name).add_arguments(own)
            if name in REGISTRY:
                from modelkeep.registry.command import add_common

                add_common(own, name)
    return parser


def _module(name: str) -> ModuleType:
    return importlib.import_module(COMMANDS[name].module)


def _overview() -> str:
    """Return what the help says of the commands, by group."""
    width = max(map(len, COMMANDS))
    parts = [__doc__.partition(": ")[2].capitalize()]
    for title, commands in GROUPS.items():
        lines = (f"  {name:{width}}  {command.meaning}" for name, command in commands.items())
        parts.append("\n".join([f"{title}:", *lines]))
    return "\n\n".join(parts)


class _PrintCompletion(argparse.Action):
    """Print what a shell needs to complete the command line, with the options of all commands."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        """Import every command, print, and end the program."""
        import shtab

        whole = parser_of([*COMMANDS], complete=True)
        for action in _actions(whole):
            if action.type in (path_given, path_or_word, table_given):
                setattr(action, "complete", shtab.FILE)  # noqa: B010
        print(shtab.complete(whole, shell=values))
        parser.exit()


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Yield the arguments of a parser and of all parsers of its commands."""
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from _actions(below)
