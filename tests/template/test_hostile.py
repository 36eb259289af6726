"""Hostile answers: whatever is typed is refused in one line, or comes back as it was typed."""

import ast
import json
import random
import runpy
import shutil
import tempfile
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result
from cookiecutter.cli import main
from cookiecutter.main import cookiecutter
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from conftest import ANSWERS, PROJECT, ROOT, Bake, Run, Warmed
from local_extensions import TEXTS, markdown, refusals
from modelkeep_core.visible import visible
from test_answers import GOOD, slug

FIXED = settings(derandomize=True, deadline=None, database=None)
CARD = runpy.run_path(str(ROOT / "src" / "modelkeep_core" / "card.py"))
# The parser in C, if it is there: hundreds of projects are read
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def parsed(text: str) -> object:
    """Return the content of a YAML file."""
    return yaml.load(text, LOADER)


PARSERS = {
    ".dvc": parsed,
    ".json": json.loads,
    ".py": ast.parse,
    ".toml": tomllib.loads,
    ".yaml": parsed,
    ".yml": parsed,
}
CHOICES = {name: ANSWERS[name] for name in GOOD if isinstance(ANSWERS[name], list)}

# What trips up templates, file formats, shells and people; all of it can be taken.
NASTY = [
    'say "hi" now',
    "O'Brien & Söhne",
    "C:\\new\\table\\",
    "key: value # no comment",
    "{{ 7 * 7 }} {% raw %} {# gone #} {{{",
    "{{ cookiecutter.__class__.__mro__ }}",
    # exactly what the template itself has
    PROJECT.name,
    ANSWERS["project_slug"],
    ANSWERS["__checked"],
    "$(touch pwned) `touch pwned` ; touch pwned",
    "__import__('os').system('touch pwned')",
    "- *bold* _it_ [x](y) <b>&amp;</b> |~#",
    "1. 2024-01-01",
    "2) + - = > !",
    "===",
    "---",
    "<script>alert(1)</script><!-- -->",
    "[x]: https://example.org 'title'",
    "yes",
    "@handle, %percent",
    "Straße 汉字 🐧 עברית e\u0301 \u200b",
    "\u202eright to left\u202c",
    "pаypal",  # noqa: RUF001, with a Cyrillic letter
    "null",
    "~",
    "1e3",
    "0x1F",
    "'''\"\"\"",
    "class",
    "None",
    "__init__.py",
    "json",
    "CON",
    "nul.txt",
    "../../etc/passwd",
    "/etc/passwd",
    "-rf",
    "--help",
    ".hidden",
    "...",
    "1st",
    "%(x)s {x} {0} %s $x",
    "x" * 100,
]
# Pieces of what is nasty, to be put together in every order: some can be taken, others never.
PIECES = [
    *("'", '"', "`", "\\", "\\n", "\\x41", "\\u0041", '\\"', "'''", '"""', "${x}", "$x", "$(x)"),
    *("{{", "}}", "{%", "%}", "{#", "#}", "{", "}", "%(x)s", "%s", "%", "?", "???", ",", ";", "^"),
    *("<", ">", "&", "&amp;", "&#65;", "&lt", "<b>", "<!--", "-->", "]]>", ": ", " #", "@", "---"),
    *("*", "_", "~", "#", "|", "[", "]", "(", ")", "!", "+", "-", "=", ".", "1.", "1)", ":", " "),
    *("/", "..", "../", "~/", "C:\\", "s3://", "http://a.b", "www.", "  ", "\xa0", "\u3000"),
    *("\u200b", "\u200d", "\u202e", "\u0301", "\u00ad", "ß", "汉", "🐧", "ע", "ﬁ", "İ", "\uff41"),
    *("\ue000", "a", "word", "don't", "null", "yes"),
]
BROKEN = ["\t", "\n", "\r", "\x00", "\x1b[31m", "\x7f", "\x85", "\u2028", "\ufeff", "\ufffe"]
BROKEN += ["\ud800", "\udcff", "x" * 300, "汉" * 10_000]
taken = st.one_of(
    st.lists(st.sampled_from(PIECES), max_size=15).map(lambda pieces: "".join(pieces).strip()),
    st.sampled_from(NASTY),
).filter(lambda text: not refusals(GOOD | {"project_name": text}))
typed = st.one_of(
    taken,
    st.lists(st.sampled_from([*PIECES, *BROKEN]) | st.text(max_size=4), max_size=9).map("".join),
)
# What YAML and Python make of an answer
anything = st.one_of(typed, st.none(), st.booleans(), st.integers(), st.lists(typed, max_size=2))
likely = st.fixed_dictionaries(
    {
        "project_name": taken,
        "project_slug": st.just("taken"),
        "description": taken,
        "author_name": taken,
    },
    optional={
        "author_email": st.sampled_from(["a+b@c.org", "o'x`{|}~$%&#@y.org"]),
        "dvc_remote": st.sampled_from(["s3://b/a b", "ssh://u@h:22/x"])
        | taken.map("/srv/".__add__),
        **{name: st.sampled_from(values) for name, values in CHOICES.items()},
    },
)


