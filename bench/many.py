"""Many at once: how much API processes answer beside each other, and whether who waits or reads slowly costs others.

    python -m bench.many [--workers 1,2,4,8] [--clients 32] [--idle 300] [--slow 200] [--rounds 3] [--seconds 4]

One database with the production of `--sql`, and a server of so many API processes on it for each row: answers a second
to a task by its id over `--clients` connections, with the processor time of an answer and how much of all processors
was taken by Pegbar, by PostgreSQL and by others. Then the 99th percentile of the same request over two connections, by
turns alone and beside `--idle` connections that ask nothing and `--slow` ones that read a board at 16 kB a second.
Linux only.
"""

import argparse
import selectors
import socket
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import psutil

from bench import __main__ as table
from bench.cost import Sent, Watch, backends, processor_time, send
from bench.lines import LINES
from tests import factories
from tests.client import sign_in
from tests.server import ADMIN, Server

FAST_GET = next(line for line in LINES if line.name == "a task")
_BOARD = "/data/assets/with-tasks?project_id={project}&stream=true"
#: Boards that one person reads at once.
_BY_PERSON = 20
#: Bytes and seconds of a slow reader.
_SIP, _PAUSE = 4096, 0.25


def fast(url: str, token: str, clients: int, seconds: float) -> Sent:
    """Send the fast GET over so many connections for so many seconds."""
    return send(FAST_GET, url, {"Authorization": f"Bearer {token}"}, None, clients, seconds)


def throughput(server: Server, url: str, token: str, workers: int, clients: int, seconds: float) -> None:
    """Print a row of the first table: the round with the most answers a second."""
    fast(url, token, clients, seconds)
    rows = []
    for _ in range(3):
        watch = Watch(server)
        busy, started = psutil.cpu_times(), time.perf_counter()
        sent = fast(url, token, clients, seconds)
        cores = (time.perf_counter() - started) * 1000 * (psutil.cpu_count() or 1)
        now = psutil.cpu_times()
        own, theirs = watch.taken()
        idle = (now.idle + now.iowait - busy.idle - busy.iowait) * 1000
        rows.append((sent, own, theirs, max(cores - idle - own - theirs, 0.0), cores))
    sent, own, theirs, others, cores = max(rows, key=lambda row: row[0].rate)
    by_answer = [f"{spent / sent.answers:.2f}" for spent in (own, theirs)]
    shares = [f"{spent / cores:.0%}" for spent in (own, theirs, others)]
    cells = (f"{workers}", f"{sent.rate:.0f}", f"{sent.p99:.1f}", *by_answer, *shares, f"{sent.failures}")
    print(f"| {' | '.join(cells)} |", flush=True)


class Crowd:
    """Connections that ask nothing, and some that read their answer slowly, until the block ends."""

    def __init__(self, url: str, tokens: list[str], path: str, idle: int, slow: int) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        self._address = (parts.hostname, parts.port)
        self._path = parts.path + path
        self._tokens, self._idle, self._slow = tokens, idle, slow
        self._sockets: list[socket.socket] = []
        self._selector = selectors.DefaultSelector()
        self._stop = threading.Event()
        self._reading = threading.Thread(target=self._read)
        self.read = self.ended = 0

    def __enter__(self) -> "Crowd":
        for _ in range(self._idle):
            self._sockets.append(socket.create_connection(self._address, timeout=30))
        for number in range(self._slow):
            connection = socket.socket()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2 * _SIP)
            connection.settimeout(30)
            connection.connect(self._address)
            token = self._tokens[number % len(self._tokens)]
            connection.sendall(
                f"GET {self._path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
            )
            connection.setblocking(False)
            self._selector.register(connection, selectors.EVENT_READ)
            self._sockets.append(connection)
        self._reading.start()
        return self

    def _read(self) -> None:
        while not self._stop.wait(_PAUSE):
            for key, _ in self._selector.select(0):
                connection = key.fileobj
                assert isinstance(connection, socket.socket)
                try:
                    piece = connection.recv(_SIP)
                except ConnectionError:
                    piece = b""
                self.read += len(piece)
                if not piece:
                    self.ended += 1
                    self._selector.unregister(connection)

    def settle(self, server: Server, longest: float = 120.0) -> None:
        """Wait until their boards are made: what is measured is that they are read."""
        until, before = time.monotonic() + longest, -1.0
        while time.monotonic() < until:
            spent = processor_time(backends(server.database_url))
            if before >= 0 and spent - before < 100:
                return
            before = spent
            time.sleep(1)

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._reading.join()
        for connection in self._sockets:
            connection.close()


def beside(server: Server, url: str, ids: dict[str, str], asked: argparse.Namespace) -> None:
    """Print what the crowd costs others."""
    admin = sign_in(server.api, *ADMIN)
    readers = [factories.hire(admin, "admin") for _ in range(-(-asked.slow // _BY_PERSON))]
    tokens = [str(reader.token) for reader in readers]
    token = str(admin.token)
    fast(url, token, 2, asked.seconds)
    alone, crowded = [], []
    for _ in range(asked.rounds):
        alone.append(fast(url, token, 2, asked.seconds))
        with Crowd(server.api, tokens, _BOARD.format(**ids), asked.idle, asked.slow) as crowd:
            crowd.settle(server)
            crowded.append(fast(url, token, 2, asked.seconds))
            print(
                f"{crowd.read / 2**20:.1f} MB were read by {asked.slow}; {crowd.ended} of them had ended.", flush=True
            )
    print("\n| | p99 ms by turns | median | answers a second |\n|---|---|---:|---:|")
    for name, runs in (("alone", alone), (f"beside {asked.idle} idle and {asked.slow} slow", crowded)):
        times = [run.p99 for run in runs]
        print(
            f"| {name} | {', '.join(f'{p99:.1f}' for p99 in times)} | {statistics.median(times):.1f}"
            f" | {statistics.median(run.rate for run in runs):.0f} |"
        )


@contextmanager
def node(first: Server, workers: int) -> Iterator[Server]:
    """A server of so many API processes on the database of the first."""
    key = (first.folder / "secret.key").read_text()
    environment = {**first.environment, "DATABASE_URL": first.database_url, "SECRET_KEY": key}
    with Server(None, "--workers", str(workers), **environment) as server:
        yield server


def main() -> None:
    """Print the tables."""
    parser = table.parser("bench.many")
    parser.add_argument("--workers", default="1,2,4,8")
    for name, default in (("clients", 32), ("idle", 300), ("slow", 200), ("rounds", 3), ("seconds", 4)):
        parser.add_argument(f"--{name}", type=int, default=default)
    asked = parser.parse_args()
    with table.loaded(asked) as (first, ids):
        report(first, ids, FAST_GET.path.format(**ids), asked)


def report(first: Server, ids: dict[str, str], path: str, asked: argparse.Namespace) -> None:
    """Print both tables."""
    titles = "API processes | a second | p99 ms | API ms | PostgreSQL ms | API | PostgreSQL | others | failed"
    print(f"| {titles} |\n|{'---:|' * 9}")
    for workers in map(int, asked.workers.split(",")):
        with node(first, workers) as server:
            token = str(sign_in(server.api, *ADMIN).token)
            throughput(server, server.api + path, token, workers, asked.clients, asked.seconds)
    print()
    with node(first, 1) as server:
        beside(server, server.api + path, ids, asked)


if __name__ == "__main__":
    main()
