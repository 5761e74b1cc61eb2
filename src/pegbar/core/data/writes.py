"""What the generic routes write, and whom they let write it.

    milestones = Resource(
        milestone,
        writes=writes("name date task_type_id", create="project_id", only={MANAGERS: "task_type_id"}), …
    )

names the columns and relations that a create and an update take. Columns that are not named are ignored, words that are
no column are refused on create. References stay within the production of the row (core/data/belonging.py): one
statement reads, and holds, all that a write refers to.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

import asyncpg
from sqlalchemy import Executable, Select, Text, any_, bindparam, false, literal, select, union_all
from sqlalchemy.dialects.postgresql import ARRAY

from pegbar.core.data import belonging
from pegbar.core.data.changes import Change, Relation
from pegbar.core.data.parameters import param
from pegbar.core.data.schema import Column, Table, Uuid
from pegbar.core.errors import BadRequest, Forbidden

if TYPE_CHECKING:
    from pegbar.core.data.resource import Resource


@dataclass(frozen=True)
class Only:
    """Who, of those whom the route lets in, changes some columns. Others are refused."""

    text: str
    test: Callable[[Change], bool]
    silent: bool = False  #: others are not refused but not heard
    unasked: bool = False  #: others are refused even what changes nothing


MANAGERS = Only("managers of the production", lambda change: change.caller.manages)


@dataclass(frozen=True)
class Writes:
    """What a create and an update take: names of columns, of relations and, on create, of further keys."""

    create: frozenset[str]
    update: frozenset[str]
    only: Mapping[Only, frozenset[str]] = field(default_factory=dict)
    #: Keys of a create that are no column; hooks see to them.
    further: frozenset[str] = frozenset()
    #: Whether a create passes over words that are no column, too.
    lenient: bool = False
    #: References that stay within more than the production, say a task: a column of theirs equals one of the row.
    alike: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def check_names(self, known: frozenset[str]) -> None:
        """Refuse a declaration that names something unknown."""
        named = self.create | self.update
        for names in self.only.values():
            assert names <= self.update, f"restricted, but not written: {sorted(names - self.update)}"
        assert self.further <= self.create
        assert named <= known | self.further, f"neither column nor relation: {sorted(named - known - self.further)}"

    def heard(self, change: Change) -> dict[str, Any]:
        """What an update takes of a document, without what is silently kept for others than the caller."""
        deaf = [names for who, names in self.only.items() if who.silent and not who.test(change)]
        taken = self.update.difference(*deaf)
        return {key: value for key, value in change.document.items() if key in taken}

    def whom(self, name: str) -> Only | None:
        """Who alone changes a column or relation by an update; None when whoever passes the route does."""
        return next((who for who, names in self.only.items() if name in names), None)


def writes(
    both: str = "",
    *,
    create: str = "",
    update: str = "",
    only: Mapping[Only, str] | None = None,
    further: str = "",
    lenient: bool = False,
    alike: Mapping[str, tuple[str, str]] | None = None,
) -> Writes:
    """Declare what is written. Names are separated by blanks; `create` and `update` add to `both`."""
    words = {name: frozenset(text.split()) for name, text in locals().items() if isinstance(text, str)}
    return Writes(
        create=words["both"] | words["create"] | words["further"],
        update=words["both"] | words["update"],
        only={who: frozenset(names.split()) for who, names in (only or {}).items()},
        further=words["further"],
        lenient=lenient,
        alike=alike or {},
    )


async def check_writer(resource: "Resource", change: Change) -> None:
    """Refuse (403) an update's changes that are for others than the caller.

    What a form sends back as it was is no change, whoever sends it, unless that is said to be refused too.
    """
    for who, names in resource.writes.only.items():
        touched = names & (change.values.keys() | change.relations.keys())
        if not touched or who.test(change):
            continue
        for name in sorted(touched):
            if who.unasked or await _changes(resource, change, name):
                raise Forbidden(f"{name}: only for {who.text}.")
            change.relations.pop(name, None)


async def _changes(resource: "Resource", change: Change, name: str) -> bool:
    relation = resource.by_key.get(name)
    if relation is None:
        return change.changes(name)
    linked = await change.tx.column(_linked(relation), row_id=change.row_id)
    return set(linked) != set(change.relations[name])


@lru_cache(512)
def _linked(relation: Relation) -> Executable:
    return select(relation.other).where(relation.owner == param("row_id"))


# References


@dataclass(frozen=True)
class Reference:
    """A column or relation of a resource whose ids are rows of a production."""

    key: str
    target: Table
    lent: bool
    relation: "Relation | None" = None
    anchor: str | None = None  #: the column of the target that must equal one of the row


@lru_cache(512)
def references(resource: "Resource") -> Mapping[str, Reference]:
    """What a resource's rows refer to, by key."""
    return {reference.key: reference for reference in _references(resource)}


