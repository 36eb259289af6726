"""Requests that wait together are answered together, each with its own rows, recorded before."""

import asyncio
import threading
import traceback
from dataclasses import replace

import numpy as np
import pytest

from modelkeep.serving import batching
from modelkeep.serving.batching import Batcher, Broken, Busy, Unanswerable
from modelkeep.serving.private import Hider
from modelkeep.serving.recording import Records
from modelkeep_core.predictions import Predictions


class Model:
    """Predictions a row with its first value; remembers how many rows each call had."""

    def __init__(self):
        self.calls = []
        self.threads = set()

    def __call__(self, rows):
        """Predict, or refuse what is "bad"; break at what is "broken"."""
        self.calls.append(len(rows))
        self.threads.add(threading.current_thread())
        if any(row[0] == "bad" for row in rows):
            raise ValueError("a number is too large")
        if any(row[0] == "broken" for row in rows):
            raise KeyError("no such thing")
        predictions = np.array([row[0] for row in rows])
        return Predictions(predictions, np.array([[row[1], 1 - row[1]] for row in rows]))


@pytest.fixture
def model(served):
    """A model that can be watched."""
    return replace(served, predict=Model())


@pytest.fixture
def records(tmp_path):
    """An empty file of records."""
    records = Records(tmp_path / "records.sqlite")
    yield records
    records.close()


@pytest.fixture
def batcher_of(records):
    """Return a function that makes a batcher, whose thread ends with the test."""
    made = []

    def make(into=records, keep_inputs=True, most_waiting=1000):
        made.append(Batcher(into, keep_inputs, most_waiting))
        return made[-1]

    yield make
    for batcher in made:
        batcher._thread.shutdown()


def recorded(records):
    """Return what is in the file: the id and the inputs of each request."""
    return dict(records._database.execute("SELECT request_id, inputs FROM requests").fetchall())


def run(batcher, *requests):
    """Let requests, each a model and rows, come at the same time; return their answers."""

    async def all_at_once():
        waiting = (batcher.answer(model, rows) for model, rows in requests)
        return await asyncio.gather(*waiting, return_exceptions=True)

    return asyncio.run(all_at_once())


def test_what_waits_together_is_one_call(batcher_of, model, records):
    """Ten requests, one call, and each has the answers to its own rows."""
    requests = [(model, [[f"{n}.{i}", 0.25] for i in range(n)]) for n in range(1, 11)]
    answers = run(batcher_of(), *requests)
    assert model.predict.calls == [55]
    for (_, rows), answer in zip(requests, answers, strict=True):
        assert answer.outputs["predictions"] == [row[0] for row in rows]
        assert answer.outputs["probabilities"] == [[0.25, 0.75]] * len(rows)
        assert answer.inputs == rows
        assert (answer.recipe_id, answer.version) == (model.recipe_id, "v1.2.0")


def test_every_answer_is_recorded_when_it_is_given(batcher_of, model, records):
    """The record is there before the caller goes on."""
    batcher = batcher_of()

    async def ask():
        answer = await batcher.answer(model, [["a", 0.5]])
        assert answer.request_id in recorded(records)

    asyncio.run(ask())
    assert list(recorded(records).values()) == ['[["a",0.5]]']


@pytest.mark.parametrize(("keep", "inputs"), [(True, '[["a",0.5]]'), (False, None)])
def test_inputs_are_recorded_if_they_are_to_be_kept(batcher_of, model, records, keep, inputs):
    """Opting out keeps the answers."""
    run(batcher_of(keep_inputs=keep), (model, [["a", 0.5]]))
    assert list(recorded(records).values()) == [inputs]


def test_without_records_there_are_answers(batcher_of, model):
    """Recording can be left out altogether."""
    (answer,) = run(batcher_of(None), (model, [["a", 0.5]]))
    assert answer.outputs["predictions"] == ["a"]


def test_a_request_that_the_model_cannot_answer_spoils_no_other(batcher_of, model, records):
    """The others get their answers, and it alone is refused, and not recorded."""
    requests = [(model, [[name, 0.5]]) for name in ("a", "bad", "b")]
    first, refused, last = run(batcher_of(), *requests)
    assert [first.outputs["predictions"], last.outputs["predictions"]] == [["a"], ["b"]]
    assert isinstance(refused, Unanswerable)
    assert "too large" in str(refused)
    assert len(recorded(records)) == 2


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_an_answer_that_is_no_number_is_none(batcher_of, model, records, number):
    """JSON has no word for it: the request is refused, and the others are answered."""
    requests = [(model, [[value, 0.5]]) for value in (1.5, number)]
    good, refused = run(batcher_of(), *requests)
    assert good.outputs["predictions"] == [1.5]
    assert "finite" in str(refused)
    assert len(recorded(records)) == 1


def test_a_probability_that_is_no_number_is_no_answer(batcher_of, served, records):
    """Some estimators have none for rows that are far from all others."""

    def predict(rows):
        return Predictions(np.array(["a"] * len(rows)), np.full((len(rows), 2), np.nan))

    (refused,) = run(batcher_of(), (replace(served, predict=predict), [["a", 0.5]]))
    assert isinstance(refused, Unanswerable)
    assert not recorded(records)


def test_a_fault_of_the_model_reaches_who_asked_and_the_next_is_answered(
    batcher_of, model, records
):
    """Nobody hangs, and the server goes on."""
    batcher = batcher_of()

    async def ask():
        with pytest.raises(KeyError):
            await batcher.answer(model, [["broken", 0.5]])
        return await batcher.answer(model, [["a", 0.5]])

    assert asyncio.run(ask()).outputs["predictions"] == ["a"]


