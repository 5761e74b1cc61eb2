"""Movies that are made again, for whoever runs the server. Source: spec media, "Admin commands expected"."""

from collections.abc import Sequence
from uuid import UUID

from pegbar.core.data.database import Database
from pegbar.core.data.schema import utc_now
from pegbar.core.errors import NotFound
from pegbar.media.events import PREVIEW_UPDATE
from pegbar.media.movies import queries
from pegbar.media.movies.jobs import make_later


async def check_project(db: Database, project: str | None) -> None:
    """Raise NotFound for a production that there is not."""
    if project is not None and await db.row(queries.has_project, project=project) is None:
        raise NotFound(f"There is no production {project!r}.")


async def make_again(db: Database, project: str | None, states: Sequence[str]) -> list[UUID]:
    """Leave the movies of a production (or all) that are in these states to jobs; their ids.

    Those that wait for a job that does not exist are among them. Ready ones stay so until they are made. Each job
    says `missing` of a movie of which nothing is stored, and leaves one alone whose source was not kept.
    """
    async with db.transaction() as tx:
        rows = await tx.rows(queries.movies_to_make, project=project, states=list(states))
        preview_ids = [row["id"] for row in rows]
        await tx.execute(queries.wait_again, preview_ids=preview_ids, now=utc_now())
        for row in rows:
            if row["status"] not in ("ready", "processing"):
                tx.emit(PREVIEW_UPDATE, project_id=row["project_id"], preview_file_id=row["id"], status="processing")
            make_later(tx, row["id"])
    return preview_ids
