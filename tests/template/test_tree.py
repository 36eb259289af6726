"""The generated tree: exactly the files of the answers, all of which parse."""

import ast
import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from conftest import PROJECT, ROOT, Bake
from modelkeep_core.wheel import build

CODE = {
    f"{room}/{path.name}"
    for room in ("pipeline", "tests")
    for path in (PROJECT / room).glob("*.py")
}
SERVING = {".dockerignore", "Dockerfile", "requirements-serving.lock"}
COMMON = {
    ".dvc/.gitignore",
    ".dvc/config",
    ".dvc/plots/confusion_counts.json",
    ".dvc/plots/curves.json",
    ".dvc/plots/page.html",
    ".dvc/plots/search.json",
    ".dvcignore",
    ".gitattributes",
    ".gitignore",
    ".pre-commit-config.yaml",
    ".python-version",
    "AGENTS.md",
    "LICENSE",
    "README.md",
    "data/raw.dvc",
    "dvc.yaml",
    "params.yaml",
    "pyproject.toml",
    "requirements-dev.lock",
    "requirements.lock",
    "schema.yaml",
    *(f"vendor/{build(ROOT / 'src' / name).filename}" for name in ("modelkeep_core", "modelkeep")),
}
CI = {
    "github": {f".github/workflows/{name}.yml" for name in ("audit", "ci", "pages")},
    "gitlab": {".gitlab-ci.yml"},
    "none": set(),
}
IMAGE = {"github": {".github/workflows/image.yml"}, "gitlab": set(), "none": set()}
# Every value of every answer, and every pair of those that share a file.
COMBINATIONS = [
    {
        "task": "classification",
        "ci": "github",
        "serving": "yes",
        "license": "MIT",
        "dvc_remote": "",
    },
    {
        "task": "classification",
        "ci": "gitlab",
        "serving": "no",
        "license": "Apache-2.0",
        "dvc_remote": "s3://b/p",
    },
    {
        "task": "classification",
        "ci": "none",
        "serving": "yes",
        "license": "BSD-3-Clause",
        "dvc_remote": "/srv/dvc",
    },
    {
        "task": "regression",
        "ci": "github",
        "serving": "yes",
        "license": "Proprietary",
        "dvc_remote": "gs://b",
    },
    {
        "task": "regression",
        "ci": "gitlab",
        "serving": "no",
        "license": "MIT",
        "dvc_remote": "azure://c",
    },
    {
        "task": "regression",
        "ci": "none",
        "serving": "no",
        "license": "Apache-2.0",
        "dvc_remote": "ssh://h/d",
    },
    {
        "task": "regression",
        "ci": "github",
        "serving": "yes",
        "license": "BSD-3-Clause",
        "dvc_remote": "",
    },
    {
        "task": "classification",
        "ci": "none",
        "serving": "yes",
        "license": "MIT",
        "dvc_remote": "https://h/d",
    },
]


@pytest.fixture(scope="module", params=COMBINATIONS, ids=lambda answers: "-".join(answers.values()))
def baked(request: pytest.FixtureRequest, bake: Bake) -> tuple[dict[str, str], Path]:
    """Return answers and the project that they give."""
    return request.param, bake(**request.param, author_email="ada@example.org")


def tracked(project: Path) -> list[str]:
    """Return what Git tracks in a project."""
    done = subprocess.run(
        ["git", "ls-files"], cwd=project, capture_output=True, encoding="utf-8", check=True
    )
    return done.stdout.splitlines()


def texts(project: Path) -> list[str]:
    """Return the tracked files that are no wheels."""
    return [name for name in tracked(project) if not name.endswith(".whl")]


def test_a_project_is_small_enough_to_be_owned(baked: tuple[dict[str, str], Path]) -> None:
    """Under 45 tracked files and 500 lines of Python, as the README says, and that on a page."""
    _, project = baked
    assert len(tracked(project)) < 45
    code = [(project / name).read_text("utf-8") for name in texts(project) if name.endswith(".py")]
    assert sum(len(text.splitlines()) for text in code) < 500
    assert len((project / "README.md").read_text("utf-8").splitlines()) <= 120
    for stage in (project / "pipeline").glob("*.py"):
        assert len(stage.read_text("utf-8").splitlines()) <= 80, stage


def test_the_tree_is_exactly_that_of_the_answers(baked: tuple[dict[str, str], Path]) -> None:
    """Git tracks the expected files and no others, all are committed, and the data lie beside."""
    answers, project = baked
    expected = COMMON | CODE | CI[answers["ci"]]
    if answers["serving"] == "yes":
        expected |= SERVING | IMAGE[answers["ci"]]
    assert set(tracked(project)) == expected
    status = subprocess.run(
        ["git", "status", "--porcelain"], cwd=project, capture_output=True, check=True
    )
    assert status.stdout == b""
    assert [path.name for path in (project / "data" / "raw").iterdir()] == ["penguins.csv"]


def test_every_file_parses(baked: tuple[dict[str, str], Path]) -> None:
    """Python, TOML, YAML and JSON files are valid, end in one newline, and no Jinja is left."""
    _, project = baked
    for name in texts(project):
        text = (project / name).read_text("utf-8")
        match Path(name).suffix:
            case ".py":
                ast.parse(text)
            case ".toml":
                tomllib.loads(text)
            case ".yaml" | ".yml" | ".dvc":
                yaml.safe_load(text)
            case ".json":
                json.loads(text)
        assert text.endswith("\n") or not text, name
        assert not text.endswith("\n\n"), name
        assert "cookiecutter." not in text, name
        assert "\r" not in text, name


def test_without_serving_no_file_speaks_of_it(baked: tuple[dict[str, str], Path]) -> None:
    """The answer no leaves no trace: neither a file nor a word."""
    answers, project = baked
    words = re.compile("serving|monitor|docker", re.IGNORECASE)
    names = [name for name in texts(project) if words.search((project / name).read_text("utf-8"))]
    assert bool(names) == (answers["serving"] == "yes"), names


def test_the_answers_land_where_they_belong(baked: tuple[dict[str, str], Path]) -> None:
    """Task, licence, remote and plugin are those that were chosen."""
    answers, project = baked
    schema = yaml.safe_load((project / "schema.yaml").read_text("utf-8"))
    assert schema["task"] == answers["task"]
    assert schema["target"] in schema["columns"]
    metadata = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))
    assert answers["license"] in metadata["project"]["license"]
    assert "The authors" in (project / "LICENSE").read_text("utf-8")
    remote = answers["dvc_remote"] or f"{project}-storage"
    assert f'url = "{remote}"\n' in (project / ".dvc" / "config").read_text("utf-8")
    lock = (project / "requirements-dev.lock").read_text("utf-8")
    for scheme in ("s3", "gs", "azure", "ssh"):
        wanted = remote.startswith(f"{scheme}://")
        assert (f"\ndvc-{scheme}==" in lock) == wanted
        assert (f"dvc-{scheme}" in metadata["dependency-groups"]["dev"]) == wanted


def test_the_locks_are_complete(baked: tuple[dict[str, str], Path]) -> None:
    """Every locked package has hashes, and no lock names an address."""
    _, project = baked
    for name in (path.name for path in project.glob("requirements*.lock")):
        text = (project / name).read_text("utf-8")
        assert "://" not in text
        assert text.startswith("--find-links vendor\n")
        lines = text.splitlines()[1:]
        entries = [entry for entry in lines if entry and not entry.startswith(" ")]
        assert all("==" in entry and entry.endswith("\\") for entry in entries), name
