"""MLflow has the versions and stages that the tags say, and nothing of somebody else is touched.

These tests use MLflow's client with a directory of files; one with a server is in
test_server.py.
"""

from dataclasses import replace

import pytest

from modelkeep.export import tracking
from modelkeep.export.tracking import Tracking
from modelkeep_core.errors import UserError


@pytest.fixture
def uri(tmp_path, monkeypatch):
    """Where MLflow keeps its files in this test."""
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    return (tmp_path / "mlflow").as_uri()


@pytest.fixture
def client(uri):
    """MLflow's own client there."""
    # Takes seconds, and is needed in one process only
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=uri, registry_uri=uri)


def follow(project, uri, prefix=""):
    """Let MLflow follow the project, and return what was done."""
    with project.catalogue() as catalogue:
        return Tracking(uri, catalogue, "made-up", prefix).follow()


def there(client, name="made-up"):
    """Return the numbers of the versions that MLflow has by its own numbers, and the aliases."""
    versions = client.search_model_versions(f"name = '{name}'")
    numbers = {str(each.version): each.tags["modelkeep.version"] for each in versions}
    aliases = client.get_registered_model(name).aliases
    return sorted(numbers.values()), {
        stage: numbers[str(number)] for stage, number in aliases.items()
    }


def runs_of(client, name="made-up"):
    """Return the runs of a model's experiment that are not deleted."""
    return client.search_runs([client.get_experiment_by_name(name).experiment_id])


def test_every_version_is_written_once(numbered, client, uri):
    """Each has a run with its package and a model version; a second time there is nothing to do."""
    numbered.assign("prod", "strong")
    assert follow(numbered, uri).added == ["v1.0.0", "v1.1.0", "v1.2.0"]
    assert there(client) == (["v1.0.0", "v1.1.0", "v1.2.0"], {"prod": "v1.1.0"})
    before = {run.info.run_id for run in runs_of(client)}
    again = follow(numbered, uri)
    assert (again.added, again.removed, again.present) == ([], [], 3)
    assert {run.info.run_id for run in runs_of(client)} == before
    (run,) = (run for run in runs_of(client) if run.info.run_name == "made-up v1.0.0")
    files = {file.path for file in client.list_artifacts(run.info.run_id, "model/data/package")}
    assert {"model/data/package/model.skops", "model/data/package/manifest.json"} <= files


def test_a_rollback_follows(numbered, client, uri):
    """The alias is what the stage is now; a stage that was emptied has no alias any more."""
    for branch in ("weak", "strong"):
        numbered.assign("prod", branch)
    numbered.assign("staging", "main")
    follow(numbered, uri)
    assert there(client)[1] == {"prod": "v1.1.0", "staging": "v1.2.0"}
    numbered.assign("prod", "weak")
    numbered.tag("made-up#staging!#5", "main")
    follow(numbered, uri)
    assert there(client)[1] == {"prod": "v1.0.0"}


def test_a_removed_version_follows(numbered, client, uri):
    """What was taken back is deleted there with its run; registered anew, it comes back."""
    follow(numbered, uri)
    numbered.tag("made-up@v1.2.0!", "main")
    assert follow(numbered, uri).removed == ["v1.2.0"]
    assert there(client)[0] == ["v1.0.0", "v1.1.0"]
    assert len(runs_of(client)) == 2
    numbered.tag("made-up@v1.3.0", "main")
    follow(numbered, uri)
    assert there(client)[0] == ["v1.0.0", "v1.1.0", "v1.3.0"]


def test_a_number_that_moved_to_another_commit_follows(numbered, client, uri):
    """The version of the old tag is deleted, and that of the new one written."""
    follow(numbered, uri)
    numbered.git("tag", "-d", "made-up@v1.2.0")
    numbered.tag("made-up@v1.2.0", "weak", "Other")
    done = follow(numbered, uri)
    assert (done.added, done.removed) == (["v1.2.0"], ["v1.2.0"])


