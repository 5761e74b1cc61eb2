"""A person's tasks: those to do and those done. Source: spec user, GET tasks; spec tasks, GET persons/{id}/tasks."""

from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Executable

from pegbar.core.data.compiled import planned_once
from pegbar.core.data.parameters import CALLER_ID
from pegbar.entities.tables import entity
from pegbar.studio.tables import task_status, task_type
from pegbar.tasks.in_context import MINE, OPEN, caller_is, with_caller
from pegbar.tasks.tables import task, task_person_link
from pegbar.workspace.task_rows import rows

_LATEST_FIRST = (task.c.end_date.desc().nulls_first(), task_type.c.name, entity.c.name, task.c.id)


def _of(person_id: ColumnElement[Any], *scope: ColumnElement[bool], done: bool, for_admin: bool) -> Executable:
    """The tasks of a person in open productions of this scope that are done, or are not."""
    assigned = with_caller(task_person_link.join(task, task.c.id == task_person_link.c.task_id))
    statement = rows(
        task_person_link.c.person_id == person_id,
        OPEN,
        task_status.c.is_done.is_(done),
        *scope,
        tasks=assigned,
        for_admin=for_admin,
        with_episodes=True,
    )
    return planned_once(statement.order_by(*_LATEST_FIRST) if done else statement)


@lru_cache
def own(*, done: bool, for_admin: bool) -> Executable:
    """The caller's tasks in their open productions that are done, or are not."""
    return _of(CALLER_ID, MINE, done=done, for_admin=for_admin)


@lru_cache
def of_colleague(person_id: ColumnElement[Any], *, done: bool, for_admin: bool) -> Executable:
    """A person's tasks in the caller's open productions (for administrators in all) that are done, or are not.

    Where the caller is a vendor or a client they read no such lists.
    """
    if for_admin:
        return _of(person_id, done=done, for_admin=True)
    return _of(person_id, MINE, ~caller_is("vendor"), ~caller_is("client"), done=done, for_admin=False)
