"""What is made of a movie, for any movie and any wishes."""

from fractions import Fraction
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from pegbar.media.movies.command import Encoding, command
from pegbar.media.movies.plan import (
    Options,
    Probe,
    Wishes,
    canvas_of,
    fitted,
    lowdef_of,
    planned,
    rate_of,
    second_of,
    tiles_of,
)

sides = st.integers(1, 16384)
sizes = st.tuples(sides, sides)
resolutions = st.one_of(
    st.none(),
    st.text(max_size=9),
    st.builds("{}x{}".format, st.integers(100, 9999), st.integers(100, 9999)),
    st.builds("x{}".format, st.integers(100, 9999)),
)
bitrates = st.lists(st.one_of(st.none(), st.integers(-5, 200)), max_size=2).map(tuple)
probes = st.builds(
    Probe,
    codec=st.just("h264"),
    width=sides,
    height=sides,
    pixel_aspect=st.tuples(st.integers(1, 100), st.integers(1, 100)),
    rotation=st.sampled_from([0, 90, 180, 270]),
    rate=st.one_of(st.none(), st.tuples(st.integers(0, 10**6), st.integers(1, 1001))),
    frames=st.integers(1, 10**6),
    length=st.floats(0, 43200),
    stated_duration=st.one_of(st.none(), st.floats(0, 43200)),
    delay=st.floats(0, 10),
    audio=st.one_of(st.none(), st.integers(0, 3)),
    alpha=st.booleans(),
    decoder=st.sampled_from(["", "libvpx-vp9"]),
    is_rgb=st.booleans(),
    has_matrix=st.booleans(),
)
wishes = st.builds(
    Wishes,
    entity_fps=st.one_of(st.none(), st.text(max_size=8), st.floats(0, 300).map(str)),
    project_fps=st.one_of(st.none(), st.text(max_size=8), st.floats(0, 300).map(str)),
    entity_resolution=resolutions,
    project_resolution=resolutions,
    hd_bitrates=bitrates,
    ld_bitrates=bitrates,
)


def test_rates_are_read_as_people_write_them() -> None:
    written = {
        "24": Fraction(24),
        "23.976": Fraction(24000, 1001),
        "23,98": Fraction(24000, 1001),
        " 29.97 ": Fraction(30000, 1001),
        "59.94": Fraction(60000, 1001),
        "12.5": Fraction(25, 2),
        "24.0": Fraction(24),
        "30": Fraction(30),
    }
    assert {text: rate_of(text) for text in written} == written
    for nonsense in (None, "", "fast", "0", "-24", "nan", "inf", "1e9", "24 fps"):
        assert rate_of(nonsense) is None, nonsense


def test_sizes_follow_what_is_wished_for() -> None:
    wide = (1920, 804)
    assert canvas_of(Wishes(entity_resolution="641x361", project_resolution="100x100"), wide) == (642, 362)
    assert canvas_of(Wishes(entity_resolution="HD", project_resolution="1280x720"), wide) == (1280, 720)
    assert canvas_of(Wishes(project_resolution="x720"), wide) == (1720, 720)
    assert canvas_of(Wishes(project_resolution="64x36"), wide) == (2580, 1080)
    assert canvas_of(Wishes(entity_resolution="x720"), wide) == (2580, 1080)
    assert (lowdef_of((1920, 1080)), lowdef_of((640, 362)), lowdef_of((1080, 1920))) == (
        (1280, 720),
        (1280, 724),
        (1280, 2276),
    )


@given(sizes, resolutions, resolutions)
def test_every_canvas_can_be_encoded(seen: tuple[int, int], entity: str | None, project: str | None) -> None:
    canvas = canvas_of(Wishes(entity_resolution=entity, project_resolution=project), seen)
    for width, height in (canvas, lowdef_of(canvas)):
        assert 2 <= width <= 8192
        assert 2 <= height <= 8192
        assert (width % 2, height % 2) == (0, 0)


