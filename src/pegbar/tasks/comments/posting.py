"""Posting a comment: the normal way a task changes status.

A person's comment, a copy on a sibling task (hashtags) and an automation's comment go through `post`. Everything a
comment causes is written by one statement; its events and mails commit with it.
Source: spec tasks, "Posting a comment: pipeline", "Status automations".
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import structlog
from sqlalchemy import ARRAY, bindparam

from pegbar.core.data.database import Transaction
from pegbar.core.data.parameters import param
from pegbar.core.data.schema import JSONB, TIMESTAMP, Boolean, String, Text, utc_now
from pegbar.core.errors import BadRequest
from pegbar.entities import events
from pegbar.entities.casting.readiness import refresh_casting_of
from pegbar.entities.kinds import ASSET
from pegbar.entities.tables import entity
from pegbar.tasks import recount
from pegbar.tasks.comments.subject import Automation, Subject, load, named
from pegbar.tasks.events import COMMENT_NEW, NEWS_NEW, TASK_STATUS_CHANGED, TASK_TO_REVIEW, TASK_UPDATE
from pegbar.tasks.hooks import COMMENT_ADDED, REVISION_IMPORTED, CommentAdded, RevisionImport
from pegbar.tasks.state import after_status, is_latest, next_moment

log = structlog.get_logger()

#: An automation may set off another one; a circle of them ends here.
_LONGEST_CHAIN = 10


@dataclass(frozen=True)
class NewComment:
    """What somebody says on a task."""

    text: str
    checklist: list[Any] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    for_client: bool = False
    created_at: datetime | None = None
    copied: bool = False  #: repeated from another task: its hashtags are not followed again


#: A comment is news; whom it concerns is told of it.
_PUBLISHED = """
    published AS (
      INSERT INTO news (id, created_at, updated_at, change, author_id, comment_id, task_id)
      SELECT gen_random_uuid(), :at, :now, :changes_status, :author_id, :comment_id, :task_id WHERE :makes_news
      RETURNING id
    )
