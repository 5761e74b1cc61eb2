"""Draws annotations over pictures. Runs in a process of its own, under limits: annotations are untrusted.

It reads `request.json` in its working folder: `{"pictures": [{"frame": path of the picture, "name": what it is called,
"objects": [FabricObject…]}], "form": "png" | "zip" | "pdf", "output": path}`. It writes the output, and a line of JSON
for each object that it left out because it cannot be drawn, and `{"whole": bytes}` whenever so much of the output stays
as it is: a zip goes out picture by picture. Exit codes, with a reason: 3 when a picture cannot be read,
4 when it needs too much memory.
"""

import io
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import msgspec
from PIL import Image, ImageFont

from pegbar.media.drawings.fabric import drawn
from pegbar.media.drawings.geometry import Layer
from pegbar.media.drawings.protocol import REQUEST, TOO_MUCH, UNREADABLE, WHOLE
from pegbar.media.drawings.reading import Undrawable
from pegbar.media.drawings.svg import FONT, svg

LOADS = ("resvg_py",)
FONT_FILE = Path(__file__).parent / "fonts" / "DejaVuSans.ttf"
#: Dots in an inch of paper, and points.
_DOTS, _POINTS = 150, 72
#: Letters of alphabets from here on may want a font of the system.
_FIRST_FOREIGN = "\u0590"
_MEASURED_AT = 64
OnFailure = Callable[[int, str], None]


@cache
def _font() -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(FONT_FILE), _MEASURED_AT)


def measure(text: str, size: float) -> float:
    """The width of a line of text."""
    return _font().getlength(text) * size / _MEASURED_AT


def _over(layers: list[Layer], size: tuple[int, int]) -> Image.Image:
    """A transparent picture with these layers."""
    import resvg_py

    text = svg(layers, size)
    picture = resvg_py.svg_to_bytes(
        svg_string=text,
        font_files=[str(FONT_FILE)],
        font_family=FONT,
        skip_system_fonts=not any(letter >= _FIRST_FOREIGN for letter in text),
    )
    return Image.open(io.BytesIO(picture)).convert("RGBA")


def _overlays(objects: list[Any], size: tuple[int, int], on_failure: OnFailure) -> Iterator[Image.Image]:
    """What goes over a picture: all at once, or one by one when something of it cannot be drawn."""
    layers = drawn(objects, size, measure, on_failure)
    if not layers:
        return
    try:
        yield _over(layers, size)
    except MemoryError:
        raise
    except Exception:
        for i, layer in enumerate(layers):
            try:
                yield _over([layer], size)
            except Exception as error:
                on_failure(i, f"{type(error).__name__}: {error}"[:200])


def draw(frame: Image.Image, objects: list[Any], on_failure: OnFailure) -> Image.Image:
    """A picture with annotations, in RGB; what is transparent in it is white, as paper is."""
    if "A" in frame.getbands() or "transparency" in frame.info:
        paper = Image.new("RGBA", frame.size, "white")
        picture = Image.alpha_composite(paper, frame.convert("RGBA")).convert("RGB")
    else:
        picture = frame.convert("RGB")
    for overlay in _overlays(objects, picture.size, on_failure):
        picture.paste(overlay, mask=overlay.getchannel("A"))
    return picture


def _drawn_pictures(pictures: Iterable[dict[str, Any]]) -> Iterator[tuple[str, Image.Image]]:
    for i, picture in enumerate(pictures):

        def tell(index: int, reason: str, i: int = i) -> None:
            print(json.dumps({"picture": i, "object": index, "reason": reason}))  # noqa: T201

        with Image.open(picture["frame"]) as frame:
            yield picture["name"], draw(frame, picture["objects"], tell)


def _png(drawings: Iterator[tuple[str, Image.Image]], output: str) -> None:
    _, picture = next(drawings)
    picture.save(output, "PNG", compress_level=4)
    _tell_whole(Path(output).stat().st_size)


def _tell_whole(size: int) -> None:
    print(json.dumps({WHOLE: size}), flush=True)  # noqa: T201


def _zip(drawings: Iterator[tuple[str, Image.Image]], output: str) -> None:
    with Path(output).open("wb") as target:
        with ZipFile(target, "w", ZIP_DEFLATED, compresslevel=1) as archive:
            for name, picture in drawings:
                with archive.open(name, "w") as file:
                    picture.save(file, "PNG", compress_level=4)
                # Its header was written anew with its size; from now on all before this position stays.
                target.flush()
                _tell_whole(target.tell())
        target.flush()
        _tell_whole(target.tell())


def _pdf(drawings: Iterator[tuple[str, Image.Image]], output: str) -> None:
    """A page for each picture, in its size. JPEGs of high quality: lossless frames of movies make some 3 MB a page."""
    from fpdf import FPDF

    document = FPDF(unit="pt")
    for _, picture in drawings:
        width, height = (side * _POINTS / _DOTS for side in picture.size)
        page = io.BytesIO()
        picture.save(page, "JPEG", quality=92, subsampling=0)
        document.add_page(format=(width, height))
        document.image(page, 0, 0, width, height)
    document.output(output)
    _tell_whole(Path(output).stat().st_size)


def ending(make: Callable[[], None]) -> None:
    """Do the work of a program; what keeps it from it is said, and is its exit code."""
    try:
        make()
    except (OSError, Undrawable, Image.DecompressionBombError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(UNREADABLE)
    except MemoryError:
        print("it needs too much memory", file=sys.stderr)  # noqa: T201
        sys.exit(TOO_MUCH)


def main() -> None:
    """Do what the request says."""
    request = msgspec.json.decode(Path(REQUEST).read_bytes())
    make = {"png": _png, "zip": _zip, "pdf": _pdf}[request["form"]]
    ending(lambda: make(_drawn_pictures(request["pictures"]), request["output"]))
