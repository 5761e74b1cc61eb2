"""What the reading process is asked, and what it answers. Both sides know this; nothing else is shared."""

from dataclasses import dataclass, field
from fractions import Fraction

import msgspec

#: Files in the folder of the process.
REQUEST, ANSWER = "request.json", "cut.json"
#: Exit codes: the answer is a refusal; it is one because of memory.
REFUSED, TOO_MUCH = 3, 4
#: Clips of one cut, and characters of a name.
MOST_CLIPS, LONGEST_NAME = 20_000, 300
#: Bytes of a text, and of what a container holds of it.
LONGEST_TEXT = 64 * 2**20
#: The formats that are read, by extension.
FORMATS = ("otio", "otioz", "otiod", "edl", "xml", "fcpxml", "aaf", "ale", "xges", "ma", "mb")


class Unreadable(Exception):
    """The file is no cut that can be taken; the text says what is wrong, and where."""


class WrongPattern(Exception):
    """The naming convention cannot be used; the text says why."""


class Request(msgspec.Struct):
    """A file to read: its path and extension, the rate of formats without one, and how its clips are named."""

    source: str
    extension: str
    rate: str
    pattern: str
    match_case: bool


@dataclass
class Piece:
    """A clip as a reader finds it: times in seconds after the start of the cut; `fault` when they are not to be had.

    `counted` says that its own range tells how long it is.
    """

    name: str
    place: str
    start: Fraction = Fraction(0)
    duration: Fraction = Fraction(0)
    rate: Fraction = Fraction(25)
    counted: bool = True
    fault: str = ""


@dataclass
class Cut:
    """The clips of a file, track after track."""

    pieces: list[Piece] = field(default_factory=list)

    def add(self, piece: Piece) -> None:
        """Take one more. Raises Unreadable."""
        if len(self.pieces) >= MOST_CLIPS:
            raise Unreadable(f"it has more than {MOST_CLIPS} clips")
        self.pieces.append(piece)


class ReadName(msgspec.Struct):
    """What the convention reads in a clip's name; `wholly` when nothing of the name is left."""

    sequence: str
    shot: str
    project: str | None = None
    episode: str | None = None
    wholly: bool = False


class ReadClip(msgspec.Struct):
    """A clip: its place in the file, its name without and with its extension, its frames, what its name tells."""

    name: str
    full_name: str
    place: str
    frame_in: int = 0
    frame_out: int = 0
    nb_frames: int | None = None
    told: ReadName | None = None
    fault: str = ""


class Answer(msgspec.Struct):
    """The clips of a file, or why there are none: `refusal`, about the field `about`."""

    clips: list[ReadClip] = []
    refusal: str = ""
    about: str = "file"
