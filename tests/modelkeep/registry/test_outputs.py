"""What DVC keeps of a commit is read from the commit: its data, and what its pipeline made."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from modelkeep.registry.outputs import Options, Output, objects_by_remote, outputs_of
from modelkeep.registry.storage import Storage
from modelkeep.registry.version import Version
from modelkeep_core.errors import UserError
from project import git

NAME = "d41d8cd98f00b204e9800998ecf8427e"


@pytest.fixture
def outputs(project):
    """Return a function that gives the outputs of the last commit."""

    def outputs(model="made-up"):
        with project.catalogue() as catalogue:
            return outputs_of(catalogue, Version(model, project.id("HEAD")))

    return outputs


def point(path, text):
    """Write a .dvc file."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text, encoding="utf-8")


def test_data_come_first_and_then_what_each_stage_made(project, outputs):
    """What is in Git, such as reports and metadata, is not kept by DVC."""
    kept = project.kept()
    assert outputs() == [
        Output("raw", kept["raw"]),
        Output("prepared", kept["prepared"], "prepare"),
        Output("models", kept["models"], "train"),
        Output("package", kept["package"], "package"),
    ]


def test_outputs_are_those_of_the_commit_and_not_of_the_work_tree(project, outputs):
    """Files that lie about, or are gone, say nothing about a version."""
    before = outputs()
    point("more.dvc", f"outs:\n- md5: {NAME}\n  path: more\n")
    Path("raw.dvc").unlink()
    shutil.rmtree("package")
    assert outputs() == before


def test_the_path_of_data_is_relative_to_the_project(project, outputs):
    """A .dvc file names what lies beside it, or in the directory that it says."""
    point("a/b/one.dvc", f"outs:\n- md5: {NAME}\n  path: one.csv\n")
    point(
        "a/two.dvc",
        f"wdir: ../c\nouts:\n- md5: {NAME}\n  path: two.csv\n- md5: {NAME}\n  path: x\n",
    )
    point('ümlaut "q".dvc', f"outs:\n- md5: {NAME}\n  path: ümlaut\n")
    project.commit()
    paths = [output.path for output in outputs() if output.md5 == NAME]
    assert paths == ["a/b/one.csv", "c/two.csv", "c/x", "ümlaut"]


def test_data_from_another_repository_are_told_apart(project, outputs):
    """What `dvc import` brings lies in the other's storage; what comes from a URL is kept here."""
    deps = "deps:\n- path: x\n  repo:\n    url: ../other\n"
    point("from/there.dvc", f"{deps}outs:\n- md5: {NAME}\n  path: there\n")
    point("url.dvc", f"deps:\n- path: https://example.org/x\nouts:\n- md5: {NAME}\n  path: x\n")
    project.commit()
    imported = {output.path: output.imported for output in outputs()}
    assert imported["from/there"] == "from/there.dvc"
    assert imported["x"] is None


@pytest.mark.parametrize(
    "text", ["outs:\n- path: x\n", "outs: 3\n", "- outs\n", "deps: []\n", "outs:\n- md5: 1\n"]
)
def test_a_dvc_file_of_another_shape_is_refused(project, outputs, text):
    """The message names the file and the commit."""
    point("odd.dvc", text)
    commit = project.commit()
    with pytest.raises(
        UserError, match=rf"odd\.dvc of commit {commit[:7]} is not as DVC writes it"
    ):
        outputs()


def test_a_dvc_file_that_is_not_yaml_is_refused(project, outputs):
    """The message names the file."""
    point("odd.dvc", "{")
    project.commit()
    with pytest.raises(UserError, match=r"odd\.dvc of commit \w+ is not valid YAML"):
        outputs()


def test_a_commit_without_a_pipeline_is_refused(project, outputs):
    """Without dvc.lock nobody knows what was made."""
    Path("dvc.lock").unlink()
    project.commit()
    with pytest.raises(UserError, match=r"has no dvc\.lock"):
        outputs()


