"""Events: declared once, written in the transaction that causes them, delivered after it commits.

`tx.emit(EVENT, …)` keeps an event with its transaction. At the commit they go to `api_event` (the log that Kitsu
clients read) and to `pegbar.outbox` (what live sockets get, unlogged events too). After it every node is told that
there is something new, and reads what it has not seen yet. Source: spec events, "Rules common to all events".
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, ClassVar
from uuid import UUID

import msgspec
from sqlalchemy import BigInteger, Executable, Identity, Index, TextClause, func, text

from pegbar.core.data.causes import NOTE, OF_TRANSACTION, facts
from pegbar.core.data.compiled import as_part
from pegbar.core.data.database import Transaction
from pegbar.core.data.parameters import sql
from pegbar.core.data.schema import (
    JSONB,
    TIMESTAMP,
    Boolean,
    Column,
    Integer,
    String,
    Text,
    Uuid,
    names,
    own_table,
    reference,
    table,
    utc_now,
)
from pegbar.core.ids import ids_in_order

#: What names of events look like.
_NAME = re.compile(r"[A-Za-z0-9_:-]{1,80}")
#: The PostgreSQL channel on which commits are told that wrote events.
CHANNEL = "pegbar_events"
#: How many events one statement writes at most: others are served between two.
_AT_ONCE = 5000
#: A reader may come back with a cursor for a week; a day more is left to transactions that take long.
KEPT_DAYS = 8
CURSOR_DAYS = 7

api_event = table(
    "api_event",
    Column("name", String(80), nullable=False, index=True),
    reference("person", "user_id", goes="with"),
    reference("project", goes="with", made=False),
    Column("data", JSONB),
    Index("ix_api_event_created_at", "created_at"),
    Index("ix_api_event_project_id_created_at", "project_id", "created_at"),
    history="none",
)

#: What live sockets and readers with a cursor get, for KEPT_DAYS. Positions are taken last before a commit, so what was
#: written upon seeing another event has the higher one; `xid` tells whether a reader's snapshot has seen a row.
outbox = own_table(
    "outbox",
    Column("position", BigInteger, Identity(always=True), primary_key=True),
    Column("xid", BigInteger, nullable=False, server_default=text("pg_current_xact_id()::text::bigint"), index=True),
    Column("name", String(80), nullable=False),
    Column("project_id", Uuid),
    Column("person_id", Uuid, info=names("person", goes="with")),
    Column("payload", Text, nullable=False),
    Column("event_id", Uuid),
    Column("created_at", TIMESTAMP, nullable=False, server_default=func.timezone("utc", func.now()), index=True),
    Column("change_id", BigInteger),  #: what the transaction changed (core/data/history.py)
)


@dataclass(frozen=True)
class Event:
    """A declared event: its name, the keys of its payload, and whether it is kept in the log."""

    name: str
    keys: tuple[str, ...]
    scoped: bool = True  #: carries the production it happened in; only its members get it
    logged: bool = True
    text: str = ""
    known: frozenset[str] = field(init=False, repr=False)  #: its keys, quick to look up: emissions are many

    def __post_init__(self) -> None:
        object.__setattr__(self, "known", frozenset(self.keys))

    def emission(
        self,
        payload: dict[str, Any],
        *,
        project_id: UUID | str | None,
        to: UUID | None,
        author_id: UUID | None,
        heard_by: UUID | None = None,
    ) -> "Emission":
        """This event with a payload, which becomes its own. Ids are written as text, times as the API writes them.

        An event without scope that declares the key `project_id` carries it in its payload only.
        """
        assert payload.keys() <= self.known, f"{self.name} declares no {payload.keys() - self.known}"
        scope = project_id if self.scoped else None
        if project_id is not None and (self.scoped or "project_id" in self.known):
            payload["project_id"] = project_id
        return Emission(self, payload, scope, to, author_id, scope if heard_by is None else heard_by)


class Emission(msgspec.Struct):  # quick to make: an import has hundreds of thousands
    """An event about to be written."""

    event: Event
    payload: dict[str, Any]
    project_id: UUID | str | None
    person_id: UUID | None
    author_id: UUID | None
    audience: UUID | str | None  #: the production whose team hears it

    rank: ClassVar[int] = 0

    @staticmethod
    async def write(tx: Transaction, kept: Sequence["Emission"]) -> None:
        """Write events in their transaction, in a statement for some thousands.

        A microsecond apart: the log is ordered, and read from a cursor, by `created_at`.
        """
        now = utc_now()
        for first in range(0, len(kept), _AT_ONCE):
            part = kept[first : first + _AT_ONCE]
            about = {"now": now + timedelta(microseconds=first), **facts(tx.author_id, tx.parts)}
            if len(part) < _MANY:
                added = await _write_some(tx, {**_few(part), **about})
            else:
                added = await tx.value(_WRITE_MANY, **_many(part), **about)
            # Which rows the commit added is for nodes of before 0034: later ones look for what is new.
            tx.notify(CHANNEL, added)
        tx.noted()


async def _write_some(tx: Transaction, params: Mapping[str, Any]) -> str:
    """Write events that are few, and read along what the transaction is to answer; which rows were added."""
    wanted = tx.wanted
    if wanted is None:
        return str(await tx.value(_WRITE, **params))
    row = await tx.row(_write_and_read(wanted.statement, wanted.key), **params, key=wanted.value)
    assert row is not None
    wanted.answer = row["answer"]
    return str(row["told"])


#: Every event declared, by name (several declarations may share a name with other keys).
declared: list[Event] = []


def event(name: str, *keys: str, scoped: bool = True, logged: bool = True, text: str = "") -> Event:
    """Declare an event. `keys` are those of its payload besides `project_id`."""
    assert _NAME.fullmatch(name), f"{name!r} goes into JSON and streams of lines as it stands"
    declaration = Event(name, keys, scoped, logged, text)
    declared.append(declaration)
    return declaration


def documentation() -> str:
    """docs/events.md: every event declared, with its payload."""
    merged: dict[str, list[Event]] = {}
    for declaration in declared:
        merged.setdefault(declaration.name, []).append(declaration)
    lines = [
        "# Events",
        "",
        "What the server emits over Socket.IO (namespace `/events`) and keeps in the log (`GET /data/events`).",
        "Generated: `pegbar events --markdown > docs/events.md`.",
        "",
        "An event *of a production* carries `project_id` too, and reaches its team and the studio managers only;",
        "the others reach everyone signed in, and those for one person (`notification:new`) them alone.",
        "Live payloads carry `event_id` besides. An event that is not logged is live and in `GET /data/events/since`,",
        "which tells for a week, from a cursor on, what the caller's socket would have got.",
        "",
        "| event | payload | of a production | logged |",
        "| --- | --- | --- | --- |",
    ]
    for name, events in sorted(merged.items()):
        keys = [", ".join(f"`{key}`" for key in declaration.keys) or "none" for declaration in events]
        payloads = "; ".join(sorted(set(keys)))
        scoped = "yes" if any(declaration.scoped for declaration in events) else ""
        logged = "yes" if any(declaration.logged for declaration in events) else "no"
        lines.append(f"| `{name}` | {payloads} | {scoped} | {logged} |")
    return "\n".join([*lines, ""])


def _heads(emissions: Sequence[Emission]) -> dict[str, list[Any]]:
    """What events have besides their payload, by column."""
    return {
        "logged": [emission.event.logged for emission in emissions],
        "names": [emission.event.name.lower() for emission in emissions],
        "authors": [emission.author_id for emission in emissions],
        "projects": [emission.project_id for emission in emissions],
        "audiences": [emission.audience for emission in emissions],
        "persons": [emission.person_id for emission in emissions],
    }


def _few(emissions: Sequence[Emission]) -> dict[str, Any]:
    """Events as `_WRITE` takes them."""
    return {**_heads(emissions), "payloads": _lines([emission.payload for emission in emissions]).split("\n")}


def _many(emissions: Sequence[Emission]) -> dict[str, Any]:
    """Events as `_WRITE_MANY` takes them: heads that many share once, and texts instead of an item for each."""
    numbers: dict[Any, int] = {}
    heads: list[Emission] = []
    places = []
    for emission in emissions:
        head = (id(emission.event), emission.author_id, emission.project_id, emission.audience, emission.person_id)
        if (number := numbers.get(head)) is None:
            heads.append(emission)
            number = numbers[head] = len(heads)
        places.append(str(number))
    payloads = _lines([emission.payload for emission in emissions])
    return {**_heads(heads), "ids": ids_in_order(len(emissions)), "places": " ".join(places), "payloads": payloads}


def _lines(payloads: Sequence[dict[str, Any]]) -> str:
    """The text of payloads, a line for each: ids as text, times as the API writes them."""
    for payload in payloads:
        if datetime in map(type, payload.values()):
            for key, value in payload.items():
                if isinstance(value, datetime):
                    payload[key] = value.strftime("%Y-%m-%dT%H:%M:%S")
    return _ENCODER.encode_lines(payloads)[:-1].decode()  # JSON text has no line breaks


_ENCODER = msgspec.json.Encoder()


def _written(emitted: str, more: str = "") -> str:
    """A statement that writes events, which `emitted` selects in their order, and selects what `more` says."""
    return f"""
    WITH noted AS ({NOTE}
    ), emitted AS MATERIALIZED ({emitted}
    ), logged AS (
      INSERT INTO api_event (id, name, user_id, project_id, data, created_at, updated_at)
      SELECT id, name, author_id, project_id, payload::jsonb, :now + n * interval '1 microsecond', :now
        FROM emitted WHERE logged ORDER BY n
    ), added AS (
      INSERT INTO pegbar.outbox (name, project_id, person_id, payload, event_id, created_at, change_id, xid)
      SELECT name, audience, person_id, payload, id, :now,
             (SELECT {OF_TRANSACTION}), (SELECT pg_current_xact_id()::text::bigint) FROM emitted ORDER BY n
      RETURNING position, xid
    )
    SELECT concat_ws(' ', min(xid), min(position), max(position), pg_snapshot_xmin(pg_current_snapshot())) AS told{more}
      FROM added
    """  # noqa: S608 - constants of ours


_SOME = """
      SELECT pegbar.new_id() AS id, *
        FROM unnest(:logged ::bool[], :names ::text[], :authors ::uuid[], :projects ::uuid[], :audiences ::uuid[],
                    :persons ::uuid[], :payloads ::text[])
             WITH ORDINALITY AS emitted (logged, name, author_id, project_id, audience, person_id, payload, n)
       ORDER BY n
