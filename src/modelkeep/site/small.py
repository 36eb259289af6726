"""JavaScript made small: no comments, no spaces that are not needed, short names of its own.

It reads the dialect that the site's scripts are written in, no more: every statement ends with a
semicolon or a brace, no name of the browser that a script uses is declared in it as well, and a
method in an object is written as a property.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count, product
from string import ascii_letters

TOKENS = re.compile(
    r"(?P<space>(?:\s|//[^\n]*)+)|(?P<text>'(?:[^'\\\n]|\\.)*')|(?P<name>[A-Za-z_$][\w$]*)"
    r"|(?P<number>\d[\w.]*)|(?P<sign>=>|\.\.\.|\?\.|\?\?=?|&&=?|\|\|=?|[!=]==?|\+\+|--|.)"
)
PIECE = re.compile(r"(?:[^`\\$]|\\.|\$(?!\{))*(?:`|\$\{)", re.DOTALL)
REGEX = re.compile(r"/(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/[a-z]*")
# After these, a slash begins a regular expression, and a brace an object.
BEFORE_A_VALUE = {*"(,=:[!?+-*<>", "&&", "||", "??", "||=", "??=", "...", "return", "===", "!=="}
WORDS = frozenset(
    {
        *("as", "async", "await", "break", "case", "catch", "class", "const", "continue", "delete"),
        *("default", "do", "else", "false", "finally", "for", "function", "get", "if", "in", "let"),
        *("instanceof", "new", "null", "of", "return", "set", "static", "switch", "this", "throw"),
        *("true", "try", "typeof", "undefined", "var", "void", "while", "with", "yield"),
    }
)
CLOSING = {"(": ")", "[": "]", "{": "}"}
TEMPLATE = "`"


@dataclass
class Token:
    """A word, a sign or a text.

    Attributes:
        kind: "name", "number", "text", "sign", or "piece" of a template.
        text: as it stands there.
        around: the bracket that it is in: "(", "[", "{" of a block, "object", or "".
    """

    kind: str
    text: str
    around: str = ""


def small(script: str) -> str:
    """Return a script that does the same, and is smaller."""
    tokens = _lean([*_tokens(script)])
    roles = [_role(tokens, place) for place in range(len(tokens))]
    names = _names(tokens, roles)
    joined = {*_joined(tokens)}
    parts: list[str] = []
    for place, (token, role) in enumerate(zip(tokens, roles, strict=True)):
        if place in joined or place - 1 in joined:
            # The end of a declaration, and the beginning of the next one
            parts += [] if place in joined else [","]
            continue
        text = names.get(token.text, token.text) if role in ("variable", "short") else token.text
        if role == "short" and text != token.text:
            text = f"{token.text}:{text}"
        last = parts[-1] if parts else ""
        if (_word(last[-1:]) and _word(text[:1])) or (last in ("+", "-") and text[:1] == last):
            parts.append(" ")
        parts.append(text)
    return "".join(parts)


def _lean(tokens: list[Token]) -> list[Token]:
    """Leave out the brackets of an only parameter, and semicolons before a closing brace."""
    texts = [token.text for token in tokens]
    spared: set[int] = set()
    for place, text in enumerate(texts):
        following = texts[place + 1 : place + 4]
        if text == ";" and following[:1] == ["}"]:
            spared.add(place)
        elif text == "(" and following[1:] == [")", "=>"] and tokens[place + 1].kind == "name":
            spared |= {place, place + 2}
    return [token for place, token in enumerate(tokens) if place not in spared]


def _joined(tokens: Sequence[Token]) -> Iterator[int]:
    """Yield the places of the semicolons between declarations of constants."""
    depth, constant = 0, {0: False}
    for place, token in enumerate(tokens[:-1]):
        opens = token.kind == "sign" and token.text in CLOSING
        if opens or (token.kind == "piece" and token.text.endswith("{")):
            depth += 1
            constant[depth] = False
        elif token.kind == "sign" and token.text in CLOSING.values():
            depth -= 1
        elif token.text == "const" and token.kind == "name":
            constant[depth] = True
        elif token.text == ";" and constant[depth]:
            constant[depth] = tokens[place + 1].text == "const"
            if constant[depth]:
                yield place


def _word(sign: str) -> bool:
    return sign.isalnum() or sign in {"_", "$"}


def _tokens(script: str) -> Iterator[Token]:
    place, last = 0, ""
    open_: list[str] = []
    while place < len(script):
        around = open_[-1] if open_ else ""
        if around == TEMPLATE and last in (TEMPLATE, "}"):
            match = PIECE.match(script, place)
        elif script[place] == "/" and (not last or last in BEFORE_A_VALUE or last in "{};"):
            match = REGEX.match(script, place) or TOKENS.match(script, place)
        else:
            match = TOKENS.match(script, place)
        assert match is not None
        place, text = match.end(), match[0]
        kind = "piece" if match.re is PIECE else "text" if match.re is REGEX else match.lastgroup
        if kind in (None, "space"):
            continue
        if kind == "piece":
            # The expression in a template is like one in parentheses.
            open_ = open_[:-1] if text.endswith(TEMPLATE) else [*open_, "("]
            last = "a" if text.endswith(TEMPLATE) else "("
        elif text == TEMPLATE:
            open_.append(TEMPLATE)
            last = TEMPLATE
        elif text in CLOSING and kind == "sign":
            begins = last in BEFORE_A_VALUE or last in ("const", "let")
            open_.append("object" if text == "{" and begins else text)
            last = text
        elif text in CLOSING.values() and kind == "sign":
            open_.pop()
            last = text
        else:
            last = text
        yield Token(str(kind), text, around)


def _role(tokens: Sequence[Token], place: int) -> str:
    """Say whether a token is a "variable", a property that is a variable in "short", or neither."""
    token = tokens[place]
    if token.kind != "name" or token.text in WORDS:
        return ""
    before = tokens[place - 1].text if place else ""
    after = tokens[place + 1].text if place + 1 < len(tokens) else ""
    if before in (".", "?."):
        return ""
    if token.around == "object" and before in ("{", ","):
        return "" if after == ":" else "short"
    return "variable"


def _names(tokens: Sequence[Token], roles: Sequence[str]) -> dict[str, str]:
    """Return a short name for each that is declared: the most frequent have the shortest."""
    declared = {tokens[place].text for place in _declared(tokens) if roles[place]}
    uses = Counter(token.text for token, role in zip(tokens, roles, strict=True) if role)
    taken = {*WORDS, *(name for name in uses if name not in declared)}
    fresh = (
        "".join(letters)
        for length in count(1)
        for letters in product(ascii_letters, repeat=length)
        if "".join(letters) not in taken
    )
    ordered = sorted(declared, key=lambda name: (-uses[name], name))
    return dict(zip(ordered, fresh, strict=False))


def _declared(tokens: Sequence[Token]) -> Iterator[int]:
    """Yield the places of the names that a script declares."""
    for place, token in enumerate(tokens):
        if token.kind == "name" and token.text in ("const", "let", "function", "catch"):
            yield from _pattern(tokens, place + 1)
            if token.text == "function" and tokens[place + 1].kind == "name":
                yield from _pattern(tokens, place + 2)
        elif token.text == "=>" and tokens[place - 1].kind == "name":
            yield place - 1
        elif token.text == "=>":
            yield from _pattern(tokens, _opening(tokens, place - 1))


def _pattern(tokens: Sequence[Token], place: int) -> Iterator[int]:
    """Yield the places of the names of a pattern, or of the only name, that begins at a place."""
    if tokens[place].kind == "name":
        yield place
    if tokens[place].text not in CLOSING:
        return
    depth = 0
    for inner in range(place, len(tokens)):
        text = tokens[inner].text
        depth += (text in CLOSING) - (text in CLOSING.values())
        if tokens[inner].kind == "name" and tokens[inner - 1].text in {*"({[,:", "..."}:
            yield inner
        if not depth:
            return


def _opening(tokens: Sequence[Token], place: int) -> int:
    depth = 0
    while True:
        text = tokens[place].text
        depth += (text in CLOSING.values()) - (text in CLOSING)
        if not depth:
            return place
        place -= 1
