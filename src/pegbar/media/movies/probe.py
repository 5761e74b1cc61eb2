"""Reads what movies are. A program (`core/work/programs.py`; `probe MOVIE…`), confined: uploads are untrusted.

It imports nothing of Pegbar. All packets are read, none but the first are decoded: headers lie, and some containers
(mkv, webm) say neither how long their movie is nor how many frames it has. Prints a line of JSON for each, as
`plan.Probe` reads it, or `{"unreadable": why}` for what is no movie. Source: spec media, "Movie pipeline".
"""

import json
import sys
from typing import Any

LOADS = ("av",)
#: Containers that are opened; the others could name further files (playlists, concatenations) or devices.
CONTAINERS = "mov,matroska,avi,asf,mpegts"
#: How decoders that know transparency are called, where the usual one drops it.
_TRANSPARENT = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
#: Packets that are decoded in search of a first picture, or of a first sound.
_MOST_PACKETS = 300
#: A movie may end so much before its header says: the rounding of containers, not a file that was cut off.
_ROUNDING, _ROUNDING_SHARE = 0.5, 0.01
_NO_MOVIE = "it is not a movie, or its index is missing because it was cut off"
_NO_PICTURES = "no pictures are in it, or its index was cut off"


class Unreadable(Exception):
    """The file is no movie that can be shown; the text says why."""


def _open(av: Any, path: str) -> Any:
    try:
        return av.open(path, options={"format_whitelist": CONTAINERS, "protocol_whitelist": "file"})
    except (av.error.FFmpegError, ValueError):
        raise Unreadable(_NO_MOVIE) from None


def _picture_stream(av: Any, container: Any) -> Any:
    cover = av.stream.Disposition.attached_pic
    streams = [stream for stream in container.streams.video if not stream.disposition & cover]
    if not container.streams:
        raise Unreadable(_NO_MOVIE)
    if not streams:
        raise Unreadable("it has sound but no pictures" if container.streams.audio else _NO_PICTURES)
    if streams[0].codec_context is None:
        raise Unreadable("its pictures are in a format that is not known")
    return streams[0]


class _Reading:
    """What the packets of a movie tell."""

    def __init__(self, av: Any, container: Any, stream: Any) -> None:
        self._av, self._container, self._stream = av, container, stream
        self._sound = next((sound for sound in container.streams.audio if sound.codec_context is not None), None)
        self.frame: Any = None
        #: The place of the sound among the streams of sound, once some of it was decoded.
        self.audio: int | None = None
        self.packets = 0
        self.corrupt = False
        self.first: float | None = None
        self.last = 0.0
        self.end = 0.0  #: of pictures and sound
        self._heard = 0

    @property
    def streams(self) -> list[Any]:
        """What is read."""
        return [self._stream] if self._sound is None else [self._stream, self._sound]

    def run(self) -> None:
        """Read the movie to its end."""
        try:
            for packet in self._container.demux(*self.streams):
                if packet.pts is not None:
                    self.end = max(self.end, float((packet.pts + (packet.duration or 0)) * packet.time_base))
                if packet.stream_index == self._stream.index:
                    self._picture(packet)
                else:
                    self._listen(packet)
        except self._av.error.FFmpegError:
            if self.frame is None:
                raise Unreadable("it is damaged") from None
            raise Unreadable(f"it is damaged after {self.length:.1f} seconds") from None

    @property
    def length(self) -> float:
        """Seconds from the first picture to the end of the last one."""
        return self.last - (self.first or 0.0)

    def _decoded(self, packet: Any) -> list[Any]:
        try:
            return list(packet.decode())
        except self._av.error.FFmpegError:
            return []

    def _picture(self, packet: Any) -> None:
        if self.frame is None and self.packets < _MOST_PACKETS:
            self.frame = next(iter(self._decoded(packet)), None)
        if packet.size == 0 or packet.is_discard:
            return
        self.packets += 1
        self.corrupt = self.corrupt or packet.is_corrupt
        stamp = packet.pts if packet.pts is not None else packet.dts
        if stamp is None:
            return
        start = float(stamp * packet.time_base)
        rate = self._stream.average_rate or self._stream.guessed_rate
        length = float(packet.duration * packet.time_base) if packet.duration else 1 / float(rate or 25)
        self.first = start if self.first is None else min(self.first, start)
        self.last = max(self.last, start + length)

    def _listen(self, packet: Any) -> None:
        if self.audio is None and self._heard < _MOST_PACKETS:
            self._heard += 1
            if self._decoded(packet):
                self.audio = [sound.index for sound in self._container.streams.audio].index(packet.stream_index)


def _seconds(value: int | None, unit: Any) -> float | None:
    return None if value is None or value <= 0 else float(value * unit)


def probe(path: str) -> dict[str, Any]:
    """What the movie is. Raises Unreadable."""
    import av

    av.logging.set_level(None)
    with _open(av, path) as container:
        stream = _picture_stream(av, container)
        stream.codec_context.thread_count = 1
        reading = _Reading(av, container, stream)
        reading.run()
        codec = stream.codec_context.name
        frame = reading.frame
        if frame is None:
            raise Unreadable(f"its pictures ({codec}) cannot be decoded" if reading.packets else _NO_PICTURES)
        own = _seconds(stream.duration, stream.time_base)
        whole = _seconds(container.duration, 1 / av.time_base)
        starts = (container.start_time or 0) / av.time_base
        _check_whole(reading, reading.length, own)
        if own is None and len(container.streams) == len(reading.streams):
            _check_whole(reading, reading.end - starts, whole)
        alpha = any(component.is_alpha for component in frame.format.components)
        tagged = stream.metadata.get("alpha_mode", stream.metadata.get("ALPHA_MODE")) == "1"
        rate = stream.average_rate or stream.guessed_rate
        pixels = stream.sample_aspect_ratio or 1
        return {
            "codec": codec,
            "width": frame.width,
            "height": frame.height,
            "pixel_aspect": [pixels.numerator, pixels.denominator],
            "rotation": round(frame.rotation / 90) * 90 % 360,
            "rate": [rate.numerator, rate.denominator] if rate else None,
            "frames": reading.packets,
            "length": reading.length,
            "stated_duration": own or whole,
            "delay": max((reading.first or 0.0) - starts, 0.0),
            "audio": reading.audio,
            "alpha": alpha or tagged,
            "decoder": _TRANSPARENT.get(codec, "") if tagged else "",
            "is_rgb": bool(frame.format.is_rgb or frame.format.has_palette),
            "has_matrix": frame.colorspace != 2,
        }


def _check_whole(reading: _Reading, length: float, stated: float | None) -> None:
    """Refuse what ends before its header says, or in the middle of a picture."""
    rounding = max(_ROUNDING, (stated or 0) * _ROUNDING_SHARE)
    if reading.corrupt or (stated is not None and length < stated - rounding):
        of = f" of {stated:.1f}" if stated else ""
        raise Unreadable(f"it is cut off: {length:.1f}{of} seconds are there")


def main() -> None:
    """Print what each movie is, or why it is none."""
    for path in sys.argv[1:]:
        try:
            told = probe(path)
        except (Unreadable, MemoryError) as error:
            told = {"unreadable": str(error) or "it needs too much memory"}
        print(json.dumps(told), flush=True)  # noqa: T201
