"""Tables of what a person keeps for themself."""

from pegbar.core.data.schema import TIMESTAMP, Column, String, Text, Uuid, flag, link_table, names, reference, table

search_filter = table(
    "search_filter",
    Column("list_type", String(80), nullable=False, index=True),
    Column("entity_type", String(80)),
    Column("name", String(200), default="", nullable=False),
    Column("search_query", String(500), default="", nullable=False),
    flag("is_shared", nullable=False, in_database=True),
    reference("department", goes="refuse"),
    # A search may be moved into another production while it stays in its group.
    reference("search_filter_group", goes="null", visits=True),
    reference("person", goes="with"),
    reference("project", goes="with"),
    history="deleted",
)

search_filter_group = table(
    "search_filter_group",
    Column("list_type", String(80), nullable=False, index=True),
    Column("entity_type", String(80)),
    Column("name", String(200), default="", nullable=False),
    Column("color", String(8), default="", nullable=False),
    flag("is_shared", nullable=False, in_database=True),
    reference("person", goes="with"),
    reference("project", goes="with"),
    reference("department", goes="refuse"),
    history="deleted",
)

chat = table(
    "chat",
    Column("object_id", Uuid, nullable=False, index=True, info=names("entity", goes="with")),
    Column("object_type", String(80), default="entity", nullable=False, index=True),
    Column("last_message", TIMESTAMP),
)

chat_message = table(
    "chat_message",
    reference("chat", nullable=False, goes="with"),
    reference("person", nullable=False, goes="hook"),
    Column("text", Text),
)

chat_participant = link_table(
    "chat_participant",
    reference("chat", index=False, primary_key=True, goes="with"),
    reference("person", index=False, primary_key=True, goes="with"),
)
