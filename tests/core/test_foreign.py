"""What somebody else wrote is read as far as it is what it should be, and no further."""

import json
import os

import pytest

from modelkeep_core.errors import UserError
from modelkeep_core.files import read_json, read_yaml
from modelkeep_core.foreign import (
    check_file,
    check_tree,
    inside,
    object_name,
    parse_json,
    read_file,
    read_listing,
)

MD5 = "0123456789abcdef" * 2


@pytest.mark.parametrize("name", [MD5, f"{MD5}.dir"])
def test_an_object_has_the_name_of_its_hash(name):
    """DVC names objects by their MD5, and lists of files end in .dir."""
    assert object_name(name, "the model") == name


@pytest.mark.parametrize(
    "name",
    [
        *("", "ab", MD5.upper(), MD5[:-1], f"{MD5}0", f"{MD5}.dir.dir", f"{MD5}\n", f" {MD5}"),
        *("aa/etc/hostname", "ab../../../../etc/x", f"../{MD5}", None, 5, [MD5], {"md5": MD5}),
    ],
)
def test_another_name_is_no_object(name):
    """A name that leads elsewhere is refused before anything is looked for."""
    with pytest.raises(UserError, match="the model names no object of DVC"):
        object_name(name, "the model")


@pytest.mark.parametrize("path", ["a", "a/b.c", "ë/日本", ".python-version", "a..b/..c", "a b"])
def test_a_path_inside_stays_as_it_is(path):
    """Names of any script may be in a directory, and dots in names."""
    assert inside(path, "package") == path


@pytest.mark.parametrize(
    "path",
    [
        *("", ".", "./", "..", "../a", "a/../../b", "/etc/passwd", "a\\..\\b", "C:\\x", "C:x"),
        *("a\0b", "a" * 5000, "\ud800", None, 5, ["a"]),
    ],
)
def test_a_path_that_leads_out_is_refused(path):
    """Also what is no path at all, or none that a file system has."""
    with pytest.raises(UserError, match=r"leads out of package|is no path"):
        inside(path, "package")


@pytest.mark.parametrize("path", ["gone", "a/b", "directory", "pipe", "device", "x" * 300])
def test_what_is_no_ordinary_file_is_not_read(tmp_path, path):
    """A pipe would be waited for, and a device never ends."""
    (tmp_path / "a").touch()
    (tmp_path / "directory").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "device").symlink_to("/dev/zero")
    with pytest.raises(UserError, match=r"is missing|no ordinary file|cannot be read"):
        read_file(tmp_path / path, 100)


def test_a_file_of_the_greatest_size_is_read_and_a_larger_one_is_not(tmp_path):
    """The limit is in the message."""
    path = tmp_path / "file"
    path.write_bytes(b"x" * 100)
    assert read_file(path, 100) == b"x" * 100
    with pytest.raises(UserError, match=r"file has 100 bytes; such a file has at most 99"):
        read_file(path, 99)


def test_a_link_may_lead_to_an_object_of_dvc_and_nowhere_else(tmp_path):
    """With `cache.type symlink`, DVC fills a package with links to its cache."""
    package = tmp_path / "package"
    package.mkdir()
    cached = tmp_path / "cache" / "files" / "md5" / MD5[:2] / MD5[2:]
    cached.parent.mkdir(parents=True)
    for place in (cached, tmp_path / "secret", package / "own"):
        place.write_text("x", encoding="utf-8")
    for name, target in {"ok": cached, "here": package / "own", "out": tmp_path / "secret"}.items():
        (package / name).symlink_to(target)
    check_file(package / "ok", package)
    check_file(package / "here", package)
    with pytest.raises(UserError, match=r"out is a link that leads out of .*package"):
        check_file(package / "out", package)


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[1,]", "NaN", '{"a": Infinity}', "1e999", "1" * 30, "1" * 5000, '"\\ud800"'),
        *("[" * 100_000, "[" * 100 + "]" * 100, '{"a":' * 70 + "1" + "}" * 70),
    ],
)
def test_json_that_would_break_what_reads_it_is_refused(text):
    """Numbers that no float holds, halves of characters, and lists of lists without end."""
    with pytest.raises(UserError, match=r"model\.json is (not valid JSON|nested too deep)"):
        parse_json(text.encode(), "model.json")


