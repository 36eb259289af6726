"""Files that people take for tables, named for what they are."""

import json
import re

from modelkeep_core.errors import UserError

# How files of other kinds begin
STARTS = {
    b"\x89PNG": "a picture (PNG)",
    b"\xff\xd8\xff": "a picture (JPEG)",
    b"GIF8": "a picture (GIF)",
    b"%PDF": "a PDF",
    b"\xd0\xcf\x11\xe0": "an old spreadsheet or document (such as .xls)",
    b"SQLite format 3\0": "a database (SQLite)",
    b"ARROW1": "an Arrow (Feather) file",
    b"\x93NUMPY": "an array of NumPy",
    b"\x89HDF": "an HDF5 file",
    b"Obj\x01": "an Avro file",
    b"ORC": "an ORC file",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"\xfd7zXZ\0": "packed by xz",
    b"BZh": "packed by bzip2",
    b"\x28\xb5\x2f\xfd": "packed by Zstandard",
    b"Rar!": "a RAR archive",
    b"\x1f\x8b": "packed by gzip once more",
    b"PK\x03\x04": "an archive within an archive",
    b"FEA1": "an Arrow (Feather) file",
    b"$FL2": "an SPSS file",
    b"<stata_dta>": "a Stata file",
    b"RDX": "a file of R",
    b"MATLAB": "a MATLAB file",
    b"\x80\x03": "a pickle of Python",
    b"\x80\x04": "a pickle of Python",
    b"\x80\x05": "a pickle of Python",
}
# What stands in the header of a tar archive, and where
TAR, TAR_AT = b"ustar", 257
PAGE = re.compile(r"\s*<(!doctype\s+html|html|head|body)\b", re.IGNORECASE)
# How texts begin that hold a table in a form of their own, and what they are
FORMS = {
    r"\|.*\|\s*\n\s*\|[-:| ]+\|\s*(\n|$)": "a table in Markdown",
    r"\+[-+]+\+\s*\n\||.*\|.*\n-+(\+-+)+\s*(\n|$)|[│┌╭╔]": "a table drawn with lines",
    r"(%.*\n|\s)*@relation\b": "an ARFF file (of Weka)",
    r"[-+.\d]+( +\d+:[-+.\deE]+)+ *(\n|$)": "in the format of LIBSVM",
    r"(--.*\n|/\*.*\*/;?|\s)*(insert\s+into|create\s+table|drop\s+table)\b": "SQL",
}
COMMENTS = ("#", "//", "%", "--")
# How many columns a table has, of which a title line names one
TITLED = 3


def kind_of_start(start: bytes) -> str:
    """Say of what kind a file is that is no text, by its first bytes; "" if they do not say it."""
    # Some begin with letters, and text may begin with the same, as a column ORCID does.
    control = any(byte < ord("\t") or ord("\r") < byte < ord(" ") for byte in start)
    binary = control or not start.isascii()
    if control and start.startswith(TAR, TAR_AT):
        return "a tar archive"
    for mark, kind in STARTS.items():
        if start.startswith(mark) and (control if mark.isalnum() else binary):
            return kind
    return ""


def check_text(text: str, name: str) -> None:
    """Make sure that a text could be a table.

    Args:
        text: its beginning.
        name: what messages call it.

    Raises:
        UserError: it is a page, JSON, or stands for a file that is elsewhere.
    """
    first = text.lstrip("\ufeff\r\n\t ").partition("\n")[0].strip()
    if first.startswith("version https://git-lfs.github.com/spec/"):
        raise UserError(
            f"{name} is a pointer of Git LFS, not the file itself: `git lfs pull` brings that."
        )
    if first == "outs:" and re.search(r"^- (md5|hash|path): ", text, re.MULTILINE):
        raise UserError(f"{name} is a file of DVC, not the data: `dvc pull` brings those.")
    if first.startswith("/annex/objects/"):
        raise UserError(f"{name} is a pointer of git-annex: `git annex get` brings the file.")
    if PAGE.match(text):
        raise UserError(
            f"{name} is an HTML page, such as a sign-in page, not a table: open it in a browser "
            "to see what it says, and download the file again."
        )
    if first.startswith("<?xml"):
        raise UserError(f"{name} is XML, not a table: convert it to CSV first.")
    for form, kind in FORMS.items():
        if re.match(form, text.lstrip("\ufeff\r\n\t "), re.IGNORECASE):
            raise UserError(f"{name} is {kind}, not CSV: convert it to CSV first.")
    if _is_json(first, text):
        lines = first.endswith("}")
        kind, reads = ("JSON Lines", ", lines=True") if lines else ("JSON", "")
        raise UserError(
            f"{name} is {kind}, not a table: convert it to CSV first, for example with "
            f"pandas.read_json(path{reads}).to_csv(...)."
        )


def _is_json(first: str, text: str) -> bool:
    """Say whether a text is JSON, by its first line or, where that is no whole value, its start."""
    begins = re.match(r'\s*(\[\s*[\[{]|\{\s*("[^"]*"\s*:|\}))', text) is not None
    try:
        return isinstance(json.loads(first), dict) or begins
    except ValueError:
        return begins


def check_header(rows: list[tuple[int, list[str]]], width: int, name: str) -> None:
    """Make sure that the first line is a header, not a comment or a title above it.

    Args:
        rows: the first lines with content, each with its number.
        width: how many cells most lines have.
        name: what messages call the file.

    Raises:
        UserError: it is none.
    """
    (line, header), below = rows[0], rows[1:]
    alone = [cell for cell in header if cell.strip()]
    title = width >= TITLED and len(alone) == 1 and bool(header[0].strip())
    if len(header) in (width, width - 1) and not title:
        return
    first = next((number for number, row in below if len(row) == width and all(row)), None)
    if first is None:
        return
    shown = " ".join(" ".join(alone).split())
    shown = shown if len(shown) <= 40 else f"{shown[:37]}..."
    what = "a comment" if header[0].startswith(COMMENTS) else "a title, or no header of this table"
    raise UserError(
        f"{name}, line {line}: '{shown}' is {what}. The header seems to be on line {first}: "
        "delete the lines above it."
    )


def check_blanks(text: str, name: str) -> None:
    """Make sure that the cells of a text are not parted by runs of blanks, as in a printed table.

    Raises:
        UserError: they are.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    widths = {len(line.split()) for line in lines}
    runs = sum("  " in line.strip() for line in lines)
    if len(lines) > 1 and len(widths) == 1 and 1 not in widths and runs > len(lines) / 2:
        raise UserError(
            f"{name}: the cells of a line are parted by runs of blanks. Save it with commas and a "
            "header first, for example with pandas.read_csv(path, sep=r'\\s+', header=None, "
            "names=[...]).to_csv(...)."
        )