@pytest.mark.parametrize(
    "step", ["log_batch", "log_artifacts", "create_model_version", "set_terminated"]
)
def test_what_was_cut_off_is_written_again(numbered, client, uri, monkeypatch, step):
    """An export that ends at any step leaves a version that the next one writes whole, once."""

    def cut(*args, **kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(type(client), step, cut)
        with pytest.raises(KeyboardInterrupt):
            follow(numbered, uri)
    follow(numbered, uri)
    assert there(client)[0] == ["v1.0.0", "v1.1.0", "v1.2.0"]
    assert len(runs_of(client)) == 3


def test_a_version_without_its_bytes_leaves_nothing_there(numbered, client, uri):
    """The error names it, and no run of it was made."""
    numbered.lose_cache()
    for name in numbered.objects("weak").values():
        numbered.stored(name).unlink(missing_ok=True)
    with pytest.raises(UserError, match="package"):
        follow(numbered, uri)
    assert runs_of(client) == []


def test_nothing_is_written_where_a_signature_is_missing(numbered, client, uri):
    """Those who read MLflow get no stage that others would refuse."""
    numbered.assign("prod", "strong")
    with numbered.catalogue() as catalogue:
        follower = Tracking(uri, catalogue, "made-up")

        def check(event):
            raise UserError(f"{event.tag} is not signed.")

        catalogue.check_signed = check
        with pytest.raises(UserError, match="made-up#prod#1 is not signed"):
            follower.follow()
    assert client.search_registered_models() == []


def test_a_model_of_somebody_else_is_not_touched(numbered, client, uri):
    """A registered model of the same name stays as it is; a prefix is another name."""
    client.create_registered_model("made-up")
    with pytest.raises(UserError, match=r"not of this repository.*--prefix"):
        follow(numbered, uri)
    assert client.search_model_versions("name = 'made-up'") == []
    follow(numbered, uri, "ours-")
    assert there(client, "ours-made-up")[0] == ["v1.0.0", "v1.1.0", "v1.2.0"]


def test_runs_and_aliases_of_others_stay(numbered, client, uri):
    """What somebody put beside ours is neither deleted nor moved."""
    follow(numbered, uri)
    experiment = client.get_experiment_by_name("made-up").experiment_id
    theirs = client.create_run(experiment).info.run_id
    client.set_registered_model_alias("made-up", "champion", "1")
    follow(numbered, uri)
    assert theirs in {run.info.run_id for run in runs_of(client)}
    assert there(client)[1] == {"champion": "v1.0.0"}


def test_a_stage_that_mlflow_takes_no_alias_of_is_told(numbered, client, uri):
    """It is left out, with a word."""
    numbered.assign("eu/prod", "strong")
    done = follow(numbered, uri)
    assert "MLflow takes no alias 'eu/prod'" in done.described()
    assert there(client)[1] == {}


def test_a_deprecated_model_is_marked(numbered, client, uri):
    """Its reason is a tag of the registered model, until something is said of the model again."""
    numbered.tag("made-up@deprecated", "main", "Replaced")
    follow(numbered, uri)
    tags = client.get_registered_model("made-up").tags
    assert tags[tracking.DEPRECATED] == "Replaced"


def test_a_clone_is_the_same_repository(numbered, uri, tmp_path):
    """Another clone goes on where this one ended."""
    follow(numbered, uri)
    clone = tmp_path / "clone"
    numbered.git("clone", "--quiet", str(numbered.directory), str(clone))
    assert follow(replace(numbered, directory=clone), uri).added == []


def test_without_the_client_there_is_a_sentence(numbered, monkeypatch):
    """It says what to install."""
    monkeypatch.setitem(__import__("sys").modules, "mlflow", None)
    with pytest.raises(UserError, match="pip install 'mlflow-skinny"):
        follow(numbered, "http://127.0.0.1:1")


def test_a_server_that_is_not_there_is_told(numbered, monkeypatch):
    """The error names the address."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(UserError, match=r"no MLflow can be reached at http://127\.0\.0\.1:1"):
        follow(numbered, "http://127.0.0.1:1")
