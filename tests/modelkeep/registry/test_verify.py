"""A version is rebuilt from its commit alone, and whatever is not what was recorded is named."""

import json
import os
import platform
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from modelkeep.registry import attestation, restore, verify
from modelkeep.registry.differences import Difference, rounded
from modelkeep.registry.environment import Installed, environment, other_environment
from modelkeep_core import model_file
from modelkeep_core.errors import UserError
from modelkeep_core.files import sha256, write_json
from project import dvc, lay, object_in

METADATA = {"recipe": {"environment": {"requirements.lock": "", ".python-version": ""}}}
DVC_YAML = """\
stages:
  copy:
    cmd: python -c "open('copied', 'w').write(open('word').read())"
    deps: [word]
    outs: [copied]
"""


@pytest.fixture
def rebuilt(project, monkeypatch):
    """Let a rebuild give what the pipeline gave for the present version, or a change of it."""
    honest = Path("dvc.lock").read_text(encoding="utf-8")
    files = project.directory.with_name("honest")
    for name in ("prepared", "models", "reports", "package"):
        shutil.copytree(name, files / name)
    shutil.copy("model.json", files)

    def rebuild(directory, python, stage, alone=False):
        assert python == Path(sys.executable)
        assert alone or stage == "package"
        lay(files, directory)
        (directory / "dvc.lock").write_text(honest, encoding="utf-8")

    monkeypatch.setattr(restore, "dvc", lambda *words: dvc(*words) == 0)
    monkeypatch.setattr(verify, "rebuild", rebuild)
    return files


def edited(old, new):
    """Return a change of a text in a file."""

    def change(path):
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    return change


def nudged(by):
    """Return a change of the last digits of a model in a file, and of the hashes beside it."""

    def change(path):
        model = model_file.load(path)
        estimator = model[-1]
        estimator.coef_ = estimator.coef_ * (1 + by)
        model_file.save(model, path)
        for name in ("model.json", "manifest.json"):
            file = path.with_name(name)
            if file.exists():
                content = json.loads(file.read_text(encoding="utf-8"))
                content["files"] |= {
                    name: sha256(path.with_name(name)) for name in content["files"]
                }
                write_json(file, content)
                shutil.copy(path.with_name("model.json"), path.parents[1] / "model.json")

    return change


# The pipeline runs again


def test_a_version_is_rebuilt_byte_for_byte_and_not_from_what_dvc_remembers(project, capfd):
    """A cache of runs that would give another model is not asked; what the stages say is shown."""
    runs = [path for path in Path(".dvc/cache/runs").rglob("*") if path.is_file()]
    assert len(runs) > 3
    for run in runs:
        text = run.read_text(encoding="utf-8")
        run.chmod(0o644)
        for path, name in project.kept("main").items():
            text = text.replace(name, project.kept("weak")[path])
        run.write_text(text, encoding="utf-8")
    before = project.status(), project.git("rev-parse", "HEAD")
    shown = project.run("verify", "main")
    commit = project.id("main")[:7]
    assert shown == (
        f"made-up {commit} was rebuilt from commit {commit}: all outputs of its 4 stages are the "
        "same, byte for byte."
    )
    assert (project.status(), project.git("rev-parse", "HEAD")) == before
    printed = capfd.readouterr()
    assert "Running stage 'train'" in printed.err
    assert printed.out == ""
    assert not [*project.directory.parent.glob("home/registry-*")]


@pytest.fixture
def small(project):
    """A pipeline of one stage that copies a word, with its run remembered by DVC."""
    place = project.directory.parent / "small"
    place.mkdir()
    for name, text in (("word", "true"), ("copy.py", "no module"), ("dvc.yaml", DVC_YAML)):
        (place / name).write_text(text, encoding="utf-8")
    assert dvc(place, "init", "--no-scm") == dvc(place, "repro") == 0
    return place


