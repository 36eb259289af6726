"""Table files are found in directories and archives, and nothing else is."""

import bz2
import gzip
import lzma
import os
import threading
import zipfile
from pathlib import Path

import pytest

from modelkeep.intake.archives import kind_of, table_files
from modelkeep_core.errors import UserError

CSV = b"a,b\n1,2\n"


def zipped(path, **members):
    """Write an archive of files, by their names with __ for a slash and _ for a dot."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), content)
    return path


def tables_in(source, tmp_path):
    """Return the content of the tables at a path by their names."""
    files, left = table_files(source, tmp_path / "work")
    return {name: path.read_bytes() for name, path, _ in files}, left


def test_a_file_is_taken_whatever_its_name(tmp_path):
    """A person who names a file means it."""
    path = tmp_path / "export"
    path.write_bytes(CSV)
    assert tables_in(path, tmp_path) == ({"export": CSV}, 0)


def test_packed_files_are_unpacked(tmp_path):
    """The content decides, not the name."""
    path = tmp_path / "rows.csv.gz"
    path.write_bytes(gzip.compress(CSV))
    assert tables_in(path, tmp_path) == ({"rows.csv": CSV}, 0)
    assert tables_in(zipped(tmp_path / "x", rows_csv=CSV), tmp_path) == ({"rows.csv": CSV}, 0)
    for end, packed in ((".bz2", bz2.compress(CSV)), (".xz", lzma.compress(CSV))):
        path = tmp_path / f"rows.csv{end}"
        path.write_bytes(packed)
        assert tables_in(path, tmp_path) == ({"rows.csv": CSV}, 0)


def test_a_pipe_is_read_once(tmp_path):
    """What comes through it is a table as from a file."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writing = threading.Thread(target=pipe.write_bytes, args=(CSV,))
    writing.start()
    assert tables_in(pipe, tmp_path) == ({"pipe": CSV}, 0)
    writing.join()
    with pytest.raises(UserError, match="is neither a file, a directory nor a pipe"):
        table_files(Path("/dev/null"), tmp_path / "work")


def test_several_tables_of_an_archive_are_named_after_it(tmp_path):
    """Tables of the same name in two archives stay apart."""
    path = zipped(
        tmp_path / "all.zip", a_csv=CSV, in__b_tsv=CSV, README_txt=b"x", _hidden__a_csv=b""
    )
    files, left = tables_in(path, tmp_path)
    assert (sorted(files), left) == (["all/a.csv", "all/in/b.tsv"], 2)


def test_a_table_of_an_archive_may_have_any_name_if_it_is_alone(tmp_path):
    """Of several files of which none has the name of a table, none is left out in silence."""
    assert tables_in(zipped(tmp_path / "a", rows_txt=CSV), tmp_path) == ({"rows.txt": CSV}, 0)
    with pytest.raises(UserError, match=r"holds 2 files, of which none ends in \.csv.*: unpack it"):
        table_files(zipped(tmp_path / "b", README_txt=b"x", rows_txt=CSV), tmp_path / "work")


def test_the_tables_of_a_directory_are_found_at_any_depth(tmp_path):
    """Other files and hidden ones are left out, and counted."""
    data = tmp_path / "data"
    (data / "2024").mkdir(parents=True)
    for name in ("b.csv", "2024/a.TSV", "README.md", ".hidden.csv"):
        (data / name).write_bytes(CSV)
    (data / "c.csv.gz").write_bytes(gzip.compress(CSV))
    files, left = tables_in(data, tmp_path)
    assert (sorted(files), left) == (["2024/a.TSV", "b.csv", "c.csv"], 2)


def test_a_path_that_leads_out_of_an_archive_stays_inside(tmp_path):
    """No member decides where it is written."""
    path = tmp_path / "bad.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x/../../../a.csv", CSV)
        archive.writestr("/b.csv", CSV)
        archive.writestr("c.csv", CSV)
    files, _ = table_files(path, tmp_path / "work")
    assert [file.name for file in files] == ["bad/b.csv", "bad/c.csv"]
    assert all(file.path.is_relative_to(tmp_path / "work") for file in files)


def test_what_cannot_be_unpacked_is_refused(tmp_path):
    """A missing, empty, damaged or foreign archive is told in a sentence."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "short.gz").write_bytes(gzip.compress(CSV * 100)[:-9])
    (tmp_path / "short.bz2").write_bytes(bz2.compress(CSV * 100)[:-9])
    (tmp_path / "short.xz").write_bytes(lzma.compress(CSV * 100)[:-9])
    zipped(tmp_path / "nothing.zip")
    (tmp_path / "bad.zip").write_bytes(b"PK\x03\x04" + b"x" * 100)
    zipped(tmp_path / "book.xlsx", xl__workbook_xml=b"")
    with zipfile.ZipFile(tmp_path / "book.xlsx", "a") as archive:
        archive.writestr("[Content_Types].xml", b"")
    for name, message in (
        *(("gone", "is missing"), ("empty", "holds no table"), ("short.gz", "is damaged")),
        *(("bad.zip", "cannot be unpacked"), ("book.xlsx", "spreadsheet: save the sheet as CSV")),
        *(("short.bz2", "is damaged"), ("short.xz", "is damaged"), ("nothing.zip", "no table")),
    ):
        with pytest.raises(UserError, match=message):
            table_files(tmp_path / name, tmp_path / "work")


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        *((b"PAR1", "parquet"), (b"PAR1\x15\x04", "parquet"), (b"PAR1,PAR2\n", "text")),
        *((b"PK\x03\x04", "zip"), (b"\x1f\x8b\x08", "gzip"), (b"a,b", "text")),
        *((bz2.compress(CSV), "bzip2"), (b"BZh,a\n", "text"), (lzma.compress(CSV), "xz")),
    ],
)
def test_the_first_bytes_say_what_a_file_is(tmp_path, start, kind):
    """Names are often wrong, first bytes are not."""
    (tmp_path / "x").write_bytes(start)
    assert kind_of(tmp_path / "x") == kind


def test_a_file_that_dvc_has_is_named_with_what_brings_it(tmp_path):
    """In a clone, data are missing until they are pulled."""
    (tmp_path / "raw.dvc").touch()
    for name in ("raw", "raw/rows.csv"):
        with pytest.raises(UserError, match=r"is missing: `dvc pull` brings it"):
            table_files(tmp_path / name, tmp_path / "work")
    with pytest.raises(UserError, match=r"other\.csv is missing\.$"):
        table_files(tmp_path / "other.csv", tmp_path / "work")
