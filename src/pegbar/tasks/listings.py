"""Reads of the tasks, comments and news of productions. Source: spec tasks, operations on /data/projects."""

from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import (
    ColumnElement,
    Executable,
    Integer,
    Text,
    bindparam,
    exists,
    func,
    literal_column,
    select,
)

from pegbar.accounts.standing import is_concept
from pegbar.core.data.schema import Uuid
from pegbar.core.data.wire import EVERY_ROW, json_object
from pegbar.entities.kinds import SHOT, is_kind
from pegbar.entities.tables import entity
from pegbar.tasks.comments.shapes import WITH_IDS
from pegbar.tasks.shapes import TASK_FOR_CLIENTS, TASK_WITH_ASSIGNEES
from pegbar.tasks.tables import comment, task, task_person_link

PROJECT_ID = bindparam("project_id", type_=Uuid)
_CALLER_ID = bindparam("caller_id", type_=Uuid)
_EPISODE_ID = bindparam("episode_id", type_=Uuid)
_LIMIT, _OFFSET = bindparam("limit", type_=Integer), bindparam("offset", type_=Integer)
_COMMA = literal_column("','", Text)
_PARENT, _GRAND = entity.alias("parent"), entity.alias("grand")

#: Tasks of the shots of an episode.
OF_EPISODE = task.c.entity_id.in_(
    select(entity.c.id)
    .join(_PARENT, _PARENT.c.id == entity.c.parent_id)
    .where(_PARENT.c.parent_id == _EPISODE_ID, is_kind(SHOT))
)
ASSIGNED = exists().where(task_person_link.c.task_id == task.c.id, task_person_link.c.person_id == _CALLER_ID)


@dataclass(frozen=True)
class Tasks:
    """Which tasks of a production, and for whom."""

    for_client: bool = False
    own: bool = False  #: for vendors: those assigned to the caller
    by_type: bool = False
    by_episode: bool = False

    def conditions(self) -> list[ColumnElement[bool]]:
        """The conditions on tasks."""
        asked: list[tuple[bool, ColumnElement[bool]]] = [
            (True, task.c.project_id == PROJECT_ID),
            (self.own, ASSIGNED),
            (self.for_client, ~is_concept(task.c.entity_id)),
            (self.by_type, task.c.task_type_id == bindparam("task_type_id", type_=Uuid)),
            (self.by_episode, OF_EPISODE),
        ]
        return [condition for applies, condition in asked if applies]


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


_IN_PROJECT = comment.c.object_id.in_(select(task.c.id).where(task.c.project_id == PROJECT_ID))
_COMMENTS = (
    select(json_object(WITH_IDS))
    .select_from(comment)
    .where(_IN_PROJECT)
    .order_by(comment.c.updated_at.desc(), comment.c.id)
)


@lru_cache
def comments(hidden: ColumnElement[bool], *, paged: bool) -> Executable:
    """The comments of a production that a caller may see, latest change first."""
    rows = _COMMENTS.where(hidden)
    return rows.limit(_LIMIT).offset(_OFFSET) if paged else rows.limit(EVERY_ROW)


@lru_cache
def number_of_comments(hidden: ColumnElement[bool]) -> Executable:
    """How many those are."""
    return select(func.count()).select_from(comment).where(_IN_PROJECT, hidden)
