"""Making and naming entities: what every kind has in common. Source: spec entities and shots; spec crud, "entities".

How an entity is changed is in `editing.py`, how it goes in `removal.py`.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Any, NoReturn
from uuid import UUID

import asyncpg
import msgspec
from sqlalchemy import all_, any_, delete, select, true

from pegbar.core.data.changes import Change
from pegbar.core.data.database import Transaction
from pegbar.core.data.parameters import param, sql
from pegbar.core.data.removal import remove
from pegbar.core.data.schema import String, Uuid
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

#: One name; those of other names of the kind go on, unless somebody holds all.
_HOLD_NAME = sql(
    """
    SELECT pg_advisory_xact_lock_shared(hashtextextended(:kind_key, 0)),
           pg_advisory_xact_lock(hashtextextended(:key, 0))
    """,
    kind_key=String,
    key=String,
)
_HOLD_NAMES = sql("SELECT pg_advisory_xact_lock(hashtextextended(:kind_key, 0))", kind_key=String)
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
    await tx.execute(_HOLD_NAME, kind_key=_kind_key(kind, project_id), key=f"entity {project_id} {type_id} {name}")
    within = within or KINDS[kind].named
    place = {"parent_id": parent_id} if within == "parent" else {}
    entity_id: UUID | None = await tx.value(
        _TAKEN[within], project_id=project_id, entity_type_id=type_id, name=name, besides=besides, **place
    )
    return entity_id


def _kind_key(kind: str, project_id: UUID) -> str:
    return f"entities {project_id} {kind}"


async def hold_names(tx: Transaction, kind: str, project_id: UUID) -> None:
    """Let nobody else name an entity of this kind in a production until this transaction ends."""
    await tx.execute(_HOLD_NAMES, kind_key=_kind_key(kind, project_id))


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
        _refuse_name(change, kind)


def _refuse_name(change: Change, kind: str) -> NoReturn:
    name = change.after("name")
    raise BadRequest(f"name: there is another {kind.lower()} {name!r} of this type here already.", field="name")


# Places

_PRODUCTIONS = select(entity.c.id, entity.c.project_id).where(entity.c.id == any_(_ids))
_PARENT = (
    select(entity.c.id, entity.c.parent_id)
    .where(entity.c.id == _entity_id)
    .where(entity.c.project_id == _project, entity.c.entity_type_id == _type)
)


async def require_place(changes: Sequence[Change]) -> None:
    """An entity hangs from, and comes from, another one of its production; 400 otherwise."""
    places = [
        (change, column, above_id)
        for change in changes
        for column in ("parent_id", "source_id")
        if (above_id := change.values.get(column)) is not None
        and column not in change.vouched
        and change.changes(column)
    ]
    ids = list({above_id for _, _, above_id in places})
    rows = await changes[0].tx.rows(_PRODUCTIONS, ids=ids) if ids else ()
    productions = {row["id"]: row["project_id"] for row in rows}
    for change, column, above_id in places:
        home = productions.get(above_id)
        if above_id == change.row_id or home is None or home != change.after("project_id"):
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
    tell_new(tx, kind, project_id, entity_id, type_id, parent_id=columns.get("parent_id"), episode_id=episode_id)
    return entity_id


def tell_new(
    tx: Transaction,
    kind: str,
    project_id: UUID,
    entity_id: UUID,
    type_id: UUID,
    *,
    parent_id: UUID | None,
    episode_id: UUID | None,
) -> None:
    """Emit `<kind>:new`, with what it tells of this kind."""
    places = {"asset_type": type_id, "parent_id": parent_id, "episode_id": episode_id}
    more = {key: places[key] for key in KINDS[kind].new}
    events.emit(tx, events.NEW, kind, project_id, entity_id, **more)


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
    _begin_new(change)
    await require_place([change])
    if (type_id := change.after("entity_type_id")) is not None:
        change.known["kind"] = await kind_of_type(change.tx, type_id)
        await refuse_taken_name(change, change.known["kind"])


def _begin_new(change: Change) -> None:
    require_object(change)
    change.values["created_by"] = change.caller.id


#: The entities that have these names, of these types, in these productions.
_OF_NAMES = sql(
    """
    SELECT e.project_id, e.entity_type_id, e.name, e.parent_id, e.canceled IS TRUE AS canceled
      FROM (SELECT DISTINCT * FROM unnest(:project_ids, :type_ids, :names ::text[])) AS new (project_id, type_id, name)
      JOIN entity e ON e.project_id = new.project_id AND e.entity_type_id = new.type_id AND e.name = new.name
    """
)


async def check_new_many(changes: Sequence[Change]) -> None:
    """Refuse entities that may not be made, of many at once. Their names are held all together, as an import does."""
    tx = changes[0].tx
    for change in changes:
        _begin_new(change)
    await require_place(changes)
    type_ids: set[Any] = {change.values.get("entity_type_id") for change in changes} - {None}
    kinds = {type_id: await kind_of_type(tx, type_id) for type_id in type_ids}
    places = []
    for change in changes:
        kind = change.known["kind"] = kinds.get(change.values.get("entity_type_id"), "")
        if (place := _place_of_name(change.values, kind)) is not None:
            places.append((change, place))
    for kind, project_id in sorted({(change.known["kind"], place[0]) for change, place in places}):
        await hold_names(tx, kind, project_id)
    columns = ("project_ids", "type_ids", "names")
    about = {column: [place[number] for _, place in places] for number, column in enumerate(columns)}
    rows = await tx.rows(_OF_NAMES, **about) if places else ()
    taken = {_place_of_name(row, kinds[row["entity_type_id"]]) for row in rows}
    for change, place in places:
        if place in taken:
            _refuse_name(change, change.known["kind"])
        taken.add(place)


def _place_of_name(row: Mapping[str, Any] | asyncpg.Record, kind: str) -> tuple[Any, ...] | None:
    """Where an entity of a kind has its name: production, type, name, and what it is in. None of what takes none."""
    place = tuple(row.get(column) for column in ("project_id", "entity_type_id", "name"))
    if not kind or None in place or (KINDS[kind].named == "in use" and row.get("canceled")):
        return None
    return (*place, row.get("parent_id") if KINDS[kind].named == "parent" else None)


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
