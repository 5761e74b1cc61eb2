"""Pictures made from uploads, by a process under limits (render.py)."""

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog

from pegbar.config import settings
from pegbar.core.errors import BadRequest
from pegbar.core.storage import check_room, disk_errors
from pegbar.media import render as program

log = structlog.get_logger()

#: Seconds a file may take.
_LONGEST = 300
#: Files worked on at a time by one process of the server.
_slots = asyncio.Semaphore(max(os.cpu_count() or 1, 2))


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
async def rendered(source: Path, variants: Sequence[Variant], *, hdr: bool = False) -> AsyncIterator[Rendered]:
    """The variants of a picture, in files that are removed afterwards. Raises UnreadablePicture."""
    with disk_errors():
        settings().upload_folder.mkdir(parents=True, exist_ok=True)
        scratch = tempfile.TemporaryDirectory(dir=settings().upload_folder, prefix="render-")
    with scratch as folder:
        files = {each.prefix: Path(folder) / each.prefix for each in variants}
        outputs = [
            {"path": str(files[each.prefix]), "fit": each.fit, "width": each.width, "height": each.height}
            for each in variants
        ]
        request = {
            "source": str(source),
            "outputs": outputs,
            "hdr": hdr,
            "max_pixels": settings().max_image_pixels,
        }
        async with _slots:
            size = await _run(json.dumps(request))
        yield Rendered(size["width"], size["height"], files)


async def _run(request: str) -> dict[str, int]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",
        program.__file__,
        request,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"PATH": os.environ.get("PATH", "")},
        start_new_session=True,  # a server that stops lets the requests under way finish
    )
    try:
        told, complaint = await asyncio.wait_for(process.communicate(), _LONGEST)
    except TimeoutError:
        raise UnreadablePicture(f"The picture cannot be read: it takes more than {_LONGEST} seconds.") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode == 0:
        size: dict[str, int] = json.loads(told)
        return size
    if process.returncode == 1 and told:
        raise UnreadablePicture(f"The picture cannot be read: {json.loads(told.splitlines()[0])['unreadable']}.")
    check_room(settings().upload_folder)
    log.warning("a picture could not be made", code=process.returncode, stderr=complaint.decode(errors="replace"))
    raise UnreadablePicture("The picture cannot be read.")
