"""The pictures of a movie come from the command that encodes it, and are those that are made of any other picture."""

import subprocess
from pathlib import Path

import msgspec
import numpy as np
import OpenImageIO as oiio
import pytest

from pegbar.media.movies import probe
from pegbar.media.movies.command import command, stills
from pegbar.media.movies.encoding import encoding_wanted, ffmpeg
from pegbar.media.movies.plan import Options, Probe, Wishes, planned
from pegbar.media.pictures import DERIVED, ORIGINAL
from tests.media.clips import moving, rotated
from tests.media.rendering import make

SHAPES = {
    "wide": (moving(picture="testsrc2=s=640x360:r={rate}:d={length}", length=0.2), "640x360"),
    "in a canvas of another shape": (moving(length=0.2), "320x320"),
    "upright": (rotated(), "180x320"),
    "small": (moving(length=0.2), "100x100"),
    "very wide": (moving(picture="testsrc2=s=800x60:r={rate}:d={length}", length=0.2), "800x100"),
    "odd": (moving(picture="testsrc2=s=366x205:r={rate}:d={length}", length=0.2), "367x205"),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_they_are_as_those_of_a_picture(tmp_path: Path, shape: str) -> None:
    data, resolution = SHAPES[shape]
    source = tmp_path / "take.mp4"
    source.write_bytes(data)
    what = msgspec.convert(probe.probe(str(source)), Probe)
    plan = planned(what, Wishes(project_fps="24", project_resolution=resolution), Options())
    line = command(ffmpeg(), source, tmp_path, what, plan, encoding_wanted())
    subprocess.run(line, check=True, stdout=subprocess.DEVNULL)
    paths = stills(tmp_path)
    answer, pictures = make(paths[ORIGINAL], *[(variant.fit, variant.width, variant.height) for variant in DERIVED])
    assert (answer["width"], answer["height"]) == plan.canvas
    for variant, like in zip(DERIVED, pictures, strict=True):
        of_movie = _pixels(oiio.ImageBuf(str(paths[variant])))
        of_picture = _pixels(like)
        assert of_movie.shape == of_picture.shape, variant
        # What is not filled can be seen through, and nothing else.
        assert (of_movie[..., 3] == of_picture[..., 3]).all(), variant
        # They were made smaller by other hands: edges of the test picture are not the same to the last bit.
        assert np.abs(of_movie[..., :3] - of_picture[..., :3]).mean() < 4, variant


def _pixels(picture: oiio.ImageBuf) -> np.ndarray:
    pixels: np.ndarray = picture.get_pixels(oiio.UINT8).astype(int)
    return pixels
