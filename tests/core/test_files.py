"""Files are hashed, written whole, and read with messages that say what is wrong where."""

import json

import pytest

from modelkeep_core.errors import UserError
from modelkeep_core.files import (
    Section,
    read_json,
    read_model,
    read_parameters,
    read_yaml,
    sha256,
    write_json,
    write_text,
)
from project import FORKS, ended, forked


class Wheel(Section):
    """A section to read in these tests."""

    spokes: int
    maker: str = "nobody"


class Bicycle(Section):
    """A file to read in these tests."""

    front: Wheel
    back: Wheel


def test_a_hash_is_the_sha256_of_the_bytes(tmp_path):
    """The hash is the one that every other SHA-256 tool gives."""
    path = tmp_path / "abc"
    path.write_bytes(b"abc")
    assert sha256(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_text_is_written_as_utf8_with_unix_line_ends(tmp_path):
    """The bytes of a text do not depend on the system, and missing directories are made."""
    path = tmp_path / "deep" / "text"
    write_text(path, "größe\n2\n")
    assert path.read_bytes() == "größe\n2\n".encode()


def test_a_text_that_cannot_be_written_leaves_the_old_file(tmp_path):
    """A file appears whole or not at all."""
    path = tmp_path / "text"
    write_text(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_text(path, "new" * 10_000 + "\ud800")
    assert path.read_text(encoding="utf-8") == "old"


def test_a_written_text_leaves_nothing_else_behind(tmp_path):
    """No temporary file stays beside the one that was written."""
    write_text(tmp_path / "text", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["text"]


def test_json_keeps_the_order_of_keys_and_every_letter(tmp_path):
    """JSON is written for people: in the order given, indented, without escapes."""
    path = tmp_path / "value.json"
    write_json(path, {"b": [1], "a": "ü"})
    assert path.read_bytes() == '{\n  "b": [\n    1\n  ],\n  "a": "ü"\n}\n'.encode()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_is_not_finite_never_gets_into_json(tmp_path, value):
    """Other JSON readers would choke on NaN, so it is an error and no file appears."""
    path = tmp_path / "value.json"
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(path, {"deep": [{"down": value}]})
    assert not path.exists()


def test_json_comes_back_as_it_was_written(tmp_path):
    """Writing and reading JSON is a round trip."""
    value = {"text": "ü", "none": None, "number": 0.1, "list": [True, 2]}
    write_json(tmp_path / "value.json", value)
    assert read_json(tmp_path / "value.json") == value


@pytest.mark.parametrize("read", [read_json, read_yaml, read_parameters])
def test_a_missing_file_is_refused_by_its_name(tmp_path, read):
    """The message says which file is missing."""
    with pytest.raises(UserError, match=r"gone.file is missing"):
        read(tmp_path / "gone.file")


def test_broken_json_is_refused_with_its_place(tmp_path):
    """The message says which file is broken, and where."""
    path = tmp_path / "broken.json"
    path.write_text('{"a": 1,\n "b" 2}', encoding="utf-8")
    with pytest.raises(UserError, match=r"broken\.json is not valid JSON: .*line 2"):
        read_json(path)


@pytest.mark.parametrize(
    "content",
    [b"a: [1, 2", b"a: 1\na: 2", b"a: b: c", "a: ü".encode("latin-1"), b"a: \x00"],
    ids=["open list", "key twice", "two colons", "not UTF-8", "control character"],
)
def test_broken_yaml_is_refused_by_its_name(tmp_path, content):
    """The message says which file is broken, whatever is wrong in it."""
    path = tmp_path / "broken.yaml"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"broken\.yaml is not valid YAML"):
        read_yaml(path)


@pytest.mark.parametrize(
    ("text", "value"),
    [("no", "no"), ("on", "on"), ("1e-6", 1e-6), ("1.5e3", 1500.0), ("null", None), ("012", 12)],
)
def test_yaml_means_what_it_means_to_dvc(tmp_path, text, value):
    """Words and numbers are read by the rules of YAML 1.2, as DVC reads them."""
    path = tmp_path / "value.yaml"
    path.write_text(f"key: {text}\n", encoding="utf-8")
    result = read_yaml(path)["key"]
    assert (result, type(result)) == (value, type(value))


@pytest.mark.parametrize(
    ("name", "text"),
    [("x.toml", "[a]\nb = 1\n"), ("x.yaml", "a:\n  b: 1\n"), ("x.json", '{"a": {"b": 1}}')],
)
def test_parameters_are_read_by_the_ending_of_their_file(tmp_path, name, text):
    """As DVC does: TOML, YAML and JSON mean the same."""
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert read_parameters(tmp_path / name) == {"a": {"b": 1}}


@pytest.mark.parametrize("text", ["[a", f"deep = {'[' * 5000}"])
def test_broken_toml_is_refused_by_its_name(tmp_path, text):
    """It is no traceback."""
    (tmp_path / "x.toml").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=r"x\.toml is not valid TOML"):
        read_parameters(tmp_path / "x.toml")


def read_bicycle(tmp_path, text):
    """Read a bicycle from YAML text."""
    (tmp_path / "bicycle.yaml").write_text(text, encoding="utf-8")
    return read_model(tmp_path / "bicycle.yaml", Bicycle)


def test_a_file_is_read_into_its_model(tmp_path):
    """Values arrive with their types, and keys that are left out have their defaults."""
    result = read_bicycle(tmp_path, "front: {spokes: 20, maker: me}\nback: {spokes: 28}\n")
    assert result == Bicycle(front=Wheel(spokes=20, maker="me"), back=Wheel(spokes=28))


@pytest.mark.parametrize(
    ("back", "message"),
    [
        ("{spokes: many}", r"back\.spokes: input should be a valid integer.*, not 'many'"),
        ("{maker: me}", r"back\.spokes: this key is missing"),
        ("{spokes: 3, makr: me}", r"back: unknown key 'makr' \(did you mean 'maker'\?\)"),
        ("{spokes: 3, 1: 2}", r"back: unknown key '1'"),
        ("7", r"back: .*not 7"),
    ],
)
def test_a_fault_is_told_by_its_dotted_key_and_rule(tmp_path, back, message):
    """The message says in which file, at which key, and what is expected there."""
    with pytest.raises(UserError, match=message) as refused:
        read_bicycle(tmp_path, f"front: {{spokes: 3}}\nback: {back}\n")
    assert "bicycle.yaml cannot be used" in str(refused.value)
    assert "front" not in str(refused.value)


def test_all_faults_are_told_together(tmp_path):
    """One reading finds every fault of the file, on one line each."""
    with pytest.raises(UserError) as refused:
        read_bicycle(tmp_path, "front: {spokes: many}\nback: {spoks: 3}\n")
    lines = str(refused.value).splitlines()[1:]
    assert [line.split(":")[0].strip() for line in lines] == ["front.spokes", "back"]


@pytest.mark.parametrize("text", ["", "just words", "- a list"])
def test_a_file_of_another_shape_is_refused(tmp_path, text):
    """A file that is empty or no mapping is refused like any other."""
    with pytest.raises(UserError, match=r"bicycle\.yaml cannot be used"):
        read_bicycle(tmp_path, text)


def test_json_has_the_same_bytes_whenever_it_is_written(tmp_path):
    """The same value gives the same bytes."""
    value = json.loads('{"b": 0.30000000000000004, "a": {"z": 1, "c": 2}}')
    write_json(tmp_path / "one", value)
    write_json(tmp_path / "two", value)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


@FORKS
def test_a_file_that_cannot_be_written_to_its_end_is_named(tmp_path):
    """As on a full disk, of which the system does not say which file it is; nothing is left."""

    def write():
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        with pytest.raises(OSError, match=r"long\.txt'$"):
            write_text(tmp_path / "long.txt", "x" * 5000)

    assert ended(forked(write)) == 0
    assert [*tmp_path.iterdir()] == []
