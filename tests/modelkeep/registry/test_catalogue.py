"""The catalogue knows every version and what is in each stage, in any kind of repository."""

import random
import subprocess
from dataclasses import replace

import pytest
from gto import api
from gto.constants import Action
from gto.registry import GitRegistry
from gto.tag import name_tag

from modelkeep.registry.catalogue import Catalogue, package_of
from modelkeep.registry.git import opened
from modelkeep.registry.version import Version
from modelkeep_core.errors import UserError
from repository import MISSING, Model, Repository, answer, digest

pytestmark = pytest.mark.slow

OTHER = Model("b", name="other", package="other", metadata="other.json")
STAGES = ("dev", "staging", "prod")


def numbers(catalogue, model="model"):
    """Return commit by number of the registered versions, newest first."""
    return {version.number: version.commit for version in catalogue.registered(model)}


def in_stages(catalogue, model="model"):
    """Return commit by stage of what is assigned."""
    return {stage: event.commit for stage, event in catalogue.assignments.get(model, {}).items()}


def unregistered(catalogue, model="model"):
    """Return the commits that made another model."""
    return [version.commit for version, *_ in catalogue.unregistered(model)]


def clone(source, place, *options):
    """Clone a repository; return where the clone is."""
    url = source.directory.as_uri()
    subprocess.run(["git", "clone", "--quiet", *options, url, place], check=True)
    return place


class Names:
    """The tags that GTO looks at to number the next one."""

    def __init__(self):
        self.names = []

    def list_tags(self):
        """Return them."""
        return self.names


def life(rng):
    """Return what people do with a model, in the order of time: action, place of commit, stage.

    As GTO allows it: a commit has one number, and only what had one is taken out of a stage.
    """
    done, now, ever = [], set(), set()
    for _ in range(rng.randint(3, 18)):
        commit, stage = rng.randrange(5), rng.choice(STAGES)
        wanted = rng.choice([Action.REGISTER, Action.ASSIGN, Action.ASSIGN, Action.UNASSIGN, None])
        if wanted is None and commit in now:
            now.remove(commit)
            done.append((Action.DEREGISTER, commit, None))
        elif wanted is Action.REGISTER and commit not in now:
            now.add(commit)
            ever.add(commit)
            done.append((Action.REGISTER, commit, None))
        elif wanted is Action.ASSIGN or (wanted is Action.UNASSIGN and commit in ever):
            done.append((wanted, commit, stage))
    return done


def named(model, done):
    """Return GTO's names for what was done."""
    scm, names = Names(), []
    for action, commit, stage in done:
        number = f"v1.{commit}.0"
        simple = action in (Action.REGISTER, Action.DEREGISTER)
        name = name_tag(action, model, number, stage, scm, simple=simple)
        if name in scm.names:
            name = name_tag(action, model, number, stage, scm)
        scm.names.append(name)
        names.append(name)
    return names


def test_stages_and_versions_are_those_that_gto_sees(tmp_path):
    """In dozens of random lives of models, whatever was registered, assigned and taken back."""
    rng, made = random.Random(7), Repository(tmp_path / "repository")
    commits, second = [made.commit() for _ in range(5)], 1_767_225_600
    models = [f"model-{number}" for number in range(30)]
    for model in models:
        done = life(rng)
        for name, (_, commit, _) in zip(named(model, done), done, strict=True):
            second += rng.randint(1, 99)
            made.raw_tag(name, commits[commit], f"A <a@b> {second} +0000")
    shown = api.show(str(made.directory))
    with GitRegistry.from_url(str(made.directory)) as registry:
        artifacts = registry.get_artifacts()
    assert len(shown) > 25
    with made.catalogue() as catalogue:
        for model, state in shown.items():
            stages = {stage: version for stage, version in state["stage"].items() if version}
            labels = {
                stage: catalogue.at(model, commit).number or commit
                for stage, commit in in_stages(catalogue, model).items()
            }
            assert labels == stages, model
            versions = artifacts[model].get_versions()
            assert numbers(catalogue, model) == {
                version.version: version.commit_hexsha for version in versions
            }


