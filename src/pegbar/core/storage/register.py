"""The register of stored binaries: what is written and deleted with rows, and removed after their commit.

Source: spec operations, "Retention".
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID, uuid4

from sqlalchemy import ARRAY, Index, UniqueConstraint, text

from pegbar.config import settings
from pegbar.core.data.database import Database, Transaction
from pegbar.core.data.parameters import sql
from pegbar.core.data.schema import (
    JSONB,
    TIMESTAMP,
    BigInteger,
    Boolean,
    Column,
    Integer,
    String,
    Text,
    Uuid,
    flag,
    own_table,
    table,
    utc_now,
)
from pegbar.core.errors import ApiError
from pegbar.core.storage.binaries import Address
from pegbar.core.storage.choice import store
from pegbar.core.work.jobs import job

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
    history="none",
)


#: Deleted files that somebody may want back with the rows they belonged to: none is purged while it stands here.
held_file = own_table(
    "held_file",
    Column("bucket", String(20), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("held_by", Uuid, nullable=False, index=True),
)


@dataclass(frozen=True)
class Discarded:
    """A file that was marked as deleted. Before the commit it may still be held (`held_file`)."""

    address: Address

    rank: ClassVar[int] = 2

    @staticmethod
    async def write(tx: Transaction, kept: Sequence["Discarded"]) -> None:
        """Nothing: the mark is the row."""


_JOURNAL = """(SELECT coalesce(jsonb_agg(kept.entry ORDER BY kept.n), '[]'::jsonb)
                 FROM (SELECT entry, n FROM jsonb_array_elements(stored_file.journal || EXCLUDED.journal)
                         WITH ORDINALITY AS entries (entry, n) ORDER BY n DESC LIMIT 50) AS kept)"""

_RECORD = sql(
    f"""
    INSERT INTO stored_file (id, created_at, updated_at, bucket, key, prefix, file_id, size, journal)
    VALUES (:id, :now, :now, :bucket, :key, :prefix, :file_id, :size, :journal)
    ON CONFLICT (bucket, key) DO UPDATE
       SET size = EXCLUDED.size, updated_at = EXCLUDED.updated_at, deleted_at = NULL, purge_forced = false,
           purged_at = NULL, purge_attempts = 0, last_error = NULL, journal = {_JOURNAL}
    """,  # noqa: S608 - a constant
    key=Text,
    file_id=Text,
    size=BigInteger,
    journal=JSONB,
)

_MARK = sql(
    f"""
    INSERT INTO stored_file
           (id, created_at, updated_at, bucket, key, prefix, file_id, deleted_at, purge_forced, journal)
    SELECT pegbar.new_id(), :now, :now, bucket, prefix || '-' || file_id, prefix, file_id, :now, :forced, :journal
      FROM unnest(:buckets ::text[], :prefixes ::text[], :file_ids ::text[]) AS removed (bucket, prefix, file_id)
     WHERE :forced OR EXISTS (SELECT 1 FROM stored_file s
                               WHERE s.bucket = removed.bucket AND s.key = prefix || '-' || removed.file_id)
    ON CONFLICT (bucket, key) DO UPDATE
       SET deleted_at = coalesce(stored_file.deleted_at, EXCLUDED.deleted_at), updated_at = EXCLUDED.updated_at,
           purge_forced = stored_file.purge_forced OR EXCLUDED.purge_forced, journal = {_JOURNAL}
    """,  # noqa: S608 - a constant
    journal=JSONB,
    forced=Boolean,
)

#: What only a deletion registered, in case something was there, is as unknown again as it was.
_REVIVE = sql(
    """
    WITH unwritten AS (
      DELETE FROM stored_file s USING pegbar.held_file h
       WHERE h.held_by = :held_by AND h.bucket = s.bucket AND h.key = s.key AND s.size IS NULL AND s.purged_at IS NULL
    )
    UPDATE stored_file SET deleted_at = NULL, purge_forced = false, updated_at = :now,
           journal = (SELECT jsonb_agg(entry ORDER BY n)
                        FROM (SELECT entry, n FROM jsonb_array_elements(stored_file.journal || :journal)
                                WITH ORDINALITY AS entries (entry, n) ORDER BY n DESC LIMIT 50) AS kept)
      FROM pegbar.held_file h
     WHERE h.held_by = :held_by AND h.bucket = stored_file.bucket AND h.key = stored_file.key
       AND stored_file.purged_at IS NULL AND stored_file.size IS NOT NULL
    """,
    held_by=Uuid,
    journal=JSONB,
)
_FORCE = sql(
    """
    UPDATE stored_file s SET purge_forced = true, updated_at = :now
      FROM pegbar.held_file h WHERE h.held_by = :held_by AND h.bucket = s.bucket AND h.key = s.key
    """,
    held_by=Uuid,
)
_RELEASE = sql("DELETE FROM pegbar.held_file WHERE held_by = ANY(:held_by)", held_by=ARRAY(Uuid))

_TO_PURGE = sql(
    """
    SELECT id, bucket, prefix, file_id FROM stored_file
     WHERE deleted_at IS NOT NULL AND purged_at IS NULL AND (purge_forced OR :everything)
       AND purge_attempts < :most
       AND NOT EXISTS (SELECT FROM pegbar.held_file h WHERE h.bucket = stored_file.bucket AND h.key = stored_file.key)
     ORDER BY deleted_at LIMIT 500 FOR UPDATE SKIP LOCKED
    """,
    everything=Boolean,
)

_PURGED = sql(
    """
    UPDATE stored_file SET purged_at = CASE WHEN tried.error IS NULL THEN :now END, last_error = tried.error,
           purge_attempts = purge_attempts + 1, updated_at = :now
      FROM unnest(:ids ::uuid[], :errors ::text[]) AS tried (id, error)
     WHERE stored_file.id = tried.id
    """
)

#: What only a forced deletion registered, in case something was there, is of no interest once nothing is.
_FORGET_UNWRITTEN = text(
    "DELETE FROM stored_file WHERE id = ANY(:ids ::uuid[]) AND size IS NULL AND purged_at IS NOT NULL"
)

_MOST_PURGE_ATTEMPTS = 20

#: The lock of who copies files: as long as it is held, none is removed that a row may still have named.
NO_PURGE = 0x7065676261726B
_MAY_PURGE = text(f"SELECT pg_try_advisory_xact_lock_shared({NO_PURGE})")


def _entry(tx: Transaction, operation: str) -> list[dict[str, Any]]:
    author = str(tx.author_id) if tx.author_id else None
    return [{"operation": operation, "date": utc_now().strftime("%Y-%m-%dT%H:%M:%S"), "person_id": author}]


async def record(tx: Transaction, address: Address, size: int) -> None:
    """Register a binary that was written. One marked for removal is kept again."""
    await tx.execute(
        _RECORD,
        id=uuid4(),
        now=utc_now(),
        bucket=address.bucket,
        key=address.key,
        prefix=address.prefix,
        file_id=str(address.file_id),
        size=size,
        journal=_entry(tx, "write"),
    )


async def mark_deleted(tx: Transaction, addresses: Iterable[Address], *, force: bool = False) -> None:
    """Mark binaries as deleted; they are removed after the commit when forced, or with REMOVE_FILES."""
    listed = list(addresses)
    if not listed:
        return
    await tx.execute(
        _MARK,
        now=utc_now(),
        forced=force,
        journal=_entry(tx, "delete"),
        buckets=[address.bucket for address in listed],
        prefixes=[address.prefix for address in listed],
        file_ids=[str(address.file_id) for address in listed],
    )
    for address in listed:
        tx.keep(Discarded(address))
    if force or settings().remove_files:
        tx.defer(PURGE)


async def revive(tx: Transaction, held_by: UUID) -> int:
    """Take back the deletion of the files that are held by this; their number."""
    return await tx.execute(_REVIVE, held_by=held_by, now=utc_now(), journal=_entry(tx, "restore"))


async def release(tx: Transaction, held_by: Iterable[UUID]) -> None:
    """Hold the files of these no longer: those that a deletion left for removal are removed."""
    if await tx.execute(_RELEASE, held_by=list(held_by)):
        tx.defer(PURGE)


async def purge_held(tx: Transaction, held_by: UUID) -> None:
    """Remove the files that are held by this after the commit, whatever the settings keep."""
    await tx.execute(_FORCE, held_by=held_by, now=utc_now())
    await release(tx, [held_by])


async def mark_missing(tx: Transaction, address: Address) -> None:
    """Register that a new row's binary never came. There is nothing to purge, so that this stays known."""
    now = utc_now()
    await tx.insert(
        stored_file,
        bucket=address.bucket,
        key=address.key,
        prefix=address.prefix,
        file_id=str(address.file_id),
        deleted_at=now,
        purged_at=now,
        journal=_entry(tx, "delete"),
    )


