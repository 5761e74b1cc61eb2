"""Events of notifications. Source: spec events, "Specific events"; spec user."""

from pegbar.core.live.events import event

NOTIFICATION_NEW = event("notification:new", "notification_id", "person_id", logged=False)
READ = event("notification:read", "person_id", "notification_id", scoped=False)
UNREAD = event("notification:unread", "person_id", "notification_id", scoped=False)
ALL_READ = event("notification:all-read", "person_id", scoped=False)
