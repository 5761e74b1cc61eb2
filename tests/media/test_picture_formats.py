"""Every format becomes what a person sees of it elsewhere: its colours, its layers, its window, its profile."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pegbar.media.render.layers import chosen
from tests.media.files import (
    deep,
    flat,
    gif,
    inks_profile,
    matrix_profile,
    parts,
    psd,
    saved,
    written,
)
from tests.media.rendering import make, refusal, seen

#: What ACES 2.0's SDR view makes of 18% grey: 10 nits of 100, in sRGB.
GREY = 89
SRGB_OF_18 = 118


def near(*values: int, by: int = 2) -> Any:
    return pytest.approx(values, abs=by)


def test_scene_linear_grey_is_shown_by_the_view_of_the_colour_configuration(tmp_path: Path) -> None:
    exr = written(tmp_path / "grey.exr", flat((0.18, 0.18, 0.18)), "half")
    assert seen(exr) == near(GREY, GREY, GREY, 255)
    plain = {"config": "ocio://default", "view": "Un-tone-mapped"}
    assert seen(exr, colour=plain) == near(SRGB_OF_18, SRGB_OF_18, SRGB_OF_18, 255)
    for name, pixels in (("sky.hdr", flat((0.18, 0.18, 0.18))), ("float.tif", flat((0.18, 0.18, 0.18)))):
        assert seen(written(tmp_path / name, pixels, "float")) == near(GREY, GREY, GREY, 255), name


def test_a_file_says_its_colour_space_or_the_studio_does(tmp_path: Path) -> None:
    plain = {"config": "ocio://default", "view": "Un-tone-mapped"}
    red = flat((0.5, 0.0, 0.0))
    rec709 = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.329)
    told = written(tmp_path / "told.exr", red, "half", chromaticities=("float[8]", rec709))
    assert seen(told, colour=plain) == near(188, 0, 0, 255)
    named = written(tmp_path / "named.exr", red, "half", oiio__ColorSpace="lin_rec709_scene")
    assert seen(named, colour=plain) == near(188, 0, 0, 255)
    silent = written(tmp_path / "silent.exr", red, "half")
    assert seen(silent, colour=plain)[0] > 195  # ACEScg's red is more than a screen has
    assert seen(silent, colour={**plain, "linear": "Linear Rec.709 (sRGB)"}) == near(188, 0, 0, 255)


@pytest.mark.parametrize(
    ("colour", "reason"),
    [
        ({"display": "Nowhere"}, "has no display 'Nowhere'"),
        ({"view": "Nothing"}, "has no view 'Nothing'"),
        ({"linear": "Unheard"}, "has no colour space 'Unheard'"),
        ({"config": "/nowhere/studio.ocio"}, "cannot be used"),
    ],
)
def test_what_the_colour_configuration_does_not_have_is_named(
    tmp_path: Path, colour: dict[str, str], reason: str
) -> None:
    exr = written(tmp_path / "grey.exr", flat((0.18, 0.18, 0.18)), "half")
    assert reason in refusal(exr, colour={"config": "ocio://default", **colour})


def test_a_studios_own_configuration_and_its_rules_of_names_are_used(tmp_path: Path) -> None:
    config = tmp_path / "studio.ocio"
    config.write_text(
        """ocio_profile_version: 2
roles: {default: raw, scene_linear: lin}
file_rules:
  - !<Rule> {name: Dark, colorspace: dark, pattern: "*_dark*", extension: "*"}
  - !<Rule> {name: Default, colorspace: lin}
displays:
  Wall:
    - !<View> {name: Show, colorspace: shown}
colorspaces:
  - !<ColorSpace> {name: raw, isdata: true}
  - !<ColorSpace> {name: lin}
  - !<ColorSpace> {name: dark, to_scene_reference: !<MatrixTransform> {matrix: [0.5,0,0,0,0,0.5,0,0,0,0,0.5,0,0,0,0,1]}}
  - !<ColorSpace> {name: shown, from_scene_reference: !<MatrixTransform> {matrix: [2,0,0,0,0,2,0,0,0,0,2,0,0,0,0,1]}}
