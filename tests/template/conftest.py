"""What the tests share: a clean copy of the template, bakes of it, and one environment for them."""

import atexit
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from cookiecutter.main import cookiecutter
from filelock import FileLock
from xdist import is_xdist_worker

from walk import shell_environment

ROOT = Path(__file__).resolve().parents[2]
PROJECT = ROOT / "{{cookiecutter.project_slug}}"
ANSWERS = json.loads((ROOT / "cookiecutter.json").read_text("utf-8"))

# What a training makes
RESULTS = ("data/prepared", "models", "reports", "package", "model.json", "dvc.lock")
# A change of parameters that more than one test trains, and none
SAMPLE, LOOSER = "", "train.LogisticRegression.C=1"
ONE_CORE = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "POLARS_MAX_THREADS": "1",
    "PYTHONHASHSEED": "1",
    "TZ": "Pacific/Auckland",
}

Bake = Callable[..., Path]
Trained = Callable[..., Path]
Warmed = Callable[..., Path]
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Let tests of this directory, and all that their fixtures do, run as a person would.

    That is a person with a Git identity, a home and no other settings. Afterwards all variables
    are as they were, so that tests of other directories may run before and after.
    """
    if not item.path.is_relative_to(Path(__file__).parent):
        return (yield)
    before, own = dict(os.environ), variables()
    try:
        os.environ.clear()
        os.environ.update(own)
        return (yield)
    finally:
        os.environ.clear()
        os.environ.update(before)


@cache
def variables() -> dict[str, str]:
    """Return the variables of that person, whose home is there until this process ends."""
    home = Path(tempfile.mkdtemp(prefix="home-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    kept = ("SSL_", "PIP_", "UV_", "HTTP", "http", "NO_PROXY", "no_proxy")
    others = {name: value for name, value in os.environ.items() if name.startswith(kept)}
    # What one test fetched, the next one need not fetch again.
    caches = {f"{tool}_CACHE_DIR": str(ROOT / ".cache" / tool.lower()) for tool in ("PIP", "UV")}
    return shell_environment(home) | others | caches


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a Git repository with the template's own files, and nothing that tools left there."""
    copy = tmp_path_factory.mktemp("template") / "cookiecutter-dvc-pipeline"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        check=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy / name)
    for command in (["init", "--quiet"], ["add", "--force", "."], ["commit", "-qm", "Template"]):
        subprocess.run(["git", *command], cwd=copy, check=True)
    return copy


