"""Deleting and canceling entities. Source: spec entities, "Deletion"; spec shots, "Deletion".

Which entities go together is said here; what goes with them, where the tables are declared (core/data/removal.py).
"""

from collections.abc import AsyncIterator, Collection, Sequence
from uuid import UUID

import asyncpg
from sqlalchemy import any_, exists, or_, select, update

from pegbar.core.data.database import Transaction
from pegbar.core.data.parameters import param, sql
from pegbar.core.data.removal import Gone, Removal, going, reaction, remove
from pegbar.core.data.schema import utc_now
from pegbar.core.errors import Conflict, NotFound
from pegbar.core.live.events import Event
from pegbar.entities import events
from pegbar.entities.casting import readiness
from pegbar.entities.kinds import (
    ASSET,
    CONCEPT,
    EDIT,
    EPISODE,
    FOLDER,
    LOCK_ORDER,
    SCENE,
    SEQUENCE,
    SHOT,
    is_kind,
    kind_text,
)
from pegbar.entities.tables import asset_instance, entity
from pegbar.files.tables import output_file
from pegbar.tasks.tables import task

#: The order in which the removal of entities is told.
_TOLD = (SHOT, SCENE, ASSET, EDIT, CONCEPT, FOLDER, SEQUENCE, EPISODE)

_ids = param("ids")
_now = param("now")
_entity_id = param("entity_id")

#: The entities, and what goes with them: all below a sequence or an episode, and the assets of an episode.
_DOOMED = sql(
    """
    WITH RECURSIVE doomed AS (
      SELECT entity.id, entity.project_id, entity_type.name AS kind FROM entity
        JOIN entity_type ON entity_type.id = entity.entity_type_id WHERE entity.id = ANY(:ids)
      UNION
      SELECT below.id, below.project_id, entity_type.name FROM doomed
        JOIN entity below ON below.project_id = doomed.project_id
                         AND ((doomed.kind IN ('Sequence', 'Episode') AND below.parent_id = doomed.id)
                              OR (doomed.kind = 'Episode' AND below.source_id = doomed.id))
        JOIN entity_type ON entity_type.id = below.entity_type_id
    )
    SELECT id FROM doomed
    """
)

#: Entities and what casts them, which is counted again when they are gone.
_HOLD = sql(
    f"""
    SELECT entity.id FROM entity JOIN entity_type ON entity_type.id = entity.entity_type_id
     WHERE entity.id IN (SELECT unnest(:ids) UNION ALL
                         SELECT entity_in_id FROM entity_link WHERE entity_out_id = ANY(:ids))
     ORDER BY {LOCK_ORDER} FOR UPDATE OF entity
    """  # noqa: S608 - a constant
)
_ROWS = select(entity.c.id, entity.c.project_id, kind_text().label("kind")).where(entity.c.id == any_(_ids))

#: What stays, but hung from or came from an entity that goes.
_ORPHANED = sql(
    """
    UPDATE entity SET parent_id = CASE WHEN parent_id = ANY(:ids) THEN NULL ELSE parent_id END,
                      source_id = CASE WHEN source_id = ANY(:ids) THEN NULL ELSE source_id END, updated_at = :now
     WHERE (parent_id = ANY(:ids) OR source_id = ANY(:ids)) AND id <> ALL(:ids)
    """
)

_DELETE = sql("DELETE FROM entity WHERE id = ANY(:ids)")

#: Assets, shots, edits and concepts of a production among these ids.
_REMOVABLE = (
    select(entity.c.id, entity.c.created_by, entity.c.canceled, kind_text().label("kind"))
    .where(entity.c.id == any_(_ids), entity.c.project_id == param("project_id"))
    .where(or_(*[is_kind(kind) for kind in (ASSET, SHOT, EDIT, CONCEPT)]))
)
_WITH_TASKS = select(task.c.entity_id).where(task.c.entity_id == any_(_ids)).distinct()
_CANCEL = update(entity).where(entity.c.id == any_(_ids)).values(canceled=True, updated_at=_now)

_LINKS = tuple(
    sql(f"DELETE FROM {table} WHERE {condition}")  # noqa: S608 - names of ours
    for table, condition in (
        ("entity_link", "entity_in_id = :entity_id OR entity_out_id = :entity_id"),
        ("entity_concept_link", "entity_in_id = :entity_id OR entity_out_id = :entity_id"),
        ("asset_instance_link", "entity_id = :entity_id"),
    )
)
_child = entity.alias("child")
_IN_USE = select(
    exists().where(task.c.entity_id == _entity_id)
    | exists().where((_child.c.source_id == _entity_id) | (_child.c.parent_id == _entity_id))
    | exists().where((asset_instance.c.scene_id == _entity_id) | (asset_instance.c.entity_id == _entity_id))
    | exists().where((output_file.c.entity_id == _entity_id) | (output_file.c.temporal_entity_id == _entity_id))
)


