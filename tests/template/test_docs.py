"""The pages in docs/: every console command is run, and prints what stands below it."""

import argparse
import re
import shutil
import subprocess
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from conftest import LOOSER, ROOT, SAMPLE, Bake, Warmed
from modelkeep import cli
from modelkeep_core import params
from modelkeep_core.schema import Column, Schema
from walk import fits, recorded, shell_environment, steps_of, walk

DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
TYPED = [page for page in PAGES if steps_of(page.read_text("utf-8"))]
COMMIT = "git add . && git commit -qm '{}'"
# What a page starts from: the state before it, and what leads from there: what is trained, and
# commands
STATES: dict[str, tuple[str, dict[str | None, str]]] = {
    "fresh": ("", {}),
    "trained": (
        "fresh",
        {
            SAMPLE: COMMIT.format("Train the first model"),
            LOOSER: COMMIT.format("Loosen the regularisation") + " && dvc push",
        },
    ),
    "released": (
        "trained",
        {None: "modelkeep register -m 'The first release' && modelkeep promote v1.0.0 prod"},
    ),
}
NAMED = re.compile(r"(\w+) (v\d+\.\d+\.\d+) (?:is recipe |\(recipe )([0-9a-f]{7})\b")
START = re.compile(r"^<!-- start: (\w+) -->$", re.MULTILINE)
# Commands in bash blocks, which no test of a page types: each needs a network, Docker or another
# repository, and has a test, or a workflow that is checked, of its own.
ELSEWHERE = {
    "MODELKEEP_SCHEDULER=", "cd", "cookiecutter", "cruft", "curl", "dask", "docker", "dvc repro",
    "git clone", "git diff", "git push", "gsutil",
    "export SERVING_PRIVATE_KEY=", "modelkeep export mlflow", "modelkeep monitor forget",
    "modelkeep predict package remote://", "modelkeep predict package s3://",
    "modelkeep serve", "pip install", "pre-commit",
    "python -m pip install",
    "python tools/bring.py", "python3 -m venv", "source .venv", "uv", "uvx",
}  # fmt: skip
Desk = Callable[[str], tuple[Path, dict[str, str]]]


@pytest.fixture(scope="session")
def desk(
    bake: Bake, warmed: Warmed, environment: Path, tmp_path_factory: pytest.TempPathFactory
) -> Desk:
    """Return a function that lays out a project in a state, always at the same place.

    DVC's remote is an absolute path, so a state is a copy of all that lies at that place: project,
    remote and home.
    """
    base = tmp_path_factory.mktemp("docs")
    work, states = base / "work", base / "states"

    def lay_out(state: str) -> tuple[Path, dict[str, str]]:
        shutil.rmtree(work, ignore_errors=True)
        person = shell_environment(work / "home")
        person["PATH"] = f"{environment / 'bin'}:{person['PATH']}"
        if (states / state).exists():
            shutil.rmtree(work)
            shutil.copytree(states / state, work, symlinks=True)
            return work / "my-model", person
        before, steps = STATES[state]
        if before:
            project, _ = lay_out(before)
            for change, commands in steps.items():
                if change is not None:
                    warmed(project, change)
                done = subprocess.run(
                    ["bash", "-ec", commands],
                    cwd=project,
                    env=person,
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    encoding="utf-8",
                    check=False,
                )
                assert done.returncode == 0, f"{state}: {done.stdout}\n{done.stderr}"
        else:
            project = bake(into=work)
            (project / ".venv").symlink_to(environment)
            (project / ".git" / "info" / "exclude").write_text(".venv\n", encoding="utf-8")
        shutil.copytree(work, states / state, symlinks=True)
        return work / "my-model", person

    return lay_out


@pytest.mark.slow
@pytest.mark.parametrize("page", TYPED, ids=lambda page: page.relative_to(DOCS).as_posix())
def test_a_page_shows_what_its_commands_print(
    page: Path, desk: Desk, request: pytest.FixtureRequest
) -> None:
    """Whoever types a page word for word, from where it says that it starts, sees what it shows."""
    text = page.read_text("utf-8")
    start = START.search(text)
    assert start, f"{page} has console blocks: say from which state it starts"
    project, person = desk(start[1])
    steps = steps_of(text)
    printed = [
        output.replace(str(project.parent), "...") for output in walk(steps, project, person)
    ]
    assert len(printed) == len(steps), f"$ {steps[len(printed) - 1].command}\n{printed[-1]}"
    if request.config.getoption("--record"):
        page.write_text(recorded(text, printed), encoding="utf-8")
        pytest.skip("recorded: look at the difference, and run again without --record")
    for step, output in zip(steps, printed, strict=True):
        assert fits(step.expected, output), f"$ {step.command}\n{output}\npage:\n{step.expected}"


