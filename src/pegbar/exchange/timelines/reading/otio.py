"""Timelines that OpenTimelineIO reads: its own, Final Cut Pro 7 XML, AAF, ALE, GES.

The library crashes on a timeline that contains itself and on one nested too deep: a document is looked at first.
"""

import json
import math
import zipfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit
from xml.etree.ElementTree import Element, tostring

from pegbar.exchange.timelines import rates
from pegbar.exchange.timelines.reading.shapes import LONGEST_TEXT, Cut, Piece, Unreadable

_DEEPEST = 200
_LONGEST_TIME = 1e15
_ADAPTERS = {"xml": "fcp_xml", "xges": "xges", "ale": "ale", "aaf": "AAF"}
_CONTENT = "content.otio"


def _library() -> Any:
    try:
        import opentimelineio
    except ImportError as error:
        wanted = "this server has no OpenTimelineIO for its Python; it reads edl and fcpxml files only"
        raise Unreadable(f"{wanted} ({error})") from None
    return opentimelineio


def read_document(content: bytes) -> Cut:
    """The clips of a document of OpenTimelineIO. Raises Unreadable."""
    _check(content)
    otio = _library()
    return _cut(otio, lambda: otio.adapters.read_from_string(content.decode("utf-8-sig"), "otio_json"))


def read_bundle(path: Path) -> Cut:
    """The same of a bundle (`.otioz`), whose media are left alone. Raises Unreadable."""
    try:
        with zipfile.ZipFile(path) as bundle, bundle.open(_CONTENT) as document:
            content = document.read(LONGEST_TEXT + 1)
    except KeyError:
        raise Unreadable(f"the bundle holds no {_CONTENT}") from None
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, ValueError) as error:
        raise Unreadable(f"it is no bundle of a timeline (a zip): {error}") from None
    if len(content) > LONGEST_TEXT:
        raise Unreadable(f"{_CONTENT} in the bundle is larger than {LONGEST_TEXT} bytes")
    return read_document(content)


def read_text(text: str, extension: str, rate: Fraction) -> Cut:
    """The same of a text in another format. Raises Unreadable."""
    otio = _library()
    more = {"fps": float(rate)} if extension == "ale" else {}
    return _cut(otio, lambda: otio.adapters.read_from_string(text, _ADAPTERS[extension], **more))


def read_xml(root: Element, extension: str) -> Cut:
    """The same of a document of XML. Raises Unreadable."""
    if extension == "xml":
        _place_rates(root)
    return read_text(tostring(root, encoding="unicode"), extension, rates.DEFAULT)


def _place_rates(root: Element) -> None:
    """Give every track the rate of its sequence.

    The library looks for it in all that a clip is in, one after the other, and would go through its whole track each
    time: 20 seconds for 5,000 clips.
    """
    for sequence in root.iter("sequence"):
        rate = sequence.find("rate")
        for track in sequence.iterfind("./media/*/track"):
            if rate is not None and track.find("rate") is None:
                track.insert(0, rate)


def read_file(path: Path, extension: str) -> Cut:
    """The same of a file that is no text. Raises Unreadable."""
    otio = _library()
    return _cut(otio, lambda: otio.adapters.read_from_file(str(path), _ADAPTERS[extension]))


