"""Movies made by job workers, after the upload was answered. Source: spec media, "Job queue".

The source is stored before a job is enqueued and removed in the transaction that shows what was made of it, so that a
job can be run again whenever its worker died.
"""

import asyncio
from typing import Any
from uuid import UUID

import structlog

from pegbar.core.data.database import Database, Transaction
from pegbar.core.data.schema import utc_now
from pegbar.core.errors import ApiError, NotFound
from pegbar.core.storage import mark_deleted, record, store
from pegbar.core.work.jobs import LONG_QUEUE, job
from pegbar.core.work.workshop import sweep, workshop
from pegbar.media import addresses, faces
from pegbar.media import queries as preview_queries
from pegbar.media.events import PREVIEW_UPDATE
from pegbar.media.movies import queries
from pegbar.media.movies.making import OF_MAKING, data_after, encodes, made
from pegbar.media.movies.tiles import made_tile
from pegbar.media.movies.workshop import UnreadableMovie, at_hand
from pegbar.media.tables import preview_file

log = structlog.get_logger()

MAKE = job("media.make_movie", retries=12, queue=LONG_QUEUE)
MAKE_TILE = job("media.make_tile", retries=3)
#: How often a movie is taken in hand before it is given up: some end every process that touches them.
_MOST_ATTEMPTS = 10


def make_later(tx: Transaction, preview_id: UUID) -> None:
    """Leave a movie whose source is stored to a job."""
    tx.defer(MAKE, preview_id=preview_id)


@MAKE.task
async def make_movie(db: Database, *, preview_id: str) -> None:
    """Make a movie from its source; it is then ready, broken, or missing where there is no source.

    Preview deleted meanwhile: what was stored is removed, and nobody is told.
    """
    row_id = UUID(preview_id)
    await asyncio.to_thread(sweep)
    state = await db.row(queries.movie_state, preview_id=row_id)
    if state is None or state["extension"] != "mp4":
        return
    async with db.transaction() as tx:
        attempts = await tx.value(queries.begin_movie, preview_id=row_id)
    if attempts is None:
        return
    if attempts > _MOST_ATTEMPTS:
        await _give_up(db, row_id, f"It was given up after {_MOST_ATTEMPTS} attempts: its workers died over it.")
        return
    try:
        await _make(db, row_id)
    except NotFound:
        log.info("a movie is no longer wanted", preview=preview_id)
    except Exception as error:
        # Tried again by the queue, unless that is enough.
        if attempts < _MOST_ATTEMPTS:
            raise
        cause = error.message if isinstance(error, ApiError) else "of a fault of the server; its log tells more"
        await _give_up(db, row_id, f"It was given up after {attempts} attempts: {cause}")
        raise


@MAKE.taken_up
async def take_up_movie(tx: Transaction, *, preview_id: str) -> None:
    """A movie that was given up waits again, with all attempts before it."""
    row_id = UUID(preview_id)
    state = await tx.row(preview_queries.locked_preview_state, preview_id=row_id)
    if state is not None and state["status"] != "ready":
        await tx.execute(queries.wait_again, preview_ids=[row_id], now=utc_now())
        tx.emit(PREVIEW_UPDATE, project_id=state["project_id"], preview_file_id=row_id, status="processing")


async def _make(db: Database, preview_id: UUID) -> None:
    async with workshop() as folder:
        source = await at_hand(addresses.movie("source", preview_id), folder)
        if source is None:
            await _without_source(db, preview_id)
            return
        async with made(db, preview_id, source, encode=encodes(normalize=True), holder=None, in_job=True) as movie:
            stored = await movie.store()
            async with db.transaction() as tx:
                for address, size in stored:
                    await record(tx, address, size)
                if not await _settle(tx, preview_id, movie.columns):
                    await mark_deleted(tx, addresses.all_of_preview(preview_id, "mp4"), force=True)
                elif "source" not in movie.columns["data"]["movie_prefixes"]:
                    await mark_deleted(tx, [addresses.movie("source", preview_id)], force=True)


async def _settle(tx: Transaction, preview_id: UUID, columns: dict[str, Any]) -> bool:
    """Write what became of a movie and tell it; False when its preview is gone.

    One that was made again and failed stays as it was shown before, with the cause.
    """
    state = await tx.row(preview_queries.locked_preview_state, preview_id=preview_id)
    if state is None:
        return False
    if state["status"] == "ready" and columns["status"] != "ready":
        before = state["data"] if isinstance(state["data"], dict) else {}
        shown = {name: before[name] for name in OF_MAKING if name in before and name not in ("progress", "attempts")}
        columns = {"status": "ready", "data": data_after(before, {**shown, "error": columns["data"].get("error")})}
    await tx.update(preview_file, preview_id, **columns)
    status = columns["status"]
    tx.emit(PREVIEW_UPDATE, project_id=state["project_id"], preview_file_id=preview_id, status=status)
    if status == "ready" and state["position"] == 1 and state["status"] != "ready":
        await faces.stand_for_task(tx, preview_id)
    return True


async def _without_source(db: Database, preview_id: UUID) -> None:
    """A movie without source stays as it is when something else of it is stored; else it is missing."""
    shown = [prefix for prefix in ("previews", "lowdef") if await store().stat(addresses.movie(prefix, preview_id))]
    if shown:
        await _end(db, preview_id, "ready", None, {"movie_prefixes": shown})
    else:
        await _end(db, preview_id, "missing", "The uploaded movie is gone from the storage.", {"movie_prefixes": []})


async def _give_up(db: Database, preview_id: UUID, cause: str) -> None:
    await _end(db, preview_id, "broken", cause, {"movie_prefixes": ["source"]})


async def _end(db: Database, preview_id: UUID, status: str, cause: str | None, more: dict[str, Any]) -> None:
    """Say what a movie is of which nothing was made; what is remembered of the upload stays."""
    async with db.transaction() as tx:
        state = await tx.row(preview_queries.locked_preview_state, preview_id=preview_id)
        if state is not None:
            before = state["data"] if isinstance(state["data"], dict) else {}
            original = {name: value for name, value in before.items() if name.startswith("original_")}
            told = {"error": cause} if cause else {}
            await _settle(tx, preview_id, {"status": status, "data": data_after(before, {**original, **more, **told})})


@MAKE_TILE.task
async def make_tile(db: Database, *, preview_id: str) -> None:
    """Make the sheet of frames that a movie lacks."""
    row_id = UUID(preview_id)
    try:
        async with made_tile(row_id, holder=None) as sheet:
            size = await store().put(addresses.picture("tiles", row_id), sheet)
    except (NotFound, UnreadableMovie) as error:
        log.warning("the sheet of frames of a movie cannot be made", preview=preview_id, reason=error.message)
        return
    async with db.transaction() as tx:
        if await tx.row(preview_queries.locked_preview_state, preview_id=row_id) is None:
            await mark_deleted(tx, addresses.all_of_preview(row_id, "mp4"), force=True)
            return
        await record(tx, addresses.picture("tiles", row_id), size)
        await tx.execute(queries.tile_is_there, preview_id=row_id, now=utc_now())


async def want_tile(db: Database, preview_id: UUID) -> None:
    """Have the missing sheet of frames of a movie made, unless that was tried within the hour."""
    async with db.transaction() as tx:
        if await tx.row(queries.claim_missing_tile, preview_id=preview_id, now=utc_now()) is not None:
            tx.defer(MAKE_TILE, preview_id=preview_id)


__all__ = ["MAKE", "MAKE_TILE", "make_later", "want_tile"]