def test_every_page_can_be_reached() -> None:
    """Links lead to files and headings that exist, and from docs/README.md to every page."""
    reached, waiting = set(), [DOCS / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached:
            continue
        reached.add(page)
        for target in _links(page):
            if re.match(r"\w+:", target):
                continue
            path, _, heading = target.partition("#")
            place = (page.parent / path).resolve() if path else page
            assert place.exists(), f"{page.relative_to(ROOT)}: {target}"
            if heading:
                assert heading in _headings(place), f"{page.relative_to(ROOT)}: {target}"
            if place.is_relative_to(DOCS) and place.suffix == ".md":
                waiting.append(place)
    assert set(PAGES) == reached


@pytest.mark.parametrize("page", TYPED, ids=lambda page: page.relative_to(DOCS).as_posix())
def test_a_page_shows_one_walk(page: Path) -> None:
    """A version has the same recipe in all that a page shows, so that a reader can follow it."""
    recipes: dict[tuple[str, str], set[str]] = {}
    for model, version, recipe in NAMED.findall(page.read_text("utf-8")):
        recipes.setdefault((model, version), set()).add(recipe)
    assert all(len(ids) == 1 for ids in recipes.values()), recipes


def test_a_recorded_page_takes_all_of_a_walk() -> None:
    """Where one output is new, so are the hashes of the others; where none is, nothing changes."""
    page = "```console\n$ one\nrecipe 1234567\n$ two\n3 of abcdefa\n$ three\n...\n```\n"
    assert recorded(page, ["recipe 7654321", "3 of fffffff", "much"]) == page
    assert recorded(page, ["recipe 7654321", "4 of fffffff", "much"]) == (
        page.replace("1234567", "7654321").replace("3 of abcdefa", "4 of fffffff")
    )


def test_what_is_not_typed_has_a_reason() -> None:
    """Shell commands in docs are in console blocks, which are typed, or among those that cannot."""
    for page in PAGES:
        for token in MarkdownIt().parse(page.read_text("utf-8")):
            if token.type != "fence" or token.info not in ("bash", "sh", "shell", ""):
                continue
            assert token.info == "bash", f"{page}: a block says what is in it: {token.content}"
            for line in re.sub(r"\\\n", " ", token.content).splitlines():
                if line and not line.startswith("#"):
                    assert any(line.startswith(name) for name in ELSEWHERE), f"{page}: {line}"


def test_only_commands_that_exist_are_named() -> None:
    """What stands behind `modelkeep` in a page is one of its commands."""
    for page in PAGES:
        for command in re.findall(
            r"(?:`|^\$ |^)modelkeep ([a-z][\w-]*)", page.read_text("utf-8"), re.M
        ):
            assert command in cli.COMMANDS, f"{page}: modelkeep {command}"


def test_the_reference_of_the_command_line_is_complete() -> None:
    """docs/reference/cli.md has a section for each command, with each of its options."""
    sections = re.split(r"^### ", (DOCS / "reference" / "cli.md").read_text("utf-8"), flags=re.M)
    described = {part.split("\n")[0].strip("` "): part for part in sections[1:]}
    for name, parser in _below(cli.parser_of([*cli.COMMANDS]), ""):
        section = described.get(f"modelkeep {name}")
        assert section, f"cli.md has no section `modelkeep {name}`"
        for action in parser._actions:
            for option in action.option_strings:
                if option.startswith("--") and option != "--help":
                    assert f"`{option}" in section, f"cli.md: modelkeep {name}: {option}"


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("params.md", [(name, model) for name, model in (
            ("prepare", params.Prepare), ("train", params.Train), ("train.search", params.Search),
            ("evaluate", params.Evaluate), ("package", params.Package),
        )]),
        ("schema.md", [("", Schema), ("columns", Column)]),
    ],
)  # fmt: skip
def test_the_reference_of_a_file_is_complete(page: str, words: list[tuple[str, type]]) -> None:
    """Every key that params.yaml and schema.yaml may have is in its page."""
    text = (DOCS / "reference" / page).read_text("utf-8")
    for place, model in words:
        for key in model.model_fields:
            assert f"`{key}`" in text, f"{page}: {place}.{key}"


def _below(parser: argparse.ArgumentParser, name: str) -> list[tuple[str, argparse.ArgumentParser]]:
    """Return the parsers of the commands below one, by their names."""
    inner = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not inner:
        return [(name, parser)]
    return [
        pair
        for title, below in inner[0].choices.items()
        for pair in _below(below, f"{name} {title}".strip())
    ]


def _links(page: Path) -> list[str]:
    """Return where the links and pictures of a page lead."""
    links = []
    for token in MarkdownIt().enable("table").parse(page.read_text("utf-8")):
        for child in token.children or ():
            if child.type in ("link_open", "image"):
                links.append(str(child.attrs.get("href") or child.attrs.get("src")))
    return links


def _headings(page: Path) -> set[str]:
    """Return the anchors of a page as GitHub makes them."""
    tokens = MarkdownIt().parse(page.read_text("utf-8"))
    titles = [after.content for token, after in pairwise(tokens) if token.type == "heading_open"]
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