@reaction(entity.c.parent_id, entity.c.source_id)
async def orphan(gone: Gone) -> None:
    """What hangs below or comes from entities that go, and stays, does so no more."""
    await gone.tx.execute(_ORPHANED, ids=list(gone.ids), now=utc_now())


@going(entity)
async def tell_of_entities(removal: Removal, entity_ids: list[UUID]) -> AsyncIterator[None]:
    """What cast the entities is counted again, and each is told of by its kind."""
    rows = await removal.tx.rows(_ROWS, ids=entity_ids)
    casters = set(await readiness.casters_of(removal.tx, entity_ids)) - set(entity_ids)
    yield
    for row in sorted(rows, key=lambda row: _TOLD.index(row["kind"])):
        _tell(removal.tx, events.DELETE, row)
    await readiness.refresh(removal.tx, sorted(casters))


async def _locked(tx: Transaction, entity_ids: Sequence[UUID]) -> list[asyncpg.Record]:
    """The entities, which others leave alone until this transaction ends. 404 when one is gone."""
    await tx.execute(_HOLD, ids=list(entity_ids))
    rows = await tx.rows(_ROWS, ids=list(entity_ids))
    if len(rows) < len(set(entity_ids)):
        raise NotFound("One of the entities is gone.")
    return rows


async def _doomed(tx: Transaction, entity_ids: Sequence[UUID]) -> list[asyncpg.Record]:
    """The entities and all that goes with them, held; what others added meanwhile is among them."""
    ids = list(entity_ids)
    while True:
        rows = await _locked(tx, ids)
        below = await tx.column(_DOOMED, ids=ids)
        if len(below) == len(rows):
            return rows
        ids = below


async def remove_entities(tx: Transaction, entity_ids: Sequence[UUID]) -> None:
    """Remove entities for good, with all that belongs to them and hangs below them."""
    rows = await _doomed(tx, entity_ids)
    await remove(tx, entity, [row["id"] for row in rows], force=True)


def _tell(tx: Transaction, declared: dict[str, Event], row: asyncpg.Record) -> None:
    kind = row["kind"]
    tx.emit(declared[kind], project_id=row["project_id"], **{events.key_of(kind): row["id"]})


async def _cancel(tx: Transaction, rows: Sequence[asyncpg.Record]) -> None:
    """Archive entities: they stay, out of every casting."""
    if not rows:
        return
    await tx.execute(_CANCEL, ids=[row["id"] for row in rows], now=utc_now())
    for row in rows:
        _tell(tx, events.UPDATE, row)
    await readiness.refresh_casting_of(tx, [row["id"] for row in rows if row["kind"] == ASSET])


async def remove_or_cancel(tx: Transaction, entity_ids: Sequence[UUID], forced: Collection[UUID]) -> None:
    """Remove assets, shots, edits or concepts; one that has tasks and is not among the forced is only canceled."""
    rows = await _locked(tx, entity_ids)
    kept = set(await tx.column(_WITH_TASKS, ids=[each for each in entity_ids if each not in forced]))
    await _cancel(tx, [row for row in rows if row["id"] in kept])
    gone = [each for each in entity_ids if each not in kept]
    if gone:
        await remove_entities(tx, gone)


async def removable(tx: Transaction, project_id: UUID, entity_ids: Sequence[UUID]) -> dict[UUID, asyncpg.Record]:
    """The assets, shots, edits and concepts of a production among these ids: `id`, `created_by`, `canceled`, `kind`."""
    rows = await tx.rows(_REMOVABLE, ids=list(entity_ids), project_id=project_id)
    return {row["id"]: row for row in rows}


async def remove_if_unused(tx: Transaction, entity_id: UUID) -> None:
    """Remove a sequence or an episode to which nothing is linked; 400 otherwise."""
    (row,) = await _locked(tx, [entity_id])
    casters = await readiness.casters_of(tx, [entity_id])
    for statement in _LINKS:
        await tx.execute(statement, entity_id=entity_id)
    try:
        await tx.execute(_DELETE, ids=[entity_id])
    except asyncpg.ForeignKeyViolationError:
        raise Conflict(f"Some data are still linked to this {row['kind'].lower()}.") from None
    await remove(tx, entity, [entity_id], only_named=True)
    _tell(tx, events.DELETE, row)
    await readiness.refresh(tx, casters)


async def remove_scene(tx: Transaction, scene_id: UUID) -> None:
    """Remove a scene; one that is in use is canceled."""
    (row,) = await _locked(tx, [scene_id])
    if await tx.value(_IN_USE, entity_id=scene_id):
        await _cancel(tx, [row])
    else:
        await remove_entities(tx, [scene_id])
