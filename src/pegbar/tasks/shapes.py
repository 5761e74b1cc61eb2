"""The JSON of tasks and of what is said on them. Source: spec tasks, "Task row"; spec crud, "tasks"."""

from uuid import UUID

from pegbar.core.data.changes import Relation
from pegbar.core.data.wire import wire_of
from pegbar.entities.task_shapes import BLANKED, blanked
from pegbar.tasks.tables import task, task_person_link

ASSIGNEES = Relation("assignees", task_person_link.c.task_id, task_person_link.c.person_id)

#: Every column.
TASK = wire_of(task, "Task")
TASK_WITH_ASSIGNEES = TASK.but(assignees=ASSIGNEES.ids(task))
#: The same keys without what is the studio's own.
TASK_FOR_CLIENTS = blanked(TASK_WITH_ASSIGNEES)


def known_ids(texts: list[str]) -> list[UUID]:
    """The ids among these texts; what is none names nothing."""
    ids = []
    for value in texts:
        try:
            ids.append(UUID(value))
        except ValueError:
            continue
    return ids


__all__ = ["ASSIGNEES", "BLANKED", "TASK", "TASK_FOR_CLIENTS", "TASK_WITH_ASSIGNEES", "blanked", "known_ids"]
