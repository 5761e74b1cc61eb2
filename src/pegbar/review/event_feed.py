"""What happened since a cursor: the events that sockets get, for those who were not listening.

How cursors work: core/live/cursors.py. Source: DESIGN, "Events".
"""

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import text

from pegbar.accounts.standing import Who, as_text, teams, written
from pegbar.core.data.database import Database, Json
from pegbar.core.errors import BadRequest
from pegbar.core.http.access import Caller, authenticated
from pegbar.core.http.routing import get
from pegbar.core.live import cursors
from pegbar.core.live.cursors import Cursor, Gone
from pegbar.core.live.events import CURSOR_DAYS
from pegbar.review.event_log import EVENT

_MOST = 1000


class FeedQuery(msgspec.Struct):
    """From where, and how many."""

    cursor: str | UnsetType = UNSET
    limit: int = 100


_NOW = text("SELECT pg_current_snapshot()::text AS snapshot, extract(epoch FROM clock_timestamp())::bigint AS at")

_READER = Who(written(":caller_id ::uuid"), written("NULL::text"))
#: One row for each event of the page and one more if there are more; always at least one, for the snapshot. A first
#: page begins at the lowest position of what its reader may not have seen (+ 0: found by transaction, of which few are
#: new, rather than along all positions).
_PAGE = text(
    f"""
    SELECT now.snapshot, now.at, now.known, page.position, page.event
      FROM (SELECT pg_current_snapshot()::text AS snapshot, extract(epoch FROM clock_timestamp())::bigint AS at,
                   pg_snapshot_xmax(pg_current_snapshot()) >= pg_snapshot_xmax(:seen ::text::pg_snapshot)
                     AND extract(epoch FROM clock_timestamp()) - :made_at ::bigint < {CURSOR_DAYS} * 86400
                     AS known) AS now
      LEFT JOIN LATERAL (
        SELECT o.position,
               json_build_object('id', o.event_id, 'created_at', to_char(o.created_at, 'YYYY-MM-DD"T"HH24:MI:SS'),
                                 'name', o.name, 'user_id', e.user_id, 'project_id', o.project_id,
                                 'data', o.payload::json)::text AS event
          FROM pegbar.outbox o
          LEFT JOIN api_event e ON e.id = o.event_id
         WHERE now.known
           AND o.xid >= pg_snapshot_xmin(:seen ::text::pg_snapshot)::text::bigint
           AND o.position > CASE WHEN :position ::bigint > 0 THEN :position ::bigint ELSE (
                 SELECT min(n.position + 0) - 1 FROM pegbar.outbox n
                  WHERE n.xid >= pg_snapshot_xmin(:seen ::text::pg_snapshot)::text::bigint) END
           AND NOT pg_visible_in_snapshot(o.xid::text::xid8, :seen ::text::pg_snapshot)
           AND (:reading ::text IS NULL OR pg_visible_in_snapshot(o.xid::text::xid8, :reading ::text::pg_snapshot))
           AND CASE WHEN o.person_id IS NOT NULL THEN o.person_id = :caller_id ::uuid
                    ELSE :is_admin ::bool OR o.project_id IS NULL
                      OR o.project_id IN {as_text(teams(_READER))} END
         ORDER BY o.position
         LIMIT :most ::int
      ) AS page ON true
     ORDER BY page.position
    """  # noqa: S608 - a constant of ours
)


_ANSWER = {
    "type": "object",
    "properties": {
        "events": {"type": "array", "items": EVENT},
        "cursor": {"type": "string", "description": "Where the next request goes on"},
        "more": {"type": "boolean", "description": "Whether there is more already"},
    },
}


@get("/data/events/since", access=authenticated, returns=_ANSWER, errors=(400, 410))
async def events_since(query: FeedQuery, db: Database, caller: Caller) -> Json:
    """The events since a cursor, in order, none missing and none twice: those that the caller's socket would have got.

    Answers `{"events": [{id, created_at, name, user_id, project_id, data}], "cursor": str, "more": bool}`. Without a
    cursor: no events, and the cursor of this moment. `id` is the `event_id` of a live payload. Ask again with the
    `cursor` of the answer, at once when there is `more`. A cursor holds for a week; then, or after the database was
    restored from a dump, it is gone (410): start anew and look at the state of things.
    """
    if query.limit < 1:
        raise BadRequest("limit must be positive.")
    if query.cursor is UNSET:
        now = await db.row(_NOW)
        assert now is not None
        return _page([], Cursor(now["snapshot"], now["at"]), more=False)
    cursor, limit = cursors.parsed(query.cursor), min(query.limit, _MOST)
    rows = await db.rows(
        _PAGE,
        seen=cursor.seen,
        made_at=cursor.at,
        reading=cursor.reading,
        position=cursor.position,
        is_admin=caller.is_admin,
        most=limit + 1,
    )
    if not rows[0]["known"]:
        raise Gone("cursor: it is too old, or of another database. Start anew without one.")
    return _after(cursor, rows, limit)


def _after(cursor: Cursor, rows: list[Any], limit: int) -> Json:
    """The page, with the cursor that goes on: within the same snapshot as long as that holds more."""
    events = [row["event"] for row in rows if row["event"] is not None]
    now, at, reading = rows[0]["snapshot"], rows[0]["at"], cursor.reading
    if len(events) > limit:
        following = Cursor(cursor.seen, cursor.at, reading or now, rows[limit - 1]["position"])
        return _page(events[:limit], following, more=True)
    if reading is None:
        return _page(events, Cursor(now, at), more=False)
    return _page(events, Cursor(reading, cursor.at), more=True)


def _page(events: list[str], cursor: Cursor, *, more: bool) -> Json:
    ending = f'],"cursor":"{cursors.written(cursor)}","more":{"true" if more else "false"}}}'
    return Json(f'{{"events":[{",".join(events)}{ending}'.encode())
