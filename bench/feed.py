"""How fast the feed tells the past, and how soon the present: `python -m bench.feed`.

    python -m bench.feed [EVENTS] [LISTENERS]

So many events (200,000 unless given) of task updates are written with their changes, then streamed to a studio manager
and to an artist. Then so many listeners (1,000) of 50 artists hear one event after the other; told is the time from
just before its commit until the median and the last of them had it, with all clients in a process on the same machine,
and the processor time of the server, which a busy machine does not change much.
"""

import asyncio
import sys
import time
from statistics import median
from uuid import UUID, uuid4

import aiohttp
import psutil
import psycopg

from tests import factories
from tests.client import Client, sign_in
from tests.server import ADMIN, Server

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


def processor_time(server: Server) -> float:
    """Seconds that the processes of the server took, PostgreSQL's too."""
    assert server.process is not None
    top = psutil.Process(server.process.pid)
    times = [process.cpu_times() for process in [top, *top.children(recursive=True)]]
    return sum(each.user + each.system for each in times)


def backfill(server: Server, admin: Client, artist: Client, show: UUID, events: int) -> None:
    """Stream the past."""
    start = admin.ok_get("/open/v1/events")["cursor"]
    with psycopg.connect(server.database_url, autocommit=True) as connection:
        connection.execute(_FILL, {"events": events, "show": show, "author": admin.id})
        connection.execute("VACUUM ANALYZE pegbar.outbox, pegbar.history, api_event")
    for name, who in (("a studio manager", admin), ("an artist", artist)):
        begun, spent, told, size = time.perf_counter(), processor_time(server), 0, 0
        headers = {"Accept": "text/event-stream"}
        with who.get("/open/v1/events", params={"from": start}, headers=headers, stream=True) as stream:
            for piece in stream.iter_content(2**18):
                told, size = told + piece.count(b"\ndata: "), size + len(piece)
                if told >= events * 0.999:  # a piece may end within a name
                    break
        seconds = time.perf_counter() - begun
        spent = (processor_time(server) - spent) / told * 1e6
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
        spent = processor_time(server)
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
        spent = (processor_time(server) - spent) / _ROUNDS * 1000
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    print(f"{listeners} listeners: half of them heard within {median(halves):.0f} ms (best {min(halves):.0f}),"
          f" the last within {median(wholes):.0f} ms (best {min(wholes):.0f});"
          f" {spent:.0f} ms of the server's processor time an event")  # fmt: skip


def main() -> None:
    """Start a server and measure."""
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    listeners = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    with Server(None, PEGBAR_FEED_STREAMS_PER_PERSON="0", DEBUG="false") as server:
        admin = sign_in(server.api, *ADMIN)
        people = [factories.hire(admin, "user") for _ in range(_PERSONS)]
        show = UUID(factories.production(admin, *people)["id"])
        backfill(server, admin, people[0], show, events)
        asyncio.run(delays(server, people, show, 1))
        asyncio.run(delays(server, people, show, listeners))


if __name__ == "__main__":
    main()
