"""Statements about consumers: what they are, what they take from the log, what their workers lease."""

from typing import Any
from uuid import UUID

from sqlalchemy import text

from pegbar.core.data.database import Reader
from pegbar.core.data.parameters import sql
from pegbar.core.live.cursors import Cursor
from pegbar.open.feed.filters import CONDITION, Filter
from pegbar.open.feed.queries import AUDIENCE, EVENT, FOLLOWING, Page, about_events, follow, moment
from pegbar.open.feed.shapes import FURTHER_TO_READER, TEAM, THING

#: How many unread events the state of a consumer counts.
_COUNTED = 10_000

_STATE = """
    json_build_object('name', c.name, 'person_id', c.person_id, 'filter', c.filter, 'cursor', c.cursor,
                      'created_at', to_char(c.created_at, 'YYYY-MM-DD"T"HH24:MI:SS'),
                      'updated_at', to_char(c.updated_at, 'YYYY-MM-DD"T"HH24:MI:SS'),
                      'fetched_at', to_char(c.fetched_at, 'YYYY-MM-DD"T"HH24:MI:SS'),
                      'leased', taken.leased, 'waiting', taken.waiting)::text
"""
_TAKEN = """
    LEFT JOIN LATERAL (
      SELECT count(*) FILTER (WHERE t.until > statement_timestamp()) AS leased,
             count(*) FILTER (WHERE t.until IS NULL OR t.until <= statement_timestamp()) AS waiting,
             (SELECT min(o.created_at) FROM pegbar.outbox o WHERE o.position = min(t.position)) AS oldest_at
        FROM pegbar.consumer_event t WHERE t.consumer_id = c.id) AS taken ON true
"""
ALL = sql(f"SELECT {_STATE} FROM pegbar.consumer c {_TAKEN} ORDER BY c.name, c.person_id")  # noqa: S608 - ours
OF_PERSON = sql(
    f"SELECT {_STATE} FROM pegbar.consumer c {_TAKEN} WHERE c.person_id = :person_id ORDER BY c.name"  # noqa: S608 - ours
)
#: One, with what is needed to go on.
ONE = sql(
    f"""
    SELECT c.id, c.filter, c.cursor, taken.oldest_at, {_STATE} AS state
      FROM pegbar.consumer c {_TAKEN} WHERE c.person_id = :person_id AND c.name = :name ::text
    """  # noqa: S608 - expressions of ours
)
#: One whose workers take turns.
HELD = sql(
    """
    SELECT c.id, c.filter, c.cursor, c.updated_at,
           (SELECT count(*) FROM pegbar.consumer_event t WHERE t.consumer_id = c.id) AS taken
      FROM pegbar.consumer c WHERE c.person_id = :person_id AND c.name = :name ::text FOR UPDATE
    """
)
NUMBER = sql("SELECT count(*) FROM pegbar.consumer WHERE person_id = :person_id")

_UNREAD = text(
    f"""
    SELECT count(*) FILTER (WHERE {CONDITION} AND {AUDIENCE}) AS unread,
           min(o.created_at) FILTER (WHERE {CONDITION} AND {AUDIENCE}) AS oldest_at, count(*) AS scanned
      FROM ({FOLLOWING}) o
    """  # noqa: S608 - expressions of ours
)

_TAKE = about_events(
    f"""
    WITH scanned AS MATERIALIZED ({FOLLOWING}), taken AS (
      INSERT INTO pegbar.consumer_event (consumer_id, position, thing)
      SELECT :consumer_id ::uuid, o.position, {THING} FROM scanned o
       WHERE {CONDITION} AND {AUDIENCE} ORDER BY o.position LIMIT :most ::int
      RETURNING position
    )
    SELECT (SELECT count(*) FROM scanned) AS scanned, (SELECT max(position) FROM scanned) AS scanned_to,
           count(*) AS told, max(position) AS told_to, '' AS events FROM taken
    """  # noqa: S608 - expressions of ours
)

