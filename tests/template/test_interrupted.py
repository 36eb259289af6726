"""Interrupted work: whatever is killed, the next dvc repro gives what an undisturbed run gives."""

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from conftest import Bake, Run
from test_pipeline import contents

pytestmark = pytest.mark.slow

RESULTS = ("data/prepared", "models", "reports", "package", ".dvc/cache/runs", ".dvc/tmp")


@pytest.fixture(scope="module")
def project(bake: Bake) -> Path:
    """Return a project in which runs are killed."""
    return bake()


@pytest.fixture
def fresh(project: Path, run: Run) -> Path:
    """Return the project as if nothing had been trained."""
    for name in RESULTS:
        shutil.rmtree(project / name, ignore_errors=True)
    for name in ("dvc.lock", "model.json"):
        (project / name).unlink(missing_ok=True)
    return project


@pytest.fixture(scope="module")
def undisturbed(bake: Bake, environment: Path) -> tuple[dict[str, str], float]:
    """Return what a run gives that nobody disturbs, and how many seconds it takes."""
    project = bake()
    path = f"{environment / 'bin'}{os.pathsep}{os.environ['PATH']}"
    start = time.monotonic()
    variables = os.environ | {"PATH": path}
    subprocess.run(["dvc", "repro", "-q"], cwd=project, env=variables, check=True)
    return contents(project), time.monotonic() - start


@pytest.mark.parametrize("whole_group", [True, False], ids=["all processes", "dvc alone"])
@pytest.mark.parametrize("share", [0.1, 0.35, 0.6, 0.85])
def test_kill_9(
    fresh: Path,
    run: Run,
    environment: Path,
    undisturbed: tuple[dict[str, str], float],
    share: float,
    whole_group: bool,
) -> None:
    """After kill -9 at any moment, of dvc alone or of its stage too, dvc repro ends the work."""
    expected, seconds = undisturbed
    path = f"{environment / 'bin'}{os.pathsep}{os.environ['PATH']}"
    running = subprocess.Popen(
        ["dvc", "repro", "-q"],
        cwd=fresh,
        env=os.environ | {"PATH": path},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    time.sleep(share * seconds)
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
    assert contents(fresh) == expected
    assert "up to date" in run("dvc repro", fresh).stdout


def test_a_lock_of_a_dead_process(
    fresh: Path, run: Run, undisturbed: tuple[dict[str, str], float]
) -> None:
    """A lock whose process is gone is removed by DVC itself."""
    dead = subprocess.Popen(["true"])
    dead.wait()
    holder = {"pid": dead.pid, "cmd": "dvc repro"}
    lock = fresh / ".dvc" / "tmp" / "rwlock"
    lock.parent.mkdir(exist_ok=True)
    held = {"write": {str(fresh / "models"): holder}, "read": {}}
    lock.write_text(json.dumps(held), encoding="utf-8")
    assert "had been killed" in run("dvc repro", fresh).stderr
    assert contents(fresh) == undisturbed[0]


def test_a_broken_lock_file(
    fresh: Path, run: Run, undisturbed: tuple[dict[str, str], float]
) -> None:
    """A lock that was half written stops DVC with its name, and deleting it is all it takes."""
    lock = fresh / ".dvc" / "tmp" / "rwlock"
    lock.parent.mkdir(exist_ok=True)
    lock.write_text('{"', encoding="utf-8")
    done = run("dvc repro", fresh, check=False)
    assert done.returncode != 0
    assert "rwlock" in done.stdout + done.stderr
    lock.unlink()
    run("dvc repro", fresh)
    assert contents(fresh) == undisturbed[0]


def test_a_broken_dvc_lock(
    fresh: Path, run: Run, undisturbed: tuple[dict[str, str], float]
) -> None:
    """A dvc.lock that was half written comes back from Git, and the pipeline goes on from there."""
    run("dvc repro -q && git add . && (git commit -qm Trained || true)", fresh)
    lock = fresh / "dvc.lock"
    lock.write_text(lock.read_text("utf-8")[:1000] + "\n  - {", encoding="utf-8")
    done = run("dvc repro", fresh, check=False)
    assert done.returncode != 0
    assert "dvc.lock" in done.stdout + done.stderr
    run("git checkout -q dvc.lock && dvc repro", fresh)
    assert contents(fresh) == undisturbed[0]
