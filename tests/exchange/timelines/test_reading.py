"""Files of cuts, read: every format, and what editing programs put into them."""

import json
import zipfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pegbar.exchange.timelines import rates
from pegbar.exchange.timelines.reading import edl, program
from pegbar.exchange.timelines.reading.shapes import MOST_CLIPS, Unreadable
from tests import shared
from tests.exchange.timelines.cuts import RATES, frames, read_content
from tests.exchange.timelines.cuts import edl as edit_list

otio = pytest.importorskip("opentimelineio")


def timeline(rate: float = 24, *items: tuple[str | None, float, float], tracks: int = 1) -> Any:
    """A timeline of clips (name, or None for a gap; first source frame; frames), the same on each track."""
    made = otio.schema.Timeline("cut")
    for number in range(tracks):
        track = otio.schema.Track(f"V{number + 1}", kind="Video")
        for name, start, length in items:
            span = otio.opentime.TimeRange(
                otio.opentime.RationalTime(start, rate), otio.opentime.RationalTime(length, rate)
            )
            media = otio.schema.ExternalReference("file:///a.mov", span)
            track.append(
                otio.schema.Clip(name, media, span) if name is not None else otio.schema.Gap(source_range=span)
            )
        made.tracks.append(track)
    return made


THREE = (("P_SQ-a.mov", 1001, 24), (None, 0, 12), ("P_SQ-b", 90, 36))


@pytest.mark.parametrize("rate", [24, 25, 30, 24000 / 1001, 23.976, 30000 / 1001, 29.97])
@pytest.mark.parametrize(("extension", "adapter"), [("otio", "otio_json"), ("xml", "fcp_xml"), ("edl", "cmx_3600")])
def test_every_format_tells_the_same_cut(tmp_path: Path, extension: str, adapter: str, rate: float) -> None:
    more: dict[str, Any] = {"rate": rate} if extension == "edl" else {}
    content = otio.adapters.write_to_string(timeline(rate, *THREE), adapter, **more)
    answer = read_content(tmp_path, content, extension, rate=rates.exact(rate))
    assert frames(answer) == [(0, 23, 24), (36, 71, 36)]
    assert [(clip.told.sequence, clip.told.shot) for clip in answer.clips if clip.told] == [("SQ", "a"), ("SQ", "b")]


@pytest.mark.parametrize("name", ["no_offset.edl", "tc_offset.edl"])
def test_a_record_that_starts_late_is_the_same_cut(tmp_path: Path, name: str) -> None:
    content = shared.path(f"data/edl/{name}").read_bytes()
    assert frames(read_content(tmp_path, content, "edl")) == [(0, 129, 130), (130, 202, 73), (203, 376, 174)]


def test_avid_and_ges_are_read(tmp_path: Path) -> None:
    made = timeline(25, ("P_SQ-a", 0, 24), ("P_SQ-b", 10, 36))
    for clip in made.find_clips():
        clip.media_reference = otio.schema.MissingReference(available_range=clip.source_range)
    aaf = tmp_path / "made.aaf"
    otio.adapters.write_to_file(made, str(aaf), use_empty_mob_ids=True)
    assert frames(read_content(tmp_path, aaf.read_bytes(), "aaf")) == [(0, 23, 24), (24, 59, 36)]
    ges = otio.adapters.write_to_string(timeline(30, ("P_SQ-a", 0, 25), ("P_SQ-b", 0, 50)), "xges")
    assert frames(read_content(tmp_path, ges, "xges")) == [(0, 24, 25), (25, 74, 50)]
    assert frames(read_content(tmp_path, ges, "xml")) == [(0, 24, 25), (25, 74, 50)], "the document says what it is"


