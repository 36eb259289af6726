"""A version gets its number only where everything of it can be found again, and only once."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from modelkeep.cli import arguments
from modelkeep.registry import register
from modelkeep_core.errors import UserError
from modelkeep_core.files import read_json, sha256, write_json
from modelkeep_core.recipe import recipe, recipe_id
from project import (
    FORKS,
    SETTINGS,
    UNREACHED,
    damage,
    dvc,
    ended,
    forked,
    git,
    killed_everywhere,
    refuse_pushes,
)


def edit(path, old, new):
    """Replace a text in a file of the project."""
    text = Path(path).read_text(encoding="utf-8")
    assert old in text
    Path(path).write_text(text.replace(old, new), encoding="utf-8")


def recipe_of(revision, project):
    """Return the recipe id that a commit has."""
    return json.loads(project.git("show", f"{revision}:model.json"))["recipe_id"]


# What is written


def test_the_model_of_this_commit_gets_a_number(project):
    """The tag is on the commit; its message says how good the model is, and its recipe."""
    recipe, commit = recipe_of("main", project), project.id("main")
    assert project.run("register") == (
        f"made-up v1.0.0 is recipe {recipe[:7]} of commit {commit[:7]}.\n"
        "made-up@v1.0.0 is written here; `git push origin 'made-up@v1.0.0'` shares it."
    )
    assert project.id("made-up@v1.0.0") == commit
    reason, vouched = project.message("made-up@v1.0.0").split("\n\n")
    assert re.fullmatch(r"macro_f1 0\.703 \(0\.\d+ to 0\.\d+\)", reason)
    assert vouched.startswith(f"Recipe: {recipe}\n")


def test_the_message_says_what_is_new(project):
    """A person's own words come first."""
    project.run("register", "-m", "Knows more")
    assert project.message("made-up@v1.0.0").startswith("Knows more\n\nRecipe: ")


def test_registering_changes_nothing_else(project):
    """Neither the work tree nor a commit, nor what DVC keeps."""
    kept = [*Path(".dvc/cache").rglob("*"), *project.storage.rglob("*")]
    before = project.status(), project.git("log", "--all", "--oneline")
    project.run("register")
    assert (project.status(), project.git("log", "--all", "--oneline")) == before
    assert [*Path(".dvc/cache").rglob("*"), *project.storage.rglob("*")] == kept


def test_the_tag_is_pushed_when_it_is_to_be(project):
    """With --push, origin has it as well."""
    bare = project.add_origin()
    assert "made-up@v1.0.0 is written and pushed to origin." in project.run("register", "--push")
    assert project.tags(bare) == project.tags()


def test_a_project_in_a_directory_is_registered_under_its_path(project, monkeypatch):
    """In a repository of several projects, what lies outside does not matter."""
    top = project.directory.parent
    shutil.rmtree(".git")
    git(top, "init", "--quiet")
    (top / ".gitignore").write_text("/home\n/storage\n", encoding="utf-8")
    git(top, "add", ".")
    git(top, "commit", "--quiet", "-m", "All")
    (top / "foreign").write_text("", encoding="utf-8")
    assert project.run("register").startswith("project:made-up v1.0.0 is recipe")
    assert "project:made-up v1.0.0, verified." in project.run("fetch", "v1.0.0", "../got")
    assert [*project.tags()] == ["project=made-up@v1.0.0"]


# Numbers


@pytest.fixture
def number_of(project):
    """Return a function that gives the number of the next version, after these three."""
    project.tag("made-up@v1.2.3", "strong")
    project.tag("made-up@v1.0.10", "weak")
    project.tag("other@v7.0.0", "weak")

    def number(wanted=None, bump="minor"):
        with project.catalogue() as catalogue:
            return register.next_number(catalogue, "made-up", wanted, bump)

    return number


@pytest.mark.parametrize(
    ("part", "number"), [("major", "v2.0.0"), ("minor", "v1.3.0"), ("patch", "v1.2.4")]
)
def test_the_largest_number_is_raised(number_of, part, number):
    """The largest is not always the last one, and other models have numbers of their own."""
    assert number_of(bump=part) == number


