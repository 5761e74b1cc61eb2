"""Annotations of movies put onto the frames of their movie, for whoever runs the server.

Source: spec media, "Admin commands expected". Players round times differently, so that notes on one frame of a movie
may stand at several times, of which a player shows one.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any
from uuid import UUID

from pegbar.core.data.database import Database, Transaction
from pegbar.core.data.schema import utc_now
from pegbar.media.annotations import Entry, entries_of, objects_of, with_further
from pegbar.media.drawings import queries
from pegbar.media.drawings.moments import seconds_of
from pegbar.media.events import PREVIEW_ANNOTATED
from pegbar.media.movies.plan import Wishes, rate_for
from pegbar.media.tables import preview_file


@dataclass(frozen=True)
class Merged:
    """What was put onto frames in one movie: entries before and after."""

    preview_id: UUID
    project: str | None
    entity: str | None
    before: int
    after: int


def on_frames(entries: list[Entry], rate: Fraction) -> list[Entry]:
    """The entries at the times of frames, those of one frame as one with each object once, in the order of the first.

    A frame takes 1/rate seconds, rounded to four digits as players do. Entries whose time cannot be read stay.
    """
    frame = round(float(1 / rate), 4)
    merged: list[Entry] = []
    places: dict[int, int] = {}
    for entry in entries:
        seconds = seconds_of(entry)
        if seconds is None:
            merged.append(entry)
            continue
        number = max(round(seconds / frame), 0)
        if number not in places:
            places[number] = len(merged)
            merged.append({**entry, "time": round(number * frame, 4)})
            continue
        first = merged[places[number]]
        objects = with_further(with_further([], objects_of(first)), objects_of(entry))
        # Keys of both: the first one's count.
        merged[places[number]] = {
            **entry,
            **first,
            "drawing": {**_drawing(entry), **_drawing(first), "objects": objects},
        }
    return merged


def _drawing(entry: Entry) -> dict[str, Any]:
    drawing = entry.get("drawing")
    return drawing if isinstance(drawing, dict) else {}


async def merge_annotations(db: Database, project: str | None, *, dry_run: bool) -> AsyncIterator[Merged]:
    """Put the annotations of the movies of a production (or of all) onto frames, movie by movie; those that change.

    Each is a transaction with its event, so that players that show the movie read it again.
    """
    for preview_id in await db.column(queries.annotated_movies, project=project):
        async with db.transaction() as tx:
            merged = await _merge(tx, preview_id, dry_run=dry_run)
        if merged is not None:
            yield merged


async def _merge(tx: Transaction, preview_id: UUID, *, dry_run: bool) -> Merged | None:
    row = await tx.row(queries.locked_annotations, preview_id=preview_id)
    if row is None:
        return None
    before = entries_of(row["annotations"])
    rate = rate_for(Wishes(entity_fps=row["entity_fps"], project_fps=row["project_fps"]))
    after = on_frames(before, rate)
    if after == before:
        return None
    if not dry_run:
        now = utc_now()
        await tx.update(preview_file, preview_id, annotations=after, updated_at=now)
        tx.emit(
            PREVIEW_ANNOTATED,
            project_id=row["project_id"],
            preview_file_id=preview_id,
            person_id=None,
            updated_at=now,
        )
    return Merged(preview_id, row["project_name"], row["entity_name"], len(before), len(after))
