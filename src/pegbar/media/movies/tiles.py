"""The sheet of the frames of a movie, made from a stored version. Source: spec media, "Tile"."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

from pegbar.core.errors import NotFound
from pegbar.core.turns import Holder
from pegbar.core.work.workshop import workshop
from pegbar.media.movies.encoding import Workpiece, tile_sheet
from pegbar.media.movies.making import options_of, probe_of
from pegbar.media.movies.plan import Wishes, planned
from pegbar.media.movies.workshop import best_version, looking_turns

#: The lightest first: the pictures of a sheet are small.
_ORDER = ("lowdef", "previews", "source")


@asynccontextmanager
async def made_tile(preview_id: UUID, *, holder: Holder) -> AsyncIterator[Path]:
    """The sheet of frames as a PNG file, gone after the block.

    Raises NotFound when no version of the movie is stored, UnreadableMovie, and Busy for a person of whom many wait.
    """
    async with workshop() as folder:
        async with looking_turns().place(holder):
            source = await best_version(preview_id, folder, _ORDER)
            if source is None:
                raise NotFound("There is no movie stored for this preview.")
            probe = await probe_of(source, folder)
            plan = planned(probe, Wishes(), options_of(encode=False))
            sheet = await tile_sheet(Workpiece(source, folder, probe, plan))
        yield sheet
