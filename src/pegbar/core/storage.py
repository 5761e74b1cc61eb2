"""Binaries: a local folder or an object store behind one interface. Source: spec media, operations ("Retention")."""

from sqlalchemy import Index, UniqueConstraint, text

from pegbar.core.schema import JSONB, TIMESTAMP, BigInteger, Column, Integer, String, Text, flag, table

stored_file = table(
    "stored_file",
    Column("bucket", String(20), nullable=False),
    Column("key", String(255), nullable=False),
    Column("prefix", String(40), nullable=False),
    Column("file_id", String(200), nullable=False, index=True),
    Column("size", BigInteger),
    Column("deleted_at", TIMESTAMP),
    flag("purge_forced", nullable=False, in_database=True),
    Column("purged_at", TIMESTAMP),
    Column("purge_attempts", Integer, default=0, server_default="0", nullable=False),
    Column("last_error", Text),
    Column("journal", JSONB, default=list, server_default="[]", nullable=False),
    UniqueConstraint("bucket", "key", name="stored_file_uc"),
    Index(
        "ix_stored_file_to_purge",
        "purge_forced",
        "deleted_at",
        postgresql_where=text("((deleted_at IS NOT NULL) AND (purged_at IS NULL))"),
    ),
)