@pytest.mark.parametrize("wanted", ["v1.2.10", "1.2.10", "v2.0.0-rc1"])
def test_the_number_is_the_one_that_is_wanted(number_of, wanted):
    """Any larger number will do, and its v may be left out."""
    assert number_of(wanted) == f"v{wanted.removeprefix('v')}"


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        ("v1.2.3", r"v1\.2\.3 is taken\. The next is v1\.3\.0\."),
        ("1.0.10", r"v1\.0\.10 is taken"),
        ("v1.2.2", r"v1\.2\.2 is not larger than v1\.2\.3\. The next is v1\.3\.0\."),
        ("v1.2.3-rc1", r"v1\.2\.3-rc1 is not larger than v1\.2\.3\."),
        ("v1.2.3+linux", "is not larger than"),
        ("v1.3", r"'v1\.3' is no version number: it is like v1\.2\.0 \(semver\.org\)\."),
        ("v1.3.0.1", r"'v1\.3\.0\.1' is no version number"),
        ("v01.3.0", r"'v01\.3\.0' is no version number"),
        ("latest", "'latest' is no version number"),
    ],
)
def test_a_number_that_cannot_be_the_next_is_refused(number_of, wanted, why):
    """The message says what the next one would be, or what a number is like."""
    with pytest.raises(UserError, match=why):
        number_of(wanted)


def test_a_number_that_was_taken_back_is_not_given_again(project, number_of):
    """What people knew under one number stays one thing."""
    project.tag("made-up@v1.9.0", "main")
    project.tag("made-up@v1.9.0!", "main")
    assert number_of() == "v1.10.0"
    with pytest.raises(UserError, match=r"v1\.9\.0 is taken"):
        number_of("v1.9.0")


def test_the_wanted_part_or_number_is_what_is_registered(project):
    """A recipe whose number was taken back gets the next one, as the command line says it."""
    project.tag("made-up@v1.0.0", "main")
    project.tag("made-up@v1.0.0!", "main")
    assert project.run("register", "--bump", "major").startswith("made-up v2.0.0 is recipe")
    project.git("tag", "--delete", "made-up@v2.0.0")
    assert project.run("register", "v2.0.1").startswith("made-up v2.0.1 is recipe")


# What is refused


def test_a_changed_file_is_refused(project):
    """The version would not be what its commit says."""
    edit("params.yaml", "seed: 2", "seed: 3")
    why = project.refusal("register")
    assert why.startswith("the work tree is not clean (M params.yaml): commit, ignore or remove")


def test_a_merge_that_is_half_done_is_refused(project):
    """By file and line, even if it was committed; and by file where only `git add` is missing."""
    edit("dvc.yaml", "artifacts:", "<<<<<<< HEAD\nartifacts:")
    half_done = r"dvc.yaml, line \d+: a merge was left half done here"
    assert re.match(half_done, project.refusal("register"))
    project.git("commit", "--quiet", "--all", "--message", "half")
    assert re.match(half_done, project.refusal("register"))
    assert re.search(r"commit \w+, line \d+: a merge was", project.refusal("show", "HEAD"))
    project.git("reset", "--quiet", "--hard", "HEAD~1")
    project.git("checkout", "--quiet", "-b", "other")
    edit("params.yaml", "seed: 2", "seed: 3")
    project.git("commit", "--quiet", "--all", "--message", "other")
    project.git("checkout", "--quiet", "-")
    edit("params.yaml", "seed: 2", "seed: 4")
    project.git("commit", "--quiet", "--all", "--message", "ours")
    subprocess.run(["git", "merge", "--quiet", "other"], check=False, capture_output=True)
    assert re.match(r"params.yaml, line \d+: a merge was", project.refusal("register"))
    project.git("checkout", "--quiet", "--ours", "params.yaml")
    assert "a merge is under way, and both sides have changed params.yaml: `git add`" in (
        project.refusal("register")
    )