@pytest.mark.parametrize("rate", ["24", "25", "29.97", "23.976"])
def test_a_log_of_avid_is_its_clips_one_after_the_other(tmp_path: Path, rate: str) -> None:
    log = (
        f"Heading\nFIELD_DELIM\tTABS\nVIDEO_FORMAT\t1080\nFPS\t{rate}\n\nColumn\nName\tTracks\tStart\tEnd\n\nData\n"
        "P_SQ-a\tV\t01:00:00:00\t01:00:01:00\nP_SQ-b\tV\t01:00:05:00\t01:00:05:10\n"
    )
    second = rates.nominal(rates.of_text(rate))
    answer = read_content(tmp_path, log, "ale", rate=rates.of_text(rate))
    assert frames(answer) == [(0, second - 1, second), (second, second + 9, 10)]


def test_bundles_are_read_without_their_media(tmp_path: Path) -> None:
    content = otio.adapters.write_to_string(timeline(24, *THREE), "otio_json")
    bundle = tmp_path / "made.zip"
    with zipfile.ZipFile(bundle, "w") as archive:
        archive.writestr("content.otio", content)
        archive.writestr("version.txt", "1.0.0")
    for extension in ("otioz", "otiod"):
        assert frames(read_content(tmp_path, bundle.read_bytes(), extension)) == [(0, 23, 24), (36, 71, 36)]
    assert frames(read_content(tmp_path, content, "otiod")) == [(0, 23, 24), (36, 71, 36)]


def test_transitions_gaps_and_nested_cuts_are_no_shots(tmp_path: Path) -> None:
    made = timeline(24, ("P_SQ-a", 0, 24), ("P_SQ-b", 0, 24))
    track = made.tracks[0]
    half = otio.opentime.RationalTime(6, 24)
    track.insert(1, otio.schema.Transition("dissolve", in_offset=half, out_offset=half))
    nested = otio.schema.Stack("nested", children=[timeline(24, ("P_SQ-hidden", 0, 48)).tracks[0].clone()])
    track.insert(2, nested)
    track[0].effects.append(otio.schema.LinearTimeWarp(time_scalar=2.0))
    sound = otio.schema.Track("A1", kind="Audio", children=[otio.schema.Clip("P_SQ-sound")])
    made.tracks.append(sound)
    answer = read_content(tmp_path, otio.adapters.write_to_string(made, "otio_json"), "otio")
    assert [clip.name for clip in answer.clips] == ["P_SQ-a", "P_SQ-b"]
    assert frames(answer) == [(0, 23, 24), (72, 95, 24)]


def test_clips_are_counted_in_their_own_rate(tmp_path: Path) -> None:
    made = timeline(24, ("P_SQ-a", 0, 48))
    made.tracks[0].append(timeline(30, ("P_SQ-b", 0, 30)).tracks[0][0].clone())
    answer = read_content(tmp_path, otio.adapters.write_to_string(made, "otio_json"), "otio")
    assert frames(answer) == [(0, 47, 48), (60, 89, 30)]


def test_a_clip_without_a_range_is_as_long_as_its_media(tmp_path: Path) -> None:
    made = timeline(24, ("", 5, 24), ("P_SQ-b", 0, 24), ("", 0, 2), ("P_SQ-c", 0, 3))
    first, second, third, last = made.tracks[0]
    first.source_range = None
    first.media_reference.name = "P_SQ-media.mov"
    second.media_reference = otio.schema.ImageSequenceReference(name_prefix="P_SQ-unused")
    third.media_reference = otio.schema.ImageSequenceReference(name_prefix="P_SQ-frames")
    last.name, last.media_reference.target_url = "", "https://k.example/dir/P_SQ-last%20one.mov?x=1"
    answer = read_content(tmp_path, otio.adapters.write_to_string(made, "otio_json"), "otio")
    assert [clip.name for clip in answer.clips] == ["P_SQ-media", "P_SQ-b", "P_SQ-frames", "P_SQ-last one"]
    assert frames(answer) == [(0, 23, None), (24, 47, 24), (48, 49, 2), (50, 52, 3)]
    first.media_reference = otio.schema.MissingReference()
    answer = read_content(tmp_path, otio.adapters.write_to_string(made, "otio_json"), "otio")
    assert "length" in answer.clips[0].fault
    assert [bool(clip.fault) for clip in answer.clips] == [True, False, False, False]