def test_a_stage_that_is_up_to_date_runs_again(small, capfd):
    """Neither what lies there nor what DVC remembers is believed, nor is a file run as a module."""
    (small / "copied").unlink()
    (remembered,) = (path for path in (small / ".dvc/cache/runs").rglob("*") if path.is_file())
    name = re.search(r"path: copied\n\s+hash: md5\n\s+md5: (\w+)", remembered.read_text("utf-8"))
    cached = object_in(small / ".dvc/cache", name.group(1))
    cached.chmod(0o644)
    cached.write_text("false", encoding="utf-8")
    verify.rebuild(small, Path(sys.executable), "copy")
    assert (small / "copied").read_text(encoding="utf-8") == "true"
    assert cached.read_text(encoding="utf-8") == "false"
    assert "Running stage 'copy'" in capfd.readouterr().err


def test_a_stage_that_fails_is_told(small, capfd):
    """The stage's own words stand above."""
    (small / "word").unlink()
    (small / "dvc.yaml").write_text(DVC_YAML.replace("deps: [word]", "deps: []"), encoding="utf-8")
    with pytest.raises(UserError, match="does not run to its end here: see above"):
        verify.rebuild(small, Path(sys.executable), "copy")
    assert "No such file or directory: 'word'" in capfd.readouterr().err


def test_the_environment_is_this_one_where_it_is_the_locked_one(project, tmp_path):
    """Nothing is made that is there."""
    assert environment(project.directory, METADATA, tmp_path) == Path(sys.executable)


