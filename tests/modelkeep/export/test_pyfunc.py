"""MLflow loads a package with all its checks, and it predicts what `modelkeep predict` does."""

import pandas as pd
import pytest

from modelkeep.batch import predict_file
from modelkeep.export.pyfunc import _load_pyfunc
from modelkeep.export.tracking import _save
from modelkeep_core.errors import UserError
from modelkeep_core.files import read_json


@pytest.fixture
def rows(frame, run):
    """Rows of the features, as pandas has them."""
    return frame[list(_load_pyfunc(str(run.package)).opened.schema.features)]


def test_it_predicts_what_the_command_predicts(run, rows, tmp_path):
    """Every prediction and probability is the same to the last bit, under the same names."""
    source, out = tmp_path / "rows.parquet", tmp_path / "out.parquet"
    rows.to_parquet(source)
    predict_file(run.package, source, out)
    wanted = pd.read_parquet(out)
    answer = _load_pyfunc(str(run.package)).predict(rows)
    pd.testing.assert_frame_equal(answer, wanted[list(answer.columns)], check_exact=True)


def test_mlflow_loads_what_was_saved(run, rows, tmp_path):
    """`mlflow.pyfunc.load_model` gives the same answers, in the order of the rows."""
    from mlflow import pyfunc

    _save(run.package, tmp_path / "model", read_json(run.package / "model.json"))
    loaded = pyfunc.load_model(str(tmp_path / "model"))
    turned = rows.iloc[::-1]
    wanted = _load_pyfunc(str(run.package)).predict(rows)
    pd.testing.assert_frame_equal(loaded.predict(turned), wanted.iloc[::-1], check_exact=True)


def test_a_changed_package_is_not_loaded(package_copy):
    """A file that is not the one that was packaged is refused."""
    (package_copy / "schema.yaml").write_text("task: classification\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"schema\.yaml is not the file that was packaged"):
        _load_pyfunc(str(package_copy))


def test_a_private_value_is_not_told(run, rows):
    """The error has the row, the column and the rule, and not what somebody gave."""
    model = _load_pyfunc(str(run.package))
    model.opened.schema.columns["size"].private = True
    with pytest.raises(UserError, match=r"^row 0: size must be a number\.$"):
        model.predict(rows.assign(size="much"))


@pytest.mark.parametrize("lacking", [True, False])
def test_rows_that_break_the_schema_are_refused(run, rows, lacking):
    """The error names the column, and the row with the rule that it breaks."""
    model = _load_pyfunc(str(run.package))
    name = next(n for n, c in model.opened.schema.features.items() if c.type == "number")
    broken = rows.drop(columns=name) if lacking else rows.assign(**{name: "much"})
    wanted = f"no column '{name}'" if lacking else f"row 0: {name} must be a number, and is 'much'"
    with pytest.raises(UserError, match=wanted):
        model.predict(broken)
