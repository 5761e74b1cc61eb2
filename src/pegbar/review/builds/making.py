"""Making the movie of a playlist: joined as it is where that is exact, else encoded. Source: spec review, "Build jobs".

Files are made here; storing them and telling of them is in actions.py.
"""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import structlog

from pegbar.core.storage import Address, check_room, fetch, store
from pegbar.core.work import programs
from pegbar.core.work.confined import Limits, Outcome, TookTooLong
from pegbar.media.movies.encoding import Work, encoding_wanted, ffmpeg, limits_of, run_ffmpeg
from pegbar.media.movies.making import accepted
from pegbar.media.movies.plan import Probe
from pegbar.media.movies.probe import CONTAINERS
from pegbar.media.movies.workshop import UnreadableMovie, probed_all
from pegbar.review.builds import join
from pegbar.review.builds.command import command
from pegbar.review.builds.inputs import Inputs, NoMovie
from pegbar.review.builds.plan import Options, Part, Piece, Target, target_of
from pegbar.review.builds.titles import draw_title

log = structlog.get_logger()

#: Told which share is done.
Take = Callable[[float], None]
#: Movies that one command encodes: each takes a decoder, an open file and its threads.
_TOGETHER = 12
#: How far a file may go over what its bitrate makes of it.
_OVER = 4


class Unlike(Exception):
    """Movies that cannot be joined as they are; the text says which, and why."""


@dataclass(frozen=True)
class Made:
    """The movie of a playlist, and what is to be told of how it was made."""

    path: Path
    message: str | None


async def made(inputs: Inputs, options: Options, folder: Path, take: Take) -> Made:
    """Make the movie in a folder. Raises NoMovie with the entry at fault, UnreadableMovie, Unavailable, StorageFull."""
    pieces, output = inputs.pieces, folder / "playlist.mp4"
    sources = await _at_hand(pieces, folder)
    message = None
    if not options.encodes:
        try:
            await joined(pieces, sources, output, take)
        except Unlike as difference:
            message = f"The movies were encoded anew, since they are not alike: {difference}."
        else:
            return Made(output, None)
    parts = await _parts(pieces, sources, folder)
    target = target_of(inputs.look, parts[0].probe)
    if options.titles:
        parts = await asyncio.to_thread(_titled, pieces, parts, target, folder)
    await _encoded(pieces, parts, target, output, take)
    return Made(output, message)


async def _at_hand(pieces: Sequence[Piece], folder: Path) -> list[Path]:
    """The movies as files: themselves when the storage is local, else copies in the folder."""
    paths: dict[Address, Path] = {}
    for piece in pieces:
        if piece.address in paths:
            continue
        binary = await store().stat(piece.address)
        path = folder / piece.address.key if binary is None or binary.path is None else binary.path
        if binary is None or (binary.path is None and not await fetch(piece.address, path)):
            raise NoMovie(f"{piece.name}: its movie is not stored any more.")
        paths[piece.address] = path
    return [paths[piece.address] for piece in pieces]


async def joined(pieces: Sequence[Piece], sources: Sequence[Path], output: Path, take: Take) -> None:
    """Put movies one after the other without encoding them. Raises Unlike, and NoMovie for what is no movie."""
    folder = output.parent
    request = folder / "join.json"
    document = {"sources": [str(path) for path in sources], "output": str(output), "containers": CONTAINERS}
    request.write_text(json.dumps(document))
    answer: dict[str, Any] = {}

    def listen(line: str) -> None:
        answer.clear()
        try:
            answer.update(json.loads(line))
        except ValueError:
            return
        if answer.keys() == {"place"}:
            take((answer["place"] + 1) / len(pieces))

    size = sum(path.stat().st_size for path in sources)
    try:
        outcome = await programs.run(
            join.__name__,
            str(request),
            folder=folder,
            reads=list(dict.fromkeys(sources)),
            limits=_limits_of_joining(size),
            on_line=listen,
        )
    except TookTooLong as error:
        raise NoMovie(f"The movie cannot be made: {error}.") from None
    if "done" not in answer:
        raise _fault(pieces, answer, outcome, folder)


