"""Clients of many kinds, who compare each answer with what `modelkeep predict` says."""

import http.client
import json
import random
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

HOST = "127.0.0.1"
PATIENCE = 40.0
# How far a probability may be from what `predict` says: batches of other sizes add up otherwise
LAST_BITS = 1e-12
Cells = list[Any]


@dataclass(frozen=True)
class Pool:
    """Rows that are asked for, and what every version says of them.

    Attributes:
        features: the names of the columns that the model sees.
        rows: the rows, with None for an empty cell.
        lines: the same as lines of a CSV table.
        predictions: for each version, the prediction of each row.
        probabilities: for each version, those of each row.
    """

    features: list[str]
    rows: list[Cells]
    lines: list[str]
    predictions: dict[str, list[str]]
    probabilities: dict[str, list[list[float]]]

    def agreeing(self, part: slice, predictions: Cells, probabilities: Any) -> set[str]:
        """Return the versions that say the same of a part of the rows."""
        return {
            version
            for version, expected in self.predictions.items()
            if expected[part] == predictions
            and (probabilities is None or _near(self.probabilities[version][part], probabilities))
        }


def _near(expected: list[list[float]], given: list[list[float]]) -> bool:
    return len(expected) == len(given) and all(
        abs(a - b) <= LAST_BITS
        for one, other in zip(expected, given, strict=True)
        for a, b in zip(one, other, strict=True)
    )


@dataclass
class Answer:
    """What was asked and answered: the rows, and the versions that say so."""

    request_id: str
    part: slice
    versions: set[str]


@dataclass
class Journal:
    """What all clients saw.

    Attributes:
        answers: the answers that had predictions.
        others: how often something else came, by kind of client and what it was.
        wrong: what cannot be, in words.
    """

    answers: list[Answer] = field(default_factory=list)
    others: Counter[tuple[str, str]] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


Form = Callable[[Pool, slice], tuple[str, str, bytes]]


def as_records(pool: Pool, part: slice) -> tuple[str, str, bytes]:
    """Return a request with rows by name."""
    records = [dict(zip(pool.features, row, strict=True)) for row in pool.rows[part]]
    return "/predict", "application/json", json.dumps({"records": records}).encode()


def as_lists(pool: Pool, part: slice) -> tuple[str, str, bytes]:
    """Return a request with rows in order."""
    return "/predict", "application/json", json.dumps({"features": pool.rows[part]}).encode()


def as_csv(pool: Pool, part: slice) -> tuple[str, str, bytes]:
    """Return a request with a CSV table."""
    text = "\n".join([",".join(pool.features), *pool.lines[part], ""])
    return "/predict", "text/csv", text.encode()


def as_mlflow(pool: Pool, part: slice) -> tuple[str, str, bytes]:
    """Return a request of MLflow's clients."""
    content = {"dataframe_split": {"columns": pool.features, "data": pool.rows[part]}}
    return "/invocations", "application/json", json.dumps(content).encode()


def as_tensors(pool: Pool, part: slice) -> tuple[str, str, bytes]:
    """Return a request of the Open Inference Protocol."""
    columns = zip(*pool.rows[part], strict=True)
    inputs = [
        {"name": name, "shape": [len(data)], "datatype": "BYTES", "data": data}
        for name, data in zip(pool.features, columns, strict=True)
    ]
    return "/v2/models/model/infer", "application/json", json.dumps({"inputs": inputs}).encode()


def as_question(path: str) -> Form:
    """Return what asks the server itself."""
    return lambda pool, part: (path, "", b"")


@dataclass(frozen=True)
class Kind:
    """A kind of client: the rows of its requests, their form, and its rests between them."""

    name: str
    form: Form
    rows: int
    rest: float


KINDS = (
    Kind("JSON, 1 row", as_records, 1, 0.05),
    Kind("JSON, 20 rows", as_lists, 20, 0.2),
    Kind("JSON, 2,000 rows", as_lists, 2_000, 5.0),
    Kind("CSV, 50 rows", as_csv, 50, 0.5),
    Kind("CSV, 2,000 rows", as_csv, 2_000, 7.0),
    Kind("MLflow, 5 rows", as_mlflow, 5, 0.2),
    Kind("Open Inference, 5 rows", as_tensors, 5, 0.2),
    Kind("/health", as_question("/health"), 0, 1.0),
    Kind("/metrics", as_question("/metrics"), 0, 5.0),
)


