"""Generic routes of notifications and subscriptions. Source: spec crud, "notifications", "subscriptions"."""

from pegbar.core.data.resource import Resource
from pegbar.core.data.wire import wire_of
from pegbar.core.data.writes import writes
from pegbar.notifications.tables import notification, subscription

SUBSCRIPTION = wire_of(subscription, "Subscription")

subscriptions = Resource(
    subscription,
    path="/data/subscriptions",
    type="Subscription",
    writes=writes("person_id task_id entity_id task_type_id"),
    of_production=True,
    tag="Subscriptions",
)

#: The column `type` is served under another key, as `type` is the kind of row.
NOTIFICATION = wire_of(notification, "Notification").but(notification_type=notification.c.type)

notifications = Resource(
    notification,
    path="/data/notifications",
    of_production=True,
    type="Notification",
    writes=writes("read change type person_id author_id comment_id task_id playlist_id reply_id"),
    wire=NOTIFICATION,
    tag="Notifications",
)