@pytest.mark.parametrize("setting", ["normal", "no"])
def test_files_that_are_in_no_commit_are_refused(project, setting):
    """What lies about may have been used, whether `git status` is set to show it or not."""
    project.git("config", "status.showUntrackedFiles", setting)
    for name in ("helper.py", "notes.txt"):
        Path(name).write_text("", encoding="utf-8")
    assert "not clean (?? helper.py and 1 more)" in project.refusal("register")


def test_an_ignored_file_is_left_alone(project):
    """What Git ignores by intent is no change."""
    Path("__pycache__").mkdir()
    Path("__pycache__/x.pyc").write_text("", encoding="utf-8")
    project.run("register")


def test_a_change_that_was_committed_without_a_run_is_refused(project):
    """Where dvc.lock is not in step, the model is not what the commit would make."""
    project.change_params("train", seed=5)
    why = project.refusal("register")
    assert why.startswith("dvc.lock is not in step with the work (train, package): `dvc repro`")


def test_another_model_may_be_behind(project):
    """What leads to the one that is registered is in step; the other's stages are its own."""
    other = "  other:\n    cmd: python -m pipeline.other\n    deps: [{}]\n    outs: [other]\n"
    edit("dvc.yaml", "stages:\n", f"stages:\n{other.format('raw')}")
    project.commit()
    project.run("register")


def test_a_package_that_dvc_does_not_see_whole_is_refused(project):
    """What .dvcignore hides is in no cache: the version could never be fetched again."""
    Path(".dvcignore").write_text("*.md\n", encoding="utf-8")
    assert dvc(project.directory, "commit", "--force") == 0
    project.commit()
    why = project.refusal("register")
    assert why.startswith("package/MODEL_CARD.md is hidden from DVC by .dvcignore")


@pytest.mark.parametrize("key", ["frozen", "always_changed"])
def test_a_model_of_a_stage_whose_changes_dvc_does_not_notice_is_refused(project, key):
    """A frozen stage keeps the old model beside new parameters, and DVC calls that up to date."""
    edit("dvc.yaml", "  train:\n", f"  train:\n    {key}: true\n")
    project.commit()
    why = project.refusal("register")
    assert f"stage 'train' is {key.replace('_', ' ')}" in why
    assert f"Take `{key}` out of stages.train in dvc.yaml" in why


def test_a_stage_that_makes_nothing_of_the_model_may_always_run(project):
    """What is no part of the model does not keep it from being registered."""
    edit(
        "dvc.yaml",
        "stages:\n",
        "stages:\n  news: {cmd: echo, deps: [params.yaml], always_changed: true}\n",
    )
    assert dvc(project.directory, "repro", "news") == 0
    project.commit()
    assert "v1.0.0 is recipe" in project.run("register")


@pytest.mark.parametrize(
    ("path", "stages"),
    [("raw/rows.csv", "prepare, package, raw.dvc"), ("models/model.skops", "train")],
)
def test_a_changed_output_or_data_file_is_refused(project, path, stages):
    """What DVC keeps is not in Git's sight, and is looked at all the same."""
    with Path(path).open("ab") as file:
        file.write(b"\n")
    assert f"not in step with the work ({stages}" in project.refusal("register")


@pytest.mark.parametrize("left", [b"", b'{"write": {', b"\xff\x00"])
def test_what_a_killed_process_wrote_half_stops_nobody(project, left):
    """DVC refuses all work where its list of paths in use is no JSON; its writer is gone."""
    listed = Path(".dvc/tmp/rwlock")
    listed.write_bytes(left)
    assert "is recipe" in project.run("register")
    assert not any(json.loads(listed.read_bytes()).values())


def test_what_a_process_uses_that_is_alive_is_left_alone(project):
    """The list is removed only where nobody can read it."""
    used = {"write": {str(Path("models").resolve()): {"pid": os.getppid(), "cmd": "dvc repro"}}}
    listed = Path(".dvc/tmp/rwlock")
    listed.write_text(json.dumps(used), encoding="utf-8")
    assert "it is being blocked by" in project.refusal("register")
    assert json.loads(listed.read_bytes())["write"] == used["write"]


