"""The two pages that need no JavaScript: what each stage holds now, and all versions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from modelkeep import __version__, text
from modelkeep.registry.catalogue import Catalogue
from modelkeep.registry.metadata import raw_data
from modelkeep.site.clean import in_line, mapping, word
from modelkeep.site.entries import Entry
from modelkeep.site.headline import headline_of
from modelkeep.site.markup import Html, h, join

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "base-uri 'none'",
        "form-action 'none'",
    )
)
VIEWS = (
    ("now", "Now"),
    ("versions", "Versions"),
    ("compare", "Compare"),
    ("time", "Over time"),
    ("lineage", "Lineage"),
)
HASH = 7
NO_HEADLINE = "no metadata"
SCALE = 100


@dataclass(frozen=True)
class Site:
    """All that the pages show.

    Attributes:
        catalogue: the versions.
        entries: those that are shown, newest first.
        spans: what was in the stages.
        in_step: whether dvc.lock of a version has its metadata, by key; of those in a stage.
        proofs: what was proved of each entry; None where no statements were given.
        live: whether there are reports of monitoring.
    """

    catalogue: Catalogue
    entries: Sequence[Entry]
    spans: Sequence[dict[str, Any]]
    in_step: Mapping[str, bool | None]
    proofs: Mapping[str, dict[str, Any] | None] | None
    live: bool

    @property
    def title(self) -> str:
        """The title of an only model; of several, what they are."""
        titles = {in_line(word((entry.metadata or {}).get("title"))) for entry in self.entries}
        titles.discard("")
        return titles.pop() if len(titles) == 1 else "Models"

    @property
    def until(self) -> datetime:
        """When something was last registered, assigned or committed of what is shown."""
        return max(
            [
                *(entry.when for entry in self.entries),
                *(event.when for event in self.catalogue.events),
            ]
        )


def now_page(site: Site) -> bytes:
    """Return the page that is opened first; scripts show all other views in it."""
    models = sorted({entry.version.model for entry in site.entries})
    parts = [_model(site, model, len(models) > 1) for model in models]
    scripts = ("site.js", "data/index.js", *(["data/live.js"] if site.live else []))
    head = [h("script", {"src": name, "defer": ""}) for name in scripts]
    body = [
        h("section", {"id": "now"}, h("h1", {"tabindex": "-1"}, "Now"), *parts),
        h("section", {"id": "view", "hidden": "", "aria-live": "off"}),
        h(
            "noscript",
            None,
            h(
                "p",
                {"class": "soft"},
                "Without JavaScript there are this page and the ",
                h("a", {"href": "versions.html"}, "table of all versions"),
                ".",
            ),
        ),
    ]
    return _page(site, site.title, "now", head, body)


def versions_page(site: Site) -> bytes:
    """Return the table of all versions as it is without JavaScript."""
    header = ("Version", "Stages", "Date", "By", "Metric", "Recipe", "Data", "Commit")
    several = len({entry.version.model for entry in site.entries}) > 1
    names = ("Model", *header) if several else header
    rows = [_row(site, entry, several) for entry in site.entries]
    table = h(
        "table",
        {"class": "list"},
        h("thead", None, h("tr", None, *(h("th", {"scope": "col"}, name) for name in names))),
        h("tbody", None, *rows),
    )
    count = f"{len(rows):,} version{'' if len(rows) == 1 else 's'}, newest first."
    body = [
        h("h1", None, "Versions"),
        h("p", {"class": "soft"}, count),
        h(
            "div",
            {"class": "wide", "tabindex": "0", "role": "group", "aria-label": "Table"},
            table,
        ),
    ]
    return _page(site, f"Versions · {site.title}", "versions", [], body)


def _page(site: Site, title: str, here: str, head: Sequence[Html], body: Sequence[Html]) -> bytes:
    views = [*VIEWS, *([("live", "Live")] if site.live else [])]
    links = [_tab(name, label, name == here) for name, label in views]
    until = f"{site.until:%Y-%m-%d %H:%M}"
    page = join(
        Html("<!doctype html>\n"),
        h(
            "html",
            {"lang": "en"},
            h(
                "head",
                None,
                h("meta", {"charset": "utf-8"}),
                h("meta", {"http-equiv": "Content-Security-Policy", "content": POLICY}),
                h("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}),
                h("meta", {"name": "color-scheme", "content": "light dark"}),
                h("meta", {"name": "referrer", "content": "no-referrer"}),
                h("meta", {"name": "generator", "content": f"modelkeep {__version__}"}),
                h("title", None, title),
                h("link", {"rel": "icon", "href": "data:,"}),
                h("link", {"rel": "stylesheet", "href": "site.css"}),
                *head,
            ),
            Html("\n"),
            h(
                "body",
                None,
                h("a", {"class": "skip", "href": "#main"}, "Skip to the content"),
                h(
                    "header",
                    None,
                    h("p", {"class": "name"}, h("a", {"href": "index.html"}, site.title)),
                    h("nav", {"aria-label": "Views"}, *links),
                ),
                Html("\n"),
                h("main", {"id": "main"}, *body),
                Html("\n"),
                h(
                    "footer",
                    None,
                    f"As of {until}, the last tag or commit that is shown. Made from Git by "
                    f"modelkeep {__version__}.",
                ),
            ),
        ),
        Html("\n"),
    )
    return page.encode("utf-8", errors="replace")


def _tab(name: str, label: str, here: bool) -> Html:
    places = {"now": "index.html", "versions": "versions.html"}
    words = {"href": places.get(name, f"index.html#/{name}"), "data-view": name}
    if name not in places:
        words["class"] = "scripted"
    if here:
        words["aria-current"] = "page"
    return h("a", words, label)


def _model(site: Site, model: str, several: bool) -> Html:
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
    metadata = (newest.metadata if newest else None) or {}
    title = in_line(word(metadata.get("title"))) or model
    notes: list[Html | str] = [] if cards else ["Nothing is in a stage. "]
    if newest and newest.version.commit not in {event.commit for event in assignments.values()}:
        when = f", of {newest.when:%Y-%m-%d}, is in no stage."
        notes += ["The newest version, ", _link(newest), when]
    return h(
        "section",
        {"class": "model"},
        h("h2", None, title, " ", h("small", None, model) if several or title != model else None),
        h("div", {"class": "cards"}, *cards) if cards else None,
        h("p", {"class": "soft"}, *notes) if notes else None,
    )


def _card(site: Site, stage: str, entry: Entry, span: dict[str, Any]) -> Html:
    headline = headline_of(entry.metadata or {})
    quality = (
        [
            h("p", {"class": "metric"}, h("b", None, _value(headline)), " ", _metric(headline)),
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
        ("data", _data(entry)),
        ("recipe", _code(word((entry.metadata or {}).get("recipe_id"))[:HASH])),
        ("commit", _code(entry.version.commit[:HASH])),
    ]
    return h(
        "article",
        {"class": "card", "aria-label": stage},
        h("h3", None, stage),
        h("p", {"class": "version"}, _link(entry)),
        *quality,
        h("dl", None, *(join(h("dt", None, name), h("dd", None, value)) for name, value in facts)),
        h("ul", {"class": "marks"}, *_marks(site, entry, span)),
    )


def _marks(site: Site, entry: Entry, span: dict[str, Any]) -> list[Html]:
    """Return what is good and what is doubtful about a version in a stage."""
    found: list[tuple[str, str]] = []
    if span["gate"]:
        forced = span["forced"]
        found.append(("bad", "forced past the gate") if forced else ("good", "passed the gate"))
    if not entry.version.number:
        found.append(("bad", "not registered"))
    if site.in_step.get(entry.key) is False:
        found.append(("bad", "dvc.lock is stale"))
    if entry.metadata and entry.metadata.get("reproducible", True) is not True:
        found.append(("bad", "not made in the locked environment"))
    if site.proofs is not None:
        proof = site.proofs.get(entry.key)
        found.append(
            ("good", f"rebuilt {proof['when'][:10]}, {proof['result']} equal")
            if proof
            else ("open", "never verified")
        )
    if entry.signed is not None:
        found.append(("good", "signed tag") if entry.signed else ("open", "unsigned tag"))
    return [h("li", {"class": kind}, words) for kind, words in found]


def _row(site: Site, entry: Entry, several: bool) -> Html:
    headline = headline_of(entry.metadata or {})
    metric = f"{_metric(headline)} {text.interval(headline)}" if headline else NO_HEADLINE
    cells: list[Html | str] = [
        h("bdi", None, entry.label),
        ", ".join(site.catalogue.stages(entry.version)),
        f"{entry.when:%Y-%m-%d}",
        h("bdi", None, entry.author),
        metric,
        _code(word((entry.metadata or {}).get("recipe_id"))[:HASH]),
        _data(entry),
        _code(entry.version.commit[:HASH]),
    ]
    if several:
        cells.insert(0, entry.version.model)
    return join(
        h("tr", {"id": f"v-{entry.key}"}, *(h("td", None, cell) for cell in cells)), Html("\n")
    )


def _link(entry: Entry) -> Html:
    return h("a", {"href": f"versions.html#v-{entry.key}", "data-key": entry.key}, entry.label)


def _code(digest: str) -> Html | str:
    return h("code", None, digest) if digest else "-"


def _data(entry: Entry) -> Html | str:
    metadata = entry.metadata or {}
    files = raw_data(metadata)
    if not files:
        return "-"
    counts = {
        str(file.get("path")): file.get("rows")
        for file in mapping(metadata, "data").get("files") or []
        if isinstance(file, dict)
    }
    parts: list[Html | str] = []
    for path, digest in files.items():
        rows = counts.get(path)
        told = f" {rows:,} rows " if isinstance(rows, int) else " "
        name = h("bdi", None, in_line(word(path)))
        parts += [h("span", {"class": "file"}, name, told, _code(word(digest)[:HASH]))]
    return join(*parts)


def _metric(headline: dict[str, Any]) -> str:
    return in_line(word(headline["metric"]))


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
    start, middle, width = (f"{SCALE * part:.2f}" for part in (low, value, high - low))
    return h(
        "svg",
        {"class": "bar", "viewBox": f"0 0 {SCALE} 6", "preserveAspectRatio": "none"}
        | {"aria-hidden": "true"},
        h("rect", {"class": "whole", "width": str(SCALE), "y": "2", "height": "2"}),
        h("rect", {"class": "part", "x": start, "width": width, "height": "6"}),
        h("rect", {"class": "mark", "x": middle, "width": "0.8", "height": "6"}),
    )
