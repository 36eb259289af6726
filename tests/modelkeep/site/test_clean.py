"""Text and JSON of any kind, made harmless."""

import json
import math

import pytest

from modelkeep.site.clean import flat, in_line, mapping, plain, word
from modelkeep.site.script import call
from modelkeep_core.visible import visible
from sites import HOSTILE


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_acts_in_a_clean_text(text: str) -> None:
    """What moves a cursor, turns text round or is half a character is seen as an escape."""
    cleaned = visible(text)
    assert cleaned.isprintable()
    assert cleaned.encode("utf-8")
    assert visible(cleaned) == cleaned


def test_lines_and_joined_letters_stay() -> None:
    """Line ends, and what joins the letters of a script, are no attack."""
    assert visible("a\n\tb") == "a\n\tb"
    assert visible("नमस्\u200dते") == "नमस्\u200dते"
    assert in_line(" a \n\n b\t") == "a b"


def test_json_that_browsers_read_differently_becomes_text() -> None:
    """No browser rounds an integer, or meets a number that JSON has not."""
    value = {"big": 2**60, "huge": 10**400, "nan": math.nan, "inf": -math.inf, "fits": 2**50}
    read = plain(value)
    assert read == {
        "big": "1.152922e+18",
        "huge": "very large",
        "nan": "nan",
        "inf": "-inf",
        "fits": 2**50,
    }
    assert json.loads(json.dumps(read, allow_nan=False)) == read


def test_what_is_nested_deeply_is_cut() -> None:
    """A thousand levels are neither an endless recursion nor a deep value."""
    deep: object = "end"
    for _ in range(900):
        deep = {"a": [deep]}
    assert len(json.dumps(plain(deep))) < 200
    assert flat({"a": {"b": {"c": 1}, "d": []}, "e": {}}) == {"a.b.c": 1, "a.d": [], "e": {}}
    assert word(deep).endswith(f"…{'}' * 6}")
    mappings: object = "end"
    for _ in range(900):
        mappings = {"a": mappings}
    assert flat(mappings) == {}


def test_a_path_through_anything_is_a_mapping() -> None:
    """Metadata of another shape have no part, and are no error."""
    assert mapping({"a": {"b": {"c": 1}}}, "a", "b") == {"c": 1}
    for value in (None, 3, [], "text", {"a": 3}, {"a": [{"b": {}}]}):
        assert mapping(value, "a", "b") == {}


def test_words_of_values() -> None:
    """Booleans are as in YAML, lists are listed, nothing is nothing."""
    assert [word(value) for value in (None, True, [1, "a"], 0.5)] == ["", "true", "1, a", "0.5"]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_data_file_is_ascii_without_markup(text: str) -> None:
    """A text neither ends the string that it is in, nor begins an element."""
    content = call("version", {text: [text]})
    assert not set(b"<>&") & {*content}
    assert json.loads(content.decode("ascii")[len('modelkeep("version",') : -len(");\n")]) == {
        text: [text]
    }
