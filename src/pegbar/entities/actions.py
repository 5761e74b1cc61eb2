"""Making and naming entities: what every kind has in common. Source: spec entities and shots; spec crud, "entities".

How an entity is changed is in `editing.py`, how it goes in `removal.py`.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

import msgspec
from sqlalchemy import all_, any_, delete, select, true

from pegbar.core.data.database import Transaction
from pegbar.core.data.parameters import param, sql
from pegbar.core.data.removal import remove
from pegbar.core.data.resource import Change
from pegbar.core.data.schema import String, Uuid, default_of
from pegbar.core.data.values import check_json
from pegbar.core.errors import BadRequest, NotFound
from pegbar.core.http.body import Strict
from pegbar.entities import events
from pegbar.entities.casting import readiness
from pegbar.entities.kinds import ASSET, KINDS, SEQUENCE, Within, ensure_type, kind_of_type
from pegbar.entities.tables import entity, entity_concept_link, entity_link
from pegbar.notifications.tables import subscription

_entity_id = param("entity_id")
_ids = param("ids")
_project = param("project_id")
_type = param("entity_type_id")


# Names

_LOCK = sql("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))", key=String)
#: The oldest entity of a name among those of its production and type.
_OF_NAME = (
    select(entity.c.id)
    .where(entity.c.name == param("name", String))
    .where(entity.c.project_id == _project, entity.c.entity_type_id == _type)
    .where(entity.c.id.is_distinct_from(param("besides", Uuid)))
    .order_by(entity.c.created_at, entity.c.id)
    .limit(1)
)
_TAKEN = {
    "parent": _OF_NAME.where(entity.c.parent_id.is_not_distinct_from(param("parent_id"))),
    "production": _OF_NAME,
    "in use": _OF_NAME.where(entity.c.canceled.is_not(true())),
}


async def named(
    tx: Transaction,
    kind: str,
    project_id: UUID,
    type_id: UUID,
    name: str,
    parent_id: UUID | None = None,
    *,
    besides: UUID | None = None,
    within: Within | None = None,
) -> UUID | None:
    """The entity that has this name where it is taken once for its kind, unless it is the one `besides`.

    Whoever asks for the same next waits until this transaction ends, so of several who make one entity the first does.
    """
    await tx.execute(_LOCK, key=f"entity {project_id} {type_id} {name}")
    within = within or KINDS[kind].named
    place = {"parent_id": parent_id} if within == "parent" else {}
    entity_id: UUID | None = await tx.value(
        _TAKEN[within], project_id=project_id, entity_type_id=type_id, name=name, besides=besides, **place
    )
    return entity_id


_LOCK_ALL = sql("SELECT pg_advisory_xact_lock(hashtextextended(keys.key, 0)) FROM unnest(:keys ::text[]) AS keys (key)")


async def hold_names(tx: Transaction, project_id: UUID, type_id: UUID, names: Collection[str]) -> None:
    """Make whoever asks for one of these names next (`named`) wait until this transaction ends; some hundred of them.

    Always in the same order, so that two who hold several wait and never for each other.
    """
    await tx.rows(_LOCK_ALL, keys=[f"entity {project_id} {type_id} {name}" for name in sorted(names)])


async def name_is_taken(change: Change, kind: str) -> bool:
    """Whether a write gives an entity of this kind a name that another one has where names are taken once."""
    place = "canceled" if kind == ASSET else "parent_id"
    if not any(change.changes(column) for column in ("name", "entity_type_id", place)):
        return False
    name, type_id = change.after("name"), change.after("entity_type_id")
    if name is None or type_id is None or (kind == ASSET and change.after("canceled")):
        return False
    # What is only put elsewhere keeps its name, unless that is taken there.
    within: Within | None = None
    if KINDS[kind].named == "production" and not change.changes("name"):
        within = "parent"
    home = (change.after("project_id"), type_id, name, change.after("parent_id"))
    return await named(change.tx, kind, *home, besides=change.row_id, within=within) is not None


async def refuse_taken_name(change: Change, kind: str) -> None:
    """400 for a name that is taken, whatever the constraint of the table lets through."""
    if await name_is_taken(change, kind):
        name = change.after("name")
        raise BadRequest(f"name: there is another {kind.lower()} {name!r} of this type here already.", field="name")


# Places

_IN_PROJECT = select(entity.c.id).where(entity.c.id == _entity_id, entity.c.project_id == _project)
_PARENT = (
    select(entity.c.id, entity.c.parent_id)
    .where(entity.c.id == _entity_id)
    .where(entity.c.project_id == _project, entity.c.entity_type_id == _type)
)


async def require_place(change: Change) -> None:
    """An entity hangs from, and comes from, another one of its production; 400 otherwise."""
    for column in ("parent_id", "source_id"):
        above_id = change.values.get(column)
        if above_id is None or column in change.vouched or not change.changes(column):
            continue
        home = {"project_id": change.after("project_id"), "entity_id": above_id}
        if above_id == change.row_id or await change.tx.value(_IN_PROJECT, **home) is None:
            raise BadRequest(f"{column} names no other entity of this production.")
        change.vouched.add(column)


async def require_parent(tx: Transaction, project_id: UUID, kind: str, entity_id: UUID) -> UUID | None:
    """The parent of an entity, which must be of this production and kind; 404 otherwise."""
    type_id = await ensure_type(tx, kind)
    row = await tx.row(_PARENT, entity_id=entity_id, project_id=project_id, entity_type_id=type_id)
    if row is None:
        raise NotFound(f"There is no such entity {entity_id} in this production.")
    above: UUID | None = row["parent_id"]
    return above


# Making

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=160)]
Metadata = dict[str, Any]


class NewEntity(Strict):
    """An entity to make. Its parent is named as its kind is, such as `sequence_id`, or `parent_id`."""

    name: Name

    def parent(self, kind: str) -> UUID | None:
        """What it hangs from, an entity of this kind."""
        parent_id: UUID | None = getattr(self, KINDS[kind].key, None) or getattr(self, "parent_id", None)
        return parent_id

    def columns(self) -> dict[str, Any]:
        """Its columns besides the parent; without metadata it has an empty object."""
        columns = {name: getattr(self, name) for name in self.__struct_fields__ if name in entity.c}
        if "data" in columns:
            columns["data"] = columns["data"] or {}
        return columns


async def create_once(tx: Transaction, kind: str, project_id: UUID, new: NewEntity) -> tuple[UUID, bool]:
    """The entity of this name, and whether it is new: made unless there is one where its kind takes names once.

    404 for an unknown parent.
    """
    parent_id, above = None, None
    if (parent := KINDS[kind].parent) is not None and (parent_id := new.parent(parent)) is not None:
        above = await require_parent(tx, project_id, parent, parent_id)
    type_id = await ensure_type(tx, kind)
    existing = await named(tx, kind, project_id, type_id, new.name, parent_id)
    if existing is not None:
        return existing, False
    columns = {**new.columns(), "parent_id": parent_id}
    return await create_entity(tx, kind, project_id, type_id, episode_id=above, **columns), True


async def create_entity(
    tx: Transaction, kind: str, project_id: UUID, type_id: UUID, *, episode_id: UUID | None = None, **columns: Any
) -> UUID:
    """Insert an entity of the caller and emit `<kind>:new`; `episode_id` is for the event of a shot."""
    entity_id = await tx.insert(
        entity, project_id=project_id, entity_type_id=type_id, created_by=tx.author_id, **columns
    )
    assert entity_id is not None
    places = {"asset_type": type_id, "parent_id": columns.get("parent_id"), "episode_id": episode_id}
    more = {key: places[key] for key in KINDS[kind].new}
    events.emit(tx, events.NEW, kind, project_id, entity_id, **more)
    return entity_id


async def create_entities(
    tx: Transaction, kind: str, project_id: UUID, rows: Sequence[Mapping[str, Any]], *, episode_id: UUID | None = None
) -> list[UUID]:
    """The same of many of a kind with the same columns, in one statement; their ids in the order of the rows."""
    if not rows:
        return []
    type_id = await ensure_type(tx, kind)
    home = {"project_id": project_id, "entity_type_id": type_id, "created_by": tx.author_id}
    complete = [{"id": default_of(entity.c.id), **home, **row} for row in rows]
    await tx.insert_many(entity, complete)
    for row in complete:
        places = {"asset_type": type_id, "parent_id": row.get("parent_id"), "episode_id": episode_id}
        more = {key: places[key] for key in KINDS[kind].new}
        events.emit(tx, events.NEW, kind, project_id, row["id"], **more)
    return [row["id"] for row in complete]


_KNOWN = select(entity.c.id).where(entity.c.id == any_(_ids))
_FORGET_OTHERS = delete(entity_concept_link).where(
    entity_concept_link.c.entity_in_id == _entity_id, entity_concept_link.c.entity_out_id != all_(_ids)
)


async def refer_to(tx: Transaction, entity_id: UUID, wanted: Collection[UUID]) -> None:
    """Let an entity, a concept mostly, refer to others; those that do not exist are passed over."""
    known = set(await tx.column(_KNOWN, ids=list(wanted))) if wanted else set()
    links = [{"entity_in_id": entity_id, "entity_out_id": linked_id} for linked_id in wanted if linked_id in known]
    await tx.insert_many(entity_concept_link, links, skip_existing=True)


async def refer_to_only(tx: Transaction, entity_id: UUID, wanted: Collection[UUID]) -> None:
    """The same, and to nothing else; the links that stay are left alone."""
    await tx.execute(_FORGET_OTHERS, entity_id=entity_id, ids=list(wanted))
    await refer_to(tx, entity_id, wanted)


# What the generic routes add (resources.py)


def require_object(change: Change) -> None:
    """400 for metadata that are no JSON object."""
    data = change.document.get("data")
    if data is not None and not isinstance(data, dict):
        raise BadRequest("data must be an object.")
    if data:
        check_json("data", data)


async def check_new(change: Change) -> None:
    """Refuse an entity that may not be made."""
    require_object(change)
    change.values["created_by"] = change.caller.id
    await require_place(change)
    if change.after("entity_type_id") is not None:
        await refuse_taken_name(change, await kind_of_type(change.tx, change.after("entity_type_id")))


async def count_links(change: Change) -> None:
    """A new entity may cast others from the beginning."""
    if change.relations.get("entities_out"):
        await readiness.refresh(change.tx, [change.row(entity)])


_DROP_LINKS = [
    delete(link).where((link.c.entity_in_id == _entity_id) | (link.c.entity_out_id == _entity_id))
    for link in (entity_link, entity_concept_link)
]


async def drop_links(change: Change) -> None:
    """Links go with the entity; whatever cast it is counted again."""
    entity_id = change.row(entity)
    casters = await readiness.casters_of(change.tx, [entity_id])
    for statement in _DROP_LINKS:
        await change.tx.execute(statement, entity_id=entity_id)
    assert change.before is not None
    if await kind_of_type(change.tx, change.before["entity_type_id"]) == SEQUENCE:
        await change.tx.delete(subscription, entity_id=entity_id)
    await readiness.refresh(change.tx, casters)


async def tell_gone(change: Change) -> None:
    """What no foreign key holds goes after the row."""
    await remove(change.tx, entity, [change.row(entity)], only_named=True)
