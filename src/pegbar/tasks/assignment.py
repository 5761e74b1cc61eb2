"""Who is assigned to a task. Source: spec tasks, "Access rules" and the assign operations; spec crud, "tasks" (PUT)."""

from sqlalchemy import bindparam, select

from pegbar.core.resource import Change
from pegbar.core.schema import Uuid
from pegbar.tasks import creation, notifications
from pegbar.tasks.events import TASK_ASSIGN, TASK_UNASSIGN
from pegbar.tasks.tables import task, task_person_link

_ASSIGNEES = select(task_person_link.c.person_id).where(task_person_link.c.task_id == bindparam("task_id", type_=Uuid))


async def replace_assignees(change: Change) -> None:
    """Announce the difference when an update of a task gives `assignees`: one event and notification each."""
    if "assignees" not in change.relations or change.before is None:
        return
    await creation.refuse_preview_accounts(change)
    wanted, task_id, project_id = change.relations["assignees"], change.row_id, change.before["project_id"]
    before = await change.tx.column(_ASSIGNEES, task_id=task_id)
    added = [each for each in wanted if each not in set(before)]
    for person_id in added:
        change.tx.emit(TASK_ASSIGN, project_id=project_id, task_id=task_id, person_id=person_id)
    await notifications.assigned(change.tx, change.caller.id, change.row(task), project_id, added)
    for person_id in before:
        if person_id not in set(wanted):
            change.tx.emit(TASK_UNASSIGN, project_id=project_id, task_id=task_id, person_id=person_id)
