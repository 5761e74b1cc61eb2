"""Reads of the feed: where a reader begins, and what follows a cursor.

A page is looked for among so many events at most, so that no statement goes through a week of them for a reader who
wants a few: the cursor moves on all the same.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from sqlalchemy import text

from pegbar.accounts.standing import as_text, in_team, role_here, somebody_written, teams, written
from pegbar.core.data.compiled import planned_once
from pegbar.core.data.database import Reader
from pegbar.core.data.parameters import sql
from pegbar.core.live.cursors import Cursor, Gone, stem
from pegbar.core.live.events import CURSOR_DAYS
from pegbar.open.feed.filters import CONDITION, Filter
from pegbar.open.feed.shapes import CHANGES, CHANGES_BY_SIGHT, FURTHER, FURTHER_TO_READER, READER, TEAM

#: How many events a statement looks at.
SCANNED = 5000

#: The event `o` is one that a person may hear of now: the rule of the sockets (accounts/callers.py).
AUDIENCE = f"""
    CASE WHEN o.person_id IS NOT NULL THEN o.person_id = :reader_id ::uuid
         ELSE o.project_id IS NULL OR {as_text(READER.is_admin)} OR o.project_id IN {as_text(teams(READER))} END
"""
_PAYLOAD = r"replace(replace(o.payload, E'\n', ' '), E'\r', ' ')"
#: How the JSON of the event `o` of `told` begins: its changes and two brackets end it.
BEGINNING = f"""
    concat('{{"id":"', o.event_id, '","created_at":', left(to_json(o.created_at)::text, 20),
           '","name":', to_json(o.name), ',"user_id":', coalesce('"' || o.user_id || '"', 'null'),
           ',"project_id":', coalesce('"' || o.project_id || '"', 'null'),
           ',"data":', {_PAYLOAD}, ',"changes":[')
"""
#: The JSON of an event for a reader: one line.
EVENT = f"concat({BEGINNING}, {CHANGES}, ']}}')"

#: The events that `reading` shows and `seen` does not, from a position on.
FOLLOWING = """
    SELECT o.* FROM pegbar.outbox o
     WHERE o.position > :position ::bigint
       AND o.xid >= (SELECT pg_snapshot_xmin(:seen ::text::pg_snapshot)::text::bigint)
       AND NOT pg_visible_in_snapshot(o.xid::text::xid8, (SELECT :seen ::text::pg_snapshot))
       AND pg_visible_in_snapshot(o.xid::text::xid8, (SELECT :reading ::text::pg_snapshot))
     ORDER BY o.position LIMIT :scanned ::int
