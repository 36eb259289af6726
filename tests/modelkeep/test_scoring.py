"""Tables of any length are scored part by part: alike, once, and as far as they are whole."""

import errno
import json
import os
import resource
import signal
import subprocess
import sys
import time
from argparse import ArgumentParser
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from modelkeep import batch, predict
from modelkeep.batch import Shard
from modelkeep.ready import open_ready, predictor
from modelkeep.scoring import finishing, ledger, sources, task
from modelkeep.scoring.answers import Answerer
from modelkeep.scoring.progress import described
from modelkeep_core import tables
from modelkeep_core.errors import UserError
from modelkeep_core.files import read_json, sha256, write_json
from modelkeep_core.package import hashes
from modelkeep_core.packaged import FORMAT, MANIFEST, open_package
from modelkeep_core.workers import PROCESSES

ASKED = ["size", "count", "member", "colour"]


@pytest.fixture(autouse=True)
def one_process(monkeypatch):
    """Compute in this process, however slow it is: what a test replaces is replaced here alone."""
    monkeypatch.setenv(PROCESSES, "1")


@pytest.fixture
def small_parts(monkeypatch):
    """Let a part have 50 rows, and a block of a CSV file few."""
    monkeypatch.setattr(sources, "PART_ROWS", 50)
    monkeypatch.setattr("modelkeep_core.csv_text.CHUNK", 200)


@pytest.fixture
def tables_in(table, tmp_path):
    """Return a directory with two tables, one of them in a directory of its own."""
    place = tmp_path / "in"
    (place / "more").mkdir(parents=True)
    table.select(ASKED).write_csv(place / "first.csv")
    table.select(ASKED).reverse().write_parquet(place / "more" / "second.parquet")
    (place / "README.txt").write_text("no table", encoding="utf-8")
    return place


def content(place):
    """Return the bytes of the files of a directory by their names, without records."""
    return {
        path.relative_to(place).as_posix(): path.read_bytes()
        for path in sorted(place.rglob("*"))
        if path.is_file() and ledger.RECORDS not in path.parts and not path.match("manifest*")
    }


def counting(monkeypatch, stop_at=None):
    """Count the parts that are scored, and interrupt the run before one of them."""
    scored, score = [], batch.score_part

    def counted(settings, records, part):
        if len(scored) == stop_at:
            raise KeyboardInterrupt
        scored.append(part.output)
        return score(settings, records, part)

    monkeypatch.setattr(batch, "score_part", counted)
    return scored


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_file_in_parts_is_the_file_at_once(run, table, tmp_path, monkeypatch, kind):
    """How many rows are in memory at a time changes no row, no column and no bit."""
    source = tmp_path / f"rows.{kind}"
    getattr(table, f"write_{kind}")(source)
    whole, parted = tmp_path / f"whole.{kind}", tmp_path / f"parted.{kind}"
    batch.predict_file(run.package, source, whole)
    monkeypatch.setattr(sources, "PART_ROWS", 7)
    monkeypatch.setattr("modelkeep_core.csv_text.CHUNK", 100)
    tables._examined.cache_clear()
    scored = counting(monkeypatch)
    assert batch.predict_file(run.package, source, parted) == len(table)
    assert len(scored) > 10
    if kind == "csv":
        assert parted.read_bytes() == whole.read_bytes()
    else:
        assert_frame_equal(pl.read_parquet(parted), pl.read_parquet(whole), check_exact=True)
    assert {path.name for path in tmp_path.iterdir()} == {source.name, whole.name, parted.name}


def test_the_answers_of_columns_are_those_of_rows_and_of_the_pipeline(
    run, package_copy, table, tmp_path
):
    """Served row by row, scored by columns, scored by the pipeline: one number, to the bit."""
    source = tmp_path / "rows.parquet"
    table.select(ASKED).write_parquet(source)
    batch.predict_file(run.package, source, tmp_path / "columns.parquet")
    scored = pl.read_parquet(tmp_path / "columns.parquet")
    answer = predictor(open_ready(run.package))
    for place, row in enumerate(table.select(ASKED).rows()):
        alone = answer([list(row)])
        assert scored.row(place)[4:] == (alone.predictions[0], *alone.probabilities[0])
    metadata = read_json(package_copy / "model.json") | {"fast_path": {"exact": False}}
    write_json(package_copy / "model.json", metadata)
    (package_copy / MANIFEST).unlink()
    write_json(package_copy / MANIFEST, {"format": FORMAT, "files": hashes(package_copy)})
    batch.predict_file(package_copy, source, tmp_path / "pipeline.parquet")
    assert_frame_equal(pl.read_parquet(tmp_path / "pipeline.parquet"), scored, check_exact=True)


