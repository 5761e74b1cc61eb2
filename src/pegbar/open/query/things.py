"""What can be asked for: the tables that callers list, and for each which rows and which fields they are told there.

Derived from the resources: their columns, relations, `scope` and shapes. What stands here besides is who is told of
rows whose plain list is for studio managers, and what no query tells anybody.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Select,
    Table,
    Text,
    Uuid,
    case,
    cast,
    false,
    func,
    literal_column,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import JSONB

from pegbar.accounts.people.queries import listing_wire
from pegbar.accounts.people.shapes import OUTSIDERS, TEAM_MATE
from pegbar.accounts.resources import departments, persons
from pegbar.accounts.standing import CALLER, Narrowing, Shapes, Told, assigned, assigned_on, is_concept
from pegbar.accounts.tables import person
from pegbar.core.data.changes import Relation
from pegbar.core.data.parameters import CALLER_ID
from pegbar.core.data.resource import Resource
from pegbar.core.http.access import Caller, Rule, authenticated
from pegbar.entities.kinds import EPISODE, KINDS, SEQUENCE, is_kind
from pegbar.entities.resources import SHAPES as ENTITY_SHAPES
from pegbar.entities.resources import entities, entity_links
from pegbar.entities.scopes import ASSIGNED, ASSIGNED_IN_EPISODE, ASSIGNED_IN_SEQUENCE, FOR_CLIENTS
from pegbar.entities.shapes import of_production
from pegbar.entities.tables import entity, entity_link
from pegbar.files.resources import file_statuses, output_files, output_types, working_files
from pegbar.media.resources import preview_files
from pegbar.media.tables import preview_file
from pegbar.notifications.resources import notifications
from pegbar.notifications.tables import notification
from pegbar.planning.resources import milestones
from pegbar.planning.tables import milestone
from pegbar.productions.resources import metadata_descriptors, projects
from pegbar.review.resources import playlists
from pegbar.review.tables import playlist
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
from pegbar.tasks.resources import news_items, tasks
from pegbar.tasks.tables import comment, news, task
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
class Through:
    """A relation whose links are no rows but a part of some: `owner` and `other` of what a statement selects."""

    key: str
    link: Select[Any]
    target: Table
    among: None = None

    @property
    def owner(self) -> Any:
        """The column of the rows that have the links."""
        return self.link.selected_columns[0]

    @property
    def other(self) -> Any:
        """The column of the rows that they lead to."""
        return self.link.selected_columns[1]


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
    #: Each caller's own, studio managers' too.
    own: bool = False
    #: Relations besides those of the resource.
    through: tuple[Through, ...] = ()

    @property
    def table(self) -> Table:
        """The table of the rows."""
        return self.resource.table

    @property
    def several(self) -> str:
        """What a relation that leads to several of them is called."""
        return self.name.replace("-", "_")

    @property
    def relations(self) -> tuple[Relation | Through, ...]:
        """What the rows are linked to, besides what they refer to."""
        return (*self.resource.relations, *self.through)

    def rows(self, caller: Caller) -> list[ColumnElement[bool]]:
        """The conditions on rows of the table that the caller is told of."""
        conditions = [None if caller.is_admin and not self.own else self._scope(caller), self.resource.listed]
        if self.kind is not None:
            conditions.append(is_kind(self.kind))
        return [condition for condition in conditions if condition is not None]

    def _scope(self, caller: Caller) -> ColumnElement[bool] | None:
        return self.scope(caller, first=True) if isinstance(self.scope, Narrowing) else self.scope(caller)

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
_entry = (
    func.jsonb_array_elements(
        case((func.jsonb_typeof(playlist.c.shots) == literal_column("'array'"), playlist.c.shots))
    )
    .table_valued(Column("value", JSONB))
    .render_derived(name="entry")
)
_preview_id = _entry.c.value["preview_file_id"].astext
_IS_ID = literal_column("'^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$'", Text)
#: The previews that a playlist shows, by its entries.
_ENTRIES = select(
    playlist.c.id.label("playlist_id"),
    cast(case((_preview_id.op("~")(_IS_ID), _preview_id)), Uuid).label("preview_file_id"),
).select_from(playlist.join(_entry, true()))
_offer(playlists, through=(Through("preview_files", _ENTRIES, preview_file),))
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


#: As in the news of all productions: vendors get those of their tasks, clients none.
_offer(
    news_items,
    lists=authenticated,
    scope=Narrowing(
        _of_task(task.c.project_id, news.c.task_id), vendor=assigned(CALLER, news.c.task_id), client=false()
    ),
)
_offer(notifications, lists=authenticated, scope=lambda _: notification.c.person_id == CALLER_ID, own=True)

# Casting


def _of_entity(entity_id: ColumnElement[Any]) -> ColumnElement[Any]:
    row = entity.alias("casting")
    return select(row.c.project_id).where(row.c.id == entity_id).correlate_except(row).scalar_subquery()


_casting = Narrowing(
    _of_entity(entity_link.c.entity_in_id), vendor=false(), client=~is_concept(entity_link.c.entity_in_id)
)


def _cast(caller: Caller) -> ColumnElement[bool]:
    """As in the casting of an entity, which vendors are not told: what is cast is of its production, or is shared."""
    of_team = _casting(caller, first=True)
    owner, other = entity.alias("casting"), entity.alias("cast")
    together: Select[Any] = select(literal_column("1")).where(
        owner.c.id == entity_link.c.entity_in_id,
        other.c.id == entity_link.c.entity_out_id,
        of_production(other, owner),
    )
    is_told = together.correlate_except(owner, other).exists()
    return is_told if of_team is None else of_team & is_told


#: What else a link holds is for scripts of studio managers.
_offer(
    entity_links,
    lists=authenticated,
    scope=_cast,
    hidden=lambda caller: frozenset() if caller.is_admin else frozenset({"data"}),
)


def generic(table: Table) -> Thing | None:
    """The thing that all rows of a table are; None for a table that no query tells of."""
    return next((thing for thing in THINGS.values() if thing.table is table and thing.kind is None), None)


def of_kind(kind: str) -> Thing:
    """The entities of a kind."""
    return THINGS[KINDS[kind].plural]
