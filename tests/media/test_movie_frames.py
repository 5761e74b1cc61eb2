"""Frames are those that the movie shows at the moments asked for, in whatever order."""

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from pegbar.media.movies import pick, probe
from tests.media.clips import moving, rotated

#: Two seconds apart are skipped, and key frames are rare or at every frame.
CLIPS: dict[str, Callable[[], bytes]] = {
    "rare key frames": lambda: moving("a.mp4", "-g", "100", "-bf", "3", length=8, rate="10"),
    "matroska": lambda: moving("a.mkv", "-g", "100", length=8, rate="10"),
    "key frames only": lambda: moving("a.mov", "-c:v", "mjpeg", length=8, rate="10"),
    "no whole rate": lambda: moving("a.mp4", length=8, rate="30000/1001"),
}


def picked(source: Path, seconds: list[float], folder: Path) -> list[np.ndarray | None]:
    outputs = [folder / f"{place}.png" for place in range(len(seconds))]
    there = pick.pick(
        {
            "source": str(source),
            "seconds": seconds,
            "outputs": [str(path) for path in outputs],
            "containers": probe.CONTAINERS,
            "max_pixels": 10**6,
        }
    )
    return [pixels(path) if found else None for path, found in zip(outputs, there, strict=True)]


def pixels(path: Path) -> np.ndarray:
    with av.open(path) as container:
        return next(container.decode(video=0)).to_ndarray(format="rgb24")


@pytest.mark.parametrize("name", CLIPS)
def test_each_moment_has_the_frame_that_is_shown_then(tmp_path: Path, name: str) -> None:
    source = tmp_path / "movie"
    source.write_bytes(CLIPS[name]())
    with av.open(source) as container:
        rate = container.streams.video[0].average_rate
        assert rate is not None
        every = [frame.to_ndarray(format="rgb24").astype(float) for frame in container.decode(video=0)]
    numbers = [len(every) - 1, 0, 55, 1, 2, 56, 30, 31, 7, 0]
    # As players round them, and in the middle of a frame.
    seconds = [round(number / float(rate), 4) for number in numbers]
    middle = [(number + 0.4) / float(rate) for number in numbers]
    for moments in (seconds, middle):
        for number, frame in zip(numbers, picked(source, moments, tmp_path), strict=True):
            assert frame is not None
            distances = [float(np.abs(other - frame).mean()) for other in every]
            assert distances[number] <= min(distances) + 0.01, (name, number, int(np.argmin(distances)))
    assert picked(source, [len(every) / float(rate), 1e6], tmp_path) == [None, None]


def test_a_frame_stands_upright(tmp_path: Path) -> None:
    source = tmp_path / "movie"
    source.write_bytes(rotated())
    (frame,) = picked(source, [0.5], tmp_path)
    assert frame is not None
    assert frame.shape == (64, 36, 3)


def test_what_is_no_movie_has_no_frames(tmp_path: Path) -> None:
    source = tmp_path / "movie"
    source.write_bytes(b"no movie")
    with pytest.raises(pick.Unreadable):
        picked(source, [0], tmp_path)
