"""Tables at a URL, and tables that DVC has and nobody checked out, are scored like files."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import boto3
import polars as pl
import pytest
from moto.server import ThreadedMotoServer
from polars.testing import assert_frame_equal

from modelkeep import batch
from modelkeep.batch import Shard
from modelkeep.scoring import afar, ledger, sources
from modelkeep_core.errors import UserError
from modelkeep_core.files import read_json, sha256
from modelkeep_core.workers import PROCESSES

ASKED = ["size", "count", "member", "colour"]


@pytest.fixture(scope="module")
def server():
    """Run an S3 server on loopback."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(server, monkeypatch):
    """Return an empty bucket, which DVC's file systems reach as well."""
    import s3fs

    monkeypatch.setenv("AWS_ENDPOINT_URL", server)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    bucket = boto3.resource("s3").Bucket("tables")
    bucket.create()
    s3fs.S3FileSystem.clear_instance_cache()
    afar.at_url.cache_clear()
    yield bucket
    bucket.objects.delete()
    bucket.delete()
    afar.at_url.cache_clear()


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    """Let a part have 50 rows, computed in this process."""
    monkeypatch.setenv(PROCESSES, "1")
    monkeypatch.setattr(sources, "PART_ROWS", 50)
    monkeypatch.setattr("modelkeep_core.csv_text.CHUNK", 200)


@pytest.fixture
def given(table, tmp_path):
    """Return a directory with two tables and a file that is none."""
    place = tmp_path / "in"
    (place / "more").mkdir(parents=True)
    table.select(ASKED).write_csv(place / "first one.csv")
    table.select(ASKED).reverse().write_parquet(place / "more" / "zweite-ü.parquet")
    (place / "README.txt").write_text("no table", encoding="utf-8")
    return place


def put(bucket, place, prefix):
    """Copy a directory into a bucket."""
    for path in place.rglob("*"):
        if path.is_file():
            bucket.upload_file(str(path), f"{prefix}/{path.relative_to(place).as_posix()}")


def stored(bucket, prefix):
    """Return the bytes of the objects below a prefix, without records and manifests."""
    return {
        key: item.get()["Body"].read()
        for item in bucket.objects.filter(Prefix=f"{prefix}/")
        for key in [item.key.removeprefix(f"{prefix}/")]
        if not key.startswith((ledger.RECORDS, "manifest"))
    }


def local(place):
    """Return the bytes of the files of a directory, without records and manifests."""
    names = {path.relative_to(place).as_posix(): path for path in place.rglob("*")}
    return {
        name: path.read_bytes()
        for name, path in names.items()
        if path.is_file() and not name.startswith((ledger.RECORDS, "manifest"))
    }


def stopped_before(monkeypatch, number):
    """Interrupt a run before the part of this number, and return the names of those before."""
    scored, score = [], batch.score_part

    def counted(settings, records, part):
        if len(scored) == number:
            raise KeyboardInterrupt
        scored.append(part.output)
        return score(settings, records, part)

    monkeypatch.setattr(batch, "score_part", counted)
    return scored


def test_from_a_bucket_into_a_bucket(run, bucket, given, tmp_path):
    """The bytes and the manifest are those of the same files on disk, and nothing else stays."""
    put(bucket, given, "in")
    notes, here = [], tmp_path / "out"
    rows = batch.predict_file(run.package, "s3://tables/in/", "s3://tables/out", say=notes.append)
    assert rows == batch.predict_file(run.package, given, here)
    assert stored(bucket, "out") == local(here)
    manifest = json.loads(bucket.Object(f"out/{ledger.MANIFEST}").get()["Body"].read())
    assert manifest == read_json(here / ledger.MANIFEST)
    assert notes == ["note: files in s3://tables/in/ that are no tables and left out: 1"]


@pytest.mark.parametrize("name", ["rows.csv", "rows.parquet"])
def test_a_file_at_a_url_becomes_a_file_at_a_url(run, bucket, table, tmp_path, name):
    """As on disk; beside it lies nothing."""
    getattr(table.select(ASKED), f"write_{Path(name).suffix[1:]}")(tmp_path / name)
    bucket.upload_file(str(tmp_path / name), name)
    batch.predict_file(run.package, f"s3://tables/{name}", f"s3://tables/out/{name}")
    batch.predict_file(run.package, tmp_path / name, tmp_path / f"out-{name}")
    assert stored(bucket, "out") == {name: (tmp_path / f"out-{name}").read_bytes()}


