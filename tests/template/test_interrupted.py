"""Interrupted work: whatever is killed, the next dvc repro gives what an undisturbed run gives."""

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from conftest import RESULTS, Bake, Run, Trained, Warmed
from test_pipeline import contents

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def project(bake: Bake) -> Path:
    """Return a project in which runs are killed."""
    return bake()


@pytest.fixture
def fresh(project: Path, warmed: Warmed) -> Path:
    """Return the project as if nothing had been trained, but for what DVC keeps of a training."""
    shutil.rmtree(project / ".dvc" / "cache" / "runs", ignore_errors=True)
    shutil.rmtree(project / ".dvc" / "tmp", ignore_errors=True)
    warmed(project)
    for name in RESULTS:
        path = project / name
        path.unlink() if path.is_file() else shutil.rmtree(path)
    return project


@pytest.fixture(scope="module")
def undisturbed(trained: Trained) -> dict[str, str]:
    """Return what a run gives that nobody disturbs."""
    return contents(trained())


def forget(project: Path, stage: str) -> None:
    """Let DVC know nothing of a run of a stage, so that it runs it."""
    for path in [*(project / ".dvc" / "cache" / "runs").glob("*/*/*")]:
        if f"pipeline.{stage} " in path.read_text("utf-8"):
            shutil.rmtree(path.parent)


@pytest.mark.parametrize("whole_group", [True, False], ids=["all processes", "dvc alone"])
@pytest.mark.parametrize(
    ("stage", "output"),
    [
        ("prepare", "data/prepared"),
        ("train", "models"),
        ("evaluate", "reports"),
        ("package", "package"),
    ],
)
def test_kill_9(
    fresh: Path,
    run: Run,
    environment: Path,
    undisturbed: dict[str, str],
    stage: str,
    output: str,
    whole_group: bool,
) -> None:
    """After kill -9 in any stage, of dvc alone or of its stage too, dvc repro ends the work.

    Of all processes when the stage has begun to write its output, of dvc alone when it has begun.
    """
    forget(fresh, stage)
    path = f"{environment / 'bin'}{os.pathsep}{os.environ['PATH']}"
    log = fresh.parent / "log"
    with log.open("w") as printed:
        running = subprocess.Popen(
            ["dvc", "repro"],
            cwd=fresh,
            env=os.environ | {"PATH": path},
            stdout=printed,
            stderr=printed,
            start_new_session=True,
        )
    begun = f"Running stage '{stage}'"
    while begun not in log.read_text("utf-8") or (whole_group and not (fresh / output).exists()):
        assert running.poll() is None, log.read_text("utf-8")
        time.sleep(0.01)
    if whole_group:
        os.killpg(running.pid, signal.SIGKILL)
    else:
        running.kill()
    running.wait()
    again = run("dvc repro", fresh, check=False)
    # DVC was killed while it wrote one of these files: the documentation says to delete it
    if "'./dvc.lock' validation failed" in again.stderr:
        (fresh / "dvc.lock").unlink()
    elif "Unable to read RWLock-file" in again.stderr:
        (fresh / ".dvc" / "tmp" / "rwlock").unlink()
    else:
        assert again.returncode == 0, again.stderr
    if again.returncode:
        run("dvc repro", fresh)
    assert contents(fresh) == undisturbed
    assert "up to date" in run("dvc repro", fresh).stdout


def test_a_lock_of_a_dead_process(fresh: Path, run: Run, undisturbed: dict[str, str]) -> None:
    """A lock whose process is gone is removed by DVC itself."""
    dead = subprocess.Popen(["true"])
    dead.wait()
    holder = {"pid": dead.pid, "cmd": "dvc repro"}
    lock = fresh / ".dvc" / "tmp" / "rwlock"
    lock.parent.mkdir(exist_ok=True)
    held = {"write": {str(fresh / "models"): holder}, "read": {}}
    lock.write_text(json.dumps(held), encoding="utf-8")
    assert "had been killed" in run("dvc repro", fresh).stderr
    assert contents(fresh) == undisturbed


def test_a_broken_lock_file(fresh: Path, run: Run, undisturbed: dict[str, str]) -> None:
    """A lock that was half written stops DVC with its name, and deleting it is all it takes."""
    lock = fresh / ".dvc" / "tmp" / "rwlock"
    lock.parent.mkdir(exist_ok=True)
    lock.write_text('{"', encoding="utf-8")
    done = run("dvc repro", fresh, check=False)
    assert done.returncode != 0
    assert "rwlock" in done.stdout + done.stderr
    lock.unlink()
    run("dvc repro", fresh)
    assert contents(fresh) == undisturbed


def test_a_broken_dvc_lock(fresh: Path, run: Run, undisturbed: dict[str, str]) -> None:
    """A dvc.lock that was half written comes back from Git, and the pipeline goes on from there."""
    run("dvc repro -q && git add . && (git commit -qm Trained || true)", fresh)
    lock = fresh / "dvc.lock"
    lock.write_text(lock.read_text("utf-8")[:1000] + "\n  - {", encoding="utf-8")
    done = run("dvc repro", fresh, check=False)
    assert done.returncode != 0
    assert "dvc.lock" in done.stdout + done.stderr
    run("git checkout -q dvc.lock && dvc repro", fresh)
    assert contents(fresh) == undisturbed
