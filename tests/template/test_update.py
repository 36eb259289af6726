"""Up to date: a project of long ago takes in a newer template, and loses nothing."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import ROOT, Run, lay
from test_blocks import LOCKS
from test_pipeline import STAGES
from test_tree import tracked

pytestmark = pytest.mark.slow

GENERATED = "{{cookiecutter.project_slug}}"
CRUFT = [sys.executable, "-m", "cruft"]
# What the next version of the template changes: in every room, a sentence for another.
NEWER = {
    "README.md": ("## Make it yours\n", "## Make it your own\n"),
    "params.yaml": ("# Every parameter", "# Each parameter"),
    "schema.yaml": ("task:", "# A newer schema\ntask:"),
    "dvc.yaml": ("title: Confusion matrix", "title: Confusion"),
    "pipeline/evaluate.py": ("models, data/prepared", "the models, data/prepared"),
    "pyproject.toml": ("# What people work with", "# What the people work with"),
    ".gitignore": ("# What tools leave behind", "# What tools leave there"),
}
# What a person changes in a year.
OWN = {
    "README.md": ("## Start\n", "## Start\n\nAsk Ada for access.\n"),
    "params.yaml": ("    C: 0.1\n", "    C: 3\n"),
    "schema.yaml": ("max: 70", "max: 71"),
    "pipeline/train.py": ("def train(", "SEASON = 'winter'\n\n\ndef train("),
    ".gitignore": ("*.partial\n", "*.partial\n/notes\n"),
}
STAGE = """
  count:
    cmd: python -c "import pathlib; pathlib.Path('count.txt').write_text('1')"
    deps:
      - package
    outs:
      - count.txt

metrics:
"""


def git(directory: Path, *arguments: str) -> str:
    """Run Git and return what it says."""
    return subprocess.run(
        ["git", *arguments], cwd=directory, check=True, capture_output=True, encoding="utf-8"
    ).stdout


def change(directory: Path, changes: dict[str, tuple[str, str]]) -> None:
    """Replace text in files; each text must be there."""
    for name, (old, new) in changes.items():
        text = (directory / name).read_text("utf-8")
        assert old in text, f"{name} has no {old!r}"
        (directory / name).write_text(text.replace(old, new, 1), "utf-8")


@pytest.fixture
def released(template: Path, tmp_path: Path) -> Path:
    """Return a repository of the template at its newest released version, or at the present one."""
    copy = tmp_path / "template"
    shutil.copytree(template, copy, ignore=shutil.ignore_patterns(".git"))
    git(copy, "init", "--quiet")
    tags = git(ROOT, "tag", "--merged", "HEAD", "--sort=-version:refname", "v*").split()
    if tags:
        shutil.copytree(copy, tmp_path / "present")
        for path in copy.iterdir():
            if path.name != ".git":
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        files = subprocess.run(
            ["git", "archive", "--format=tar", tags[0]],
            cwd=ROOT,
            check=True,
            stdout=subprocess.PIPE,
        )
        subprocess.run(["tar", "-x"], cwd=copy, check=True, input=files.stdout)
    git(copy, "add", "--force", ".")
    git(copy, "commit", "--quiet", "-m", "A released version")
    return copy


@pytest.fixture
def project(released: Path, tmp_path: Path) -> Path:
    """Return a project that was made from the released version and changed by its owner."""
    answers = {"project_name": "Kept", "dvc_remote": str(tmp_path / "storage")}
    subprocess.run(
        [
            *(*CRUFT, "create", released, "--no-input", "--output-dir", tmp_path),
            *("--extra-context", json.dumps(answers)),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    project = tmp_path / "kept"
    assert not (project / ".venv").exists()
    change(project, OWN)
    change(project, {"dvc.yaml": ("\nmetrics:\n", STAGE)})
    (project / "own.py").write_text("print('mine')\n", "utf-8")
    git(project, "add", ".")
    git(project, "commit", "--quiet", "-m", "A year of work")
    return project


@pytest.fixture
def trained(project: Path, run: Run, year: Path) -> Path:
    """Return the project after its training, which it is spared after the first time."""
    if (year / "dvc.lock").exists():
        lay(year, project)
    run("dvc repro --quiet && git add . && git commit --quiet -m 'Train'", project)
    if not (year / "dvc.lock").exists():
        lay(project, year)
    return project


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where what the training of such a project made is kept."""
    return tmp_path_factory.mktemp("year")


@pytest.fixture
def update(released: Path, project: Path, tmp_path: Path) -> Callable[..., str]:
    """Return a function that releases a newer template with some changes, and updates to it."""

    def update(
        more: dict[str, tuple[str, str]] | None = None,
        rooms: dict[str, tuple[str, str]] = NEWER,
    ) -> str:
        present = tmp_path / "present"
        if present.exists():
            shutil.copytree(present, released, dirs_exist_ok=True)
        change(released / GENERATED, rooms | (more or {}))
        git(released, "commit", "--quiet", "--all", "-m", "A newer version")
        return subprocess.run(
            [*CRUFT, "update", "--skip-apply-ask"],
            cwd=project,
            check=True,
            capture_output=True,
            encoding="utf-8",
        ).stdout

    return update


