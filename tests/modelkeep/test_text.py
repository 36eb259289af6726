"""What people read fits the terminal, and says neither more nor less than it should."""

import json
import random
import time
from datetime import UTC, datetime, timedelta, timezone

import pytest

from modelkeep import text

WORDS = [
    "a",
    "long" * 9,
    "prod, staging",
    "王小明",
    "größe",
    "v1.0.0",
    "🙂" * 30,
    "-",
    "é" * 50,
    "",
]


def test_a_table_is_aligned_to_the_left():
    """Every column is as wide as its widest cell, and no line ends in spaces."""
    shown = text.table(("A", "LONGER"), [("one", "1"), ("three", "22")], ())
    assert shown == "A      LONGER\none    1\nthree  22"


def test_wide_letters_take_two_columns():
    """Columns stay below each other in any script."""
    shown = text.table(("WHO", "X"), [("王小明", "1"), ("é" + "e\u0301", "2")], ())
    assert shown == "WHO     X\n王小明  1\née\u0301      2"


def test_a_cell_is_one_line():
    """Line breaks and tabs in a cell do not break the table."""
    assert text.table(("A", "B"), [("x\ny\tz", "1")], ()) == "A      B\nx y z  1"


@pytest.mark.usefixtures("terminal")
def test_columns_yield_one_after_the_other():
    """The first that may is cut down to four columns, then the next, and no others."""
    rows = [("a" * 30, "b" * 30, "c" * 30)]
    _, row = text.table(("A", "B", "C"), rows, ("B",)).splitlines()
    assert row == f"{'a' * 30}  {'b' * 15}…  {'c' * 30}"
    rows = [("a" * 30, "b" * 20, "c" * 68)]
    _, row = text.table(("A", "B", "C"), rows, ("B", "A", "C")).splitlines()
    assert row == f"{'a' * 3}…  {'b' * 3}…  {'c' * 68}"


@pytest.mark.usefixtures("terminal")
def test_a_short_column_yields_nothing():
    """What is narrower than four columns stays whole."""
    _, row = text.table(("A", "B"), [("abc", "b" * 90)], ("A", "B")).splitlines()
    assert row == f"abc  {'b' * 74}…"


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("seed", range(20))
def test_no_line_is_wider_than_80_columns(seed):
    """Whatever the cells hold, of any script, where enough columns may yield."""
    rng = random.Random(seed)
    header = ("MODEL", "STAGES", "AUTHOR", "WHY", "COMMIT")
    rows = [[" ".join(rng.choices(WORDS, k=3)) for _ in header] for _ in range(9)]
    shown = text.table(header, rows, rng.sample(header, len(header)))
    assert max(map(text.columns, shown.splitlines())) <= 80


def test_a_file_or_a_program_is_given_everything():
    """Nothing is cut where no terminal is printed to: `grep` finds it."""
    rows = [("a" * 300, "b" * 90)]
    assert text.table(("A", "B"), rows, ("A", "B")).splitlines()[1] == f"{'a' * 300}  {'b' * 90}"


@pytest.mark.parametrize(
    ("word", "width"),
    [
        ("abc", 3),
        ("", 0),
        ("größe", 5),
        ("e\u0301", 1),
        ("王", 2),
        ("ﾊ", 1),
        ("\uff21", 2),
        ("🙂", 2),
    ],
)
def test_a_terminal_shows_a_text_in_so_many_columns(word, width):
    """Wide letters take two, combining ones none."""
    assert text.columns(word) == width


@pytest.mark.parametrize(
    ("word", "shown"),
    [("abc", "abc  "), ("abcde", "abcde"), ("abcdef", "abcd…"), ("王小明", "王小…"), ("", "     ")],
)
def test_a_text_is_cut_or_padded_to_a_width(word, shown):
    """It takes exactly that many columns, and says where something is missing."""
    assert text.fitted(word, 5) == shown


def test_a_text_of_any_length_is_cut_at_once():
    """The message of a tag may have a million letters; one by one, they would take minutes."""
    began = time.process_time()
    assert text.fitted("a" * 1_000_000, 5) == "aaaa…"
    assert text.fitted("王" * 200_000, 6) == "王王… "
    assert time.process_time() - began < 2


def test_a_wide_letter_that_does_not_fit_leaves_a_space():
    """Half a letter is not shown."""
    assert text.fitted("王小明王", 6) == "王小… "


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.0123456, "+0.01235"), (-2, "-2"), (0.0, "0"), (-0.0, "0"), (12345.6, "+1.235e+04")],
)
def test_a_difference_has_a_sign(value, shown):
    """Better and worse are seen at once, and the same is neither."""
    assert text.signed(value) == shown