def test_each_request_is_answered_by_the_model_that_it_came_for(batcher_of, model, served, records):
    """While one model takes over from another, no request gets the wrong one."""
    other = replace(served, predict=Model(), version="v1.3.0")
    requests = [(model, [["a", 0.5]]), (other, [["b", 0.5]]), (other, [["c", 0.5]])]
    answers = run(batcher_of(), *requests)
    assert [answer.version for answer in answers] == ["v1.2.0", "v1.3.0", "v1.3.0"]
    assert (model.predict.calls, other.predict.calls) == ([1], [2])


def test_many_rows_are_answered_beside_the_event_loop(batcher_of, model, records):
    """Few are answered at once; a large request does not stop the others from being read."""
    run(batcher_of(), (model, [["a", 0.5]] * batching.FEW_ROWS))
    assert model.predict.threads == {threading.main_thread()}
    run(batcher_of(), (model, [["a", 0.5]] * (batching.FEW_ROWS + 1)))
    assert len(model.predict.threads) == 2


def test_a_batch_has_a_size(batcher_of, model, records, monkeypatch):
    """Who comes first is answered first; a request that is larger alone goes alone."""
    monkeypatch.setattr(batching, "BATCH_ROWS", 4)
    sizes = [3, 1, 2, 9, 1]
    run(batcher_of(), *((model, [["a", 0.5]] * size) for size in sizes))
    assert model.predict.calls == [4, 2, 9, 1]


def test_too_many_that_wait_are_sent_away(batcher_of, model, records):
    """The first is taken however large it is; what would make others wait too long is not."""
    requests = [(model, [["a", 0.5]] * size) for size in (12, 1, 4)]
    answers = run(batcher_of(most_waiting=10), *requests)
    assert [type(answer) for answer in answers[1:]] == [Busy, Busy]
    assert answers[0].rows == 12


def test_who_does_not_wait_any_longer_is_left_out(batcher_of, model, records):
    """A request that timed out while it waited is neither answered nor recorded."""
    batcher = batcher_of()

    async def ask():
        gone = asyncio.ensure_future(batcher.answer(model, [["gone", 0.5]]))
        stays = asyncio.ensure_future(batcher.answer(model, [["stays", 0.5]]))
        await asyncio.sleep(0)
        gone.cancel()
        return await stays

    assert asyncio.run(ask()).outputs["predictions"] == ["stays"]
    assert list(recorded(records).values()) == ['[["stays",0.5]]']


def test_closing_answers_who_waits(batcher_of, model, records, tmp_path):
    """What was begun is finished and recorded."""
    batcher = batcher_of()

    async def ask():
        waiting = asyncio.ensure_future(batcher.answer(model, [["a", 0.5]] * 100))
        await asyncio.sleep(0)
        await batcher.close()
        return await waiting

    assert asyncio.run(ask()).rows == 100
    again = Records(tmp_path / "records.sqlite")
    assert len(recorded(again)) == 1


def test_flushing_writes_what_was_noted(batcher_of, model, records):
    """Refused values are recorded although nothing is answered."""
    batcher = batcher_of()
    records.refuse("recipe", "", "type")
    batcher.flush()
    assert records._database.execute("SELECT count FROM refused").fetchall() == [(1,)]
    batcher_of(None).flush()


def test_a_fault_of_recording_stops_no_answer_and_is_said_until_it_is_gone(
    batcher_of, model, records, monkeypatch, caplog
):
    """The requests after it are answered too, and what is recorded later ends the fault."""
    batcher = batcher_of()

    def broken(_):
        raise TypeError("no such type")

    with monkeypatch.context() as patch:
        patch.setattr(records, "write", broken)
        for _ in range(2):
            (answer,) = run(batcher, (model, [["a", 0.5]]))
            assert answer.outputs["predictions"] == ["a"]
            assert batcher.fault == "requests could not be recorded: TypeError('no such type')"
        batcher.flush()
        assert batcher.fault
    assert "requests could not be recorded" in caplog.text
    batcher.flush()
    assert batcher.fault == ""
    run(batcher, (model, [["b", 0.5]]))
    assert list(recorded(records).values()) == ['[["b",0.5]]']


def test_a_fault_of_the_batcher_reaches_who_waits_and_the_next_is_answered(
    batcher_of, model, monkeypatch, caplog
):
    """Whatever breaks, nobody hangs, and the task that answers does not end for good."""
    batcher = batcher_of()
    with monkeypatch.context() as patch:
        patch.setattr(batcher, "_answered", lambda _: 1 / 0)
        for size in (1, batching.FEW_ROWS + 1):
            (error,) = run(batcher, (model, [["a", 0.5]] * size))
            assert isinstance(error, ZeroDivisionError)
    assert "a batch of requests could not be answered" in caplog.text
    (answer,) = run(batcher, (model, [["a", 0.5]]))
    assert answer.outputs["predictions"] == ["a"]


def test_what_breaks_a_model_is_told_without_private_values(batcher_of, model, classification):
    """An exception may repeat the value at which it was raised, and the log would have it."""
    classification.columns["colour"].private = True
    private = replace(model, hider=Hider(classification, None))
    batcher = batcher_of()
    (plain, hidden) = run(batcher, (model, [["broken", 1]]), (private, [["broken", 1]]))
    assert "no such thing" in str(plain)
    assert type(hidden) is Broken
    assert str(hidden).startswith("KeyError in __call__, line ")
    assert "no such thing" not in "".join(traceback.format_exception(hidden))
