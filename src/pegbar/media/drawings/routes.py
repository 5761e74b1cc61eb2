"""Annotated frames of previews, to take along. Source: spec media, "Frame and tile extraction"."""

from uuid import UUID

import msgspec

from pegbar.core.data.database import Database
from pegbar.core.http.access import Caller, manager_of
from pegbar.core.http.made import GrowingFile, MadeFile
from pegbar.core.http.routing import get
from pegbar.media.drawings import actions
from pegbar.media.resources import OF_TASK

_manages = manager_of(OF_TASK.renamed("preview_file_id"))
_FILE = {"type": "string", "format": "binary"}


class WhichFrame(msgspec.Struct):
    """A frame of a movie, from 1; not looked at for a picture."""

    frame_number: str | None = None


@get(
    "/actions/preview-files/{preview_file_id:uuid}/extract-annotated-frame",
    access=_manages,
    returns=_FILE,
    errors=(400, 429),
)
async def annotated_frame(preview_file_id: UUID, query: WhichFrame, db: Database, caller: Caller) -> MadeFile:
    """A frame of a movie with the annotations on it, or a picture with its first ones, as PNG."""
    return await actions.annotated_frame(db, caller.id, preview_file_id, query.frame_number)


@get(
    "/actions/preview-files/{preview_file_id:uuid}/extract-annotated-frames",
    access=_manages,
    returns=_FILE,
    errors=(400, 429),
)
async def annotated_frames(preview_file_id: UUID, db: Database, caller: Caller) -> GrowingFile:
    """All annotated frames of a preview, as a zip of PNGs."""
    return await actions.annotated_frames(db, caller.id, preview_file_id, "zip")


@get(
    "/actions/preview-files/{preview_file_id:uuid}/extract-annotated-frames-pdf",
    access=_manages,
    returns=_FILE,
    errors=(400, 429),
)
async def annotated_frames_on_paper(preview_file_id: UUID, db: Database, caller: Caller) -> GrowingFile:
    """All annotated frames of a preview, as a PDF of one page each."""
    return await actions.annotated_frames(db, caller.id, preview_file_id, "pdf")
