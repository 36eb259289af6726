"""Measure `modelkeep site`: `python sites.py HISTORY [HISTORY ...]`.

Each HISTORY is a repository that history.py has written. What is measured: a whole site, one more
version, the sizes of what a browser loads, and in a headless Chromium, where there is one, the
first paint and the time that a filter takes. `git log --tags` beside shows what the machine can do
at that hour.
"""

import argparse
import gzip
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from timing import Contender, compare, table

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "reference"))

from browser import Browser, chromium, opened  # noqa: E402

FLOOR = "`git log --tags`"
FIRST_VIEW = ("index.html", "site.css", "site.js", "data/index.js")
FILTERS = ("macro_f1>0.8", "stage:prod", "author:ada", "data:9 C<3", "")
FILTERED = """(() => {
  const box = document.querySelector('#filter');
  const start = performance.now();
  box.value = %r;
  box.dispatchEvent(new Event('input'));
  document.body.offsetHeight;
  return performance.now() - start;
})()"""
PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"


def contenders(python: Path, history: Path, out: Path) -> Iterator[Contender]:
    """Yield the floor, a whole site, and a site that lacks one version."""
    command = [str(python), "-m", "modelkeep", "site", str(out), "--repo", str(history)]

    def forget(_: int) -> None:
        shutil.rmtree(out, ignore_errors=True)

    def lack_one(_: int) -> None:
        subprocess.run(command, check=True, capture_output=True)
        sorted((out / "versions").iterdir())[0].unlink()

    git = ["git", "--no-pager", "log", "--tags"]
    yield Contender(FLOOR, git, history, lambda _: None)
    yield Contender("all versions", command, history, forget)
    yield Contender("one more version", command, history, lack_one)


def sizes(out: Path) -> str:
    """Return what a browser loads first, and all of a site, in kB after gzip."""

    def packed(content: bytes) -> float:
        return len(gzip.compress(content, mtime=0)) / 1000

    first = {name: packed((out / name).read_bytes()) for name in FIRST_VIEW}
    versions = [packed(path.read_bytes()) for path in (out / "versions").iterdir()]
    rest = [packed(path.read_bytes()) for path in out.rglob("*") if path.is_file()]
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as files:
        files.add(out, "site")
    listed = ", ".join(f"{name} {size:.0f}" for name, size in first.items())
    script = (out / "site.js").stat().st_size / 1000
    return (
        f"kB after gzip: first view {sum(first.values()):.0f} ({listed}), one version "
        f"{median(versions):.1f}, all files one by one {sum(rest):,.0f}, all in one archive "
        f"{packed(archive.getvalue()):,.0f}. All JavaScript, as it is: {script:.1f} kB."
    )


def looked_at(browser: Browser, out: Path, rounds: int) -> str:
    """Return how long a browser takes for the first paint and for a filter, in milliseconds."""
    address = (out / "index.html").as_uri()
    paints = []
    for _ in range(rounds):
        browser.open(address)
        paints.append(browser.wait(PAINT))
    browser.open(f"{address}#/versions")
    took = [browser.run(FILTERED % words) for _ in range(rounds) for words in FILTERS]
    return (
        f"Chromium, ms, median and worst: first paint {median(paints):.0f}, {max(paints):.0f}; "
        f"filter {median(took):.0f}, {max(took):.0f}."
    )


def main() -> None:
    """Measure what the command line asks for, and print Markdown."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("history", type=Path, nargs="+")
    parser.add_argument("--python", type=Path, default=Path(sys.executable))
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    for history in args.history:
        with tempfile.TemporaryDirectory(prefix="sites-") as name:
            directory, load = Path(name), os.getloadavg()[0]
            out = directory / "site"
            timed = [*contenders(args.python, history.resolve(), out)]
            runs = compare(timed, args.rounds, dict(os.environ), directory / "log")
            print(f"\n{table(history.name, runs, [FLOOR])}\n\nLoad before: {load:.2f}.", flush=True)
            print(sizes(out))
            if command := chromium():
                with opened(command, directory) as browser:
                    print(looked_at(browser, out, args.rounds), flush=True)


if __name__ == "__main__":
    main()
