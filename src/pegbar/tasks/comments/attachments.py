"""Files attached to comments and replies. Source: spec tasks, "Attachments" and "Worth fixing".

Files are stored before the transaction that makes them visible, and removed again when that fails.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID, uuid4

from sqlalchemy import any_, select

from pegbar.core.data.database import Database, Json, Transaction
from pegbar.core.data.parameters import param, sql
from pegbar.core.data.schema import Column, String
from pegbar.core.data.wire import json_object
from pegbar.core.errors import NotFound
from pegbar.core.http.access import Caller, require
from pegbar.core.http.uploads import Form, Upload
from pegbar.core.storage import Address, mark_deleted, record, store
from pegbar.tasks.comments.access import locked
from pegbar.tasks.comments.shapes import ATTACHMENT, ATTACHMENT_WITH_REPLY
from pegbar.tasks.events import COMMENT_UPDATE
from pegbar.tasks.tables import attachment_file

PREFIX = "attachments"
T = TypeVar("T")


def address(file_id: UUID) -> Address:
    """Where the bytes of an attachment lie."""
    return Address("files", PREFIX, file_id)


@dataclass(frozen=True)
class StoredFile:
    """A file of a form, stored, not yet attached to anything."""

    id: UUID
    field: str  #: of the form
    name: str
    extension: str
    mimetype: str
    size: int


def _fitting(column: Column[Any], value: str) -> str:
    """What of a text the column can hold."""
    assert isinstance(column.type, String)
    return value[: column.type.length]


def chosen(form: Form) -> list[Upload]:
    """The files of a form that are kept: the first of each field, whatever the fields are called."""
    first_of_field = {upload.field: upload for upload in reversed(form.files)}
    return list(reversed(first_of_field.values()))


async def keep(form: Form) -> list[StoredFile]:
    """Store the files of a form, in the order of `chosen`."""
    return [await keep_one(upload, uuid4()) for upload in chosen(form)]


async def keep_one(upload: Upload, file_id: UUID) -> StoredFile:
    """Store a file under an id."""
    size = await store().put(address(file_id), upload.path)
    return StoredFile(
        file_id,
        upload.field,
        upload.name,
        _fitting(attachment_file.c.extension, upload.extension),
        _fitting(attachment_file.c.mimetype, upload.content_type),
        size,
    )


async def discard(files: Sequence[StoredFile]) -> None:
    """Remove stored files that nothing refers to, as what was to hold them failed."""
    for file in files:
        await store().remove(address(file.id))


async def written(
    db: Database, caller: Caller, work: Callable[[Transaction], Awaitable[T]], files: Sequence[StoredFile]
) -> T:
    """Do a mutation that attaches stored files; they go again when it fails."""
    try:
        return await db.write(caller.id, work)
    except BaseException:
        await discard(files)
        raise


async def attach(
    tx: Transaction,
    files: Sequence[StoredFile],
    *,
    comment_id: UUID | None = None,
    reply_id: UUID | None = None,
    chat_message_id: UUID | None = None,
) -> None:
    """Attach stored files to a comment, a reply of it, or a message."""
    for file in files:
        await record(tx, address(file.id), file.size)
    await tx.insert_many(
        attachment_file,
        [
            {
                "id": file.id,
                "name": file.name,
                "extension": file.extension,
                "mimetype": file.mimetype,
                "size": file.size,
                "comment_id": comment_id,
                "reply_id": reply_id,
                "chat_message_id": chat_message_id,
            }
            for file in files
        ],
    )


_IDS = param("ids")
_SHORT = select(json_object(ATTACHMENT)).where(attachment_file.c.id == any_(_IDS)).order_by(attachment_file.c.name)
_OF_REPLY = (
    select(json_object(ATTACHMENT_WITH_REPLY))
    .where(attachment_file.c.id == any_(_IDS))
    .order_by(attachment_file.c.name)
)


async def short(tx: Transaction, files: Sequence[StoredFile], *, of_reply: bool = False) -> Json:
    """Files as the answer to attaching them."""
    return await tx.json(_OF_REPLY if of_reply else _SHORT, ids=[file.id for file in files])


# Of a comment that is there

_COMMENT_ID = param("comment_id")
_DETACH = sql("DELETE FROM attachment_file WHERE id = :file_id AND comment_id = :comment_id RETURNING id")
_KNOWN_FILE = select(attachment_file.c.id).where(attachment_file.c.id == param("file_id"))


async def change_files(tx: Transaction, caller: Caller, path: tuple[UUID, UUID]) -> None:
    """Tell that the files of a comment change.

    Raises Forbidden unless the comment is the caller's, or they manage the production; NotFound without it.
    """
    task_id, comment_id = path
    row = await locked(tx, task_id, comment_id)
    is_author = caller.is_member and row["person_id"] == caller.id
    require(is_author or caller.manages, "Only the author and managers change the files of a comment.")
    tx.emit(
        COMMENT_UPDATE,
        project_id=caller.project_id,
        comment_id=comment_id,
        task_id=task_id,
        person_id=row["person_id"],
        for_client=bool(row["for_client"]),
    )


async def detach(tx: Transaction, caller: Caller, path: tuple[UUID, UUID], file_id: UUID) -> None:
    """Remove a file from a comment. Raises NotFound for an unknown one, Forbidden for one that it does not hold."""
    await change_files(tx, caller, path)
    gone = await tx.column(_DETACH, comment_id=path[1], file_id=file_id)
    if not gone:
        require(await tx.value(_KNOWN_FILE, file_id=file_id) is None, "This attachment is not of this comment.")
        raise NotFound(f"There is no attachment {file_id} on this comment.")
    await mark_deleted(tx, [address(file_id)])
