"""How fast the feed tells the past, and how soon the present: `python -m bench.feed`.

    python -m bench.feed [EVENTS] [LISTENERS]

So many events (200,000 unless given) of task updates are written with their changes, then streamed to a studio manager
and to an artist. Then so many listeners (1,000) of 50 artists hear one event after the other; told is the time from
just before its commit until the median and the last of them had it, with all clients in a process on the same machine,
and the processor time of the server, which a busy machine does not change much. The floor is a bare Granian application
that sends as much to as many. Last, one and four workers of a consumer fetch and acknowledge what there is, and a
receiver takes deliveries of a webhook.
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from statistics import median
from uuid import UUID, uuid4

import aiohttp
import psutil
import psycopg
import requests

from tests import factories
from tests.client import Client, sign_in
from tests.open.webhooks.receiver import receiving
from tests.server import ADMIN, Server, free_port

_PERSONS = 50
_ROUNDS = 20
_FILL = """
WITH changed AS (
  SELECT n, nextval('pegbar.change_id') AS change_id, gen_random_uuid() AS id FROM generate_series(1, %(events)s) n
), logged AS (
  INSERT INTO api_event (id, name, project_id, user_id, data, created_at, updated_at)
  SELECT id, 'task:update', %(show)s, %(author)s, '{}', timezone('utc', now()), timezone('utc', now()) FROM changed
), recorded AS (
  INSERT INTO pegbar.history (change_id, table_name, row_id, project_id, op, old, new)
  SELECT change_id, 'task', md5(n::text)::uuid, %(show)s, 'U', '{"priority": 0}', '{"priority": 1}' FROM changed
)
INSERT INTO pegbar.outbox (name, project_id, payload, event_id, change_id)
SELECT 'task:update', %(show)s, json_build_object('task_id', md5(n::text)::uuid, 'project_id', %(show)s)::text, id,
       change_id FROM changed ORDER BY n
"""
_ONE = """
WITH logged AS (
  INSERT INTO api_event (id, name, project_id, data, created_at, updated_at)
  VALUES (%(id)s, 'shot:update', %(show)s, '{}', timezone('utc', now()), timezone('utc', now()))
), added AS (
  INSERT INTO pegbar.outbox (name, project_id, payload, event_id)
  VALUES ('shot:update', %(show)s, '{}', %(id)s) RETURNING xid, position
)
SELECT pg_notify('pegbar_events', concat_ws(' ', xid, position, position, pg_snapshot_xmin(pg_current_snapshot())))
  FROM added
