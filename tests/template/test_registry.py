"""The registry of generated projects, as a team lives it: two people, one origin, years of tags."""

import json
import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from conftest import LOOSER, SAMPLE, Bake, Run, Warmed

pytestmark = pytest.mark.slow

REGISTRY = "modelkeep"
LOOSEST = "train.LogisticRegression.C=10"
TRAIN = "dvc repro --quiet && git add . && git commit --quiet -m '{}' && dvc push --quiet"


@dataclass(frozen=True)
class Team:
    """A project with two released versions, its bare origin, and the clone of a colleague."""

    project: Path
    origin: Path
    colleague: Path


@pytest.fixture(scope="module")
def first(bake: Bake, warmed: Warmed, run: Run, tmp_path_factory: pytest.TempPathFactory) -> Team:
    """Return a team: v1.0.0 was in prod, v1.1.0 is; tests copy it or only read."""
    project = bake()
    origin = tmp_path_factory.mktemp("origin") / "my-model.git"
    colleague = tmp_path_factory.mktemp("colleague") / "my-model"
    begin = f"git init --quiet --bare --initial-branch main {origin}"
    steps = {
        SAMPLE: (
            f"{begin} && git remote add origin {origin}",
            TRAIN.format("Train the first model"),
            "git push --quiet --set-upstream origin HEAD",
            f"{REGISTRY} register -m 'The first' --push",
            f"{REGISTRY} promote v1.0.0 prod --push",
        ),
        LOOSER: (
            TRAIN.format("Loosen the regularisation"),
            "git push --quiet",
            f"{REGISTRY} register -m 'The second' --push",
            f"{REGISTRY} promote v1.1.0 prod -m 'Better' --push",
            f"git clone --quiet {origin} {colleague}",
        ),
    }
    for change, commands in steps.items():
        warmed(project, change)
        for command in commands:
            run(command, project)
    return Team(project, origin, colleague)


@pytest.fixture
def team(first: Team, tmp_path: Path) -> Team:
    """Return a copy of the team, whose clones have a copy of the origin."""
    copied = Team(*(tmp_path / name for name in ("project", "origin.git", "colleague")))
    for source, target in zip(vars(first).values(), vars(copied).values(), strict=True):
        shutil.copytree(source, target)
    for clone in (copied.project, copied.colleague):
        subprocess.run(["git", "remote", "set-url", "origin", copied.origin], cwd=clone, check=True)
    return copied


def entries(run: Run, command: str, project: Path) -> list[dict]:
    """Return what a reading command prints as data."""
    return json.loads(run(f"{REGISTRY} {command} --json", project).stdout)


def tags(project: Path) -> list[str]:
    """Return the tags of a repository."""
    done = subprocess.run(["git", "tag"], cwd=project, capture_output=True, text=True, check=True)
    return done.stdout.split()


