"""What is written is read back to the same cut, by OpenTimelineIO and by an import."""

import io
import json
import tempfile
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from pegbar.core.errors import BadRequest
from pegbar.exchange.timelines import rates
from pegbar.exchange.timelines.writing.cut import Media, WrittenClip, WrittenCut, laid, placed
from pegbar.exchange.timelines.writing.formats import FORMATS, format_named, written
from tests.exchange.timelines.cuts import frames, read_content, written_cuts

otio = pytest.importorskip("opentimelineio")

ADAPTERS = {"otio": "otio_json", "edl": "cmx_3600", "xml": "fcp_xml"}
formats = pytest.mark.parametrize("name", sorted(FORMATS))


def library_cut(content: bytes, name: str, rate: Fraction) -> list[tuple[str, int, int]]:
    """The clips (name, start, length) that OpenTimelineIO finds on the only track, but black."""
    more: dict[str, Any] = {"rate": float(rate)} if name == "edl" else {}
    timeline = otio.adapters.read_from_string(content.decode(), ADAPTERS[name], **more)
    tracks = [track for track in timeline.tracks if track.kind == otio.schema.TrackKind.Video]
    clips = []
    for track in tracks:
        for item in track:
            if isinstance(item, otio.schema.Clip):
                span = item.range_in_parent()
                assert rates.exact(span.duration.rate) == rate
                generated = isinstance(item.media_reference, otio.schema.GeneratorReference)
                if not generated:
                    clips.append((item.name, round(span.start_time.value), round(span.duration.value)))
    return clips


@formats
@given(cut=written_cuts())
@hypothesis_settings(max_examples=60)
def test_a_cut_is_read_back_as_it_was_written(name: str, cut: WrittenCut) -> None:
    content = written(cut, FORMATS[name])
    expected = [(clip.name, start, clip.length) for start, clip in placed(cut.clips)]
    if expected:  # OpenTimelineIO finds no track in an edit list without events
        assert library_cut(content, name, cut.rate) == expected
    with tempfile.TemporaryDirectory() as folder:
        answer = read_content(Path(folder), content, name, rate=cut.rate)
    assert [clip.full_name for clip in answer.clips] == [clip for clip, _, _ in expected]
    assert frames(answer) == [(start, start + length - 1, length) for _, start, length in expected]


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(1, 50)), max_size=8), st.booleans())
def test_clips_keep_their_places_unless_they_lie_over_each_other(spans: list[tuple[int, int]], from_zero: bool) -> None:
    clips = [WrittenClip(str(number), length, start) for number, (start, length) in enumerate(spans)]
    result = list(placed(laid(clips, from_zero=from_zero)))
    ordered = sorted(spans)
    apart = all(start + length <= after for (start, length), (after, _) in pairwise(ordered))
    if spans and apart:
        offset = ordered[0][0] if from_zero else 0
        assert [(start + offset, clip.length) for start, clip in result] == ordered
    else:
        assert [clip.name for _, clip in result] == [clip.name for clip in clips]
        assert all(before + clip.length == after for (before, clip), (after, _) in pairwise(result))


def test_a_clip_says_what_it_is_of() -> None:
    media = Media("a.mov", "https://k.example/api/movies/originals/preview-files/1.mp4", 120, 1920, 1080)
    facts = {"shot": "SH", "task_type": "Layout", "revision": 3, "status": "WFA"}
    clip = WrittenClip("P_SQ-SH", 100, None, media, facts, "Layout v3 wfa", "YELLOW")
    cut = WrittenCut("cut", Fraction(25), [clip], {"project": "P"}, left_out=["P_SQ-SH2"])
    document = otio.adapters.read_from_string(written(cut, FORMATS["otio"]).decode(), "otio_json")
    (read,) = document.find_clips()
    assert read.media_reference.target_url == media.url
    assert (read.media_reference.available_range.duration.value, read.source_range.duration.value) == (120, 100)
    assert dict(read.metadata["pegbar"]) == facts
    assert (read.markers[0].name, read.markers[0].color) == ("Layout v3 wfa", "YELLOW")
    assert list(document.metadata["pegbar"]["left_out"]) == ["P_SQ-SH2"]
    listed = otio.adapters.read_from_string(written(cut, FORMATS["edl"]).decode(), "cmx_3600", rate=25)
    (event,) = listed.find_clips()
    assert (event.media_reference.target_url, event.markers[0].name) == (media.url, "Layout v3 wfa")
    assert b"P_SQ-SH2" in written(cut, FORMATS["edl"])
    xml = otio.adapters.read_from_string(written(cut, FORMATS["xml"]).decode(), "fcp_xml")
    (item,) = xml.find_clips()
    assert (item.media_reference.target_url, item.markers[0].name) == (media.url, "Layout v3 wfa")
    assert item.media_reference.available_range.duration.value == 120


def test_reels_have_eight_characters_and_one_media_each() -> None:
    clips = [
        WrittenClip(f"Show_SEQUENCE-été {number % 3}", 10, None, Media("x", f"u{number % 5}")) for number in range(20)
    ]
    clips.append(WrittenClip("BL", 10, None, Media("x", "black")))
    clips.append(WrittenClip("no media", 10))
    content = written(WrittenCut("c", Fraction(25), clips), FORMATS["edl"]).decode()
    reels = [line[5:13].strip() for line in content.splitlines() if line[:3].isdigit()]
    assert all(reel.isascii() and reel.isalnum() and 0 < len(reel) <= 8 for reel in reels)
    assert [reels.index(reel) for reel in reels[:20]] == [number % 5 for number in range(20)]
    assert "BL" not in reels
    assert reels[-1] == "AX"


def test_a_cut_of_thousands_of_clips_is_written_whole() -> None:
    clips = [WrittenClip("Show_SQ-ÉÉ", 10, None, Media("x", f"u{number}")) for number in range(3000)]
    content = written(WrittenCut("c", Fraction(25), clips), FORMATS["edl"]).decode()
    reels = {line.split()[1] for line in content.splitlines() if line[:3].isdigit()}
    assert len(reels) == 3000


def test_a_format_that_cannot_say_it_is_refused() -> None:
    with pytest.raises(BadRequest, match="otio, edl, xml"):
        format_named("aaf")
    cut = WrittenCut("c", Fraction(25, 2), [WrittenClip("a", 10)])
    for name in ("edl", "xml"):
        with pytest.raises(BadRequest, match=r"12\.5"):
            written(cut, FORMATS[name])
    assert json.load(io.BytesIO(written(cut, FORMATS["otio"])))["name"] == "c"
