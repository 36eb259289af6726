"""A stage runs in the locked environment alone, reads what is declared, and fails in a sentence."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

import pytest

from modelkeep_core.errors import UserError
from modelkeep_core.stage import _naming, unlocked_in
from project import dvc

pytestmark = pytest.mark.slow

DVC_YAML = """\
stages:
  copy:
    cmd: python -m pipeline.copy --raw raw.csv --out out.csv --requirements requirements.lock
    deps: [raw.csv, requirements.lock, pipeline/copy.py]
    outs: [out.csv]
"""
STAGE = '''\
"""raw → out: a copy."""

import shutil

from modelkeep_core import stage
from modelkeep_core.errors import UserError


def main(args):
    """Run the stage."""
    if not args.raw.exists():
        raise UserError(f"{args.raw} is missing.")
    shutil.copyfile(args.raw, args.out)
    (args.out.parent / "name.txt").write_text(str(stage.name()))


if __name__ == "__main__":
    stage.run(main, "raw", "out")
'''


@pytest.fixture
def stage(tmp_path, core_wheel, library):
    """Return a function that runs the stage of a small project, as DVC does or by hand."""
    root = tmp_path / "project"
    (root / "pipeline").mkdir(parents=True)
    (root / "pipeline" / "copy.py").write_text(STAGE, encoding="utf-8")
    (root / "dvc.yaml").write_text(DVC_YAML, encoding="utf-8")
    (root / "raw.csv").write_text("1\n", encoding="utf-8")
    (root / "notes.txt").write_text("x\n", encoding="utf-8")
    (root / "requirements.lock").write_text(f"{core_wheel.locked}\n", encoding="utf-8")

    def run(*words, name="copy"):
        words = words or tuple(DVC_YAML.partition("pipeline.copy ")[2].partition("\n")[0].split())
        variables = {**os.environ, "PYTHONPATH": str(library)}
        variables.pop("DVC_STAGE", None)
        return subprocess.run(
            [sys.executable, "-m", "pipeline.copy", *words],
            cwd=root,
            env=variables | ({"DVC_STAGE": name} if name else {}),
            capture_output=True,
            encoding="utf-8",
            check=False,
        )

    run.root = root
    return run


def failed(done):
    """Return what a failed stage said, which is no traceback."""
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr
    return done.stderr.removeprefix("error: ")


def test_a_stage_gets_its_paths(stage):
    """Each argument is a path by its name; nothing is printed."""
    done = stage()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (stage.root / "out.csv").read_text(encoding="utf-8") == "1\n"


@pytest.mark.parametrize(
    ("given", "name"), [("copy", "copy"), ("sub/dvc.yaml:copy", "copy"), (None, "None")]
)
def test_a_stage_knows_its_name(stage, given, name):
    """DVC says it, with the path of another dvc.yaml than the one here; by hand there is none."""
    assert stage(name=given).returncode == 0
    assert (stage.root / "name.txt").read_text(encoding="utf-8") == name


def test_a_stage_describes_itself(stage):
    """`--help` has the first sentence of its module and every argument."""
    done = stage("--help")
    assert done.returncode == 0
    assert "raw → out: a copy." in done.stdout
    for option in ("--raw PATH", "--out PATH", "--requirements PATH"):
        assert option in done.stdout


def test_a_missing_argument_is_told(stage):
    """As every program tells it."""
    done = stage("--raw", "raw.csv")
    assert done.returncode == 2
    assert "--out" in done.stderr
    assert not (stage.root / "out.csv").exists()


def test_a_mistake_of_a_person_is_one_sentence(stage):
    """No traceback."""
    (stage.root / "raw.csv").unlink()
    assert failed(stage()) == "raw.csv is missing.\n"


@pytest.mark.parametrize(
    ("given", "message", "sentence"),
    [
        ("sex/params.yaml", "params.yaml: train.C: no.", "sex/params.yaml: train.C: no."),
        ("sex/params.yaml", "Change it in params.yaml.", "Change it in sex/params.yaml."),
        ("sex/params.yaml", "sex/params.yaml cannot be used.", "sex/params.yaml cannot be used."),
        ("my.yaml", "my-params.yaml and x.params.yaml.", "my-params.yaml and x.params.yaml."),
        ("params.yaml", "params.yaml: train.C: no.", "params.yaml: train.C: no."),
        (None, "params.yaml: train.C: no.", "params.yaml: train.C: no."),
    ],
)
def test_a_mistake_is_told_of_the_parameters_that_the_stage_was_given(given, message, sentence):
    """A second model has a file of its own, and a person should not look into another one."""
    args = argparse.Namespace(**({"params": Path(given)} if given else {}))
    with pytest.raises(UserError) as error, _naming(args):
        raise UserError(message, "reference/params.md")
    assert (str(error.value), error.value.page) == (sentence, "reference/params.md")


def test_another_environment_is_refused_before_anything_is_read(stage, library):
    """A library that was edited in place runs no stage."""
    with (library / "modelkeep_core" / "card.py").open("a", encoding="utf-8") as file:
        file.write("\n")
    assert "modelkeep-core" in failed(stage())
    assert not (stage.root / "out.csv").exists()


def test_a_file_that_is_not_declared_is_refused_under_dvc(stage):
    """The message names stage, file and place; by hand, where nothing is kept, it is no fault."""
    path = stage.root / "pipeline" / "copy.py"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("def main", "open('notes.txt').close()\n\ndef main"))
    message = failed(stage())
    assert "stage 'copy' read what dvc.yaml does not name" in message
    assert "\n      - notes.txt\nMore: docs/" in message
    assert stage(name=None).returncode == 0


def test_a_module_that_is_not_declared_is_refused_under_dvc(stage):
    """A stage that imports one more module has to say so."""
    path = stage.root / "pipeline" / "copy.py"
    text = path.read_text(encoding="utf-8")
    (stage.root / "pipeline" / "helper.py").write_text("x = 1\n", encoding="utf-8")
    path.write_text(text.replace("import shutil\n", "import shutil\nfrom pipeline import helper\n"))
    assert "\n      - pipeline/helper.py\nMore: docs/" in failed(stage())


@pytest.mark.slow
def test_what_dvc_reads_to_fill_in_a_template_is_no_input(stage):
    """A dvc.yaml with variables is filled in by DVC, whose reading is not the stage's."""
    assert dvc(stage.root, "init", "--no-scm") == 0
    (stage.root / "vars.yaml").write_text("out: out.csv\n", encoding="utf-8")
    (stage.root / "other.dvc").write_text("outs:\n- path: other\n", encoding="utf-8")
    text = DVC_YAML.replace("outs: [out.csv]", "outs: ['${out}']")
    (stage.root / "dvc.yaml").write_text(f"vars: [vars.yaml]\n{text}", encoding="utf-8")
    done = stage()
    assert (done.returncode, done.stderr) == (0, "")
    path = stage.root / "pipeline" / "copy.py"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("def main", "open('vars.yaml').close()\n\ndef main"))
    assert "\n      - vars.yaml\nMore: docs/" in failed(stage())


