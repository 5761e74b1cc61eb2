"""The rules of `POST` and `PUT /data/entities`. Source: spec crud, "entities"."""

from typing import Any
from uuid import UUID

from sqlalchemy import Text, any_, bindparam, delete, exists, select, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from pegbar.core.data.database import Transaction
from pegbar.core.data.resource import Change
from pegbar.core.data.schema import Uuid, utc_now
from pegbar.core.data.values import check_json
from pegbar.core.errors import BadRequest
from pegbar.core.http.access import require
from pegbar.entities import versions
from pegbar.entities.actions import Within, named
from pegbar.entities.casting import readiness
from pegbar.entities.hooks import ENTITIES_GONE, Removal
from pegbar.entities.kinds import ASSET, CONCEPT, FOLDER, SEQUENCE, SHOT, kind_of_type
from pegbar.entities.tables import entity, entity_concept_link, entity_link
from pegbar.notifications.tables import subscription
from pegbar.productions.tables import department_metadata_descriptor_link, metadata_descriptor

#: Columns of an asset that decide for which tasks it is ready.
_ABOUT_READINESS = ("ready_for", "canceled", "is_shared")

_entity_id = bindparam("entity_id", type_=Uuid)
_OF_PROJECT = select(entity.c.id).where(
    _entity_id == entity.c.id, entity.c.project_id == bindparam("project_id", type_=Uuid)
)

_link = department_metadata_descriptor_link
_DESCRIBED = (
    select(metadata_descriptor.c.field_name)
    .where(metadata_descriptor.c.project_id == bindparam("project_id", type_=Uuid))
    .where(metadata_descriptor.c.entity_type == bindparam("kind", type_=Text))
    .where(
        exists().where(
            _link.c.metadata_descriptor_id == metadata_descriptor.c.id,
            _link.c.department_id == any_(bindparam("departments", type_=ARRAY(Uuid))),
        )
    )
)

#: `data` merged key by key, by the database: numbers keep all their digits.
_MERGE = text(
    """
    UPDATE entity SET data = CASE WHEN jsonb_typeof(data) = 'object' THEN data ELSE '{}'::jsonb END || :patch
     WHERE id = :entity_id
    """
).bindparams(bindparam("patch", type_=JSONB), bindparam("entity_id", type_=Uuid))


async def check(change: Change) -> None:
    """Refuse what the rules of entities forbid, before the write."""
    _check_data(change)
    if change.before is None:
        change.values["created_by"] = change.caller.id
        change.values.pop("nb_entities_out", None)
    else:
        await _check_editor(change)
    for name in ("parent_id", "source_id"):
        if change.changes(name) and change.values[name] is not None:
            await check_place(change.tx, name, change.values[name], change.after("project_id"), change.row_id)
            change.vouched.add(name)
    await _check_name(change)
    if change.before is not None:
        change.values.pop("data", None)


async def check_place(tx: Transaction, name: str, above_id: UUID, project_id: UUID, entity_id: UUID | None) -> None:
    """An entity hangs from, and comes from, another one of its production; 400 otherwise."""
    if above_id == entity_id or await tx.value(_OF_PROJECT, project_id=project_id, entity_id=above_id) is None:
        raise BadRequest(f"{name} names no other entity of this production.")


def _check_data(change: Change) -> None:
    data = change.document.get("data")
    if data is not None and not isinstance(data, dict):
        raise BadRequest("data must be an object.")
    if data:
        check_json("data", data)


async def _check_editor(change: Change) -> None:
    """A supervisor who neither manages nor made the entity changes its metadata, within their departments."""
    caller = change.caller
    if caller.manages or caller.created_entity:
        return
    require(set(change.document) == {"data"}, "A supervisor may change nothing but the data of an entity.")
    if not caller.departments:
        return
    assert change.before is not None
    described = await change.tx.column(
        _DESCRIBED,
        project_id=change.before["project_id"],
        kind=await kind_of_type(change.tx, change.before["entity_type_id"]),
        departments=list(caller.departments),
    )
    others = sorted(set(change.document["data"] or {}) - set(described))
    require(not others, f"These keys of data are not of your departments: {', '.join(others)}.")


async def _check_name(change: Change) -> None:
    """Names are taken once, whatever the constraint of the table lets through."""
    if not any(change.changes(name) for name in ("name", "entity_type_id", "parent_id", "canceled")):
        return
    name, type_id = change.after("name"), change.after("entity_type_id")
    if name is None or type_id is None:
        return
    kind = await kind_of_type(change.tx, type_id)
    place_of_name = "canceled" if kind == ASSET else "parent_id"
    if not any(change.changes(each) for each in ("name", "entity_type_id", place_of_name)):
        return
    if kind == ASSET and change.after("canceled"):
        return
    # What is only put elsewhere keeps its name, unless that is taken there.
    within: Within | None = "parent" if kind in (CONCEPT, FOLDER) and not change.changes("name") else None
    place = (change.after("project_id"), type_id, name, change.after("parent_id"))
    if await named(change.tx, kind, *place, besides=change.row_id, within=within) is not None:
        raise BadRequest(f"name: there is another {kind.lower()} {name!r} of this type here already.", field="name")


async def saved(change: Change) -> None:
    """What follows from a write."""
    before = change.before
    if before is None:
        if change.relations.get("entities_out"):
            await readiness.refresh(change.tx, [change.row(entity)])
        return
    patch: dict[str, Any] = change.document.get("data") or {}
    if patch or before["data"] is None:
        await change.tx.execute(_MERGE, entity_id=change.row_id, patch=patch)
    kind = await kind_of_type(change.tx, change.after("entity_type_id"))
    if kind == SHOT:
        await _record_version(change, patch)
    if kind == ASSET and any(change.changes(name) for name in _ABOUT_READINESS):
        await readiness.refresh_casting_of(change.tx, [change.row(entity)])


async def _record_version(change: Change, patch: dict[str, Any]) -> None:
    before = change.before
    assert before is not None
    old = before["data"] if isinstance(before["data"], dict) else {}
    edit = versions.Edit(
        person_id=change.caller.id,
        at=utc_now(),
        name_before=before["name"],
        name_after=change.after("name"),
        before=versions.frames(old),
        after=versions.frames({**old, **patch}),
    )
    await versions.record(change.tx, change.row(entity), edit)


_DROP_LINKS = [
    delete(link).where((link.c.entity_in_id == _entity_id) | (link.c.entity_out_id == _entity_id))
    for link in (entity_link, entity_concept_link)
]


async def deleting(change: Change) -> None:
    """Links go with the entity; whatever cast it is counted again."""
    entity_id = change.row(entity)
    casters = await readiness.casters_of(change.tx, [entity_id])
    for drop in _DROP_LINKS:
        await change.tx.execute(drop, entity_id=entity_id)
    assert change.before is not None
    if await kind_of_type(change.tx, change.before["entity_type_id"]) == SEQUENCE:
        await change.tx.delete(subscription, entity_id=entity_id)
    await readiness.refresh(change.tx, casters)


async def deleted(change: Change) -> None:
    """What no foreign key holds goes after the row."""
    await ENTITIES_GONE.run(Removal(change.tx, [change.row(entity)]))


def cleaned(document: dict[str, Any]) -> dict[str, Any]:
    """The document of an update: the text "null" clears `source_id`."""
    return {**document, "source_id": None} if document.get("source_id") == "null" else document
