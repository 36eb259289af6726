"""The look that all pages have: those of the site, of the prediction server, and of monitoring."""

import argparse
import re
from functools import cache
from pathlib import Path

ADDRESS = re.compile(r"https?://[^\s\"'<>]+")


@cache
def look() -> str:
    """Return the style sheet, for a file or for a page that has it in itself."""
    return Path(__file__).with_suffix(".css").read_text(encoding="utf-8")


def web_address(text: str) -> str:
    """Return the address of another page, which a person typed; the `type` of such options.

    Raises:
        argparse.ArgumentTypeError: it is none that a page may link to.
    """
    if not ADDRESS.fullmatch(text) or not text.isprintable():
        raise argparse.ArgumentTypeError(f"'{text}' is no address like https://example.org/models/")
    return text
