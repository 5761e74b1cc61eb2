"""Joins movies without encoding a picture anew.

    join REQUEST

A program (`core/work/programs.py`), confined: movies are untrusted. It imports nothing of Pegbar. REQUEST is a file
with `{"sources": [paths], "output": path, "containers": names}`. It prints `{"place": …}` of each source that is done
and at the end `{"done": frames}`, or why there is no movie, with the place of the source at fault: `{"unlike": why}` of
one whose streams differ from those of the first, which encoding can mend; `{"unreadable": why}` of one that is no
movie, which it cannot. Exits with 1 then.

A source begins when the pictures of the one before end, to the tick. Its sound is cut at whole packets, each placed
where it belongs to half a packet (12 ms), so that nothing drifts however many there are; where there is none, there is
silence. Source: spec review, "Build jobs", Movie content.
"""

import json
import struct
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

LOADS = ("av",)
#: What an mp4 may hold that browsers and players of the trade show.
_PICTURES, _SOUNDS = ("h264", "hevc", "av1"), ("aac",)
#: Silence is made of these when no source has sound.
_RATE, _LAYOUT = 44100, "stereo"
#: Sources that stay open between the look at all and their turn. A process has 256 files.
_OPEN = 100
#: Bytes of a movie's index: of its head, and for each packet at the most.
_INDEX, _INDEX_OF_PACKET = 2**16, 64
#: A movie may end so many seconds before its header says: the rounding of containers, not a file that was cut off.
_ROUNDING = Fraction(1, 2)
#: Bytes of the header of a track that hold how it is shown, and the numbers there of one that is shown as it is.
_TRACK_HEADER, _UPRIGHT = 88, struct.pack(">4I", 1 << 16, 0, 0, 1 << 16)
#: Says that a sound has no high band, which goes without saying.
_NO_HIGH_BAND = b"\x56\xe5\x00"


class AtFault(Exception):
    """A source that keeps the movie from being joined."""

    def __init__(self, kind: str, why: str, place: int) -> None:
        super().__init__(why)
        self.answer = {kind: why, "place": place}


def unlike(why: str, place: int) -> AtFault:
    """A source that would have to be encoded."""
    return AtFault("unlike", why, place)


def unreadable(why: str, place: int) -> AtFault:
    """A source that is no movie."""
    return AtFault("unreadable", why, place)


def _boxes(file: BinaryIO, end: int) -> Iterator[tuple[bytes, int]]:
    """The boxes of an mp4 up to a place: the kind of each and where it ends. The file stands behind its head."""
    start = file.tell()
    while start + 8 <= end:
        file.seek(start)
        size, kind = struct.unpack(">I4s", file.read(8))
        if size == 1:
            (size,) = struct.unpack(">Q", file.read(8))
        following = end if size == 0 else start + size
        if not start + 8 <= following <= end:
            return  # who reads all of it will complain
        yield kind, following
        start = following


def is_turned(path: str) -> bool:
    """Whether a track of an mp4 is to be turned or stretched to be shown: only its own header tells."""
    with Path(path).open("rb") as file:
        for kind, end in _boxes(file, Path(path).stat().st_size):
            for inner, stop in _boxes(file, end) if kind == b"moov" else ():
                for header, _ in _boxes(file, stop) if inner == b"trak" else ():
                    if header == b"tkhd":
                        fields = file.read(_TRACK_HEADER)
                        matrix = fields[52:88] if fields[:1] == b"\x01" else fields[40:76]
                        if matrix[:8] + matrix[12:20] != _UPRIGHT:
                            return True
    return False