def test_what_gives_rights_is_kept_from_the_code(small, monkeypatch):
    """It is the code of whoever wrote the commit."""
    command = "import os; open('copied', 'w').write(' '.join(sorted(os.environ)))"
    text = DVC_YAML.replace("open('copied', 'w').write(open('word').read())", command)
    (small / "dvc.yaml").write_text(text, encoding="utf-8")
    secret = ("AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "DB_PASSWORD", "SERVING_API_KEY")
    for name in (*secret, "HARMLESS", "SSH_AUTH_SOCK"):
        monkeypatch.setenv(name, "x")
    verify.rebuild(small, Path(sys.executable), "copy")
    passed = (small / "copied").read_text(encoding="utf-8").split()
    assert "HARMLESS" in passed
    assert not {*secret, "SSH_AUTH_SOCK"} & {*passed}


def test_the_credentials_of_the_remote_are_gone_when_the_code_runs(project, rebuilt, monkeypatch):
    """They were needed for the raw data alone."""
    seen = []
    honest = verify.rebuild

    def rebuild(directory, python, stage, alone=False):
        settings = directory / ".dvc" / "config.local"
        seen.append(settings.read_text(encoding="utf-8"))
        honest(directory, python, stage, alone)

    monkeypatch.setattr(verify, "rebuild", rebuild)
    project.run("verify", "main")
    assert len(seen) == 1
    assert "remote" not in seen[0]
    assert str(project.storage) not in seen[0]


def test_the_code_of_a_commit_that_only_a_tag_brought_is_not_run(project, rebuilt, monkeypatch):
    """Who may push tags could else run anything on the machine of whoever verifies."""
    project.git("checkout", "--quiet", "--detach", "main")
    Path("README.md").write_text("Mine", encoding="utf-8")
    commit = project.commit("On no branch")
    project.tag("made-up@v1.0.0", commit)
    assert "byte for byte" in project.run("verify", "v1.0.0")
    project.git("checkout", "--quiet", "main")
    why = project.refusal("verify", "v1.0.0")
    assert why.startswith(
        f"commit {commit[:7]} of v1.0.0 is on no branch here: a tag alone brought"
    )
    assert "byte for byte" in project.run("verify", "v1.0.0", "--trust-code")
    project.git("branch", "reviewed", commit)
    assert "byte for byte" in project.run("verify", "v1.0.0")


def test_where_a_version_names_no_lock_the_environment_is_this_one(project, tmp_path):
    """A project may have none."""
    metadata = {"recipe": {"environment": {}}}
    Path("requirements.lock").write_text("numpy==0.0.1\n", encoding="utf-8")
    assert environment(project.directory, metadata, tmp_path) == Path(sys.executable)


@pytest.mark.parametrize("fails", [None, "venv", "pip"])
def test_another_environment_is_made_from_the_locks(project, tmp_path, monkeypatch, capsys, fails):
    """It has what the version's locks say, by their hashes; where that fails, uv says why."""
    edited("==", "==0.0.")(Path("requirements.lock"))
    Path("requirements-dev.lock").write_text("", encoding="utf-8")
    Path(".python-version").write_text("3.13\n", encoding="utf-8")
    steps, places = [], set()

    def run(step, cwd, **_):
        steps.append(step)
        places.add(cwd)
        return subprocess.CompletedProcess(step, int(fails in step), "", "no such thing\n")

    monkeypatch.setattr("modelkeep.registry.environment.subprocess.run", run)
    if fails:
        with pytest.raises(UserError, match="environment cannot be made: no such thing"):
            environment(project.directory, METADATA, tmp_path)
    else:
        python = environment(project.directory, METADATA, tmp_path)
        assert python.parent.parent == tmp_path / "environment"
        venv, install = steps
        assert venv[-3:] == ["--python", "3.13", str(tmp_path / "environment")]
        assert "--require-hashes" in install
        assert str(python) in install
        locks = ("requirements.lock", "requirements-dev.lock")
        assert [f"-r{project.directory / lock}" for lock in locks] == install[-2:]
        assert places == {project.directory}
    assert "The version has another environment" in capsys.readouterr().err


@pytest.mark.parametrize("change", ["3.1\n", None])
def test_another_python_is_another_environment(project, tmp_path, monkeypatch, change):
    """Where the version names none, the new environment has the Python of this one."""
    if change:
        Path(".python-version").write_text(change, encoding="utf-8")
    else:
        edited("==", "==0.0.")(Path("requirements.lock"))
    steps = []

    def run(step, **_):
        steps.append(step)
        return subprocess.CompletedProcess(step, 0, "", "")

    monkeypatch.setattr("modelkeep.registry.environment.subprocess.run", run)
    environment(project.directory, METADATA, tmp_path)
    assert (change or sys.executable).strip() in steps[0]
    assert len([word for word in steps[1] if word.startswith("-r")]) == 1


def test_this_dvc_runs_stages_whose_lock_has_none(small, monkeypatch):
    """Only what the stages need is in their environment; they are started with its Python."""
    steps = []

    def run(step, **options):
        steps.append((step, options.get("env", {}).get("PATH", "")))
        return subprocess.CompletedProcess(step, int("import dvc" in step), "", "")

    monkeypatch.setattr(subprocess, "run", run)
    verify.rebuild(small, Path("/other/bin/python"), "copy")
    _, (command, path) = steps
    assert command[0] == sys.executable
    assert path.startswith(f"{Path('/other/bin')}{os.pathsep}")


# The same, or not


def test_what_is_rebuilt_as_it_was_is_the_same(project, rebuilt):
    """The message names model, version and commit."""
    project.tag("made-up@v1.0.0", "main")
    shown = project.run("verify", "v1.0.0")
    assert shown.startswith(f"made-up v1.0.0 was rebuilt from commit {project.id('main')[:7]}: all")


@pytest.mark.parametrize("lost", [False, True])
def test_a_version_that_names_other_models_is_found(project, rebuilt, lost):
    """A dvc.lock that was changed by hand is told by the first stage and file, objects or not."""
    old, new = (project.kept(branch)["models"] for branch in ("main", "weak"))
    edited(old, new)(Path("dvc.lock"))
    text = Path("dvc.lock").read_text(encoding="utf-8")
    Path("dvc.lock").write_text(text.replace(old, new), encoding="utf-8")
    project.commit()
    if lost:
        project.lose_cache()
        project.stored(project.objects("weak")["models/example.json"]).unlink()
    why = project.refusal("verify", "HEAD")
    label = project.id("HEAD")[:7]
    assert why.startswith(
        f"{label} could not be rebuilt: the first difference is in stage train, models/example.json"
    )
    assert re.search(r", and predictions are up to 0\.\d+ apart\.\n\nSTAGE ", why) or lost


def test_a_list_of_files_that_is_nowhere_leaves_the_output_to_be_named(project, rebuilt):
    """What is recorded cannot be had, so that it cannot be told which of its files differs."""
    name = project.kept()["models"]
    text = Path("dvc.lock").read_text(encoding="utf-8")
    Path("dvc.lock").write_text(text.replace(name, f"{'0' * 32}.dir"), encoding="utf-8")
    project.commit()
    assert "is in stage train, models." in project.refusal("verify", "HEAD")


@pytest.mark.parametrize(
    ("path", "stage", "change"),
    [
        ("prepared/more.json", "prepare", lambda path: path.write_text("{}", "utf-8")),
        ("reports/metrics.json", "evaluate", edited("0.7", "0.9")),
        ("package/MODEL_CARD.md", "package", edited("Made up", "Made better")),
    ],
)
def test_a_recorded_output_that_the_pipeline_does_not_make_is_found(
    project, rebuilt, path, stage, change
):
    """Whatever the predictions are: the file and its stage are named."""
    change(Path(path))
    project.record()
    project.commit()
    why = project.refusal("verify", "HEAD")
    assert f"the first difference is in stage {stage}, {path}." in why


@pytest.mark.parametrize(
    ("path", "stage", "change"),
    [
        ("reports/metrics.json", "evaluate", edited("0.7", "0.9")),
        ("reports/evaluation.json", "evaluate", lambda path: path.unlink()),
        ("reports/better.json", "evaluate", lambda path: path.write_text("{}", "utf-8")),
        ("model.json", "package", edited("Made up", "Made better")),
    ],
)
def test_a_committed_file_that_dvc_lock_does_not_know_is_found(
    project, rebuilt, path, stage, change
):
    """What the registry shows is what is committed, so that is compared as well."""
    change(Path(path))
    project.commit()
    assert f"is in stage {stage}, {path}." in project.refusal("verify", "HEAD")


def test_the_first_of_several_differences_is_named(project, rebuilt):
    """In the order of the pipeline, and of the names within a stage."""
    for path in ("model.json", "reports/metrics.json", "reports/evaluation.json"):
        edited("0.7", "0.9")(Path(path))
    project.commit()
    why = project.refusal("verify", "HEAD")
    assert "stage evaluate, reports/evaluation.json." in why
    assert table_of(why) == [
        ["evaluate", "reports/evaluation.json", "bytes"],
        ["evaluate", "reports/metrics.json", "bytes"],
        ["package", "model.json", "bytes"],
    ]


def test_a_pipeline_that_makes_less_than_was_recorded_is_found(project, rebuilt):
    """An output that is not made again is a difference."""
    lock = Path("dvc.lock").read_text(encoding="utf-8")
    more = f"    outs:\n    - path: gone\n      md5: {project.objects()['raw/rows.csv']}\n"
    Path("dvc.lock").write_text(lock.replace("    outs:\n", more, 1), encoding="utf-8")
    project.commit()
    why = project.refusal("verify", "HEAD")
    assert "stage prepare, gone" in why
    assert table_of(why) == [["prepare", "gone", "missing"]]


def test_predictions_that_are_the_same_to_rounding_are_accepted(project, rebuilt):
    """Another processor rounds otherwise: how far, and where the bytes differ first, is told."""
    for path in ("models/model.skops", "package/model.skops"):
        nudged(1e-9)(rebuilt / path)
    edited("0.70303030", "0.70303031")(rebuilt / "reports" / "evaluation.json")
    as_rebuilt(project, rebuilt)
    shown = project.run("verify", "main")
    assert re.search(
        r"the same to 1e-06 \(at most \d\.?\d*e-1\d apart\)\. The bytes are not", shown
    )
    assert (
        "first in stage train, models/model.skops. Stage train gives the same bytes when it runs "
        "again here, so the recorded ones probably come from another processor or system."
    ) in shown
    assert table_of(shown) == [
        ["train", "models/model.skops", "rounding"],
        ["evaluate", "reports/evaluation.json", "rounding"],
        ["package", "model.json", "rounding"],
        ["package", "package/manifest.json", "rounding"],
        ["package", "package/model.json", "rounding"],
        ["package", "package/model.skops", "rounding"],
    ]


def test_predictions_that_are_further_apart_are_refused(project, rebuilt):
    """The tolerance says how far is too far, and the message how far it was."""
    for path in ("models/model.skops", "package/model.skops"):
        nudged(1e-3)(rebuilt / path)
    as_rebuilt(project, rebuilt)
    why = project.refusal("verify", "main")
    assert re.search(
        r"stage train, models/model\.skops, and predictions are up to 0\.000\d+ apart\.\n", why
    )
    assert ["train", "models/model.skops", "bytes"] in table_of(why)
    assert "are the same to 0.01" in project.run("verify", "main", "--tolerance", "0.01")


def test_a_metric_that_does_not_follow_from_the_model_is_not_rounding(project, rebuilt):
    """Where the predictions agree, a metric must agree as well."""
    nudged(1e-9)(rebuilt / "models" / "model.skops")
    edited("0.70303030", "0.71303030")(rebuilt / "reports" / "metrics.json")
    as_rebuilt(project, rebuilt)
    why = project.refusal("verify", "main")
    assert "stage evaluate, reports/metrics.json." in why
    assert table_of(why)[:2] == [
        ["train", "models/model.skops", "rounding"],
        ["evaluate", "reports/metrics.json", "bytes"],
    ]


def test_a_package_that_is_nowhere_cannot_be_compared(project, rebuilt):
    """The first difference is named, and nothing is said of predictions."""
    for path in ("models/model.skops", "package/model.skops"):
        nudged(1e-9)(rebuilt / path)
    as_rebuilt(project, rebuilt)
    lost = project.objects("main")["package/model.json"]
    project.cached(lost).unlink()
    project.stored(lost).unlink()
    why = project.refusal("verify", "main")
    assert "the first difference is in stage train, models/model.skops.\n\nSTAGE " in why


def test_what_is_only_on_one_side_is_called_so(project, rebuilt):
    """A file that is not made again is missing, one that was never recorded is new."""
    shutil.move(rebuilt / "reports" / "metrics.json", rebuilt / "reports" / "new.json")
    why = project.refusal("verify", "main")
    assert table_of(why) == [
        ["evaluate", "reports/metrics.json", "missing"],
        ["evaluate", "reports/new.json", "new"],
    ]


def test_code_whose_result_depends_on_chance_is_not_blamed_on_the_machine(project, rebuilt):
    """The first stage that differs runs once more: if it differs again, that is why."""
    for path in ("models/model.skops", "package/model.skops"):
        nudged(1e-9)(rebuilt / path)
    as_rebuilt(project, rebuilt)
    done, stages = verify.rebuild, []

    def rebuild(directory, python, stage, alone=False):
        done(directory, python, stage, alone)
        stages.append(stage)
        if alone:
            lock = directory / "dvc.lock"
            text = lock.read_text(encoding="utf-8")
            lock.write_text(
                re.sub(r"(- path: models\n\s+hash: md5\n\s+md5: )\w+", rf"\g<1>{'0' * 32}", text),
                "utf-8",
            )

    verify.rebuild = rebuild
    shown = project.run("verify", "main")
    assert stages == ["package", "train"]
    assert (
        "Stage train gives other bytes when it runs again here: the result of its code depends on "
        "chance"
    ) in shown
    assert "processor" not in shown
    why = project.refusal("verify", "main", "--tolerance", "0")
    assert "apart. Stage train gives other bytes when it runs again here" in why


def test_where_a_stage_does_not_run_again_the_usual_causes_are_named(project, rebuilt):
    """Nothing is known then."""
    for path in ("models/model.skops", "package/model.skops"):
        nudged(1e-9)(rebuilt / path)
    as_rebuilt(project, rebuilt)
    done = verify.rebuild

    def rebuild(directory, python, stage, alone=False):
        if alone:
            raise UserError("no")
        done(directory, python, stage)

    verify.rebuild = rebuild
    assert (
        "The usual causes: another processor, or code whose result differs from run to run."
        in project.run("verify", "main")
    )


def test_one_stage_alone_runs_again(small, capfd):
    """What it writes may differ; no other stage runs, and none is asked from the cache."""
    chance = DVC_YAML.replace("open('word').read()", "__import__('os').urandom(9).hex()")
    for text, alike in ((DVC_YAML, True), (chance, False)):
        (small / "dvc.yaml").write_text(f"{text}  other:\n    cmd: exit 1\n", encoding="utf-8")
        verify.rebuild(small, Path(sys.executable), "copy", alone=True)
        rebuilt = verify.parse_pipeline((small / "dvc.lock").read_bytes(), {})
        assert verify.runs_alike(small, Path(sys.executable), "copy", rebuilt) is alike
    assert verify.runs_alike(small, Path(sys.executable), "other", rebuilt) is None


def test_the_stages_that_lead_to_one_run_and_no_others(small, capfd):
    """Those of another model, and what is made of this one, are not waited for."""
    again = "python -c \"open('twice', 'w').write(open('copied').read() * 2)\""
    others = (
        f"  twice:\n    cmd: {again}\n    deps: [copied]\n    outs: [twice]\n"
        "  report:\n    cmd: exit 1\n    deps: [twice]\n  other:\n    cmd: exit 1\n"
    )
    (small / "dvc.yaml").write_text(f"{DVC_YAML}{others}", encoding="utf-8")
    verify.rebuild(small, Path(sys.executable), "twice")
    assert (small / "twice").read_text(encoding="utf-8") == "truetrue"
    assert re.findall("Running stage '(.*)'", capfd.readouterr().err) == ["copy", "twice"]


def test_stages_that_are_rebuilt_accept_no_other_environment(small, monkeypatch):
    """What a person allows for their own work proves nothing."""
    monkeypatch.setenv("MODELKEEP_UNLOCKED", "1")
    text = DVC_YAML.replace(
        "open('word').read()", "str('MODELKEEP_UNLOCKED' in __import__('os').environ)"
    )
    (small / "dvc.yaml").write_text(text, encoding="utf-8")
    verify.rebuild(small, Path(sys.executable), "copy")
    assert (small / "copied").read_text(encoding="utf-8") == "False"


# The environment


def test_another_environment_is_a_part_of_the_table(project, rebuilt):
    """Where no lock was made, and where the model was made in another one than the lock's."""
    metadata = json.loads(Path("model.json").read_text(encoding="utf-8"))
    sentence = "requirements.lock says numpy 1, and here it is 2"
    metadata["libraries"]["numpy"] = "0.0.1"
    write_json(Path("model.json"), metadata | {"unlocked": [sentence]})
    project.commit()
    why = project.refusal("verify", "HEAD")
    assert table_of(why) == [
        ["environment", sentence, "not the locked one when it was made"],
        ["environment", "numpy", f"0.0.1, here {np.__version__}"],
        ["package", "model.json", "bytes"],
    ]


def test_another_python_is_told(tmp_path):
    """By its minor version: patches of Python change no model."""
    (tmp_path / ".python-version").write_text("3.11\n", encoding="utf-8")
    metadata = METADATA | {"libraries": {"gone": "1"}}
    for python, changes in (
        ("3.11.7", []),
        ("3.12.1", [("environment", "Python", "3.11, here 3.12.1")]),
    ):
        here = Installed(python, {"gone": "missing"})
        assert [*other_environment(tmp_path, metadata, here)] == [
            *changes,
            ("environment", "gone", "1, here missing"),
        ]


# The attestation


def test_what_was_proved_is_attested(project, rebuilt):
    """A statement in the form of in-toto, on the metadata that name all other files by hash."""
    shown = project.run("verify", "main", "--attest", "proof.json")
    assert shown.endswith("byte for byte.\nproof.json attests it.")
    written = json.loads(Path("proof.json").read_text(encoding="utf-8"))
    metadata = json.loads(Path("model.json").read_text(encoding="utf-8"))
    predicate = written.pop("predicate")
    assert written == {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [
            {
                "name": f"made-up@{project.id('main')[:7]}",
                "digest": {"sha256": sha256(Path("model.json"))},
            }
        ],
        "predicateType": "urn:modelkeep:verify:1",
    }
    when = datetime.fromisoformat(predicate.pop("when"))
    assert abs((datetime.now(UTC) - when).total_seconds()) < 600
    assert [*predicate.pop("tools")] == ["modelkeep", "modelkeep-core", "dvc"]
    assert predicate == {
        "recipe_id": metadata["recipe_id"],
        "content_id": project.kept()["package"].removesuffix(".dir"),
        "commit": project.id("main"),
        "result": "bytes",
        "differences": [],
        "stages": ["prepare", "train", "evaluate", "package"],
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
    }


def test_rounding_is_attested_as_such(project, rebuilt):
    """With all that differs."""
    edited("0.70303030", "0.70303031")(rebuilt / "reports" / "evaluation.json")
    project.tag("made-up@v1.0.0", "main")
    project.run("verify", "v1.0.0", "--attest", "proof.json")
    written = json.loads(Path("proof.json").read_text(encoding="utf-8"))
    assert written["subject"][0]["name"] == "made-up@v1.0.0"
    assert written["predicate"]["result"] == "rounding"
    assert written["predicate"]["differences"] == [
        {"stage": "evaluate", "file": "reports/evaluation.json", "difference": "rounding"}
    ]


def test_what_was_not_proved_is_not_attested(project, rebuilt):
    """A file from before stays, and nothing new is written."""
    edited("0.7", "0.9")(Path("reports/metrics.json"))
    project.commit()
    assert "could not be rebuilt" in project.refusal("verify", "HEAD", "--attest", "proof.json")
    assert not [*Path().glob("proof*")]


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("nowhere/proof.json", "nowhere/proof.json cannot be written: nowhere is no directory."),
        ("reports", "reports is a directory: name a file for the attestation."),
    ],
)
def test_an_attestation_that_cannot_be_written_is_told_before_the_work(
    project, monkeypatch, path, why
):
    """Nobody waits for a rebuild in vain."""
    monkeypatch.setattr(verify, "rebuild", None)
    assert project.refusal("verify", "main", "--attest", path) == why


