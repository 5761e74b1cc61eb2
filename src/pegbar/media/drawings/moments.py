"""When annotations are: the frames of a movie, or the entries of a picture. Pure. Source: spec media, "Annotations"."""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from pegbar.media.annotations import Entry, objects_of
from pegbar.media.movies.plan import second_of

#: Seconds; no movie is longer, and no frame of one has more digits.
_LATEST = 1e6


def seconds_of(entry: Entry) -> float | None:
    """The time of an entry; None for one that has none that can be read."""
    time = entry.get("time")
    try:
        seconds = math.nan if isinstance(time, bool) else float(time)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return seconds if abs(seconds) <= _LATEST else None


def objects_at(entries: Sequence[Entry], frame: int, rate: Fraction) -> list[Any] | None:
    """What is drawn within half a frame of one, of all entries there; None when there is none."""
    second, half = second_of(frame, rate), float(1 / (2 * rate))
    near = [entry for entry in entries if (time := seconds_of(entry)) is not None and abs(time - second) <= half]
    return [item for entry in near for item in objects_of(entry)] if near else None


def objects_by_frame(entries: Sequence[Entry], rate: Fraction) -> dict[int, list[Any]]:
    """What is drawn on each frame of a movie that has annotations, in the order of the movie.

    Entries whose time cannot be read are left out; those of one frame come together.
    """
    frames: dict[int, list[Any]] = {}
    for entry in entries:
        time = seconds_of(entry)
        if time is not None:
            frames.setdefault(max(1, round(time * float(rate)) + 1), []).extend(objects_of(entry))
    return dict(sorted(frames.items()))


def objects_by_entry(entries: Sequence[Entry]) -> dict[int, list[Any]]:
    """What is drawn on a picture by each of its entries, from 1."""
    return {i: objects_of(entry) for i, entry in enumerate(entries, 1)}
