"""Surroundings: what cannot be done is said, with the commands that do it later."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Run
from cookiecutter.environment import StrictEnvironment

NEXT = "\nNext:\n"


@pytest.fixture
def generate(template: Path, tmp_path: Path):
    """Return a function that runs the cookiecutter command in an environment of its own."""

    def generate(
        *answers: str, into: Path = tmp_path, **variables: str | None
    ) -> subprocess.CompletedProcess[str]:
        environment = os.environ | variables
        return subprocess.run(
            [sys.executable, "-m", "cookiecutter", template, "--no-input", "-o", into, *answers],
            env={name: value for name, value in environment.items() if value is not None},
            # as in a terminal, also where the tests run in the background
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            capture_output=True,
            encoding="utf-8",
            check=False,
        )

    return generate


def commands(said: str) -> list[str]:
    """Return the commands that the hook printed as the next ones."""
    return [line.strip() for line in said.split(NEXT)[1].splitlines() if line.startswith("    ")]


def git(project: Path, *arguments: str) -> str:
    """Return what a Git command says in a project."""
    return subprocess.run(
        ["git", *arguments], cwd=project, capture_output=True, encoding="utf-8", check=True
    ).stdout


def test_all_is_well(generate, tmp_path: Path) -> None:
    """With Git and an identity there is one commit on main, and the next commands begin at once."""
    done = generate("create_environment=no")
    assert done.returncode == 0
    assert git(tmp_path / "my-model", "log", "--format=%s %an").strip() == (
        "Start the project Ada Lovelace"
    )
    assert git(tmp_path / "my-model", "branch", "--show-current").strip() == "main"
    assert commands(done.stdout)[0] == "cd my-model"
    assert commands(done.stdout)[-1] == "dvc push"


def test_the_default_branch_of_the_person_is_kept(generate, tmp_path: Path) -> None:
    """Whoever has set a name for first branches gets it."""
    generate(
        "create_environment=no",
        GIT_CONFIG_COUNT="1",
        GIT_CONFIG_KEY_0="init.defaultBranch",
        GIT_CONFIG_VALUE_0="trunk",
    )
    assert git(tmp_path / "my-model", "branch", "--show-current").strip() == "trunk"


def test_without_git(generate, tmp_path: Path) -> None:
    """Without Git the project is there, and how to begin its history is said."""
    (tmp_path / "empty").mkdir()
    done = generate("create_environment=no", PATH=str(tmp_path / "empty"))
    assert done.returncode == 0
    assert "Git is not installed" in done.stdout
    assert commands(done.stdout)[1:4] == [
        "git init",
        "git add .",
        'git commit -m "Start the project"',
    ]
    assert not (tmp_path / "my-model" / ".git").exists()


def test_without_an_identity(generate, tmp_path: Path) -> None:
    """Without a name and an address nothing is committed, and the printed commands finish it."""
    nobody = {
        f"GIT_{who}_{what}": None for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    done = generate("create_environment=no", **nobody)
    assert done.returncode == 0
    assert "Git does not know who you are" in done.stdout
    project = tmp_path / "my-model"
    first = [line for line in commands(done.stdout) if line.startswith("git")][:3]
    environment = {name: text for name, text in os.environ.items() if name not in nobody}
    subprocess.run(["bash", "-ec", "\n".join(first)], cwd=project, env=environment, check=True)
    assert git(project, "log", "--format=%an").strip() == "Your Name"
    assert git(project, "status", "--porcelain") == ""


def test_a_refused_commit(generate) -> None:
    """A commit that Git refuses, here for want of a signature, is said with Git's own reason."""
    done = generate(
        "create_environment=no",
        GIT_CONFIG_COUNT="2",
        GIT_CONFIG_KEY_0="commit.gpgSign",
        GIT_CONFIG_VALUE_0="true",
        GIT_CONFIG_KEY_1="gpg.program",
        GIT_CONFIG_VALUE_1="false",
    )
    assert done.returncode == 0
    assert "Git did not take the first commit: fatal: failed to write commit object" in done.stdout
    assert 'git commit -m "Start the project"' in commands(done.stdout)


def test_a_refused_repository(generate, tmp_path: Path) -> None:
    """A repository that Git cannot make is said with Git's own reason."""
    done = generate(
        "create_environment=no",
        GIT_CONFIG_COUNT="1",
        GIT_CONFIG_KEY_0="init.defaultBranch",
        GIT_CONFIG_VALUE_0="bad..name",
    )
    assert done.returncode == 0
    assert "Git made no repository: fatal: invalid branch name" in done.stdout
    assert "git init" in commands(done.stdout)


def test_inside_another_repository(generate, tmp_path: Path) -> None:
    """No repository is nested into another one, and how to go on is said."""
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    done = generate("create_environment=no")
    assert done.returncode == 0
    assert "lies in another Git repository" in done.stdout
    assert "git init" not in commands(done.stdout)
    assert not (tmp_path / "my-model" / ".git").exists()


@pytest.mark.slow
def test_the_line_works_inside_another_repository(generate, run: Run, tmp_path: Path) -> None:
    """In a subdirectory of a repository, the printed commands commit, train and push."""
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    done = generate("create_environment=no")
    skipped = ("python3", "source", "python", "dvc exp show")
    steps = [step for step in commands(done.stdout) if not step.startswith(skipped)]
    run("set -e\n" + "\n".join(steps), tmp_path)
    assert "Train the first model" in git(tmp_path, "log", "--format=%s")
    assert run("dvc status", tmp_path / "my-model").stdout.strip() == (
        "Data and pipelines are up to date."
    )


