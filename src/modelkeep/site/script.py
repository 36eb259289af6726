"""Data as JavaScript files that call a function: a page may load them where it may not fetch."""

import json
from typing import Any

CALL = "modelkeep"


def call(kind: str, value: Any) -> bytes:
    """Return a script that hands a value over; it is ASCII, and no markup can be in it."""
    return wrapped(kind, literal(value))


def literal(value: Any) -> str:
    """Return a value as it stands in a script."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    for sign in "<>&":
        if sign in text:
            text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def wrapped(kind: str, text: str) -> bytes:
    """Return a script that hands over a value that is written already."""
    return f'{CALL}("{kind}",{text});\n'.encode("ascii")


def called(content: bytes) -> Any:
    """Return the value that a script hands over.

    Raises:
        ValueError: it is no such script.
    """
    text = content.decode("ascii")
    _, comma, value = text.partition(",")
    if not comma or not text.startswith(f'{CALL}("') or not value.endswith(");\n"):
        raise ValueError("not a script that hands over a value")
    return json.loads(value.removesuffix(");\n"))
