"""Finish a generated project: remove what was not asked for, begin its history, say what is next.

Only the standard library is used, nothing outside the project is changed, and no step is fatal:
what cannot be done now is said, with the commands that do it later.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

CI = {{cookiecutter.ci | quoted}}
DVC_REMOTE = {{cookiecutter.dvc_remote | quoted}}
SERVING = "{{ cookiecutter.serving }}" == "True"
CREATE_ENVIRONMENT = "{{ cookiecutter.create_environment }}" == "True"
TEMPLATE = Path({{template_root | quoted}})
PYTHON = "{{ python_version }}"
# Cruft names the template's commit. It generates projects for comparison, too, to update one.
BY_CRUFT = {{cookiecutter.get("_commit", "") | string | quoted}} != ""

# What each value of an answer brings; it is removed when another value is chosen.
CI_FILES = {"github": ".github", "gitlab": ".gitlab-ci.yml"}
SERVING_FILES = (
    *("requirements-serving.lock", "Dockerfile", ".dockerignore", ".github/workflows/image.yml"),
)
LIBRARIES = ("modelkeep_core", "modelkeep")
# What tools may have left in a checkout of the template.
LEFTOVERS = ("__pycache__", ".pytest_cache", ".ruff_cache")

LOCKS = (
    "requirements.lock",
    *(["requirements-serving.lock"] if SERVING else []),
    "requirements-dev.lock",
)
BIN = ".venv\\Scripts\\" if os.name == "nt" else ".venv/bin/"
ACTIVATE = f"{BIN}activate" if os.name == "nt" else f"source {BIN}activate"
PIP_INSTALL = f"python -m pip install --require-hashes -r {' -r '.join(LOCKS)}"
FIRST_COMMIT = 'git commit -m "Start the project"'


class Later(Exception):
    """A step that was not done: the reason, and the commands that do it later."""

    def __init__(self, reason: str, *commands: str) -> None:
        super().__init__(reason)
        self.commands = commands


def remove_unwanted() -> None:
    """Remove the files of the answers that were not chosen."""
    unwanted = [name for value, name in CI_FILES.items() if value != CI]
    for path in map(Path, [*unwanted, *(() if SERVING else SERVING_FILES)]):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    for name in LEFTOVERS:
        for path in list(Path().rglob(name)):
            shutil.rmtree(path)


def build_libraries() -> None:
    """Build the wheels of the two libraries, which the locks name, into vendor/."""
    spec = spec_from_file_location("wheel", TEMPLATE / "src" / "modelkeep_core" / "wheel.py")
    builder = module_from_spec(spec)
    spec.loader.exec_module(builder)
    Path("vendor").mkdir(exist_ok=True)
    for name in LIBRARIES:
        wheel = builder.build(TEMPLATE / "src" / name)
        Path("vendor", wheel.filename).write_bytes(wheel.content)


def use_local_remote() -> None:
    """Let DVC keep data in a directory beside the project, by its absolute path."""
    if DVC_REMOTE:
        return
    project = Path.cwd()
    storage = str(project.with_name(f"{project.name}-storage"))
    quote = "'" if '"' in storage else '"'
    if quote in storage or not storage.isprintable():
        raise Later(
            "The path of this directory cannot stand in DVC's settings: there is no remote yet. "
            "Give it one with `dvc remote add storage s3://bucket/path`."
        )
    with Path(".dvc", "config").open("a", encoding="utf-8", newline="\n") as config:
        config.write(
            f"['remote \"storage\"']\n    url = {quote}{storage}{quote}\n    verify = true\n"
        )


def look_at_settings() -> None:
    """Say where DVC cannot change its settings."""
    if not Path(".dvc", "config").read_text("utf-8").isascii():
        raise Later(
            "The remote's path has letters outside ASCII, which DVC reads but cannot write: change "
            ".dvc/config in an editor, as `dvc config` would empty it."
        )


def cache_sample() -> None:
    """Put the sample data where `dvc add` would have put it, so that it can be pushed and restored.

    A directory is an object too: the JSON list of its files, as DVC 3 writes it.
    """
    listing = []
    for path in sorted(Path("data", "raw").iterdir()):
        content = path.read_bytes()
        listing.append({"md5": hashlib.md5(content).hexdigest(), "relpath": path.name})
        cache(listing[-1]["md5"], content)
    content = json.dumps(listing, sort_keys=True).encode()
    cache(f"{hashlib.md5(content).hexdigest()}.dir", content)


def cache(name: str, content: bytes) -> None:
    """Store one object in DVC's cache, read-only as DVC keeps them."""
    path = Path(".dvc", "cache", "files", "md5", name[:2], name[2:])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(0o444)


