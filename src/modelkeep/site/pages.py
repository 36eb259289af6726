"""The two pages that need no JavaScript: what each stage holds now, and all versions."""

from collections.abc import Sequence
from html import escape

from modelkeep import __version__, text
from modelkeep.site.cards import model_of
from modelkeep.site.cells import HASH, NO_HEADLINE, NO_METADATA, code_of, files_of
from modelkeep.site.entries import Entry
from modelkeep.site.headline import NUMBERS
from modelkeep.site.markup import Html, h, join
from modelkeep.site.shown import Site

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
    ("search", "Search"),
    ("lineage", "Lineage"),
)


def now_page(site: Site) -> bytes:
    """Return the page that is opened first; scripts show all other views in it."""
    models = sorted({entry.version.model for entry in site.entries})
    parts = [model_of(site, model) for model in models]
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
                    f"modelkeep {__version__}. ",
                    h("a", {"href": site.server}, "Prediction server") if site.server else None,
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


def _row(site: Site, entry: Entry, several: bool) -> Html:
    row = site.rows[entry.key]
    words = {name: site.columns.cell(name, row) for name in ("stage", "recipe", "headline")}
    numbers = {name: site.columns.cell(name, row) for name in NUMBERS}
    metric = NO_METADATA if site.columns.cell("problem", row) else NO_HEADLINE
    if words["headline"] and None not in numbers.values():
        metric = f"{words['headline']} {text.interval(numbers)}"
    cells: list[Html | str] = [
        h("bdi", None, entry.label),
        words["stage"],
        f"{entry.when:%Y-%m-%d}",
        h("bdi", None, entry.author),
        metric,
        code_of((words["recipe"] or "")[:HASH]),
        files_of(site.columns.group("data", row)),
        code_of(entry.version.commit[:HASH]),
    ]
    if several:
        cells.insert(0, entry.version.model)
    listed = "".join(
        f"<td>{cell if isinstance(cell, Html) else escape(cell)}</td>" for cell in cells
    )
    anchor = f' id="v-{entry.key}"' if entry.key in site.linked else ""
    return Html(f"<tr{anchor}>{listed}</tr>\n")
