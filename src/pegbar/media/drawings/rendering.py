"""Annotations drawn over pictures, by a confined process, in turn (`program.py`)."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import msgspec
import structlog

from pegbar.core.errors import BadRequest
from pegbar.core.http.made import Growing
from pegbar.core.storage import check_room, disk_errors
from pegbar.core.turns import Holder, Turns
from pegbar.core.work import programs
from pegbar.core.work.confined import Limits, TookTooLong
from pegbar.media.drawings.protocol import REQUEST, TOO_MUCH, UNREADABLE, WHOLE

log = structlog.get_logger()

Form = Literal["png", "zip", "pdf"]

#: What drawing may take: as many frames as go into one answer, on a slow machine.
_LIMITS = Limits(memory=2 * 2**30, processor=300, longest=600, file_size=2 * 2**30, niceness=5)
_MOST_WAITING = 10
_FAILURES_TOLD = 5


@dataclass(frozen=True)
class Annotated:
    """A picture, what is drawn over it, and what the result is called."""

    frame: Path
    name: str
    objects: Sequence[Any]


@cache
def _turns() -> Turns:
    places = max((os.cpu_count() or 1) // 2, 1)
    return Turns(places, max(places - 1, 1), most_waiting=_MOST_WAITING, what="annotated pictures")


async def rendered(
    pictures: Sequence[Annotated],
    form: Form,
    folder: Path,
    *,
    preview_id: UUID,
    holder: Holder,
    growing: Growing | None = None,
) -> Path:
    """The pictures with what is drawn over them, as one file in `folder`: the only one, all in a zip, or pages.

    `growing` is told how far it is. What cannot be drawn is left out and logged. Raises BadRequest when none of it can,
    and Busy.
    """
    output = folder / f"annotated.{form}"
    request = {
        "form": form,
        "output": str(output),
        "pictures": [
            {"frame": str(picture.frame), "name": picture.name, "objects": picture.objects} for picture in pictures
        ],
    }
    frames = [picture.frame for picture in pictures]
    failures: list[str] = []

    def take(line: str) -> None:
        whole = json.loads(line).get(WHOLE)
        if whole is None:
            failures.append(line)
        elif growing is not None:
            growing.reach(output, whole)

    await drawn_by("pegbar.media.drawings.program", request, folder, reads=frames, holder=holder, on_line=take)
    tell_failures(failures, preview=preview_id)
    return output


async def drawn_by(
    module: str,
    request: Mapping[str, Any],
    folder: Path,
    *,
    reads: Sequence[Path],
    holder: Holder,
    on_line: Callable[[str], None],
) -> None:
    """Run a program that draws what the request says, in its turn. It tells each object that it could not draw.

    `on_line` is given each line of JSON that it says. It reads its request in `folder`, where it also writes, and the
    files `reads`. It ends as `program.py` does. Raises BadRequest when it cannot do what it should, and Busy.
    """
    with disk_errors():
        (folder / REQUEST).write_bytes(msgspec.json.encode(request))
    async with _turns().place(holder):
        try:
            outcome = await programs.run(module, folder=folder, reads=reads, limits=_LIMITS, on_line=on_line)
        except TookTooLong as error:
            raise BadRequest(f"The annotations cannot be drawn: {error}.") from None
    if outcome.code == 0:
        return
    check_room(folder)
    log.error("annotations were not drawn", program=module, code=outcome.code, stderr=outcome.complaint)
    if outcome.code == UNREADABLE:
        raise BadRequest("The picture under the annotations cannot be read.")
    if outcome.code == TOO_MUCH or outcome.code < 0:
        raise BadRequest("The annotations cannot be drawn: they need too much memory or time.")
    raise RuntimeError(f"drawing annotations ended with {outcome.code}: {outcome.complaint}")


def tell_failures(lines: Sequence[str], **about: UUID) -> None:
    """Log what a program could not draw."""
    if lines:
        failures = [json.loads(line) for line in lines[:_FAILURES_TOLD]]
        log.warning("some annotations cannot be drawn", number=len(lines), failures=failures, **about)
