"""The page at `/`: the model card, and a form to try the model, made from the schema."""

import base64
import hashlib
import re
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt

from modelkeep.look import look
from modelkeep.serving.health import MEANINGS
from modelkeep.serving.served import ServedModel
from modelkeep_core.schema import Column

NOTHING: Mapping[str, str] = {}
TEMPLATE = Path(__file__).with_suffix(".html").read_text("utf-8").replace("/* look */", look())


def _hashes(tag: str) -> str:
    """Return the hashes by which a browser knows the template's own scripts or styles."""
    contents = re.findall(f"<{tag}>(.*?)</{tag}>", TEMPLATE, re.DOTALL)
    digests = (hashlib.sha256(content.encode()).digest() for content in contents)
    return " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)


# Nothing comes from elsewhere, and nothing that a card or a schema says can run.
HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src {_hashes('style')}; "
    f"script-src {_hashes('script')}; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}


def html(served: ServedModel, faults: Mapping[str, str] = NOTHING, site: str | None = None) -> str:
    """Return the page.

    Args:
        served: the model.
        faults: what is wrong with the server, by the names in MEANINGS.
        site: the address of the page of all versions, if somebody named it.
    """
    card = MarkdownIt("commonmark", {"html": False}).enable("table").render(served.card)
    example, profile = served.example["records"][0], served.profile["features"]
    fields = [
        _field(f"field-{number}", name, column, example[name], profile[name])
        for number, (name, column) in enumerate(served.contract.schema.features.items())
    ]
    page = TEMPLATE
    for mark, content in (
        ("title", escape(served.metadata["title"])),
        ("version", escape(served.version or served.recipe_id[:12])),
        ("site", f'<a href="{escape(site)}">All versions</a>' if site else ""),
        ("target", escape(served.metadata["target"])),
        ("fields", "\n".join(fields)),
        ("card", card),
        ("faults", "".join(_fault(name, reason) for name, reason in faults.items())),
    ):
        page = page.replace(f"<!-- {mark} -->", content)
    return page


def _fault(name: str, reason: str) -> str:
    sentence = escape(f"{MEANINGS[name]}: {reason}")
    return f'<p class="wrong" role="alert">{sentence[:1].upper()}{sentence[1:]}</p>'


def _field(key: str, name: str, column: Column, value: Any, profile: dict[str, Any]) -> str:
    """Return the label and the input of one column, with the example's value."""
    needed = "" if column.missing else " required"
    common = f'id="{key}" data-column="{escape(name)}" data-type="{column.type}"{needed}'
    shown = "" if value is None else escape(str(value))
    hint = "may be empty" if column.missing else ""
    if column.choices is not None:
        chosen = str(value).lower() if column.type == "boolean" else value
        control = _choice(common, column.choices, chosen, column.missing)
    elif column.type == "category":
        options = "".join(f'<option value="{escape(text)}">' for text in profile["counts"])
        control = (
            f'<input {common} value="{shown}" list="{key}-values">'
            f'<datalist id="{key}-values">{options}</datalist>'
        )
    elif column.type == "datetime":
        control = f'<input {common} value="{shown}" placeholder="2024-01-31T09:30:00">'
    else:
        step = "1" if column.type == "integer" else "any"
        bounds = [
            f' {name}="{bound:.15g}"'
            for name, bound in (("min", column.min), ("max", column.max))
            if bound is not None
        ]
        control = f'<input {common} type="number" step="{step}"{"".join(bounds)} value="{shown}">'
        if profile.get("min") is not None:
            between = f"{profile['min']:.6g} to {profile['max']:.6g} in training"
            hint = f"{between}; {hint}" if hint else between
    label = f'<label for="{key}">{escape(name)}</label>'
    if not hint:
        return f"<p>{label}{control}</p>"
    described = control.replace(f'id="{key}"', f'id="{key}" aria-describedby="{key}-hint"', 1)
    return f'<p>{label}{described}<small id="{key}-hint">{hint}</small></p>'


def _choice(common: str, values: list[str], chosen: Any, missing: bool) -> str:
    options = ['<option value=""></option>'] if missing else []
    options += [
        f'<option value="{escape(value)}"{" selected" if value == chosen else ""}>'
        f"{escape(value)}</option>"
        for value in values
    ]
    return f"<select {common}>{''.join(options)}</select>"
