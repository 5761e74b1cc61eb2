"""The frame that stands for a movie, chosen by somebody. Source: spec media, set-main-preview."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import asyncpg
import structlog

from pegbar.core.data.database import Database, Reader
from pegbar.core.errors import ApiError, BadRequest, NotFound
from pegbar.core.storage import mark_deleted, record, store
from pegbar.core.turns import Busy, Holder
from pegbar.core.work.jobs import job
from pegbar.media import addresses
from pegbar.media import queries as preview_queries
from pegbar.media.movies import queries
from pegbar.media.movies.frames import movie_frames
from pegbar.media.movies.making import wishes_of
from pegbar.media.movies.plan import rate_for, second_of
from pegbar.media.pictures import DERIVED, ORIGINAL, rendered

log = structlog.get_logger()

SHOW_FRAME = job("media.show_frame")


class _Elsewhere(ApiError):
    """A preview whose file was left on the server that it was imported from."""

    status = 404

    @property
    def body(self) -> Mapping[str, Any]:
        return {"error": self.message}


async def _movie(db: Reader, preview_id: UUID) -> asyncpg.Record:
    """A preview whose file is here, or may be."""
    state = await db.row(queries.movie_state, preview_id=preview_id)
    if state is None:
        raise NotFound(f"There is no preview {preview_id}.")
    if isinstance(state["data"], dict) and state["data"].get("imported_only"):
        raise _Elsewhere("preview file binary is not available")
    return state


async def check_is_movie(db: Reader, preview_id: UUID) -> None:
    """Refuse what is no movie with 400, and with 404 one that was left where it was imported from."""
    if (await _movie(db, preview_id))["extension"] != "mp4":
        raise BadRequest("Only movies have a sheet of frames.")


async def frame_second(db: Reader, preview_id: UUID, frame: int) -> float:
    """The second at which a movie shows a frame. Raises NotFound for what is no movie that is stored here."""
    state = await _movie(db, preview_id)
    if state["extension"] != "mp4":
        raise NotFound("Only movies have frames.")
    return second_of(frame, rate_for(wishes_of(state)))


async def check_frame(db: Reader, preview_id: UUID, frame: int) -> None:
    """Refuse a frame of what is no movie, and one that is past its end as far as that is known."""
    state = await _movie(db, preview_id)
    if state["extension"] != "mp4":
        raise BadRequest("frame_number: only movies have frames.")
    rate, duration = rate_for(wishes_of(state)), state["duration"] or 0.0
    frames = round(duration * rate)
    if duration and frame > frames:
        raise BadRequest(f"frame_number: the movie has {frames} frames.")


async def show_frame(db: Database, preview_id: UUID, frame: int, *, holder: Holder) -> None:
    """Make the pictures of a movie from one of its frames. When that fails they stay as they are, and the log says why.

    Raises Busy for a person of whom many wait.
    """
    try:
        second = await frame_second(db, preview_id, frame)
        async with movie_frames(preview_id, [second], holder=holder) as (path,):
            if path is None:
                raise BadRequest(f"The movie has no frame {frame}.")
            async with rendered(path, DERIVED, holder=holder) as picture:
                files = {ORIGINAL.prefix: path, **picture.files}
                pictures = {addresses.picture(prefix, preview_id): file for prefix, file in files.items()}
                stored = [(address, await store().put(address, file)) for address, file in pictures.items()]
    except Busy:
        raise
    except ApiError as error:
        log.warning("a movie keeps its pictures", preview=str(preview_id), frame=frame, reason=error.message)
        return
    async with db.transaction() as tx:
        if await tx.row(preview_queries.locked_preview_state, preview_id=preview_id) is None:
            await mark_deleted(tx, addresses.all_of_preview(preview_id, "mp4"), force=True)
            return
        for address, size in stored:
            await record(tx, address, size)


@SHOW_FRAME.task
async def show_frame_later(db: Database, *, preview_id: str, frame: int) -> None:
    """The same, in a job."""
    await show_frame(db, UUID(preview_id), frame, holder=None)
