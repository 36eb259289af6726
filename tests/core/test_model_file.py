"""A model file gives the same model back, has the same bytes, and can run no code."""

import io
import json
import pickle
import re
import zipfile

import numpy as np
import pytest
import skops.io
from sklearn.base import BaseEstimator
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.utils.discovery import all_estimators

from modelkeep_core import model_file
from modelkeep_core.errors import UserError
from modelkeep_core.inputs import model_inputs
from pipeline.train import train

ESTIMATORS = {
    "classification": [
        "LogisticRegression",
        "RandomForestClassifier",
        "HistGradientBoostingClassifier",
        "KNeighborsClassifier",
        "DecisionTreeClassifier",
        "LinearSVC",
    ],
    "regression": ["Ridge", "RandomForestRegressor", "HistGradientBoostingRegressor", "SVR"],
}
FAST = {
    "RandomForestClassifier": {"n_estimators": 10},
    "RandomForestRegressor": {"n_estimators": 10},
    "HistGradientBoostingClassifier": {"max_iter": 10},
    "HistGradientBoostingRegressor": {"max_iter": 10},
}
PAIRS = [(task, name) for task, names in ESTIMATORS.items() for name in names]


class Foreign(BaseEstimator):
    """An estimator that the loader has never heard of; it must not be brought to life."""

    alive = 0

    def __setstate__(self, state):
        """Count how often a loader made one."""
        Foreign.alive += 1


@pytest.fixture
def fitted(frame, params, classification, regression):
    """Return a function that gives an estimator that was trained for its task."""

    def make(task, estimator):
        schema = classification if task == "classification" else regression
        settings = params.train.model_copy(update={"estimator": estimator})
        settings.__pydantic_extra__ = {estimator: FAST.get(estimator, {})}
        return train(frame, schema, settings)[0], model_inputs(frame, schema)

    return make


@pytest.fixture
def small():
    """A small fitted model."""
    inputs = np.random.default_rng(0).normal(size=(30, 2))
    return LogisticRegression().fit(inputs, inputs[:, 0] > 0)


@pytest.mark.parametrize(("task", "estimator"), PAIRS)
def test_a_model_comes_back_with_the_same_predictions(fitted, tmp_path, task, estimator):
    """Saving and loading change no prediction and no probability by a single bit."""
    model, inputs = fitted(task, estimator)
    model_file.save(model, tmp_path / "deep" / "model.skops")
    loaded = model_file.load(tmp_path / "deep" / "model.skops")
    assert (loaded.predict(inputs) == model.predict(inputs)).all()
    if hasattr(model, "predict_proba"):
        assert (loaded.predict_proba(inputs) == model.predict_proba(inputs)).all()


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_dates_and_target_encoding_come_back_too(
    frame, params, classification, regression, tmp_path, task
):
    """Every step of the preprocessing can be saved and loaded."""
    schema = classification if task == "classification" else regression
    schema.columns["seen"].feature = schema.columns["shop"].feature = True
    schema.columns["shop"].encoding = "target"
    params.train.estimator = ESTIMATORS[task][0]
    model, inputs = train(frame, schema, params.train)[0], model_inputs(frame, schema)
    model_file.save(model, tmp_path / "model.skops")
    loaded = model_file.load(tmp_path / "model.skops")
    assert (loaded.predict(inputs) == model.predict(inputs)).all()


def test_other_models_have_other_bytes(small, tmp_path):
    """A coefficient that differs in its last bit is another file."""
    model_file.save(small, tmp_path / "one")
    small.coef_[0, 0] = np.nextafter(small.coef_[0, 0], 9)
    model_file.save(small, tmp_path / "two")
    assert (tmp_path / "one").read_bytes() != (tmp_path / "two").read_bytes()


def test_the_file_knows_neither_time_nor_memory(small, tmp_path):
    """Times are constant, and members and objects are numbered from zero."""
    path = tmp_path / "model.skops"
    model_file.save(small, path)
    with zipfile.ZipFile(path) as archive:
        infos = archive.infolist()
        description = archive.read("schema.json").decode()
    assert {info.date_time for info in infos} == {(1980, 1, 1, 0, 0, 0)}
    names = {info.filename for info in infos} - {"schema.json"}
    assert names == {f"{number}.npy" for number in range(len(names))}
    numbers = {int(number) for number in re.findall(r'"__id__": (\d+)', description)}
    assert numbers == set(range(len(numbers)))


def test_saving_does_not_modify_the_model(small, tmp_path):
    """The model is the same after it was saved."""
    before = pickle.dumps(small)
    model_file.save(small, tmp_path / "model.skops")
    assert pickle.dumps(small) == before


def test_a_type_that_is_not_trusted_is_not_saved(tmp_path):
    """What could not be loaded is refused while there is still time, by its name."""
    path = tmp_path / "model.skops"
    with pytest.raises(
        UserError, match=r"test_model_file\.Foreign, which the loader does not trust"
    ):
        model_file.save(Foreign(), path)
    assert not path.exists()


def test_a_type_that_is_not_trusted_is_not_loaded(tmp_path):
    """A file with a type that is not on the list is refused, and nothing of it runs."""
    path = tmp_path / "model.skops"
    skops.io.dump(Foreign(), path)
    with pytest.raises(UserError, match=r"test_model_file\.Foreign.*\[tool\.modelkeep\]"):
        model_file.load(path)
    assert Foreign.alive == 0