def test_a_package_that_is_not_whole_is_refused(project):
    """A manifest that does not fit is found here, not where the package is to be used."""
    edit("package/MODEL_CARD.md", "Made up", "Made better")
    project.record()
    project.commit()
    why = project.refusal("register")
    assert "package/MODEL_CARD.md is not the file that was packaged" in why


def test_a_package_with_other_metadata_than_the_committed_is_refused(project):
    """The commands read what is committed: a package that says otherwise could not be fetched."""
    edit("model.json", "Made up", "Made better")
    project.record()
    project.commit()
    assert "package does not have the metadata that are committed" in project.refusal("register")


@pytest.mark.parametrize("path", ["package", "package/model.skops", "raw/rows.csv"])
def test_what_the_remote_does_not_have_is_refused(project, path):
    """Data or package, list or file: the message names what could not be found from elsewhere."""
    project.stored(project.objects()[path]).unlink()
    why = project.refusal("register")
    assert why.startswith(f"the remote 'storage' does not have {path}: ")
    if path == "package":
        assert why.endswith("`dvc push` sends them; --local accepts the risk.")
    else:
        assert why.endswith("`modelkeep fsck` tells what else was lost; then register again.")


@pytest.mark.parametrize(
    ("file", "before", "after", "path"),
    [
        ("dvc.yaml", "outs: [models]", "outs: [models: {push: false}]", "models"),
        ("raw.dvc", "- path: raw\n", "- path: raw\n  push: false\n", "raw"),
    ],
)
def test_what_push_false_keeps_back_is_told(project, file, before, after, path):
    """The advice is not `dvc push`, which would not help, but to take that out of the file."""
    edit(file, before, after)
    project.commit()
    project.stored(project.objects()[path]).unlink()
    why = project.refusal("register")
    where = "dvc.yaml" if path == "models" else "its .dvc file"
    assert why.startswith(
        f"the remote 'storage' does not have {path}, and `push: false` in {where} keeps"
    )


@pytest.mark.parametrize("path", ["package", "package/model.skops", "raw/rows.csv"])
def test_the_advice_on_what_the_remote_lost_helps(project, path):
    """After `dvc push`, which believes a list and what it noted before, nothing is missing."""
    name = project.objects()[path]
    project.stored(name).unlink()
    project.refusal("register")
    assert dvc(project.directory, "push") == 0
    assert project.stored(name).read_bytes() == project.cached(name).read_bytes()
    assert project.stored(name).stat().st_mode & 0o777 == 0o444
    project.run("register")


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("package/model.skops", b"cut"),
        ("package/model.skops", None),
        ("raw/rows.csv", b""),
        ("package", b"[]"),
    ],
)
def test_what_the_remote_has_damaged_is_refused_and_sent_anew(project, path, content):
    """Sizes are known; of the package, which is served, every byte is read."""
    name = project.objects()[path]
    whole = project.stored(name).read_bytes()
    damage(project.stored(name), whole[::-1] if content is None else content)
    why = project.refusal("register")
    assert why.startswith(f"the remote 'storage' has damaged {path}: whoever clones this has")
    assert project.stored(name).read_bytes() == whole
    project.run("register")


def test_other_bytes_of_the_same_size_are_told_where_that_is_asked_for(project):
    """Data may be large: they are read whole with --deep."""
    name = project.objects()["raw/rows.csv"]
    damage(project.stored(name), project.stored(name).read_bytes()[::-1])
    assert "has damaged raw/rows.csv" in project.refusal("register", "--deep")
    damage(project.stored(name), project.stored(name).read_bytes()[::-1])
    project.run("register")


def test_what_this_machine_has_damaged_as_well_is_not_sent(project, capsys):
    """Bytes that are not what their name says would help nobody."""
    name = project.objects()["package/model.skops"]
    project.stored(name).unlink()
    damage(project.cached(name))
    why = project.refusal("register")
    assert why.startswith("package/model.skops cannot be sent to the remote 'storage'")
    assert not project.stored(name).exists()
    assert "package/model.skops is damaged in the cache" in capsys.readouterr().err


