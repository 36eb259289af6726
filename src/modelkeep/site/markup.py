"""HTML put together from elements: every text is escaped, unless it is HTML already."""

from html import escape


class Html(str):
    """Text that is HTML."""

    __slots__ = ()


Part = str | Html | None
# Elements without content
VOID = ("link", "meta", "br")


def h(name: str, attributes: dict[str, str] | None = None, *parts: Part) -> Html:
    """Return an element; what is None is left out."""
    words = "".join(f' {key}="{escape(value)}"' for key, value in (attributes or {}).items())
    if name in VOID:
        return Html(f"<{name}{words}>")
    return Html(f"<{name}{words}>{join(*parts)}</{name}>")


def join(*parts: Part) -> Html:
    """Return parts one after the other."""
    return Html("".join(part if isinstance(part, Html) else escape(part) for part in parts if part))
