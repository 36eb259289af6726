"""How the letters of a text are written as bytes: found out, and every byte tried."""

import codecs
import io
from pathlib import Path
from typing import IO, NoReturn

from modelkeep.intake.foreign import kind_of_start, remedy_for
from modelkeep_core.errors import UserError

Source = Path | bytes

MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# How much of a file is in memory at once
CHUNK = 1 << 20


def opened(source: Source) -> IO[bytes]:
    """Open a file, or the bytes of one, at its beginning."""
    return io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")


def opened_text(source: Source, encoding: str) -> io.TextIOWrapper:
    """Open a file, or the bytes of one, as text with its line ends."""
    return io.TextIOWrapper(opened(source), encoding=encoding, newline="")


def encoding_of(source: Source, name: str, stated: str | None = None) -> str:
    """Return the encoding of a text: by its mark, as UTF-16 by its zeros, UTF-8, or Western.

    Args:
        source: the text.
        name: what messages call it.
        stated: the encoding that a person says it has.

    Raises:
        UserError: the bytes are no text, or not in the encoding that was stated, or UTF-8 but for
            some of them.
    """
    with opened(source) as file:
        start = file.read(4096)
    if stated is not None:
        return _stated(source, name, stated)
    if kind := kind_of_start(start):
        _no_text(name, kind)
    for mark, encoding in MARKS.items():
        if start.startswith(mark):
            return encoding if _decodes(source, encoding) else _no_text(name, zeros=_zeros(source))
    if b"\0" in start:
        encoding = "utf-16-le" if start[1::2].count(0) > start[::2].count(0) else "utf-16-be"
        zeros = start[1::2] if encoding == "utf-16-le" else start[::2]
        likely = zeros.count(0) > len(zeros) / 2
        return (
            encoding
            if likely and _decodes(source, encoding)
            else _no_text(name, zeros=_zeros(source))
        )
    if _decodes(source, "utf-8"):
        return "utf-8"
    _check_no_utf8(source, name)
    encoding = next(code for code in ("cp1252", "latin-1", "") if _decodes(source, code))
    return encoding or _no_text(name, zeros=_zeros(source))


def _stated(source: Source, name: str, stated: str) -> str:
    try:
        # What is no encoding of text, such as base64, encodes no text.
        "a".encode(stated)
        decoder = codecs.getincrementaldecoder(stated)()
    except LookupError:
        raise UserError(
            f"--encoding {stated}: Python knows no such encoding of text; try utf-8, cp1252, "
            "cp1251, shift_jis, gb18030 or mac_roman."
        ) from None
    lines = 0
    try:
        with opened(source) as file:
            for line in file:
                lines += 1
                if "\0" in decoder.decode(line):
                    raise UserError(f"{name}, line {lines}: a zero byte, which is in no text.")
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        byte = f"0x{error.object[error.start]:02x}"
        raise UserError(f"{name}, line {lines}: the byte {byte} is not in {stated}.") from None
    return stated


def _check_no_utf8(source: Source, name: str) -> None:
    """Make sure that a text is not meant to be UTF-8, of which some bytes are broken.

    Raises:
        UserError: more letters are whole in UTF-8 than broken.
    """
    whole = broken = 0
    line, first = 1, ""
    with opened(source) as file:
        for number, text in enumerate(file, start=1):
            if text.isascii():
                continue
            letters = text.decode("utf-8", errors="surrogateescape")
            strange = [sign for sign in letters if "\udc80" <= sign <= "\udcff"]
            whole += len(letters) - len(letters.encode("ascii", "ignore")) - len(strange)
            broken += len(strange)
            if strange and not first:
                line, first = number, f"0x{ord(strange[0]) - 0xDC00:02x}"
    if whole > broken:
        more = f" ({broken - 1} more such bytes)" if broken > 1 else ""
        raise UserError(
            f"{name}, line {line}: the byte {first} is no text in UTF-8, in which the rest is "
            f"written{more}. Correct it, or name the encoding with --encoding, such as cp1252."
        )


def _decodes(source: Source, encoding: str) -> bool:
    """Say whether every byte of a file is text in an encoding, without a zero in it."""
    if not encoding:
        return True
    try:
        with opened_text(source, encoding) as file:
            while chunk := file.read(CHUNK):
                if "\0" in chunk:
                    return False
    except UnicodeError:
        return False
    return True


def _zeros(source: Source) -> tuple[int, int]:
    """Return the first line with a zero byte, and how many there are, if all else is UTF-8.

    It is (0, 0) where there is none, or the rest is no such text either.
    """
    first = count = 0
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with opened(source) as file:
            for number, text in enumerate(file, start=1):
                if there := text.count(0):
                    first, count = first or number, count + there
                decoder.decode(text.replace(b"\0", b""))
    except UnicodeDecodeError:
        return 0, 0
    return first, count


def _no_text(name: str, kind: str = "", zeros: tuple[int, int] = (0, 0)) -> NoReturn:
    described = f"is {kind}, " if kind else "is "
    remedy = f"{remedy_for(kind)}."
    if zeros[0]:
        line, count = zeros
        more = f" ({count - 1} more such bytes)" if count > 1 else ""
        remedy = f"line {line} holds a zero byte{more}. Delete it, or save the table as CSV anew."
    raise UserError(f"{name} {described}neither text nor Parquet: {remedy}")
