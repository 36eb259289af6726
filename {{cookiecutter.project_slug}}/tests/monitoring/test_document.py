"""The page of a report is one file, offline, and shows what the report says."""

import re
from html.parser import HTMLParser

import pandas as pd
import pytest
from recorded import Served, drawn, shifted

from monitoring.document import document
from monitoring.limits import Limits
from monitoring.report import report
from monitoring.store import opened
from monitoring.watched import read_watched
from monitoring.window import Window

VOID = {"meta"}


class Page(HTMLParser):
    """What a page holds: its elements with their attributes, its text; tags must match."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.open, self.said = [], [], []
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
        self.said.append(data)


@pytest.fixture
def served(run, tmp_path):
    """A server's records, without a request."""
    return Served(run.package, tmp_path)


@pytest.fixture
def train(run):
    """The training rows."""
    return pd.read_parquet(run.prepared / "train.parquet")


def page(served):
    """Return the page of the report on what is recorded, as text."""
    with opened(served.path) as store:
        return document(report(read_watched(served.package), store, Window(), Limits()))


def test_a_page_has_a_card_for_each_column(served, train):
    """With its name and its picture, and the verdict above them."""
    served.answer(drawn(train, 150))
    served.refuse(3, "mistyped", "count")
    found = Page(page(served))
    text = " ".join(found.said)
    for name in [*served.features, "(prediction)"]:
        assert name in found.said
    assert sum(tag == "svg" for tag, _ in found.elements) == len(served.features) + 1
    assert "Made up: in order" in text
    assert "In order: what comes in is what the model was made for." in text
    assert "mistyped" in text


def test_a_page_needs_nothing_but_itself(served, train):
    """No script, no link, nothing from the network."""
    served.answer(drawn(train, 150))
    text = page(served)
    assert {tag for tag, _ in Page(text).elements}.isdisjoint({"script", "link", "img", "iframe"})
    assert not re.search(r"https?:|//|@import|url\(", text)


def test_alarms_are_marked(served, train):
    """On the cards of the columns that have one."""
    served.answer(shifted(drawn(train, 150), 4))
    text = page(served)
    marked = re.findall(r'<article class="alarm"><h3>(.*?)<span>ALARM', text)
    assert "size" in marked
    assert "count" not in marked
    assert "ALARM: size: the values are" in " ".join(Page(text).said)


def test_what_clients_sent_is_no_markup(served, train):
    """A class that looks like HTML is shown as it is."""
    served.answer(drawn(train, 150).assign(colour="<script>alert(1)</script>"))
    served.refuse(1, "<b>", "<i>")
    text = page(served)
    assert "<script" not in text
    assert "<b>" not in text
    assert "<script>alert(1)</script>" in " ".join(Page(text).said)


def test_a_page_without_a_row_says_so(served):
    """Nothing is drawn then."""
    served.refuse(1, "malformed")
    found = Page(page(served))
    assert "Not enough data: 0 rows, and 100 are needed." in found.said
    assert "svg" not in {tag for tag, _ in found.elements}


def test_days_are_drawn_where_there_are_several(served, train):
    """After the columns, in the order of time."""
    served.answer(drawn(train, 10), every=86_400 / 4)
    assert "2026-11-02: 4 rows" in page(served)


def test_other_models_are_told(served, train):
    """How many of their requests were left out."""
    served.answer(train.head(3), recipe_id="other")
    told = " ".join(Page(page(served)).said)
    assert "Left out: requests answered 3 by v1.0.0 (other)" in told