class Source:
    """A movie to join: its streams, and what they must have in common with the others."""

    def __init__(self, av: Any, container: Any, place: int) -> None:
        self.container, self.place = container, place
        cover = av.stream.Disposition.attached_pic
        pictures = [stream for stream in container.streams.video if not stream.disposition & cover]
        if not pictures:
            raise unreadable("it has no movie stream", place)
        self.picture: Any = pictures[0]
        self.sound: Any = next(iter(container.streams.audio), None)
        if self.picture.codec_context is None or not self.picture.time_base:
            raise unlike("its pictures are in a format that is not known", place)
        if self.sound is not None and self.sound.codec_context is None:
            raise unlike("its sound is in a format that is not known", place)

    def check(self, first: "Source") -> None:
        """Refuse what cannot follow the first one without being encoded."""
        if "mp4" not in self.container.format.name:
            raise unlike(f"it is no mp4 file ({self.container.format.name})", self.place)
        if self.picture.codec_context.name not in _PICTURES:
            raise unlike(f"its pictures are {self.picture.codec_context.name}", self.place)
        if is_turned(self.container.name):
            raise unlike("its pictures are turned or stretched when they are shown", self.place)
        for name, mine, others in zip(_NAMES, self._look, first._look, strict=True):
            if mine != others:
                told = f" ({mine} instead of {others})" if name else ""
                raise unlike(f"its {name or 'encoding'} is another{told}", self.place)

    @property
    def _look(self) -> tuple[Any, ...]:
        coded, stream = self.picture.codec_context, self.picture
        return (
            coded.name,
            f"{coded.width}x{coded.height}",
            str(stream.average_rate),
            str(stream.sample_aspect_ratio or 1),
            coded.pix_fmt,
            stream.time_base,
            bytes(coded.extradata or b""),
        )

    def check_sound(self, track: "Track") -> None:
        """Refuse sound that cannot follow that of the first one which has any."""
        if self.sound is None:
            return
        coded = self.sound.codec_context
        if coded.name not in _SOUNDS:
            raise unlike(f"its sound is {coded.name}", self.place)
        mine = f"{coded.sample_rate} Hz {coded.layout.name}"
        if mine != track.named:
            raise unlike(f"its sound is {mine} instead of {track.named}", self.place)
        if _plain(coded.extradata) != track.extradata:
            raise unlike("its sound is encoded otherwise", self.place)

    def check_whole(self, end: int) -> None:
        """Refuse what ended before its header says."""
        if not end:
            raise unreadable("it has no pictures", self.place)
        unit, stated = self.picture.time_base, self.picture.duration
        if stated and (stated - end) * unit > _ROUNDING:
            whole = f"{float(end * unit):.1f} of {float(stated * unit):.1f} seconds"
            raise unreadable(f"it is cut off: {whole} are there", self.place)

    @property
    def index(self) -> int:
        """The bytes that its packets take in the index of the movie, at the most."""
        seconds = float((self.picture.duration or 0) * self.picture.time_base)
        heard = self.sound.frames if self.sound is not None else 0
        # Where a file tells no numbers: no more than so many a second, and one of sound for each 1,024 samples.
        packets = (self.picture.frames or int(seconds * 240)) + max(heard, int(seconds * 96))
        return packets * _INDEX_OF_PACKET

    @property
    def streams(self) -> list[Any]:
        """What is read of it."""
        return [self.picture] if self.sound is None else [self.picture, self.sound]


#: What `Source._look` compares, as people call it; the rest is of no name.
_NAMES = ("codec", "size", "frame rate", "pixel aspect", "pixel format", "", "")


def _plain(extradata: bytes | None) -> bytes:
    return bytes(extradata or b"").removesuffix(_NO_HIGH_BAND)


