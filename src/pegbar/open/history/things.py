"""The things whose history is told, and to whom: whoever may read the row, with the keys that they read of it.

A thing is a resource (core/data/resource.py) or a kind of entity: its name is that of its paths. What resources show to
studio managers only, though a production's managers see it elsewhere, has a rule of its own here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from sqlalchemy import Table, select

from pegbar.core.data import belonging, resource
from pegbar.core.data.history import history, left_out, recorded, subject_of
from pegbar.core.data.parameters import param
from pegbar.core.data.resource import Resource
from pegbar.core.data.schema import metadata
from pegbar.core.errors import NotFound
from pegbar.core.http.access import Caller, Place, Rule, admin, manager_of, staff_of, supervisor_of
from pegbar.entities.kinds import KINDS
from pegbar.entities.tables import entity
from pegbar.planning.tables import day_off
from pegbar.productions.tables import budget, budget_entry, metadata_descriptor
from pegbar.review.tables import playlist
from pegbar.tasks.tables import comment
from pegbar.timesheets.tables import time_spent

_KEY = param("key")
#: The parameter of the path that names a row.
ROW = "instance_id"


def _of_production(table: Table) -> Place:
    """The production of a row that is there."""
    return Place("project", ROW, select(belonging.production_of(table).label("place_id")).where(table.c.id == _KEY))


def _of_gone(table: Table) -> Place:
    """The production of a row that was deleted."""
    deleted = (history.c.row_id == _KEY) & (history.c.table_name == table.fullname) & (history.c.op == "D")
    return Place("project", ROW, select(history.c.project_id.label("place_id")).where(deleted))


_RULES: Mapping[Table, Rule] = {
    comment: supervisor_of(_of_production(comment)),
    metadata_descriptor: supervisor_of(_of_production(metadata_descriptor)),
    **{table: manager_of(_of_production(table)) for table in (time_spent, budget, budget_entry)},
    # Clients are shown the playlists meant for them only, and people why others are away.
    playlist: staff_of(_of_production(playlist)),
    day_off: admin,
}


@dataclass(frozen=True)
class Thing:
    """What has a history, by the name of its paths."""

    name: str
    resource: Resource
    reading: Rule  #: who may read a row that is there

    @property
    def table(self) -> Table:
        """The table of its rows."""
        return self.resource.table

    @property
    def rule(self) -> Rule:
        """Who is told: of a deleted row, managers and supervisors of its production who might read it."""
        if not belonging.belongs(self.table):
            return self.reading
        reading = self.reading
        of_gone = Rule(
            "managers and supervisors of the production",
            lambda caller: caller.supervises and reading.test(caller),
            _of_gone(self.table),
            gone=admin,
        )
        return replace(reading, gone=of_gone)

    def links(self, caller: Caller) -> list[str]:
        """The tables of links that belong to its rows first, which the studio's people are told of."""
        return _links_of(self.table) if caller.is_staff else []

    def columns(self, caller: Caller) -> list[str]:
        """The columns that a caller is told of: those that they read as they are, and metadata (in part)."""
        shown, whole = self.resource.shape_for(caller), self.resource.wire
        assert whole is not None
        hidden = {*left_out(self.table), *self.resource.hidden}
        return [
            str(name)  # a plain one: JSON takes no other
            for name in self.table.columns.keys()  # noqa: SIM118 - a collection of columns
            if name not in hidden and name in shown and (shown[name] is whole[name] or name == "data")
        ]


@lru_cache(None)
def _links_of(table: Table) -> list[str]:
    return [
        link.fullname
        for link in metadata.tables.values()
        if recorded(link) == "all"
        and subject_of(link) != "id"
        and belonging.target_of(link.c[subject_of(link)]) is table
    ]


@lru_cache(None)
def things() -> Mapping[str, Thing]:
    """Every thing, by name."""
    known = {
        item.path.removeprefix("/data/"): Thing(
            item.path.removeprefix("/data/"), item, _RULES.get(item.table, item.access.read)
        )
        for item in resource.declared
        if recorded(item.table) == "all" and subject_of(item.table) == "id"
    }
    of_entities = known["entities"]
    return known | {kind.plural: replace(of_entities, name=kind.plural) for kind in KINDS.values()}


@lru_cache(None)
def by_table() -> Mapping[str, Thing]:
    """The things by their table."""
    return {thing.table.fullname: thing for thing in things().values() if thing.table is not entity} | {
        entity.fullname: things()["entities"]
    }


def thing_of(name: str) -> Thing:
    """The thing of a name. Raises NotFound."""
    thing = things().get(name)
    if thing is None:
        raise NotFound(f"thing: {name[:80]!r} has no history. One of {', '.join(sorted(things()))} has.")
    return thing


#: Who is told of a row, by what the path names.
of_row = Rule(
    "whoever may read the row; once it is deleted, managers and supervisors of its production",
    lambda caller: caller.is_admin,
    narrowed=True,
    chosen=lambda parameters: thing_of(parameters["thing"]).rule,
)
