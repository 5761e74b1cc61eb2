"""How far a build is: told live to its production and noted with it; and whether it is still wanted."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import asyncpg
import structlog

from pegbar.core.data.database import Database
from pegbar.core.data.faults import answer_to
from pegbar.core.data.schema import utc_now
from pegbar.review.builds import queries
from pegbar.review.builds.events import BUILD_JOB_PROGRESS

log = structlog.get_logger()
T = TypeVar("T")

#: Seconds between two looks at whether a build is wanted, which are signs of life too.
_EVERY = 0.5


class Withdrawn(Exception):
    """A build that was deleted while it was made."""


async def watched(db: Database, build: asyncpg.Record, work: Callable[[Callable[[float], None]], Awaitable[T]]) -> T:
    """Do the work, which tells what share of it is done, and end it when its build is deleted (Withdrawn)."""
    share = 0.0

    def take(done: float) -> None:
        nonlocal share
        share = max(share, done)

    async def watch() -> None:
        told = 0
        while True:
            await asyncio.sleep(_EVERY)
            percent = min(int(share * 100), 99)
            try:
                if not await _note(db, build, percent, tell=percent != told):
                    return
            except Exception as error:
                # The movie goes on: what matters is told at its end.
                if answer_to(error) is None:
                    raise
                log.warning("the progress of a build was not told", build=str(build["id"]), error=str(error))
            told = percent

    working, watching = asyncio.ensure_future(work(take)), asyncio.create_task(watch())
    try:
        await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            watching.result()
            raise Withdrawn
        return working.result()
    finally:
        for task in (working, watching):
            task.cancel()
        await asyncio.gather(working, watching, return_exceptions=True)


async def _note(db: Database, build: asyncpg.Record, percent: int, *, tell: bool) -> bool:
    """Note how far a build is; False when there is no such build any more."""
    async with db.transaction() as tx:
        if await tx.row(queries.note_progress, build_job_id=build["id"], percent=percent, now=utc_now()) is None:
            return False
        if tell:
            about = {"build_job_id": build["id"], "playlist_id": build["playlist_id"]}
            tx.emit(BUILD_JOB_PROGRESS, project_id=build["project_id"], **about, progress=percent)
    return True
