"""Workflows of the template and of the generated project, checked as their services read them."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from conftest import PROJECT, ROOT

TEMPLATE = ROOT / ".github" / "workflows"
WORKFLOWS = [*sorted(TEMPLATE.glob("*.yml")), *sorted(PROJECT.glob(".github/workflows/*.yml"))]
DEPENDABOT = ROOT / ".github" / "dependabot.yml"
SYSTEMS = ["ubuntu-latest", "macos-latest", "windows-latest"]
OLDEST, NEWEST = "3.11", "3.14"
# GitHub Pages takes two rights to do one thing.
PAGES = {"pages": "write", "id-token": "write"}
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")


def name(path: Path) -> str:
    """Return what a workflow is called in the names of tests."""
    return path.relative_to(ROOT).as_posix()


def tool(command: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a tool of the development environment, with the others of it on the PATH."""
    here = Path(sys.executable).parent
    return subprocess.run(
        [here / command, *arguments],
        env=os.environ | {"PATH": f"{here}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def jobs(workflow: str) -> dict[str, Any]:
    """Return the jobs of one of the template's workflows."""
    content: dict[str, Any] = yaml.safe_load((TEMPLATE / workflow).read_text("utf-8"))
    return content["jobs"]


def commands(job: dict[str, Any]) -> str:
    """Return all shell commands of a job."""
    return "\n".join(step.get("run", "") for step in job["steps"])


@pytest.mark.parametrize("path", WORKFLOWS, ids=name)
def test_actionlint_finds_nothing(path: Path) -> None:
    """Keys, expressions, names of jobs and shell commands are right, as actionlint reads them."""
    done = tool("actionlint", path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", [*WORKFLOWS, DEPENDABOT], ids=name)
def test_zizmor_finds_nothing(path: Path) -> None:
    """Nothing that an attacker could use, down to what zizmor tells pedants, without a network."""
    done = tool("zizmor", "--offline", "--no-progress", "--persona=pedantic", path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_tools_find_what_is_wrong(tmp_path: Path) -> None:
    """A template injection, an unpinned action and an unknown key do not go through."""
    (tmp_path / ".github" / "workflows").mkdir(parents=True)
    path = tmp_path / ".github" / "workflows" / "wrong.yml"
    path.write_text(
        "on: pull_request\njobs:\n  job:\n    runs-on: ubuntu-latest\n    timeout: 5\n    steps:\n"
        "      - uses: some/action@main\n"
        '      - run: echo "${{ github.event.pull_request.title }}"\n',
        encoding="utf-8",
    )
    assert 'unexpected key "timeout"' in tool("actionlint", path).stdout
    report = tool("zizmor", "--offline", "--no-progress", path)
    assert report.returncode != 0
    for rule in ("template-injection", "unpinned-uses"):
        assert rule in report.stdout


@pytest.mark.parametrize(
    ("schema", "paths"),
    [("github-workflows", WORKFLOWS), ("dependabot", [DEPENDABOT])],
    ids=["workflows", "dependabot"],
)
def test_files_hold_to_their_schemas(schema: str, paths: list[Path]) -> None:
    """Workflows and dependabot.yml hold to the schemas that are published for them."""
    done = tool("check-jsonschema", "--builtin-schema", f"vendor.{schema}", *paths)
    assert done.returncode == 0, done.stdout + done.stderr


def test_actions_are_pinned_by_commit() -> None:
    """Every action has a commit and its version, and the same action has one of them everywhere."""
    pins: dict[str, set[str]] = {}
    for path in WORKFLOWS:
        for line in re.findall(r"uses: (.+)", path.read_text("utf-8")):
            if line.startswith("./"):
                continue
            assert PINNED.fullmatch(line), f"{name(path)}: {line}"
            pins.setdefault(line.partition("@")[0], set()).add(line)
    assert {action: len(lines) for action, lines in pins.items()} == dict.fromkeys(pins, 1)


@pytest.mark.parametrize("path", WORKFLOWS, ids=name)
def test_tokens_may_only_read(path: Path) -> None:
    """A workflow's token reads; what a job may do beyond that is one thing that it is there for."""
    workflow = yaml.safe_load(path.read_text("utf-8"))
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        beyond = {
            scope: right for scope, right in job.get("permissions", {}).items() if right != "read"
        }
        assert len(beyond) <= 1 or beyond == PAGES
        assert all(
            step["with"]["persist-credentials"] is False
            for step in job.get("steps", [])
            if "checkout@" in step.get("uses", "")
        )


def test_a_pull_request_is_tried_on_every_system() -> None:
    """Fast tests run on three systems with two Pythons, slow ones on Linux, linters once."""
    ci = jobs("ci.yml")
    matrix = ci["fast"]["strategy"]["matrix"]
    assert matrix == {"system": SYSTEMS, "python": [OLDEST, NEWEST]}
    assert '-m "not slow"' in commands(ci["fast"])
    assert ci["slow"]["strategy"]["matrix"] == {"python": [OLDEST, NEWEST]}
    assert "-m slow" in commands(ci["slow"])
    assert "make lint" in commands(ci["lint"])
    assert "make types" in commands(ci["lint"])


def test_the_pythons_are_those_of_the_packages() -> None:
    """The oldest and the newest Python of the workflows are the bounds in every pyproject.toml."""
    minor = int(NEWEST.partition(".")[2])
    bounds = f'requires-python = ">={OLDEST},<3.{minor + 1}"'
    for directory in (ROOT, ROOT / "src" / "modelkeep_core", ROOT / "src" / "modelkeep", PROJECT):
        assert bounds in (directory / "pyproject.toml").read_text("utf-8"), directory
    pythons = jobs("scheduled.yml")["test"]["strategy"]["matrix"]["python"]
    assert (pythons[0], pythons[-1], len(pythons)) == (OLDEST, NEWEST, minor - 10)


def test_one_job_needs_all_others(tmp_path: Path) -> None:
    """The job that a branch may require waits for all others and fails where one of them did."""
    ci = jobs("ci.yml")
    required = ci.pop("required")
    assert sorted(required["needs"]) == sorted(ci)
    assert required["if"] == "always()"
    if subprocess.run(["jq", "--version"], capture_output=True, check=False).returncode:
        pytest.skip("jq is not installed")
    for other, status in (("success", 0), ("failure", 1), ("cancelled", 1), ("skipped", 1)):
        results = f'{{"lint": {{"result": "success"}}, "fast": {{"result": "{other}"}}}}'
        done = subprocess.run(
            ["bash", "-c", commands(required)],
            env=os.environ | {"RESULTS": results},
            capture_output=True,
            check=False,
        )
        assert done.returncode == status, other


def test_a_release_is_tested_compared_and_published_without_a_secret() -> None:
    """Wheels of every system and Python are compared; only the job that publishes may sign in."""
    release = jobs("release.yml")
    assert release["tests"]["uses"] == "./.github/workflows/ci.yml"
    assert release["build"]["strategy"]["matrix"] == {"system": SYSTEMS, "python": [OLDEST, NEWEST]}
    assert release["same"]["needs"] == "build"
    publish = release["publish"]
    assert publish["needs"] == ["tests", "same"]
    assert publish["environment"] == "pypi"
    assert publish["permissions"] == {"id-token": "write"}
    assert not commands(publish).strip()
    assert [step["with"].get("packages-dir") for step in publish["steps"]] == [
        None,
        "release/core",
        "release/tool",
    ]
    text = (TEMPLATE / "release.yml").read_text("utf-8")
    assert "secrets." not in text
    assert "password:" not in text


@pytest.mark.parametrize("same", [True, False])
def test_a_release_stops_where_builds_differ(tmp_path: Path, same: bool) -> None:
    """The comparison keeps one build of the two wheels, and fails where another has other bytes."""
    (step,) = (step for step in jobs("release.yml")["same"]["steps"] if "run" in step)
    wheels = ("modelkeep_core-1.0.0-py3-none-any.whl", "modelkeep-1.0.0-py3-none-any.whl")
    for build in ("wheels-a-3.11", "wheels-b-3.14"):
        (tmp_path / "builds" / build).mkdir(parents=True)
        for wheel in wheels:
            (tmp_path / "builds" / build / wheel).write_text(wheel if same else build)
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", step["run"]],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert (done.returncode == 0) is same
    kept = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.glob("release/*/*"))
    expected = [f"release/core/{wheels[0]}", f"release/tool/{wheels[1]}"]
    assert kept == (expected if same else [])