def test_in_a_stage_is_what_was_assigned_last(repository):
    """Also if that was there before, and each stage for itself."""
    first, second = repository.release("v1.0.0", None, "prod"), repository.release("v1.1.0")
    for commit, stages in (
        (second, {"prod": second}),
        (first, {"prod": first}),
    ):
        repository.assign("prod", commit)
        with repository.catalogue() as catalogue:
            assert in_stages(catalogue) == stages
    repository.assign("dev", second)
    with repository.catalogue() as catalogue:
        assert in_stages(catalogue) == {"prod": first, "dev": second}
        assert catalogue.stages(Version("model", first)) == ["prod"]
        assert catalogue.stages(Version("other", first)) == []


def test_what_is_taken_back_gives_way_to_what_was_before(repository):
    """As in GTO; when all is taken back, the stage is empty."""
    first, second = repository.release("v1.0.0", None, "prod"), repository.release("v1.1.0")
    repository.assign("prod", second)
    for commit, stages in ((second, {"prod": first}), (first, {})):
        repository.assign("prod!", commit)
        with repository.catalogue() as catalogue:
            assert in_stages(catalogue) == stages


def test_what_a_stage_does_not_hold_can_be_taken_back(repository):
    """That changes nothing now, and the stage does not fall back to it later."""
    first, second = repository.release("v1.0.0", None, "prod"), repository.release("v1.1.0")
    repository.assign("prod", second)
    repository.assign("prod!", first)
    with repository.catalogue() as catalogue:
        assert in_stages(catalogue) == {"prod": second}
    repository.assign("prod!", second)
    with repository.catalogue() as catalogue:
        assert in_stages(catalogue) == {}


def test_a_version_that_is_taken_back_is_in_no_stage(repository):
    """Until it is registered again."""
    first = repository.release("v1.0.0", None, "prod")
    second = repository.release("v1.1.0", None, "prod", "dev")
    repository.tag("model@v1.1.0!", second)
    with repository.catalogue() as catalogue:
        assert numbers(catalogue) == {"v1.0.0": first}
        assert in_stages(catalogue) == {"prod": first}
        assert catalogue.withdrawn("model", second)
        assert catalogue.at("model", second).number is None
    repository.tag("model@v1.1.0#9", second)
    with repository.catalogue() as catalogue:
        assert list(numbers(catalogue)) == ["v1.1.0", "v1.0.0"]
        assert in_stages(catalogue) == {"prod": second, "dev": second}
        assert not catalogue.withdrawn("model", second)


def test_every_change_of_a_stage_is_known(repository):
    """In the order of time: what changed it, and the assignment in force since then."""
    first, second = repository.release("v1.0.0", None, "prod"), repository.release("v1.1.0")
    tags = [repository.assign("prod", second), repository.assign("dev!", second)]
    tags += [repository.assign("prod!", first), repository.assign("prod!", second)]
    repository.assign("dev", first)
    repository.tag("model@v1.0.0!", first)
    with repository.catalogue() as catalogue:
        changes = [
            (stage, event.tag, now.commit if now else None)
            for stage, event, now in catalogue.changes("model")
        ]
    assert changes == [
        ("prod", "model#prod#1", first),
        ("prod", tags[0], second),
        ("prod", tags[3], None),
        ("dev", "model#dev#6", first),
        ("dev", "model@v1.0.0!", None),
    ]


def test_a_commit_without_a_number_can_be_in_a_stage(repository):
    """As GTO allows it."""
    commit = repository.commit(Model())
    repository.assign("prod", commit)
    with repository.catalogue() as catalogue:
        assert in_stages(catalogue) == {"prod": commit}
        assert catalogue.models == ["model"]
        assert not catalogue.withdrawn("model", commit)


