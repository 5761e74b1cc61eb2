"""The one way an entity is changed. Source: spec crud, "entities"; spec shots, `PUT /data/shots/{shot_id}`.

The row is read once, with its kind, and held; what the route allows is checked; the row is written once; the history of
shots, the counters of castings and the event follow. The two routes differ in what they check, and in that the generic
one puts keys into the metadata (`merged`) where that of shots replaces them whole.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import Executable, Text, any_, bindparam, case, exists, func, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from pegbar.core.data.changes import Change, related_ids
from pegbar.core.data.database import Transaction
from pegbar.core.data.parameters import param
from pegbar.core.data.schema import TIMESTAMP, Uuid, utc_now
from pegbar.core.data.unnest import AboutRows
from pegbar.core.data.values import accept
from pegbar.core.data.wire import word
from pegbar.core.data.writes import check_references, check_writer
from pegbar.core.errors import NotFound
from pegbar.core.http.access import Caller, require
from pegbar.entities import actions, events, versions
from pegbar.entities.casting import readiness
from pegbar.entities.kinds import ASSET, LOCK_ORDER, SHOT, kind_of, kind_of_type
from pegbar.entities.resources import entities
from pegbar.entities.shapes import EMPTY_OBJECT
from pegbar.entities.tables import entity
from pegbar.productions.tables import department_metadata_descriptor_link, metadata_descriptor
from pegbar.studio.tables import entity_type

#: Columns that an update of many at once takes: what follows from them is worked out for all together.
PLAIN = frozenset(["code", "data", "description", "is_casting_standby", "nb_frames", "status"])
#: Columns of an asset that decide for which tasks it is ready.
_ABOUT_READINESS = ("ready_for", "canceled", "is_shared")

_ENTITY = (
    select(entity, entity_type.c.name.label("type_name"))
    .join(entity_type, entity_type.c.id == entity.c.entity_type_id)
    .where(entity.c.id == param("entity_id"))
    .with_for_update(of=entity)
)
_ENTITIES = (
    select(entity, entity_type.c.name.label("type_name"))
    .join(entity_type, entity_type.c.id == entity.c.entity_type_id)
    .where(entity.c.id == any_(param("ids")))
    .order_by(text(LOCK_ORDER))
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
    await _take(change, {})
    await actions.require_place([change])
    kind = await kind_after(change)
    await actions.refuse_taken_name(change, kind)
    await write(change, kind, merged=True)


async def update_many(tx: Transaction, updates: Sequence[tuple[Caller, UUID, Mapping[str, Any]]]) -> None:
    """Change different entities of any kind, each from its document of nothing but `PLAIN` columns."""
    rows = {row["id"]: row for row in await tx.rows(_ENTITIES, ids=[entity_id for _, entity_id, _ in updates])}
    changes = []
    own: _OwnFields = {}
    for caller, entity_id, document in updates:
        if entity_id not in rows:
            raise NotFound(f"There is no {entities.type} {entity_id}.")
        change = Change(tx, caller, document, before=rows[entity_id], row_id=entity_id)
        await _take(change, own)
        changes.append(change)
    alike: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    edits: dict[UUID, versions.Edit] = {}
    for change in changes:
        columns, data = _merged(change)
        alike.setdefault(tuple(columns), []).append({"id": change.row_id, **columns})
        if kind_of(rows[change.row(entity)]["type_name"]) == SHOT:
            edits[change.row(entity)] = _edit(change, data)
    for names, values in alike.items():
        statement, params = _update_many(names).of({name: [row[name] for row in values] for name in ("id", *names)})
        await tx.execute(statement, now=utc_now(), **params)
    await versions.record(tx, edits)
    for change in changes:
        before = rows[change.row(entity)]
        kind = kind_of(before["type_name"])
        events.emit(tx, events.UPDATE, kind, before["project_id"], change.row(entity))


#: The metadata columns of the caller's departments, by production and kind.
_OwnFields = dict[tuple[UUID, str], frozenset[str]]


async def _take(change: Change, own: _OwnFields) -> None:
    """Take what a document gives, if the caller may write it; `own` keeps what was looked up for that."""
    change.document = entities.writes.heard(change)
    for key, value in change.document.items():
        if key in entities.by_key:
            change.relations[key] = related_ids(key, value)
        else:
            change.values[key] = accept(entities.columns[key], value)
    await check_writer(entities, change)
    actions.require_object(change)
    await _check_editor(change, own)


def cleaned(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """The document of an update: the text "null" clears `source_id`."""
    return {**document, "source_id": None} if document.get("source_id") == "null" else document


async def _check_editor(change: Change, known: _OwnFields) -> None:
    """A supervisor who neither manages nor made the entity changes its metadata, within their departments."""
    caller = change.caller
    if caller.manages or caller.created_entity:
        return
    require(set(change.document) == {"data"}, "A supervisor may change nothing but the data of an entity.")
    if not caller.departments:
        return
    assert change.before is not None
    place = project_id, kind = change.before["project_id"], kind_of(change.before["type_name"])
    if place not in known:
        about = {"project_id": project_id, "kind": kind, "departments": list(caller.departments)}
        known[place] = frozenset(await change.tx.column(_OF_DEPARTMENTS, **about))
    others = sorted(set(change.document["data"] or {}) - known[place])
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
    await check_references(entities, [change])
    columns, data = _merged(change) if merged else (change.values, change.after("data"))
    values = {f"v_{name}": value for name, value in columns.items()}
    await tx.execute(_update(tuple(columns), merged), entity_id=entity_id, v_updated_at=utc_now(), **values)
    if "entity_concept_links" in change.relations:
        await actions.refer_to_only(tx, entity_id, change.relations["entity_concept_links"])
    if kind == SHOT:
        await versions.record(tx, {entity_id: _edit(change, data)})
    if kind == ASSET and any(change.changes(name) for name in _ABOUT_READINESS):
        await readiness.refresh_casting_of(tx, [entity_id])
    events.emit(tx, events.UPDATE, kind, before["project_id"], entity_id)


def _merged(change: Change) -> tuple[dict[str, Any], Any]:
    """The columns that a change writes when it puts keys into the metadata, and the metadata after it."""
    assert change.before is not None
    stored, patch = change.before["data"], change.document.get("data") or {}
    columns = {name: value for name, value in change.values.items() if name != "data"}
    if patch or stored is None:
        columns["data"] = patch
    return columns, {**(stored if isinstance(stored, dict) else {}), **patch}


@lru_cache(64)
def _update_many(names: tuple[str, ...]) -> AboutRows:
    """The same of many entities, of which each has its own values."""
    known = "CASE jsonb_typeof(entity.data) WHEN 'object' THEN entity.data ELSE '{}' END"
    values = [f"{name} = {f'{known} || ' if name == 'data' else ''}new.{name}" for name in names]

    def written(rows: str) -> str:
        written = ", ".join([*values, "updated_at = :now"])
        return f"UPDATE entity SET {written} FROM ({rows}) AS new WHERE entity.id = new.id"  # noqa: S608 - columns

    kinds = {name: entity.c[name].type for name in ("id", *names)}
    return AboutRows(kinds, written, now=TIMESTAMP)


@lru_cache(512)
def _update(names: tuple[str, ...], merged: bool) -> Executable:
    """Writes columns. Metadata are merged key by key by the database: numbers keep all their digits."""
    values: dict[str, Any] = {
        name: bindparam(f"v_{name}", type_=entity.c[name].type) for name in (*names, "updated_at")
    }
    if merged and "data" in values:
        is_object = func.jsonb_typeof(entity.c.data) == word("object")
        known = case((is_object, entity.c.data), else_=EMPTY_OBJECT)
        values["data"] = known.op("||", return_type=JSONB())(values["data"])
    return update(entity).where(entity.c.id == param("entity_id")).values(values)


def _edit(change: Change, data: Any) -> versions.Edit:
    """A change of a shot, whose metadata are now `data`, for its history."""
    before = change.before
    assert before is not None
    return versions.Edit(
        person_id=change.caller.id,
        at=utc_now(),
        name_before=before["name"],
        name_after=change.after("name"),
        before=versions.frames(before["data"]),
        after=versions.frames(data),
    )
