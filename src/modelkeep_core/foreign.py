"""Bytes that somebody else wrote: every reader of a package or a repository checks them here.

Names of objects, paths, kinds and sizes of files, JSON and YAML: what is not as it should be is a
UserError. Limits are far beyond what the pipeline writes, and keep a file of a few bytes from
taking the memory of a machine.
"""

import json
import math
import os
import re
import stat
from pathlib import Path, PurePosixPath
from typing import Any, NoReturn

from modelkeep_core.errors import UserError
from modelkeep_core.merges import check_merged

# Bytes that are read of a file, and values that it may hold
MOST_JSON = 64 * 2**20
MOST_YAML = 4 * 2**20
MOST_VALUES = 4_000_000
DEEPEST = 64
LARGEST = 2**64
LONGEST_PATH = 4096
OBJECT = re.compile(r"[0-9a-f]{32}(?:\.dir)?")
# Where DVC keeps the bytes of a file; with `cache.type symlink`, a package is links to there.
_CACHED = re.compile(r"/[0-9a-f]{2}/[0-9a-f]{30}")


def object_name(name: Any, meaning: str) -> str:
    """Return the name of an object of DVC: 32 hexadecimal digits, and ".dir" for a directory.

    Args:
        name: what was written there.
        meaning: what the object is, for the message.

    Raises:
        UserError: it is no such name.
    """
    if not isinstance(name, str) or not OBJECT.fullmatch(name):
        raise UserError(f"{meaning} names no object of DVC: {_short(name)} is no MD5.")
    return name


def inside(path: Any, directory: str) -> str:
    """Return the relative path of a file that stays in its directory.

    Args:
        path: what was written there, with "/" between its parts.
        directory: the directory, for the message.

    Raises:
        UserError: it is no path, or leaves the directory.
    """
    if not isinstance(path, str) or not 0 < len(path) <= LONGEST_PATH or "\0" in path:
        raise UserError(f"{_short(path)} is no path of a file in {directory}.")
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or "\\" in path or ":" in path:
        raise UserError(f"{_short(path)} leads out of {directory}: it is not written.")
    try:
        os.fsencode(path)
    except UnicodeEncodeError:
        raise UserError(f"{_short(path)} is no path of a file in {directory}.") from None
    return path


def check_file(path: Path, directory: Path | None = None, most: int | None = None) -> None:
    """Make sure that a path is an ordinary file: no device or pipe, which might never end.

    Args:
        path: the file.
        directory: the directory that a link must not lead out of, but to an object of DVC.
        most: how many bytes it may have.

    Raises:
        UserError: it is missing, of another kind, elsewhere, or too large.
    """
    try:
        status = path.stat()
    except (OSError, ValueError) as error:
        if isinstance(error, FileNotFoundError | NotADirectoryError):
            raise UserError(f"{path} is missing.") from None
        raise UserError(f"{path} cannot be read: {error}.") from None
    if not stat.S_ISREG(status.st_mode):
        raise UserError(f"{path} is no ordinary file: it is not read.")
    if most is not None and status.st_size > most:
        raise UserError(f"{path} has {status.st_size:,} bytes; such a file has at most {most:,}.")
    if directory is not None:
        place, whole = directory.resolve(), path.resolve()
        if not whole.is_relative_to(place) and not _CACHED.search(whole.as_posix()[-34:]):
            raise UserError(f"{path} is a link that leads out of {directory}: it is not read.")


def read_file(path: Path, most: int) -> bytes:
    """Return the bytes of an ordinary file of at most `most` bytes.

    Raises:
        UserError: it is missing, of another kind, or too large.
    """
    check_file(path, most=most)
    try:
        with path.open("rb") as file:
            return file.read(most)
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.") from None


