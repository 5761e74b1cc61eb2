"""What guests of a share link do: come in, comment, attach files, draw.

Each begins with a statement that holds the link's rule, whether the guest is one of it, and what they want to change:
a link that was revoked a moment ago changes nothing any more. Their comments go the way of everybody's
(tasks/comments/posting.py), their drawings too (media/actions.py). Source: spec review, "Guests".
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import msgspec

from pegbar.accounts.resources import persons
from pegbar.accounts.tables import person
from pegbar.core.data.database import Json, Reader, Transaction
from pegbar.core.data.parameters import sql
from pegbar.core.errors import BadRequest, Forbidden, NotFound
from pegbar.core.storage import mark_deleted
from pegbar.media.actions import annotate
from pegbar.review.sharing.guests import queries
from pegbar.review.sharing.guests.shapes import GuestComment, GuestDrawing, GuestEdit, GuestNames
from pegbar.review.sharing.keys import guest_secret
from pegbar.review.sharing.limits import Use, count
from pegbar.review.sharing.visits import Visit, no_such_link, refusal
from pegbar.tasks import recount
from pegbar.tasks.comments.actions import posted, withdraw
from pegbar.tasks.comments.attachments import StoredFile, address, attach
from pegbar.tasks.comments.editing import remention
from pegbar.tasks.comments.posting import NewComment, post
from pegbar.tasks.comments.subject import Wish, load
from pegbar.tasks.events import COMMENT_UPDATE
from pegbar.tasks.tables import comment

#: Files that guests may attach to one of their comments.
MOST_FILES = 20

_DETACH = sql("DELETE FROM attachment_file WHERE id = :file_id AND comment_id = :comment_id RETURNING id")


async def come_in(tx: Transaction, visit: Visit, body: GuestNames) -> tuple[UUID, Json, bool]:
    """Who somebody is by this link: the guest they show to be, else a new one; their id, their row, whether by id.

    Somebody who types the name of a guest becomes that guest only with their secret.
    """
    known_id = body.known_id()
    row = await tx.row(queries.guest, guest_id=known_id, **visit.link)
    if row is None:
        raise no_such_link()
    if known_id is not None and row["guest_id"] is not None and visit.is_guest(known_id, body.guest_secret):
        return known_id, _with_secret(known_id, row["row"]), True
    first_name, last_name = body.names()
    names = {"first_name": first_name, "last_name": last_name}
    guest_id = None
    if visit.guests:
        guest_id = await tx.value(queries.namesake, guest_ids=visit.guests, link_text=str(row["link_id"]), **names)
    if guest_id is None:
        await count(tx, row["link_id"], Use(guests=1))
        guest_id = await _new_guest(tx, row["link_id"], names)
    told = await tx.value(queries.guest_row, guest_id=guest_id)
    return guest_id, _with_secret(guest_id, told), False


async def _new_guest(tx: Transaction, link_id: UUID, names: dict[str, str]) -> UUID:
    guest_id = await tx.insert(
        person,
        email=f"guest-{uuid4().hex[:8]}@guest.kitsu",
        role="client",
        is_guest=True,
        data={"share_link_id": str(link_id)},
        **names,
    )
    assert guest_id is not None
    tx.emit(persons.events["new"], person_id=guest_id)
    return guest_id


def _with_secret(guest_id: UUID, row: str) -> Json:
    return Json(row[:-1].encode() + b',"guest_secret":' + msgspec.json.encode(guest_secret(guest_id)) + b"}")


# Comments


async def say(tx: Transaction, visit: Visit, body: GuestComment) -> Json:
    """Post a comment; it, as the answer to posting it."""
    row = await tx.row(
        queries.speaking,
        guest_id=body.guest_id,
        task_id=body.task_id,
        status_id=body.task_status_id,
        **visit.link,
    )
    if row is None:
        raise no_such_link()
    check_right(row["can_comment"], "Comments are disabled")
    if not row["is_guest"]:
        raise refusal(403, "Forbidden")
    if not row["is_shown"]:
        raise refusal(403, "This task is not part of the playlist")
    if row["status_id"] is None:
        raise refusal(400, "Unknown task status")
    if not row["is_allowed"]:
        raise refusal(400, "Clients may not give this status")
    await count(tx, row["link_id"], Use(comments=1))
    words = body.text or ""
    subject = await load(tx, Wish(body.task_id, body.task_status_id, body.guest_id, words))
    try:
        comment_id = await post(tx, subject, NewComment(words, checklist=body.checklist or []))
    except BadRequest as refused:
        raise refusal(400, refused.message) from None
    return await posted(tx, comment_id)


def check_right(has: bool, message: str) -> None:
    """Raise 403 for what the link does not allow."""
    if not has:
        raise refusal(403, message)


async def _own_comment(
    db: Reader, visit: Visit, guest_id: UUID, comment_id: UUID, *, status_id: UUID | None = None
) -> asyncpg.Record:
    """A comment that the guest may change. Raises 403 and 404 in the order of the specification."""
    row = await db.row(queries.own_comment, guest_id=guest_id, comment_id=comment_id, status_id=status_id, **visit.link)
    if row is None:
        raise no_such_link()
    check_right(row["can_comment"], "Comments are disabled")
    if not row["is_guest"]:
        raise refusal(403, "Forbidden")
    if row["comment_id"] is None:
        raise refusal(404, "Comment not found")
    if not row["is_own"]:
        raise refusal(403, "Forbidden")
    return row


async def edit(tx: Transaction, visit: Visit, comment_id: UUID, body: GuestEdit) -> Json:
    """Change a comment; mentions follow its text, its task the status."""
    row = await _own_comment(tx, visit, body.guest_id, comment_id, status_id=body.task_status_id)
    changes_status = body.task_status_id is not None and body.task_status_id != row["task_status_id"]
    if changes_status and (row["status_id"] is None or not row["is_allowed"]):
        raise refusal(403, "Forbidden")
    await count(tx, row["link_id"], Use(comments=1))
    values: dict[str, Any] = {"text": body.text, "checklist": body.checklist, "task_status_id": body.task_status_id}
    values = {name: value for name, value in values.items() if value is not None}
    if not await tx.update(comment, comment_id, editor_id=body.guest_id, **values):
        raise refusal(404, "Comment not found")
    task_id, project_id, for_client = row["task_id"], row["project_id"], bool(row["for_client"])
    if body.text is not None and body.text != row["text"]:
        about = {"comment_id": comment_id, "task_id": task_id, "author_id": body.guest_id}
        await remention(tx, words=body.text, for_client=for_client, **about)
    if changes_status:
        done = await recount.from_comments(tx, task_id)
        if done is not None and done.status_after != done.status_before:
            recount.announce_status(tx, task_id, done, body.task_status_id, body.guest_id)
    tx.emit(
        COMMENT_UPDATE,
        project_id=project_id,
        comment_id=comment_id,
        task_id=task_id,
        person_id=body.guest_id,
        for_client=for_client,
    )
    return await _changed(tx, comment_id)


async def _changed(tx: Transaction, comment_id: UUID) -> Json:
    row = await tx.json_row(queries.changed_comment, comment_id=comment_id)
    if row is None:
        raise refusal(404, "Comment not found")
    return row


async def take_back(tx: Transaction, visit: Visit, guest_id: UUID, comment_id: UUID) -> None:
    """Delete a comment with all that hangs on it; its task is worked out again."""
    row = await _own_comment(tx, visit, guest_id, comment_id)
    await count(tx, row["link_id"], Use(comments=1))
    await withdraw(tx, comment_id, task_id=row["task_id"], project_id=row["project_id"], author_id=guest_id)


# Files


async def check_own_comment(db: Reader, visit: Visit, guest_id: UUID, comment_id: UUID) -> None:
    """Refuse whoever may not change a comment."""
    await _own_comment(db, visit, guest_id, comment_id)


async def attach_files(
    tx: Transaction, visit: Visit, guest_id: UUID, comment_id: UUID, files: Sequence[StoredFile]
) -> Json:
    """Attach stored files to a comment; the comment."""
    row = await _own_comment(tx, visit, guest_id, comment_id)
    if row["files"] + len(files) > MOST_FILES:
        raise refusal(400, f"A comment takes at most {MOST_FILES} files")
    if files:
        await count(tx, row["link_id"], Use(comments=1, bytes=sum(file.size for file in files)))
    await attach(tx, files, comment_id=comment_id)
    return await _changed(tx, comment_id)


async def detach_file(tx: Transaction, visit: Visit, guest_id: UUID, comment_id: UUID, file_id: UUID) -> None:
    """Remove a file from a comment."""
    row = await _own_comment(tx, visit, guest_id, comment_id)
    await count(tx, row["link_id"], Use(comments=1))
    if not await tx.column(_DETACH, comment_id=comment_id, file_id=file_id):
        raise refusal(404, "Comment not found")
    await mark_deleted(tx, [address(file_id)])


# Drawings


async def draw(tx: Transaction, visit: Visit, body: GuestDrawing) -> Json:
    """Change the annotations of a preview; the preview."""
    row = await tx.row(queries.drawing, guest_id=body.guest_id, preview_id=body.preview_file_id, **visit.link)
    if row is None:
        raise no_such_link()
    check_right(row["can_annotate"], "Annotations are disabled")
    if not row["is_guest"]:
        raise refusal(403, "Forbidden")
    check_shown(row, body.preview_file_id)
    await count(tx, row["link_id"], Use(drawings=1))
    changes = (body.additions or [], body.updates or [], body.deletions or [])
    return await annotate(tx, body.guest_id, body.preview_file_id, *changes)


def check_shown(row: asyncpg.Record, preview_id: UUID, *, key: str = "preview_id") -> None:
    """Raise 404 for a preview that is not there, 403 for one that the link does not show."""
    if row[key] is None:
        raise NotFound(f"There is no preview {preview_id}.")
    if not row["is_shown"]:
        raise Forbidden("This preview is not part of the playlist.")
