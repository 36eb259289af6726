"""Continuous integration of the generated project: valid files, commands that do what they say."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from conftest import LOOSER, PROJECT, ROOT, Bake, Run, Warmed

FILES = {"github": ".github/workflows/ci.yml", "gitlab": ".gitlab-ci.yml"}
KINDS = ["github", "gitlab"]
IMAGE = ".github/workflows/image.yml"
PAGES = ".github/workflows/pages.yml"


@pytest.fixture(scope="module")
def files(bake: Bake) -> dict[str, Path]:
    """Return the file of each service as it is generated."""
    return {kind: bake(ci=kind) / path for kind, path in FILES.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_the_file_is_valid(bake: Bake, files: dict[str, Path], kind: str) -> None:
    """With and without serving the file holds to the schema that the service publishes."""
    schema = f"vendor.{kind}-{'workflows' if kind == 'github' else 'ci'}"
    paths = [files[kind], bake(ci=kind, serving=False) / FILES[kind]]
    if kind == "github":
        paths.append(files[kind].with_name("image.yml"))
    subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *paths], check=True
    )


def test_the_shell_commands_of_the_image_are_valid(files: dict[str, Path]) -> None:
    """Bash can read every command, and each of the two services fetches, builds, tries, pushes."""
    image = yaml.safe_load((PROJECT / IMAGE).read_text("utf-8"))
    gitlab = yaml.safe_load(files["gitlab"].read_text("utf-8"))
    for script in (
        [step["run"] for step in image["jobs"]["image"]["steps"] if "run" in step],
        [*gitlab["fetch"]["script"], *gitlab["container"]["before_script"]]
        + gitlab["container"]["script"],
    ):
        text = "\n".join(script)
        subprocess.run(["bash", "-n", "-c", text], check=True)
        steps = ("modelkeep fetch", "docker build", "docker run", "docker push")
        places = [text.index(step) for step in steps]
        assert places == sorted(places)


def test_an_image_is_built_with_what_the_default_branch_has(files: dict[str, Path]) -> None:
    """A tag may bring any commit: neither its tools nor its Dockerfile run outside the image."""
    image = yaml.safe_load((PROJECT / IMAGE).read_text("utf-8"))["jobs"]["image"]["steps"]
    assert image[0]["with"]["ref"] == "${{ github.event.repository.default_branch }}"
    gitlab = yaml.safe_load(files["gitlab"].read_text("utf-8"))["fetch"]
    assert 'git checkout --quiet "origin/$CI_DEFAULT_BRANCH"' in gitlab["before_script"]
    assert {"Dockerfile", ".dockerignore"} <= {*gitlab["artifacts"]["paths"]}


def test_a_tag_on_no_branch_gets_no_image(files: dict[str, Path], tmp_path: Path) -> None:
    """Both services end before anything of such a commit is fetched."""
    image = yaml.safe_load((PROJECT / IMAGE).read_text("utf-8"))["jobs"]["image"]["steps"]
    (github,) = (step["run"] for step in image if step.get("name", "").startswith("Fetch"))
    gitlab = yaml.safe_load(files["gitlab"].read_text("utf-8"))["fetch"]["script"][0]
    git = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", "-C"]

    def run(place: Path, *words: str) -> str:
        done = subprocess.run([*git, place, *words], capture_output=True, check=True)
        return done.stdout.decode().strip()

    origin, clone = tmp_path / "origin", tmp_path / "clone"
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", origin], check=True)
    run(origin, "commit", "--allow-empty", "-m", "one")
    run(origin, "tag", "-a", "-m", "x", "model#prod#1")
    run(origin, "checkout", "--detach")
    run(origin, "commit", "--allow-empty", "-m", "two")
    run(origin, "tag", "-a", "-m", "x", "model#prod#2")
    run(origin, "checkout", "main")
    subprocess.run(["git", "clone", "--quiet", origin, clone], check=True)
    for tag, status in (("model#prod#1", 0), ("model#prod#2", 1)):
        commit = run(clone, "rev-parse", f"{tag}^{{commit}}")
        for script in (github.partition("modelkeep fetch")[0], gitlab):
            variables = {"TAG": tag, "CI_COMMIT_TAG": tag, "CI_COMMIT_SHA": commit}
            done = subprocess.run(
                ["bash", "-ec", script], cwd=clone, env=os.environ | variables, check=False
            )
            assert done.returncode == status, script


def test_locked_packages_are_audited_by_what_is_in_no_lock(files: dict[str, Path]) -> None:
    """Both services ask once a week what is known of them, with one version of pip-audit."""
    audit = yaml.safe_load((PROJECT / ".github/workflows/audit.yml").read_text("utf-8"))
    assert audit[True]["schedule"]
    github = audit["jobs"]["audit"]["steps"][-1]["run"]
    job = yaml.safe_load(files["gitlab"].read_text("utf-8"))["audit"]
    assert job["rules"] == [{"if": '$CI_PIPELINE_SOURCE == "schedule"'}]
    gitlab = "\n".join(job["before_script"] + job["script"])
    for text in (github, gitlab, (ROOT / ".github/workflows/scheduled.yml").read_text("utf-8")):
        assert re.findall(r"pip-audit==(\S+)", text) == ["2.10.1"]
        assert "--require-hashes --disable-pip" in text
    locks = [*ROOT.glob("*.lock"), *PROJECT.rglob("*.lock")]
    locks += [lock for name in ("templates", "tests") for lock in (ROOT / name).rglob("*.lock")]
    assert len(locks) > 30
    for lock in locks:
        assert "pip-audit" not in lock.read_text("utf-8")


@pytest.mark.parametrize(
    ("tag", "name"),
    [("model#prod#3", "model-prod-3"), ("a/b=model#prod/eu#12", "a-b-model-prod-eu-12")],
)
def test_an_image_is_named_by_its_tag(files: dict[str, Path], tag: str, name: str) -> None:
    """The name of a tag becomes one that an image may have, in both services."""
    image = yaml.safe_load((PROJECT / IMAGE).read_text("utf-8"))
    (build,) = (
        step["run"] for step in image["jobs"]["image"]["steps"] if step.get("name") == "Build"
    )
    gitlab = yaml.safe_load(files["gitlab"].read_text("utf-8"))["container"]["before_script"]
    environment = {
        "PATH": os.environ["PATH"],
        **{"TAG": tag, "CI_COMMIT_TAG": tag, "REPOSITORY": "Me/Mine", "CI_REGISTRY_IMAGE": "r/m"},
    }
    for line, base in ((build.splitlines()[0], "ghcr.io/me/mine"), (gitlab[0], "r/m")):
        done = subprocess.run(
            ["bash", "-c", f'{line}; echo "${{image:-$IMAGE}}"'],
            env=environment,
            capture_output=True,
            encoding="utf-8",
            check=True,
        )
        assert done.stdout == f"{base}:{name}\n"


def test_a_private_repository_has_no_site_by_itself(files: dict[str, Path]) -> None:
    """Tags of both kinds publish the site; where few may read, only after the owner's word."""
    path = PROJECT / PAGES
    workflow, text = yaml.safe_load(path.read_text("utf-8")), path.read_text("utf-8")
    write, deploy = workflow["jobs"]["write"], workflow["jobs"]["deploy"]
    assert workflow[True]["push"] == {"tags": ["*@*", "*#*"]}
    assert write["if"] == "${{ !github.event.repository.private || vars.SITE == 'on' }}"
    assert deploy["if"] == "needs.write.outputs.place == 'yes'"
    job = yaml.safe_load(files["gitlab"].read_text("utf-8"))["pages"]
    assert job["rules"] == [
        {"if": '$CI_COMMIT_TAG =~ /[@#]/ && ($CI_PROJECT_VISIBILITY == "public" || $SITE == "on")'}
    ]
    assert job["artifacts"]["paths"] == [job["script"][0].removeprefix("modelkeep site ")]
    assert any("modelkeep site" in step.get("run", "") for step in write["steps"])
    for content in (text, files["gitlab"].read_text("utf-8")):
        assert "names of people, messages, metrics, column names" in content


