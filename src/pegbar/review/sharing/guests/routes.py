"""The page of a share link: the playlist, its comments, and what guests say and draw.

Nobody signs in here; a login is ignored. Source: spec review, operations under `/shared/playlists/{token}`.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cache
from typing import Any
from uuid import UUID

from litestar import Request

from pegbar.accounts.resources import persons
from pegbar.accounts.shapes import SAFE_WITH_DEPARTMENTS
from pegbar.core.data.database import Database, Json
from pegbar.core.http.body import read_body, validate
from pegbar.core.http.forms import Form, multipart_form
from pegbar.core.http.routing import Reply, delete, get, post, put
from pegbar.core.turns import Turns
from pegbar.media.events import PREVIEW_ANNOTATED
from pegbar.media.queries import PREVIEW
from pegbar.review.sharing import limits
from pegbar.review.sharing.guests import actions, queries
from pegbar.review.sharing.guests.shapes import (
    ByGuest,
    GuestComment,
    GuestDrawing,
    GuestEdit,
    GuestNames,
    PasswordQuery,
)
from pegbar.review.sharing.shapes import CHANGED, LISTED
from pegbar.review.sharing.visits import Visit, by_link, guest_cookies, no_such_link, refusal, visit
from pegbar.tasks.comments.attachments import chosen, discard, keep
from pegbar.tasks.comments.shapes import POSTED
from pegbar.tasks.events import (
    COMMENT_DELETE,
    COMMENT_NEW,
    COMMENT_UPDATE,
    NEWS_NEW,
    TASK_STATUS_CHANGED,
    TASK_UPDATE,
)

AnyRequest = Request[Any, Any, Any]
_PAGE = "/shared/playlists/{token:str}"
_TAG = "Shared playlists"

#: Seconds that the files of a guest may take to arrive.
_PATIENCE = 900


@cache
def _uploads() -> Turns:
    """Files of guests that this process takes at once, of one link half of them."""
    return Turns(4, 2, most_waiting=10, what="uploads")


async def _link(request: AnyRequest, db: Database) -> tuple[Visit, Any]:
    """Who comes, and the link; 404 unless it is good."""
    visitor = await visit(request, db)
    row = await db.row(queries.link, **visitor.link)
    if row is None:
        raise no_such_link()
    return visitor, row


@get(_PAGE, access=by_link, returns={"type": "object"}, errors=(404, 429), tag=_TAG)
async def shared_playlist(request: AnyRequest, query: PasswordQuery, db: Database) -> Json | Reply:
    """The playlist of a share link: its entries in the previews they are shown in, with annotations.

    Besides the specification's keys, `share` says what guests may do: `can_comment`, `can_annotate`, `can_download`.
    """
    visitor = await visit(request, db)
    row = await db.row(queries.page, **visitor.link)
    if row is None:
        raise no_such_link()
    rights = ",".join(f'"{name}":{str(row[name]).lower()}' for name in ("can_comment", "can_annotate", "can_download"))
    body = f'{row["playlist"][:-1]},"shots":{row["shots"]},"share":{{{rights}}}}}'
    return visitor.answer(Json(body.encode()))


@get(f"{_PAGE}/context", access=by_link, returns={"type": "object"}, errors=(404, 429), tag=_TAG)
async def shared_context(request: AnyRequest, query: PasswordQuery, db: Database) -> Json | Reply:
    """What the page needs of the production: its name and rates, its task types and statuses."""
    return await _read(request, db, queries.context)


@get(f"{_PAGE}/comments", access=by_link, returns=[LISTED], errors=(404, 429), tag=_TAG)
async def shared_comments(request: AnyRequest, query: PasswordQuery, db: Database) -> Json | Reply:
    """The comments for clients and those of guests on the shown tasks, newest first."""
    return await _read(request, db, queries.comments)


async def _read(request: AnyRequest, db: Database, statement: Any) -> Json | Reply:
    visitor = await visit(request, db)
    row = await db.json_row(statement, **visitor.link)
    if row is None:
        raise no_such_link()
    return visitor.answer(row)


@get(
    _PAGE + "/preview-files/{preview_file_id:uuid}",
    access=by_link,
    returns=PREVIEW,
    errors=(403, 404, 429),
    tag=_TAG,
)
async def shared_preview(preview_file_id: UUID, request: AnyRequest, query: PasswordQuery, db: Database) -> Any:
    """A preview that the link shows."""
    visitor = await visit(request, db)
    row = await db.row(queries.preview, preview_id=preview_file_id, **visitor.link)
    if row is None:
        raise no_such_link()
    actions.check_shown(row, preview_file_id, key="row")
    return visitor.answer(Json(row["row"].encode()))


@post(
    f"{_PAGE}/guest",
    access=by_link,
    takes=GuestNames,
    returns=SAFE_WITH_DEPARTMENTS,
    events=(persons.events["new"],),
    errors=(400, 404, 429),
    tag=_TAG,
)
async def come_in(request: AnyRequest, db: Database) -> Reply:
    """Come in as a guest: the person, with the `guest_secret` that proves it, which browsers get in a cookie too.

    200 for who comes back with `guest_id` and the secret (in the cookie, beside the id, or in the header
    `X-Guest-Secret`); else 201, and a new id unless a guest of these names is proved.
    """
    visitor, _ = await _link(request, db)
    body = await read_body(request, GuestNames)
    body.known_id()
    body.names()
    guest_id, row, by_id = await db.write(None, lambda tx: actions.come_in(tx, visitor, body))
    cookies = [*visitor.cookies, *guest_cookies(request, visitor.token, guest_id)]
    return Reply(bytes(row), status=200 if by_id else 201, cookies=cookies)


# Comments

_COMMENT = _PAGE + "/comments/{comment_id:uuid}"
_STATUS_EVENTS = (TASK_UPDATE, TASK_STATUS_CHANGED)


async def _from_guest(request: AnyRequest, db: Database, right: str, message: str, read: Callable[[], Any]) -> Any:
    """Who comes and what they send, once the link allows it. Raises 403, 400 and 403 in the order of the spec."""
    visitor, link = await _link(request, db)
    actions.check_right(link[right], message)
    body = await read()
    visitor.check_guest(body.guest_id, body.guest_secret)
    return visitor, body


@post(
    f"{_PAGE}/comments",
    access=by_link,
    takes=GuestComment,
    returns=POSTED,
    events=(COMMENT_NEW, *_STATUS_EVENTS, NEWS_NEW),
    errors=(400, 403, 404, 429),
    tag=_TAG,
)
async def comment_as_guest(request: AnyRequest, db: Database) -> Any:
    """Comment a shown task and give it a status that clients may give."""

    async def read() -> GuestComment:
        body = await read_body(request, GuestComment)
        body.check(body.text)
        return body

    visitor, body = await _from_guest(request, db, "can_comment", "Comments are disabled", read)
    return visitor.answer(await db.write(None, lambda tx: actions.say(tx, visitor, body)))


@put(
    _COMMENT,
    access=by_link,
    takes=GuestEdit,
    returns=CHANGED,
    events=(COMMENT_UPDATE, *_STATUS_EVENTS),
    errors=(400, 403, 404, 429),
    tag=_TAG,
)
async def edit_as_guest(comment_id: UUID, request: AnyRequest, db: Database) -> Any:
    """Change one's own comment."""

    async def read() -> GuestEdit:
        body = await read_body(request, GuestEdit)
        body.check(body.text)
        return body

    visitor, body = await _from_guest(request, db, "can_comment", "Comments are disabled", read)
    return visitor.answer(await db.write(None, lambda tx: actions.edit(tx, visitor, comment_id, body)))


