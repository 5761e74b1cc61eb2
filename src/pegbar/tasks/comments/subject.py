"""The task that somebody comments: everything the rules of a comment need, in one statement that locks the task.

Whom a text names is found here too: mentions of people and departments, hashtags of task types. A name counts when
nothing that could belong to it follows: the end, a space, punctuation or a new line.
Source: spec tasks, "Posting a comment", "Parsing the text".
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
from sqlalchemy import bindparam, text

from pegbar.accounts.standing import as_text, members, on, somebody_written, written
from pegbar.core.data.database import Transaction
from pegbar.core.data.parameters import sql
from pegbar.core.data.schema import Boolean, Uuid
from pegbar.core.errors import NotFound
from pegbar.entities.kinds import CONCEPT, kind_of
from pegbar.tasks.state import Status, TaskState

K = TypeVar("K")


@dataclass(frozen=True)
class Automation:
    """What a status sets off: a comment on the next task, or the asset's readiness."""

    out_field_type: str
    out_task_type_id: UUID | None
    out_task_status_id: UUID | None
    import_last_revision: bool
    out_task_id: UUID | None


@dataclass(frozen=True)
class Subject:
    """A task, locked, with the status that a comment is about to give it and whom the comment may name."""

    task_id: UUID
    project_id: UUID
    entity_id: UUID
    parent_id: UUID | None
    task_type_id: UUID | None
    task_type_name: str
    department_id: UUID | None
    kind: str
    state: TaskState
    status: Status
    status_name: str
    artists_allowed: bool
    clients_allowed: bool
    max_retakes: int
    author_id: UUID
    author_is_client: bool
    named_in_thread: bool
    team: list[tuple[UUID, str]] = field(default_factory=list)
    departments: list[tuple[UUID, str]] = field(default_factory=list)
    siblings: list[tuple[UUID, str]] = field(default_factory=list)
    automations: list[Automation] = field(default_factory=list)

    @property
    def is_concept(self) -> bool:
        return self.kind == CONCEPT


