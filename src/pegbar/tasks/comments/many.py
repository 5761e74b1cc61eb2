"""Comments on many tasks at once. Source: spec tasks, comment-many and copy-client-comments; "Worth fixing".

All are posted in one transaction: when one is refused, none is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import ARRAY, any_, bindparam, select
from sqlalchemy.dialects.postgresql import distinct_on

from pegbar.core.data.database import Json, Transaction
from pegbar.core.data.schema import Uuid
from pegbar.core.data.values import check_json, check_text
from pegbar.core.errors import BadRequest, InvalidBody, NotFound
from pegbar.core.http.access import Caller, may_act_on_task
from pegbar.tasks.comments import queries
from pegbar.tasks.comments.attachments import StoredFile, attach
from pegbar.tasks.comments.posting import NewComment, post
from pegbar.tasks.comments.rights import caller_at, check_may_give_status
from pegbar.tasks.comments.subject import load
from pegbar.tasks.comments.visibility import BY_CLIENT
from pegbar.tasks.tables import comment, task


@dataclass(frozen=True)
class Word:
    """What is said on one of many tasks, and its place among what was sent."""

    place: int
    task_id: UUID
    status_id: UUID
    text: str
    links: list[str]


def words_of(document: Any) -> list[Word]:
    """The comments of a body. Those without task, status or text are passed over. 400 for what is no list of them."""
    if not isinstance(document, list):
        raise BadRequest("The body must be a list of comments.")
    words = []
    for place, each in enumerate(document):
        if not isinstance(each, dict):
            raise InvalidBody([(str(place), "This must be a comment.")])
        task_id, status_id = (_id(each, place, name) for name in ("object_id", "task_status_id"))
        said = each.get("comment")
        if task_id is None or status_id is None or said is None:
            continue
        if not isinstance(said, str):
            raise InvalidBody([(f"{place}.comment", "This must be a text.")])
        check_text(f"{place}.comment", said)
        words.append(Word(place, task_id, status_id, said, _links(each.get("links"), place)))
    return words


def _id(item: Mapping[str, Any], place: int, name: str) -> UUID | None:
    value = item.get(name)
    if value is None:
        return None
    try:
        return UUID(value)
    except (ValueError, TypeError, AttributeError):
        raise InvalidBody([(f"{place}.{name}", "This is not an id.")]) from None


def _links(value: Any, place: int) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise InvalidBody([(f"{place}.links", "This must be a list.")])
    check_json(f"{place}.links", value)
    return [each if isinstance(each, str) else msgspec.json.encode(each).decode() for each in value]


async def say_many(
    tx: Transaction, caller: Caller, words: Sequence[Word], files: Mapping[int, Sequence[StoredFile]]
) -> tuple[Json, set[int]]:
    """Post comments, each with its files; they and their places. What the caller may not comment is passed over.

    Raises NotFound for a manager who names a task that does not exist or anybody who names such a status, Forbidden for
    a status that is kept from the caller's role, BadRequest when the retakes of a task are used up.
    """
    there = await caller_at(tx, caller, [each.task_id for each in words])
    made: dict[int, UUID] = {}
    for each in words:
        if each.task_id not in there and caller.manages:
            raise NotFound(f"There is no task {each.task_id}.")
        if each.task_id not in there or not may_act_on_task(there[each.task_id]):
            continue
        subject = await load(tx, each.task_id, status_id=each.status_id, author_id=caller.id, said=each.text)
        check_may_give_status(there[each.task_id], subject)
        made[each.place] = await post(tx, subject, NewComment(each.text, links=each.links))
        await attach(tx, files.get(each.place, ()), comment_id=made[each.place])
    return await tx.json(queries.posted_together, ids=list(made.values())), set(made)


#: The last words of a client on each of these tasks of a production.
_LAST_OF_CLIENTS = (
    select(comment.c.object_id, comment.c.text)
    .join(task, task.c.id == comment.c.object_id)
    .where(
        task.c.id == any_(bindparam("ids", type_=ARRAY(Uuid))),
        task.c.project_id == bindparam("project_id", type_=Uuid),
        BY_CLIENT,
    )
    .order_by(comment.c.object_id, comment.c.created_at.desc(), comment.c.id)
    .ext(distinct_on(comment.c.object_id))
)


async def copy_last_of_clients(
    tx: Transaction, caller: Caller, project_id: UUID, task_ids: Sequence[UUID], prefix: str
) -> Json:
    """Say again, for the studio, what clients said last on tasks of a production; the comments, by their tasks' ids."""
    await caller_at(tx, caller, task_ids)
    made = []
    for row in await tx.rows(_LAST_OF_CLIENTS, ids=list(task_ids), project_id=project_id):
        said = "\n\n".join(part for part in (prefix, row["text"] or "") if part)
        subject = await load(tx, row["object_id"], status_id=None, author_id=caller.id, said=said)
        made.append(await post(tx, subject, NewComment(said)))
    return await tx.json(queries.posted_together, ids=made)