@pytest.mark.parametrize(
    ("value", "low", "high", "shown"),
    [
        (0.98145, 0.9515, 1.0, "0.981 (0.952 to 1)"),
        (-0.5, -1, 0, "-0.5 (-1 to 0)"),
        (999.4, 12.345, 1000.0, "999 (12.3 to 1,000)"),
        (1234567.8, -1234.5, 1e9, "1,234,568 (-1,234 to 1,000,000,000)"),
    ],
)
def test_a_metric_stands_before_its_interval(value, low, high, shown):
    """Three digits, and whole numbers where they are large."""
    assert text.interval({"value": value, "low": low, "high": high}) == shown


def test_dates_are_those_of_the_reader():
    """A moment elsewhere is shown in the time zone here, which is UTC in these tests."""
    when = datetime(2026, 1, 1, 1, 5, tzinfo=timezone(timedelta(hours=2)))
    assert (text.day(when), text.minute(when)) == ("2025-12-31", "2025-12-31 23:05")
    assert text.minute(datetime(2026, 1, 1, tzinfo=UTC)) == "2026-01-01 00:00"


def test_a_hash_is_shortened():
    """As Git does it; where there is none, a dash stands."""
    assert [text.short(words) for words in ("0123456789", "0123", None, "")] == [
        "0123456",
        "0123",
        "-",
        "-",
    ]


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("@ada", "@<!-- -->ada"),
        ("ada/model#12", r"ada/model\#<!-- -->12"),
        ("GH-7", "GH-<!-- -->7"),
        ("https://a.org", "https:<!-- -->//a.org"),
        ("www.a.org", "www<!-- -->.a.org"),
        ("&lt;b&gt; $x$", r"\&lt;b\&gt; \$x\$"),
        ("a @ b # c", r"a @ b \# c"),
    ],
)
def test_a_cell_that_is_posted_calls_nobody(cell, shown):
    """A category called like a person would notify them in the comment of a pull request."""
    assert text.markdown((), [(cell,)]).splitlines()[-1] == f"| {shown} |"


def test_markdown_shows_cells_as_they_are():
    """What Markdown would take for markup is escaped, and a cell is one line."""
    shown = text.markdown(("a", "b"), [("x_y*z", "`<b>`|[1]"), ("\\", "two\nlines")])
    assert shown.splitlines() == [
        *("| a | b |", "| --- | --- |"),
        "| x\\_y\\*z | \\`\\<b\\>\\`\\|\\[1\\] |",
        "| \\\\ | two lines |",
    ]


def test_values_stand_below_each_other():
    """Names have a common width, and a value that is too long goes on below itself."""
    long = " ".join(["word"] * 30)
    shown = text.aligned([("a", "1"), ("longer", long), ("none", "")]).splitlines()
    assert shown[0] == "a       1"
    assert shown[1].startswith("longer  word")
    assert shown[2].startswith("        word")
    assert shown[-1] == "none"
    assert max(map(len, shown)) <= 80


def test_a_very_long_name_has_a_line_of_its_own():
    """It does not push all values to the right, and a hash is never broken."""
    shown = text.aligned([("n" * 31, "1"), ("hash", "f" * 90), ("n" * 30, "a-b")]).splitlines()
    assert shown == ["n" * 31, f"{'':30}  1", f"{'hash':30}  {'f' * 90}", f"{'n' * 30}  a-b"]


# What a text from outside may try

ACTS = "a\x1b[8m\u202eb\x9b\n\tc"


def test_a_table_shows_what_would_act_on_a_terminal():
    """In cells and in headers; line ends and tabs part words, and columns stay below each other."""
    shown = text.table((ACTS, "B"), [("x", "y"), (ACTS, "z")], yielding=())
    assert not {"\x1b", "\u202e", "\x9b", "\t"} & {*shown}
    lines = shown.splitlines()
    assert lines[2] == r"a\x1b[8m\u202eb\x9b c  z"
    assert {line.index(sign) for line, sign in zip(lines, "Byz", strict=True)} == {23}


def test_paragraphs_and_markdown_show_it_too():
    """Names and values."""
    for shown in (text.aligned([(ACTS, ACTS)]), text.markdown(("a",), [(ACTS,)])):
        assert not {"\x1b", "\u202e", "\x9b"} & {*shown}
        assert "x1b" in shown


def test_json_escapes_it_and_stays_the_same_data():
    """A program reads what was there, and a terminal shows it."""
    data = {"a": ACTS, "b": ["ë", "\U000e0041"]}
    shown = text.as_json(data)
    assert json.loads(shown) == data
    assert not {"\x1b", "\u202e", "\x9b", "\U000e0041"} & {*shown}
    assert "ë" in shown
