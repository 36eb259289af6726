"""What a project says in `[tool.modelkeep]` is read, and a mistake in it is named."""

import pytest

from modelkeep_core.errors import UserError
from modelkeep_core.hooks import Hooks, read_hooks


def hooks_of(directory, text):
    """Read the hooks of a pyproject.toml with this text."""
    (directory / "pyproject.toml").write_text(text, encoding="utf-8")
    return read_hooks(directory)


def test_the_trusted_modules_are_read(tmp_path):
    """Other tables of the file do not matter."""
    text = '[project]\nname = "x"\n[tool.modelkeep]\ntrusted = ["pipeline.features", "own.steps"]\n'
    assert hooks_of(tmp_path, text).trusted == ["pipeline.features", "own.steps"]


@pytest.mark.parametrize("text", [None, "", '[project]\nname = "x"\n', "[tool.modelkeep]\n"])
def test_a_project_that_says_nothing_trusts_nothing(tmp_path, text):
    """Without the file, the table or the key, there are the defaults, and they are not shared."""
    hooks = read_hooks(tmp_path) if text is None else hooks_of(tmp_path, text)
    assert hooks == Hooks(trusted=[])
    hooks.trusted.append("x")
    assert Hooks().trusted == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[tool.modelkeep", r"pyproject\.toml is not valid TOML"),
        (f"deep = {'[' * 5000}", r"pyproject\.toml is not valid TOML"),
        ('[tool.modelkeep]\ntrsuted = ["x"]\n', r"unknown key 'trsuted' \(did you mean 'trusted'"),
        ('[tool.modelkeep]\ntrusted = "x"\n', r"tool\.modelkeep\.trusted: .*list"),
        ("[tool.modelkeep]\ntrusted = [[1]]\n", r"tool\.modelkeep\.trusted\.0: .*string"),
        ("tool = 1\n", r"pyproject\.toml: .*tool"),
        ("[tool]\nmodelkeep = 1\n", r"tool\.modelkeep"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path, text, message):
    """A misspelt hook, which would do nothing, is an error."""
    with pytest.raises(UserError, match=message):
        hooks_of(tmp_path, text)


def test_a_file_that_is_no_text_is_refused(tmp_path):
    """It does not end in a traceback."""
    (tmp_path / "pyproject.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match=r"pyproject\.toml is not valid TOML"):
        read_hooks(tmp_path)