# Edit lists


def events(tmp_path: Path, text: str, rate: str = "25") -> list[tuple[str, int, int | None]]:
    """Name, first frame and length of the clips of an edit list."""
    answer = read_content(tmp_path, text, "edl", rate=rates.of_text(rate))
    assert answer.refusal == "", answer.refusal
    return [(clip.name, clip.frame_in, clip.nb_frames) for clip in answer.clips]


def test_drop_frame_lists_count_real_frames(tmp_path: Path) -> None:
    text = (
        "TITLE: x\nFCM: DROP FRAME\n"
        "001  A001 V C 00:00:00:00 00:02:00:04 01:00:00:00 01:02:00:04\n* FROM CLIP NAME: a\n"
        "002  A002 V C 00:00:00;00 00:00:01;00 01:02:00;04 01:02:01;04\n* FROM CLIP NAME: b\n"
        "FCM: NON-DROP FRAME\n"
        "003  A003 V C 00:00:59:00 00:01:01:00 01:02:01:04 01:02:03:04\n* FROM CLIP NAME: c\n"
    )
    assert [(name, length) for name, _, length in events(tmp_path, text, "29.97")] == [
        ("a", 3600),
        ("b", 30),
        ("c", 60),
    ]
    assert events(tmp_path, text, "29.97")[1][1] == 3600


def test_speed_effects_and_freezes_last_as_long_as_their_record(tmp_path: Path) -> None:
    text = (
        "TITLE: x\n001  A V C 00:00:00:00 00:00:04:00 00:00:00:00 00:00:02:00\n"
        "M2   A   050.0   00:00:00:00\n* FROM CLIP NAME: fast\n"
        "002  A V C 00:00:00:00 00:00:00:01 00:00:02:00 00:00:03:00\n"
        "* FROM CLIP NAME: still FF\n* * FREEZE FRAME\n"
        "003  A V C 00:00:00:00 00:00:01:00 00:00:03:00 00:00:05:00\n* FROM CLIP NAME: mismatch\n"
    )
    assert events(tmp_path, text) == [("fast", 0, 50), ("still", 50, 25), ("mismatch", 75, 25)]


def test_the_second_line_of_a_transition_is_the_clip(tmp_path: Path) -> None:
    text = (
        "TITLE: x\n001  A V C        00:00:00:00 00:00:02:00 00:00:00:00 00:00:02:00\n* FROM CLIP NAME: a.mov\n"
        "002  A V C        00:00:02:00 00:00:02:00 00:00:02:00 00:00:02:00\n"
        "002  B V D    012 00:00:00:00 00:00:02:00 00:00:02:00 00:00:04:00\n"
        "* FROM CLIP NAME: a.mov\n* TO CLIP NAME: b.mov\n"
        "003  B V C        00:00:02:00 00:00:02:00 00:00:04:00 00:00:04:00\n"
        "003  BL V D   025 00:00:00:00 00:00:01:00 00:00:04:00 00:00:05:00\n* FROM CLIP NAME: b.mov\n"
        "004  C V W001 010 00:00:00:00 00:00:01:00 00:00:05:00 00:00:06:00\n* FROM CLIP NAME: c.mov\n"
        "005  D V K B  000 00:00:00:00 00:00:01:00 00:00:06:00 00:00:07:00\n* FROM CLIP NAME: d.mov\n"
    )
    assert events(tmp_path, text) == [("a", 0, 50), ("b", 50, 50), ("c", 125, 25), ("d", 150, 25)]


