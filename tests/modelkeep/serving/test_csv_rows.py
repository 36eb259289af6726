"""A CSV table is read by the schema: its types, its words for what is missing, and nothing else."""

import subprocess
import sys

import pytest

from modelkeep.serving.csv_rows import records_of
from modelkeep.serving.rows import TooMany, Unfit
from modelkeep_core.schema import Schema

HEADER = b"size,count,member,colour\n"


@pytest.mark.parametrize(
    ("line", "values"),
    [
        (b"1.5,2,true,red", [1.5, 2.0, True, "red"]),
        (b"-1e3,2.0,No,red", [-1000.0, 2.0, False, "red"]),
        (b",NA,,NA", [None, None, None, None]),
        (b'"1.5","2","1","a ""quoted"", one"', [1.5, 2.0, True, 'a "quoted", one']),
        ("1,2,0,größe\r".encode(), [1.0, 2.0, False, "größe"]),
        (b"large,two,maybe,1", ["large", "two", "maybe", "1"]),
    ],
)
def test_cells_are_of_the_type_of_their_column(classification, line, values):
    """What is not stays text, which the contract names with its row."""
    assert records_of(HEADER + line + b"\n", classification) == [
        dict(zip(["size", "count", "member", "colour"], values, strict=True))
    ]


def test_columns_may_come_in_any_order_and_with_a_byte_order_mark(classification):
    """As spreadsheets write them."""
    body = "\ufeffcolour,size\nred,1\n".encode()
    assert records_of(body, classification) == [{"colour": "red", "size": 1.0}]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "a CSV table in UTF-8"),
        (b"size\n\xff\xfe\n", "a CSV table in UTF-8"),
        (HEADER + b"1,2,true,red\n1,2,true,red,9\n", "a CSV table in UTF-8"),
    ],
)
def test_what_is_no_table_is_refused(classification, body, sentence):
    """With what Polars says of it."""
    with pytest.raises(Unfit, match=sentence):
        records_of(body, classification)


def test_too_many_rows_or_columns_are_refused_before_they_are_read(classification):
    """A table of a row too many, and a header of thousands of names, whatever quotes hide it."""
    with pytest.raises(TooMany, match="3 rows"):
        records_of(HEADER + b"1,2,true,red\n" * 3, classification, most=2)
    for start in (b"", b'"a\nb",'):
        with pytest.raises(Unfit, match="at most 10"):
            records_of(start + b",".join(b"c%d" % n for n in range(5000)) + b"\n", classification)


@pytest.mark.parametrize("name", ["*", "^.*$", "^(.*$"])
def test_a_column_may_be_called_as_patterns_are(classification, name):
    """Its cells are its own, and not those of another column."""
    schema = classification.model_copy(deep=True)
    schema.columns[name] = schema.columns["size"]
    assert records_of(f"size,{name}\n-2,2\n".encode(), schema) == [{"size": -2.0, name: 2.0}]
    assert records_of(f"size,{name}\n-2,2\n".encode(), classification) == [
        {"size": -2.0, name: "2"}
    ]


@pytest.mark.parametrize("path", ["/predict", "/invocations"])
def test_a_table_is_answered_as_its_rows_would_be(server, row, path):
    """`/predict` and MLflow's path both take it."""
    csv = {"Content-Type": "Text/CSV; charset=utf-8"}
    expected = server.post("/predict", {"records": [row]}).json["predictions"]
    body = HEADER + b"10.5,3,true,red\n"
    assert server.post(path, body, **csv).json["predictions"] == expected
    refused = server.post(path, HEADER + b"large,3,true,red\n", **csv)
    assert (refused.status, refused.json["problems"][0]["column"]) == (422, "size")
    empty = server.post(path, b"", **csv)
    assert (empty.status, "a CSV table" in empty.json["error"]) == (422, True)
    rowless = server.post(path, HEADER, **csv)
    assert (rowless.status, "at least one row" in rowless.json["error"]) == (422, True)


def test_cells_are_written_as_the_schema_says(classification):
    """Decimal commas, own words for true and false, formats of dates, a column's own gaps."""
    schema = classification.model_copy(deep=True)
    schema.columns["size"].decimal, schema.columns["size"].thousands = ",", "."
    schema.columns["member"].values = ["nein", "ja"]
    schema.columns["count"].missing_values = ["?"]
    schema.columns["seen"].formats, schema.columns["seen"].feature = ["%d.%m.%Y"], True
    body = b'size,count,member,seen\n"1.234,5",?,ja,31.01.2024\n,2,oui,2024-01-31\n'
    assert records_of(body, schema) == [
        {"size": 1234.5, "count": None, "member": True, "seen": "2024-01-31T00:00:00"},
        {"size": None, "count": 2, "member": "oui", "seen": "2024-01-31"},
    ]