@pytest.fixture(scope="module")
def rendered(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the template without most of those files that no answer can reach."""
    unreached = (
        *(".git", "tests", "benchmarks", "docs", "tools", "plots"),
        "pipeline",
    )
    copy = tmp_path_factory.mktemp("rendered") / "template"
    shutil.copytree(template, copy, ignore=shutil.ignore_patterns(*unreached))
    return copy


@pytest.fixture(scope="module")
def configuration(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return settings of Cookiecutter that keep replay files away from home."""
    path = tmp_path_factory.mktemp("cookiecutter") / "settings.yaml"
    path.write_text(f"replay_dir: {path.parent}\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def render(rendered: Path, configuration: Path) -> Callable[..., Path]:
    """Return a function that generates what answers can reach, without hooks, from Python."""

    def render(into: Path | str, **answers: object) -> Path:
        return Path(
            cookiecutter(
                str(rendered),
                no_input=True,
                accept_hooks=False,
                extra_context={"create_environment": False} | answers,
                output_dir=str(into),
                config_file=str(configuration),
            )
        )

    return render


def plain_text(markdown: str) -> list[str]:
    """Return the text of each heading and paragraph, as a reader of the rendered page sees it."""
    return [
        "".join(child.content for child in token.children)
        for token in MarkdownIt("gfm-like", {"linkify": False}).parse(markdown)
        if token.type == "inline"
    ]


def assert_comes_back(project: Path, answers: dict[str, object]) -> None:
    """See that every file parses, and that the files say what was typed."""
    text = {
        path.relative_to(project).as_posix(): path.read_bytes().decode("utf-8")
        for path in project.rglob("*")
        if path.is_file() and not {".git", "cache", "vendor"} & set(path.relative_to(project).parts)
    }
    for name, content in text.items():
        PARSERS.get(Path(name).suffix, str)(content)
    name, description = answers["project_name"], answers["description"]
    author, remote = answers["author_name"], answers["dvc_remote"]
    email = {"email": answers["author_email"]} if answers["author_email"] else {}
    metadata = tomllib.loads(text["pyproject.toml"])["project"]
    assert metadata["name"] == project.name
    assert metadata["description"] == description
    assert metadata["authors"] == [{"name": author} | email]
    package = parsed(text["params.yaml"])["package"]
    assert (package["title"], package["description"]) == (name, description)
    shown = plain_text(text["README.md"])
    assert shown[:2] == [name, description]
    assert (
        f"Copyright (c) {author}" in text["LICENSE"] or f"Copyright {author}\n" in text["LICENSE"]
    )
    if remote:
        assert f'\n    url = "{remote}"\n' in text[".dvc/config"]
        assert any(f"The DVC remote is {remote}; credentials" in paragraph for paragraph in shown)
    assert not [name for name in text if "pwned" in name]


@settings(FIXED, max_examples=150)
@given(answers=st.fixed_dictionaries({}, optional=dict.fromkeys(GOOD, anything)))
def test_every_refusal_is_one_line(answers: dict[str, object]) -> None:
    """Whatever the answers are, of any type, each gets at most one line, short and printable."""
    lines = refusals(GOOD | answers)
    names = [line.split(":")[0] for line in lines]
    assert len(set(names)) == len(names)
    assert set(names) <= answers.keys()
    for line in lines:
        assert line.isprintable()
        assert len(line) < 300
        assert " that work" in line


@settings(FIXED, max_examples=80)
@given(name=typed)
def test_every_slug_is_one_or_none(name: str) -> None:
    """What follows from any name is a slug that is taken, or nothing, or the name of a device."""
    derived = slug(name)
    lines = refusals(GOOD | {"project_slug": derived})
    assert not lines or not derived or "device on Windows" in lines[0]


@settings(FIXED, max_examples=150)
@given(text=typed)
@example(text="a_b_ _c_ __d__ snake_case")
@example(text="1. 2)")
@example(text="&copy; &copy &#x41;")
def test_the_readme_and_the_card_escape_alike(text: str) -> None:
    """A reader of the README and of the model card sees any text as it was typed.

    The card, which may be somebody else's, shows what hides or turns text as well.
    """
    assume(not refusals(GOOD | {"description": text}))
    assert CARD["escape"](text) == markdown(visible(text))
    assert plain_text(f"# {markdown(text)}\n\n{markdown(text)}\n") == [text, text]


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("https://example.org/a_b?x=1", "https://example.org/a_b?x=1"),
        ("see https://example.org/~ada, now", r"see https\://example.org/\~ada, now"),
        ("HTTP://example.org/#top #1", r"HTTP\://example.org/\#top \#1"),
        ("www.example.org/*", r"www\.example.org/\*"),
        ("www.example.org *", r"www.example.org \*"),
    ],
)
def test_an_address_is_no_link_where_that_would_show_escapes(text: str, escaped: str) -> None:
    """GitHub takes backslashes into the links that it makes; other addresses stay links."""
    assert (markdown(text), CARD["escape"](text)) == (escaped, escaped)


