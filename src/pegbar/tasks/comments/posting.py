"""Posting a comment: the normal way a task changes status.

A person's comment, many at once, copies on sibling tasks (hashtags) and an automation's comment go one way. What
comments cause is written by one statement, however many they are; their events and mails commit with them.
Source: spec tasks, "Posting a comment: pipeline", "Status automations".
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import structlog
from sqlalchemy import ARRAY

from pegbar.core.data.database import Transaction
from pegbar.core.data.schema import JSONB, TIMESTAMP, Boolean, Integer, String, Text, Uuid, utc_now
from pegbar.core.errors import BadRequest
from pegbar.core.hooks import Answers, SharedStatement
from pegbar.core.ids import new_id
from pegbar.entities import events
from pegbar.entities.casting.readiness import refresh_casting_of
from pegbar.entities.kinds import ASSET
from pegbar.entities.tables import entity
from pegbar.tasks import recount
from pegbar.tasks.comments.subject import Automation, Subject, Wish, load, load_many, named
from pegbar.tasks.events import COMMENT_NEW, NEWS_NEW, TASK_STATUS_CHANGED, TASK_TO_REVIEW, TASK_UPDATE
from pegbar.tasks.hooks import COMMENT_ADDED, REVISION_IMPORTED, CommentAdded, RevisionImport
from pegbar.tasks.state import TaskState, after_status, is_latest, next_moment

log = structlog.get_logger()

#: An automation may set off another one; a circle of them ends here.
_LONGEST_CHAIN = 10


class NewComment(msgspec.Struct, frozen=True):
    """What somebody says on a task."""

    text: str
    checklist: list[Any] = []
    links: list[str] = []
    for_client: bool = False
    created_at: datetime | None = None
    copied: bool = False  #: repeated from another task: its hashtags are not followed again


class _Planned(msgspec.Struct, frozen=True):
    """A comment about to be written, and what it does."""

    subject: Subject
    new: NewComment
    added: CommentAdded
    after: TaskState  #: of the task, when the comment is its latest
    latest: bool
    copied_to: list[UUID]  #: the sibling tasks that its hashtags name
    automations: list[Automation]

    @property
    def stays_alone(self) -> bool:
        """It changes nothing but its own task, and that as planned."""
        return self.latest and not self.copied_to and not self.automations


#: How many comments one statement writes at most: others are served between two.
_AT_ONCE = 1000

#: A comment is news; whom it concerns is told of it.
_PUBLISHED = """
    published AS (
      INSERT INTO news (id, created_at, updated_at, change, author_id, comment_id, task_id)
      SELECT pegbar.new_id(), at, now, changes_status, author_id, comment_id, task_id FROM moment WHERE makes_news
      RETURNING comment_id, id
    )
"""
_NEWS = "SELECT ROW(comment_id, id) FROM published"
_MAKES_NEWS = {"makes_news": Boolean}

#: Whom texts name: most name nobody, and triggers look at what inserts nothing, too.
_MENTIONS = """
    mentions AS (
      INSERT INTO comment_mentions (comment, person) SELECT comment_id, unnest(persons) FROM moment
    ), department_mentions AS (
      INSERT INTO comment_department_mentions (comment, department) SELECT comment_id, unnest(departments) FROM moment
    ),
