"""Data as JavaScript files that call a function: a page may load them where it may not fetch."""

import json
from typing import Any

CALL = "modelkeep"


def call(kind: str, value: Any) -> bytes:
    """Return a script that hands a value over; it is ASCII, and no markup can be in it."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return f'{CALL}("{kind}",{text});\n'.encode("ascii")
