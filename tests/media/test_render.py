"""Pictures made from uploads: sizes, orientation, transparency, and files that are none."""

from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pegbar.media import render
from pegbar.media.render import program
from tests.media.publishing import bomb, png, size_of
from tests.media.rendering import make, measured

_SIDES = st.integers(1, 5000)


@given(_SIDES, _SIDES, st.integers(1, 1200), st.integers(1, 1200))
def test_a_fitted_picture_touches_its_box_and_never_leaves_it(width: int, height: int, wide: int, high: int) -> None:
    w, h = render.fit(width, height, wide, high)
    assert 1 <= w <= wide
    assert 1 <= h <= high
    assert w == wide or h == high


def test_the_sizes_of_the_specification() -> None:
    assert render.fit(640, 320, 150, 100) == (150, 75)
    assert render.fit(90, 180, 150, 100) == (50, 100)
    assert render.preview_box(640, 320) == (1200, 600)
    assert render.fit(640, 320, *render.preview_box(640, 320)) == (1200, 600)


def test_previews_of_extreme_ratios_are_capped() -> None:
    assert render.preview_box(10, 10000) == (1200, 12000)


def write(path: Path, width: int, height: int, channels: int = 3, **attributes: Any) -> Path:
    """A picture whose left half is red, and whose right half is blue."""
    picture = oiio.ImageBuf(oiio.ImageSpec(width, height, channels, oiio.UINT8))
    left = oiio.ROI(0, width // 2, 0, height, 0, 1, 0, channels)
    right = oiio.ROI(width // 2, width, 0, height, 0, 1, 0, channels)
    oiio.ImageBufAlgo.fill(picture, ((1, 0, 0, 1)[:channels]), left)
    oiio.ImageBufAlgo.fill(picture, ((0, 0, 1, 1)[:channels]), right)
    for name, value in attributes.items():
        picture.specmod().attribute(name, value)
    assert picture.write(str(path)), picture.geterror()
    return path


def test_exif_orientation_is_applied(tmp_path: Path) -> None:
    lying = write(tmp_path / "photo.jpg", 80, 40, Orientation=6)
    answer, [upright] = make(lying, ("none", 0, 0))
    assert answer == {"width": 40, "height": 80}
    assert (upright.spec().width, upright.spec().get_int_attribute("Orientation", 1)) == (40, 1)
    top, bottom = upright.getpixel(20, 5), upright.getpixel(20, 75)
    assert top[0] > 0.8 > 0.2 > top[2]
    assert bottom[2] > 0.8 > 0.2 > bottom[0]


def test_padding_is_clear_and_alpha_is_kept(tmp_path: Path) -> None:
    source = tmp_path / "glass.png"
    source.write_bytes(png(40, 40, (200, 100, 50, 128)))
    _, [original, small] = make(source, ("none", 0, 0), ("contain", 150, 100))
    assert (tmp_path / "out-0").read_bytes()[25] == 6
    padding, middle = small.getpixel(2, 50), small.getpixel(75, 50)
    assert padding[3] == 0
    assert middle[3] == pytest.approx(0.5, abs=0.01)
    assert original.getpixel(5, 5)[3] == pytest.approx(0.5, abs=0.01)


def test_a_crop_fills_its_box(tmp_path: Path) -> None:
    _, [square] = make(write(tmp_path / "wide.png", 400, 100), ("crop", 150, 150))
    assert (square.spec().width, square.spec().height) == (150, 150)
    assert square.getpixel(5, 75)[0] > 0.8
    assert square.getpixel(145, 75)[2] > 0.8


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_every_number_of_channels_is_taken(tmp_path: Path, channels: int) -> None:
    answer, [original, _] = make(write(tmp_path / "a.png", 20, 10, channels), ("none", 0, 0), ("contain", 40, 40))
    assert answer == {"width": 20, "height": 10}
    assert original.spec().nchannels == channels


def test_truncated_pictures_are_tolerated_or_refused_never_worse(tmp_path: Path) -> None:
    whole = write(tmp_path / "whole.jpg", 300, 300).read_bytes()
    for part in (len(whole) // 2, 30, 0):
        cut = tmp_path / f"cut{part}.jpg"
        cut.write_bytes(whole[:part])
        answer, _ = make(cut, ("none", 0, 0))
        assert set(answer) in ({"unreadable"}, {"width", "height"})


def test_a_bomb_is_refused_before_its_pixels_are_read(tmp_path: Path) -> None:
    source = tmp_path / "bomb.png"
    source.write_bytes(png(2000, 2000))
    answer, made = make(source, ("none", 0, 0), max_pixels=10**6)
    assert answer["unreadable"].startswith("it has 2000 x 2000 pixels")
    assert made == []


def test_a_bomb_of_361_megapixels_costs_what_its_header_does(tmp_path: Path) -> None:
    source = tmp_path / "bomb.png"
    source.write_bytes(bomb(19000))
    assert source.stat().st_size < 100_000
    code, said, memory = measured(source, "none")
    assert (code, said) == (1, {"unreadable": "it has 19000 x 19000 pixels; 134217728 are the most"})
    assert memory < 150 * 2**20
    assert not (tmp_path / "out").exists()


def test_a_large_picture_is_never_whole_in_memory(tmp_path: Path) -> None:
    source = tmp_path / "wide.png"
    source.write_bytes(bomb(8192))
    code, said, memory = measured(source, "contain")
    assert (code, said) == (0, {"width": 8192, "height": 8192})
    assert memory < 8192**2 * 4  # its red, green, blue and alpha in eight bits
    assert size_of((tmp_path / "out").read_bytes()) == (150, 100)


def test_a_large_picture_is_left_for_a_process_for_large_ones(tmp_path: Path) -> None:
    source = write(tmp_path / "a.png", 100, 100)
    assert measured(source, "none", small_pixels=9_999)[:2] == (render.LARGE, {})
    assert not (tmp_path / "out").exists()
    assert measured(source, "none", small_pixels=10_000)[:2] == (0, {"width": 100, "height": 100})


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_stands_as_its_orientation_says(orientation: int) -> None:
    pixels = np.arange(5 * 3, dtype=np.float32).reshape(3, 5, 1)
    lying = oiio.ImageBuf(pixels)
    lying.specmod().attribute("Orientation", orientation)
    expected = oiio.ImageBufAlgo.reorient(lying).get_pixels(oiio.FLOAT)
    assert program.upright(pixels, orientation).tolist() == expected.tolist()


def test_a_large_picture_keeps_its_place_when_it_is_averaged_first(tmp_path: Path) -> None:
    large = write(tmp_path / "large.jpg", 6000, 3001, Orientation=6)
    answer, [small, original] = make(large, ("contain", 150, 100), ("none", 0, 0))
    assert answer == {"width": 3001, "height": 6000}
    assert (original.spec().width, original.spec().height) == (3001, 6000)
    assert small.getpixel(75, 10)[0] == pytest.approx(1, abs=0.02)
    assert small.getpixel(75, 90)[2] == pytest.approx(1, abs=0.02)
    assert (small.getpixel(40, 50)[3], small.getpixel(60, 50)[3]) == (0, 1)
    assert original.getpixel(1500, 10)[0] > 0.8
    assert original.getpixel(1500, 5990)[2] > 0.8


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 9))
def test_an_averaged_picture_is_the_mean_of_its_parts(height: int, width: int, by: int) -> None:
    pixels = np.random.default_rng(height * width).integers(0, 256, (height, width, 3), dtype=np.uint8)
    small = program.averaged(np, pixels, by)
    assert small.shape == (-(-height // by), -(-width // by), 3)
    for y, x in ((0, 0), (small.shape[0] - 1, small.shape[1] - 1)):
        part = pixels[y * by : (y + 1) * by, x * by : (x + 1) * by]
        assert small[y, x] == pytest.approx(part.mean(axis=(0, 1)), abs=1e-2)


def test_lights_are_shown_in_their_thumbnail(tmp_path: Path) -> None:
    sky = tmp_path / "sky.hdr"
    head = b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 30 +X 60\n"
    sky.write_bytes(head + bytes((64, 64, 64, 129)) * 1800)
    _, [small] = make(sky, ("contain", 300, 200), hdr=True)
    assert size_of((tmp_path / "out-0").read_bytes()) == (300, 200)
    assert small.getpixel(150, 100)[0] == pytest.approx(0.5 ** (1 / 2.2), abs=0.02)


def test_nothing_of_the_server_is_in_the_process_that_decodes() -> None:
    for module in Path(render.__file__).parent.glob("*.py"):
        source = module.read_text()
        assert "import pegbar" not in source
        assert "from pegbar" not in source
