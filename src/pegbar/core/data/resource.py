"""The generic list, create, read, update and delete of a table, driven by a declaration.

    milestones = Resource(
        milestone, path="/data/milestones", type="Milestone",
        access=Access(list=admin, read=member_of(milestone.c.project_id), …),
        writes=writes("name date task_type_id", create="project_id"),
    )

declares five routes with their OpenAPI, access rules and events. What a model adds to the shared rules (spec crud) is
given as functions that take the `Change` under way: `prepare` before the document is read (it may replace it), `check`
before the write, `saved` after it, `deleting` and `deleted` around a removal.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any
from uuid import UUID

import asyncpg
from litestar import Request
from sqlalchemy import (
    ColumnElement,
    Executable,
    Select,
    Table,
    all_,
    any_,
    bindparam,
    delete,
    func,
    select,
    text,
)

from pegbar.core.data import belonging, filters, values
from pegbar.core.data.changes import Change, Hook, Relation, Verb, related_ids
from pegbar.core.data.database import Database, Json, Reader, Transaction
from pegbar.core.data.filters import Filter, Listing, Special
from pegbar.core.data.many import creates_together, updates_together
from pegbar.core.data.parameters import param
from pegbar.core.data.schema import Column, Uuid
from pegbar.core.data.wire import Wire, json_object, wire_of
from pegbar.core.data.writes import Writes, check_references, check_writer
from pegbar.core.errors import BadRequest, NotFound, Refused
from pegbar.core.http import routing
from pegbar.core.http.access import Caller, Place, Rule, admin
from pegbar.core.http.pagination import envelope
from pegbar.core.http.streaming import stream_array
from pegbar.core.live.events import Event, event


async def _nothing(_: Change) -> None:
    """What most models add."""


@dataclass(frozen=True)
class Access:
    """The rule of each method. A rule about a column of the row is looked up in the row; on create, in the body."""

    list: Rule = admin
    read: Rule = admin
    create: Rule = admin
    update: Rule = admin
    delete: Rule = admin


#: Narrows what a caller lists: a condition, which may have parameters about the caller; None for all rows.
Scope = Callable[[Caller], ColumnElement[bool] | None]


def everything(_: Caller) -> ColumnElement[bool] | None:
    """No narrowing."""
    return None


#: Every resource declared, in the order of the imports.
declared: list["Resource"] = []


@dataclass(eq=False)
class Resource:
    """The declaration of a table's generic routes."""

    table: Table
    path: str
    type: str
    writes: Writes = field(kw_only=True)  #: what a create and an update take (core/data/writes.py)
    access: Access = field(default_factory=Access)
    relations: tuple[Relation, ...] = ()
    wire: Wire | None = None  #: keys of a row without its relations
    shape: Callable[[Caller], Wire] | None = None  #: the keys a caller gets, when they differ by caller
    list_shape: Callable[[Caller], Wire] | None = None  #: the same for listings, when it differs
    hidden: frozenset[str] = frozenset()  #: columns never served or filtered on
    own: frozenset[str] = frozenset()  #: keys of `wire` that come from tables of Pegbar's own
    scope: Scope = everything
    listed: ColumnElement[bool] | None = None  #: the rows that lists hold, whoever asks
    specials: Mapping[str, Special] = field(default_factory=dict)
    refused_filters: Callable[[Caller], frozenset[str]] = lambda _: frozenset()
    update_relations: bool = False  #: whether the answer to an update holds the relation keys
    always_relations: bool = False  #: whether they are always there on reads
    prepare: Hook = _nothing
    check: Hook = _nothing
    saved: Hook = _nothing
    deleting: Hook = _nothing
    deleted: Hook = _nothing
    emit: Callable[["Resource", Change, Verb], Awaitable[None]] | None = None
    event: str | None = None  #: object of the events when it is not the table's name
    event_key: str | None = None
    of_production: bool = False  #: whether rows are of a production, without a column that says of which
    told_by: Column[Any] | None = (
        None  #: the reference to what is of the production that hears of a row, if not its own
    )
    at_most: int | None = None  #: rows of a list without pages
    streams: bool = False  #: long lists go out in chunks
    skip: frozenset[str] = frozenset()  #: methods that routes.py writes itself
    #: Columns whose update touches nothing but its own row: a batch does such updates at once. All, without hooks.
    together: str = ""
    #: Whether creates touch nothing but their own rows, or what is worked out from all of them; so it is without hooks.
    creates_apart: bool = False
    check_together: Callable[[Sequence[Change]], Awaitable[None]] | None = None  #: `check` of creates done at once
    saved_together: Callable[[Sequence[Change]], Awaitable[None]] | None = None  #: `saved` of creates done at once
    alone: Mapping[Verb, str] = field(default_factory=dict)  #: why a route is no part of a batch
    malformed: int = 400  #: status of a read whose id is no UUID
    tag: str = ""

    def __post_init__(self) -> None:
        name = self.table.name
        self.wire = self.wire or wire_of(self.table, self.type, without=self.hidden)
        self.columns = {c.name: c for c in self.table.columns if c.name not in self.hidden}
        self.by_key = {relation.key: relation for relation in self.relations}
        writable = {relation.key for relation in self.relations if relation.writable}
        self.writes.check_names(frozenset(self.columns) | writable)
        self.of_production |= "project_id" in self.table.c
        hooked = self.emit is not None or any(hook is not _nothing for hook in (self.prepare, self.check, self.saved))
        self.plain_columns = (
            frozenset(self.together.split()) if hooked else self.writes.update & frozenset(self.columns)
        )
        self.creates_apart |= not hooked
        subject = self.event or name.replace("_", "-")
        key = self.event_key or f"{name}_id"
        self.events: dict[Verb, Event] = {}
        if self.emit is None:
            verbs: tuple[Verb, ...] = ("new", "update", "delete")
            self.events = {verb: event(f"{subject}:{verb}", key, scoped=self.of_production) for verb in verbs}
        self.event_key = key
        declared.append(self)
        _declare_routes(self)

    # Shapes

    def shape_for(self, caller: Caller, *, listing: bool = False) -> Wire:
        """The keys this caller gets."""
        if listing and self.list_shape is not None:
            return self.list_shape(caller)
        if self.shape is not None:
            return self.shape(caller)
        assert self.wire is not None
        return self.wire

    async def read(
        self, db: Reader, caller: Caller, row_id: UUID, *, relations: bool = True, wire: Wire | None = None
    ) -> Json:
        """One row as this caller gets it, or with the keys of `wire`; 404 when it is gone."""
        statement = _row_statement(self, wire or self.shape_for(caller), relations or self.always_relations)
        row = await db.json_row(statement, row_id=row_id)
        if row is None:
            raise NotFound(f"There is no {self.type} {row_id}.")
        return row

    async def read_many(self, db: Reader, rows: Sequence[tuple[Caller, UUID]], *, relations: bool = True) -> list[Json]:
        """What `read` answers for each of these rows: a statement for those with the same keys."""
        by_wire: dict[Wire, list[UUID]] = {}
        for caller, row_id in rows:
            by_wire.setdefault(self.shape_for(caller), []).append(row_id)
        texts: dict[tuple[Wire, UUID], str] = {}
        for wire, ids in by_wire.items():
            statement = _rows_statement(self, wire, relations or self.always_relations)
            texts |= {(wire, row["id"]): row["row"] for row in await db.rows(statement, ids=ids)}
        return [Json(texts[self.shape_for(caller), row_id].encode()) for caller, row_id in rows]

    # Writes

    async def create(self, tx: Transaction, caller: Caller, document: Mapping[str, Any]) -> UUID:
        """Insert a row from a document, with its side effects and event; its id."""
        change = self.change(tx, caller, document)
        await self.judge(change)
        change.row_id = await tx.insert(self.table, **change.values)
        await self.finish(change, "new")
        return change.row(self.table)

    async def update(self, tx: Transaction, caller: Caller, row_id: UUID, document: Mapping[str, Any]) -> Change:
        """Change a row from a document, with its side effects and event."""
        before = await tx.row(_locked_row(self.table), row_id=row_id)
        if before is None:
            raise NotFound(f"There is no {self.type} {row_id}.")
        change = self.change(tx, caller, document, before=before, row_id=row_id)
        await self.judge(change)
        await tx.update(self.table, row_id, **change.values)
        await self.finish(change, "update")
        return change

    def change(
        self,
        tx: Transaction,
        caller: Caller,
        document: Mapping[str, Any],
        *,
        before: asyncpg.Record | None = None,
        row_id: UUID | None = None,
    ) -> Change:
        """A write that begins: a create, or an update of the row `before`."""
        return Change(tx, caller, document, before=before, row_id=row_id)

    async def judge(self, change: Change) -> None:
        """Work out what a write stores. Raises what refuses it."""
        await self.take(change)
        await self.check(change)
        await check_references(self, [change])

    async def judge_creates(self, changes: Sequence[Change]) -> None:
        """The same of creates that are done at once."""
        for change in changes:
            await self.take(change)
        if self.check_together is not None:
            await self.check_together(changes)
        else:
            for change in changes:
                await self.check(change)
        await check_references(self, changes)

    async def take(self, change: Change) -> None:
        """Take what a write may store from its document. Raises what refuses it."""
        await self.prepare(change)
        if change.before is None:
            for key, value in change.document.items():
                if key in self.writes.create:
                    self._take(change, key, value)
                elif key not in self.table.c and not self.writes.lenient:
                    raise Refused(f"{key} is not a column of {self.path.removeprefix('/data/')}.", field=key)
        else:
            change.document = self.writes.heard(change)
            for key, value in change.document.items():
                self._take(change, key, value)
            await check_writer(self, change)

    async def finish(self, change: Change, verb: Verb) -> None:
        """What follows once the row of a create or an update is stored: its links, side effects and event."""
        await self.finish_many([change], verb)

    async def finish_many(self, changes: Sequence[Change], verb: Verb) -> None:
        """The same, of rows that were stored at once."""
        for change in changes:
            for key, ids in change.relations.items():
                if verb == "update":
                    await change.tx.execute(_others_linked(self.by_key[key]), row_id=change.row_id, ids=ids)
                await self._link(change, self.by_key[key], ids)
        if self.saved_together is not None and len(changes) > 1:
            await self.saved_together(changes)
        for change in changes:
            if self.saved_together is None or len(changes) == 1:
                await self.saved(change)
            await self.tell(change, verb)

    async def remove(self, tx: Transaction, caller: Caller, row_id: UUID, *, force: bool = False) -> None:
        """Delete a row, with its links, side effects and event. Refused while other rows refer to it."""
        before = await tx.row(_locked_row(self.table), row_id=row_id)
        if before is None:
            raise NotFound(f"There is no {self.type} {row_id}.")
        change = Change(tx, caller, {}, before=before, row_id=row_id, force=force)
        if self.emit is None:
            change.project_id = await self.project_of(change)
        await self.deleting(change)
        for relation in self.relations:
            if relation.writable:
                await tx.delete(relation.link, **{relation.owner.name: row_id})
        if not change.row_stays:
            await tx.delete(self.table, id=row_id)
        await self.tell(change, "delete")
        await self.deleted(change)

    def _take(self, change: Change, key: str, value: Any) -> None:
        if key in self.by_key:
            change.relations[key] = related_ids(key, value)
        elif key in self.columns:
            change.values[key] = values.accept(self.columns[key], value)

    async def _link(self, change: Change, relation: Relation, ids: list[UUID]) -> None:
        known = set(await change.tx.column(_known_ids(relation.target), ids=ids)) if ids else set()
        owner, other = relation.owner.name, relation.other.name
        rows = [{owner: change.row_id, other: other_id} for other_id in ids if other_id in known]
        await change.tx.insert_many(relation.link, rows, skip_existing=True)

    async def project_of(self, change: Change) -> UUID | None:
        """The production of a row's events: the one to which it belongs, however far away that is said."""
        if "project_id" in self.columns:
            project_id: UUID | None = change.after("project_id")
        elif self.told_by is not None:
            target = belonging.target_of(self.told_by)
            project_id = await change.tx.value(_production_of(target), row_id=change.after(self.told_by.name))
        elif self.of_production:
            project_id = await change.tx.value(_production_of(self.table), row_id=change.row_id)
        else:
            project_id = None
        return project_id

    async def tell(self, change: Change, verb: Verb) -> None:
        """Emit the event of a write."""
        if self.emit is not None:
            await self.emit(self, change, verb)
            return
        project_id = change.project_id if verb == "delete" else await self.project_of(change)
        assert self.event_key is not None
        change.tx.emit(self.events[verb], **{"project_id": project_id, self.event_key: change.row_id})