def test_an_attestation_is_written_whole_or_not_at_all(project, rebuilt, monkeypatch):
    """A full disk leaves what was there."""
    Path("../proof.json").write_text("old", encoding="utf-8")

    def full(path, _):
        path.with_name(f"{path.name}.partial").write_text("{", encoding="utf-8")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(attestation, "write_json", full)
    why = project.refusal("verify", "main", "--attest", "../proof.json")
    assert "../proof.json cannot be written: No space left on device." in why
    assert [path.name for path in Path("..").glob("proof*")] == ["proof.json"]
    assert Path("../proof.json").read_text(encoding="utf-8") == "old"


def table_of(shown):
    """Return the cells of the table of what differed, without its header."""
    lines = shown[shown.index("STAGE ") :].splitlines()[1:]
    return [re.split(r" {2,}", line) for line in lines if line]


def as_rebuilt(project, rebuilt):
    """Let the rebuild's dvc.lock fit its files, as DVC would write it."""
    lay(rebuilt, project.directory)
    project.record()
    honest = Path("dvc.lock").read_text(encoding="utf-8")
    project.git("checkout", "--quiet", "--force", "main")
    done = verify.rebuild

    def rebuild(directory, python, stage, alone=False):
        done(directory, python, stage, alone)
        (directory / "dvc.lock").write_text(honest, encoding="utf-8")

    verify.rebuild = rebuild


