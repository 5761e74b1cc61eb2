"""Routes of the news. Source: spec tasks, "News" and its operations."""

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request

from pegbar.core.data.database import Database, Json
from pegbar.core.data.filters import uuid_filter
from pegbar.core.errors import BadRequest
from pegbar.core.http.access import Caller, Rule, at, authenticated, client_here, entity_access, not_client, require
from pegbar.core.http.body import query_or_body
from pegbar.core.http.pagination import envelope, enveloped, window
from pegbar.core.http.routing import found, get
from pegbar.tasks.news import queries
from pegbar.tasks.news.queries import NEWS_ITEM, News

_PAGE_OF_ENTITY = window(1, 2000)


class NewsQuery(msgspec.Struct):
    """Which news."""

    page: int = 1
    limit: int = 50
    person_id: str = ""
    task_type_id: str = ""
    task_status_id: str = ""
    episode_id: str = ""
    project_id: str = ""
    only_preview: str = ""
    after: str = ""
    before: str = ""


_members_but_clients = Rule(
    "member of the production, not client",
    lambda caller: caller.is_member and caller.role_here != "client",
    at("project", "project_id"),
)
_CHANGES = {"type": "object", "additionalProperties": {"type": "integer"}, "description": "By task status"}
_FEED = enveloped(NEWS_ITEM, stats=_CHANGES)
_YES, _NO = frozenset({"true", "1", "on"}), frozenset({"", "false", "0", "off"})


def _moment(name: str, text: str) -> datetime:
    for form in ("%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"):
        try:
            return datetime.strptime(text, form)
        except ValueError:
            continue
    raise BadRequest(f"{name}: {text!r} is neither a date nor a date and time.")


async def _news(request: Request[Any, Any, Any], db: Database, caller: Caller, query: NewsQuery, which: News) -> Json:
    query = await query_or_body(request, query)
    if query.only_preview.lower() not in _YES | _NO:
        raise BadRequest("only_preview is neither true nor false.")
    if query.page < 1:
        raise BadRequest("page starts at 1.")
    names = ("person_id", "task_type_id", "task_status_id", "episode_id")
    params: dict[str, Any] = {name: uuid_filter(value) for name in names if (value := getattr(query, name))}
    params |= {name: _moment(name, value) for name in ("after", "before") if (value := getattr(query, name))}
    if query.project_id and not which.in_project:
        params["asked_project_id"] = uuid_filter(query.project_id)
    which = replace(which, only_preview=query.only_preview.lower() in _YES, filters=frozenset(params))
    if which.in_project:
        params["project_id"] = caller.project_id
    part = window(query.page, query.limit)
    statement = queries.news_page(which)
    row = found(await db.row(statement, **params, **part))
    page = envelope(Json(row["rows"].encode()), row["total"], query.page, part)
    return Json(page[:-1] + f',"stats":{row["stats"]}}}'.encode())


@get("/data/projects/{project_id:uuid}/news", access=_members_but_clients, returns=_FEED, errors=(400,))
async def project_news(
    project_id: UUID, request: Request[Any, Any, Any], query: NewsQuery, db: Database, caller: Caller
) -> Json:
    """The news of a production, newest first, and the changes to each status; vendors get those of their tasks."""
    own = caller.role_here == "vendor"
    return await _news(request, db, caller, query, News(own=own, alike=not own))


@get("/data/projects/news", access=authenticated, returns=_FEED, errors=(400,))
async def news_of_open_projects(
    request: Request[Any, Any, Any], query: NewsQuery, db: Database, caller: Caller
) -> Json:
    """The news of the caller's open productions: none where they are a client, of their tasks where a vendor.

    `project_id` narrows them to one of these productions; another one narrows nothing.
    """
    alike = caller.is_admin or "vendor" not in caller.roles
    which = News(in_project=False, everywhere=caller.is_admin, alike=alike)
    return await _news(request, db, caller, query, which)


@get("/data/projects/{project_id:uuid}/news/{news_id:uuid}", access=_members_but_clients, returns=NEWS_ITEM)
async def one_piece_of_news(project_id: UUID, news_id: UUID, db: Database, caller: Caller) -> Json:
    """A piece of news of a production; vendors are refused those of tasks that are not theirs."""
    own = caller.role_here == "vendor"
    params: dict[str, Any] = {"project_id": project_id, "news_id": news_id}
    item = await db.json_row(queries.news_item(own=own), **params)
    if item is None and own:
        others = await db.json_row(queries.news_item(own=False), **params)
        require(others is None, "Access needs: a task assigned to them, for vendors.")
    return found(item, "The piece of news")


@get(
    "/data/entities/{entity_id:uuid}/news",
    access=(entity_access("entity_id") & not_client).else_empty(
        client_here, envelope(Json(b"[]"), 0, 1, _PAGE_OF_ENTITY)
    ),
    returns=enveloped(NEWS_ITEM),
)
async def entity_news(entity_id: UUID, db: Database, caller: Caller) -> Json:
    """The latest news of an entity, newest first, as one page; vendors get those of their tasks."""
    own = caller.role_here == "vendor"
    params: dict[str, Any] = {"entity_id": entity_id, "limit": _PAGE_OF_ENTITY["limit"]}
    row = found(await db.row(queries.entity_news(own=own), **params))
    return envelope(Json(row["rows"].encode()), row["total"], 1, _PAGE_OF_ENTITY)