@pytest.mark.parametrize(
    "body",
    [
        HEADER + b"\n1,2,yes,red\n \n\n,,,\n2,3,no,green\n\n",
        HEADER.replace(b",", b";") + b"1;2;yes;red\n2;3;no;green\n",
        b'"",size,count,member,colour\n"1",1,2,yes,red\n"2",2,3,no,green\n',
        b'size,count,member,colour,shop\n1,2,yes,red,5\'10"\n2,3,no,green,"a \\"b, c\\" d"\n',
    ],
    ids=["blank lines", "semicolons", "row names", "marks in cells"],
)
def test_every_row_is_read_as_predict_reads_it(classification, body):
    """Lines without content are no rows, and no cell is in another column."""
    rows = records_of(body, classification)
    assert [[row[name] for name in ("size", "count", "member", "colour")] for row in rows] == [
        [1.0, 2, True, "red"],
        [2.0, 3, False, "green"],
    ]


def test_a_column_is_called_as_adopt_called_it():
    """Row names have no name in many files; a schema that was written by hand has its own."""
    columns = {"column_1": {"type": "integer"}, "x": {"type": "number"}, "y": {"type": "category"}}
    whole = {"task": "classification", "target": "y", "missing_values": [""], "duplicates": True}
    schema = Schema.model_validate({**whole, "columns": columns})
    assert [*records_of(b'"",x\n7,1\n', schema)[0]] == ["column_1", "x"]
    columns = {" id": {"type": "integer", "feature": False}, **columns}
    own = Schema.model_validate({**whole, "columns": columns})
    assert [*records_of(b" id,x,column_1\n7,1,2\n", own)[0]] == [" id", "x", "column_1"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (HEADER + b"1,2,yes,red\n1,2", r"the body, line 3: 2 cells, where the header has 4"),
        (HEADER + b'1,2,yes,"red\n1,2,no,red\n', "line 2: a quotation mark is opened and not"),
        (HEADER + b"1,2,yes,r\xe9d\n", "line 2: the byte 0xe9 is not in utf-8"),
        (HEADER + b"1,2,yes,r\0d\n", "line 2: a zero byte, which is in no text"),
        (HEADER + b"1,5,2,yes,red\n", "line 1: the header has 4 names, and the rows have 5 cells"),
        (b'{"records": [{"size": 1}]}', "the body is JSON Lines, not a table"),
    ],
)
def test_a_body_that_was_cut_off_is_refused_with_its_line(classification, body, reason):
    """Nothing is filled up with missing values."""
    with pytest.raises(Unfit, match=reason):
        records_of(body, classification)


@pytest.mark.parametrize("name", ["*", "^.*$", "^("])
def test_a_name_is_no_pattern(classification, name):
    """A column that is called like a pattern of Polars is itself."""
    body = f"{name},size\na,1\n".encode()
    assert records_of(body, classification) == [{name: "a", "size": 1.0}]


@pytest.mark.parametrize("separator", [b",", b";"])
def test_a_header_that_names_a_feature_twice_is_refused(classification, separator):
    """Also where other columns are left alone: nobody says which of the two is meant."""
    body = (HEADER.replace(b"member", b"size") + b"1,2,3,red\n").replace(b",", separator)
    with pytest.raises(Unfit, match="names the column 'size' more than once"):
        records_of(body, classification)


def test_nothing_of_a_table_with_private_columns_is_repeated(classification):
    """Of what cannot be read, the line is told alone."""
    body = b"Zaphod Beeblebrox\nsize,count\n1,2\n3\n" + b'"Trillian,5\n'
    classification.columns["colour"].private = True
    with pytest.raises(Unfit) as unfit:
        records_of(body, classification)
    message = str(unfit.value)
    assert "a CSV table in UTF-8 (line" in message
    assert "Zaphod" not in message
    assert "Trillian" not in message


def test_no_request_imports_polars():
    """Else a model that is called meanwhile would meet a half of it, and answer with an error."""
    code = (
        "import sys\n"
        "import modelkeep.serving.app\n"
        "from modelkeep.serving.csv_rows import records_of\n"
        "from modelkeep_core.schema import Schema\n"
        "columns = {'size': {'type': 'number'}, 'label': {'type': 'number'}}\n"
        "rules = {'task': 'regression', 'missing_values': [''], 'duplicates': True}\n"
        "schema = Schema(**rules, target='label', columns=columns)\n"
        "before = {*sys.modules}\n"
        "for body in (b'size\\n1\\n', b'size;label\\n1;2\\n'):\n"
        "    records_of(body, schema)\n"
        "print(sorted(name for name in {*sys.modules} - before if name.startswith('polars')))\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (ran.stdout, ran.stderr) == ("[]\n", "")
