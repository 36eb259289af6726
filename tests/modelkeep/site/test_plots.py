"""The plots of a version, from dvc.yaml and the files of its commit."""

import json
from pathlib import Path
from typing import Any

from modelkeep.site.picture_rows import MOST_ROWS
from modelkeep.site.plots import drawn_of
from repository import Model, Repository

STAGES = {
    "train": {"deps": ["data"], "outs": ["models"]},
    "evaluate": {"deps": ["models"], "outs": [{"reports": {"cache": False}}]},
    "package": {"deps": ["models", "reports"], "outs": ["package"]},
    "train-b": {"deps": ["data"], "outs": ["models-b", "reports-b"]},
    "package-b": {"deps": ["models-b"], "outs": ["package-b"]},
}


def drawn(
    tmp_path: Path,
    plots: Any,
    files: dict[str, str | bytes | None],
    name: str = "model",
    **more: Any,
) -> list[dict[str, Any]]:
    """Return the plots of a version whose commit has a dvc.yaml with plots, and files."""
    made = Repository(tmp_path)
    project = {"plots": plots, "artifacts": {"model": {"path": "package"}}} | more
    made.commit(Model(name=name), others={"dvc.yaml": json.dumps(project), **files})
    made.tag(f"{name}@v1.0.0")
    with made.catalogue() as catalogue:
        (plot,) = drawn_of(catalogue, catalogue.registered(name))
    return [json.loads(text) for text in plot.plots]


def test_a_plot_has_the_columns_that_dvc_draws(tmp_path: Path) -> None:
    """Axes, labels and the column that tells lines apart are those of dvc.yaml and the file."""
    options = {"title": "ROC", "template": "curves", "x": "a", "y": "b", "x_label": "A"}
    content = "class,a,b\nyes,0,0.1234567\nno,1,0.5\n"
    assert drawn(tmp_path, [{"roc.csv": options}], {"roc.csv": content}) == [
        {
            "title": "ROC",
            "kind": "lines",
            "x_label": "A",
            "y_label": "b",
            "x": [0, 1],
            "y": [0.1235, 0.5],
            "by": "class",
            "group": ["yes", "no"],
        }
    ]


def test_a_plot_without_options_is_drawn_as_dvc_would(tmp_path: Path) -> None:
    """The last column is drawn over the one before it; JSON and TSV are tables too."""
    files: dict[str, str | bytes | None] = {
        "a.csv": "step,loss\n1,2\n",
        "b.json": json.dumps({"loss": [{"step": 1, "loss": 2.5}]}),
        "c.tsv": "step\tloss\n1\t3\n",
    }
    drawings = drawn(tmp_path, ["a.csv", "b.json", {"c.tsv": None}], files)
    assert [(plot["title"], plot["x"], plot["y"]) for plot in drawings] == [
        ("a.csv", [1], [2]),
        ("b.json", [1], [2.5]),
        ("c.tsv", [1], [3]),
    ]


def test_a_matrix_and_bars_keep_their_names(tmp_path: Path) -> None:
    """Classes are no numbers, even where they look like some."""
    plots = {
        "m.csv": {"template": "confusion_counts", "x": "predicted", "y": "actual"},
        "i.csv": {"template": "bar_horizontal", "x": "importance", "y": "feature"},
    }
    files: dict[str, str | bytes | None] = {
        "m.csv": "actual,predicted,count,share\n1,2,5,0.5\n",
        "i.csv": "feature,importance,standard_deviation\n<b>,0.5,0.1\n",
    }
    matrix, bars = drawn(tmp_path, plots, files)
    assert (matrix["kind"], matrix["x"], matrix["y"], matrix["size"]) == (
        "matrix",
        ["2"],
        ["1"],
        [5],
    )
    assert (bars["kind"], bars["x"], bars["y"]) == ("bars", [0.5], ["<b>"])