def _limits_of_joining(size: int) -> Limits:
    # As for an encoder that no picture goes through; joined movies are as large as their parts. It takes no longer than
    # a copy of them, so that requests need not go first; it may stand still while it waits for its disk.
    return replace(limits_of(0, size, replace(encoding_wanted(), encoder="libx264", threads=1)), niceness=0, still=None)


def _fault(pieces: Sequence[Piece], answer: dict[str, Any], outcome: Outcome, folder: Path) -> Exception:
    """Why movies could not be joined."""
    if "unlike" in answer:
        return Unlike(f"{pieces[answer['place']].name}: {answer['unlike']}")
    if "unreadable" in answer:
        return NoMovie(f"{pieces[answer['place']].name}: {answer['unreadable']}.")
    check_room(folder)
    log.warning("movies could not be joined", code=outcome.code, stderr=outcome.complaint)
    return Unlike("they could not be joined")


async def _parts(pieces: Sequence[Piece], sources: Sequence[Path], folder: Path) -> list[Part]:
    """What the movies are. Raises NoMovie for one that is none."""
    known: dict[Path, Probe] = {}
    different = list(dict.fromkeys(sources))
    names = {source: piece.name for piece, source in reversed(list(zip(pieces, sources, strict=True)))}
    for start in range(0, len(different), _TOGETHER):
        some = different[start : start + _TOGETHER]
        for source, answer in zip(some, await probed_all(some, folder), strict=False):
            if "unreadable" in answer:
                raise NoMovie(f"{names[source]}: {answer['unreadable']}.")
            try:
                known[source] = accepted(answer)
            except UnreadableMovie as error:
                raise NoMovie(f"{names[source]}: {error.message}") from None
    return [Part(source, known[source]) for source in sources]


def _titled(pieces: Sequence[Piece], parts: Sequence[Part], target: Target, folder: Path) -> list[Part]:
    """The movies with a picture of what they are called."""
    titled = []
    for place, (piece, part) in enumerate(zip(pieces, parts, strict=True)):
        path = folder / f"title-{place:04}.png"
        draw_title(piece.name, target.canvas, path)
        titled.append(replace(part, title=path))
    return titled


async def _encoded(pieces: Sequence[Piece], parts: Sequence[Part], target: Target, output: Path, take: Take) -> None:
    """Encode the movies, some at a time, and join what comes of it."""
    encoding = encoding_wanted()
    try:
        stretches = await _stretches(parts, target, output.parent, take)
    except UnreadableMovie as error:
        if encoding.encoder == "libx264":
            raise
        log.warning("a hardware encoder failed; libx264 takes over", encoder=encoding.encoder, reason=error.message)
        stretches = await _stretches(parts, target, output.parent, take, encoder="libx264")
    if len(stretches) == 1:
        stretches[0].rename(output)
        return
    firsts = [pieces[start] for start in range(0, len(pieces), _TOGETHER)]
    try:
        await joined(firsts, stretches, output, lambda _: None)
    except Unlike as difference:
        raise NoMovie(f"The movie cannot be made: {difference}.") from None


async def _stretches(
    parts: Sequence[Part], target: Target, folder: Path, take: Take, *, encoder: str | None = None
) -> list[Path]:
    """The movies in stretches of some, each encoded by one command in the same way."""
    program = await asyncio.to_thread(ffmpeg)
    encoding = encoding_wanted() if encoder is None else replace(encoding_wanted(), encoder=encoder)
    whole = sum(part.frames(target.rate) for part in parts)
    before, stretches = 0, []
    for start in range(0, len(parts), _TOGETHER):
        some = parts[start : start + _TOGETHER]
        path = folder / f"stretch-{start:05}.mp4"
        frames = sum(part.frames(target.rate) for part in some)
        pixels = sum(part.probe.width * part.probe.height for part in some) + target.canvas[0] * target.canvas[1]
        size = int(frames / target.rate * target.bitrate * 10**6 / 8 * _OVER)
        reads = list(dict.fromkeys(part.source for part in some))
        work = Work(folder, reads, limits_of(pixels, size, encoding))
        done_before = before
        await run_ffmpeg(
            command(program, some, target, path, encoding),
            work,
            encoding,
            lambda done, so_far=done_before: take((so_far + done) / whole),  # type: ignore[misc]
        )
        before += frames
        stretches.append(path)
    return stretches
