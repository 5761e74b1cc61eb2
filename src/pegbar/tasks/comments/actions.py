"""What people do with comments: post one or many, move, delete them.

Comments on many tasks are posted in one transaction: when one is refused, none is.
Source: spec tasks, "Posting a comment", "Deleting a comment", comment-many, copy-client-comments, POST
…/comments/{comment_id}/move; "Worth fixing".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from sqlalchemy import any_, select
from sqlalchemy.dialects.postgresql import distinct_on

from pegbar.core.data.database import Json, Transaction
from pegbar.core.data.parameters import param, sql
from pegbar.core.data.schema import Uuid, utc_now
from pegbar.core.data.values import check_json, check_text
from pegbar.core.errors import BadRequest, InvalidBody, NotFound
from pegbar.core.http.access import Caller, may_act_on_task, require
from pegbar.tasks import recount
from pegbar.tasks.comments import queries
from pegbar.tasks.comments.access import BY_CLIENT, caller_at, check_may_comment, check_may_give_status
from pegbar.tasks.comments.attachments import StoredFile, attach
from pegbar.tasks.comments.posting import NewComment, arrive, post, post_many
from pegbar.tasks.comments.removal import remove_comments
from pegbar.tasks.comments.shapes import PostedComment, known_id
from pegbar.tasks.comments.subject import Subject, Wish, load, load_many
from pegbar.tasks.events import COMMENT_DELETE, NEWS_DELETE
from pegbar.tasks.hooks import COMMENT_LEFT, PREVIEWS_ORPHANED, CommentLeft, PreviewsOrphaned
from pegbar.tasks.tables import comment, task


async def say(tx: Transaction, caller: Caller, task_id: UUID, body: PostedComment) -> UUID:
    """Post what somebody said; the id of the comment. Managers may say it for another person and at another time."""
    wish = _wish(caller, task_id, body)
    subject = await load(tx, wish, caller_id=None if may_act_on_task(caller) else caller.id)
    return await post(tx, subject, _allowed(caller, subject, body))


async def say_each(tx: Transaction, said: Sequence[tuple[Caller, UUID, PostedComment]]) -> list[UUID]:
    """Post what somebody said on different tasks, each as `say` does; the ids of the comments."""
    if not all(may_act_on_task(caller) for caller, _, _ in said):
        # Whoever is only named in a thread leaves the status alone, which an earlier comment may have changed.
        return [await say(tx, caller, task_id, body) for caller, task_id, body in said]
    subjects = await load_many(tx, [_wish(*one) for one in said])
    news = [_allowed(caller, subject, body) for (caller, _, body), subject in zip(said, subjects, strict=True)]
    return await post_many(tx, list(zip(subjects, news, strict=True)))


def _wish(caller: Caller, task_id: UUID, body: PostedComment) -> Wish:
    status_id = known_id("task_status_id", body.task_status_id)
    author_id = known_id("person_id", body.person_id) if body.person_id and caller.manages else caller.id
    return Wish(task_id, status_id, author_id, body.text)


def _allowed(caller: Caller, subject: Subject, body: PostedComment) -> NewComment:
    """The comment, once it is known that the caller may say it."""
    check_may_comment(caller, subject)
    check_may_give_status(caller, subject)
    return NewComment(
        body.text,
        checklist=body.items("checklist"),
        links=body.link_texts,
        for_client=body.is_for_client and caller.manages,
        created_at=body.date if caller.manages else None,
    )


async def posted(tx: Transaction, comment_id: UUID) -> Json:
    """A comment as the answer to posting it."""
    return await tx.answer(queries.posted, "comment_id", comment_id)


_SUBJECT_OF_REMOVAL = sql(
    """
    SELECT c.object_id AS task_id, c.person_id, c.task_status_id, t.project_id
      FROM comment c LEFT JOIN task t ON t.id = c.object_id
     WHERE c.id = :comment_id
       FOR NO KEY UPDATE OF c
    """
)


async def remove(tx: Transaction, caller: Caller, comment_id: UUID, *, task_id: UUID | None = None) -> None:
    """Delete a comment, its previews and attachments, and work its task out again.

    For its author, while in the team, and for managers. Raises NotFound for a comment that is not on `task_id`.
    """
    row = await tx.row(_SUBJECT_OF_REMOVAL, comment_id=comment_id)
    if row is None or (task_id is not None and row["task_id"] != task_id):
        raise NotFound(f"There is no comment {comment_id} on this task.")
    require(
        caller.manages or (caller.is_member and row["person_id"] == caller.id),
        "Only the author of a comment and managers of the production delete it.",
    )
    await withdraw(tx, comment_id, task_id=row["task_id"], project_id=row["project_id"], author_id=row["person_id"])


async def withdraw(
    tx: Transaction, comment_id: UUID, *, task_id: UUID, project_id: UUID | None, author_id: UUID
) -> None:
    """Delete a comment, its previews and attachments, and work its task out again: for whoever may."""
    preview_ids = await remove_comments(tx, [comment_id])
    if preview_ids:
        await PREVIEWS_ORPHANED.run(PreviewsOrphaned(tx, preview_ids))
    tx.emit(COMMENT_DELETE, project_id=project_id, comment_id=comment_id, task_id=task_id)
    done = await recount.from_comments(tx, task_id)
    if done is not None and done.status_after != done.status_before:
        recount.announce_status(tx, task_id, done, done.status_after, author_id)


# Many at once


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
    for place, item in enumerate(document):
        if not isinstance(item, dict):
            raise InvalidBody([(str(place), "This must be a comment.")])
        task_id, status_id = (_id(item, place, name) for name in ("object_id", "task_status_id"))
        comment = item.get("comment")
        if task_id is None or status_id is None or comment is None:
            continue
        if not isinstance(comment, str):
            raise InvalidBody([(f"{place}.comment", "This must be a text.")])
        check_text(f"{place}.comment", comment)
        words.append(Word(place, task_id, status_id, comment, _links(item.get("links"), place)))
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
    return [link if isinstance(link, str) else msgspec.json.encode(link).decode() for link in value]


async def say_many(
    tx: Transaction, caller: Caller, words: Sequence[Word], files: Mapping[int, Sequence[StoredFile]]
) -> tuple[Json, set[int]]:
    """Post comments, each with its files; they and their places. What the caller may not comment is passed over.

    Raises NotFound for a manager who names a task that does not exist or anybody who names such a status, Forbidden for
    a status that is kept from the caller's role, BadRequest when the retakes of a task are used up.
    """
    there = await caller_at(tx, caller, [word.task_id for word in words])
    for word in words:
        if word.task_id not in there and caller.manages:
            raise NotFound(f"There is no task {word.task_id}.")
    kept = [word for word in words if word.task_id in there and may_act_on_task(there[word.task_id])]
    subjects = await load_many(tx, [Wish(word.task_id, word.status_id, caller.id, word.text) for word in kept])
    for subject in subjects:
        check_may_give_status(there[subject.task_id], subject)
    news = [NewComment(word.text, links=word.links) for word in kept]
    ids = await post_many(tx, list(zip(subjects, news, strict=True)))
    for word, comment_id in zip(kept, ids, strict=True):
        await attach(tx, files.get(word.place, ()), comment_id=comment_id)
    return await tx.json(queries.posted_together, ids=ids), {word.place for word in kept}


#: The last words of a client on each of these tasks of a production.
_LAST_OF_CLIENTS = (
    select(comment.c.object_id, comment.c.text)
    .join(task, task.c.id == comment.c.object_id)
    .where(
        task.c.id == any_(param("ids")),
        task.c.project_id == param("project_id"),
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
    wishes = [
        Wish(row["object_id"], None, caller.id, "\n\n".join(part for part in (prefix, row["text"] or "") if part))
        for row in await tx.rows(_LAST_OF_CLIENTS, ids=list(task_ids), project_id=project_id)
    ]
    subjects = await load_many(tx, wishes)
    ids = await post_many(tx, [(subject, NewComment(subject.wish.text)) for subject in subjects])
    return await tx.json(queries.posted_together, ids=ids)


# Moving

_MOVED = sql(
    """
    SELECT c.id, c.object_id, c.task_status_id, c.person_id, c.text, c.created_at, coalesce(c.for_client, false)
             AS for_client, source.entity_id IS NOT DISTINCT FROM target.entity_id AS same_entity,
           c.preview_file_id IS NOT NULL OR EXISTS (SELECT 1 FROM comment_preview_link p WHERE p.comment = c.id)
             AS holds_preview
      FROM comment c
      JOIN task source ON source.id = c.object_id
      JOIN task target ON target.id = :target_id
     WHERE c.id = :comment_id
       FOR NO KEY UPDATE OF c
    """
)

_LEAVE = COMMENT_LEFT.statement(
    """
    moved AS (
      UPDATE comment SET object_id = moment.target_id, updated_at = moment.now
        FROM moment WHERE comment.id = moment.comment_id
    ), withdrawn AS (
      DELETE FROM news USING moment WHERE news.comment_id = moment.comment_id RETURNING news.comment_id, news.id
    )
    """,
    {"target_id": Uuid},
    news="SELECT ROW(comment_id, id) FROM withdrawn",
)


def _movable(row: asyncpg.Record | None, task_id: UUID, target_id: UUID) -> asyncpg.Record:
    if row is None:
        raise NotFound("There is no such comment.")
    if row["object_id"] != task_id:
        raise BadRequest("This comment is not on this task.")
    if target_id == task_id:
        raise BadRequest("target_task_id: the comment is on this task already.")
    if not row["same_entity"]:
        raise BadRequest("target_task_id: a comment stays on its entity.")
    if row["holds_preview"]:
        raise BadRequest("A comment with previews stays on its task.")
    return row


async def move(tx: Transaction, caller: Caller, task_id: UUID, comment_id: UUID, target_id: UUID) -> None:
    """Move a comment to another task of the same entity; both tasks are worked out again.

    Raises NotFound for an unknown task, Forbidden unless the caller manages both, BadRequest when it cannot be moved.
    """
    there = await caller_at(tx, caller, [task_id, target_id])
    if target_id not in there:
        raise NotFound(f"There is no task {target_id}.", field="target_task_id")
    require(all(here.manages for here in there.values()), "Only managers of the production move comments.")
    row = _movable(await tx.row(_MOVED, comment_id=comment_id, target_id=target_id), task_id, target_id)
    project_id = there[task_id].project_id
    now = utc_now()
    left = await _LEAVE.run(tx, [CommentLeft(tx, comment_id, now)], target_id=[target_id])
    for _, news_id in left["news"].get(comment_id, ()):
        tx.emit(NEWS_DELETE, project_id=project_id, news_id=news_id)
    words = row["text"] or ""
    subject = await load(tx, Wish(target_id, row["task_status_id"], row["person_id"], words, hashtags=False))
    for changed_id in (task_id, target_id):
        await recount.from_comments(tx, changed_id)
    tx.emit(COMMENT_DELETE, project_id=project_id, comment_id=comment_id, task_id=task_id)
    await arrive(tx, subject, comment_id, words, at=row["created_at"], now=now, for_client=row["for_client"])
