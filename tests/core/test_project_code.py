"""A package carries the project's code that its model holds, and runs that and no other."""

import importlib
import shutil
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from modelkeep_core import model_file
from modelkeep_core.errors import UserError
from modelkeep_core.project_code import closure, copy_code, imported_from, modules_in
from modelkeep_core.transformers import ColumnFunction

FILES = {
    "own/__init__.py": '"""The code."""\n',
    "own/steps.py": "from own import shared\nfrom own.deep import thing\nimport os\n",
    "own/learn.py": "import own.shared\n\n\ndef late():\n    from own.lazy import thing\n",
    "own/shared.py": "import own.steps\n",
    "own/deep/__init__.py": "import json\nfrom .er import thing\n",
    "own/deep/er.py": "from ..far import thing\n",
    "own/far.py": "thing = 1\n",
    "own/lazy.py": "thing = 2\n",
    "own/unused.py": "import own.steps\n",
    "alone.py": "import numpy\n",
    "loose/part.py": "import alone\n",
}
PACKAGE = "own/__init__.py"


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with code, in which the test runs, as a stage would."""
    root = tmp_path / "project"
    write(root, FILES)
    monkeypatch.chdir(root)
    monkeypatch.syspath_prepend(root)
    yield root
    forget()


def write(root, files):
    """Write files by their paths."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")


def forget():
    """Let the next import of the project's modules read their files."""
    for name in [*sys.modules]:
        if name.partition(".")[0] in ("own", "alone", "loose"):
            del sys.modules[name]
    importlib.invalidate_caches()


@pytest.mark.parametrize(
    ("module", "files"),
    [
        ("own.far", [PACKAGE, "own/far.py"]),
        ("own.deep.er", [PACKAGE, "own/deep/__init__.py", "own/deep/er.py", "own/far.py"]),
        ("own.deep", [PACKAGE, "own/deep/__init__.py", "own/deep/er.py", "own/far.py"]),
        (
            "own.steps",
            [
                *(PACKAGE, "own/deep/__init__.py", "own/deep/er.py", "own/far.py"),
                *("own/shared.py", "own/steps.py"),
            ],
        ),
        ("own", [PACKAGE]),
        ("alone", ["alone.py"]),
        ("loose.part", ["alone.py", "loose/part.py"]),
        ("numpy", []),
        ("own.nowhere", []),
    ],
)
def test_a_module_brings_what_it_imports_of_the_project(project, module, files):
    """Directly or not, in circles, out of subpackages; and the packages around each."""
    assert [path.as_posix() for path in closure(project, [module])] == files


@pytest.mark.parametrize(
    "call",
    [
        "import importlib\nimportlib.import_module('own.far')",
        "from importlib import import_module\n\ndef late():\n    import_module('own.far')",
        "__import__('own.far')",
    ],
)
def test_a_module_that_a_call_imports_by_its_name_is_brought(project, call):
    """A name that is computed cannot be seen; the guard of a stage sees what was imported."""
    (project / "caller.py").write_text(f"{call}\n__import__(name)\n", encoding="utf-8")
    files = [path.as_posix() for path in closure(project, ["caller"])]
    assert files == ["caller.py", PACKAGE, "own/far.py"]


@pytest.mark.parametrize(
    "text",
    [
        "import own.far",
        "import own.far as other",
        "from own import far",
        "from own import deep, far as other",
        "from own.far import thing",
        "from . import far",
        "from .far import thing",
        "from .deep.er import thing",
        "from .deep import er",
        "if True:\n    import own.far",
        "try:\n    from own.far import thing\nexcept ImportError:\n    pass",
        "def late():\n    import own.far",
    ],
)
def test_every_way_to_import_counts(project, text):
    """However a module is imported, it belongs to what imports it."""
    (project / "own" / "new.py").write_text(text + "\n", encoding="utf-8")
    names = {path.name for path in closure(project, ["own.new"])}
    assert {"new.py", "far.py"} <= names


