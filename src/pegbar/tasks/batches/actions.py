"""Making the tasks that are missing: of a type on many entities, of all types on one.

Source: spec tasks, create-tasks and delete-tasks; spec entities, "POST /data/entities/{entity_id}/tasks".
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from uuid import UUID

import asyncpg
import msgspec
from sqlalchemy import ColumnElement, Executable, String, Text, any_, bindparam, exists, select, text

from pegbar.core.data import filters
from pegbar.core.data.database import Json, Transaction
from pegbar.core.data.filters import Filter, Special, uuid_filter
from pegbar.core.data.parameters import param, sql
from pegbar.core.data.schema import Uuid, utc_now
from pegbar.core.data.wire import json_object
from pegbar.core.errors import BadRequest, NotFound
from pegbar.core.http.access import Caller
from pegbar.core.http.routing import found
from pegbar.core.ids import new_id
from pegbar.entities.casting import readiness
from pegbar.entities.kinds import ASSET, CONCEPT, SHOT, is_kind, kind_text
from pegbar.entities.tables import entity, entity_link
from pegbar.studio.tables import entity_type, task_status, task_type
from pegbar.tasks.events import TASK_NEW
from pegbar.tasks.shapes import TASK_WITH_ASSIGNEES
from pegbar.tasks.state import TaskState
from pegbar.tasks.tables import task

#: An entity and a task type.
Pair = tuple[UUID, UUID]
NO_STATES: Mapping[Pair, TaskState] = MappingProxyType({})

_IDS = param("ids")
_PROJECT_ID = param("project_id")
_COLUMNS = {column.name: column for column in entity.columns}

_EPISODE = param("f_episode_id")
#: Assets made for an episode, or cast in it.
_OF_EPISODE = (entity.c.source_id == _EPISODE) | exists().where(
    entity_link.c.entity_out_id == entity.c.id, entity_link.c.entity_in_id == _EPISODE
)
_ASSET_FILTERS = {"episode_id": Special(uuid_filter, _OF_EPISODE)}


@dataclass(frozen=True)
class Batch:
    """Tasks of a type to make, on entities of a kind (or of an entity type) of a production."""

    project_id: UUID
    task_type_id: UUID
    author_id: UUID
    kind: str | None = None
    entity_type_id: UUID | None = None
    for_concept: bool = False


@lru_cache(256)
def _picked(kind: str | None, chosen: tuple[Filter, ...]) -> Executable:
    """The entities of a production that filters leave, whatever their state."""
    of_kind: list[ColumnElement[bool]] = []
    of_kind = [is_kind(kind)] if kind is not None else [entity.c.entity_type_id == param("entity_type_id")]
    if kind == SHOT:
        of_kind.append(entity.c.parent_id.is_not(None))
    conditions = [
        _ASSET_FILTERS[wanted.attribute].condition
        if wanted.attribute in _ASSET_FILTERS
        else filters.condition(wanted, _COLUMNS[wanted.attribute])
        for wanted in chosen
    ]
    return select(entity.c.id).where(entity.c.project_id == _PROJECT_ID, *of_kind, *conditions)


_LISTED = select(entity.c.id, entity.c.project_id, kind_text().label("kind")).where(entity.c.id == any_(_IDS))


async def pick(tx: Transaction, batch: Batch, ids: Sequence[UUID], query: Iterable[tuple[str, str]]) -> list[UUID]:
    """The entities to make tasks for: those listed, of the production, else those that the query leaves.

    Raises NotFound when a listed one does not exist or is of another kind.
    """
    if ids:
        rows = {row["id"]: row for row in await tx.rows(_LISTED, ids=list(ids))}
        for entity_id in ids:
            if entity_id not in rows or (batch.kind is not None and rows[entity_id]["kind"] != batch.kind):
                raise NotFound(f"There is no {batch.kind or 'entity'} {entity_id}.")
        return [entity_id for entity_id in dict.fromkeys(ids) if rows[entity_id]["project_id"] == batch.project_id]
    if batch.kind is None:
        query = [("parent_id", value) for name, value in query if name == "episode_id"]
    specials = _ASSET_FILTERS if batch.kind == ASSET else {}
    known = [(name, value) for name, value in query if name not in ("page", "limit", "project_id")]
    listing = filters.parse_listing(known, _COLUMNS, (), specials)
    params = dict(listing.params)
    if batch.kind is None:
        params["entity_type_id"] = batch.entity_type_id
    return await tx.column(_picked(batch.kind, listing.filters), project_id=batch.project_id, **params)


_DEFAULT_STATUS = (
    select(task_status.c.id)
    .where(task_status.c.is_default.is_(True), task_status.c.for_concept == param("for_concept"))
    .order_by(task_status.c.created_at, task_status.c.id)
    .limit(1)
)


#: Held until the commit by whoever makes the default status: two requests at once make one.
_MAKING_STATUS = text("SELECT pg_advisory_xact_lock(hashtext('pegbar default status'))")


async def default_status(tx: Transaction, *, for_concept: bool) -> UUID:
    """The status that new tasks get; it is made when there is none."""
    status_id: UUID | None = await tx.value(_DEFAULT_STATUS, for_concept=for_concept)
    if status_id is None:
        await tx.row(_MAKING_STATUS)
        status_id = await tx.value(_DEFAULT_STATUS, for_concept=for_concept)
    if status_id is None:
        name, short_name, color = ("Neutral", "neutral", "#CCCCCC") if for_concept else ("Todo", "todo", "#f5f5f5")
        status_id = await tx.insert(
            task_status, name=name, short_name=short_name, color=color, is_default=True, for_concept=for_concept
        )
    assert status_id is not None
    return status_id


#: Selects the tasks of pairs of entities and task types that were missing, and whether something is cast in their
#: entities. Tasks that are there are read entity by entity (an ARRAY is not joined): in a production that is being
#: filled, statistics would have all of a type read.
_MAKE = sql(
    """
    INSERT INTO task (id, created_at, updated_at, name, priority, difficulty, duration, estimation, completion_rate,
                      retake_count, sort_order, nb_assets_ready, nb_drawings, project_id, task_type_id, task_status_id,
                      entity_id, assigner_id, real_start_date, end_date, done_date, last_comment_date)
    SELECT pegbar.new_id(), :now, :now, 'main', 0, 3, 0, 0, 0, coalesce(pair.retake_count, 0), 0, 0, 0, e.project_id,
           pair.task_type_id, coalesce(pair.task_status_id, :status_id), e.id, :author_id,
           pair.real_start_date, pair.end_date, pair.done_date, pair.last_comment_date
      FROM unnest(:entity_ids, :task_type_ids, :task_status_ids ::uuid[], :retake_counts ::int[],
                  :real_start_dates ::timestamp[], :end_dates ::timestamp[], :done_dates ::timestamp[],
                  :last_comment_dates ::timestamp[])
           WITH ORDINALITY AS pair (entity_id, task_type_id, task_status_id, retake_count, real_start_date, end_date,
                                    done_date, last_comment_date, n)
      JOIN entity e ON e.id = pair.entity_id AND e.project_id = :project_id
     WHERE NOT pair.task_type_id = ANY (ARRAY(SELECT t.task_type_id FROM task t
                                               WHERE t.entity_id = e.id AND t.task_type_id IS NOT NULL))
     ORDER BY pair.n
    ON CONFLICT DO NOTHING
    RETURNING id, entity_id, task_type_id,
              EXISTS (SELECT 1 FROM entity_link l WHERE l.entity_in_id = task.entity_id) AS is_cast_in
    """
)
#: What a comment makes of a task.
_STATE = msgspec.structs.fields(TaskState)

_KNOWN_TYPE = select(task_type.c.id).where(task_type.c.id == param("task_type_id"))

#: A new task with what its board shows of it.
MADE_TASK = TASK_WITH_ASSIGNEES.but(
    task_status_name=task_status.c.name,
    task_status_short_name=task_status.c.short_name,
    task_status_color=task_status.c.color,
    task_type_name=task_type.c.name,
    task_type_color=task_type.c.color,
    task_type_priority=task_type.c.priority,
)
_MADE = (
    select(json_object(MADE_TASK))
    .select_from(
        task.join(task_status, task_status.c.id == task.c.task_status_id)
        .join(task_type, task_type.c.id == task.c.task_type_id)
        .join(entity, entity.c.id == task.c.entity_id)
    )
    .where(task.c.id == any_(_IDS))
    .order_by(entity.c.name, task.c.id)
)


async def make(tx: Transaction, batch: Batch, ids: Sequence[UUID], query: Iterable[tuple[str, str]]) -> Json:
    """Make the tasks that are missing; those made. Raises NotFound for an unknown task type or entity."""
    if await tx.value(_KNOWN_TYPE, task_type_id=batch.task_type_id) is None:
        raise NotFound(f"There is no task type {batch.task_type_id}.")
    pairs = [(entity_id, batch.task_type_id) for entity_id in await pick(tx, batch, ids, query)]
    rows = await _make(tx, batch.project_id, batch.author_id, pairs, for_concept=batch.for_concept)
    return await tx.json(_MADE, ids=[row["id"] for row in rows])


async def _make(
    tx: Transaction,
    project_id: UUID,
    author_id: UUID | None,
    pairs: Sequence[Pair],
    *,
    for_concept: bool,
    states: Mapping[Pair, TaskState] = NO_STATES,
) -> list[asyncpg.Record]:
    """Make the missing tasks of pairs of entities of a production and task types; those made.

    `states` are what comments that come with them, in this transaction, make of tasks.
    """
    if not pairs:
        return []
    rows = await tx.rows(
        _MAKE,
        now=utc_now(),
        project_id=project_id,
        entity_ids=[entity_id for entity_id, _ in pairs],
        task_type_ids=[task_type_id for _, task_type_id in pairs],
        status_id=await default_status(tx, for_concept=for_concept),
        author_id=author_id,
        **{
            f"{field.name}{'e' * field.name.endswith('s')}s": [
                None if (state := states.get(pair)) is None else getattr(state, field.name) for pair in pairs
            ]
            if states
            else []
            for field in _STATE
        },
    )
    for row in rows:
        tx.emit(TASK_NEW, project_id=project_id, task_id=row["id"])
    await readiness.refresh(tx, list({row["entity_id"] for row in rows if row["is_cast_in"]}))
    return rows


#: The task of each of these pairs; of several the main one.
_OF_PAIRS = sql(
    """
    SELECT DISTINCT ON (t.entity_id, t.task_type_id) t.entity_id, t.task_type_id, t.id
      FROM unnest(:entity_ids, :task_type_ids) AS pair (entity_id, task_type_id)
      JOIN task t ON t.entity_id = pair.entity_id AND t.task_type_id = pair.task_type_id
     WHERE t.project_id = :project_id
     ORDER BY t.entity_id, t.task_type_id, t.name <> 'main', t.created_at, t.id
    """
)


async def create_missing(
    tx: Transaction, project_id: UUID, pairs: Sequence[Pair], states: Mapping[Pair, TaskState] = NO_STATES
) -> tuple[dict[Pair, UUID], frozenset[UUID]]:
    """Make the tasks that are missing of pairs of entities and task types; the task of each pair, and which are new.

    A few statements, however many pairs. Who writes is the assigner of new tasks, and the default status is theirs, or
    they are written in `states`, to which comments bring them that come next: nothing has to be written twice.
    Pairs whose entity is not of the production have no task. Source: spec exchange, "Task step of a row".
    """
    rows = await _make(tx, project_id, tx.author_id, pairs, for_concept=False, states=states)
    task_ids = {(row["entity_id"], row["task_type_id"]): row["id"] for row in rows}
    new = frozenset(task_ids.values())
    there = [pair for pair in pairs if pair not in task_ids]
    if there:
        rows = await tx.rows(
            _OF_PAIRS,
            project_id=project_id,
            entity_ids=[entity_id for entity_id, _ in there],
            task_type_ids=[task_type_id for _, task_type_id in there],
        )
        task_ids |= {(row["entity_id"], row["task_type_id"]): row["id"] for row in rows}
    return task_ids, new


OF_PROJECT = select(task.c.id).where(task.c.project_id == _PROJECT_ID, task.c.id == any_(_IDS))
OF_TYPE = select(task.c.id).where(task.c.project_id == _PROJECT_ID, task.c.task_type_id == param("task_type_id"))
#: An entity type by its name.
TYPE_NAMED = select(entity_type.c.id).where(entity_type.c.name == param("name", String))

# Of one entity

_ENTITY = select(entity.c.project_id, entity.c.entity_type_id, kind_text().label("kind")).where(
    entity.c.id == param("entity_id")
)

#: Every task type, with what decides whether an entity takes it and whether it has such a task already.
_TYPES = text(
    """
    SELECT id, coalesce(for_entity, '') IN ('', :kind) AS fits,
           EXISTS (SELECT 1 FROM project_task_type_link link
                    WHERE link.project_id = :project_id AND link.task_type_id = task_type.id) AS enabled,
           NOT EXISTS (SELECT 1 FROM task_type_asset_type_link flow WHERE flow.asset_type_id = :type_id)
           OR EXISTS (SELECT 1 FROM task_type_asset_type_link flow
                       WHERE flow.asset_type_id = :type_id AND flow.task_type_id = task_type.id) AS in_workflow,
           EXISTS (SELECT 1 FROM task WHERE task.entity_id = :entity_id AND task.task_type_id = task_type.id
                    AND task.name = 'main') AS there
      FROM task_type ORDER BY priority, name, id
    """
).bindparams(param("kind", Text), *[bindparam(name, type_=Uuid) for name in ("project_id", "type_id", "entity_id")])
_LOCK_ENTITY = select(entity.c.id).where(entity.c.id == param("entity_id")).with_for_update()


async def make_of_entity(tx: Transaction, author: Caller, entity_id: UUID, wanted: Sequence[UUID]) -> Json:
    """Make the tasks of an entity that are missing; those made.

    Raises NotFound for an unknown task type, BadRequest for one that the entity does not take.
    """
    await tx.value(_LOCK_ENTITY, entity_id=entity_id)
    about = found(await tx.row(_ENTITY, entity_id=entity_id), "The entity")
    rows = await tx.rows(
        _TYPES,
        kind=about["kind"],
        project_id=about["project_id"],
        type_id=about["entity_type_id"],
        entity_id=entity_id,
    )
    types = {row["id"]: row for row in rows}
    for type_id in wanted:
        if type_id not in types:
            raise NotFound(f"There is no task type {type_id}.")
        if not (types[type_id]["fits"] and types[type_id]["enabled"] and types[type_id]["in_workflow"]):
            raise BadRequest(f"task_type_ids: {type_id} is not a task type for this entity.")
    chosen = wanted or [row["id"] for row in rows if row["fits"] and row["enabled"] and row["in_workflow"]]
    missing = [type_id for type_id in chosen if not types[type_id]["there"]]
    status_id = await default_status(tx, for_concept=about["kind"] == CONCEPT)
    new = [
        {
            "id": new_id(),
            "name": "main",
            "project_id": about["project_id"],
            "entity_id": entity_id,
            "task_type_id": type_id,
            "task_status_id": status_id,
            "assigner_id": author.id,
        }
        for type_id in missing
    ]
    await tx.insert_many(task, new)
    for row in new:
        tx.emit(TASK_NEW, project_id=about["project_id"], task_id=row["id"])
    if about["kind"] == SHOT and new:
        await readiness.refresh(tx, [entity_id])
    return await tx.json(_MADE, ids=[row["id"] for row in new])


# Of many entities

#: The types of a production that are for a kind of entity, times entities without such a task.
_MAKE_ALL = text(
    """
    INSERT INTO task (id, created_at, updated_at, name, priority, difficulty, duration, estimation, completion_rate,
                      retake_count, sort_order, nb_assets_ready, nb_drawings, project_id, task_type_id, task_status_id,
                      entity_id, assigner_id)
    SELECT pegbar.new_id(), :now, :now, 'main', 0, 3, 0, 0, 0, 0, 0, 0, 0, e.project_id, k.id, :status_id,
           e.id, :author_id
      FROM unnest(:ids) WITH ORDINALITY AS wanted (id, place)
      JOIN entity e ON e.id = wanted.id
      JOIN project_task_type_link link ON link.project_id = e.project_id
      JOIN task_type k ON k.id = link.task_type_id AND k.for_entity = :kind
     WHERE NOT EXISTS (SELECT 1 FROM task t WHERE t.entity_id = e.id AND t.task_type_id = k.id)
     ORDER BY wanted.place, k.priority, k.name, k.id
    ON CONFLICT DO NOTHING
    RETURNING id
    """
).bindparams(_IDS, param("now"), param("kind", Text), *[param(name) for name in ("status_id", "author_id")])

#: Those of the entities that cast others: for the rest no asset is to be waited for.
_CASTING = select(entity_link.c.entity_in_id).where(entity_link.c.entity_in_id == any_(_IDS)).distinct()


async def make_of_entities(tx: Transaction, kind: str, project_id: UUID, ids: Sequence[UUID]) -> list[UUID]:
    """Make the tasks that entities of a kind and a production miss, of all types that it has for them; their ids.

    The assigner is who writes. Entities are of a kind that has no workflow of its own: not assets.
    """
    if not ids:
        return []
    status_id = await default_status(tx, for_concept=kind == CONCEPT)
    made = {"kind": kind, "status_id": status_id, "author_id": tx.author_id, "now": utc_now()}
    task_ids = await tx.column(_MAKE_ALL, ids=list(ids), **made)
    for task_id in task_ids:
        tx.emit(TASK_NEW, project_id=project_id, task_id=task_id)
    if task_ids:
        await readiness.refresh(tx, await tx.column(_CASTING, ids=list(ids)))
    return task_ids