@lru_cache(512)
def _production_of(table: Table) -> Executable:
    return select(belonging.production_of(table)).where(table.c.id == param("row_id"))


# Statements, made once for each shape of request.


@lru_cache(4096)
def _locked_row(table: Table) -> Executable:
    return select(table).where(table.c.id == param("row_id")).with_for_update()


@lru_cache(512)
def _known_ids(table: Table) -> Executable:
    return select(table.c.id).where(table.c.id == any_(param("ids")))


@lru_cache(512)
def _others_linked(relation: Relation) -> Executable:
    """Removes the links to all but these rows; the links that stay keep what else they hold."""
    ids = param("ids")
    return delete(relation.link).where(relation.owner == param("row_id"), relation.other != all_(ids))


def _keys(resource: Resource, wire: Wire, relations: bool, fields: frozenset[str] | None) -> Mapping[str, Any]:
    keys: dict[str, Any] = dict(wire)
    if relations:
        keys |= {
            relation.key: relation.ids(resource.table) for relation in resource.relations if relation.key not in wire
        }
    if fields is not None:
        keys = {key: value for key, value in keys.items() if key in fields}
    return keys


@lru_cache(1024)
def _row_statement(resource: Resource, wire: Wire, relations: bool, parameter: str = "row_id") -> Select[Any]:
    row = json_object(_keys(resource, wire, relations, None))
    return select(row).select_from(resource.table).where(resource.table.c.id == bindparam(parameter, type_=Uuid))