THREADED = """
import sys
from pathlib import Path
from modelkeep.batch import predict_file
from modelkeep.scoring import sources
sources.PART_ROWS = 50
predict_file(*map(Path, sys.argv[1:4]))
"""


@pytest.mark.slow
def test_threads_change_no_byte(run, table, tmp_path):
    """Whether Polars computes with one thread or with sixteen: parts and the joined file."""
    table.write_parquet(tmp_path / "rows.parquet")
    written = []
    for threads in ("1", "16"):
        place = tmp_path / threads
        place.mkdir()
        paths = {"POLARS_MAX_THREADS": threads, "PYTHONPATH": os.pathsep.join(sys.path)}
        for out in (place / "out.parquet", place / "out"):
            command = [sys.executable, "-c", THREADED, run.package, tmp_path / "rows.parquet", out]
            subprocess.run(command, env={**os.environ, **paths}, check=True)
        written.append(content(place))
    assert len(written[0]) > 3
    assert written[0] == written[1]


@pytest.mark.usefixtures("small_parts")
def test_a_process_opens_the_package_once(run, table, tmp_path, monkeypatch):
    """To check it and to score: the parts of the process that was called use what was checked."""
    table.write_parquet(tmp_path / "rows.parquet")
    opened = []
    for module in (batch, task):
        monkeypatch.setattr(
            module, "open_package", lambda *given: opened.append(given) or open_package(*given)
        )
    monkeypatch.setattr(task, "_open", {})
    batch.predict_file(run.package, tmp_path / "rows.parquet", tmp_path / "out.parquet")
    assert len(opened) == 1


@pytest.mark.usefixtures("small_parts")
def test_a_directory_becomes_a_directory(run, tables_in, table, tmp_path):
    """Each table has its parts under its name, and the manifest says what they were made from."""
    out, notes = tmp_path / "out", []
    assert batch.predict_file(run.package, tables_in, out, say=notes.append) == 2 * len(table)
    names = [*content(out)]
    assert names[0] == "first-00001.csv"
    assert names[-1] == "more/second-00003.parquet"
    assert notes == ["note: files in in that are no tables and left out: 1"]
    first = pl.concat(pl.read_csv(out / name) for name in names if name.endswith(".csv"))
    second = pl.read_parquet(out / "more" / "*.parquet")
    assert_frame_equal(second.reverse().select("prediction"), first.select("prediction"))
    manifest = read_json(out / ledger.MANIFEST)
    assert manifest["rows"] == 2 * len(table)
    model = read_json(run.package / "model.json")
    assert manifest["model"]["recipe_id"] == model["recipe_id"]
    assert manifest["model"]["manifest_sha256"] == sha256(run.package / MANIFEST)
    assert [part["output"]["name"] for part in manifest["parts"]] == names
    for part in manifest["parts"]:
        assert part["output"]["sha256"] == sha256(out / part["output"]["name"])
        assert part["input"]["sha256"] == sha256(tables_in / part["input"]["name"])


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("shards", [2, 3])
def test_shards_together_are_the_whole(run, tables_in, tmp_path, shards):
    """Byte for byte, with more shards than files too; the whole finds all that they did."""
    batch.predict_file(run.package, tables_in, tmp_path / "whole")
    out = tmp_path / "out"
    for number in range(1, shards + 1):
        batch.predict_file(run.package, tables_in, out, shard=Shard(number, shards))
        assert (out / f"manifest-{number}-of-{shards}.json").is_file()
    assert content(out) == content(tmp_path / "whole")
    notes = []
    batch.predict_file(run.package, tables_in, out, say=notes.append)
    assert notes[0].endswith("parts are there already.")
    assert read_json(out / ledger.MANIFEST) == read_json(tmp_path / "whole" / ledger.MANIFEST)


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("name", ["out", "out.parquet"])
def test_a_run_that_was_interrupted_goes_on(run, table, tmp_path, monkeypatch, capsys, name):
    """What is whole is not done again, and the output is that of a run in one go."""
    source, out, whole = (tmp_path / place for place in ("rows.parquet", name, f"whole-{name}"))
    table.write_parquet(source)
    batch.predict_file(run.package, source, whole)
    with monkeypatch.context() as first:
        counting(first, stop_at=2)
        with pytest.raises(KeyboardInterrupt):
            batch.predict_file(run.package, source, out)
    assert "the same command goes on" in capsys.readouterr().err
    assert not (out / ledger.MANIFEST).exists()
    scored = counting(monkeypatch)
    batch.predict_file(run.package, source, out)
    assert len(scored) == 1
    if out.suffix:
        assert out.read_bytes() == whole.read_bytes()
        assert not out.with_name("out.parquet.parts").exists()
    else:
        names = [f"rows-0000{number}.parquet" for number in (1, 2, 3)]
        assert [*content(out)] == names
        assert content(out) == content(whole)