_SUBJECT = text(
    f"""
    SELECT t.id AS task_id, t.project_id, t.entity_id, e.parent_id, t.task_type_id,
           coalesce(tt.name, '') AS task_type_name, tt.department_id, et.name AS entity_type_name,
           t.task_status_id, coalesce(t.retake_count, 0) AS retake_count, t.real_start_date, t.end_date, t.done_date,
           t.last_comment_date,
           s.id AS status_id, s.name AS status_name, s.is_done, s.is_retake, s.is_wip, s.is_feedback_request,
           coalesce(s.is_artist_allowed, true) AS artists_allowed,
           coalesce(sl.is_client_allowed, s.is_client_allowed, true) AS clients_allowed,
           p.max_retakes, e.data ->> 'max_retakes' AS entity_max_retakes,
           a.id AS author_id,
           coalesce({as_text(on(somebody_written("a"), written("t.project_id")).has_role("client"))}, false)
             AS author_is_client,
           CASE WHEN :asks_thread THEN EXISTS (
             SELECT 1 FROM comment c
              WHERE c.object_id = t.id
                AND (EXISTS (SELECT 1 FROM comment_mentions m WHERE m.comment = c.id AND m.person = :caller_id)
                  OR EXISTS (SELECT 1 FROM comment_department_mentions m
                               JOIN department_link d ON d.department_id = m.department
                              WHERE m.comment = c.id AND d.person_id = :caller_id)
                  OR EXISTS (SELECT 1 FROM jsonb_array_elements(
                                    CASE jsonb_typeof(c.replies) WHEN 'array' THEN c.replies END) r
                              WHERE r -> 'mentions' @> to_jsonb(CAST(:caller_id AS text))
                                 OR EXISTS (SELECT 1 FROM department_link d WHERE d.person_id = :caller_id
                                             AND r -> 'department_mentions' @> to_jsonb(d.department_id::text)))))
           ELSE false END AS named_in_thread,
           CASE WHEN :names_people THEN ARRAY(
             SELECT ROW(o.id, concat_ws(' ', nullif(o.first_name, ''), nullif(o.last_name, '')))
               FROM person o
              WHERE o.id IN {as_text(members(written("t.project_id")))} AND o.preview_project_id IS NULL
              ORDER BY o.id) END AS team,
           CASE WHEN :names_people THEN ARRAY(SELECT ROW(d.id, d.name) FROM department d ORDER BY d.id) END
             AS departments,
           CASE WHEN :names_tasks THEN ARRAY(
             SELECT ROW(o.id, ot.name) FROM task o JOIN task_type ot ON ot.id = o.task_type_id
              WHERE o.entity_id = t.entity_id AND o.task_type_id <> t.task_type_id ORDER BY ot.name, o.name) END
             AS siblings,
           CASE WHEN :changes_status AND s.id IS DISTINCT FROM t.task_status_id THEN ARRAY(
             SELECT ROW(sa.out_field_type, sa.out_task_type_id, sa.out_task_status_id,
                        coalesce(sa.import_last_revision, false),
                        (SELECT o.id FROM task o
                          WHERE o.entity_id = t.entity_id AND o.task_type_id = sa.out_task_type_id
                          ORDER BY o.name, o.id LIMIT 1))
               FROM project_status_automation_link al JOIN status_automation sa ON sa.id = al.status_automation_id
               LEFT JOIN project_task_type_link pin
                      ON pin.project_id = t.project_id AND pin.task_type_id = sa.in_task_type_id
               LEFT JOIN project_task_type_link pout
                      ON pout.project_id = t.project_id AND pout.task_type_id = sa.out_task_type_id
              WHERE al.project_id = t.project_id AND sa.archived IS NOT TRUE
                AND sa.in_task_type_id = t.task_type_id AND sa.in_task_status_id = s.id
                AND lower(coalesce(sa.entity_type, 'asset')) = CASE
                      WHEN et.name IN ('Shot', 'Sequence', 'Episode', 'Scene', 'Edit', 'Concept', 'ConceptFolder')
                      THEN lower(et.name) ELSE 'asset' END
                AND (sa.out_field_type = 'ready_for' OR coalesce(pin.priority, 0) <= coalesce(pout.priority, 0))
              ORDER BY sa.created_at, sa.id) END AS automations
      FROM task t
      JOIN project p ON p.id = t.project_id
      JOIN entity e ON e.id = t.entity_id
      JOIN entity_type et ON et.id = e.entity_type_id
      LEFT JOIN task_type tt ON tt.id = t.task_type_id
      LEFT JOIN task_status s ON s.id = coalesce(:status_id, t.task_status_id)
      LEFT JOIN project_task_status_link sl ON sl.project_id = t.project_id AND sl.task_status_id = s.id
      LEFT JOIN person a ON a.id = :author_id
     WHERE t.id = :task_id
       FOR NO KEY UPDATE OF t
    """  # noqa: S608 - rules of ours
).bindparams(
    *[bindparam(name, type_=Uuid) for name in ("task_id", "status_id", "author_id", "caller_id")],
    *[bindparam(name, type_=Boolean) for name in ("asks_thread", "names_people", "names_tasks", "changes_status")],
)


#: A status of the task's own is read after the task is held: it may be another one by then.
_LOCK = sql("SELECT id FROM task WHERE id = :task_id FOR NO KEY UPDATE")


#: A comment with hashtags may go to the other tasks of the entity too: all are held, in the order of their ids.
_LOCK_ALL = sql(
    """
    SELECT o.id FROM task o WHERE o.entity_id = (SELECT entity_id FROM task WHERE id = :task_id)
     ORDER BY o.id FOR NO KEY UPDATE
    """
)