"""
_WRITE = sql(_written(_SOME))


@lru_cache(256)
def _write_and_read(statement: Executable, key: str) -> TextClause:
    """The statement that writes events, with a row that it answers."""
    read, binds = as_part(statement, key)
    return sql(_written(_SOME, f", ({read}) AS answer")).bindparams(*binds)


#: From so many events on they are written as texts: an item of an array costs as much as the event itself. Ids come
#: with them, since PostgreSQL may open a file for each that it makes.
_MANY = 100
_WRITE_MANY = sql(
    _written("""
      SELECT encode(substr(:ids ::bytea, 16 * n ::int - 15, 16), 'hex')::uuid AS id, payload, n,
             (:logged ::bool[])[place] AS logged, (:names ::text[])[place] AS name,
             (:authors ::uuid[])[place] AS author_id, (:projects ::uuid[])[place] AS project_id,
             (:audiences ::uuid[])[place] AS audience, (:persons ::uuid[])[place] AS person_id
        FROM unnest(string_to_array(:places ::text, ' ')::int[], string_to_array(:payloads ::text, chr(10)))
             WITH ORDINALITY AS event (place, payload, n)
       ORDER BY n
    """)
)


#: What is visible now and was not in a snapshot (below `xmax`, but for the `running`), in the order of positions, which
#: are taken last before a commit: an event comes after those that its author had seen. More than `most` are told by
#: pages: the next begins after a `position` and is `reading` what the first page's snapshot shows. There is always a
#: row, for the snapshot; with `anybody` false it is all.
OUTBOX_NEWS = sql(
    """
    WITH now AS MATERIALIZED (SELECT pg_current_snapshot() AS snapshot), fresh AS MATERIALIZED (
      SELECT position, xid FROM pegbar.outbox
       WHERE :anybody AND (xid >= :xmax OR xid = ANY(:running ::bigint[]))
    )
    SELECT now.snapshot::text AS snapshot, o.*
      FROM now
      LEFT JOIN (
        SELECT o.position, o.name, o.project_id, o.person_id, o.payload, o.event_id, o.created_at
          FROM fresh JOIN pegbar.outbox o USING (position)
         WHERE position > :position
           AND (:reading ::text IS NULL OR pg_visible_in_snapshot(fresh.xid::text::xid8, :reading ::text::pg_snapshot))
         ORDER BY position LIMIT :most
      ) AS o ON true
     ORDER BY o.position
    """,
    anybody=Boolean,
    xmax=BigInteger,
    position=BigInteger,
    reading=Text,
    most=Integer,
)

__all__ = [
    "CHANNEL",
    "CURSOR_DAYS",
    "KEPT_DAYS",
    "OUTBOX_NEWS",
    "Emission",
    "Event",
    "api_event",
    "declared",
    "event",
    "outbox",
]
