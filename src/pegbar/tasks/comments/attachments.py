"""Files attached to comments and replies. Source: spec tasks, "Attachments" and "Worth fixing".

Files are stored before the transaction that makes them visible, and removed again when that fails.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ARRAY, any_, bindparam, select

from pegbar.core.data.database import Json, Transaction
from pegbar.core.data.schema import Column, String, Uuid
from pegbar.core.data.wire import json_object
from pegbar.core.http.uploads import Form, Upload
from pegbar.core.storage import Address, record, store
from pegbar.tasks.comments.shapes import ATTACHMENT, ATTACHMENT_WITH_REPLY
from pegbar.tasks.tables import attachment_file

PREFIX = "attachments"


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


def _fitting(column: Column[Any], text: str) -> str:
    """What of a text the column can hold."""
    assert isinstance(column.type, String)
    return text[: column.type.length]


def chosen(form: Form) -> list[Upload]:
    """The files of a form that are kept: the first of each field, whatever the fields are called."""
    first_of_field = {each.field: each for each in reversed(form.files)}
    return list(reversed(first_of_field.values()))


async def keep(form: Form) -> list[StoredFile]:
    """Store the files of a form, in the order of `chosen`."""
    kept = []
    for upload in chosen(form):
        file_id = uuid4()
        size = await store().put(address(file_id), upload.path)
        kept.append(
            StoredFile(
                file_id,
                upload.field,
                upload.name,
                _fitting(attachment_file.c.extension, upload.extension),
                _fitting(attachment_file.c.mimetype, upload.content_type),
                size,
            )
        )
    return kept


async def discard(files: Sequence[StoredFile]) -> None:
    """Remove stored files that nothing refers to, as what was to hold them failed."""
    for each in files:
        await store().remove(address(each.id))


async def attach(
    tx: Transaction,
    files: Sequence[StoredFile],
    *,
    comment_id: UUID | None = None,
    reply_id: UUID | None = None,
    chat_message_id: UUID | None = None,
) -> None:
    """Attach stored files to a comment, a reply of it, or a message."""
    for each in files:
        await record(tx, address(each.id), each.size)
    await tx.insert_many(
        attachment_file,
        [
            {
                "id": each.id,
                "name": each.name,
                "extension": each.extension,
                "mimetype": each.mimetype,
                "size": each.size,
                "comment_id": comment_id,
                "reply_id": reply_id,
                "chat_message_id": chat_message_id,
            }
            for each in files
        ],
    )


_IDS = bindparam("ids", type_=ARRAY(Uuid))
_SHORT = select(json_object(ATTACHMENT)).where(attachment_file.c.id == any_(_IDS)).order_by(attachment_file.c.name)
_OF_REPLY = (
    select(json_object(ATTACHMENT_WITH_REPLY))
    .where(attachment_file.c.id == any_(_IDS))
    .order_by(attachment_file.c.name)
)


async def short(tx: Transaction, files: Sequence[StoredFile], *, of_reply: bool = False) -> Json:
    """Files as the answer to attaching them."""
    return await tx.json(_OF_REPLY if of_reply else _SHORT, ids=[each.id for each in files])
