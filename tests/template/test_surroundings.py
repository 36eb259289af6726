"""Surroundings: what cannot be done is said, with the commands that do it later."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from cookiecutter.environment import StrictEnvironment

from conftest import Run
from local_extensions import place_refusals

pytestmark = pytest.mark.slow

NEXT = "\nNext:\n"


@pytest.fixture
def generate(template: Path, tmp_path: Path):
    """Return a function that runs the cookiecutter command in an environment of its own."""

    def generate(
        *answers: str,
        into: Path = tmp_path,
        before: Sequence[str | Path] = (),
        **variables: str | None,
    ) -> subprocess.CompletedProcess[str]:
        environment = os.environ | variables
        command = [sys.executable, "-m", "cookiecutter", template, "--no-input", "-o", into]
        return subprocess.run(
            [*before, *command, *answers],
            env={name: value for name, value in environment.items() if value is not None},
            # as in a terminal, also where the tests run in the background
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            start_new_session=True,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )

    return generate


def commands(printed: str) -> list[str]:
    """Return the commands that the hook printed as the next ones."""
    return [line.strip() for line in printed.split(NEXT)[1].splitlines() if line.startswith("    ")]


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


@pytest.fixture
def tools(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """Return a function that makes a search path on which `git` is a script."""

    def tools(script: str) -> str:
        directory = tmp_path_factory.mktemp("tools")
        (directory / "git").write_text(f"#!/bin/bash\n{script}\n", encoding="utf-8")
        (directory / "git").chmod(0o755)
        return f"{directory}{os.pathsep}{os.environ['PATH']}"

    return tools


def test_an_old_git(generate, tools: Callable[[str], str], tmp_path: Path) -> None:
    """A Git that knows no default branch and no useConfigOnly makes the first commit, too."""
    script = f"""
        while [[ $1 == -c && $2 =~ ^(init.defaultBranch|user.useConfigOnly)= ]]; do shift 2; done
        exec {shutil.which("git")} "$@"
    """
    done = generate("create_environment=no", PATH=tools(script))
    assert done.returncode == 0
    assert git(tmp_path / "my-model", "log", "--format=%s").strip() == "Start the project"


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
def test_the_pipeline_works_inside_another_repository(generate, run: Run, tmp_path: Path) -> None:
    """In a subdirectory of a repository, the printed commands commit, train and push."""
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    done = generate("create_environment=no")
    skipped = ("python", "source")
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


def refusal(done: subprocess.CompletedProcess[str]) -> str:
    """Return the one line with which a generation ended."""
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.isprintable()
    return line


@pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="there is no such directory here")
def test_a_read_only_directory(generate) -> None:
    """Where nobody may write, one line says so, with a place that works."""
    line = refusal(generate("create_environment=no", into=Path("/sys/kernel")))
    assert line.startswith("'/sys/kernel/my-model' cannot be written (")
    assert line.endswith(" One that works: --output-dir ~")


def test_a_full_disk(generate, tmp_path: Path) -> None:
    """On a disk that is too small nothing is begun, and nothing is left."""
    small = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    small.append(
        'mount -t tmpfs -o size=2m tmpfs "$0" && "$@"; status=$?; ls -A "$0"; exit $status'
    )
    disk = tmp_path / "disk"
    disk.mkdir()
    if shutil.which("unshare") is None or subprocess.run([*small, disk, "true"]).returncode:
        pytest.skip("no disk can be mounted here")
    line = refusal(generate("create_environment=no", into=disk, before=[*small, disk]))
    assert line.startswith(f"'{disk}/my-model' cannot be written (No space left on device).")


def test_a_limit_on_the_size_of_files(generate, tmp_path: Path) -> None:
    """Where a file of the project could not be written whole, none is, and the next try works."""
    limited = ["bash", "-c", 'ulimit -f 200 && exec "$@"', "limited"]
    line = refusal(generate("create_environment=no", into=tmp_path / "a" / "b", before=limited))
    assert "/a/b/my-model' cannot be written (File too large)" in line
    assert not list(tmp_path.iterdir())
    assert generate("create_environment=no", into=tmp_path / "a" / "b").returncode == 0


def test_a_full_temporary_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where the hooks could not be written for a start, one line says so."""
    (tmp_path / "file").touch()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "file"))
    (line,) = place_refusals(tmp_path / "my-model")
    assert line.startswith("TMPDIR cannot be written (Not a directory). One that works: TMPDIR=~ ")