@given(sizes, sizes)
def test_a_picture_fits_into_its_canvas_in_its_own_shape(seen: tuple[int, int], half: tuple[int, int]) -> None:
    canvas = half[0] * 2, half[1] * 2
    width, height = fitted(seen, canvas)
    assert 2 <= width <= canvas[0]
    assert 2 <= height <= canvas[1]
    assert (width % 2, height % 2) == (0, 0)
    # It touches two sides, and each of its own is within two pixels of its shape.
    assert width >= canvas[0] - 1 or height >= canvas[1] - 1
    scale = min(canvas[0] / seen[0], canvas[1] / seen[1])
    assert abs(width - max(seen[0] * scale, 2)) <= 2
    assert abs(height - max(seen[1] * scale, 2)) <= 2


@given(st.integers(1, 10**6), sizes)
def test_a_sheet_holds_all_frames_or_every_so_many_of_them(frames: int, shape: tuple[int, int]) -> None:
    tiles = tiles_of(frames, shape)
    shown = -(-frames // tiles.every)
    assert 1 <= tiles.rows <= 480
    assert shown <= tiles.rows * 8
    assert tiles.size[0] * tiles.size[1] <= max(160 * 10**6, tiles.size[0] * 100)


def test_sheets_are_as_clients_know_them() -> None:
    hd = (1920, 1080)
    assert (tiles_of(72, hd).size, tiles_of(50, hd).size, tiles_of(1, hd).size) == (
        (1424, 900),
        (1424, 700),
        (1424, 100),
    )
    assert (tiles_of(3840, hd).rows, tiles_of(3840, hd).every) == (480, 1)
    assert (tiles_of(3841, hd).rows, tiles_of(3841, hd).every) == (480, 2)
    assert (tiles_of(10_000, hd).rows, tiles_of(10_000, hd).every) == (480, 3)


@given(probes, wishes, st.booleans(), st.booleans())
def test_any_movie_has_a_plan_that_can_be_run(probe: Probe, wished: Wishes, encode: bool, low_only: bool) -> None:
    plan = planned(probe, wished, Options(encode=encode, skip_highdef=low_only))
    assert plan.frames >= 1
    assert 0 < plan.rate <= 240
    assert [version.prefix for version in plan.versions] == (
        [] if not encode else ["lowdef"] if low_only else ["previews", "lowdef"]
    )
    limits = [version.bitrate for version in plan.versions]
    assert all(1 <= bitrate <= 28 for bitrate in limits)
    assert limits == sorted(limits, reverse=True)
    line = command("ffmpeg", Path("/in/a.mov"), Path("/out"), probe, plan, Encoding())
    assert all(isinstance(argument, str) and argument for argument in line)
    assert line.count("-vf") == len(plan.versions) + 5  # the first frame, what is derived of it, the sheet
    assert line[line.index("-format_whitelist") + 1] == "mov,matroska,avi,asf,mpegts"


@given(st.integers(1, 10**6), st.sampled_from([Fraction(24), Fraction(24000, 1001), Fraction(60000, 1001)]))
def test_frames_and_seconds_are_the_same_thing(frame: int, rate: Fraction) -> None:
    assert round(second_of(frame, rate) * rate) + 1 == frame
    assert second_of(0, rate) == second_of(1, rate) == 0


def test_quality_may_take_the_place_of_the_bitrate() -> None:
    probe = Probe("h264", 1920, 1080, (1, 1), 0, (24, 1), 24, 1.0, 1.0, 0.0, 0, False, "", False, True)
    plan = planned(probe, Wishes(project_fps="24", project_resolution="1920x1080"), Options())

    def line(**wanted: object) -> str:
        encoding = Encoding(**wanted)  # type: ignore[arg-type]
        return " ".join(command("ffmpeg", Path("/in/a.mov"), Path("/out"), probe, plan, encoding))

    assert "-b:v 28M -maxrate 28M -bufsize 56M" in line()
    assert "maxrate" not in line(vbv_factor=0)
    assert "-crf 18 -maxrate 28M -bufsize 56M" in line(crf=18)
    assert "-c:v h264_nvenc -g 2" in line(encoder="h264_nvenc")
    assert "-rc vbr -cq 20 -b:v 0 -maxrate 6M" in line(encoder="h264_nvenc", crf=20)
    assert "crf" not in line(encoder="h264_qsv", crf=20)
    assert "preset" not in line(encoder="h264_nvenc")
