"""The previews of an entity. Source: spec entities, "Previews by task type" and "Any entity"."""

from typing import Any
from uuid import UUID

from sqlalchemy import Text, cast, func, select, tuple_
from sqlalchemy.dialects.postgresql import aggregate_order_by

from pegbar.core.data.database import Database, Json
from pegbar.core.data.parameters import param
from pegbar.core.data.wire import JsonText, Wire, json_list, json_object, word
from pegbar.core.http.access import not_client
from pegbar.core.http.routing import found, get
from pegbar.entities import rules
from pegbar.entities.kinds import CONCEPT, EDIT, SHOT
from pegbar.media.tables import preview_file
from pegbar.studio.tables import task_type
from pegbar.tasks.tables import task

_ENTITY_ID = param("entity_id")
_ORIGINALS = ("original_width", "original_height", "original_duration", "original_file_size")


def _item(preview: Any, *more: str) -> Wire:
    """A preview in a revision; what its original was like is in its data."""
    keys = ("id", "revision", "original_name", "extension", "width", "height", "duration", "status", "annotations")
    wire = Wire({key: preview.c[key] for key in (*keys, "created_at", "task_id", *more)})
    for key in _ORIGINALS:
        wire[key] = cast(cast(preview.c.data.op("->")(word(key)), Text), JsonText())
    return wire


_other = preview_file.alias("other")
_earlier = preview_file.alias("earlier")
_others = (
    select(json_object(_item(_other, "position").but(task_type_id=task.c.task_type_id)))
    .where(_other.c.task_id == preview_file.c.task_id, _other.c.id != preview_file.c.id)
    .where(_other.c.revision == preview_file.c.revision)
    .order_by(_other.c.position, _other.c.created_at)
    .correlate(preview_file, task)
)
_head = json_object(_item(preview_file).but(previews=json_list(_others)))
_is_head = (
    ~select(_earlier.c.id)
    .where(_earlier.c.task_id == preview_file.c.task_id, _earlier.c.revision == preview_file.c.revision)
    .where(
        tuple_(_earlier.c.created_at, _earlier.c.id) < tuple_(preview_file.c.created_at, preview_file.c.id),
    )
    .correlate(preview_file)
    .exists()
)
_in_order = aggregate_order_by(word(","), preview_file.c.revision.desc(), preview_file.c.created_at)
_by_type = (
    select(
        task_type.c.id.label("type_id"),
        func.string_agg(cast(_head, Text), _in_order).label("items"),
        task_type.c.priority,
        task_type.c.name,
    )
    .select_from(
        preview_file.join(task, task.c.id == preview_file.c.task_id).join(
            task_type, task_type.c.id == task.c.task_type_id
        )
    )
    .where(task.c.entity_id == _ENTITY_ID, _is_head)
    .group_by(task_type.c.id)
    .subquery("by_type")
)
_pairs = (
    word('"').concat(cast(_by_type.c.type_id, Text)).concat(word('":[')).concat(_by_type.c["items"]).concat(word("]"))
)
_order = aggregate_order_by(word(","), _by_type.c.priority.desc().nulls_last(), _by_type.c.name, _by_type.c.type_id)
_BY_TASK_TYPE = select(
    cast(word("{").concat(func.coalesce(func.string_agg(_pairs, _order), word(""))).concat(word("}")), JsonText())
)

_ALL = (
    select(
        json_object(
            Wire(
                {
                    key: preview_file.c[key]
                    for key in (
                        *("id", "name", "original_name", "extension", "revision", "position", "file_size", "status"),
                        *("validation_status", "task_id", "person_id", "created_at", "token_in", "token_out"),
                    )
                }
            )
        )
    )
    .select_from(
        preview_file.join(task, task.c.id == preview_file.c.task_id).join(
            task_type, task_type.c.id == task.c.task_type_id
        )
    )
    .where(task.c.entity_id == _ENTITY_ID)
    .order_by(task_type.c.name, preview_file.c.revision.desc(), preview_file.c.position, preview_file.c.created_at)
)


@get("/data/shots/{shot_id:uuid}/preview-files", access=rules.sees(SHOT, "shot_id"))
async def shot_previews(shot_id: UUID, db: Database) -> Json:
    """Revisions of the previews of a shot, by task type."""
    return found(await db.json_row(_BY_TASK_TYPE, entity_id=shot_id))


@get("/data/edits/{edit_id:uuid}/preview-files", access=rules.sees(EDIT, "edit_id"))
async def edit_previews(edit_id: UUID, db: Database) -> Json:
    """Revisions of the previews of an edit, by task type."""
    return found(await db.json_row(_BY_TASK_TYPE, entity_id=edit_id))


@get("/data/concepts/{concept_id:uuid}/preview-files", access=rules.sees(CONCEPT, "concept_id") & not_client)
async def concept_previews(concept_id: UUID, db: Database) -> Json:
    """Revisions of the previews of a concept, by task type."""
    return found(await db.json_row(_BY_TASK_TYPE, entity_id=concept_id))


@get("/data/entities/{entity_id:uuid}/preview-files", access=rules.sees_entity)
async def entity_previews(entity_id: UUID, db: Database) -> Json:
    """All previews of an entity."""
    return await db.json(_ALL, entity_id=entity_id)
