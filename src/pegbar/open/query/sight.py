"""Things as a caller sees them: their fields, typed, and the relations between them, with the caller's standing inside.

Both are derived: fields from what a resource tells this caller, relations from references, link tables and kinds. What
the caller is not told is not there, in whichever direction it is looked for. A related row that the caller may not see
is none.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

from sqlalchemy import (
    ARRAY,
    Boolean,
    Column,
    ColumnElement,
    Date,
    Float,
    Integer,
    Label,
    Numeric,
    String,
    Table,
    Uuid,
    case,
    null,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

from pegbar.accounts.standing import Told
from pegbar.core.data.belonging import target_of
from pegbar.core.data.changes import Relation
from pegbar.core.data.fragments import Template, template
from pegbar.core.data.wire import JsonText, json_or_null_text
from pegbar.core.http.access import Caller
from pegbar.entities.kinds import KINDS
from pegbar.open.query.things import THINGS, Thing, Through, generic, of_kind

#: What a field holds. `words` is a list of texts, `json` is told and not compared; `any` is metadata without a column,
#: compared as the value that it is compared with.
Kind = Literal["text", "number", "boolean", "date", "moment", "id", "words", "json", "any"]
_KINDS: tuple[tuple[Any, Kind], ...] = (
    (JsonText, "json"),
    (String, "text"),
    (Uuid, "id"),
    (Boolean, "boolean"),
    (Integer | Float | Numeric, "number"),
    (Date, "date"),
    (TIMESTAMP, "moment"),
    (JSONB, "json"),
)


def _kind_of(value: ColumnElement[Any]) -> Kind:
    if isinstance(value.type, ARRAY):
        return "words" if isinstance(value.type.item_type, String) else "json"
    return next((kind for types, kind in _KINDS if isinstance(value.type, types)), "json")


@dataclass(frozen=True, eq=False)
class Field:
    """A field of a thing."""

    name: str
    kind: Kind
    told: Told
    table: Table

    def of(self, row: str) -> ColumnElement[Any]:
        """Its value in the row that a statement calls so; NULL where the caller is told nothing."""
        return self._template.about(row)

    def json_of(self, row: str) -> ColumnElement[str]:
        """The same as JSON: `null` where there is none."""
        return self._json.about(row)

    @cached_property
    def _value(self) -> ColumnElement[Any]:
        if self.told.hidden is None:
            return self.told.value
        return type_coerce(case((self.told.hidden, null()), else_=self.told.value), self.told.value.type)

    @cached_property
    def _template(self) -> Template:
        return template(self._value, self.table)

    @cached_property
    def _json(self) -> Template:
        return template(json_or_null_text(self._value), self.table)


@dataclass(frozen=True, eq=False)
class Step:
    """A relation from a thing to another: by a reference of either, or through a table of links."""

    name: str
    to: Thing | None  #: None: only the ids are told
    several: bool
    reference: Field | None = None  #: of this thing, or of the other when it leads to several
    link: Relation | Through | None = None
    backwards: bool = False  #: from the rows that the link names to those that own it
    #: The condition on rows whose links are not told; about the rows that own them.
    hidden: Template | None = None
    otherwise: str = ""  #: its name when another relation has the first


@dataclass(eq=False)
class Seen:
    """A thing as a caller sees it."""

    thing: Thing
    sight: "Sight"
    fields: dict[str, Field]
    scope: list[ColumnElement[bool]] = field(default_factory=list)

    @property
    def table(self) -> Table:
        """The table of the rows."""
        return self.thing.table

    def rows(self, row: str) -> list[ColumnElement[bool]]:
        """The conditions on the row that a statement calls so, which make it one that the caller is told of."""
        return [condition.about(row) for condition in self._conditions]

    @cached_property
    def _conditions(self) -> list[Template]:
        return [template(condition, self.table) for condition in self.scope]

    @cached_property
    def steps(self) -> dict[str, Step]:
        """The relations that lead from here, by name: the first of a name counts."""
        steps: dict[str, Step] = {}
        plainly = (*self._forward(), *self._linked(), *self._below(), *self._backward(plain=True))
        for step in (*plainly, *self._linked_back(), *self._backward(plain=False)):
            name = step.otherwise if step.otherwise and step.name in steps else step.name
            if name not in self.fields or not step.several:
                steps.setdefault(name, replace(step, name=name))
        for step in [*steps.values()]:
            short = step.name.removeprefix(f"{self.table.name}_")
            if short != step.name and short not in self.fields and not step.several:
                steps.setdefault(short, step)
        return {name: step for name, step in steps.items() if name != "type"}

    def _forward(self) -> Iterator[Step]:
        for column in self.table.columns:
            reference, target = self.fields.get(column.name), _named_by(column)
            if reference is None or target is None or (to := generic(target)) is None:
                continue
            name = target.name if column.name == "object_id" else column.name.removesuffix("_id")
            yield from self._by_kind(column, reference)
            if self.sight.sees(to):
                yield Step(name, to, several=False, reference=reference)

    def _by_kind(self, column: Column[Any], reference: Field) -> Iterator[Step]:
        """What is above an entity, and the entity that something is about, by the name of their kind."""
        kind = KINDS.get(self.thing.kind or "")
        for other in KINDS.values():
            name = other.subject.replace("-", "_")
            above = column.name == "parent_id" and kind is not None and kind.parent == other.name
            if above or column.name in (f"{name}_id", "entity_id"):
                yield Step(name, of_kind(other.name), several=False, reference=reference)
        if self.thing.kind == "Asset" and column.name == "entity_type_id":
            yield Step("asset_type", THINGS["entity-types"], several=False, reference=reference)

    def _linked(self) -> Iterator[Step]:
        for relation in self.thing.relations:
            if self.thing.tells_relation(self.sight.caller, relation.key):
                to = generic(relation.target)
                seen = to if to is not None and self.sight.sees(to) else None
                hidden = self.sight.hidden_of(self.thing, relation.key)
                yield Step(relation.key, seen, several=True, link=relation, hidden=hidden)

    def _below(self) -> Iterator[Step]:
        """The entities of a kind below this one, or in this production."""
        for other in KINDS.values():
            seen = self.sight[of_kind(other.name).name]
            if self.thing.kind is not None and other.parent == self.thing.kind and "parent_id" in seen.fields:
                yield Step(seen.thing.several, seen.thing, several=True, reference=seen.fields["parent_id"])
            if self.table.name == "project" and "project_id" in seen.fields:
                yield Step(seen.thing.several, seen.thing, several=True, reference=seen.fields["project_id"])

    def _linked_back(self) -> Iterator[Step]:
        for other in self.sight.generics():
            for relation in other.relations:
                told = other.tells_relation(self.sight.caller, relation.key)
                if relation.target is self.table and other.table is not self.table and told:
                    hidden = self.sight.hidden_of(other, relation.key)
                    otherwise = f"{other.several}_as_{relation.key}"
                    step = Step(other.several, other, several=True, link=relation, backwards=True, hidden=hidden)
                    yield replace(step, otherwise=otherwise)

    def _backward(self, *, plain: bool) -> Iterator[Step]:
        """Rows that refer to this one: by the name of its table, or as something else."""
        for other in self.sight.generics():
            fields = self.sight[other.name].fields
            for column in other.table.columns:
                if column.name not in fields or _named_by(column) is not self.table:
                    continue
                role = column.name.removesuffix("_id")
                if (role == self.table.name or column.name == "object_id") is not plain:
                    continue
                name = "children" if column.name == "parent_id" else f"{other.several}_as_{role}"
                names = (other.several, name) if plain else (name, "")
                yield Step(names[0], other, several=True, reference=fields[column.name], otherwise=names[1])


def _named_by(column: Column[Any]) -> Table | None:
    """The table that a column of ids refers to."""
    return target_of(column) if isinstance(column.type, Uuid) else None


class Sight:
    """All things as callers of the same roles see them."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self._seen: dict[str, Seen] = {}

    def sees(self, thing: Thing) -> bool:
        """Whether the caller may ask for a thing at all."""
        return thing.lists.test(self.caller)

    def generics(self) -> list[Thing]:
        """The things that are all rows of a table, of those that the caller may ask for."""
        return [thing for thing in THINGS.values() if thing.kind is None and self.sees(thing)]

    def hidden_of(self, thing: Thing, key: str) -> Template | None:
        """The condition on rows of a thing of which a key is not told."""
        told = thing.told(self.caller).get(key)
        return None if told is None or told.hidden is None else template(told.hidden, thing.table)

    def __getitem__(self, name: str) -> Seen:
        seen = self._seen.get(name)
        if seen is None:
            thing = THINGS[name]
            relations = {relation.key for relation in thing.resource.relations}
            fields = {
                key: Field(key, _kind_of(told.value), _unlabelled(told), thing.table)
                for key, told in thing.told(self.caller).items()
                if key not in relations
            }
            seen = self._seen[name] = Seen(thing, self, fields, thing.rows(self.caller))
        return seen


def _unlabelled(told: Told) -> Told:
    value = told.value
    return Told(value.element, told.hidden) if isinstance(value, Label) else told


_sights: dict[tuple[str, frozenset[str]], Sight] = {}


def sight_of(caller: Caller) -> Sight:
    """What a caller sees: of the same roles, the same; who they are is a parameter of statements."""
    key = (caller.role, caller.roles)
    if key not in _sights:
        _sights[key] = Sight(caller)
    return _sights[key]
