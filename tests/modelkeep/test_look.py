"""The look that all pages have."""

import argparse
import re

import pytest

from modelkeep.look import look, web_address


@pytest.mark.parametrize("text", ["https://example.org", "http://localhost:8000/a?b=1&c=%20#d"])
def test_pages_link_to_addresses(text: str) -> None:
    """Of the web, as a person types them."""
    assert web_address(text) == text


@pytest.mark.parametrize(
    "text", ["", "example.org", "javascript:alert(1)", "https://", "https://a b", "https://a\u202e"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    """A script, a word, and what hides its end."""
    with pytest.raises(argparse.ArgumentTypeError, match="is no address like https://"):
        web_address(text)


def brightness(colour: str) -> float:
    """Return the relative luminance of a colour, as WCAG 2.2 defines it."""
    digits = colour * 2 if len(colour) == 3 else colour
    if len(colour) == 3:
        digits = "".join(digit * 2 for digit in colour)
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", [0, 1])
def test_text_is_read_on_every_ground(scheme: int) -> None:
    """Contrast is at least 4.5 to 1 of all colours of text, in both schemes."""
    roots = re.findall(r":root \{(.*?)\}", look(), re.DOTALL)
    colours = dict(re.findall(r"--(\w+): #([0-9a-f]{6}|[0-9a-f]{3})\b", roots[scheme]))
    for ground in ("paper", "card", "faint"):
        for name in ("ink", "soft", "accent", "good", "bad", "open"):
            light = sorted(brightness(colours[key]) + 0.05 for key in (ground, name))
            assert light[1] / light[0] >= 4.5, (ground, name)
