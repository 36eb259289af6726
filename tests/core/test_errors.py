"""A person's mistake ends in a message, a programmer's in a traceback."""

import ast
import errno
import re
from pathlib import Path

import pytest

import modelkeep_core
from modelkeep_core.errors import (
    UserError,
    described,
    exit_on_user_error,
    reason_of,
    suggestion,
)
from modelkeep_core.packaged import check_format
from modelkeep_core.params import Prepare, read_params
from modelkeep_core.schema import read_schema

SOURCES = Path(modelkeep_core.__file__).parents[1]
PAGE = re.compile(r"((?:tutorials|how-to|reference|explanation)/[\w/-]+\.md)(?:#([\w-]+))?")


def test_a_refusal_becomes_its_message_and_a_failed_exit():
    """A UserError leaves the program with its message, which Python prints with exit status 1."""
    with pytest.raises(SystemExit) as ended, exit_on_user_error():
        raise UserError("the file is missing")
    assert ended.value.code == "error: the file is missing"


def test_any_other_error_keeps_its_traceback():
    """An error that is no UserError is a bug and is not hidden."""
    with pytest.raises(ZeroDivisionError), exit_on_user_error():
        _ = 1 / 0


def test_work_that_succeeds_is_left_alone():
    """Nothing happens where nothing is refused."""
    done = []
    with exit_on_user_error():
        done.append("work")
    assert done == ["work"]


def test_the_nearest_known_word_is_suggested():
    """A misspelt word is told with the one that was meant."""
    assert suggestion("tset_size", ["seed", "test_size", "split"]) == (
        " (did you mean 'test_size'?)"
    )


def test_a_word_in_other_capitals_is_near():
    """C is the parameter that c was meant to be."""
    assert suggestion("c", ["C", "max_iter"]) == " (did you mean 'C'?)"
    assert suggestion("SEX", ["island", "sex"]) == " (did you mean 'sex'?)"
    assert suggestion("sex", ["SEX", "sexe"]) == " (did you mean 'sexe'?)"


def test_nothing_is_suggested_where_no_word_is_near():
    """A word that resembles none of the known ones gets no misleading suggestion."""
    assert suggestion("zzz", ["seed", "test_size"]) == ""


def test_a_message_may_name_the_page_that_says_more(tmp_path, monkeypatch):
    """The address is that of pyproject.toml, else where the pages lie; most messages name none."""
    monkeypatch.chdir(tmp_path)
    error = UserError("no.", "reference/stages.md#the-guard")
    assert described(UserError("no.")) == "error: no."
    assert described(OSError("no.")) == "error: no."
    plain = "error: no.\nMore: docs/reference/stages.md#the-guard of cookiecutter-dvc-pipeline"
    assert described(error) == plain
    for content in ("[tool", "[tool]", "tool = 1", "[tool.modelkeep]\ndocs = 1"):
        Path("pyproject.toml").write_text(content, encoding="utf-8")
        assert described(error).startswith("error: no.\nMore: ")
    address = '[tool.modelkeep]\ndocs = "https://example.org/docs"\n'
    Path("pyproject.toml").write_text(address, encoding="utf-8")
    more = "https://example.org/docs/reference/stages.md#the-guard"
    assert described(error) == f"error: no.\nMore: {more}"


def read_own_params(path):
    """Read the section of a stage of the project's own, for which there is no page."""
    read_params(path, "summarise", Prepare)


@pytest.mark.parametrize(
    ("read", "page"),
    [
        (lambda path: read_params(path, "prepare", Prepare), "reference/params.md#prepare"),
        (read_own_params, None),
        (read_schema, "reference/schema.md"),
        (
            lambda path: check_format({"format": 99}, path),
            "reference/package-format.md#compatibility",
        ),
    ],
)
def test_a_message_about_a_file_names_the_page_of_its_keys(tmp_path, read, page):
    """Whoever has a key wrong is led to the list of the keys, where the documentation has one."""
    path = tmp_path / "file.yaml"
    path.write_text("prepare: {sede: 1}\nsummarise: {}\n", encoding="utf-8")
    with pytest.raises(UserError) as refused:
        read(path)
    assert refused.value.page == page


def anchors(page):
    """Return the anchors of a page, as GitHub makes them of its headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\s-]", "", text.lower()).replace(" ", "-") for text in headings}


def test_every_page_that_a_message_names_is_there():
    """A constant of the libraries that looks like a page is one, with that heading."""
    named = {
        match.groups()
        for path in SOURCES.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if (match := PAGE.fullmatch(node.value))
    }
    assert len(named) > 8
    docs = SOURCES.parent / "docs"
    assert [
        f"{page}#{anchor}"
        for page, anchor in sorted(named, key=str)
        if not (docs / page).is_file() or (anchor and anchor not in anchors(docs / page))
    ] == []


def test_what_the_system_refuses_is_told_without_its_number():
    """A person reads where and why, not [Errno 30]."""
    error = OSError(errno.EROFS, "Read-only file system", ".dvc/tmp/lock")
    assert described(error) == "error: .dvc/tmp/lock: Read-only file system."
    assert described(OSError("no room")) == "error: no room"


def test_a_full_disk_is_told_where_the_system_names_no_file():
    """Without its number, and with what to do."""
    message = described(OSError(errno.ENOSPC, "No space left on device"))
    assert message.startswith("error: a disk is full")
    assert "make room" in message
    named = OSError(errno.ENOSPC, "No space left on device", "model.json")
    assert described(named) == "error: model.json: No space left on device."


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("no\nnumber."), "no number"),
        (PermissionError(13, "Permission denied", "var"), "var: Permission denied"),
        (PermissionError(13, "Permission denied"), "Permission denied"),
        (OSError("of its own."), "of its own"),
    ],
)
def test_a_reason_stands_in_a_sentence(error, reason):
    """On one line, without a full stop, and without the number of the system."""
    assert reason_of(error) == reason
