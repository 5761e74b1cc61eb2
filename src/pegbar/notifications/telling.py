"""Who is told what. Source: spec tasks, "Notifications", "comment access"; spec user, "Worth fixing" 3.

Tasks declare the moments (tasks/hooks.py). What is told of comments and replies is written by the statement that writes
them: the clauses here name, of those concerned, the ones who may see what is said, by the role each has on the
production then. Everybody finds it in the inbox; a job mails and messages those who want it.
"""

from collections.abc import Sequence
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


#: Notifications that one job tells of: a worker that is killed meanwhile does no more again.
_MOST_OF_A_JOB = 500


def _named(kind: str) -> str:
    """Whom the text of a moment names: persons, and those of the team who are of its departments."""
    team = as_text(members(written("moment.project_id")))
    return f"""
      SELECT unnest(moment.persons) AS person_id, '{kind}' AS type
      UNION SELECT d.person_id, '{kind}' FROM department_link d
             WHERE cardinality(moment.departments) > 0
               AND d.department_id = ANY(moment.departments) AND d.person_id IN {team}
    """  # noqa: S608 - rules of ours


def _notified(
    concerned: str, *, starter: str = "author_id", at: str = "now", change: str = "false", reply: str = "NULL::uuid"
) -> str:
    """Notifications for those `concerned` by each moment who may see what is said, but for who says it.

    `starter` is the column with the author of the comment. They are looked up one by one: the planner takes the people
    of departments that a text may name for so many that it reads everybody.
    """
    recipient = on(somebody_written("r"), written("moment.project_id"))
    about = Said(written(f"moment.{starter}"), written("moment.project_id"), written("moment.for_client"))
    entity = written("(SELECT subject.entity_id FROM task subject WHERE subject.id = moment.task_id)")
    return f"""
    notified AS (
      INSERT INTO notification (id, created_at, updated_at, read, change, type, person_id, author_id, comment_id,
                                task_id, reply_id)
      SELECT pegbar.new_id(), moment.{at}, moment.now, false, {change}, concerned.type, r.id, moment.author_id,
             moment.comment_id, moment.task_id, {reply}
        FROM moment
       CROSS JOIN LATERAL ({concerned}) AS concerned
       CROSS JOIN LATERAL (SELECT id, role FROM person WHERE person.id = concerned.person_id OFFSET 0) AS r
       WHERE r.id <> moment.author_id
         AND {as_text(sees_comment(recipient, about, entity, by_client=written("moment.by_client")))}
      RETURNING id, person_id, comment_id, reply_id
    )
    """  # noqa: S608 - rules of ours


_OF_COMMENT = f"""
      {_named("mention")}
      UNION SELECT person_id, 'comment' FROM task_person_link WHERE task_id = moment.task_id
      UNION SELECT person_id, 'comment' FROM subscription WHERE task_id = moment.task_id
      UNION SELECT person_id, 'comment' FROM subscription
             WHERE entity_id = moment.parent_id AND task_type_id = moment.task_type_id
"""  # noqa: S608 - rules of ours

_OF_REPLY = f"""
      {_named("reply-mention")}
      UNION SELECT person_id, 'reply' FROM task_person_link WHERE task_id = moment.task_id
      UNION SELECT person_id, 'reply' FROM subscription WHERE task_id = moment.task_id
      UNION SELECT s.person_id, 'reply' FROM subscription s JOIN task t ON t.id = moment.task_id
              JOIN entity e ON e.id = t.entity_id
             WHERE s.entity_id = e.parent_id AND s.task_type_id = t.task_type_id
      UNION SELECT unnest(moment.repliers), 'reply'
      UNION SELECT moment.starter_id, 'reply'
"""  # noqa: S608 - rules of ours

#: Who is newly named is told; who is not any more is told no longer.
_OF_EDIT = f"""
      SELECT person_id, type FROM ({_named("mention")}) AS named
       WHERE NOT EXISTS (SELECT 1 FROM notification n
                          WHERE n.comment_id = moment.comment_id AND n.type = 'mention'
                            AND n.person_id = named.person_id)
"""  # noqa: S608 - rules of ours

_FORGOTTEN = "forgotten AS (DELETE FROM notification USING moment WHERE notification.comment_id = moment.comment_id"
_NOT_NAMED = f"""
    AND notification.type = 'mention'
    AND notification.person_id NOT IN (SELECT person_id FROM ({_named("mention")}) AS named)
"""  # noqa: S608 - rules of ours


def _rows(key: str) -> str:
    """The new notifications: of which moment, their ids, for whom, and whether these want messages."""
    return f"""
    SELECT ROW(notified.{key}, notified.id, notified.person_id,
               (SELECT {_WANTS_MESSAGES} FROM person r WHERE r.id = notified.person_id))
      FROM notified
    """  # noqa: S608 - rules of ours


