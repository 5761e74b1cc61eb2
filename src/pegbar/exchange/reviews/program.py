"""Draws the pages of a review. Runs in a process of its own, under limits: annotations and texts are untrusted.

It reads `request.json` in its working folder, as `actions.on_paper` writes it, and ends as `media/drawings/program.py`
does: with the PDF, and a line of JSON for each object of an annotation that cannot be drawn.
"""

import io
import json
import logging
import re
from pathlib import Path
from typing import Any

import msgspec
from fpdf import FPDF
from fpdf.enums import XPos, YPos
from fpdf.fonts import TTFFont
from PIL import Image

from pegbar.media.drawings.lettering import printable
from pegbar.media.drawings.program import FONT_FILE, draw, ending
from pegbar.media.drawings.protocol import REQUEST

#: What DejaVu Sans has no letters for: those of East Asia, those of all other scripts, and symbols.
_FONTS = Path(__file__).parent / "fonts"
_FALLBACKS = {
    "east-asian": _FONTS / "DroidSansFallbackFull.ttf",
    "others": _FONTS / "unifont.otf",
    "symbols": _FONTS / "unifont_upper.otf",
}
_FONT = "DejaVu Sans"
#: Millimetres.
_MARGIN, _GAP, _THUMBNAIL, _INDENT, _TALLEST = 15, 4, 45, 6, 110
#: Pixels of a frame's longer side: as many as its half of the page shows at 200 dots an inch, and some to enlarge.
_LONGEST = 1280
_INK, _FAINT, _RULE = (20, 20, 20), (110, 110, 110), (200, 200, 200)
#: Accents of their own, and the scripts whose letters change by their neighbours or run from right to left, from Hebrew
#: on. To shape the others too would double the time.
_SHAPED = re.compile(
    "[\u0300-\u036f\u0590-\u1cff\ua800-\uabff\ufb1d-\ufdff\ufe70-\ufeff\U00010800-\U00011fff\U0001e800-\U0001efff]"
)
_CHECKED, _OPEN = "☑", "☐"