async def load(
    tx: Transaction,
    task_id: UUID,
    *,
    status_id: UUID | None,
    author_id: UUID,
    text: str,
    caller_id: UUID | None = None,
    hashtags: bool = True,
) -> Subject:
    """Lock the task and read what a comment by `author_id` with this text and status needs.

    Without `status_id` the status is the task's own. With `caller_id` it tells whether the thread names the caller.
    Raises NotFound for an unknown task, status or author.
    """
    names_tasks = hashtags and "#" in text
    if names_tasks or status_id is None:
        await tx.rows(_LOCK_ALL if names_tasks else _LOCK, task_id=task_id)
    row = await tx.row(
        _SUBJECT,
        task_id=task_id,
        status_id=status_id,
        author_id=author_id,
        caller_id=caller_id,
        asks_thread=caller_id is not None,
        names_people="@" in text,
        names_tasks=names_tasks,
        changes_status=status_id is not None,
    )
    if row is None:
        raise NotFound(f"There is no task {task_id}.")
    if row["status_id"] is None:
        raise NotFound(f"task_status_id: there is no task status {status_id}.", field="task_status_id")
    if row["author_id"] is None:
        raise NotFound(f"person_id: there is nobody with the id {author_id}.", field="person_id")
    return _subject(row)


@dataclass(frozen=True)
class Wish:
    """A comment that is going to be made: on which task, with which status (None: the task's own), by whom."""

    task_id: UUID
    status_id: UUID | None
    author_id: UUID
    text: str
    hashtags: bool = True  #: those of the text count


async def load_many(tx: Transaction, wishes: Sequence[Wish]) -> list[Subject]:
    """What `load` reads, of each of these comments. Raises NotFound for the first that cannot be made."""
    return [
        await load(
            tx,
            wish.task_id,
            status_id=wish.status_id,
            author_id=wish.author_id,
            text=wish.text,
            hashtags=wish.hashtags,
        )
        for wish in wishes
    ]


def _subject(row: asyncpg.Record) -> Subject:
    return Subject(
        **{
            name: row[name]
            for name in (
                "task_id",
                "project_id",
                "entity_id",
                "parent_id",
                "task_type_id",
                "task_type_name",
                "department_id",
                "status_name",
                "artists_allowed",
                "clients_allowed",
                "author_id",
                "author_is_client",
                "named_in_thread",
            )
        },
        kind=kind_of(row["entity_type_name"]),
        state=TaskState(
            row["task_status_id"],
            row["retake_count"],
            row["real_start_date"],
            row["end_date"],
            row["done_date"],
            row["last_comment_date"],
        ),
        status=status_of(row, "status_id"),
        max_retakes=_cap(row["max_retakes"], row["entity_max_retakes"]),
        team=_pairs(row["team"]),
        departments=_pairs(row["departments"]),
        siblings=_pairs(row["siblings"]),
        automations=[Automation(*columns) for columns in row["automations"] or ()],
    )


def status_of(row: asyncpg.Record, key: str = "id") -> Status:
    """The status in a row that holds its flags."""
    return Status(
        row[key],
        is_done=bool(row["is_done"]),
        is_retake=bool(row["is_retake"]),
        is_wip=bool(row["is_wip"]),
        is_feedback_request=bool(row["is_feedback_request"]),
    )


def _pairs(rows: list[Any] | None) -> list[tuple[UUID, str]]:
    return [(row[0], row[1]) for row in rows or ()]


def _cap(of_project: int | None, of_entity: str | None) -> int:
    """How many retakes a task may have; 0 for any number. The entity's own cap counts where the production has one."""
    if not of_project or of_project < 0:
        return 0
    try:
        return of_project if of_entity is None else int(float(of_entity))
    except (ValueError, OverflowError):
        return of_project


def named(text: str, mark: str, names: Iterable[tuple[K, str]], *, any_case: bool = False) -> list[K]:
    """The keys of the names that stand in the text after a mark, in their order; of two names the longer counts."""
    known = [(key, name.lower() if any_case else name) for key, name in names if name]
    if not known or mark not in text:
        return []
    longest_first = sorted({name for _, name in known}, key=len, reverse=True)
    pattern = re.escape(mark) + "(" + "|".join(re.escape(name) for name in longest_first) + r")(?!\w)"
    present = set(re.findall(pattern, text.lower() if any_case else text))
    return [key for key, name in known if name in present]
