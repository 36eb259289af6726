"""Refresh the locks: those of the generated project, then the template's own.

One development lock is made for each DVC plugin that a remote may need:
templates/requirements-dev/PLUGIN.lock, and one requirements.lock and one requirements-serving.lock
for all of them, with the commands that the documentation gives. The template's own lock follows
from them: it has what the two libraries need, in the same versions, and not the libraries, which
are used from src/.

    .venv/bin/python tools/lock.py [--upgrade]
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from cookiecutter.main import cookiecutter

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))

from wheels import wheels, write  # noqa: E402

PROJECT = ROOT / "{{cookiecutter.project_slug}}"
DEV_LOCKS = ROOT / "templates" / "requirements-dev"
REMOTES = {
    "core": "",
    "s3": "s3://bucket",
    "gs": "gs://bucket",
    "azure": "azure://container",
    "ssh": "ssh://host/directory",
}
WHEELS = {wheel.filename.partition("-")[0]: wheel for wheel in wheels(ROOT)}
COMPILE = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--python-version", "3.11"]
RUN, SERVING, DEV = "requirements.lock", "requirements-serving.lock", "requirements-dev.lock"
SHARED = {
    RUN: ["pyproject.toml"],
    SERVING: ["pyproject.toml", "--group", "serving", "-c", RUN],
}
FOR_PLUGIN = ["--group", "dev", "-c", RUN, "-c", SERVING]
# A package with its version, and where it is installed, without its hashes
PIN = re.compile(r"^[a-z0-9][^\s;]*==[^\s\\]+(?: ;[^\\\n]+)?", re.MULTILINE)
# The lock of a plugin that has all that the tests of the template need
TESTED = DEV_LOCKS / "s3.lock"


def bake(remote: str, where: str) -> Path:
    """Generate a project, without its hooks, that uses `remote`."""
    answers = {"project_name": "Lock", "dvc_remote": remote, "create_environment": False}
    project = Path(
        cookiecutter(
            str(ROOT), no_input=True, extra_context=answers, output_dir=where, accept_hooks=False
        )
    )
    for wheel in WHEELS.values():
        write(wheel, project / "vendor")
    return project


def compile_lock(project: Path, what: list[str], lock: str, kept: Path) -> None:
    """Compile one lock of a generated project, and keep it in the template."""
    command = [*COMPILE, *what, "-o", lock, *sys.argv[1:]]
    subprocess.run(command, cwd=project, check=True)
    text = (project / lock).read_text(encoding="utf-8")
    for package, wheel in WHEELS.items():
        text = text.replace(wheel.locked, f'{{{{ wheel("{package}").locked }}}}')
    # uv writes the line once for each lock that it read.
    text = re.sub(r"\A(--find-links vendor\n)+", r"\1", text)
    kept.write_text(text, encoding="utf-8", newline="\n")


def constraints(directory: Path) -> list[str]:
    """Write the locked versions as constraints, without the libraries; return the options."""
    options = []
    for lock in (PROJECT / RUN, PROJECT / SERVING, TESTED):
        pins = re.findall(
            r"^[a-z0-9][^\s;]*==[^\s\\]+(?: ;[^\\\n]+)?", lock.read_text("utf-8"), re.M
        )
        path = directory / f"{lock.name}.txt"
        path.write_text("\n".join([*pins, ""]), encoding="utf-8")
        options += ["-c", str(path)]
    return options


def lock_template() -> None:
    """Compile the template's own lock, with what the libraries need."""
    with tempfile.TemporaryDirectory() as where:
        sources = ["pyproject.toml", "--group", "dev"]
        for package, wheel in WHEELS.items():
            write(wheel, Path(where))
            sources += [f"src/{package}/pyproject.toml", "--no-emit-package", wheel.name]
        command = [*COMPILE, *sources, "--extra", "serving", "--find-links", where]
        command += [*constraints(Path(where)), "--no-emit-find-links", "-o", DEV, *sys.argv[1:]]
        subprocess.run(command, cwd=ROOT, check=True)


def main() -> None:
    """Compile every lock, starting from the versions that are locked now."""
    (PROJECT / SERVING).touch()
    for plugin, remote in REMOTES.items():
        (DEV_LOCKS / f"{plugin}.lock").touch()
        with tempfile.TemporaryDirectory() as where:
            project = bake(remote, where)
            if plugin == "core":
                for lock, what in SHARED.items():
                    compile_lock(project, what, lock, PROJECT / lock)
            compile_lock(project, FOR_PLUGIN, DEV, DEV_LOCKS / f"{plugin}.lock")
        print(f"{plugin}: locked")
    lock_template()
    print("template: locked")


if __name__ == "__main__":
    main()
