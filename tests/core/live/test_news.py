"""Every event is read once, in an order that makes sense, whoever commits when and whether anybody tells of it."""

import asyncio
import threading
import uuid
from collections.abc import Callable, Coroutine
from typing import Any

import psycopg
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg.sql import SQL, Identifier

from pegbar.core.data.database import Database
from pegbar.core.data.notices import Notices
from pegbar.core.live import news
from tests.client import Client
from tests.core.listener import DEPARTMENT_EVENTS, Listener
from tests.server import Server

WRITE = """
INSERT INTO pegbar.outbox (name, payload, event_id)
SELECT 'department:update', json_build_object('department_id', id), id FROM unnest(%s::uuid[]) AS events (id)
"""
WRITERS = 4
#: What happens: a writer writes an event, commits or rolls back; the reader reads.
STEPS = st.lists(
    st.tuples(st.integers(0, WRITERS - 1), st.sampled_from(["write", "commit", "rollback", "read"])), max_size=40
)


async def read(db: Database, cursor: news.Cursor, heard: list[str]) -> news.Cursor:
    more = True
    while more:
        page = await news.news(db, cursor)
        heard += [str(event["event_id"]) for event in page.events]
        cursor, more = page.after, page.more
    return cursor


async def play(url: str, steps: list[tuple[int, str]], heard: list[str]) -> list[str]:
    """What was committed, in the order of commits."""
    db = Database(url, size=1)
    await db.open()
    writers = [psycopg.connect(url) for _ in range(WRITERS)]
    pending: list[list[str]] = [[] for _ in writers]
    committed: list[str] = []
    try:
        cursor = await news.now(db)
        for number, step in [*steps, *((number, "commit") for number in range(WRITERS))]:
            if step == "write":
                pending[number].append(str(uuid.uuid4()))
                writers[number].execute(WRITE, (pending[number][-1:],))
            elif step == "read":
                cursor = await read(db, cursor, heard)
            elif step == "commit":
                writers[number].commit()
                committed += pending[number]
                pending[number] = []
            else:
                writers[number].rollback()
                pending[number] = []
        await read(db, cursor, heard)
    finally:
        for writer in writers:
            writer.close()
        await db.close()
    return committed


@settings(max_examples=30)
@given(steps=STEPS)
def test_each_event_is_read_once_whatever_the_order_of_commits(server: Server, steps: list[tuple[int, str]]) -> None:
    heard: list[str] = []
    committed = asyncio.run(play(server.database_url, steps, heard))
    ours = [event for event in heard if event in set(committed)]
    assert sorted(ours) == sorted(committed)


def test_more_than_a_page_comes_whole_and_in_order(server: Server) -> None:
    event_ids = [str(uuid.uuid4()) for _ in range(2 * news._MOST + 7)]

    async def run() -> list[str]:
        db = Database(server.database_url, size=1)
        await db.open()
        heard: list[str] = []
        cursor = await news.now(db)
        with psycopg.connect(server.database_url) as writer:
            writer.execute(WRITE, (event_ids,))
        page = await news.news(db, cursor)
        heard += [str(event["event_id"]) for event in page.events]
        with psycopg.connect(server.database_url) as writer:  # after the first page: it waits for the next round
            writer.execute(WRITE, ([late],))
        await read(db, page.after, heard)
        await db.close()
        return heard

    late, known = str(uuid.uuid4()), set(event_ids)
    heard = asyncio.run(run())
    assert [event for event in heard if event in known or event == late] == [*event_ids, late]


def test_an_event_that_nobody_told_of_reaches_the_sockets(server: Server, admin: Client) -> None:
    event_id = str(uuid.uuid4())
    with Listener(server.url, admin.token, *DEPARTMENT_EVENTS) as listener:
        with psycopg.connect(server.database_url) as writer:
            writer.execute(WRITE, ([event_id],))
        listener.wait_for("event_id", event_id)


def notices_of(server: Server, channel: str, run: Callable[[], Coroutine[Any, Any, None]], count: int) -> list[str]:
    """What is heard on a channel while something runs, which ends by itself."""
    with psycopg.connect(server.database_url, autocommit=True) as listener:
        listener.execute(SQL("LISTEN {}").format(Identifier(channel)))
        thread = threading.Thread(target=asyncio.run, args=(run(),))
        thread.start()
        heard = [notice.payload for notice in listener.notifies(timeout=20, stop_after=count)]
        thread.join(20)
    assert not thread.is_alive()
    return heard


def test_what_commits_together_is_told_together_and_a_database_that_is_away_holds_nobody_up(server: Server) -> None:
    async def run() -> None:
        notices = Notices(server.database_url)
        await asyncio.gather(*(notices.tell([("pegbar_test_notices", str(number))]) for number in range(50)))
        await notices.close()
        away = Notices("postgresql://postgres@/pegbar?host=/nowhere")
        await asyncio.gather(*(away.tell([("pegbar_test_notices", "lost")]) for _ in range(50)))

    assert notices_of(server, "pegbar_test_notices", run, 50) == [str(number) for number in range(50)]


def test_what_commits_one_after_the_other_is_told_without_a_pause_for_each(server: Server) -> None:
    numbers = [str(number) for number in range(200)]

    async def run() -> None:
        notices = Notices(server.database_url)
        for number in numbers:
            await notices.tell([("pegbar_test_notices_in_turn", number)])
        await notices.close()

    assert notices_of(server, "pegbar_test_notices_in_turn", run, 200) == numbers
