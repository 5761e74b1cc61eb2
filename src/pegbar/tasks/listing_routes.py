"""Routes that list the tasks, comments and news of productions. Source: spec tasks."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request

from pegbar.config import settings
from pegbar.core.access import Caller, Rule, at, authenticated, entity_access, member_of, not_client
from pegbar.core.database import Database, Json
from pegbar.core.errors import BadRequest
from pegbar.core.filters import uuid_filter
from pegbar.core.marks import headers_of, unchanged
from pegbar.core.routing import Reply, found, get
from pegbar.core.streaming import stream_array
from pegbar.productions import changes
from pegbar.tasks import listings
from pegbar.tasks.comments.visibility import FOR_ALL, FOR_ARTISTS
from pegbar.tasks.listings import News, Tasks

_MOST = 2**31 - 1
_MOST_OF_ENTITY = 2000


class TaskQuery(msgspec.Struct):
    """Which tasks."""

    page: int = 0
    task_type_id: str = ""
    episode_id: str = ""


class CommentQuery(msgspec.Struct):
    """Which page."""

    page: int = 0
    limit: int = 0


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


def _window(page: int, limit: int) -> dict[str, int]:
    """The part of a list that a page is."""
    if limit < 1 or limit > _MOST:
        raise BadRequest("limit must be a number of rows.")
    offset = (max(page, 1) - 1) * limit
    if offset > _MOST:
        raise BadRequest("page is out of range.")
    return {"limit": limit, "offset": offset}


def _envelope(rows: Json, total: int, page: int, window: dict[str, int]) -> Json:
    pages = -(-total // window["limit"])
    tail = f',"total":{total},"nb_pages":{pages},"limit":{window["limit"]},"offset":{window["offset"]},"page":{page}}}'
    return Json(b'{"data":' + rows + tail.encode())


@get("/data/projects/{project_id:uuid}/tasks", access=member_of("project_id"), along=changes.STATE, errors=(400,))
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
        rows = await stream_array(
            db,
            listings.tasks(which, paged=False),
            headers=[(name.lower().encode(), value.encode()) for name, value in headers.items()],
            **given,
        )
        return Reply(rows, headers=headers) if isinstance(rows, Json) else rows
    window = _window(query.page, settings().nb_records_per_page)
    page = await db.json(listings.tasks(which, paged=True), **given, **window)
    total = await db.value(listings.number_of_tasks(which), **given)
    return Reply(_envelope(page, total, query.page, window), headers=headers)


_studio_only = Rule(
    "member of the production, neither vendor nor client",
    lambda caller: caller.is_member and caller.role_here not in ("vendor", "client"),
    at("project", "project_id"),
)


@get("/data/projects/{project_id:uuid}/comments", access=_studio_only, errors=(400,))
async def project_comments(project_id: UUID, query: CommentQuery, db: Database, caller: Caller) -> Any:
    """The comments of a production that the caller may see, latest change first."""
    seen = FOR_ARTISTS if caller.role_here == "user" else FOR_ALL
    if query.page < 1:
        return await stream_array(db, listings.comments(seen, paged=False), project_id=project_id)
    window = _window(query.page, query.limit or settings().nb_records_per_page)
    total = await db.value(listings.number_of_comments(seen), project_id=project_id)
    page = await db.json(listings.comments(seen, paged=True), project_id=project_id, **window)
    return _envelope(page, total, query.page, window)


# News

_members_but_clients = Rule(
    "member of the production, not client",
    lambda caller: caller.is_member and caller.role_here != "client",
    at("project", "project_id"),
)
_YES, _NO = frozenset({"true", "1", "on"}), frozenset({"", "false", "0", "off"})


def _moment(name: str, text: str) -> datetime:
    for form in ("%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"):
        try:
            return datetime.strptime(text, form)
        except ValueError:
            continue
    raise BadRequest(f"{name}: {text!r} is neither a date nor a date and time.")


async def _news(db: Database, caller: Caller, query: NewsQuery, which: dict[str, Any], given: dict[str, Any]) -> Json:
    if query.only_preview.lower() not in _YES | _NO:
        raise BadRequest("only_preview is neither true nor false.")
    ids = {
        name: uuid_filter(text)
        for name in ("person_id", "task_type_id", "task_status_id", "episode_id")
        if (text := getattr(query, name))
    }
    if query.project_id and which.get("in_project") is False:
        ids["in_project"] = uuid_filter(query.project_id)
    dates = {name: _moment(name, text) for name in ("after", "before") if (text := getattr(query, name))}
    asked = News(only_preview=query.only_preview.lower() in _YES, filters=frozenset(ids) | frozenset(dates), **which)
    if query.page < 1:
        raise BadRequest("page starts at 1.")
    window = _window(query.page, query.limit)
    row = found(await db.row(listings.news_page(asked), **given, **ids, **dates, **window))
    page = _envelope(Json(f"[{row['rows']}]".encode()), row["total"], query.page, window)
    return Json(page[:-1] + f',"stats":{{{row["stats"]}}}}}'.encode())


@get("/data/projects/{project_id:uuid}/news", access=_members_but_clients, errors=(400,))
async def project_news(project_id: UUID, query: NewsQuery, db: Database, caller: Caller) -> Json:
    """The news of a production, newest first; vendors get those of their tasks."""
    own = caller.role_here == "vendor"
    given: dict[str, Any] = {"project_id": project_id} | ({"caller_id": caller.id} if own else {})
    return await _news(db, caller, query, {"own": own}, given)


@get("/data/projects/news", access=authenticated, errors=(400,))
async def news_of_open_projects(query: NewsQuery, db: Database, caller: Caller) -> Json:
    """The news of the caller's open productions, those where they are a client aside."""
    given: dict[str, Any] = {} if caller.is_admin else {"caller_id": caller.id}
    own = caller.role == "vendor"
    return await _news(db, caller, query, {"in_project": False, "everywhere": caller.is_admin, "own": own}, given)


@get("/data/projects/{project_id:uuid}/news/{news_id:uuid}", access=_studio_only)
async def one_piece_of_news(project_id: UUID, news_id: UUID, db: Database) -> Json:
    """A piece of news of a production."""
    return found(await db.json_row(listings.news_item, project_id=project_id, news_id=news_id), "The piece of news")


@get("/data/entities/{entity_id:uuid}/news", access=entity_access("entity_id") & not_client)
async def entity_news(entity_id: UUID, db: Database, caller: Caller) -> Json:
    """The latest news of an entity, newest first, as one page; vendors get those of their tasks."""
    own = caller.role_here == "vendor"
    given: dict[str, Any] = {"entity_id": entity_id, "limit": _MOST_OF_ENTITY}
    row = found(await db.row(listings.entity_news(own=own), **given, **({"caller_id": caller.id} if own else {})))
    return _envelope(Json(f"[{row['rows']}]".encode()), row["total"], 1, {"limit": _MOST_OF_ENTITY, "offset": 0})
