"""Events of tasks and of what is said on them. Source: spec events, "Specific events"."""

from pegbar.core.events import event

TASK_NEW = event("task:new", "task_id")
TASK_UPDATE = event("task:update", "task_id")
TASK_DELETE = event("task:delete", "task_id", "entity_id", "task_type_id")
TASK_ASSIGN = event("task:assign", "task_id", "person_id")
TASK_UNASSIGN = event("task:unassign", "task_id", "person_id")
NOTIFICATION_NEW = event("notification:new", "notification_id", "person_id", logged=False)
