"""OpenTimelineIO's own format: JSON. Source: OpenTimelineIO, "Serialized Data"."""

from typing import Any

import msgspec

from pegbar.exchange.timelines.writing.cut import Media, WrittenClip, WrittenCut, placed


def write(cut: WrittenCut) -> bytes:
    """The document of a cut."""
    rate = float(cut.rate)
    children: list[dict[str, Any]] = []
    end = 0
    for start, clip in placed(cut.clips):
        if start > end:
            children.append(_item("Gap.1", "", _range(0, start - end, rate)))
        children.append(_clip(clip, rate))
        end = start + clip.length
    track = _item("Track.1", "V1", None, kind="Video", children=children)
    facts = {**cut.facts, **({"left_out": list(cut.left_out)} if cut.left_out else {})}
    timeline = {
        "OTIO_SCHEMA": "Timeline.1",
        "metadata": {"pegbar": facts},
        "name": cut.name,
        "global_start_time": None,
        "tracks": _item("Stack.1", "tracks", None, children=[track]),
    }
    return msgspec.json.format(msgspec.json.encode(timeline), indent=1)


def _item(schema: str, name: str, source_range: dict[str, Any] | None, **more: Any) -> dict[str, Any]:
    common: dict[str, Any] = {"metadata": {}, "name": name, "source_range": source_range, "effects": [], "markers": []}
    return {"OTIO_SCHEMA": schema, **common, "enabled": True, **more}


def _time(frames: int, rate: float) -> dict[str, Any]:
    return {"OTIO_SCHEMA": "RationalTime.1", "rate": rate, "value": float(frames)}


def _range(start: int, length: int, rate: float) -> dict[str, Any]:
    return {"OTIO_SCHEMA": "TimeRange.1", "start_time": _time(start, rate), "duration": _time(length, rate)}


def _clip(clip: WrittenClip, rate: float) -> dict[str, Any]:
    marker = {
        "OTIO_SCHEMA": "Marker.2",
        "metadata": {},
        "name": clip.mark,
        "color": clip.colour,
        "comment": "",
        "marked_range": _range(0, 0, rate),
    }
    return _item("Clip.1", clip.name, _range(0, clip.length, rate)) | {
        "metadata": {"pegbar": dict(clip.facts)},
        "markers": [marker] if clip.mark else [],
        "media_reference": _media(clip.media, rate),
    }


def _media(media: Media | None, rate: float) -> dict[str, Any]:
    if media is None:
        return {"OTIO_SCHEMA": "MissingReference.1", "metadata": {}, "name": "", "available_range": None}
    return {
        "OTIO_SCHEMA": "ExternalReference.1",
        "metadata": {},
        "name": media.name,
        "target_url": media.url,
        "available_range": None if media.frames is None else _range(0, media.frames, rate),
    }