def _references(resource: "Resource") -> Iterator[Reference]:
    def anchor(key: str) -> str | None:
        return resource.writes.alike.get(key, (None, None))[0]

    for column in belonging.references(resource.table):
        target = belonging.target_of(column)
        if target is not None and column.name != "project_id":
            yield Reference(column.name, target, belonging.is_lent(column), anchor=anchor(column.name))
    for relation in resource.relations:
        if relation.writable and belonging.belongs(relation.target):
            yield Reference(relation.key, relation.target, _is_lent(relation), relation, anchor(relation.key))


def _is_lent(relation: Relation) -> bool:
    return belonging.is_lent(relation.other) or belonging.is_lent(relation.owner)


@lru_cache(1024)
def _named(resource: "Resource", keys: tuple[str, ...], stored: bool) -> Executable:
    """The rows that these references name, held until the commit, each with its production.

    One without a key is the row about to be written, when it is stored already. What it is linked to is not repeated.
    """
    parts = [_row(reference, stored) for reference in (references(resource)[key] for key in keys)]
    if stored:
        table = resource.table
        home = select(
            literal("", Text).label("key"),
            table.c.id.label("id"),
            belonging.production_of(table).label("production"),
            false().label("lent"),
            literal(None, Uuid).label("anchor"),
        )
        parts.insert(0, home.where(table.c.id == param("row_id")))
    return union_all(*[select(part.subquery()) for part in parts])


def _row(reference: Reference, stored: bool) -> Select[Any]:
    target, relation = reference.target, reference.relation
    lent = target.c.is_shared if reference.lent and "is_shared" in target.c else false()
    anchor = literal(None, Uuid) if reference.anchor is None else target.c[reference.anchor]
    rows = select(
        literal(reference.key, Text).label("key"),
        target.c.id.label("id"),
        belonging.production_of(target).label("production"),
        lent.label("lent"),
        anchor.label("anchor"),
    ).where(target.c.id == any_(bindparam(f"ids_{reference.key}", type_=ARRAY(Uuid))))
    if relation is not None and stored:
        linked = select(relation.other).where(relation.owner == param("row_id"))
        rows = rows.where(target.c.id.not_in(linked))
    return rows.with_for_update(read=True, key_share=True, of=target)


async def check_references(resource: "Resource", changes: Sequence[Change]) -> None:
    """Refuse (400) references to rows of other productions than a row's own, naming the key.

    Several changes are creates.
    """
    named = [dict(_references_of(resource, change)) for change in changes]
    keys = tuple(key for key in references(resource) if any(key in ids for ids in named))
    if not keys:
        return
    change = changes[0]
    stored = change.before is not None
    params: dict[str, Any] = {
        f"ids_{key}": list(dict.fromkeys(row_id for ids in named for row_id in ids.get(key, ()))) for key in keys
    }
    if stored:
        params["row_id"] = change.row_id
    rows = await change.tx.rows(_named(resource, keys, stored), **params)
    by_name = {(row["key"], row["id"]): row for row in rows if row["key"]}
    home = next((row["production"] for row in rows if not row["key"]), None)
    for change, ids in zip(changes, named, strict=True):
        there = ((key, row_id) for key in keys for row_id in ids.get(key, ()))
        _refuse_strangers(resource, change, [by_name[name] for name in there if name in by_name], home)


def _refuse_strangers(
    resource: "Resource", change: Change, targets: Sequence[asyncpg.Record], home: UUID | None
) -> None:
    """Refuse what a change refers to when it is not of the row's production, which is `home` when it is stored."""
    home = change.values.get("project_id") if home is None else home
    if home is None and "project_id" not in resource.table.c:
        home = _first_production(resource.table, {row["key"]: row["production"] for row in targets})
    for row in targets:
        key = row["key"]
        if row["production"] != home and not row["lent"]:
            raise BadRequest(f"{key}: {row['id']} is not of this production.")
        if key in resource.writes.alike and row["anchor"] != change.after(resource.writes.alike[key][1]):
            raise BadRequest(
                f"{key}: {row['id']} is not of the same {resource.writes.alike[key][0].removesuffix('_id')}."
            )


def _references_of(resource: "Resource", change: Change) -> Iterator[tuple[str, list[UUID]]]:
    """The references that a write gives, with the ids they name."""
    for key in references(resource):
        if key in change.vouched:
            continue
        if change.relations.get(key):
            yield key, change.relations[key]
        elif change.values.get(key) is not None and change.changes(key):
            yield key, [change.values[key]]


def _first_production(table: Table, productions: Mapping[str, UUID | None]) -> UUID | None:
    """The production of a row that belongs to that of what it refers to."""
    owners: tuple[Column[Any], ...] = belonging.owners(table)
    return next((production for owner in owners if (production := productions.get(owner.name)) is not None), None)
