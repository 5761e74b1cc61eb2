"""Builds under way: taken in hand, made, ended. Source: spec review, "Build jobs".

A request or a job makes one. Both give signs of life while they are at it, so that what nobody is at is known.
"""

import asyncio
from pathlib import Path
from uuid import UUID

import asyncpg
import structlog

from pegbar.config import settings
from pegbar.core.data.database import Database, Transaction
from pegbar.core.data.schema import utc_now
from pegbar.core.errors import ApiError, NotFound
from pegbar.core.storage import Address, mark_deleted, record, store
from pegbar.core.turns import Holder
from pegbar.core.work.workshop import workshop
from pegbar.media.movies.workshop import UnreadableMovie, making_turns
from pegbar.review.builds import queries
from pegbar.review.builds.events import BUILD_JOB_UPDATE
from pegbar.review.builds.inputs import NoMovie, inputs_of
from pegbar.review.builds.mails import TELL
from pegbar.review.builds.making import Take, made
from pegbar.review.builds.plan import Options
from pegbar.review.builds.progress import Withdrawn, watched
from pegbar.review.removal import built_movie
from pegbar.review.tables import build_job

log = structlog.get_logger()

LEFT = "Whoever made it stopped before its end: the request broke off, or the server was stopped or killed."
_FAULT = "of a fault of the server; its log tells more."


def lives() -> dict[str, float]:
    """Seconds after which a build without a sign of life is given up, and that one of another server may take."""
    return {"patience": settings().job_stalled_after, "longest": float(settings().job_queue_timeout)}


async def end(
    tx: Transaction, build_job_id: UUID, status: str, message: str | None, *, digest: str | None = None
) -> bool:
    """Say how a build ended, and tell it; False when there is none that runs."""
    row = await tx.row(queries.locked_running_build, build_job_id=build_job_id)
    if row is None:
        return False
    await tx.update(build_job, build_job_id, status=status, message=message, ended_at=utc_now())
    percent = 100 if status == "succeeded" else 0
    await tx.execute(queries.note_end, build_job_id=build_job_id, digest=digest, percent=percent)
    about = {"build_job_id": build_job_id, "playlist_id": row["playlist_id"]}
    tx.emit(BUILD_JOB_UPDATE, project_id=row["project_id"], **about, status=status, message=message)
    return True


async def make_in_request(db: Database, build_job_id: UUID, holder: Holder) -> None:
    """Make a build; whatever goes wrong is its end, and told there."""
    try:
        await make(db, build_job_id, holder=holder, in_job=False)
    except asyncio.CancelledError:
        await fail(db, build_job_id, LEFT)
        raise
    except Exception:
        log.exception("a build failed", build=str(build_job_id))
        await fail(db, build_job_id, f"The movie cannot be made: {_FAULT}")


async def fail(db: Database, build_job_id: UUID, cause: str | None = None) -> None:
    """Say that a build failed, and why."""
    async with db.transaction() as tx:
        await end(tx, build_job_id, "failed", cause or f"It was given up: {_FAULT}")


async def make(db: Database, build_job_id: UUID, *, holder: Holder, in_job: bool, most_attempts: int = 1) -> None:
    """Make a build, which has ended then, or was deleted meanwhile and left nothing.

    Raises what may pass by itself, ApiError and faults, as long as there are attempts left.
    """
    async with db.transaction() as tx:
        row = await tx.row(queries.begin_build, build_job_id=build_job_id, now=utc_now())
    if row is None:
        log.info("a build is no longer wanted", build=str(build_job_id))
        return
    if row["attempts"] > most_attempts:
        await fail(db, build_job_id, f"It was given up after {most_attempts} attempts: its workers died over it.")
        return
    options, longest = Options(row["is_full"], row["has_titles"]), settings().job_queue_timeout

    async def work(take: Take) -> None:
        async with asyncio.timeout(longest):
            if in_job:
                await _make(db, row, options, take)
            else:
                async with making_turns().place(holder):
                    await _make(db, row, options, take)

    try:
        await watched(db, row, work)
    except (NoMovie, UnreadableMovie) as error:
        await fail(db, build_job_id, error.message)
    except TimeoutError:
        await fail(db, build_job_id, f"The movie cannot be made: it takes more than {longest} s (JOB_QUEUE_TIMEOUT).")
    except (Withdrawn, NotFound):
        log.info("a build was deleted while it was made", build=str(build_job_id))
        async with db.transaction() as tx:
            await mark_deleted(tx, [built_movie(build_job_id)], force=True)
    except ApiError as error:
        if row["attempts"] < most_attempts:
            raise
        await fail(db, build_job_id, error.message)


async def _make(db: Database, row: asyncpg.Record, options: Options, take: Take) -> None:
    """Make the movie, store it, and tell that it is there."""
    inputs = await inputs_of(db, row["playlist_id"], options)
    movie = built_movie(row["id"])
    async with workshop() as folder:
        result = await made(inputs, options, folder, take)
        size = await _put(movie, result.path)
    async with db.transaction() as tx:
        await record(tx, movie, size)
        if not await end(tx, row["id"], "succeeded", result.message, digest=inputs.digest):
            await mark_deleted(tx, [movie], force=True)
        elif settings().enable_job_queue:
            tx.defer(TELL, build_job_id=row["id"])


async def _put(address: Address, path: Path) -> int:
    """Store a file; who is cancelled meanwhile goes when that is done, so that what is stored can be removed."""
    putting = asyncio.ensure_future(store().put(address, path))
    try:
        return await asyncio.shield(putting)
    except asyncio.CancelledError:
        await asyncio.wait({putting})
        raise