@delete(
    _COMMENT,
    access=by_link,
    takes=ByGuest,
    status=204,
    events=(COMMENT_DELETE, *_STATUS_EVENTS),
    errors=(400, 403, 404, 429),
    tag=_TAG,
)
async def delete_as_guest(comment_id: UUID, request: AnyRequest, db: Database) -> None:
    """Delete one's own comment; the guest may be named in the body or the query string."""

    async def read() -> ByGuest:
        return await read_body(request, ByGuest)

    visitor, body = await _from_guest(request, db, "can_comment", "Comments are disabled", read)
    await db.write(None, lambda tx: actions.take_back(tx, visitor, body.guest_id, comment_id))


_FILES = {
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["guest_id"],
                "properties": {
                    "guest_id": {"type": "string", "format": "uuid"},
                    "guest_secret": {"type": "string"},
                    "file": {"type": "string", "format": "binary", "description": "Any field that holds a file"},
                },
            }
        }
    }
}


@asynccontextmanager
async def _form(request: AnyRequest, most_bytes: int) -> AsyncIterator[Form]:
    """The form of a guest, who may take so long: another waits for the place."""
    async with AsyncExitStack() as stack:
        try:
            async with asyncio.timeout(_PATIENCE):
                form = await stack.enter_async_context(multipart_form(request, most_bytes=most_bytes))
        except TimeoutError:
            raise refusal(408, f"The files did not arrive within {_PATIENCE} seconds") from None
        yield form


