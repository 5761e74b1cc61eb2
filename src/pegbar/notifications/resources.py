"""Generic routes of notifications and subscriptions. Source: spec crud, "notifications", "subscriptions"."""

from pegbar.core.data.resource import Resource, project_of_row, project_through
from pegbar.core.data.wire import wire_of
from pegbar.core.data.writes import writes
from pegbar.notifications.tables import notification, subscription

SUBSCRIPTION = wire_of(subscription, "Subscription")

subscriptions = Resource(
    subscription,
    path="/data/subscriptions",
    type="Subscription",
    writes=writes("person_id task_id entity_id task_type_id"),
    project_of=project_through(subscription.c.task_id, subscription.c.entity_id),
    tag="Subscriptions",
)

#: The column `type` is served under another key, as `type` is the kind of row.
NOTIFICATION = wire_of(notification, "Notification").but(notification_type=notification.c.type)

notifications = Resource(
    notification,
    path="/data/notifications",
    project_of=project_of_row(notification),
    type="Notification",
    writes=writes("read change type person_id author_id comment_id task_id playlist_id reply_id"),
    wire=NOTIFICATION,
    tag="Notifications",
)
