"""Routes of the chats of entities. Source: spec tasks, "Chats" and its operations; spec user, chats."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from litestar import Request

from pegbar.core.data.database import Database, Json, Transaction
from pegbar.core.data.values import check_text
from pegbar.core.errors import BadRequest, Forbidden, NotFound
from pegbar.core.http.access import Caller, entity_access, person_identity
from pegbar.core.http.body import Strict, read_body, validate
from pegbar.core.http.downloads import download
from pegbar.core.http.routing import delete, found, get, post
from pegbar.core.http.uploads import received_form
from pegbar.tasks.comments import queries as comment_queries
from pegbar.tasks.comments.attachments import chosen, discard, keep
from pegbar.tasks.comments.resources import ATTACHMENT, reads_attachment
from pegbar.tasks.comments.shapes import is_form
from pegbar.workspace.chats import actions, queries
from pegbar.workspace.chats.actions import SentFile
from pegbar.workspace.chats.events import CHAT_DELETED_MESSAGE, CHAT_JOINED, CHAT_LEFT, CHAT_NEW_MESSAGE

AnyRequest = Request[Any, Any, Any]
_CHAT = "/data/entities/{entity_id:uuid}/chat"
_MESSAGE = _CHAT + "/messages/{chat_message_id:uuid}"
_JOIN = "/actions/user/chats/{entity_id:uuid}/join"
_reaches = entity_access("entity_id")
_joins = replace(_reaches, text=f"a person, {_reaches.text}", bots=False)


class NewMessage(Strict):
    """What is said in a chat."""

    message: str


@get(_CHAT, access=_reaches, returns=queries.WHOLE)
async def entity_chat(entity_id: UUID, db: Database, caller: Caller) -> Json:
    """The chat of an entity, with who takes part and what was said. It is made when it is first read."""
    row = await db.json_row(queries.whole, entity_id=entity_id)
    if row is not None:
        return row

    async def make(tx: Transaction) -> Json:
        await actions.chat_of(tx, entity_id)
        return found(await tx.json_row(queries.whole, entity_id=entity_id))

    return await db.write(caller.id, make)


@get(f"{_CHAT}/messages", access=_reaches, returns=[queries.LISTED])
async def chat_messages(entity_id: UUID, db: Database) -> Json:
    """What was said in the chat of an entity, in order."""
    return await db.json(queries.messages, entity_id=entity_id)


@post(
    f"{_CHAT}/messages",
    access=_reaches,
    events=(CHAT_NEW_MESSAGE,),
    returns=queries.MESSAGE,
    files=True,
    alone="",
    errors=(400, 429),
)
async def say_in_chat(entity_id: UUID, request: AnyRequest, db: Database, caller: Caller) -> Json:
    """Say something in the chat of an entity, as JSON or a form with files.

    Answers the message. 400 for who does not take part, and for a picture that cannot be read: nothing is kept then.
    """
    async with received_form(request) as form:
        body = validate(form.fields, NewMessage) if is_form(request) else await read_body(request, NewMessage)
        check_text("message", body.message)
        if not await db.value(queries.is_participant, entity_id=entity_id):
            raise BadRequest("You do not take part in this chat: join it first.")
        files = await keep(form)
        sent: list[SentFile] = []
        try:
            for upload, file in zip(chosen(form), files, strict=True):
                sent.append(await actions.keep_thumbnail(caller.id, upload.path, file))

            async def say(tx: Transaction) -> Json:
                return await actions.say(tx, caller, entity_id, body.message, sent)

            return await db.write(caller.id, say)
        except BaseException:
            await actions.discard(sent)
            await discard(files)
            raise


@get(
    _MESSAGE,
    access=_reaches.further("messages of other chats are refused"),
    returns=queries.LISTED,
    errors=(403, 404),
)
async def chat_message(entity_id: UUID, chat_message_id: UUID, db: Database) -> Json:
    """One message of the chat of an entity."""
    row = await db.row(queries.message, entity_id=entity_id, message_id=chat_message_id)
    if row is None:
        raise NotFound(f"There is no message {chat_message_id}.")
    if not row["here"]:
        raise Forbidden("This message is of another chat.")
    return Json(row["row"].encode())


@delete(
    _MESSAGE,
    access=_reaches.further("its author or a studio manager"),
    events=(CHAT_DELETED_MESSAGE,),
    errors=(403, 404),
)
async def delete_chat_message(entity_id: UUID, chat_message_id: UUID, tx: Transaction, caller: Caller) -> None:
    """Delete a message of a chat, with its files."""
    await actions.take_back(tx, caller, entity_id, chat_message_id)


@get("/data/user/chats", access=person_identity, returns=queries.OF_PERSON)
async def own_chats(db: Database) -> Json:
    """The chats that the caller takes part in, in open productions; the one with the latest message first."""
    return await db.json(queries.of_person)


@post(_JOIN, access=_joins, status=200, events=(CHAT_JOINED,), returns=queries.CHAT)
async def join_chat(entity_id: UUID, tx: Transaction, caller: Caller) -> Json:
    """Take part in the chat of an entity; the chat."""
    return await actions.join(tx, caller, entity_id)


@delete(_JOIN, access=_joins, events=(CHAT_LEFT,))
async def leave_chat(entity_id: UUID, tx: Transaction, caller: Caller) -> None:
    """Take part in the chat of an entity no longer."""
    await actions.leave(tx, caller, entity_id)


@get(
    "/pictures/thumbnails/attachment-files/{attachment_file_id:uuid}.png",
    access=replace(
        reads_attachment.further("what hangs on a hidden comment is refused"),
        place=reads_attachment.place.renamed("attachment_file_id"),
    ),
    errors=(403, 404),
)
async def attachment_thumbnail(attachment_file_id: UUID, request: AnyRequest, db: Database, caller: Caller) -> Any:
    """The small picture of an attachment, for who sees the comment or chat that holds it."""
    row = await db.row(comment_queries.attachment(ATTACHMENT, caller), attachment_id=attachment_file_id)
    if row is None:
        raise NotFound(f"There is no attachment {attachment_file_id}.")
    if not row["visible"]:
        raise Forbidden("This attachment is not for you.")
    return await download(request, actions.thumbnail(attachment_file_id), kind="image/png")