def test_all_that_the_remote_lacks_is_counted(project):
    """One is named, and how many there are."""
    lost = set(project.objects().values())
    for name in lost:
        project.stored(name).unlink()
    assert f"raw/rows.csv and {len(lost) - 1} more: " in project.refusal("register")


def test_local_accepts_that_the_remote_has_nothing(project):
    """A person may take the risk, also where there is no remote at all."""
    shutil.rmtree(project.storage)
    assert "the remote 'storage' does not have" in project.refusal("register")
    Path(".dvc/config.local").write_text(SETTINGS.format(UNREACHED), encoding="utf-8")
    assert "the remote 'storage' cannot be used: " in project.refusal("register")
    project.run("register", "--local")
    assert [*project.tags()] == ["made-up@v1.0.0"]


def test_a_project_without_a_remote_is_refused(project):
    """The message says how a remote is added."""
    Path(".dvc/config.local").unlink()
    Path(".dvc/config").write_text("", encoding="utf-8")
    project.commit()
    assert "no default remote: `dvc remote add --default" in project.refusal("register")


def test_one_recipe_has_one_number(project):
    """A recipe that is registered is named with its number and tag, on whatever commit it is."""
    project.tag("made-up@v1.0.0", "strong")
    project.tag("made-up@v1.1.0", "main")
    project.tag("made-up@v1.2.0", "weak")
    Path("README.md").write_text("Hello", encoding="utf-8")
    project.commit()
    why = project.refusal("register", "v2.0.0")
    assert why == (
        "this recipe is v1.1.0 already (tag made-up@v1.1.0): one recipe has one number, and "
        "`modelkeep promote v1.1.0 STAGE` releases it. Where something was changed since, "
        "`dvc repro` and commit first."
    )


@pytest.fixture
def repackaged(project):
    """The present model as v1.0.0, and a commit with another package of its recipe."""
    project.tag("made-up@v1.0.0", "main")
    metadata = read_json(Path("model.json"))
    metadata["metrics"]["settings"]["resamples"] = 11
    card = Path("package/MODEL_CARD.md")
    card.write_text(f"{card.read_text('utf-8')}\nEvaluated anew.\n", encoding="utf-8")
    metadata["files"]["MODEL_CARD.md"] = sha256(card)
    repack(metadata)
    project.record()
    project.commit()
    assert dvc(project.directory, "push") == 0
    return project


def repack(metadata):
    """Write metadata into the package and beside it, and vouch for them."""
    for path in ("model.json", "package/model.json"):
        write_json(Path(path), metadata)
    manifest = read_json(Path("package/manifest.json"))
    manifest["files"] |= metadata["files"] | {"model.json": sha256(Path("model.json"))}
    write_json(Path("package/manifest.json"), manifest)


def test_another_package_of_a_recipe_gets_a_number_when_it_is_asked_for(repackaged):
    """How a model was evaluated makes no other model; the message says what to do."""
    assert repackaged.refusal("register") == (
        "this recipe is v1.0.0 already (tag made-up@v1.0.0), and here is another package of it: "
        "`modelkeep diff v1.0.0 HEAD` shows what differs. --same-recipe registers it as another "
        "version of the same recipe."
    )
    recipe = recipe_of("main", repackaged)
    shown = repackaged.run("register", "--same-recipe", "--bump", "patch")
    assert shown.startswith(f"made-up v1.0.1 is recipe {recipe[:7]} of commit ")
    data, text = repackaged.data("diff", "v1.0.0", "v1.0.1")
    assert [change["name"] for change in data["evaluation"]] == ["resamples"]
    assert [change["name"] for change in data["package"]] == ["MODEL_CARD.md"]
    assert "They have the same recipe and other packages: " in text
    assert repackaged.run("list").endswith("\nThe same recipe: v1.0.1, v1.0.0.")


def test_the_very_package_gets_no_other_number(repackaged):
    """Whatever was asked for: it would be the same thing under two names."""
    repackaged.run("register", "--same-recipe")
    Path("README.md").write_text("Hello", encoding="utf-8")
    repackaged.commit()
    why = repackaged.refusal("register", "--same-recipe")
    assert why.startswith("this recipe is v1.1.0 already (tag made-up@v1.1.0): one recipe has one")


