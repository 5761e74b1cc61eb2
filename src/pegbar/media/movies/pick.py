"""Takes frames out of a movie. A program (`core/work/programs.py`; `pick REQUEST`), confined: it is untrusted.

It imports nothing of Pegbar. The request is JSON: `source`, `seconds` (each a moment of the movie), `outputs` (a file
for each), `containers` and `max_pixels`. The movie is read forward once: what lies between two moments that are far
apart is skipped at its key frames. Prints JSON: `frames`, for each moment whether the movie has a frame there.
"""

import json
import sys
from collections.abc import Iterator
from typing import Any

LOADS = ("av", "numpy")
#: Moments are told in ten-thousandths of a second, and containers round to thousandths.
_ROUNDING = 0.002
#: Seconds between two moments from which the movie is skipped instead of decoded.
_FAR = 2.0
_ITU709, _ITU601, _UNSPECIFIED = 1, 5, 2


class Unreadable(Exception):
    """The file is no movie that frames can be taken of; the text says why."""


class Movie:
    """A movie whose frames are asked for in the order in which they come."""

    def __init__(self, av: Any, path: str, containers: str) -> None:
        self._container = av.open(path, options={"format_whitelist": containers, "protocol_whitelist": "file"})
        cover = av.stream.Disposition.attached_pic
        streams = [stream for stream in self._container.streams.video if not stream.disposition & cover]
        if not streams or streams[0].codec_context is None:
            raise Unreadable("it has no pictures")
        self._errors = av.error.FFmpegError
        self._stream = streams[0]
        self._stream.codec_context.thread_count = 2
        self._start = float((self._stream.start_time or 0) * self._stream.time_base)
        rate = self._stream.average_rate or self._stream.guessed_rate or 25
        self._frame_length = 1 / float(rate)
        self._frames = self._decoded()
        self._shown: tuple[float, Any] | None = None
        self._next: tuple[float, Any] | None = None
        self._advance()

    def _decoded(self) -> Iterator[tuple[float, Any]]:
        """The frames from here on, each with the second at which it is shown."""
        for packet in self._container.demux(self._stream):
            try:
                frames = packet.decode()
            except self._errors:
                continue
            for frame in frames:
                if frame.pts is not None:
                    yield float(frame.pts * frame.time_base) - self._start, frame

    def _advance(self) -> None:
        self._shown = self._next
        self._next = next(self._frames, None)

    def _skip_to(self, second: float) -> None:
        target = int((second + self._start) / self._stream.time_base)
        self._container.seek(max(target, self._stream.start_time or 0), stream=self._stream)
        self._frames = self._decoded()
        self._next = None
        self._advance()

    def at(self, second: float) -> Any:
        """The frame that is shown at a moment; None when the movie is over by then."""
        moment = second + min(_ROUNDING, self._frame_length / 2)
        if self._next is not None and moment > self._next[0] + _FAR:
            self._skip_to(second)
        while self._next is not None and self._next[0] <= moment:
            self._advance()
        if self._shown is None:  # nothing is shown before the first frame: it counts from the start
            return self._next[1] if self._next is not None else None
        if self._next is None and moment >= self._shown[0] + self._length_of(self._shown[1]):
            return None
        return self._shown[1]

    def _length_of(self, frame: Any) -> float:
        return float(frame.duration * frame.time_base) if frame.duration else self._frame_length

    def save(self, frame: Any, path: str) -> None:
        """Write a frame as PNG, as it is seen: with square pixels, upright."""
        import av
        import numpy as np

        pixels = self._stream.sample_aspect_ratio or 1
        width = max(round(frame.width * float(pixels) / 2) * 2, 2) if pixels != 1 else frame.width
        matrix = frame.colorspace
        if matrix == _UNSPECIFIED:
            matrix = _ITU709 if frame.width >= 1280 or frame.height > 576 else _ITU601
        alpha = any(component.is_alpha for component in frame.format.components)
        kind = "rgba" if alpha else "rgb24"
        seen = frame.reformat(width=width, format=kind, src_colorspace=matrix).to_ndarray()
        turned = np.ascontiguousarray(np.rot90(seen, round(frame.rotation / 90)))
        av.VideoFrame.from_ndarray(turned, format=kind).save(path)


def pick(request: dict[str, Any]) -> list[bool]:
    """Write the frames; which of them there are. Raises Unreadable."""
    import av

    av.logging.set_level(None)
    order = sorted(range(len(request["seconds"])), key=lambda place: request["seconds"][place])
    there = [False] * len(order)
    try:
        movie = Movie(av, request["source"], request["containers"])
        for place in order:
            frame = movie.at(request["seconds"][place])
            if frame is None:
                continue
            if frame.width * frame.height > request["max_pixels"]:
                raise Unreadable(f"it has {frame.width} x {frame.height} pixels; {request['max_pixels']} are the most")
            movie.save(frame, request["outputs"][place])
            there[place] = True
    except av.error.FFmpegError:
        raise Unreadable("it is damaged, or not a movie") from None
    return there


def main() -> None:
    """Do what the request says, or tell why not."""
    try:
        print(json.dumps({"frames": pick(json.loads(sys.argv[1]))}))  # noqa: T201
    except (Unreadable, MemoryError) as error:
        print(json.dumps({"unreadable": str(error) or "it needs too much memory"}))  # noqa: T201
        sys.exit(1)
