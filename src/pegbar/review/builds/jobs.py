"""Movies of playlists made by job workers, and gone after a while. Source: spec review, "Build jobs"."""

import asyncio
from uuid import UUID

from pegbar.config import settings
from pegbar.core.data.database import Database
from pegbar.core.data.removal import remove
from pegbar.core.data.schema import utc_now
from pegbar.core.work.jobs import LONG_QUEUE, job
from pegbar.core.work.workshop import sweep
from pegbar.review.builds import queries
from pegbar.review.builds.building import LEFT, end, fail, lives, make
from pegbar.review.tables import build_job

#: How often a build is taken in hand before it is given up.
_MOST_ATTEMPTS = 4

BUILD = job("review.build_playlist", retries=_MOST_ATTEMPTS, queue=LONG_QUEUE)
TIDY = job("review.tidy_builds", cron="*/10 * * * *")


@BUILD.task
async def build_playlist(db: Database, *, build_job_id: str) -> None:
    """Make the movie of a playlist. What may pass by itself is tried again by the queue."""
    await asyncio.to_thread(sweep)
    await make(db, UUID(build_job_id), holder=None, in_job=True, most_attempts=_MOST_ATTEMPTS)


@BUILD.given_up
async def give_up(db: Database, *, build_job_id: str) -> None:
    """The last attempt failed too."""
    await fail(db, UUID(build_job_id))


@TIDY.task
async def tidy_builds(db: Database) -> None:
    """End the builds that nobody is at any more; delete those that are kept no longer."""
    async with db.transaction() as tx:
        for row in await tx.rows(queries.abandoned_builds, now=utc_now(), **lives()):
            await end(tx, row["id"], "failed", LEFT)
    days = settings().build_kept_days
    more = days > 0
    while more:
        async with db.transaction() as tx:
            build_job_ids = await tx.column(queries.expired_builds, now=utc_now(), days=days)
            more = bool(build_job_ids)
            await remove(tx, build_job, build_job_ids)