# Another recipe than the files give


def test_code_that_was_committed_without_a_run_is_refused(project):
    """`dvc commit` lets DVC believe that the code made the model; its recipe says otherwise."""
    edit("pipeline/train.py", "import", "# Changed\nimport")
    project.record()
    project.commit()
    recipe = recipe_of("main", project)[:7]
    why = project.refusal("register", "--local")
    assert re.fullmatch(
        rf"the metadata say that recipe {recipe} made the model, and the files of this commit give "
        r"\w{7} \(code\.pipeline/train\.py differs\): make the model anew, with "
        r"`dvc repro --force`, and commit\.",
        why,
    )


@pytest.mark.parametrize("change", ["recipe_id", "recipe"])
def test_metadata_that_claim_another_recipe_are_refused(project, change):
    """Neither the id nor what it stands for is believed."""
    metadata = read_json(Path("model.json"))
    if change == "recipe":
        metadata["recipe"]["parameters"]["train"]["seed"] = 5
    else:
        metadata["recipe_id"] = "0" * 64
    repack(metadata)
    project.record()
    project.commit()
    why = project.refusal("register", "--local")
    assert why.startswith("the metadata say that recipe ")
    assert ("(parameters.train.seed differs)" in why) is (change == "recipe")


def test_a_recipe_may_be_that_of_the_package(project):
    """Where one stage makes model and package, its recipe is all that made the package."""
    metadata = read_json(Path("model.json"))
    metadata["recipe"] = recipe(Path(), "package")
    assert {*metadata["recipe"]["commands"]} == {"prepare", "train", "evaluate", "package"}
    metadata["recipe_id"] = recipe_id(metadata["recipe"])
    repack(metadata)
    project.record()
    project.commit()
    assert project.run("register", "--local").startswith("made-up v1.0.0 is recipe ")


# Another environment than the locked one


@pytest.fixture
def unlocked(project):
    """A model that was made in another environment."""
    metadata = read_json(Path("model.json"))
    metadata |= {"reproducible": False, "unlocked": ["the lock says numpy 1, and here it is 2"]}
    repack(metadata)
    project.record()
    project.commit()
    return project


@pytest.mark.parametrize("words", [[], ["--unlocked-because", " "]])
def test_a_model_of_another_environment_needs_a_reason(unlocked, words):
    """What was another is told, and what makes it right."""
    assert unlocked.refusal("register", "--local", *words) == (
        "the model was not made in the locked environment (the lock says numpy 1, and here it is "
        "2), so nobody can make it again. Make it anew, with `dvc repro --force` in that "
        "environment; --unlocked-because 'why' registers it all the same, and keeps the reason."
    )


def test_the_reason_for_another_environment_is_kept_with_the_tag(unlocked):
    """In a line of its own; the metadata stay vouched for."""
    because = "It cannot\nwait"
    unlocked.run("register", "--local", "-m", "New", "--unlocked-because", because)
    message = unlocked.message("made-up@v1.0.0")
    assert message.startswith("New\n\nRecipe: ")
    assert message.endswith("\nUnlocked: It cannot wait")
    assert unlocked.data("list")[0][0]["recipe_id"] == recipe_of("HEAD", unlocked)
    shown = " ".join(unlocked.run("show", "v1.0.0").split())
    assert "registered because: It cannot wait" in shown


def test_a_reason_without_need_is_refused(project):
    """The tag would say of a reproducible model that it is none."""
    why = project.refusal("register", "--unlocked-because", "I do not know")
    assert why.endswith("--unlocked-because has nothing to explain.")


# What cannot be written


def test_a_person_without_an_identity_registers_nothing(project, monkeypatch):
    """Who released it would not be known."""
    monkeypatch.delenv("GIT_COMMITTER_EMAIL")
    monkeypatch.delenv("GIT_AUTHOR_EMAIL")
    assert "Git does not know who you are" in project.refusal("register")


def test_a_signature_that_fails_leaves_nothing(project):
    """Where tags must be signed, there is none without a signature."""
    project.git("config", "tag.gpgSign", "true")
    project.git("config", "gpg.program", "false")
    assert "made-up@v1.0.0 was not written" in project.refusal("register")


