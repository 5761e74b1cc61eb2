"""What was added to playlists, and who has seen it: kept so that a list that is sent whole loses nobody's entry."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import BigInteger

from pegbar.core.data.database import Reader, Transaction
from pegbar.core.data.parameters import sql
from pegbar.core.data.schema import Uuid
from pegbar.review.merging import Couple

#: Added again, an entry is as new as when it was added first.
_RECORD = sql(
    """
    WITH added AS (
      SELECT * FROM unnest(:entity_ids ::uuid[], :preview_ids ::uuid[]) WITH ORDINALITY AS a (entity_id, preview_id, n)
    ), former AS (
      DELETE FROM pegbar.playlist_addition USING added
       WHERE playlist_addition.playlist_id = :playlist_id AND playlist_addition.entity_id = added.entity_id
         AND playlist_addition.preview_file_id IS NOT DISTINCT FROM added.preview_id
    )
    INSERT INTO pegbar.playlist_addition (playlist_id, entity_id, preview_file_id, in_list_of)
    SELECT :playlist_id, entity_id, preview_id, :in_list_of FROM added ORDER BY n
    """,
    in_list_of=Uuid,
)
_UNSEEN = sql(
    """
    SELECT entity_id, preview_file_id FROM pegbar.playlist_addition
     WHERE playlist_id = :playlist_id AND number > :version AND in_list_of IS DISTINCT FROM :caller_id
    """,
    version=BigInteger,
)


async def record(
    tx: Transaction, playlist_id: UUID, added: Sequence[Couple], *, in_list_of: UUID | None = None
) -> None:
    """Note what a transaction that holds the playlist's row added; `in_list_of`: who sent it in a list of their own."""
    if added:
        ids = {"entity_ids": [of for of, _ in added], "preview_ids": [preview_id for _, preview_id in added]}
        await tx.execute(_RECORD, playlist_id=playlist_id, in_list_of=in_list_of, **ids)


async def unseen(db: Reader, playlist_id: UUID, version: int) -> set[Couple]:
    """What was added after a version, but for what the caller sent in a list: their copy of it may be an older one."""
    version = min(max(version, 0), 2**63 - 1)
    rows = await db.rows(_UNSEEN, playlist_id=playlist_id, version=version)
    return {(row["entity_id"], row["preview_file_id"]) for row in rows}