def test_a_stage_of_another_name_is_refused(stage):
    """dvc.yaml and DVC disagree: that is told, not passed over."""
    assert "has no stage 'elsewhere'" in failed(stage(name="elsewhere"))


def test_a_stage_imports_no_more_than_it_uses(stage):
    """What runs around every stage costs no import of pandas, polars or scikit-learn."""
    script = "import sys; from modelkeep_core import stage; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(stage.root.parent / "site")},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert not {"pandas", "polars", "sklearn", "numpy", "pydantic", "dvc"} & {*done.stdout.split()}


def test_a_person_in_a_hurry_goes_on_and_the_model_says_so(tmp_path, monkeypatch):
    """In another environment a stage runs where it is asked to, and leaves a mark in its output."""
    lock = tmp_path / "requirements.lock"
    lock.write_text(f"modelkeep-core==9.9 --hash=sha256:{'0' * 64}\n", encoding="utf-8")
    code = "from modelkeep_core import stage\nstage.run(lambda args: args.out.mkdir(), 'out')\n"
    command = [sys.executable, "-c", code, "--requirements", lock, "--out", tmp_path / "out"]
    refused = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert refused.returncode == 1
    assert "MODELKEEP_UNLOCKED=1" in refused.stderr
    assert not (tmp_path / "out").exists()
    monkeypatch.setenv("MODELKEEP_UNLOCKED", "1")
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    assert done.stderr.startswith(f"warning: {lock} says modelkeep-core 9.9, and here it is ")
    assert unlocked_in(tmp_path, tmp_path / "out", tmp_path / "out") == [
        done.stderr.removeprefix("warning: ").removesuffix(": the model is not reproducible.\n")
    ]


@pytest.mark.parametrize(
    ("error", "message"),
    [("KeyboardInterrupt", "interrupted: `dvc repro` begins"), ("OSError('full')", "Traceback")],
)
def test_ctrl_c_ends_a_stage_in_a_sentence(error, message):
    """It is no fault, also while modules are imported; a fault keeps its traceback."""
    done = subprocess.run(
        [sys.executable, "-c", f"import modelkeep_core.stage; raise {error}"],
        env=os.environ | {"DVC_STAGE": "dvc.yaml:train", "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert done.stderr.startswith(message)


@pytest.mark.skipif(sys.platform == "win32", reason="on Windows an orphan keeps its parent")
def test_a_stage_ends_with_the_dvc_that_was_killed(stage):
    """After kill -9 it does not go on to write its outputs beside those of the next run."""
    waiting = STAGE.replace('"""Run the stage."""', "print('begun', flush=True)\n    sleep(60)")
    waiting = waiting.replace("import shutil\n", "import shutil\nfrom time import sleep\n")
    (stage.root / "pipeline" / "copy.py").write_text(waiting, encoding="utf-8")
    words = DVC_YAML.partition("python ")[2].partition("\n")[0].split()
    script = "import subprocess, sys; subprocess.run(sys.argv[1:])"
    parent = subprocess.Popen(
        [sys.executable, "-c", script, sys.executable, *words],
        cwd=stage.root,
        env={**os.environ, "PYTHONPATH": str(stage.root.parent / "site"), "DVC_STAGE": "copy"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout.readline() == "begun\n"
    parent.kill()
    # Which is there no more when nobody holds the pipe
    parent.communicate(timeout=30)
    assert not (stage.root / "out.csv").exists()
