"""Part registry: `modelkeep` on a long history, against Git, GTO, DVC and MLflow."""

import json
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import HERE, Bench
from timing import Contender

from project import bake

FLOOR = "`git log --tags`"
FLOOR_COMMAND = ["git", "--no-pager", "log", "--tags"]
COMMITS, VERSIONS = 10_000, 1_000
QUICK_COMMITS, QUICK_VERSIONS = 300, 30
LENGTHS, VERSIONS_OF_LENGTHS = (1_000, 5_000, 10_000), 100
QUICK_LENGTHS, QUICK_VERSIONS_OF_LENGTHS = (100, 200), 10
EXPERIMENTS, QUICK_EXPERIMENTS = 200, 20
EXPERIMENTS_COMMAND = ["dvc", "exp", "show", "--all-commits", "--no-pager"]
HEADLINE = "headline.value"


@dataclass(frozen=True)
class Registered:
    """A repository with a history, and what was registered in it.

    Attributes:
        path: its work tree.
        versions: model, version, stages, recipe and SHA-256 of the raw data of each. The rest of
            what history.py tells would make the process that measures too large.
    """

    path: Path
    versions: list[dict[str, Any]]

    @property
    def pair(self) -> list[dict[str, Any]]:
        """Two successive versions of one model, in the middle of its life."""
        model = self.versions[0]["model"]
        own = [version for version in self.versions if version["model"] == model]
        return own[len(own) // 2 - 1 : len(own) // 2 + 1]

    def place(self, version: dict[str, Any]) -> int:
        """Return which version of its model it is; MLflow counts them so."""
        own = [other for other in self.versions if other["model"] == version["model"]]
        return own.index(version) + 1


def tables(bench: Bench) -> Iterator[str]:
    """Measure a long history, histories of other lengths, and one that DVC can bear."""
    project = bake(bench, "registry")
    bench.run("dvc", "repro", cwd=project)
    yield everything(bench, project)
    yield by_gto(bench, project)
    yield lengths(bench, project)
    yield experiments(bench, project)
    shutil.rmtree(project)


def everything(bench: Bench, project: Path) -> str:
    """Measure all that reads the registry, on one long history."""
    sizes = (QUICK_COMMITS, QUICK_VERSIONS) if bench.quick else (COMMITS, VERSIONS)
    repository = make_history(bench, project, *sizes)
    check(bench, repository)
    contenders = [contender(FLOOR, FLOOR_COMMAND, repository.path)]
    commands = own_commands(bench, repository) | gto_commands(repository)
    note = " MLflow: left out, for want of `--mlflow`."
    if bench.mlflow:
        commands |= mlflow_commands(bench, bench.mlflow, repository)
        note = ""
    contenders += [contender(name, words, repository.path) for name, words in commands.items()]
    title = "{:,} commits, {:,} versions of 3 models".format(*sizes)
    return bench.table(title, contenders, [FLOOR]) + note


def own_commands(bench: Bench, repository: Registered) -> dict[str, list[str]]:
    """Return the commands of the generated project."""
    old, new = repository.pair
    own = [modelkeep(bench)]
    of_model = ["--model", new["model"]]
    return {
        "`modelkeep list`": [*own, "list"],
        "`modelkeep list --json`": [*own, "list", "--json"],
        "`modelkeep list --model`": [*own, "list", *of_model],
        "`modelkeep show`": [*own, "show", new["version"], *of_model],
        "`modelkeep diff`": [*own, "diff", old["version"], new["version"], *of_model],
        "`modelkeep history prod`": [*own, "history", "prod"],
        "`modelkeep lineage`": [*own, "lineage", new["version"], *of_model],
        "`modelkeep lineage --of-data`": [*own, "lineage", "--of-data", new["data"]],
    }


def modelkeep(bench: Bench) -> str:
    """Return the command of the environment under test."""
    return str(bench.python.with_name("modelkeep"))


def gto_commands(repository: Registered) -> dict[str, list[str]]:
    """Return what GTO can tell of the same tags; it knows nothing of metrics and data."""
    return {
        "`gto show`": ["gto", "show"],
        "`gto show` of a model": ["gto", "show", repository.pair[0]["model"]],
        "`gto history`": ["gto", "history"],
    }


def mlflow_commands(bench: Bench, python: Path, repository: Registered) -> dict[str, list[str]]:
    """Fill a store of MLflow with the same versions, and return what asks it the same."""
    store = bench.directory / "mlflow"
    store.mkdir()
    peer = [str(python), str(HERE / "mlflow_peer.py"), str(store)]
    print(f"filling MLflow with {len(repository.versions):,} versions", file=sys.stderr)
    bench.run(*peer, "make", repository.path.with_suffix(".jsonl"))
    old, new = repository.pair
    places = [str(repository.place(version)) for version in (old, new)]
    return {
        "MLflow: nothing but the import": [str(python), "-c", "from mlflow import MlflowClient"],
        "MLflow: all versions": [*peer, "list"],
        "MLflow: all versions with a metric": [*peer, "list-metrics", HEADLINE],
        "MLflow: a version and its run": [*peer, "show", new["model"], places[1]],
        "MLflow: two runs compared": [*peer, "diff", new["model"], *places],
        "MLflow: versions by a tag with the data's hash": [*peer, "of-data", new["data"]],
    }


def by_gto(bench: Bench, project: Path) -> str:
    """Measure `list` where GTO wrote the tags, so that they do not vouch for any metadata."""
    sizes = (QUICK_COMMITS, QUICK_VERSIONS) if bench.quick else (COMMITS, VERSIONS)
    path = make_history(bench, project, *sizes, messages="gto").path
    listing = [modelkeep(bench), "list"]
    contenders = [
        contender(FLOOR, FLOOR_COMMAND, path),
        contender("`modelkeep list`, tags of gto", listing, path),
    ]
    return bench.table("the same, tagged by gto", contenders, [FLOOR])


def lengths(bench: Bench, project: Path) -> str:
    """Measure `list` of equally many versions in histories of several lengths."""
    sizes = QUICK_LENGTHS if bench.quick else LENGTHS
    versions = QUICK_VERSIONS_OF_LENGTHS if bench.quick else VERSIONS_OF_LENGTHS
    contenders = [
        contender(
            f"`modelkeep list`, {commits:,} commits",
            [modelkeep(bench), "list"],
            make_history(bench, project, commits, versions).path,
        )
        for commits in sizes
    ]
    return bench.table(f"{versions:,} versions", contenders, [contenders[0].name])


def experiments(bench: Bench, project: Path) -> str:
    """Measure `dvc exp show --all-commits`, which reads every commit, on a short history."""
    commits = QUICK_EXPERIMENTS if bench.quick else EXPERIMENTS
    fresh = make_history(bench, project, commits, commits // 10).path
    again = Path(shutil.copytree(fresh, fresh.with_name(f"{fresh.name}-again"), symlinks=True))

    def forget(_: int) -> None:
        shutil.rmtree(fresh / ".dvc" / "tmp", ignore_errors=True)

    own = "`modelkeep list`"
    contenders = [
        contender(own, [modelkeep(bench), "list"], fresh),
        Contender("`dvc exp show --all-commits`", EXPERIMENTS_COMMAND, fresh, forget),
        contender("the same, once more", EXPERIMENTS_COMMAND, again),
    ]
    title = f"{commits:,} commits, {commits // 10:,} versions of 3 models"
    return bench.table(title, contenders, [own], ("commit", commits))


def contender(name: str, command: list[str], directory: Path) -> Contender:
    """Return a command that only reads: nothing has to be done before it."""
    return Contender(name, command, directory, lambda _: None)


def make_history(
    bench: Bench, project: Path, commits: int, versions: int, messages: str = "modelkeep"
) -> Registered:
    """Write a repository with the files of a project and a history of its own."""
    path = bench.directory / f"history-{commits}-{versions}-{messages}"
    print(f"writing {commits:,} commits", file=sys.stderr)
    sizes = ("--commits", str(commits), "--versions", str(versions))
    written = (*sizes, "--messages", messages)
    bench.run(sys.executable, HERE / "history.py", project, path, *written)
    with path.with_suffix(".jsonl").open(encoding="utf-8") as lines:
        return Registered(path, [summary(json.loads(line)) for line in lines])


def summary(version: dict[str, Any]) -> dict[str, Any]:
    """Return what is needed of a line that history.py has written."""
    metadata = version.pop("metadata")
    [file] = metadata["data"]["files"]
    return version | {"recipe": metadata["recipe_id"], "data": file["sha256"]}


def check(bench: Bench, repository: Registered) -> None:
    """Make sure that there is something to compare: the project finds what was registered.

    Raises:
        SystemExit: it does not.
    """

    def ask(*words: str) -> list[dict[str, Any]]:
        command = (modelkeep(bench), *words, "--json")
        return json.loads(bench.run(*command, cwd=repository.path))

    data = repository.pair[1]["data"]
    listed = {
        (entry["model"], entry["version"], entry["recipe_id"], *entry["stages"])
        for entry in ask("list")
    }
    made = {(entry["model"], entry["version"]) for entry in ask("lineage", "--of-data", data)}
    if listed != wanted(repository) or made != {
        (version["model"], version["version"])
        for version in repository.versions
        if version["data"] == data
    }:
        sys.exit("error: `modelkeep` does not find what was registered: nothing to compare.")


def wanted(repository: Registered) -> set[tuple[str, ...]]:
    """Return model, number and recipe of each version, and the stages that it is in at the end."""
    assigned = {
        (version["model"], stage): version["version"]
        for version in repository.versions
        for stage in version["stages"]
    }
    return {
        (
            version["model"],
            version["version"],
            version["recipe"],
            *sorted(
                stage
                for stage in version["stages"]
                if assigned[version["model"], stage] == version["version"]
            ),
        )
        for version in repository.versions
    }