"""


def _posting(mentions: str = "") -> SharedStatement[CommentAdded]:
    """The statement of comments. Of several comments on a task the last one decides what becomes of it."""
    return COMMENT_ADDED.statement(
        f"""
        posted AS (
          INSERT INTO comment (id, created_at, updated_at, object_id, object_type, text, replies, checklist, links,
                               task_status_id, person_id, for_client)
          SELECT comment_id, at, now, task_id, 'Task', text, '[]', checklist, links, status_id, author_id, for_client
            FROM moment
        ), {mentions} changed AS (
          UPDATE task SET task_status_id = moment.status_id, retake_count = moment.retake_count,
                          real_start_date = moment.real_start_date, end_date = moment.end_date,
                          done_date = moment.done_date, last_comment_date = moment.at, updated_at = moment.now
            FROM moment WHERE task.id = moment.task_id AND moment.decides
        ), {_PUBLISHED}
        """,  # noqa: S608 - a constant
        {
            **_MAKES_NEWS,
            **dict.fromkeys(("real_start_date", "end_date", "done_date"), TIMESTAMP),
            "decides": Boolean,
            "status_id": Uuid,
            "retake_count": Integer,
            "text": Text,
            "checklist": JSONB,
            "links": ARRAY(String),
        },
        news=_NEWS,
    )


_POST, _POST_WITH_MENTIONS = _posting(), _posting(_MENTIONS)
#: What a comment that was moved causes on the task it comes to.
_ARRIVE = COMMENT_ADDED.statement(_PUBLISHED, _MAKES_NEWS, news=_NEWS)


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


def _retakes_used_up(subject: Subject) -> bool:
    """The comment would send the task back once more than its production allows."""
    return subject.status.is_retake and subject.changes_status and 0 < subject.max_retakes <= subject.state.retake_count


async def post(tx: Transaction, subject: Subject, new: NewComment) -> UUID:
    """Write a comment with all it causes; its id. Raises BadRequest when the retakes are used up."""
    (comment_id,) = await post_many(tx, [(subject, new)])
    return comment_id


async def post_many(tx: Transaction, posts: Sequence[tuple[Subject, NewComment]], *, chain: int = 0) -> list[UUID]:
    """Write comments, in this order, with all they cause; their ids. Raises BadRequest when retakes are used up.

    Those that change nothing but their own task are written together, a statement for a thousand.
    """
    comment_ids = await _post_all(tx, posts, chain, pass_over=False)
    return [comment_id for comment_id in comment_ids if comment_id is not None]


async def post_allowed(tx: Transaction, posts: Sequence[tuple[Subject, NewComment]]) -> list[UUID | None]:
    """Write comments as `post_many` does, but pass over those whose task had its retakes: None instead of an id."""
    return await _post_all(tx, posts, 0, pass_over=True)


async def _post_all(
    tx: Transaction, posts: Sequence[tuple[Subject, NewComment]], chain: int, *, pass_over: bool
) -> list[UUID | None]:
    subjects = [subject for subject, _ in posts]
    on_entity: dict[UUID, list[int]] = {}
    for place, subject in enumerate(subjects):
        on_entity.setdefault(subject.entity_id, []).append(place)
    comment_ids: list[UUID | None] = []
    last: dict[UUID, _Planned] = {}  # of each task
    run: list[_Planned] = []
    for place, (_, new) in enumerate(posts):
        subject = subjects[place]
        if (before := last.get(subject.task_id)) is not None:
            subject = subject.after(before.after, before.subject.status)
        if _retakes_used_up(subject):
            if not pass_over:
                raise BadRequest(f"task_status_id: the task had its {subject.max_retakes} retakes already.")
            comment_ids.append(None)
            continue
        planned = last[subject.task_id] = _plan(tx, subject, new, chain)
        comment_ids.append(planned.added.comment_id)
        run.append(planned)
        if planned.stays_alone and len(run) < _AT_ONCE:
            continue
        await _write(tx, run, chain)
        run = []
        if not planned.stays_alone:
            # What it set off changed other tasks of its entity.
            stale = [other for other in on_entity[subject.entity_id] if other > place]
            for other, fresh in zip(stale, await load_many(tx, [subjects[n].wish for n in stale]), strict=True):
                if fresh.state == subjects[other].written:
                    continue  # it is as its own comment will have it
                subjects[other] = fresh
                last.pop(fresh.task_id, None)
    await _write(tx, run, chain)
    return comment_ids


def _plan(tx: Transaction, subject: Subject, new: NewComment, chain: int) -> _Planned:
    now = utc_now()
    at = new.created_at or now
    latest = is_latest(subject.state, at)
    if latest:
        at = next_moment(subject.state, at)
    changes_status = latest and subject.changes_status
    return _Planned(
        subject,
        new,
        _added(
            tx, subject, new_id(), new.text, at=at, now=now, for_client=new.for_client, changes_status=changes_status
        ),
        after=after_status(subject.state, subject.status, at),
        latest=latest,
        copied_to=[] if new.copied else _named_siblings(subject, new.text),
        automations=subject.automations if changes_status and chain < _LONGEST_CHAIN else [],
    )


async def _write(tx: Transaction, run: Sequence[_Planned], chain: int) -> None:
    """Write comments in one statement. Only the last may change more than its own task."""
    if not run:
        return
    deciding = {planned.subject.task_id: planned for planned in run if planned.latest}
    names_somebody = any(planned.added.persons or planned.added.departments for planned in run)
    answers = await (_POST_WITH_MENTIONS if names_somebody else _POST).run(
        tx,
        [planned.added for planned in run],
        makes_news=[not planned.subject.is_concept for planned in run],
        decides=[
            deciding.get(planned.subject.task_id) is planned and planned.after != planned.subject.written
            for planned in run
        ],
        text=[planned.new.text for planned in run],
        checklist=[planned.new.checklist for planned in run],
        links=[planned.new.links for planned in run],
        status_id=[planned.subject.status.id for planned in run],
        **{
            name: [getattr(planned.after, name) for planned in run]
            for name in ("retake_count", "real_start_date", "end_date", "done_date")
        },
    )
    for planned in run:
        _announce_comment(planned.subject, planned.added)
        if planned.copied_to:
            await _copy(tx, planned, chain)
        if planned.latest:
            _announce_state(tx, planned)
        else:
            await recount.from_comments(tx, planned.subject.task_id)
        _announce_told(planned.subject, planned.added, answers)
        for automation in planned.automations:
            await _automate(tx, planned, automation, chain)


async def arrive(
    tx: Transaction, subject: Subject, comment_id: UUID, text: str, *, at: datetime, now: datetime, for_client: bool
) -> None:
    """Tell of a comment that comes from another task, as of a new one."""
    added = _added(tx, subject, comment_id, text, at=at, now=now, for_client=for_client)
    _announce_comment(subject, added)
    answers = await _ARRIVE.run(tx, [added], makes_news=[not subject.is_concept])
    _announce_told(subject, added, answers)


def _announce_state(tx: Transaction, planned: _Planned) -> None:
    subject, comment_id = planned.subject, planned.added.comment_id
    tx.emit(TASK_UPDATE, project_id=subject.project_id, task_id=subject.task_id)
    if not planned.added.changes_status:
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


def _announce_told(subject: Subject, added: CommentAdded, answers: Answers) -> None:
    """Tell of the notifications and the news that came with a comment."""
    COMMENT_ADDED.tell(added, answers)
    for _, news_id in answers["news"].get(added.comment_id, ()):
        added.tx.emit(
            NEWS_NEW,
            project_id=subject.project_id,
            news_id=news_id,
            task_status_id=subject.status.id,
            task_type_id=subject.task_type_id,
        )


def _named_siblings(subject: Subject, text: str) -> list[UUID]:
    """The other tasks of the entity that hashtags name."""
    if named(text, "#", [(True, "all")], any_case=True):
        return [task_id for task_id, _ in subject.siblings]
    return named(text, "#", subject.siblings, any_case=True)


async def _copy(tx: Transaction, planned: _Planned, chain: int) -> None:
    """Repeat the text on the sibling tasks it names, in the status they have."""
    subject, new = planned.subject, planned.new
    copy = NewComment(
        f"{new.text}\n\n---\nFrom {subject.task_type_name}",
        for_client=new.for_client,
        created_at=new.created_at,
        copied=True,
    )
    wishes = [Wish(task_id, None, subject.author_id, copy.text, hashtags=False) for task_id in planned.copied_to]
    await post_many(tx, [(sibling, copy) for sibling in await load_many(tx, wishes)], chain=chain + 1)


async def _automate(tx: Transaction, planned: _Planned, automation: Automation, chain: int) -> None:
    subject = planned.subject
    if automation.out_field_type == "ready_for":
        if subject.kind == ASSET and automation.out_task_type_id is not None:
            _name(tx, planned, automation)
            await _mark_ready(tx, subject.entity_id, subject.project_id, automation.out_task_type_id)
        return
    if automation.out_task_id is None or automation.out_task_status_id is None:
        return
    text = f"Changed by {subject.task_type_name}, now {subject.status_name}."
    wish = Wish(automation.out_task_id, automation.out_task_status_id, subject.author_id, text, hashtags=False)
    target = await load(tx, wish)
    try:
        async with tx.attempt():
            _name(tx, planned, automation)
            (comment_id,) = await post_many(tx, [(target, NewComment(text, copied=True))], chain=chain + 1)
            if automation.import_last_revision:
                way = (subject.task_id, target.task_id, comment_id, subject.project_id, subject.author_id)
                await REVISION_IMPORTED.run(RevisionImport(tx, *way))
    except BadRequest as refused:
        # The person's own comment stands, whatever the retakes or previews of the next task say.
        log.info("an automation does not go through", task=str(target.task_id), reason=refused.message)


def _name(tx: Transaction, planned: _Planned, automation: Automation) -> None:
    """Have the history name an automation, and the comment that sets it off."""
    tx.part_of("automation", automation.id)
    tx.part_of("comment", planned.added.comment_id)


async def _mark_ready(tx: Transaction, asset_id: UUID, project_id: UUID, task_type_id: UUID) -> None:
    """Set what the asset is ready for, and count again how many assets of the shots casting it are ready."""
    await tx.update(entity, asset_id, ready_for=task_type_id)
    tx.emit(events.UPDATE[ASSET], project_id=project_id, asset_id=asset_id, data={"ready_for": str(task_type_id)})
    await refresh_casting_of(tx, [asset_id])