class _Pages(FPDF):
    """Pages in A4 that print these letters, of any script."""

    def __init__(self, title: str, letters: set[str]) -> None:
        super().__init__(format="A4")
        self._title = title
        self.set_margin(_MARGIN)
        self.set_auto_page_break(True, margin=_MARGIN)
        self.add_font(_FONT, fname=FONT_FILE)
        self._add_fallbacks(letters)
        self.set_title(title)
        self.add_page()

    def _add_fallbacks(self, letters: set[str]) -> None:
        """The further fonts that the letters need, in their order: to read them all doubles the time of a page."""
        lacking = {ord(letter) for letter in letters if letter >= " "} - self._letters_of(_FONT)
        fallbacks = []
        for name, file in _FALLBACKS.items():
            if lacking:
                self.add_font(name, fname=file)
                fallbacks.append(name)
                lacking -= self._letters_of(name)
        self.set_fallback_fonts(fallbacks, exact_match=False)

    def _letters_of(self, name: str) -> set[int]:
        font = self.fonts[name.lower()]
        assert isinstance(font, TTFFont)
        return set(font.cmap)

    def footer(self) -> None:
        """The title and the page's number under each page."""
        self.set_y(-_MARGIN + 3)
        self.set_font(_FONT, size=7)
        self.set_text_shaping(False)
        self.set_text_color(*_FAINT)
        self.cell(self.epw - 20, 4, self._title[:120])
        self.cell(20, 4, f"{self.page_no()} / {{nb}}", align="R")

    def line_of(self, text: str, size: float, colour: tuple[int, int, int] = _INK, indent: float = 0) -> None:
        """A paragraph, whose lines break."""
        text = printable(text).strip("\n")
        if text.strip():
            self.set_font(_FONT, size=size)
            self.set_text_color(*colour)
            self.set_text_shaping(bool(_SHAPED.search(text)))
            self.set_x(_MARGIN + indent)
            self.multi_cell(self.epw - indent, size * 0.5, text, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def rule(self) -> None:
        """A line across the page."""
        self.ln(_GAP / 2)
        self.set_draw_color(*_RULE)
        self.line(_MARGIN, self.get_y(), _MARGIN + self.epw, self.get_y())
        self.ln(_GAP / 2)

    def make_room(self, height: float) -> None:
        """A new page unless so much fits on this one."""
        if self.will_page_break(height):
            self.add_page()


def _jpeg(picture: Image.Image) -> Image.Image:
    """A picture as it is printed."""
    picture.thumbnail((_LONGEST, _LONGEST))
    page = io.BytesIO()
    picture.save(page, "JPEG", quality=88, subsampling=0)
    return Image.open(page)


def _opened(path: str | None) -> Image.Image | None:
    """A picture, in RGB; None when there is none that can be read."""
    if path is None:
        return None
    try:
        with Image.open(path) as picture:
            return draw(picture, [], lambda *_: None)
    except (OSError, Image.DecompressionBombError):
        return None


def _frame(frame: dict[str, Any], place: str) -> Image.Image | None:
    """A frame with what is drawn on it."""
    picture = _opened(frame["frame"])
    if picture is None:
        return None

    def tell(index: int, reason: str) -> None:
        print(json.dumps({"picture": place, "object": index, "reason": reason}))  # noqa: T201

    return _jpeg(draw(picture, frame["objects"], tell))


def _head(pages: _Pages, request: dict[str, Any]) -> None:
    entries = request["entries"]
    notes, frames = (sum(len(entry[key]) for entry in entries) for key in ("notes", "frames"))
    pages.line_of(request["title"], 20)
    pages.line_of(request["subtitle"], 11, _FAINT)
    counts = f"entries: {len(entries)}, notes: {notes}, drawn frames: {frames}"
    pages.line_of(f"Review of {request['made_at']} – {counts}", 9, _FAINT)
    if request["left_out"]:
        pages.line_of(f"{request['left_out']} more drawn frames are not shown: they are too many for a document.", 9)


def _entry(pages: _Pages, number: int, entry: dict[str, Any]) -> None:
    pages.rule()
    thumbnail = _opened(entry["thumbnail"])
    height = 0.0 if thumbnail is None else _THUMBNAIL * thumbnail.height / thumbnail.width
    pages.make_room(min(height, _TALLEST) + 25)
    pages.line_of(f"{number}. {entry['name']}", 13)
    pages.line_of(entry["facts"], 9, _FAINT)
    pages.ln(1)
    if thumbnail is not None:
        pages.image(_jpeg(thumbnail), x=_MARGIN, w=_THUMBNAIL, h=min(height, _TALLEST), keep_aspect_ratio=True)
        pages.ln(2)
    for note in entry["notes"]:
        _note(pages, note)
    _frames(pages, entry)


def _note(pages: _Pages, note: dict[str, Any]) -> None:
    pages.make_room(12)
    pages.line_of(note["head"], 8, _FAINT)
    pages.line_of(note["text"], 10)
    for is_checked, text in note["checklist"]:
        pages.line_of(f"{_CHECKED if is_checked else _OPEN} {text}", 10, indent=_INDENT)
    for author, text in note["replies"]:
        pages.line_of(f"{author}: {text}", 9, indent=_INDENT)
    pages.ln(2)


def _frames(pages: _Pages, entry: dict[str, Any]) -> None:
    """Frames two by two, under what they are."""
    width = (pages.epw - _GAP) / 2
    for first in range(0, len(entry["frames"]), 2):
        row = entry["frames"][first : first + 2]
        pictures = [_frame(frame, f"{entry['name']}, {frame['caption']}") for frame in row]
        tallest = max((width * picture.height / picture.width for picture in pictures if picture), default=0.0)
        height = min(tallest, _TALLEST)
        pages.make_room(height + 8)
        top = pages.get_y()
        for i, (frame, picture) in enumerate(zip(row, pictures, strict=True)):
            left = _MARGIN + i * (width + _GAP)
            pages.set_font(_FONT, size=8)
            pages.set_text_shaping(False)
            pages.set_text_color(*_FAINT)
            pages.set_xy(left, top)
            missing = "" if picture else ": there is no picture of it"
            pages.cell(width, 5, frame["caption"] + missing)
            if picture is not None:
                pages.image(picture, x=left, y=top + 5, w=width, h=height, keep_aspect_ratio=True)
        pages.set_xy(_MARGIN, top + 5 + height + 3)


def _make() -> None:
    request = msgspec.json.decode(Path(REQUEST).read_bytes())
    logging.getLogger("fontTools").setLevel(logging.ERROR)
    letters = set(json.dumps(request, ensure_ascii=False))
    pages = _Pages(printable(request["title"]).replace("\n", " "), letters)
    _head(pages, request)
    for number, entry in enumerate(request["entries"], 1):
        _entry(pages, number, entry)
    if not request["entries"]:
        pages.line_of("Nothing is in this playlist.", 10)
    pages.output(request["output"])


def main() -> None:
    """Do what the request says."""
    ending(_make)
