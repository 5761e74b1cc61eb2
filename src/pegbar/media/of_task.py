"""The previews of a task and of a production. Source: spec tasks, operations of the same paths."""

from dataclasses import replace
from typing import Annotated, Any
from uuid import UUID

import msgspec
from sqlalchemy import func, select, text

from pegbar.accounts.standing import as_text, is_going, on, somebody_written, written
from pegbar.config import settings
from pegbar.core.data.database import Database, Json, Transaction
from pegbar.core.data.parameters import param, sql
from pegbar.core.data.wire import json_object
from pegbar.core.errors import BadRequest, NotFound
from pegbar.core.http.access import Caller, admin, at, authenticated, not_client, require, task_access
from pegbar.core.http.body import Strict
from pegbar.core.http.pagination import envelope, window
from pegbar.core.http.routing import get, put
from pegbar.media import actions
from pegbar.media.queries import PREVIEW
from pegbar.media.tables import preview_file
from pegbar.tasks.tables import task

_TASK_ID = param("task_id")
_PROJECT_ID = param("project_id")

_OF_TASK = (
    select(json_object(PREVIEW))
    .where(preview_file.c.task_id == _TASK_ID)
    .order_by(preview_file.c.revision.desc(), preview_file.c.position, preview_file.c.created_at)
)
_OF_TASK_FOR_CLIENTS = _OF_TASK.where(preview_file.c.validation_status != "rejected")
_FIRST_OF_LAST = (
    select(preview_file.c.id)
    .where(preview_file.c.task_id == _TASK_ID)
    .order_by(preview_file.c.revision.desc(), preview_file.c.created_at, preview_file.c.id)
    .limit(1)
)
_OF_PROJECT = (
    select(json_object(PREVIEW).label("row"))
    .join(task, task.c.id == preview_file.c.task_id)
    .where(task.c.project_id == _PROJECT_ID)
    .order_by(preview_file.c.updated_at.desc(), preview_file.c.id)
)
_page = _OF_PROJECT.limit(param("limit")).offset(param("offset")).subquery("page")
_PAGE_OF_PROJECT = select(
    select(func.count())
    .select_from(preview_file.join(task, task.c.id == preview_file.c.task_id))
    .where(task.c.project_id == _PROJECT_ID)
    .scalar_subquery(),
    func.coalesce(func.string_agg(_page.c.row, text("','")), text("''")),
).select_from(_page)

#: Of each task in the order given, whether the caller reaches it and acts there as more than a client.
_HERE = on(somebody_written("me"), written("t.project_id"))
_ACTS = _HERE.sees_production & ~_HERE.has_role("client") & _HERE.reaches(written("t.entity_id"))
_REACHED = sql(
    f"""
    SELECT places.id, t.id IS NOT NULL AS known,
           {as_text(_ACTS)} AS reached
      FROM unnest(:task_ids) WITH ORDINALITY AS places (id, n)
      JOIN person me ON me.id = :caller_id
      LEFT JOIN task t ON t.id = places.id AND NOT {as_text(is_going(written("t.project_id")))}
     ORDER BY places.n
    """  # noqa: S608 - rules of ours
)


class TaskIds(Strict):
    """Several tasks."""

    task_ids: Annotated[list[UUID], msgspec.Meta(min_length=1)]


class PageQuery(msgspec.Struct):
    """A page of a listing; none for all of it."""

    page: int = 0
    limit: int = 0


@get("/data/tasks/{task_id:uuid}/previews", access=task_access("task_id"))
async def previews_of_task(task_id: UUID, db: Database, caller: Caller) -> Json:
    """The previews of a task, the last revision first; clients get no rejected ones."""
    return await db.json(_OF_TASK_FOR_CLIENTS if caller.role_here == "client" else _OF_TASK, task_id=task_id)


@put("/actions/tasks/{task_id:uuid}/set-main-preview", access=task_access("task_id") & not_client, errors=(400,))
async def set_main_preview_of_task(task_id: UUID, tx: Transaction) -> Json:
    """Make the last revision of a task stand for its entity."""
    preview_id = await tx.value(_FIRST_OF_LAST, task_id=task_id)
    if preview_id is None:
        raise BadRequest("This task has no preview.")
    return await actions.set_main(tx, preview_id)


@put("/actions/tasks/set-main-preview", access=authenticated, errors=(400, 403, 404))
async def set_main_previews_of_tasks(body: TaskIds, tx: Transaction) -> Json:
    """The same for several tasks, all or none; those without a preview are left out."""
    entities = []
    for row in await tx.rows(_REACHED, task_ids=body.task_ids):
        if not row["known"]:
            raise NotFound(f"There is no task {row['id']}.")
        require(bool(row["reached"]), f"You may not choose the main preview of the task {row['id']}.")
        preview_id = await tx.value(_FIRST_OF_LAST, task_id=row["id"])
        if preview_id is not None:
            entities.append(await actions.set_main(tx, preview_id))
    return Json(b"[" + b",".join(entities) + b"]")


@get("/data/projects/{project_id:uuid}/preview-files", access=replace(admin, place=at("project", "project_id")))
async def previews_of_project(project_id: UUID, query: PageQuery, db: Database) -> Any:
    """The previews of a production, the last changed first; in pages when `page` is 1 or more."""
    if query.page < 1:
        return await db.json(_OF_PROJECT, project_id=project_id)
    part = window(query.page, query.limit if query.limit > 0 else settings().nb_records_per_page)
    row = await db.row(_PAGE_OF_PROJECT, project_id=project_id, **part)
    assert row is not None
    return envelope(Json(f"[{row[1]}]".encode()), row[0], query.page, part)
