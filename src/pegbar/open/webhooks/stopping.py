"""A webhook stops: its place in the events and what waits stay as they are until somebody resumes it."""

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

from pegbar.core.backup.quieting import quieted
from pegbar.core.data.database import Transaction
from pegbar.core.data.parameters import sql
from pegbar.core.data.schema import Text
from pegbar.open.webhooks.events import WEBHOOK_UPDATE

#: The head's place may be one that is being left: what is handed out twice is kept once.
_STOP = sql(
    """
    UPDATE pegbar.webhook w
       SET state = :state, reason = :reason, updated_at = timezone('utc', now()),
           seen = coalesce(w.seen, h.seen),
           reading = CASE WHEN w.seen IS NULL THEN h.reading ELSE w.reading END,
           position = CASE WHEN w.seen IS NULL THEN h.position ELSE w.position END,
           seen_at = CASE WHEN w.seen IS NULL THEN h.seen_at ELSE w.seen_at END
      FROM pegbar.webhook_head h
     WHERE w.id = ANY(:ids) AND w.state <> 'disabled' AND w.state <> :state
    RETURNING w.id, w.project_id
    """,
    state=Text,
    reason=Text,
)


quieted(
    "webhooks paused",
    "pegbar.webhook",
    """
    UPDATE pegbar.webhook w
       SET state = 'paused', reason = %(reason)s, updated_at = timezone('utc', now()),
           seen = coalesce(w.seen, h.seen),
           reading = CASE WHEN w.seen IS NULL THEN h.reading ELSE w.reading END,
           position = CASE WHEN w.seen IS NULL THEN coalesce(h.position, 0) ELSE w.position END,
           seen_at = CASE WHEN w.seen IS NULL THEN coalesce(h.seen_at, w.seen_at) ELSE w.seen_at END
      FROM (SELECT) AS one LEFT JOIN pegbar.webhook_head h ON true
     WHERE w.state = 'active'
    """,
)
#: Tests are sent by webhooks that are paused, too.
quieted(
    "tests of webhooks skipped",
    "pegbar.webhook_delivery",
    """
    UPDATE pegbar.webhook_delivery SET status = 'skipped', ended_at = timezone('utc', now()), leased_until = NULL
     WHERE status = 'waiting' AND position IS NULL AND %(reason)s <> ''
    """,
)


async def stop(tx: Transaction, webhook_ids: Sequence[UUID], state: Literal["paused", "disabled"], reason: str) -> bool:
    """Pause or disable webhooks; whether any was not already."""
    rows = await tx.rows(_STOP, ids=list(webhook_ids), state=state, reason=reason)
    for row in rows:
        tx.emit(WEBHOOK_UPDATE, project_id=row["project_id"], webhook_id=row["id"])
    return bool(rows)