class Track:
    """The sound of the movie: packets of the same length without gaps, the samples that there are so far."""

    def __init__(self, av: Any, like: Source | None) -> None:
        self._av = av
        coded = None if like is None else like.sound.codec_context
        self.rate = _RATE if coded is None else coded.sample_rate
        self.layout = _LAYOUT if coded is None else coded.layout.name
        self.named = f"{self.rate} Hz {self.layout}"
        self._silence, made = self._silent_packet()
        self.extradata = made if coded is None else _plain(coded.extradata)
        #: Whether decoders of this sound take our silence.
        self.has_silence = made == self.extradata
        self.length = 1024
        self.clock = 0
        self.stream: Any = None

    def _silent_packet(self) -> tuple[bytes, bytes]:
        """A packet of silence with what a decoder needs to know."""
        codec = self._av.CodecContext.create("aac", "w")
        codec.sample_rate, codec.layout, codec.format = self.rate, self.layout, "fltp"
        codec.time_base, codec.bit_rate = Fraction(1, self.rate), 128_000
        codec.flags |= self._av.codec.context.Flags.global_header
        packets: list[bytes] = []
        while len(packets) < 3:
            frame = self._av.AudioFrame(format="fltp", layout=self.layout, samples=1024)
            for plane in frame.planes:
                plane.update(bytes(plane.buffer_size))
            frame.sample_rate, frame.pts, frame.time_base = self.rate, len(packets) * 1024, codec.time_base
            packets += [bytes(packet) for packet in codec.encode(frame)]
        return packets[-1], _plain(codec.extradata)

    def placed(self, packet: Any) -> Any:
        """A packet at the end of the sound so far."""
        packet.stream, packet.time_base = self.stream, Fraction(1, self.rate)
        packet.pts = packet.dts = self.clock
        packet.duration = self.length
        self.clock += self.length
        return packet

    def silence(self, until: int) -> Iterator[Any]:
        """As many packets of silence as bring the sound closest to a sample."""
        while self.clock + self.length // 2 < until:
            yield self.placed(self._av.Packet(self._silence))


