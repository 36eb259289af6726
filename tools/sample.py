"""A project with a past: the sample with a dozen versions, a rollback, and a change of the data.

Every version is trained, registered and promoted by the commands that a person types, on dates and
under names that are made up.
"""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
START = datetime(2026, 3, 2, 9, 12, tzinfo=UTC)
PEOPLE = ("Ada Lovelace", "Emmy Noether", "Grace Hopper")
RAW = "data/raw/penguins.csv"
# So many rows are in it; the first half of the past has every second one.
ALL, HALF = 344, 172
C = "train.LogisticRegression.C"
SEARCH = ("train.search.method=random", "train.search.trials=24")
ESTIMATORS = ("LogisticRegression", "HistGradientBoostingClassifier", "RandomForestClassifier")
RANGES = {
    "LogisticRegression.C": "{low: 0.001, high: 100.0, log: true}",
    "HistGradientBoostingClassifier.learning_rate": "{low: 0.01, high: 0.5, log: true}",
    "HistGradientBoostingClassifier.max_leaf_nodes": "{low: 4, high: 31}",
    "RandomForestClassifier.min_samples_leaf": "{low: 1, high: 20}",
}


@dataclass(frozen=True)
class Step:
    """What is done on a day.

    Attributes:
        day: how many days after the first.
        why: the message of what is written.
        changes: parameters that are set, as "name=value".
        rows: how many rows of data there are from then on, or None where they stay.
        into: the stages that the new version is put into.
        back: whether the stage goes back to the version before instead.
    """

    day: int
    why: str
    changes: tuple[str, ...] = ()
    rows: int | None = None
    into: tuple[str, ...] = ()
    back: bool = False


STEPS = (
    Step(0, "The first model, on half of the birds", (f"{C}=0.002",), HALF),
    Step(6, "Less regularisation", (f"{C}=0.01",), into=("staging", "prod")),
    Step(15, "Half of it once more", (f"{C}=0.02",), into=("staging",)),
    Step(27, "A forest", ("train.estimator=RandomForestClassifier",), into=("staging", "prod")),
    Step(33, "The forest is slow on the tablets", back=True),
    Step(40, "Back to the line, and looser", ("train.estimator=LogisticRegression", f"{C}=0.05")),
    Step(52, "All birds are in", (), ALL, into=("staging", "prod")),
    Step(60, "A tighter fit on all birds", (f"{C}=0.1",), into=("staging", "prod")),
    Step(71, "Boosting", ("train.estimator=HistGradientBoostingClassifier",), into=("staging",)),
    Step(88, "The line again", ("train.estimator=LogisticRegression", f"{C}=0.5")),
    Step(97, "Chosen by a search", SEARCH, into=("staging", "prod")),
    Step(108, "Without the search, as a check", ("train.search.method=null", f"{C}=3.0")),
    Step(116, "Something in between", (f"{C}=1.0",)),
)


class Project:
    """A generated project whose commands run on a day that is made up."""

    def __init__(self, directory: Path) -> None:
        commands = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        generate = ["cookiecutter", str(ROOT), "--no-input", "--output-dir", str(directory)]
        named = "project_name=Penguin species"
        subprocess.run([*generate, named], check=True, env=os.environ | {"PATH": commands})
        self.directory = directory / "penguin-species"
        self._path = f"{self.directory / '.venv' / 'bin'}{os.pathsep}{commands}"
        self._day, self._person = START, PEOPLE[0]

    def on(self, day: int, person: str) -> None:
        """Go to a day, on which somebody works."""
        self._day, self._person = START + timedelta(days=day, minutes=37 * day % 400), person

    def run(self, *command: str) -> None:
        """Run a command, an hour after the one before.

        Raises:
            subprocess.CalledProcessError: it failed.
        """
        self._day += timedelta(hours=1)
        who = {
            f"GIT_{role}_{what}": text
            for role in ("AUTHOR", "COMMITTER")
            for what, text in (
                ("NAME", self._person),
                ("EMAIL", "somebody@example.org"),
                ("DATE", self._day.isoformat()),
            )
        }
        environment = os.environ | who | {"PATH": self._path, "OMP_NUM_THREADS": "1"}
        before = self._tags()
        subprocess.run(command, cwd=self.directory, check=True, env=environment)
        for tag in self._tags() - before:
            self._date(tag)

    def _tags(self) -> set[str]:
        return set(self._git("tag").split())

    def _date(self, tag: str) -> None:
        """Put the present day into a tag: `modelkeep` writes when it really was."""
        content = self._git("cat-file", "tag", tag)
        when = f"> {int(self._day.timestamp())} +0000\n"
        dated = re.sub(
            r"(?<=^tagger )(.*?)> \d+ [-+]\d{4}\n", rf"\1{when}", content, count=1, flags=re.M
        )
        self._git("update-ref", f"refs/tags/{tag}", self._git("mktag", text=dated).strip())

    def _git(self, *words: str, text: str | None = None) -> str:
        done = subprocess.run(
            ["git", *words],
            cwd=self.directory,
            input=text,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout


def make(directory: Path) -> Path:
    """Generate a project and give it its past; return where it is."""
    project = Project(directory)
    whole = (project.directory / RAW).read_text(encoding="utf-8").splitlines(keepends=True)
    _add_ranges(project.directory / "params.yaml")
    versions = 0
    for number, step in enumerate(STEPS):
        project.on(step.day, PEOPLE[number % len(PEOPLE)])
        if step.back:
            project.run("modelkeep", "rollback", "prod", "-m", step.why)
            continue
        if step.rows is not None:
            rows = whole[1:] if step.rows == ALL else whole[1::2][: step.rows]
            (project.directory / RAW).write_text("".join(whole[:1] + rows), encoding="utf-8")
            project.run("dvc", "add", "--quiet", "data/raw")
        changes = [word for change in step.changes for word in ("--set-param", change)]
        project.run("dvc", "exp", "run", "--quiet", *changes)
        project.run("git", "add", ".")
        project.run("git", "commit", "--quiet", "-m", step.why)
        project.run("dvc", "push", "--quiet")
        project.run("modelkeep", "register", "-m", step.why)
        for stage in step.into:
            project.run("modelkeep", "promote", f"v1.{versions}.0", stage, "-m", step.why)
        versions += 1
    return project.directory


def _add_ranges(params: Path) -> None:
    """Write what the search of a later day tries: several estimators, with ranges."""
    text = params.read_text(encoding="utf-8")
    start, end = text.index("    estimators: []"), text.index("\nevaluate:")
    lines = [f"    estimators: [{', '.join(ESTIMATORS)}]", "    ranges:"]
    last = ""
    for name, tried in RANGES.items():
        estimator, parameter = name.split(".")
        lines += [f"      {estimator}:"] if estimator != last else []
        lines.append(f"        {parameter}: {tried}")
        last = estimator
    text = f"{text[:start]}{chr(10).join(lines)}\n{text[end:]}"
    params.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    print(make(Path(sys.argv[1]).resolve()))
