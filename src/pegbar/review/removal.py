"""Playlists and builds that go. Source: spec review, "Table playlist"."""

from collections.abc import AsyncIterator
from uuid import UUID

from pegbar.core.data.parameters import param, sql
from pegbar.core.data.removal import Removal, going
from pegbar.core.live.events import event
from pegbar.core.storage import Address, mark_deleted
from pegbar.review.events import BUILD_JOB_DELETE, PLAYLIST_DELETE
from pegbar.review.tables import build_job, playlist

_IDS = param("ids")

_BUILDS = sql(
    """
    SELECT b.id, b.playlist_id, p.project_id FROM build_job b JOIN playlist p ON p.id = b.playlist_id
     WHERE b.id = ANY(:ids) ORDER BY b.id
    """
)
_PLAYLISTS = sql("SELECT id, project_id FROM playlist WHERE id = ANY(:ids) ORDER BY id")
#: Outlives the production, so that it has no scope.
_DELETED_WITH_PRODUCTION = event("playlist:delete", "playlist_id", scoped=False)


def built_movie(build_job_id: UUID) -> Address:
    """The movie of a build."""
    return Address("movies", "playlists", build_job_id)


@going(build_job)
async def drop_builds(removal: Removal, build_job_ids: list[UUID]) -> AsyncIterator[None]:
    """The movies of builds go with them, whatever is kept of others: they can be built again."""
    tx = removal.tx
    rows = await tx.rows(_BUILDS, ids=build_job_ids)
    await mark_deleted(tx, [built_movie(row["id"]) for row in rows], force=True)
    yield
    for row in rows:
        tx.emit(BUILD_JOB_DELETE, project_id=row["project_id"], build_job_id=row["id"], playlist_id=row["playlist_id"])


@going(playlist)
async def tell_of_playlists(removal: Removal, playlist_ids: list[UUID]) -> AsyncIterator[None]:
    """Tell that playlists are gone."""
    rows = await removal.tx.rows(_PLAYLISTS, ids=playlist_ids)
    yield
    for row in rows:
        if removal.production:
            removal.tx.emit(_DELETED_WITH_PRODUCTION, heard_by=removal.production, playlist_id=row["id"])
        else:
            removal.tx.emit(PLAYLIST_DELETE, project_id=row["project_id"], playlist_id=row["id"])
