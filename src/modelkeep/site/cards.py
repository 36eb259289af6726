"""What each stage of a model holds now, as cards."""

from typing import Any

from modelkeep.site.cells import HASH, NO_HEADLINE, code_of, data_of, link, metric_of
from modelkeep.site.clean import in_line, word
from modelkeep.site.entries import Entry
from modelkeep.site.headline import headline_of
from modelkeep.site.markup import Html, h, join
from modelkeep.site.shown import Site

SCALE = 100
# How wide the mark of a value is, in the same units
MARK = 0.8
# What is said of the bytes of a version, by what was found
REMOTE = {"whole": ("good", "in the remote"), "lost": ("bad", "not in the remote")}


def model_of(site: Site, model: str) -> Html:
    """Return what each stage of a model holds."""
    entries = {
        entry.version.commit: entry for entry in site.entries if entry.version.model == model
    }
    last = {span["stage"]: span for span in site.spans if span["model"] == model}
    assignments = site.catalogue.assignments.get(model, {})
    cards = [
        _card(site, stage, entries[event.commit], last[stage])
        for stage, event in sorted(assignments.items())
        if event.commit in entries
    ]
    newest = next((entry for entry in entries.values() if entry.version.number), None)
    title = (newest and site.cell("title", newest)) or model
    retired = site.deprecated.get(model)
    notes: list[Html | str] = [] if cards else ["Nothing is in a stage. "]
    if (
        newest
        and not retired
        and newest.version.commit not in {event.commit for event in assignments.values()}
    ):
        when = f"of {newest.when:%Y-%m-%d}"
        notes += (
            ["The newest version, ", link(newest), f", {when}, is in no stage."]
            if cards
            else ["The newest version is ", link(newest), f" {when}."]
        )
    return h(
        "section",
        {"class": "model"},
        h("h2", None, title, " ", h("small", None, model) if title != model else None),
        h("p", {"class": "bad"}, retired) if retired else None,
        h("div", {"class": "cards"}, *cards) if cards else None,
        h("p", {"class": "soft"}, *notes) if notes else None,
    )


def _card(site: Site, stage: str, entry: Entry, span: dict[str, Any]) -> Html:
    headline = headline_of(entry.metadata or {})
    quality = (
        [
            h("p", {"class": "metric"}, h("b", None, _value(headline)), " ", metric_of(headline)),
            _bar(headline),
            h("p", {"class": "soft"}, _interval(headline)),
        ]
        if headline
        else [h("p", {"class": "soft"}, in_line(entry.problem or NO_HEADLINE))]
    )
    facts = [
        ("since", h("time", {"datetime": span["date"]}, span["date"].replace("T", " "))),
        ("by", h("bdi", None, span["author"])),
        ("why", h("bdi", None, span["reason"] or "-")),
        ("data", data_of(entry)),
        ("recipe", code_of(word((entry.metadata or {}).get("recipe_id"))[:HASH])),
        ("commit", code_of(entry.version.commit[:HASH])),
    ]
    return h(
        "article",
        {"class": "card", "aria-label": stage},
        h("h3", None, stage),
        h("p", {"class": "version"}, link(entry)),
        *quality,
        h("dl", None, *(join(h("dt", None, name), h("dd", None, value)) for name, value in facts)),
        h("ul", {"class": "marks"}, *_marks(site, entry, span)),
    )


def _marks(site: Site, entry: Entry, span: dict[str, Any]) -> list[Html]:
    """Return what is good and what is doubtful about a version in a stage."""
    marks: list[tuple[str, str]] = []
    if span["forced"]:
        marks.append(("bad", "forced past the gate"))
    elif span["gate"]:
        marks.append(("good", "passed the gate"))
    elif span["gateless"]:
        marks.append(("open", "not measured by the gate"))
    if not entry.version.number:
        marks.append(("bad", "not registered"))
    if site.cell("lock", entry) == "stale":
        marks.append(("bad", "dvc.lock is stale"))
    if entry.metadata and entry.metadata.get("reproducible", True) is not True:
        marks.append(("bad", "not made in the locked environment"))
    if remote := site.cell("remote", entry):
        marks.append(REMOTE[remote])
    if site.proofs is not None:
        proof = site.proofs.get(entry.key)
        marks.append(
            ("good", f"rebuilt {proof['when'][:10]}, {proof['result']} equal")
            if proof
            else ("open", "never verified")
        )
    if entry.signed is not None:
        marks.append(("good", "signed tag") if entry.signed else ("open", "unsigned tag"))
    if warnings := site.cell("warnings", entry):
        marks.append(("open", f"{warnings} finding{'s' if warnings > 1 else ''} to look at"))
    return [h("li", {"class": kind}, words) for kind, words in marks]


def _value(headline: dict[str, Any]) -> str:
    return _three(headline["value"])


def _three(value: float) -> str:
    return f"{value:#.3g}".removesuffix(".") if abs(value) < 1000 else f"{value:,.0f}"


def _interval(headline: dict[str, Any]) -> str:
    between = f"{_three(headline['low'])} to {_three(headline['high'])}"
    confidence = headline.get("confidence")
    level = f"{confidence * 100:g}% " if isinstance(confidence, float) else ""
    better = "higher" if headline.get("higher_is_better") is not False else "lower"
    return f"{level}interval {between}; {better} is better"


def _bar(headline: dict[str, Any]) -> Html | None:
    """Return a picture of an interval between 0 and 1; none of a metric of another range."""
    low, value, high = (headline[key] for key in ("low", "value", "high"))
    if not 0 <= low <= value <= high <= 1:
        return None
    start, width = (f"{SCALE * part:.2f}" for part in (low, high - low))
    middle = f"{min(SCALE * value, SCALE - MARK):.2f}"
    return h(
        "svg",
        {"class": "bar", "viewBox": f"0 0 {SCALE} 6", "preserveAspectRatio": "none"}
        | {"aria-hidden": "true"},
        h("rect", {"class": "whole", "width": str(SCALE), "y": "2", "height": "2"}),
        h("rect", {"class": "part", "x": start, "width": width, "height": "6"}),
        h("rect", {"class": "mark", "x": middle, "width": str(MARK), "height": "6"}),
    )
