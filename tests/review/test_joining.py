"""Joining movies: by the program itself, without a server."""

import io
import json
import subprocess
import tempfile
from fractions import Fraction
from hashlib import md5
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import pytest

from pegbar.core.work import programs
from pegbar.media.movies.probe import CONTAINERS
from pegbar.review.builds import join
from tests.media.clips import clip, moving

_LIKE = ("-pix_fmt", "yuv420p", "-g", "2", "-ac", "2", "-ar", "44100")


def take(length: float, *, sound: bool = True, rate: str = "24000/1001", pitch: int = 440) -> bytes:
    """A movie with B frames, as encoders of cameras and editors make them, and with a tone."""
    tone = ("-f", "lavfi", "-i", f"sine=f={pitch}:d={length}") if sound else ()
    picture = f"testsrc2=s=64x36:r={rate}:d={length}"
    return clip("take.mp4", "-f", "lavfi", "-i", picture, *tone, "-preset", "medium", *_LIKE)


def joined(folder: Path, *movies: bytes) -> tuple[dict[str, Any], Path]:
    """The last that the program says, and what it makes."""
    sources = [folder / f"{place}.mp4" for place in range(len(movies))]
    for path, movie in zip(sources, movies, strict=True):
        path.write_bytes(movie)
    output, request = folder / "joined.mp4", folder / "request.json"
    document = {"sources": [str(path) for path in sources], "output": str(output), "containers": CONTAINERS}
    request.write_text(json.dumps(document))
    run = subprocess.run(programs.command(join.__name__, str(request)), capture_output=True, check=False, text=True)
    return json.loads(run.stdout.splitlines()[-1]), output


def pictures(movie: bytes) -> list[tuple[Fraction, str]]:
    """When each frame of a movie is shown, and what it shows."""
    with av.open(io.BytesIO(movie), "r") as container:
        return [
            (frame.pts * frame.time_base, md5(frame.to_ndarray().tobytes()).hexdigest())
            for frame in container.decode(video=0)
            if frame.pts is not None and frame.time_base is not None
        ]


def sound(movie: bytes) -> tuple[float, float, set[int]]:
    """When the sound of a movie starts and ends, and the steps between its pieces, in samples."""
    with av.open(io.BytesIO(movie), "r") as container:
        stamps = [round(frame.pts * frame.time_base * 44100) for frame in container.decode(audio=0)]  # type: ignore[operator]
    steps = {later - earlier for earlier, later in pairwise(stamps)}
    return stamps[0] / 44100, (stamps[-1] + 1024) / 44100, steps


def test_no_picture_changes_and_nothing_drifts(tmp_path: Path) -> None:
    movies = [take(0.5 + place % 7 / 10, pitch=200 + 10 * place) for place in range(7)] * 6
    answer, output = joined(tmp_path, *movies)
    whole = output.read_bytes()
    shown, expected = pictures(whole), [picture for movie in movies for _, picture in pictures(movie)]
    assert (answer, [picture for _, picture in shown]) == ({"done": len(expected)}, expected)
    moments = [moment for moment, _ in shown]
    assert moments == [Fraction(1001, 24000) * place for place in range(len(expected))]
    start, end, steps = sound(whole)
    assert (start, steps) == (0, {1024})
    assert abs(end - float(moments[-1] + Fraction(1001, 24000))) < 0.024


def test_each_sound_stays_with_its_pictures(tmp_path: Path) -> None:
    """A tone that begins with the last of many movies begins with its pictures."""
    silent = take(0.7, sound=False)
    _, output = joined(tmp_path, *[silent] * 20, take(1))
    begins = 20 * len(pictures(silent)) * 1001 / 24000
    with av.open(str(output), "r") as container:
        for frame in container.decode(audio=0):
            if frame.to_ndarray().max() > 0.05:
                assert abs(float(frame.pts * frame.time_base) - begins) < 0.04  # type: ignore[operator]
                return
    pytest.fail("there is no tone")


@pytest.mark.parametrize("has_sound", [(False, False), (False, True), (True, False)])
def test_silence_takes_the_place_of_sound(tmp_path: Path, has_sound: tuple[bool, bool]) -> None:
    _, output = joined(tmp_path, *[take(0.8, sound=audible) for audible in has_sound])
    start, end, steps = sound(output.read_bytes())
    assert (start, steps) == (0, {1024})
    assert abs(end - 1.6) < 0.1


def test_what_is_not_alike_is_told(tmp_path: Path) -> None:
    first = take(0.5)
    picture, tone = "testsrc2=s=64x36:r=24000/1001:d=0.5", "sine=d=0.5"
    single = ("-preset", "medium", *_LIKE, "-ac", "1")
    mono = clip("mono.mp4", "-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", tone, *single)
    with tempfile.NamedTemporaryFile(suffix=".mp4") as lying:
        lying.write(first)
        lying.flush()
        turned = clip("turned.mp4", "-display_rotation", "180", "-i", lying.name, "-c", "copy")
    for other, why in {
        moving(length=0.5, rate="24000/1001"): "pixel format",
        turned: "turned",
        take(0.5, rate="25"): "frame rate is another (25 instead of 24000/1001)",
        mono: "44100 Hz mono instead of 44100 Hz stereo",
        moving("a.webm"): "no mp4 file",
    }.items():
        answer, _ = joined(tmp_path, first, other)
        assert (answer["place"], why in answer["unlike"]) == (1, True), answer


def test_what_is_no_movie_is_told(tmp_path: Path) -> None:
    first = take(0.5)
    long = take(3)
    listing = f"ffconcat version 1.0\nfile {tmp_path}/0.mp4\n".encode()
    for other, why in {
        b"": "not a movie",
        listing: "not a movie",
        long[:5000]: "not a movie",
        clip("tone.mp4", "-f", "lavfi", "-i", "sine=d=0.5"): "no movie stream",
        clip("front.mp4", "-f", "lavfi", "-i", "testsrc2=s=64x36:r=24000/1001:d=3", *_LIKE, "-preset", "medium",
             "-movflags", "+faststart")[:-8000]: "cut off",
    }.items():  # fmt: skip
        answer, _ = joined(tmp_path, first, other)
        assert (answer.get("place"), why in answer.get("unreadable", "")) == (1, True), answer
