"""What previews leave when a production is deleted. Source: spec crud, "projects", DELETE."""

from pegbar.productions.hooks import MEDIA, PROJECT_REMOVED, Removal, about_project

_SETS = {"previews": "SELECT p.id FROM preview_file p JOIN task t ON t.id = p.task_id WHERE t.project_id = :project_id"}
_FILES = about_project("{previews}", **_SETS)
_STATEMENTS = about_project(
    "UPDATE entity SET preview_file_id = NULL WHERE preview_file_id IN {previews}",
    "UPDATE comment SET preview_file_id = NULL WHERE preview_file_id IN {previews}",
    "UPDATE news SET preview_file_id = NULL WHERE preview_file_id IN {previews}",
    "DELETE FROM comment_preview_link WHERE preview_file IN {previews}",
    "DELETE FROM preview_file WHERE id IN {previews}",
    **_SETS,
)


@PROJECT_REMOVED.register(MEDIA)
async def remove_previews(removal: Removal) -> None:
    """Delete the previews of the production's tasks and mark their binaries for removal."""
    await removal.forget_files(*_FILES)
    await removal.run(_STATEMENTS)
