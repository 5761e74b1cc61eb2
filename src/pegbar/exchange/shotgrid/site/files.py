"""The files of a ShotGrid site come over: movies and pictures of versions as previews, files of notes as attachments.

They are fetched several at a time and given to the media domain, whose jobs make thumbnails and movies of them while
`pegbar serve` or `pegbar worker` runs. What was fetched is noted by the rows themselves, so that a run that was stopped
goes on with the next file.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

import asyncpg

from pegbar.core.data.database import Database, Transaction
from pegbar.core.data.parameters import sql
from pegbar.core.errors import BadRequest, Conflict, NotFound
from pegbar.exchange.shotgrid.site import queries
from pegbar.exchange.shotgrid.site.client import Row, Site
from pegbar.exchange.shotgrid.site.conversations import id_here
from pegbar.exchange.shotgrid.site.downloads import NotFetched, fetched, is_upload
from pegbar.exchange.shotgrid.site.records import movie_of
from pegbar.exchange.shotgrid.site.report import Tally
from pegbar.media import publishing
from pegbar.tasks.comments.attachments import attach, discard, keep_one

T = TypeVar("T")

#: Files under way at once, and versions whose addresses are asked for at once: these are good for some minutes.
_AT_ONCE, _ADDRESSES = 4, 20

#: Versions of which the site holds no file: nothing will ever be made of them.
_MISSING = sql(
    """
    UPDATE preview_file SET status = 'missing', updated_at = now() AT TIME ZONE 'UTC'
     WHERE id = ANY(:ids) AND status = 'processing' AND coalesce(original_name, '') = ''
    """
)
#: A version whose file cannot be shown, until the site has another one.
_BROKEN = sql(
    """
    UPDATE preview_file SET status = 'broken', updated_at = now() AT TIME ZONE 'UTC',
                            data = coalesce(data, '{}') || jsonb_build_object('error', :reason ::text)
     WHERE id = :preview_id AND status = 'processing' AND coalesce(original_name, '') = ''
    """
)
#: Versions that got a file after all.
_EXPECTED = sql(
    """
    UPDATE preview_file SET status = 'processing', updated_at = now() AT TIME ZONE 'UTC'
     WHERE id = ANY(:ids) AND status IN ('missing', 'broken') AND coalesce(original_name, '') = ''
    """
)


async def expect(tx: Transaction, preview_ids: Sequence[UUID]) -> None:
    """Fetch the files of these versions, also if they had none before."""
    await tx.execute(_EXPECTED, ids=list(preview_ids))


async def together(jobs: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """Do all at once; the first that fails ends the others."""
    tasks = [asyncio.ensure_future(job) for job in jobs]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@dataclass
class Files:
    """Fetches the files of a production."""

    db: Database
    site: Site
    caller_id: UUID
    project_id: UUID
    advance: Callable[[int | None], None]  #: tells that a file is done, or with a number how many there are

    async def movies(self, tally: Tally) -> None:
        """Publish the movies and pictures of versions that have none here yet, oldest first."""
        waiting = await self.db.rows(queries.versions_without_file, project_id=self.project_id)
        self.advance(len(waiting))
        for start in range(0, len(waiting), _ADDRESSES):
            part = waiting[start : start + _ADDRESSES]
            numbers = [row["shotgun_id"] for row in part]
            fields = ["sg_uploaded_movie", "image"]
            rows = {row["id"]: row for row in await self.site.rows("Version", [["id", "in", numbers]], fields)}
            gate = asyncio.Semaphore(_AT_ONCE)
            await together([self._movie(gate, preview, rows.get(preview["shotgun_id"]), tally) for preview in part])

    async def _movie(self, gate: asyncio.Semaphore, preview: asyncpg.Record, row: Row | None, tally: Tally) -> None:
        async with gate:
            number = preview["shotgun_id"]
            file = movie_of(row) if row else None
            try:
                if file is None:
                    async with self.db.transaction(self.caller_id) as tx:
                        await tx.execute(_MISSING, ids=[preview["id"]])
                    tally.add("skipped", number, "the version has no file in ShotGrid")
                else:
                    async with fetched(self.site.session, file) as upload:
                        await publishing.publish(self.db, self.caller_id, preview["id"], upload, in_job=True)
                    tally.add("created", number)
            except NotFetched as error:
                tally.add("skipped", number, str(error))
            except (Conflict, NotFound) as error:  # somebody else published it meanwhile, or it is gone
                tally.add("skipped", number, error.message)
            except BadRequest as error:
                async with self.db.transaction(self.caller_id) as tx:
                    await tx.execute(_BROKEN, preview_id=preview["id"], reason=error.message)
                tally.add("skipped", number, error.message)
            self.advance(None)

    async def attachments(self, comments: Mapping[int, UUID], rows: Sequence[Row], tally: Tally) -> set[int]:
        """Attach the files of notes to their comments (by the notes' ids); the notes of which some could not be had."""
        note_of = {
            file["id"]: row["id"]
            for row in rows
            for file in row.get("attachments") or ()
            if row["id"] in comments and file.get("type") == "Attachment"
        }
        ids = {id_here(self.site.url, "Attachment", number): number for number in note_of}
        if not ids:
            return set()
        present = {ids[id_] for id_ in await self.db.column(queries.attached, ids=list(ids))}
        for number in present:
            tally.add("unchanged", number)
        numbers = sorted(note_of.keys() - present)
        incomplete: set[int] = set()
        for start in range(0, len(numbers), _ADDRESSES):
            part = numbers[start : start + _ADDRESSES]
            files = {row["id"]: row for row in await self.site.rows("Attachment", [["id", "in", part]], ["this_file"])}
            gate = asyncio.Semaphore(_AT_ONCE)
            were_had = await together(
                [self._attach(gate, number, comments[note_of[number]], files.get(number), tally) for number in part]
            )
            incomplete |= {note_of[number] for number, was_had in zip(part, were_had, strict=True) if not was_had}
        return incomplete

    async def _attach(
        self, gate: asyncio.Semaphore, number: int, comment_id: UUID, row: Row | None, tally: Tally
    ) -> bool:
        """Attach a file to the comment of its note; whether it was had, or never will be."""
        file = (row or {}).get("this_file")
        if not is_upload(file):
            tally.add("skipped", number, "it is a link, not an uploaded file")
            return True
        try:
            async with gate, fetched(self.site.session, file) as upload:
                stored = await keep_one(upload, id_here(self.site.url, "Attachment", number))
        except NotFetched as error:
            tally.add("skipped", number, str(error))
            return False
        try:
            async with self.db.transaction(self.caller_id) as tx:
                await attach(tx, [stored], comment_id=comment_id)
        except BaseException:
            await discard([stored])
            raise
        tally.add("created", number)
        return True
