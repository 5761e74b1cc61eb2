"""Running ffmpeg: which one, under which limits, with its progress. Source: spec media, "Movie pipeline"."""

import asyncio
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import structlog

from pegbar.config import settings
from pegbar.core.errors import Unavailable
from pegbar.core.storage import check_room
from pegbar.core.work.confined import Limits, Outcome, StoodStill, TookTooLong, confined
from pegbar.media.movies.command import TILE_SHEET, Encoding, command, sheet_command, tile_command
from pegbar.media.movies.plan import Plan, Probe
from pegbar.media.movies.workshop import UnreadableMovie
from pegbar.media.render import preview_box

log = structlog.get_logger()

#: The oldest ffmpeg that takes the commands of command.py.
_OLDEST = 5
_VERSION = re.compile(r"ffmpeg version n?(\d+)")
#: A build of the developers' own branch tells no number, and is newer.
_DEVELOPMENT = re.compile(r"ffmpeg version (N-|git|20)")
#: Bytes of address space: of the program with its threads, and for each pixel of what it reads and writes. Encoders
#: look some 60 frames ahead.
_MEMORY, _MEMORY_OF_PIXEL = 3 * 2**30, 600
#: Drivers map the memory of their devices, and reserve far more.
_ADDRESSES_OF_DEVICES = 2**45
_MOST_THREADS = 16
#: Requests go first.
_NICENESS = 10
#: Seconds after which an encoder that does nothing is begun again.
_STILL = 60.0

#: Told how many frames are done.
OnProgress = Callable[[int], None]


@cache
def _fault_of(path: str) -> str | None:
    """Why an ffmpeg cannot be used; None when it can."""
    try:
        run = subprocess.run([path, "-hide_banner", "-encoders"], capture_output=True, timeout=60, check=True)
        about = subprocess.run([path, "-version"], capture_output=True, timeout=60, check=True).stdout.decode()
    except (OSError, subprocess.SubprocessError) as error:
        return f"{path} cannot be run: {error}"
    number = _VERSION.match(about)
    if (number is None and not _DEVELOPMENT.match(about)) or (number is not None and int(number[1]) < _OLDEST):
        return f"{path} is too old: version {_OLDEST} is needed"
    missing = [name for name in ("libx264", "aac", "png", "huffyuv") if f" {name} " not in run.stdout.decode()]
    return f"{path} lacks the encoders {', '.join(missing)}" if missing else None


@cache
def ffmpeg() -> str:
    """The ffmpeg of this process: the one that is set, else the system's, else the one that came with Pegbar.

    Raises Unavailable with the reason when there is none that can be used.
    """
    if settings().ffmpeg:
        fault = _fault_of(settings().ffmpeg)
        if fault is None:
            return settings().ffmpeg
        raise Unavailable(f"No movie can be made: PEGBAR_FFMPEG: {fault}.")
    faults = []
    for path in (shutil.which("ffmpeg"), _brought_along()):
        fault = _fault_of(path) if path else None
        if path and fault is None:
            return path
        faults += [fault] if fault else []
    raise Unavailable(f"No movie can be made: {'; '.join(faults) or 'there is no ffmpeg'}. Set PEGBAR_FFMPEG.")


def _brought_along() -> str | None:
    try:
        import imageio_ffmpeg
    except ImportError:  # a studio may leave it out: its system has one
        return None
    with suppress(RuntimeError):
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    return None


def encoding_wanted() -> Encoding:
    """How the settings want movies encoded."""
    return Encoding(
        encoder=settings().movie_encoder,
        preset=settings().movie_encoding_preset,
        vbv_factor=settings().movie_vbv_bufsize_factor,
        crf=settings().movie_crf,
        threads=min(os.cpu_count() or 1, _MOST_THREADS),
    )


def _devices(encoding: Encoding) -> list[Path]:
    """The devices of hardware encoders that this machine has."""
    if encoding.encoder == "libx264":
        return []
    return [*Path("/dev").glob("nvidia*"), *Path("/dev").glob("dri"), *Path("/dev").glob("kfd")]


def limits_of(pixels: int, file_size: int, encoding: Encoding) -> Limits:
    """What an encoder may take that reads and writes so many pixels a frame, and this much at the most."""
    return Limits(
        memory=_MEMORY + pixels * _MEMORY_OF_PIXEL if encoding.encoder == "libx264" else _ADDRESSES_OF_DEVICES,
        processor=settings().job_queue_timeout * encoding.threads,
        longest=settings().job_queue_timeout,
        file_size=file_size + 2 * 2**30,
        niceness=_NICENESS,
        still=_STILL,
    )


def _limits(piece: "Workpiece", encoding: Encoding) -> Limits:
    probe, plan = piece.probe, piece.plan
    sizes = [(probe.width, probe.height), plan.canvas, *(version.size for version in plan.versions)]
    # What is made of the first frame is as large as the canvas, or as what people look at (1,200 wide).
    sizes.append(preview_box(*plan.canvas))
    tiles = plan.tiles.size[0] * plan.tiles.size[1] * 8
    pixels = sum(width * height for width, height in sizes) + tiles // _MEMORY_OF_PIXEL
    mbits = max((version.bitrate for version in plan.versions), default=0)
    return limits_of(pixels, int(plan.duration * mbits * 10**6 / 8 * 4) + tiles, encoding)


