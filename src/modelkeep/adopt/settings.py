"""params.yaml and schema.yaml rewritten for other data: comments, order and values stay."""

import io
import re
from textwrap import shorten
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.representer import RoundTripRepresenter
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from modelkeep_core.errors import UserError
from modelkeep_core.schema import Schema

# What of params.yaml differs between the tasks; the comments there name the choices.
TASKS: dict[str, dict[str, Any]] = {
    "classification": {
        "sections": {
            "LogisticRegression": {"C": 1.0, "max_iter": 1000},
            "RandomForestClassifier": {"n_estimators": 200, "max_depth": None},
            "HistGradientBoostingClassifier": {"learning_rate": 0.1, "max_iter": 100},
        },
        "options": {"calibrate": "none", "threshold": None},
        "scoring": "f1_macro",
        "ranges": {"LogisticRegression": {"C": {"choices": [0.1, 1.0, 10.0]}}},
        "headline": "macro_f1",
        "kind": "any scikit-learn classifier",
        "metrics": "accuracy, balanced_accuracy, macro_f1, log_loss or roc_auc",
    },
    "regression": {
        "sections": {
            "Ridge": {"alpha": 1.0},
            "RandomForestRegressor": {"n_estimators": 200, "max_depth": None},
            "HistGradientBoostingRegressor": {"learning_rate": 0.1, "max_iter": 100},
        },
        "options": {"interval": None},
        "scoring": "neg_root_mean_squared_error",
        "ranges": {"Ridge": {"alpha": {"choices": [0.1, 1.0, 10.0]}}},
        "headline": "rmse",
        "kind": "any scikit-learn regressor",
        "metrics": "rmse, mae, r2 or median_absolute_error",
    },
}
# Rules that a person sets, where others say how a file is written; how many that go are named
SET = ("type", "missing", "feature", "private", "min", "max", "values", "encoding")
CHANGES = 3
FIXED = ("seed", "estimator", "search")
# Words that some readers of YAML take for no text
RESERVED = {"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"}


def new_params(text: str, task: str, changes: dict[str, dict[str, Any]]) -> str:
    """Return params.yaml for other data: `text` with `changes`, keys and values by section.

    Where its headline is none of the task, estimators, scoring and headline become the task's.
    What changes for sections that the project has not (package, promote) is left out.

    Raises:
        UserError: a section of prepare, train or evaluate is missing.
    """
    params, suited = _parse(text), TASKS[task]
    for section in ("prepare", "train", "evaluate"):
        if not isinstance(params, CommentedMap) or section not in params:
            raise UserError(f"params.yaml: there is no section '{section}', which adopt fills in.")
    train, evaluate = params["train"], params["evaluate"]
    if evaluate["headline"] not in suited["metrics"].replace(",", "").split():
        _change_sections(train, suited["sections"] | suited["options"])
        _set(train, "estimator", next(iter(suited["sections"])))
        _set(train["search"], "scoring", suited["headline"])
        _set(train["search"], "ranges", suited["ranges"])
        _set(evaluate, "headline", suited["headline"])
    for section, values in changes.items():
        for key, value in values.items() if section in params else ():
            _set(params[section], key, value)
    dumped = _dump(params)
    for other in TASKS.values():
        for words in ("kind", "metrics"):
            dumped = dumped.replace(f"# {other[words]}", f"# {suited[words]}")
    return dumped


def new_schema(text: str, schema: Schema) -> str:
    """Return schema.yaml with the content of `schema`; what says nothing new is left out."""
    document = _parse(text)
    for key in ("task", "target", "missing_values", "duplicates"):
        _set(document, key, getattr(schema, key))
    present = document["columns"]
    columns = CommentedMap()
    for name, column in schema.columns.items():
        rules = column.model_dump(exclude_none=True)
        for key in ("min", "max"):
            if key in rules and rules[key] == round(rules[key]) and abs(rules[key]) < 1e15:
                rules[key] = int(rules[key])
        if texts := rules.get("texts"):
            rules["texts"] = {text: int(n) if n == round(n) else n for text, n in texts.items()}
        # What is usual is left out, and the others come last.
        for key, usual in (("missing", False), ("feature", True), ("joined", False)):
            value = rules.pop(key)
            rules |= {} if value == usual else {key: value}
        _put_column(columns, name, rules, present)
    comment = _cut_comment(document, "columns")
    document["columns"] = columns
    if comment:
        _add_comment(document, "columns", comment)
    return _dump(document)