def test_code_is_copied_with_its_packages(project, tmp_path):
    """The copy has the bytes of the project, and can be imported by itself."""
    names = copy_code(project, ["own.steps"], tmp_path / "code")
    assert names == [path.as_posix() for path in closure(project, ["own.steps"])]
    for name in names:
        assert (tmp_path / "code" / name).read_bytes() == (project / name).read_bytes()


def test_an_import_inside_a_function_is_refused(project, tmp_path):
    """It would be looked for in a work tree, long after the package was loaded."""
    with pytest.raises(UserError, match=r"own/learn\.py, line 5: own\.lazy is imported inside a"):
        copy_code(project, ["own.learn"], tmp_path / "code")
    assert not (tmp_path / "code").exists()


def test_a_library_may_be_imported_inside_a_function(project, tmp_path):
    """What does not belong to the project is there whenever it is needed."""
    (project / "own" / "new.py").write_text("def late():\n    import json\n", encoding="utf-8")
    assert copy_code(project, ["own.new"], tmp_path / "code") == [PACKAGE, "own/new.py"]


# Importing from a package


def test_code_of_a_package_goes_before_that_of_the_work_tree(project, tmp_path):
    """Inside, the names mean the package's modules; afterwards those of before, the same ones."""
    write(tmp_path / "code", {"own/__init__.py": "", "own/far.py": "thing = 'packaged'\n"})
    before = importlib.import_module("own.far")
    path = [*sys.path]
    with imported_from(tmp_path / "code"):
        inside = importlib.import_module("own.far")
        assert inside.thing == "packaged"
        with pytest.raises(ImportError):
            importlib.import_module("own.lazy")
    assert sys.modules["own.far"] is before
    assert importlib.import_module("own.far").thing == 1
    assert importlib.import_module("own.lazy").thing == 2
    assert inside.thing == "packaged"
    assert sys.path == path


def test_modules_come_back_after_an_error(project, tmp_path):
    """Code that fails leaves nothing behind."""
    write(tmp_path / "code", {"own/__init__.py": "", "own/far.py": "1 / 0\n"})
    before = importlib.import_module("own.far"), [*sys.path], sys.dont_write_bytecode
    with pytest.raises(ZeroDivisionError), imported_from(tmp_path / "code"):
        importlib.import_module("own.far")
    assert (sys.modules["own.far"], [*sys.path], sys.dont_write_bytecode) == before


def test_importing_writes_nothing_into_the_package(project, tmp_path):
    """A package that was opened is the package that was made."""
    write(tmp_path / "code", {"own/__init__.py": "", "own/far.py": "thing = 3\n"})
    with imported_from(tmp_path / "code"):
        importlib.import_module("own.far")
    assert len([*(tmp_path / "code").rglob("*")]) == 3


def test_a_package_without_code_changes_nothing(project, tmp_path):
    """The usual case."""
    with imported_from(tmp_path / "code"):
        assert importlib.import_module("own.far").thing == 1


# Models that hold project code

STEPS = """\
from own.factor import FACTOR


def scaled(columns):
    return columns["a"] * FACTOR
"""
TABLE = pd.DataFrame({"a": [1.0, 2.0, 3.0]})


def fitted(root, factor):
    """Return a model that multiplies, by the code of the project as it is now."""
    write(root, {"own/steps.py": STEPS, "own/factor.py": f"FACTOR = {factor}\n"})
    forget()
    function = importlib.import_module("own.steps").scaled
    return make_pipeline(ColumnFunction(function, "scaled"), StandardScaler(with_std=False)).fit(
        TABLE
    )


def test_a_model_names_the_modules_of_the_project_alone(project, tmp_path):
    """Those of libraries are no code of the project, whatever their names."""
    model_file.save(fitted(project, 2), tmp_path / "model.skops", ["own.steps"])
    assert modules_in(tmp_path / "model.skops", project) == ["own.steps"]
    assert modules_in(tmp_path / "model.skops", tmp_path) == []