@pytest.fixture(scope="session")
def bake(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Bake:
    """Return a function that generates a project from answers, without an environment."""
    settings = tmp_path_factory.mktemp("cookiecutter") / "settings.yaml"
    settings.write_text(f"replay_dir: {settings.parent}\n", encoding="utf-8")

    def bake(into: Path | None = None, **answers: object) -> Path:
        unknown = set(answers) - set(ANSWERS)
        assert not unknown, f"cookiecutter would ignore {unknown}"
        into = into or tmp_path_factory.mktemp("baked")
        return Path(
            cookiecutter(
                str(template),
                no_input=True,
                extra_context={"create_environment": False} | answers,
                output_dir=str(into),
                config_file=str(settings),
            )
        )

    return bake


@pytest.fixture(scope="session")
def environment(bake: Bake) -> Path:
    """Return a virtual environment from a generated project's own locks, made once for all tests.

    The development lock is the one with the S3 plugin, which has all that the others share. When
    only the two libraries changed, they alone are installed anew.
    """
    project = bake(dvc_remote="s3://bucket/path")
    locks = [path for path in sorted(project.glob("requirements*.lock"))]
    others = "".join(without_libraries(lock.read_text("utf-8")) for lock in locks)
    libraries = "".join(sorted(path.name + sha256(path) for path in project.glob("vendor/*")))
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    key = hashlib.sha256(others.encode()).hexdigest()[:12]
    made = ROOT / ".cache" / f"environment-{python}-{key}"
    made.parent.mkdir(exist_ok=True)
    with FileLock(f"{made}.lock"):
        uv = [sys.executable, "-m", "uv"]
        ready = made / "ready"
        options = ["--python", made / "bin" / "python", "--compile-bytecode", "--require-hashes"]
        if not ready.exists():
            shutil.rmtree(made, ignore_errors=True)
            subprocess.run([*uv, "venv", "-q", "--python", sys.executable, made], check=True)
        elif ready.read_text("utf-8") != libraries:
            options += ["--reinstall-package=modelkeep", "--reinstall-package=modelkeep-core"]
        else:
            return made
        files = [option for lock in locks for option in ("-r", lock)]
        subprocess.run([*uv, "pip", "install", "-q", *options, *files], check=True)
        ready.write_text(libraries, encoding="utf-8")
    return made


@pytest.fixture(scope="session")
def trained(
    bake: Bake,
    environment: Path,
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Trained:
    """Return a function that gives a trained project of a task; read it, do not change it.

    Its parameters are those of the sample, or one is changed. Each project is trained once for all
    processes of a run, on one core.
    """
    place = tmp_path_factory.getbasetemp()
    # The directory that all processes of a run share
    shared = (place.parent if is_xdist_worker(request) else place) / "trained"
    shared.mkdir(exist_ok=True)
    variables = {"PATH": f"{environment / 'bin'}{os.pathsep}{os.environ['PATH']}"} | ONE_CORE

    def trained(task: str = "classification", change: str = SAMPLE) -> Path:
        project = shared / f"{task} {change}"
        with FileLock(f"{project}.lock"):
            if not project.exists():
                made = bake(task=task)
                if change:
                    lay(trained(task), made)
                    set_parameter(made / "params.yaml", change)
                command = f"{'taskset -c 0 ' if shutil.which('taskset') else ''}dvc repro -q"
                subprocess.run(
                    ["bash", "-c", command], cwd=made, env=os.environ | variables, check=True
                )
                made.rename(project)
        return project

    return trained


@pytest.fixture(scope="session")
def warmed(trained: Trained) -> Warmed:
    """Return a function that spares a project a training which is not what a test is about.

    The project gets what a training of the same sample made elsewhere: where all that a stage reads
    is the same, `dvc repro` finds it done, and it runs the others. Where a parameter was changed,
    the parameters come along.
    """

    def warmed(project: Path, change: str = SAMPLE, task: str = "classification") -> Path:
        lay(trained(task, change), project)
        if change:
            shutil.copy(trained(task, change) / "params.yaml", project)
        return project

    return warmed


def set_parameter(params: Path, change: str) -> None:
    """Change a parameter that is there, as `train.seed=7` says it, and nothing else."""
    name, _, value = change.rpartition(".")[2].partition("=")
    text, found = re.subn(
        rf"^( +{name}:) .*", rf"\1 {value}", params.read_text("utf-8"), count=1, flags=re.MULTILINE
    )
    assert found, f"params.yaml has no {name}"
    params.write_text(text, encoding="utf-8")


def lay(trained: Path, project: Path) -> None:
    """Put what a training made, and what DVC keeps of it, into another project."""
    for name in RESULTS:
        if (trained / name).is_file():
            shutil.copy(trained / name, project / name)
        else:
            shutil.rmtree(project / name, ignore_errors=True)
            shutil.copytree(trained / name, project / name)
    shutil.copytree(
        trained / ".dvc" / "cache",
        project / ".dvc" / "cache",
        copy_function=lambda source, target: Path(target).exists() or shutil.copy2(source, target),
        dirs_exist_ok=True,
    )


def without_libraries(lock: str) -> str:
    """Return a lock without the two libraries, which change with this repository."""
    return re.sub(r"^modelkeep.*?sha256:\w+$", "", lock, flags=re.DOTALL | re.MULTILINE)


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="session")
def run(environment: Path) -> Run:
    """Return a function that runs a command in a project as a person in its environment would."""

    def run(
        command: str, project: Path, check: bool = True, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        path = f"{environment / 'bin'}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=project,
            env=os.environ | {"PATH": path} | variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        if check:
            assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done

    return run


@pytest.fixture(scope="session", params=ANSWERS["task"])
def task(request: pytest.FixtureRequest) -> str:
    """Return each task in turn."""
    return request.param


def interpreter(version: str) -> str:
    """Return a Python of a minor version that runs here: beside this one, or by its name.

    The test is skipped where there is none.
    """
    root = Path(sys.base_prefix).parent
    beside = sorted(map(str, root.glob(f"*{version}.*/bin/python{version}")))
    for python in [*beside, shutil.which(f"python{version}")]:
        command = [python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        if python and subprocess.run(command, capture_output=True, text=True).stdout.split() == [
            version
        ]:
            return python
    pytest.skip(f"Python {version} is not installed here")
