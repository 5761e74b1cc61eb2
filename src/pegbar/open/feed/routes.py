"""The feed of events: past and present, as a stream or in pages."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Request

from pegbar.core.data.database import Database, Json
from pegbar.core.data.values import to_timestamp
from pegbar.core.errors import BadRequest
from pegbar.core.http.access import Caller, authenticated
from pegbar.core.http.routing import get
from pegbar.core.live import cursors
from pegbar.core.live.cursors import Cursor
from pegbar.open.feed import filters, queries
from pegbar.open.feed.stream import EVENT_STREAM, EventStream
from pegbar.review.event_log import EVENT

_MOST = 1000
_NOW = (None, "", "now")
#: Where cursors come from, as errors say it.
ORIGIN = "GET /open/v1/events"

PAGE = {
    "type": "object",
    "properties": {
        "events": {"type": "array", "items": EVENT},
        "cursor": {"type": "string", "description": "Where the next request goes on"},
        "more": {"type": "boolean", "description": "Whether there may be more already"},
    },
}


class FeedQuery(filters.Asked):
    """From where, which events, and how many in a page."""

    start: Annotated[str | None, msgspec.Meta(description="A cursor, a date, or `now`")] = msgspec.field(
        default=None, name="from"
    )
    limit: int = 100


async def begun(db: Database, start: str | None, field: str = "from") -> Cursor:
    """The cursor that the word of a field means: one, a moment (UTC), `now` or nothing. Raises BadRequest, Gone."""
    if start in _NOW:
        return await queries.now(db)
    moment = _moment(start)
    if moment is not None:
        return await queries.since(db, moment)
    cursor = cursors.parsed(start, ORIGIN, field)
    await queries.moment(db, cursor)
    return cursor


def _moment(text: str) -> datetime | None:
    """The moment of a date; None for what begins as no date does."""
    if not (text[:4].isdigit() and text[4:5] == "-"):
        return None
    try:
        moment = to_timestamp("from", text)
    except BadRequest:
        raise BadRequest(f"from: {text!r} is not a date (YYYY-MM-DD or YYYY-MM-DDTHH:MM:SS, UTC).") from None
    assert isinstance(moment, datetime)
    return moment


@get("/open/v1/events", access=authenticated, returns=PAGE, errors=(400, 410, 429, 503))
async def events(query: FeedQuery, db: Database, caller: Caller, request: Request[Any, Any, Any]) -> Any:
    """The events that the caller may see, from a cursor on: none missing, none twice.

    With `Accept: text/event-stream`: Server-Sent Events, those of the past and then each as it happens. `id` is the
    cursor after an event, `event` its name, `data` `{id, created_at, name, user_id, project_id, data}`. A client that
    comes back says `Last-Event-ID`, which goes before `from`. Otherwise a page of at most `limit` (1000) of them:
    `{"events": […], "cursor": str, "more": bool}`.

    `from` is a cursor, a date or `now` (as without it). `name` narrows by names or patterns (`task:*`; several with
    commas), `project_id` to a production, `thing` and `id` to those about a thing (`thing=task&id=…`). What is told
    follows what the caller may see at that moment. A cursor holds for a week, then it is gone (410).
    """
    if not query.limit >= 1:
        raise BadRequest("limit must be positive.")
    only = filters.read(query)
    last = request.headers.get("last-event-id")
    start = last or query.start
    cursor = await begun(db, start, "Last-Event-ID" if last else "from")
    if EVENT_STREAM in request.headers.get("accept", ""):
        return EventStream(db, caller, only, cursor, is_new=start in _NOW)
    page = await queries.page(db, cursor, only, caller.id, most=min(query.limit, _MOST))
    more = "true" if page.more else "false"
    return Json(f'{{"events":[{page.events}],"cursor":"{cursors.written(page.cursor)}","more":{more}}}'.encode())
