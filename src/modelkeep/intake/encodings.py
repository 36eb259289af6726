"""How the letters of a text are written as bytes: found out, and every byte tried."""

import codecs
from pathlib import Path
from typing import NoReturn

from modelkeep_core.errors import UserError

MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# How much of a file is in memory at once
CHUNK = 1 << 20


def encoding_of(path: Path, name: str) -> str:
    """Return the encoding of a text: by its mark, as UTF-16 by its zeros, UTF-8, or Western.

    Raises:
        UserError: the bytes are no text.
    """
    with path.open("rb") as file:
        start = file.read(4096)
    for mark, encoding in MARKS.items():
        if start.startswith(mark):
            return encoding if _decodes(path, encoding) else _no_text(name)
    if b"\0" in start:
        encoding = "utf-16-le" if start[1::2].count(0) > start[::2].count(0) else "utf-16-be"
        zeros = start[1::2] if encoding == "utf-16-le" else start[::2]
        likely = zeros.count(0) > len(zeros) / 2
        return encoding if likely and _decodes(path, encoding) else _no_text(name)
    encoding = next(code for code in ("utf-8", "cp1252", "latin-1", "") if _decodes(path, code))
    return encoding or _no_text(name)


def _decodes(path: Path, encoding: str) -> bool:
    """Say whether every byte of a file is text in an encoding, without a zero in it."""
    if not encoding:
        return True
    try:
        with path.open(encoding=encoding, newline="") as file:
            while chunk := file.read(CHUNK):
                if "\0" in chunk:
                    return False
    except UnicodeError:
        return False
    return True


def _no_text(name: str) -> NoReturn:
    raise UserError(f"{name} is neither text nor Parquet: save it as CSV first.")
