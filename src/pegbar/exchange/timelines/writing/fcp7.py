"""Final Cut Pro 7 XML (xmeml 5), which Premiere, Resolve and Avid read. Source: Apple, "Final Cut Pro XML"."""

from fractions import Fraction
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from pegbar.exchange.timelines import rates
from pegbar.exchange.timelines.writing.cut import Media, WrittenClip, WrittenCut, placed

_HEAD = b'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE xmeml>\n'
_START_SECONDS = 3600


def write(cut: WrittenCut) -> bytes:
    """The document of a cut, whose rate must have timecodes."""
    root = Element("xmeml", version="5")
    sequence = SubElement(root, "sequence", id="sequence-1")
    _text(sequence, "name", cut.name)
    _text(sequence, "duration", cut.length)
    _rate(sequence, cut.rate)
    _timecode(sequence, cut.rate)
    media = SubElement(sequence, "media")
    video = SubElement(media, "video")
    _size(SubElement(video, "format"), cut.width, cut.height, cut.rate)
    track = SubElement(video, "track")
    files: dict[str, str] = {}
    for number, (start, clip) in enumerate(placed(cut.clips), 1):
        _clip(SubElement(track, "clipitem", id=f"clipitem-{number}"), clip, start, cut.rate, files)
    SubElement(media, "audio")
    indent(root, " ")
    document: bytes = tostring(root, encoding="utf-8")
    return _HEAD + document


def _text(parent: Element, name: str, value: object) -> None:
    SubElement(parent, name).text = str(value)


def _rate(parent: Element, rate: Fraction) -> None:
    element = SubElement(parent, "rate")
    _text(element, "timebase", rates.nominal(rate))
    _text(element, "ntsc", "TRUE" if rates.is_ntsc(rate) else "FALSE")


def _timecode(parent: Element, rate: Fraction) -> None:
    element = SubElement(parent, "timecode")
    _rate(element, rate)
    start = rates.nominal(rate) * _START_SECONDS
    _text(element, "string", rates.timecode_of(start, rate))
    _text(element, "frame", start)
    _text(element, "displayformat", "NDF")


def _size(parent: Element, width: int, height: int, rate: Fraction | None = None) -> None:
    element = SubElement(parent, "samplecharacteristics")
    if rate is not None:
        _rate(element, rate)
    _text(element, "width", width)
    _text(element, "height", height)


def _clip(item: Element, clip: WrittenClip, start: int, rate: Fraction, files: dict[str, str]) -> None:
    _text(item, "name", clip.name)
    _text(item, "enabled", "TRUE")
    _text(item, "duration", clip.length if clip.media is None else clip.media.frames or clip.length)
    _rate(item, rate)
    for name, frame in (("start", start), ("end", start + clip.length), ("in", 0), ("out", clip.length)):
        _text(item, name, frame)
    # A clip without media shows a file that is not there: one of the clip's name.
    _file(item, clip.media or Media(clip.name, ""), rate, files)
    if clip.mark:
        marker = SubElement(item, "marker")
        _text(marker, "name", clip.mark)
        _text(marker, "comment", "")
        _text(marker, "in", 0)
        _text(marker, "out", -1)


def _file(item: Element, media: Media, rate: Fraction, files: dict[str, str]) -> None:
    """What a clip shows; described once, and named by its id from then on."""
    source = media.url or media.name
    known = source in files
    file_id = files.setdefault(source, f"file-{len(files) + 1}")
    element = SubElement(item, "file", id=file_id)
    if known:
        return
    _text(element, "name", media.name)
    if media.url:
        _text(element, "pathurl", media.url)
    _rate(element, rate)
    if media.frames is not None:
        _text(element, "duration", media.frames)
    _size(SubElement(SubElement(element, "media"), "video"), media.width, media.height)