def test_names_in_a_comment_call_nobody(files: dict[str, Path], tmp_path: Path) -> None:
    """What people called metrics and parameters is code in the comment, line by line."""
    steps = yaml.safe_load(files["github"].read_text("utf-8"))["jobs"]["pipeline"]["steps"]
    (compare,) = [step["run"] for step in steps if "params diff" in step.get("run", "")]
    hostile = "Path  @admin\n\n```\r@all [x](https://evil.example) #1\n</pre>"
    tools = "dvc() { printf '%s\n' \"$TEXT\"; }; modelkeep() { echo None.; }; "
    subprocess.run(
        ["bash", "-ec", tools + compare],
        cwd=tmp_path,
        env=os.environ | {"TEXT": hostile, "TARGET": "main", "GITHUB_STEP_SUMMARY": os.devnull},
        check=True,
    )
    lines = (tmp_path / "comparison.md").read_bytes().decode().split("\n")
    posted = [line for line in lines if not line.startswith("    ")]
    assert posted == [
        *("### Metrics", "", "", "### Parameters", "", "", "### Findings", "", "None.", ""),
    ]
    assert not re.search("\r", "".join(lines))


def test_the_template_has_a_scheduled_run() -> None:
    """The template's own file runs all tests with locked and with newest packages."""
    path = ROOT / ".github" / "workflows" / "scheduled.yml"
    job = yaml.safe_load(path.read_text("utf-8"))["jobs"]["test"]
    assert job["strategy"]["matrix"]["packages"] == ["locked", "newest"]
    ours = (PROJECT / FILES["github"]).read_text("utf-8")
    for step in job["steps"]:
        assert step.get("uses", "") in ours
        for target in step.get("run", "").split()[1:2]:
            assert f"\n{target}: " in (ROOT / "Makefile").read_text("utf-8")


