"""What people do in the chats of entities. Source: spec tasks, "Chats"; spec user, chat join routes; "Worth fixing".

A chat is made when it is first looked at or joined. No table rule keeps an entity from having two: who makes it holds
the entity's row meanwhile.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

from sqlalchemy import select

from pegbar.core.data.database import Json, Transaction
from pegbar.core.data.parameters import param, sql
from pegbar.core.data.removal import Gone, Removal, going, reaction, remove
from pegbar.core.data.schema import Text, utc_now
from pegbar.core.errors import BadRequest, Forbidden, NotFound
from pegbar.core.http.access import Caller, require
from pegbar.core.storage import Address, mark_deleted, record, store
from pegbar.entities.tables import entity
from pegbar.media import addresses
from pegbar.media.pictures import ATTACHMENT_THUMBNAIL, rendered
from pegbar.productions.hooks import TEAM_LEFT, Parting
from pegbar.tasks.comments import attachments
from pegbar.tasks.comments.attachments import StoredFile
from pegbar.workspace.chats import queries
from pegbar.workspace.chats.events import CHAT_DELETED_MESSAGE, CHAT_JOINED, CHAT_LEFT, CHAT_NEW_MESSAGE
from pegbar.workspace.tables import chat, chat_message

_ENTITY_ID = param("entity_id")
_PERSON = param("person_id")
_CHAT = param("chat_id")
_HELD = select(entity.c.id).where(entity.c.id == _ENTITY_ID).with_for_update(key_share=True)


async def chat_of(tx: Transaction, entity_id: UUID) -> UUID:
    """The id of the chat of an entity, made now when there is none."""
    chat_id: UUID | None = await tx.value(queries.chat_of_entity, entity_id=entity_id)
    if chat_id is not None:
        return chat_id
    await tx.row(_HELD, entity_id=entity_id)
    chat_id = await tx.value(queries.chat_of_entity, entity_id=entity_id)
    if chat_id is None:
        chat_id = await tx.insert(chat, object_id=entity_id, object_type="entity")
    assert chat_id is not None
    return chat_id


_JOIN = sql("INSERT INTO chat_participant (chat_id, person_id) VALUES (:chat_id, :person_id) ON CONFLICT DO NOTHING")
_LEAVE = sql("DELETE FROM chat_participant WHERE chat_id = :chat_id AND person_id = :person_id")


async def join(tx: Transaction, caller: Caller, entity_id: UUID) -> Json:
    """Take part in the chat of an entity; the chat."""
    chat_id = await chat_of(tx, entity_id)
    await tx.execute(_JOIN, chat_id=chat_id, person_id=caller.id)
    tx.emit(CHAT_JOINED, project_id=caller.project_id, chat_id=chat_id, person_id=caller.id)
    row = await tx.json_row(queries.joined, chat_id=chat_id)
    assert row is not None
    return row


async def leave(tx: Transaction, caller: Caller, entity_id: UUID) -> None:
    """Take part in the chat of an entity no longer."""
    chat_id = await chat_of(tx, entity_id)
    await tx.execute(_LEAVE, chat_id=chat_id, person_id=caller.id)
    tx.emit(CHAT_LEFT, project_id=caller.project_id, chat_id=chat_id, person_id=caller.id)


# Messages

_SAY = sql(
    """
    WITH said AS (
      INSERT INTO chat_message (id, created_at, updated_at, chat_id, person_id, text)
      SELECT :message_id, :now, :now, chat_id, person_id, :text FROM chat_participant
       WHERE chat_id = :chat_id AND person_id = :person_id
      RETURNING chat_id
    )
    UPDATE chat SET last_message = greatest(last_message, :now), updated_at = :now
      FROM said WHERE chat.id = said.chat_id
    RETURNING chat.last_message
    """,
    text=Text,
)


@dataclass(frozen=True)
class SentFile:
    """A stored file of a message, with the size of its thumbnail when it is a picture."""

    file: StoredFile
    thumbnail_size: int | None = None


def thumbnail(file_id: UUID) -> Address:
    """Where the small picture of an attachment lies."""
    return addresses.picture(ATTACHMENT_THUMBNAIL.prefix, file_id)


def is_picture(mimetype: str) -> bool:
    """Whether a file of this type gets a thumbnail."""
    return any(word in mimetype.lower() for word in ("png", "jpg", "jpeg"))


async def keep_thumbnail(author_id: UUID, source: Path, file: StoredFile) -> SentFile:
    """Make and store the small picture of a file that says it is a picture. Raises UnreadablePicture."""
    if not is_picture(file.mimetype):
        return SentFile(file)
    async with rendered(source, (ATTACHMENT_THUMBNAIL,), holder=author_id) as picture:
        return SentFile(file, await store().put(thumbnail(file.id), picture.files[ATTACHMENT_THUMBNAIL.prefix]))


async def discard(files: Sequence[SentFile]) -> None:
    """Remove the thumbnails of a message that failed."""
    for sent in files:
        if sent.thumbnail_size is not None:
            await store().remove(thumbnail(sent.file.id))


async def say(tx: Transaction, caller: Caller, entity_id: UUID, text: str, files: Sequence[SentFile]) -> Json:
    """Send a message with its files; it. Raises BadRequest for who does not take part."""
    chat_id, message_id = await tx.value(queries.chat_of_entity, entity_id=entity_id), uuid4()
    message = {"chat_id": chat_id, "person_id": caller.id, "message_id": message_id}
    last = await tx.value(_SAY, text=text, now=utc_now(), **message)
    if last is None:
        raise BadRequest("You do not take part in this chat: join it first.")
    await attachments.attach(tx, [sent.file for sent in files], chat_message_id=message_id)
    for sent in files:
        if sent.thumbnail_size is not None:
            await record(tx, thumbnail(sent.file.id), sent.thumbnail_size)
    tx.emit(
        CHAT_NEW_MESSAGE,
        project_id=caller.project_id,
        chat_id=chat_id,
        chat_message_id=message_id,
        last_message=last,
    )
    row = await tx.json_row(queries.posted_with_files if files else queries.posted, message_id=message_id)
    assert row is not None
    return row


_FILES = sql("SELECT id FROM attachment_file WHERE chat_message_id = ANY(:ids)")


@going(chat_message)
async def drop_files(removal: Removal, message_ids: list[UUID]) -> AsyncIterator[None]:
    """The files of messages and their thumbnails are always purged."""
    file_ids = await removal.tx.column(_FILES, ids=message_ids)
    await mark_deleted(removal.tx, [attachments.address(file_id) for file_id in file_ids], force=True)
    await mark_deleted(removal.tx, [thumbnail(file_id) for file_id in file_ids], force=True)
    yield


async def take_back(tx: Transaction, caller: Caller, entity_id: UUID, message_id: UUID) -> None:
    """Delete a message with its files; for its author and studio managers."""
    row = await tx.row(queries.message, entity_id=entity_id, message_id=message_id)
    if row is None:
        raise NotFound(f"There is no message {message_id}.")
    if not row["here"]:
        raise Forbidden("This message is of another chat.")
    require(caller.is_admin or row["person_id"] == caller.id, "Only its author takes a message back.")
    await remove(tx, chat_message, [message_id], force=True)
    tx.emit(CHAT_DELETED_MESSAGE, project_id=caller.project_id, chat_id=row["chat_id"], chat_message_id=message_id)


# What ends a chat, or somebody's part in it

_LEAVE_ALL = sql(
    """
    DELETE FROM chat_participant WHERE person_id = :person_id AND chat_id IN (
      SELECT c.id FROM chat c JOIN entity e ON e.id = c.object_id WHERE e.project_id = :project_id)
    """
)

_MESSAGES_BY = sql(
    """
    SELECT m.id, m.chat_id, e.project_id
      FROM chat_message m JOIN chat c ON c.id = m.chat_id LEFT JOIN entity e ON e.id = c.object_id
     WHERE m.person_id = ANY(:person_ids)
    """
)


@reaction(chat_message.c.person_id)
async def forget_messages(gone: Gone) -> None:
    """What somebody who is removed said in chats goes, with its files."""
    rows = await gone.tx.rows(_MESSAGES_BY, person_ids=gone.ids)
    await remove(gone.tx, chat_message, [row["id"] for row in rows], force=True)
    for row in rows:
        message = {"chat_id": row["chat_id"], "chat_message_id": row["id"]}
        gone.tx.emit(CHAT_DELETED_MESSAGE, project_id=row["project_id"], **message)


@TEAM_LEFT.register()
async def leave_chats(parting: Parting) -> None:
    """Who leaves a team leaves the chats of its production."""
    await parting.tx.execute(_LEAVE_ALL, person_id=parting.person_id, project_id=parting.project_id)
