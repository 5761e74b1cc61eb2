"""The confined process that reads a cut: `REQUEST` in its folder says which file, `ANSWER` is what it found.

It knows nothing of the server. Libraries for some formats may be left out.
"""

import re
import signal
import sys
from fractions import Fraction
from pathlib import Path

import msgspec

from pegbar.exchange.timelines.frames import NoFrames, frames_in_cut
from pegbar.exchange.timelines.naming import plain, without_extension
from pegbar.exchange.timelines.reading.shapes import (
    ANSWER,
    LONGEST_NAME,
    LONGEST_TEXT,
    REFUSED,
    REQUEST,
    TOO_MUCH,
    Answer,
    Cut,
    Piece,
    ReadClip,
    ReadName,
    Request,
    Unreadable,
    WrongPattern,
)

LOADS = (
    "opentimelineio",
    *(f"pegbar.exchange.timelines.reading.{name}" for name in ("edl", "fcpx", "otio", "xml")),
)
#: Seconds in which the pattern must have read all names.
_PATIENCE = 5.0
_ROOTS = {"xmeml": "xml", "fcpxml": "fcpxml", "ges": "xges"}
_XML = frozenset(_ROOTS.values())


def cut_of(path: Path, extension: str, rate: Fraction) -> Cut:
    """The clips of a file. Raises Unreadable."""
    if extension in ("ma", "mb"):
        raise Unreadable("scenes of Maya are read by Maya alone: export its sequence as edl, xml or otio")
    from pegbar.exchange.timelines.reading import otio

    if extension == "aaf":
        return otio.read_file(path, extension)
    with path.open("rb") as file:
        start = file.read(4)
    if extension in ("otioz", "otiod") and (extension == "otioz" or start.startswith(b"PK")):
        return otio.read_bundle(path)
    with path.open("rb") as file:
        content = file.read(LONGEST_TEXT + 1)
    if len(content) > LONGEST_TEXT:
        raise Unreadable(f"it is larger than {LONGEST_TEXT} bytes, which no {extension} of a cut is")
    if extension in _XML:
        return _cut_of_xml(content, extension)
    if extension in ("otio", "otiod"):
        return otio.read_document(content)
    text = _text(content)
    if extension == "edl":
        from pegbar.exchange.timelines.reading import edl

        return edl.read(text, rate)
    if not {"Heading", "Column", "Data"} <= {line.strip() for line in text.splitlines()}:
        raise Unreadable("line 1: it is no log of Avid: it needs the lines Heading, Column and Data")
    return otio.read_text(text, extension, rate)


def _cut_of_xml(content: bytes, extension: str) -> Cut:
    """A document is read as what its root says that it is."""
    from pegbar.exchange.timelines.reading import fcpx, otio, xml

    root = xml.checked(content)
    kind = _ROOTS.get(root.tag)
    if kind is None:
        raise Unreadable(f"line 1: <{root.tag[:40]}> is the root of no cut; those are {', '.join(_ROOTS)}")
    if kind == "fcpxml":
        return fcpx.read(root)
    return otio.read_xml(root, kind)


def _text(content: bytes) -> str:
    """A text in UTF-8, UTF-16 with its mark, or the encoding of old Windows programs. Raises Unreadable."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return content.decode("utf-16")
        except UnicodeDecodeError as error:
            raise Unreadable(f"byte {error.start + 1}: it is no UTF-16 text") from None
    if (at := content.find(b"\0")) >= 0:
        line = content.count(b"\n", 0, at) + 1
        raise Unreadable(f"line {line}, byte {at + 1}: it is no text")
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return content.decode("latin-1")


class TookTooLong(Exception):
    """The pattern has not read all names in time."""


def named(pieces: list[Piece], request: Request) -> list[ReadClip]:
    """The clips with what the pattern reads in their names. Raises WrongPattern."""
    try:
        pattern = re.compile(request.pattern, re.NOFLAG if request.match_case else re.IGNORECASE)
    except (re.error, OverflowError, RecursionError) as error:
        raise WrongPattern(f"it is no regular expression: {error}") from None

    def give_up(*_: object) -> None:
        raise TookTooLong

    clips: list[ReadClip] = []
    signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, _PATIENCE)
    try:
        for piece in pieces:
            clips.append(_named(piece, pattern))  # noqa: PERF401 - how far it came is told
    except TookTooLong:
        name = pieces[len(clips)].name[:60]
        raise WrongPattern(f"reading the name {name!r} with it takes too long: make the pattern simpler") from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return clips


def _named(piece: Piece, pattern: re.Pattern[str]) -> ReadClip:
    full_name = plain(piece.name.encode(errors="replace").decode())
    if len(full_name) > LONGEST_NAME:
        return ReadClip(
            "", f"{full_name[:40]}…", piece.place, fault=f"its name has more than {LONGEST_NAME} characters"
        )
    name = without_extension(full_name)
    clip = ReadClip(name, full_name, piece.place, fault=piece.fault, told=_told(pattern, name))
    if clip.told is None and name != full_name:
        clip.told = _told(pattern, full_name)
    if clip.fault:
        return clip
    try:
        frames = frames_in_cut(piece.start, piece.duration, piece.rate, counted=piece.counted)
    except NoFrames as error:
        clip.fault = str(error)
        return clip
    clip.frame_in, clip.frame_out, clip.nb_frames = frames.frame_in, frames.frame_out, frames.nb_frames
    return clip


def _told(pattern: re.Pattern[str], name: str) -> ReadName | None:
    match = pattern.match(name)
    if match is None:
        return None
    names = match.groupdict()
    return ReadName(
        sequence=names["sequence_name"] or "",
        shot=names["shot_name"] or "",
        project=names.get("project_name"),
        episode=names.get("episode_name"),
        wholly=match.end() == len(name),
    )


def read(request: Request) -> Answer:
    """What a request is answered."""
    try:
        cut = cut_of(Path(request.source), request.extension, Fraction(request.rate))
        return Answer(named(cut.pieces, request))
    except Unreadable as error:
        return Answer(refusal=str(error))
    except WrongPattern as error:
        return Answer(refusal=str(error), about="naming_convention")


def main() -> None:
    """Answer the request in the folder of this process."""
    request = msgspec.json.decode(Path(REQUEST).read_bytes(), type=Request)
    try:
        answer = read(request)
    except (MemoryError, RecursionError):
        sys.exit(TOO_MUCH)
    Path(ANSWER).write_bytes(msgspec.json.encode(answer))
    sys.exit(REFUSED if answer.refusal else 0)
