"""A report as one page of HTML that needs nothing else: no script, no network."""

from html import escape
from typing import Any

from modelkeep.look import look
from modelkeep.monitoring.drawing import days, picture
from modelkeep.monitoring.phrases import (
    PREDICTION,
    columns,
    conclusion,
    left_out,
    legend,
    middle,
    percent,
    probability,
    refusals,
    span,
)
from modelkeep.text import counted

# Beside the look that all pages have
STYLE = """
:root { --reference: #b3bac3; } .alarm { --edge: var(--bad); } .good { --edge: var(--good); }
@media screen and (prefers-color-scheme: dark) { :root { --reference: #5b6470; } }
body { padding-top: 1.5rem; } h1 { margin-bottom: 0; } h2 { margin-top: 2rem; }
article { background: var(--card); border: 1px solid var(--line); border-radius: .6rem;
  min-width: 0; overflow-x: auto; padding: .8rem 1rem; }
tr:not(:first-child) th { border-bottom-color: var(--line); }
.verdict { border-left: .4rem solid var(--edge, var(--soft)); background: var(--card);
  border-radius: .3rem; color: var(--ink); margin: 1rem 0; padding: .6rem 1.2rem;
  overflow-wrap: anywhere; }
article.alarm { border: 2px solid var(--bad); }
h3 { color: var(--ink); font-size: .95rem; letter-spacing: 0; margin: 0 0 .4rem;
  text-transform: none; }
h3 span { color: var(--bad); float: right; font-size: .8rem; }
article table { font-size: .82rem; width: 100%; }
article th, article td { padding: .15rem .4rem .15rem 0; } article th { font-size: .78rem; }
.bad { font-weight: 600; }
svg { display: block; margin: .4rem 0; width: 100%; }
svg text { fill: var(--soft); font-size: 11px; }
svg line { stroke: var(--line); } .reference { fill: var(--reference); }
.current { fill: var(--accent); }
@media (max-width: 30rem) {
  article { padding: .8rem .7rem; } article table { font-size: .76rem; }
  article th, article td { padding-right: .25rem; } article th { font-size: .72rem; } }
.outside { fill: var(--bad); } .key { border-radius: 2px; display: inline-block; height: .7rem;
  margin: 0 .3rem 0 1rem; width: .7rem; }
"""
KEY = "".join(
    f'<span class="key" style="background: var(--{colour})"></span>{meaning}'
    for colour, meaning in (
        ("reference", "reference"),
        ("accent", "current"),
        ("bad", "out of range"),
    )
)
VERDICTS = {"alarm": "alarm", "in order": "good", "not enough data": ""}


def document(report: dict[str, Any], site: str | None = None) -> str:
    """Return the page.

    Args:
        report: what was found.
        site: the address of the page of all versions, if somebody named it.
    """
    model, volume = report["model"], report["volume"]
    title = f"{model['title']}: {report['state']}"
    versions = ", ".join(version for version in model["versions"] if version)
    facts = [
        f"{model['name']} {versions}".strip(),
        f"recipe {model['recipe_id'][:7]}",
        span(report),
        f"{counted(volume['requests'], 'request')} and {counted(volume['rows'], 'row')} answered",
        *([f"Left out: {left_out(report)}"] if volume["other_models"] else []),
    ]
    parts = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="soft">{escape(" · ".join(facts))}</p>',
        *([f'<p class="soft"><a href="{escape(site)}">All versions</a></p>'] if site else []),
        f'<div class="verdict {VERDICTS[report["state"]]}">',
        *(f"<p>{escape(line)}</p>" for line in conclusion(report)),
        "</div>",
    ]
    if volume["rows"]:
        parts += [
            f'<h2>Features and predictions</h2><p class="soft">{escape(legend(report))}</p>',
            f'<p class="soft">{KEY}</p><div class="cards">',
            *(_card(name, part) for name, part in columns(report)),
            "</div>",
        ]
    return _page(title, [*parts, *_volume(report)])


def _card(name: str, part: dict[str, Any]) -> str:
    checks, reference, current = part["checks"], part["reference"], part["current"]
    alarm = any(check["alarm"] for check in checks.values())
    kind = "mean" if "mean" in current else "commonest"
    rows = [(kind, middle(part, "reference"), middle(part, "current"), "values")]
    if reference["rows"] and current["rows"] and name != PREDICTION:
        before, after = (side["missing"] / side["rows"] for side in (reference, current))
        rows.append(("missing", percent(before), percent(after), "missing"))
    present = current["rows"] - current["missing"]
    if part["out_of_range"] is not None and present and name != PREDICTION:
        share = percent(part["out_of_range"] / present)
        rows.append(("out of range", "", share, "out_of_range"))
    cells = "".join(_line(*row[:3], checks.get(row[3])) for row in rows)
    return (
        f'<article class="{"alarm" if alarm else ""}"><h3>{escape(name)}'
        f"{'<span>ALARM</span>' if alarm else ''}</h3>{picture(part)}"
        "<table><tr><th></th><th>reference</th><th>current</th><th>distance</th><th>P</th></tr>"
        f"{cells}</table></article>"
    )


def _line(about: str, reference: str, current: str, check: dict[str, Any] | None) -> str:
    distance = f"{check['distance']:.2f}" if check else "-"
    p = probability(check["p_adjusted"]) if check else "-"
    kind = ' class="bad"' if check and check["alarm"] else ""
    cells = "".join(f"<td{kind}>{escape(cell)}</td>" for cell in (reference, current, distance, p))
    return f"<tr><th>{about}</th>{cells}</tr>"


def _volume(report: dict[str, Any]) -> list[str]:
    parts = []
    if len(report["volume"]["days"]) > 1:
        counts = [(day["day"], day["rows"]) for day in report["volume"]["days"]]
        parts.append(f'<h2>Rows a day</h2><div class="cards"><div>{days(counts)}</div></div>')
    refused = report["refused"]
    if refused["reasons"]:
        lines = "".join(
            f"<tr><td>{escape(reason['reason'])}</td><td>{escape(reason['feature'] or '')}</td>"
            f"<td>{reason['values']:,}</td></tr>"
            for reason in refused["reasons"]
        )
        parts.append(
            f"<h2>Refused: {refusals(refused)}</h2>"
            "<table><tr><th>reason</th><th>feature</th><th>values</th></tr>"
            f"{lines}</table>"
        )
    return parts


def _page(title: str, parts: list[str]) -> str:
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{escape(title)}</title><style>{look()}{STYLE}</style></head>\n<body><main>\n"
        + "\n".join(parts)
        + "\n</main></body></html>\n"
    )