def test_a_project_in_a_directory_has_only_its_own(project, tmp_path):
    """What other projects of the repository keep is not looked at."""
    point("other.dvc", "{")
    shutil.rmtree(".git")
    git(tmp_path, "init", "--quiet")
    (tmp_path / "project-two").mkdir()
    Path("other.dvc").rename(tmp_path / "project-two" / "other.dvc")
    (tmp_path / "other.dvc").write_text("{", encoding="utf-8")
    git(tmp_path, "add", "project", "project-two", "other.dvc")
    git(tmp_path, "commit", "--quiet", "-m", "All")
    with project.catalogue() as catalogue:
        listed = outputs_of(catalogue, Version("project:made-up", project.id("HEAD")))
    assert [output.path for output in listed] == ["raw", "prepared", "models", "package"]


def test_what_a_stage_writes_into_a_committed_directory_is_in_git(project, outputs):
    """An output around committed files is not kept by DVC, one beside them is."""
    lock = Path("dvc.lock").read_text(encoding="utf-8")
    paths = ("reports/plots", "reports/big")
    more = "".join(f"    - path: {path}\n      md5: {NAME}\n" for path in paths)
    Path("dvc.lock").write_text(
        lock.replace("    outs:\n    - path: models\n", f"    outs:\n{more}    - path: models\n"),
        encoding="utf-8",
    )
    project.commit()
    assert [output.path for output in outputs() if output.md5 == NAME] == ["reports/big"]


def objects_of(kept):
    """Return what each object of outputs is, in whatever remote."""
    return {
        name: path
        for _, objects in objects_by_remote(kept, Storage(Path(".dvc")))
        for name, path in objects.items()
    }


def test_objects_are_the_files_and_the_lists_of_directories(project, outputs):
    """Each has a name for messages: the path of the file, or of the directory."""
    objects = objects_of(outputs())
    wanted = project.objects()
    assert set(objects) == set(wanted.values())
    assert all(wanted[path] == name for name, path in objects.items())


def test_a_file_that_is_an_output_is_an_object(project):
    """It is named by its own path."""
    objects = objects_of([Output("a/file.csv", NAME)])
    assert objects == {NAME: "a/file.csv"}


def test_what_another_repository_keeps_is_not_looked_for_here(project):
    """DVC fetches it from where it was imported."""
    outputs = [Output("there", f"{NAME}.dir", imported="there.dvc")]
    assert objects_of(outputs) == {}


def test_a_list_that_leads_out_of_its_directory_is_refused(project):
    """What it names would be written outside of the directory."""
    listed = json.dumps([{"md5": NAME, "relpath": "../x"}]).encode()
    name = f"{hashlib.md5(listed).hexdigest()}.dir"
    project.cached(name).parent.mkdir(exist_ok=True)
    project.cached(name).write_bytes(listed)
    with pytest.raises(UserError, match=r"'\.\./x' leads out of data: it is not written"):
        objects_of([Output("data", name)])


def test_options_are_found_where_paths_have_variables():
    """DVC writes the path without them into the lock."""
    do = {"outs": [{"models/${item}": {"remote": "far"}}], "plots": [{"p": {"push": "false"}}]}
    options = Options({"stages": {"train": {"foreach": ["a"], "do": do}, "other": {"outs": ["x"]}}})
    assert options.of("models/a", "remote") == "far"
    assert options.of("models/a", "push") is None
    assert options.of("p", "push") == "false"
    assert options.of("x", "remote") is None


def test_options_are_found_where_a_stage_has_a_working_directory():
    """DVC's paths are relative to it, those of outputs to the project."""
    outs = [{"../models": {"push": "false"}}, {"${item}.csv": {"remote": "own"}}]
    options = Options({"stages": {"train": {"wdir": "side", "outs": outs}}})
    assert options.of("models", "push") == "false"
    assert options.of("side/a.csv", "remote") == "own"


def test_the_remote_of_an_output_is_known(project, outputs):
    """Of an output of a stage from dvc.yaml, of data from the .dvc file."""
    edit = Path("raw.dvc")
    edit.write_text(edit.read_text(encoding="utf-8") + "  remote: cold\n", encoding="utf-8")
    pipeline = Path("dvc.yaml")
    text = pipeline.read_text(encoding="utf-8")
    assert "- package\n" in text or "- package:" in text
    pipeline.write_text(text.replace("- package\n", "- package: {remote: far}\n"), encoding="utf-8")
    project.commit()
    named = {output.path: output.remote for output in outputs()}
    assert (named["raw"], named["package"]) == ("cold", "far")
    assert {*named.values()} == {"cold", "far", None}
