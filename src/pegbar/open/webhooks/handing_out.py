"""Events are handed out to webhooks: each event that one asks for becomes a delivery, in the order of the events.

All webhooks that keep up share one place in the events, the head's; those that were just made, stopped for a while or
have too much waiting have their own until they catch up. One node at a time does it, holding the head: places and
deliveries commit together, so nothing is lost or handed out twice whatever is killed. A place is a cursor as
`GET /data/events/since` has them (review/event_feed.py).
"""

from dataclasses import dataclass

import asyncpg
import structlog
from sqlalchemy import BigInteger, Text

from pegbar.core.data.database import Database, Transaction
from pegbar.core.data.parameters import sql
from pegbar.core.live.events import CURSOR_DAYS
from pegbar.open.feed.queries import BEGINNING, FOLLOWING
from pegbar.open.feed.shapes import CHANGES_BY_SIGHT, FURTHER
from pegbar.open.webhooks.filtering import leave_out
from pegbar.open.webhooks.queries import STANDS
from pegbar.open.webhooks.retrying import KEPT_TRYING
from pegbar.open.webhooks.stopping import stop

log = structlog.get_logger()

#: Events that one statement hands out.
_AT_ONCE = 5000
#: A webhook with more waiting falls behind, and goes on once it has fewer than half of that.
MOST_WAITING = 10_000
#: The channel that tells workers that something waits.
CHANNEL = "pegbar_webhooks"

#: Whether the events after a place are all there: it is of this database, and not too old.
_KNOWN = f"""(pg_snapshot_xmax(pg_current_snapshot()) >= pg_snapshot_xmax(w.seen::pg_snapshot)
              AND w.seen_at > timezone('utc', now()) - interval '{CURSOR_DAYS} days')"""
IS_KNOWN = sql(f"SELECT w.seen IS NULL OR {_KNOWN} FROM pegbar.webhook w WHERE w.id = :webhook_id")  # noqa: S608

_HEAD = sql(
    """
    SELECT id FROM pegbar.webhook_head
     WHERE EXISTS (SELECT 1 FROM pegbar.webhook WHERE state = 'active')
       FOR UPDATE SKIP LOCKED
    """
)
#: Webhooks whose owners may not have what they deliver any more.
_FALLEN = sql(
    f"""
    SELECT w.id FROM pegbar.webhook w LEFT JOIN person p ON p.id = w.owner_id
     WHERE w.state = 'active' AND {STANDS} IS NOT TRUE
    """  # noqa: S608 - a rule of ours
)
_NO_MORE = "its owner may not have these events any more: who resumes it has them as their own"
#: The head's place and those of webhooks that have their own, with this moment's snapshot, and the position before the
#: first event that they may not have had (open/feed/queries.py has the same of a reader).
_PLACES = sql(
    f"""
    SELECT pg_current_snapshot()::text AS now, w.seen, w.reading, w.position, w.is_head, w.is_followed,
           bool_and({_KNOWN}) AS known, CASE WHEN w.position > 0 THEN w.position ELSE coalesce((
             SELECT min(n.position + 0) - 1 FROM pegbar.outbox n
              WHERE n.xid >= pg_snapshot_xmin(w.seen::pg_snapshot)::text::bigint), 0) END AS start
      FROM (
        SELECT seen, reading, position, seen_at, true AS is_head,
               EXISTS (SELECT 1 FROM pegbar.webhook f WHERE f.state = 'active' AND f.seen IS NULL) AS is_followed
          FROM pegbar.webhook_head
         UNION ALL
        SELECT w.seen, w.reading, w.position, w.seen_at, false, true
          FROM pegbar.webhook w JOIN person p ON p.id = w.owner_id
         WHERE w.state = 'active' AND w.seen IS NOT NULL AND {STANDS}
           AND (SELECT count(*) FROM (SELECT 1 FROM pegbar.webhook_delivery d
                                       WHERE d.webhook_id = w.id AND d.status = 'waiting'
                                       LIMIT {MOST_WAITING // 2}) AS waiting) < {MOST_WAITING // 2}
      ) AS w
     GROUP BY w.seen, w.reading, w.position, w.is_head, w.is_followed
    """  # noqa: S608 - constants
)
_AT_PLACE = """
    CASE WHEN :is_head ::bool THEN w.seen IS NULL
         ELSE w.seen = :seen ::text AND w.reading IS NOT DISTINCT FROM :at_reading ::text
              AND w.position = :at_position ::bigint END"""
#: What an event is about: what its name says, else its task, else its production.
_THING = """
    coalesce(e.thing, e.data->>'task_id', e.project_id::text, e.position::text)"""
#: As the feed tells the event (open/feed), with the changes that its owner's sight shows, in the envelope of Standard
#: Webhooks. Owners are studio managers, or managers of its production.
_BODY = """
    concat('{"type":', to_json(e.name), ',"timestamp":"', to_char(e.created_at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
           '","data":', e.beginning, CASE WHEN w.is_admin THEN e.admin ELSE e.manager END, ']}}')"""
