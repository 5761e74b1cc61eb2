"""Builds: begun, deleted, downloaded. Source: spec review, "Build jobs" and the operations beneath it."""

from uuid import UUID, uuid4

import asyncpg

from pegbar.config import settings
from pegbar.core.data.database import Database, Json, Reader, Transaction
from pegbar.core.data.removal import remove
from pegbar.core.data.schema import utc_now
from pegbar.core.errors import ApiError, BadRequest, NotFound
from pegbar.core.http.access import Caller
from pegbar.core.storage import Address, record, store
from pegbar.review.actions import check_for_clients
from pegbar.review.builds import queries
from pegbar.review.builds.building import LEFT, end, lives, make_in_request
from pegbar.review.builds.events import BUILD_JOB_NEW
from pegbar.review.builds.inputs import NoMovie, facts_of, inputs_of
from pegbar.review.builds.jobs import BUILD
from pegbar.review.builds.plan import Options, file_name
from pegbar.review.removal import built_movie
from pegbar.review.tables import build_job, playlist_build


class AlreadyBuilding(ApiError):
    """A movie of the playlist is being made already."""

    status = 409


async def build(db: Database, caller: Caller, playlist_id: UUID, options: Options) -> Json:
    """Have the movie of a playlist made, in the request or by a job; the build.

    One that was made of the same is there at once. Raises AlreadyBuilding, NotFound.
    """
    build_job_id, under_way = await _begin(db, caller.id, playlist_id, options)
    if under_way and not settings().enable_job_queue:
        await make_in_request(db, build_job_id, caller.id)
    row = await db.json_row(queries.build_row, build_job_id=build_job_id)
    if row is None:
        raise NotFound("The build was deleted meanwhile.")
    return row


async def _begin(db: Database, caller_id: UUID, playlist_id: UUID, options: Options) -> tuple[UUID, bool]:
    """Note a build; its id, and whether it is still to be made."""
    build_job_id, cause, same, digest = uuid4(), None, None, ""
    try:
        digest = (await inputs_of(db, playlist_id, options)).digest
        same = await db.row(queries.same_build, playlist_id=playlist_id, digest=digest)
    except NoMovie as error:
        cause = error.message
    movie = built_movie(build_job_id)
    size = None if same is None else await store().copy(built_movie(same["id"]), movie)

    async def note(tx: Transaction) -> None:
        project_id = await _free(tx, playlist_id)
        now = utc_now()
        await tx.insert(build_job, id=build_job_id, playlist_id=playlist_id, created_at=now, updated_at=now)
        await tx.insert(
            playlist_build,
            build_job_id=build_job_id,
            digest=None,
            is_full=options.full,
            has_titles=options.titles,
            requested_by=caller_id,
            progress=0,
            attempts=0,
            seen_at=now,
        )
        about = {"build_job_id": build_job_id, "playlist_id": playlist_id}
        tx.emit(BUILD_JOB_NEW, project_id=project_id, **about, created_at=now)
        if cause is not None:
            await end(tx, build_job_id, "failed", cause)
        elif size is not None:
            assert same is not None
            await record(tx, movie, size)
            await end(tx, build_job_id, "succeeded", same["message"], digest=digest)
        elif settings().enable_job_queue:
            tx.defer(BUILD, build_job_id=build_job_id)

    try:
        await db.write(caller_id, note)
    except BaseException:
        if size is not None:
            await store().remove(movie)
        raise
    return build_job_id, cause is None and size is None


async def _free(tx: Transaction, playlist_id: UUID) -> UUID | None:
    """Hold a playlist of which no movie is being made; its production. Raises NotFound, AlreadyBuilding."""
    row = await tx.row(queries.locked_playlist, playlist_id=playlist_id)
    if row is None:
        raise NotFound(f"There is no playlist {playlist_id}.")
    running = await tx.rows(queries.running_builds, playlist_id=playlist_id, now=utc_now(), **lives())
    if any(other["under_way"] for other in running):
        raise AlreadyBuilding("A movie of this playlist is being made already. Wait for it, or delete it.")
    for other in running:
        if other["ours"]:
            await end(tx, other["id"], "failed", LEFT)
    project_id: UUID | None = row["project_id"]
    return project_id


async def delete_build(tx: Transaction, playlist_id: UUID, build_job_id: UUID) -> None:
    """Delete a build with its movie; one that is being made is ended. Raises NotFound."""
    await _build(tx, playlist_id, build_job_id, locked=True)
    await remove(tx, build_job, [build_job_id])


async def _build(db: Reader, playlist_id: UUID, build_job_id: UUID, *, locked: bool = False) -> asyncpg.Record:
    statement = queries.locked_build if locked else queries.build_state
    row = await db.row(statement, playlist_id=playlist_id, build_job_id=build_job_id)
    if row is None:
        raise NotFound(f"The playlist has no build {build_job_id}.")
    return row


async def downloadable(db: Database, playlist_id: UUID, build_job_id: UUID) -> tuple[Address, str]:
    """Where the movie of a build is, and the name under which it is kept. Raises NotFound, and 400 without a movie."""
    row = await _build(db, playlist_id, build_job_id)
    if row["status"] != "succeeded":
        why = f"failed: {row['message']}" if row["status"] == "failed" else "is not done yet."
        raise BadRequest(f"There is no movie: the build {why}")
    return built_movie(build_job_id), file_name(await facts_of(db, playlist_id), "mp4", row["created_at"])


async def check_reader(db: Database, caller: Caller, playlist_id: UUID) -> None:
    """Refuse clients the playlists that are not for them."""
    if caller.role_here == "client":
        await check_for_clients(db, playlist_id)
