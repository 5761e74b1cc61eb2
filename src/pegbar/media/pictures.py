"""Pictures made from uploads, by processes under limits (render), in turn.

A process reads the header first. A small picture is made at once; a large one gives its place back and waits for one of
the few that large ones have, so that an avatar waits neither for large pictures nor for one person's many.
"""

import json
import os
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import structlog

from pegbar.config import settings
from pegbar.core.errors import BadRequest
from pegbar.core.storage import check_room, disk_errors
from pegbar.core.turns import Holder, Turns
from pegbar.core.work import programs
from pegbar.core.work.confined import Limits, TookTooLong
from pegbar.media import render

log = structlog.get_logger()

#: Seconds a file may take.
_LONGEST = 300
#: A picture of more pixels is large: a frame of a film, at 5K, is not.
_SMALL_PIXELS = 2**24
#: Seconds of processor, and bytes of a picture that is made.
_PROCESSOR, _FILE_SIZE = 120, 4 * 1024**3
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


class LargePicture(Exception):
    """A picture that is not made now, since it is large."""


@dataclass(frozen=True)
class Colour:
    """How scene-linear and logarithmic pictures are shown: names of an OpenColorIO configuration; empty: its defaults.

    `linear` and `log` are the spaces of files that do not tell theirs.
    """

    config: str
    display: str = ""
    view: str = ""
    linear: str = ""
    log: str = ""

    @classmethod
    def of(cls, production: Mapping[str, Any] | None = None) -> "Colour":
        """The server's, with what the data of a production says otherwise (`ocio_display`, `ocio_view`…)."""
        names = {
            "display": settings().ocio_display,
            "view": settings().ocio_view,
            "linear": settings().ocio_linear_space,
            "log": settings().ocio_log_space,
        }
        keys = {"display": "ocio_display", "view": "ocio_view", "linear": "ocio_linear_space", "log": "ocio_log_space"}
        for name, key in keys.items():
            value = (production or {}).get(key)
            if isinstance(value, str) and value.strip():
                names[name] = value.strip()[:200]
        return cls(settings().ocio_config or "ocio://default", **names)

    @property
    def files(self) -> list[Path]:
        """What the program must read of it: a configuration that is a file lies among its tables."""
        path = Path(self.config)
        return [] if self.config.startswith("ocio://") else [path.resolve().parent]


@dataclass(frozen=True)
class Rendered:
    """The pictures made, as files by prefix, and the size of the upright source."""

    width: int
    height: int
    files: dict[str, Path]


@asynccontextmanager
async def rendered(
    source: Path,
    variants: Sequence[Variant],
    *,
    holder: Holder,
    hdr: bool = False,
    name: str = "",
    colour: Colour | None = None,
    small_only: bool = False,
) -> AsyncIterator[Rendered]:
    """The variants of a picture, in files that are removed afterwards, made in the turn of `holder`.

    `name` is that of the file as it came, for formats and rules of colour that go by it. Raises UnreadablePicture,
    Busy for a person of whom many pictures wait, and with `small_only` LargePicture.
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
        colour = colour or Colour.of()
        request = {
            "source": str(source),
            "name": name,
            "outputs": outputs,
            "hdr": hdr,
            "max_pixels": settings().max_image_pixels,
            "colour": asdict(colour),
        }
        reads = [source, *colour.files]
        every, large = _turns()
        async with every.place(holder):
            size = await _run({**request, "small_pixels": _SMALL_PIXELS}, Path(folder), reads)
        if size is None and small_only:
            raise LargePicture
        if size is None:
            async with large.place(holder), every.place(holder, rank=1):
                size = await _run(request, Path(folder), reads)
        assert size is not None, "a picture is not large without a limit for small ones"
        if note := size.get("note"):
            log.info("a picture is not as it should be", name=name or source.name, note=note)
        yield Rendered(size["width"], size["height"], files)


async def _run(request: Mapping[str, Any], folder: Path, reads: Sequence[Path]) -> dict[str, Any] | None:
    """The size of a picture that is made; None when it is not, since it is large and the request is for small ones."""
    pixels = request.get("small_pixels") or request["max_pixels"]
    limits = Limits(render.MEMORY + pixels * render.MOST_MEMORY_OF_PIXEL, _PROCESSOR, _LONGEST, _FILE_SIZE)
    try:
        outcome = await programs.run(render.PROGRAM, json.dumps(request), folder=folder, reads=reads, limits=limits)
    except TookTooLong as error:
        raise UnreadablePicture(f"The picture cannot be read: {error}.") from None
    answer = outcome.output.splitlines()[-1:]
    if outcome.code == 0:
        size: dict[str, Any] = json.loads(answer[0])
        return size
    if outcome.code == render.LARGE:
        return None
    if outcome.code == 1 and answer:
        raise UnreadablePicture(f"The picture cannot be read: {json.loads(answer[0])['unreadable']}.")
    check_room(settings().upload_folder)
    log.warning("a picture could not be made", code=outcome.code, stderr=outcome.complaint)
    raise UnreadablePicture("The picture cannot be read: its decoder failed, or it needs more than it may take.")
