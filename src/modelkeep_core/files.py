"""Small files: content hashes, JSON with stable bytes, YAML read into typed models."""

import hashlib
import json
import math
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from modelkeep_core.errors import UserError, suggestion
from modelkeep_core.foreign import (
    MOST_JSON,
    MOST_YAML,
    check_tree,
    parse_json,
    parse_toml,
    read_file,
)
from modelkeep_core.leftover import discard
from modelkeep_core.merges import check_merged

# What reading YAML can raise; a value that is none of its type, such as the 32nd of a month, is any
# of the latter.
BROKEN_YAML = (YAMLError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


class Section(BaseModel):
    """A mapping in a YAML file that has these keys and, unless it says otherwise, no others."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)

    @model_validator(mode="before")
    @classmethod
    def _only_known_keys(cls, values: Any) -> Any:
        if cls.model_config["extra"] == "allow" or not isinstance(values, dict):
            return values
        fields = cls.model_fields
        unknown = [key for key in values if key not in fields]
        if unknown:
            named = (f"'{key}'{suggestion(str(key), fields)}" for key in unknown)
            raise ValueError(f"unknown key {', '.join(named)}")
        return values

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_for_a_number(cls, value: Any, info: ValidationInfo) -> Any:
        if isinstance(value, bool) and info.field_name in cls.model_fields:
            kind = cls.model_fields[info.field_name].annotation
            kinds = {kind, *get_args(kind)}
            if kinds & {int, float} and bool not in kinds:
                raise ValueError(f"input should be a number, not {value}")
        return value


Model = TypeVar("Model", bound=BaseModel)


def sha256(path: Path | str) -> str:
    """Return the SHA-256 of a file's bytes as 64 hexadecimal digits."""
    path = Path(path)
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_text(path: Path | str, text: str) -> None:
    """Write UTF-8 text with Unix line ends; the file appears whole or not at all."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    try:
        partial.write_text(text, encoding="utf-8", newline="\n")
        os.replace(partial, path)
    except OSError as error:
        # A disk that is full does not say of which file.
        error.filename = error.filename or str(path)
        raise
    finally:
        discard(partial)


def plain(value: Any) -> Any:
    """Return `value` as JSON can hold it: what JSON has no word for becomes text."""
    if isinstance(value, dict):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    return value if isinstance(value, str | int | float | None) else str(value)


def write_json(path: Path | str, value: Any) -> None:
    """Write `value` as indented JSON in the order of its keys. Not-a-number is an error."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path | str) -> Any:
    """Read a JSON file.

    Raises:
        UserError: the file is missing, is not JSON, or is too large to be read.
    """
    path = Path(path)
    return parse_json(read_file(path, MOST_JSON), str(path))


def read_yaml(path: Path | str) -> Any:
    """Read YAML 1.2 with the parser that DVC uses, so that both see the same values.

    Raises:
        UserError: the file is missing, is not YAML, or is too large to be read.
    """
    path = Path(path)
    yaml = YAML(typ="safe", pure=True)
    yaml.Constructor = _Bounded
    content = read_file(path, MOST_YAML)
    try:
        return yaml.load(content.decode("utf-8"))
    except BROKEN_YAML as error:
        check_merged(content.decode("utf-8", "replace"), str(path))
        raise UserError(f"{path} is not valid YAML: {error}") from None
    except RecursionError:
        raise UserError(f"{path} is nested too deep: it is not read.") from None
    except UserError as error:
        raise UserError(f"{path}: {error}") from None


class _Bounded(SafeConstructor):
    """Makes values of nodes, unless aliases and merges would make too many of them."""

    def construct_document(self, node: Node) -> Any:
        check_tree(_plain_nodes(node, {}), "it")
        return super().construct_document(node)


def _plain_nodes(node: Node, made: dict[int, list[Any]]) -> Any:
    """Return the nodes of a YAML file as lists of lists, shared where nodes are."""
    if not isinstance(node, MappingNode | SequenceNode):
        # Half of a character can be written as an escape only; it is a ValueError.
        str(node.value).encode()
        return None
    if id(node) not in made:
        made[id(node)] = parts = []
        for child in node.value:
            pair = child if isinstance(child, tuple) else (child,)
            parts += [_plain_nodes(part, made) for part in pair]
    return made[id(node)]


def read_parameters(path: Path) -> Any:
    """Read a file of parameters as DVC reads it: TOML by its ending, else YAML, of which JSON is.

    Raises:
        UserError: the file is missing, or not of its format.
    """
    if path.suffix != ".toml":
        return read_yaml(path)
    return parse_toml(read_file(path, MOST_YAML), str(path))


def read_model(
    path: Path | str, model: type[Model], section: str | None = None, page: str | None = None
) -> Model:
    """Read a YAML file, or the section of it with this name, into `model`.

    Raises:
        UserError: naming the keys that are unknown, missing or of a wrong value, and the page of
            the documentation that says which there are.
    """
    content, start = read_yaml(path), []
    if section is not None:
        if not isinstance(content, dict) or section not in content:
            raise UserError(f"{path} cannot be used:\n  {section}: this section is missing", page)
        content, start = content[section], [section]
    try:
        return model.model_validate(content)
    except ValidationError as invalid:
        raise _refused(path, invalid.errors(), start, page) from None


def check_values(
    path: Path, content: dict[str, Any], model: type[Model], section: str, page: str | None = None
) -> None:
    """Refuse values that `model` does not take; keys that it lacks, or that are missing, may be.

    Raises:
        UserError: naming the keys that are of a wrong value, as `read_model` does.
    """
    known = {key: value for key, value in content.items() if key in model.model_fields}
    try:
        model.model_validate(known)
    except ValidationError as invalid:
        faults = [fault for fault in invalid.errors() if fault["type"] != "missing"]
        if faults:
            raise _refused(path, faults, [section], page) from None


def _refused(
    path: Path | str, faults: Iterable[Any], start: list[str], page: str | None
) -> UserError:
    """Return an error that names each of pydantic's faults in a file."""
    listed = "\n".join(f"  {_fault(fault, start)}" for fault in faults)
    return UserError(f"{path} cannot be used:\n{listed}", page)


def _fault(fault: Any, start: list[str]) -> str:
    """Say one of pydantic's errors in the words of the file: the dotted key, then the rule."""
    where = ".".join(str(step) for step in [*start, *fault["loc"]])
    if fault["type"] == "missing":
        rule = "this key is missing"
    elif fault["type"] == "value_error":
        rule = str(fault["ctx"]["error"])
    else:
        rule = f"{fault['msg'][:1].lower()}{fault['msg'][1:]}, not {fault['input']!r}"
    return f"{where}: {rule}" if where else rule
