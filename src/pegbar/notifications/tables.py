"""Tables of notifications, and of who watches what."""

from sqlalchemy import UniqueConstraint

from pegbar.core.data.schema import Column, Uuid, choice, flag, reference, table

NOTIFICATION_TYPES = ("comment", "mention", "assignation", "reply", "reply-mention", "playlist-ready")

subscription = table(
    "subscription",
    reference("person", nullable=False, goes="with"),
    reference("task", goes="with"),
    reference("entity", goes="with"),
    reference("task_type", goes="refuse"),
    UniqueConstraint("person_id", "task_type_id", "entity_id", name="subscription_entity_uc"),
    UniqueConstraint("person_id", "task_id", name="subscription_task_uc"),
    history="deleted",
)


notification = table(
    "notification",
    flag("read", nullable=False),
    flag("change", nullable=False),
    choice("type", NOTIFICATION_TYPES, nullable=False),
    reference("person", nullable=False, goes="with"),
    reference("person", "author_id", nullable=False, goes="with"),
    reference("comment", goes="with"),
    reference("task", goes="with"),
    reference("playlist", goes="with"),
    Column("reply_id", Uuid, index=True),
    UniqueConstraint("person_id", "author_id", "comment_id", "reply_id", "playlist_id", "type", name="notification_uc"),
    history="deleted",
)