def test_actions_are_pinned() -> None:
    """Every action is one of GitHub's own, by its commit; the token may only read and comment."""
    workflow = yaml.safe_load((PROJECT / FILES["github"]).read_text("utf-8"))
    steps = workflow["jobs"]["pipeline"]["steps"]
    used = [step["uses"] for step in steps if "uses" in step]
    assert [name.split("@")[0] for name in used] == [
        "actions/checkout",
        "actions/setup-python",
        "actions/upload-artifact",
    ]
    assert all(len(name.split("@")[1]) == 40 for name in used)
    assert workflow["permissions"] == {"contents": "read"}
    assert workflow["jobs"]["pipeline"]["permissions"] == {
        "contents": "read",
        "pull-requests": "write",
    }


def script(path: Path, kind: str, compare: bool) -> str:
    """Return the commands of the file as one shell script.

    The environment is made elsewhere, and test_pipeline.py runs the project's own tests.
    """
    file = yaml.safe_load(path.read_text("utf-8"))
    if kind == "gitlab":
        lines = file["pipeline"]["script"] + (file["compare"]["script"] if compare else [])
    else:
        skipped = {"Install", "Comment on the pull request"}
        skipped |= set() if compare else {"Compare with the target branch"}
        steps = file["jobs"]["pipeline"]["steps"]
        lines = [step["run"] for step in steps if "run" in step and step["name"] not in skipped]
    assert "python -m pytest" in lines
    return "set -eo pipefail\n" + "\n".join(line for line in lines if "pytest" not in line)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("url", ["s3://bucket", "."])
@pytest.mark.parametrize(
    ("fork", "pulled", "status", "note"),
    [
        (True, False, 0, "left out"),
        (True, True, 0, ""),
        (False, False, 1, ""),
        (False, True, 0, ""),
    ],
)
def test_a_fork_needs_no_credentials(
    files: dict[str, Path],
    tmp_path: Path,
    kind: str,
    url: str,
    fork: bool,
    pulled: bool,
    status: int,
    note: str,
) -> None:
    """Where secrets are not given, what needs them is left out, and said; elsewhere it fails."""
    file = yaml.safe_load(files[kind].read_text("utf-8"))
    if kind == "gitlab":
        (pull,) = (line for line in file["pipeline"]["script"] if "dvc pull" in line)
    else:
        steps = file["jobs"]["pipeline"]["steps"]
        (step,) = (step for step in steps if step.get("name") == "Pull data and models")
        assert "head.repo.fork" in step["env"]["WITHOUT_SECRETS"]
        pull = step["run"]
    dvc = tmp_path / "dvc"
    done = "mkdir -p data/raw" if pulled else "exit 255"
    dvc.write_text(f'#!/bin/sh\n[ "$1" = pull ] || {{ echo {url}; exit 0; }}\n{done}\n')
    dvc.chmod(0o755)
    ended = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", pull],
        cwd=tmp_path,
        env={
            "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
            "WITHOUT_SECRETS": str(fork).lower(),
            "CI_MERGE_REQUEST_PROJECT_ID": "1",
            "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "2" if fork else "1",
        },
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (ended.returncode != 0) is (status != 0), ended.stderr
    assert ("left out" in ended.stdout) is bool(note)


