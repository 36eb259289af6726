"""A person sees what each column was taken for, why, and what to beware of."""

import polars as pl

from modelkeep.adopt.options import Options
from modelkeep.adopt.overview import overview
from modelkeep.adopt.planning import plan


def test_a_table_is_told_in_lines(tmp_path):
    """The target, each column, notes and warnings are there, and nothing else."""
    path = tmp_path / "rows.csv"
    columns = {
        "key": [f"k{row:03}" for row in range(40)],
        "a very long name of a column that nobody would want to read": [1.5, 2, 4, 8] * 10,
        "label": ["yes", "no", "yes", None] * 10,
    }
    pl.DataFrame(columns).write_csv(path)
    text = overview(plan([path], Options("label")), ["a note"], ["a warning"])
    assert text.splitlines() == [
        "label: classification of 2 classes (yes 20, no 10)",
        "30 rows, 1 feature, 1 set aside",
        "",
        f"  {'column':40}  taken for  because",
        f"  {'key':40}  set aside  identifier-like: 40 different texts in 40 rows",
        "  a very long name of a column that nob...  number     numbers, 1.5 to 8",
        f"  {'label':40}  target     classification: 2 different values",
        "",
        "note: rows without 'label', which are left out: 10",
        "note: a note",
        "warning: a warning",
    ]


def test_rows_without_a_target_are_told_by_their_texts(tmp_path):
    """NA may be a class, and the option that makes it one is named."""
    path = tmp_path / "rows.csv"
    pl.DataFrame({"x": [1.5, 2, 4, 8] * 10, "y": ["a", "b", "NA", None] * 10}).write_csv(path)
    line = "rows without 'y', which are left out: 20 ('NA' 10): where that is a class, --keep y=NA"
    assert f"note: {line}" in overview(plan([path], Options("y")), [], []).splitlines()
    classes = plan([path], Options("y", keep=["y=NA"])).target.classes
    assert classes == {"a": 10, "b": 10, "NA": 10}
