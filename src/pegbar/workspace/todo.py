"""A person's tasks: those to do and those done. Source: spec user, GET tasks; spec tasks, GET persons/{id}/tasks."""

from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Executable

from pegbar.core.resource import CALLER_ID
from pegbar.entities.tables import entity
from pegbar.studio.tables import task_status, task_type
from pegbar.tasks.in_context import MINE, OPEN, caller_is
from pegbar.tasks.tables import task
from pegbar.workspace.task_rows import assigned_to, rows

_LATEST_FIRST = (task.c.end_date.desc().nulls_first(), task_type.c.name, entity.c.name, task.c.id)


@lru_cache
def own(*, done: bool, for_admin: bool) -> Executable:
    """The caller's tasks in their open productions that are done, or are not."""
    conditions = (assigned_to(CALLER_ID), OPEN, MINE, task_status.c.is_done.is_(done))
    return rows(conditions, _LATEST_FIRST if done else (), for_admin=for_admin, with_episodes=True)


@lru_cache
def of_colleague(person_id: ColumnElement[Any], *, done: bool, for_admin: bool) -> Executable:
    """A person's tasks in the caller's open productions (for administrators in all) that are done, or are not.

    Where the caller is a vendor or a client they read no such lists.
    """
    conditions = [assigned_to(person_id), OPEN, task_status.c.is_done.is_(done)]
    if not for_admin:
        conditions += [MINE, ~caller_is("vendor"), ~caller_is("client")]
    return rows(conditions, _LATEST_FIRST if done else (), for_admin=for_admin, with_episodes=True)