def test_versions_are_newest_first(repository):
    """By the date of their tags, and in one second by their numbers."""
    commits = {number: repository.commit(Model()) for number in ("v1.9.0", "v2.0.0", "v1.10.0")}
    for number, commit in commits.items():
        repository.days = 5 if number == "v2.0.0" else 9
        repository.tag(f"model@{number}", commit)
    with repository.catalogue() as catalogue:
        assert list(numbers(catalogue)) == ["v1.10.0", "v1.9.0", "v2.0.0"]
        assert catalogue.registered("other") == []


def test_a_commit_may_have_two_numbers(repository):
    """Each number is found, and the commit goes by the last one."""
    commit = repository.release("v1.0.0")
    repository.tag("model@v2.0.0", commit)
    with repository.catalogue() as catalogue:
        assert numbers(catalogue) == {"v2.0.0": commit, "v1.0.0": commit}
        assert catalogue.at("model", commit).number == "v2.0.0"
        assert [version.number for version in catalogue.registered_at(commit)] == ["v2.0.0"]


def test_a_number_may_move_to_another_commit(repository):
    """It is where it was registered last."""
    repository.release("v1.0.0")
    repository.tag("model@v1.0.0!")
    second = repository.commit(Model("b"))
    repository.tag("model@v1.0.0#2")
    with repository.catalogue() as catalogue:
        assert numbers(catalogue) == {"v1.0.0": second}


def test_models_live_side_by_side(repository):
    """Each has its numbers and stages, and one can be chosen."""
    commit = repository.commit(Model("a"), OTHER)
    for name in ("model", "other"):
        repository.tag(f"{name}@v1.0.0")
        repository.assign("prod", commit, name)
    with repository.catalogue() as catalogue:
        assert catalogue.models == catalogue.current_models == ["model", "other"]
        assert [version.model for version in catalogue.registered_at(commit)] == ["model", "other"]
    with repository.catalogue("other") as catalogue:
        assert catalogue.models == catalogue.current_models == ["other"]
        assert [version.model for version in catalogue.registered_at(commit)] == ["other"]
        assert {event.model for event in catalogue.events} == {"other"}


def test_a_model_may_be_known_by_its_tags_or_by_dvc_yaml(repository):
    """Either is enough to choose it; what is neither is refused, with the nearest name."""
    repository.commit(Model("a", name="old"))
    repository.tag("old@v1.0.0")
    repository.commit(Model("b", name="churn"))
    for name in ("old", "churn"):
        with repository.catalogue(name) as catalogue:
            assert catalogue.model == name
    with (
        pytest.raises(UserError, match=r"no model 'chrun' \(did you mean 'churn'\?\)"),
        repository.catalogue("chrun"),
    ):
        pass


def test_a_chosen_model_is_the_only_one(repository):
    """Also where no version of it is registered, and in a project below the top."""
    repository.commit(Model("a"), OTHER)
    repository.tag("model@v1.0.0")
    repository.commit(Model("c"), under="sub/")
    with repository.catalogue("other") as catalogue:
        assert (catalogue.models, catalogue.current_models) == ([], ["other"])
    with repository.catalogue("sub:model") as catalogue:
        assert (catalogue.models, catalogue.current_models) == ([], ["sub:model"])


def test_models_of_a_commit_are_those_of_its_dvc_yaml(repository):
    """None where that cannot be read."""
    good = repository.commit(Model(), OTHER)
    bad = repository.commit(others={"dvc.yaml": "{"})
    with repository.catalogue() as catalogue:
        assert catalogue.models_of(good) == ["model", "other"]
        assert [catalogue.models_of(commit) for commit in (bad, MISSING)] == [[], []]
        assert catalogue.current_models == []


def test_commits_that_made_another_model_are_found(repository):
    """Newest first, with author and date; not those of a registered recipe, nor other changes."""
    repository.commit(others={"README.md": "x"})
    repository.release("v1.0.0", Model("a"))
    first = repository.commit(Model("b"))
    repository.commit(others={"README.md": "y"})
    repository.commit(Model("a"))
    second = repository.commit(Model("c"))
    with repository.catalogue() as catalogue:
        entries = catalogue.unregistered("model")
    assert [(version.commit, version.number) for version, *_ in entries] == [
        (second, None),
        (first, None),
    ]
    assert entries[0][1:] == ("Ada Lovelace", "2026-01-08T09:30:00+00:00")