class Client(threading.Thread):
    """Asks again and again until `stopped` is set, and notes every answer."""

    def __init__(self, port: int, kind: Kind, pool: Pool, journal: Journal) -> None:
        super().__init__(daemon=True)
        self.stopped = threading.Event()
        self._port, self._kind, self._pool, self._journal = port, kind, pool, journal
        self._random = random.Random(kind.name)
        self._connection: http.client.HTTPConnection | None = None

    def run(self) -> None:
        """Ask, rest, and ask again."""
        while not self.stopped.wait(self._kind.rest):
            start = self._random.randrange(len(self._pool.rows) - self._kind.rows)
            try:
                self._ask(slice(start, start + self._kind.rows))
            except (OSError, http.client.HTTPException) as error:
                self._other(type(error).__name__)
                self._hang_up()
        self._hang_up()

    def _ask(self, part: slice) -> None:
        path, kind, body = self._kind.form(self._pool, part)
        if self._connection is None:
            self._connection = http.client.HTTPConnection(HOST, self._port, timeout=PATIENCE)
        headers = {"Content-Type": kind} if kind else {}
        self._connection.request("POST" if kind else "GET", path, body or None, headers)
        response = self._connection.getresponse()
        content = response.read()
        if response.status != 200:
            self._other(str(response.status))
        elif kind:
            self._note(path, part, json.loads(content), response.headers["X-Request-ID"])
        elif path == "/health":
            self._other(json.loads(content)["status"])

    def _note(self, path: str, part: slice, content: dict[str, Any], request_id: str) -> None:
        """Compare an answer with those of all versions, or of the one that it names."""
        if path.startswith("/v2"):
            version, outputs = content["model_version"], content["outputs"]
            predictions, flat = (output["data"] for output in outputs)
            classes = outputs[1]["shape"][1]
            values = iter(flat)
            probabilities = [[*islice(values, classes)] for _ in predictions]
        else:
            version, predictions = content.get("version"), content["predictions"]
            probabilities = content.get("probabilities")
        versions = self._pool.agreeing(part, predictions, probabilities)
        if not versions or version not in (None, *versions):
            self._journal.wrong.append(f"{self._kind.name}, rows {part}: {version}, {versions}")
        named = versions if version is None else {version}
        self._journal.answers.append(Answer(request_id, part, named))

    def _other(self, what: str) -> None:
        self._journal.others[self._kind.name, what] += 1

    def _hang_up(self) -> None:
        with suppress(OSError):
            if self._connection is not None:
                self._connection.close()
        self._connection = None


def recorded(journal: Journal, pool: Pool, path: str) -> tuple[int, list[str]]:
    """Compare the records of a server with what its clients saw.

    Returns:
        How many requests are recorded, and what is missing or differs, in words.
    """
    wrong: list[str] = []
    with closing(sqlite3.connect(path)) as database:
        (count,) = database.execute("SELECT count(*) FROM requests").fetchone()
        question = "SELECT version, inputs, outputs FROM requests WHERE request_id = ?"
        for answer in journal.answers:
            row = database.execute(question, (answer.request_id,)).fetchone()
            if row is None:
                wrong.append(f"{answer.request_id} is not recorded")
                continue
            version, inputs, outputs = row[0], json.loads(row[1]), json.loads(row[2])
            if inputs != pool.rows[answer.part]:
                wrong.append(f"{answer.request_id} has other inputs")
            agreeing = pool.agreeing(answer.part, outputs["predictions"], outputs["probabilities"])
            if version not in agreeing & answer.versions:
                wrong.append(f"{answer.request_id} has other outputs")
    return count, wrong


def put_to_work(port: int, pool: Pool, journal: Journal, kinds: Iterable[Kind]) -> list[Client]:
    """Start a client of each kind."""
    clients = [Client(port, kind, pool, journal) for kind in kinds]
    for client in clients:
        client.start()
    return clients


def sent_home(clients: list[Client]) -> None:
    """Let the clients end, each with what it has begun."""
    for client in clients:
        client.stopped.set()
    until = time.monotonic() + PATIENCE
    for client in clients:
        client.join(max(0, until - time.monotonic()))