class Joining:
    """A movie being joined. Files that it leaves open are closed with its process."""

    def __init__(self, av: Any, request: Any) -> None:
        self._av, self._request = av, request
        self._places = range(len(request["sources"]))
        #: Sources that were looked at and not yet appended, as many as are kept open.
        self._looked_at: dict[int, Source] = {}
        #: Ticks of pictures and the number of frames so far.
        self.ticks = self.frames = 0
        self._decoded: int | None = None  #: when the last picture is decoded

    def open(self, place: int) -> Source:
        """One of the sources. Raises AtFault."""
        if place in self._looked_at:
            return self._looked_at.pop(place)
        options = {"format_whitelist": self._request["containers"], "protocol_whitelist": "file"}
        try:
            container = self._av.open(self._request["sources"][place], options=options)
        except (self._av.error.FFmpegError, ValueError):
            raise unreadable("it is not a movie, or it was cut off", place) from None
        return Source(self._av, container, place)

    def checked(self) -> tuple[Source, Track, int]:
        """The first source, the sound that all are given, and the bytes of the index, once all were found alike."""
        first, track, index = self.open(0), None, _INDEX
        silent: list[int] = []
        for place in self._places:
            source = first if place == 0 else self.open(place)
            source.check(first)
            index += source.index
            if source.sound is None:
                silent.append(place)
            else:
                track = track or Track(self._av, source)
                source.check_sound(track)
            if 0 < place < _OPEN:
                self._looked_at[place] = source
            elif place:
                source.container.close()
        track = track or Track(self._av, None)
        if silent and not track.has_silence:
            raise unlike(f"it has no sound, where others have {track.named}", silent[0])
        return first, track, index

    def run(self) -> int:
        """Write the movie; the number of its frames. Raises AtFault."""
        first, track, index = self.checked()
        # The index goes where players look first, into room left for it: writing all once more takes twice as long.
        options = {"moov_size": str(index)}
        with self._av.open(self._request["output"], "w", format="mp4", options=options) as output:
            picture = output.add_stream_from_template(first.picture, opaque=True)
            picture.time_base = first.picture.time_base
            track.stream = self._sound_stream(output, first, track)
            for place in self._places:
                source = first if place == 0 else self.open(place)
                with source.container:
                    self._append(output, picture, track, source)
                print(json.dumps({"place": place}), flush=True)  # noqa: T201
        return self.frames

    def _sound_stream(self, output: Any, first: Source, track: Track) -> Any:
        if first.sound is not None:
            stream = output.add_stream_from_template(first.sound, opaque=True)
        else:
            stream = output.add_stream("aac", rate=track.rate, layout=track.layout)
        stream.time_base = Fraction(1, track.rate)
        return stream

    def _append(self, output: Any, picture: Any, track: Track, source: Source) -> None:
        """Put a source behind what there is."""
        stretch, start, end = Stretch(source, self.ticks, track.rate), source.picture.start_time or 0, 0
        if source.place == 0 and source.sound is not None:  # decoders need the packet before the first one
            track.clock = -track.length
        try:
            for packet in source.container.demux(*source.streams):
                if packet.size == 0 or packet.pts is None:
                    continue
                if packet.stream_index != source.picture.index:
                    self._hear(output, track, packet, stretch)
                    continue
                if source.sound is None:
                    self._silence(output, track, stretch.sample_of(packet.pts - start))
                end = max(end, packet.pts - start + (packet.duration or 0))
                self._show(output, picture, packet, self.ticks - start, source.place)
        except self._av.error.FFmpegError as error:
            raise unreadable(f"it is damaged ({error.strerror})", source.place) from None
        source.check_whole(end)
        self._silence(output, track, stretch.sample_of(end))
        self.ticks += end

    def _show(self, output: Any, picture: Any, packet: Any, later: int, place: int) -> None:
        packet.stream = picture
        packet.pts += later
        packet.dts = packet.pts if packet.dts is None else packet.dts + later
        if self._decoded is not None and packet.dts <= self._decoded:
            raise unlike("its pictures are stored in another order", place)
        self._decoded = packet.dts
        self.frames += 1
        output.mux(packet)

    def _hear(self, output: Any, track: Track, packet: Any, stretch: "Stretch") -> None:
        """Take a packet of sound, unless there is sound already where it belongs, or its pictures are over by then."""
        # Moments are rounded; a coder with another idea of a packet makes them twice as long.
        if (packet.duration or 0) * stretch.heard_at * 2 > track.length * 3:
            raise unlike("its sound is in packets of another length", stretch.place)
        at = stretch.sample_of_sound(packet.pts)
        middle = at + track.length // 2
        if middle > track.clock and (stretch.ends is None or middle < stretch.ends):
            self._silence(output, track, at)
            output.mux(track.placed(packet))

    @staticmethod
    def _silence(output: Any, track: Track, until: int) -> None:
        for packet in track.silence(until):
            output.mux(packet)


class Stretch:
    """Where a source goes in the movie, in samples of its sound."""

    def __init__(self, source: Source, ticks: int, rate: int) -> None:
        self.place = source.place
        self._shown_at: Fraction = source.picture.time_base * rate
        self._begins: int = round(ticks * self._shown_at)
        stated = source.picture.duration
        self.ends = self.sample_of(stated) if stated else None
        self.heard_at: Fraction | int = 1 if source.sound is None else source.sound.time_base * rate
        self._heard_from: int = self._begins - round((source.picture.start_time or 0) * self._shown_at)

    def sample_of(self, ticks: int) -> int:
        """The sample of a moment of its pictures."""
        return self._begins + round(ticks * self._shown_at)

    def sample_of_sound(self, pts: int) -> int:
        """The sample of a moment of its sound."""
        return self._heard_from + (pts if self.heard_at == 1 else round(pts * self.heard_at))


def main() -> None:
    """Join, and print how it went."""
    import av

    av.logging.set_level(None)
    try:
        frames = Joining(av, json.loads(Path(sys.argv[1]).read_text())).run()
    except AtFault as fault:
        print(json.dumps(fault.answer))  # noqa: T201
        sys.exit(1)
    print(json.dumps({"done": frames}))  # noqa: T201