def test_a_run_into_a_bucket_goes_on(run, bucket, given, monkeypatch):
    """What is whole is not done again; what was changed there, or is of another input, is."""
    put(bucket, given, "in")
    places = ("s3://tables/in", "s3://tables/out")
    with monkeypatch.context() as first:
        stopped_before(first, 2)
        with pytest.raises(KeyboardInterrupt):
            batch.predict_file(run.package, *places)
    assert len(stored(bucket, "out")) == 2
    scored = stopped_before(monkeypatch, None)
    batch.predict_file(run.package, *places)
    expected = stored(bucket, "out")
    assert len(scored) == len(expected) - 2
    scored.clear()
    bucket.put_object(Key="out/first one-00002.csv", Body=b"damaged")
    bucket.Object("out/more/zweite-ü-00001.parquet").delete()
    batch.predict_file(run.package, *places)
    assert sorted(scored) == ["first one-00002.csv", "more/zweite-ü-00001.parquet"]
    assert stored(bucket, "out") == expected
    bucket.Object("in/first one.csv").delete()
    batch.predict_file(run.package, *places)
    assert {name.split("/")[0] for name in stored(bucket, "out")} == {"more"}


def test_shards_in_a_bucket_together_are_the_whole(run, bucket, given, tmp_path):
    """Byte for byte, with more shards than files."""
    put(bucket, given, "in")
    for number in (1, 2, 3):
        shard = Shard(number, 3)
        batch.predict_file(run.package, "s3://tables/in", "s3://tables/out", shard=shard)
    batch.predict_file(run.package, given, tmp_path / "out")
    assert stored(bucket, "out") == local(tmp_path / "out")
    bucket.Object("out/manifest-3-of-3.json").load()


def test_bad_rows_of_a_bucket_are_listed_here(run, bucket, table, tmp_path):
    """Also those of parts that an earlier run has done."""
    rows = table.select(ASKED)
    broken = rows.with_columns(
        count=pl.when(pl.int_range(pl.len()) == 70).then(-1).otherwise("count")
    )
    broken.write_csv(tmp_path / "rows.csv")
    bucket.upload_file(str(tmp_path / "rows.csv"), "rows.csv")
    places = ("s3://tables/rows.csv", "s3://tables/out")
    with pytest.raises(UserError, match=r"s3://tables/rows\.csv breaks .*package/schema\.yaml"):
        batch.predict_file(run.package, *places)
    for name in ("bad.csv", "again.csv"):
        batch.predict_file(run.package, *places, bad_rows=tmp_path / name)
        assert pl.read_csv(tmp_path / name, infer_schema=False).rows() == [
            ("rows.csv", "71", "count", "at least 0", "-1")
        ]


@pytest.mark.parametrize(
    ("source", "out", "message"),
    [
        ("s3://tables/gone.csv", "out", r"s3://tables/gone\.csv is missing"),
        ("s3://tables/in/empty.csv", "out", r"s3://tables/in/empty\.csv cannot be read"),
        ("s3://tables/empty", "out", r"s3://tables/empty is missing"),
        ("s3://tables/in", "out.csv", r"is a directory of tables: write to a directory"),
        ("s3://tables/in", "s3://tables/in/out", r"s3://tables/in/out is in s3://tables/in"),
        ("s3://tables/in", "s3://tables/mine", r"mine has notes\.txt in it"),
        ("s3://nobody/in", "out", r"s3://nobody/in (is missing|cannot be reached)"),
        ("nothing://x/in", "out", r"nothing://x/in cannot be opened"),
        ("remote://storage/in", "out", r"remote://storage/in cannot be opened"),
    ],
)
def test_a_place_afar_that_does_not_suit_is_refused(
    run, bucket, table, tmp_path, monkeypatch, source, out, message
):
    """In a sentence that names it as it was typed."""
    monkeypatch.chdir(tmp_path)
    table.select(ASKED).write_csv("rows.csv")
    bucket.upload_file("rows.csv", "in/rows.csv")
    if source.endswith("empty.csv"):
        bucket.put_object(Key="in/empty.csv", Body=b"")
    bucket.put_object(Key="mine/notes.txt", Body=b"mine")
    with pytest.raises(UserError, match=message):
        batch.predict_file(run.package, source, out if afar.is_url(out) else Path(out))
    assert not Path("out").exists()


