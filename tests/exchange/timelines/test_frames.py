"""Rates, timecodes, frames and names: what is pure about cuts."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pegbar.exchange.timelines import naming, rates
from pegbar.exchange.timelines.frames import MOST_FRAMES, NoFrames, frames_in_cut, nearest, whole_number
from pegbar.exchange.timelines.naming import Convention, WrongConvention
from tests.exchange.timelines.cuts import RATES

any_rate = st.sampled_from(RATES)
whole_frames = st.integers(0, 10**7)


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("25", Fraction(25)),
        ("25.0", Fraction(25)),
        ("23.976", Fraction(24000, 1001)),
        ("23.98", Fraction(24000, 1001)),
        ("24000/1001", Fraction(24000, 1001)),
        ("29,97", Fraction(30000, 1001)),
        ("59.94", Fraction(60000, 1001)),
        ("12.5", Fraction(25, 2)),
        ("", Fraction(25)),
        (None, Fraction(25)),
        ("fast", Fraction(25)),
        ("0", Fraction(25)),
        ("-3", Fraction(25)),
        ("1/0", Fraction(25)),
        ("nan", Fraction(25)),
        ("1e400", Fraction(25)),
    ],
)
def test_a_stored_rate_is_the_one_that_it_means(text: str | None, rate: Fraction) -> None:
    assert rates.of_text(text) == rate


@given(any_rate)
def test_a_rate_survives_as_a_decimal_number(rate: Fraction) -> None:
    assert rates.exact(float(rate)) == rate
    assert rates.exact(round(float(rate), 3)) == rate
    assert rates.exact(round(float(rate), 2)) == rate


@given(whole_frames, any_rate)
def test_a_timecode_names_its_frame(frame: int, rate: Fraction) -> None:
    assert rates.frames_of(rates.timecode_of(frame % (rates.nominal(rate) * 360_000), rate), rate) == frame % (
        rates.nominal(rate) * 360_000
    )


def test_drop_frame_timecodes_leave_out_two_numbers_a_minute_but_the_tenth() -> None:
    rate = Fraction(30000, 1001)
    assert rates.frames_of("00:00:59;29", rate) == 1799
    assert rates.frames_of("00:01:00;02", rate) == 1800
    assert rates.frames_of("00:10:00;00", rate) == 17982
    assert rates.frames_of("01:00:00;00", rate) == 107892
    assert rates.frames_of("01:00:00:00", rate) == 108000
    assert rates.frames_of("01:00:00:00", rate, drop=True) == 107892
    assert rates.frames_of("01:00:00;00", Fraction(25)) == 90000, "there is none at 25"
    assert rates.frames_of("00:01:00;04", Fraction(60000, 1001)) == 3600


@given(st.integers(0, 59), st.integers(0, 59), st.integers(0, 28))
def test_drop_frame_timecodes_follow_each_other(minutes: int, seconds: int, number: int) -> None:
    rate = Fraction(30000, 1001)
    if minutes % 10 and seconds == 0 and number < 2:
        return  # these numbers do not exist
    first = rates.frames_of(f"00:{minutes:02d}:{seconds:02d};{number:02d}", rate)
    assert rates.frames_of(f"00:{minutes:02d}:{seconds:02d};{number + 1:02d}", rate) == first + 1


@pytest.mark.parametrize("text", ["", "1:2:3", "00:61:00:00", "00:00:61:00", "00:00:00:25", "x", "00:00:00:00:00"])
def test_what_is_no_timecode_is_refused(text: str) -> None:
    with pytest.raises(rates.WrongTimecode):
        rates.frames_of(text, Fraction(25))


@given(st.lists(st.integers(1, 100_000), min_size=1, max_size=20), any_rate)
def test_clips_that_follow_each_other_leave_no_frame_between_them(lengths: list[int], rate: Fraction) -> None:
    start, expected = Fraction(0), 0
    for length in lengths:
        frames = frames_in_cut(start, length / rate, rate)
        assert (frames.frame_in, frames.nb_frames) == (expected, length)
        assert frames.frame_out == frames.frame_in + length - 1
        start, expected = start + length / rate, frames.frame_out + 1


@given(whole_frames, st.integers(0, 10**6), any_rate)
def test_a_range_says_the_number_of_its_frames(start: int, length: int, rate: Fraction) -> None:
    frames = frames_in_cut(start / rate, length / rate, rate)
    assert frames.nb_frames == length
    assert frames.frame_out - frames.frame_in + 1 == max(length, 1)
    uncounted = frames_in_cut(start / rate, length / rate, rate, counted=False)
    assert (uncounted.frame_in, uncounted.frame_out, uncounted.nb_frames) == (frames.frame_in, frames.frame_out, None)


@given(st.fractions(0, 10_000), any_rate)
def test_a_time_between_frames_goes_to_the_nearest(seconds: Fraction, rate: Fraction) -> None:
    assert abs(nearest(seconds, rate) - seconds * rate) <= Fraction(1, 2)


@pytest.mark.parametrize(("start", "duration"), [(-1, 1), (0, -1), (0, MOST_FRAMES), (MOST_FRAMES, 1)])
def test_what_no_column_of_frames_holds_is_refused(start: int, duration: int) -> None:
    with pytest.raises(NoFrames):
        frames_in_cut(Fraction(start), Fraction(duration), Fraction(25))


@pytest.mark.parametrize(
    ("text", "number"), [("12", 12), ("-3", -3), ("7.0", 7), ("x", None), ("", None), (None, None), ("9" * 40, None)]
)
def test_frames_of_the_metadata_may_be_anything(text: str | None, number: int | None) -> None:
    assert whole_number(text) == number


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("${shot_name}", "sequence_name"),
        ("${sequence_name}", "shot_name"),
        ("plain", "sequence_name"),
        ("${sequence_name}${shot_name}${scene}", "scene"),
        ("${sequence_name}${shot_name}" + "x" * 500, "500"),
    ],
)
def test_a_convention_that_names_no_shot_is_refused(text: str, word: str) -> None:
    with pytest.raises(WrongConvention, match=word):
        Convention(text)


def test_a_convention_reads_the_names_that_it_writes() -> None:
    convention = Convention("${sequence_name}_$shot_name(_v\\d+)?$")
    assert convention.pattern({}) == r"(?P<sequence_name>\w*)_(?P<shot_name>\w*)(_v\d+)?$"
    filled = Convention(naming.IN_EPISODE).filled(
        {"project_name": "P", "episode_name": "E", "sequence_name": "SQ", "shot_name": "SH"}
    )
    assert filled == "P_E-SQ-SH"
    assert Convention("${shot_name}${sequence_name}${shot_name}").pattern({}).endswith("(?P=shot_name)")


@given(st.text())
def test_a_plain_name_stays_as_it_is(name: str) -> None:
    assert naming.plain(naming.plain(name)) == naming.plain(name)
    assert naming.key(name, match_case=True) == naming.key(naming.plain(name), match_case=True)


def test_names_are_the_same_however_they_are_typed() -> None:
    assert naming.key("e\u0301te\u0301  x\u00a0y", match_case=True) == naming.key("\u00e9t\u00e9 x y", match_case=True)
    assert naming.key("SQ", match_case=True) != naming.key("sq", match_case=True)
    assert naming.key("SQ", match_case=False) == naming.key("sq", match_case=False)
    assert [naming.without_extension(name) for name in ("a.b.mov", "a", ".mov", "a.")] == ["a.b", "a", ".mov", "a"]
