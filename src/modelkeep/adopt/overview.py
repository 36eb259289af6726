"""What a table was taken for, as text: each column, why, and what a person should know."""

from modelkeep.adopt.options import deciding
from modelkeep.adopt.planning import Plan
from modelkeep_core.visible import counted

WIDEST = 40


def overview(made: Plan, notes: list[str], warnings: list[str]) -> str:
    """Lay a plan out for a person: the target, a line for each column, notes and warnings."""
    target, cells = made.target, [("column", "taken for", "because")]
    for name, inferred in made.columns.items():
        cells.append((_short(name), inferred.meaning, inferred.why))
    widths = [max(len(row[place]) for row in cells) for place in range(2)]
    lines = [
        f"  {name:{widths[0]}}  {meaning:{widths[1]}}  {why}".rstrip()
        for name, meaning, why in cells
    ]
    aside = sum(inferred.meaning == "set aside" for inferred in made.columns.values())
    head = f"{target.rows} rows, {counted(len(made.schema.features), 'feature')}"
    head += f", {aside} set aside" if aside else ""
    summary = f"{target.name}: {target.task}"
    if target.classes:
        shown = [f"{name} {rows}" for name, rows in list(target.classes.items())[:6]]
        summary += f" of {len(target.classes)} classes ({', '.join(shown)}"
        summary += ", ...)" if len(target.classes) > 6 else ")"
    if target.left_out:
        texts = [text for text in target.empty if text.strip()]
        left = f"rows without '{target.name}', which are left out: {target.left_out}"
        if texts:
            left += f" ({', '.join(f'{text!r} {target.empty[text]}' for text in texts)})"
        if texts and target.classes:
            left += f": where that is a class, {deciding('--keep', target.name, texts[0])}"
        notes = [left, *notes]
    remarks = [f"note: {note}" for note in (*notes, *made.notes)]
    remarks += [f"warning: {warning}" for warning in (*warnings, *made.warnings)]
    return "\n".join([summary, head, "", *lines, *([""] if remarks else []), *remarks, ""])


def _short(name: str) -> str:
    return name if len(name) <= WIDEST else name[: WIDEST - 3] + "..."
