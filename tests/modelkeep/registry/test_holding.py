"""Committed data that hold some rows are found in every version, or are named as not searched."""

import pytest

from modelkeep.registry.holding import holdings
from modelkeep_core import tables
from modelkeep_core.schema import read_schema


@pytest.fixture
def schema(numbered):
    """The contract of the project."""
    return read_schema(numbered.directory / "schema.yaml")


def searched(project, schema, *wanted):
    """Search for rows, and return path, number of rows and versions of each file."""
    with project.catalogue() as catalogue:
        return [
            (held.path, held.rows, held.versions) for held in holdings(catalogue, schema, wanted)
        ]


def rows_of(project, schema):
    """Return the raw rows, as JSON has them."""
    (path,) = (project.directory / "raw").iterdir()
    table = tables.read([path], schema).collect()
    return path.name, table.to_dicts()


def test_a_value_is_found_in_all_versions_that_have_it(numbered, schema):
    """With how many rows have it; a value that no row has is in no file."""
    name, rows = rows_of(numbered, schema)
    reds = sum(row["colour"] == "red" for row in rows)
    versions = ["made-up v1.2.0", "made-up v1.1.0", "made-up v1.0.0", "HEAD"]
    assert searched(numbered, schema, {"colour": "red"}) == [(f"raw/{name}", reds, versions)]
    assert searched(numbered, schema, {"colour": "pink"}) == []


def test_a_whole_row_is_found_by_all_its_cells(numbered, schema):
    """Numbers, booleans, texts and empty cells are compared; one other cell is another row."""
    name, rows = rows_of(numbered, schema)
    features = list(schema.features)
    row = next(row for row in rows if row["size"] is None or row["member"] is None)
    cells = {feature: row[feature] for feature in features}
    ((path, count, _),) = searched(numbered, schema, cells)
    assert (path, count) == (f"raw/{name}", 1)
    assert searched(numbered, schema, cells | {"count": row["count"] + 100}) == []


def test_a_moment_is_found_however_it_is_written(numbered, schema):
    """As in requests, with or without the time of day."""
    _, rows = rows_of(numbered, schema)
    moment = rows[0]["seen"]
    for text in (moment.isoformat(), moment.date().isoformat()):
        ((_, count, _),) = searched(numbered, schema, {"seen": text})
        assert count == 1


def test_a_file_whose_bytes_are_nowhere_is_named(numbered, schema):
    """It is not passed over as if it held nothing."""
    numbered.lose_cache()
    for stored in [path for path in numbered.storage.rglob("*") if path.is_file()]:
        stored.unlink()
    with numbered.catalogue() as catalogue:
        held = holdings(catalogue, schema, [{"colour": "red"}])
    assert held
    assert all(file.rows is None and "not in the remote" in file.problem for file in held)