@lru_cache(1024)
def _rows_statement(resource: Resource, wire: Wire, relations: bool) -> Select[Any]:
    table = resource.table
    row = json_object(_keys(resource, wire, relations, None)).label("row")
    return select(table.c.id, row).select_from(table).where(table.c.id == any_(param("ids")))


def every_row(resource: Resource, caller: Caller) -> Select[Any]:
    """All rows of a table as its list shows them, with their relations: what `pegbar db adopt --verify` reads.

    Without what comes from Pegbar's own tables: they are not there yet.
    """
    keys = _keys(resource, resource.shape_for(caller, listing=True).but(*resource.own), True, None)
    return select(json_object(keys).label("row")).select_from(resource.table)


@lru_cache(4096)
def _list_statement(
    resource: Resource,
    wire: Wire,
    chosen: tuple[Filter, ...],
    scope: ColumnElement[bool] | None,
    relations: bool,
    fields: frozenset[str] | None,
    paged: bool,
) -> Executable:
    table = resource.table
    conditions = [_condition(resource, chosen_filter) for chosen_filter in chosen]
    conditions += [condition for condition in (resource.listed, scope) if condition is not None]
    rows = (
        select(json_object(_keys(resource, wire, relations, fields)).label("row")).select_from(table).where(*conditions)
    )
    if not paged:
        return rows.limit(resource.at_most) if resource.at_most else rows
    order = (table.c.updated_at.desc(), table.c.created_at.desc(), table.c.id)
    page = rows.order_by(*order).limit(bindparam("limit")).offset(bindparam("offset")).subquery()
    total = select(func.count()).select_from(table).where(*conditions).scalar_subquery()
    return select(total, func.coalesce(func.string_agg(page.c.row, text("','")), text("''"))).select_from(page)


