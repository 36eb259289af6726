"""Clients of MLflow's and KServe's protocols get the answers that `/predict` gives."""

import http.client
import json
import shutil
from contextlib import closing

import pytest

from modelkeep.serving.current import Current
from modelkeep.serving.served import ServedModel
from modelkeep.unseen import Unseen

ROW = {"size": 10.5, "count": 3, "member": True, "colour": "red"}
OTHER = {"size": None, "count": 8, "member": False, "colour": None}
ROWS = [list(ROW.values()), list(OTHER.values())]
COLUMNS = {name: [ROW[name], OTHER[name]] for name in ROW}
V2 = "/v2/models/made-up"
KINDS = {"size": "FP64", "count": "INT64", "member": "BOOL", "colour": "BYTES"}


@pytest.fixture(scope="module")
def expected(server):
    """The answers of `/predict`."""
    return server.post("/predict", {"records": [ROW, OTHER]}).json


def tensors(**changes):
    """Return the two rows as a tensor for each column."""
    made = {
        name: {"name": name, "datatype": KINDS[name], "shape": [2], "data": values}
        for name, values in COLUMNS.items()
    }
    return {"inputs": [made[name] | changes.get(name, {}) for name in made]}


@pytest.mark.parametrize(
    "body",
    [
        {"dataframe_split": {"columns": list(ROW), "data": ROWS}},
        {"dataframe_split": {"index": [0, 1], "columns": list(ROW)[::-1], "data": None}},
        {"dataframe_records": [ROW, OTHER]},
        {"instances": [ROW, OTHER]},
        {"instances": ROWS},
        {"inputs": COLUMNS},
        {"inputs": [ROW, OTHER]},
        {"inputs": ROWS},
        {"inputs": ROWS, "params": {}},
    ],
)
def test_every_form_of_mlflow_is_answered(server, expected, body):
    """The predictions, and nothing that MLflow's clients do not know."""
    split = body.get("dataframe_split")
    if split and split["data"] is None:
        body["dataframe_split"] = split | {"data": [row[::-1] for row in ROWS]}
    reply = server.post("/invocations", body)
    assert reply.json == {"predictions": expected["predictions"]}
    assert reply.headers["x-request-id"]


@pytest.mark.parametrize(
    ("body", "status", "sentence"),
    [
        ({}, 400, "Give one of dataframe_split"),
        ({"instances": ROWS, "inputs": ROWS}, 400, "Give one of"),
        ({"instances": ROWS, "params": {"top": 3}}, 400, "no parameters"),
        ({"rows": ROWS}, 400, "Give one of"),
        ({"dataframe_split": ROWS}, 422, '"columns" and "data"'),
        ({"dataframe_split": {"columns": list(ROW), "data": [[1]]}}, 422, "each of the columns"),
        ({"dataframe_split": {"columns": 3, "data": ROWS}}, 422, "each of the columns"),
        ({"dataframe_split": {"columns": [1, 2, 3, 4], "data": ROWS}}, 422, "each of the columns"),
        (
            {"dataframe_split": {"columns": [*ROW, "size"], "data": [[*ROWS[0], 1]]}},
            422,
            "each has another name",
        ),
        ({"dataframe_records": ROWS}, 422, "an object with a value"),
        ({"dataframe_records": [ROW | {"size": "1"}]}, 422, "column 'size': must be a number"),
        ({"inputs": COLUMNS | {"size": [1]}}, 422, "equally many values"),
        ({"inputs": COLUMNS | {"size": 1}}, 422, "a list of values for each column"),
        ({"inputs": {}}, 422, "at least one row"),
        ({"instances": 3}, 422, "at least one row"),
        ({"instances": [ROWS[0], ROW]}, 422, "row 1: must be a list of 4 values"),
    ],
)
def test_what_mlflow_would_not_send_gets_a_sentence(server, body, status, sentence):
    """Never a 500."""
    reply = server.post("/invocations", body)
    assert reply.status == status
    assert sentence in reply.json["error"]


