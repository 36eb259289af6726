"""Text from outside for people: what moves a cursor, hides or turns other text is made visible."""

import re
import unicodedata

# Cells that a spreadsheet takes for a formula; a number is none
_FORMULA = re.compile(r"[=@\t\r]|[-+](?!\d*\.?\d+(?:[eE][-+]?\d+)?$)")
# They join or part letters of many scripts, and hide nothing.
_JOINERS = "\u200c\u200d"


def visible(text: str) -> str:
    r"""Return a text of any number of lines as a terminal may show it.

    Control characters, overrides of the direction, and what has no width become "\x1b" or
    "\u202e"; line ends and tabs stay.
    """
    if text.replace("\n", "").replace("\t", "").isprintable():
        return text
    return "".join(
        sign if sign in "\n\t" or not is_hidden(sign) else escaped(sign) for sign in text
    )


def in_line(text: str) -> str:
    r"""Return a text as one line: as `visible`, and line ends and tabs become "\n" and "\t"."""
    if text.isprintable():
        return text
    return "".join(escaped(sign) if is_hidden(sign) else sign for sign in text)


def is_hidden(sign: str) -> bool:
    """Say whether a character acts on a terminal or on the text around it instead of being seen."""
    return sign not in _JOINERS and unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Zl", "Zp")


def escaped(sign: str) -> str:
    r"""Return the escape of a character as in Python: "\n", "\x1b", "\u202e"."""
    return sign.encode("unicode_escape", errors="surrogatepass").decode("ascii")


def for_spreadsheet(text: str) -> str:
    """Return a cell of a CSV file for people: a spreadsheet shows it, and takes it for no formula.

    An apostrophe is put before what begins like a formula; a number stays a number.
    """
    return f"'{text}" if _FORMULA.match(text) else text


def counted(number: int, thing: str, things: str = "") -> str:
    """Write a number with what it counts: "1 row", "2 rows"."""
    return f"{number:,} {thing if number == 1 else things or f'{thing}s'}"