def test_every_branch_and_tag_is_looked_through(repository):
    """Branches here and of a remote, merged ones, tags without a branch, a detached HEAD."""
    root = repository.commit(Model("a"))
    places = ["branch", "merged", "remote", "tag", "detached", "gone"]
    commits = {
        place: repository.commit(Model(digest(place)), branch=place, parents=[root])
        for place in places
    }
    merge = repository.commit(Model("b"), parents=[root, commits["merged"]])
    repository.point("remotes/origin/x", commits["remote"])
    repository.point("tags/some", commits["tag"])
    repository.git("update-ref", "--no-deref", "HEAD", commits["detached"])
    for branch in places[1:]:
        repository.git("update-ref", "-d", f"refs/heads/{branch}")
    del commits["gone"]
    with repository.catalogue() as catalogue:
        assert {*unregistered(catalogue)} == {root, merge, *commits.values()}


def test_metadata_that_moved_are_followed_in_history(repository):
    """Where they are now, and where they were when a version was registered."""
    repository.release("v1.0.0", Model("a", metadata="old.json"))
    commits = [repository.commit(Model("b", metadata="old.json"))]
    commits.append(repository.commit(Model("c", metadata="new.json"), others={"old.json": None}))
    commits.append(repository.commit(Model("d", metadata="new.json")))
    with repository.catalogue() as catalogue:
        assert unregistered(catalogue) == commits[::-1]


def test_what_leads_nowhere_hides_nothing(repository):
    """Tags and branches whose objects are lost, and a HEAD that names no branch."""
    repository.release("v1.0.0", Model("a"))
    commit = repository.commit(Model("b"))
    for ref in ("tags/lost", "heads/lost"):
        repository.point(ref, MISSING)
    repository.raw_tag("model@v2.0.0", MISSING, "A <a@b> 1 +0000")
    repository.git("symbolic-ref", "HEAD", "refs/heads/none")
    with repository.catalogue() as catalogue:
        assert unregistered(catalogue) == [commit]
        assert catalogue.current_models == []
        assert list(numbers(catalogue)) == ["v1.0.0", "v2.0.0"]


def test_authors_may_have_any_name(repository):
    """Signs that other programs take for the end of a line are letters of a name here."""
    name = "Ada\u2028Love\x85lace"
    repository.commit(Model("a"), author=name)
    with repository.catalogue() as catalogue:
        assert [author for _, author, _ in catalogue.unregistered("model")] == [name]


def test_an_empty_repository_has_nothing(repository):
    """No commit, no model, no version, and no error."""
    with repository.catalogue() as catalogue:
        assert (catalogue.models, catalogue.current_models, catalogue.assignments) == ([], [], {})
        assert unregistered(catalogue) == []


def test_a_project_below_the_top_sees_its_own_models(repository):
    """From the top all are seen, by their full names; in a project, its own by either name."""
    repository.commit(Model("a"), under="one/")
    commit = repository.commit(Model("b"), under="two/er/")
    for model in ("one=model", "two/er=model"):
        repository.tag(f"{model}@v1.0.0")
    repository.tag("model@v9.0.0")
    with repository.catalogue() as catalogue:
        assert catalogue.models == ["model", "one:model", "two/er:model"]
    for name in (None, "model", "two/er:model"):
        with repository.catalogue(name, under="two/er") as catalogue:
            assert catalogue.models == catalogue.current_models == ["two/er:model"]
            assert numbers(catalogue, "two/er:model") == {"v1.0.0": commit}
    with pytest.raises(UserError), repository.catalogue("one:model", under="two/er"):
        pass
    with repository.catalogue("two/er:model") as catalogue:
        assert catalogue.models_of(commit) == ["two/er:model"]
        assert package_of(
            catalogue.pipeline(catalogue.at("two/er:model", commit)),
            Version("two/er:model", commit),
        ) == ("package", Model("b").content)


