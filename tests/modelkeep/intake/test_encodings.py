"""The encoding of a text is found by its marks, its zeros, and by trying."""

import pytest

from modelkeep.intake.encodings import encoding_of
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
