"""Many entities of one kind at once: found by their names, made, changed, by one statement each.

Whoever makes what it does not find holds the names first (`actions.hold_names`). Source: spec exchange, "CSV import".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from sqlalchemy import ARRAY

from pegbar.core.data.database import Transaction
from pegbar.core.data.parameters import sql
from pegbar.core.data.schema import Integer, Text, utc_now
from pegbar.entities import actions, events
from pegbar.entities.casting import readiness
from pegbar.entities.kinds import ASSET, KINDS
from pegbar.entities.tables import entity

_NAMED = """
    SELECT e.id, e.name, e.entity_type_id, e.parent_id, e.source_id, e.description, e.nb_frames, e.ready_for, e.data,
           e.canceled IS TRUE AS canceled, e.created_at
      FROM entity e
      JOIN (SELECT DISTINCT * FROM unnest(:type_ids, :parent_ids, :names)) AS wanted (type_id, parent_id, name)
        ON e.name = wanted.name AND e.entity_type_id = wanted.type_id
       AND (:anywhere ::boolean OR e.parent_id IS NOT DISTINCT FROM wanted.parent_id)
     WHERE e.project_id = :project_id
     ORDER BY e.id
"""
_FIND = sql(_NAMED, names=ARRAY(Text))
_FIND_AND_HOLD = sql(f"{_NAMED} FOR NO KEY UPDATE OF e", names=ARRAY(Text))


@dataclass(frozen=True)
class Name:
    """Where an entity is looked for: a name, of a type, below a parent (None: of no parent, or wherever it is)."""

    type_id: UUID
    name: str
    parent_id: UUID | None = None


async def find(
    tx: Transaction, project_id: UUID, names: Sequence[Name], *, anywhere: bool = False, hold: bool = False
) -> dict[Name, asyncpg.Record]:
    """The entities of a production that have these names, canceled ones too; `anywhere`: whatever their parent is.

    Of several that have a name, the oldest in use. With `hold` nobody else changes them until this transaction ends.
    """
    rows = await tx.rows(
        _FIND_AND_HOLD if hold else _FIND,
        project_id=project_id,
        type_ids=[name.type_id for name in names],
        parent_ids=[name.parent_id for name in names],
        names=[name.name for name in names],
        anywhere=anywhere,
    )
    found: dict[Name, asyncpg.Record] = {}
    for row in sorted(rows, key=lambda row: (row["canceled"], row["created_at"], row["id"])):
        found.setdefault(Name(row["entity_type_id"], row["name"], None if anywhere else row["parent_id"]), row)
    return found


@dataclass
class New:
    """An entity to make; `episode_id` is for the event of a shot."""

    id: UUID
    type_id: UUID
    name: str
    parent_id: UUID | None = None
    episode_id: UUID | None = None
    columns: Mapping[str, Any] = field(default_factory=dict)


#: What a new entity may have besides; all rows of a statement have the same columns.
_EMPTY = {"description": None, "nb_frames": None, "source_id": None, "ready_for": None}


async def create_many(tx: Transaction, kind: str, project_id: UUID, new: Sequence[New]) -> None:
    """Insert entities of a kind, of the caller, and emit `<kind>:new` of each."""
    now = utc_now()
    rows = [
        {
            "id": row.id,
            "name": row.name,
            "project_id": project_id,
            "entity_type_id": row.type_id,
            "parent_id": row.parent_id,
            "created_by": tx.author_id,
            "created_at": now,
            "updated_at": now,
            **_EMPTY,
            "data": {},
            **row.columns,
        }
        for row in new
    ]
    await tx.insert_many(entity, rows)
    for row in new:
        places = {"parent_id": row.parent_id, "episode_id": row.episode_id}
        actions.tell_new(tx, kind, project_id, row.id, row.type_id, **places)


@dataclass
class Changed:
    """An entity that changes, held: all its columns that may (as they are, or as they will be), and new metadata."""

    id: UUID
    columns: Mapping[str, Any]
    patch: Mapping[str, Any]
    data: Mapping[str, Any]  #: its metadata after that, for the event


_CHANGE = sql(
    """
    UPDATE entity
       SET description = changed.description, nb_frames = changed.nb_frames, source_id = changed.source_id,
           ready_for = changed.ready_for, updated_at = :now,
           data = CASE jsonb_typeof(entity.data) WHEN 'object' THEN entity.data ELSE '{}' END || changed.patch ::jsonb
      FROM unnest(:ids, :descriptions, :frames, :source_ids, :ready_ids, :patches)
        AS changed (id, description, nb_frames, source_id, ready_for, patch)
     WHERE entity.id = changed.id
    """,
    descriptions=ARRAY(Text),
    frames=ARRAY(Integer),
    patches=ARRAY(Text),
)


async def change_many(
    tx: Transaction, kind: str, project_id: UUID, changed: Sequence[Changed], *, ready: Sequence[UUID] = ()
) -> None:
    """Write columns and keys of the metadata of entities, and emit `<kind>:update` of each.

    `ready` are the assets among them that are ready for something else than before.
    """
    if not changed:
        return
    await tx.execute(
        _CHANGE,
        now=utc_now(),
        ids=[row.id for row in changed],
        descriptions=[row.columns["description"] for row in changed],
        frames=[row.columns["nb_frames"] for row in changed],
        source_ids=[row.columns["source_id"] for row in changed],
        ready_ids=[row.columns["ready_for"] for row in changed],
        patches=[msgspec.json.encode(row.patch).decode() for row in changed],
    )
    if kind == ASSET:
        await readiness.refresh_casting_of(tx, ready)
    for row in changed:
        more = {"data": row.data} if "data" in KINDS[kind].updated else {}
        events.emit(tx, events.UPDATE, kind, project_id, row.id, **more)
