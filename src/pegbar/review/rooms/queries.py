"""Statements of review rooms. Source: spec review, "Review rooms"."""

from pegbar.accounts import standing
from pegbar.core.data.parameters import sql
from pegbar.core.data.schema import JSONB, Integer, Text

#: The PostgreSQL channel of what is said in rooms.
CHANNEL = "pegbar_rooms"
#: Advisory locks of the first kind are a room's, for a transaction; of the second a process's, as long as it listens.
_ROOM, _NODE = 0x70656772, 0x7065676E

#: Whether this connection has got the number of a process, which it keeps as long as it lives.
be_node = f"SELECT pg_try_advisory_lock({_NODE}, $1)"

#: One change of a room at a time; a process that stands still in the middle of one holds up nobody for long. What is
#: lost by a crash is lost anyway: nobody waits for a disk.
take_turn = sql(
    f"""
    SELECT set_config('synchronous_commit', 'off', true), set_config('lock_timeout', '2s', true),
           set_config('idle_in_transaction_session_timeout', '5s', true),
           pg_advisory_xact_lock({_ROOM}, hashtext(:room))
    """,
    room=Text,
)

#: A process that is gone holds its lock no more.
_DEAD = f"pg_try_advisory_xact_lock_shared({_NODE}, node)"

#: The rooms that hold sockets of processes that are gone.
rooms_of_dead = sql(
    f"""
    SELECT DISTINCT playlist_id FROM pegbar.review_presence
     WHERE node IN (SELECT node FROM (SELECT DISTINCT node FROM pegbar.review_presence) AS nodes WHERE {_DEAD})
    """  # noqa: S608 - constants
)
clear_dead = sql(
    f"""
    DELETE FROM pegbar.review_presence
     WHERE playlist_id = :playlist_id
       AND node IN (SELECT node FROM (SELECT DISTINCT node FROM pegbar.review_presence
                                       WHERE playlist_id = :playlist_id) AS nodes WHERE {_DEAD})
    """  # noqa: S608 - constants
)

#: Make a process's sockets in a room what it says they are.
settle = sql(
    """
    WITH gone AS (
      DELETE FROM pegbar.review_presence
       WHERE playlist_id = :playlist_id AND node = :node AND socket <> ALL(:sockets ::text[])
    )
    INSERT INTO pegbar.review_presence AS old (playlist_id, socket, node, person_id, in_people, since)
    SELECT :playlist_id, socket, :node, person_id, in_people, clock_timestamp() AT TIME ZONE 'UTC'
      FROM unnest(:sockets ::text[], :person_ids ::uuid[], :in_people ::bool[]) AS seat (socket, person_id, in_people)
    ON CONFLICT (playlist_id, socket) DO UPDATE
       SET node = excluded.node, in_people = excluded.in_people,
           since = CASE WHEN old.in_people = excluded.in_people THEN old.since ELSE excluded.since END
    """,
    node=Integer,
)

#: Who is in a room, in the order in which they came.
people = sql(
    """
    SELECT person_id::text FROM pegbar.review_presence
     WHERE playlist_id = :playlist_id AND in_people
     GROUP BY person_id ORDER BY min(since), person_id
    """
)

#: A room without people looks at nothing.
drop_empty = sql(
    """
    DELETE FROM pegbar.review_room AS room
     WHERE playlist_id = :playlist_id
       AND NOT EXISTS (SELECT FROM pegbar.review_presence p WHERE p.playlist_id = room.playlist_id AND p.in_people)
    """
)
begin_state = sql(
    """
    INSERT INTO pegbar.review_room (playlist_id, state) VALUES (:playlist_id, :state) ON CONFLICT DO NOTHING
    """,
    state=JSONB,
)
#: jsonb, as `state.merged`: the change is laid over what there was.
change_state = sql(
    """
    UPDATE pegbar.review_room SET state = state || :change WHERE playlist_id = :playlist_id RETURNING state
    """,
    change=JSONB,
)
state_of = sql("SELECT state FROM pegbar.review_room WHERE playlist_id = :playlist_id")

#: Say something to all processes, numbered: equal notifications of one commit are one.
tell = sql(
    f"""
    SELECT set_config('synchronous_commit', 'off', true),
           (SELECT count(pg_notify('{CHANNEL}', n || ':' || piece))
              FROM unnest(:pieces ::text[]) WITH ORDINALITY AS said (piece, n))
    """  # noqa: S608 - constants
)

_HERE = standing.on(standing.somebody_written("p"), standing.written("l.project_id"))
#: Spec review, "playlist reader": the team but its vendors; its clients where the playlist is made for them.
_READER = standing.as_text(_HERE.sees_production & ~_HERE.has_role("vendor"))
_CLIENT = standing.as_text(_HERE.has_role("client"))
_GOING = standing.as_text(standing.is_going(standing.written("l.project_id")))

#: Those of some persons who may be in the rooms of some playlists, and whether they may say something there.
may_enter = sql(
    f"""
    SELECT s.n - 1 AS place, p.preview_project_id IS NULL AS speaks
      FROM unnest(:person_ids ::uuid[], :playlist_ids ::uuid[]) WITH ORDINALITY AS s (person_id, playlist_id, n)
      JOIN person p ON p.id = s.person_id
      JOIN playlist l ON l.id = s.playlist_id
     WHERE {_READER} AND ({_CLIENT} IS NOT TRUE OR l.for_client) AND NOT {_GOING}
    """  # noqa: S608 - a rule of ours
)
