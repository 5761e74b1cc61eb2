"""Commits a second of so many writers, each of one event and one job: told of after the commit, or in it.

    python -m bench.commits

`in it` is how it was: a NOTIFY in each transaction, whose commits wait for each other while the disk works. By turns,
on a durable database of its own.
"""

import asyncio
import tempfile
import time
from pathlib import Path
from statistics import median

from pegbar.core.data import migrations
from pegbar.core.data.database import Database, Transaction
from pegbar.core.data.embedded import EmbeddedPostgres
from pegbar.core.data.parameters import sql
from pegbar.core.live.events import event
from pegbar.core.work.jobs import job

WRITERS = (1, 4, 16, 64)
ROUNDS, SECONDS = 5, 2.0

EVENT = event("bench:commit", "number", scoped=False)
JOB = job("bench.commit")
_NOTIFY = sql("SELECT pg_notify(:channel ::text, :said ::text)")


async def _in_it(tx: Transaction) -> None:
    """Notify as transactions did: with what the trigger of the queue said too."""
    await tx.flush()
    notices, tx.notices = tx.notices, []
    for channel, said in notices:
        await tx.row(_NOTIFY, channel=channel, said=said)
        if channel.startswith("procrastinate"):
            await tx.row(_NOTIFY, channel="procrastinate_any_queue_v1", said=said)


async def _after_it(_: Transaction) -> None:
    """As it is."""


async def _rate(db: Database, writers: int, *, in_it: bool) -> float:
    until, commits = time.monotonic() + SECONDS, 0

    async def write() -> None:
        nonlocal commits
        while time.monotonic() < until:
            async with db.transaction() as tx:
                tx.emit(EVENT, number=commits)
                tx.defer(JOB)
                await (_in_it if in_it else _after_it)(tx)
            commits += 1

    await asyncio.gather(*(write() for _ in range(writers)))
    return commits / SECONDS


async def _measure(url: str) -> None:
    db = Database(url, size=max(WRITERS))
    await db.open()
    print("| writers | in it | after it | ratio |\n|---:|---:|---:|---:|")
    for writers in WRITERS:
        rates: dict[bool, list[float]] = {True: [], False: []}
        for _ in range(ROUNDS):
            for in_it in (True, False):
                rates[in_it].append(await _rate(db, writers, in_it=in_it))
        before, after = median(rates[True]), median(rates[False])
        print(f"| {writers} | {before:.0f} | {after:.0f} | {after / before:.2f} |", flush=True)
    await db.close()


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        embedded = EmbeddedPostgres(Path(folder))
        try:
            url = embedded.start()
            migrations.upgrade(url)
            asyncio.run(_measure(url))
        finally:
            embedded.stop()


if __name__ == "__main__":
    main()