def _condition(resource: Resource, chosen: Filter) -> ColumnElement[bool]:
    if chosen.attribute in resource.specials:
        return resource.specials[chosen.attribute].condition
    if chosen.operator == "has":
        relation = resource.by_key[chosen.attribute]
        wanted = relation.other == bindparam(chosen.parameter, type_=Uuid)
        return select(text("1")).where(relation.owner == resource.table.c.id, wanted).correlate(resource.table).exists()
    return filters.condition(chosen, resource.columns[chosen.attribute])


async def list_rows(
    resource: Resource, db: Database, caller: Caller, listing: Listing, *, wire: Wire | None = None
) -> Any:
    """The rows a listing asks for, narrowed to what the caller may see; with the keys of `wire` when given."""
    forbidden = resource.refused_filters(caller) & {chosen_filter.attribute for chosen_filter in listing.filters}
    if forbidden:
        raise BadRequest(f"Filtering on {', '.join(sorted(forbidden))} is not allowed.")
    paged = listing.page is not None
    wire = wire or resource.shape_for(caller, listing=True)
    scope = None if caller.is_admin else resource.scope(caller)
    relations = listing.relations or resource.always_relations
    statement = _list_statement(resource, wire, listing.filters, scope, relations, listing.fields, paged)
    params = {**listing.params}
    if not paged:
        if resource.streams:
            return await stream_array(db, caller, statement, **params)
        return await db.json(statement, **params)
    offset = max(listing.offset, 0)
    limit = listing.limit if listing.offset >= 0 else 0
    row = await db.row(statement, limit=limit, offset=offset, **params)
    assert row is not None
    part = {"limit": listing.limit, "offset": listing.offset}
    return envelope(Json(f"[{row[1]}]".encode()), row[0], listing.page or 0, part)


