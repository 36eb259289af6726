"""One attack of a client on a prediction server: `python attacks.py NAME PORT SECONDS`.

Each goes on for that long, as fast as one process can, and holds what it takes until then. The
names say what a client does; docs/reference/http.md says what limits it.
"""

import argparse
import json
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import repeat

HOST = "127.0.0.1"
# Bytes of the longest bodies: what a server takes unless it is told otherwise
LONGEST = 4 * 2**20
# Connections of attacks that hold many, and of those that keep the server busy
MANY, FEW = 3_000, 8
# Seconds until an answer is waited for no longer
PATIENCE = 10.0
RECORD = {
    "island": "Biscoe",
    "bill_length_mm": 44.5,
    "bill_depth_mm": 17.2,
    "flipper_length_mm": 197,
    "body_mass_g": 4050,
    "sex": "male",
}


class Target:
    """A server, until the attack ends.

    Attributes:
        answers: how often it was answered, by status.
    """

    def __init__(self, port: int, seconds: float) -> None:
        self.port = port
        self.deadline = time.monotonic() + seconds
        self.answers: dict[str, int] = {}

    @property
    def goes_on(self) -> bool:
        """Whether the attack has time left."""
        return time.monotonic() < self.deadline

    def connected(self) -> socket.socket:
        """Return a new connection."""
        return socket.create_connection((HOST, self.port), PATIENCE)

    def count(self, answer: bytes) -> None:
        """Note how the server has answered, if it has."""
        status = answer[9:12].decode("latin-1") or "none"
        self.answers[status] = self.answers.get(status, 0) + 1