def refused_or_comes_back(render: Callable[..., Path], answers: dict[str, str]) -> None:
    """Generate: see that all comes back, or that each bad answer has its line and nothing is."""
    whole = GOOD | answers
    lines = refusals(whole)
    with tempfile.TemporaryDirectory() as directory:
        into = Path(directory, "into")
        if lines:
            with pytest.raises(SystemExit) as refused:
                render(into, **answers)
            assert refused.value.code.split("\n") == lines
            assert not into.exists()
        else:
            assert_comes_back(render(into, **answers), whole)
            assert [path.name for path in into.iterdir()] == [whole["project_slug"]]
            assert list(Path(directory).iterdir()) == [into]


@settings(FIXED, max_examples=25)
@given(answers=likely, change=st.none() | st.tuples(st.sampled_from(list(TEXTS)), typed))
def test_every_combination_is_refused_or_comes_back(
    render, answers: dict[str, str], change: tuple[str, str] | None
) -> None:
    """Either all files parse and say what was typed, or lines say why not and nothing is left."""
    refused_or_comes_back(render, answers | dict([change] if change else []))


@pytest.mark.slow
@settings(FIXED, max_examples=250)
@given(answers=likely, change=st.none() | st.tuples(st.sampled_from(list(TEXTS)), typed))
def test_many_combinations_are_refused_or_come_back(
    render, answers: dict[str, str], change: tuple[str, str] | None
) -> None:
    """The same for many more of them."""
    refused_or_comes_back(render, answers | dict([change] if change else []))


@pytest.mark.parametrize("start", range(0, len(NASTY), 3))
def test_nasty_texts_come_back(render, tmp_path: Path, start: int) -> None:
    """Each of the known troublemakers is the name, the sentence or the author of a project."""
    name, description, author = (NASTY * 2)[start : start + 3]
    answers = {"project_name": name, "description": description, "author_name": author}
    assert_comes_back(render(tmp_path, project_slug="nasty", **answers), GOOD | answers)


DOORS = ["command", "settings", "replay"]


@pytest.fixture
def enter(rendered: Path, configuration: Path, tmp_path: Path) -> Callable[..., Result]:
    """Return a function that gives answers to the `cookiecutter` command in one of four ways."""

    def enter(door: str, answers: dict[str, object], hooks: str = "no") -> Result:
        options = ["--accept-hooks", hooks, "--output-dir", str(tmp_path / "into")]
        lines, content = None, yaml.safe_load(configuration.read_text("utf-8"))
        match door:
            case "command":
                options += ["--no-input", *(f"{name}={value}" for name, value in answers.items())]
            case "settings":
                options.append("--no-input")
                content["default_context"] = {"create_environment": False} | answers
            case "replay":
                replayed = {name: value for name, value in ANSWERS.items() if name != "__prompts__"}
                replayed |= GOOD | {"create_environment": False, "__checked": ""} | answers
                (tmp_path / "replay.json").write_text(json.dumps({"cookiecutter": replayed}))
                options += ["--replay-file", str(tmp_path / "replay.json")]
            case "prompt":
                lines = "".join(f"{answers.get(name, '')}\n" for name in GOOD)
        path = tmp_path / "settings.yaml"
        path.write_text(yaml.safe_dump(content), encoding="utf-8")
        return CliRunner().invoke(
            main, [str(rendered), "--config-file", str(path), *options], input=lines
        )

    return enter


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("project_name", "zero\x00byte"),
        ("project_name", "\n"),
        ("project_slug", "../outside"),
        ("project_slug", "/outside"),
        ("project_slug", ""),
        ("description", "x" * 10_000),
        ("author_name", "half \ud83d emoji"),
        ("author_email", "{{ 7 * 7 }}"),
        ("dvc_remote", "../storage"),
    ],
)
def test_every_door_refuses(enter, tmp_path: Path, door: str, name: str, value: str) -> None:
    """On the command line, in a file or by replay: the line, status 1, and nothing written."""
    done = enter(door, {name: value})
    assert done.output.splitlines() == refusals(GOOD | {name: value})
    assert done.exit_code == 1
    assert not (tmp_path / "into").exists()
    assert not (tmp_path / "outside").exists()