def test_json_in_another_encoding_is_refused():
    """JSON is UTF-8."""
    with pytest.raises(UserError, match="not valid JSON"):
        parse_json('{"a": "ë"}'.encode("latin-1"), "model.json")


def test_json_of_too_many_values_is_refused_before_it_is_parsed():
    """Three bytes of a list in a list take seventy in memory."""
    with pytest.raises(UserError, match="too large"):
        parse_json(b"[" + b"[]," * 4_000_000 + b"1]", "model.json")


def test_usual_json_is_read(tmp_path):
    """Emoji, which are two escapes, large integers, and sixty levels."""
    value = {"a": [1, -2.5e-8, None, True, "ë😀"], "b": 2**63}
    assert parse_json(json.dumps(value).encode(), "x") == value
    (tmp_path / "deep.json").write_text("[" * 60 + "]" * 60, encoding="utf-8")
    assert read_json(tmp_path / "deep.json")


def entries(*pairs):
    """Return a list of files as DVC writes it."""
    return json.dumps([{"md5": md5, "relpath": path} for md5, path in pairs]).encode()


def test_a_listing_gives_objects_by_paths():
    """Other keys, which other versions of DVC write, are left alone."""
    listing = json.loads(entries((MD5, "a/b")))
    listing[0]["size"] = 7
    assert read_listing(json.dumps(listing).encode(), "package") == {"a/b": MD5}


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"{}", b"null", b"[1]", b"[[]]", b'[{"md5": "x"}]', b'[{"relpath": "x"}]', b"\xff"),
        *(entries(("ab../../../x", "a")), entries((MD5, "../a")), entries((5, "a"))),
        *(entries((MD5, 5)), entries((f"{MD5}.dir", "a")), b"[" * 5000),
    ],
)
def test_a_list_of_files_that_dvc_did_not_write_is_refused(content):
    """In a sentence, whatever it is."""
    with pytest.raises(UserError):
        read_listing(content, "package")


def bomb(levels):
    """Return YAML in which each value is ten times the one before."""
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"]
    lines += [
        f"a{number}: &a{number} [{','.join([f'*a{number - 1}'] * 10)}]"
        for number in range(1, levels)
    ]
    return "\n".join(lines)


@pytest.mark.parametrize(
    "text",
    [
        bomb(10),
        bomb(9).replace("[", "{<<: [").replace("]", "]}").replace("[x,x,x,x,x,x,x,x,x,x]", "[]"),
        "a: &a [*a]",
        "a: &a {b: *a}",
        "[" * 80 + "]" * 80,
        "[" * 20_000,
        "a0: &a0 x\n" + "\n".join(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 100)),
        *(
            "a: 2020-99-99",
            "a: !!int x",
            "a: !!float x",
            "a: !!timestamp x",
            "a: *b",
            'a: "\\ud800"',
        ),
        *(
            "!!python/object/apply:os.system [id]",
            "!!omap 5",
            "!!set 5",
            "!!binary x",
            "\0",
            "\t- a:",
        ),
    ],
)
def test_yaml_that_grows_or_is_none_is_refused_in_a_sentence(tmp_path, text):
    """Aliases of aliases, merges of merges, circles, depth, and values that are none."""
    path = tmp_path / "schema.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=r"schema\.yaml"):
        read_yaml(path)


def test_usual_aliases_and_merges_are_read(tmp_path):
    """They are part of YAML, and dvc.yaml may have them."""
    path = tmp_path / "dvc.yaml"
    path.write_text("a: &a {b: 1}\nc: {<<: *a, d: [*a, *a]}\n", encoding="utf-8")
    assert read_yaml(path) == {"a": {"b": 1}, "c": {"b": 1, "d": [{"b": 1}, {"b": 1}]}}


def test_a_shared_tree_is_measured_as_it_would_be_written_out():
    """A million values in one list are read, and twelve references to it are not."""
    shared = [None] * 400_000
    check_tree([shared] * 9, "x")
    with pytest.raises(UserError, match="too many values"):
        check_tree([shared] * 12, "x")


def test_a_large_file_of_yaml_is_not_parsed(tmp_path):
    """It would take minutes."""
    path = tmp_path / "schema.yaml"
    path.write_bytes(b"a: 1\n" * 1_000_000)
    with pytest.raises(UserError, match="such a file has at most"):
        read_yaml(path)