def test_a_function_of_the_system_is_not_loaded(small, tmp_path):
    """A file that names another callable in the place of its type is refused."""
    path = tmp_path / "model.skops"
    model_file.save(small, path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    description = json.loads(members["schema.json"])
    description |= {"__module__": "os", "__class__": "system"}
    members["schema.json"] = json.dumps(description).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(UserError, match=r"(os|posix)\.system"):
        model_file.load(path)


def test_a_missing_file_is_refused(tmp_path):
    """A path where nothing lies is refused by its name."""
    with pytest.raises(UserError, match=r"gone\.skops is not a model file"):
        model_file.load(tmp_path / "gone.skops")


@pytest.mark.parametrize("kind", ["text", "pickle", "other archive", "empty"])
def test_a_file_of_another_kind_is_refused(small, tmp_path, kind):
    """What is no skops file is not loaded, least of all a pickle."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("readme.txt", "hello")
    contents = {
        "text": b"hello",
        "pickle": pickle.dumps(small),
        "other archive": archive.getvalue(),
        "empty": b"",
    }
    path = tmp_path / "model.skops"
    path.write_bytes(contents[kind])
    with pytest.raises(UserError, match=r"model\.skops is not a model file"):
        model_file.load(path)


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_a_file_that_was_cut_off_is_refused(small, tmp_path, part):
    """Half a download is refused."""
    path = tmp_path / "model.skops"
    model_file.save(small, path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * part)])
    with pytest.raises(UserError, match=r"model\.skops is not a model file"):
        model_file.load(path)


def test_a_damaged_byte_never_changes_a_prediction(small, tmp_path):
    """Wherever a byte is damaged, the file is refused or gives the same model."""
    path = tmp_path / "model.skops"
    model_file.save(small, path)
    content = path.read_bytes()
    inputs = np.random.default_rng(1).normal(size=(10, 2))
    refused = 0
    for place in range(0, len(content), 9):
        path.write_bytes(content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :])
        try:
            loaded = model_file.load(path)
        except UserError:
            refused += 1
        else:
            assert (loaded.predict_proba(inputs) == small.predict_proba(inputs)).all()
    assert refused > 50


@pytest.fixture
def reader_of_files():
    """A fitted model whose first step opens what a row names."""
    texts = np.array(["/dev/null", "/dev/null"] * 5, dtype=object)
    step = CountVectorizer(input="filename", token_pattern=".", vocabulary={"a": 0})
    return make_pipeline(step, DummyClassifier()).fit(texts, [0, 1] * 5)


def test_a_model_that_opens_what_a_row_names_is_not_saved(reader_of_files, tmp_path):
    """Not all of scikit-learn is trusted: a client would name files that the server reads."""
    with pytest.raises(UserError, match=r"text\.CountVectorizer, which the loader does not trust"):
        model_file.save(reader_of_files, tmp_path / "model.skops")


def test_a_model_that_opens_what_a_row_names_is_not_loaded(reader_of_files, tmp_path):
    """Whoever wrote the file."""
    skops.io.dump(reader_of_files, tmp_path / "model.skops")
    with pytest.raises(UserError, match=r"text\.CountVectorizer, which the loader does not trust"):
        model_file.load(tmp_path / "model.skops")


def test_every_classifier_and_regressor_may_be_in_a_model():
    """What training accepts, the loader does; and what scikit-learn calls so is what is trusted."""
    kinds = [kind for _, kind in all_estimators(type_filter=["classifier", "regressor"])]
    names = {f"{kind.__module__}.{kind.__name__}" for kind in kinds}
    assert len(names) > 90
    assert names <= model_file._accepted()


def test_the_steps_that_are_trusted_exist_and_read_no_text():
    """The list names classes of this scikit-learn, but for those that it calls experimental."""
    names = {name for names in model_file.STEPS.values() for name in names.split()}
    experimental = {"HalvingGridSearchCV", "HalvingRandomSearchCV", "IterativeImputer"}
    accepted = model_file._accepted()
    assert names - {name.rpartition(".")[2] for name in accepted} <= experimental
    assert not [name for name in accepted if "feature_extraction" in name]


def rewritten(path, **members):
    """Write the archive of a model anew, with some of its members changed."""
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (contents | members).items():
            archive.writestr(name, content)


@pytest.mark.parametrize("name", ["bomb.npy", "schema.json"])
def test_a_file_that_would_unpack_to_gigabytes_is_refused(small, tmp_path, name):
    """It is refused before it is unpacked: a few hundred kilobytes take no memory."""
    path = tmp_path / "model.skops"
    model_file.save(small, path)
    rewritten(path, **{name: b" " * 400 * 2**20})
    with pytest.raises(UserError, match="unpack to far more than a model"):
        model_file.load(path)


@pytest.mark.parametrize(
    "description",
    [
        *("[]", "null", "5", "{}", '{"__class__": 5}', "[" * 5000, "NaN", '{"protocol": "x"}'),
        '{"__class__": "list", "__module__": "builtins", "__loader__": "ListNode"}',
        '{"__class__": "x", "__module__": "y", "__loader__": "Gone", "protocol": 3}',
    ],
)
def test_a_description_that_makes_no_sense_is_refused(small, tmp_path, description):
    """Whatever skops raises on the way, it is told in a sentence."""
    path = tmp_path / "model.skops"
    model_file.save(small, path)
    rewritten(path, **{"schema.json": description.encode()})
    with pytest.raises(UserError, match=r"model\.skops"):
        model_file.load(path)
