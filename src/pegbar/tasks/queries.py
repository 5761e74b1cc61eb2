"""Reads of tasks. Source: spec tasks, operations on tasks and on /data/projects."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Executable,
    FromClause,
    Select,
    Text,
    any_,
    case,
    exists,
    func,
    literal_column,
    select,
)

from pegbar.accounts.people.shapes import record
from pegbar.accounts.standing import is_concept
from pegbar.accounts.tables import person
from pegbar.core.data.parameters import CALLER_ID, param
from pegbar.core.data.wire import EVERY_ROW, JsonText, Wire, json_list, json_object, json_or_null, wire_of
from pegbar.entities.kinds import EPISODE, KIND_OF_TYPE, SCENE, SEQUENCE, SHOT, is_kind
from pegbar.entities.metadata import data_for, masked_data
from pegbar.entities.shapes import UNTYPED
from pegbar.entities.tables import entity
from pegbar.notifications.tables import subscription
from pegbar.productions.shapes import PROJECT, PROJECT_SHOWN
from pegbar.productions.tables import project
from pegbar.studio.tables import entity_type, task_status, task_type
from pegbar.tasks.in_context import HERE, IS_HERE, by_role
from pegbar.tasks.shapes import TASK, TASK_FOR_CLIENTS, TASK_WITH_ASSIGNEES
from pegbar.tasks.tables import task, task_person_link

TASK_ID = param("task_id")
PROJECT_ID = param("project_id")
_LIMIT, _OFFSET = param("limit"), param("offset")

_PARENT, _SEQUENCE, _EPISODE = entity.alias("parent"), entity.alias("sequence"), entity.alias("episode")
_NULL = literal_column("'null'", JsonText())

# Of a production

#: Tasks of the shots of an episode.
OF_EPISODE = task.c.entity_id.in_(
    select(entity.c.id)
    .join(_PARENT, _PARENT.c.id == entity.c.parent_id)
    .where(_PARENT.c.parent_id == param("episode_id"), is_kind(SHOT))
)
ASSIGNED = exists().where(task_person_link.c.task_id == task.c.id, task_person_link.c.person_id == CALLER_ID)


@dataclass(frozen=True)
class Tasks:
    """Which tasks of a production, and for whom."""

    for_client: bool = False
    own: bool = False  #: for vendors: those assigned to the caller
    by_type: bool = False
    by_episode: bool = False

    def conditions(self) -> list[ColumnElement[bool]]:
        """The conditions on tasks."""
        choices: list[tuple[bool, ColumnElement[bool]]] = [
            (True, task.c.project_id == PROJECT_ID),
            (self.own, ASSIGNED),
            (self.for_client, ~is_concept(task.c.entity_id)),
            (self.by_type, task.c.task_type_id == param("task_type_id")),
            (self.by_episode, OF_EPISODE),
        ]
        return [condition for applies, condition in choices if applies]


@lru_cache
def number_of_tasks(which: Tasks) -> Executable:
    """How many these tasks are."""
    return select(func.count()).select_from(task).where(*which.conditions())


@lru_cache
def tasks(which: Tasks, *, paged: bool) -> Executable:
    """Tasks with their assignees, latest change first."""
    wire = TASK_FOR_CLIENTS if which.for_client else TASK_WITH_ASSIGNEES
    rows = (
        select(json_object(wire))
        .select_from(task)
        .where(*which.conditions())
        .order_by(task.c.updated_at.desc(), task.c.id)
    )
    return rows.limit(_LIMIT).offset(_OFFSET) if paged else rows.limit(EVERY_ROW)


# One task, with all around it


def _word(text: str) -> ColumnElement[str]:
    return literal_column(f"'{text}'", Text)


def _above_for(audience: str, kind: str, row: FromClause) -> Wire:
    """An entity above, as an audience sees it."""
    wire = wire_of(row, kind)
    return wire if audience == "studio" else wire.but(data=masked_data(audience, kind, row))


def _whole_wire(audience: str, role: str) -> Wire:
    """The keys for an audience; persons are as a caller of this studio role sees them."""
    for_client = audience == "client"
    assignees = (
        select(record(role, relations=False))
        .join(task_person_link, task_person_link.c.person_id == person.c.id)
        .where(task_person_link.c.task_id == task.c.id)
        .correlate(task)
    )
    assigner = select(record(role)).where(person.c.id == task.c.assigner_id).correlate(task).scalar_subquery()
    return (TASK_FOR_CLIENTS if for_client else TASK_WITH_ASSIGNEES).but(
        entity=json_object(UNTYPED.but(data=data_for(audience, KIND_OF_TYPE))),
        entity_type=json_object(wire_of(entity_type, "EntityType")),
        is_subscribed=exists().where(subscription.c.task_id == task.c.id, subscription.c.person_id == CALLER_ID),
        persons=literal_column("'[]'", JsonText()) if for_client else json_list(assignees),
        project=json_object(PROJECT if audience == "studio" else PROJECT_SHOWN),
        task_status=json_or_null(task_status.c.id, wire_of(task_status, "TaskStatus")),
        task_type=json_or_null(task_type.c.id, wire_of(task_type, "TaskType")),
        assigner=_NULL if for_client else assigner,
        sequence=json_or_null(_SEQUENCE.c.id, _above_for(audience, SEQUENCE, _SEQUENCE)),
        episode=json_or_null(_EPISODE.c.id, _above_for(audience, EPISODE, _EPISODE)),
    )


#: The sequence that a task is of: the parent of a shot or a scene, or the entity itself if it has an episode.
_SEQUENCE_ID = case(
    (KIND_OF_TYPE.in_([_word(SHOT), _word(SCENE)]), entity.c.parent_id),
    ((_word(SEQUENCE) == KIND_OF_TYPE) & entity.c.parent_id.is_not(None), entity.c.id),
)


def _whole(wire: Wire) -> Executable:
    return (
        select(json_object(wire))
        .select_from(
            task.join(project, project.c.id == task.c.project_id)
            .join(entity, entity.c.id == task.c.entity_id)
            .join(entity_type, entity_type.c.id == entity.c.entity_type_id)
            .outerjoin(task_type, task_type.c.id == task.c.task_type_id)
            .outerjoin(task_status, task_status.c.id == task.c.task_status_id)
            .outerjoin(_SEQUENCE, _SEQUENCE.c.id == _SEQUENCE_ID)
            .outerjoin(_EPISODE, _EPISODE.c.id == _SEQUENCE.c.parent_id)
        )
        .where(task.c.id == TASK_ID)
    )


#: A task with everything around it.
WHOLE = _whole_wire("studio", "admin")


@lru_cache
def whole(audience: str, role: str) -> Executable:
    """The same, as an audience gets it, with persons as a caller of this studio role sees them."""
    return _whole(_whole_wire(audience, role))


_IDS = param("ids")


def _in_order(row: ColumnElement[str], tasks: FromClause) -> Select[Any]:
    place = func.array_position(_IDS, task.c.id)
    return select(row).select_from(tasks).where(task.c.id == any_(_IDS)).order_by(place)


#: Tasks by their ids, in their order.
several = _in_order(json_object(TASK), task)
#: The same with their assignees, each as the caller's role on its production sees it.
several_by_role = _in_order(json_object(by_role(TASK_WITH_ASSIGNEES)), task.outerjoin(HERE, IS_HERE))


@lru_cache
def of_entity_and_type(wire: Wire, *, own: bool) -> Executable:
    """The tasks of a type on an entity, by name; only those assigned to the caller when `own`."""
    rows = (
        select(json_object(wire))
        .select_from(task)
        .where(
            task.c.entity_id == param("entity_id"),
            task.c.task_type_id == param("task_type_id"),
        )
        .order_by(task.c.name, task.c.id)
    )
    return rows.where(ASSIGNED) if own else rows
