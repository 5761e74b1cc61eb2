"""The one way an entity is changed. Source: spec crud, "entities"; spec shots, `PUT /data/shots/{shot_id}`.

The row is read once, with its kind, and held; what the route allows is checked; the row is written once; the history of
shots, the counters of castings and the event follow. The two routes differ in what they check, and in that the generic
one puts keys into the metadata (`merged`) where that of shots replaces them whole.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import Executable, Text, any_, bindparam, case, exists, func, select, update
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from pegbar.core.data.database import Transaction
from pegbar.core.data.parameters import param
from pegbar.core.data.resource import Change, related_ids
from pegbar.core.data.schema import Uuid, utc_now
from pegbar.core.data.values import accept
from pegbar.core.data.writes import check_references, check_writer
from pegbar.core.errors import NotFound
from pegbar.core.http.access import Caller, require
from pegbar.entities import actions, events, versions
from pegbar.entities.casting import readiness
from pegbar.entities.kinds import ASSET, SHOT, kind_of, kind_of_type
from pegbar.entities.resources import entities
from pegbar.entities.shapes import EMPTY_OBJECT, sql_text
from pegbar.entities.tables import entity
from pegbar.productions.tables import department_metadata_descriptor_link, metadata_descriptor
from pegbar.studio.tables import entity_type

#: Columns of an asset that decide for which tasks it is ready.
_ABOUT_READINESS = ("ready_for", "canceled", "is_shared")

_ENTITY = (
    select(entity, entity_type.c.name.label("type_name"))
    .join(entity_type, entity_type.c.id == entity.c.entity_type_id)
    .where(entity.c.id == param("entity_id"))
    .with_for_update(of=entity)
)

_link = department_metadata_descriptor_link
#: The metadata columns of a kind that are of any of these departments.
_OF_DEPARTMENTS = (
    select(metadata_descriptor.c.field_name)
    .where(metadata_descriptor.c.project_id == param("project_id"))
    .where(metadata_descriptor.c.entity_type == param("kind", Text))
    .where(
        exists().where(
            _link.c.metadata_descriptor_id == metadata_descriptor.c.id,
            _link.c.department_id == any_(param("departments", ARRAY(Uuid))),
        )
    )
)


async def begin(tx: Transaction, caller: Caller, entity_id: UUID, document: Mapping[str, Any]) -> Change:
    """A change of an entity, which others leave alone until this transaction ends."""
    before = await tx.row(_ENTITY, entity_id=entity_id)
    if before is None:
        raise NotFound(f"There is no {entities.type} {entity_id}.")
    return Change(tx, caller, document, before=before, row_id=entity_id)


async def update_entity(tx: Transaction, caller: Caller, entity_id: UUID, document: Mapping[str, Any]) -> None:
    """Change an entity of any kind: columns, keys of the metadata, and what a concept refers to."""
    change = await begin(tx, caller, entity_id, cleaned(document))
    change.document = entities.writes.heard(change)
    for key, value in change.document.items():
        if key in entities.by_key:
            change.relations[key] = related_ids(key, value)
        else:
            change.values[key] = accept(entities.columns[key], value)
    await check_writer(entities, change)
    actions.require_object(change)
    await _check_editor(change)
    await actions.require_place(change)
    kind = await kind_after(change)
    await actions.refuse_taken_name(change, kind)
    await write(change, kind, merged=True)


def cleaned(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """The document of an update: the text "null" clears `source_id`."""
    return {**document, "source_id": None} if document.get("source_id") == "null" else document


async def _check_editor(change: Change) -> None:
    """A supervisor who neither manages nor made the entity changes its metadata, within their departments."""
    caller = change.caller
    if caller.manages or caller.created_entity:
        return
    require(set(change.document) == {"data"}, "A supervisor may change nothing but the data of an entity.")
    if not caller.departments:
        return
    assert change.before is not None
    own = await change.tx.column(
        _OF_DEPARTMENTS,
        project_id=change.before["project_id"],
        kind=kind_of(change.before["type_name"]),
        departments=list(caller.departments),
    )
    others = sorted(set(change.document["data"] or {}) - set(own))
    require(not others, f"These keys of data are not of your departments: {', '.join(others)}.")


async def kind_after(change: Change) -> str:
    """The kind of the entity once the change is done."""
    assert change.before is not None
    if change.changes("entity_type_id"):
        return await kind_of_type(change.tx, change.values["entity_type_id"])
    return kind_of(change.before["type_name"])


async def write(change: Change, kind: str, *, merged: bool = False) -> None:
    """Write a change that is allowed, with all that follows from it."""
    tx, entity_id, before = change.tx, change.row(entity), change.before
    assert before is not None
    await check_references(entities, change)
    columns = dict(change.values)
    if merged:
        patch = change.document.get("data") or {}
        data = {**(before["data"] if isinstance(before["data"], dict) else {}), **patch}
        columns.pop("data", None)
        if patch or before["data"] is None:
            columns["data"] = patch
    else:
        data = change.after("data")
    values = {f"v_{name}": value for name, value in columns.items()}
    await tx.execute(_update(tuple(columns), merged), entity_id=entity_id, v_updated_at=utc_now(), **values)
    if "entity_concept_links" in change.relations:
        await actions.refer_to_only(tx, entity_id, change.relations["entity_concept_links"])
    if kind == SHOT:
        await _record_version(change, data)
    if kind == ASSET and any(change.changes(name) for name in _ABOUT_READINESS):
        await readiness.refresh_casting_of(tx, [entity_id])
    events.emit(tx, events.UPDATE, kind, before["project_id"], entity_id)


@lru_cache(512)
def _update(names: tuple[str, ...], merged: bool) -> Executable:
    """Writes columns. Metadata are merged key by key by the database: numbers keep all their digits."""
    values: dict[str, Any] = {
        name: bindparam(f"v_{name}", type_=entity.c[name].type) for name in (*names, "updated_at")
    }
    if merged and "data" in values:
        is_object = func.jsonb_typeof(entity.c.data) == sql_text("object")
        known = case((is_object, entity.c.data), else_=EMPTY_OBJECT)
        values["data"] = known.op("||", return_type=JSONB())(values["data"])
    return update(entity).where(entity.c.id == param("entity_id")).values(values)


async def _record_version(change: Change, data: Any) -> None:
    """Keep the history of a shot, whose metadata are now `data`."""
    before = change.before
    assert before is not None
    edit = versions.Edit(
        person_id=change.caller.id,
        at=utc_now(),
        name_before=before["name"],
        name_after=change.after("name"),
        before=versions.frames(before["data"]),
        after=versions.frames(data),
    )
    await versions.record(change.tx, change.row(entity), edit)
