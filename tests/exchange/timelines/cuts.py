"""Cuts that tests write, send and read."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import requests
from hypothesis import strategies as st

from pegbar.exchange.timelines import naming, rates
from pegbar.exchange.timelines.naming import Convention
from pegbar.exchange.timelines.reading.program import read
from pegbar.exchange.timelines.reading.shapes import Answer, Request
from pegbar.exchange.timelines.writing.cut import Media, WrittenClip, WrittenCut, laid
from tests.client import Client

RATES = [Fraction(24), Fraction(25), Fraction(30), Fraction(24000, 1001), Fraction(30000, 1001), Fraction(50)]


def edl(*clips: tuple[str, int], rate: int = 25, start: int = 0) -> str:
    """An edit list of clips (name, frames) one after the other; the record starts at a frame."""
    lines, at = ["TITLE: CUT", "FCM: NON-DROP FRAME", ""], start
    for number, (name, frames) in enumerate(clips, 1):
        times = " ".join(rates.timecode_of(frame, Fraction(rate)) for frame in (0, frames, at, at + frames))
        lines += [f"{number:03d}  AX       V     C        {times}", f"* FROM CLIP NAME: {name}", ""]
        at += frames
    return "\n".join(lines)


def send(
    who: Client,
    project_id: str,
    content: str | bytes,
    name: str = "cut.edl",
    *,
    episode_id: str | None = None,
    form: dict[str, str] | None = None,
    **query: Any,
) -> requests.Response:
    """The answer to an import."""
    path = f"/import/otio/projects/{project_id}" + (f"/episodes/{episode_id}" if episode_id else "")
    data = content.encode() if isinstance(content, str) else content
    return who.post(path, files={"file": (name, data)}, data=form or {}, params=query)


def read_content(
    folder: Path,
    content: str | bytes,
    extension: str,
    *,
    rate: Fraction = rates.DEFAULT,
    convention: str = naming.IN_PROJECT,
    match_case: bool = True,
    **known: str,
) -> Answer:
    """What the reader finds in a file, in this process."""
    path = folder / f"cut.{extension}"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read(Request(str(path), extension, str(rate), Convention(convention).pattern(known), match_case))


def frames(answer: Answer) -> list[tuple[int, int, int | None]]:
    """Where the clips of an answer lie."""
    assert answer.refusal == "", answer.refusal
    return [(clip.frame_in, clip.frame_out, clip.nb_frames) for clip in answer.clips]


_letters = st.characters(codec="utf-8", exclude_categories=("Cs", "Co"))
#: Names with accents, quotes, spaces, ends of lines and whatever else people type.
names = st.one_of(
    st.text(_letters, min_size=1, max_size=30), st.sampled_from(["é à", 'a "b"', "O'Neil", "a & b <c>", "  x ", "A.B"])
).map(lambda name: naming.plain(name) or "x")


@st.composite
def written_cuts(draw: st.DrawFn) -> WrittenCut:
    """Cuts with gaps between their clips, or without; some clips show media."""
    gaps = draw(st.booleans())
    clips: list[WrittenClip] = []
    end = 0
    for number in range(draw(st.integers(0, 8))):
        length = draw(st.integers(1, 5000))
        start = end + draw(st.integers(0, 300)) if gaps else None
        media = None
        if draw(st.booleans()):
            url = f"https://kitsu.example/api/movies/originals/preview-files/{draw(st.integers(0, 3))}.mp4"
            media = Media(f"{number}.mov", url, draw(st.none() | st.integers(1, 9000)), 1920, 1080)
        clips.append(WrittenClip(draw(names), length, start, media, mark=draw(st.sampled_from(["", "Layout v3 wfa"]))))
        end = (end if start is None else start) + length
    return WrittenCut(draw(names), draw(st.sampled_from(RATES)), laid(clips), {"project": "x"})