def test_a_colleagues_tag_is_told_before_anything_is_written(project):
    """What origin has and we have not could be this very recipe."""
    git(project.add_origin(), "tag", "-a", "-m", "mine", "made-up@v1.0.0", "weak")
    assert "origin has the tag made-up@v1.0.0" in project.refusal("register", "--push")
    project.run("register", "v2.0.0")


def test_who_may_not_push_registers_nothing(project):
    """With --push, the tag is in both repositories or in none."""
    bare = project.add_origin()
    refuse_pushes(bare)
    assert "made-up@v1.0.0 was taken back" in project.refusal("register", "--push")
    assert project.tags(bare) == {}


def test_without_an_origin_there_is_nothing_to_push_to(project):
    """The message says how one is added."""
    assert "`git remote add origin URL`" in project.refusal("register", "--push")


def test_a_repository_without_a_work_tree_is_refused(project, monkeypatch):
    """There is no package there that could be checked."""
    monkeypatch.chdir(project.add_origin())
    with pytest.raises(UserError, match="registered in a work tree"):
        project.run("register")


def test_a_project_without_a_commit_is_refused(project):
    """What is to be done first is to commit."""
    git(project.directory, "checkout", "--quiet", "--orphan", "new")
    assert project.refusal("register").startswith("there is no commit yet: `git commit`")


def test_a_pipeline_without_a_model_is_refused(project):
    """A model is what dvc.yaml names under artifacts."""
    edit("dvc.yaml", "artifacts:", "others:")
    project.commit()
    assert (
        project.refusal("register") == "dvc.yaml of this commit names no model under `artifacts:`."
    )


def test_one_of_several_models_has_to_be_named(project):
    """The message names them, and the option that says which."""
    edit("dvc.yaml", "artifacts:", "artifacts:\n  other:\n    path: models\n    type: model")
    project.commit()
    why = project.refusal("register")
    assert why == "there are several models (other, made-up): say which with --model."
    project.run("register", "--model", "made-up")
    assert [*project.tags()] == ["made-up@v1.0.0"]


def test_what_dvc_cannot_open_is_refused(project):
    """DVC's own words say why."""
    edit("dvc.yaml", "outs: [models]", "outs: 3")
    project.commit()
    assert "DVC cannot work here: " in project.refusal("register")


# Several at once, and interruptions


def test_what_others_wrote_meanwhile_counts(project):
    """The tags are read again once nobody else can register."""
    args = arguments(["register"])
    with project.catalogue() as catalogue:
        assert catalogue.events == []
        project.tag("made-up@v1.0.0", "main")
        with pytest.raises(UserError, match=r"this recipe is v1\.0\.0 already"):
            register.run(catalogue, args)


@FORKS
def test_two_registrations_at_once_give_one_tag(project):
    """Of two processes with two numbers for one recipe, one registers and one is refused."""
    processes = [
        forked(lambda number=number: project.run("register", number))
        for number in ("v1.0.0", "v2.0.0")
    ]
    assert sorted(map(ended, processes)) == [0, 1]
    assert len(project.tags()) == 1


@FORKS
def test_a_registration_that_is_killed_leaves_the_tag_or_nothing(project):
    """Killed at any step, it can be tried again, and the tag is whole from the first moment."""
    for _ in killed_everywhere(lambda: project.run("register", "-m", "new"), stride=2):
        assert project.status() == ""
        if project.tags():
            break
    assert [*project.tags()] == ["made-up@v1.0.0"]
    assert project.message("made-up@v1.0.0").startswith("new\n\nRecipe: ")
    assert "already" in project.refusal("register")


def test_a_number_that_a_lightweight_tag_took_is_not_given_again(project, number_of):
    """Git would not write the tag; the next number is free."""
    project.git("tag", "made-up@v1.3.0")
    assert number_of() == "v1.4.0"
    with pytest.raises(UserError, match=r"v1\.3\.0 is taken\. The next is v1\.4\.0"):
        number_of("v1.3.0")
