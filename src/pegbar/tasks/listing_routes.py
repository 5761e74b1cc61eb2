"""Routes that list the tasks, comments and news of productions. Source: spec tasks."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Request

from pegbar.config import settings
from pegbar.core.data.database import Database
from pegbar.core.data.filters import uuid_filter
from pegbar.core.data.marks import headers_of, unchanged
from pegbar.core.http.access import Caller, member_of, staff_of
from pegbar.core.http.routing import Reply, get
from pegbar.core.http.streaming import stream_array
from pegbar.productions import changes
from pegbar.tasks import listings
from pegbar.tasks.comments.access import visible_to
from pegbar.tasks.comments.shapes import WITH_IDS
from pegbar.tasks.listings import Tasks
from pegbar.tasks.pages import envelope, plain_or_enveloped, window
from pegbar.tasks.resources import tasks


class TaskQuery(msgspec.Struct):
    """Which tasks."""

    page: int = 0
    task_type_id: str = ""
    episode_id: str = ""


class CommentQuery(msgspec.Struct):
    """Which page."""

    page: int = 0
    limit: int = 0


@get(
    "/data/projects/{project_id:uuid}/tasks",
    access=member_of("project_id"),
    along=changes.STATE,
    returns=plain_or_enveloped(tasks),
    errors=(400,),
)
async def project_tasks(
    project_id: UUID, request: Request[Any, Any, Any], query: TaskQuery, db: Database, caller: Caller
) -> Any:
    """The tasks of a production, latest change first; 304 when nothing changed. Vendors get theirs, clients blanks."""
    which = Tasks(
        for_client=caller.role_here == "client",
        own=caller.role_here == "vendor",
        by_type=bool(query.task_type_id),
        by_episode=bool(query.episode_id),
    )
    given: dict[str, Any] = {"project_id": project_id}
    given |= {name: uuid_filter(text) for name in ("task_type_id", "episode_id") if (text := getattr(query, name))}
    if which.own:
        given["caller_id"] = caller.id
    tag = changes.tag(request, caller)
    if (known := unchanged(request, tag)) is not None:
        return known
    headers = headers_of(tag)
    if query.page < 1:
        return await stream_array(db, caller, listings.tasks(which, paged=False), headers=headers, **given)
    part = window(query.page, settings().nb_records_per_page)
    page = await db.json(listings.tasks(which, paged=True), **given, **part)
    total = await db.value(listings.number_of_tasks(which), **given)
    return Reply(envelope(page, total, query.page, part), headers=headers)


_studio_only = staff_of("project_id")


@get(
    "/data/projects/{project_id:uuid}/comments",
    access=_studio_only,
    returns=plain_or_enveloped(WITH_IDS),
    errors=(400,),
)
async def project_comments(project_id: UUID, query: CommentQuery, db: Database, caller: Caller) -> Any:
    """The comments of a production that the caller may see, latest change first."""
    seen = visible_to(caller)
    if query.page < 1:
        return await stream_array(db, caller, listings.comments(seen, paged=False), project_id=project_id)
    part = window(query.page, query.limit or settings().nb_records_per_page)
    total = await db.value(listings.number_of_comments(seen), project_id=project_id)
    page = await db.json(listings.comments(seen, paged=True), project_id=project_id, **part)
    return envelope(page, total, query.page, part)