def test_sound_black_and_gaps_are_no_shots(tmp_path: Path) -> None:
    text = (
        "TITLE: x\n> some program's own line\n001  BL V C 00:00:00:00 00:00:01:00 10:00:00:00 10:00:01:00\n"
        "002  A B C 00:00:00:00 00:00:01:00 10:00:01:00 10:00:02:00\n* FROM CLIP NAME: both.mov\n"
        "003  A A C 00:00:00:00 00:00:01:00 10:00:01:00 10:00:02:00\n* FROM CLIP NAME: sound.wav\n"
        "004  A NONE C 00:00:00:00 00:00:01:00 10:00:02:00 10:00:03:00\n* FROM CLIP NAME: nothing\n"
        "005  A AA/V C 00:00:00:00 00:00:01:00 10:00:04:00 10:00:05:00\n* SOURCE FILE: /a/b\\c/file.name.mov\n"
        "006  A V2 C 00:00:00:00 00:00:01:00 10:00:03:00 10:00:04:00\n* FROM CLIP NAME: above.mov\n"
        "007  SQ_SH V C 00:00:00:00 00:00:01:00 10:00:05:00 10:00:06:00\n"
    )
    assert events(tmp_path, text) == [
        ("both", 25, 25),
        ("file.name", 100, 25),
        ("SQ_SH", 125, 25),
        ("above", 75, 25),
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_lists_come_in_any_encoding(tmp_path: Path, encoding: str, ending: str) -> None:
    text = edit_list(("P_SQ-é.mov", 10), ("P_SQ-ü.mov", 5)).replace("\n", ending)
    answer = read_content(tmp_path, text.encode(encoding), "edl")
    assert [clip.name for clip in answer.clips] == ["P_SQ-é", "P_SQ-ü"]
    assert frames(answer) == [(0, 9, 10), (10, 14, 5)]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("001  A V C 00:00:00:00 00:00:01:00 00:00:00:00", ["line 2", "four timecodes"]),
        ("001  A V C 00:00:00:00 00:00:01:00 00:00:00:00 00:00:01", ["line 2", "four timecodes"]),
        ("001  A V C 00:00:00:00 00:00:01:29 00:00:00:00 00:00:01:29", ["line 2", "00:00:01:29", "25"]),
        ("001  A V Q 00:00:00:00 00:00:01:00 00:00:00:00 00:00:01:00", ["line 2", "'Q'"]),
        ("001  A V C 00:00:02:00 00:00:01:00 00:00:00:00 00:00:01:00", ["line 2", "ends before"]),
    ],
)
def test_a_bad_event_is_named_by_its_line(tmp_path: Path, line: str, words: list[str]) -> None:
    answer = read_content(tmp_path, f"TITLE: x\n{line}\n", "edl")
    assert all(word in answer.refusal for word in words), answer.refusal


def read_or_refused(text: str, rate: Fraction) -> str:
    """The refusal of a text that is no edit list; the times of one that is are looked at."""
    try:
        cut = edl.read(f"TITLE: x\n{text}", rate)
    except Unreadable as error:
        return str(error)
    assert all(piece.start >= 0 and piece.duration >= 0 for piece in cut.pieces)
    return ""


@given(st.text(max_size=400), st.sampled_from(RATES))
def test_any_text_is_an_edit_list_or_refused(text: str, rate: Fraction) -> None:
    refusal = read_or_refused(text, rate)
    assert not refusal or "line" in refusal


WORDS = "001 002 A BL V V2 B C D W001 K 012 00:00:01:00 00:00:02:00 00:99:00:00 9 |"


@given(st.lists(st.sampled_from(WORDS.split()), max_size=60))
def test_any_words_of_events_are_an_edit_list_or_refused(words: list[str]) -> None:
    refusal = read_or_refused(" ".join(words).replace("|", "\n"), Fraction(25))
    assert not refusal or "line" in refusal


# Final Cut Pro X

FCPX = """<?xml version="1.0" encoding="UTF-8"?><!DOCTYPE fcpxml>
<fcpxml version="1.10"><resources>
<format id="r1" frameDuration="{frame}"/>
<asset id="r2" name="media" duration="100s" hasVideo="1"><media-rep src="file:///x/P_SQ-rep%20x.mov"/></asset>
<asset id="r3" name="sound" duration="100s" hasAudio="1"/>
<asset id="r4" duration="{span48}" hasVideo="1" src="file:///x/P_SQ-src.mov"/>
</resources><library><event><project name="{name}"><sequence format="r1" tcStart="3600s"><spine>{spine}</spine>
</sequence></project></event></library></fcpxml>"""


