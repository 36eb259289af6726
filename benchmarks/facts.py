"""What the results depend on: the machine, and the versions in the environment under test."""

import json
import os
import subprocess
import sys
from pathlib import Path

PACKAGES = ("dvc", "gto", "scikit-learn", "polars", "pandas", "pyarrow")
ASK_VERSIONS = """
import json, platform, sys
from importlib.metadata import PackageNotFoundError, version
versions = {"Python": platform.python_version()}
for name in sys.argv[1:]:
    try:
        versions[name] = version(name)
    except PackageNotFoundError:
        versions[name] = None
print(json.dumps(versions))
"""


def versions(python: Path, *packages: str) -> dict[str, str]:
    """Return the versions of Python and of packages in its environment.

    Raises:
        SystemExit: it does not run, or a package is missing.
    """
    try:
        asked = subprocess.run(
            [python, "-c", ASK_VERSIONS, *packages], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        sys.exit(f"error: {python} cannot be run as Python.")
    named = json.loads(asked.stdout)
    missing = [name for name, version in named.items() if version is None]
    if missing:
        sys.exit(
            f"error: {python} has no {', '.join(missing)}: name the Python of an environment that "
            "has it. That of a generated project needs both of the project's locks."
        )
    return named


def machine(directory: Path) -> list[str]:
    """Return processor, memory, system, the file system of a directory, and Git's version."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    listed = subprocess.run(
        ["df", "--output=fstype", directory], capture_output=True, text=True, check=True
    )
    git = subprocess.run(["git", "--version"], capture_output=True, text=True, check=True)
    return [
        f"{len(os.sched_getaffinity(0))} cores of {processor()}",
        f"{memory:.0f} GiB of memory",
        f"Linux {os.uname().release}",
        f"{listed.stdout.split()[-1]} file system",
        f"Git {git.stdout.split()[2]}",
    ]


def processor() -> str:
    """Return the name of the processor, or of its architecture where Linux has no name for it."""
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return os.uname().machine