@pytest.mark.parametrize("length", [3970, 5000])
def test_a_path_that_is_too_long(generate, tmp_path: Path, length: int) -> None:
    """A path with no room for the project's own is refused in one line, and none of it is made."""
    deep = Path(f"{tmp_path}{('/' + 'd' * 99) * 50}"[:length])
    assert "(File name too long)" in refusal(generate("create_environment=no", into=deep))
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "/".join(["d" * 200] * 10),
        "Straße 汉字 🐧",
        "{{ 7 * 7 }}{% if %}{#",
        "{{cookiecutter.project_slug}}",
        "line\nfeed and carriage\rreturn",
        "$(touch pwned)",
        os.fsdecode(b"\xff"),
    ],
    ids=["2000 characters", "unicode", "jinja", "template", "lines", "shell", "bytes"],
)
def test_an_odd_path(generate, tmp_path: Path, name: str) -> None:
    """Every directory is taken as it is named, and the project is whole there and nowhere else."""
    done = generate("create_environment=no", into=tmp_path / name)
    assert done.returncode == 0, done.stdout + done.stderr
    assert os.listdir(tmp_path) == [name.split("/")[0]]
    assert os.listdir(tmp_path / name) == ["my-model"]
    assert git(tmp_path / name / "my-model", "status", "--porcelain") == ""
    assert git(tmp_path / name / "my-model", "log", "--format=%s").strip() == "Start the project"


@pytest.mark.slow
@pytest.mark.parametrize("home", [None, "home/that is/not there"])
def test_without_a_home(generate, tmp_path: Path, home: str | None) -> None:
    """Without a home directory, or with one that is still to be made, all is well."""
    settings = tmp_path / "settings.yaml"
    settings.write_text(f"replay_dir: {tmp_path}/replay\n", encoding="utf-8")
    variables = {"COOKIECUTTER_CONFIG": str(settings), "HOME": home and str(tmp_path / home)}
    assert generate("create_environment=no", **variables).returncode == 0
    assert git(tmp_path / "my-model", "log", "--format=%s").strip() == "Start the project"


@pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="there is no such directory here")
def test_a_home_that_cannot_be_written(generate, tmp_path: Path) -> None:
    """Where Cookiecutter cannot keep the answers it says where, and nothing is made."""
    done = generate("create_environment=no", HOME="/sys/kernel")
    assert done.returncode == 1
    assert "Unable to create directory at /sys/kernel/.cookiecutter_replay" in done.stderr
    assert not list(tmp_path.iterdir())


ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.mark.slow
def test_a_locale_without_utf_8(generate, tmp_path: Path) -> None:
    """In an ASCII locale and an odd path, files are UTF-8 all the same."""
    done = generate("create_environment=no", into=tmp_path / "Straße", **ASCII)
    assert done.returncode == 0, done.stdout + done.stderr
    readme = (tmp_path / "Straße" / "my-model" / "README.md").read_text("utf-8")
    assert "prepare ─▶ train" in readme
    assert git(tmp_path / "Straße" / "my-model", "status", "--porcelain") == ""


def test_an_answer_in_another_encoding(generate, tmp_path: Path) -> None:
    """What the locale makes no text of is refused with the remedy, in letters that it can print."""
    line = refusal(generate("create_environment=no", "project_name=Straße", **ASCII))
    assert line == (
        "project_name: it is not in the encoding of this terminal; LC_ALL=C.UTF-8 makes that "
        "UTF-8. One that works: Churn model"
    )
    assert "'\\u6c49'" in refusal(generate("project_slug=汉", PYTHONIOENCODING="ascii"))
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_umask_for_oneself(generate, tmp_path: Path) -> None:
    """With umask 077 nobody else can enter the project, and it is whole."""
    strict = ["bash", "-c", 'umask 077 && exec "$@"', "strict"]
    assert generate("create_environment=no", before=strict).returncode == 0
    assert (tmp_path / "my-model").stat().st_mode & 0o777 == 0o700
    assert git(tmp_path / "my-model", "status", "--porcelain") == ""