def _announce(moment: CommentAdded | CommentEdited | ReplyAdded, rows: Sequence[Any]) -> None:
    """Tell recipients of their new notifications."""
    for _, notification_id, person_id, _ in rows:
        _emit(moment.tx, moment.project_id, notification_id, person_id)


def _emit(tx: Transaction, project_id: UUID | None, notification_id: UUID, person_id: UUID) -> None:
    about = {"notification_id": notification_id, "person_id": person_id}
    tx.emit(NOTIFICATION_NEW, project_id=project_id, to=person_id, **about)


def _mail(tx: Transaction, rows: Sequence[Any]) -> None:
    _send(tx, [row_id for _, row_id, _, wants_messages in rows if wants_messages])


def _send(tx: Transaction, notification_ids: Sequence[UUID]) -> None:
    """Leave it to a job to mail and message those who want it; to several when they are many."""
    ids = [str(notification_id) for notification_id in notification_ids]
    for first in range(0, len(ids), _MOST_OF_A_JOB):
        tx.defer(TELL, notification_ids=ids[first : first + _MOST_OF_A_JOB])


_TOLD = _notified(_OF_COMMENT, at="at", change="moment.changes_status AND concerned.type = 'comment'")
COMMENT_ADDED.add(Clause("notified", _TOLD, _rows("comment_id"), _announce, _mail))
_TOLD_OF_REPLY = _notified(_OF_REPLY, starter="starter_id", reply="moment.reply_id")
REPLY_ADDED.add(Clause("notified", _TOLD_OF_REPLY, _rows("reply_id"), _announce, _mail))
_TOLD_OF_EDIT = f"{_FORGOTTEN} {_NOT_NAMED}), {_notified(_OF_EDIT)}"
COMMENT_EDITED.add(Clause("notified", _TOLD_OF_EDIT, _rows("comment_id"), _announce, _mail))
COMMENT_LEFT.add(Clause("forgotten", f"{_FORGOTTEN})"))
REPLY_REMOVED.add(Clause("forgotten", f"{_FORGOTTEN} AND notification.reply_id = moment.reply_id)"))


_ASSIGNED = sql(
    f"""
    WITH notified AS (
      INSERT INTO notification (id, created_at, updated_at, read, change, type, person_id, author_id, task_id)
      SELECT pegbar.new_id(), :now, :now, false, false, 'assignation', person.id, :author_id, task.id
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
    _send(got.tx, [row["id"] for row in rows if row["wants_messages"]])


_CLIENT_OF = on(somebody_written("r"), written("playlist.project_id"))
_CLIENTS_TOLD = sql(
    f"""
    WITH notified AS (
      INSERT INTO notification (id, created_at, updated_at, read, change, type, person_id, author_id, playlist_id)
      SELECT pegbar.new_id(), :now, :now, false, false, 'playlist-ready', r.id, :author_id, playlist.id
        FROM playlist, person r
       WHERE playlist.id = :playlist_id
         AND {as_text(_CLIENT_OF.in_team & _CLIENT_OF.has_role("client"))}
         AND r.active IS NOT FALSE AND r.is_bot IS NOT TRUE AND r.preview_project_id IS NULL
         AND (:studio_id ::uuid IS NULL OR r.studio_id = :studio_id)
         AND (:department_id ::uuid IS NULL OR EXISTS (
               SELECT 1 FROM department_link d WHERE d.person_id = r.id AND d.department_id = :department_id))
      RETURNING id, person_id, playlist_id
    )
    SELECT notified.id, notified.person_id, playlist.project_id, {_WANTS_MESSAGES} AS wants_messages
      FROM notified JOIN playlist ON playlist.id = notified.playlist_id JOIN person r ON r.id = notified.person_id
    """,  # noqa: S608 - rules of ours
    studio_id=Uuid,
    department_id=Uuid,
)


async def tell_clients(
    tx: Transaction, playlist_id: UUID, *, author_id: UUID, studio_id: UUID | None, department_id: UUID | None
) -> None:
    """Tell the clients in a production's team that a playlist is ready: all, or those of a studio or a department.

    Source: spec review, "POST /data/playlists/{playlist_id}/notify-clients"; its Worth fixing 13: who is not active any
    more is told nothing.
    """
    about = {"author_id": author_id, "studio_id": studio_id, "department_id": department_id}
    rows = await tx.rows(_CLIENTS_TOLD, now=utc_now(), playlist_id=playlist_id, **about)
    for row in rows:
        _emit(tx, row["project_id"], row["id"], row["person_id"])
    _send(tx, [row["id"] for row in rows if row["wants_messages"]])
