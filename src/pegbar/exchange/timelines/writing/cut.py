"""A cut to be written: clips one after the other on one track, with gaps between them. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, Literal

Colour = Literal["GREEN", "RED", "YELLOW", "WHITE"]


@dataclass(frozen=True)
class Media:
    """A preview: what it is called, where it is fetched, its frames (None for a picture) and pixels."""

    name: str
    url: str
    frames: int | None = None
    width: int = 0
    height: int = 0


@dataclass(frozen=True)
class WrittenClip:
    """A clip: `start` is where it wants to lie, None for behind its predecessor. All lengths are frames of the cut.

    `facts` say what it is of (production, shot, task, revision, status, ids), `mark` the same to people.
    """

    name: str
    length: int
    start: int | None = None
    media: Media | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    mark: str = ""
    colour: Colour = "WHITE"


@dataclass(frozen=True)
class WrittenCut:
    """A cut with its rate and picture size; `left_out` are names of what has no length and so is not in it."""

    name: str
    rate: Fraction
    clips: Sequence[WrittenClip]
    facts: Mapping[str, Any] = field(default_factory=dict)
    left_out: Sequence[str] = ()
    width: int = 1920
    height: int = 1080

    @property
    def length(self) -> int:
        """Frames from the start to the end of the last clip."""
        return max((start + clip.length for start, clip in placed(self.clips)), default=0)


def placed(clips: Sequence[WrittenClip]) -> Iterator[tuple[int, WrittenClip]]:
    """The clips with the frames where they start."""
    end = 0
    for clip in clips:
        start = end if clip.start is None else clip.start
        yield start, clip
        end = start + clip.length


def laid(clips: Sequence[WrittenClip], *, from_zero: bool = False) -> list[WrittenClip]:
    """The clips in their order in the cut.

    When all say where they start, and no two lie over each other, they stay there, with gaps between them; `from_zero`
    brings the first to the start of the cut. Else they follow one another in the order in which they come.
    """
    starts = [clip.start for clip in clips if clip.start is not None]
    if not clips or len(starts) < len(clips):
        return [replace(clip, start=None) for clip in clips]
    ordered = sorted(clips, key=lambda clip: clip.start or 0)
    ends = [start + clip.length for start, clip in placed(ordered)]
    follow = all((after.start or 0) >= end for end, after in zip(ends, ordered[1:], strict=False))
    if not follow or min(starts) < 0:
        return [replace(clip, start=None) for clip in clips]
    offset = min(starts) if from_zero else 0
    return [replace(clip, start=(clip.start or 0) - offset) for clip in ordered]
