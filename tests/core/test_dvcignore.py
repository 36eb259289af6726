"""What is hidden from DVC is what DVC itself hides."""

import pytest
from dvc.repo import Repo

from modelkeep_core.dvcignore import DvcIgnore

FILES = [
    *("data/raw/a.csv", "data/raw/a.tmp", "data/raw/deep/a.tmp", "data/raw/.DS_Store"),
    *("data/raw/tmp/a.csv", "data/tmp", "a.csv", "pipeline/__pycache__/train.pyc"),
    *("pipeline/train.py", "data/raw/keep.tmp", "data/raw/#a#", "data/raw/ä b.csv"),
]


@pytest.mark.parametrize(
    ("top", "deep"),
    [
        ("", ""),
        ("*.tmp\n", ""),
        ("*.tmp\n!keep.tmp\n", ""),
        ("tmp/\n", ""),
        ("/data/tmp\n", ""),
        ("data/**/a.tmp\n", ""),
        ("# *.csv\n\n  *.tmp  \n", ""),
        ("\\#a#\n__pycache__\n", ""),
        ("data\n!data/raw/a.csv\n", ""),
        ("data/raw/*\n!data/raw/a.csv\n", ""),
        ("*.tmp\n", "!*.tmp\n"),
        ("", "/a.tmp\n"),
        ("", "deep\nä b.csv\n"),
        ("[a-b].csv\n", "tmp/*\n"),
    ],
)
def test_dvc_hides_the_same_files(tmp_path, top, deep):
    """Patterns at the top and in a directory, turned round, anchored, of directories, escaped."""
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / ".dvcignore").write_text(top, encoding="utf-8")
    (tmp_path / "data/raw/.dvcignore").write_text(deep, encoding="utf-8")
    with Repo.init(str(tmp_path), no_scm=True) as repo:
        seen = {name for name in FILES if repo.dvcignore.is_ignored_file(str(tmp_path / name))}
    ours = DvcIgnore(tmp_path)
    assert {name for name in FILES if ours.hides(tmp_path / name)} == seen


def test_what_dvc_keeps_for_itself_is_hidden(tmp_path):
    """So are Git's and Mercurial's directories, wherever they stand; what lies outside is not."""
    ignore = DvcIgnore(tmp_path)
    assert all(ignore.hides(tmp_path / name) for name in (".dvc/config", "data/.git/x", ".hg/x"))
    assert not ignore.hides(tmp_path.parent / ".git" / "x")
