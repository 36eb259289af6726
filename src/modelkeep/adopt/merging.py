"""What a person has set for a table stays, when new rows of the same table are adopted.

What adopt would say of the old data/raw is what it said then: whatever else is in schema.yaml is of
a person's hand. It stays where the column is still of the same type, and the new rows keep it.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from modelkeep.adopt.options import Options
from modelkeep.adopt.planning import Plan, plan
from modelkeep.adopt.settings import shown
from modelkeep_core import tables
from modelkeep_core.checking import check
from modelkeep_core.errors import UserError
from modelkeep_core.params import Prepare
from modelkeep_core.schema import Column, Schema

# Of what is in schema.yaml, how many edits are named
NAMED = 3
RULES = [rule for rule in Column.model_fields if rule not in ("type", "joined")]


@dataclass
class Merged:
    """A schema with the edits of the one before.

    Attributes:
        schema: the merged one, of the columns that the rows have.
        joined: the columns that prepare joins or computes, which are in no file.
        kept, lost: the edits that it has, and those that it cannot have, in a few words each.
    """

    schema: Schema
    joined: dict[str, Column] = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    @property
    def notes(self) -> list[str]:
        """What a person should know of them, in sentences."""
        notes = []
        if self.kept:
            notes.append(f"kept, as you had set it in schema.yaml: {_some(self.kept)}")
        if self.lost:
            notes.append(f"lost from schema.yaml, as the new rows break it: {_some(self.lost)}")
        return notes


def is_same_table(old: Schema, target: str, header: list[str]) -> bool:
    """Say whether a table is the one that a schema describes: by the target and most columns."""
    return old.target == target and 2 * len({*header} & {*old.raw}) >= len(old.raw)


def with_roles(options: Options, params: Prepare, header: list[str]) -> Options:
    """Return options by which the rows are split as before, unless a person says otherwise."""
    column = params.split_by
    decided = options.time or options.group or column in (options.target, *options.drop)
    if params.split == "random" or decided or column not in header:
        return options
    if params.split == "time":
        return replace(options, time=column)
    return replace(options, group=column)


def inferred_before(old: Schema, raw: Path) -> Schema | None:
    """Return what adopt says of the old rows without a person; None where it cannot tell."""
    try:
        return plan(tables.files_of(raw), Options(old.target, old.task)).schema
    except UserError:
        return None


def merged(old: Schema, base: Schema, made: Plan, files: list[Path], options: Options) -> Merged:
    """Return the schema of new rows with what a person has set for the same table.

    Args:
        old: the schema that is in force.
        base: what adopt says of the old rows.
        made: what the new rows were taken for.
        files: the new rows.
        options: what a person says now, which counts for more.
    """
    options = options.in_terms_of([*made.schema.columns])
    columns = dict(made.schema.columns)
    result = Merged(made.schema)
    roles = {*options.drop, options.time, options.group}
    decided = {name for pairs in options.of_columns.values() for name, _ in pairs}
    common = base.columns.keys() & old.columns.keys() - decided
    for name in [name for name in columns if name in common]:
        rules = edits(base.columns[name], old.columns[name])
        if name in roles:
            rules.pop("feature", None)
        if not rules:
            continue
        edited = None
        if base.columns[name].type == columns[name].type:
            edited = _edited(columns[name], rules, made.schema, name, files)
        named = {"type": rules["type"]} if "type" in rules else rules
        changes = [f"'{name}' {rule} {shown(value)}" for rule, value in named.items()]
        (result.kept if edited else result.lost).extend(changes)
        columns[name] = edited or columns[name]
    empty = {text for column in columns.values() for text in column.missing_values or ()}
    strange = [text for text in old.missing_values if text and text not in empty]
    result.lost += [f"missing_values {shown(text)} in every column" for text in strange]
    result.schema = made.schema.model_copy(update={"columns": columns})
    result.joined = {name: column for name, column in old.columns.items() if column.joined}
    return result


def edits(base: Column, old: Column) -> dict[str, Any]:
    """Return the rules that a person has set: those of `old` that `base` has not.

    Of a list of values, they are those which were added; of another type, all of its rules.
    """
    if base.type != old.type:
        return old.model_dump()
    rules = {rule: getattr(old, rule) for rule in RULES}
    changed = {rule: value for rule, value in rules.items() if value != getattr(base, rule)}
    if old.type == "category" and old.values and base.values:
        changed.pop("values", None)
        added = sorted({*old.values} - {*base.values})
        changed |= {"values": added} if added else {}
    return changed


def _edited(
    column: Column, rules: dict[str, Any], schema: Schema, name: str, files: list[Path]
) -> Column | None:
    """Return a column with other rules; None where they contradict the others, or the rows."""
    if column.type == "category" and column.values and rules.get("values"):
        rules = rules | {"values": sorted({*column.values, *rules["values"]})}
    columns = {other: part.model_dump() for other, part in schema.columns.items()}
    columns[name] |= rules
    try:
        edited = Schema.model_validate(schema.model_dump() | {"columns": columns})
    except ValidationError:
        return None
    broken = any(check(file, edited, [name])[0] for file in files)
    return None if broken else edited.columns[name]


def _some(changes: list[str]) -> str:
    more = f"; and {len(changes) - NAMED} more" if len(changes) > NAMED else ""
    return f"{'; '.join(changes[:NAMED])}{more}"