def test_the_prompts_refuse(enter, tmp_path: Path) -> None:
    """What is typed at the questions is refused with the same line after the last of them."""
    done = enter("prompt", {"project_slug": "../outside"})
    (line,) = refusals(GOOD | {"project_slug": "../outside"})
    assert done.output.splitlines()[-1].endswith(line)
    assert done.exit_code == 1
    assert not (tmp_path / "into").exists()


@pytest.mark.parametrize("door", [*DOORS, "prompt"])
def test_every_door_takes(enter, tmp_path: Path, door: str) -> None:
    """On the command line, in a file, by replay or typed: what is taken comes back as it was."""
    answers = {
        "project_name": 'It\'s "{{cookiecutter.project_slug}}" 汉字',
        "project_slug": "taken",
        "description": "{% raw %} \\ 'x' $ {}",
        "author_name": ANSWERS["__checked"],
        "author_email": "o'x`{|}~$%&#@y.org",
        "dvc_remote": "/srv/it's #1; [a] \\ {{ b }}",
    }
    done = enter(door, dict(answers))
    assert done.exit_code == 0, done.output
    assert_comes_back(tmp_path / "into" / "taken", GOOD | answers)


@pytest.mark.parametrize(
    ("value", "shown"), [(None, "None"), (True, "True"), ({"a": "b"}, "{'a': 'b'}")]
)
def test_settings_that_are_no_text(enter, tmp_path: Path, value: object, shown: str) -> None:
    """What YAML makes no text of is refused in one line, and not taken for another text."""
    done = enter("settings", {"description": value})
    assert done.exit_code == 1
    (line,) = done.output.splitlines()
    assert line.startswith(f"description: {shown} is no text; in a YAML file, put it in quotes. ")
    assert not (tmp_path / "into").exists()


@pytest.mark.parametrize("answer", ["license=mit", "create_environment=maybe"])
def test_a_choice_that_is_none_writes_nothing(enter, tmp_path: Path, answer: str) -> None:
    """Cookiecutter itself stops at a choice on the command line that is none, and names it."""
    name, value = answer.split("=")
    done = enter("command", {name: value})
    assert done.exit_code == 1
    assert f"{value} provided for " in str(done.exception)
    assert name in str(done.exception)
    assert not (tmp_path / "into").exists()


@pytest.mark.parametrize("door", ["command", "replay"])
def test_the_checks_cannot_be_answered(enter, tmp_path: Path, door: str) -> None:
    """Whoever gives the value that holds the checks is checked all the same."""
    done = enter(door, {"__checked": "yes", "project_slug": "../outside"})
    assert done.output.splitlines() == refusals(GOOD | {"project_slug": "../outside"})
    assert not (tmp_path / "outside").exists()


@pytest.mark.parametrize("name", ["create_environment", "_commit", "ci", "dvc_remote"])
def test_a_replay_file_is_not_executed(enter, tmp_path: Path, name: str, monkeypatch) -> None:
    """What a hook reads from a replay file is text to it, or refused."""
    monkeypatch.chdir(tmp_path)
    enter("replay", {name: "\" or open('pwned', 'w') or \""}, hooks="yes")
    assert not list(tmp_path.rglob("pwned"))


def test_a_replay_file_without_the_checks(enter, tmp_path: Path) -> None:
    """A replay file that leaves the template's extension out leaves nothing behind."""
    done = enter("replay", {"_extensions": [], "project_slug": "../outside/x"}, hooks="yes")
    assert done.exit_code == 1
    assert "'answers_are_checked' is undefined" in str(done.exception)
    assert not (tmp_path / "outside" / "x").exists()


