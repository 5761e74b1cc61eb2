"""Events of tasks and of what is said on them. Source: spec events, "Specific events"."""

from pegbar.core.live.events import event

TASK_NEW = event("task:new", "task_id")
TASK_UPDATE = event("task:update", "task_id")
TASK_DELETE = event("task:delete", "task_id", "entity_id", "task_type_id")
TASK_ASSIGN = event("task:assign", "task_id", "person_id")
TASK_UNASSIGN = event("task:unassign", "task_id", "person_id")
TASK_STATUS_CHANGED = event(
    "task:status-changed", "task_id", "new_task_status_id", "previous_task_status_id", "person_id"
)
TASK_TO_REVIEW = event(
    "task:to-review", "task_id", "new_task_status_id", "previous_task_status_id", "person_id", "comment_id"
)
COMMENT_NEW = event("comment:new", "comment_id", "task_id", "task_status_id", "person_id", "for_client")
COMMENT_UPDATE = event("comment:update", "comment_id", "task_id", "person_id", "for_client")
COMMENT_DELETE = event("comment:delete", "comment_id", "task_id")
COMMENT_ACKNOWLEDGE = event("comment:acknowledge", "comment_id", "person_id", logged=False)
COMMENT_UNACKNOWLEDGE = event("comment:unacknowledge", "comment_id", "person_id", logged=False)
COMMENT_REPLY = event("comment:reply", "task_id", "comment_id", "reply_id")
COMMENT_DELETE_REPLY = event("comment:delete-reply", "task_id", "comment_id", "reply_id", logged=False)
NEWS_NEW = event("news:new", "news_id", "task_status_id", "task_type_id")
NEWS_DELETE = event("news:delete", "news_id")