def test_a_project_below_the_top_has_its_own_history(repository):
    """A commit of another project is none of its own."""
    repository.commit(Model("a"), under="one/")
    commits = [repository.commit(Model(recipe), under="two/er/") for recipe in ("b", "c")]
    with repository.catalogue(under="two/er") as catalogue:
        assert unregistered(catalogue, "two/er:model") == commits[::-1]


def seen(place):
    """Return what the catalogue of a repository says, wherever it is."""
    with opened(str(place)) as git:
        catalogue = Catalogue(git)
        return numbers(catalogue), in_stages(catalogue), unregistered(catalogue)


def test_every_kind_of_clone_says_the_same(released, tmp_path):
    """Bare by its directory and by its URL, a clone with a work tree, a detached HEAD."""
    expected = seen(released.directory)
    assert [len(part) for part in expected] == [2, 2, 1]
    bare, whole = clone(released, tmp_path / "b", "--bare"), clone(released, tmp_path / "w")
    subprocess.run(["git", "checkout", "--quiet", "model@v1.0.0"], cwd=whole, check=True)
    for place in (bare, bare.as_uri(), whole, whole / ".git", released.directory.as_uri()):
        assert seen(place) == expected


def test_a_linked_work_tree_says_the_same(released, tmp_path):
    """It has another HEAD and the same tags."""
    main = clone(released, tmp_path / "main")
    words = ["git", "worktree", "add", "--quiet", "--detach", tmp_path / "linked", "HEAD~1"]
    subprocess.run(words, cwd=main, check=True)
    assert seen(tmp_path / "linked") == seen(released.directory)


def test_a_submodule_is_a_repository_of_its_own(released, repository):
    """Its models are seen in it, and not from the repository around it."""
    repository.release("v9.0.0")
    repository.git("reset", "--quiet", "--hard")
    words = ["submodule", "--quiet", "add", released.directory.as_uri(), "sub"]
    repository.git("-c", "protocol.file.allow=always", *words)
    assert seen(repository.directory / "sub") == seen(released.directory)
    assert list(seen(repository.directory)[0]) == ["v9.0.0"]


def test_a_clone_of_a_part_sees_that_part(released, tmp_path):
    """A shallow clone, and one without tags, lack versions and make nothing up."""
    shallow = clone(released, tmp_path / "shallow", "--depth", "1")
    assert [len(part) for part in seen(shallow)] == [0, 0, 1]
    without = clone(released, tmp_path / "without", "--no-tags")
    assert [len(part) for part in seen(without)] == [0, 0, 3]


def test_objects_may_be_named_by_sha256(tmp_path):
    """Git's newer kind of repository is read like the other."""
    made = Repository(tmp_path / "repository", "sha256")
    commit = made.release("v1.0.0", Model("a"), "prod")
    other = made.commit(Model("b"))
    assert len(commit) == 64
    assert seen(made.directory) == ({"v1.0.0": commit}, {"prod": commit}, [other])
    data, _ = answer("list", "--repo", str(made.directory))
    assert data[0]["recipe_id"] == digest("a")


def test_the_package_of_a_version_has_a_path_and_a_hash(repository):
    """As dvc.lock of its commit says."""
    model = Model("a", package="out/it")
    version = Version("model", repository.commit(model))
    with repository.catalogue() as catalogue:
        assert package_of(catalogue.pipeline(version), version) == ("out/it", model.content)


@pytest.mark.parametrize("lock", ["stages: {}", "stages: {make: {outs: [{path: package}]}}"])
def test_a_commit_without_a_package_is_refused(repository, lock):
    """No stage makes it, or it was never hashed; or the model has another name."""
    repository.commit(Model("a"))
    version = Version("model", repository.commit(others={"dvc.lock": lock}))
    renamed = replace(version, model="other")
    with repository.catalogue() as catalogue:
        for other in (version, renamed):
            with pytest.raises(UserError, match=f"has no package of the model '{other.name}'"):
                package_of(catalogue.pipeline(other), other)