HARD = {
    "project_name": '"It\'s" {{cookiecutter.project_slug}} {% raw %} $(touch pwned) <b>&amp;</b> '
    "汉字 🐧 e\u0301\u202e",
    "description": "C:\\new\\ `touch pwned` {# x #} | *a* _b_ ~c~ #d [e](f) <!-- --> &lt; a: b # "
    + ('1. "quoted" \\x41 \\u0041 \\" %(x)s $x \u200b\u00ad ÄÖÜß 汉字 🐧 ' * 8)[:400].strip(),
    "author_name": "'; touch pwned; \" \\ {{ 7 * 7 }}  O'Brien & Söhne <a@b> # x",
    "author_email": "o'brien`{|}~$%&#!*?^=/@example.org",
}
READ_PARAMS = """python -c "
import json, pathlib
from modelkeep_core.files import read_yaml
print(json.dumps(read_yaml(pathlib.Path('params.yaml'))))"
"""


@pytest.mark.slow
def test_the_hardest_answers_train(bake: Bake, warmed: Warmed, run: Run, tmp_path: Path) -> None:
    """With the hardest answers that are taken, lint, tests, training, experiments and push work."""
    remote = tmp_path / "it's $HOME; a, #b %20 [x] {{ y }} \\ storage"
    answers = HARD | {"dvc_remote": str(remote)}
    project = bake(tmp_path / "Straße 汉字 it's {{ x }}", **answers)
    assert_comes_back(project, GOOD | answers)
    run("ruff check . && ruff format --check . && modelkeep check", project)
    run("python -m pytest -q", project)
    trained = "dvc repro -q && git add . && git commit -qm Trained && dvc push -q"
    run(trained, warmed(project))
    run("dvc exp run -q --set-param train.LogisticRegression.C=0.7", project)
    assert len(list(remote.glob("files/md5/*/*"))) > 3
    for text in (
        json.loads((project / "model.json").read_text("utf-8")),
        json.loads(run(READ_PARAMS, project).stdout)["package"],
    ):
        assert text["title"] == answers["project_name"]
        assert text["description"] == answers["description"]
    shown = plain_text((project / "package" / "MODEL_CARD.md").read_text("utf-8"))
    assert shown[:2] == [visible(answers["project_name"]), visible(answers["description"])]
    assert not list(tmp_path.rglob("pwned*"))


# Writes each text as the template does, lets DVC read and write the file, and prints what it holds.
REWRITE = """
import json, pathlib, sys
from dvc.config import Config
from dvc.utils.hydra import apply_overrides
from ruamel.yaml import YAML
texts, remotes = json.loads(pathlib.Path(sys.argv[1]).read_text("utf-8"))
params, back = pathlib.Path("params.yaml"), [[], []]
for text in texts:
    quoted = json.dumps(text, ensure_ascii=False)
    lines = ["package:", f"  title: {quoted}", f"  description: {quoted}", "  x: 1", ""]
    params.write_text("\\n".join(lines), encoding="utf-8")
    apply_overrides("params.yaml", ["package.x=2"])
    package = YAML(typ="safe", pure=True).load(params.read_text("utf-8"))["package"]
    assert package["x"] == 2 and package["title"] == package["description"], package
    back[0].append(package["title"])
for remote in remotes:
    lines = ["['remote \\"storage\\"']", f'    url = "{remote}"', ""]
    pathlib.Path(".dvc/config").write_text("\\n".join(lines), encoding="utf-8")
    with Config(".dvc").edit("repo") as config:
        config["core"]["autostage"] = True
    back[1].append(Config(".dvc")["remote"]["storage"]["url"])
print(json.dumps(back))
"""


@pytest.mark.slow
def test_dvc_writes_back_what_is_taken(bake: Bake, run: Run, tmp_path: Path) -> None:
    """Texts and remotes that are taken stay the same when DVC writes its files anew."""
    chance = random.Random(0)
    texts, remotes = [], []
    while len(texts) < 300 or len(remotes) < 300:
        pieces = chance.choices([*PIECES, *NASTY, "one", "two", "three"], k=chance.randint(1, 60))
        text = chance.choice(["", " "]).join(pieces).strip()[:500].strip()
        if not refusals(GOOD | {"description": text}):
            texts.append(text)
        remote = chance.choice(["/", "/srv/", "s3://b/", "ssh://u@h:22/", "https://h/"]) + text[:80]
        # DVC reads others, too, but cannot write them; the hook says so
        if remote.isascii() and not refusals(GOOD | {"dvc_remote": remote}):
            remotes.append(remote)
    (tmp_path / "typed.json").write_text(json.dumps([texts, remotes]), encoding="utf-8")
    (tmp_path / "rewrite.py").write_text(REWRITE, encoding="utf-8")
    project = bake()
    back = run(f"python {tmp_path}/rewrite.py {tmp_path}/typed.json", project).stdout
    assert json.loads(back) == [texts, remotes]