def test_a_part_that_is_interrupted_leaves_nothing_half_written(tmp_path):
    """Neither under its name nor under another, whatever stops it."""

    def interrupted(path):
        path.write_text("half", encoding="utf-8")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        task._write(tmp_path / "part.csv", interrupted)
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(
    "write", [task._write, lambda path, _: finishing.write_bad_cells([], path)]
)
def test_what_cannot_be_removed_either_hides_nothing(tmp_path, monkeypatch, write):
    """A file system that can only be read refuses both: what is told is what was wanted first."""

    def refused(path, *_, **__):
        raise OSError(errno.EROFS, "Read-only file system", str(path))

    monkeypatch.setattr(Path, "open", refused)
    monkeypatch.setattr(Path, "unlink", refused)
    out = tmp_path / "rows.csv"
    with pytest.raises(UserError, match=r"rows\.csv cannot be written: Read-only file system\."):
        write(out, refused)


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("to_file", [True, False])
@pytest.mark.parametrize("most", [1, 1500, 3000])
def test_a_full_disk_is_told_and_the_run_goes_on_after_it(
    run, table, tmp_path, monkeypatch, kind, to_file, most
):
    """Whichever file does not fit any more: no traceback, no half file, and the same end."""
    source, out = tmp_path / f"rows.{kind}", tmp_path / ("out." + kind if to_file else "out")
    getattr(table.select(ASKED), f"write_{kind}")(source)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
    try:
        with pytest.raises(UserError, match=r"cannot be written: File too large"):
            batch.predict_file(run.package, source, out)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    left = [path.name for path in tmp_path.rglob("*") if path.name.endswith(ledger.PARTIAL)]
    assert left == []
    assert not out.is_file()
    assert batch.predict_file(run.package, source, out) == len(table)


@pytest.mark.usefixtures("small_parts")
def test_what_is_not_whole_or_of_another_run_is_done_again(
    run, package_copy, tables_in, table, tmp_path, monkeypatch
):
    """A part that was changed or lost, a file that has new rows, another package."""
    out = tmp_path / "out"
    batch.predict_file(run.package, tables_in, out)
    expected = content(out)
    scored = counting(monkeypatch)
    batch.predict_file(run.package, tables_in, out)
    assert scored == []
    (out / "first-00001.csv").write_text("damaged", encoding="utf-8")
    (out / "more" / "second-00002.parquet").unlink()
    with monkeypatch.context() as interrupted:
        counting(interrupted, stop_at=0)
        with pytest.raises(KeyboardInterrupt):
            batch.predict_file(run.package, tables_in, out)
    assert not (out / ledger.MANIFEST).exists()
    batch.predict_file(run.package, tables_in, out)
    assert scored == ["first-00001.csv", "more/second-00002.parquet"]
    assert content(out) == expected
    scored.clear()
    table.select(ASKED).head(40).write_parquet(tables_in / "more" / "second.parquet")
    batch.predict_file(run.package, tables_in, out)
    assert scored == ["more/second.parquet"]
    assert [name for name in content(out) if name.startswith("more")] == ["more/second.parquet"]
    scored.clear()
    (package_copy / "MODEL_CARD.md").write_text("another", encoding="utf-8")
    (package_copy / MANIFEST).unlink()
    write_json(package_copy / MANIFEST, {"format": FORMAT, "files": hashes(package_copy)})
    batch.predict_file(package_copy, tables_in, out)
    assert len(scored) == len(content(out))


