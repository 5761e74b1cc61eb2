"""What a request costs: processor time of the API and of PostgreSQL beside wall time, against the goal of its line.

    python -m bench.cost [--sql FILE] [--only WORD] [--scale 10] [--seconds 2] [--every]

Starts a Pegbar of its own with the production of `--sql`, sends each line that has a goal (`--every`: all) over one
connection, and prints the table; once more with `--scale` times the shots. The client is `wrk`, which costs next to
nothing; without it, bench/load.py. On a machine that others use, wall time tells of them: compare processor time. What
is told is the cheapest of three rounds; PostgreSQL's part is that of the connections of requests and streams, without
jobs. Linux only.
"""

import argparse
import asyncio
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import psutil
import psycopg
import requests

from bench import __main__ as table
from bench.lines import LINES, Line
from bench.load import run
from bench.scale import multiply
from tests.client import sign_in
from tests.server import ADMIN, Server

_JSON = {"Content-Type": "application/json"}
#: Statements are planned anew five times by a connection, and routes compile theirs at their first use.
_WARM = 1.0
_TIMES = re.compile(r"(50|99)%\s+([\d.]+)(us|ms|s|m)\b")
_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}


@dataclass(frozen=True)
class Cost:
    """Milliseconds a request: of the API's processors, of PostgreSQL's, and until the answer was there."""

    api: float
    postgres: float
    wall: float
    failures: int = 0

    @property
    def processor(self) -> float:
        """Of both."""
        return self.api + self.postgres


def processes(server: Server) -> list[int]:
    """The processes that answer requests, and those that started them."""
    assert server.process is not None
    children = psutil.Process(server.process.pid).children(recursive=True)
    return [child.pid for child in children if child.name() not in ("postgres", "pegbar worker")]


def backends(url: str) -> list[int]:
    """The processes of PostgreSQL that work for requests."""
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'pegbar%'").fetchall()
    return [row[0] for row in rows]


def processor_time(pids: list[int]) -> float:
    """The milliseconds of processor time that these processes took, by all their threads, since they began."""
    spent = 0
    for pid in pids:
        for task in Path(f"/proc/{pid}/task").glob("*/schedstat"):
            spent += int(task.read_text().split()[0])
    return spent / 1e6


class Watch:
    """What the API and PostgreSQL take from now on."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._api, self._postgres = self._now()

    def _now(self) -> tuple[float, dict[int, float]]:
        api = processor_time(processes(self._server))
        return api, {pid: processor_time([pid]) for pid in backends(self._server.database_url)}

    def taken(self) -> tuple[float, float]:
        """Milliseconds of each; of a connection that ended meanwhile nothing is known."""
        api, postgres = self._now()
        return api - self._api, sum(now - self._postgres.get(pid, 0.0) for pid, now in postgres.items())


@dataclass(frozen=True)
class Sent:
    """What a client saw: answers, refusals among them, how many a second, milliseconds of the median and of 99 %."""

    answers: int
    failures: int
    rate: float
    median: float
    p99: float


def send(line: Line, url: str, headers: dict[str, str], body: bytes | None, clients: int, seconds: float) -> Sent:
    """Send a request again and again for so many seconds, over so many connections."""
    wrk = shutil.which("wrk")
    if wrk is None:
        measure = asyncio.run(
            run(url, line.method, body, headers, clients=clients, requests=1_000_000, seconds=seconds)
        )
        latest = sorted(measure.times)[len(measure.times) * 99 // 100]
        return Sent(len(measure.times), measure.failures, measure.rate, measure.median, latest)
    with _script(line.method, body) as script:
        threads = str(min(clients, 2))
        command = [wrk, f"-t{threads}", f"-c{clients}", f"-d{seconds:.0f}s", "--timeout", "60s", "--latency"]
        for name, value in headers.items():
            command += ["-H", f"{name}: {value}"]
        said = subprocess.run([*command, *script, url], check=True, capture_output=True, text=True).stdout
    counted = re.search(r"(\d+) requests in", said)
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    times = {share: float(took) * _UNITS[unit] for share, took, unit in _TIMES.findall(said)}
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    assert counted is not None, said
    assert rate is not None, said
    failures = int(refused[1]) if refused else 0
    return Sent(int(counted[1]), failures, float(rate[1]), times["50"], times["99"])


@contextmanager
def _script(method: str, body: bytes | None) -> Iterator[list[str]]:
    """What has wrk send something else than a GET."""
    if method == "GET":
        yield []
        return
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(f'wrk.method = "{method}"\nwrk.headers["Content-Type"] = "application/json"\n')
        file.write(f"wrk.body = [==[{(body or b'').decode()}]==]\n")
        file.flush()
        yield ["-s", file.name]


def cost(server: Server, line: Line, ids: dict[str, str], token: str, seconds: float, clients: int = 1) -> Cost:
    """What a line costs."""
    headers = {"Authorization": f"Bearer {token}"}
    url = server.api + line.path.format(**ids)
    body = None if line.body is None else msgspec.json.encode(line.body(ids))
    # The first one of its kind compiles its statement.
    answer = requests.request(line.method, url, data=body, headers=headers | _JSON, timeout=60)
    if line.conditional:
        headers["If-None-Match"] = answer.headers["etag"]
    send(line, url, headers, body, clients, _WARM)
    watch = Watch(server)
    sent = send(line, url, headers, body, clients, seconds)
    api, postgres = watch.taken()
    answers = max(sent.answers, 1)
    return Cost(api / answers, postgres / answers, sent.median, sent.failures)


def report(server: Server, lines: list[Line], ids: dict[str, str], size: str, seconds: float) -> None:
    """Print the table of one size of the production, as Markdown."""
    token = sign_in(server.api, *ADMIN).token
    assert token is not None
    print(f"| {size}: ms a request | goal | API | PostgreSQL | both | wall |\n|---|---:|---:|---:|---:|---:|")
    for line in lines:
        took = min(
            (cost(server, line, ids, token, seconds) for _ in range(table.ROUNDS)), key=lambda took: took.processor
        )
        name = line.name + (f" ({took.failures} failed)" if took.failures else "")
        goal = "" if line.goal is None else f"{line.goal:g}"
        cells = (name, goal, *(f"{spent:.2f}" for spent in (took.api, took.postgres, took.processor, took.wall)))
        print(f"| {' | '.join(cells)} |", flush=True)


def main() -> None:
    """Print the table at both sizes."""
    parser = table.parser("bench.cost")
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--every", action="store_true")
    asked: argparse.Namespace = parser.parse_args()
    lines = [line for line in LINES if asked.only in line.name and (asked.every or line.goal is not None)]
    with table.loaded(asked) as (server, ids):
        report(server, lines, ids, "1x", asked.seconds)
        if asked.scale > 1:
            multiply(server.database_url, asked.scale)
            report(server, lines, ids, f"{asked.scale}x", asked.seconds)


if __name__ == "__main__":
    main()
