"""Final Cut Pro X XML (`.fcpxml`): times are fractions of a second, so 23.976 and 29.97 stay exact.

The primary storyline is a track, and each lane above it is one more. What lies in a storyline says itself where: at
`offset` of its parent, whose own times begin at `start`. Source: Apple, "FCPXML Reference".
"""

import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit
from xml.etree.ElementTree import Element

from pegbar.exchange.timelines.frames import MOST_FRAMES
from pegbar.exchange.timelines.reading.shapes import Cut, Piece, Unreadable

_TIME = re.compile(r"(-?\d{1,18})(?:/(\d{1,18}))?s")
#: What is a clip, whatever is in it; `video` only when it shows media.
_CLIPS = frozenset({"asset-clip", "clip", "ref-clip", "sync-clip", "mc-clip", "video"})
_CONTAINERS = _CLIPS | {"gap", "title", "audition"}
_DEEPEST = 50


def _seconds(text: str | None, place: str) -> Fraction:
    if text is None:
        return Fraction(0)
    match = _TIME.fullmatch(text.strip())
    if match is None or match[2] == "0" * len(match[2] or "x"):
        raise Unreadable(f"{place}: {text[:30]!r} is no time, such as 1001/24000s")
    return Fraction(int(match[1]), int(match[2] or 1))


def _lane(item: Element) -> int:
    """The lane of what is connected to another clip: above it, or (negative) below it; 0 for what is in it."""
    text = item.get("lane", "0")
    return int(text) if re.fullmatch(r"-?\d{1,4}", text) else 0


class _Reader:
    def __init__(self, root: Element) -> None:
        self.resources = {
            resource.get("id"): resource
            for parent in root.iter("resources")
            for resource in parent
            if resource.get("id")
        }
        self.cut = Cut()
        self.sequence = self._only_sequence(root)
        self.rate = self._rate()
        #: Clips connected to the first storyline, by lane.
        self.lanes: dict[int, list[Piece]] = {}

    @staticmethod
    def _only_sequence(root: Element) -> Element:
        projects = list(root.iter("project"))
        sequences = [sequence for project in projects for sequence in project.iter("sequence")]
        if not projects:
            sequences = [*root.iter("sequence")]
        if not sequences:
            raise Unreadable("it holds no project with a sequence")
        if len(sequences) > 1:
            names = ", ".join(repr(project.get("name", "")[:40]) for project in projects[:5])
            raise Unreadable(f"it holds {len(sequences)} projects ({names}): export the one to import")
        return sequences[0]

    def _rate(self) -> Fraction:
        resource = self.resources.get(self.sequence.get("format"))
        length = None if resource is None else resource.get("frameDuration")
        if length is None:
            raise Unreadable("its sequence names no format with a frameDuration: its rate is not known")
        duration = _seconds(length, "frameDuration")
        if not Fraction(1, 1000) <= duration <= 10:
            raise Unreadable(f"frameDuration: {length[:30]} is no length of a frame")
        return 1 / duration

    def read(self) -> Cut:
        spine = self.sequence.find("spine")
        if spine is None:
            raise Unreadable("its sequence has no storyline (spine)")
        main: list[Piece] = []
        self._storyline(spine, _seconds(self.sequence.get("tcStart"), "tcStart"), Fraction(0), main, 0)
        for pieces in (main, *(self.lanes[lane] for lane in sorted(self.lanes))):
            for piece in pieces:
                self.cut.add(piece)
        return self.cut

    def _storyline(self, spine: Element, first: Fraction, start: Fraction, pieces: list[Piece], depth: int) -> None:
        """Add the clips of a storyline, whose own times begin with `first`, at `start` in the cut."""
        end, lane = first, _lane(spine)
        for item in spine:
            if item.tag not in _CONTAINERS:
                continue
            place = f"lane {lane}, clip {len(pieces) + 1}"
            offset = _seconds(item.get("offset"), place) if item.get("offset") is not None else end
            end = offset + self._length(item, place)
            self._item(item, start + offset - first, pieces, place, depth)

    def _item(self, item: Element, start: Fraction, pieces: list[Piece], place: str, depth: int) -> None:
        if depth > _DEEPEST:
            raise Unreadable(f"{place}: clips are connected to each other more than {_DEEPEST} deep")
        if item.tag == "audition":  # the first is the one that plays
            item = next((child for child in item if child.tag in _CONTAINERS), item)
        if item.tag in _CLIPS and self._is_picture(item):
            self._add(pieces, item, start, place)
        for child in item:
            lane = _lane(child)
            if lane == 0:
                continue
            shift = start - _seconds(item.get("start"), place)
            above = self.lanes.setdefault(lane, [])
            place_above = f"lane {lane}, clip {len(above) + 1}"
            offset = _seconds(child.get("offset"), place_above)
            if child.tag == "spine":
                self._storyline(child, Fraction(0), offset + shift, above, depth + 1)
            elif child.tag in _CONTAINERS:
                self._item(child, offset + shift, above, place_above, depth + 1)

    def _add(self, pieces: list[Piece], item: Element, start: Fraction, place: str) -> None:
        length = self._length(item, place)
        if max(abs(start), abs(length)) * self.rate > MOST_FRAMES:
            raise Unreadable(f"{place}: its times are beyond what a cut may last")
        pieces.append(Piece(self._name(item), place, start, length, self.rate))

    def _length(self, item: Element, place: str) -> Fraction:
        if item.get("duration") is not None:
            return _seconds(item.get("duration"), place)
        resource = self.resources.get(item.get("ref"))
        return _seconds(None if resource is None else resource.get("duration"), place)

    def _is_picture(self, item: Element) -> bool:
        """Whether a clip shows media: not sound alone, not what is generated."""
        resource = self.resources.get(item.get("ref"))
        if item.tag == "video":
            return resource is not None and resource.tag == "asset"
        if item.tag == "asset-clip" and resource is not None:
            return resource.get("hasVideo") == "1" or resource.get("hasAudio") != "1"
        if item.tag == "clip":
            kinds = {child.tag for child in item if child.get("lane") is None}
            return "audio" not in kinds or bool(kinds & _CLIPS)
        return True

    def _name(self, item: Element) -> str:
        resource = self.resources.get(item.get("ref"))
        name = item.get("name") or ("" if resource is None else resource.get("name"))
        return name or next(self._file_names(resource), "")

    @staticmethod
    def _file_names(resource: Element | None) -> Iterator[str]:
        if resource is None:
            return
        for element in (resource, *resource.iter("media-rep")):
            if source := element.get("src"):
                yield PurePosixPath(unquote(urlsplit(source).path)).name


def read(root: Element) -> Cut:
    """The clips of a document. Raises Unreadable."""
    return _Reader(root).read()
