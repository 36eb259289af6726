"""dvc.lock and dvc.yaml of a commit are read as what DVC writes, or refused by their names."""

import json
import shutil

import pytest

from modelkeep.registry.dvc_lock import (
    File,
    Pipeline,
    parse_pipeline,
    parse_yaml,
    read_artifacts,
    read_pipeline,
    read_yaml,
    working_directories,
)
from modelkeep.registry.git import opened
from modelkeep_core.errors import UserError
from project import git
from repository import MISSING, Model

LOCK = """\
schema: '2.0'
stages:
  prepare:
    cmd: python -m pipeline.prepare --raw data/raw --params
      params.yaml --out data/prepared
    deps:
    - path: data/raw
      hash: md5
      md5: ecb4f2ac14219a01b43c09fbe37f4f2a.dir
      size: 15241
      nfiles: 1
    - path: s3://bucket/rows.csv
      etag: abc
    params:
      params.yaml:
        prepare:
          seed: 07
          split: no
          split_by:
    outs:
    - path: data/prepared
      hash: md5
      md5: 0929c511e34eb5da2663c25972fc43a4.dir
  package:
    cmd:
    - echo one
    - echo two
    outs:
    - path: model.json
      md5: '01234567890123456789012345678901'
    - path: package
      md5: 8e864900abbefa5b3a4ed9465526b3fb.dir
"""


@pytest.fixture(scope="module")
def pipeline():
    """The pipeline of the lock above."""
    return parse_pipeline(LOCK.encode(), {"model": "package"})


def test_a_lock_gives_the_stages_in_their_order(pipeline):
    """Names, commands on one line, and what was read and written, with its hashes."""
    prepare, package = pipeline.stages
    assert (prepare.name, package.name) == ("prepare", "package")
    assert prepare.command == (
        "python -m pipeline.prepare --raw data/raw --params params.yaml --out data/prepared"
    )
    assert package.command == "echo one && echo two"
    assert prepare.deps == (
        File("data/raw", "ecb4f2ac14219a01b43c09fbe37f4f2a.dir"),
        File("s3://bucket/rows.csv", None),
    )
    assert package.deps == ()
    assert package.outs[0] == File("model.json", "01234567890123456789012345678901")
    assert pipeline.artifacts == {"model": "package"}


def test_what_is_in_a_lock_is_text(pipeline):
    """A hash of digits stays a hash, whatever YAML would make of it."""
    prepare, package = pipeline.stages
    values = {"seed": "07", "split": "no", "split_by": ""}
    assert (prepare.params, package.params) == ({"params.yaml": {"prepare": values}}, {})


@pytest.mark.parametrize(
    ("path", "stage", "out"),
    [
        ("data/prepared", "prepare", "data/prepared"),
        ("data/prepared/train.parquet", "prepare", "data/prepared"),
        ("package", "package", "package"),
        ("package/deep/file", "package", "package"),
    ],
)
def test_the_producing_stage_of_a_path_wrote_it_or_a_directory_around_it(
    pipeline, path, stage, out
):
    """A file in an output has the same stage as the output."""
    made = pipeline.producing_stage(path)
    assert (made[0].name, made[1].path) == (stage, out)


@pytest.mark.parametrize(
    ("path", "stages"),
    [
        ("package/model.skops", ["prepare", "train", "package"]),
        ("models", ["prepare", "train"]),
        ("other", ["prepare", "other"]),
        ("raw", []),
    ],
)
def test_a_path_is_led_to_by_what_made_it_and_what_that_read(path, stages):
    """Another model, and what is made of this one, do not belong to it."""
    lock = {"prepare": ("raw", "data/prepared"), "train": ("data/prepared/x.parquet", "models")}
    lock |= {"other": ("data", "other"), "package": ("models", "package")}
    lock |= {"report": ("package", "report"), "alone": ("raw", "alone")}
    made = {
        name: {"cmd": name, "deps": [{"path": dep}], "outs": [{"path": out}]}
        for name, (dep, out) in lock.items()
    }
    pipeline = parse_pipeline(json.dumps({"stages": made}).encode(), {})
    assert [stage.name for stage in pipeline.leading_to(path).stages] == stages


@pytest.mark.parametrize("path", ["data", "data/raw", "packages", "package2/x", "model.jso", ""])
def test_what_no_stage_wrote_has_no_producing_stage(pipeline, path):
    """A directory around an output, or a name that begins like one, is not that output."""
    assert pipeline.producing_stage(path) is None


