"""Routes of the signed-in person's own data. Source: spec user."""

from typing import Any

import msgspec
from sqlalchemy import Executable

from pegbar.config import settings
from pegbar.core.access import Caller, person_identity
from pegbar.core.database import Database, Json
from pegbar.core.resource import scope_parameters
from pegbar.core.routing import found, get
from pegbar.workspace import context, todo


async def _scoped(db: Database, caller: Caller, statement: Executable, **given: Any) -> Json:
    return await db.json(statement, **scope_parameters(statement, caller), **given)


@get("/data/user/context", access=person_identity)
async def user_context(db: Database, caller: Caller) -> Json:
    """Everything the web client loads at start."""
    statement = context.context(caller.role)
    row = found(await db.json_row(statement, **scope_parameters(statement, caller)))
    if not caller.is_admin:
        return row
    return Json(row[:-1] + b',"user_limit":' + msgspec.json.encode(settings().user_limit) + b"}")


@get("/data/user/tasks", access=person_identity)
async def tasks_to_do(db: Database, caller: Caller) -> Json:
    """The caller's tasks that are not done, in their open productions."""
    return await _scoped(db, caller, todo.of_person(done=False))


@get("/data/user/done-tasks", access=person_identity)
async def done_tasks(db: Database, caller: Caller) -> Json:
    """The caller's tasks that are done, in their open productions, latest first."""
    return await _scoped(db, caller, todo.of_person(done=True))
