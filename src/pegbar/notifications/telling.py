"""Who is told what. Source: spec tasks, "Notifications", "comment access"; spec user, "Worth fixing" 3.

Tasks declare the moments (tasks/hooks.py). What is told of comments and replies is written by the statement that writes
them: the clauses here name, of those concerned, the ones who may see what is said, by the role each has on the
production then. Everybody finds it in the inbox; a job mails and messages those who want it.
"""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY

from pegbar.accounts.standing import Said, as_text, members, on, sees_comment, somebody_written, written
from pegbar.core.data.database import Transaction
from pegbar.core.data.parameters import sql
from pegbar.core.data.schema import Uuid, utc_now
from pegbar.core.hooks import Clause
from pegbar.core.messages.channels import CHANNELS
from pegbar.notifications.events import NOTIFICATION_NEW
from pegbar.notifications.jobs import TELL
from pegbar.tasks.hooks import (
    COMMENT_ADDED,
    COMMENT_EDITED,
    COMMENT_LEFT,
    REPLY_ADDED,
    REPLY_REMOVED,
    TASKS_ASSIGNED,
    Assignment,
    CommentAdded,
    CommentEdited,
    ReplyAdded,
)

#: Whether a person `r` wants messages besides the inbox.
_WANTED = " OR ".join(f"r.{channel.wanted} IS TRUE" for channel in CHANNELS.values())
_WANTS_MESSAGES = f"(r.active IS NOT FALSE AND ({_WANTED}))"


def _allowed(starter: str) -> str:
    """Of the persons `concerned`, those who may see what is said, and whether they want messages.

    `starter` is the parameter that names the author of the comment.
    """
    recipient = on(somebody_written("r"), written(":project_id"))
    about = Said(written(f":{starter}"), written(":project_id"), written(":for_client"))
    entity = written("(SELECT subject.entity_id FROM task subject WHERE subject.id = :task_id)")
    return f"""
    allowed AS (
      SELECT r.id AS person_id, {_WANTS_MESSAGES} AS wants_messages
        FROM person r
       WHERE r.id IN (SELECT person_id FROM concerned)
         AND {as_text(sees_comment(recipient, about, entity, by_client=written(":by_client")))}
    )
    """  # noqa: S608 - rules of ours


def _named(kind: str) -> str:
    """Whom a text names: persons, and those of the team who are of its departments."""
    team = as_text(members(written(":project_id")))
    return f"""
      SELECT unnest(:persons) AS person_id, '{kind}' AS type
      UNION SELECT d.person_id, '{kind}' FROM department_link d
             WHERE d.department_id = ANY(:departments) AND d.person_id IN {team}
    """  # noqa: S608 - rules of ours


_NOTIFIED = (
    "SELECT ROW(notified.id, notified.person_id, allowed.wants_messages) FROM notified JOIN allowed USING (person_id)"
)

_OF_COMMENT = f"""
    concerned AS (
      {_named("mention")}
      UNION SELECT person_id, 'comment' FROM task_person_link WHERE task_id = :task_id
      UNION SELECT person_id, 'comment' FROM subscription WHERE task_id = :task_id
      UNION SELECT person_id, 'comment' FROM subscription
             WHERE entity_id = :parent_id AND task_type_id = :task_type_id
    ), {_allowed("author_id")}, notified AS (
      INSERT INTO notification (id, created_at, updated_at, read, change, type, person_id, author_id, comment_id,
                                task_id)
      SELECT gen_random_uuid(), :at, :now, false, :changes_status AND type = 'comment', type, person_id, :author_id,
             :comment_id, :task_id
        FROM concerned JOIN allowed USING (person_id) WHERE person_id <> :author_id
      RETURNING id, person_id
    )
"""  # noqa: S608 - rules of ours

_OF_REPLY = f"""
    concerned AS (
      {_named("reply-mention")}
      UNION SELECT person_id, 'reply' FROM task_person_link WHERE task_id = :task_id
      UNION SELECT person_id, 'reply' FROM subscription WHERE task_id = :task_id
      UNION SELECT s.person_id, 'reply' FROM subscription s JOIN task t ON t.id = :task_id
              JOIN entity e ON e.id = t.entity_id
             WHERE s.entity_id = e.parent_id AND s.task_type_id = t.task_type_id
      UNION SELECT unnest(:repliers), 'reply'
      UNION SELECT :starter_id, 'reply'
    ), {_allowed("starter_id")}, notified AS (
      INSERT INTO notification (id, created_at, updated_at, read, change, type, person_id, author_id, comment_id,
                                task_id, reply_id)
      SELECT gen_random_uuid(), :now, :now, false, false, type, person_id, :author_id, :comment_id, :task_id, :reply_id
        FROM concerned JOIN allowed USING (person_id)
       WHERE person_id <> :author_id
      RETURNING id, person_id
    )
"""  # noqa: S608 - rules of ours