@pytest.mark.parametrize(
    "content",
    [
        *("", "{", "a: b: c", "words", "[]", "schema: '2.0'", "stages: []", "stages: words"),
        *("stages:\n  a:\n", "stages: {a: []}", "stages: {a: {deps: [b]}}", "\x00"),
        *("stages: {a: {outs: [{md5: b}]}}", "stages: {a: {outs: {path: b}}}"),
        *("stages: {a: {params: [b]}}", "stages: {a: {params: {b: c}}}", "stages: {a: {cmd: {}}}x"),
        "<<<<<<< HEAD\nstages: {}\n=======\nstages: {}\n>>>>>>> other\n",
    ],
)
def test_what_dvc_does_not_write_is_refused(content):
    """An empty file, no YAML, another shape or a merge conflict is no lock."""
    with pytest.raises(UserError, match=r"dvc\.lock is not as DVC writes it"):
        parse_pipeline(content.encode(), {})


def test_bytes_that_are_no_text_are_refused():
    """As everywhere, YAML is UTF-8."""
    with pytest.raises(UserError, match="not as DVC writes it"):
        parse_pipeline("stages: {ü: {}}".encode("latin-1"), {})


def test_a_commit_gives_its_pipeline_in_any_directory(repository):
    """Each project has the files that lie in it."""
    commit = repository.commit(Model(recipe="a"), under="one/")
    commit = repository.commit(Model(recipe="b", name="other", package="out"), under="two/er/")
    with opened(str(repository.directory)) as git:
        pipelines = [read_pipeline(git, commit, directory) for directory in ("one/", "two/er/")]
    assert [pipeline.artifacts for pipeline in pipelines] == [
        {"model": "package"},
        {"other": "out"},
    ]
    assert [pipeline.producing_stage("model.json")[0].name for pipeline in pipelines] == [
        "package-model",
        "package-other",
    ]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"sub/dvc.yaml": None}, "commit {} has no sub/dvc.yaml."),
        ({"sub/dvc.yaml": "{"}, "sub/dvc.yaml of commit {} is not valid YAML."),
        ({"sub/dvc.yaml": "artifacts: [a]"}, "dvc.yaml of commit {} is not as DVC wants it."),
        ({"sub/dvc.yaml": "artifacts: {a: {}}"}, "dvc.yaml of commit {} is not as DVC wants it."),
        ({"sub/dvc.yaml": "artifacts: {a: b}"}, "dvc.yaml of commit {} is not as DVC wants it."),
        ({"sub/dvc.yaml": "words"}, "dvc.yaml of commit {} is not as DVC wants it."),
        ({"sub/dvc.lock": None}, "commit {} has no sub/dvc.lock."),
        ({"sub/dvc.lock": "{"}, "dvc.lock is not as DVC writes it. (commit {})"),
    ],
)
def test_a_commit_without_a_pipeline_is_refused_by_its_id(repository, files, message):
    """The message says which file of which commit, and what is wrong with it."""
    repository.commit(Model(), under="sub/")
    commit = repository.commit(others=files)
    with opened(str(repository.directory)) as git, pytest.raises(UserError) as refused:
        read_pipeline(git, commit, "sub/")
    assert str(refused.value) == message.format(commit[:7])


def test_a_lost_commit_is_refused(repository):
    """A tag may be here without its commit."""
    with (
        opened(str(repository.directory)) as git,
        pytest.raises(UserError, match=r"commit 1111111 has no dvc\.yaml"),
    ):
        read_pipeline(git, MISSING, "")


@pytest.mark.parametrize("text", ["stages: {}", "artifacts:", "artifacts: {}"])
def test_a_project_may_have_no_models(repository, text):
    """A pipeline whose dvc.yaml names none is a pipeline all the same."""
    commit = repository.commit(others={"dvc.yaml": text, "dvc.lock": "stages: {}"})
    with opened(str(repository.directory)) as git:
        assert read_artifacts(git, commit, "") == {}
        assert read_pipeline(git, commit, "") == Pipeline((), {})


def test_a_yaml_file_is_read_as_text(repository):
    """No value is taken for a number, a date or nothing."""
    commit = repository.commit(
        others={"a.dvc": "outs:\n- md5: 12e5\n  size: 1\nwhen: 2026-01-01\n"}
    )
    with opened(str(repository.directory)) as git:
        content = read_yaml(git, commit, "a.dvc")
    assert content == {"outs": [{"md5": "12e5", "size": "1"}], "when": "2026-01-01"}


def lock_of(out, dep=None):
    """Return a lock of one stage with one output."""
    stage = {"cmd": "x", "outs": [out]} | ({"deps": [dep]} if dep else {})
    return json.dumps({"stages": {"a": stage}}).encode()