def test_a_directory_that_exists_is_left_alone(generate, tmp_path: Path) -> None:
    """A second generation into the same place is refused in one line and changes nothing."""
    generate("create_environment=no")
    (tmp_path / "my-model" / "README.md").write_text("mine", encoding="utf-8")
    done = generate("create_environment=no")
    assert done.returncode == 1
    assert len(done.stdout.splitlines()) == 1
    assert "already exists" in done.stdout
    assert (tmp_path / "my-model" / "README.md").read_text("utf-8") == "mine"


def test_own_files_survive_a_generation_over_them(generate, tmp_path: Path) -> None:
    """Whoever generates over a project with --overwrite-if-exists keeps the files of their own."""
    generate("create_environment=no")
    project = tmp_path / "my-model"
    own = [project / "data" / "raw" / "mine.csv", project / ".github" / "CODEOWNERS"]
    for path in own:
        path.write_text("mine", encoding="utf-8")
    (project / "README.md").unlink()
    done = generate("create_environment=no", "--overwrite-if-exists")
    assert done.returncode == 0
    assert (project / "README.md").is_file()
    assert [path.read_text("utf-8") for path in own] == ["mine", "mine"]


@pytest.mark.parametrize("installer", ["uv", pytest.param("pip", marks=pytest.mark.slow)])
def test_without_a_network(generate, tmp_path: Path, installer: str) -> None:
    """When packages cannot be fetched the project stands, no half environment is left behind."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("git", *(["uv"] if installer == "uv" else [])):
        (tools / name).symlink_to(shutil.which(name, path=search_path()))
    nowhere = "http://127.0.0.1:9/simple"
    done = generate(
        "create_environment=yes",
        PATH=str(tools),
        PIP_INDEX_URL=nowhere,
        PIP_EXTRA_INDEX_URL=None,
        PIP_FIND_LINKS=None,
        PIP_NO_CACHE_DIR="1",
        PIP_RETRIES="0",
        UV_DEFAULT_INDEX=nowhere,
        UV_CACHE_DIR=str(tmp_path / "cache"),
        UV_HTTP_RETRIES="0",
    )
    assert done.returncode == 0
    assert "The environment could not be made" in done.stdout
    assert "python3 -m venv .venv" in commands(done.stdout)
    assert not (tmp_path / "my-model" / ".venv").exists()
    assert git(tmp_path / "my-model", "log", "--format=%s").strip() == "Start the project"


def test_an_interrupted_environment(generate, tmp_path: Path) -> None:
    """Ctrl-C while packages are fetched leaves no half environment, and all the rest stands."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "git").symlink_to(shutil.which("git"))
    (tools / "uv").write_text("#!/bin/sh\nmkdir -p .venv\nkill -INT $PPID\nexec sleep 1\n")
    (tools / "uv").chmod(0o755)
    done = generate("create_environment=yes", PATH=f"{tools}{os.pathsep}{os.environ['PATH']}")
    assert done.returncode == 0
    assert "Traceback" not in done.stdout + done.stderr
    assert "was not waited for" in done.stdout
    assert not (tmp_path / "my-model" / ".venv").exists()


def test_leftovers_of_tools_are_not_generated(template: Path, tmp_path: Path) -> None:
    """Caches that lie in a checkout of the template do not come along."""
    checkout = tmp_path / "template"
    shutil.copytree(template, checkout)
    cache = checkout / "{{cookiecutter.project_slug}}" / "pipeline" / "__pycache__"
    cache.mkdir()
    (cache / "train.pyc").write_bytes(b"")
    subprocess.run(
        [
            *(sys.executable, "-m", "cookiecutter", checkout, "--no-input"),
            *("-o", tmp_path / "out", "create_environment=no"),
        ],
        check=True,
        capture_output=True,
    )
    assert (tmp_path / "out" / "my-model" / "pipeline" / "train.py").is_file()
    assert not list((tmp_path / "out").rglob("__pycache__"))


def search_path() -> str:
    """Return where commands are looked for, the tests' own environment first."""
    return f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["with space", "Straße 汉字", "it's", 'say "hi"', "a#b;c%d", "$HOME"]
)
def test_a_remote_beside_an_odd_path(generate, run: Run, tmp_path: Path, name: str) -> None:
    """Wherever the project lies, DVC reads the remote's path as it is."""
    into = tmp_path / name
    generate("create_environment=no", into=into)
    config = (into / "my-model" / ".dvc" / "config").read_text("utf-8")
    assert f"{into}{os.sep}my-model-storage" in config
    said = run("dvc config remote.storage.url", into / "my-model").stdout
    assert said.strip() == f"{into}{os.sep}my-model-storage"


def test_a_path_that_no_remote_can_have(generate, tmp_path: Path) -> None:
    """A path with both kinds of quotes gives a project without a remote, and says so."""
    done = generate("create_environment=no", into=tmp_path / """both " and '""")
    assert done.returncode == 0
    assert "there is no remote yet" in done.stdout
    assert "dvc remote add storage s3://bucket/path" in done.stdout


def test_another_python(template: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a Python that the locks do not cover no environment is begun, and that is said."""
    answers = {"ci": "none", "dvc_remote": "", "create_environment": True}
    context = {"cookiecutter": answers | {"_extensions": ["local_extensions.Answers"]}}
    source = (template / "hooks" / "post_gen_project.py").read_text("utf-8")
    hook = {"__name__": "hook"}
    rendered = StrictEnvironment(context=context).from_string(source).render(**context)
    exec(compile(rendered, "post_gen_project.py", "exec"), hook)
    monkeypatch.setattr(sys, "version_info", (3, 10, 12))
    with pytest.raises(hook["Later"], match=r"This is Python 3\.10"):
        hook["make_environment"]()