def _check(content: bytes) -> None:
    """Refuse a document that is no JSON, is nested too deep or contains itself."""
    try:
        document = json.loads(content.decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        raise Unreadable(f"line {error.lineno}, column {error.colno}: it is no JSON: {error.msg}") from None
    except UnicodeDecodeError as error:
        raise Unreadable(f"byte {error.start + 1}: it is no UTF-8 text") from None
    except RecursionError:
        raise Unreadable("it is nested too deep") from None
    if not isinstance(document, dict) or "OTIO_SCHEMA" not in document:
        raise Unreadable("line 1, column 1: it is no timeline: it has no OTIO_SCHEMA")
    _check_references(document)


def _check_references(document: Any) -> None:
    """Objects may be named and referred to, not by what is in themselves. No recursion: the document may be deep."""
    above: list[str] = []
    #: What is still to be seen, with its depth; None ends the object named last.
    left: list[tuple[Any, int]] = [(document, 0)]
    while left:
        value, depth = left.pop()
        if depth < 0:
            above.pop()
            continue
        if depth > _DEEPEST:
            raise Unreadable(f"it is nested more than {_DEEPEST} deep")
        if isinstance(value, list):
            left.extend((item, depth + 1) for item in reversed(value))
        elif isinstance(value, dict):
            name = value.get("OTIO_REF_ID")
            if str(value.get("OTIO_SCHEMA", "")).startswith("SerializableObjectRef"):
                if value.get("id") in above:
                    raise Unreadable(f"the object {str(value['id'])[:60]!r} contains itself")
            elif isinstance(name, str):
                above.append(name)
                left.append((None, -1))
            left.extend((item, depth + 1) for item in value.values())


def _cut(otio: Any, read: Any) -> Cut:
    try:
        root = read()
    except (MemoryError, Unreadable):
        raise
    except Exception as error:
        # Adapters raise whatever their code ran into: all of it says that they could not read the file.
        text = " ".join(str(error).split())[:300] or type(error).__name__
        raise Unreadable(f"{text} ({type(error).__name__})" if len(text) < 20 else text) from None
    cut = Cut()
    for number, track in enumerate(_tracks(otio, root), 1):
        for piece in _pieces(otio, track, track.name or f"track {number}"):
            cut.add(piece)
    return cut


def _tracks(otio: Any, root: Any) -> list[Any]:
    """The tracks of pictures of what a file holds."""
    schema = otio.schema
    if isinstance(root, schema.SerializableCollection):
        timelines = [item for item in root if isinstance(item, schema.Timeline)]
        if len(timelines) > 1:
            names = ", ".join(repr(timeline.name[:40]) for timeline in timelines[:5])
            raise Unreadable(f"it holds {len(timelines)} timelines ({names}): export the one to import")
        if not timelines:  # a bin: its clips one after the other
            clips = [item.clone() for item in root if isinstance(item, schema.Clip)]
            return [schema.Track(name="clips", children=clips)]
        root = timelines[0]
    if isinstance(root, schema.Timeline):
        root = root.tracks
    if isinstance(root, schema.Track):
        return [root]
    if not isinstance(root, schema.Stack):
        raise Unreadable(f"it holds no timeline but a {type(root).__name__}")
    return [item for item in root if isinstance(item, schema.Track) and item.kind == schema.TrackKind.Video]


def _pieces(otio: Any, track: Any, name: str) -> Iterator[Piece]:
    """The clips of a track. Whatever else lies in it takes its time, but transitions, which lie over others."""
    start, number = Fraction(0), 0
    for item in track:
        if isinstance(item, otio.schema.Transition):
            continue
        is_clip = isinstance(item, otio.schema.Clip)
        number += is_clip
        piece = Piece(_name(item) if is_clip else "", f"{name[:60]}, clip {number}", start)
        try:
            duration, rate = _time(item.source_range.duration if item.source_range is not None else item.duration())
            piece.duration, piece.rate, piece.counted = duration, rate, item.source_range is not None
        except (ValueError, otio.exceptions.OTIOError) as error:
            piece.fault = f"its length is not known: {' '.join(str(error).split())[:200]}"
        start += piece.duration
        if is_clip:
            yield piece


def _time(time: Any) -> tuple[Fraction, Fraction]:
    """Seconds, and the rate in which they were counted. Raises ValueError."""
    rate = rates.exact(time.rate)
    if not (math.isfinite(time.value) and abs(time.value) < _LONGEST_TIME):
        raise ValueError(f"{time.value} is no time")
    return Fraction(time.value) / rate, rate


def _name(clip: Any) -> str:
    """The name of a clip, else what its media are called."""
    if clip.name:
        return str(clip.name)
    media = clip.media_reference
    prefix = getattr(media, "name_prefix", "") or ""
    if prefix:
        return str(prefix)
    if media is not None and media.name:
        return str(media.name)
    return PurePosixPath(unquote(urlsplit(getattr(media, "target_url", "") or "").path)).name
