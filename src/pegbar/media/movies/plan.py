"""What is made of a movie: sizes, rate, bitrates, the sheet of its frames. Nothing here reads or runs anything.

Source: spec media, "Movie pipeline" and "Tile".
"""

import math
import re
from dataclasses import dataclass
from fractions import Fraction

import msgspec

Size = tuple[int, int]

_DEFAULT_RATE, _HIGHEST_RATE = Fraction(25), 240
_DEFAULT_HEIGHT = 1080
_LOWDEF_WIDTH = 1280
#: No movie is made larger; the size that a height alone gives is shrunk to it.
_LONGEST_SIDE = 8192
_BOTH_SIDES, _HEIGHT_ONLY = re.compile(r"\d{3,4}x\d{3,4}"), re.compile(r"x\d{3,4}")
#: Rates that are a thousandth and one slower than their name, and how far from it they may be written.
_DROP_FRAME, _WRITTEN = (24, 30, 48, 60, 120), 0.01
_COLUMNS, _MOST_ROWS, TILE_HEIGHT = 8, 480, 100
#: Pixels of a sheet: of a very wide movie fewer frames are shown.
_MOST_TILE_PIXELS = 160 * 10**6
#: Hours are no shots: nobody reviews them, and a wrong time stamp makes them.
_LONGEST = 12 * 3600


class Probe(msgspec.Struct, frozen=True):
    """What a movie is (`probe.py`); lengths in seconds."""

    codec: str
    width: int
    height: int
    pixel_aspect: tuple[int, int]
    rotation: int  #: degrees by which it is to be turned to the left
    rate: tuple[int, int] | None
    frames: int
    length: float
    stated_duration: float | None
    delay: float  #: of the first picture after the start of the file
    audio: int | None  #: which of its streams of sound, if any can be heard
    alpha: bool
    decoder: str  #: to be used instead of the usual one
    is_rgb: bool
    has_matrix: bool  #: says how its colours are coded

    @property
    def unreasonable(self) -> str | None:
        """Why no movie is made of it, if none is."""
        if self.length > _LONGEST:
            return f"it is {self.length / 3600:.0f} hours long; {_LONGEST // 3600} are the most"
        return None

    @property
    def seen(self) -> Size:
        """Its size as it is seen: with square pixels (an even width), upright."""
        across, down = self.pixel_aspect
        width = self.width if across == down else max(round(self.width * across / down / 2) * 2, 2)
        return (self.height, width) if self.rotation in (90, 270) else (width, self.height)

    @property
    def own_rate(self) -> Fraction:
        """Its frames a second, on average when they vary."""
        if self.rate is None or self.rate[0] <= 0 or self.rate[1] <= 0:
            return _DEFAULT_RATE
        return min(Fraction(*self.rate), Fraction(_HIGHEST_RATE))


class Wishes(msgspec.Struct, frozen=True):
    """What an entity and its production say of their movies; bitrates in Mbit/s, of the task type there first."""

    entity_fps: str | None = None
    project_fps: str | None = None
    entity_resolution: str | None = None
    project_resolution: str | None = None
    hd_bitrates: tuple[int | None, ...] = ()
    ld_bitrates: tuple[int | None, ...] = ()


@dataclass(frozen=True)
class Options:
    """What the settings say."""

    highdef_bitrate: int = 28
    lowdef_bitrate: int = 6
    encode: bool = True
    skip_highdef: bool = False


def rate_of(text: str | None) -> Fraction | None:
    """Frames a second as people write them ("23.976", "29,97", "25"); None for what is no rate."""
    try:
        rate = float((text or "").strip().replace(",", "."))
    except ValueError:
        return None
    if not 1 <= rate <= _HIGHEST_RATE:
        return None
    for whole in _DROP_FRAME:
        exact = Fraction(whole * 1000, 1001)
        if rate != whole and abs(rate - exact) < _WRITTEN:
            return exact
    return Fraction(round(rate * 1000), 1000)


def rate_for(wishes: Wishes) -> Fraction:
    """The rate that an entity, else its production, wants; by it people count frames."""
    return rate_of(wishes.entity_fps) or rate_of(wishes.project_fps) or _DEFAULT_RATE


def second_of(frame: int, rate: Fraction) -> float:
    """When a frame is shown, counted from 1; frame 0 is the first one too. Source: spec media, "Frame extraction"."""
    return float(max(frame - 1, 0) / rate)


