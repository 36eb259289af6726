"""A client that asks why gets what `modelkeep predict --explain` says, and disturbs nobody."""

import asyncio
import threading
import traceback
from dataclasses import replace

import numpy as np
import pytest

from modelkeep.serving import service as module
from modelkeep.serving.batching import Broken, Busy, Unanswerable
from modelkeep.serving.current import Current
from modelkeep.serving.explaining import Explainer
from modelkeep.serving.inlet import Rejected
from modelkeep.serving.options import Settings
from modelkeep.serving.private import Hider
from modelkeep.serving.service import Service
from modelkeep_core.explain import Explanation, explain
from modelkeep_core.inputs import inputs_from_rows
from modelkeep_core.packaged import open_package

ROWS = [[10.5, 3, True, "red"], [3.0, 1, None, "blue"]]


@pytest.fixture
def service_of(run, tmp_path, monkeypatch):
    """Return a function that makes the service of a model, without a port."""

    def make(served):
        monkeypatch.setattr(module, "load", lambda *_: served)
        Current(str(run.package)).write(tmp_path / "current.json")
        return Service(
            Settings(str(tmp_path / "current.json"), None, True, None, 10, 10_000, timeout=60)
        )

    return make


def test_contributions_are_those_of_the_model(served):
    """Names, contributions and base are what `explain` returns, as plain data."""
    explainer = Explainer(10)
    explanation = asyncio.run(explainer.explain(served, ROWS))
    explainer.close()
    opened = open_package(served.directory)
    why = explain(opened.model, inputs_from_rows(ROWS, opened.schema))
    assert explanation["features"] == why.names
    assert explanation["contributions"] == why.contributions.tolist()
    assert explanation["base"] == why.base.tolist()


def test_a_model_that_cannot_be_explained_is_refused_before_it_predicts(served, service_of):
    """With a status and the sentence, and nothing is recorded as answered."""
    called = []
    service = service_of(
        replace(served, unexplainable="a forest cannot be explained", predict=called.append)
    )
    with pytest.raises(Rejected, match="a forest cannot be explained") as refused:
        asyncio.run(service.predict(lambda contract: contract.from_lists(ROWS), False, True))
    assert (refused.value.status, called) == (400, [])


def test_a_slow_explanation_delays_no_prediction(served, service_of):
    """It is worked out in a thread of its own; who asks for none is answered meanwhile."""
    go_on = threading.Event()

    def slow(rows):
        assert go_on.wait(60)
        return Explanation(["size"], np.zeros((len(rows), 1)), np.zeros(len(rows)))

    service = service_of(replace(served, explain=slow))

    def read(contract):
        return contract.from_lists(ROWS)

    async def ask():
        asked = asyncio.create_task(service.predict(read, False, True))
        await asyncio.sleep(0.05)
        _, plain = await service.predict(read, False)
        assert not asked.done()
        go_on.set()
        _, explained = await asked
        return plain, explained

    plain, explained = asyncio.run(ask())
    assert plain.explanation is None
    assert explained.explanation["contributions"] == [[0.0], [0.0]]
    assert plain.outputs == explained.outputs


def test_only_so_many_rows_wait_for_an_explanation(served):
    """One request alone is always taken; what comes on top of a full queue is sent away."""
    go_on = threading.Event()

    def slow(rows):
        assert go_on.wait(60)
        return Explanation(["size"], np.zeros((len(rows), 1)), np.zeros(len(rows)))

    async def ask():
        explainer = Explainer(1)
        asked = asyncio.create_task(explainer.explain(replace(served, explain=slow), ROWS))
        await asyncio.sleep(0)
        with pytest.raises(Busy):
            await explainer.explain(served, ROWS)
        go_on.set()
        await asked
        assert await explainer.explain(served, ROWS)
        explainer.close()

    asyncio.run(ask())


def test_a_contribution_is_a_number_or_the_request_is_refused(served):
    """JSON has no infinity, and null would hide that there is none."""

    def infinite(rows):
        return Explanation(["size"], np.full((len(rows), 1), np.inf), np.zeros(len(rows)))

    with pytest.raises(Unanswerable, match="finite number"):
        asyncio.run(Explainer(10).explain(replace(served, explain=infinite), ROWS))


@pytest.mark.slow
def test_a_client_asks_why(server, row):
    """In JSON or in CSV; the answer is the ordinary one, with the explanation beside it."""
    plain = server.post("/predict", {"records": [row]}).json
    reply = server.post("/predict?explain=true", {"records": [row]})
    why = reply.json["explanation"]
    assert {*why["features"]} == {*row}
    assert len(why["contributions"]) == len(why["base"]) == 1
    same = plain | {"explanation": why, "request_id": reply.json["request_id"]}
    assert reply.json == same
    table = b"size,count,member,colour\n10.5,3,true,red\n"
    kind = {"Content-Type": "text/csv"}
    explanation = server.ask("POST", "/predict?explain=true", table, kind).json["explanation"]
    assert explanation == why
    assert "explanation" not in server.post("/predict?explain=false", {"records": [row]}).json


@pytest.mark.slow
def test_what_is_neither_yes_nor_no_is_refused(server, row):
    """A mistyped wish is not taken for no."""
    reply = server.post("/predict?explain=yes", {"records": [row]})
    assert (reply.status, reply.json) == (400, {"error": "explain=yes: it is true or false."})


@pytest.mark.slow
@pytest.mark.parametrize("second", ["true", "false"])
def test_a_wish_is_said_once(server, row, second):
    """The first would count, whatever the second says."""
    reply = server.post(f"/predict?explain=true&explain={second}", {"records": [row]})
    sentence = "explain is given more than once: it is true or false."
    assert (reply.status, reply.json) == (400, {"error": sentence})


def test_what_breaks_an_explanation_is_told_without_private_values(served, classification):
    """As with a prediction."""

    def breaks(rows):
        raise KeyError("Zaphod")

    classification.columns["colour"].private = True
    private = replace(served, explain=breaks, hider=Hider(classification, None))
    explainer = Explainer(10)
    with pytest.raises(Broken, match="KeyError in breaks") as broken:
        asyncio.run(explainer.explain(private, ROWS))
    explainer.close()
    assert "Zaphod" not in "".join(traceback.format_exception(broken.value))
