"""The encoding of a text is found by its marks, its zeros, and by trying."""

import pytest

from modelkeep.intake.text_encoding import encoding_of
from modelkeep_core.errors import UserError

TEXT = "größe;Zoë\n1,5;€\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16-le", "utf-16-be", "cp1252"])
def test_an_encoding_is_found(tmp_path, encoding):
    """What is read with the encoding that was found is what was written."""
    path = tmp_path / "rows"
    path.write_bytes(TEXT.encode(encoding))
    assert encoding_of(path, "rows") == encoding
    assert path.read_text(encoding=encoding) == TEXT


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_a_mark_says_the_order_of_bytes(tmp_path, encoding):
    """It is not part of the text."""
    path = tmp_path / "rows"
    path.write_bytes(TEXT.encode(encoding))
    assert encoding_of(path, "rows") == encoding
    assert path.read_text(encoding=encoding_of(path, "rows")) == TEXT


def test_one_byte_far_away_counts(tmp_path):
    """A text is UTF-8 if all of it is."""
    path = tmp_path / "rows"
    path.write_bytes(b"a,b\n" * 600_000 + b"\xe9,1\n")
    assert encoding_of(path, "rows") == "cp1252"
    path.write_bytes(b"a,b\n" + b"\x81,1\n")
    assert encoding_of(path, "rows") == "latin-1"


@pytest.mark.parametrize(
    "content", [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"a,b\n1,\0\0\0\0", b"ARROW1\0\0"]
)
def test_what_is_no_text_is_refused(tmp_path, content):
    """A picture is not read as a table."""
    path = tmp_path / "rows"
    path.write_bytes(content)
    with pytest.raises(UserError, match="neither text nor Parquet"):
        encoding_of(path, "rows")


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"a,b\n1,2\n" + b"\0" * 3, r"line 3 holds a zero byte \(2 more such bytes\)\."),
        ("größe,b\n".encode() + b"1,\0x\n", r"line 2 holds a zero byte\. Delete it"),
        (b"a,b\n" * 600_000 + b"\0", r"line 600001 holds a zero byte\."),
    ],
)
def test_zero_bytes_in_a_text_are_named(content, line):
    """A text that a program filled up with zeros is refused with the first line that has one."""
    with pytest.raises(UserError, match=rf"neither text nor Parquet: {line}"):
        encoding_of(content, "rows.csv")


def test_one_broken_byte_makes_no_mojibake_of_a_table():
    """A text that is UTF-8 but for some bytes is refused with the first line and byte."""
    text = "größe,Zoë\n1,ü\n2,é\n".encode()
    broken = text.replace("é".encode(), b"\xe9")
    with pytest.raises(UserError) as refused:
        encoding_of(broken, "rows.csv")
    assert str(refused.value) == (
        "rows.csv, line 3: the byte 0xe9 is no text in UTF-8, in which the rest is written. "
        "Correct it, or name the encoding with --encoding, such as cp1252."
    )
    with pytest.raises(UserError, match=r"line 2: .*\(1 more such bytes\)"):
        encoding_of(broken.replace("ü".encode(), b"\xfc"), "rows.csv")
    # Where more letters are broken than whole, it is another encoding.
    assert encoding_of("größe,Zoë\n1,Ã¼\n".encode("cp1252"), "rows.csv") == "cp1252"


def test_a_person_names_the_encoding():
    """It is taken at their word, if the bytes allow it and Python knows it."""
    text = "Łódź,a\nŻory,1\n"
    for encoding in ("cp1250", "iso8859-2", "utf-8", "utf-16"):
        assert encoding_of(text.encode(encoding), "x", encoding) == encoding
    with pytest.raises(UserError, match=r"^x, line 2: the byte 0xc5 is not in ascii\."):
        encoding_of(text[4:].encode(), "x", "ascii")
    with pytest.raises(UserError, match=r"^x, line 2: a zero byte, which is in no text\."):
        encoding_of(f"{text[:-1]}\0".encode("utf-16"), "x", "utf-16")
    for unknown in ("klingon", "base64"):
        with pytest.raises(UserError, match=f"--encoding {unknown}: Python knows no such encoding"):
            encoding_of(b"a,b\n", "x", unknown)