"""
    )
    exr = written(tmp_path / "a.exr", flat((0.25, 0.25, 0.25)), "half")
    colour = {"config": str(config)}
    assert seen(exr, colour=colour, name="plate.exr") == near(128, 128, 128, 255)
    assert seen(exr, colour=colour, name="plate_dark.exr") == near(64, 64, 64, 255)


def test_film_scans_are_developed_and_video_is_not(tmp_path: Path) -> None:
    grey = flat((470 / 1023,) * 3)
    film = written(tmp_path / "film.dpx", grey, "uint16", oiio__BitsPerSample=10, oiio__ColorSpace="KodakLog")
    # Code 470 is 19% of the light.
    assert seen(film) == near(92, 92, 92, 255, by=3)
    assert seen(film, colour={"config": "ocio://default", "log": "ACEScct"})[0] != pytest.approx(92, abs=8)
    video = written(tmp_path / "video.dpx", grey, "uint16", oiio__BitsPerSample=10, dpx__Transfer="ITU-R 709-4")
    assert seen(video) == near(117, 117, 117, 255)
    # Encoders of video say linear where they mean nothing.
    said = written(tmp_path / "said.dpx", grey, "uint16", oiio__BitsPerSample=10, oiio__ColorSpace="lin_rec709_scene")
    assert seen(said) == near(117, 117, 117, 255)


def test_the_layer_that_looks_like_the_picture_is_shown(tmp_path: Path) -> None:
    names = ("Z", "normal.X", "normal.Y", "normal.Z", "diffuse.R", "diffuse.G", "diffuse.B")
    exr = written(tmp_path / "layers.exr", flat((9.0, 1.0, 0.0, 0.0, 0.18, 0.18, 0.18)), "float", names)
    assert seen(exr) == near(GREY, GREY, GREY, 255)
    grey = written(tmp_path / "y.exr", flat((0.18,)), "half", ("Y",))
    assert seen(grey) == near(GREY, GREY, GREY, 255)
    depth = (flat((5.0,)), ("Z",))
    beauty = (flat((0.18, 0.18, 0.18, 1.0)), ("R", "G", "B", "A"))
    assert seen(parts(tmp_path / "parts.exr", depth, beauty)) == near(GREY, GREY, GREY, 255)


def test_deep_samples_are_laid_over_each_other(tmp_path: Path) -> None:
    assert seen(deep(tmp_path / "deep.exr", (0.18, 0.18, 0.18, 1.0))) == near(GREY, GREY, GREY, 255)


def test_a_render_is_shown_in_its_display_window(tmp_path: Path) -> None:
    part = flat((0.18, 0.18, 0.18, 1.0), 30, 20)
    inside = written(tmp_path / "inside.exr", part, "half", place=(30, 20, 60, 40))
    answer, [picture] = make(inside, ("contain", 60, 40))
    assert (answer["width"], answer["height"]) == (60, 40)
    assert picture.getpixel(10, 10)[3] == 0
    assert picture.getpixel(45, 30)[:1] == pytest.approx([GREY / 255], abs=0.01)
    wide = flat((0.0, 0.0, 0.0), 80, 60)
    wide[10:50, 10:70] = 0.18
    over = written(tmp_path / "over.exr", wide, "half", place=(-10, -10, 60, 40))
    answer, [picture] = make(over, ("contain", 60, 40))
    assert (answer["width"], answer["height"]) == (60, 40)
    for corner in ((0, 0), (59, 0), (0, 39), (59, 39)):
        assert picture.getpixel(*corner)[0] == pytest.approx(GREY / 255, abs=0.01), corner
    away = written(tmp_path / "away.exr", part, "half", place=(500, 500, 60, 40))
    assert seen(away)[3] == 0


def test_light_that_no_screen_has_spoils_nothing_around_it(tmp_path: Path) -> None:
    pixels = flat((0.18, 0.18, 0.18), 120, 80)
    pixels[40, 60] = np.nan
    pixels[20, 20] = np.inf
    pixels[60, 100] = -np.inf
    exr = written(tmp_path / "fireflies.exr", pixels, "float")
    for at in ((30, 5), (5, 30), (50, 10)):
        assert seen(exr, at) == near(GREY, GREY, GREY, 255), at


def test_alpha_of_renders_is_kept_unless_it_hides_everything(tmp_path: Path) -> None:
    half = written(tmp_path / "half.exr", flat((0.09, 0.09, 0.09, 0.5)), "half")
    assert seen(half) == near(GREY, GREY, GREY, 128)
    hidden = written(tmp_path / "hidden.exr", flat((0.18, 0.18, 0.18, 0.0)), "half")
    assert seen(hidden) == near(GREY, GREY, GREY, 255)


@pytest.mark.parametrize("extension", ["tif", "tga", "webp", "jp2", "gif", "png", "jpg", "dpx"])
def test_pictures_for_screens_come_as_they_are(tmp_path: Path, extension: str) -> None:
    picture = written(tmp_path / f"a.{extension}", flat((200 / 255, 100 / 255, 50 / 255)))
    assert seen(picture) == near(200, 100, 50, 255, by=8)


def test_jpeg_xl_is_read_by_its_profile(tmp_path: Path) -> None:
    # OpenImageIO writes light, with a profile that says so.
    assert seen(written(tmp_path / "a.jxl", flat((0.18, 0.18, 0.18)), "float")) == near(*[SRGB_OF_18] * 3, 255, by=3)


@pytest.mark.parametrize("version", [1, 2])
def test_photoshop_files_show_their_composite(tmp_path: Path, version: int) -> None:
    picture = tmp_path / "a.psd"
    picture.write_bytes(psd((200, 100, 50), version=version))
    assert seen(picture) == near(200, 100, 50, 255)


@pytest.mark.parametrize(
    ("mode", "colour", "expected"),
    [("I;16", 40000, (156, 156, 156, 255)), ("L", 90, (90, 90, 90, 255)), ("1", 1, (255, 255, 255, 255))],
)
def test_greys_of_all_depths_are_taken(tmp_path: Path, mode: str, colour: int, expected: tuple[int, ...]) -> None:
    picture = tmp_path / "a.png"
    picture.write_bytes(saved(Image.new(mode, (60, 40), colour), "PNG"))
    assert seen(picture) == near(*expected)


def test_palettes_and_transparent_colours_are_kept(tmp_path: Path) -> None:
    palette = Image.new("P", (60, 40), 1)
    palette.putpalette([0, 0, 0, 200, 100, 50])
    path = tmp_path / "palette.png"
    path.write_bytes(saved(palette, "PNG"))
    assert seen(path) == near(200, 100, 50, 255)
    path.write_bytes(saved(palette, "PNG", transparency=1))
    assert seen(path)[3] == 0
    key = Image.new("RGB", (60, 40), (1, 2, 3))
    key.paste((200, 100, 50), (0, 0, 30, 40))
    path.write_bytes(saved(key, "PNG", transparency=(1, 2, 3)))
    assert seen(path, (10, 20)) == near(200, 100, 50, 255)
    assert seen(path, (50, 20))[3] == 0


def test_the_first_frame_of_an_animation_is_shown(tmp_path: Path) -> None:
    picture = tmp_path / "a.gif"
    picture.write_bytes(gif(3))
    assert seen(picture) == [255, 255, 255, 255]


P3 = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
ADOBE = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06))
SKIN = (200, 150, 100)


def in_srgb(colour: tuple[int, ...], primaries: tuple[tuple[float, float], ...]) -> list[int]:
    """A colour of these primaries, D65 and the gamma 2.2, in sRGB, by the book."""
    columns = np.array([[x / y, 1, (1 - x - y) / y] for x, y in primaries]).T
    white = np.array([0.95047, 1.0, 1.08883])
    xyz = columns * np.linalg.solve(columns, white) @ (np.array(colour) / 255) ** 2.2
    to_srgb = [[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]]
    light = np.array(to_srgb) @ xyz
    return [round(255 * (1.055 * value ** (1 / 2.4) - 0.055)) for value in light]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP"])
@pytest.mark.parametrize("primaries", [P3, ADOBE])
def test_colours_go_by_the_profile(tmp_path: Path, kind: str, primaries: Any) -> None:
    picture, profile = tmp_path / "a", matrix_profile(primaries, 2.2)
    options = {"lossless": True} if kind == "WEBP" else {"quality": 98} if kind == "JPEG" else {}
    picture.write_bytes(saved(Image.new("RGB", (60, 40), SKIN), kind, icc_profile=profile, **options))
    expected = in_srgb(SKIN, primaries)
    assert expected[0] > SKIN[0] + 5
    assert seen(picture) == near(*expected, 255, by=3)
    _, [original] = make(picture, ("none", 0, 0))
    assert [round(value * 255) for value in original.getpixel(5, 5)] == near(*expected, by=3)


def test_alpha_stays_where_colours_go_by_the_profile(tmp_path: Path) -> None:
    picture, profile = tmp_path / "a.png", matrix_profile(P3, 2.2)
    picture.write_bytes(saved(Image.new("RGBA", (60, 40), (*SKIN, 128)), "PNG", icc_profile=profile))
    assert seen(picture) == near(*in_srgb(SKIN, P3), 128, by=3)


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_inks_go_by_their_profile_or_by_rule_of_thumb(tmp_path: Path, kind: str) -> None:
    inks = Image.new("CMYK", (60, 40), (255, 0, 0, 0))
    options = {"quality": 98} if kind == "JPEG" else {}
    picture = tmp_path / "inks"
    picture.write_bytes(saved(inks, kind, **options))
    assert seen(picture) == near(0, 255, 255, 255, by=4)
    picture.write_bytes(saved(inks, kind, icc_profile=inks_profile(), **options))
    red, green, blue, alpha = seen(picture)
    assert (green, blue, alpha) == near(red, red, 255, by=4)  # grey, as only that profile says
    assert 90 < red < 140


def test_inks_of_photoshop_files_are_taken(tmp_path: Path) -> None:
    picture = tmp_path / "a.psd"
    picture.write_bytes(psd((255, 0, 0, 0)))
    assert seen(picture) == near(0, 255, 255, 255, by=4)


@pytest.mark.parametrize("profile", [b"no profile", inks_profile()])
def test_a_profile_that_cannot_be_used_is_told_and_left_out(tmp_path: Path, profile: bytes) -> None:
    picture = tmp_path / "a.tif"
    picture.write_bytes(saved(Image.new("RGB", (60, 40), (200, 150, 100)), "TIFF", icc_profile=profile))
    answer, [small] = make(picture, ("contain", 60, 40))
    assert "ICC profile" in answer["note"]
    assert [round(value * 255) for value in small.getpixel(30, 20)] == near(200, 150, 100, 255)


def test_an_exr_that_calls_itself_a_png_is_shown_too(tmp_path: Path) -> None:
    exr = written(tmp_path / "grey.exr", flat((0.18, 0.18, 0.18)), "half").rename(tmp_path / "grey.png")
    _, [original] = make(exr, ("none", 0, 0))
    assert [round(value * 255) for value in original.getpixel(5, 5)] == near(GREY, GREY, GREY)


@pytest.mark.parametrize("name", ["cut.jpg", "cut.png", "cut.tif", "cut.exr"])
def test_what_is_left_of_a_truncated_picture_is_shown(tmp_path: Path, name: str) -> None:
    noise = np.random.default_rng(7).random((300, 300, 3)).astype(np.float32)
    whole = written(
        tmp_path / "whole" / name if False else tmp_path / name, noise, "half" if "exr" in name else "uint8"
    )
    whole.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    answer, [small] = make(whole, ("contain", 60, 60))
    assert (answer["width"], answer["height"]) == (300, 300)
    assert small.getpixel(30, 5)[0] > 0.1
    if name != "cut.jpg":  # whose decoder goes on by itself
        assert answer["note"] == "it is damaged: a part of it is blank"


_CHANNELS = st.lists(st.text("RGBAYZxyz.abcdefgh", min_size=1, max_size=12), min_size=1, max_size=30, unique=True)


@given(_CHANNELS, st.integers(-1, 40))
def test_some_channels_of_any_file_are_its_picture(names: list[str], alpha: int) -> None:
    rank, picked = chosen(names, alpha)
    assert rank >= 0
    assert 1 <= len(picked) <= 4
    assert len(set(picked)) == len(picked)
    assert all(0 <= place < len(names) for place in picked)


@pytest.mark.parametrize(
    ("names", "picked"),
    [
        (["R", "G", "B", "A"], [0, 1, 2, 3]),
        (["A", "B", "G", "R"], [3, 2, 1, 0]),
        (["depth.Z", "beauty.B", "beauty.G", "beauty.R", "beauty.A"], [3, 2, 1, 4]),
        (["crypto.R", "crypto.G", "crypto.B", "light.R", "light.G", "light.B"], [3, 4, 5]),
        (["ViewLayer.Combined.R", "ViewLayer.Combined.G", "ViewLayer.Combined.B", "ViewLayer.Normal.X"], [0, 1, 2]),
        (["spec.R", "spec.G", "spec.B", "R", "G", "B"], [3, 4, 5]),
        (["Z"], [0]),
        (["Y", "A"], [0, 1]),
        (["N.X", "N.Y", "N.Z"], [0]),
    ],
)
def test_the_channels_of_known_renderers(names: list[str], picked: list[int]) -> None:
    assert chosen(names)[1] == picked
