"""Build the wheels of the two libraries: `python tools/wheels.py [DIRECTORY] [--tag v1.2.0]`.

Only the standard library is used, and every Python and system gives the same bytes. With a tag, the
versions have to agree with it: a release is what its tag says.
"""

import argparse
import os
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from modelkeep_core.wheel import Wheel, build  # noqa: E402

CORE, TOOL = "modelkeep_core", "modelkeep"


def main() -> None:
    """Build both wheels, hold them against the tag, write them, and print their hashes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", nargs="?", type=Path, default=Path("dist"))
    parser.add_argument("--tag", help="the tag that is released, such as v1.2.0")
    args = parser.parse_args()
    if args.tag and (mistakes := disagreements(ROOT, args.tag)):
        sys.exit("\n".join(f"error: {mistake}" for mistake in mistakes))
    for wheel in wheels(ROOT):
        print(f"{wheel.sha256}  {write(wheel, args.directory)}")


def wheels(root: Path) -> list[Wheel]:
    """Return the wheels of a checkout, in the order in which they are published."""
    return [build(root / "src" / name) for name in (CORE, TOOL)]


def write(wheel: Wheel, directory: Path) -> Path:
    """Write a wheel into a directory, which is made, and return its path."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / wheel.filename
    partial = path.with_name(f"{path.name}.partial")
    partial.write_bytes(wheel.content)
    os.replace(partial, path)
    return path


def disagreements(root: Path, tag: str) -> list[str]:
    """Return a sentence for each version in a checkout that does not fit a tag.

    The tag names the version of the template and of modelkeep. modelkeep-core has a version of its
    own, as a new one makes every model's training stale; modelkeep requires exactly that one.
    """
    template, core, tool = (
        tomllib.loads((root / place / "pyproject.toml").read_text("utf-8"))["project"]
        for place in (".", f"src/{CORE}", f"src/{TOOL}")
    )
    sentences = [
        f"the tag is {tag}, but {place}pyproject.toml has version {project['version']}: "
        "change one of them."
        for place, project in (("", template), (f"src/{TOOL}/", tool))
        if tag != f"v{project['version']}"
    ]
    pin = f"{core['name']}=={core['version']}"
    if pin not in tool["dependencies"]:
        sentences.append(
            f'src/{TOOL}/pyproject.toml does not require "{pin}", the version that '
            f"src/{CORE}/pyproject.toml has: write that line under dependencies."
        )
    return sentences


if __name__ == "__main__":
    main()
