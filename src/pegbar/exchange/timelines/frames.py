"""Where a clip lies in a cut, in frames. Pure. Source: spec exchange, "EDL / OTIO import", Frames."""

import re
from dataclasses import dataclass
from fractions import Fraction

_WHOLE = re.compile(r"-?[0-9]{1,15}")
#: What a column of frames holds.
MOST_FRAMES = 2**31 - 1


class NoFrames(ValueError):
    """A clip that lies nowhere in a cut, or lasts no time that frames can say."""


@dataclass(frozen=True)
class Frames:
    """The first and the last frame of a shot in its cut, and its length: None where nothing tells it."""

    frame_in: int
    frame_out: int
    nb_frames: int | None = None


def nearest(seconds: Fraction, rate: Fraction) -> int:
    """The frame that is nearest to a time; the later one of two."""
    return (seconds * rate + Fraction(1, 2)).__floor__()


def frames_in_cut(start: Fraction, duration: Fraction, rate: Fraction, *, counted: bool = True) -> Frames:
    """The frames of a clip that starts so many seconds after the start of its cut. Raises NoFrames.

    `counted` says that its own range tells the length; one that is as long as its media leaves `nb_frames` alone. The
    last frame is the one before `start + duration`; a clip of no length ends where it starts.
    """
    if start < 0 or duration < 0:
        raise NoFrames("it starts or ends before the cut does")
    frame_in, length = nearest(start, rate), nearest(duration, rate)
    if frame_in + length > MOST_FRAMES:
        raise NoFrames(f"it ends after frame {MOST_FRAMES}")
    return Frames(frame_in, frame_in + max(length - 1, 0), length if counted else None)


def whole_number(text: str | None) -> int | None:
    """A frame of the metadata, which may hold anything; None for what is no whole number."""
    digits = (text or "").strip().removesuffix(".0")
    return int(digits) if _WHOLE.fullmatch(digits) else None
