"""The script of a site is made small, and does the same."""

import pytest

from modelkeep.site.small import _declared, _role, _tokens, small
from modelkeep.site.writing import ASSETS, SCRIPTS

# What the scripts use of a browser
BROWSER = {
    *(
        "Array",
        "Blob",
        "Boolean",
        "Date",
        "Error",
        "Infinity",
        "IntersectionObserver",
        "Map",
        "Math",
    ),
    *("isNaN", "Math", "Number", "Object", "Promise", "Set", "String", "URL", "URLSearchParams"),
    *("addEventListener", "document", "history", "location", "scrollTo", "setTimeout", "window"),
}


@pytest.mark.parametrize(
    ("script", "shorter"),
    [
        ("const first = 1; // one\nuse(first);", "const a=1;use(a)"),
        (
            "const first = 1;\nconst other = {first, second: first};",
            "const a=1,b={first:a,second:a}",
        ),
        ("const {length: own, name} = x.name;", "const{length:b,name:a}=x.name"),
        ("const f = (own) => { go(own); };", "const b=a=>{go(a)}"),
        ("const f = (own, rest = '// no') => own + +rest;", "const c=(a,b='// no')=>a+ +b"),
        (
            "const f = own => `a  ${own ? `<${own}>` : ''} $b`;",
            "const b=a=>`a  ${a?`<${a}>`:''} $b`",
        ),
        (
            "const own = x / 2 / y; const r = /[/'] a/g.test(own);",
            "const a=x/2/y,b=/[/'] a/g.test(a)",
        ),
        ("for (const part of all) { let a = part; }", "for(const a of all){let b=a}"),
    ],
)
def test_names_and_spaces_go(script: str, shorter: str) -> None:
    """Texts, properties and the names of others stay as they are."""
    made = small(script)
    assert made.removesuffix(";") == shorter


def test_every_name_is_declared() -> None:
    """What no script declares is of the browser; a misspelt name would fail in one view only."""
    script = "\n".join((ASSETS / f"{name}.js").read_text("utf-8") for name in SCRIPTS)
    tokens = [*_tokens(script)]
    used = {place: token.text for place, token in enumerate(tokens) if _role(tokens, place)}
    declared = {used[place] for place in _declared(tokens) if place in used}
    assert {*used.values()} - declared == BROWSER
