"""A merge that was left half done is named with file and line, in whatever reads the file."""

from pathlib import Path

import pytest

from modelkeep_core.dvc_yaml import read_stages
from modelkeep_core.environment import read_lock
from modelkeep_core.errors import UserError
from modelkeep_core.files import read_json, read_parameters, read_yaml
from modelkeep_core.hooks import read_hooks
from modelkeep_core.merges import half_merged, marked_line
from modelkeep_core.schema import read_schema

SIDES = "<<<<<<< HEAD\n{ours}\n=======\n{theirs}\n>>>>>>> other\n"


@pytest.mark.parametrize(
    ("name", "ours", "theirs", "read"),
    [
        ("params.yaml", "seed: 1", "seed: 2", read_yaml),
        ("params.toml", "seed = 1", "seed = 2", read_parameters),
        ("schema.yaml", "target: a", "target: b", read_schema),
        ("dvc.yaml", "stages:", "stages: {}", read_stages),
        ("model.json", '{"a": 1}', '{"a": 2}', read_json),
        ("pyproject.toml", "[project]", "[tool]", lambda path: read_hooks(path.parent)),
        ("requirements.lock", "numpy==1", "numpy==2", read_lock),
    ],
)
def test_a_merge_that_is_half_done_is_named(tmp_path, name, ours, theirs, read):
    """With the file, the line and what to do; not as what is wrong with the format."""
    path = tmp_path / name
    path.write_text("\n" + SIDES.format(ours=ours, theirs=theirs), encoding="utf-8")
    with pytest.raises(UserError, match=rf"{name}, line 2: a merge was left half done here\."):
        read(path)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\n<<<<<<< HEAD\n", 2),
        ("a\r\n\r\n>>>>>>> b\r\n", 3),
        ("Summary\n=======\n", None),
        ("||||||| 1234567\n", 1),
        (">>>>>>> a branch\n", 1),
        ("# =======\n======== \n a <<<<<<< b\n<<<<<<<\n", None),
    ],
)
def test_a_line_of_git_is_told_from_others(text, line):
    """Any of the three, alone; the one between the sides may stand below a heading."""
    assert marked_line(text) == line


def test_only_files_that_describe_a_project_are_looked_at(tmp_path):
    """A page about merges may show one."""
    for name in ("README.md", "dvc.lock", "a.dvc", "gone.yaml"):
        if name != "gone.yaml":
            Path(tmp_path, name).write_text(SIDES, encoding="utf-8")
    names = ["README.md", "a.dvc", "dvc.lock", "gone.yaml"]
    assert [*half_merged(tmp_path, names)] == [("a.dvc", 1), ("dvc.lock", 1)]
