"""Private values are in no byte that the server writes, and what stands for them can be counted."""

import pytest

from made import made_params, made_schema, made_table, pipeline_run
from modelkeep.serving.private import DIGITS, HIDDEN, KEY, Hider, plain, private_key
from modelkeep.unseen import unseen
from modelkeep_core.errors import UserError
from modelkeep_core.schema import Column
from server import Server

SECRET = "a key that nobody guesses"


@pytest.fixture
def hidden(classification):
    """The contract, of which "size" and "colour" are private."""
    for name in ("size", "colour"):
        classification.columns[name].private = True
    return classification


ROWS = [[10.25, 3, True, "red"], [None, 3, None, None]]


def test_a_word_stands_for_a_private_value(hidden):
    """What is missing stays missing, other columns stay as they are, and the rows are untouched."""
    rows = [list(row) for row in ROWS]
    assert Hider(hidden, None).rows(rows) == [[HIDDEN, 3, True, HIDDEN], [None, 3, None, None]]
    assert rows == ROWS


def test_with_a_key_the_same_value_has_the_same_hash(hidden):
    """A hash depends on key, column and value, and on nothing else."""
    hider = Hider(hidden, SECRET.encode())
    ((size, _, _, colour), _) = hider.rows(ROWS)
    assert {len(size), len(colour)} == {DIGITS}
    assert size == hider.value("size", 10.25) == Hider(hidden, SECRET.encode()).value("size", 10.25)
    others = [
        hider.value("size", 10.26),
        hider.value("colour", 10.25),
        Hider(hidden, b"another key").value("size", 10.25),
    ]
    assert size not in others
    assert hider.value("size", 7) == hider.value("size", 7.0)


def test_rows_without_private_columns_are_not_copied(classification):
    """Nothing is spent where nothing is private."""
    assert Hider(classification, None).rows(ROWS) is ROWS


@pytest.mark.parametrize(
    ("value", "text"), [(7.0, "7"), (7, "7"), (7.5, "7.5"), (True, "true"), ("x", "x")]
)
def test_a_value_has_one_spelling(value, text):
    """However it came in."""
    assert plain(value, Column(type="category")) == text


@pytest.mark.parametrize(
    "value",
    ["2024-01-31T09:30:00", "2024-01-31 09:30", "20240131T0930", "2024-01-31T10:30:00+01:00"],
)
def test_a_moment_has_one_spelling(value):
    """However it is written, and in whatever zone."""
    assert plain(value, Column(type="datetime")) == "2024-01-31T09:30:00+00:00"


@pytest.mark.parametrize("key", ["", "short", "\n"])
def test_a_key_that_is_none_is_refused(monkeypatch, key):
    """An empty or a short one would hide nothing."""
    monkeypatch.setenv(KEY, key)
    with pytest.raises(UserError, match=f"{KEY} has . characters: give it at least 16"):
        private_key()


def test_a_key_is_read_without_the_end_of_its_line(monkeypatch):
    """As files with secrets have one; without the variable there is none."""
    monkeypatch.setenv(KEY, f"{SECRET}\n")
    assert private_key() == SECRET.encode()
    monkeypatch.delenv(KEY)
    assert private_key() is None


def test_no_unseen_private_value_is_named():
    """The sentence tells of the column and counts, and of no value."""
    learned = {"colour": frozenset({"red"})}
    (strange,) = unseen([("colour", ["pink", "red"])], learned, frozenset({"colour"}))
    assert str(strange) == "'colour': 1 of 2 values were in no training row"
    (strange,) = unseen([("colour", ["pink"])], learned, frozenset({"colour"}))
    assert str(strange) == (
        "'colour': no training row had any of its values, so that they say nothing to the model"
    )


@pytest.mark.slow
@pytest.mark.parametrize("key", [None, SECRET])
def test_no_file_of_a_server_has_a_private_value(tmp_path, monkeypatch, key):
    """Answered, refused and unseen values are searched for in every byte of its directory."""
    schema = made_schema("classification", "label")
    schema.columns["size"].private = True
    schema.columns["shop"].private = schema.columns["shop"].feature = True
    params = made_params("LogisticRegression", "macro_f1")
    run = pipeline_run(tmp_path / "line", made_table(), schema, params)
    if key:
        monkeypatch.setenv(KEY, key)
    row = {"size": 12.34567, "count": 3, "member": True, "colour": "red", "shop": "Zaphod's"}
    place = tmp_path / "served"
    with Server(run.package, place) as server:
        answer = server.post("/predict", {"records": [row]})
        assert answer.status == 200
        assert b"Zaphod" not in answer.content
        assert server.post("/predict", {"records": [row | {"size": "98.76543"}]}).status == 422
        assert server.post("/predict", {"records": [row | {"size": 54321.5}]}).status == 422
    files = [path for path in place.rglob("*") if path.is_file()]
    assert "records.sqlite" in {path.name for path in files}
    for path in files:
        content = path.read_bytes()
        for value in (b"12.34567", b"Zaphod", b"98.76543", b"54321.5"):
            assert value not in content, path