@pytest.fixture(scope="module")
def project(bake: Bake, warmed: Warmed) -> Path:
    """Return a project in which the tests of this module go on from each other."""
    return warmed(bake())


@pytest.fixture
def check(project: Path, files: dict[str, Path], run: Run, tmp_path: Path):
    """Return a function that runs the file of a service in a new clone of the project."""

    def check(kind: str, compare: bool = False, **variables: str):
        run(f"git clone -q {project} clone", tmp_path)
        clone = tmp_path / "clone"
        (clone / ".venv").mkdir()
        return run(script(files[kind], kind, compare), clone, check=False, **variables), clone

    return check


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_green_before_anything_was_trained(check, kind: str) -> None:
    """The very first push is green: there is no dvc.lock to be stale, and nothing in the remote."""
    done, _ = check(kind)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Nothing was trained yet" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_green_after_training(project: Path, run: Run, check, kind: str) -> None:
    """With everything committed and pushed, data are pulled and nothing is run again."""
    run("dvc repro -q && git add . && (git commit -qm Trained || true) && dvc push -q", project)
    done, clone = check(kind)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (clone / "package" / "model.skops").is_file()
    assert "Running stage" not in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("with_data", [True, False], ids=["with data", "without"])
def test_red_when_the_lock_is_stale(
    project: Path, run: Run, check, kind: str, with_data: bool
) -> None:
    """A parameter that was changed without dvc repro is found, with or without the data."""
    run("dvc repro -q && git add . && (git commit -qm Trained || true) && dvc push -q", project)
    storage = project.with_name(f"{project.name}-storage")
    run("git checkout -q -B stale && sed -i.old 's/    C: 0.1/    C: 0.2/' params.yaml", project)
    run("rm params.yaml.old && git commit -qam Forgotten", project)
    if not with_data:
        storage.rename(storage.with_name("gone"))
    try:
        done, _ = check(kind)
    finally:
        if not with_data:
            storage.with_name("gone").rename(storage)
        run("git checkout -q main && git branch -qD stale", project)
    assert done.returncode != 0
    assert "The committed dvc.lock is stale." in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_pull_request_is_compared(
    project: Path, warmed: Warmed, run: Run, check, kind: str
) -> None:
    """Metrics, parameters and plots of a branch stand beside those of its target."""
    run("dvc repro -q && git add . && (git commit -qm Trained || true)", project)
    run("git checkout -q -B better", project)
    run("git add . && git commit -qm Better && dvc push -q", warmed(project, LOOSER))
    done, clone = check(
        kind, compare=True, TARGET="origin/main", CI_MERGE_REQUEST_DIFF_BASE_SHA="origin/main"
    )
    run("git checkout -q main && dvc checkout -q && git branch -qD better", project)
    assert done.returncode == 0, done.stdout + done.stderr
    # On GitHub, where they become a comment, the tables are code, line by line.
    rows = r"^    {} +{} " if kind == "github" else r"^\| {} +\| {} "
    for row in (
        ("params.yaml", "train.LogisticRegression.C"),
        ("reports/metrics.json", "macro_f1"),
    ):
        assert re.search(rows.format(*map(re.escape, row)), done.stdout, re.MULTILINE)
    plots = (clone / "comparison" / "index.html").read_text("utf-8")
    assert "Precision and recall" in plots
    assert not re.search(r"<script[^>]*\ssrc", plots)