# Routes


def row_rule(rule: Rule, table: Table) -> Rule:
    """A rule of a single row's route: 404 comes before 403, so the row is looked up with the caller."""
    if rule.place.kind != "studio" or rule.place.lookup is not None:
        return rule
    there = select(table.c.id.label("place_id")).where(table.c.id == param("key"))
    return replace(rule, place=Place("studio", "instance_id", there))


def body_rule(rule: Rule) -> Rule:
    """The rule of a create route: the column of the row that the rule is about is a key of the body."""
    lookup = rule.place.lookup
    if rule.place.in_body:
        return rule
    if lookup is None:
        return replace(rule, place=replace(rule.place, in_body=True)) if rule.place.parameter else rule
    name = next(iter(lookup.selected_columns)).element.name
    return replace(rule, place=Place(rule.place.kind, name, in_body=True))


def _declare_routes(resource: Resource) -> None:
    rules, one, many = resource.access, f"{resource.path}/{{instance_id:str}}", resource.path
    name, tag = resource.path.removeprefix("/data/"), resource.tag or resource.table.name
    declared: dict[str, Any] = {"tag": tag, "returns": resource}

    async def list_all(request: Request[Any, Any, Any], db: Database, caller: Caller) -> Any:
        query = request.query_params.multi_items()
        listing = filters.parse_listing(query, resource.columns, resource.by_key, resource.specials)
        return await list_rows(resource, db, caller, listing)

    async def create(tx: Transaction, caller: Caller, document: dict[str, Any]) -> Json:
        row_id = await resource.create(tx, caller, document)
        return await resource.read(tx, caller, row_id)

    async def read(request: Request[Any, Any, Any], instance_id: str, db: Database, caller: Caller) -> Json:
        flag = request.query_params.get("relations")
        relations = flag is None or flag.lower() == "true"
        if relations and caller.along is not None and resource.shape_for(caller) is resource.wire:
            return Json(caller.along.encode())
        row_id = routing.path_uuid(instance_id, resource.malformed)
        return await resource.read(db, caller, row_id, relations=relations)

    async def update(instance_id: str, tx: Transaction, caller: Caller, document: dict[str, Any]) -> Json:
        row_id = routing.path_uuid(instance_id)
        await resource.update(tx, caller, row_id, document)
        return await resource.read(tx, caller, row_id, relations=resource.update_relations)

    async def remove(request: Request[Any, Any, Any], instance_id: str, tx: Transaction, caller: Caller) -> None:
        force = request.query_params.get("force", "").lower() == "true"
        await resource.remove(tx, caller, routing.path_uuid(instance_id), force=force)

    together = {"new": creates_together(resource), "update": updates_together(resource)}

    def declare(
        verb: str, method: str, path: str, rule: Rule, handler: Any, summary: str, verb_event: Verb | None
    ) -> None:
        if verb not in resource.skip:
            events = () if verb_event is None or resource.emit is not None else (resource.events[verb_event],)
            more = {**declared, "malformed": resource.malformed if verb == "read" else 400}
            if verb_event is not None:
                more["alone"] = resource.alone.get(verb_event)
                more["together"] = together.get(verb_event)
            if verb == "read" and resource.wire is not None:
                more["along"] = _row_statement(resource, resource.wire, relations=True, parameter="key")
            routing.route(method, path, access=rule, events=events, summary=summary, **more)(handler)

    row = resource.table
    declare("list", "GET", many, rules.list, list_all, f"List {name}", None)
    declare("create", "POST", many, body_rule(rules.create), create, f"Create one of {name}", "new")
    declare("read", "GET", one, row_rule(rules.read, row), read, f"Read one of {name}", None)
    declare("update", "PUT", one, row_rule(rules.update, row), update, f"Update one of {name}", "update")
    declare("delete", "DELETE", one, row_rule(rules.delete, row), remove, f"Delete one of {name}", "delete")
