"""Connections that stay at hand between statements: they are given to who waits, replaced when they break, and back."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from uuid import uuid4

import asyncpg
import psycopg
import pytest

from pegbar.core.data.database import Database
from pegbar.core.data.faults import CONNECTION_ERRORS
from pegbar.core.data.parameters import sql
from pegbar.core.data.pools import OnBehalfOf
from tests.server import Server

_PID = sql("SELECT pg_backend_pid()")
_WRONG = sql("SELECT 1 / 0")


def with_database(server: Server, size: int, work: Callable[[Database], Awaitable[None]]) -> None:
    """Work with a database of so many connections, which ends in order."""

    async def run() -> None:
        db = Database(server.database_url, size=size)
        await db.open()
        try:
            with OnBehalfOf(uuid4()):
                await work(db)
            assert db.idle("requests") == db.pools()["requests"].get_size()
        finally:
            async with asyncio.timeout(5):
                await db.close()

    asyncio.run(run())


def test_one_connection_serves_all_who_come_one_after_the_other(server: Server) -> None:
    async def work(db: Database) -> None:
        pids = {await db.value(_PID) for _ in range(5)}
        async with db.transaction() as tx:
            pids.add(await tx.value(_PID))
        assert len(pids) == 1

    with_database(server, 4, work)


def test_who_waits_for_a_connection_gets_the_one_that_is_given_back(server: Server) -> None:
    async def work(db: Database) -> None:
        async def alone() -> int:
            # What the server does itself waits at the driver's pool, not in turns.
            with OnBehalfOf(None):
                async with db.transaction() as tx:
                    await asyncio.sleep(0)
                    return int(await tx.value(_PID))

        async with asyncio.timeout(20):
            pids = await asyncio.gather(*(alone() for _ in range(20)), *(db.value(_PID) for _ in range(20)))
        assert len(set(pids)) <= 2

    with_database(server, 2, work)


def test_a_connection_that_broke_at_hand_is_replaced(server: Server) -> None:
    async def work(db: Database) -> None:
        for _ in range(3):
            pid = await db.value(_PID)
            with psycopg.connect(server.database_url, autocommit=True) as killer:
                killer.execute("SELECT pg_terminate_backend(%s, 10000)", (pid,))
            # It is noticed at once, or by the statement that meets it.
            with suppress(asyncpg.PostgresError, *CONNECTION_ERRORS):
                await db.value(_PID)
            assert await db.value(_PID) != pid

    with_database(server, 1, work)


def test_a_statement_that_fails_or_is_left_costs_no_connection(server: Server) -> None:
    async def work(db: Database) -> None:
        for _ in range(3):
            with pytest.raises(Exception, match="division by zero"):
                await db.value(_WRONG)
            sleeping = asyncio.create_task(db.value(sql("SELECT pg_sleep(60)")))
            while db.idle("requests"):  # until it has the connection
                await asyncio.sleep(0)
            sleeping.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sleeping
            async with asyncio.timeout(20):
                assert await db.value(_PID)

    with_database(server, 1, work)
