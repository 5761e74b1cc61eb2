"""Shots and previews as the clips of a cut. Pure, but for the address that previews are fetched from."""

from collections.abc import Iterable
from fractions import Fraction
from typing import Any, Protocol

from pegbar.entities.kinds import EPISODE, SEQUENCE, SHOT
from pegbar.exchange.timelines import naming
from pegbar.exchange.timelines.frames import nearest, whole_number
from pegbar.exchange.timelines.naming import Convention, plain
from pegbar.exchange.timelines.writing.cut import Colour, Media, WrittenClip
from pegbar.media.addresses import MOVIES


class Row(Protocol):
    """A row of a read, by the names of its columns."""

    def __getitem__(self, name: str, /) -> Any: ...


_IN_PROJECT, _IN_EPISODE = Convention(naming.IN_PROJECT), Convention(naming.IN_EPISODE)
#: How long a picture is shown, in seconds, when nothing else tells.
_PICTURE_SECONDS = 2


def clip_name(row: Row, project_name: str) -> str:
    """The name of the clip of an entity: of a shot, the one by which an import knows it."""
    names = {"project_name": project_name, "shot_name": row["name"]}
    if row["kind"] == SHOT and row["grandparent"]:
        more = {"episode_name": row["grandparent"], "sequence_name": row["parent"]}
        return plain(_IN_EPISODE.filled({**names, **more}))
    if row["kind"] == SHOT:
        return plain(_IN_PROJECT.filled({**names, "sequence_name": row["parent"] or ""}))
    above = row["parent"] if row["kind"] in (SEQUENCE, EPISODE) else row["kind"]
    return plain("_".join([project_name, *([above] if above else []), row["name"]]))


def media_of(row: Row, name: str, rate: Fraction, api: str) -> Media | None:
    """The preview of a row."""
    if row["preview_id"] is None:
        return None
    extension = (row["extension"] or "").lower()
    is_movie = extension in MOVIES
    kind, shown = ("movies", "mp4") if is_movie else ("pictures", extension or "png")
    revision = f"{row['task_type'] or ''} v{row['revision'] or 1}".strip()
    return Media(
        plain(f"{name} {revision}.{extension}").rstrip("."),
        f"{api}/{kind}/originals/preview-files/{row['preview_id']}.{shown}",
        nearest(Fraction(row["duration"]), rate) or None if is_movie and row["duration"] else None,
        row["width"] or 0,
        row["height"] or 0,
    )


def _length(row: Row, media: Media | None, rate: Fraction, *, pictures: bool) -> int:
    """The frames that a clip lasts: the shot's own number, those that its range has, those of its movie."""
    if (row["nb_frames"] or 0) > 0:
        return int(row["nb_frames"])
    first, last = whole_number(row["frame_in"]), whole_number(row["frame_out"])
    if first is not None and last is not None and last > first:
        return last - first + 1
    if media is not None and media.frames:
        return media.frames
    return nearest(Fraction(_PICTURE_SECONDS), rate) if pictures and media is not None else 0


def _colour(row: Row) -> Colour:
    if row["is_done"]:
        return "GREEN"
    if row["is_retake"]:
        return "RED"
    return "YELLOW" if row["is_feedback_request"] else "WHITE"


def _facts(row: Row, project_name: str) -> dict[str, Any]:
    in_shot = row["kind"] == SHOT
    facts = {
        "project": project_name,
        "episode": row["grandparent"] if in_shot else None,
        "sequence": row["parent"] if in_shot else None,
        "shot" if in_shot else "entity": row["name"],
        "entity_type": row["kind"],
        "entity_id": str(row["entity_id"]),
    }
    if row["preview_id"] is not None:
        facts |= {
            "task_type": row["task_type"],
            "task_id": None if row["task_id"] is None else str(row["task_id"]),
            "revision": row["revision"],
            "status": row["status"],
            "preview_file_id": str(row["preview_id"]),
        }
    return facts


def clips_of(
    rows: Iterable[Row], project_name: str, rate: Fraction, api: str, *, placed: bool
) -> tuple[list[WrittenClip], list[str]]:
    """The clips of rows, and the names of those that have no length.

    With `placed` shots say where they lie in the cut; else they are entries of a playlist, which has pictures too.
    """
    clips, left_out = [], []
    for row in rows:
        name = clip_name(row, project_name)
        media = media_of(row, name, rate, api)
        length = _length(row, media, rate, pictures=not placed)
        if length <= 0:
            left_out.append(name)
            continue
        words = (row["task_type"], f"v{row['revision'] or 1}", row["status_short_name"])
        clips.append(
            WrittenClip(
                name=name,
                length=length,
                start=whole_number(row["frame_in"]) if placed else None,
                media=media,
                facts=_facts(row, project_name),
                mark=plain(" ".join(word for word in words if word)) if media is not None else "",
                colour=_colour(row),
            )
        )
    return clips, left_out