def _check_named(visitor: Visit, fields: Mapping[str, str]) -> UUID:
    """The guest whom fields name. Raises 403 for nobody, and for somebody who is not proved."""
    if not fields.get("guest_id"):
        raise refusal(403, "Forbidden")
    by = validate(dict(fields), ByGuest, strict=False)
    visitor.check_guest(by.guest_id, by.guest_secret)
    return by.guest_id


@post(
    f"{_COMMENT}/attachments",
    access=by_link,
    body_schema=_FILES,
    returns=CHANGED,
    errors=(400, 403, 404, 408, 413, 429),
    tag=_TAG,
)
async def attach_as_guest(comment_id: UUID, request: AnyRequest, db: Database) -> Any:
    """Attach the files of a form to one's own comment; the comment."""
    visitor, link = await _link(request, db)
    actions.check_right(link["can_comment"], "Comments are disabled")
    most = await limits.room(db, link["link_id"])
    async with _uploads().place(link["link_id"]), _form(request, most) as form:
        guest_id = _check_named(visitor, {**request.query_params, **form.fields})
        if len(chosen(form)) > actions.MOST_FILES:
            raise refusal(400, f"A comment takes at most {actions.MOST_FILES} files")
        await actions.check_own_comment(db, visitor, guest_id, comment_id)
        files = await keep(form)
    try:
        body = await db.write(None, lambda tx: actions.attach_files(tx, visitor, guest_id, comment_id, files))
    except BaseException:
        await discard(files)
        raise
    return visitor.answer(body)


@delete(
    _COMMENT + "/attachments/{attachment_file_id:uuid}",
    access=by_link,
    takes=ByGuest,
    status=204,
    errors=(400, 403, 404, 429),
    tag=_TAG,
)
async def detach_as_guest(comment_id: UUID, attachment_file_id: UUID, request: AnyRequest, db: Database) -> None:
    """Remove a file from one's own comment; the guest may be named in the body or the query string."""

    async def read() -> ByGuest:
        return await read_body(request, ByGuest)

    visitor, body = await _from_guest(request, db, "can_comment", "Comments are disabled", read)
    await db.write(None, lambda tx: actions.detach_file(tx, visitor, body.guest_id, comment_id, attachment_file_id))


# Drawings


@put(
    f"{_PAGE}/annotations",
    access=by_link,
    takes=GuestDrawing,
    returns=PREVIEW,
    events=(PREVIEW_ANNOTATED,),
    errors=(400, 403, 404, 413, 429),
    tag=_TAG,
)
async def draw_as_guest(request: AnyRequest, db: Database) -> Any:
    """Add, replace and remove drawings over a shown preview; the preview."""

    async def read() -> GuestDrawing:
        return await read_body(request, GuestDrawing)

    visitor, body = await _from_guest(request, db, "can_annotate", "Annotations are disabled", read)
    return visitor.answer(await db.write(None, lambda tx: actions.draw(tx, visitor, body)))
