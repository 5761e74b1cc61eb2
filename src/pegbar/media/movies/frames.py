"""Single frames of movies, as PNG files. Source: spec media, "Frame extraction"."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

from pegbar.core.errors import NotFound
from pegbar.core.turns import Holder
from pegbar.core.work.workshop import workshop
from pegbar.media.movies.workshop import best_version, looking_turns, picked


@asynccontextmanager
async def movie_frames(
    preview_id: UUID, seconds: Sequence[float], *, holder: Holder
) -> AsyncIterator[list[Path | None]]:
    """The frames that a movie shows at these moments, in their order; None where the movie is over by then.

    The files are of the best stored version (high definition, low, the upload) in its size, and gone after the block.
    The movie is decoded once for all. Raises NotFound when nothing is stored, UnreadableMovie, and Busy for a person
    of whom many wait.
    """
    async with workshop() as folder:
        async with looking_turns().place(holder):
            source = await best_version(preview_id, folder)
            if source is None:
                raise NotFound("There is no movie stored for this preview.")
            frames = await picked(source, folder, seconds)
        yield frames


__all__ = ["movie_frames"]
