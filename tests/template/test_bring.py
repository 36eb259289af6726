"""Bring the pipeline into a repository that exists: nothing there is touched, and it works."""

import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from conftest import ROOT, Run

pytestmark = pytest.mark.slow

FILES = {
    "README.md": "# Ours\n",
    ".gitignore": "/build\n",
    "pyproject.toml": '[project]\nname = "ours"\nversion = "1"\n',
    "src/app.py": "print('ours')\n",
    "notes": "a file where nothing of the template is\n",
}


def bring(path: Path, *answers: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run the command."""
    return subprocess.run(
        [sys.executable, ROOT / "tools" / "bring.py", path, *answers],
        check=check,
        capture_output=True,
        encoding="utf-8",
    )


def contents(directory: Path) -> dict[str, str]:
    """Return the SHA-256 of every file outside .git by its path."""
    return {
        path.relative_to(directory).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in directory.rglob("*")
        if path.is_file() and ".git" not in path.relative_to(directory).parts
    }


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a repository with a history of its own."""
    repository = tmp_path / "Our Work"
    for name, text in FILES.items():
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        (repository / name).write_text(text, encoding="utf-8")
    for command in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "Ours"]):
        subprocess.run(["git", *command], cwd=repository, check=True)
    return repository


@pytest.mark.slow
def test_the_pipeline_works_where_it_was_brought(repository: Path, run: Run) -> None:
    """Every file that was there is as it was, all is told, and `dvc repro` trains a model."""
    before = contents(repository)
    printed = bring(repository, "task=regression").stdout
    after = contents(repository)
    assert {name: after[name] for name in before} == before
    added, left = printed.split("Left alone")
    for name in sorted(set(after) - set(before)):
        assert name.startswith(".dvc/cache") or f"  {name}\n" in added, name
    for name in ("README.md", ".gitignore", "pyproject.toml"):
        assert f"  {name}\n" in left, name
    assert "  src/app.py\n" not in left
    missing = left.split("needs these lines:\n")[1].split("\n\n")[0].split()
    with (repository / ".gitignore").open("a", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in missing)
    run("dvc repro --quiet && git add . && git commit --quiet -m 'Train'", repository)
    run("dvc push --quiet && modelkeep register", repository)
    assert (repository.parent / "Our Work-storage").is_dir()


def test_a_second_time_adds_nothing(repository: Path) -> None:
    """Running it again changes nothing and lists nothing as added."""
    bring(repository)
    before = contents(repository)
    assert bring(repository).stdout.startswith("Added:\n  nothing\n")
    assert contents(repository) == before


def test_no_remote_is_a_directory_beside_the_repository(repository: Path) -> None:
    """Where the remote is left empty, it lies beside the repository, as on generation."""
    bring(repository, "dvc_remote=")
    config = (repository / ".dvc" / "config").read_text("utf-8")
    assert f'url = "{repository}-storage"' in config


def test_data_and_settings_of_dvc_are_not_mixed(repository: Path) -> None:
    """Where there are data or DVC settings already, none of ours is put among them."""
    for name in ("data/raw/ours.csv", ".dvc/config"):
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        (repository / name).write_text("", encoding="utf-8")
    printed = bring(repository).stdout
    assert [path.name for path in (repository / "data" / "raw").iterdir()] == ["ours.csv"]
    assert [path.name for path in (repository / ".dvc").iterdir()] == ["config"]
    assert "  data/raw.dvc\n" in printed.split("Left alone")[1]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [("colour=red", "no answer 'colour'"), ("dvc_remote=../x", "relative directory")],
)
def test_a_bad_answer_changes_nothing(repository: Path, answer: str, reason: str) -> None:
    """What cannot be used is refused in one line before a file is written."""
    before = contents(repository)
    done = bring(repository, answer, check=False)
    assert done.returncode == 1
    assert reason in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert contents(repository) == before


def test_no_such_directory(tmp_path: Path) -> None:
    """A directory that is not there is not made."""
    done = bring(tmp_path / "none", check=False)
    assert (done.returncode, done.stderr.startswith("error: ")) == (1, True)
    assert not (tmp_path / "none").exists()
