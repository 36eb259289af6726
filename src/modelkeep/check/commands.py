"""The command of a stage → the Python code that it runs, and its words."""

import re
import shlex
from dataclasses import dataclass
from pathlib import PurePosixPath

OPERATORS = {"&&", "||", "|", ";", "&"}
REDIRECTS = {">", ">>", "<", "<<", ">|", "2>", "&>"}
PYTHON = re.compile(r"(.*/)?(python|pypy)[0-9.]*(\.exe)?|py")
# Options of Python that have a value behind them
VALUED = ("-W", "-X", "--check-hash-based-pycs")
VARIABLE = re.compile(r"[A-Za-z_]\w*=.*")


@dataclass(frozen=True)
class Command:
    """One program that a stage starts.

    Attributes:
        module: what `python -m` runs.
        script: the file that `python` runs.
        arguments: the words behind it, "--name=value" as two.
    """

    module: str | None
    script: str | None
    arguments: tuple[str, ...]

    def option(self, name: str) -> str | None:
        """Return the value of an option such as "--models"."""
        for word, value in zip(self.arguments, self.arguments[1:], strict=False):
            if word == name:
                return value
        return None

    @property
    def options(self) -> tuple[tuple[str, str], ...]:
        """Each option with its value, such as ("--models", "models")."""
        pairs = zip(self.arguments, self.arguments[1:], strict=False)
        return tuple(
            (name, value)
            for name, value in pairs
            if name.startswith("--") and not value.startswith("-")
        )

    @property
    def values(self) -> tuple[str, ...]:
        """The arguments that are no names of options."""
        return tuple(word for word in self.arguments if not word.startswith("-"))

    @property
    def name(self) -> str | None:
        """The last part of the module, or the script without its ending."""
        if self.module:
            return self.module.rpartition(".")[2]
        return PurePosixPath(self.script).stem if self.script else None


def commands_of(text: str) -> list[Command]:
    """Return the programs that a command line starts, one after the other."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    lexer.commenters = ""
    try:
        words = list(lexer)
    except ValueError:
        words = text.split()
    parts: list[list[str]] = [[]]
    for word in words:
        if word in OPERATORS:
            parts.append([])
        elif word not in REDIRECTS:
            parts[-1].append(word)
    return [_command(part) for part in parts if part]


def _command(words: list[str]) -> Command:
    start = next((place for place, word in enumerate(words) if PYTHON.fullmatch(word)), None)
    if start is None:
        program = [word for word in words if not VARIABLE.fullmatch(word)]
        # A program of the project, such as ./run.sh, is a file that the stage reads.
        return Command(None, None, _split(program if "/" in "".join(program[:1]) else program[1:]))
    rest = words[start + 1 :]
    while rest and rest[0].startswith("-") and rest[0] != "-m":
        rest = rest[2 if rest[0] in VALUED else 1 :]
    if rest[:1] == ["-m"] and len(rest) > 1:
        return Command(rest[1], None, _split(rest[2:]))
    if rest and rest[0].endswith(".py"):
        return Command(None, rest[0], _split(rest[1:]))
    return Command(None, None, _split(rest))


def _split(words: list[str]) -> tuple[str, ...]:
    split: list[str] = []
    for word in words:
        name, sign, value = word.partition("=")
        split += [name, value] if sign and name.startswith("--") else [word]
    return tuple(split)
