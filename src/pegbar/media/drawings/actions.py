"""Annotated frames of previews: which there are, and their pictures. Source: spec media, "Frame extraction"."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from pegbar.core.data.database import Database
from pegbar.core.data.values import to_int
from pegbar.core.errors import BadRequest, NotFound
from pegbar.core.http.made import Growing, GrowingFile, MadeFile
from pegbar.core.http.uploads import file_name
from pegbar.core.turns import Holder
from pegbar.core.work.workshop import workshop
from pegbar.media import addresses, annotations
from pegbar.media.drawings import moments, queries
from pegbar.media.drawings.rendering import Annotated, Form, rendered
from pegbar.media.movies.frames import movie_frames
from pegbar.media.movies.plan import Wishes, rate_for, second_of
from pegbar.media.movies.workshop import at_hand
from pegbar.media.serving import download_name

#: What one answer holds: frames, and pixels of all of them (120 frames in full HD, 30 in 4K). One in full HD with many
#: strokes takes up to a second of processor.
MOST_FRAMES, MOST_PIXELS = 120, 2**28
_USUAL_SIZE = (1920, 1080)
_KINDS = {"zip": "application/zip", "pdf": "application/pdf"}


async def annotated_frame(db: Database, holder: Holder, preview_id: UUID, frame_number: str | None) -> MadeFile:
    """The frame of a movie (from 1) with what is drawn on it, or a picture with its first annotations, as PNG."""
    preview = await _preview(db, preview_id)
    entries = annotations.entries_of(preview["annotations"])
    number, objects = 1, annotations.objects_of(entries[0]) if entries else None
    if preview["extension"] == "mp4":
        number = _frame(frame_number)
        objects = moments.objects_at(entries, number, _rate(preview))
    if objects is None:
        raise BadRequest(f"There are no annotations at the frame {number} of this preview.")
    async with _pictures(preview, {number: objects}, holder) as (folder, pictures):
        if not pictures:
            raise BadRequest(f"frame_number: the movie has no frame {number}.")
        path = await rendered(pictures, "png", folder, preview_id=preview_id, holder=holder)
        return MadeFile(path, kind="image/png", name=pictures[0].name)


async def annotated_frames(db: Database, holder: Holder, preview_id: UUID, form: Form) -> GrowingFile:
    """All frames of a movie that are drawn on, or a picture with each of its annotations: a zip, or pages of a PDF.

    They are drawn while the answer is sent: a zip goes out frame by frame.
    """
    preview = await _preview(db, preview_id)
    entries = annotations.entries_of(preview["annotations"])
    if preview["extension"] == "mp4":
        frames = moments.objects_by_frame(entries, _rate(preview))
    else:
        frames = moments.objects_by_entry(entries)
    if not frames:
        raise BadRequest("There are no annotations on this preview.")
    _check_size(preview, len(frames))

    async def make(growing: Growing) -> None:
        async with _pictures(preview, frames, holder) as (folder, pictures):
            if not pictures:
                raise BadRequest("The movie has none of the frames that its annotations are on.")
            await rendered(pictures, form, folder, preview_id=preview_id, holder=holder, growing=growing)

    name = f"{_base_name(preview)}_annotated_frames.{form}"
    return GrowingFile(make, kind=_KINDS[form], name=name, attachment=True)


async def _preview(db: Database, preview_id: UUID) -> asyncpg.Record:
    """A preview that may be drawn on."""
    row = await db.row(queries.annotated_preview, preview_id=preview_id)
    if row is None:
        raise NotFound(f"There is no preview {preview_id}.")
    if row["imported_only"] is True:
        raise NotFound("The file of this preview was not imported.", error="preview file binary is not available")
    if row["extension"] not in ("png", "mp4"):
        raise BadRequest(f"Annotations are drawn on pictures and movies, not on {row['extension']!r}.")
    return row


def _frame(text: str | None) -> int:
    if text is None:
        raise BadRequest("frame_number: a movie has many frames; one of them, from 1, is required.")
    number = to_int("frame_number", text)
    if number < 1:
        raise BadRequest("frame_number: frames are numbered from 1.")
    return number


def _rate(preview: asyncpg.Record) -> Fraction:
    """Frames a second of the entity, else of its production."""
    return rate_for(Wishes(entity_fps=preview["entity_fps"], project_fps=preview["project_fps"]))


def _check_size(preview: asyncpg.Record, frames: int) -> None:
    width, height = preview["width"] or _USUAL_SIZE[0], preview["height"] or _USUAL_SIZE[1]
    most = max(min(MOST_FRAMES, MOST_PIXELS // (width * height)), 1)
    if frames > most:
        raise BadRequest(
            f"This preview has annotations on {frames} frames; {most} of its size go into one answer. "
            "Frames are to be had one by one (extract-annotated-frame)."
        )


def _base_name(preview: asyncpg.Record) -> str:
    """The name of the download without its extension, as a name for files of a zip."""
    return file_name(download_name(preview).removesuffix(f".{preview['extension']}"))


@asynccontextmanager
async def _pictures(
    preview: asyncpg.Record, objects: Mapping[int, list[Any]], holder: Holder
) -> AsyncIterator[tuple[Path, list[Annotated]]]:
    """What is to be drawn, by number, on which file, and a folder to work in; frames that do not exist are left out."""
    base = _base_name(preview)

    def annotated(number: int, frame: Path) -> Annotated:
        return Annotated(frame, f"{base}_frame_{number}.png", objects[number])

    async with workshop() as folder:
        if preview["extension"] == "mp4":
            rate = _rate(preview)
            seconds = [second_of(number, rate) for number in objects]
            async with movie_frames(preview["id"], seconds, holder=holder) as files:
                numbered = zip(objects, files, strict=True)
                yield folder, [annotated(number, file) for number, file in numbered if file is not None]
            return
        picture = await at_hand(addresses.picture("previews", preview["id"]), folder)
        if picture is None:
            raise NotFound("There is no picture stored for this preview.")
        yield folder, [annotated(number, picture) for number in objects]