@pytest.mark.parametrize("scheme", ["https", "nothing"])
def test_a_password_in_a_url_is_not_shown(run, tmp_path, scheme):
    """Whatever is wrong with the place."""
    url = f"{scheme}://ada:s3cret@127.0.0.1:9/in.csv"
    with pytest.raises(UserError, match=rf"^{scheme}://127\.0\.0\.1:9/in\.csv ") as refused:
        batch.predict_file(run.package, url, tmp_path / "out.csv")
    assert "s3cret" not in str(refused.value)


def test_a_storage_that_does_not_answer_is_named(run, monkeypatch, tmp_path):
    """Not by a traceback of its library."""
    import s3fs

    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    s3fs.S3FileSystem.clear_instance_cache()
    afar.at_url.cache_clear()
    with pytest.raises(UserError, match=r"s3://tables/in cannot be reached: .*127\.0\.0\.1:9"):
        batch.predict_file(run.package, "s3://tables/in", tmp_path / "out")


@pytest.fixture
def project(given, tmp_path, monkeypatch):
    """Stand in a DVC project that tracks the tables, which are not checked out."""
    root = tmp_path / "project"
    (root / "data").mkdir(parents=True)
    shutil.copytree(given, root / "data" / "in")
    shutil.copy(given / "first one.csv", root / "data" / "one.csv")
    monkeypatch.chdir(root)
    for words in (
        ["init", "-q", "--no-scm"],
        ["remote", "add", "-q", "-d", "storage", str(tmp_path / "storage")],
        ["add", "-q", "data/in", "data/one.csv"],
        ["push", "-q"],
    ):
        subprocess.run([sys.executable, "-m", "dvc", *words], check=True)
    shutil.rmtree("data/in")
    Path("data/one.csv").unlink()
    return root


@pytest.mark.parametrize("cached", [True, False])
def test_what_dvc_tracks_is_scored_without_a_checkout(run, project, given, tmp_path, cached):
    """From the cache or from the remote: a file, a directory, and a part of a directory."""
    if not cached:
        shutil.rmtree(project / ".dvc" / "cache")
    out = tmp_path / "out"
    batch.predict_file(run.package, Path("data/in"), out)
    batch.predict_file(run.package, given, tmp_path / "expected")
    assert local(out) == local(tmp_path / "expected")
    assert not Path("data/in").exists()
    for number, path in enumerate(("data/one.csv", project / "data" / "in" / "first one.csv")):
        target = tmp_path / f"{number}.csv"
        batch.predict_file(run.package, Path(path), target)
        assert len(pl.read_csv(target)) == 120


def test_what_neither_cache_nor_remote_has_is_refused(run, project, tmp_path):
    """The sentence names the path."""
    shutil.rmtree(project / ".dvc" / "cache")
    shutil.rmtree(tmp_path / "storage")
    with pytest.raises(UserError, match=r"data/one\.csv cannot be reached: No storage files"):
        batch.predict_file(run.package, Path("data/one.csv"), tmp_path / "out.csv")
    with pytest.raises(UserError, match=r"data/two\.csv is missing"):
        batch.predict_file(run.package, Path("data/two.csv"), tmp_path / "out.csv")
    with pytest.raises(UserError, match=r"one\.csv is the file to score"):
        batch.predict_file(run.package, Path("data/one.csv"), Path("data/one.csv"))


def test_a_remote_of_the_project_is_a_place(run, project, given, tmp_path):
    """As for DVC's own commands: remote://NAME/PATH, with the settings of the remote."""
    afar.at_url.cache_clear()
    shutil.copytree(given, tmp_path / "storage" / "in")
    batch.predict_file(run.package, "remote://storage/in", "remote://storage/out")
    batch.predict_file(run.package, given, tmp_path / "expected")
    assert local(tmp_path / "storage" / "out") == local(tmp_path / "expected")
    assert_frame_equal(
        pl.read_csv(tmp_path / "storage" / "out" / "first one-00001.csv"),
        pl.read_csv(tmp_path / "expected" / "first one-00001.csv"),
    )
    manifest = read_json(tmp_path / "storage" / "out" / ledger.MANIFEST)
    for part in manifest["parts"]:
        assert part["output"]["sha256"] == sha256(
            tmp_path / "storage" / "out" / part["output"]["name"]
        )
    afar.at_url.cache_clear()