"""


def processor_times(server: Server) -> dict[int, float]:
    """Seconds that each process of the server took, PostgreSQL's too."""
    assert server.process is not None
    top = psutil.Process(server.process.pid)
    times = {}
    for process in [top, *top.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            times[process.pid] = sum(process.cpu_times()[:2])
    return times


def spent_since(server: Server, before: dict[int, float]) -> float:
    """Seconds that the server took since; of processes that ended meanwhile, none."""
    return sum(seconds - before.get(pid, 0) for pid, seconds in processor_times(server).items())


def backfill(server: Server, admin: Client, artist: Client, show: UUID, events: int) -> None:
    """Stream the past."""
    start = admin.ok_get("/open/v1/events")["cursor"]
    with psycopg.connect(server.database_url, autocommit=True) as connection:
        connection.execute(_FILL, {"events": events, "show": show, "author": admin.id})
        connection.execute("VACUUM ANALYZE pegbar.outbox, pegbar.history, api_event")
    for name, who in (("a studio manager", admin), ("an artist", artist)):
        begun, before, told, size = time.perf_counter(), processor_times(server), 0, 0
        headers = {"Accept": "text/event-stream"}
        with who.get("/open/v1/events", params={"from": start}, headers=headers, stream=True) as stream:
            for piece in stream.iter_content(2**18):
                told, size = told + piece.count(b"\ndata: "), size + len(piece)
                if told >= events * 0.999:  # a piece may end within a name
                    break
        seconds = time.perf_counter() - begun
        spent = spent_since(server, before) / told * 1e6
        print(f"backfill to {name}: {told / seconds:,.0f} events/s ({size / seconds / 1e6:.0f} MB/s);"
              f" {spent:.0f} microseconds of processor time an event", flush=True)  # fmt: skip


async def delays(server: Server, people: list[Client], show: UUID, listeners: int) -> None:
    """Tell the present to many."""
    heard: dict[bytes, list[float]] = {}
    joined = asyncio.Semaphore(0)

    async def listen(session: aiohttp.ClientSession, who: Client) -> None:
        headers = {"Authorization": f"Bearer {who.token}", "Accept": "text/event-stream"}
        async with session.get(f"{server.api}/open/v1/events", headers=headers) as stream:
            async for line in stream.content:
                if line.startswith(b"data: "):
                    heard.setdefault(line[13:49], []).append(time.perf_counter())
                elif line.startswith(b"id: "):
                    joined.release()

    own, for_ever = aiohttp.TCPConnector(limit=0), aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(connector=own, timeout=for_ever) as session:
        tasks = [asyncio.create_task(listen(session, people[n % len(people)])) for n in range(listeners)]
        for _ in tasks:
            await joined.acquire()
        halves, wholes = [], []
        before = processor_times(server)
        with psycopg.connect(server.database_url) as connection:
            for _ in range(_ROUNDS):
                event_id = uuid4()
                connection.execute(_ONE, {"id": event_id, "show": show})
                begun = time.perf_counter()
                connection.commit()
                while len(heard.get(str(event_id).encode(), ())) < listeners:
                    await asyncio.sleep(0.002)
                times = sorted(moment - begun for moment in heard[str(event_id).encode()])
                halves.append(median(times) * 1000)
                wholes.append(times[-1] * 1000)
                await asyncio.sleep(0.2)
        spent = spent_since(server, before) / _ROUNDS * 1000
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    print(f"{listeners} listeners: half of them heard within {median(halves):.0f} ms (best {min(halves):.0f}),"
          f" the last within {median(wholes):.0f} ms (best {min(wholes):.0f});"
          f" {spent:.0f} ms of the server's processor time an event")  # fmt: skip


def floor(listeners: int) -> None:
    """What Granian alone takes to send one event to so many."""
    port = free_port()
    with subprocess.Popen([sys.executable, "-m", "bench.sending", str(port)], start_new_session=True) as process:
        try:
            clients = []
            while len(clients) < listeners:
                try:
                    client = socket.create_connection(("127.0.0.1", port), 20)
                except ConnectionRefusedError:
                    time.sleep(0.1)
                    continue
                client.sendall(b"GET /listen HTTP/1.1\r\nHost: bench\r\n\r\n")
                client.recv(2**16)  # it is known there now
                clients.append(client)
            answers = [requests.get(f"http://127.0.0.1:{port}/tell", timeout=60).json() for _ in range(_ROUNDS)]
            best, middle = min(answers), median(answers)
            print(f"the floor: Granian alone sends to {listeners} within {middle:.0f} ms of processor time"
                  f" (best {best:.0f})", flush=True)  # fmt: skip
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # its streams never end


def consume(server: Server, who: Client, start: str, workers: int) -> None:
    """Have workers share what there is from a cursor on."""
    consumer = f"/open/v1/consumers/bench-{workers}"
    who.ok_put(consumer, {"from": start})

    def work(_: int) -> int:
        done = 0
        while (batch := who.ok_post(f"{consumer}/fetch", {"limit": 1000}))["lease"]:
            done += who.ok_post(f"{consumer}/acknowledge", {"lease": batch["lease"]})["acknowledged"]
        return done

    begun, before = time.perf_counter(), processor_times(server)
    with ThreadPoolExecutor(workers) as pool:
        done = sum(pool.map(work, range(workers)))
    seconds, spent = time.perf_counter() - begun, spent_since(server, before) / done * 1e6
    print(f"a consumer of {workers} workers: {done / seconds:,.0f} events/s;"
          f" {spent:.0f} microseconds of processor time an event", flush=True)  # fmt: skip
    who.delete(consumer)


def deliver(server: Server, admin: Client, show: UUID, events: int) -> None:
    """Have a webhook told what happens."""
    with receiving() as receiver, psycopg.connect(server.database_url, autocommit=True) as connection:
        made = admin.ok_post("/open/v1/webhooks", {"url": receiver.url, "events": ["task:update"]})
        begun, before = time.perf_counter(), processor_times(server)
        connection.execute(_FILL, {"events": events, "show": show, "author": admin.id})
        connection.execute("NOTIFY pegbar_events")
        receiver.wait_for(lambda got: len(got) >= events, 600)
        seconds, spent = time.perf_counter() - begun, spent_since(server, before) / events * 1e6
        admin.delete(f"/open/v1/webhooks/{made['id']}")
    print(f"a webhook: {events / seconds:,.0f} deliveries/s; {spent:.0f} microseconds of processor time each")


def main() -> None:
    """Start a server and measure."""
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    listeners = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    with Server(None, PEGBAR_FEED_STREAMS_PER_PERSON="0", DEBUG="false") as server:
        admin = sign_in(server.api, *ADMIN)
        people = [factories.hire(admin, "user") for _ in range(_PERSONS)]
        show = UUID(factories.production(admin, *people)["id"])
        start = admin.ok_get("/open/v1/events")["cursor"]
        backfill(server, admin, people[0], show, events)
        asyncio.run(delays(server, people, show, 1))
        asyncio.run(delays(server, people, show, listeners))
        floor(listeners)
        for workers in (1, 4):
            consume(server, admin, start, workers)
        deliver(server, admin, show, 2000)


if __name__ == "__main__":
    main()
