"""The page shows the card and a form that fits the schema, and runs nothing that is not its own."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from modelkeep.look import look
from modelkeep.serving.page import HEADERS, _field, html
from modelkeep_core.schema import Column

NUMBERS = {"min": 1.5, "max": 9.25}
WORDS = {"counts": {"here": 3, 'say "hi"': 1}, "others": 0}


class Tags(HTMLParser):
    """Collects the attributes of every tag."""

    def __init__(self, text):
        super().__init__()
        self.tags = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        """Keep a tag."""
        self.tags.append((tag, dict(attrs)))

    def all(self, *names):
        """Return the attributes of the tags of some names."""
        return [attributes for tag, attributes in self.tags if tag in names]


def field(column, value=None, profile=NUMBERS):
    """Return the tags of a column's field."""
    return Tags(_field("key", "a name", Column.model_validate(column), value, profile))


def test_every_feature_has_a_labelled_field_with_the_value_of_the_example(server, served):
    """A person can press the button at once, and a screen reader knows every field."""
    page = Tags(server.get("/").content.decode())
    fields = [tag for tag in page.all("input", "select") if "data-column" in tag]
    assert [tag["data-column"] for tag in fields] == served.contract.features
    labels = {tag["for"] for tag in page.all("label")}
    assert {tag["id"] for tag in fields} == labels
    described = [tag["aria-describedby"] for tag in fields if "aria-describedby" in tag]
    assert set(described) == {tag["id"] for tag in page.all("small")}


def test_numbers_have_their_limits_and_the_range_of_training():
    """The browser itself refuses what the schema would, and whole numbers step by one."""
    tags = field({"type": "number", "min": 0, "max": 100, "missing": True}, 2.5)
    (box,) = tags.all("input")
    assert (box["min"], box["max"], box["step"], box["value"]) == ("0", "100", "any", "2.5")
    assert "required" not in box
    assert field({"type": "integer"}, 3).all("input")[0]["step"] == "1"
    assert "required" in field({"type": "integer"}, 3).all("input")[0]
    text = _field("key", "n", Column(type="number", missing=True), None, NUMBERS)
    assert "1.5 to 9.25 in training; may be empty" in text
    assert "in training" not in _field("k", "n", Column(type="number"), 1, {"min": None})


def test_choices_are_the_values_of_the_schema():
    """A boolean and a listed category are chosen, and nothing where it may be missing."""
    tags = field({"type": "boolean", "missing": True}, True)
    assert [tag["value"] for tag in tags.all("option")] == ["", "true", "false"]
    assert [tag["value"] for tag in tags.all("option") if "selected" in tag] == ["true"]
    tags = field({"type": "category", "values": ["a", "<b>"]}, "<b>")
    assert [tag["value"] for tag in tags.all("option")] == ["a", "<b>"]
    assert [tag["value"] for tag in tags.all("option") if "selected" in tag] == ["<b>"]


def test_an_open_category_is_typed_with_what_training_had_as_suggestions():
    """Any text can be tried."""
    tags = field({"type": "category"}, "here", WORDS)
    assert tags.all("input")[0]["value"] == "here"
    assert [tag["value"] for tag in tags.all("option")] == list(WORDS["counts"])


def test_the_page_says_what_is_wrong_with_the_server(served):
    """As `/health` does: that a newer version was refused, say, as text."""
    assert "alert" not in html(served)
    page = html(served, {"following": "the tag <b> is not signed"})
    assert (
        '<p class="wrong" role="alert">Newer versions are not noticed: the tag &lt;b&gt; is not '
        "signed</p>"
    ) in page


def test_nothing_that_a_package_says_becomes_code(served):
    """Names, titles, values and the card are text, whatever they hold."""
    evil = "<script>alert(1)</script>"
    example = {"records": [dict.fromkeys(served.contract.features, f'"{evil}')]}
    metadata = served.metadata | {"title": evil, "target": evil}
    page = html(replace(served, metadata=metadata, version=evil, card=evil, example=example))
    assert evil not in page
    assert page.count("<script>") == 1


def test_the_page_loads_nothing_and_runs_its_own_script_only(server):
    """The policy names the hashes of the one script and the one style, and no other source."""
    reply = server.get("/")
    text = reply.content.decode()
    assert not re.search(r'(?:src|href)="(?:https?:)?//', text)
    policy = reply.headers["content-security-policy"]
    assert policy == HEADERS["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert policy.count("'sha256-") == 2
    assert "unsafe" not in policy


@pytest.mark.parametrize("heading", ["What it predicts", "How good it is"])
def test_the_card_is_shown(server, heading):
    """Its headings and tables are those of the file."""
    text = server.get("/").content.decode()
    assert f"<h2>{heading}</h2>" in text
    assert "<td>colour</td>" in text


def test_the_page_has_the_look_of_all_pages(server, served):
    """One style sheet is in it, and the page of all versions is linked where it is told."""
    text = server.get("/").content.decode()
    assert look() in text
    assert "All versions" not in text
    linked = Tags(html(served, site="https://example.org/a?b=1&c=2"))
    assert "https://example.org/a?b=1&c=2" in [tag.get("href") for tag in linked.all("a")]
