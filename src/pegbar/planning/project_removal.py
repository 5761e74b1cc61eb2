"""What schedules leave when a production is deleted. Source: spec crud, "projects", DELETE."""

from pegbar.productions.hooks import PLANNING, PROJECT_REMOVED, Removal, about_project

_STATEMENTS = about_project(
    "DELETE FROM milestone WHERE project_id = :project_id",
    "DELETE FROM schedule_item WHERE project_id = :project_id",
    "DELETE FROM production_schedule_version WHERE project_id = :project_id",
)


@PROJECT_REMOVED.register(PLANNING)
async def remove_schedule(removal: Removal) -> None:
    """Delete milestones, schedule items and schedule versions; the versions' links go by cascade."""
    await removal.run(_STATEMENTS)