def refused(run: Run, command: str, project: Path) -> str:
    """Return the one sentence with which a command is refused."""
    done = run(f"{REGISTRY} {command}", project, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, done.stderr
    return errors[0]


def test_gto_and_dvc_understand_what_is_written(first: Team, run: Run, tmp_path: Path) -> None:
    """`gto show`, `history` and `check-ref`, and `dvc artifacts get`, agree with the registry."""
    shown = json.loads(run("gto show --json", first.project).stdout)
    assert shown["model"]["version"] == "v1.1.0"
    assert shown["model"]["stage"] == {"prod": "v1.1.0"}
    history = json.loads(run("gto history --json", first.project).stdout)
    assert sorted(event["ref"] for event in history) == sorted(tags(first.project))
    assert run("gto check-ref 'model#prod#2'", first.project).stdout
    for option, version in (("--stage prod", "v1.1.0"), ("--rev v1.0.0", "v1.0.0")):
        out = tmp_path / version
        run(f"dvc artifacts get {first.origin} model {option} --out {out}", first.project)
        ours = tmp_path / f"ours-{version}"
        run(f"{REGISTRY} fetch {version} {ours}", first.project)
        run(f"diff -r {out} {ours}", first.project)


def test_the_registry_understands_what_gto_writes(team: Team, run: Run) -> None:
    """Versions and stages that were written with gto are listed like our own."""
    run("git commit --quiet --allow-empty -m 'A later commit'", team.project)
    run("gto register model --version v2.0.0", team.project)
    run("gto assign model --version v1.0.0 --stage prod --force", team.project)
    listed = {entry["version"]: entry["stages"] for entry in entries(run, "list", team.project)}
    assert listed == {"v2.0.0": [], "v1.1.0": [], "v1.0.0": ["prod"]}


def test_a_colleague_who_was_faster_is_told_of(team: Team, run: Run) -> None:
    """Two people decide at once: the second is told, nothing is overwritten, and can go on."""
    mine, theirs = team.project, team.colleague
    run(f"{REGISTRY} rollback prod -m 'It is slow' --push", theirs)
    before = tags(mine)
    error = refused(run, "promote v1.0.0 staging --push", mine)
    assert "model#prod#3" in error
    assert "git fetch" in error
    assert tags(mine) == before
    run("git fetch --quiet origin 'refs/tags/*:refs/tags/*'", mine)
    assert entries(run, "list", mine)[1]["stages"] == ["prod"]
    run(f"{REGISTRY} promote v1.0.0 staging --push", mine)
    assert tags(mine) == tags(team.origin)


def test_without_the_right_to_push_nothing_changes(team: Team, run: Run) -> None:
    """An origin that takes no tags leaves no tag behind here either."""
    hook = team.origin / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho 'only releasers may push tags' >&2\nexit 1\n")
    hook.chmod(0o755)
    before = tags(team.project)
    error = refused(run, "rollback prod -m 'It is slow' --push", team.project)
    assert "nothing has changed" in error
    assert tags(team.project) == before == tags(team.origin)


def test_two_registrations_at_once_make_one_version(team: Team, warmed: Warmed, run: Run) -> None:
    """Of two that run at the same moment, one registers and the other is refused."""
    run(TRAIN.format("Loosen it more"), warmed(team.project, LOOSEST))
    both = f"{REGISTRY} register & {REGISTRY} register --bump major & wait"
    done = run(both, team.project)
    new = set(tags(team.project)) & {"model@v1.2.0", "model@v2.0.0"}
    assert len(new) == 1
    assert done.stderr.count("error: ") == 1
    assert "Traceback" not in done.stderr


def test_a_clone_of_continuous_integration_can_read_and_fetch(
    first: Team, run: Run, tmp_path: Path
) -> None:
    """A shallow clone says what it lacks: versions need their tags, and stages all of history."""
    clone = tmp_path / "ci"
    run(f"git clone -q --depth 1 --single-branch --no-tags file://{first.origin} {clone}", tmp_path)
    assert "shallow" in refused(run, "list", clone)
    assert "shallow" in refused(run, "show v1.0.0", clone)
    run("git fetch --quiet --depth 1 origin 'refs/tags/*:refs/tags/*'", clone)
    assert [entry["version"] for entry in entries(run, "list", clone)] == ["v1.1.0", "v1.0.0"]
    run(f"{REGISTRY} fetch v1.1.0 {tmp_path / 'version'}", clone)
    assert (tmp_path / "version" / "model.skops").is_file()
    assert "`git fetch --unshallow --tags`" in refused(
        run, f"fetch prod {tmp_path / 'live'}", clone
    )
    run("git fetch --quiet --unshallow --tags", clone)
    run(f"{REGISTRY} fetch prod {tmp_path / 'live'}", clone)
    assert (tmp_path / "live" / "model.skops").is_file()


def test_a_deployment_needs_no_clone(first: Team, run: Run, tmp_path: Path) -> None:
    """`fetch --repo URL` brings the package from a bare repository and the DVC remote."""
    url = f"file://{first.origin}"
    run(f"{REGISTRY} fetch prod {tmp_path / 'live'} --repo {url}", first.project)
    assert (tmp_path / "live" / "manifest.json").is_file()
    assert entries(run, f"list --repo {url}", first.project) == entries(run, "list", first.project)
    missing = refused(run, f"fetch prod {tmp_path / 'x'} --repo {url}x", first.project)
    assert "cannot be read" in missing
    assert sorted(path.name for path in tmp_path.iterdir()) == ["live"]


def test_what_is_lost_here_comes_back_and_is_proved(team: Team, run: Run, tmp_path: Path) -> None:
    """With an empty cache a version is restored whole, byte for byte, beside an untouched tree."""
    clone = team.colleague
    run(f"{REGISTRY} restore v1.0.0 --into {tmp_path / 'then'}", clone)
    assert run("git status --porcelain", clone).stdout == ""
    assert not (clone / "package").exists()
    run("dvc status --quiet", tmp_path / "then")
    model = json.loads((tmp_path / "then" / "package" / "model.json").read_text("utf-8"))
    assert model == entries(run, "show v1.0.0", clone)["metadata"]
    done = run(f"{REGISTRY} verify v1.0.0", clone)
    assert "byte for byte" in done.stdout


def test_a_loss_is_said_before_anything_starts(team: Team, run: Run, tmp_path: Path) -> None:
    """Where neither cache nor remote has the bytes, fetch, restore and verify write nothing."""
    empty = tmp_path / "empty"
    empty.mkdir()
    run(f"dvc remote modify --local storage url {empty}", team.colleague)
    for command in (
        f"fetch prod {tmp_path / 'live'}",
        f"restore prod --into {tmp_path / 'then'}",
        "verify prod",
    ):
        assert "not in the remote 'storage'" in refused(run, command, team.colleague)
    assert not (tmp_path / "live").exists()
    assert not (tmp_path / "then").exists()
    shown = entries(run, "show prod", team.colleague)["bytes"]
    assert shown == {"cache": False, "remote": False, "problem": None}


def test_a_project_below_the_top_of_a_repository(
    bake: Bake, warmed: Warmed, run: Run, tmp_path: Path
) -> None:
    """In a monorepo a model has its directory in its tags, and everything works from there."""
    run("git init --quiet && git commit --quiet --allow-empty -m Start", tmp_path)
    project = bake(into=tmp_path)
    run("git add . && git commit --quiet -m 'Start the project'", project)
    run(TRAIN.format("Train the first model"), warmed(project))
    run(f"{REGISTRY} register && {REGISTRY} promote v1.0.0 prod", project)
    assert tags(project) == ["my-model=model#prod#1", "my-model=model@v1.0.0"]
    assert json.loads(run("gto show --json", project).stdout)["my-model:model"]["stage"] == {
        "prod": "v1.0.0"
    }
    run(f"{REGISTRY} show prod && {REGISTRY} fetch prod {tmp_path / 'live'}", project)
    run(f"{REGISTRY} restore prod --into {tmp_path / 'then'}", project)
    assert (tmp_path / "then" / "my-model" / "package" / "model.skops").is_file()
    run("modelkeep show my-model:model@v1.0.0", tmp_path)


def test_lineage_goes_on_in_the_repository_that_data_come_from(
    first: Team, bake: Bake, warmed: Warmed, run: Run
) -> None:
    """A model that learns from an imported package has that package's version as its parent."""
    student = warmed(bake(project_slug="student"))
    run(
        f"dvc import --quiet {first.origin} package --rev model@v1.0.0 --out data/teacher && "
        "sed -i '/^  train:/,/deps:/s/deps:/deps:\\n      - data\\/teacher/; "
        "/^  package:/,/deps:/s/deps:/deps:\\n      - data\\/teacher/' dvc.yaml",
        student,
    )
    run(TRAIN.format("Learn from the teacher"), student)
    lineage = entries(run, "lineage HEAD", student)
    assert [name.split(":")[-1] for name in lineage["versions"]][1:] == ["model v1.0.0"]
    names = {node["name"] for node in lineage["nodes"]}
    assert f"{first.origin}:data/raw" in names
    assert f"{first.origin}:model v1.0.0" in run(f"{REGISTRY} lineage HEAD", student).stdout


@pytest.mark.parametrize("command", ["register", "promote v1.0.0 staging", "rollback prod -m why"])
def test_a_command_that_is_killed_leaves_a_tag_or_nothing(
    team: Team, warmed: Warmed, run: Run, command: str
) -> None:
    """`kill -9` at any moment: the tag is there whole or not at all, and the next try works."""
    if command == "register":
        run(TRAIN.format("Loosen it more"), warmed(team.project, LOOSEST))
    before = set(tags(team.project))
    for moment in (0.2, 0.5, 0.8, 1.1, 1.5):
        run(
            f"set -m; {REGISTRY} {command} & sleep {moment}; kill -9 -- -$! || true",
            team.project,
        )
        new = set(tags(team.project)) - before
        assert len(new) <= 1
        for tag in new:
            assert run(f"git cat-file -t '{tag}'", team.project).stdout == "tag\n"
            run(f"git tag --delete '{tag}'", team.project)
    time.sleep(0.5)
    run(f"{REGISTRY} {command}", team.project)
    assert len(set(tags(team.project)) - before) == 1
    run("git fsck --strict && dvc status --quiet", team.project)


def test_reading_is_quick_since_it_imports_little(first: Team, run: Run) -> None:
    """Neither DVC nor scikit-learn is imported to list, compare, explain or tell the history."""
    for command in ("list", "diff v1.0.0 prod", "lineage prod", "history"):
        done = run(f"python -X importtime -m modelkeep {command}", first.project)
        imported = set(re.findall(r"\| +([\w.]+)$", done.stderr, re.MULTILINE))
        assert not imported & {"dvc", "gto", "pydantic", "numpy", "pandas", "sklearn"}, command