def fcpx(spine: str, rate: Fraction, name: str = "one") -> str:
    frame = f"{(1 / rate).numerator}/{(1 / rate).denominator}s"
    span = 48 / rate
    return FCPX.format(frame=frame, spine=spine, name=name, span48=f"{span.numerator}/{span.denominator}s")


def seconds(frame_count: int, rate: Fraction, more: int = 0) -> str:
    time = frame_count / rate + more
    return f"{time.numerator}/{time.denominator}s"


@pytest.mark.parametrize("rate", RATES)
def test_fractions_of_final_cut_stay_exact(tmp_path: Path, rate: Fraction) -> None:
    lengths = [24, 1001, 36, 7, 100_000]
    items, start = [], 0
    for number, length in enumerate(lengths):
        place = f'offset="{seconds(start, rate, 3600)}" duration="{seconds(length, rate)}"'
        items.append(f'<asset-clip ref="r2" name="P_SQ-{number}" start="{seconds(7, rate)}" {place}/>')
        start += length
    answer = read_content(tmp_path, fcpx("".join(items), rate), "fcpxml")
    ends = [sum(lengths[: number + 1]) for number in range(len(lengths))]
    assert frames(answer) == [(end - length, end - 1, length) for end, length in zip(ends, lengths, strict=True)]


def test_storylines_of_final_cut_are_tracks(tmp_path: Path) -> None:
    rate = Fraction(24000, 1001)

    def s(count: int, more: int = 0) -> str:
        return seconds(count, rate, more)

    spine = f"""
    <gap offset="3600s" duration="{s(24)}" start="3600s"/>
    <asset-clip ref="r2" offset="{s(24, 3600)}" duration="{s(48)}" start="{s(10)}">
      <asset-clip ref="r2" name="P_SQ-above" lane="1" offset="{s(20)}" duration="{s(5)}"/>
      <asset-clip ref="r3" name="P_SQ-sound" lane="-1" offset="{s(20)}" duration="{s(5)}"/>
      <spine lane="2" offset="{s(34)}">
        <video ref="r4" duration="{s(3)}"/><transition duration="{s(2)}"/>
        <video ref="r4" name="P_SQ-2nd" duration="{s(4)}"/>
      </spine>
      <title name="burnt in" lane="3" offset="{s(20)}" duration="{s(5)}"/>
    </asset-clip>
    <transition offset="{s(60, 3600)}" duration="{s(24)}"/>
    <audition offset="{s(72, 3600)}"><asset-clip ref="r2" name="P_SQ-pick" duration="{s(9)}"/>
      <asset-clip ref="r2"/></audition>
    <clip name="P_SQ-clip" offset="{s(81, 3600)}" duration="{s(10)}"><video ref="r2" duration="{s(10)}"/></clip>
    <clip name="P_SQ-voice" offset="{s(91, 3600)}" duration="{s(10)}"><audio ref="r3" duration="{s(10)}"/></clip>
    <video ref="r4" offset="{s(101, 3600)}"/>
    """
    answer = read_content(tmp_path, fcpx(spine, rate), "xml")
    assert frames(answer) != []
    assert [(clip.full_name, clip.frame_in, clip.nb_frames) for clip in answer.clips] == [
        ("media", 24, 48),
        ("P_SQ-pick", 72, 9),
        ("P_SQ-clip", 81, 10),
        ("P_SQ-src.mov", 101, 48),
        ("P_SQ-above", 34, 5),
        ("P_SQ-src.mov", 48, 3),
        ("P_SQ-2nd", 51, 4),
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (fcpx('<asset-clip ref="r2" offset="x" duration="1s"/>', Fraction(24)), ["lane 0, clip 1", "'x'"]),
        (fcpx('<asset-clip ref="r2" offset="1/0s" duration="1s"/>', Fraction(24)), ["lane 0, clip 1", "1/0s"]),
        (fcpx('<asset-clip ref="r2" offset="0s" duration="999999999999s"/>', Fraction(24)), ["lane 0, clip 1"]),
        (fcpx("<gap>" * 600 + "</gap>" * 600, Fraction(24)), ["line 7", "500 deep"]),
        (fcpx("", Fraction(24)).replace("frameDuration", "f"), ["rate"]),
        (fcpx("", Fraction(24)).replace('format="r1"', ""), ["rate"]),
        (fcpx("", Fraction(24)).replace("<spine></spine>", ""), ["storyline"]),
        ("<fcpxml/>", ["no project"]),
        (
            fcpx('</spine></sequence></project><project name="two"><sequence format="r1"><spine>', Fraction(24)),
            ["2 projects", "'one'", "'two'"],
        ),
        ("<fcpxml>\n<a></fcpxml>", ["line 2, column"]),
        ("<html></html>", ["html"]),
    ],
)
def test_what_is_wrong_with_a_document_is_told(tmp_path: Path, content: str, words: list[str]) -> None:
    answer = read_content(tmp_path, content, "fcpxml")
    assert all(word in answer.refusal for word in words), answer.refusal


