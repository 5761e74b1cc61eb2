"""Pictures made from uploads, by processes under limits (render.py), in turn.

A process reads the header first. A small picture is made at once; a large one gives its place back and waits for one of
the few that large ones have, so that an avatar waits neither for large pictures nor for one person's many.
"""

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import structlog

from pegbar.config import settings
from pegbar.core.errors import BadRequest
from pegbar.core.storage import check_room, disk_errors
from pegbar.core.turns import Holder, Turns
from pegbar.media import render as program

log = structlog.get_logger()

#: Seconds a file may take.
_LONGEST = 300
#: A picture of more pixels is large: a frame of a film, at 5K, is not.
_SMALL_PIXELS = 2**24
#: Threads reserve address space, of which the process has little.
_FRUGAL = {"OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
#: Pictures of one person that may wait for their turn.
_MOST_WAITING = 100


@cache
def _turns() -> tuple[Turns, Turns]:
    """The processes that make pictures, and those of them that make large ones: both leave one to somebody else."""
    places = settings().picture_processes or min(max(os.cpu_count() or 1, 2), 8)
    large = max(places // 2, 1)
    return (
        Turns(places, max(places - 1, 1), most_waiting=_MOST_WAITING, what="pictures"),
        Turns(large, max(large - 1, 1), most_waiting=_MOST_WAITING, what="large pictures"),
    )


@dataclass(frozen=True)
class Variant:
    """A picture to make: its prefix in the storage, and how it is fitted (none, contain, crop or preview)."""

    prefix: str
    fit: str = "contain"
    width: int = 0
    height: int = 0


ORIGINAL = Variant("original", "none")
DERIVED = (
    Variant("thumbnails", "contain", 150, 100),
    Variant("thumbnails-square", "contain", 100, 100),
    Variant("previews", "preview"),
)
AVATAR = Variant("thumbnails", "contain", 400, 400)
BACKGROUND_THUMBNAIL = Variant("thumbnails", "contain", 300, 200)
ATTACHMENT_THUMBNAIL = Variant("thumbnails", "crop", 150, 150)


class UnreadablePicture(BadRequest):
    """An upload that is no picture, or too large a one."""


@dataclass(frozen=True)
class Rendered:
    """The pictures made, as files by prefix, and the size of the upright source."""

    width: int
    height: int
    files: dict[str, Path]


@asynccontextmanager
async def rendered(
    source: Path, variants: Sequence[Variant], *, holder: Holder, hdr: bool = False
) -> AsyncIterator[Rendered]:
    """The variants of a picture, in files that are removed afterwards, made in the turn of `holder`.

    Raises UnreadablePicture, and Busy for a person of whom many pictures wait.
    """
    with disk_errors():
        settings().upload_folder.mkdir(parents=True, exist_ok=True)
        scratch = tempfile.TemporaryDirectory(dir=settings().upload_folder, prefix="render-")
    with scratch as folder:
        files = {variant.prefix: Path(folder) / variant.prefix for variant in variants}
        outputs = [
            {"path": str(files[variant.prefix]), "fit": variant.fit, "width": variant.width, "height": variant.height}
            for variant in variants
        ]
        request = {
            "source": str(source),
            "outputs": outputs,
            "hdr": hdr,
            "max_pixels": settings().max_image_pixels,
        }
        every, large = _turns()
        async with every.place(holder):
            size = await _run({**request, "small_pixels": _SMALL_PIXELS})
        if size is None:
            async with large.place(holder), every.place(holder, rank=1):
                size = await _run(request)
        assert size is not None, "a picture is not large without a limit for small ones"
        yield Rendered(size["width"], size["height"], files)


async def _run(request: Mapping[str, Any]) -> dict[str, int] | None:
    """The size of a picture that is made; None when it is not, since it is large and the request is for small ones."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",
        program.__file__,
        json.dumps(request),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"PATH": os.environ.get("PATH", ""), **_FRUGAL},
        start_new_session=True,  # a server that stops lets the requests under way finish
    )
    try:
        output, complaint = await asyncio.wait_for(process.communicate(), _LONGEST)
    except TimeoutError:
        raise UnreadablePicture(f"The picture cannot be read: it takes more than {_LONGEST} seconds.") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode == 0:
        size: dict[str, int] = json.loads(output)
        return size
    if process.returncode == program.LARGE:
        return None
    if process.returncode == 1 and output:
        raise UnreadablePicture(f"The picture cannot be read: {json.loads(output.splitlines()[0])['unreadable']}.")
    check_room(settings().upload_folder)
    log.warning("a picture could not be made", code=process.returncode, stderr=complaint.decode(errors="replace"))
    raise UnreadablePicture("The picture cannot be read.")
