"""How much the guests of a link may do: strangers hold whoever was sent a link.

What they did is counted by link and hour, in the transaction that does it. Files count for as long as the link is
there, also those that were removed again: removed files may stay on the disk.
"""

import time
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import BigInteger, Integer

from pegbar.config import settings
from pegbar.core.data.database import Reader, Transaction
from pegbar.core.data.parameters import sql
from pegbar.core.errors import TooLarge, TooManyRequests

_HOUR = 3600


@dataclass(frozen=True)
class Use:
    """What a guest is about to do."""

    guests: int = 0
    comments: int = 0
    drawings: int = 0
    bytes: int = 0


#: The row of the hour holds others of the link until the commit: two at once are counted one after the other.
_COUNT = sql(
    """
    WITH hour AS (SELECT date_trunc('hour', timezone('utc', now())) AS began),
    counted AS (
      INSERT INTO pegbar.share_usage AS u (playlist_share_link_id, hour, guests, comments, drawings, bytes)
      SELECT :link_id, began, :guests, :comments, :drawings, :bytes FROM hour
      ON CONFLICT (playlist_share_link_id, hour) DO UPDATE
         SET guests = u.guests + excluded.guests, comments = u.comments + excluded.comments,
             drawings = u.drawings + excluded.drawings, bytes = u.bytes + excluded.bytes
      RETURNING guests, comments, drawings, bytes)
    SELECT counted.guests, counted.comments, counted.drawings,
           counted.bytes + (SELECT coalesce(sum(o.bytes), 0) FROM pegbar.share_usage o, hour
                             WHERE o.playlist_share_link_id = :link_id AND o.hour <> hour.began) AS bytes
      FROM counted
    """,
    guests=Integer,
    comments=Integer,
    drawings=Integer,
    bytes=BigInteger,
)
_BYTES = sql("SELECT coalesce(sum(bytes), 0)::bigint FROM pegbar.share_usage WHERE playlist_share_link_id = :link_id")


async def count(tx: Transaction, link_id: UUID, use: Use) -> None:
    """Count what a guest does by a link. Raises 429 when it is too much for the hour, 413 for too many bytes."""
    row = await tx.row(
        _COUNT, link_id=link_id, guests=use.guests, comments=use.comments, drawings=use.drawings, bytes=use.bytes
    )
    assert row is not None
    for name, most in (
        ("guests", settings().share_guests_per_hour),
        ("comments", settings().share_comments_per_hour),
        ("drawings", settings().share_drawings_per_hour),
    ):
        if most and getattr(use, name) and row[name] > most:
            error = TooManyRequests("The guests of this link did too much within an hour. Try again later.")
            error.headers["retry-after"] = str(int(_HOUR - time.time() % _HOUR) + 1)
            raise error
    _check_total(row["bytes"] if use.bytes else 0)


async def room(db: Reader, link_id: UUID) -> int:
    """Bytes that a guest may attach now. Raises 413 when the link has no room left."""
    most, total = settings().share_upload_size, settings().share_upload_total
    if not total:
        return most
    used: int = await db.value(_BYTES, link_id=link_id)
    _check_total(used + 1)
    return min(most, total - used)


def _check_total(used: int) -> None:
    total = settings().share_upload_total
    if total and used > total:
        raise TooLarge(f"The guests of this link attached {total} bytes already; there is room for no more.")