@pytest.mark.usefixtures("small_parts")
def test_rows_that_break_the_schema_stop_the_run_or_are_set_aside(run, table, tmp_path):
    """By choice: the first sentence names them, or a file has row, column, rule and value."""
    source, bad = tmp_path / "rows.csv", tmp_path / "bad.csv"
    rows = pl.int_range(pl.len())
    broken = table.select(ASKED).with_columns(
        count=pl.when(rows.is_in([3, 70])).then(-1).otherwise("count"),
        colour=pl.when(rows == 70).then(pl.lit("pi\nnk")).otherwise("colour"),
    )
    broken.write_csv(source)
    with pytest.raises(UserError, match=r"(?s)breaks .*count +at least 0 +1 +rows\.csv: 4"):
        batch.predict_file(run.package, source, tmp_path / "out")
    notes = []
    written = batch.predict_file(
        run.package, source, tmp_path / "out", say=notes.append, bad_rows=bad
    )
    assert written == len(table) - 2
    assert pl.read_csv(bad).rows() == [
        ("rows.csv", 4, "count", "at least 0", "-1"),
        ("rows.csv", 71, "count", "at least 0", "-1"),
        ("rows.csv", 71, "colour", "one of red, green, blue", "pi\\nnk"),
    ]
    assert notes == [f"note: 2 rows break the schema: {bad} says how."]
    kept = broken.with_row_index().filter(~pl.col("index").is_in([3, 70]))
    scored = pl.concat(pl.read_csv(path) for path in sorted((tmp_path / "out").glob("*.csv")))
    assert scored["size"].to_list() == kept["size"].to_list()
    assert read_json(tmp_path / "out" / ledger.MANIFEST)["bad_rows"] == 2
    # All the same where nothing is left to be done, and still a mistake without a file for it
    with pytest.raises(UserError, match="at least 0"):
        batch.predict_file(run.package, source, tmp_path / "out")
    bad.unlink()
    batch.predict_file(run.package, source, tmp_path / "out", bad_rows=bad)
    assert len(pl.read_csv(bad)) == 3


@pytest.mark.usefixtures("small_parts")
def test_a_part_without_a_row_that_keeps_the_schema_fits_the_others(run, table, tmp_path):
    """Its columns have the types of all parts, so that they can be joined."""
    source = tmp_path / "rows.parquet"
    rows = pl.int_range(pl.len())
    broken = table.with_columns(count=pl.when(rows < 50).then(-1).otherwise("count"))
    broken.write_parquet(source)
    out, bad = tmp_path / "out.parquet", tmp_path / "bad.csv"
    assert batch.predict_file(run.package, source, out, bad_rows=bad) == len(table) - 50
    assert pl.read_parquet(out)["prediction"].dtype == pl.String


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_unseen_categories_of_one_part_are_a_column_of_the_file(run, tmp_path, monkeypatch, kind):
    """Where the parts before have none: it names the column in the row alone."""
    colours = ["red"] * 60 + ["green"] * 59
    schema_free = pl.DataFrame({"size": 1.0, "count": 1, "member": True, "colour": colours})
    source, out = tmp_path / f"rows.{kind}", tmp_path / f"out.{kind}"
    getattr(schema_free, f"write_{kind}")(source)
    notes = []
    red_alone = {"colour": frozenset(["red"])}
    monkeypatch.setattr("modelkeep.scoring.answers.learned_values", lambda *_: red_alone)
    monkeypatch.setattr(task, "_open", {})
    batch.predict_file(run.package, source, out, say=notes.append)
    scored = (pl.read_csv if kind == "csv" else pl.read_parquet)(out)
    assert scored["unseen categories"].to_list() == [None] * 60 + ["colour"] * 59
    assert notes == ["note: 'colour': 59 of 119 values were in no training row, such as 'green'."]


