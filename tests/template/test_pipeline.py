"""The pipeline of a generated project: its own checks, training, restoring, sharing."""

import shutil
from hashlib import sha256
from pathlib import Path

import pytest

from conftest import Bake, Run, Warmed

pytestmark = pytest.mark.slow

OUTPUTS = ("data/raw", "data/prepared", "models", "reports", "package", "model.json", "dvc.lock")


def contents(project: Path) -> dict[str, str]:
    """Return the SHA-256 of every file of data, models, reports and package by its path."""
    files = [
        path
        for name in OUTPUTS
        for path in (
            [project / name] if (project / name).is_file() else (project / name).rglob("*")
        )
        if path.is_file()
    ]
    return {
        path.relative_to(project).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in files
    }


@pytest.fixture(scope="module")
def projects(bake: Bake) -> dict[str, Path]:
    """Return one project for each task, in which the tests of this module go on from each other."""
    return {task: bake(task=task) for task in ("classification", "regression")}


@pytest.fixture
def project(projects: dict[str, Path], task: str) -> Path:
    """Return the project of the task."""
    return projects[task]


def test_its_own_checks_pass(project: Path, run: Run) -> None:
    """A fresh project passes what its CI runs, before anything was trained."""
    run("ruff check . && ruff format --check . && modelkeep check", project)
    assert "passed" in run("python -m pytest -q", project).stdout


def test_without_serving_it_is_whole(bake: Bake, warmed: Warmed, run: Run) -> None:
    """Nothing that is left misses what was left out: the checks pass, and the model is the same."""
    project = warmed(bake(serving=False))
    run("ruff check . && ruff format --check .", project)
    assert "Data and pipelines are up to date." in run("dvc repro", project).stdout
    run("modelkeep check && python -m pytest -q", project)


def test_it_trains_once(project: Path, run: Run) -> None:
    """The first dvc repro runs all four stages, the second none; only outputs are new in Git."""
    first = run("dvc repro", project).stdout
    assert [f"Running stage '{name}'" in first for name in STAGES] == [True] * 4
    second = run("dvc repro", project).stdout
    assert "Running stage" not in second
    assert "Data and pipelines are up to date." in second
    assert run("git status --porcelain", project).stdout.split() == [
        *("??", "dvc.lock"),
        *("??", "model.json"),
        *("??", "reports/"),
    ]


STAGES = ("prepare", "train", "evaluate", "package")


def test_every_commit_comes_back(project: Path, run: Run, task: str) -> None:
    """Checkouts by Git and DVC give an earlier commit byte for byte; hooks make them one step."""
    run("dvc repro && git add . && git commit -qm First", project)
    first = contents(project)
    parameter = "train.LogisticRegression.C" if task == "classification" else "train.Ridge.alpha"
    run(f"dvc exp run --quiet -S {parameter}=2 && git add . && git commit -qm Second", project)
    second = contents(project)
    assert first.keys() == second.keys()
    assert first["models/model.skops"] != second["models/model.skops"]
    assert first["data/prepared/train.parquet"] == second["data/prepared/train.parquet"]
    run("git checkout -q HEAD~1 && dvc checkout -q", project)
    assert contents(project) == first
    run("dvc install && git checkout -q -", project)
    assert contents(project) == second


def test_a_clone_gets_everything(project: Path, run: Run, tmp_path: Path) -> None:
    """After dvc push, a clone elsewhere pulls the same bytes and has nothing to train."""
    run("dvc repro -q && git add . && (git commit -qm Trained || true) && dvc push", project)
    run(f"git clone -q {project} clone", tmp_path)
    run("dvc pull", tmp_path / "clone")
    assert contents(tmp_path / "clone") == contents(project)
    assert "Running stage" not in run("dvc repro", tmp_path / "clone").stdout
    assert run("git status --porcelain", tmp_path / "clone").stdout == ""


def test_lost_objects_come_back(project: Path, run: Run) -> None:
    """A model that is gone from work tree and cache comes back from the remote."""
    run("dvc repro -q && dvc push -q", project)
    before = contents(project)
    shutil.rmtree(project / "models")
    shutil.rmtree(project / ".dvc" / "cache")
    run("dvc pull", project)
    assert contents(project) == before


@pytest.fixture(scope="module")
def clone(projects: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the classification in which parameters are changed."""
    copy = tmp_path_factory.mktemp("clone") / "clone"
    return shutil.copytree(projects["classification"], copy, symlinks=True)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (["prepare.split=time", "prepare.split_by=year"], ""),
        (["train.estimator=DummyClassifier"], ""),
        (["train.LogisticRegression.C=1e-6"], ""),
        (["train.estimator=LogisticRegresion"], "did you mean 'LogisticRegression'?"),
        (["+train.LogisticRegression.max_itre=1"], "did you mean 'max_iter'?"),
        (["+prepare.test_sice=0.1"], "did you mean 'test_size'?"),
        (["prepare.test_size=2"], "prepare.test_size: input should be less than 1, not 2"),
        (["prepare.split=group"], "needs split_by"),
        (["prepare.split=group", "prepare.split_by=iland"], "did you mean 'island'?"),
        (["prepare.split=group", "prepare.split_by=island"], "class 'Gentoo'"),
        (["evaluate.headline=f1"], "has no metric 'f1'"),
        (["evaluate.group_by=iland"], "did you mean 'island'?"),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, list) else "",
)
def test_what_params_say(clone: Path, run: Run, changes: list[str], words: str) -> None:
    """A change of parameters trains, or is refused in one message that names the parameter.

    A search by a grid is trained by docs/how-to/search.md, other estimators by test_owner.py.
    """
    run("git checkout -q .", clone)
    options = " ".join(f"-S '{change}'" for change in changes)
    done = run(f"dvc exp run {options}", clone, check=False)
    output = done.stdout + done.stderr
    assert (done.returncode == 0) == (not words), output
    assert words in output
    assert "Traceback" not in output