def head(path: str, length: int, kind: str = "application/json") -> bytes:
    """Return the head of a request with a body."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: {kind}\r\n"
        f"Content-Length: {length}\r\n\r\n"
    ).encode()


def request(body: bytes, path: str = "/predict", kind: str = "application/json") -> bytes:
    """Return a request."""
    return head(path, len(body), kind) + body


def ask_again(target: Target, *parts: bytes, connections: int = 1) -> None:
    """Send the same, over a new connection each time, as soon as it was answered."""

    def ask() -> None:
        while target.goes_on:
            answer = b""
            with suppress(OSError), target.connected() as connection:
                with suppress(ConnectionError):
                    for part in parts:
                        connection.sendall(part)
                answer = connection.recv(65536)
            target.count(answer)

    in_threads(connections, ask)


def in_threads(number: int, work: Callable[[], None]) -> None:
    """Do the same several times at once."""
    threads = [threading.Thread(target=work) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def hold(target: Target, number: int, first: bytes, later: bytes = b"") -> None:
    """Hold many connections that send a little at first and later; replace those that end."""
    held: list[socket.socket] = []
    while target.goes_on:
        while len(held) < number and target.goes_on:
            with suppress(OSError):
                connection = target.connected()
                connection.sendall(first)
                connection.setblocking(False)
                held.append(connection)
        waits_until = time.monotonic() + 1
        still: list[socket.socket] = []
        for connection in held:
            try:
                if later:
                    connection.send(later)
                ended = not connection.recv(65536)
            except BlockingIOError:
                ended = False
            except OSError:
                ended = True
            if ended:
                connection.close()
                target.count(b"")
            else:
                still.append(connection)
        held = still
        if len(held) == number:
            time.sleep(max(0, waits_until - time.monotonic()))
    for connection in held:
        connection.close()


def connections(target: Target) -> None:
    """Opens more connections than the server holds, again and again, and sends nothing."""
    hold(target, MANY, b"")


def slow_heads(target: Target) -> None:
    """Sends a letter of the head each second, over 500 connections."""
    hold(target, 500, b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nX-a: ", b"a")


def slow_bodies(target: Target) -> None:
    """Sends a letter of the body each second, over 500 connections."""
    hold(target, 500, head("/predict", 100_000), b" ")


def endless_heads(target: Target) -> None:
    """Sends a head that does not end."""
    field = b"X-a: " + b"a" * 65_536
    ask_again(target, b"GET / HTTP/1.1\r\n", *repeat(field, 100))


def many_fields(target: Target) -> None:
    """Sends heads of ten thousand fields."""
    ask_again(target, b"GET / HTTP/1.1\r\n" + b"a:\r\n" * 10_000 + b"\r\n")


def chunks(target: Target) -> None:
    """Sends a body in chunks of one byte, each with words about it."""
    start = b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    ask_again(target, start, *repeat(b"1;a=b\r\n \r\n" * 5_000, 100))


def pipelined(target: Target) -> None:
    """Sends thousands of requests at once over one connection."""
    asked = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 5_000
    while target.goes_on:
        with suppress(OSError), target.connected() as connection:
            threading.Thread(target=send, args=(connection, asked)).start()
            while target.goes_on and (answer := connection.recv(2**20)):
                target.count(answer)
                if len(answer) < 100:
                    break


def send(connection: socket.socket, content: bytes) -> None:
    """Send as much as the other side takes."""
    with suppress(OSError):
        connection.sendall(content)


def filled(pattern: bytes) -> bytes:
    """Return a body of `LONGEST` bytes at most, with one thing over and over."""
    start, end = b'{"records":[', b"]}"
    times = (LONGEST - len(start) - len(end)) // (len(pattern) + 1)
    return start + b",".join([pattern] * times) + end


def empty_records(target: Target) -> None:
    """Sends 4 MiB of records without a value."""
    ask_again(target, request(filled(b"{}")), connections=FEW)


def no_records(target: Target) -> None:
    """Sends 4 MiB of numbers where records belong."""
    ask_again(target, request(filled(b"1")), connections=FEW)


def deep_lists(target: Target) -> None:
    """Sends 4 MiB of lists within lists."""
    half = LONGEST // 2
    ask_again(target, request(b"[" * half + b"]" * half), connections=FEW)


def long_texts(target: Target) -> None:
    """Sends a text of 4 MiB where a category belongs."""
    record = RECORD | {"island": "x" * (LONGEST - 1_000)}
    ask_again(target, request(json.dumps({"records": [record]}).encode()), connections=FEW)


def wrong_rows(target: Target) -> None:
    """Sends 10,000 rows, of which no value is right."""
    records: list[dict[str, list[int]]] = [{name: [] for name in RECORD}] * 10_000
    ask_again(target, request(json.dumps({"records": records}).encode()), connections=FEW)


def all_rows(target: Target) -> None:
    """Sends as many right rows as one request may have."""
    ask_again(target, request(json.dumps({"records": [RECORD] * 9_000}).encode()), connections=FEW)


def invented_names(target: Target) -> None:
    """Sends a record with 20,000 columns that nobody knows."""

    def bodies() -> Iterator[bytes]:
        for start in range(0, 10**9, 20_000):
            names = {f"bill_length_{start + place}": 1 for place in range(20_000)}
            yield request(json.dumps({"records": [names]}).encode())

    for body in bodies():
        if not target.goes_on:
            return
        with suppress(OSError), target.connected() as connection:
            connection.sendall(body)
            target.count(connection.recv(65536))


def wide_tables(target: Target) -> None:
    """Sends a CSV table of 100,000 columns."""
    names = ",".join(f"bill_length_{place}" for place in range(100_000))
    body = f"{names}\n{',' * 99_999}\n".encode()
    ask_again(target, request(body, kind="text/csv"), connections=FEW)


def long_tables(target: Target) -> None:
    """Sends 4 MiB of CSV lines, too many of them."""
    names, line = ",".join(RECORD), ",".join(str(value) for value in RECORD.values()) + "\n"
    body = f"{names}\n{line * (LONGEST // len(line) - 10)}".encode()
    ask_again(target, request(body, kind="text/csv"), connections=FEW)


def unread_answers(target: Target) -> None:
    """Asks for 9,000 rows over 50 connections, and reads no answer."""
    hold(target, 50, request(json.dumps({"records": [RECORD] * 9_000}).encode()) * 2)


ATTACKS: dict[str, Callable[[Target], None]] = {
    attack.__name__.replace("_", "-"): attack
    for attack in (
        *(connections, slow_heads, slow_bodies, endless_heads, many_fields, chunks, pipelined),
        *(empty_records, no_records, deep_lists, long_texts, wrong_rows, all_rows),
        *(invented_names, wide_tables, long_tables, unread_answers),
    )
}


def main() -> None:
    """Attack, and print how often it was answered with which status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=ATTACKS)
    parser.add_argument("port", type=int)
    parser.add_argument("seconds", type=float)
    args = parser.parse_args()
    allow_files()
    target = Target(args.port, args.seconds)
    ATTACKS[args.name](target)
    json.dump(target.answers, sys.stdout)


def allow_files() -> None:
    """Let this process open as many connections as the system allows."""
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


if __name__ == "__main__":
    main()
