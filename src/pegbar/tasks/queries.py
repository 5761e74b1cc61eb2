"""Reads of tasks. Source: spec tasks, operations on tasks and on /data/projects."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Executable,
    FromClause,
    Select,
    Subquery,
    any_,
    case,
    exists,
    func,
    literal_column,
    select,
)

from pegbar.accounts.people.shapes import record, whole_wire
from pegbar.accounts.standing import is_concept
from pegbar.accounts.tables import person
from pegbar.core.data.parameters import CALLER_ID, param
from pegbar.core.data.wire import EVERY_ROW, JsonText, Wire, json_list, json_object, row_json, rows_of, wire_of, word
from pegbar.entities.kinds import EPISODE, SCENE, SEQUENCE, SHOT, is_kind, kind_by_type, kind_text
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

_PARENT = entity.alias("parent")

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


_TYPE = rows_of(task_type, wire_of(task_type, "TaskType"), "its_type")
_STATUS = rows_of(task_status, wire_of(task_status, "TaskStatus"), "its_status")
_ENTITY_TYPE = rows_of(entity_type, wire_of(entity_type, "EntityType"), "its_entity_type")


def _above_for(audience: str, kind: str, row: FromClause) -> Subquery:
    """The entities of a kind that may be above, as an audience sees them."""
    wire = wire_of(row, kind)
    return rows_of(row, wire if audience == "studio" else wire.but(data=masked_data(audience, kind, row)), kind)


def _persons(role: str, *, relations: bool) -> tuple[Select[Any], ColumnElement[UUID]]:
    """Selects persons as a caller of this studio role sees them; and their ids, for a condition."""
    if role != "admin":
        return select(record(role, relations=relations)), person.c.id
    rows = rows_of(person, whole_wire(relations=relations), "persons")
    return select(row_json(rows)), rows.c.id


def _assignees(role: str) -> ColumnElement[str]:
    persons, person_id = _persons(role, relations=False)
    persons = persons.join(task_person_link, task_person_link.c.person_id == person_id)
    return json_list(persons.where(task_person_link.c.task_id == task.c.id).correlate(task))


def _assigner(role: str) -> ColumnElement[str]:
    persons, person_id = _persons(role, relations=True)
    return persons.where(person_id == task.c.assigner_id).correlate(task).scalar_subquery()


def _whole(audience: str, role: str) -> tuple[Wire, FromClause]:
    """The keys of a task with everything around it, and the tables that they are read from."""
    for_client = audience == "client"
    production = rows_of(project, PROJECT if audience == "studio" else PROJECT_SHOWN, "production")
    sequence, episode = (_above_for(audience, kind, entity.alias(f"{kind}_row")) for kind in (SEQUENCE, EPISODE))
    subject = rows_of(entity, UNTYPED.but(data=data_for(audience, kind_text())), "subject")
    wire = (TASK_FOR_CLIENTS if for_client else TASK_WITH_ASSIGNEES).but(
        entity=row_json(subject),
        entity_type=row_json(_ENTITY_TYPE),
        is_subscribed=exists().where(subscription.c.task_id == task.c.id, subscription.c.person_id == CALLER_ID),
        persons=literal_column("'[]'", JsonText()) if for_client else _assignees(role),
        project=row_json(production),
        task_status=row_json(_STATUS),
        task_type=row_json(_TYPE),
        assigner=literal_column("'null'", JsonText()) if for_client else _assigner(role),
        sequence=row_json(sequence),
        episode=row_json(episode),
    )
    # The sequence above a shot or a scene, or the entity itself if it is one of an episode.
    kind = kind_by_type(_ENTITY_TYPE)
    sequence_id = case(
        (kind.in_([word(SHOT), word(SCENE)]), subject.c.parent_id),
        ((kind == word(SEQUENCE)) & subject.c.parent_id.is_not(None), subject.c.id),
    )
    source = (
        task.join(production, production.c.id == task.c.project_id)
        .join(subject, subject.c.id == task.c.entity_id)
        .join(_ENTITY_TYPE, _ENTITY_TYPE.c.id == subject.c.entity_type_id)
        .outerjoin(_TYPE, _TYPE.c.id == task.c.task_type_id)
        .outerjoin(_STATUS, _STATUS.c.id == task.c.task_status_id)
        .outerjoin(sequence, sequence.c.id == sequence_id)
        .outerjoin(episode, episode.c.id == sequence.c.parent_id)
    )
    return wire, source


#: A task with everything around it.
WHOLE = _whole("studio", "admin")[0]


@lru_cache
def whole(audience: str, role: str) -> Executable:
    """The same, as an audience gets it, with persons as a caller of this studio role sees them."""
    wire, source = _whole(audience, role)
    return select(json_object(wire)).select_from(source).where(task.c.id == TASK_ID)


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
