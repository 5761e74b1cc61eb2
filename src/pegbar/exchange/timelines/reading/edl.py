"""Edit decision lists, CMX 3600, as editing programs write them.

An event is a line with a number, a reel, channels, an edit and four timecodes; what names the clip are comments below
it. Times follow the rules of OpenTimelineIO with mismatches tolerated: a clip is as long as its source, unless a speed
effect says that it is as long as its record; one that would begin before its predecessor ends is moved behind it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import PurePosixPath

from pegbar.exchange.timelines import rates
from pegbar.exchange.timelines.reading.shapes import Cut, Piece, Unreadable

_COMMENTS = {
    "from": re.compile(r"\*?\s*FROM CLIP NAME\s*:?\s*(.*)", re.IGNORECASE),
    "to": re.compile(r"\*?\s*TO CLIP NAME\s*:?\s*(.*)", re.IGNORECASE),
    "file": re.compile(r"\*?\s*(?:FROM CLIP|FROM FILE|SOURCE FILE)\s*:\s*(.*)", re.IGNORECASE),
    "speed": re.compile(r"M2\s+(.*)|\*+\s*\*?\s*FREEZE FRAME(.*)", re.IGNORECASE),
}
_TIME = re.compile(r"\d{1,2}[:;.]\d{2}[:;.]\d{2}[:;.,]\d{2,3}|\d{1,9}")
_NUMBER = re.compile(r"\d{1,9}[A-Za-z]?")
_EDIT = re.compile(r"C|D|W\d{1,3}|K[BO]?", re.IGNORECASE)
_LINE_END = re.compile(r"\r\n?|\n")
_HEADER = re.compile(r"(TITLE|FCM)\s*:", re.IGNORECASE)
_BLACK = ("BL", "BLACK", "BARS")
_FREEZE = " FF"


@dataclass
class Event:
    """An event of the list, with what its comments say."""

    line: int
    number: str
    reel: str
    channels: str
    edit: str
    times: tuple[int, int, int, int]  #: source in and out, record in and out, in frames
    comments: dict[str, str] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """Where it stands."""
        return f"event {self.number}, line {self.line}"

    @property
    def is_video(self) -> bool:
        """Whether it is on a track of pictures."""
        channels = self.channels.upper()
        return channels == "B" or "/V" in channels or not (channels.startswith("A") or channels == "NONE")

    @property
    def track(self) -> str:
        """The track of pictures that it is on."""
        channels = self.channels.upper()
        return "V" if channels == "B" or "/V" in channels else channels

    @property
    def name(self) -> str:
        """The name of its clip; empty for black and bars that have none."""
        if self.reel.upper() in _BLACK:
            return self.comments.get("from" if self.edit == "C" else "to", "")
        name = self.comments.get("to") or self.comments.get("from", "")
        if "speed" in self.comments:
            name = name.removesuffix(_FREEZE)
        if not name and (path := self.comments.get("file")):
            name = PurePosixPath(path.replace("\\", "/")).name
        return name or (self.number if self.reel.upper() in ("", "AX") else self.reel)


def read(text: str, rate: Fraction) -> Cut:
    """The clips of a list at this rate. Raises Unreadable, naming the line."""
    tracks: dict[str, list[Event]] = {}
    for event in _events(text, rate):
        if event.is_video:
            tracks.setdefault(event.track, []).append(event)
    first = min((event.times[2] for events in tracks.values() for event in events), default=0)
    cut = Cut()
    for events in tracks.values():
        end = 0
        for event in events:
            end = _place(cut, event, first, end, rate)
    return cut


def _place(cut: Cut, event: Event, first: int, end: int, rate: Fraction) -> int:
    """Add an event that follows what ends at `end`; where it ends itself."""
    source_in, source_out, record_in, record_out = event.times
    length = record_out - record_in if "speed" in event.comments else source_out - source_in
    if length < 0:
        raise Unreadable(f"{event.place}: it ends before it starts")
    start = max(record_in - first, end)
    if event.name:
        cut.add(Piece(event.name, event.place, start / rate, length / rate, rate))
    return start + length


def _events(text: str, rate: Fraction) -> Iterator[Event]:
    """The events in their order, with the comments below them."""
    last: list[Event] = []
    drop, header = False, False
    for number, line in enumerate(_LINE_END.split(text), 1):
        words = line.split()
        if _HEADER.match(line.strip()):
            header = True
            drop = "NON" not in line.upper() if words[0].upper().startswith("FCM") else drop
        elif _is_event(words):
            event = _event(words, number, rate, drop=drop)
            if last and last[-1].number == event.number and event.edit != "C":
                last.append(event)
            else:
                yield from _of_number(last)
                last = [event]
        elif words and last:
            _comment(last[-1], " ".join(words))
    yield from _of_number(last)
    if not header and not last:
        raise Unreadable("line 1: it is no edit decision list: it has neither a title nor an event")


def _of_number(events: list[Event]) -> Iterator[Event]:
    """The events of a number: of a transition, what it comes from has no length as a rule, and is no clip then."""
    if not events:
        return
    *outgoing, incoming = events
    for event in outgoing:
        if event.times[0] != event.times[1]:
            event.comments = {"from": incoming.comments.get("from", "")}
            yield event
    yield incoming


def _is_event(words: list[str]) -> bool:
    if len(words) < 4 or not _NUMBER.fullmatch(words[0]):
        return False
    return bool(_EDIT.fullmatch(words[3]) or (":" in words[-1] and _TIME.fullmatch(words[-1])))


def _event(words: list[str], number: int, rate: Fraction, *, drop: bool) -> Event:
    head, times = words[1:-4], words[-4:]
    if len(head) < 3 or not all(_TIME.fullmatch(time) for time in times):
        raise Unreadable(f"line {number}: an event has a number, a reel, channels, an edit and four timecodes")
    if len(head) > 3 and head[-1].isdigit():
        head.pop()  # frames of a transition
    if len(head) > 3 and head[-2] == "K":
        head[-2:] = ["".join(head[-2:])]
    edit, channels, reel = head[-1].upper(), head[-2], " ".join(head[:-2])
    if not _EDIT.fullmatch(edit):
        raise Unreadable(f"line {number}: {edit[:20]!r} is no edit: a cut is C, a dissolve D, a wipe W001")
    try:
        source_in, source_out, record_in, record_out = (rates.frames_of(time, rate, drop=drop) for time in times)
    except rates.WrongTimecode as error:
        raise Unreadable(f"line {number}: {error}") from None
    return Event(number, words[0], reel, channels, edit, (source_in, source_out, record_in, record_out))


def _comment(event: Event, line: str) -> None:
    for name, pattern in _COMMENTS.items():
        match = pattern.fullmatch(line)
        if match is not None:
            event.comments.setdefault(name, (match[1] or "").strip())
            return


__all__ = ["read"]