@dataclass
class _Frames:
    """Counts frames by what ffmpeg says of its progress."""

    on_progress: OnProgress
    done: int = 0

    def __call__(self, line: str) -> None:
        name, _, value = line.partition("=")
        if name == "frame" and value.strip().isdigit():
            self.done = max(self.done, int(value))
            self.on_progress(self.done)


def _ignored(_: int) -> None:
    """Nobody asks how far it is."""


@dataclass(frozen=True)
class Workpiece:
    """A movie, what it is, what is made of it, and the folder where that is put."""

    source: Path
    folder: Path
    probe: Probe
    plan: Plan

    @property
    def named(self) -> tuple[Path, Path, Probe, Plan]:
        """Its parts, as a command wants them."""
        return self.source, self.folder, self.probe, self.plan


async def encoded(piece: Workpiece, *, on_progress: OnProgress = _ignored) -> int:
    """Write what is planned into the folder (command.py names the files); the number of frames of the movies.

    Raises UnreadableMovie with what the encoder says, Unavailable without ffmpeg, StorageFull.
    """
    program = await asyncio.to_thread(ffmpeg)
    frames = await _encoded(program, piece, on_progress)
    sheet = replace(encoding_wanted(), encoder="libx264")
    await _run(sheet_command(program, piece.folder, piece.plan), piece, sheet, _ignored)
    return frames


async def _encoded(program: str, piece: Workpiece, on_progress: OnProgress) -> int:
    wanted = encoding_wanted()
    try:
        return await _run(command(program, *piece.named, wanted), piece, wanted, on_progress)
    except UnreadableMovie as error:
        if wanted.encoder == "libx264" or not piece.plan.versions:
            raise
        log.warning("a hardware encoder failed; libx264 takes over", encoder=wanted.encoder, reason=error.message)
    wanted = replace(wanted, encoder="libx264")
    return await _run(command(program, *piece.named, wanted), piece, wanted, on_progress)


async def tile_sheet(piece: Workpiece) -> Path:
    """The sheet of the frames of a movie, in the folder. Raises like `encoded`."""
    program, wanted = await asyncio.to_thread(ffmpeg), replace(encoding_wanted(), encoder="libx264")
    await _run(tile_command(program, *piece.named, wanted), piece, wanted, _ignored)
    return piece.folder / TILE_SHEET


async def _run(arguments: Sequence[str], piece: Workpiece, encoding: Encoding, on_progress: OnProgress) -> int:
    work = Work(piece.folder, [piece.source], _limits(piece, encoding))
    return await run_ffmpeg(arguments, work, encoding, on_progress)


@dataclass(frozen=True)
class Work:
    """What a command of ffmpeg may touch and take: its folder, what it reads, its limits."""

    folder: Path
    reads: Sequence[Path]
    limits: Limits


async def run_ffmpeg(
    arguments: Sequence[str], work: Work, encoding: Encoding, on_progress: OnProgress = _ignored
) -> int:
    """Run a command of ffmpeg, confined; the number of frames that it made. Raises UnreadableMovie, StorageFull."""
    frames = _Frames(on_progress)
    devices = await asyncio.to_thread(_devices, encoding)

    async def once() -> Outcome:
        return await confined(
            arguments, folder=work.folder, reads=work.reads, devices=devices, limits=work.limits, on_line=frames
        )

    try:
        try:
            outcome = await once()
        except StoodStill as error:  # seen: all its threads waited for each other
            log.warning("the encoder is begun again", reason=str(error))
            outcome = await once()
    except StoodStill:
        raise UnreadableMovie("The movie cannot be made: the encoder stood still, twice.") from None
    except TookTooLong:
        allowed = f"{settings().job_queue_timeout} s (JOB_QUEUE_TIMEOUT)"
        raise UnreadableMovie(f"The movie cannot be made: it takes more than {allowed}.") from None
    if outcome.code != 0:
        check_room(work.folder)
        log.warning("a movie could not be made", code=outcome.code, stderr=outcome.complaint)
        raise UnreadableMovie(f"The movie cannot be made: {_reason(outcome.code, outcome.complaint, work)}.")
    return frames.done


def _reason(code: int, complaint: str, work: Work) -> str:
    """The end of what ffmpeg complained about, without the paths of this machine."""
    if code < 0:
        why = {signal.SIGXCPU: "too much processor time", signal.SIGXFSZ: "too large a file"}
        return f"the encoder was ended ({why.get(signal.Signals(-code), signal.Signals(-code).name)})"
    lines = [line for line in complaint.splitlines() if line.strip()]
    words = lines[-1] if lines else f"the encoder ended with code {code}"
    for path in (*work.reads, work.folder):
        words = words.replace(str(path), path.name)
    return re.sub(r"\[[^\]]*@ 0x[0-9a-f]+\]\s*", "", words).strip().rstrip(".")[:300]
