"""What a person says of their data, in terms of the columns that the data have."""

import shlex
from dataclasses import dataclass, field, replace

from modelkeep.adopt.reading import Hints
from modelkeep.adopt.target import Task
from modelkeep.intake.delimited import named
from modelkeep.text import fitted
from modelkeep_core.errors import UserError, suggestion
from modelkeep_core.visible import in_line

# How long a name may be in a list of names
WIDEST = 40


@dataclass(frozen=True)
class Options:
    """What a person says of their data; a column may be named as it stands in the file.

    Attributes:
        target, task, drop, time, group: what to predict, and which columns are no features.
        keep, empty: texts that are values, and texts that stand for nothing: in every column, or
            in one, as COLUMN=TEXT.
        formats: how dates are written, as COLUMN=FORMAT.
        of_columns: by option, the column and what is said of it; "" is every column. It follows
            from the three before, by the names in the header.
    """

    target: str
    task: Task | None = None
    drop: list[str] = field(default_factory=list)
    time: str | None = None
    group: str | None = None
    keep: list[str] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    formats: list[str] = field(default_factory=list)
    of_columns: dict[str, list[tuple[str, str]]] = field(default_factory=dict)

    def in_terms_of(self, header: list[str]) -> "Options":
        """Return the same with the names of the columns as they are in the header.

        Raises:
            UserError: there is no such column, or one is to be two things.
        """
        roles = {"--target": [self.target], "--drop": self.drop}
        roles |= {"--time": [self.time or ""], "--group": [self.group or ""]}
        columns: dict[str, list[str]] = {}
        for option, names in roles.items():
            columns[option] = [_in_header(name, header, option) for name in names if name]
        given = [name for names in columns.values() for name in dict.fromkeys(names)]
        for name in given:
            if given.count(name) > 1:
                raise UserError(
                    f"'{name}' cannot be two things at once: name it in one option only."
                )
        if self.time and self.group:
            raise UserError(
                "rows are split by time or by group, not by both: leave one of them out."
            )
        return replace(
            self,
            target=columns["--target"][0],
            drop=columns["--drop"],
            time=next(iter(columns["--time"]), None),
            group=next(iter(columns["--group"]), None),
            of_columns={
                "--keep": [_of_column(text, header) for text in self.keep],
                "--empty": [_of_column(text, header) for text in self.empty],
                "--format": [_of_format(text, header) for text in self.formats],
            },
        )

    def hints(self, name: str) -> Hints:
        """Return what is said of one column, by its name in the header."""
        empty = [text for column, text in self._pairs("--empty") if column in (name, "")]
        return Hints(
            frozenset(text for column, text in self._pairs("--keep") if column == name),
            frozenset(empty),
            tuple(form for column, form in self._pairs("--format") if column == name),
        )

    @property
    def kept_everywhere(self) -> list[str]:
        """The texts that are values in whichever column they are."""
        return [text for column, text in self._pairs("--keep") if not column]

    @property
    def texts(self) -> list[tuple[str, str, str]]:
        """The options, columns and texts that some cell must hold; "" is any column."""
        return [
            (option, column, text)
            for option in ("--keep", "--empty")
            for column, text in self._pairs(option)
        ]

    def _pairs(self, option: str) -> list[tuple[str, str]]:
        return self.of_columns.get(option, [])


def deciding(option: str, name: str, *values: str) -> str:
    """Return an option that decides on a column, as it is typed in a shell."""
    return " ".join([option, *(shlex.quote(f"{name}={value}") for value in values)])


def _of_column(text: str, header: list[str]) -> tuple[str, str]:
    """Return the column and the text of COLUMN=TEXT; "" where no column is named."""
    for place in (place for place, sign in enumerate(text) if sign == "="):
        for spelling in (text[:place], *named([text[:place]])):
            if spelling in header:
                return spelling, text[place + 1 :].strip()
    return "", text.strip()


def _of_format(text: str, header: list[str]) -> tuple[str, str]:
    """Return the column and the format of COLUMN=FORMAT.

    Raises:
        UserError: no column is named.
    """
    column, form = _of_column(text, header)
    if not column:
        name, equals, _ = text.partition("=")
        if equals:
            _in_header(name, header, "--format")
        raise UserError(f"--format: '{text}' must be COLUMN=FORMAT, such as day=%d/%m/%Y.")
    return column, form


def _in_header(name: str, header: list[str], option: str) -> str:
    for spelling in (name, *named([name])):
        if spelling in header:
            return spelling
    shown = ", ".join(fitted(in_line(known), WIDEST).rstrip() for known in header[:12])
    shown += ", ..." if len(header) > 12 else ""
    raise UserError(
        f"{option}: there is no column '{in_line(name)}'{suggestion(name, header)}, but {shown}."
    )
