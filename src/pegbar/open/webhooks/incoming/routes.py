"""Incoming hooks: made by the managers of a production, used by whoever has the link. Source: issue 13, 4."""

from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

import msgspec
from litestar import Request

from pegbar.core.data.database import Database, Json, Transaction
from pegbar.core.errors import BadRequest, TooLarge
from pegbar.core.http.access import Caller, Place, anyone, manager_of, of_row
from pegbar.core.http.body import decode_json
from pegbar.core.http.routing import Reply, delete, get, post
from pegbar.open.webhooks.incoming import actions
from pegbar.open.webhooks.incoming.messages import NoText, acknowledgement, text_of
from pegbar.open.webhooks.incoming.shapes import INCOMING, WITH_TOKEN, NewIncomingHook
from pegbar.open.webhooks.routes import MANAGES_ANY
from pegbar.open.webhooks.tables import incoming_hook
from pegbar.tasks.events import COMMENT_NEW, TASK_UPDATE

AnyRequest = Request[Any, Any, Any]
_ALL = "/open/v1/incoming-hooks"
#: Bytes of a message.
_MOST = 256 * 1024


class ListQuery(msgspec.Struct):
    """Of which task."""

    task_id: UUID | None = None


@get(_ALL, access=MANAGES_ANY.further("those of their productions"), returns=[INCOMING])
async def incoming_hooks(query: ListQuery, db: Database, caller: Caller) -> Json:
    """The incoming hooks of the tasks that the caller manages, without their tokens."""
    return await actions.listed(db, caller, query.task_id)


@post(_ALL, access=manager_of(Place("task", "task_id", in_body=True)), returns=WITH_TOKEN, errors=(400,), malformed=400)
async def make_incoming_hook(body: NewIncomingHook, tx: Transaction, caller: Caller) -> Json:
    """Add an incoming hook of a task; its `token`, and the `url` that programs post to, are told this once."""
    return await actions.make(tx, caller, body)


@delete(
    _ALL + "/{incoming_hook_id:uuid}",
    access=manager_of(of_row("task", incoming_hook.c.task_id, "incoming_hook_id")),
)
async def revoke_incoming_hook(incoming_hook_id: UUID, tx: Transaction) -> None:
    """Revoke an incoming hook; what was posted by it stays."""
    await actions.revoke(tx, incoming_hook_id)


@post(
    "/open/v1/hooks/{token:str}", access=anyone, status=200, errors=(400, 413, 429), events=[COMMENT_NEW, TASK_UPDATE]
)
async def post_message(token: str, request: AnyRequest, db: Database) -> Reply:
    """Post a message as Slack, Discord, Mattermost or Teams take it: a comment on the task of the link.

    JSON, or a form with the JSON in `payload`, of at most 256 kB. Answers as the app would: `ok`, nothing (204), `1`.
    """
    document = await _message(request)
    try:
        text = text_of(document)
    except NoText as error:
        raise BadRequest(f"{error}.") from None

    async def say(tx: Transaction) -> None:
        await actions.say(tx, token, text)

    await db.write(None, say)
    status, said = acknowledgement(document)
    return Reply(said, status=status, media_type="text/plain")


async def _message(request: AnyRequest) -> Any:
    """The document of a message, be it in a form as Slack's first clients send it."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > _MOST:
            raise TooLarge(f"A message is limited to {_MOST} bytes.")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        try:
            fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=20)
        except ValueError:
            raise BadRequest("payload: the form has too many fields.") from None
        return decode_json(fields.get("payload", [""])[0].encode())
    return decode_json(bytes(body))