def test_a_directory_with_other_things_in_it_is_left_alone(run, tables_in, tmp_path):
    """Nothing is mixed with what somebody keeps there."""
    out = tmp_path / "out"
    out.mkdir()
    (out / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(UserError, match=r"out has notes\.txt in it, which is not of such a run"):
        batch.predict_file(run.package, tables_in, out)
    assert [path.name for path in out.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize(
    ("out", "options", "message"),
    [
        ("out.csv", {}, r"is a directory of tables: write to a directory"),
        ("in", {}, r"in is the directory to score: write the predictions somewhere else"),
        ("in/out", {}, r"in/out is in .*in, which is read"),
        ("out", {"bad_rows": "in/bad.csv"}, r"in/bad\.csv is in .*in, which is read"),
        ("out", {"manifest": "gone/m.json"}, r"gone is no directory"),
        ("out", {"bad_rows": "in.csv", "manifest": "in.csv"}, r"in\.csv is to be written twice"),
        ("out", {"bad_rows": "out"}, r"out is to be written twice"),
        ("out", {"bad_rows": "out/first.csv"}, r"out/first\.csv is a file of the output"),
        ("out", {"bad_rows": "."}, r"cannot be written: it is a directory"),
    ],
)
def test_places_that_do_not_suit_are_refused(run, tables_in, tmp_path, out, options, message):
    """Before anything is read."""
    paths = {name: tmp_path / path for name, path in options.items()}
    with pytest.raises(UserError, match=message):
        batch.predict_file(run.package, tables_in, tmp_path / out, **paths)


@pytest.mark.parametrize(
    ("first", "second", "refused"),
    [("", "", True), ("", "1-of-2", True), ("1-of-2", "1-of-2", True), ("1-of-2", "2-of-2", False)],
)
def test_two_runs_do_not_write_the_same_parts_at_once(
    run, tables_in, tmp_path, first, second, refused
):
    """The second one is told so, and does nothing; shares of the parts go side by side."""
    out = tmp_path / "out"
    held = ledger.Ledger(out, {}, False)
    held.begin()
    shard = Shard(*map(int, second.split("-of-"))) if second else batch.ALL
    with held.held(first):
        if refused:
            with pytest.raises(UserError, match=r"another run writes to .*out now"):
                batch.predict_file(run.package, tables_in, out, shard=shard)
            assert content(out) == {}
        else:
            batch.predict_file(run.package, tables_in, out, shard=shard)
    batch.predict_file(run.package, tables_in, out)


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_table_that_changes_while_it_is_scored_stops_the_run(
    run, table, tmp_path, monkeypatch, kind
):
    """No part is of another table than its hash says; the same command then scores the new one."""
    source, out = tmp_path / f"rows.{kind}", tmp_path / "out"
    getattr(table.select(ASKED), f"write_{kind}")(source)
    score, changed = batch.score_part, table.select(ASKED).reverse()

    def meanwhile(settings, records, part):
        if part.first:
            getattr(changed, f"write_{kind}")(source)
        return score(settings, records, part)

    with monkeypatch.context() as context:
        context.setattr(batch, "score_part", meanwhile)
        with pytest.raises(UserError, match=rf"rows\.{kind} was changed while it was scored"):
            batch.predict_file(run.package, source, out)
    batch.predict_file(run.package, source, out)
    batch.predict_file(run.package, source, tmp_path / "again")
    assert content(out) == content(tmp_path / "again")


def test_parts_of_another_version_of_the_tool_are_done_again(run, tables_in, tmp_path, monkeypatch):
    """Since the manifest says that one version made all of them."""
    batch.predict_file(run.package, tables_in, tmp_path / "out")
    monkeypatch.setattr(batch, "TOOL", {"modelkeep": "9"})
    scored = counting(monkeypatch)
    batch.predict_file(run.package, tables_in, tmp_path / "out")
    assert len(scored) == 2


def test_two_tables_that_would_have_one_name_are_refused(run, tables_in, tmp_path):
    """Neither is written over the other."""
    (tables_in / "FIRST.csv").write_bytes((tables_in / "first.csv").read_bytes())
    with pytest.raises(UserError, match=r"would both be written to"):
        batch.predict_file(run.package, tables_in, tmp_path / "out")


def test_the_header_of_every_table_is_checked_first(run, tables_in, tmp_path):
    """A column that is missing in the last file stops the run before the first row."""
    pl.DataFrame({"size": [1.0]}).write_csv(tables_in / "z.csv")
    with pytest.raises(UserError, match=r"(?s)z\.csv breaks .*count +a column of z\.csv"):
        batch.predict_file(run.package, tables_in, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_progress_says_rows_a_second_and_what_is_left():
    """In one line."""
    line = "predict: 250,000 of 1,000,000 rows, 100,000 rows/s, 0:08 left"
    assert described(250_000, 1_000_000, 2.5) == line


def typed(*words):
    """Run the command as it is typed."""
    parser = ArgumentParser()
    predict.add_arguments(parser)
    return predict.run(parser.parse_args([str(word) for word in words]))


@pytest.mark.parametrize("shard", ["0/2", "3/2", "2", "a/b", ""])
def test_a_share_that_there_is_not_is_refused(run, tables_in, tmp_path, shard):
    """The sentence shows how one is written."""
    with pytest.raises(UserError, match=r"such as 2/8"):
        typed(run.package, tables_in, "-o", tmp_path / "out", "--shard", shard)


def test_a_table_is_not_written_to_standard_output(run, table, tmp_path, capsys):
    """A dash is no name of a directory, as which it would be made."""
    table.write_csv(tmp_path / "rows.csv")
    with pytest.raises(SystemExit):
        typed(run.package, tmp_path / "rows.csv", "-o", "-")
    assert "is written to a file, not to standard output" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "leads_to", "message"),
    [
        ("more-rows", "elsewhere", r"more-rows is a link to a directory, which is not followed"),
        ("rows.csv", "gone.csv", r"rows\.csv is a link that leads nowhere"),
    ],
)
def test_a_link_whose_tables_would_be_left_out_is_refused(
    run, tables_in, tmp_path, name, leads_to, message
):
    """A directory that is scored without some of its rows, and says nothing, deceives."""
    (tmp_path / "elsewhere").mkdir()
    (tables_in / name).symlink_to(tmp_path / leads_to)
    with pytest.raises(UserError, match=message):
        batch.predict_file(run.package, tables_in, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    (tables_in / name).rename(tables_in / f".{name}")
    assert batch.predict_file(run.package, tables_in, tmp_path / "out")


def test_a_file_has_no_shards(run, table, tmp_path):
    """Parts of one file by several runs would not be one file."""
    table.write_csv(tmp_path / "rows.csv")
    with pytest.raises(UserError, match=r"give a directory"):
        typed(run.package, tmp_path / "rows.csv", "-o", tmp_path / "out.csv", "--shard", "1/2")


def test_the_command_writes_a_manifest_where_it_is_asked(run, table, tmp_path, capsys):
    """Also of a file, beside which nothing lies."""
    table.write_csv(tmp_path / "rows.csv")
    words = ("-o", tmp_path / "out.csv", "--manifest", tmp_path / "m.json", "--processes", 1)
    typed(run.package, tmp_path / "rows.csv", *words)
    assert capsys.readouterr().out == f"{tmp_path / 'out.csv'}: 120 rows\n"
    assert json.loads((tmp_path / "m.json").read_text(encoding="utf-8"))["rows"] == 120


@pytest.mark.slow
def test_a_killed_run_of_two_processes_goes_on(run, table, tmp_path):
    """After `kill -9`, the same command makes what one process makes in one go."""
    source = tmp_path / "rows.parquet"
    pl.concat([table.select(ASKED)] * 3000).write_parquet(source)
    environment = os.environ | {"PYTHONPATH": str(Path(batch.__file__).parents[1])}
    program = "import modelkeep.scoring.sources as s; s.PART_ROWS = 20_000; "
    program += "from modelkeep.cli import main; raise SystemExit(main())"

    def command(out, processes):
        words = ["predict", run.package, source, "-o", out, "--processes", processes]
        return [sys.executable, "-c", program, *map(str, words)]

    killed = subprocess.Popen(
        command(tmp_path / "out", 2), cwd=tmp_path, env=environment, start_new_session=True
    )
    records = tmp_path / "out" / ledger.RECORDS
    while killed.poll() is None and len([*records.glob("*.json")]) < 3:
        time.sleep(0.02)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    assert not (tmp_path / "out" / ledger.MANIFEST).exists()
    done = subprocess.run(
        command(tmp_path / "out", 2), cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "of 18 parts are there already." in done.stderr
    batch.predict_file(run.package, source, tmp_path / "once.parquet")
    parts = content(tmp_path / "out")
    assert len(parts) == 18
    once, parted = (pl.read_parquet(tmp_path / path) for path in ("once.parquet", "out/*.parquet"))
    assert_frame_equal(parted.drop("unseen categories"), once, check_exact=True)


@pytest.mark.parametrize("private", [None, True])
def test_what_a_library_says_of_private_values_is_left_out(run, monkeypatch, private):
    """It may name them; of other rows, it is told."""
    package = open_package(run.package)
    package.schema.columns["colour"].private = private

    def fail(self, cells):
        raise ValueError("could not convert 'Zaphod'.")

    monkeypatch.setattr(Answerer, "_predicted", fail)
    with pytest.raises(UserError) as refused:
        Answerer(package, False).columns(pl.DataFrame())
    reason = "" if private else ": could not convert 'Zaphod'"
    assert str(refused.value) == f"the model cannot use a value of these rows{reason}."


def test_a_full_disk_is_told_without_its_number():
    """Polars says it in words of its own."""
    error = pl.exceptions.ComputeError("IO error: No space left on device (os error 28)")
    message = str(ledger.unwritable("out.csv", error))
    assert message == "out.csv cannot be written: No space left on device."
