"""What goes with a playlist, and the playlists that go with an episode. Source: spec review, "Table playlist"."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ARRAY, bindparam, text

from pegbar.core.data.database import Transaction
from pegbar.core.data.schema import Uuid
from pegbar.core.live.events import event
from pegbar.core.storage import Address, mark_deleted
from pegbar.entities.hooks import ENTITIES_REMOVED, Removal
from pegbar.productions.deletion.parts import REVIEW, Batch, part
from pegbar.review.events import BUILD_JOB_DELETE, PLAYLIST_DELETE

_IDS = bindparam("ids", type_=ARRAY(Uuid))

_HANGING = text(
    """
    WITH told AS (DELETE FROM notification WHERE playlist_id = ANY(:ids)),
    shared AS (DELETE FROM playlist_share_link WHERE playlist_id = ANY(:ids)),
    built AS (DELETE FROM build_job WHERE playlist_id = ANY(:ids) RETURNING id, playlist_id)
    SELECT built.id, built.playlist_id, playlist.project_id FROM built JOIN playlist ON playlist.id = built.playlist_id
    """
).bindparams(_IDS)
_OF_EPISODES = text("SELECT id, project_id FROM playlist WHERE episode_id = ANY(:ids) FOR UPDATE").bindparams(_IDS)
#: Outlives the production, so that it has no scope.
_DELETED_WITH_PRODUCTION = event("playlist:delete", "playlist_id", scoped=False)
_DELETE = text("DELETE FROM playlist WHERE id = ANY(:ids)").bindparams(_IDS)


def built_movie(build_job_id: UUID) -> Address:
    """The movie of a build."""
    return Address("movies", "playlists", build_job_id)


async def remove_what_hangs_on(tx: Transaction, playlist_ids: Sequence[UUID], *, force: bool = False) -> None:
    """Delete the notifications, builds and share links of playlists."""
    rows = await tx.rows(_HANGING, ids=list(playlist_ids))
    await mark_deleted(tx, [built_movie(row["id"]) for row in rows], force=force)
    for row in rows:
        tx.emit(BUILD_JOB_DELETE, project_id=row["project_id"], build_job_id=row["id"], playlist_id=row["playlist_id"])


@ENTITIES_REMOVED.register(order=10)
async def remove_playlists_of_episodes(removal: Removal) -> None:
    """The playlists of episodes that are removed go with them."""
    tx = removal.tx
    rows = await tx.rows(_OF_EPISODES, ids=list(removal.entity_ids))
    if not rows:
        return
    ids = [row["id"] for row in rows]
    await remove_what_hangs_on(tx, ids)
    await tx.execute(_DELETE, ids=ids)
    for row in rows:
        tx.emit(PLAYLIST_DELETE, project_id=row["project_id"], playlist_id=row["id"])


@part(REVIEW, "playlists", "SELECT id FROM playlist WHERE project_id = :project_id")
async def remove_playlists_of_project(batch: Batch) -> None:
    """The playlists of a production that is deleted, with their movies."""
    await remove_what_hangs_on(batch.tx, batch.ids, force=True)
    await batch.run(_DELETE)
    for playlist_id in batch.ids:
        batch.tx.emit(_DELETED_WITH_PRODUCTION, heard_by=batch.project_id, playlist_id=playlist_id)
