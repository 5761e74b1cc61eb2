"""The formats that cuts are written in."""

from collections.abc import Callable
from dataclasses import dataclass

from pegbar.core.errors import BadRequest
from pegbar.exchange.timelines import rates
from pegbar.exchange.timelines.writing import edl, fcp7, otio
from pegbar.exchange.timelines.writing.cut import WrittenCut


@dataclass(frozen=True)
class Format:
    """A format: how a cut is written in it, and as what it is sent."""

    extension: str
    media_type: str
    write: Callable[[WrittenCut], bytes]
    timecodes: bool = False  #: whether it can say only rates that have timecodes


FORMATS = {
    written.extension: written
    for written in (
        Format("otio", "application/json", otio.write),
        Format("edl", "text/plain; charset=utf-8", edl.write, timecodes=True),
        Format("xml", "application/xml", fcp7.write, timecodes=True),
    )
}


def format_named(name: str) -> Format:
    """A format by its extension. Raises BadRequest with those there are."""
    if name not in FORMATS:
        raise BadRequest(f"format: {name[:20]!r} is none of {', '.join(FORMATS)}.")
    return FORMATS[name]


def written(cut: WrittenCut, form: Format) -> bytes:
    """The file of a cut. Raises BadRequest for a rate that the format cannot say."""
    if form.timecodes and not rates.has_timecode(cut.rate):
        rate = f"{float(cut.rate):.6g}"
        raise BadRequest(f"format: {form.extension} has no timecode at {rate} frames a second; otio needs none.")
    return form.write(cut)
