"""Remotes: what is pushed comes back in a clone, and no secret is in Git."""

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from conftest import Bake, Run, Warmed
from test_pipeline import contents

pytestmark = pytest.mark.slow

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "AKIATEST", "AWS_SECRET_ACCESS_KEY": "s3cr3t-value"}


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """Start an S3 server on loopback with an empty bucket "models"; return its address."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    client(address).create_bucket(Bucket="models")
    yield address
    server.stop()


def client(address: str):
    """Return a client of the S3 server."""
    return boto3.client(
        "s3",
        endpoint_url=address,
        region_name="us-east-1",
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
    )


def test_s3_round_trip(bake: Bake, warmed: Warmed, run: Run, s3: str, tmp_path: Path) -> None:
    """Train, push to S3, clone, pull: the clone has every byte and nothing to train."""
    project = warmed(bake(dvc_remote="s3://models/penguins"))
    local = f"dvc remote modify --local storage endpointurl {s3}"
    run(f"{local} && dvc repro -q && git add . && git commit -qm Trained", project)
    run("dvc push", project, **CREDENTIALS)
    assert client(s3).list_objects_v2(Bucket="models", Prefix="penguins/")["KeyCount"] > 10
    run(f"git clone -q {project} clone", tmp_path)
    clone = tmp_path / "clone"
    run(local, clone)
    run("dvc pull", clone, **CREDENTIALS)
    assert contents(clone) == contents(project)
    assert "Running stage" not in run("dvc repro", clone).stdout
    in_git = run("git log --patch --all", project).stdout
    assert "s3://models/penguins" in in_git
    assert s3 not in in_git
    assert not any(value in in_git for value in CREDENTIALS.values())


def test_a_credential_in_the_local_settings_stays_out_of_git(bake: Bake, run: Run) -> None:
    """What `dvc remote modify --local` writes is ignored by Git."""
    project = bake(dvc_remote="s3://models/penguins")
    run("dvc remote modify --local storage secret_access_key s3cr3t-value", project)
    assert "s3cr3t-value" in (project / ".dvc" / "config.local").read_text("utf-8")
    assert run("git status --porcelain", project).stdout == ""


@pytest.mark.parametrize(
    "remote", ["gs://b/p", "azure://c/p", "ssh://h/d", "https://h/d", "/srv/d"]
)
def test_every_remote_is_one_for_dvc(bake: Bake, run: Run, remote: str) -> None:
    """DVC takes the settings of every kind of remote that the answers allow."""
    project = bake(dvc_remote=remote)
    assert run("dvc remote list", project).stdout.split() == ["storage", remote, "(default)"]