#: Nobody waits for it.
PURGE = job("storage.purge", retries=8, priority=-1)
#: Binaries removed at the same time.
_AT_ONCE = 10


@PURGE.task
async def purge(db: Database) -> None:
    """Remove the binaries that deletions left for removal. Those that fail are tried again.

    While a backup runs none is removed: its end puts this job in the queue again.
    """
    turns = asyncio.Semaphore(_AT_ONCE)
    failures: list[ApiError] = []

    async def remove(address: Address) -> str | None:
        async with turns:
            try:
                await store().remove(address)
            except ApiError as refused:
                failures.append(refused)
                return refused.message
        return None

    more = True
    while more and not failures:
        async with db.transaction() as tx:
            if not await tx.value(_MAY_PURGE):
                return
            rows = await tx.rows(_TO_PURGE, everything=settings().remove_files, most=_MOST_PURGE_ATTEMPTS)
            more = bool(rows)
            errors = await asyncio.gather(
                *[remove(Address(row["bucket"], row["prefix"], row["file_id"])) for row in rows]
            )
            ids = [row["id"] for row in rows]
            await tx.execute(_PURGED, ids=ids, errors=errors, now=utc_now())
            await tx.execute(_FORGET_UNWRITTEN, ids=ids)
    if failures:
        raise failures[0]
