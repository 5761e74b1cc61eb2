"""A review as a document: what goes on paper, and the files that it needs at hand."""

from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from pegbar.core.data.database import Database
from pegbar.core.errors import BadRequest, NotFound
from pegbar.core.http.access import Caller
from pegbar.core.http.made import MadeFile
from pegbar.core.slugs import slug
from pegbar.core.timezones import zone_of
from pegbar.core.turns import Holder
from pegbar.core.work.workshop import workshop
from pegbar.exchange.reviews import queries
from pegbar.exchange.reviews.queries import Audience
from pegbar.exchange.reviews.shapes import Drawn, Entry, Note, Preview, Review, drawn_frames
from pegbar.media import addresses
from pegbar.media.drawings.actions import MOST_FRAMES, MOST_PIXELS
from pegbar.media.drawings.rendering import drawn_by, tell_failures
from pegbar.media.movies.frames import movie_frames
from pegbar.media.movies.workshop import UnreadableMovie, at_hand

#: What one document is made of, and how that is called. Frames beyond the bounds of other answers are counted on it.
MOST = {
    "entries": (500, "entries"),
    "notes": (5_000, "notes"),
    "letters": (1_000_000, "letters in its notes"),
    "drawings": (2**25, "bytes of drawings"),
}


async def on_paper(db: Database, caller: Caller, playlist_id: UUID, who: Audience) -> MadeFile:
    """The review of a playlist as PDF. Raises BadRequest for one that is too long, and Busy."""
    size = await db.row(queries.size(who), playlist_id=playlist_id)
    assert size is not None
    for name, (most, words) in MOST.items():
        if size[name] > most:
            raise BadRequest(f"This review has {size[name]} {words}; {most} go on paper. review.csv takes all notes.")
    row = await db.json_row(queries.review(who), playlist_id=playlist_id, timezone=zone_of(caller.timezone))
    if row is None:
        raise NotFound(f"There is no playlist {playlist_id}.")
    review = msgspec.json.decode(row, type=Review)
    async with AsyncExitStack() as stack:
        folder = await stack.enter_async_context(workshop())
        output = folder / "review.pdf"
        frames, left_out = _chosen(review)
        pages: dict[str, Any] = {
            "output": str(output),
            "title": review.playlist,
            "subtitle": " / ".join(filter(None, (review.project, review.episode))),
            "made_at": review.made_at.replace("T", " ")[:16],
            "left_out": left_out,
            "entries": [
                await _on_paper(stack, entry, frames[i], folder, caller.id) for i, entry in enumerate(review.entries)
            ],
        }
        reads = [Path(path) for entry in pages["entries"] for path in _files_of(entry)]
        program = "pegbar.exchange.reviews.program"
        failures: list[str] = []
        await drawn_by(program, pages, folder, reads=reads, holder=caller.id, on_line=failures.append)
        tell_failures(failures, playlist=playlist_id)
        return MadeFile(output, kind="application/pdf", name=f"{slug(review.file_name)}.pdf", attachment=True)


def _chosen(review: Review) -> tuple[list[list[Drawn]], int]:
    """The frames that are drawn, of each entry, and how many are too many."""
    chosen: list[list[Drawn]] = []
    number = pixels = left_out = 0
    for entry in review.entries:
        chosen.append([])
        for frame in drawn_frames(entry, review.project_fps):
            if number and (number == MOST_FRAMES or pixels + frame.preview.pixels > MOST_PIXELS):
                left_out += 1
                continue
            number, pixels = number + 1, pixels + frame.preview.pixels
            chosen[-1].append(frame)
    return chosen, left_out


async def _on_paper(
    stack: AsyncExitStack, entry: Entry, frames: Sequence[Drawn], folder: Path, holder: Holder
) -> dict[str, Any]:
    """An entry as the program that draws the pages reads it; the files it names are there as long as the stack is."""
    revision = None if entry.revision is None else f"revision {entry.revision}"
    thumbnail = await at_hand(addresses.picture("thumbnails", entry.previews[0].id), folder) if entry.previews else None
    drawn = [
        {"frame": path and str(path), "caption": frame.caption, "objects": frame.objects}
        for preview, of_preview in _by_preview(frames)
        for frame, path in zip(of_preview, await _pictures(stack, preview, of_preview, folder, holder), strict=True)
    ]
    return {
        "name": entry.name,
        "facts": " · ".join(filter(None, (entry.task_type, revision, entry.status))) or "no preview",
        "thumbnail": thumbnail and str(thumbnail),
        "frames": drawn,
        "notes": [_note(note) for note in entry.notes],
    }


def _by_preview(frames: Sequence[Drawn]) -> Iterator[tuple[Preview, list[Drawn]]]:
    for preview in {frame.preview.id: frame.preview for frame in frames}.values():
        yield preview, [frame for frame in frames if frame.preview is preview]


async def _pictures(
    stack: AsyncExitStack, preview: Preview, frames: Sequence[Drawn], folder: Path, holder: Holder
) -> Sequence[Path | None]:
    """What is under the drawings; None for a frame that is not there (any more)."""
    if preview.extension != "mp4":
        return [await at_hand(addresses.picture("previews", preview.id), folder)] * len(frames)
    try:
        seconds = [frame.second for frame in frames]
        return await stack.enter_async_context(movie_frames(preview.id, seconds, holder=holder))
    except (NotFound, UnreadableMovie):
        return [None] * len(frames)


def _note(note: Note) -> dict[str, Any]:
    said_at = note.said_at.replace("T", " ")[:16]
    return {
        "head": " · ".join(filter(None, (note.author, said_at, note.status))),
        "text": note.text or "",
        "checklist": [(bool(item.get("checked")), _text(item.get("text"))) for item in _objects(note.checklist)],
        "replies": [(_author(reply), _text(reply.get("text"))) for reply in _objects(note.replies)],
    }


def _objects(items: Any) -> list[dict[str, Any]]:
    """The objects of a list of JSON, whatever stands there."""
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _author(reply: dict[str, Any]) -> str:
    person = reply.get("person")
    return _text(person.get("full_name")) if isinstance(person, dict) else ""


def _files_of(entry: dict[str, Any]) -> Iterator[str]:
    yield from (path for path in (entry["thumbnail"], *(frame["frame"] for frame in entry["frames"])) if path)
