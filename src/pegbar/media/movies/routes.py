"""Frames and sheets of frames, taken out of movies. Source: spec media, "Frame and tile extraction"."""

from uuid import UUID

import msgspec

from pegbar.core.data.database import Database
from pegbar.core.errors import BadRequest
from pegbar.core.http.access import Caller, manager_of, task_access
from pegbar.core.http.made import MadeFile
from pegbar.core.http.routing import get
from pegbar.media.movies.chosen import check_is_movie, frame_second
from pegbar.media.movies.frames import movie_frames
from pegbar.media.movies.tiles import made_tile
from pegbar.media.resources import OF_TASK

_OF_PREVIEW = OF_TASK.renamed("preview_file_id")


class Frame(msgspec.Struct):
    """A frame of a movie, from 1; 0 is the first one too."""

    frame_number: int = 0


@get(
    "/actions/preview-files/{preview_file_id:uuid}/extract-frame",
    access=manager_of(_OF_PREVIEW),
    errors=(400, 429),
)
async def extract_frame(preview_file_id: UUID, query: Frame, db: Database, caller: Caller) -> MadeFile:
    """A frame of a movie as PNG; frames are counted by the rate of the entity or its production."""
    if query.frame_number < 0:
        raise BadRequest("frame_number: must not be negative.")
    second = await frame_second(db, preview_file_id, query.frame_number)
    async with movie_frames(preview_file_id, [second], holder=caller.id) as (path,):
        if path is None:
            raise BadRequest(f"frame_number: the movie has no frame {query.frame_number}.")
        return MadeFile(path, kind="image/png", name=f"{preview_file_id}.{query.frame_number}.png")


@get(
    "/actions/preview-files/{preview_file_id:uuid}/extract-tile",
    access=task_access(_OF_PREVIEW),
    errors=(400, 429),
)
async def extract_tile(preview_file_id: UUID, db: Database, caller: Caller) -> MadeFile:
    """The sheet of the frames of a movie as PNG, made anew; nothing is stored."""
    await check_is_movie(db, preview_file_id)
    async with made_tile(preview_file_id, holder=caller.id) as path:
        return MadeFile(path, kind="image/png", name=f"{preview_file_id}.png")