# What is no cut


CYCLE = {
    "OTIO_SCHEMA": "Stack.1",
    "OTIO_REF_ID": "a",
    "children": [
        {"OTIO_SCHEMA": "Track.1", "kind": "Video", "children": [{"OTIO_SCHEMA": "SerializableObjectRef.1", "id": "a"}]}
    ],
}


@pytest.mark.parametrize(
    ("extension", "content", "words"),
    [
        ("otio", json.dumps(CYCLE), ["'a' contains itself"]),
        ("otio", '{"a":' * 100_000, ["deep"]),
        ("otio", "{}", ["OTIO_SCHEMA"]),
        ("otio", '{\n"a": nope}', ["line 2, column 6"]),
        ("otio", b"\xff\xfe\x00", ["byte 1"]),
        ("otio", '{"OTIO_SCHEMA": "Marker.1"}', ["Marker"]),
        ("otioz", b"PK\x03\x04 no zip", ["zip"]),
        ("otioz", "{}", ["zip"]),
        ("xml", b"\x00\x01\x02", ["line 1, column 1"]),
        ("xml", '<?xml version="1.0"?>\n<!DOCTYPE x [<!ENTITY a "b">]><xmeml>&a;</xmeml>', ["line 2", "'a'"]),
        ("xml", "<xmeml version='5'></xmeml>", [""]),
        ("edl", b"TITLE: x\n\x00", ["line 2, byte 10"]),
        ("edl", "not an edit list", ["line 1"]),
        ("ale", "no log", ["line 1"]),
        ("aaf", b"no aaf", [""]),
        ("ma", "//Maya ASCII 2026 scene", ["Maya"]),
    ],
)
def test_what_is_no_cut_says_so(tmp_path: Path, extension: str, content: str | bytes, words: list[str]) -> None:
    answer = read_content(tmp_path, content, extension)
    assert answer.clips == []
    assert len(answer.refusal) > 5
    assert all(word in answer.refusal for word in words), answer.refusal