def even(side: float) -> int:
    """A side of a picture as encoders want it: whole and even, at least 2."""
    return max(math.floor(side) + math.floor(side) % 2, 2)


def _bounded(width: int, height: int) -> Size:
    """The size, or the largest of its shape that is made."""
    if max(width, height) <= _LONGEST_SIDE:
        return width, height
    scale = _LONGEST_SIDE / max(width, height)
    return min(even(width * scale), _LONGEST_SIDE), min(even(height * scale), _LONGEST_SIDE)


def canvas_of(wishes: Wishes, seen: Size) -> Size:
    """The size of the high definition: as the entity says, else its production, else 1080 high."""
    for resolution in (wishes.entity_resolution, wishes.project_resolution):
        if resolution and _BOTH_SIDES.fullmatch(resolution):
            width, height = map(int, resolution.split("x"))
            return _bounded(even(width), even(height))
    only = wishes.project_resolution or ""
    height = int(only[1:]) if _HEIGHT_ONLY.fullmatch(only) else _DEFAULT_HEIGHT
    return _bounded(even(seen[0] * height // seen[1]), even(height))


def lowdef_of(canvas: Size) -> Size:
    """The size of the low definition: 1280 wide."""
    return _bounded(_LOWDEF_WIDTH, even(_LOWDEF_WIDTH * canvas[1] // canvas[0]))


def fitted(seen: Size, canvas: Size) -> Size:
    """The largest even size with the shape of the picture that is inside the canvas."""
    width, height = seen
    scale = min(Fraction(canvas[0], width), Fraction(canvas[1], height))

    def side(length: int, most: int) -> int:
        return min(max(round(length * scale / 2) * 2, 2), most)

    return side(width, canvas[0]), side(height, canvas[1])


def _chosen(wishes: tuple[int | None, ...], otherwise: int) -> int:
    return next((bitrate for bitrate in wishes if bitrate is not None and bitrate > 0), otherwise)


@dataclass(frozen=True)
class Tiles:
    """The sheet of the frames of a movie: eight in a row, every so many of them."""

    width: int  #: of one of its pictures
    rows: int
    every: int

    @property
    def size(self) -> Size:
        """The size of the sheet in pixels."""
        return self.width * _COLUMNS, self.rows * TILE_HEIGHT


def tiles_of(frames: int, shape: Size) -> Tiles:
    """The sheet of a movie of so many frames, each of that shape."""
    width = min(max(math.ceil(Fraction(TILE_HEIGHT * shape[0], shape[1])), 1), _LONGEST_SIDE)
    most = max(min(_MOST_ROWS, _MOST_TILE_PIXELS // (width * _COLUMNS * TILE_HEIGHT)), 1)
    rows = max(min(math.ceil(frames / _COLUMNS), most), 1)
    return Tiles(width, rows, math.ceil(frames / (rows * _COLUMNS)) if rows == most else 1)


@dataclass(frozen=True)
class Version:
    """A movie to encode: its prefix in the storage, its size, Mbit/s."""

    prefix: str
    size: Size
    bitrate: int


@dataclass(frozen=True)
class Plan:
    """What is made of a movie. Without versions it is shown as it is."""

    rate: Fraction
    frames: int
    canvas: Size  #: of the first frame and, by its shape, of the sheet
    versions: tuple[Version, ...]
    tiles: Tiles

    @property
    def duration(self) -> float:
        """Seconds."""
        return float(self.frames / self.rate)


def planned(probe: Probe, wishes: Wishes, options: Options) -> Plan:
    """What is made of a movie."""
    if not options.encode:
        rate = probe.own_rate
        frames = max(round(probe.length * rate), 1)
        return Plan(rate, frames, probe.seen, (), tiles_of(frames, probe.seen))
    rate = rate_for(wishes)
    frames = max(round(probe.length * rate), 1)
    canvas = canvas_of(wishes, probe.seen)
    high = min(_chosen(wishes.hd_bitrates, options.highdef_bitrate), options.highdef_bitrate)
    low = min(_chosen(wishes.ld_bitrates, options.lowdef_bitrate), high)
    lowdef = Version("lowdef", lowdef_of(canvas), low)
    versions = (lowdef,) if options.skip_highdef else (Version("previews", canvas, high), lowdef)
    return Plan(rate, frames, versions[0].size, versions, tiles_of(frames, versions[0].size))