def test_mlflow_finds_the_server_alive(server):
    """Its health check is `/ping`."""
    assert server.get("/ping").status == 200


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"size": {"shape": [2, 1]}},
        {"size": {"shape": [2, 1], "data": [[10.5], [None]]}},
        {"count": {"datatype": "UINT8"}},
    ],
)
def test_the_open_inference_protocol_is_answered(server, expected, changes):
    """Predictions and probabilities are tensors of the shapes that the metadata promise."""
    response = server.post(f"{V2}/infer", tensors(**changes) | {"id": "mine"}).json
    assert (response["model_name"], response["id"]) == ("made-up", "mine")
    predictions, probabilities = response["outputs"]
    assert predictions == {
        "name": "predictions",
        "datatype": "BYTES",
        "shape": [2],
        "data": expected["predictions"],
    }
    flat = [value for row in expected["probabilities"] for value in row]
    assert probabilities["shape"] == [2, 3]
    assert probabilities["data"] == flat
    assert response["parameters"]["recipe_id"] == expected["recipe_id"]


def test_without_an_id_a_request_gets_ours(server):
    """The id is the one of the record."""
    response = server.post(f"{V2}/infer", tensors()).json
    assert response["id"] == response["parameters"]["request_id"]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({}, '"inputs", a tensor for each column'),
        ({"inputs": [3]}, "tensors with name"),
        ({"inputs": [{"name": 3}]}, "tensors with name"),
        (tensors(size={"shape": [3]}), "column 'size': must be a tensor of shape"),
        (tensors(size={"shape": [2, 2]}), "column 'size': must be a tensor of shape"),
        (tensors(size={"data": "x"}), "column 'size': must be a tensor of shape"),
        (tensors(size={"name": "count"}), "column 'count': must be given by one tensor"),
        (tensors(size={"shape": [2, 1], "data": [[1.5, 2], [3]]}), "row 0, column 'size'"),
        (tensors(size={"shape": [1], "data": [1.5]}), "equally many values"),
        (tensors(size={"data": ["1", 2]}), "row 0, column 'size': must be a number"),
        (tensors(size={"name": "length"}), "column 'size': must be there"),
        ({"inputs": []}, "at least one row"),
    ],
)
def test_tensors_that_do_not_fit_get_a_sentence(server, body, sentence):
    """What is wrong is said as for every other form."""
    reply = server.post(f"{V2}/infer", body)
    assert reply.status == 422
    assert sentence in reply.json["error"]


@pytest.mark.parametrize(
    ("asked", "there"),
    [
        ([], ["predictions", "probabilities"]),
        ([{"name": "predictions"}], ["predictions"]),
        (
            [{"name": "probabilities"}, {"name": "predictions"}, {"name": "probabilities"}],
            ["probabilities", "predictions"],
        ),
    ],
)
def test_the_outputs_are_those_that_are_asked_for(server, expected, asked, there):
    """All of them, unless some are named; in the order in which they are."""
    outputs = server.post(f"{V2}/infer", tensors() | {"outputs": asked}).json["outputs"]
    assert [output["name"] for output in outputs] == there


@pytest.mark.parametrize(
    "asked", [[{"name": "nothing"}], [{}], ["predictions"], "predictions", 3, None]
)
def test_an_output_that_is_not_there_is_an_error(own_server, asked):
    """Those that are there are named, and nothing is predicted or recorded."""
    reply = own_server.post(f"{V2}/infer", tensors() | {"outputs": asked})
    assert reply.status == 400
    assert '"outputs" may name predictions and probabilities' in reply.json["error"]
    assert own_server.rows("requests") == []


@pytest.mark.parametrize(
    "headers",
    [{"Inference-Header-Content-Length": "2"}, {"Content-Type": "application/octet-stream"}],
)
def test_binary_tensors_are_named_as_unsupported(server, headers):
    """And not called broken JSON."""
    reply = server.post(f"{V2}/infer", b"{}\x00\x01", **headers)
    assert reply.status == 415
    assert "Binary tensors are not supported" in reply.json["error"]
    body = tensors(size={"data": None, "parameters": {"binary_data_size": 16}})
    assert "in JSON" in server.post(f"{V2}/infer", body).json["error"]


