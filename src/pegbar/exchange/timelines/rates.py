"""Frame rates as exact numbers, and timecodes. Pure: the confined reader uses this too."""

import math
import re
from fractions import Fraction

#: Frames a second where nothing tells.
DEFAULT = Fraction(25)
_FASTEST = 1000
#: Rates that are written with two or three decimals are so near to what they mean.
_NTSC_NEARNESS, _WHOLE_NEARNESS = 0.005, 0.0005
_RATIO = re.compile(r"\s*(\d{1,9})\s*/\s*(\d{1,9})\s*")
_TIMECODE = re.compile(r"(\d{1,2})[:;.](\d{2})[:;.](\d{2})([:;.,])(\d{2,3})")


class WrongTimecode(ValueError):
    """A text that is no timecode at a rate."""


def exact(rate: float) -> Fraction:
    """The rate that a decimal number means: 23.976 and 23.98 are 24000/1001, 25.0 is 25. Raises ValueError."""
    if not (math.isfinite(rate) and 0 < rate <= _FASTEST):
        raise ValueError(f"{rate} is no number of frames a second")
    whole = math.ceil(rate - _WHOLE_NEARNESS)
    if abs(rate - whole) <= _WHOLE_NEARNESS and whole > 0:
        return Fraction(whole)
    ntsc = Fraction(whole * 1000, 1001)
    return ntsc if abs(rate - float(ntsc)) <= _NTSC_NEARNESS else Fraction(rate).limit_denominator(100_000)


def of_text(text: str | None) -> Fraction:
    """The rate of a production as it is stored: `25`, `23.976`, `24000/1001`; 25 where that says nothing."""
    text = (text or "").replace(",", ".")
    ratio = _RATIO.fullmatch(text)
    try:
        rate = Fraction(int(ratio[1]), int(ratio[2])) if ratio else exact(float(text))
    except (ValueError, ZeroDivisionError):
        return DEFAULT
    return rate if 0 < rate <= _FASTEST else DEFAULT


def nominal(rate: Fraction) -> int:
    """The number of frames that a timecode counts in a second: 24 at 23.976, 30 at 29.97."""
    return math.ceil(rate)


def is_ntsc(rate: Fraction) -> bool:
    """Whether a rate is a whole one slowed down by 1000/1001."""
    return rate.denominator != 1 and rate == Fraction(nominal(rate) * 1000, 1001)


def has_timecode(rate: Fraction) -> bool:
    """Whether timecodes and the formats built on them can say this rate."""
    return rate.denominator == 1 or is_ntsc(rate)


def drops(rate: Fraction) -> int:
    """The numbers that drop-frame timecode leaves out each minute but the tenth; 0 where it does not exist."""
    return nominal(rate) // 15 if nominal(rate) in (30, 60) else 0


def frames_of(timecode: str, rate: Fraction, *, drop: bool = False) -> int:
    """The frame that a timecode (or a plain number of frames) names. Raises WrongTimecode.

    With `drop`, or a `;` before the frames, numbers are left out as drop-frame timecode does, where the rate has it.
    """
    if timecode.isascii() and timecode.isdigit() and len(timecode) <= 9:
        return int(timecode)
    match = _TIMECODE.fullmatch(timecode)
    if match is None:
        raise WrongTimecode(f"{timecode[:20]!r} is no timecode")
    hours, minutes, seconds, frames = (int(match[group]) for group in (1, 2, 3, 5))
    each_second = nominal(rate)
    if minutes > 59 or seconds > 59 or frames >= each_second:
        raise WrongTimecode(f"{timecode} is no timecode at {float(rate):.6g} frames a second")
    minutes += hours * 60
    dropped = drops(rate) if drop or match[4] in ";," else 0
    if dropped and seconds == 0 and frames < dropped and minutes % 10:
        frames = dropped  # a number that does not exist: the next that does
    return (minutes * 60 + seconds) * each_second + frames - dropped * (minutes - minutes // 10)


def timecode_of(frame: int, rate: Fraction) -> str:
    """The non-drop timecode of a frame, `01:00:00:00`. It counts on after 24 hours."""
    each_second = nominal(rate)
    seconds, frames = divmod(frame, each_second)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}:{frames:02d}"
