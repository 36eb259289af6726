"""Bring the pipeline into a repository: `python tools/bring.py PATH [answer=value ...]`.

A project is generated in a temporary directory, and every file of it that PATH does not have is
copied. Nothing that is there is changed; what was added and what was left alone is listed. Run
again after an interruption, it goes on.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from slugify import slugify

ROOT = Path(__file__).resolve().parent.parent
ANSWERS = list(json.loads((ROOT / "cookiecutter.json").read_text("utf-8")))
# Git's own directory is the repository's business.
NOT_COPIED = {".git", ".venv"}
# Where one file is there, the others of its directory would not fit to it.
WHOLE = ("data", ".dvc")
# Files in which lines stand for themselves, so that missing ones can be named.
LISTS = (".gitignore", ".gitattributes", ".dvcignore")


def main() -> None:
    """Generate, copy what is missing, and tell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", type=Path, help="the directory of the repository")
    parser.add_argument("answers", nargs="*", metavar="answer=value", help="as for cookiecutter")
    args = parser.parse_args()
    target = args.path.resolve()
    if not target.is_dir():
        sys.exit(f"error: {target} is no directory.")
    answers = dict(answer.partition("=")[::2] for answer in args.answers)
    unknown = [name for name in answers if name not in ANSWERS or name.startswith("_")]
    if unknown:
        sys.exit(f"error: there is no answer '{unknown[0]}': there is {', '.join(asked())}.")
    with tempfile.TemporaryDirectory() as directory:
        project = generate(target, answers, Path(directory))
        added, left = copy(project, target)
        report(project, target, added, left)


def asked() -> list[str]:
    """Return the names of the answers that a person gives."""
    return [name for name in ANSWERS if not name.startswith("_")]


def generate(target: Path, answers: dict[str, str], directory: Path) -> Path:
    """Generate a project for `target` in another directory."""
    defaults = {
        "project_name": target.name,
        "project_slug": slugify(target.name, max_length=50) or "model",
        "dvc_remote": f"{target}-storage",
    }
    chosen = defaults | answers | {"create_environment": "no"}
    # Nothing stands for a directory beside the project, which is a temporary one here.
    chosen["dvc_remote"] = chosen["dvc_remote"] or defaults["dvc_remote"]
    done = subprocess.run(
        [
            *(sys.executable, "-m", "cookiecutter", ROOT, "--no-input", "--default-config"),
            *("--output-dir", directory, *(f"{name}={value}" for name, value in chosen.items())),
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        sys.exit(f"error: {(done.stderr.strip() or done.stdout.strip()).splitlines()[-1]}")
    return directory / chosen["project_slug"]


def copy(project: Path, target: Path) -> tuple[list[str], list[str]]:
    """Copy every file that `target` lacks; return the names of those, and of those left alone."""
    added, left = [], []
    there = {name for name in WHOLE if not is_ours(project / name, target / name)}
    for source in sorted(project.rglob("*")):
        name = source.relative_to(project)
        if source.is_dir() or name.parts[0] in NOT_COPIED:
            continue
        place = target / name
        if place.is_file() and place.read_bytes() == source.read_bytes():
            continue
        if name.parts[0] in there or os.path.lexists(place) or blocked(place, target):
            left.append(name.as_posix())
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        partial = place.with_name(f"{place.name}.partial")
        shutil.copy(source, partial)
        os.replace(partial, place)
        added.append(name.as_posix())
    return added, left


def is_ours(source: Path, place: Path) -> bool:
    """Say whether a directory has nothing but files of the generated one, or is not there."""
    for path in place.rglob("*"):
        same = source / path.relative_to(place)
        if path.is_file() and not (same.is_file() and same.read_bytes() == path.read_bytes()):
            return False
    return True


def blocked(place: Path, target: Path) -> bool:
    """Say whether a file stands where a directory would have to be."""
    return any(parent.is_file() for parent in place.parents if target in parent.parents)


def report(project: Path, target: Path, added: list[str], left: list[str]) -> None:
    """Print what was added, what was left alone, and what remains to be done by hand."""
    for title, names in (("Added", added), ("Left alone, since you have it", left)):
        shown = [name for name in names if not name.startswith(".dvc/cache")]
        print(f"{title}:", *(f"  {name}" for name in shown or ["nothing"]), sep="\n")
    for name in LISTS:
        if name in left:
            lines = set((target / name).read_text("utf-8").splitlines())
            missing = [line for line in (project / name).read_text("utf-8").splitlines() if line]
            wanted = [line for line in missing if line not in lines and not line.startswith("#")]
            if wanted:
                print(f"\nYour {name} needs these lines:", *wanted, sep="\n  ")
    if "pyproject.toml" in left:
        print(
            "\nYour pyproject.toml stays as it is: the files requirements*.lock say "
            "what the pipeline needs."
        )


if __name__ == "__main__":
    main()