def test_what_is_no_plot_is_left_out(tmp_path: Path) -> None:
    """A missing file, a directory, bytes, a header alone and another shape are no pictures."""
    files: dict[str, str | bytes | None] = {
        "bytes.csv": b"\xff\xfe\x00",
        "header.csv": "a,b\n",
        "list.json": "[1, 2]",
        "deep.json": "[" * 5000,
        "in/side.csv": "a,b\n1,2\n",
        "text.csv": "a,b\nx,y\n",
    }
    plots = ["gone.csv", "in", *files, 3, {"": {}}, {"header.csv": "x"}]
    drawings = drawn(tmp_path, plots, files)
    assert [plot["title"] for plot in drawings] == ["in/side.csv", "text.csv"]
    assert drawings[1]["x"] == [None]


def test_the_trials_of_a_search_are_no_plot(tmp_path: Path) -> None:
    """They have a view of their own; a plot whose template is called alike has none."""
    trials = "trial,estimator,score,standard_deviation,folds,parameters\n1,Ridge,0.5,0.1,5,\n"
    files: dict[str, str | bytes | None] = {"search.csv": trials, "own.csv": "x,y\n1,2\n"}
    plots = {name: {"template": "research"} for name in files}
    assert [plot["title"] for plot in drawn(tmp_path, plots, files)] == ["own.csv"]


def test_a_long_plot_is_thinned(tmp_path: Path) -> None:
    """First and last row stay, and a picture needs no more than some hundred."""
    rows = "".join(f"{place},{place}\n" for place in range(10_000))
    (plot,) = drawn(tmp_path, ["a.csv"], {"a.csv": f"x,y\n{rows}"})
    assert (len(plot["x"]), plot["x"][0], plot["x"][-1]) == (MOST_ROWS, 0, 9999)


def test_a_large_matrix_has_true_cells(tmp_path: Path) -> None:
    """Of many classes, the first have all their cells: none is taken for 0 that is not there."""
    names = [f"c{place}" for place in range(50)]
    rows = "".join(f"{a},{b},{names.index(b)}\n" for a in names for b in names)
    options = {"template": "confusion", "x": "predicted", "y": "actual"}
    (plot,) = drawn(tmp_path, {"m.csv": options}, {"m.csv": f"actual,predicted,count\n{rows}"})
    first = names[:40]
    assert plot["part"] == "40 of 50"
    cells = [*zip(plot["y"], plot["x"], plot["size"], strict=True)]
    assert cells == [(a, b, names.index(b)) for a in first for b in first]


def test_each_line_of_many_is_thinned_by_itself(tmp_path: Path) -> None:
    """Nine classes leave seven lines, each from its first to its last point."""
    rows = "".join(f"c{name},{place},1\n" for name in range(9) for place in range(200))
    options = {"x": "a", "y": "b"}
    (plot,) = drawn(tmp_path, {"c.csv": options}, {"c.csv": f"class,a,b\n{rows}"})
    lines = {name: [] for name in dict.fromkeys(plot["group"])}
    for name, place in zip(plot["group"], plot["x"], strict=True):
        lines[name].append(place)
    assert plot["part"] == "7 of 9"
    assert [*lines] == [f"c{name}" for name in range(7)]
    assert {(len(line), line[0], line[-1]) for line in lines.values()} == {(85, 0, 199)}


def test_many_bars_are_the_first(tmp_path: Path) -> None:
    """The file has the most important features first."""
    rows = "".join(f"f{place},{1000 - place}\n" for place in range(1000))
    options = {"template": "bar", "x": "importance", "y": "feature"}
    (plot,) = drawn(tmp_path, {"i.csv": options}, {"i.csv": f"feature,importance\n{rows}"})
    assert plot["y"] == [f"f{place}" for place in range(MOST_ROWS)]
    assert plot["part"] == "30 of 1000"


def test_of_several_models_each_has_its_own_plots(tmp_path: Path) -> None:
    """What the stages before its package write, followed backwards through dvc.yaml."""
    artifacts = {"model": {"path": "package"}, "b": {"path": "package-b"}}
    files: dict[str, str | bytes | None] = {
        "reports/a.csv": "x,y\n1,2\n",
        "reports-b/b.csv": "x,y\n1,2\n",
    }
    for name, wanted in (("model", ["reports/a.csv"]), ("b", ["reports-b/b.csv"])):
        directory = tmp_path / name
        directory.mkdir()
        drawings = drawn(directory, [*files], files, name, artifacts=artifacts, stages=STAGES)
        assert [plot["title"] for plot in drawings] == wanted