def test_mlflow_leaves_other_columns_alone(server, expected):
    """As its own servers do, in every form that has names."""
    others = [ROW | {"id": 1, "price": 2.5}, OTHER | {"id": 2, "price": 3}]
    table = b"size,count,member,colour,id\n10.5,3,true,red,1\n,8,false,,2\n"
    for body, kind in (
        ({"dataframe_records": others}, "application/json"),
        ({"inputs": COLUMNS | {"id": [1, 2]}}, "application/json"),
        (
            {
                "dataframe_split": {
                    "columns": [*ROW, "id"],
                    "data": [[*row, 7] for row in ROWS],
                }
            },
            "Application/JSON",
        ),
        (table, "TEXT/CSV"),
    ):
        reply = server.post("/invocations", body, **{"Content-Type": kind})
        assert reply.json == {"predictions": expected["predictions"]}


def test_the_metadata_of_the_model_say_what_it_takes(server):
    """A tensor for each column in its type, and the answers."""
    metadata = server.get(V2).json
    assert {field["name"]: field["datatype"] for field in metadata["inputs"]} == KINDS
    assert [(field["name"], field["shape"]) for field in metadata["outputs"]] == [
        ("predictions", [-1]),
        ("probabilities", [-1, 3]),
    ]


def test_the_signs_of_life_are_there(server):
    """Server and model are served and ready."""
    assert server.get("/v2").json["name"] == "Made up"
    assert server.get("/v2/health/live").json == {"live": True}
    assert server.get("/v2/health/ready").json == {"ready": True}
    assert server.get(f"{V2}/ready").json == {"name": "made-up", "ready": True}


@pytest.mark.parametrize(
    "path", ["/v2/models/other", f"{V2}/versions/v9.9.9", f"{V2}/versions/v9/ready"]
)
def test_another_model_or_version_is_not_here(server, path):
    """The one that is here is named."""
    reply = server.get(path)
    assert reply.status == 404
    assert "the model here is made-up" in reply.json["error"]
    assert server.post("/v2/models/other/infer", tensors()).status == 404


def test_a_version_that_is_asked_for_answers_or_nobody(run, tmp_path):
    """Also where another one takes over while the body of the request comes."""
    from server import Server, until

    other = tmp_path / "other"
    shutil.copytree(run.package, other)
    with Server(run.package, tmp_path) as served:
        Current(str(run.package), "v1.0.0").write(served.current)
        until(lambda: served.get("/version").json["version"] == "v1.0.0")
        body = json.dumps(tensors()).encode()
        client = http.client.HTTPConnection("127.0.0.1", served.port, timeout=20)
        with closing(client):
            client.putrequest("POST", f"{V2}/versions/v1.0.0/infer")
            client.putheader("Content-Length", str(len(body)))
            client.endheaders(body[:10])
            Current(str(other), "v1.1.0").write(served.current)
            until(lambda: served.get("/version").json["version"] == "v1.1.0")
            client.send(body[10:])
            reply = client.getresponse()
            assert (reply.status, b"the model here is made-up v1.1.0" in reply.read()) == (
                404,
                True,
            )
        assert served.rows("requests") == []


def test_numbers_are_tensors_of_numbers(regression_run, tmp_path):
    """A regression answers with FP64, and has no probabilities."""
    from server import Server

    with Server(regression_run.package, tmp_path) as served:
        (predictions,) = served.post(f"{V2}/infer", tensors()).json["outputs"]
        described = served.get(V2).json["outputs"]
    assert (predictions["datatype"], predictions["shape"]) == ("FP64", [2])
    assert [field["name"] for field in described] == ["predictions"]


def test_an_answer_to_unseen_categories_is_no_ordinary_one(server, monkeypatch):
    """Every protocol says so in its own way."""
    strange = [Unseen("colour", [0], 1, "pink")]
    monkeypatch.setattr(ServedModel, "unseen", lambda *_: strange)
    own = server.post("/predict", {"records": [ROW]}).json
    assert (own["unseen"], own["warnings"]) == ({"colour": [0]}, [f"{strange[0]}."])
    mlflow = server.post("/invocations", {"dataframe_records": [ROW]}).json
    assert mlflow["unseen"] == {"colour": [0]}
    answer = server.post(f"{V2}/infer", tensors()).json
    assert answer["parameters"]["warning"] == f"{strange[0]}."
