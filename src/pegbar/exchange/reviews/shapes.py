"""A review as it is read, and what of it goes on paper. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec

from pegbar.media import annotations
from pegbar.media.drawings import moments
from pegbar.media.movies.plan import Wishes, rate_for, second_of

_USUAL_SIZE = (1920, 1080)


class Note(msgspec.Struct):
    """What somebody said of an entry, with the answers to it."""

    author: str
    said_at: str
    status: str | None
    text: str | None
    checklist: Any
    replies: Any


class Preview(msgspec.Struct):
    """A picture or movie of the revision that is shown."""

    id: UUID
    position: int | None
    extension: str | None
    width: int | None
    height: int | None
    annotations: Any

    @property
    def pixels(self) -> int:
        """How many a frame of it has, as far as that is known."""
        return (self.width or _USUAL_SIZE[0]) * (self.height or _USUAL_SIZE[1])


class Entry(msgspec.Struct):
    """An entity of the playlist, in the revision in which it is shown."""

    name: str
    task_type: str | None
    status: str | None
    revision: int | None
    entity_fps: str | None
    previews: list[Preview]
    notes: list[Note]


class Review(msgspec.Struct):
    """A playlist with all that is told of it."""

    playlist: str
    project: str
    project_fps: str | None
    episode: str | None
    file_name: str
    made_at: str
    entries: list[Entry]


@dataclass(frozen=True)
class Drawn:
    """A frame that was drawn on: of which preview, when, what, and what stands above it."""

    preview: Preview
    second: float
    caption: str
    objects: list[Any]


def drawn_frames(entry: Entry, project_fps: str | None) -> Iterator[Drawn]:
    """The frames of an entry that somebody drew on: those of its movie, or its picture once for each time."""
    rate = rate_for(Wishes(entity_fps=entry.entity_fps, project_fps=project_fps))
    for preview in entry.previews:
        items = annotations.entries_of(preview.annotations)
        place = f"picture {preview.position}, " if len(entry.previews) > 1 else ""
        if preview.extension == "mp4":
            for number, objects in moments.objects_by_frame(items, rate).items():
                yield Drawn(preview, second_of(number, rate), f"{place}frame {number}", objects)
        else:
            for number, objects in moments.objects_by_entry(items).items():
                yield Drawn(preview, 0.0, f"{place}drawing {number}", objects)