_PAGE = sql(
    f"""
    WITH webhooks AS MATERIALIZED (
      SELECT w.id, w.project_id, w.patterns, p.role = 'admin' AS is_admin
        FROM pegbar.webhook w JOIN person p ON p.id = w.owner_id
       WHERE w.state = 'active' AND {_AT_PLACE} AND {STANDS}
         FOR KEY SHARE OF w
    ), scanned AS MATERIALIZED (
      {FOLLOWING}
    ), told AS MATERIALIZED (
      SELECT o.*, {FURTHER}
        FROM scanned o
       WHERE o.person_id IS NULL
         AND EXISTS (SELECT 1 FROM webhooks w
                      WHERE o.name LIKE ANY (w.patterns) AND (w.project_id IS NULL OR w.project_id = o.project_id))
    ), page AS MATERIALIZED (
      SELECT o.position, o.name, o.project_id, o.created_at, o.thing, o.payload::json AS data, {BEGINNING} AS beginning,
             changes.admin, changes.manager
        FROM told o
        LEFT JOIN LATERAL (SELECT {CHANGES_BY_SIGHT}) AS changes ON true
    ), handed AS (
      INSERT INTO pegbar.webhook_delivery (id, webhook_id, position, name, thing, body, expires_at)
      SELECT pegbar.new_id(), w.id, e.position, e.name, {_THING}, {_BODY}, timezone('utc', now()) + :kept ::interval
        FROM page e JOIN webhooks w
          ON e.name LIKE ANY (w.patterns) AND (w.project_id IS NULL OR w.project_id = e.project_id)
       ORDER BY e.position
      ON CONFLICT (webhook_id, position) DO NOTHING
      RETURNING 1
    )
    SELECT count(*) AS events, min(position) AS first, max(position) AS last,
           (SELECT count(*) FROM handed) AS handed
      FROM scanned
    """  # noqa: S608 - constants
)
_MOVED = """
    seen = :new_seen, reading = :new_reading, position = :new_position,
    seen_at = CASE WHEN :is_done ::bool THEN timezone('utc', now()) ELSE w.seen_at END"""
_MOVED_TYPES = {"new_seen": Text, "new_reading": Text, "new_position": BigInteger}
_MOVE_HEAD = sql(f"UPDATE pegbar.webhook_head w SET {_MOVED}", **_MOVED_TYPES)  # noqa: S608
_MOVE = sql(
    f"""
    UPDATE pegbar.webhook w SET {_MOVED}
     WHERE w.state = 'active' AND w.seen = :seen ::text AND w.reading IS NOT DISTINCT FROM :reading ::text
       AND w.position = :position ::bigint
    """,  # noqa: S608 - constants
    **_MOVED_TYPES,
)
#: Those at the head's place follow it from now on.
_JOIN = sql(
    """
    UPDATE pegbar.webhook w SET seen = NULL, reading = NULL, position = 0
      FROM pegbar.webhook_head h
     WHERE w.state = 'active' AND w.seen = h.seen AND w.reading IS NOT DISTINCT FROM h.reading
       AND w.position = h.position
    """
)
#: Those that have too much waiting stay where they are.
_FALL_BEHIND = sql(
    f"""
    UPDATE pegbar.webhook w
       SET seen = h.seen, reading = h.reading, position = h.position, seen_at = h.seen_at
      FROM pegbar.webhook_head h
     WHERE w.state = 'active' AND w.seen IS NULL
       AND (SELECT count(*) FROM (SELECT 1 FROM pegbar.webhook_delivery d
                                   WHERE d.webhook_id = w.id AND d.status = 'waiting'
                                   LIMIT {MOST_WAITING}) AS waiting) >= {MOST_WAITING}
    """  # noqa: S608 - constants
)


@dataclass(frozen=True)
class Place:
    """Up to where events were handed out."""

    seen: str
    reading: str | None
    position: int


async def hand_out(db: Database) -> bool:
    """Hand out the events that are new to webhooks; whether there are more. Only one node at a time does it."""
    async with db.transaction() as tx:
        if await tx.row(_HEAD) is None:
            return False
        if fallen := await tx.column(_FALLEN):
            await stop(tx, fallen, "disabled", _NO_MORE)
        # In a statement after the one that held the head: another node may have moved it meanwhile.
        rows = await tx.rows(_PLACES)
        more = [await _hand_out_from(tx, row) for row in rows]
        await tx.execute(_JOIN)
        return any(more)


async def _hand_out_from(tx: Transaction, row: asyncpg.Record) -> bool:
    """Hand out a page of events to the webhooks at a place; whether there are more."""
    at = {"seen": row["seen"], "reading": row["reading"], "position": row["position"]}
    now, is_head = row["now"], row["is_head"]
    if row["known"] and row["is_followed"]:
        until = row["reading"] or now
        page = await tx.row(
            _PAGE, is_head=is_head, seen=row["seen"], at_reading=row["reading"], at_position=row["position"],
            reading=until, position=row["start"], scanned=_AT_ONCE, kept=KEPT_TRYING,
        )  # fmt: skip
        assert page is not None
        if page["handed"]:
            await leave_out(tx, page["first"], page["last"])
        more = page["events"] == _AT_ONCE
        place = Place(row["seen"], until, page["last"]) if more else Place(until, None, 0)
        again = more or row["reading"] is not None
    else:
        if row["is_followed"]:
            log.warning("webhooks missed events that are not kept any more, or were restored from elsewhere")
        place, again = Place(now, None, 0), False
    new = {"new_seen": place.seen, "new_reading": place.reading, "new_position": place.position}
    moved = {**new, "is_done": place.reading is None}
    await (tx.execute(_MOVE_HEAD, **moved) if is_head else tx.execute(_MOVE, **at, **moved))
    return again


async def fall_behind(db: Database) -> None:
    """Have webhooks with too much waiting get no more until they have less."""
    async with db.transaction() as tx:
        if await tx.row(_HEAD) is not None:
            await tx.execute(_FALL_BEHIND)


__all__ = ["CHANNEL", "IS_KNOWN", "MOST_WAITING", "fall_behind", "hand_out"]
