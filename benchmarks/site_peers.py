"""Open the same versions in peers' pages: `python site_peers.py HISTORY --mlflow PYTHON STORE`.

HISTORY is a repository of history.py, of which a site is made. The store of MLflow is filled by
`mlflow_peer.py STORE make HISTORY.jsonl`, that of Aim by `aim_peer.py STORE HISTORY.jsonl`. Each is
served on this machine by its own command, the site by Python's `http.server`, and opened in a
headless Chromium with an empty cache. Told are the time until the first version can be read, and
the requests and bytes until then and until nothing has come for a second.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "reference"))

from browser import Browser, chromium, opened  # noqa: E402

PORT = 8791
# Seconds: until a server answers, until a page shows a version, and without news at its end
STARTED, SHOWN, QUIET = 180, 120, 1.0
# Peers tell nobody that they run; MLflow's server starts none of its workers for other jobs.
QUIETLY = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "DO_NOT_TRACK": "true",
}
VERSION = r"/\bv1\.\d+\.0\b/.test(document.body?.innerText ?? '')"
NUMBER = r"/Version \d+/.test(document.body?.innerText ?? '')"
MODEL = r"/\bchurn\b/.test(document.body?.innerText ?? '')"


@dataclass(frozen=True)
class Page:
    """A page that is opened.

    Attributes:
        name: what the table calls it.
        address: what comes after the port.
        shown: what is true in the page as soon as it shows something.
    """

    name: str
    address: str
    shown: str


@dataclass(frozen=True)
class Seen:
    """Seconds until a page showed something, kB and requests until it was quiet."""

    seconds: float
    size: float
    requests: int


SITE = (Page("site, first page", "", VERSION), Page("site, versions", "#/versions", VERSION))
MLFLOW = (
    Page("MLflow, runs", "#/experiments/1/runs", VERSION),
    Page("MLflow, models", "#/models", MODEL),
    Page("MLflow, versions of a model", "#/models/churn", NUMBER),
)
AIM = (Page("Aim, runs", "runs", VERSION),)


@contextmanager
def served(command: Sequence[str], directory: Path) -> Iterator[None]:
    """Run a server until the end; wait until it answers."""
    with (directory / "server.log").open("wb") as log:
        server = subprocess.Popen(
            command, stdout=log, stderr=log, env=os.environ | QUIETLY, start_new_session=True
        )
    try:
        end = time.monotonic() + STARTED
        while not _answers():
            if server.poll() is not None or time.monotonic() > end:
                sys.exit(f"{command[0]} does not answer:\n{(directory / 'server.log').read_text()}")
            time.sleep(0.2)
        yield
    finally:
        # Its workers are in a group of their own.
        os.killpg(server.pid, 15)
        server.wait()


def _answers() -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/", timeout=5):
            return True
    except OSError:
        return False


def look(browser: Browser, page: Page) -> Seen:
    """Open a page as if for the first time."""
    browser.call("Network.clearBrowserCache")
    browser.call("Page.navigate", url="about:blank")
    browser.events.clear()
    start = time.monotonic()
    browser.call("Page.navigate", url=f"http://127.0.0.1:{PORT}/{page.address}")
    while not browser.run(page.shown):
        if time.monotonic() - start > SHOWN:
            sys.exit(f"{page.name} shows nothing: {browser.run('document.body.innerText')[:500]}")
        time.sleep(0.01)
    seconds = time.monotonic() - start
    count, since = -1, time.monotonic()
    while time.monotonic() - since < QUIET:
        browser.run("1")
        if len(browser.events) != count:
            count, since = len(browser.events), time.monotonic()
        time.sleep(0.05)
    came = [event for event in browser.events if event["method"] == "Network.loadingFinished"]
    size = sum(event["params"]["encodedDataLength"] for event in came) / 1000
    return Seen(seconds, size, len(came))


def rows(pages: Sequence[Page], rounds: int, directory: Path) -> Iterator[str]:
    """Yield a row of the table for each page: the best and the median of all rounds."""
    command = chromium()
    assert command is not None
    with opened(command, directory) as browser:
        for page in pages:
            seen = [look(browser, page) for _ in range(rounds)]
            seconds = [one.seconds for one in seen]
            size, requests = median(one.size for one in seen), median(one.requests for one in seen)
            yield (
                f"| {page.name} | {min(seconds):.2f} | {median(seconds):.2f} | {size:,.0f} | "
                f"{requests:.0f} |"
            )


def contenders(
    args: argparse.Namespace, site: Path
) -> Iterator[tuple[Sequence[str], Sequence[Page]]]:
    """Yield the command that serves, and the pages, of each."""
    local = ["--host", "127.0.0.1", "--port", str(PORT)]
    yield (
        [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "-d", str(site), str(PORT)],
        SITE,
    )
    if args.mlflow:
        python, store = args.mlflow
        uri = f"sqlite:///{Path(store).absolute() / 'mlflow.db'}"
        yield (
            [python, "-m", "mlflow", "ui", "--workers", "1", "--backend-store-uri", uri, *local],
            MLFLOW,
        )
    if args.aim:
        python, store = args.aim
        aim = str(Path(python).absolute().with_name("aim"))
        yield [aim, "up", "--yes", "--repo", store, *local], AIM


def main() -> None:
    """Measure what the command line asks for, and print Markdown."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("history", type=Path)
    for peer in ("mlflow", "aim"):
        parser.add_argument(f"--{peer}", nargs=2, metavar=("PYTHON", "STORE"))
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="site-peers-") as name:
        site = Path(name, "site")
        words = ["modelkeep", "site", str(site), "--repo", str(args.history)]
        subprocess.run([sys.executable, "-m", *words], check=True, capture_output=True)
        print("| page | best, s | median, s | kB | requests |\n| --- | ---: | ---: | ---: | ---: |")
        for number, (server, pages) in enumerate(contenders(args, site)):
            directory = Path(name, str(number))
            directory.mkdir()
            with served(server, directory):
                for row in rows(pages, args.rounds, directory):
                    print(row, flush=True)
        print(f"\nLoad at the end: {os.getloadavg()[0]:.2f}.")


if __name__ == "__main__":
    main()
