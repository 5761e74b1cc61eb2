"""Tasks made and removed for many entities at once. Source: spec tasks, create-tasks and delete-tasks."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Executable, any_, bindparam, exists, select, text

from pegbar.core.data import filters
from pegbar.core.data.database import Json, Transaction
from pegbar.core.data.filters import Filter, Special, uuid_filter
from pegbar.core.data.schema import TIMESTAMP, Boolean, Uuid, utc_now
from pegbar.core.data.wire import json_object
from pegbar.core.errors import NotFound
from pegbar.entities.casting import readiness
from pegbar.entities.kinds import ASSET, SHOT, is_kind, kind_text
from pegbar.entities.tables import entity, entity_link
from pegbar.studio.tables import task_status, task_type
from pegbar.tasks.events import TASK_NEW
from pegbar.tasks.shapes import TASK_WITH_ASSIGNEES
from pegbar.tasks.tables import task

_IDS = bindparam("ids", type_=ARRAY(Uuid))
_PROJECT_ID = bindparam("project_id", type_=Uuid)
_COLUMNS = {column.name: column for column in entity.columns}

_EPISODE = bindparam("f_episode_id", type_=Uuid)
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
    if kind is not None:
        of_kind = [is_kind(kind)]
    else:
        of_kind = [entity.c.entity_type_id == bindparam("entity_type_id", type_=Uuid)]
    if kind == SHOT:
        of_kind.append(entity.c.parent_id.is_not(None))
    conditions = [
        _ASSET_FILTERS[each.attribute].condition
        if each.attribute in _ASSET_FILTERS
        else filters.condition(each, _COLUMNS[each.attribute])
        for each in chosen
    ]
    return select(entity.c.id).where(entity.c.project_id == _PROJECT_ID, *of_kind, *conditions)


_LISTED = select(entity.c.id, entity.c.project_id, kind_text().label("kind")).where(entity.c.id == any_(_IDS))


async def pick(tx: Transaction, batch: Batch, ids: Sequence[UUID], query: Iterable[tuple[str, str]]) -> list[UUID]:
    """The entities to make tasks for: those listed, of the production, else those that the query leaves.

    Raises NotFound when a listed one does not exist or is of another kind.
    """
    if ids:
        rows = {row["id"]: row for row in await tx.rows(_LISTED, ids=list(ids))}
        for each in ids:
            if each not in rows or (batch.kind is not None and rows[each]["kind"] != batch.kind):
                raise NotFound(f"There is no {batch.kind or 'entity'} {each}.")
        return [each for each in dict.fromkeys(ids) if rows[each]["project_id"] == batch.project_id]
    if batch.kind is None:
        query = [("parent_id", value) for name, value in query if name == "episode_id"]
    specials = _ASSET_FILTERS if batch.kind == ASSET else {}
    known = [(name, value) for name, value in query if name not in ("page", "limit", "project_id")]
    listing = filters.parse_listing(known, _COLUMNS, (), specials)
    given = dict(listing.given)
    if batch.kind is None:
        given["entity_type_id"] = batch.entity_type_id
    return await tx.column(_picked(batch.kind, listing.filters), project_id=batch.project_id, **given)


_DEFAULT_STATUS = (
    select(task_status.c.id)
    .where(task_status.c.is_default.is_(True), task_status.c.for_concept == bindparam("for_concept", type_=Boolean))
    .order_by(task_status.c.created_at, task_status.c.id)
    .limit(1)
)


#: Held until the commit by whoever makes the default status: two requests at once make one.
_MAKING_STATUS = text("SELECT pg_advisory_xact_lock(hashtext('pegbar default status'))")


async def default_status(tx: Transaction, *, for_concept: bool) -> UUID:
    """The status that new tasks get; it is made when there is none."""
    found: UUID | None = await tx.value(_DEFAULT_STATUS, for_concept=for_concept)
    if found is None:
        await tx.row(_MAKING_STATUS)
        found = await tx.value(_DEFAULT_STATUS, for_concept=for_concept)
    if found is None:
        name, short_name, color = ("Neutral", "neutral", "#CCCCCC") if for_concept else ("Todo", "todo", "#f5f5f5")
        found = await tx.insert(
            task_status, name=name, short_name=short_name, color=color, is_default=True, for_concept=for_concept
        )
    assert found is not None
    return found


_MAKE = text(
    """
    INSERT INTO task (id, created_at, updated_at, name, priority, difficulty, duration, estimation, completion_rate,
                      retake_count, sort_order, nb_assets_ready, nb_drawings, project_id, task_type_id, task_status_id,
                      entity_id, assigner_id)
    SELECT gen_random_uuid(), :now, :now, 'main', 0, 3, 0, 0, 0, 0, 0, 0, 0, e.project_id, :task_type_id, :status_id,
           e.id, :author_id
      FROM entity e
     WHERE e.id = ANY(:ids)
       AND NOT EXISTS (SELECT 1 FROM task t WHERE t.entity_id = e.id AND t.task_type_id = :task_type_id)
    ON CONFLICT DO NOTHING
    RETURNING id
    """
).bindparams(
    _IDS,
    bindparam("now", type_=TIMESTAMP),
    *[bindparam(name, type_=Uuid) for name in ("task_type_id", "status_id", "author_id")],
)

_KNOWN_TYPE = select(task_type.c.id).where(task_type.c.id == bindparam("task_type_id", type_=Uuid))

#: A new task with what its board shows of it.
MADE_TASK = TASK_WITH_ASSIGNEES.but(
    task_status_name=task_status.c.name,
    task_status_short_name=task_status.c.short_name,
    task_status_color=task_status.c.color,
    task_type_name=task_type.c.name,
    task_type_color=task_type.c.color,
    task_type_priority=task_type.c.priority,
)
MADE = (
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
    entity_ids = await pick(tx, batch, ids, query)
    made: list[UUID] = []
    if entity_ids:
        made = await tx.column(
            _MAKE,
            now=utc_now(),
            ids=entity_ids,
            task_type_id=batch.task_type_id,
            status_id=await default_status(tx, for_concept=batch.for_concept),
            author_id=batch.author_id,
        )
    for task_id in made:
        tx.emit(TASK_NEW, project_id=batch.project_id, task_id=task_id)
    if made:
        await readiness.refresh(tx, entity_ids)
    return await tx.json(MADE, ids=made)


OF_PROJECT = select(task.c.id).where(task.c.project_id == _PROJECT_ID, task.c.id == any_(_IDS))
OF_TYPE = select(task.c.id).where(
    task.c.project_id == _PROJECT_ID, task.c.task_type_id == bindparam("task_type_id", type_=Uuid)
)