@pytest.mark.parametrize(
    "name",
    [
        *(
            "ab../../../../../tmp/x",
            "aa/etc/hostname",
            "",
            "0123",
            "A" * 32,
            f"{'a' * 32}.dir/../x",
        ),
        *([], {}),
    ],
)
def test_a_name_that_is_no_object_is_refused(name):
    """It would become a part of a path, or of an address."""
    for lock in (
        lock_of({"path": "package", "md5": name}),
        lock_of({"path": "b"}, {"path": "c", "md5": name}),
    ):
        with pytest.raises(UserError, match=r"is not as DVC writes it: .* names no object of DVC"):
            parse_pipeline(lock, {})


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "", "a/../../x", [], {}])
def test_an_output_outside_the_project_is_refused(path):
    """What a stage wrote is written again by `restore`."""
    with pytest.raises(UserError, match=r"dvc\.lock is not as DVC writes it"):
        parse_pipeline(lock_of({"path": path, "md5": "a" * 32}), {})


def test_a_dependency_may_be_outside_the_project():
    """DVC lets a stage read what is elsewhere, and only its name is shown."""
    lock = lock_of({"path": "a"}, {"path": "../shared/rows.csv", "md5": "a" * 32})
    assert parse_pipeline(lock, {}).stages[0].deps == (File("../shared/rows.csv", "a" * 32),)


def test_aliases_that_grow_are_not_written_out():
    """Six hundred bytes would be ten billion values; as aliases they are a hundred."""
    lines = ["      b0: &b0 [x,x,x,x,x,x,x,x,x,x]"]
    lines += [
        f"      b{number}: &b{number} [{','.join([f'*b{number - 1}'] * 10)}]"
        for number in range(1, 10)
    ]
    start = "stages:\n  a:\n    cmd: x\n    params:\n     params.yaml:\n"
    whole = (start + "\n".join(lines)).encode()
    (stage,) = parse_pipeline(whole, {}).stages
    assert len(stage.params["params.yaml"]["b9"]) == 10
    with pytest.raises(UserError, match="too many values once its aliases are written out"):
        parse_yaml(whole, "dvc.yaml")
    assert parse_yaml((start + "\n".join(lines[:2])).encode(), "dvc.yaml")


def test_a_lock_of_many_megabytes_is_not_parsed():
    """It would take all memory."""
    with pytest.raises(UserError, match="too large to be read"):
        parse_pipeline(b"stages: {}\n" + b"# \n" * 2_000_000, {})


def test_a_file_that_a_clone_lacks_is_not_said_to_be_no_file(released, tmp_path, monkeypatch):
    """A partial clone whose origin is away has the name of the file, and not its content."""
    source, clone = tmp_path / "source", tmp_path / "clone"
    shutil.copytree(released.directory, source)
    git(source, "config", "uploadpack.allowFilter", "true")
    url = source.as_uri()
    git(tmp_path, "clone", "--quiet", "--no-checkout", "--filter=blob:none", url, clone)
    source.rename(tmp_path / "away")
    # From elsewhere, it is somebody else's: then nobody is asked for what it lacks.
    for place in (clone, tmp_path):
        monkeypatch.chdir(place)
        with opened(str(clone)) as repository:
            commit = repository.commit("HEAD")
            with pytest.raises(UserError, match=r"dvc\.yaml of commit .* clone lacks it"):
                read_pipeline(repository, commit, "")
            with pytest.raises(UserError, match=r"has no nothing\.yaml\."):
                read_yaml(repository, commit, "nothing.yaml")
    with (
        opened(str(clone)) as repository,
        pytest.raises(UserError, match=r"this clone is partial.* A whole clone has it\."),
    ):
        list(repository.ids([f"{commit}:dvc.yaml"]))


def test_paths_of_a_stage_are_relative_to_its_working_directory():
    """Else what it writes would be looked for at the top, and what it reads come from nowhere."""
    project = {"stages": {"count": {"foreach": ["a"], "do": {"wdir": "side"}}, "train": {}}}
    lock = """\
stages:
  count@a:
    cmd: count
    deps: [{path: ../data/raw}, {path: 's3://bucket/a'}]
    params: {../params.yaml: {seed: '7'}}
    outs: [{path: ../models}, {path: big}]
  train:
    cmd: train
    outs: [{path: big}]
"""
    count, train = parse_pipeline(lock.encode(), {}, working_directories(project)).stages
    assert [dep.path for dep in count.deps] == ["data/raw", "s3://bucket/a"]
    assert [out.path for out in count.outs] == ["models", "side/big"]
    assert count.params == {"params.yaml": {"seed": "7"}}
    assert train.outs[0].path == "big"
    with pytest.raises(UserError, match="not as DVC writes it"):
        parse_pipeline(lock.encode(), {}, {"count": ".."})


def test_a_working_directory_with_variables_is_refused():
    """Only DVC fills them in, for the work tree and for no commit."""
    with pytest.raises(UserError, match=r"wdir of stage count .* has variables"):
        working_directories({"stages": {"count": {"wdir": "${place}"}}})
