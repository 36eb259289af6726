"""No page has a value of a private column: neither the site nor those of monitoring."""

import json
from pathlib import Path

import pytest

from made import made_params, made_schema, made_table, pipeline_run
from modelkeep.cli import arguments, run
from repository import Model, Repository
from server import Server
from sites import files

ROWS = 60


@pytest.mark.slow
def test_no_page_has_a_private_value(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All that was trained on and asked is searched for in every byte of site and report."""
    table = made_table()
    schema = made_schema("classification", "label")
    schema.columns["size"].private = True
    schema.columns["shop"].private = schema.columns["shop"].feature = True
    params = made_params("LogisticRegression", "macro_f1")
    params.evaluate.group_by = "shop"
    line = pipeline_run(tmp_path / "line", table, schema, params)
    place, features = tmp_path / "served", [*schema.features]
    asked = [{name: row[name] for name in features} for row in table.to_dicts()[:ROWS]]
    unseen = asked[0] | {"size": 12.34567, "shop": "Zaphod's"}
    with Server(line.package, place) as server:
        assert server.post("/predict", {"records": [*asked, unseen]}).status == 200
        assert server.post("/predict", {"records": [unseen | {"size": "98.76543"}]}).status == 422
    words = ["monitor", "report", "--package", str(line.package), "--rows", "50"]
    words += ["--records", str(place / "records.sqlite")]
    page, report = tmp_path / "page.html", tmp_path / "report.json"
    run(arguments([*words, "--html", str(page)]))
    capsys.readouterr()
    run(arguments([*words, "--json"]))
    report.write_text(capsys.readouterr().out, encoding="utf-8")

    made, out = Repository(tmp_path / "made"), tmp_path / "out"
    paths = [path for path in line.reports.rglob("*") if path.is_file()]
    names = {path: f"reports/{path.relative_to(line.reports).as_posix()}" for path in paths}
    project = {"artifacts": {"model": {"path": "package"}}}
    project["plots"] = [name for name in names.values() if name.endswith(".csv")]
    others = {name: path.read_bytes() for path, name in names.items()}
    others["dvc.yaml"] = json.dumps(project).encode()
    facts = json.loads((line.package / "model.json").read_text("utf-8"))
    made.commit(Model(unusual=facts), others=others)
    made.tag("model@v1.0.0")
    run(arguments(["site", str(out), "--repo", str(made.directory), "--report", str(report)]))

    sizes = {f"{value}" for value in table["size"].drop_nulls()}
    private = {size for size in sizes if len(size.partition(".")[2]) == 3}
    private |= {*table["shop"].drop_nulls(), "Zaphod", "12.34567", "98.76543"}
    pages = files(out) | {name: (tmp_path / name).read_bytes() for name in (page.name, report.name)}
    assert b"colour" in pages["data/live.js"]
    for name, content in pages.items():
        text = content.decode("utf-8")
        assert not [value for value in private if value in text], name
