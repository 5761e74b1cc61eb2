"""Small movies, made by ffmpeg itself, and what is in a movie."""

import io
import subprocess
import tempfile
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path

import av

from pegbar.media.movies.encoding import ffmpeg

#: A picture that changes with each frame.
MOVING = "testsrc=s=64x36:r={rate}:d={length}"


@cache
def clip(name: str, *arguments: str) -> bytes:
    """A movie called `name`, which tells its container, made with these arguments of ffmpeg."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        subprocess.run([ffmpeg(), "-v", "error", *arguments, str(path)], check=True)
        return path.read_bytes()


def moving(
    name: str = "take.mp4",
    *more: str,
    rate: str = "24",
    length: float = 1,
    picture: str = MOVING,
    sound: bool = False,
    filters: str = "null",
) -> bytes:
    """A movie of a moving picture, with a tone or silent."""
    tone = ["-f", "lavfi", "-i", f"sine=d={length}"] if sound else []
    source = picture.format(rate=rate, length=length)
    return clip(name, "-f", "lavfi", "-i", source, *tone, "-vf", filters, "-preset", "ultrafast", *more)


def rotated() -> bytes:
    """A movie that is to be turned by 90 degrees."""
    with tempfile.NamedTemporaryFile(suffix=".mp4") as lying:
        lying.write(moving(filters="format=yuv420p"))
        lying.flush()
        return clip("portrait.mp4", "-display_rotation", "90", "-i", lying.name, "-c", "copy")


@dataclass
class Contents:
    """The streams of a movie, and its pictures: their number, size, rate and length in seconds; the sound's length."""

    kinds: list[str]
    frames: int
    size: tuple[int, int]
    rate: Fraction
    length: float
    sound: float


def contents(movie: bytes) -> Contents:
    """What is in a movie, all of it decoded."""
    with av.open(io.BytesIO(movie)) as container:
        picture = container.streams.video[0]
        sound = container.streams.audio[0] if container.streams.audio else None
        rate = Fraction(picture.average_rate or 0)
        kinds = sorted(stream.type for stream in container.streams)
        streams = [picture] if sound is None else [picture, sound]
        frames, samples = 0, 0
        for frame in container.decode(*streams):
            if isinstance(frame, av.VideoFrame):
                frames += 1
                size = (frame.width, frame.height)
            else:
                samples += frame.samples
        seconds = samples / sound.rate if sound is not None and sound.rate else 0.0
        return Contents(kinds, frames, size, rate, float(frames / rate) if rate else 0.0, seconds)


def colour_of(picture: bytes, x: float, y: float) -> tuple[int, ...]:
    """The red, green and blue of a picture at a place, as shares of its width and height."""
    with av.open(io.BytesIO(picture)) as container:
        pixels = next(container.decode(video=0)).to_ndarray(format="rgb24")
    return tuple(int(value) for value in pixels[int(y * pixels.shape[0]), int(x * pixels.shape[1])])
