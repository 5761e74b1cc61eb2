"""What was deleted by one act, and can be restored.

The rows themselves are in the history (core/data/history.py), by the changes that deleted them; files wait in the
storage (`held_file`, core/storage). An entry says which changes, and what people call it.
"""

from sqlalchemy import Index, func

from pegbar.core.data.schema import JSONB, TIMESTAMP, BigInteger, Column, String, Text, Uuid, names, own_table

#: `production_id` is no reference: the entry outlives its production, to bring it back.
trash = own_table(
    "trash",
    Column("id", Uuid, primary_key=True),
    Column("deleted_at", TIMESTAMP, nullable=False),
    Column("person_id", Uuid, info=names("person", goes="null"), index=True),
    Column("production_id", Uuid),
    Column("production_name", String(80)),
    Column("kind", String(80), nullable=False),
    Column("name", Text),
    Column("state", String(20), nullable=False),  #: whole, emptying (more is still being deleted), restoring
    Column("row_count", BigInteger, nullable=False),
    Column("rows", JSONB, nullable=False),  #: how many, by table
    Column("doing", String(80)),
    Column("error", Text),
    Index("ix_pegbar_trash_deleted_at", "deleted_at", "id"),
    Index("ix_pegbar_trash_production_id", "production_id", "deleted_at", "id"),
)

trash_change = own_table(
    "trash_change",
    Column("change_id", BigInteger, primary_key=True, autoincrement=False),
    Column("trash_id", Uuid, nullable=False, index=True),
)

#: What somebody deleted, as opposed to what went with it.
trash_thing = own_table(
    "trash_thing",
    Column("trash_id", Uuid, primary_key=True),
    Column("row_id", Uuid, primary_key=True, index=True),
    Column("table_name", String(80), nullable=False),
    Column("kind", String(80), nullable=False),
    Column("name", Text),
)

#: What no history tells of rows that were deleted (core/data/migrations/keeping.py): secrets are in it, which nobody is
#: shown. By change, like the history; what belongs to no entry goes with the next sweep.
trash_remainder = own_table(
    "trash_remainder",
    Column("change_id", BigInteger, nullable=False, index=True),
    Column("at", TIMESTAMP, nullable=False, server_default=func.timezone("utc", func.now()), index=True),
    Column("table_name", String(80), nullable=False),
    Column("row", JSONB, nullable=False),
    Column("forgot", String(80)),  #: the column that forgot a row that went, when it is not the row itself that went
)