#: Who is newly named is told; who is not any more is told no longer.
_OF_EDIT = f"""
    concerned AS ({_named("mention")}), {_allowed("author_id")}, forgotten AS (
      DELETE FROM notification WHERE comment_id = :comment_id AND type = 'mention'
         AND person_id NOT IN (SELECT person_id FROM concerned)
    ), notified AS (
      INSERT INTO notification (id, created_at, updated_at, read, change, type, person_id, author_id, comment_id,
                                task_id)
      SELECT gen_random_uuid(), :now, :now, false, false, type, person_id, :author_id, :comment_id, :task_id
        FROM concerned JOIN allowed USING (person_id)
       WHERE person_id <> :author_id
         AND NOT EXISTS (SELECT 1 FROM notification n
                          WHERE n.comment_id = :comment_id AND n.type = 'mention' AND n.person_id = concerned.person_id)
      RETURNING id, person_id
    )
"""  # noqa: S608 - rules of ours


def _announce(moment: CommentAdded | CommentEdited | ReplyAdded, rows: Sequence[Any]) -> None:
    """Tell recipients of their new notifications: rows of ids, persons, and whether they want messages."""
    for notification_id, person_id, _ in rows:
        _emit(moment.tx, moment.project_id, notification_id, person_id)
    _send(moment.tx, (row_id for row_id, _, wants_messages in rows if wants_messages))


def _emit(tx: Transaction, project_id: UUID | None, notification_id: UUID, person_id: UUID) -> None:
    about = {"notification_id": notification_id, "person_id": person_id}
    tx.emit(NOTIFICATION_NEW, project_id=project_id, to=person_id, **about)


def _send(tx: Transaction, notification_ids: Iterable[UUID]) -> None:
    """Leave it to one job to mail and message those who want it."""
    ids = [str(notification_id) for notification_id in notification_ids]
    if ids:
        tx.defer(TELL, notification_ids=ids)


_FORGOTTEN = "forgotten AS (DELETE FROM notification WHERE comment_id = :comment_id"

COMMENT_ADDED.add(Clause("notified", _OF_COMMENT, _NOTIFIED, _announce))
REPLY_ADDED.add(Clause("notified", _OF_REPLY, _NOTIFIED, _announce))
COMMENT_EDITED.add(Clause("notified", _OF_EDIT, _NOTIFIED, _announce))
COMMENT_LEFT.add(Clause("forgotten", f"{_FORGOTTEN})"))
REPLY_REMOVED.add(Clause("forgotten", f"{_FORGOTTEN} AND reply_id = :reply_id)"))


_ASSIGNED = sql(
    f"""
    WITH notified AS (
      INSERT INTO notification (id, created_at, updated_at, read, change, type, person_id, author_id, task_id)
      SELECT gen_random_uuid(), :now, :now, false, false, 'assignation', person.id, :author_id, task.id
        FROM person, task
       WHERE person.id = ANY(:persons) AND person.id <> :author_id AND task.id = ANY(:tasks)
      RETURNING id, person_id, task_id
    )
    SELECT notified.id, notified.person_id, task.project_id, {_WANTS_MESSAGES} AS wants_messages
      FROM notified JOIN task ON task.id = notified.task_id JOIN person r ON r.id = notified.person_id
    """,  # noqa: S608 - a constant
    persons=ARRAY(Uuid),
    tasks=ARRAY(Uuid),
)


@TASKS_ASSIGNED.register()
async def tell_assigned(got: Assignment) -> None:
    """Tell persons that somebody else assigned tasks to them."""
    if not got.task_ids or all(person_id == got.author_id for person_id in got.person_ids):
        return
    tasks, persons = list(got.task_ids), list(got.person_ids)
    rows = await got.tx.rows(_ASSIGNED, now=utc_now(), author_id=got.author_id, tasks=tasks, persons=persons)
    for row in rows:
        _emit(got.tx, row["project_id"], row["id"], row["person_id"])
    _send(got.tx, (row["id"] for row in rows if row["wants_messages"]))