def parse_json(content: bytes, where: str) -> Any:
    """Return what a JSON text says: finite numbers, whole characters, at most 64 levels.

    Args:
        content: its bytes, in UTF-8.
        where: what is read, for the message.

    Raises:
        UserError: it is no such text, or too large.
    """
    if len(content) > MOST_JSON or sum(map(content.count, (b",", b"[", b"{"))) > MOST_VALUES:
        raise UserError(f"{where} is too large to be read.")
    try:
        value = _DECODER.decode(content.decode("utf-8"))
        # Half of a character can be written as an escape only.
        if b"\\ud" in content or b"\\uD" in content:
            json.dumps(value, ensure_ascii=False).encode()
    except (RecursionError, ValueError) as error:
        check_merged(content.decode("utf-8", "replace"), where)
        raise UserError(f"{where} is not valid JSON: {error}.") from None
    # It is as deep as it has brackets, at most.
    if content.count(b"[") + content.count(b"{") > DEEPEST:
        _check_depth(value, where)
    return value


def parse_toml(content: bytes, where: str) -> dict[str, Any]:
    """Return what a TOML text says.

    Args:
        content: its bytes, in UTF-8.
        where: what is read, for the message.

    Raises:
        UserError: it is no such text.
    """
    # Most commands read none.
    import tomllib

    try:
        return tomllib.loads(content.decode("utf-8"))
    except (RecursionError, ValueError) as error:
        check_merged(content.decode("utf-8", "replace"), where)
        raise UserError(f"{where} is not valid TOML: {error}") from None


def read_listing(content: bytes, directory: str) -> dict[str, str]:
    """Return the objects of a directory by the paths in it, from DVC's list of its files.

    Args:
        content: the object that lists them, whose name ends in ".dir".
        directory: the directory, for messages.

    Raises:
        UserError: it is no such list, or lists a path that leads out of the directory.
    """
    entries = parse_json(content, f"the list of the files of {directory}")
    if not isinstance(entries, list) or not all(
        isinstance(entry, dict) and {"md5", "relpath"} <= entry.keys() for entry in entries
    ):
        raise UserError(f"the list of the files of {directory} is not as DVC writes it.")
    files = {}
    for entry in entries:
        path = inside(entry["relpath"], directory)
        files[path] = object_name(entry["md5"], f"{directory}/{path}")
        if files[path].endswith(".dir"):
            raise UserError(f"{directory}/{path} is a directory in DVC's list of files.")
    return files


def check_tree(value: Any, where: str) -> None:
    """Make sure that lists and mappings, written out without aliases, are no more than is read.

    Ten aliases of ten aliases and so on are a few bytes in YAML, and all memory once each is
    written out.

    Raises:
        UserError: they are too deep or too many.
    """
    measured: dict[int, tuple[int, int]] = {}

    def measure(part: Any, depth: int) -> tuple[int, int]:
        if not isinstance(part, dict | list):
            return 1, 0
        if id(part) not in measured:
            if depth > DEEPEST:
                raise _too_much(where)
            size = height = 0
            for child in part.values() if isinstance(part, dict) else part:
                if not isinstance(child, dict | list):
                    size += 1
                    continue
                size_of_child, height_of_child = measure(child, depth + 1)
                size += size_of_child
                height = max(height, height_of_child)
            if size > MOST_VALUES or height >= DEEPEST:
                raise _too_much(where)
            measured[id(part)] = size + 1, height + 1
        return measured[id(part)]

    measure(value, 0)


def _check_depth(value: Any, where: str) -> None:
    """Make sure of the same where there are no aliases, and the values are counted already."""
    level: list[dict[str, Any] | list[Any]] = [[value]]
    for _ in range(DEEPEST + 1):
        parts = (part.values() if isinstance(part, dict) else part for part in level)
        level = [child for part in parts for child in part if isinstance(child, dict | list)]
    if level:
        raise _too_much(where)


def _too_much(where: str) -> UserError:
    return UserError(
        f"{where} is nested too deep, or has too many values once its aliases are written out."
    )


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is too large")
    return number


def _integer(text: str) -> int:
    number = int(text)
    if abs(number) > LARGEST:
        raise ValueError("a number is too large")
    return number


# Made once: with these, `json.loads` makes one each time.
_DECODER = json.JSONDecoder(parse_constant=_no_number, parse_float=_finite, parse_int=_integer)


def _short(value: Any) -> str:
    """Return a value for a message, cut where it is long."""
    text = f"'{value}'" if isinstance(value, str) else repr(value)
    return text if len(text) <= 200 else f"{text[:200]}…"
