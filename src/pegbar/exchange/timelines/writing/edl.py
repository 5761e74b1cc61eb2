"""Edit decision lists, CMX 3600: one track of cuts, reels of eight characters.

Records start at 01:00:00:00, as editing programs have it. A cut that does not start with a clip starts with black, so
that whoever takes the first event for the start of the cut finds all others in their places.
"""

import re
from collections import Counter

from pegbar.core.slugs import slug
from pegbar.exchange.timelines import rates
from pegbar.exchange.timelines.writing.cut import WrittenClip, WrittenCut, placed

_REEL, _UNKNOWN_REEL, _BLACK = 8, "AX", "BL"
#: Reels that mean something else.
_TAKEN = frozenset({_UNKNOWN_REEL, _BLACK, "BLACK", "BARS"})
_START_SECONDS = 3600


def write(cut: WrittenCut) -> bytes:
    """The list of a cut, whose rate must have timecodes."""
    lines = [f"TITLE: {cut.name}", "FCM: NON-DROP FRAME", ""]
    offset = rates.nominal(cut.rate) * _START_SECONDS
    reels = _Reels()
    number, end = 0, 0

    def event(reel: str, start: int, length: int) -> str:
        times = (0, length, start + offset, start + offset + length)
        codes = " ".join(rates.timecode_of(time, cut.rate) for time in times)
        return f"{number:03d}  {reel:<8} V     C        {codes}"

    for start, clip in placed(cut.clips):
        if start > 0 and end == 0:
            number += 1
            lines += [event(_BLACK, 0, start), ""]
        number += 1
        lines += [event(reels.reel(clip), start, clip.length), *_comments(clip, start + offset, cut), ""]
        end = start + clip.length
    lines += [f"* NOT IN THE CUT, FOR WANT OF A LENGTH: {name}" for name in cut.left_out]
    return "\r\n".join([*lines, ""]).encode()


def _comments(clip: WrittenClip, frame: int, cut: WrittenCut) -> list[str]:
    lines = [f"* FROM CLIP NAME:  {clip.name}"]
    if clip.media is not None:
        lines.append(f"* FROM FILE: {clip.media.url}")
    if clip.mark:
        lines.append(f"* LOC: {rates.timecode_of(frame, cut.rate)} {clip.colour:<7} {clip.mark}")
    return lines


class _Reels:
    """Names for what clips show: the same for the same, another one for others."""

    def __init__(self) -> None:
        self._by_url: dict[str, str] = {}
        self._taken = set(_TAKEN)
        self._numbers: Counter[str] = Counter()

    def reel(self, clip: WrittenClip) -> str:
        """The reel of a clip."""
        if clip.media is None:
            return _UNKNOWN_REEL
        if clip.media.url not in self._by_url:
            reel = base = re.sub("[^A-Z0-9]", "", slug(clip.name).upper())[-_REEL:] or "REEL"
            while reel in self._taken:
                self._numbers[base] += 1
                number = str(self._numbers[base] + 1)
                reel = f"{base[: _REEL - len(number)]}{number}"
            self._taken.add(reel)
            self._by_url[clip.media.url] = reel
        return self._by_url[clip.media.url]
