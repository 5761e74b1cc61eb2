"""Makes pictures from an uploaded file. A program (`core/work/programs.py`), under limits.

Uploads are untrusted and decoders have faults, so nothing of the server is in this process: it reads one file, writes
the pictures that are wanted and prints their size as JSON. These modules import nothing of Pegbar but each other.

- `sources.py` opens a file: its header decides what is read of it, and how much memory that may take;
- `colour.py` tells what its numbers mean, and turns them into sRGB;
- `program.py` shrinks what is read, strip by strip, and writes what is derived.

Source: spec media, "Picture pipeline"; from "Worth fixing": EXIF orientation is applied, and the height of `previews`
has a limit.
"""

import math

#: Where the program begins: its one argument is the request, as JSON.
PROGRAM = f"{__name__}.program"
#: A preview is as wide as this, and at most ten times as high.
PREVIEW_WIDTH = 1200
_TALLEST_PREVIEW = 10 * PREVIEW_WIDTH
#: Bytes of address space: for the libraries and a header, and for each pixel of the picture at most.
MEMORY, MOST_MEMORY_OF_PIXEL = 768 * 1024**2, 32
#: The exit code for a picture that is larger than this run is for.
LARGE = 3


class Unreadable(Exception):
    """The file is no picture that can be taken; the text says why."""


class Large(Exception):
    """The picture has more pixels than this run is for: a later one makes it."""


def fit(width: int, height: int, box_width: int, box_height: int) -> tuple[int, int]:
    """The size of a picture that is contained in a box, grown when it is smaller."""
    if width < box_width and height < box_height:
        scale = min(box_width / width, box_height / height)
        width, height = max(round(width * scale), 1), max(round(height * scale), 1)
    if width * box_height == height * box_width:
        return box_width, box_height
    fitted = math.ceil(box_height * width / height)
    if fitted <= box_width:
        return fitted, box_height
    return box_width, min(math.ceil(box_width * height / width), box_height)


def preview_box(width: int, height: int) -> tuple[int, int]:
    """The box of `previews`: always 1200 wide, as high as the picture needs."""
    return PREVIEW_WIDTH, min(math.ceil(PREVIEW_WIDTH * height / width), _TALLEST_PREVIEW)


__all__ = [
    "LARGE",
    "MEMORY",
    "MOST_MEMORY_OF_PIXEL",
    "PREVIEW_WIDTH",
    "PROGRAM",
    "Large",
    "Unreadable",
    "fit",
    "preview_box",
]