def changed_rules(old: Schema, new: Schema, dry_run: bool = False) -> list[str]:
    """Say which rules of the same table are not written again, where a person may have set them.

    Args:
        old: the schema that is replaced.
        new: the one that is inferred.
        dry_run: whether `old` is not replaced.

    Returns:
        A sentence, or nothing where the tables have other columns or the rules are the same.
    """
    if old.columns.keys() != new.columns.keys():
        return []
    roles = {old.target, new.target}
    changes = [
        f"'{name}' {key} {shown(value)} (now {shown(getattr(new.columns[name], key))})"
        for name, column in old.columns.items()
        for key in SET
        for value in [getattr(column, key)]
        if value != getattr(new.columns[name], key) and not (key == "feature" and name in roles)
    ]
    if not changes:
        return []
    more = f"; and {len(changes) - CHANGES} more" if len(changes) > CHANGES else ""
    lost = f"{'; '.join(changes[:CHANGES])}{more}"
    where = "" if dry_run else ": `git diff schema.yaml` shows all of it"
    return [f"schema.yaml is written anew, and loses {lost}{where}"]


def shown(value: Any) -> str:
    """Write the value of a rule in a few words."""
    if value is None:
        return "none"
    if isinstance(value, float):
        return f"{value:.6g}"
    return shorten(str(value), 60, placeholder=" ...")


def _put_column(
    columns: CommentedMap, name: str, rules: dict[str, Any], present: CommentedMap
) -> None:
    """Add a column; what a person wrote around one that was there already stays."""
    old = present.get(name)
    if not isinstance(old, CommentedMap) or not old:
        columns[_key(name)] = _nodes(rules)
        return
    comment = _cut_comment(present, name)
    for key in [key for key in old if key not in rules]:
        del old[key]
    for key, value in rules.items():
        if old.get(key) != value:
            old[key] = _nodes(value)
    columns[_key(name)] = old
    columns.ca.items.update({name: present.ca.items[name]} if name in present.ca.items else {})
    if comment:
        _add_comment(columns, name, comment)


def _change_sections(train: CommentedMap, sections: dict[str, Any]) -> None:
    """Put the sections of other estimators, and what is for all, in the place of what is there."""
    present = [key for key in train if key not in FIXED]
    comment = _cut_comment(train, present[-1]) if present else None
    place = list(train).index("estimator") + 1
    for key in present:
        del train[key]
    for number, (name, values) in enumerate(sections.items()):
        train.insert(place + number, name, _nodes(values))
    if comment:
        _add_comment(train, list(sections)[-1], comment)


def _set(parent: CommentedMap, key: str, value: Any) -> None:
    """Set a value; the comment behind the old one, which speaks of what follows, stays."""
    comment = _cut_comment(parent, key) if key in parent else None
    parent[key] = _nodes(value)
    if comment:
        _add_comment(parent, key, comment)


def _cut_comment(node: Any, key: Any) -> Any:
    """Take away and return the comment behind the last line of a value."""
    node, key = _last(node, key)
    entry = node.ca.items.pop(key, None)
    return entry and entry[0 if isinstance(node, CommentedSeq) else 2]


def _add_comment(node: Any, key: Any, comment: Any) -> None:
    node, key = _last(node, key)
    in_list = isinstance(node, CommentedSeq)
    node.ca.items[key] = [comment, None] if in_list else [None, None, comment, None]


def _last(node: Any, key: Any) -> tuple[Any, Any]:
    """Return where the last line of a value stands."""
    value = node[key]
    if isinstance(value, CommentedMap) and value:
        return _last(value, list(value)[-1])
    if isinstance(value, CommentedSeq) and value:
        return _last(value, len(value) - 1)
    return node, key


def _nodes(value: Any) -> Any:
    if isinstance(value, dict):
        return CommentedMap((_key(name), _nodes(part)) for name, part in value.items())
    if isinstance(value, list):
        return CommentedSeq(_nodes(part) for part in value)
    return _key(value) if isinstance(value, str) else value


def _key(text: str) -> str:
    """Quote a text that is more than a word, so that every YAML reader takes it for text."""
    word = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,60}", text) and text.lower() not in RESERVED
    return text if word else DoubleQuotedScalarString(text)


class _Nulls(RoundTripRepresenter):
    """Writes nothing as `null`."""


# Representers belong to a class; other writers keep theirs.
_Nulls.add_representer(
    type(None), lambda yaml, _: yaml.represent_scalar("tag:yaml.org,2002:null", "null")
)


def _yaml() -> YAML:
    yaml = YAML()
    yaml.Representer = _Nulls
    yaml.preserve_quotes = True
    yaml.width = 1 << 20
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def _parse(text: str) -> CommentedMap:
    return _yaml().load(text)


def _dump(document: CommentedMap) -> str:
    buffer = io.StringIO()
    _yaml().dump(document, buffer)
    return buffer.getvalue()
