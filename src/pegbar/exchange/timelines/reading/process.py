"""The server's side of reading: a confined process for each file, in turn."""

import asyncio
import os
from functools import cache
from pathlib import Path

import msgspec
import structlog

from pegbar.core.errors import BadRequest
from pegbar.core.http.uploads import Upload
from pegbar.core.storage import check_room, disk_errors
from pegbar.core.turns import Holder, Turns
from pegbar.core.work import programs
from pegbar.core.work.confined import Limits, TookTooLong
from pegbar.core.work.workshop import workshop
from pegbar.exchange.timelines.reading.shapes import (
    ANSWER,
    FORMATS,
    LONGEST_TEXT,
    REFUSED,
    REQUEST,
    Answer,
    ReadClip,
    Request,
)

log = structlog.get_logger()

#: A document of `LONGEST_TEXT` takes some twenty times its size while it is read.
_LIMITS = Limits(memory=2 * 2**30, processor=60, longest=180, file_size=64 * 2**20, niceness=5)
#: Formats that may hold media beside the cut, which are not read.
_CONTAINERS = ("aaf", "otioz", "otiod")
_MOST_WAITING = 10
_PROGRAM = "pegbar.exchange.timelines.reading.program"


@cache
def _turns() -> Turns:
    places = max((os.cpu_count() or 1) // 2, 1)
    return Turns(places, max(places - 1, 1), most_waiting=_MOST_WAITING, what="timelines")


def check_format(upload: Upload) -> None:
    """Raise BadRequest for a file of an extension that is no cut's, or that is too large for one."""
    if upload.extension not in FORMATS or "." not in upload.name:
        listed = ", ".join(FORMATS)
        raise BadRequest(f"file: {upload.name[:80]!r} is none of the formats that are read: {listed}.")
    if upload.extension not in _CONTAINERS and upload.size > LONGEST_TEXT:
        raise BadRequest(f"file: it has {upload.size} bytes; a cut in this format has {LONGEST_TEXT} at the most.")


async def read_clips(upload: Upload, *, rate: str, pattern: str, match_case: bool, holder: Holder) -> list[ReadClip]:
    """The clips of a file, with what the pattern of their naming convention reads. Raises BadRequest and Busy."""
    async with workshop() as folder:
        request = Request(str(upload.path.resolve()), upload.extension, rate, pattern, match_case)
        with disk_errors():
            (folder / REQUEST).write_bytes(msgspec.json.encode(request))
        async with _turns().place(holder):
            await _run(folder, upload.path.resolve())
        content = await asyncio.to_thread((folder / ANSWER).read_bytes)
    answer = msgspec.json.decode(content, type=Answer)
    if answer.refusal:
        if answer.about == "file":
            raise BadRequest(f"file: {upload.name[:80]!r} cannot be read: {answer.refusal}.")
        raise BadRequest(f"{answer.about}: {answer.refusal}.")
    return answer.clips


async def _run(folder: Path, source: Path) -> None:
    """Have the process write its answer. Raises BadRequest when it came to nothing."""
    try:
        outcome = await programs.run(_PROGRAM, folder=folder, reads=[source], limits=_LIMITS)
    except TookTooLong as error:
        raise BadRequest(f"file: it cannot be read: {error}.") from None
    if outcome.code in (0, REFUSED):
        return
    check_room(folder)
    log.warning("a timeline was not read", code=outcome.code, stderr=outcome.complaint)
    raise BadRequest("file: it cannot be read: its reader failed, or needs more memory or time than it may take.")