def test_an_update_brings_the_new_and_keeps_the_own(
    project: Path, update: Callable[..., str]
) -> None:
    """All of the template's changes arrive, all of the owner's stay, and nothing is in conflict."""
    subprocess.run([*CRUFT, "check"], cwd=project, check=True, stdout=subprocess.DEVNULL)
    update()
    assert "U" not in {line[0] for line in git(project, "status", "--porcelain").splitlines()}
    for name, (_, new) in NEWER.items():
        taken = name != "schema.yaml"
        assert (new in (project / name).read_text("utf-8")) is taken, name
    for name, (_, new) in OWN.items():
        assert new in (project / name).read_text("utf-8"), name
    assert "  count:\n" in (project / "dvc.yaml").read_text("utf-8")
    assert (project / "own.py").is_file()
    assert str(project.parent / "storage") in (project / ".dvc" / "config").read_text("utf-8")
    changed = {line[3:] for line in git(project, "status", "--porcelain").splitlines()}
    assert changed == {*NEWER, ".cruft.json"} - {"schema.yaml"}


def test_a_conflict_is_only_where_both_changed(project: Path, update: Callable[..., str]) -> None:
    """Where template and owner changed the same line, the owner decides; all else is merged."""
    update({"pipeline/train.py": ("def train(", "LATEST = 2\n\n\ndef train(")})
    status = git(project, "status", "--porcelain").splitlines()
    assert [line for line in status if line[0] == "U"] == ["UU pipeline/train.py"]
    text = (project / "pipeline" / "train.py").read_text("utf-8")
    assert "SEASON = 'winter'" in text
    assert "LATEST = 2" in text
    assert "/notes\n" in (project / ".gitignore").read_text("utf-8")


def test_each_version_is_rendered_with_its_own_filters(
    project: Path, update: Callable[..., str]
) -> None:
    """A newer version may use a filter that the older one, rendered before it, does not have."""
    update(
        {
            "../local_extensions.py": (
                '"checked": checked,',
                '"checked": checked, "up": str.upper,',
            ),
            ".dvcignore": ("*.pyc\n", "*.pyc\n{{ 'newer' | up }}\n"),
        }
    )
    assert "NEWER\n" in (project / ".dvcignore").read_text("utf-8")


def test_what_the_owner_removed_does_not_come_back(
    project: Path, update: Callable[..., str]
) -> None:
    """A file that was deleted from the project stays deleted."""
    git(project, "rm", "--quiet", "tests/test_features.py")
    git(project, "commit", "--quiet", "-m", "Do without")
    update()
    assert "tests/test_features.py" not in tracked(project)
    assert not (project / "tests" / "test_features.py").exists()


def test_the_pipeline_works_after_an_update(
    trained: Path, update: Callable[..., str], run: Run
) -> None:
    """Models of before are there, own data too, and `dvc repro` trains with what is new."""
    project = trained
    raw = project / "data" / "raw" / "penguins.csv"
    raw.write_text("".join(raw.read_text("utf-8").splitlines(keepends=True)[:-9]), "utf-8")
    run("dvc add --quiet data/raw && dvc push --quiet", project)
    run("git add . && git commit --quiet -m 'Own data'", project)
    update()
    run("git add . && git commit --quiet -m 'Update'", project)
    assert len(raw.read_text("utf-8").splitlines()) == 336
    run("dvc repro --quiet && git add . && git commit --quiet -m 'Train again'", project)
    metadata = json.loads((project / "model.json").read_text("utf-8"))
    assert metadata["data"]["rows"]["read"] == 335
    run("git checkout --quiet HEAD~3 && dvc checkout --quiet && dvc status --quiet", project)


@pytest.mark.parametrize(
    ("module", "stale"), [("modelkeep/text.py", False), ("modelkeep_core/card.py", True)]
)
def test_a_newer_library_is_a_small_diff(
    trained: Path, update: Callable[..., str], run: Run, module: str, stale: bool
) -> None:
    """A change of `modelkeep` makes no stage stale, one of core all; few lines are to review."""
    project = trained
    update({f"../src/{module}": ('"""', '"""A newer one. ')}, rooms={})
    status = run("dvc status", project).stdout
    assert all((f"{stage}:\n" in status) == stale for stage in STAGES)
    assert ("up to date" in status) != stale
    changed = set(git(project, "diff", "HEAD", "--name-only").split()) - {".cruft.json"}
    wheels = {name for name in changed if name.startswith(f"vendor/{module.split('/')[0]}-")}
    assert len(wheels) == 1
    assert changed - wheels <= {*LOCKS}
    assert ("requirements.lock" in changed) == stale
    lines = git(project, "diff", "HEAD", "--text", "--unified=0", "--", *LOCKS).splitlines()
    assert 0 < sum(line.startswith("+ ") for line in lines) <= 3


def test_a_project_of_cookiecutter_can_follow_later(released: Path, tmp_path: Path) -> None:
    """`cruft link` lets a project that was made by cookiecutter take part in updates."""
    subprocess.run(
        [
            *(sys.executable, "-m", "cookiecutter", str(released), "--no-input", "-o", tmp_path),
            *("project_name=Later", "create_environment=no"),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    project = tmp_path / "later"
    answers = json.dumps({"project_name": "Later", "create_environment": False})
    subprocess.run(
        [*CRUFT, "link", released, "--no-input", "--extra-context", answers],
        cwd=project,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    git(project, "add", ".cruft.json")
    git(project, "commit", "--quiet", "-m", "Follow the template")
    change(released / GENERATED, {".gitignore": NEWER[".gitignore"]})
    git(released, "commit", "--quiet", "--all", "-m", "A newer version")
    subprocess.run([*CRUFT, "update", "--skip-apply-ask"], cwd=project, check=True)
    assert NEWER[".gitignore"][1] in (project / ".gitignore").read_text("utf-8")
