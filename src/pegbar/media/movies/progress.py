"""How far a movie is: told live to its production, and noted in its row now and then."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from uuid import UUID

import structlog

from pegbar.core.data.database import Database
from pegbar.core.data.faults import answer_to
from pegbar.media.events import PREVIEW_PROGRESS
from pegbar.media.movies import queries

log = structlog.get_logger()

#: Seconds between two live events, and between two notes in the row.
_TELL_EVERY, _NOTE_EVERY = 0.5, 3.0


@asynccontextmanager
async def reported(
    db: Database, preview_id: UUID, project_id: UUID | None, *, noted: bool
) -> AsyncIterator[Callable[[float], None]]:
    """Take what share of a movie is done, and tell it in percent while the block runs."""
    share = 0.0

    def take(done: float) -> None:
        nonlocal share
        share = done

    async def tell() -> None:
        told, note_at = 0, 0.0
        while True:
            await asyncio.sleep(_TELL_EVERY)
            percent = min(int(share * 100), 99)
            if percent == told:
                continue
            told, now = percent, asyncio.get_running_loop().time()
            notes = noted and now >= note_at
            note_at = now + _NOTE_EVERY if notes else note_at
            try:
                async with db.transaction() as tx:
                    tx.emit(PREVIEW_PROGRESS, project_id=project_id, preview_file_id=preview_id, progress=percent)
                    if notes:
                        await tx.execute(queries.note_progress, preview_id=preview_id, percent=percent)
            except Exception as error:
                # The movie goes on: what matters is told at its end.
                if answer_to(error) is None:
                    raise
                log.warning("the progress of a movie was not told", preview=str(preview_id), error=str(error))

    telling = asyncio.create_task(tell())
    try:
        yield take
    finally:
        telling.cancel()
        with suppress(asyncio.CancelledError):
            await telling
