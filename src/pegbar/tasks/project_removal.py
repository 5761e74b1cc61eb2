"""What tasks leave when a production is deleted. Source: spec crud, "projects" and "tasks", DELETE."""

from pegbar.productions.hooks import PROJECT_REMOVED, TASKS, Removal, about_project
from pegbar.tasks.events import TASK_DELETE

_SETS = {
    "tasks": "SELECT id FROM task WHERE project_id = :project_id",
    "comments": "SELECT id FROM comment WHERE object_id IN {tasks}",
}
_ATTACHMENTS = about_project("SELECT id FROM attachment_file WHERE comment_id IN {comments}", **_SETS)
_BEFORE = about_project(
    "DELETE FROM notification WHERE task_id IN {tasks} OR comment_id IN {comments}",
    "DELETE FROM news WHERE task_id IN {tasks} OR comment_id IN {comments}",
    "DELETE FROM attachment_file WHERE comment_id IN {comments}",
    "DELETE FROM comment_acknoledgments WHERE comment IN {comments}",
    "DELETE FROM comment_mentions WHERE comment IN {comments}",
    "DELETE FROM comment_department_mentions WHERE comment IN {comments}",
    "DELETE FROM comment_preview_link WHERE comment IN {comments}",
    "DELETE FROM comment WHERE object_id IN {tasks}",
    """DELETE FROM subscription WHERE task_id IN {tasks}
           OR entity_id IN (SELECT id FROM entity WHERE project_id = :project_id)""",
    "DELETE FROM time_spent WHERE task_id IN {tasks}",
    "DELETE FROM task_person_link WHERE task_id IN {tasks}",
    **_SETS,
)
(_DELETE_TASKS,) = about_project(
    "DELETE FROM task WHERE project_id = :project_id RETURNING id, entity_id, task_type_id"
)


@PROJECT_REMOVED.register(TASKS)
async def remove_tasks(removal: Removal) -> None:
    """Delete the tasks with all that was said, noted and logged on them; one event for each task."""
    await removal.forget_files(*_ATTACHMENTS)
    await removal.run(_BEFORE)
    for row in await removal.rows(_DELETE_TASKS):
        removal.tx.emit(TASK_DELETE, task_id=row["id"], entity_id=row["entity_id"], task_type_id=row["task_type_id"])