#: Those that no worker has, in order; of what a worker has one event about, none.
LEASE = about_events(
    f"""
    WITH ready AS (
      SELECT w.number FROM pegbar.consumer_event w
       WHERE w.consumer_id = :consumer_id ::uuid AND (w.until IS NULL OR w.until <= statement_timestamp())
         AND (w.thing IS NULL OR NOT EXISTS (
               SELECT FROM pegbar.consumer_event h
                WHERE h.consumer_id = :consumer_id ::uuid AND h.thing = w.thing AND h.until > statement_timestamp()
                  AND h.lease_id <> :lease_id ::uuid))
       ORDER BY w.number LIMIT :most ::int
    ), leased AS (
      UPDATE pegbar.consumer_event w
         SET lease_id = :lease_id ::uuid, attempts = w.attempts + 1,
             until = statement_timestamp() + make_interval(secs => :seconds ::float8)
        FROM ready WHERE w.consumer_id = :consumer_id ::uuid AND w.number = ready.number
      RETURNING w.number, w.position, w.attempts, w.until
    ), told AS MATERIALIZED (
      SELECT o.*, {FURTHER_TO_READER}, l.number, l.attempts, l.until, {AUDIENCE} AS visible
        FROM leased l LEFT JOIN pegbar.outbox o ON o.position = l.position {TEAM}
    )
    SELECT o.number, o.position IS NOT NULL AS kept, o.visible, o.until,
           CASE WHEN o.visible THEN concat(left({EVENT}, -1), ',"attempt":', o.attempts, '}}') END AS event
      FROM told o ORDER BY o.number
    """  # noqa: S608 - expressions of ours
)
#: Seconds until a lease ends; null when there is none.
NEXT_END = sql(
    """
    SELECT extract(epoch FROM min(until) - statement_timestamp())::float8 FROM pegbar.consumer_event
     WHERE consumer_id = :consumer_id AND until > statement_timestamp()
    """
)
FORGET = sql(
    "DELETE FROM pegbar.consumer_event WHERE consumer_id = :consumer_id AND number = ANY (:numbers ::bigint[])"
)
FORGET_ALL = sql("DELETE FROM pegbar.consumer_event WHERE consumer_id = :consumer_id")
#: Those that a narrower filter lets through no more, unless a worker has them.
FORGET_OTHERS = text(
    f"""
    DELETE FROM pegbar.consumer_event w USING pegbar.outbox o
     WHERE w.consumer_id = :consumer_id ::uuid AND o.position = w.position
       AND (w.until IS NULL OR w.until <= statement_timestamp()) AND NOT ({CONDITION})
    """  # noqa: S608 - expressions of ours
)
ACKNOWLEDGE = sql(
    """
    DELETE FROM pegbar.consumer_event w
     WHERE w.consumer_id = :consumer_id AND w.lease_id = :lease_id
       AND (:event_ids ::uuid[] IS NULL
            OR EXISTS (SELECT FROM pegbar.outbox o
                        WHERE o.position = w.position AND o.event_id = ANY (:event_ids ::uuid[])))
    """
)
#: The channel on which workers that wait hear, by the id of their consumer, that what another held by a lease may
#: be had.
CHANNEL = "pegbar_consumer"
HAS_WAITING = sql(
    "SELECT EXISTS (SELECT FROM pegbar.consumer_event WHERE consumer_id = :consumer_id AND lease_id IS NULL)"
)


async def take(db: Reader, consumer_id: UUID, cursor: Cursor, only: Filter, person_id: UUID, *, most: int) -> Page:
    """Take events from the log for a consumer. Raises Gone."""
    return await follow(db, _TAKE, cursor, only, person_id, most=most, consumer_id=consumer_id)


async def unread(db: Reader, cursor: Cursor, only: Filter, person_id: UUID) -> tuple[int, bool, Any]:
    """How many events a consumer has not taken, whether there are more, and when the first was written. Raises Gone."""
    row = await moment(db, cursor)
    found = await db.row(
        _UNREAD,
        seen=cursor.seen,
        reading=row["snapshot"],
        position=row["position"],
        reader_id=person_id,
        scanned=_COUNTED,
        **only.parameters,
    )
    assert found is not None
    return found["unread"], found["scanned"] == _COUNTED, found["oldest_at"]
