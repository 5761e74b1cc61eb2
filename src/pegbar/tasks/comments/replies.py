"""What follows a comment: replies and acknowledgements. Source: spec tasks, operations on comments."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import msgspec
from sqlalchemy import Executable, select

from pegbar.accounts.shapes import SHORT
from pegbar.accounts.tables import person
from pegbar.core.data.database import Json, Transaction
from pegbar.core.data.parameters import param, sql
from pegbar.core.data.schema import JSONB, utc_now
from pegbar.core.data.wire import json_object
from pegbar.core.errors import NotFound
from pegbar.core.http.access import Caller, may_act_on_task, require
from pegbar.core.storage import mark_deleted
from pegbar.tasks.comments import attachments
from pegbar.tasks.comments.access import check_sees, locked
from pegbar.tasks.comments.attachments import StoredFile
from pegbar.tasks.comments.shapes import COMMENT, WITH_IDS
from pegbar.tasks.comments.subject import Wish, load, named
from pegbar.tasks.events import COMMENT_ACKNOWLEDGE, COMMENT_DELETE_REPLY, COMMENT_REPLY, COMMENT_UNACKNOWLEDGE
from pegbar.tasks.hooks import REPLY_ADDED, REPLY_REMOVED, ReplyAdded, ReplyRemoved
from pegbar.tasks.tables import comment

_COMMENT_ID = param("comment_id")
_PLAIN = select(json_object(COMMENT)).where(comment.c.id == _COMMENT_ID)
_WITH_IDS = select(json_object(WITH_IDS)).select_from(comment).where(comment.c.id == _COMMENT_ID)


async def _row(tx: Transaction, comment_id: UUID, statement: Executable) -> Json:
    row = await tx.json_row(statement, comment_id=comment_id)
    assert row is not None
    return row


async def with_ids(tx: Transaction, comment_id: UUID) -> Json:
    """A comment with the ids of what hangs on it."""
    return await _row(tx, comment_id, _WITH_IDS)


_REPLY = REPLY_ADDED.statement(
    """
    changed AS (
      UPDATE comment SET replies = CASE jsonb_typeof(replies) WHEN 'array' THEN replies ELSE '[]' END || moment.reply,
                         updated_at = moment.now
        FROM moment WHERE comment.id = moment.comment_id
    )
    """,
    {"reply": JSONB},
)

_SHORT_PERSON = select(json_object(SHORT)).where(person.c.id == param("person_id"))


async def reply(
    tx: Transaction, caller: Caller, path: tuple[UUID, UUID], text: str, files: Sequence[StoredFile]
) -> dict[str, Any]:
    """Answer a comment; the reply with its author and files.

    For its author, and who acts on the task or is named in the thread; what is shared with clients is answered by
    managers and clients only.
    """
    task_id, comment_id = path
    row = await locked(tx, task_id, comment_id)
    acts = may_act_on_task(caller)
    wish = Wish(task_id, None, caller.id, text, hashtags=False)
    subject = await load(tx, wish, caller_id=None if acts else caller.id)
    _check_may_reply(caller, row, acts or (subject.named_in_thread and caller.role_here != "vendor"))
    added = ReplyAdded(
        tx,
        comment_id=comment_id,
        task_id=task_id,
        project_id=subject.project_id,
        reply_id=uuid4(),
        author_id=caller.id,
        starter_id=row["person_id"],
        repliers=_repliers(row["replies"]),
        persons=named(text, "@", subject.team),
        departments=named(text, "@", subject.departments),
        for_client=bool(row["for_client"]),
        by_client=row["by_client"],
        now=utc_now(),
    )
    reply = _reply_row(added, text)
    answers = await _REPLY.run(tx, [added], reply=[[reply]])
    reply_id = added.reply_id
    await attachments.attach(tx, files, comment_id=comment_id, reply_id=reply_id)
    tx.emit(COMMENT_REPLY, project_id=subject.project_id, task_id=task_id, comment_id=comment_id, reply_id=reply_id)
    REPLY_ADDED.tell(added, answers)
    answer: dict[str, Any] = {
        **reply,
        "person": msgspec.Raw(await tx.json_row(_SHORT_PERSON, person_id=caller.id) or b"null"),
    }
    if files:
        answer["attachment_files"] = msgspec.Raw(await attachments.short(tx, files, of_reply=True))
    return answer


def _reply_row(added: ReplyAdded, text: str) -> dict[str, Any]:
    """A reply as its comment keeps it."""
    moment = added.now.strftime("%Y-%m-%dT%H:%M:%S")
    return {
        "id": str(added.reply_id),
        "date": moment,
        "created_at": moment,
        "person_id": str(added.author_id),
        "text": text,
        "mentions": [str(person_id) for person_id in added.persons],
        "department_mentions": [str(department_id) for department_id in added.departments],
    }


def _check_may_reply(caller: Caller, row: asyncpg.Record, takes_part: bool) -> None:
    is_author = row["person_id"] == caller.id
    require(is_author or takes_part, "You may not answer on this task.")
    if caller.role_here == "client":
        shared = row["for_client"] or row["by_client"] or is_author
        require(bool(shared), "This comment is not for you.")
        other_studio = row["by_client"] and row["studio_id"] != row["caller_studio_id"]
        require(is_author or not other_studio, "Clients of one studio do not answer those of another.")
    elif (row["for_client"] or row["by_client"]) and not is_author:
        require(caller.manages, "Only managers answer in a thread with clients.")


def _repliers(replies: Any) -> list[UUID]:
    """Who replied so far."""
    person_ids = []
    for reply in replies if isinstance(replies, list) else []:
        try:
            person_ids.append(UUID(reply["person_id"]))
        except (TypeError, KeyError, ValueError, AttributeError):
            continue
    return person_ids


_REMOVE_REPLY = REPLY_REMOVED.statement(
    """
    changed AS (
      UPDATE comment SET updated_at = moment.now,
             replies = coalesce((SELECT jsonb_agg(r ORDER BY n) FROM jsonb_array_elements(replies) WITH ORDINALITY
                                   AS reply (r, n) WHERE r ->> 'id' IS DISTINCT FROM moment.reply_id::text), '[]')
        FROM moment WHERE comment.id = moment.comment_id
    ), detached AS (
      DELETE FROM attachment_file file USING moment
       WHERE file.comment_id = moment.comment_id AND file.reply_id = moment.reply_id RETURNING file.reply_id, file.id
    )
    """,
    files="SELECT ROW(reply_id, id) FROM detached",
)


async def remove_reply(tx: Transaction, caller: Caller, path: tuple[UUID, UUID], reply_id: UUID) -> Json:
    """Take a reply back, with its files and notifications; the comment. For its author and studio managers."""
    task_id, comment_id = path
    row = await locked(tx, task_id, comment_id)
    replies = row["replies"] if isinstance(row["replies"], list) else []
    own = (reply for reply in replies if isinstance(reply, dict) and reply.get("id") == str(reply_id))
    reply = next(own, None)
    if reply is None:
        raise NotFound(f"There is no reply {reply_id} to this comment.")
    require(caller.is_admin or reply.get("person_id") == str(caller.id), "Only its author takes a reply back.")
    removed = ReplyRemoved(tx, comment_id, reply_id, utc_now())
    answers = await _REMOVE_REPLY.run(tx, [removed])
    await mark_deleted(tx, [attachments.address(file_id) for _, file_id in answers["files"].get(reply_id, ())])
    tx.emit(
        COMMENT_DELETE_REPLY, project_id=caller.project_id, task_id=task_id, comment_id=comment_id, reply_id=reply_id
    )
    return await _row(tx, comment_id, _PLAIN)


# Acknowledgements

_TOGGLE = sql(
    """
    WITH gone AS (
      DELETE FROM comment_acknoledgments WHERE comment = :comment_id AND person = :person_id RETURNING person
    ), added AS (
      INSERT INTO comment_acknoledgments (comment, person)
      SELECT :comment_id, :person_id WHERE NOT EXISTS (SELECT 1 FROM gone) RETURNING person
    )
    SELECT EXISTS (SELECT 1 FROM added)
    """
)


async def acknowledge(tx: Transaction, caller: Caller, path: tuple[UUID, UUID]) -> Json:
    """Tick a comment as seen, or untick it; the comment."""
    task_id, comment_id = path
    await locked(tx, task_id, comment_id)
    await check_sees(tx, caller, task_id, comment_id)
    added = await tx.value(_TOGGLE, comment_id=comment_id, person_id=caller.id)
    event = COMMENT_ACKNOWLEDGE if added else COMMENT_UNACKNOWLEDGE
    tx.emit(event, project_id=caller.project_id, comment_id=comment_id, person_id=caller.id)
    return await with_ids(tx, comment_id)