"""

#: The snapshot of this moment; whether a cursor still tells what its reader has seen, and the position before the first
#: that they may not have (+ 0: found by transaction, of which few are new, rather than along all positions).
_MOMENT = text(
    f"""
    SELECT pg_current_snapshot()::text AS snapshot, extract(epoch FROM clock_timestamp())::bigint AS at,
           pg_snapshot_xmax(pg_current_snapshot())
             >= pg_snapshot_xmax(coalesce(:reading ::text, :seen ::text)::pg_snapshot)
             AND extract(epoch FROM clock_timestamp()) - :made_at ::bigint < {CURSOR_DAYS} * 86400 AS known,
           CASE WHEN :position ::bigint > 0 THEN :position ::bigint ELSE coalesce((
             SELECT min(n.position + 0) - 1 FROM pegbar.outbox n
              WHERE n.xid >= pg_snapshot_xmin(:seen ::text::pg_snapshot)::text::bigint), 0) END AS position
    """  # noqa: S608 - a constant of ours
)
_NOW = text("SELECT pg_current_snapshot()::text AS snapshot, extract(epoch FROM clock_timestamp())::bigint AS at")
#: Times and positions go up together but for what ran at the same moment, on several nodes.
_AT = text(
    f"""
    SELECT pg_current_snapshot()::text AS snapshot, extract(epoch FROM :moment ::timestamp)::bigint AS at,
           :moment ::timestamp > timezone('utc', now()) - make_interval(days => {CURSOR_DAYS}) AS known,
           (SELECT min(position) FROM pegbar.outbox
             WHERE created_at >= :moment ::timestamp
               AND created_at < (SELECT min(created_at) FROM pegbar.outbox WHERE created_at >= :moment ::timestamp)
                                + interval '1 minute') - 1 AS position
    """  # noqa: S608 - a constant of ours
)
#: Nothing was seen.
_NOTHING = "1:1:"


def about_events(written_by_hand: str) -> Any:
    """A statement about the events after a cursor: along an index, whatever the cursor, so it is planned once."""
    return planned_once(text(written_by_hand))


def _page(each: str) -> Any:
    """A page of at most `most` events, each as `each` writes it: one row, also when there is nothing."""
    return about_events(
        f"""
        WITH scanned AS MATERIALIZED ({FOLLOWING}), told AS MATERIALIZED (
          SELECT o.*, {FURTHER_TO_READER} FROM scanned o {TEAM}
           WHERE {CONDITION} AND {AUDIENCE}
           ORDER BY o.position LIMIT :most ::int
        ), page AS (
          SELECT o.position, {each} AS told FROM told o
        )
        SELECT (SELECT count(*) FROM scanned) AS scanned, (SELECT max(position) FROM scanned) AS scanned_to,
               count(*) AS told, max(position) AS told_to, string_agg(told, :between ::text ORDER BY position) AS events
          FROM page
        """  # noqa: S608 - expressions of ours
    )


_JSON = _page(EVENT)
#: As Server-Sent Events.
_FRAMES = _page(
    f"""concat('id: ', :stem ::text, '.', o.position, E'\\nevent: ', o.name, E'\\ndata: ', {EVENT}, E'\\n\\n')"""
)
#: What the listeners of a process are told: each event as it begins, and the changes that end it for each sight.
_FOR_ALL = about_events(
    f"""
    WITH told AS MATERIALIZED (SELECT o.*, {FURTHER} FROM ({FOLLOWING}) o)
    SELECT o.position, o.name, o.project_id, o.person_id, o.payload, o.change_id, {BEGINNING} AS beginning, changes.*
      FROM told o
      LEFT JOIN LATERAL (SELECT {CHANGES_BY_SIGHT}) changes ON true
     ORDER BY o.position
    """  # noqa: S608 - expressions of ours
)
_SOMEBODY = somebody_written("p")
#: What persons are in the teams of productions.
SIGHTS = sql(
    f"""
    SELECT p.id AS person_id, i AS project_id, {as_text(role_here(_SOMEBODY, written("i")))} AS role
      FROM person p, unnest(:project_ids) i
     WHERE p.id = ANY (:person_ids) AND {as_text(in_team(_SOMEBODY, written("i")))}
    """  # noqa: S608 - rules of ours
)


class Page(msgspec.Struct):
    """What follows a cursor: the text of so many events, the cursor that goes on, and whether there is more already."""

    events: str
    told: int
    cursor: Cursor
    more: bool


async def now(db: Reader) -> Cursor:
    """The cursor of a reader who has seen everything."""
    row = await db.row(_NOW)
    assert row is not None
    return Cursor(row["snapshot"], row["at"])


async def since(db: Reader, start: datetime) -> Cursor:
    """The cursor of a reader who has seen what was told before a moment (UTC). Raises Gone."""
    row = await db.row(_AT, moment=start)
    assert row is not None
    if not row["known"]:
        raise Gone(f"from: events are kept for {CURSOR_DAYS} days. Begin later, and look at the state of things.")
    if row["position"] is None:
        return Cursor(row["snapshot"], row["at"])
    return Cursor(_NOTHING, row["at"], row["snapshot"], row["position"])


async def for_all(db: Reader, cursor: Cursor, *, most: int) -> tuple[list[asyncpg.Record], Cursor, Cursor]:
    """The next events for all listeners, the cursor as a reader has it in the middle of them, and the one after all.

    Raises Gone.
    """
    row = await moment(db, cursor)
    if cursor.reading is None:
        within = Cursor(cursor.seen, cursor.at, row["snapshot"], row["position"])
        after = Cursor(row["snapshot"], row["at"])
    else:
        within, after = cursor, Cursor(cursor.reading, cursor.at)
    events = await db.rows(_FOR_ALL, seen=within.seen, reading=within.reading, position=within.position, scanned=most)
    return events, within, after


async def moment(db: Reader, cursor: Cursor) -> asyncpg.Record:
    """The snapshot of this moment, its time, and the position after which a cursor goes on. Raises Gone."""
    row = await db.row(_MOMENT, seen=cursor.seen, reading=cursor.reading, made_at=cursor.at, position=cursor.position)
    assert row is not None
    if not row["known"]:
        raise Gone("cursor: it is too old, or of another database. Start anew without one.")
    return row


async def page(db: Reader, cursor: Cursor, only: Filter, reader_id: UUID, *, most: int) -> Page:
    """The next events as JSON objects with commas between. Raises Gone."""
    return await follow(db, _JSON, cursor, only, reader_id, most=most, between=",")


async def frames(db: Reader, cursor: Cursor, only: Filter, reader_id: UUID, *, until: str | None = None) -> Page:
    """The next events as Server-Sent Events; up to what the snapshot `until` shows, if given. Raises Gone."""
    return await follow(db, _FRAMES, cursor, only, reader_id, most=SCANNED, between="", until=until)


async def follow(
    db: Reader, statement: Any, cursor: Cursor, only: Filter, reader_id: UUID, *, until: str | None = None, **more: Any
) -> Page:
    """What a statement answers of the events after a cursor, and where it goes on. Raises Gone."""
    row = await moment(db, cursor)
    whole = cursor.reading is None
    reading = cursor.reading or until or row["snapshot"]
    place = Cursor(cursor.seen, cursor.at, reading, row["position"])
    found = await db.row(
        statement,
        seen=place.seen,
        reading=place.reading,
        position=place.position,
        reader_id=reader_id,
        scanned=SCANNED,
        **({"stem": stem(place)} if statement is _FRAMES else {}),
        **only.parameters,
        **more,
    )
    assert found is not None
    if found["told"] == more["most"]:
        following, unfinished = found["told_to"], True
    else:
        following, unfinished = found["scanned_to"], found["scanned"] == SCANNED
    if unfinished:
        after = Cursor(place.seen, place.at, reading, following)
        return Page(found["events"] or "", found["told"], after, more=True)
    # Within a snapshot of before, there may be more that it did not show.
    after = Cursor(reading, row["at"] if whole else cursor.at)
    return Page(found["events"] or "", found["told"], after, more=not whole)