def test_a_killed_hook(generate, tools: Callable[[str], str], tmp_path: Path) -> None:
    """When the hook is killed half-way nothing is left, and the next try works."""
    done = generate("create_environment=no", PATH=tools("kill -9 $PPID"))
    assert done.returncode == 1
    assert done.stdout.endswith("Hook script failed (exit status: -9)\n")
    assert not list(tmp_path.iterdir())
    assert generate("create_environment=no").returncode == 0


@pytest.mark.slow
def test_a_killed_generation(generate, tools: Callable[[str], str], tmp_path: Path) -> None:
    """When all is killed, as by a power cut, the next try names what is left; deleting it helps."""
    done = generate("create_environment=no", PATH=tools("kill -9 0"))
    assert done.returncode == -signal.SIGKILL
    again = generate("create_environment=no")
    assert again.returncode == 1
    assert again.stdout == f'Error: "{tmp_path}/my-model" directory already exists\n'
    shutil.rmtree(tmp_path / "my-model")
    assert generate("create_environment=no").returncode == 0


@pytest.mark.slow
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


@pytest.mark.parametrize(
    ("installer", "index", "proxy"),
    [
        ("uv", "http://127.0.0.1:9/simple", None),
        pytest.param(
            "uv",
            "https://packages.invalid/simple",
            "http://127.0.0.1:9",
            marks=pytest.mark.slow,
        ),
        pytest.param("pip", "http://127.0.0.1:9/simple", None, marks=pytest.mark.slow),
    ],
    ids=["uv", "uv behind a proxy that refuses", "pip"],
)
def test_without_a_network(
    generate, tmp_path: Path, installer: str, index: str, proxy: str | None
) -> None:
    """When packages cannot be fetched the project stands, no half environment is left behind."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("git", *(["uv"] if installer == "uv" else [])):
        (tools / name).symlink_to(shutil.which(name, path=search_path()))
    done = generate(
        "create_environment=yes",
        PATH=str(tools),
        HTTPS_PROXY=proxy,
        PIP_INDEX_URL=index,
        PIP_EXTRA_INDEX_URL=None,
        PIP_FIND_LINKS=None,
        PIP_NO_CACHE_DIR="1",
        PIP_RETRIES="0",
        UV_DEFAULT_INDEX=index,
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
    """Wherever the project lies, DVC reads the remote's path as it is; what it cannot is said."""
    into = tmp_path / name
    done = generate("create_environment=no", into=into)
    assert ("`dvc config` would empty it" in done.stdout) == (not name.isascii())
    config = (into / "my-model" / ".dvc" / "config").read_text("utf-8")
    assert f"{into}{os.sep}my-model-storage" in config
    url = run("dvc config remote.storage.url", into / "my-model").stdout
    assert url.strip() == f"{into}{os.sep}my-model-storage"


def test_a_path_that_no_remote_can_have(generate, tmp_path: Path) -> None:
    """A path with both kinds of quotes gives a project without a remote, and says so."""
    done = generate("create_environment=no", into=tmp_path / """both " and '""")
    assert done.returncode == 0
    assert "there is no remote yet" in done.stdout
    assert "dvc remote add storage s3://bucket/path" in done.stdout


def test_another_python(template: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a Python that the locks do not cover no environment is begun, and that is said."""
    answers = {"ci": "none", "dvc_remote": "", "serving": True, "create_environment": True}
    context = {"cookiecutter": answers | {"_extensions": ["local_extensions.Answers"]}}
    source = (template / "hooks" / "post_gen_project.py").read_text("utf-8")
    hook = {"__name__": "hook"}
    rendered = StrictEnvironment(context=context).from_string(source).render(**context)
    exec(compile(rendered, "post_gen_project.py", "exec"), hook)
    monkeypatch.setattr(sys, "version_info", (3, 10, 12))
    with pytest.raises(hook["Later"], match=r"This is Python 3\.10"):
        hook["make_environment"]()
