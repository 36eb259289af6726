"""What would act on a terminal is seen instead."""

import pytest

from modelkeep_core.visible import for_spreadsheet, in_line, visible

# A usual text of each kind that is shown as it is
USUAL = [
    "",
    "a b",
    "Łódź",
    "日本",
    "e\u0301",
    "\u0646\u200c\u062e",
    "👩\u200d🔬",
    "<=50K",
    "a\\x1b",
]


@pytest.mark.parametrize("text", USUAL)
def test_a_usual_text_is_shown_as_it_is(text):
    """Letters of all scripts, combined ones, and emoji that are joined."""
    assert visible(text) == in_line(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[8mb", r"a\x1b[8mb"),
        ("\x9b2J", r"\x9b2J"),
        ("a\rb\x07\x08\x7f", r"a\rb\x07\x08\x7f"),
        ("abc\u202egpj.exe", r"abc\u202egpj.exe"),
        ("\u2066x\u2069\u200f\u061c", r"\u2066x\u2069\u200f\u061c"),
        ("a\u200bb\ufeff\u00ad", r"a\u200bb\ufeff\xad"),
        ("a\U000e0041", r"a\U000e0041"),
        ("a\u2028b\ud800", r"a\u2028b\ud800"),
    ],
)
def test_what_acts_is_made_visible(text, shown):
    """Escape sequences, their one-byte forms, overrides of direction, and what has no width."""
    assert visible(text) == in_line(text) == shown
    assert visible(shown) == shown


def test_lines_and_tabs_stay_in_a_text_and_not_in_a_line():
    """A table has one line for each row."""
    assert visible("a\n\tb") == "a\n\tb"
    assert in_line("a\n\tb") == r"a\n\tb"


@pytest.mark.parametrize("cell", ["-1", "+3.5e-1", "-.5", "0", "a=b", "1-2", "", "ok", "-1e5"])
def test_numbers_and_usual_texts_stay_in_a_spreadsheet(cell):
    """A number has its sign."""
    assert for_spreadsheet(cell) == cell


@pytest.mark.parametrize(
    "cell", ["=1+1", "@SUM(A1)", "-cmd|' /C calc'!A0", "+a", "\t=1", "-", "-1-1"]
)
def test_formulas_are_text_in_a_spreadsheet(cell):
    """What a spreadsheet would compute has an apostrophe before it."""
    assert for_spreadsheet(cell) == f"'{cell}"
