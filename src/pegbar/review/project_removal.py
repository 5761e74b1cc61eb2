"""What reviews leave when a production is deleted. Source: spec crud, "projects", DELETE."""

from pegbar.core.events import event
from pegbar.productions.hooks import PROJECT_REMOVED, REVIEW, Removal, about_project

_PLAYLIST_DELETED = event("playlist:delete", "playlist_id")

_SETS = {"playlists": "SELECT id FROM playlist WHERE project_id = :project_id"}
_BUILDS = about_project("SELECT id FROM build_job WHERE playlist_id IN {playlists}", **_SETS)
_BEFORE = about_project(
    "DELETE FROM notification WHERE playlist_id IN {playlists}",
    "DELETE FROM build_job WHERE playlist_id IN {playlists}",
    "DELETE FROM playlist_share_link WHERE playlist_id IN {playlists}",
    **_SETS,
)
(_PLAYLISTS,) = about_project("DELETE FROM playlist WHERE project_id = :project_id RETURNING id")


@PROJECT_REMOVED.register(REVIEW)
async def remove_playlists(removal: Removal) -> None:
    """Delete the playlists, their share links and what was built from them."""
    await removal.forget_files(*_BUILDS)
    await removal.run(_BEFORE)
    for row in await removal.rows(_PLAYLISTS):
        removal.tx.emit(_PLAYLIST_DELETED, playlist_id=row["id"])
