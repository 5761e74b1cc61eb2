"""What is copied between servers, and in which order: derived from the declared resources and their references.

Every resource of the API is a part: its rows travel as the API shows them. Links without a resource of their own (a
team, assignees, mentions…) travel with the row that lists them. A part comes after all that it names; references that
go in a circle (an entity and its main preview) are `late`: they are written once all rows are there.

What no API tells does not travel: passwords (unless they are asked for), second factors, sessions and tokens of bots,
logs of events and sign-ins, versions of entities, share links, plugins.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from sqlalchemy import Index, LargeBinary, Table, UniqueConstraint

from pegbar.core.data import belonging
from pegbar.core.data import resource as resources
from pegbar.core.data.removal import goes_of
from pegbar.core.data.resource import Resource
from pegbar.core.data.schema import OWN_SCHEMA, Column, Uuid, default_of, metadata

#: Resources that say something of one server only: what happened there, and what is installed there.
_OF_ONE_SERVER = frozenset({"api_event", "plugin"})
#: Columns that say how somebody signs in to one server, whose secrets stay there.
_STAYS = {
    "person": frozenset(
        {
            *("totp_enabled", "email_otp_enabled", "fido_enabled", "preferred_two_factor_authentication"),
            *("is_generated_from_ldap", "ldap_uid", "last_presence"),
        }
    )
}
#: A studio has one of these, whatever it is called; and these are told apart by columns that no constraint names.
_NATURAL: dict[str, tuple[str, ...]] = {
    "organisation": (),
    "salary_scale": ("department_id", "position", "seniority"),
    "custom_action": ("name", "url", "entity_type"),
    "status_automation": (
        *("entity_type", "in_task_type_id", "in_task_status_id"),
        *("out_field_type", "out_task_type_id", "out_task_status_id"),
    ),
}
#: What a row of the API calls a column, where that differs.
ALIASES = {"notification": {"type": "notification_type"}}
#: Names of links that a page of settings adds to their rows (`staging.py`), and the columns told there.
_DETAILS = {
    "project_person_link": ("role",),
    "project_task_type_link": ("priority", "hd_bitrate_compression", "ld_bitrate_compression", "is_client_visible"),
    "project_task_status_link": ("priority", "roles_for_board", "is_client_allowed"),
}

#: Links that no relation lists, by the table of their owner: routes of their own tell them (`staging.py`).
_TOLD_APART = {
    "project": ("project_task_type_software_link",),
    "department": ("software_department_link", "hardware_item_department_link"),
}


@dataclass(frozen=True)
class Link:
    """A link table that travels with its owner: in a row's `key`, a list of objects with these columns."""

    key: str
    owner: Column[Any]
    others: tuple[Column[Any], ...]
    details: tuple[str, ...] = ()

    @property
    def table(self) -> Table:
        """The link table."""
        assert isinstance(self.owner.table, Table)
        return self.owner.table


@dataclass(frozen=True)
class Key:
    """Columns of which no two rows have the same; `where` some condition holds, as text."""

    columns: tuple[str, ...]
    where: str | None = None


@dataclass(eq=False)
class Part:
    """A table that is copied."""

    resource: Resource
    links: tuple[Link, ...]
    late: frozenset[str] = frozenset()

    @property
    def table(self) -> Table:
        """The table."""
        return self.resource.table

    @property
    def name(self) -> str:
        """The name of the table."""
        return self.table.name

    @property
    def path(self) -> str:
        """The path of its list."""
        return self.resource.path

    @property
    def title(self) -> str:
        """What people call it: `task types`."""
        return self.path.rpartition("/")[2].replace("-", " ")

    @cached_property
    def columns(self) -> tuple[Column[Any], ...]:
        """The columns that travel."""
        stays = _STAYS.get(self.name, frozenset())
        assert self.resource.wire is not None
        return tuple(
            column
            for column in self.table.columns
            if column.name in self.resource.wire
            and column.name not in stays
            and not isinstance(column.type, LargeBinary)
        )

    @cached_property
    def hidden(self) -> tuple[Column[Any], ...]:
        """The columns that stay as they are here."""
        return tuple(column for column in self.table.columns if column not in self.columns)

    @cached_property
    def filled(self) -> tuple[Column[Any], ...]:
        """The columns of those that a new row has a value in."""
        return tuple(column for column in self.hidden if default_of(column) is not None)

    @property
    def belongs(self) -> bool:
        """Whether its rows are of productions; else they are the studio's."""
        return belonging.belongs(self.table)

    @cached_property
    def keys(self) -> tuple[Key, ...]:
        """What is unique, besides the id."""
        return tuple(sorted(set(_keys(self.table)), key=lambda key: key.columns))

    @cached_property
    def identity(self) -> tuple[str, ...]:
        """What tells a row that is there already: its id, but for links with an id in their primary key."""
        if [column.name for column in self.table.primary_key] == ["id"]:
            return ("id",)
        return self.keys[0].columns

    @cached_property
    def references(self) -> tuple[Column[Any], ...]:
        """The columns that must name rows that are here."""
        return tuple(column for column in self.columns if _must_exist(column))


