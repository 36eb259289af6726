"""What every part of the benchmarks shares: the environment under test, and where it works."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from timing import Contender, compare, table

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Bench:
    """The environment under test and how it is measured.

    Attributes:
        python: the interpreter of the generated project's environment.
        directory: an empty directory for everything that is written.
        rounds: how often each command is timed.
        quick: whether to use small data, to try the benchmarks themselves.
        mlflow: an interpreter that has MLflow, if there is one.
    """

    python: Path
    directory: Path
    rounds: int
    quick: bool
    mlflow: Path | None = None

    @property
    def environment(self) -> dict[str, str]:
        """The variables that commands see: nothing of the caller's settings but PATH.

        HOME is a directory of its own, so that neither Git nor Cookiecutter reads or writes what
        belongs to the user.
        """
        return {
            "PATH": f"{self.python.parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.directory),
            "LC_ALL": "C.UTF-8",
            "DVC_NO_ANALYTICS": "1",
            "DVC_SITE_CACHE_DIR": str(self.directory / "site"),
            "GIT_AUTHOR_NAME": "Benchmark",
            "GIT_AUTHOR_EMAIL": "benchmark@example.org",
            "GIT_COMMITTER_NAME": "Benchmark",
            "GIT_COMMITTER_EMAIL": "benchmark@example.org",
        }

    def run(self, *command: str | Path, cwd: Path | None = None) -> str:
        """Run a command that is not timed, and return what it prints.

        Raises:
            SystemExit: it failed.
        """
        done = subprocess.run(
            command,
            cwd=cwd or self.directory,
            env=self.environment,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        if done.returncode:
            shown = " ".join(str(word) for word in command)
            sys.exit(f"error: {shown} failed:\n{done.stderr.strip()}")
        return done.stdout

    def make_data(self, out: Path, rows: int, numeric: int, categorical: int, classes: int) -> None:
        """Write `out`/raw/table.csv and `out`/schema.yaml."""
        shape = {"rows": rows, "numeric": numeric, "categorical": categorical, "classes": classes}
        options = [word for name, value in shape.items() for word in (f"--{name}", str(value))]
        self.run(self.python, HERE / "data.py", out, *options)

    def table(
        self,
        title: str,
        contenders: list[Contender],
        peers: list[str],
        per: tuple[str, int] | None = None,
    ) -> str:
        """Time the contenders and return the Markdown table, under the load that was found."""
        load = os.getloadavg()[0]
        print(f"{title} (load {load:.2f})", file=sys.stderr)
        runs = compare(contenders, self.rounds, self.environment, self.directory / "log")
        return (
            f"{table(title, runs, peers, per)}\n\nLoad before: {load:.2f}; rounds: {self.rounds}."
        )
