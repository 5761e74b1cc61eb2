"""From an uploaded movie to what people look at. Source: spec media, "Movie pipeline".

Files are made and stored here; the transaction that makes them visible is the caller's.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import asyncpg
import msgspec
import structlog

from pegbar.config import settings
from pegbar.core.data.database import Database
from pegbar.core.errors import NotFound
from pegbar.core.storage import Address, store
from pegbar.core.turns import Holder
from pegbar.core.work.workshop import workshop
from pegbar.media import addresses
from pegbar.media.movies import queries
from pegbar.media.movies.command import TILE_SHEET, stills
from pegbar.media.movies.encoding import Workpiece, encoded
from pegbar.media.movies.plan import Options, Plan, Probe, Wishes, planned
from pegbar.media.movies.progress import reported
from pegbar.media.movies.workshop import UnreadableMovie, making_turns, probed

log = structlog.get_logger()

#: The keys of a preview's `data` that the making of its movie writes.
OF_MAKING = (
    *("movie_prefixes", "original_width", "original_height", "original_duration", "original_file_size"),
    *("error", "progress", "attempts"),
)
_MEGA_PIXELS = 10**6


def data_after(before: object, made: Mapping[str, Any]) -> dict[str, Any]:
    """The `data` of a preview after its movie was made: what others wrote stays."""
    kept = before.items() if isinstance(before, dict) else ()
    return {**{name: value for name, value in kept if name not in OF_MAKING}, **made}


def wishes_of(state: asyncpg.Record) -> Wishes:
    """What an entity and its production say of their movies."""
    return Wishes(
        entity_fps=state["entity_fps"],
        project_fps=state["project_fps"],
        entity_resolution=state["entity_resolution"],
        project_resolution=state["project_resolution"],
        hd_bitrates=(state["task_type_hd"], state["project_hd"]),
        ld_bitrates=(state["task_type_ld"], state["project_ld"]),
    )


def encodes(normalize: bool) -> bool:
    """Whether a movie is encoded at all."""
    return normalize and not settings().skip_normalization_full


def options_of(*, encode: bool) -> Options:
    """What the settings say of movies."""
    return Options(
        highdef_bitrate=settings().movie_highdef_bitrate,
        lowdef_bitrate=settings().movie_lowdef_bitrate,
        encode=encode,
        skip_highdef=settings().skip_normalization_highdef,
    )


async def probe_of(source: Path, folder: Path) -> Probe:
    """What a movie is. Raises UnreadableMovie, also for one that is too large or too long."""
    return accepted(await probed(source, folder))


def accepted(answer: Mapping[str, Any]) -> Probe:
    """What a movie is that `probe.py` read. Raises UnreadableMovie for one that is too large or too long."""
    probe = msgspec.convert(answer, Probe)
    most = settings().max_image_pixels
    if probe.width * probe.height > most:
        size = f"{probe.width} x {probe.height}"
        raise UnreadableMovie(
            f"The movie cannot be shown: it has {size} pixels; {most / _MEGA_PIXELS:.0f} million are the most."
        )
    if probe.unreasonable:
        raise UnreadableMovie(f"The movie cannot be shown: {probe.unreasonable}.")
    return probe


@dataclass(frozen=True)
class Made:
    """What was made of a movie: the files to store, which are gone afterwards, and the columns of its preview."""

    files: dict[Address, Path]
    columns: dict[str, Any]

    async def store(self) -> list[tuple[Address, int]]:
        """Store the files, all at the same time, since each waits for the disk; their sizes."""
        puts = [store().put(address, path) for address, path in self.files.items()]
        sizes = await asyncio.gather(*puts, return_exceptions=True)
        for size in sizes:
            if isinstance(size, BaseException):
                raise size
        return list(zip(self.files, cast("list[int]", sizes), strict=True))


@asynccontextmanager
async def made(
    db: Database, preview_id: UUID, source: Path, *, encode: bool, holder: Holder, in_job: bool = False
) -> AsyncIterator[Made]:
    """Make everything of a movie, in the turn of `holder`; a job has its turn already, and the source is stored.

    A movie that cannot be made is `broken`, with the cause in `data.error`, and keeps its source to be tried again.
    Raises NotFound when the preview is gone, StorageFull, Busy, and Unavailable without ffmpeg.
    """
    state = await db.row(queries.movie_state, preview_id=preview_id)
    if state is None:
        raise NotFound(f"There is no preview {preview_id}.")
    size = (await asyncio.to_thread(source.stat)).st_size
    async with workshop() as folder:
        work = _Work(db, state, source, folder, stored=in_job, data={"original_file_size": size})
        try:
            async with nullcontext() if in_job else making_turns().place(holder):
                await work.make(encode=encode)
            result = work.done()
        except UnreadableMovie as error:
            log.warning("a movie cannot be made", preview=str(preview_id), reason=error.message)
            result = work.broken(error.message)
        yield result


@dataclass
class _Work:
    """A movie being made."""

    db: Database
    state: asyncpg.Record
    source: Path
    folder: Path
    stored: bool  #: whether the source is
    data: dict[str, Any]
    plan: Plan | None = None
    frames: int = 0

    async def make(self, *, encode: bool) -> None:
        """Write what is planned into the folder, and tell now and then that some is written. Raises UnreadableMovie."""
        probe = await probe_of(self.source, self.folder)
        self.data |= {
            "original_width": probe.width,
            "original_height": probe.height,
            "original_duration": round(probe.stated_duration or probe.length, 6),
        }
        self.plan = plan = planned(probe, wishes_of(self.state), options_of(encode=encode))
        preview_id, project_id = self.state["id"], self.state["project_id"]
        async with reported(self.db, preview_id, project_id, noted=self.stored) as take:
            piece = Workpiece(self.source, self.folder, probe, plan)
            self.frames = await encoded(piece, on_progress=lambda frames: take(frames / plan.frames))

    def done(self) -> Made:
        """The movie as it is shown."""
        assert self.plan is not None
        preview_id, plan = self.state["id"], self.plan
        files = {addresses.movie(version.prefix, preview_id): self.folder / version.prefix for version in plan.versions}
        keeps_source = settings().preview_save_source_file or (self.stored and not plan.versions)
        if keeps_source and not self.stored:
            files[addresses.movie("source", preview_id)] = self.source
        if not plan.versions and not keeps_source:
            files[addresses.movie("previews", preview_id)] = self.source
        prefixes = {address.prefix for address in files} | ({"source"} if keeps_source else set())
        for variant, path in stills(self.folder).items():
            files[addresses.picture(variant.prefix, preview_id)] = path
        shown = self.folder / plan.versions[0].prefix if plan.versions else self.source
        if (self.folder / TILE_SHEET).exists():
            files[addresses.picture("tiles", preview_id)] = self.folder / TILE_SHEET
        else:
            log.warning("a movie has no sheet of frames", preview=str(preview_id))
        frames = self.frames if plan.versions else plan.frames
        return Made(
            files,
            {
                "extension": "mp4",
                "status": "ready",
                "width": plan.canvas[0],
                "height": plan.canvas[1],
                "duration": round(float(frames / plan.rate), 6),
                "file_size": shown.stat().st_size,
                "data": self._data(prefixes),
            },
        )

    def broken(self, cause: str) -> Made:
        """The movie that cannot be shown; its source waits for another try."""
        columns = {
            "extension": "mp4",
            "status": "broken",
            "width": 0,
            "height": 0,
            "duration": 0.0,
            "file_size": self.data["original_file_size"],
            "data": {**self._data({"source"}), "error": cause},
        }
        return Made({} if self.stored else {addresses.movie("source", self.state["id"]): self.source}, columns)

    def _data(self, prefixes: set[str]) -> dict[str, Any]:
        ordered = [prefix for prefix in addresses.MOVIE_PREFIXES if prefix in prefixes]
        return data_after(self.state["data"], {"movie_prefixes": ordered, **self.data})