def test_a_bundle_that_unpacks_to_more_than_a_cut_has_is_refused(tmp_path: Path) -> None:
    bundle = tmp_path / "made.zip"
    with zipfile.ZipFile(bundle, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("content.otio", "w") as content:
        for _ in range(65):
            content.write(b" " * 2**20)
    assert bundle.stat().st_size < 2**20
    assert "larger than" in read_content(tmp_path, bundle.read_bytes(), "otioz").refusal


def test_a_cut_has_a_largest_number_of_clips(tmp_path: Path) -> None:
    text = edit_list(*[("P_SQ-a", 1)] * (MOST_CLIPS + 1))
    assert str(MOST_CLIPS) in read_content(tmp_path, text, "edl").refusal


def test_objects_may_be_shared_by_name(tmp_path: Path) -> None:
    document = json.loads(otio.adapters.write_to_string(timeline(24, ("P_SQ-a", 0, 24)), "otio_json"))
    marker = json.loads(otio.schema.Marker("x").to_json_string())
    document["metadata"] = {"one": {**marker, "OTIO_REF_ID": "m"}}
    document["metadata"]["two"] = {"OTIO_SCHEMA": "SerializableObjectRef.1", "id": "m"}
    assert frames(read_content(tmp_path, json.dumps(document), "otio")) == [(0, 23, 24)]


def test_only_one_timeline_is_imported_at_a_time(tmp_path: Path) -> None:
    both = otio.schema.SerializableCollection(children=[timeline(24, *THREE), timeline(24, *THREE)])
    refusal = read_content(tmp_path, otio.adapters.write_to_string(both, "otio_json"), "otio").refusal
    assert "2 timelines" in refusal
    one = otio.schema.SerializableCollection(children=[timeline(24, *THREE)])
    assert len(read_content(tmp_path, otio.adapters.write_to_string(one, "otio_json"), "otio").clips) == 2
    track = timeline(24, *THREE).tracks[0].clone()
    assert len(read_content(tmp_path, otio.adapters.write_to_string(track, "otio_json"), "otio").clips) == 2
    assert (
        len(
            read_content(
                tmp_path, otio.adapters.write_to_string(timeline(24, *THREE, tracks=2), "otio_json"), "otio"
            ).clips
        )
        == 4
    )


# Names


def test_the_convention_reads_names(tmp_path: Path) -> None:
    answer = read_content(
        tmp_path,
        edit_list(("SQ1__P2_v003.mov", 1), ("sq1__p2_V003 copy.mov", 1), ("SQ1-P2.mov", 1), ("x" * 400, 1)),
        "edl",
        convention=r"${sequence_name}__${shot_name}_v\d+",
        match_case=False,
    )
    told = [clip.told for clip in answer.clips]
    assert told[0] is not None
    assert told[1] is not None
    assert (told[0].sequence, told[0].shot, told[0].wholly) == ("SQ1", "P2", True)
    assert (told[1].sequence, told[1].shot, told[1].wholly) == ("sq1", "p2", False)
    assert told[2:] == [None, None]
    assert "300" in answer.clips[3].fault
    answer = read_content(tmp_path, edit_list(("SQ01.SH010", 1)), "edl", convention="${sequence_name}.${shot_name}")
    assert answer.clips[0].told is not None, "what looks like an extension may be the shot"


def test_known_names_may_hold_what_others_may_not(tmp_path: Path) -> None:
    cut = edit_list(("Été (2) x_SQ-A", 1), ("E\u0301te\u0301 (2)  x_SQ-B", 1), ("Été (3) x_SQ-C", 1), ("Other_SQ-D", 1))
    answer = read_content(tmp_path, cut, "edl", project_name="Été (2) x")
    told = [clip.told and (clip.told.project, clip.told.shot) for clip in answer.clips]
    assert told == [("Été (2) x", "A"), ("Été (2) x", "B"), None, ("Other", "D")]


@pytest.mark.parametrize(
    "pattern",
    [
        r"(\w+\w+)+${sequence_name}-${shot_name}!",
        r"((a*)*)*${sequence_name}-${shot_name}!",
        r"${sequence_name}${shot_name}(?=(\w*\w*)*!)!",
    ],
)
def test_a_pattern_that_takes_for_ever_is_given_up(
    tmp_path: Path, pattern: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "_PATIENCE", 0.5)
    answer = read_content(tmp_path, edit_list(("a" * 200, 1)), "edl", convention=pattern)
    assert answer.about == "naming_convention"
    assert "too long" in answer.refusal


@pytest.mark.parametrize(
    "pattern",
    ["(${sequence_name}${shot_name}", "${sequence_name}${shot_name}*{9}{9}(?P<x>", "[${sequence_name}${shot_name}"],
)
def test_a_pattern_that_is_none_is_refused(tmp_path: Path, pattern: str) -> None:
    answer = read_content(tmp_path, edit_list(("a", 1)), "edl", convention=pattern)
    assert (answer.about, "regular expression" in answer.refusal) == ("naming_convention", True)