def _must_exist(column: Column[Any]) -> bool:
    if not isinstance(column.type, Uuid):
        return False
    named = column.info.get("names")
    # What an item of a schedule is about may be of several tables.
    return bool(column.foreign_keys) or (named == "task" and goes_of(column) == "with")


def _keys(table: Table) -> Iterator[Key]:
    if table.name in _NATURAL:
        yield Key(_NATURAL[table.name])
    for constraint in table.constraints:
        if isinstance(constraint, UniqueConstraint):
            yield Key(tuple(column.name for column in constraint.columns))
    for index in table.indexes:
        if isinstance(index, Index) and index.unique:
            where = index.dialect_options["postgresql"]["where"]
            yield Key(tuple(column.name for column in index.columns), None if where is None else str(where))
    for column in table.columns:
        if column.unique:
            yield Key((column.name,))


def _links(resource: Resource, taken: set[str], own: set[str]) -> Iterator[Link]:
    for relation in resource.relations:
        name = relation.link.name
        # What lists the ids of rows themselves (attachments, builds of playlists) is no link.
        if name not in taken | own and relation.other.foreign_keys:
            taken.add(name)
            yield Link(relation.key, relation.owner, (relation.other,), _DETAILS.get(name, ()))
    for name in _TOLD_APART.get(resource.table.name, ()):
        owner, *others = (column for column in metadata.tables[name].primary_key if column.foreign_keys)
        yield Link(name, owner, tuple(others))


@cache
def parts() -> tuple[Part, ...]:
    """All parts, each after those that it names."""
    chosen = [
        resource
        for resource in resources.declared
        if resource.table.name not in _OF_ONE_SERVER and resource.table.schema != OWN_SCHEMA
    ]
    own, taken = {resource.table.name for resource in chosen}, set[str]()
    copied = {resource.table.name: Part(resource, tuple(_links(resource, taken, own))) for resource in chosen}
    late = _late(copied)
    for part in copied.values():
        part.late = frozenset(column.name for column in late if column.table is part.table)
    return tuple(_ordered(copied, late))


def part_of(name: str) -> Part | None:
    """The part that is a table, by its name."""
    return next((part for part in parts() if part.name == name), None)


def _late(copied: dict[str, Part]) -> set[Column[Any]]:
    """References to leave open so that no circle is left: those that nothing goes with before the others."""
    late: set[Column[Any]] = set()
    for rank in (("null", "hook", "refuse"), ("with",)):
        circles = _in_circles(_edges(copied, late))
        late |= {
            column
            for name in circles
            for column in copied[name].references
            if column.nullable
            and goes_of(column) in rank
            and (target := belonging.target_of(column)) is not None
            and target.name in circles
        }
    assert not _in_circles(_edges(copied, late)), "references go in a circle that cannot be left open"
    return late


def _edges(copied: dict[str, Part], late: set[Column[Any]]) -> dict[str, set[str]]:
    """What the rows of each part name. Links are written after all rows, and so close no circle."""
    edges = {}
    for name, part in copied.items():
        targets = {belonging.target_of(column) for column in part.references if column not in late}
        edges[name] = {target.name for target in targets if target is not None and target.name in copied}
    return edges


def _reached(start: str, edges: dict[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    waiting = list(edges[start])
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += edges[name]
    return seen


def _in_circles(edges: dict[str, set[str]]) -> set[str]:
    return {name for name in edges if name in _reached(name, edges)}


def _ordered(copied: dict[str, Part], late: set[Column[Any]]) -> Iterator[Part]:
    edges, done = _edges(copied, late), set[str]()
    while len(done) < len(copied):
        ready = sorted(name for name in copied if name not in done and edges[name] <= done)
        yield from (copied[name] for name in ready)
        done |= set(ready)


_WORD = re.compile(r"[a-z][a-z0-9_]*")


def quoted(names: Iterable[str]) -> str:
    """Names of columns of ours, for a statement."""
    listed = list(names)
    assert all(_WORD.fullmatch(name) for name in listed), listed
    return ", ".join(f'"{name}"' for name in listed)
