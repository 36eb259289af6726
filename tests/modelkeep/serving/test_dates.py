"""A model of dates, and of categories that the target encodes, is served like any other."""

import pytest

from modelkeep.serving.page import _field
from modelkeep.serving.rows import Contract, Unfit
from modelkeep.serving.served import load
from modelkeep_core.schema import Column
from server import Server

pytestmark = pytest.mark.slow

ROW = {
    "size": 10.5,
    "count": 3,
    "member": True,
    "colour": "red",
    "seen": "2024-02-29T12:00:00",
    "shop": "shop 1",
}


@pytest.fixture
def package(run_pipeline, classification):
    """A package of a model that sees dates, and shops by their mean target."""
    schema = classification.model_copy(deep=True)
    schema.columns["seen"].feature = schema.columns["shop"].feature = True
    schema.columns["shop"].encoding = "target"
    return run_pipeline(schema=schema).package


def test_the_fast_path_answers(package, tmp_path):
    """It is proven exact for such steps as well; every path of the server works."""
    served = load(package)
    assert served.metadata["fast_path"] == {"rows": 90, "exact": True, "reason": None}
    with Server(package, tmp_path / "served") as server:
        reply = server.post("/predict", {"records": [ROW, ROW | {"seen": "2024-02-29"}]})
        assert reply.status == 200
        header, cells = ",".join(ROW).encode(), b"10.5,3,true,red,2024-02-29 12:00:00,shop 1"
        csv = server.post(
            "/predict", header + b"\n" + cells + b"\n", **{"Content-Type": "text/csv"}
        )
        # The last bit may depend on how many rows are answered at once.
        assert csv.json["probabilities"][0] == pytest.approx(reply.json["probabilities"][0])
        assert server.get("/openapi.json").status == server.get("/").status == 200
        assert server.post("/predict", {"records": [ROW | {"shop": "never seen"}]}).status == 200
        assert server.get("/v2/models/made-up").json["inputs"][4]["datatype"] == "BYTES"


@pytest.mark.parametrize("moment", ["2024-02-30", "29.02.2024", "soon", "", 1709164800, True])
def test_what_is_no_date_is_refused(package, moment):
    """ISO 8601 is how dates come in JSON."""
    served = load(package)
    with pytest.raises(Unfit, match="column 'seen': must be like 2024-01-31"):
        served.contract.from_records([ROW | {"seen": moment}])


@pytest.mark.parametrize("moment", ["0001-01-01", "9999-12-31T23:59:59+14:00", "2024-01-31T09:30Z"])
def test_every_date_is_answered_or_refused(package, tmp_path, moment):
    """The ends of time, and time zones, break nothing."""
    with Server(package, tmp_path / "served") as server:
        assert server.post("/predict", {"records": [ROW | {"seen": moment}]}).status in (200, 422)
        assert server.post("/predict", {"records": [ROW]}).status == 200


def test_words_for_true_and_false_are_for_text_files(classification):
    """In JSON a boolean is true or false, whatever the raw data call it."""
    schema = classification.model_copy(deep=True)
    schema.columns["member"].values = ["no", "yes"]
    numbers, words = {"min": 0, "max": 99}, {"counts": {"red": 1}, "others": 0}
    features = dict.fromkeys(schema.features, numbers) | {"member": words, "colour": words}
    contract = Contract(schema, {"features": features})
    assert contract.from_lists([[1.5, 2, True, "red"]])
    with pytest.raises(Unfit, match="true or false"):
        contract.from_lists([[1.5, 2, "yes", "red"]])


def test_a_date_is_typed_into_the_page():
    """With an example of how it is written."""
    field = _field("key", "seen", Column(type="datetime"), "2024-01-31", {})
    assert 'placeholder="2024-01-31T09:30:00"' in field
    assert 'value="2024-01-31"' in field