# Rounding


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ('{"f1": 0.7123456789}', '{"f1": 0.7123456788}', True),
        ('{"f1": 0.71}', '{"f1": 0.72}', False),
        ('{"f1": 1e-12, "n": 3}', '{"f1": 2.5E-13, "n": 3}', True),
        ('{"n": 30}', '{"n": 31}', False),
        ('{"big": 1000000000.0}', '{"big": 1000000001.0}', True),
        ('{"loss": -0.5}', '{"loss": 0.5}', False),
        ('{"a": 1.0}', '{"b": 1.0}', False),
        ('{"a": 1.0}', '{"a": 1.0, "b": 1.0}', False),
        ("a,b\n1,2\n", "a,b\n1.0000000001,2\n", True),
        ("a,b\n1,2\n", "a,b\n1,2\n3,4\n", False),
        ('{"sha256": "a12e999b", "f1": 0.5}', '{"sha256": "a12e999b", "f1": 0.5000000001}', True),
        ("Size 3", "Size three", False),
        ("PAR1\0 1", "PAR1\0 1.0000000001", False),
    ],
)
def test_rounding_is_a_very_small_difference_of_numbers(tmp_path, old, new, same):
    """Words have to be the same, and numbers too, but for their last digits."""
    (tmp_path / "file").write_text(new, encoding="utf-8")
    difference = Difference("stage", "file", old.encode())
    assert rounded(difference, tmp_path, 1e-6) is same


