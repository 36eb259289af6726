"""How long a server takes to say that it is ready, over a new connection each time, and its memory.

`python probing.py PORT PID` prints a line for each probe until it is told to end: when it began, in
seconds since 1970, milliseconds, and the resident memory of the process in KiB.
"""

import socket
import sys
import time
from pathlib import Path

HOST, REST, PATIENCE = "127.0.0.1", 0.02, 20.0
ASKED = b"GET /ready HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"


def probe(port: int) -> bool:
    """Ask once, and say whether the server is ready."""
    try:
        with socket.create_connection((HOST, port), PATIENCE) as connection:
            connection.sendall(ASKED)
            answer = connection.recv(65536)
            while not answer.endswith(b"}"):
                more = connection.recv(65536)
                if not more:
                    return False
                answer += more
    except OSError:
        return False
    return answer.startswith(b"HTTP/1.1 200")


def memory(pid: int) -> int:
    """Return the resident memory of a process, in KiB; 0 where it has ended."""
    try:
        text = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return 0
    return int(text.partition("VmRSS:")[2].split()[0])


def main() -> None:
    """Probe until the output is closed."""
    port, pid = int(sys.argv[1]), int(sys.argv[2])
    while True:
        began, start = time.time(), time.perf_counter()
        ready = probe(port)
        took = 1_000 * (time.perf_counter() - start)
        print(f"{began:.3f} {took:.2f} {int(ready)} {memory(pid)}", flush=True)
        time.sleep(REST)


if __name__ == "__main__":
    main()
