"""The page of a report is one file, offline, and shows what the report says."""

import re
from html.parser import HTMLParser

import pandas as pd
import pytest

from modelkeep.look import look
from modelkeep.monitoring.document import document
from modelkeep.monitoring.limits import Limits
from modelkeep.monitoring.reference import read_reference
from modelkeep.monitoring.report import report
from modelkeep.monitoring.store import opened
from modelkeep.monitoring.window import Window
from recorded import Recorded, drawn, shifted

VOID = {"meta"}


class Page(HTMLParser):
    """What a page holds: its elements with their attributes, its text; tags must match."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.open, self.texts = [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        """Note an element that is opened."""
        self.elements.append((tag, dict(attributes)))
        self.open += [tag] if tag not in VOID else []

    def handle_startendtag(self, tag, attributes):
        """Note an element without content."""
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        """Close the element that was opened last."""
        assert self.open.pop() == tag

    def handle_data(self, data):
        """Note text."""
        self.texts.append(data)


@pytest.fixture
def recorded(run, tmp_path):
    """A server's records, without a request."""
    return Recorded(run.package, tmp_path)


@pytest.fixture
def train(run):
    """The training rows."""
    return pd.read_parquet(run.prepared / "train.parquet")


def page(recorded):
    """Return the page of the report on what is recorded, as text."""
    with opened(recorded.path) as store:
        return document(report(read_reference(recorded.package), store, Window(), Limits()))


def test_a_page_has_a_card_for_each_column(recorded, train):
    """With its name and its picture, and the verdict above them."""
    recorded.answer(drawn(train, 150))
    recorded.refuse(3, "mistyped", "count")
    result = Page(page(recorded))
    text = " ".join(result.texts)
    for name in [*recorded.features, "(prediction)"]:
        assert name in result.texts
    assert sum(tag == "svg" for tag, _ in result.elements) == len(recorded.features) + 1
    assert "Made up: in order" in text
    assert "In order: what comes in is what the model was made for." in text
    assert "mistyped" in text


def test_a_model_without_a_number_is_named_without_a_gap(recorded, train):
    """A package that was served without a version leaves nothing between name and recipe."""
    recorded.answer(drawn(train, 150), each=150, version="")
    text = " ".join(Page(page(recorded)).texts)
    assert re.search(r" made-up · recipe \w{7} · everything to now · 1 request and 150 rows", text)


def test_a_page_needs_nothing_but_itself(recorded, train):
    """No script, no link, nothing from the network."""
    recorded.answer(drawn(train, 150))
    text = page(recorded)
    assert {tag for tag, _ in Page(text).elements}.isdisjoint({"script", "link", "img", "iframe"})
    assert not re.search(r"https?:|//|@import|url\(", text)


def test_alarms_are_marked(recorded, train):
    """On the cards of the columns that have one."""
    recorded.answer(shifted(drawn(train, 150), 4))
    text = page(recorded)
    marked = re.findall(r'<article class="alarm"><h3>(.*?)<span>ALARM', text)
    assert "size" in marked
    assert "count" not in marked
    assert "ALARM: size: the distance of the values is" in " ".join(Page(text).texts)


def test_what_clients_sent_is_no_markup(recorded, train):
    """A class that looks like HTML is shown as it is."""
    recorded.answer(drawn(train, 150).assign(colour="<script>alert(1)</script>"))
    recorded.refuse(1, "<b>", "<i>")
    text = page(recorded)
    assert "<script" not in text
    assert "<b>" not in text
    assert "<script>alert(1)</script>" in " ".join(Page(text).texts)


def test_a_page_without_a_row_says_so(recorded):
    """Nothing is drawn then."""
    recorded.refuse(1, "malformed")
    result = Page(page(recorded))
    assert "Not enough data: 0 rows, and 100 are needed." in result.texts
    assert "svg" not in {tag for tag, _ in result.elements}


def test_days_are_drawn_where_there_are_several(recorded, train):
    """After the columns, in the order of time."""
    recorded.answer(drawn(train, 10), every=86_400 / 4)
    assert "2026-11-02: 4 rows" in page(recorded)


def test_other_models_are_told(recorded, train):
    """How many of their requests were left out."""
    recorded.answer(train.head(3), recipe_id="other")
    text = " ".join(Page(page(recorded)).texts)
    assert "Left out: requests answered 3 by v1.0.0 (other)" in text


def test_the_page_has_the_look_of_all_pages(recorded, train):
    """One style sheet is in it, and the page of all versions is linked where it is told."""
    recorded.answer(drawn(train, 10))
    with opened(recorded.path) as store:
        content = report(read_reference(recorded.package), store, Window(), Limits())
    assert look() in document(content)
    links = [
        words["href"]
        for tag, words in Page(document(content, "https://a.b/?c&d")).elements
        if tag == "a"
    ]
    assert links == ["https://a.b/?c&d"]
