"""Reads of incoming hooks."""

from functools import cache

from sqlalchemy import Executable, select

from pegbar.core.data.parameters import param
from pegbar.core.data.wire import json_object
from pegbar.core.http.access import Caller
from pegbar.open.webhooks.incoming.shapes import INCOMING
from pegbar.open.webhooks.queries import managed
from pegbar.open.webhooks.tables import incoming_hook
from pegbar.tasks.tables import task


@cache
def _listed(*, everything: bool, of_task: bool) -> Executable:
    statement = select(json_object(INCOMING)).join(task, task.c.id == incoming_hook.c.task_id)
    if not everything:
        statement = statement.where(task.c.project_id.in_(managed))
    if of_task:
        statement = statement.where(incoming_hook.c.task_id == param("task_id"))
    return statement.order_by(incoming_hook.c.created_at, incoming_hook.c.id)


def incoming_hooks(caller: Caller, *, of_task: bool) -> Executable:
    """The incoming hooks that the caller manages, all or those of a task."""
    return _listed(everything=caller.is_admin, of_task=of_task)


one = select(json_object(INCOMING)).where(incoming_hook.c.id == param("incoming_hook_id"))