def test_what_is_no_model_names_no_modules(tmp_path):
    """The message names the file."""
    (tmp_path / "model.skops").write_text("x", encoding="utf-8")
    with pytest.raises(UserError, match=r"model\.skops is not a model file"):
        modules_in(tmp_path / "model.skops", tmp_path)


def test_two_models_with_different_code_of_one_name_live_side_by_side(project, tmp_path):
    """Each goes on with its own, whatever was loaded before, and whatever the work tree says."""
    for name, factor in (("one", 2), ("two", 100)):
        path = tmp_path / name / "model.skops"
        model_file.save(fitted(project, factor), path, ["own.steps"])
    write(project, {"own/factor.py": "FACTOR = -1\n"})
    forget()
    here = importlib.import_module("own.steps")
    first, two = (
        model_file.load(tmp_path / name / "model.skops", ["own.steps"]) for name in ("one", "two")
    )
    assert first.transform(TABLE)[:, 0] == pytest.approx([-2, 0, 2])
    assert two.transform(TABLE)[:, 0] == pytest.approx([-100, 0, 100])
    assert here.scaled(TABLE).tolist() == [-1, -2, -3]
    assert importlib.import_module("own.steps") is here


def test_a_model_loads_where_there_is_no_work_tree(project, tmp_path, monkeypatch):
    """Its code lies beside it."""
    model_file.save(fitted(project, 2), tmp_path / "made" / "model.skops", ["own.steps"])
    shutil.rmtree(project / "own")
    forget()
    monkeypatch.chdir(tmp_path)
    loaded = model_file.load(tmp_path / "made" / "model.skops", ["own.steps"])
    np.testing.assert_array_equal(loaded.transform(TABLE)[:, 0], [-2, 0, 2])


def test_code_that_is_not_trusted_is_neither_saved_nor_loaded(project, tmp_path):
    """The message has the module to trust; nothing of it runs."""
    model = fitted(project, 2)
    with pytest.raises(UserError, match=r'add "own\.steps" to trusted in \[tool\.modelkeep\]'):
        model_file.save(model, tmp_path / "model.skops")
    model_file.save(model, tmp_path / "model.skops", ["own.steps"])
    (tmp_path / "code" / "own" / "steps.py").write_text("1 / 0\n", encoding="utf-8")
    for modules in ([], ["own.factor"]):
        with pytest.raises(UserError, match=r"own\.steps\.scaled, which the loader does not trust"):
            model_file.load(tmp_path / "model.skops", modules)


def test_code_beside_a_model_that_holds_none_is_not_run(tmp_path):
    """A library's name in `code/` is no way in: without trusted modules nothing is taken there."""
    path = tmp_path / "model.skops"
    model_file.save(StandardScaler().fit(TABLE), path)
    write(tmp_path / "code", {"sklearn/__init__.py": "1 / 0\n", "numpy.py": "1 / 0\n"})
    assert model_file.load(path).transform(TABLE).shape == (3, 1)


def test_code_that_is_gone_is_told(project, tmp_path):
    """A model without the module that it needs ends in a message."""
    model_file.save(fitted(project, 2), tmp_path / "made" / "model.skops", ["own.steps"])
    (tmp_path / "made" / "code" / "own" / "factor.py").unlink()
    with pytest.raises(UserError, match="the code that the model holds is not there"):
        model_file.load(tmp_path / "made" / "model.skops", ["own.steps"])


def test_saving_again_leaves_no_code_of_before(project, tmp_path):
    """A model that holds no code any more has no `code/` beside it."""
    path = tmp_path / "model.skops"
    model_file.save(fitted(project, 2), path, ["own.steps"])
    assert (tmp_path / "code").is_dir()
    model_file.save(StandardScaler().fit(TABLE), path, ["own.steps"])
    assert not (tmp_path / "code").exists()