@pytest.mark.parametrize(("key", "same"), [("files", True), ("test", False)])
def test_hashes_of_a_package_follow_from_its_files(tmp_path, key, same):
    """The metadata list the bytes of the other files: these are compared themselves."""
    old, new = ({"recipe_id": "a", key: {"model.skops": word * 64}} for word in "ab")
    write_json(tmp_path / "model.json", new)
    assert rounded(Difference("package", "model.json", json.dumps(old).encode()), tmp_path, 1) is (
        same
    )


def test_a_file_that_is_only_on_one_side_is_no_rounding(tmp_path):
    """What is not there has no digits."""
    assert not rounded(Difference("stage", "file", b"1"), tmp_path, 1e-6)
    (tmp_path / "file").write_text("1", encoding="utf-8")
    assert not rounded(Difference("stage", "file", None), tmp_path, 1e-6)


class Constant:
    """A model that predicts what it was made with."""

    def __init__(self, *predictions):
        """Remember the predictions."""
        self.predictions = predictions

    def predict(self, inputs):
        """Return them."""
        return np.array(self.predictions)


class Shares(Constant):
    """A model that predicts probabilities."""

    predict_proba = Constant.predict

    def predict(self, inputs):
        """Fail: probabilities are asked for where there are any."""
        raise AssertionError


@pytest.mark.parametrize(
    ("old", "new", "distance"),
    [
        (Constant(1.0, 2.0), Constant(1.0, 2.0), 0),
        (Constant(0.0, 0.5), Constant(0.25, 0.5), 0.25),
        (Constant(1.0, 200.0), Constant(1.5, 202.0), 0.5),
        (Constant(-200.0, 1.0), Constant(-100.0, 1.0), 0.5),
        (Shares([0.5, 0.5]), Shares([0.25, 0.75]), 0.25),
        (Constant("a", "b"), Constant("a", "b"), 0),
        (Constant("a", "b"), Constant("a", "c"), None),
        (Constant(1.0, 2.0), Constant(1.0), None),
        (Constant(1.0, float("nan")), Constant(1.0, 2.0), None),
    ],
)
def test_the_distance_of_predictions_is_relative_to_their_size(old, new, distance):
    """Small ones count absolutely; where labels differ, there is no distance."""
    assert verify._distance(old, new, None) == distance
