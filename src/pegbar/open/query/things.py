"""What can be asked for: the tables that callers list, and for each which rows and which fields they are told there.

Derived from the resources: their columns, relations, `scope` and shapes. What stands here besides is who is told of
rows whose plain list is for studio managers, and what no query tells anybody.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Table, false, select

from pegbar.accounts.people.queries import listing_wire
from pegbar.accounts.people.shapes import OUTSIDERS, TEAM_MATE
from pegbar.accounts.resources import departments, persons
from pegbar.accounts.standing import CALLER, Narrowing, Shapes, Told, assigned_on, is_concept
from pegbar.accounts.tables import person
from pegbar.core.data.parameters import CALLER_ID
from pegbar.core.data.resource import Resource
from pegbar.core.http.access import Caller, Rule, authenticated
from pegbar.entities.kinds import EPISODE, KINDS, SEQUENCE, is_kind
from pegbar.entities.resources import SHAPES as ENTITY_SHAPES
from pegbar.entities.resources import entities
from pegbar.entities.scopes import ASSIGNED, ASSIGNED_IN_EPISODE, ASSIGNED_IN_SEQUENCE, FOR_CLIENTS
from pegbar.entities.tables import entity
from pegbar.files.resources import file_statuses, output_files, output_types, working_files
from pegbar.media.resources import preview_files
from pegbar.planning.resources import milestones
from pegbar.planning.tables import milestone
from pegbar.productions.resources import metadata_descriptors, projects
from pegbar.review.resources import playlists
from pegbar.studio.resources import (
    entity_types,
    project_statuses,
    softwares,
    status_automations,
    studios,
    task_statuses,
    task_types,
)
from pegbar.tasks.comments import access as comment_access
from pegbar.tasks.comments.resources import comments
from pegbar.tasks.resources import SHAPES as TASK_SHAPES
from pegbar.tasks.resources import tasks
from pegbar.tasks.tables import comment, task
from pegbar.timesheets.resources import time_spents
from pegbar.timesheets.tables import time_spent

#: What a query tells nobody, studio managers included: addresses, pay, and what opens something.
NEVER = frozenset(
    {
        "email",
        "phone",
        "daily_salary",
        "password",
        "token",
        "jti",
        "ldap_uid",
        *(f"notifications_{channel}_userid" for channel in ("slack", "mattermost", "discord")),
    }
)

Rows = Callable[[Caller], ColumnElement[bool] | None]


def _nothing_hidden(_: Caller) -> frozenset[str]:
    return frozenset()


@dataclass(frozen=True, eq=False)
class Thing:
    """A kind of rows: its resource, who lists them, which of them, and what each tells."""

    name: str  #: in paths of the API and, with underscores, of relations that lead to several
    resource: Resource
    lists: Rule
    scope: Rows
    shapes: Shapes | None = None
    wire: Callable[[Caller], Mapping[str, ColumnElement[Any]]] | None = None
    hidden: Callable[[Caller], frozenset[str]] = _nothing_hidden
    kind: str | None = None  #: of entities

    @property
    def table(self) -> Table:
        """The table of the rows."""
        return self.resource.table

    @property
    def several(self) -> str:
        """What a relation that leads to several of them is called."""
        return self.name.replace("-", "_")

    def rows(self, caller: Caller) -> list[ColumnElement[bool]]:
        """The conditions on rows of the table that the caller is told of."""
        conditions = [None if caller.is_admin else self.scope(caller), self.resource.listed]
        if self.kind is not None:
            conditions.append(is_kind(self.kind))
        return [condition for condition in conditions if condition is not None]

    def told(self, caller: Caller) -> dict[str, Told]:
        """What the caller is told of a row, by key."""
        if self.shapes is not None:
            told = self.shapes.told(caller)
        else:
            wire = self.wire(caller) if self.wire else self.resource.shape_for(caller, listing=True)
            told = {key: Told(value) for key, value in wire.items()}
        hidden = NEVER | self.resource.hidden | self.hidden(caller)
        return {key: value for key, value in told.items() if key not in hidden}

    def tells_relation(self, caller: Caller, key: str) -> bool:
        """Whether the caller is told the ids that a relation of the resource lists."""
        if self.shapes is not None and key in self.shapes.keys:
            return key in self.told(caller)
        return key not in self.hidden(caller)


#: All of them, by name.
THINGS: dict[str, Thing] = {}


def _offer(resource: Resource, *, lists: Rule | None = None, scope: Rows | None = None, **more: Any) -> None:
    name = more.pop("name", resource.path.rpartition("/")[2])
    THINGS[name] = Thing(name, resource, lists or resource.access.list, scope or resource.scope, **more)


# The studio's

_OF_OWN_TEAMS = TEAM_MATE | (person.c.id == CALLER.id)

for _resource in (
    departments,
    entity_types,
    file_statuses,
    output_types,
    project_statuses,
    softwares,
    status_automations,
    studios,
    task_statuses,
    task_types,
):
    _offer(_resource)

#: The people whose records the caller may open: the plain list of names tells vendors more, for older clients.
_offer(
    persons,
    lists=authenticated,
    scope=lambda caller: _OF_OWN_TEAMS if caller.role in OUTSIDERS else None,
    wire=lambda caller: listing_wire(caller, relations=False, with_password=False),
    # Clients get names, without who works where.
    hidden=lambda caller: frozenset({"departments"} if caller.role == "client" else ()),
)

# Productions and what is in them

_offer(projects)
_offer(metadata_descriptors)
_offer(playlists)
_offer(working_files)
_offer(output_files)
_offer(preview_files)
_offer(tasks, shapes=TASK_SHAPES)
_offer(entities, shapes=ENTITY_SHAPES)

#: What vendors see of a kind by what they have to do in it; of the others what they have a task on.
_FOR_VENDORS = {SEQUENCE: ASSIGNED_IN_SEQUENCE, EPISODE: ASSIGNED_IN_EPISODE}

for _kind in KINDS.values():
    _offer(
        entities,
        name=_kind.plural,
        kind=_kind.name,
        shapes=ENTITY_SHAPES,
        scope=Narrowing(entity.c.project_id, vendor=_FOR_VENDORS.get(_kind.name, ASSIGNED), client=FOR_CLIENTS),
    )

_offer(milestones, lists=authenticated, scope=Narrowing(milestone.c.project_id, vendor=false(), client=false()))


def _of_task(column: ColumnElement[Any], task_id: ColumnElement[Any]) -> ColumnElement[Any]:
    return select(column).where(task.c.id == task_id).correlate_except(task).scalar_subquery()


_entity_of_comment = _of_task(task.c.entity_id, comment.c.object_id)
#: As in the thread of a task.
_offer(
    comments,
    lists=authenticated,
    scope=Narrowing(
        _of_task(task.c.project_id, comment.c.object_id),
        user=comment_access.FOR_ARTISTS,
        vendor=comment_access.FOR_ARTISTS & assigned_on(CALLER, _entity_of_comment),
        client=comment_access.FOR_CLIENTS & ~is_concept(_entity_of_comment),
    ),
)
#: As in the hours of a production: vendors see their own, clients none.
_offer(
    time_spents,
    lists=authenticated,
    scope=Narrowing(
        _of_task(task.c.project_id, time_spent.c.task_id), vendor=time_spent.c.person_id == CALLER_ID, client=false()
    ),
)


def generic(table: Table) -> Thing | None:
    """The thing that all rows of a table are; None for a table that no query tells of."""
    return next((thing for thing in THINGS.values() if thing.table is table and thing.kind is None), None)


def of_kind(kind: str) -> Thing:
    """The entities of a kind."""
    return THINGS[KINDS[kind].plural]
