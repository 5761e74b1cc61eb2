"""Routes of the notifications and subscriptions of a production. Source: spec tasks, operations of the same names."""

from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Executable, Integer, bindparam, func, select

from pegbar.config import settings
from pegbar.core.data.database import Database, Json
from pegbar.core.data.schema import Uuid
from pegbar.core.data.wire import json_object, wire_of
from pegbar.core.http.access import Caller, Rule, admin, at
from pegbar.core.http.routing import get
from pegbar.core.http.streaming import stream_array
from pegbar.tasks.pages import envelope, plain_or_enveloped, window
from pegbar.tasks.resources import NOTIFICATION
from pegbar.tasks.tables import notification, subscription, task

_PROJECT_ID = bindparam("project_id", type_=Uuid)
_OF_PROJECT = select(task.c.id).where(task.c.project_id == _PROJECT_ID)
_IN_PROJECT = notification.c.task_id.in_(_OF_PROJECT)

_number = select(func.count()).select_from(notification).where(_IN_PROJECT)


@lru_cache
def _notifications(*, paged: bool) -> Executable:
    rows = (
        select(json_object(NOTIFICATION))
        .where(_IN_PROJECT)
        .order_by(notification.c.updated_at.desc(), notification.c.id)
    )
    if not paged:
        return rows
    return rows.limit(bindparam("limit", type_=Integer)).offset(bindparam("offset", type_=Integer))


_SUBSCRIPTION = wire_of(subscription, "Subscription")
_subscriptions = (
    select(json_object(_SUBSCRIPTION))
    .where(subscription.c.task_id.in_(_OF_PROJECT))
    .order_by(subscription.c.created_at, subscription.c.id)
)

_admin_here = Rule(admin.text, admin.test, at("project", "project_id"))


class PageQuery(msgspec.Struct):
    """Which page; without one, everything."""

    page: int = 0


@get(
    "/data/projects/{project_id:uuid}/notifications",
    access=_admin_here,
    returns=plain_or_enveloped(NOTIFICATION),
    errors=(400,),
)
async def project_notifications(project_id: UUID, query: PageQuery, db: Database, caller: Caller) -> Any:
    """The notifications about the tasks of a production, latest change first: an array, or a page with its totals."""
    if query.page < 1:
        return await stream_array(db, caller, _notifications(paged=False), project_id=project_id)
    part = window(query.page, settings().nb_records_per_page)
    total = await db.value(_number, project_id=project_id)
    rows = await db.json(_notifications(paged=True), project_id=project_id, **part)
    return envelope(rows, total, query.page, part)


@get("/data/projects/{project_id:uuid}/subscriptions", access=_admin_here, returns=[_SUBSCRIPTION])
async def project_subscriptions(project_id: UUID, db: Database) -> Json:
    """Who watches which task of a production."""
    return await db.json(_subscriptions, project_id=project_id)
