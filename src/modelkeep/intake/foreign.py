"""Files that people take for tables, named for what they are."""

import json
import re

from modelkeep_core.errors import UserError

# What helps with a spreadsheet
SHEET = (
    "save the sheet as CSV first, in its program or with "
    "pandas.read_excel(path).to_csv('table.csv', index=False)"
)
# How files of other kinds begin
STARTS = {
    b"\x89PNG": "a picture (PNG)",
    b"\xff\xd8\xff": "a picture (JPEG)",
    b"GIF8": "a picture (GIF)",
    b"%PDF": "a PDF",
    b"\xd0\xcf\x11\xe0": "an old spreadsheet or document (such as .xls)",
    b"SQLite format 3\0": "a database (SQLite)",
    b"\0\x01\0\0Standard": "a database (Access)",
    b"ARROW1": "an Arrow (Feather) file",
    b"\xff\xff\xff\xff": "a stream of Arrow",
    b"\x93NUMPY": "an array of NumPy",
    b"\x89HDF": "an HDF5 file",
    b"Obj\x01": "an Avro file",
    b"ORC": "an ORC file",
    b"PARE": "an encrypted Parquet file",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"\xfd7zXZ\0": "packed by xz once more",
    b"BZh": "packed by bzip2 once more",
    b"\x28\xb5\x2f\xfd": "packed by Zstandard",
    b"\x04\x22\x4d\x18": "packed by LZ4",
    b"\xff\x06\0\0sNaPpY": "packed by Snappy",
    b"Rar!": "a RAR archive",
    b"\x1f\x8b": "packed by gzip once more",
    b"PK\x03\x04": "an archive within an archive",
    b"FEA1": "an Arrow (Feather) file",
    b"$FL2": "an SPSS file",
    b"<stata_dta>": "a Stata file",
    b"r\x01\x01\0": "a Stata file",
    b"r\x02\x01\0": "a Stata file",
    b"s\x01\x01\0": "a Stata file",
    b"s\x02\x01\0": "a Stata file",
    b"\0" * 12 + b"\xc2\xea\x81\x60": "a SAS file",
    b"RDX": "a file of R",
    b"X\n\0\0\0": "a file of R",
    b"MATLAB": "a MATLAB file",
    b"\x80\x03": "a pickle of Python",
    b"\x80\x04": "a pickle of Python",
    b"\x80\x05": "a pickle of Python",
}
# What reads some of them; what is in an archive, or packed, only has to be taken out
READERS = {
    **{"Feather": "read_feather", "HDF5": "read_hdf", "ORC": "read_orc", "SPSS": "read_spss"},
    **{"Stata": "read_stata", "SAS": "read_sas", "pickle": "read_pickle"},
}
ARCHIVED = ("archive", "packed")
# What stands in other places of some: a tar archive, a database of DuckDB
INSIDE = {(257, b"ustar"): "a tar archive", (8, b"DUCK"): "a database (DuckDB)"}
PAGE = re.compile(r"\s*<(!doctype\s+html|html|head|body|table)\b", re.IGNORECASE)
# An element within another one; some programs put each name of a header into such brackets
ELEMENTS = re.compile(r"\s*<[A-Za-z][^<>]*>[ \r\n]*<[A-Za-z].*</", re.DOTALL)
# How texts begin that hold a table in a form of their own, and what they are
FORMS = {
    r"\|.*\|\s*\n\s*\|[-:| ]+\|\s*(\n|$)": "a table in Markdown",
    r"\+[-+]+\+\s*\n\||.*\|.*\n-+(\+-+)+\s*(\n|$)|[│┌╭╔]": "a table drawn with lines",
    r"(%.*\n|\s)*@relation\b": "an ARFF file (of Weka)",
    r"[-+.\d]+( +\d+:[-+.\deE]+)+ *(\n|$)": "in the format of LIBSVM",
    r"HEADER RECORD\*{7}LIB": "a SAS file",
    r"\{\\rtf\d": "a document (RTF)",
    r"(\\.*\n)*[^\n&]*&[^\n]*\\\\\s*(\n|$)": "a table in LaTeX",
    r"(---\s*\n)?- \w+: .*\n  \w+: ": "YAML",
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
    for (place, mark), kind in INSIDE.items() if control else ():
        if start.startswith(mark, place):
            return kind
    for mark, kind in STARTS.items():
        if start.startswith(mark) and (control if mark.isalnum() else binary):
            return kind
    return ""


def remedy_for(kind: str) -> str:
    """Return what helps with a file of a kind, as an order."""
    if kind.endswith(ARCHIVED) or kind.startswith(ARCHIVED[1]):
        return "unpack it first"
    if "spreadsheet" in kind:
        return SHEET
    for name, reader in READERS.items():
        if name in kind:
            example = f"pandas.{reader}(path).to_parquet('table.parquet')"
            return f"convert it to Parquet or CSV first, for example with {example}"
    return "convert it to CSV first"


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
    if PAGE.match(text) and "<table" in text.lower():
        raise UserError(
            f"{name} is an HTML page: save the table in it as CSV first, for example with "
            "pandas.read_html(path)[0].to_csv('table.csv', index=False)."
        )
    if PAGE.match(text):
        raise UserError(
            f"{name} is an HTML page, such as a sign-in page, not a table: open it in a browser "
            "to see what it says, and download the file again."
        )
    if first.startswith("<?xml") or ELEMENTS.match(text):
        raise UserError(f"{name} is XML, not a table: convert it to CSV first.")
    for form, kind in FORMS.items():
        if re.match(form, text.lstrip("\ufeff\r\n\t "), re.IGNORECASE):
            raise UserError(f"{name} is {kind}, not CSV: {remedy_for(kind)}.")
    if _is_json(first, text):
        lines = first.startswith("{") and first.endswith("}")
        kind, reads = ("JSON Lines", ", lines=True") if lines else ("JSON", "")
        raise UserError(
            f"{name} is {kind}, not a table: convert it to CSV first, for example with "
            f"pandas.read_json(path{reads}).to_csv('table.csv', index=False)."
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
    is_comment = header[0].startswith(COMMENTS)
    title = (width >= TITLED or is_comment) and len(alone) == 1 and bool(header[0].strip())
    as_long = bool(below) and len(below[0][1]) == len(header) > 1
    if width == 1 or (not title and (as_long or len(header) in (width, width - 1))):
        return
    first = next((number for number, row in below if len(row) == width and all(row)), None)
    if first is None:
        return
    shown = " ".join(" ".join(alone).split())
    shown = shown if len(shown) <= 40 else f"{shown[:37]}..."
    what = "a comment" if is_comment else "a title, or no header of this table"
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