def git(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Git and return what it said."""
    return subprocess.run(
        ["git", *arguments], capture_output=True, encoding="utf-8", errors="replace", check=False
    )


def begin_history() -> None:
    """Make the Git repository and its first commit."""
    commands = ("git init", "git add .", FIRST_COMMIT)
    if shutil.which("git") is None:
        raise Later("Git is not installed: there is no repository yet.", *commands)
    if git("rev-parse", "--is-inside-work-tree").stdout.strip() == "true":
        raise Later(
            "This directory lies in another Git repository: no new one was made inside it.",
            *commands[1:],
        )
    branch = [] if git("config", "init.defaultBranch").stdout else ["-c", "init.defaultBranch=main"]
    made = git(*branch, "init")
    if made.returncode:
        raise Later(f"Git made no repository: {last_line(made)}", *commands)
    git("add", ".")
    if git("-c", "user.useConfigOnly=true", "var", "GIT_AUTHOR_IDENT").returncode:
        raise Later(
            "Git does not know who you are: there is no first commit yet.",
            'git config user.name "Your Name"',
            "git config user.email you@example.org",
            FIRST_COMMIT,
        )
    committed = git("commit", "--quiet", "-m", "Start the project")
    if committed.returncode:
        raise Later(f"Git did not take the first commit: {last_line(committed)}", FIRST_COMMIT)


def last_line(run: subprocess.CompletedProcess[str]) -> str:
    """Return the last line that a failed command printed."""
    return (run.stderr.strip() or run.stdout.strip() or "no reason given").splitlines()[-1]


def make_environment() -> None:
    """Make .venv from the locked requirements: with uv where it is installed, else with pip."""
    later = (f"{'python' if os.name == 'nt' else 'python3'} -m venv .venv", ACTIVATE, PIP_INSTALL)
    if not CREATE_ENVIRONMENT:
        raise Later("No Python environment was asked for.", *later)
    if BY_CRUFT:
        raise Later("Under cruft no Python environment is made.", *later)
    here = f"{sys.version_info[0]}.{sys.version_info[1]}"
    if here != PYTHON:
        raise Later(
            f"This is Python {here}, and the requirements are locked for 3.11 to 3.14: there is no "
            "environment yet.",
            *later,
        )
    print("Making the environment .venv ...", flush=True)
    python = f"{BIN}python"
    locks = [option for lock in LOCKS for option in ("-r", lock)]
    if shutil.which("uv"):
        steps = [
            ["uv", "venv", "--quiet", "--python", sys.executable, ".venv"],
            ["uv", "pip", "install", "--python", python, "--require-hashes", "--compile-bytecode"],
        ]
    else:
        steps = [
            [sys.executable, "-m", "venv", ".venv"],
            [python, "-m", "pip", "install", "--disable-pip-version-check", "--require-hashes"],
        ]
    steps[1] += locks
    try:
        for step in steps:
            subprocess.run(step, check=True)
    except (subprocess.CalledProcessError, OSError, KeyboardInterrupt):
        shutil.rmtree(".venv", ignore_errors=True)
        raise Later("The environment could not be made, or was not waited for.", *later) from None


STEPS = (
    remove_unwanted,
    build_libraries,
    cache_sample,
    use_local_remote,
    look_at_settings,
    begin_history,
    make_environment,
)


def main() -> None:
    """Run every step, then print what was not done and the commands that come next."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")
    undone = []
    commands = [f"cd {Path.cwd().name}"]
    for step in STEPS:
        try:
            step()
        except Later as later:
            undone.append(str(later))
            commands += later.commands
        except OSError as error:
            undone.append(f"Not done: {step.__doc__} ({error})")
    if ACTIVATE not in commands:
        commands.append(ACTIVATE)
    commands += [
        "dvc repro",
        "dvc metrics show",
        "git add .",
        'git commit -m "Train the first model"',
    ]
    commands.append("dvc push")
    print(f"\n{Path.cwd().name} is ready.", *undone, "\nNext:\n", sep="\n")
    print(*(f"    {command}" for command in commands), sep="\n")
    print("\nREADME.md goes on from here.")


if __name__ == "__main__":
    main()