"""
_NEWS = "(SELECT id FROM published) AS news_id"
_MAKES_NEWS = param("makes_news", Boolean)

_POST = COMMENT_ADDED.statement(
    f"""
    posted AS (
      INSERT INTO comment (id, created_at, updated_at, object_id, object_type, text, replies, checklist, links,
                           task_status_id, person_id, for_client)
      VALUES (:comment_id, :at, :now, :task_id, 'Task', :text, '[]', :checklist, :links, :status_id, :author_id,
              :for_client)
    ), mentions AS (
      INSERT INTO comment_mentions (comment, person) SELECT :comment_id, unnest(:persons)
    ), department_mentions AS (
      INSERT INTO comment_department_mentions (comment, department) SELECT :comment_id, unnest(:departments)
    ), changed AS (
      UPDATE task SET task_status_id = :status_id, retake_count = :retake_count, real_start_date = :real_start_date,
                      end_date = :end_date, done_date = :done_date, last_comment_date = :at, updated_at = :now
       WHERE id = :task_id AND :latest
    ), {_PUBLISHED}
    """,  # noqa: S608 - a constant
    _MAKES_NEWS,
    *[bindparam(name, type_=TIMESTAMP) for name in ("real_start_date", "end_date", "done_date")],
    param("status_id"),
    param("latest", Boolean),
    param("text", Text),
    param("checklist", JSONB),
    param("links", ARRAY(String)),
    param("retake_count"),
    columns=_NEWS,
)
#: What a comment that was moved causes on the task it comes to.
_ARRIVE = COMMENT_ADDED.statement(_PUBLISHED, _MAKES_NEWS, columns=_NEWS)


def _added(
    tx: Transaction,
    subject: Subject,
    comment_id: UUID,
    text: str,
    *,
    at: datetime,
    now: datetime,
    for_client: bool,
    changes_status: bool = False,
) -> CommentAdded:
    """The comment for those who hear of it."""
    return CommentAdded(
        tx,
        comment_id=comment_id,
        task_id=subject.task_id,
        project_id=subject.project_id,
        task_type_id=subject.task_type_id,
        parent_id=subject.parent_id,
        author_id=subject.author_id,
        persons=named(text, "@", subject.team),
        departments=named(text, "@", subject.departments),
        for_client=for_client,
        by_client=subject.author_is_client,
        changes_status=changes_status,
        at=at,
        now=now,
    )


def check_retakes(subject: Subject) -> None:
    """Refuse to send a task back once more than its production allows."""
    if not subject.status.is_retake or subject.status.id == subject.state.task_status_id or subject.max_retakes <= 0:
        return
    if subject.state.retake_count >= subject.max_retakes:
        raise BadRequest(f"task_status_id: the task had its {subject.max_retakes} retakes already.")


async def post(tx: Transaction, subject: Subject, new: NewComment, *, chain: int = 0) -> UUID:
    """Write a comment with all it causes; its id. Raises BadRequest when the retakes are used up."""
    check_retakes(subject)
    now = utc_now()
    at = new.created_at or now
    latest = is_latest(subject.state, at)
    if latest:
        at = next_moment(subject.state, at)
    after = after_status(subject.state, subject.status, at)
    changes_status = latest and after.task_status_id != subject.state.task_status_id
    comment_id = uuid4()
    added = _added(
        tx, subject, comment_id, new.text, at=at, now=now, for_client=new.for_client, changes_status=changes_status
    )
    row = await _POST.run(
        tx,
        added,
        makes_news=not subject.is_concept,
        text=new.text,
        checklist=new.checklist,
        links=new.links,
        status_id=subject.status.id,
        retake_count=after.retake_count,
        real_start_date=after.real_start_date,
        end_date=after.end_date,
        done_date=after.done_date,
        latest=latest,
    )
    _announce_comment(subject, added)
    if not new.copied:
        await _follow_hashtags(tx, subject, new, chain)
    if latest:
        _announce_state(tx, subject, comment_id, changes_status=changes_status)
    else:
        await recount.from_comments(tx, subject.task_id)
    _announce_told(subject, added, row)
    if changes_status and chain < _LONGEST_CHAIN:
        for automation in subject.automations:
            await _automate(tx, subject, automation, chain)
    return comment_id


async def post_many(tx: Transaction, posts: Sequence[tuple[Subject, NewComment]]) -> list[UUID]:
    """Write comments, in this order, with all they cause; their ids. Raises BadRequest when retakes are used up."""
    return [await post(tx, subject, new) for subject, new in posts]


async def post_allowed(tx: Transaction, posts: Sequence[tuple[Subject, NewComment]]) -> list[UUID | None]:
    """Write comments as `post_many` does, but pass over those whose task had its retakes: None instead of an id."""
    ids: list[UUID | None] = []
    for subject, new in posts:
        try:
            check_retakes(subject)
        except BadRequest:
            ids.append(None)
        else:
            ids.append(await post(tx, subject, new))
    return ids


async def arrive(
    tx: Transaction, subject: Subject, comment_id: UUID, text: str, *, at: datetime, now: datetime, for_client: bool
) -> None:
    """Tell of a comment that comes from another task, as of a new one."""
    added = _added(tx, subject, comment_id, text, at=at, now=now, for_client=for_client)
    _announce_comment(subject, added)
    _announce_told(subject, added, await _ARRIVE.run(tx, added, makes_news=not subject.is_concept))


def _announce_state(tx: Transaction, subject: Subject, comment_id: UUID, *, changes_status: bool) -> None:
    tx.emit(TASK_UPDATE, project_id=subject.project_id, task_id=subject.task_id)
    if not changes_status:
        return
    about = {
        "task_id": subject.task_id,
        "new_task_status_id": subject.status.id,
        "previous_task_status_id": subject.state.task_status_id,
        "person_id": subject.author_id,
    }
    tx.emit(TASK_STATUS_CHANGED, project_id=subject.project_id, **about)
    if subject.status.is_feedback_request:
        tx.emit(TASK_TO_REVIEW, project_id=subject.project_id, comment_id=comment_id, **about)


def _announce_comment(subject: Subject, added: CommentAdded) -> None:
    added.tx.emit(
        COMMENT_NEW,
        project_id=subject.project_id,
        comment_id=added.comment_id,
        task_id=subject.task_id,
        task_status_id=subject.status.id,
        person_id=subject.author_id,
        for_client=added.for_client,
    )


def _announce_told(subject: Subject, added: CommentAdded, row: asyncpg.Record) -> None:
    """Tell of the notifications and the news that came with a comment."""
    COMMENT_ADDED.tell(added, row)
    if row["news_id"] is not None:
        added.tx.emit(
            NEWS_NEW,
            project_id=subject.project_id,
            news_id=row["news_id"],
            task_status_id=subject.status.id,
            task_type_id=subject.task_type_id,
        )


async def _follow_hashtags(tx: Transaction, subject: Subject, new: NewComment, chain: int) -> None:
    """Repeat the text on the sibling tasks it names, in the status they have."""
    if not subject.siblings:
        return
    targets = [task_id for task_id, _ in subject.siblings]
    if not named(new.text, "#", [("all", "all")], any_case=True):
        targets = named(new.text, "#", subject.siblings, any_case=True)
    copy = NewComment(
        f"{new.text}\n\n---\nFrom {subject.task_type_name}",
        for_client=new.for_client,
        created_at=new.created_at,
        copied=True,
    )
    for task_id in targets:
        sibling = await load(tx, task_id, status_id=None, author_id=subject.author_id, text=copy.text, hashtags=False)
        await post(tx, sibling, copy, chain=chain + 1)


async def _automate(tx: Transaction, subject: Subject, automation: Automation, chain: int) -> None:
    if automation.out_field_type == "ready_for":
        await _mark_ready(tx, subject.entity_id, subject.project_id, subject.kind, automation.out_task_type_id)
        return
    if automation.out_task_id is None or automation.out_task_status_id is None:
        return
    text = f"Changed by {subject.task_type_name}, now {subject.status_name}."
    target = await load(
        tx,
        automation.out_task_id,
        status_id=automation.out_task_status_id,
        author_id=subject.author_id,
        text=text,
        hashtags=False,
    )
    try:
        async with tx.attempt():
            comment_id = await post(tx, target, NewComment(text, copied=True), chain=chain + 1)
            if automation.import_last_revision:
                way = (subject.task_id, target.task_id, comment_id, subject.project_id, subject.author_id)
                await REVISION_IMPORTED.run(RevisionImport(tx, *way))
    except BadRequest as refused:
        # The person's own comment stands, whatever the retakes or previews of the next task say.
        log.info("an automation does not go through", task=str(target.task_id), reason=refused.message)


async def _mark_ready(tx: Transaction, entity_id: UUID, project_id: UUID, kind: str, task_type_id: UUID | None) -> None:
    """Set what the asset is ready for, and count again how many assets of the shots casting it are ready."""
    if kind != ASSET or task_type_id is None:
        return
    await tx.update(entity, entity_id, ready_for=task_type_id)
    tx.emit(events.UPDATE[ASSET], project_id=project_id, asset_id=entity_id, data={"ready_for": str(task_type_id)})
    await refresh_casting_of(tx, [entity_id])
