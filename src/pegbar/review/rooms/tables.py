"""Who is in which review room, and what they look at.

Unlogged: a crash of the database empties both, and the processes that hold the sockets fill them again.
"""

from sqlalchemy import Index

from pegbar.core.data.schema import JSONB, TIMESTAMP, Column, Integer, Text, Uuid, flag, names, own_table, utc_now

#: What a room looks at, while somebody is in it.
review_room = own_table(
    "review_room",
    Column("playlist_id", Uuid, primary_key=True, info=names("playlist", goes="with")),
    Column("state", JSONB, nullable=False),
)

#: The sockets that opened a room or are in it. `node` is the process that holds them (`be_node` in queries.py).
review_presence = own_table(
    "review_presence",
    Column("playlist_id", Uuid, primary_key=True, info=names("playlist", goes="with")),
    Column("socket", Text, primary_key=True),
    Column("node", Integer, nullable=False),
    Column("person_id", Uuid, nullable=False, info=names("person", goes="with")),
    flag("in_people", nullable=False),
    Column("since", TIMESTAMP, nullable=False, default=utc_now),
    Index("ix_review_presence_node", "node"),
    Index("ix_review_presence_person_id", "person_id"),
)
