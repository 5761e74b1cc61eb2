"""How work on movies is done: programs on untrusted files, and how many of them at once."""

import json
import os
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog

from pegbar.config import settings
from pegbar.core.errors import BadRequest
from pegbar.core.storage import Address, check_room, fetch, store
from pegbar.core.turns import Turns
from pegbar.core.work import programs
from pegbar.core.work.confined import Limits, TookTooLong
from pegbar.media import addresses
from pegbar.media.movies import pick, probe

log = structlog.get_logger()

#: The versions of a movie that are shown, the best first.
VERSIONS = ("previews", "lowdef", "source")
#: Movies of one person that may wait for their turn.
_MOST_WAITING = 20
#: What looking at a movie may take: it is read to its end, a few of its frames are decoded.
_LOOKING = Limits(memory=3 * 2**30, processor=300, longest=600, file_size=2**30)


class UnreadableMovie(BadRequest):
    """A file that is no movie, or that no movie can be made of; the message says why."""


def movies_at_once() -> int:
    """How many movies a process makes at the same time."""
    return settings().movie_processes or max((os.cpu_count() or 1) // 4, 1)


@cache
def making_turns() -> Turns:
    """The places for movies that are made within requests; one person leaves one to the others where there are two."""
    places = movies_at_once()
    return Turns(places, max(places - 1, 1), most_waiting=_MOST_WAITING, what="movies")


@cache
def looking_turns() -> Turns:
    """The places for what is quick: looking what a movie is, taking frames out of it."""
    places = min(max(os.cpu_count() or 1, 2), 8)
    return Turns(places, max(places - 1, 1), most_waiting=_MOST_WAITING, what="frames of movies")


async def at_hand(address: Address, folder: Path) -> Path | None:
    """A stored binary as a file: itself when the storage is local, else a copy in `folder`; None when there is none."""
    binary = await store().stat(address)
    if binary is None:
        return None
    if binary.path is not None:
        return binary.path
    copy = folder / address.key
    return copy if await fetch(address, copy) else None


async def best_version(preview_id: UUID, folder: Path, order: Sequence[str] = VERSIONS) -> Path | None:
    """The first of its versions that is stored of a movie, as a file."""
    for prefix in order:
        path = await at_hand(addresses.movie(prefix, preview_id), folder)
        if path is not None:
            return path
    return None


async def _answers_of(program: str, *arguments: str, sources: Sequence[Path], folder: Path) -> list[Mapping[str, Any]]:
    """What one of the programs (a module beside this one) says of movies. Raises UnreadableMovie when it gives up."""
    try:
        outcome = await programs.run(program, *arguments, folder=folder, reads=sources, limits=_LOOKING)
    except TookTooLong as error:
        raise UnreadableMovie(f"The movie cannot be read: {error}.") from None
    try:
        answers: list[Mapping[str, Any]] = [json.loads(line) for line in outcome.output.splitlines()]
    except ValueError:
        answers = []
    if not answers:
        check_room(folder)
        log.warning("a movie cannot be read", program=program, code=outcome.code, stderr=outcome.complaint)
        raise UnreadableMovie("The movie cannot be read: its decoder gave up.") from None
    return answers


async def _answer_of(program: str, argument: str, *, source: Path, folder: Path) -> Mapping[str, Any]:
    """What one of the programs says of a movie. Raises UnreadableMovie with its reason."""
    answer = (await _answers_of(program, argument, sources=[source], folder=folder))[0]
    if "unreadable" in answer:
        raise UnreadableMovie(f"The movie cannot be read: {answer['unreadable']}.")
    return answer


async def probed(source: Path, folder: Path) -> Mapping[str, Any]:
    """What a movie is, as `plan.Probe` reads it. Raises UnreadableMovie."""
    return await _answer_of(probe.__name__, str(source), source=source, folder=folder)


async def probed_all(sources: Sequence[Path], folder: Path) -> list[Mapping[str, Any]]:
    """What movies are, `{"unreadable": why}` for one that is none. One that ends the decoder is the last told."""
    answers = await _answers_of(probe.__name__, *map(str, sources), sources=sources, folder=folder)
    if len(answers) < len(sources):
        answers.append({"unreadable": "its decoder gave up"})
    return answers


async def picked(source: Path, folder: Path, seconds: Sequence[float]) -> list[Path | None]:
    """The frames shown at these moments, as PNG files in `folder`; None where there is none. Raises UnreadableMovie."""
    outputs = [folder / f"frame-{place}.png" for place in range(len(seconds))]
    request = {
        "source": str(source),
        "seconds": list(seconds),
        "outputs": [str(path) for path in outputs],
        "max_pixels": settings().max_image_pixels,
        "containers": probe.CONTAINERS,
    }
    answer = await _answer_of(pick.__name__, json.dumps(request), source=source, folder=folder)
    return [path if there else None for path, there in zip(outputs, answer["frames"], strict=True)]
